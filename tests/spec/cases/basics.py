"""The operators of equality, text and number, how attributes are found, and how conditions are put together."""

import json

from .base import ANONYMOUS_ID, DEVICE_ID, NO, YES, ruled


# For each operator: its value, then attributes for which it holds, and attributes for which it does not.
OPERATORS = [
    ("eq", "pro", ["pro"], ["Pro", "", 1, True, None, ["pro"], {"pro": 1}]),
    ("eq", 1, [1, 1.0], ["1", True, 0, 2, None]),
    ("eq", 0, [0, -0.0], [False, "", None]),
    ("eq", True, [True], [1, "true", False, None]),
    ("eq", ["pro", 2, False], ["pro", 2, False], ["2", True, "false", None, ["pro", 2, False]]),
    ("neq", "pro", ["team", "Pro", 1, False, ""], ["pro", None, ["team"], {}]),
    ("neq", ["pro", 2], ["team", 3, True], ["pro", 2, None]),
    ("in", ["pro", "team", 7, True], ["pro", "team", 7, True], ["free", "7", False, 1, None, ["pro"], {"pro": True}]),
    ("in", [], [], ["pro", 0, None]),
    ("notIn", ["pro", 7], ["free", "7", False, ""], ["pro", 7, None, ["free"], {}]),
    ("notIn", [], ["pro", 0], [None]),
    ("contains", "ell", ["hello", "ell"], ["HELLO", "", 1, True, None, ["hello", "ell"]]),
    ("contains", "", ["", "x"], [0, None]),
    ("contains", ["x", "ell"], ["hello", "x"], ["hero", None]),
    ("contains", [], [], ["hello", ""]),
    ("startsWith", "he", ["hello", "he"], ["Hello", "she", "", None, 5]),
    ("startsWith", ["\u00e9", "\U0001f9a9"], ["\u00e9clair", "\U0001f9a9!"], ["e\u0301clair", "\ufffd"]),
    ("endsWith", "@example.com", ["a@example.com"], ["a@example.com.", "a@EXAMPLE.com", None, False]),
    ("endsWith", ["x", "y"], ["ay", "ax"], ["xa", None]),
    ("lt", 10, [9.999, -1, 0], [10, 11, "9", True, None, [9]]),
    ("lte", 10, [10, 9], [10.001, "10", False, None]),
    ("gt", 10, [10.001, 11], [10, 9, "11", True, None, {"a": 11}]),
    ("gte", 10, [10, 11], [9.999, "10", True, None]),
    ("gte", -1.5e3, [-1500, 0], [-1500.5]),
]


def operator_cases(cases):
    for op, value, held, not_held in OPERATORS:
        for attribute, expected in [(found, YES) for found in held] + [(found, NO) for found in not_held]:
            cases.add(f"{op} {json.dumps(value)}, the attribute being {json.dumps(attribute)}",
                      ruled({"attribute": "x", "op": op, "value": value}), expected, attributes={"x": attribute})
        cases.add(f"{op} {json.dumps(value)}, the attribute being missing",
                  ruled({"attribute": "x", "op": op, "value": value}), NO, attributes={"y": 1})
    for attribute in ["", 0, False, [], {}, "x"]:
        for op, expected in [("exists", YES), ("notExists", NO)]:
            cases.add(f"{op}, the attribute being {json.dumps(attribute)}", ruled({"attribute": "x", "op": op}), expected,
                      attributes={"x": attribute})
    for name, attributes in [("null", {"x": None}), ("missing", {})]:
        for op, expected in [("exists", NO), ("notExists", YES)]:
            cases.add(f"{op}, the attribute being {name}", ruled({"attribute": "x", "op": op}), expected, attributes=attributes)
    for op, value, attribute, expected in [
        ("eq", "PRO", "pro", YES), ("eq", "pro", "PrO", YES), ("eq", "STRASSE", "stra\u00dfe", NO), ("eq", "\u00c9", "\u00e9", YES),
        ("neq", "PRO", "pro", NO), ("in", ["A", "B"], "b", YES), ("notIn", ["A", "B"], "b", NO), ("contains", "ELL", "hello", YES),
        ("startsWith", "he", "HELLO", YES), ("endsWith", ["LO"], "hello", YES), ("eq", 1, 1, YES), ("eq", True, "true", NO),
        ("eq", "\u0391\u03a3", "\u03b1\u03c3", NO),
    ]:
        cases.add(f"{op} {json.dumps(value)} ignoring case, the attribute being {json.dumps(attribute)}",
                  ruled({"attribute": "x", "op": op, "value": value, "ignoreCase": True}), expected, attributes={"x": attribute})
    cases.add("ignoreCase false compares exactly", ruled({"attribute": "x", "op": "eq", "value": "A", "ignoreCase": False}), NO,
              attributes={"x": "a"})


def condition_cases(cases):
    met, unmet = {"attribute": "x", "op": "exists"}, {"attribute": "y", "op": "exists"}
    broken_all = {"all": [met], "attribute": "y", "op": "exists"}
    for name, condition, expected in [
        ("all of none", {"all": []}, YES), ("any of none", {"any": []}, NO), ("all met", {"all": [met, met]}, YES),
        ("all but one", {"all": [met, unmet]}, NO), ("any met", {"any": [unmet, met]}, YES), ("none met", {"any": [unmet]}, NO),
        ("not met", {"not": met}, NO), ("not unmet", {"not": unmet}, YES), ("not not", {"not": {"not": met}}, YES),
        ("not of a comparison with a missing attribute", {"not": {"attribute": "y", "op": "eq", "value": 1}}, YES),
        ("nested", {"all": [{"any": [unmet, {"not": unmet}]}, {"not": {"any": [unmet]}}]}, YES),
        ("of several kinds the first of all, any, not, attribute counts", broken_all, YES),
    ]:
        cases.add(f"condition: {name}", ruled(condition), expected, attributes={"x": 1})
    deep = met
    for _ in range(15):
        deep = {"all": [deep]}
    cases.add("a condition 16 levels deep", ruled(deep), YES, attributes={"x": 1})
    for name, attributes, expected in [
        ("app.version", {"app.version": "1", "app": {"version": "2"}}, YES),
        ("app.version", {"app": {"version": "1"}}, YES),
        ("app.version", {"app.version": None, "app": {"version": "1"}}, NO),
        ("app.version", {"app": "1"}, NO),
        ("app.version", {"app": {"version": {"major": "1"}}}, NO),
        ("a.b.c.d", {"a": {"b": {"c": {"d": "1"}}}}, YES),
        ("a.b.c.d", {"a": {"b.c": {"d": "1"}}}, NO),
        ("list.0", {"list": ["1"]}, NO),
        ("list.length", {"list": ["1"]}, NO),
        ("", {"": "1"}, YES),
        ("", {}, NO),
        (".", {"": {"": "1"}}, YES),
        ("__proto__", {}, NO),
        ("__proto__", {"__proto__": "1"}, YES),
        ("constructor", {}, NO),
        ("toString.name", {}, NO),
        ("\U0001f9a9", {"\U0001f9a9": "1"}, YES),
    ]:
        cases.add(f"attribute {json.dumps(name)} of {json.dumps(attributes)}",
                  ruled({"attribute": name, "op": "eq", "value": "1"}), expected, attributes=attributes)
    for name, value in [("$distinctId", "u1"), ("$anonymousId", ANONYMOUS_ID), ("$deviceId", DEVICE_ID)]:
        cases.add(f"{name} is readable", ruled({"attribute": name, "op": "eq", "value": value}), YES)
        cases.add(f"{name} cannot be forged", ruled({"attribute": name, "op": "eq", "value": "forged"}), NO,
                  attributes={name: "forged"})
    cases.add("$distinctId before a login", ruled({"attribute": "$distinctId", "op": "eq", "value": ANONYMOUS_ID}), YES,
              distinct_id=None)
    cases.add("$other is an ordinary name", ruled({"attribute": "$other", "op": "eq", "value": 1}), YES, attributes={"$other": 1})
