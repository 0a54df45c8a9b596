"""The ruleset's text: what refuses all of it, what is read, and the limits of size and depth."""

import json

from .base import GOOD, NO, NO_RULESET, PARSE_ERROR, YES, one, ruled, shown

FLAG = '{"variants":{"on":true,"off":false},"default":"on"}'
RULESET = '{"flags":{"f":%s}}' % FLAG
ON = ("on", "DEFAULT")
NOT_JSON = [
    "", " ", "{", "}", "nothing", RULESET + "}", RULESET + " x", RULESET[:-1], RULESET + RULESET, '{"flags":{"f":%s,}}' % FLAG, '{"flags":{"f":%s},}' % FLAG,
    "{'flags':{}}", '{flags:{}}', '{"flags":{}} // a comment', '/* a comment */ {"flags":{}}', '{"flags":{}, "x": NaN}', '{"flags":{}, "x": Infinity}', '{"flags":{}, "x": -Infinity}',
    '{"flags":{}, "x": undefined}', '{"flags":{}, "x": 01}', '{"flags":{}, "x": +1}', '{"flags":{}, "x": .5}', '{"flags":{}, "x": 1.}', '{"flags":{}, "x": 1e}', '{"flags":{}, "x": 1e+}',
    '{"flags":{}, "x": -}', '{"flags":{}, "x": 0x10}', '{"flags":{}, "x": 1_000}', '{"flags":{}, "x": "\\x41"}', '{"flags":{}, "x": "\\u12"}', '{"flags":{}, "x": "\\u12g4"}', '{"flags":{}, "x": "\\"}',
    '{"flags":{}, "x": "a\nb"}', '{"flags":{}, "x": "a\tb"}', '{"flags":{}, "x": "a\u0000b"}', '{"flags":{}, "x": "\u001f"}', '{"flags":{}, "x": True}', '{"flags":{}, "x": nul}', '{"flags":{}, "x": TRUE}',
    '{"flags":{}, "x": [1 2]}', '{"flags":{}, "x": [1,]}', '{"flags":{}, "x": [,1]}', '{"flags":{}, "x": {"a"}}', '{"flags":{}, "x": {"a":}}', '{"flags":{}, "x": {1:2}}', '{"flags" {}}', '{"flags":{}; "x": 1}',
    "\ufeff\ufeff" + RULESET, RULESET + "\ufeff", "\u00a0" + RULESET, RULESET + "\u2028", RULESET + "\u0000", RULESET + "\u000b", '{"flags":{"f":{]}}', "[" * 50, "<!doctype html><title>Not found</title>",
    '{"flags":{}, "x": "\\U0041"}', '{"flags":{}, "x": "\\a"}', '{"flags":{}, "x": \'a\'}', '{"flags":{}, "x": -01}', '{"flags":{}, "x": 1.e5}', '{"flags":{}, "x": --1}', '{"flags":{}, "x": 1e5.5}',
]


def refused_cases(cases):
    raw = lambda name, text, expected, **more: cases.add(name, text, expected, raw=True, **more)
    for text in NOT_JSON:
        raw(f"refused: {shown(text)}", text, NO_RULESET)
    for text in ["null", "true", "7", '"text"', "[]", "[%s]" % RULESET, '""']:
        raw(f"refused: the text {text}", text, NO_RULESET)
    good = {"f": GOOD}
    for fields in [
        {}, {"flags": None}, {"flags": []}, {"flags": 7}, {"flags": "f"}, {"flags": True}, {"Flags": good},
        *[{"schema": value, "flags": good} for value in [0, 2, 1.5, "1", True, False, [], {}, -1, 1e300]],
        *[{"version": value, "flags": good} for value in [-1, 1.5, "1", True, [], {}, 2**53, 1e300]],
        *[{"environment": value, "flags": good} for value in ["", 7, True, [], {}, "e" * 257]],
    ]:
        cases.add(f"refused: {shown(fields)[:80]}", fields, NO_RULESET)
    cases.add("refused: an environment of 258 bytes in 129 characters", {"environment": "\u00e9" * 129, "flags": good}, NO_RULESET, only_compiler=True)
    for fields in [
        {"schema": 1}, {"schema": 1.0}, {"schema": None}, {"version": 0}, {"version": 1.0}, {"version": 2**53 - 1}, {"version": None}, {"environment": None}, {"environment": "e" * 256},
        {"environment": "\u00e9" * 128}, {"Schema": 2}, {"environment": "\u0000"}, {"version": 1e3},
    ]:
        cases.add(f"read: {shown(fields)[:80]}", {**fields, "flags": good}, ON)
    before = [{"rulesetText": RULESET, "flag": "f"}]
    for text in ["", "null", '{"schema":2,"flags":{}}', '{"flags":7}', RULESET[:-1], '{"version":-1,"flags":{}}']:
        raw(f"the last good one stays, where the next is {shown(text)}", text, ON, before=before)
    raw("a good one takes the place of the last", '{"flags":{}}', (None, "ERROR", None, "FLAG_NOT_FOUND"), before=before)
    raw("a broken flag takes the place of a good one", '{"flags":{"f":7}}', PARSE_ERROR, before=before)


def text_cases(cases):
    raw = lambda name, text, expected, **more: cases.add(name, text, expected, raw=True, **more)
    raw("a byte order mark is passed over", "\ufeff" + RULESET, ON)
    raw("white space around it", " \t\r\n" + RULESET + "\n\r\t ", ON)
    raw("a byte order mark, then white space", "\ufeff \n" + RULESET, ON)
    raw("escapes of every kind", r'{"flags":{"\u0066":{"variants":{"\"\\\/\b\f\n\r\t\u00e9\ud83e\udda9":"\"\\\/\b\f\n\r\t\u00e9\ud83e\udda9"},"default":"\"\\\/\b\f\n\r\t\u00E9\uD83E\uDDA9"}}}',
        ("\"\\/\b\f\n\r\t\u00e9\U0001f9a9", "DEFAULT"))
    for name, escape in [("a high surrogate alone", "\\ud83e"), ("a low surrogate alone", "\\udda9")]:
        raw(f"{name} is U+FFFD", '{"flags":{"f":{"variants":{"a%sb":1},"default":"a\ufffdb"}}}' % escape, ("a\ufffdb", "DEFAULT"))
    raw("two surrogates in the wrong order are two U+FFFD", '{"flags":{"f":{"variants":{"\\udda9\\ud83e":1},"default":"\ufffd\ufffd"}}}', ("\ufffd\ufffd", "DEFAULT"))
    raw("a high surrogate before a character", '{"flags":{"f":{"variants":{"\\ud83ea":1},"default":"\ufffda"}}}', ("\ufffda", "DEFAULT"))
    raw("two high surrogates, then a low one", '{"flags":{"f":{"variants":{"\\ud83e\\ud83e\\udda9":1},"default":"\ufffd\U0001f9a9"}}}', ("\ufffd\U0001f9a9", "DEFAULT"))
    for section, good, bad in [("segments", '{"s":{"include":["u1"]}}', '{"s":7}'), ("segments", '{"s":{"include":["u1"]}}', "7")]:
        rule = '{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":{"segment":"s"},"serve":"b"}]}'
        raw(f"of two {section} the last counts, the first being {bad}", '{"%s":%s,"%s":%s,"flags":{"f":%s}}' % (section, bad, section, good, rule), YES)
        raw(f"of two {section} the last counts, the last being {bad}", '{"%s":%s,"%s":%s,"flags":{"f":%s}}' % (section, good, section, bad, rule), PARSE_ERROR, only_compiler=bad == "7")
    raw("of two equal segments the last counts", '{"segments":{"s":7,"s":{"include":["u1"]}},"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":{"segment":"s"},"serve":"b"}]}}}', YES)
    raw("of two equal slots the last counts", '{"layers":{"l":{"slots":{"f":[[0,9]],"f":[[0,100000]]}}},"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","layer":"l","rules":[{"id":"r","serve":"b"}]}}}', YES)
    raw("of two operators the last counts", '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":{"attribute":"x","op":"?","op":"notExists"},"serve":"b"}]}}}', YES)
    raw("a field that is null in the end is absent", '{"flags":{"f":{"variants":{"a":1},"default":"a","default":null}}}', PARSE_ERROR)
    raw("sections behind the flags", '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":{"segment":"s"},"serve":"b"}]}},"segments":{"s":{"include":["u1"]}}}', YES)
    for number in ["20", "20.0", "2e1", "2E+1", "200e-1", "0.2e2", "20.000"]:
        raw(f"the percentage {number}", '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","limitExposure":{"percent":%s,"variant":"b"}}}}' % number, None)
    for number in ["33.3333", "0.0001", "1e-4", "99.9999", "12.34567", "0.00000001"]:
        raw(f"broken: the percentage {number}", '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","limitExposure":{"percent":%s,"variant":"b"}}}}' % number, PARSE_ERROR, only_compiler=True)
    for number in ["0.1", "0.3", "0.7", "1.1", "4.35", "33.333", "66.667", "99.999", "0.001", "8.2", "16.4", "0.003", "57.001", "100.0"]:
        raw(f"three decimals at most: {number}", '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","limitExposure":{"percent":%s,"variant":"b"}}}}' % number, None)
    for value in ["null", "false", "0", "-0.0", '""', "[]", "{}", "[null,{}]", '{"a":null}', "1E3", '"\\u0000"', "123456789012345678901234567890", "0.1", "1e-7"]:
        raw(f"the value {value}", '{"flags":{"f":{"variants":{"v":%s},"default":"v"}}}' % value, ("v", "DEFAULT"))


def levels(before, levels_between, inside, after):
    return [before, {"repeat": "[", "times": levels_between}, inside, {"repeat": "]", "times": levels_between}, after]


def limit_cases(cases):
    raw = lambda name, text, expected, **more: cases.add(name, text, expected, raw=True, **more)
    # The flag and its variants are two of the 64 levels.
    value = lambda count: levels('{"flags":{"f":{"variants":{"v":', count, "", '},"default":"v"},"g":%s}}' % FLAG)
    raw("a value that ends at level 64", value(62), ("v", "DEFAULT"))
    raw("broken: a value at level 65", value(63), PARSE_ERROR, only_compiler=True)
    raw("broken: a value 500 levels deep", value(500), PARSE_ERROR, only_compiler=True)
    raw("a good flag beside one too deep", value(500), ON, flag="g")
    raw("a good flag beside sections too deep", levels('{"x":', 500, "", ',"flags":{"f":%s}}' % FLAG), ON)
    unknown = lambda count: levels('{"flags":{"f":{"owner":', count, "", ',"variants":{"on":1},"default":"on"}}}')
    raw("an unknown field of the flag that ends at level 64", unknown(63), ON)
    raw("broken: an unknown field of the flag at level 65", unknown(64), PARSE_ERROR, only_compiler=True)
    raw("a segment that nobody names may be nested at any depth", levels('{"segments":{"s":', 500, "", '},"flags":{"f":%s}}' % FLAG), ON)

    def nots(count, head, tail):
        """`count` conditions {"not": ...}, one inside the other, and {"all": []} in the middle."""
        return [head, {"repeat": '{"not":', "times": count}, '{"all":[]}', {"repeat": "}", "times": count}, tail]

    # Each not is a level, and so is what is in the middle.
    in_flag = lambda count: nots(count, '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":', ',"serve":"b"}]}}}')
    raw("conditions nested 16 deep", in_flag(15), NO)
    raw("broken: conditions nested 17 deep", in_flag(16), PARSE_ERROR, only_compiler=True)
    raw("broken: a condition that ends at level 64", in_flag(59), PARSE_ERROR, only_compiler=True)
    raw("broken: a condition 450 levels deep", in_flag(450), PARSE_ERROR, only_compiler=True)
    rule = '"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":{"segment":"s"},"serve":"b"}]}}}'
    in_segment = lambda count: nots(count, '{"segments":{"s":{"when":', "}}," + rule)
    raw("a segment's conditions nested 16 deep, in a condition", in_segment(15), NO)
    raw("broken: a segment's conditions nested 17 deep", in_segment(16), PARSE_ERROR, only_compiler=True)
    # The segment is the first level.
    unread = lambda count: levels('{"segments":{"s":{"owner":', count, "", ',"when":{"all":[]}}},' + rule)
    raw("an unknown field of a segment that ends at level 64", unread(63), YES)
    raw("broken: an unknown field of a segment at level 65", unread(64), PARSE_ERROR, only_compiler=True)
    # Each condition counts, those in all, any and not too.
    no = '{"any":[]}'
    several = lambda count, head, tail: [head, '{"any":[', {"repeat": no + ",", "times": count - 3}, '{"not":' + no + "}]}", tail]
    flag_head = '{"flags":{"f":{"variants":{"a":1,"b":2},"default":"a","rules":[{"id":"r","when":'
    raw("10000 conditions of a flag", several(10_000, flag_head, ',"serve":"b"}]}}}'), YES)
    raw("broken: 10001 conditions of a flag", several(10_001, flag_head, ',"serve":"b"}]}}}'), PARSE_ERROR, only_compiler=True)
    raw("broken: 10001 conditions in two rules of a flag", several(10_000, flag_head, ',"serve":"b"},{"when":{"all":[]},"serve":"b"}]}}}'), PARSE_ERROR, only_compiler=True)
    raw("10000 conditions of a segment, and one of the flag", several(10_000, '{"segments":{"s":{"when":', "}}," + rule), YES)
    raw("broken: 10001 conditions of a segment", several(10_001, '{"segments":{"s":{"when":', "}}," + rule), PARSE_ERROR, only_compiler=True)
    # The text: 8 MiB, in bytes, and a byte order mark is none of it.
    most, text = 8 * 1024 * 1024, RULESET
    raw("a text of 8 MiB", [text, {"repeat": " ", "times": most - len(text)}], ON)
    raw("refused: a text of 8 MiB and a byte", [text, {"repeat": " ", "times": most + 1 - len(text)}], NO_RULESET)
    raw("a text of 8 MiB behind a byte order mark", ["\ufeff" + text, {"repeat": " ", "times": most - len(text)}], ON)
    # Names, in bytes.
    for length, character, is_read in [(256, "n", True), (257, "n", False), (128, "\u00e9", True), (129, "\u00e9", False), (64, "\U0001f9a9", True), (65, "\U0001f9a9", False)]:
        name = character * length
        only = {"only_compiler": True} if not is_read and length < 257 else {}
        title = f"{'a' if is_read else 'broken: a'} name of {length} times {shown(character)}"
        cases.add(f"{title}, as an experiment", one(experiment=name), NO if is_read else PARSE_ERROR, **only)
        cases.add(f"{title}, as a rule's id", one(rules=[{"id": name, "serve": "b"}]), ("b", "TARGETING_MATCH", name) if is_read else PARSE_ERROR, **only)
        cases.add(f"{title}, as a variant", one(variants={"a": 1, name: 2}), NO if is_read else PARSE_ERROR, **only)
        cases.add(f"{title}, as a flag", {"flags": {name: GOOD}}, ON if is_read else PARSE_ERROR, flag=name, **only)
    for fields in [{"experiment": 7}, {"experiment": []}, {"rules": [{"id": 7, "serve": "a"}]}, {"rules": [{"id": [], "serve": "a"}]}, {"rules": [None]}, {"rules": [[]]}, {"targets": [None]},
                   {"targets": [{"variant": "a", "ids": "u1"}]}, {"targets": [{"variant": "a", "ids": None}]}, {"targets": [{"ids": []}]}, {"targets": [{"variant": ["a"], "ids": []}]},
                   {"limitExposure": []}, {"limitExposure": "20"}, {"limitExposure": {"percent": True}}, {"limitExposure": {"percent": 5, "salt": 7}}, {"limitExposure": {"percent": 5, "variant": 7}},
                   {"off": 7}, {"off": ""}, {"off": ["a"]}, {"enabled": 0}, {"enabled": []}, {"salt": []}, {"salt": "\u0000"}, {"rules": [{"serve": [{"variant": "a", "weight": 0}, {"variant": "b", "weight": 0}]}]}, {"rules": [{"serve": {}}]}, {"rules": [{"serve": 7}]}, {"rules": [{"serve": True}]}, {"rules": [{"serve": [7]}]},
                   {"rules": [{"serve": ["a"]}]}, {"rules": [{"serve": [{"weight": 1}]}]}, {"rules": [{"serve": [{"variant": "a", "weight": None}]}]}, {"rules": [{"serve": [{"variant": "a", "weight": True}]}]},
                   {"rules": [{"serve": "a", "when": 7}]}, {"rules": [{"serve": None}]}, {"variants": 7}, {"variants": "a"}, {"default": ["a"]}, {"default": {}}]:
        cases.add(f"broken: a flag with {shown(fields)}", one(**fields), PARSE_ERROR)
    for fields in [{"limitExposure": {"percent": 5, "variant": "z"}}, {"off": "A"}, {"off": "__proto__"}, {"default": "constructor"}, {"rules": [{"serve": "a "}]},
                   {"rules": [{"serve": [{"variant": "A", "weight": 1}]}]}, {"rules": [{"serve": [{"variant": "a", "weight": 1.0005}]}]},
                   {"targets": [{"variant": "A", "ids": ["u1"]}]}]:
        cases.add(f"broken: a flag with {shown(fields)}", one(**fields), PARSE_ERROR, only_compiler=True)
    # A null item of a list is a mistake: only fields may be null.
    for condition in [{"all": [None]}, {"any": [{"all": []}, None]}]:
        cases.add(f"broken: a null condition in {shown(condition)}", ruled(condition), PARSE_ERROR)
    many = {f"v{at}": at for at in range(1999)}
    cases.add("2000 variants", one(variants={"a": 1, **many}), NO)
    cases.add("broken: 2001 variants", one(variants={"a": 1, "b": 2, **many}), PARSE_ERROR)
    assert json.loads(RULESET)["flags"]["f"] == GOOD
