//! The subset of regular expressions that `matches` takes: it means the same in every engine, and takes bounded time.
//!
//! The engine checks a pattern here and never runs one itself: [`super::platform::Platform::matches`] does.

/// The longest pattern, in characters.
pub const MAX_PATTERN: usize = 256;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 1024;
/// The same for a pattern with two quantifiers without an upper bound that may begin anywhere in the subject: the time that engines take
/// grows with the third power of the subject's length.
const MAX_CUBIC_SUBJECT: usize = 256;
/// The most ways through a pattern, without a quantifier that has no upper bound, with one, and with two. The engines of
/// browsers try each way at each place of the subject, and at each length of such a quantifier.
const MAX_WAYS: [u32; 3] = [1000, 100, 10];
/// The largest number in a quantifier: engines write such a repetition out.
const MAX_COUNT: u32 = 100;
/// How deep groups may be nested.
const MAX_GROUPS: usize = 16;

/// Whether a pattern is of the subset; what that is, `docs/ruleset.md` says.
pub fn is_allowed(pattern: &str) -> bool {
    pattern.chars().count() <= MAX_PATTERN && Check { rest: pattern, unbounded: 0, ways: Ways::NONE }.alternatives()
}

/// Whether a text is short enough to be searched for a pattern that is allowed.
pub fn is_searchable(pattern: &str, subject: &str) -> bool {
    let has_at_most = |characters| subject.len() <= characters || subject.chars().count() <= characters;
    if has_at_most(MAX_CUBIC_SUBJECT) || !has_at_most(MAX_SUBJECT) {
        return has_at_most(MAX_CUBIC_SUBJECT);
    }
    let mut check = Check { rest: pattern, unbounded: 0, ways: Ways::NONE };
    (pattern.starts_with("^") && !pattern.bytes().any(|byte| byte == b'|'))
        || (check.alternatives() && check.unbounded < 2)
}

struct Check<'p> {
    rest: &'p str,
    /// How many quantifiers have no upper bound.
    unbounded: usize,
    /// Of the innermost open group.
    ways: Ways,
}

/// In how many ways a group can be gone through, as far as it is read.
struct Ways {
    /// By the alternatives that are over.
    others: u32,
    /// By this one: the product over its parts.
    this: u32,
}

impl Ways {
    const NONE: Self = Self { others: 0, this: 1 };

    fn times(&mut self, ways: u32) {
        self.this = self.this.saturating_mul(ways);
    }

    fn all(&self) -> u32 {
        self.others.saturating_add(self.this)
    }
}

impl Check<'_> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next()?;
        self.rest = characters.as_str();
        Some(next)
    }

    fn take(&mut self, expected: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(expected) else { return false };
        self.rest = rest;
        true
    }

    /// The whole pattern. What is open is kept in a list: for what is around each group, whether it holds a quantifier or an
    /// alternative, and its ways.
    fn alternatives(&mut self) -> bool {
        let mut open: Vec<(bool, Ways)> = Vec::new();
        let mut is_compound = false;
        while let Some(character) = self.next() {
            // Whether a quantifier may follow.
            let mut quantifiable = true;
            match character {
                '(' => {
                    let is_plain = self.take("?:") || !self.rest.starts_with("?");
                    if !is_plain || open.len() == MAX_GROUPS {
                        return false;
                    }
                    open.push((is_compound, std::mem::replace(&mut self.ways, Ways::NONE)));
                    is_compound = false;
                    continue;
                }
                ')' => {
                    let Some((outer, ways)) = open.pop() else { return false };
                    quantifiable = !is_compound;
                    is_compound |= outer;
                    let inner = std::mem::replace(&mut self.ways, ways);
                    self.ways.times(inner.all());
                }
                '|' => {
                    is_compound = true;
                    self.ways = Ways { others: self.ways.all(), this: 1 };
                    continue;
                }
                '^' | '$' => quantifiable = false,
                '\\' if !self.escape("^$\\.*+?()[]{}|/") => return false,
                '[' if !self.class() => return false,
                '*' | '+' | '?' | '{' | '}' | ']' => return false,
                _ => {}
            }
            if matches!(self.rest.as_bytes().first(), Some(b'*' | b'+' | b'?' | b'{')) {
                if !quantifiable || !self.quantifier() {
                    return false;
                }
                is_compound = true;
            }
        }
        open.is_empty() && MAX_WAYS.get(self.unbounded).is_some_and(|most| self.ways.all() <= *most)
    }

    /// What follows a backslash.
    fn escape(&mut self, punctuation: &str) -> bool {
        let Some(escaped) = self.next() else { return false };
        // (`contains` brings the standard library's search for texts, of 1.1 kB.)
        "dDwWsSnrt".chars().chain(punctuation.chars()).any(|allowed| allowed == escaped)
    }

    /// What follows an opening bracket.
    fn class(&mut self) -> bool {
        self.take("^");
        let mut is_empty = true;
        // The character that a range may begin with.
        let mut first = None;
        loop {
            if self.take("]") {
                return !is_empty;
            }
            let is_range = !is_empty && self.rest.starts_with("-") && !self.rest.starts_with("-]");
            if is_range {
                self.next();
            }
            let low = if is_range { first } else { None };
            let Some(member) = self.member() else { return false };
            if is_range && (low.is_none() || member < low) {
                return false; // `None` is less than every character.
            }
            first = if is_range { None } else { member };
            is_empty = false;
        }
    }

    /// A member of a class: the character that it stands for, or `None` for several. The outer `None`: none.
    fn member(&mut self) -> Option<Option<char>> {
        match self.next()? {
            '\\' => {
                let escaped = self.rest.chars().next()?;
                if !self.escape("^$\\.*+?()[]{}|/-") {
                    return None;
                }
                Some(match escaped {
                    'n' => Some('\n'),
                    'r' => Some('\r'),
                    't' => Some('\t'),
                    'd' | 'D' | 'w' | 'W' | 's' | 'S' => None,
                    itself => Some(itself),
                })
            }
            '[' | ']' => None,
            character => Some(Some(character)),
        }
    }

    fn quantifier(&mut self) -> bool {
        let (least, most) = match self.next() {
            Some('?') => (0, Some(1)),
            Some('{') => {
                let Some(least) = self.count() else { return false };
                if self.take(",}") {
                    (least, None)
                } else {
                    let most = if self.take(",") { self.count() } else { Some(least) };
                    if most.is_none() || !self.take("}") {
                        return false;
                    }
                    (least, most)
                }
            }
            _ => (0, None),
        };
        self.take("?");
        match most {
            None => self.unbounded += 1,
            Some(most) if most < least => return false,
            Some(most) => self.ways.times(most - least + 1),
        }
        true
    }

    fn count(&mut self) -> Option<u32> {
        let mut count: Option<u32> = None;
        while let Some(digit) = self.rest.chars().next().and_then(|character| character.to_digit(10)) {
            self.next();
            count = Some(count.unwrap_or(0) * 10 + digit).filter(|count| *count <= MAX_COUNT);
            count?;
        }
        count
    }
}

/// The same patterns on the crate `regex`, for native tools and tests.
#[cfg(not(target_arch = "wasm32"))]
pub mod native {
    use regex::RegexBuilder;

    /// JavaScript's white space, as members of a class.
    const SPACE: &str = r"\t\n\x0b\x0c\r \xa0\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";

    pub fn is_match(pattern: &str, ignore_case: bool, subject: &str) -> bool {
        // A pattern of 256 characters, each a class and repeated 100 times, has to fit.
        let built = RegexBuilder::new(&translated(pattern)).case_insensitive(ignore_case).size_limit(1 << 28).build();
        built.is_ok_and(|regex| regex.is_match(subject))
    }

    /// The pattern in the words of the crate, where `.`, the classes of escapes and some characters in brackets mean more.
    fn translated(pattern: &str) -> String {
        let mut out = String::new();
        let mut in_class = false;
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => {
                    let escaped = characters.next().unwrap_or_default();
                    let members = match escaped.to_ascii_lowercase() {
                        'd' => "0-9",
                        'w' => "0-9A-Za-z_",
                        's' => SPACE,
                        _ => {
                            out.push('\\');
                            out.push(escaped);
                            continue;
                        }
                    };
                    out.push_str(if escaped.is_ascii_uppercase() { "[^" } else { "[" });
                    out.push_str(members);
                    out.push(']');
                }
                '.' if !in_class => out.push_str(r"[^\n\r\u{2028}\u{2029}]"),
                '[' => {
                    in_class = true;
                    out.push('[');
                    if characters.as_str().starts_with('^') {
                        characters.next();
                        out.push('^');
                    }
                    // Here a hyphen stands for itself.
                    if characters.as_str().starts_with('-') {
                        characters.next();
                        out.push_str(r"\-");
                    }
                }
                ']' => {
                    in_class = false;
                    out.push(']');
                }
                '-' if in_class && characters.as_str().starts_with(']') => out.push_str(r"\-"),
                // The end of a range, not the crate's difference of classes.
                '-' if in_class => {
                    out.push('-');
                    if characters.as_str().starts_with('-') {
                        characters.next();
                        out.push_str(r"\-");
                    }
                }
                '&' | '~' | '^' | '#' if in_class => {
                    out.push('\\');
                    out.push(character);
                }
                _ => out.push(character),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::platform::NATIVE;

    #[test]
    fn what_means_the_same_everywhere_is_allowed() {
        for pattern in [
            "",
            "abc",
            "^a.c$",
            "(?:ab)+c",
            "(ab){2}",
            "a|b|",
            "()",
            "[a-z0-9_-]+@example\\.com",
            "[^-a]",
            "[-a]",
            "[a\\-z]",
            "\\d{3}-\\d{4}",
            "a{0,99}b{0,9}",
            "a*?b+?",
            "a{2,}",
            "[\\w.]",
            "日本",
            "[α-ω]",
            "[\\]]",
            "/",
            "\\/",
            "a??",
            "-",
            "a{100}",
            "(((a)))",
            "x(a|b)y",
            "(a+)b",
            "[.*+?]",
            "#&~ ",
            "[--a]",
            "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)",
            "a+b+c{0,9}",
            "a+(?:b|c{0,9}|d{0,87}|)",
        ] {
            assert!(is_allowed(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_does_not_is_refused() {
        for pattern in [
            "(a+)+",
            "(a|b)*",
            "((a)+)?",
            "a*b*c*",
            "a{0,100}b{0,100}",
            "a{101}",
            "a{2,1}",
            "a{,2}",
            "a{",
            "a}",
            "]",
            "[]",
            "[^]",
            "[a",
            "[[a]]",
            "[b-a]",
            "[\\d-z]",
            "[a-\\d]",
            "[a-c-e]",
            "(a",
            "a)",
            "(?=a)",
            "(?!a)",
            "(?<n>a)",
            "(?i)a",
            "\\1",
            "\\b",
            "\\p{L}",
            "\\x41",
            "\\u0041",
            "\\-",
            "\\",
            "^*",
            "$+",
            "*a",
            "a**",
            "a*+",
            "+",
            "{1}",
            "\\k",
            "(((((((((((((((((a)))))))))))))))))",
            "a{1,101}",
            "a{1,1000}",
            "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)",
            "a+b+(c|d)(c|d)(c|d)(c|d)",
            "a+b+c{0,9}(d|e)",
            "a+b{0,9}c{0,9}d?",
        ] {
            assert!(!is_allowed(pattern), "{pattern}");
        }
        assert!(is_allowed(&"é".repeat(256)));
        assert!(!is_allowed(&"a".repeat(257)));
    }

    #[test]
    fn patterns_search_as_they_do_in_javascript() {
        for (pattern, ignore_case, subject, expected) in [
            ("b", false, "abc", true),
            ("^b", false, "abc", false),
            ("a.c", false, "a\u{2028}c", false),
            ("a.c", false, "a\rc", false),
            ("a.c", false, "a🦩c", true),
            ("^\\s$", false, "\u{feff}", true),
            ("^\\d$", false, "٣", false),
            ("^\\w$", false, "é", false),
            ("^[\\w-]+$", false, "a-b", true),
            ("^[\\D]$", false, "٣", true),
            ("É", true, "é", true),
            ("[a&&b]", false, "&", true),
            ("[a~~b]", false, "~", true),
            ("[+--]", false, ",", true),
            ("^#a b$", false, "#a b", true),
            ("a$", false, "a\n", false),
        ] {
            assert!(is_allowed(pattern), "{pattern}");
            assert_eq!((NATIVE.matches)(pattern, ignore_case, subject), expected, "{pattern} in {subject:?}");
        }
    }

    #[test]
    fn long_subjects_are_counted_in_characters() {
        assert!(is_searchable("a", &"🦩".repeat(1024)));
        assert!(!is_searchable("a", &"a".repeat(1025)));
    }

    #[test]
    fn what_may_take_cubic_time_is_looked_for_in_short_texts() {
        for (pattern, most) in
            [("a*b", 1024), ("^a*a*b", 1024), ("a*a*b", 256), ("(a*)b+", 256), ("^a|b*c*", 256), ("a?b?c+", 1024)]
        {
            assert!(is_searchable(pattern, &"é".repeat(most)), "{pattern}");
            assert!(!is_searchable(pattern, &"é".repeat(most + 1)), "{pattern}");
        }
    }
}
