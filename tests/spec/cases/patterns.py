"""Patterns: what is in the subset, what is not, and what is found."""

from .base import NO, PARSE_ERROR, YES, ruled, shown, test

# A pattern, then texts in which it is found, then texts in which it is not.
FOUND = [
    ("abc", ["abc", "xabcx"], ["ab", "ABC", "a bc", ""]),
    ("", ["", "x"], []),
    ("a|b", ["a", "b", "cab"], ["c", ""]),
    ("a|", ["a", "", "x"], []),
    ("^(a|b)$", ["a", "b"], ["ab", "c", ""]),
    ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
    ("^$", [""], [" ", "\n"]),
    ("^abc$", ["abc"], ["abc\n", "\nabc", "abcabc", "x\nabc\ny"]),
    ("a$", ["a", "ba"], ["a\n", "ab", "a\nb"]),
    ("^b", ["b"], ["a\nb", "a\rb"]),
    ("$^", [""], ["a"]),
    ("a^b", [], ["ab", "a^b", "a\nb"]),
    (".", ["a", " ", "\t", "\U0001f9a9", "\u0085", "\u0000", "\u000b", "\u000c"], ["", "\n", "\r", "\u2028", "\u2029"]),
    ("^.$", ["\U0001f9a9", "\u00e9"], ["e\u0301", "ab"]),
    ("^a.c$", ["abc", "a\tc"], ["a\nc", "ac"]),
    ("\\d", ["0", "a9"], ["\u0661", "\u00bd", "\uff11", "a"]),
    ("^\\D$", ["a", "\u0661", "\n"], ["0", "ab"]),
    ("^\\w+$", ["az_AZ09"], ["\u00e9", "a-b", "\u0661", "", "\u017f"]),
    ("\\W", ["-", "\u00e9", " ", "\n"], ["a", "_", "0", ""]),
    ("^\\s$", [" ", "\t", "\n", "\u000b", "\u000c", "\r", "\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"],
     ["\u0085", "\u180e", "\u200b", "\u2060", "\u001c", "\u001f", "a", ""]),
    ("^\\S$", ["\u0085", "\u180e", "\u200b", "\u001c", "a"], [" ", "\ufeff", "\u00a0", "\u2029"]),
    ("\\n\\r\\t", ["\n\r\t"], ["nrt", "\\n\\r\\t"]),
    ("^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/$", ["^$\\.*+?()[]{}|/"], ["^$\\.*+?()[]{}|"]),
    ("a/b", ["a/b"], ["ab"]),
    ("a-b_c,d e\"'`~!@#%&=:;<>", ["a-b_c,d e\"'`~!@#%&=:;<>"], ["a-b"]),
    ("#x", ["#x"], ["x"]),
    ("a b", ["a b"], ["ab"]),
    ("\u65d7+\U0001f9a9", ["\u65d7\u65d7\U0001f9a9"], ["\u65d7", "\U0001f9a9"]),
    ("^\U0001f9a9{2}$", ["\U0001f9a9\U0001f9a9"], ["\U0001f9a9"]),
    ("^[\U0001f9a9\U0001f6a9]$", ["\U0001f9a9", "\U0001f6a9"], ["\U0001f6aa", "\ufffd"]),
    ("^[\U0001f600-\U0001f64f]$", ["\U0001f600", "\U0001f610", "\U0001f64f"], ["\U0001f650", "\U0001f5ff"]),
    ("^[abc]$", ["a", "c"], ["d", "", "ab", "A"]),
    ("^[^abc]$", ["d", "\n", "\u2028", "\U0001f9a9"], ["a", ""]),
    ("^[a-c]$", ["a", "b", "c"], ["d", "-", "`"]),
    ("^[a-cx-z0-9]$", ["b", "y", "5"], ["d", "w", "-"]),
    ("^[a-a]$", ["a"], ["b", "-"]),
    ("^[\\t-\\r]$", ["\t", "\n", "\u000b", "\r"], ["t", " "]),
    ("^[\\$-\\.]$", ["$", "-", "."], ["/", "#", "\\"]),
    ("^[\\--0]$", ["-", ".", "0"], ["1", ","]),
    ("^[!-\\-]$", ["!", "-", "+"], [".", "\\"]),
    ("^[-a]$", ["-", "a"], ["b"]),
    ("^[a-]$", ["-", "a"], ["b"]),
    ("^[-]$", ["-"], ["a"]),
    ("^[a-b-]x-$", ["ax-", "-x-"], ["cx-"]),
    ("^[^-a]$", ["b"], ["-", "a"]),
    ("^[a\\-c]$", ["a", "-", "c"], ["b"]),
    ("^[\\d_]$", ["0", "_"], ["a", "\\", "d"]),
    ("^[\\w-]$", ["a", "-"], ["\u00e9", "\\"]),
    ("^[^\\s]$", ["a", "\u0085"], [" ", "\ufeff"]),
    ("^[\\S ]$", ["a", " "], ["\t"]),
    ("^[\\D5]$", ["5", "a"], ["4"]),
    ("^[^\\W_]$", ["a", "0"], ["_", "-"]),
    ("^[\\n\\r\\t]$", ["\n", "\r", "\t"], ["n", "\\"]),
    ("^[.$*+?(){}|/]$", [".", "$", "*", "|", "/", "("], ["\\", "a", "["]),
    ("^[\\]\\[\\\\\\^]$", ["]", "[", "\\", "^"], ["a"]),
    ("^[a^]$", ["a", "^"], ["b"]),
    ("^[a&&b]$", ["a", "&", "b"], ["c"]),
    ("^[a~~b]$", ["a", "~", "b"], ["c"]),
    ("^[:alpha:]$", [":", "a", "l"], ["z", "["]),
    ("^[ab#c ]$", ["#", " "], ["d"]),
    ("ab*c", ["ac", "abc", "abbbbc"], ["adc"]),
    ("ab+c", ["abc", "abbc"], ["ac"]),
    ("^ab?c$", ["ac", "abc"], ["abbc"]),
    ("^a{3}$", ["aaa"], ["aa", "aaaa"]),
    ("^a{0}$", [""], ["a"]),
    ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
    ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
    ("^a{0,2}$", ["", "a", "aa"], ["aaa"]),
    ("^a{100}$", ["a" * 100], ["a" * 99, "a" * 101]),
    ("^a{2,2}$", ["aa"], ["a"]),
    ("^a*?$", ["", "aaa"], ["b"]),
    ("^a+?b$", ["aab"], ["b"]),
    ("^a??b$", ["b", "ab"], ["aab"]),
    ("^a{1,2}?$", ["a", "aa"], ["aaa"]),
    ("^a{2}?$", ["aa"], ["a", ""]),
    ("^a{2,}?$", ["aa", "aaa"], ["a"]),
    ("^(ab)+$", ["ab", "abab"], ["aba", ""]),
    ("^(?:ab)*$", ["", "abab"], ["a"]),
    ("^((ab)c){2}$", ["abcabc"], ["abc"]),
    ("^(a+)(b+)$", ["aabb"], ["aa", "bb"]),
    ("^(a|bc)d$", ["ad", "bcd"], ["abcd", "d"]),
    ("^(?:a|b|)$", ["a", "b", ""], ["c"]),
    ("()", ["", "a"], []),
    ("^(a)(b)?$", ["a", "ab"], ["b"]),
    ("^[^@]+@example\\.com$", ["person@example.com", "a b@example.com"], ["person@example.org", "@example.com", "a@b@example.com", "person@exampleXcom"]),
    ("^\\d{4}-\\d{2}$", ["2026-10"], ["202-10", "2026-1"]),
    ("^(?:[01]\\d|2[0-3]):[0-5]\\d$", ["23:59", "00:00"], ["24:00", "7:30"]),
    ("\\/checkout\\/", ["/checkout/pay"], ["checkout"]),
    ("^a{0,9}b{0,9}c{0,9}$", ["", "abc", "a" * 9 + "c" * 9], ["a" * 10]),
    (".*x.*", ["x", "axb"], ["a\nb", ""]),
    ("^[\\s\\S]*$", ["", "a\nb\u2028"], []),
    ("^.*$", ["", "abc"], ["a\nb"]),
    ("\\\\d", ["\\d"], ["1"]),
]
IGNORING_CASE = [
    ("abc", ["ABC", "aBc"], ["abd"]),
    ("ABC", ["abc"], ["ab"]),
    ("^[a-z]$", ["A", "z", "\u212a", "\u017f"], ["0", "[", "`", "\u0131", "\u0130"]),
    ("^[A-Z]$", ["a"], ["_"]),
    ("^[^a-z]$", ["0", "\u00e9"], ["A", "k", "\u212a"]),
    ("\u00c9", ["\u00e9"], ["e"]),
    ("^k$", ["K", "\u212a"], ["x"]),
    ("^s$", ["S", "\u017f"], []),
    ("^\u03c3$", ["\u03a3", "\u03c2"], ["s"]),
    ("^\u00df$", ["\u1e9e", "\u00df"], ["ss", "SS"]),
    ("^i$", ["I"], ["\u0131", "\u0130"]),
    ("^\U00010428$", ["\U00010400"], []),
    ("^\u01c6$", ["\u01c4", "\u01c5"], ["d\u017e"]),
    ("\\d", ["1"], ["a"]),
    ("^\\w$", ["a", "Z", "_"], ["\u00e9", "-"]),
    ("^\\W$", ["-", "\u00e9"], ["a", "Z"]),
    ("^[\\d_]$", ["_", "3"], ["a"]),
    ("a{2}", ["Aa"], ["a"]),
]
OUTSIDE = [
    # No such escape.
    "\\b", "\\B", "\\p{L}", "\\P{L}", "\\u0041", "\\u{41}", "\\x41", "\\0", "\\1", "(a)\\1", "\\k<n>", "\\v", "\\f", "\\a", "\\A", "\\z", "\\Z", "\\G", "\\h",
    "\\R", "\\Q", "\\e", "\\cA", "\\-", "\\_", "\\ ", "\\,", "\\@", "\\\"", "\\\u00e9", "\\",
    # Groups.
    "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?<n>a)", "(?P<n>a)", "(?i)a", "(?i:a)", "(?#a)", "(?>a)", "(?|a)", "(", ")", "(a", "a)", "((a)", "(?", "(?:a", "(*a)",
    # Classes.
    "[", "[a", "]", "a]", "[]", "[^]", "[]a]", "[[a]", "[a[b]]", "[[:alpha:]]", "[z-a]", "[b-a]", "[a-c-e]", "[a-\\d]", "[\\d-z]", "[\\b]", "[\\B]",
    "[\\p{L}]", "[\\u0041]", "[\\x41]", "[\\1]", "[\\0]", "[\\q]", "[a\\]", "[\\e]", "[a--b]", "[\\_]",
    # Quantifiers.
    "*", "+", "?", "{2}", "*a", "|*", "(*)", "(|+)", "a**", "a++", "a*+", "a???", "a*??", "a{2}{3}", "a{2}*", "a?+", "a{101}", "a{0,101}", "a{101,}", "a{1000000}", "a{3,2}",
    "a{", "a}", "a{}", "a{,}", "a{,3}", "a{1", "a{1,", "a{1,2", "a{b}", "a{1,b}", "a{ 1}", "a{1 }", "a{1, 2}", "a{-1}", "a{1,2,3}", "{", "}", "x{,2}", "^*", "$+", "^?", "^{2}",
    "$?", "(a+)+", "(a*)*", "(a?)+", "(a{2})*", "(a|b)*", "(a|b)+", "(a|b)?", "(a|b){2}", "(?:a|b)*", "((a|b))*", "((a+))?", "(?:a+)?", "(a(b|c)d)*", "(|a)+",
    "a*b*c*", "a+b+c+", "a{1,}b{2,}c{3,}", ".*x.*y.*", "(a*)(b*)(c*)", "a*|b*|c*", "a{0,99}b{0,10}", "a{0,9}b{0,9}c{0,10}", "a{0,9}b{0,9}c{0,9}d?", "a{0,9}b{0,9}c{0,9}|d?",
    "[ab]{0,99}[cd]{0,9}x?",
]


def pattern_cases(cases):
    for table, more, title in [(FOUND, {}, ""), (IGNORING_CASE, {"ignoreCase": True}, " ignoring case")]:
        for pattern, found, not_found in table:
            for text, expected in [(one, YES) for one in found] + [(one, NO) for one in not_found]:
                cases.add(f"matches {shown(pattern)}{title} of {shown(text)}", ruled(test("matches", pattern, **more)), expected, attributes={"x": text})
    for pattern in OUTSIDE:
        cases.add(f"broken: matches {shown(pattern)}", ruled(test("matches", pattern)), PARSE_ERROR, attributes={"x": "a"}, only_compiler=True)
    cases.add("broken: one pattern of a list", ruled(test("matches", ["a", "b+", "(?=c)"])), PARSE_ERROR, attributes={"x": "a"}, only_compiler=True)
    cases.add("one pattern of a list is found", ruled(test("matches", ["^a$", "^b+$"])), YES, attributes={"x": "bb"})
    cases.add("no pattern of a list is found", ruled(test("matches", ["^a$", "^b+$"])), NO, attributes={"x": "ab"})


def border_cases(cases):
    nested = lambda depth: "(" * depth + "a" + ")" * depth
    for name, pattern, text, expected in [
        ("a pattern of 256 characters", "a" * 256, "a" * 256, YES),
        ("a pattern of 256 astral characters", "\U0001f9a9" * 256, "\U0001f9a9" * 256, YES),
        ("groups nested 16 deep", nested(16), "a", YES),
        ("twenty groups beside each other", "(a)" * 20, "a" * 20, YES),
        ("two unbounded quantifiers", "^a*b+$", "aab", YES),
        ("two unbounded quantifiers, and ten ways", "^a*b+c{0,9}$", "bcc", YES),
        ("an unbounded quantifier, and a hundred ways", "^a*c{0,9}d{0,9}$", "acd", YES),
        ("exactly 1000 ways with ?", "^a{1,100}b{1,5}c?$", "abc", YES),
        ("nine groups of two alternatives", "^" + "(a|b)" * 9 + "$", "abababaab", YES),
        ("the ways of alternatives are added", "^(?:a{0,99}|(?:b{0,99}|c{0,99}))$" + "|d{0,99}" * 7, "bb", YES),
        ("many fixed repetitions have one way each", "^" + "a{9}" * 20 + "$", "a" * 180, YES),
        ("a subject of 1024 characters", "^a*$", "a" * 1024, YES),
        ("a subject of 1025 characters", "^a*$", "a" * 1025, NO),
        ("a subject of 1025 characters, the pattern being empty", "", "a" * 1025, NO),
        ("a subject of 1024 astral characters", "^.*$", "\U0001f9a9" * 1024, YES),
        ("a subject of 1025 astral characters", "^.*$", "\U0001f9a9" * 1025, NO),
        ("two unbounded quantifiers anywhere in 256 characters", "a*b+", "a" * 255 + "b", YES),
        ("two unbounded quantifiers anywhere in 257 characters", "a*b+", "a" * 256 + "b", NO),
        ("two unbounded quantifiers from the beginning of 257 characters", "^a*b+", "a" * 256 + "b", YES),
        ("two unbounded quantifiers in an alternative, 257 characters", "^b|a*b+", "a" * 256 + "b", NO),
        ("one unbounded quantifier anywhere in 1024 characters", "a+b", "a" * 1023 + "b", YES),
        ("found at the very end of 1024 characters", "b$", "a" * 1023 + "b", YES),
        ("what costs a backtracking engine most", "^a*[ab]*c$", "a" * 1023, NO),
        ("what costs a backtracking engine most, and is there", "^a*[ab]*c$", "a" * 1023 + "c", YES),
    ]:
        cases.add(f"matches: {name}", ruled(test("matches", pattern)), expected, attributes={"x": text})
    for name, pattern in [
        ("a pattern of 257 characters", "a" * 257), ("a pattern of 257 astral characters", "\U0001f9a9" * 257), ("groups nested 17 deep", nested(17)),
        ("1010 ways", "a{0,100}b{1,10}"), ("ten times ?", "a?" * 10), ("ten groups of two alternatives", "(a|b)" * 10),
        ("an unbounded quantifier, and 101 ways", "a*b{0,100}"), ("an unbounded quantifier, and 101 alternatives", "a*(?:" + "|" * 100 + ")"),
        ("two unbounded quantifiers, and eleven ways", "a*b+(?:c{0,9}|d)"), ("1001 ways in alternatives", "a{0,99}|" * 10 + "b"),
        ("alternatives that exponential time would be needed for", "^" + "(a|a)" * 40 + "$"), ("three unbounded quantifiers in three groups", "(a*)(b+)(c{1,})"),
    ]:
        cases.add(f"broken: matches with {name}", ruled(test("matches", pattern)), PARSE_ERROR, only_compiler=len(pattern) <= 256)
    cases.add("matches: nine times ? are 512 ways", ruled(test("matches", "^" + "a?" * 9 + "$")), YES, attributes={"x": "aaaa"})
