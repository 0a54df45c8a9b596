"""What breaks a flag, and how text is read."""

import json

from .base import NOT_FOUND, PARSE_ERROR, one


ONLY_COMPILER = {
    "a dangling default", "a dangling off", "four decimals", "a dangling limit variant", "the limit on the split's salt",
    "a dangling target", "a rule that serves a stranger", "a weight with four decimals", "a split of a stranger",
}


def broken_cases(cases):
    good = {"variants": {"on": True}, "default": "on"}
    condition = lambda **fields: {"rules": [{"when": fields, "serve": "a"}]}
    split = lambda *entries: {"rules": [{"serve": list(entries)}]}
    weight = lambda value: split({"variant": "a", "weight": value})
    for name, fields in [
        ("no variants", {"variants": None}), ("empty variants", {"variants": {}}), ("variants as a list", {"variants": ["a"]}),
        ("no default", {"default": None}), ("a dangling default", {"default": "z"}), ("a default that is no text", {"default": 1}),
        ("a dangling off", {"off": "z"}), ("enabled as text", {"enabled": "yes"}), ("a negative version", {"version": -1}),
        ("a fractional version", {"version": 1.5}), ("an empty variant key", {"variants": {"": 1, "a": 2}}),
        ("a number in by", {"by": 7}), ("an empty by", {"by": ""}), ("no unit in by", {"by": []}),
        ("a salt with NUL", {"salt": "a\u0000b"}), ("a salt that is no text", {"salt": 1}), ("an empty experiment", {"experiment": ""}),
        ("a percent above 100", {"limitExposure": {"percent": 100.001}}), ("a negative percent", {"limitExposure": {"percent": -0.001}}),
        ("four decimals", {"limitExposure": {"percent": 12.3456}}), ("percent as text", {"limitExposure": {"percent": "20"}}),
        ("no percent", {"limitExposure": {}}), ("a limit that is a number", {"limitExposure": 20}),
        ("a dangling limit variant", {"limitExposure": {"percent": 1, "variant": "z"}}),
        ("the limit on the split's salt", {"limitExposure": {"percent": 1, "salt": "f"}}),
        ("targets as an object", {"targets": {}}), ("a target without ids", {"targets": [{"variant": "a"}]}),
        ("a target of numbers", {"targets": [{"variant": "a", "ids": [1]}]}),
        ("a dangling target", {"targets": [{"variant": "z", "ids": []}]}),
        ("a start without a zone", {"start": "2026-10-01T00:00:00"}), ("a start that is no date", {"start": "soon"}),
        ("a 30th of February", {"end": "2026-02-30"}), ("an end that is a flag", {"end": True}), ("rules as an object", {"rules": {}}),
        ("a rule that is a text", {"rules": ["a"]}), ("a rule that serves nothing", {"rules": [{}]}),
        ("a rule that serves a stranger", {"rules": [{"serve": "z"}]}), ("an empty rule id", {"rules": [{"id": "", "serve": "a"}]}),
        ("an empty split", {"rules": [{"serve": []}]}), ("weights of 0", weight(0)), ("a negative weight", weight(-1)),
        ("a weight with four decimals", weight(0.0001)), ("a weight above a million", weight(1_000_000.001)),
        ("a weight as text", weight("50")), ("a split without weights", split({"variant": "a"})),
        ("a split of a stranger", split({"variant": "z", "weight": 1})), ("an unknown operator", condition(attribute="x", op="~", value="1.0.0")),
        ("no operator", condition(attribute="x", value=1)),
        ("an unknown condition", condition(every=[])),
        ("an attribute that is no text", condition(attribute=1, op="exists")),
        ("in without a list", condition(attribute="x", op="in", value="a")), ("in with an object", condition(attribute="x", op="in", value=[{}])),
        ("eq without a value", condition(attribute="x", op="eq")), ("eq with null in its list", condition(attribute="x", op="eq", value=[None])),
        ("contains with a number", condition(attribute="x", op="contains", value=1)), ("lt with text", condition(attribute="x", op="lt", value="1")),
        ("lt with a list", condition(attribute="x", op="lt", value=[1])), ("ignoreCase as text", condition(attribute="x", op="eq", value="a", ignoreCase="yes")),
        ("all that is no list", condition(all={})), ("not of a list", condition(**{"not": []})),
        ("a mistake deep inside", condition(all=[{"any": [{"not": {"attribute": "x", "op": "?"}}]}])),
    ]:
        broken = one(**fields)
        broken["flags"]["good"] = good
        cases.add(f"broken: {name}", broken, PARSE_ERROR, only_compiler=name in ONLY_COMPILER)
    beside = one(rules={})
    beside["flags"] = {"before": good, **beside["flags"], "good": good}
    for key in ("before", "good"):
        cases.add(f"{key} works beside a broken flag", beside, ("on", "DEFAULT"), flag=key)
    cases.add("sticky false asks for nothing", one(sticky=False), ("a", "DEFAULT"))
    for value in [7, "on", None, [good], True]:
        cases.add(f"broken: a flag that is {json.dumps(value)}", {"flags": {"f": value, "good": good}}, PARSE_ERROR)
    long_key = "k" * 257
    cases.add("broken: a key of 257 bytes", {"flags": {long_key: good}}, PARSE_ERROR, flag=long_key)
    cases.add("a key of 256 bytes", {"flags": {long_key[1:]: good}}, ("on", "DEFAULT"), flag=long_key[1:])
    cases.add("broken: a key with NUL, which is the salt", {"flags": {"a\u0000b": good}}, PARSE_ERROR, flag="a\u0000b")
    cases.add("a key with NUL and a salt without", {"flags": {"a\u0000b": {**good, "salt": "ab"}}}, ("on", "DEFAULT"), flag="a\u0000b")
    cases.add("broken: a variant key of 257 bytes", one(variants={"a": 1, long_key: 2}), PARSE_ERROR)


def text_cases(cases):
    good = {"variants": {"on": True}, "default": "on"}
    odd_keys = ["__proto__", "constructor", "toString", "hasOwnProperty", "", " ", "a.b", "a/b", "caf\u00e9", "\U0001f6a9", "\u0001", "f\"\\"]
    odd = {"flags": {key: {"variants": {"v": {"key": key}}, "default": "v"} for key in odd_keys}}
    for key in odd_keys:
        cases.add(f"a flag called {json.dumps(key)}", odd, ("v", "DEFAULT"), flag=key)
    for key in ["__proto__", "constructor", "toString", ""]:
        cases.add(f"no flag called {json.dumps(key)}", {"flags": {"f": good}}, NOT_FOUND, flag=key)
    named = {"flags": {"f": {"variants": {"__proto__": 1, "constructor": 2}, "default": "constructor", "off": "__proto__"}}}
    cases.add("variants called __proto__ and constructor", named, ("constructor", "DEFAULT"))
    flag = lambda value: '{"variants":{"v":%s},"default":"v"}' % value
    raw = lambda name, text, expected, key="f": cases.add(name, text, expected, flag=key, raw=True)
    raw("of two flags of one key the last counts", '{"flags":{"f":%s,"g":%s,"f":%s}}' % (flag(1), flag(2), flag(3)), ("v", "DEFAULT"))
    raw("of two equal keys, one escaped, the last counts", '{"flags":{"f":%s,"\\u0066":%s}}' % (flag(1), flag(2)), ("v", "DEFAULT"))
    raw("a broken flag that is overwritten is not seen", '{"flags":{"f":7,"f":%s}}' % flag(1), ("v", "DEFAULT"))
    raw("a good flag that is overwritten is not seen", '{"flags":{"f":%s,"f":7}}' % flag(1), PARSE_ERROR)
    raw("of two flags objects the last counts", '{"flags":{"f":%s},"flags":{"g":%s}}' % (flag(1), flag(2)), NOT_FOUND)
    raw("of two fields of a flag the last counts", '{"flags":{"f":{"variants":{"v":1,"w":2},"default":"z","default":"w"}}}', ("w", "DEFAULT"))
    raw("of two variants of one key the last counts", '{"flags":{"f":{"variants":{"v":1,"w":2,"v":{"last":true}},"default":"v"}}}', ("v", "DEFAULT"))
    raw("white space anywhere", ' \t\r\n{ "flags" : { "f" : { "variants" : { "v" : [ 1 , 2 ] } , "default" : "v" } } } \n', ("v", "DEFAULT"))
    raw("a lone surrogate in a key is U+FFFD", '{"flags":{"f\\ud83e":%s}}' % flag(1), ("v", "DEFAULT"), "f\ufffd")
    raw("a pair of escaped surrogates is one character", '{"flags":{"\\ud83e\\udda9":%s}}' % flag(1), ("v", "DEFAULT"), "\U0001f9a9")
    raw("numbers in every notation", '{"flags":{"f":{"version":1.2e1,"variants":{"v":-0.5e-3},"default":"v","limitExposure":{"percent":1e2}}}}', ("v", "DEFAULT"))
    raw("other sections are ignored", '{"schema":1,"segments":{"b":7},"layers":[],"flags":{"f":%s}}' % flag(1), ("v", "DEFAULT"))
