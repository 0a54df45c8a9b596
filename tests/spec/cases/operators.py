"""Each operator with each kind of attribute, and with each kind of wrong operand."""

import hashlib
import json

from model.buckets import bucket_of

from .base import ANONYMOUS_ID, DEVICE_ID, NO, PARSE_ERROR, YES, one, ruled, shown, test


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


HASHED = {"salt": "my-salt", "hashes": [sha("my-saltpro"), sha("my-salt2.1.0")]}
SHARE = {"salt": "pilot", "percent": 50}
LISTS = ["containsAny", "containsAll", "containsNone", "subsetOf", "setEq"]

# One value for each operator, and the attributes of ATTRIBUTES for which it holds.
VALUES = {
    "eq": ("pro", ["pro"]),
    "neq": ("pro", [True, False, 0, 1, -1.5, 2_000_000_000_000, "", " ", "1", "PRO", "2.1.0", "2026-10-01", "-7d"]),
    "in": (["pro", 1, False], ["pro", 1, False]),
    "notIn": (["pro", 1, False],
              [True, 0, -1.5, 2_000_000_000_000, "", " ", "1", "PRO", "2.1.0", "2026-10-01", "-7d"]),
    "contains": (["r", "1."], ["pro", "2.1.0"]),
    "startsWith": ("2", ["2.1.0", "2026-10-01"]),
    "endsWith": ("0", ["2.1.0"]),
    "matches": ("^[a-z]+$", ["pro"]),
    "lt": (1, [0, -1.5]),
    "lte": (1, [0, 1, -1.5]),
    "gt": (0, [1, 2_000_000_000_000]),
    "gte": (0, [0, 1, 2_000_000_000_000]),
    "between": ([0, 1], [0, 1]),
    "before": ("2026-10-02", [0, 1, -1.5, "2026-10-01"]),
    "after": ("2026-09-30", [2_000_000_000_000, "2026-10-01"]),
    "semverEq": ("2.1", ["2.1.0"]),
    "semverLt": ("2.1.1", ["2.1.0", "1"]),
    "semverLte": ("2.1.0", ["2.1.0", "1"]),
    "semverGt": ("2.0.9", ["2.1.0"]),
    "semverGte": ("2.1.0", ["2.1.0"]),
    "semverRange": ("^2.0 || 1", ["2.1.0", "1"]),
    "containsAny": (["pro", 1], [["pro"], ["pro", 1], [1], [None, "pro"]]),
    "containsAll": (["pro", 1], [["pro", 1]]),
    "containsNone": (["pro", 1], [[], [None], [["pro"]], [{"pro": 1}], ["free", "1"]]),
    "subsetOf": (["pro", 1], [[], ["pro"], ["pro", 1], [1]]),
    "setEq": (["pro", 1], [["pro", 1]]),
    "isType": (["string", "list"],
               ["", " ", "1", "pro", "PRO", "2.1.0", "2026-10-01", "-7d", [], ["pro"], ["pro", 1], [1], [None],
                [None, "pro"], [["pro"]], [{"pro": 1}], ["free", "1"]]),
    "inHashed": (HASHED, ["pro", "2.1.0"]),
    "bucket": ({"salt": "pilot", "percent": 100}, [" ", "1", "pro", "PRO", "2.1.0", "2026-10-01", "-7d"]),
}
ATTRIBUTES = [
    None, True, False, 0, 1, -1.5, 2_000_000_000_000, "", " ", "1", "pro", "PRO", "2.1.0", "2026-10-01", "-7d", [], ["pro"],
    ["pro", 1], [1], [None], [None, "pro"], [["pro"]], [{"pro": 1}], ["free", "1"], {}, {"pro": 1}, {"length": 1},
]


def attribute_cases(cases):
    """One shared ruleset: a flag for each operator, named like it."""
    flags = {}
    for op, (value, _) in VALUES.items():
        flags[op] = ruled(test(op, value))["flags"]["f"]
        flags[f"{op} ignoring case"] = ruled(test(op, value, ignoreCase=True))["flags"]["f"]
    name = cases.share("operators", {"flags": flags})
    for op, (value, held) in VALUES.items():
        assert all(found in ATTRIBUTES for found in held), op
        # True == 1 in Python
        holds = [shown(found) for found in held]
        for found in ATTRIBUTES:
            cases.add(f"{op} {shown(value)} of {shown(found)}", name, YES if shown(found) in holds else NO, flag=op,
                      attributes={"x": found})
        cases.add(f"{op} {shown(value)} of nothing", name, NO, flag=op)
        cases.add(f"{op} {shown(value)} ignoring case of nothing", name, NO, flag=f"{op} ignoring case")
        for found in ["PRO", "pro", 1, True, ["PRO"], ["pro", 1]]:
            cases.add(f"{op} {shown(value)} ignoring case, of {shown(found)}", name, None, flag=f"{op} ignoring case",
                      attributes={"x": found})


# What is no operand, for each kind of operand. None stands for a missing one and for null, which are the same.
NO_SCALAR = [{}, [{}], [None], [[]], ["a", ["b"]], {"0": "a"}]
NO_LIST = ["pro", 1, True, {}, [{}], [None], [["a"]]]
NO_TEXTS = [1, True, {}, [1], [None], ["a", 1], [["a"]]]
NO_NUMBER = ["1", "", True, [], [1], {}]
NO_VERSION = [2, 2.1, True, {}]
WRONG = {
    **dict.fromkeys(["eq", "neq"], NO_SCALAR),
    **dict.fromkeys(["in", "notIn", *LISTS], NO_LIST),
    **dict.fromkeys(["contains", "startsWith", "endsWith", "matches"], NO_TEXTS),
    **dict.fromkeys(["lt", "lte", "gt", "gte"], NO_NUMBER),
    "between": [1, "1", True, {}, [], [1], [1, 2, 3], ["1", 2], [1, "2"], [1, None], [True, 2], [[1, 2]]],
    **dict.fromkeys(["before", "after"], [True, [], ["2026-10-01"], {}]),
    "semverEq": [*NO_VERSION, [2], ["1.0.0", None], [["1.0.0"]]],
    **dict.fromkeys(["semverLt", "semverLte", "semverGt", "semverGte"], [*NO_VERSION, [], ["1.0.0"]]),
    "semverRange": [*NO_VERSION, [], ["^1"]],
    "isType": ["text", "String", "null", "array", "", 1, True, {}, ["string", "float"], ["string", None], [["string"]]],
    "inHashed": [
        sha("x"), [sha("x")], True, {}, {"salt": "s"}, {"hashes": [sha("x")]}, {"salt": 1, "hashes": []}, {"salt": "s", "hashes": sha("x")},
        {"salt": "s", "hashes": [1]}, {"salt": "s", "hashes": [None]}, {"salt": "s", "hashes": [sha("x").upper()]},
        {"salt": "s", "hashes": [sha("x")[:63]]}, {"salt": "s", "hashes": [sha("x") + "0"]}, {"salt": "s", "hashes": [sha("x")[:63] + "g"]},
        {"salt": None, "hashes": []}, {"salt": "s", "hashes": None}, {"salt": "s", "hashes": [""]},
    ],
    "bucket": [
        10, "pilot", [], True, {}, {"salt": "s"}, {"percent": 10}, {"salt": 1, "percent": 10}, {"salt": "s", "percent": "10"},
        {"salt": "s", "percent": -0.001}, {"salt": "s", "percent": 100.001}, {"salt": "s", "percent": True},
        {"salt": None, "percent": 10}, {"salt": "s", "percent": None}, {"salt": "s", "percent": [10]},
        {"salt": "a\u0000b", "percent": 1}, {"salt": "\u0000", "percent": 1},
    ],
}
# Of the right type, but only a compiler can tell that it is wrong.
ONLY_COMPILER = [
    ("between", [2, 1]), ("between", [0, -0.001]), ("bucket", {"salt": "s", "percent": 33.3333}),
    ("bucket", {"salt": "s", "percent": 0.0001}),
]


def operand_cases(cases):
    for op, values in WRONG.items():
        for value in [None, *values]:
            cases.add(f"broken: {op} with {shown(value)}", ruled(test(op, value)), PARSE_ERROR, attributes={"x": "pro"})
        cases.add(f"broken: {op} whose value is absent", ruled({"attribute": "x", "op": op}), PARSE_ERROR)
    for op, value in ONLY_COMPILER:
        cases.add(f"broken: {op} with {shown(value)}", ruled(test(op, value)), PARSE_ERROR, only_compiler=True)
    for op, value in [*[(op, value) for op, (value, _) in VALUES.items()], ("exists", None), ("notExists", None)]:
        for ignore_case in ["true", 1, [], {}]:
            if op in ("eq", "matches", "exists") or ignore_case == "true":
                cases.add(f"broken: {op} with ignoreCase {shown(ignore_case)}",
                          ruled(test(op, value, ignoreCase=ignore_case)), PARSE_ERROR)
    for op in ["", "EQ", "equals", "=", "semver", "exists ", "toString", "__proto__", "constructor", 1, True, ["eq"], {}, None]:
        cases.add(f"broken: an operator {shown(op)}", ruled({"attribute": "x", "op": op, "value": 1}), PARSE_ERROR)
    cases.add("ignoreCase null is an absent one", ruled(test("eq", "A", ignoreCase=None)), NO, attributes={"x": "a"})
    for op in ["contains", "startsWith", "endsWith", "matches"]:
        texts = [f"t{at}" for at in range(999)]
        cases.add(f"{op} with 1000 strings", ruled(test(op, [*texts, "pro"])), YES, attributes={"x": "pro"})
        cases.add(f"broken: {op} with 1001 strings", ruled(test(op, [*texts, "pro", "x"])), PARSE_ERROR)
    for op in ["eq", "in", "containsAny"]:
        many = [f"t{at}" for at in range(1500)]
        found = "t1499" if op != "containsAny" else ["t1499"]
        cases.add(f"{op} with 1500 values", ruled(test(op, many)), YES, attributes={"x": found})


def more_cases(cases):
    """What the tables above leave open."""
    add = lambda op, value, found, expected, **more: cases.add(
        f"{op} {shown(value)} of {shown(found)}{', ' + shown(more) if more else ''}", ruled(test(op, value, **more)), expected,
        attributes={"x": found})
    for op, value, found, expected in [
        # Empty lists.
        ("containsAny", [], ["a"], NO), ("containsAny", [], [], NO), ("containsAll", [], ["a"], YES), ("containsAll", [], [], YES),
        ("containsAll", [], "a", NO), ("containsNone", [], ["a"], YES), ("containsNone", [], [], YES), ("subsetOf", [], [], YES),
        ("subsetOf", [], ["a"], NO), ("subsetOf", [], [None], NO), ("setEq", [], [], YES), ("setEq", [], ["a"], NO),
        ("setEq", [], [None], NO), ("eq", [], "a", NO), ("neq", [], "a", YES), ("neq", [], [], NO), ("semverEq", [], "1.0.0", NO),
        ("isType", [], "a", NO), ("startsWith", [], "a", NO), ("endsWith", [], "a", NO), ("matches", [], "a", NO),
        ("contains", [], "", NO), ("inHashed", {"salt": "", "hashes": []}, "a", NO),
        # Order and repetition do not matter.
        ("setEq", ["a", "b"], ["b", "a"], YES), ("setEq", ["a", "b"], ["b", "a", "a", "b"], YES), ("setEq", ["a", "a"], ["a"], YES),
        ("setEq", ["a", "b"], ["a"], NO), ("setEq", ["a"], ["a", "b"], NO), ("setEq", ["a"], ["a", None], NO),
        ("setEq", ["a"], ["a", {}], NO), ("subsetOf", ["a", "b"], ["b", "b"], YES), ("subsetOf", ["a", "b"], ["b", "c"], NO),
        ("subsetOf", ["a"], ["a", []], NO), ("containsAll", ["a", "b"], ["c", "b", "a"], YES), ("containsAll", ["a", "a"], ["a"], YES),
        ("containsAll", ["a", "b"], ["a"], NO), ("containsAll", ["a"], [["a"], "a"], YES), ("containsAll", ["a"], [["a"]], NO),
        ("containsAny", ["a"], [["a"]], NO), ("containsAny", ["a"], [{"a": "a"}, "a"], YES), ("containsNone", ["a"], ["b", "a"], NO),
        # Types are apart.
        ("containsAny", [1], ["1"], NO), ("containsAny", ["1"], [1], NO), ("containsAny", [True], [1], NO), ("containsAny", [1], [True], NO),
        ("containsAny", [0], [False], NO), ("containsAny", [0], [-0.0], YES), ("setEq", [1, "1", True], [True, 1, "1"], YES),
        ("setEq", [1], [1, True], NO), ("subsetOf", [0, ""], [False], NO), ("in", [1], True, NO), ("in", [True], 1, NO), ("in", ["true"], True, NO),
        ("notIn", [1], "1", YES), ("notIn", [1], True, YES), ("notIn", [0], -0.0, NO), ("eq", 1.5, 1.5, YES), ("eq", 1e21, 1e21, YES),
        ("eq", 0.1, 0.1, YES), ("eq", 0.3, 0.30000000000000004, NO), ("eq", 9007199254740993, 9007199254740992, YES),
        ("in", [0.1, 0.2], 0.2, YES), ("in", list(range(100)), 57, YES), ("in", list(range(100)), 57.5, NO),
        ("in", ["b", "a", 3, True, 1, "A", False], "A", YES), ("in", ["b", "a", 3, True, 1, "A", False], False, YES),
        # Characters, not their looks.
        ("eq", "\u00e9", "e\u0301", NO), ("eq", "\u212b", "\u00c5", NO), ("in", ["\U0001f9a9", "\ufffd"], "\U0001f9a9", YES),
        ("eq", "\ufffd", "\ufffd", YES), ("contains", "\u0301", "e\u0301", YES), ("endsWith", "\u0301", "\u00e9", NO),
        ("startsWith", "\U0001f468", "\U0001f468\u200d\U0001f469", YES), ("contains", "\u0000", "a\u0000b", YES), ("eq", "a\u0000", "a", NO),
        ("in", ["__proto__", "constructor"], "constructor", YES), ("in", ["a"], "__proto__", NO), ("eq", " pro", "pro", NO),
        # Numbers.
        ("lt", 0, -0.0, NO), ("lte", 0, -0.0, YES), ("gte", 0, -0.0, YES), ("gt", -1e308, -1e307, YES), ("lt", 1e-320, 0, YES),
        ("between", [5, 5], 5, YES), ("between", [-1.5, 1.5], -1.5, YES), ("between", [-1.5, 1.5], 1.5, YES), ("between", [-1.5, 1.5], 1.5001, NO),
        ("between", [-1.5, 1.5], -1.5001, NO), ("between", [0, 10], "5", NO), ("between", [0, 10], [5], NO),
        ("between", [-0.0, 0], 0, YES), ("between", [0, 9007199254740991], 9007199254740991, YES),
        # Types.
        ("isType", "string", "", YES), ("isType", "string", ["a"], NO), ("isType", "number", 0, YES), ("isType", "number", -1.5, YES),
        ("isType", "number", "1", NO), ("isType", "number", True, NO), ("isType", "boolean", False, YES), ("isType", "boolean", 0, NO),
        ("isType", "boolean", "true", NO), ("isType", "list", [], YES), ("isType", "list", {}, NO), ("isType", "object", {}, YES),
        ("isType", "object", [], NO), ("isType", "object", "{}", NO), ("isType", ["number", "boolean"], False, YES),
        ("isType", ["number", "boolean"], "x", NO), ("isType", ["string", "string"], "x", YES), ("isType", "object", None, NO),
    ]:
        add(op, value, found, expected)
    for op, value, found, expected in [
        ("eq", ["A", "b"], "B", YES), ("neq", ["A", "b"], "B", NO), ("neq", ["A", "b"], "C", YES), ("notIn", ["A"], "a", NO),
        ("containsAny", ["A"], ["a"], YES), ("containsAll", ["A", "b"], ["a", "B"], YES), ("containsNone", ["A"], ["a"], NO),
        ("subsetOf", ["A", "B"], ["a", "b", "A"], YES), ("setEq", ["A", "b"], ["a", "B"], YES), ("setEq", ["a", "A"], ["A"], YES),
        ("containsAny", ["A", 1], [1], YES), ("containsAny", ["TRUE"], [True], NO), ("contains", ["X", "ELL"], "hello", YES),
        ("endsWith", "LO", "hellO", YES), ("startsWith", "\u00c9", "\u00e9clair", YES), ("eq", "\u0130", "i\u0307", YES), ("eq", "\u0130", "i", NO),
        ("eq", "I", "\u0131", NO), ("eq", "\u212a", "k", YES), ("eq", "\u1e9e", "\u00df", YES), ("eq", "ss", "\u00df", NO), ("eq", "\U00010400", "\U00010428", YES),
        ("contains", "\u03a3", "\u03c3", YES), ("eq", "\u03a3", "\u03c3", YES), ("eq", "\u03c3", "\u03c2", NO), ("eq", "\u01c5", "\u01c6", YES),
        ("lt", 2, 1, YES), ("between", [1, 2], 1, YES), ("semverEq", "1.0.0-RC", "1.0.0-rc", NO), ("isType", "string", "A", YES),
        ("before", "2026-10-01", "2026-09-30", YES), ("exists", None, "a", YES), ("notExists", None, "a", NO), ("in", [], "a", NO),
    ]:
        add(op, value, found, expected, ignoreCase=True)
    lone = json.dumps(ruled(test("eq", "a\ud83eb")))
    cases.add("a lone surrogate of an operand is U+FFFD", lone, YES, attributes={"x": "a\ufffdb"}, raw=True)
    for text, attributes, expected in [
        ("exists", {"x": {"y": None}}, NO), ("exists", {"x": {"y": 0}}, YES), ("exists", {"x.y": False}, YES), ("notExists", {"x": {"y": None}}, YES),
        ("notExists", {"x": 1}, YES), ("notExists", {"x.y": None, "x": {"y": 1}}, YES), ("exists", {"x": ["y"]}, NO), ("exists", {"x": {"y": []}}, YES),
    ]:
        cases.add(f"{text} along a path, of {shown(attributes)}", ruled({"attribute": "x.y", "op": text}), expected, attributes=attributes)


def hash_cases(cases):
    mail = "person@example.com"
    hashed = lambda salt, *texts: {"salt": salt, "hashes": [sha(salt + text) for text in texts]}
    assert sha("my-saltperson@example.com") == hashed("my-salt", mail)["hashes"][0]
    for name, value, found, expected in [
        ("the only one", hashed("my-salt", mail), mail, YES), ("one of several", hashed("my-salt", "a", "b", mail, "c"), mail, YES),
        ("another text", hashed("my-salt", mail), "other@example.com", NO), ("another salt", {**hashed("my-salt", mail), "salt": "your-salt"}, mail, NO),
        ("an empty salt", hashed("", mail), mail, YES), ("an empty text", hashed("s", ""), "", YES), ("nothing at all", hashed("", ""), "", YES),
        ("another case", hashed("s", mail), mail.upper(), NO), ("no trimming", hashed("s", mail), f" {mail}", NO),
        ("beyond ASCII", hashed("\u65d7", "caf\u00e9 \U0001f9a9"), "caf\u00e9 \U0001f9a9", YES), ("a number", hashed("s", "7"), 7, NO),
        ("true", hashed("s", "true"), True, NO), ("a list", hashed("s", mail), [mail], NO), ("an object", hashed("s", mail), {"a": mail}, NO),
        ("the salt ends where the text begins", hashed("ab", "c"), "c", YES), ("the parts move", {"salt": "a", "hashes": [sha("abc")]}, "bc", YES),
        ("a salt with NUL", hashed("a\u0000", mail), mail, YES), ("NUL in the text", hashed("s", "a\u0000b"), "a\u0000b", YES),
        ("the same hash twice", hashed("s", mail, mail), mail, YES), ("a hash of digits alone", {"salt": "s", "hashes": ["0" * 64]}, mail, NO),
    ]:
        cases.add(f"inHashed: {name}", ruled(test("inHashed", value)), expected, attributes={"x": found})
    # SHA-256 pads to blocks of 64 bytes: the lengths around their borders.
    for length in [54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129, 1000]:
        text = "x" * (length - 1)
        cases.add(f"inHashed: {length} bytes", ruled(test("inHashed", hashed("s", text))), YES, attributes={"x": text})
        cases.add(f"inHashed: {length} bytes, one other", ruled(test("inHashed", hashed("s", text))), NO, attributes={"x": text[:-1] + "y"})
    for name, value, found, expected in [
        ("hashed in lower case", hashed("S", mail), mail.upper(), YES), ("hashed as it was written", hashed("s", mail.upper()), mail.upper(), NO),
        ("the salt keeps its case", {"salt": "S", "hashes": [sha("s" + mail)]}, mail, NO), ("beyond ASCII", hashed("s", "\u00e9\u00df"), "\u00c9\u1e9e", YES),
        ("a final sigma", hashed("s", "\u03b1\u03c2"), "\u0391\u03a3", YES),
    ]:
        cases.add(f"inHashed ignoring case: {name}", ruled(test("inHashed", value, ignoreCase=True)), expected, attributes={"x": found})
    many = hashed("s", *[f"person {number}" for number in range(200)])
    for number in [0, 99, 199, 200]:
        cases.add(f"inHashed: person {number} of 200", ruled(test("inHashed", many)), YES if number < 200 else NO,
                  attributes={"x": f"person {number}"})


def bucket_cases(cases):
    edge = bucket_of("pilot", "u1")
    for name, attribute, percent, expected in [
        ("0 percent", "$distinctId", 0, NO), ("100 percent", "$distinctId", 100, YES), ("the share ends below u1", "$distinctId", edge / 1000, NO),
        ("the share ends behind u1", "$distinctId", (edge + 1) / 1000, YES), ("another attribute", "org.id", 100, YES),
        ("a missing attribute", "orgId", 100, NO), ("an empty attribute", "empty", 100, NO), ("a number", "number", 100, NO),
        ("a list", "list", 100, NO), ("0.001 percent", "$distinctId", 0.001, NO),
    ]:
        cases.add(f"bucket: {name}", ruled({"attribute": attribute, "op": "bucket", "value": {"salt": "pilot", "percent": percent}}), expected,
                  attributes={"org": {"id": "acme"}, "empty": "", "number": 7, "list": ["u1"]})
    for attribute, unit in [("$distinctId", "u1"), ("$deviceId", DEVICE_ID), ("$anonymousId", ANONYMOUS_ID), ("org", "acme"), ("odd", " \U0001f9a9 ")]:
        for salt in ["pilot", "", "\u65d7", "pilot/2"]:
            share = {"attribute": attribute, "op": "bucket", "value": {"salt": salt, "percent": 50}}
            cases.add(f"bucket: half of {attribute} by {shown(salt)}", ruled(share), YES if bucket_of(salt, unit) < 50_000 else NO,
                      attributes={"org": "acme", "odd": " \U0001f9a9 "})
    both = {"all": [test("bucket", SHARE), {"not": test("bucket", SHARE)}]}
    cases.add("bucket: the same salt chooses the same units", ruled(both), NO, attributes={"x": "u1"})
    cases.add("bucket: ignoreCase has no effect", ruled(test("bucket", {"salt": "pilot", "percent": (bucket_of("pilot", "U1") + 1) / 1000}, ignoreCase=True)),
              YES, attributes={"x": "U1"})
    for name, ruleset in [
        ("the split's salt", ruled(test("bucket", {"salt": "f", "percent": 10}))),
        ("the flag's own salt", ruled(test("bucket", {"salt": "s", "percent": 10}), salt="s")),
        ("the limit's salt", ruled(test("bucket", {"salt": "f/exposure", "percent": 10}), limitExposure={"percent": 50})),
        ("the limit's own salt", ruled(test("bucket", {"salt": "s", "percent": 10}), limitExposure={"percent": 50, "salt": "s"})),
        ("the layer's salt", {**ruled(test("bucket", {"salt": "layer/l", "percent": 10}), layer="l"), "layers": {"l": {"slots": {}}}}),
        ("the holdout's salt", {**ruled(test("bucket", {"salt": "holdout/h", "percent": 10}), holdout="h"), "holdouts": {"h": {"percent": 1}}}),
        ("the split's salt, deep inside", ruled({"all": [{"any": [{"not": test("bucket", {"salt": "f", "percent": 10})}]}]})),
        ("the split's salt, through a segment",
         {**ruled({"segment": "s"}), "segments": {"s": {"when": test("bucket", {"salt": "f", "percent": 10})}}}),
        ("the split's salt, through two segments",
         {**ruled({"segment": "s"}), "segments": {"s": {"when": {"not": {"segment": "t"}}}, "t": {"when": test("bucket", {"salt": "f", "percent": 10})}}}),
    ]:
        cases.add(f"broken: bucket with {name}", ruleset, PARSE_ERROR, only_compiler=True)
    for name, ruleset in [
        ("the limit's salt, where there is no limit", ruled(test("bucket", {"salt": "f/exposure", "percent": 0}))),
        ("the key, where the flag has a salt", ruled(test("bucket", {"salt": "f", "percent": 0}), salt="s")),
        ("the salt of a layer of other flags", {**ruled(test("bucket", {"salt": "layer/l", "percent": 0})), "layers": {"l": {"slots": {}}}}),
    ]:
        cases.add(f"bucket with {name}", ruleset, NO, attributes={"x": "u1"})
    cases.add("a bucket of a segment that a flag refers to is not the flag's, where another flag is between", {
        **one(rules=[{"id": "r", "when": {"flag": "g", "variants": ["on"]}, "serve": "b"}]),
        "flags": {
            "f": one(rules=[{"id": "r", "when": {"flag": "g", "variants": ["on"]}, "serve": "b"}])["flags"]["f"],
            "g": {"variants": {"on": 1, "off": 0}, "default": "off",
                  "rules": [{"when": {"attribute": "$distinctId", "op": "bucket", "value": {"salt": "f", "percent": 100}}, "serve": "on"}]},
        },
    }, YES)
