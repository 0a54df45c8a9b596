#!/usr/bin/env python3
"""Writes the vectors beside it: bucketing.json, exposure_id.json, link_id.json and evaluation.json.

An implementation of docs/ruleset.md of its own, in another language and on another hash library, so that a mistake in
the engine cannot hide in its own expectations. Nothing here is copied from the engine's output. Run it with

    python3 -m pip install xxhash
    python3 tests/spec/make_vectors.py            # write the three files
    python3 tests/spec/make_vectors.py --check    # fail when a file differs from what would be written

It uses no clock and no randomness: the same files, byte for byte, each time. Python 3.9 or newer, any xxhash from 3.0.
A text in the vectors is a string, or {"repeat": string, "times": n} where it would be long.
"""

import base64
import datetime
import json
import struct
import sys
from fractions import Fraction
from pathlib import Path

import xxhash

HERE = Path(__file__).resolve().parent
SPEC_VERSION = 1
BUCKET_COUNT = 100_000


def text_of(text):
    return text["repeat"] * text["times"] if isinstance(text, dict) else text


# ---------------------------------------------------------------------------------------------------------- bucketing


def bucket_of(salt, unit_id):
    """(XXH32(utf8(salt) ++ 0x00 ++ utf8(unit id), seed 0) x 100000) >> 32"""
    digest = xxhash.xxh32_intdigest(salt.encode() + b"\0" + unit_id.encode(), seed=0)
    return (digest * BUCKET_COUNT) >> 32


def bucketing_vectors():
    salts = [
        "new_checkout", "new_checkout/exposure", "a", "", "caf\u00e9", "\u65d7", "\U0001f6a9", "layer/checkout-tests",
        "__proto__", "with space", "flag\twith\ncontrols\u0001", {"repeat": "s", "times": 256},
    ]
    units = [
        "u1", "u2", "0", " ", "  u1", "u1 ", "U1", "a\u0000b", "\u0000", "\u0001\u001f\u007f", "\u00e9", "e\u0301",
        "\u00df", "\u0130", "\u65e5\u672c\u8a9e", "\u0645\u0631\u062d\u0628\u0627", "\U0001f9a9",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\ufffd", "\ufeffu1", "\u2028",
        "person@example.com", "01890a5d-ac96-774b-bcce-b302099a8057", "constructor", "\"quoted\\\"",
    ]
    pairs = [(salt, unit) for salt in salts for unit in units]
    # The stripes of XXH32 are 16 bytes long: every length around their borders, the separator included.
    pairs += [("s", {"repeat": "x", "times": times}) for times in list(range(1, 36)) + [61, 62, 63, 64, 65]]
    pairs += [
        (salt, {"repeat": repeat, "times": times})
        for salt in ["new_checkout", ""]
        for repeat, times in [
            ("x", 255), ("x", 256), ("x", 1_000), ("x", 100_000), ("\u00e9", 500), ("\U0001f9a9", 25_000), ("ab\u0000", 341),
        ]
    ]
    # What the separator keeps apart.
    pairs += [("ab", "c"), ("a", "bc"), ("abc", "a"), ("ab", "ca"), ("u", "1"), ("", "u1"), ("", "1")]
    return [{"salt": salt, "unitId": unit, "bucket": bucket_of(text_of(salt), text_of(unit))} for salt, unit in pairs]


# -------------------------------------------------------------------------------------------------------- exposure ids

ID_FIELDS = [
    "environment", "dedup", "scopeId", "unitId", "distinctId", "flagKey", "flagVersion", "variant", "valueText", "reason",
    "experiment",
]


def row_id(parts):
    """Two XXH64, seeds 0 and 1, over the parts, each behind its length; base64url without padding."""
    message = b"".join(struct.pack("<I", len(part.encode())) + part.encode() for part in parts)
    digest = b"".join(struct.pack(">Q", xxhash.xxh64_intdigest(message, seed=seed)) for seed in (0, 1))
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def exposure_id(fields):
    fate = "decided" if fields.get("decided") else "seen"
    return row_id(["pennon1"] + [str(text_of(fields[name])) for name in ID_FIELDS] + [fate])


def exposure_id_vectors():
    base = {
        "environment": "production", "dedup": "session", "scopeId": "01890a5d-ac96-774b-bcce-b302099a8057",
        "unitId": "u1", "distinctId": "u1", "flagKey": "new_checkout", "flagVersion": 7, "variant": "treatment_a",
        "valueText": "true", "reason": "SPLIT", "experiment": "checkout-2026-q4",
    }
    rows = [dict(base)]
    texts = [
        "", "x", " ", "\u0000", "\u0001\n", "caf\u00e9", "\u65d7\u5e1c", "\U0001f6a9\U0001f9a9", "\ufffd", "__proto__",
        {"repeat": "y", "times": 1_000}, {"repeat": "\u00e9", "times": 5_000},
    ]
    for name in ID_FIELDS:
        if name not in ("dedup", "flagVersion", "reason"):
            rows += [{**base, name: text} for text in texts]
    rows += [{**base, "flagVersion": version} for version in [0, 1, 10, 4_294_967_296, 9_007_199_254_740_991]]
    rows += [
        {**base, "reason": reason}
        for reason in ["TARGETING_MATCH", "DEFAULT", "DISABLED", "NOT_IN_EXPOSURE", "OVERRIDE", "ERROR"]
    ]
    rows += [
        {**base, "dedup": dedup, "scopeId": scope}
        for dedup, scope in [
            ("identity", ""), ("none", "01890a5d-ac96-774b-bcce-b302099a8057/1"),
            ("none", "01890a5d-ac96-774b-bcce-b302099a8057/4294967295"), ("session", ""),
        ]
    ]
    values = [
        "null", "false", "0", "-0.0", "1e400", '""', '"true"', "[]", "{}", '{"layout":"one-page"}', '[1,[2,{"a":null}]]',
        '"\\ud83e\\udda9"', '"\U0001f9a9"', {"repeat": "[", "times": 300},
    ]
    rows += [{**base, "valueText": value} for value in values]
    # What the lengths keep apart: the same bytes in a row, cut at another place.
    rows += [
        {**base, "unitId": left, "distinctId": right}
        for left, right in [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")]
    ]
    rows += [{**base, **more, "decided": True} for more in [{}, {"variant": "control"}, {"dedup": "identity", "scopeId": ""}]]
    return [{"fields": fields, "id": exposure_id(fields)} for fields in rows]


def link_id_vectors():
    texts = [
        "01890a5d-ac97-7000-8000-000000000001", "u1", "", "x", "\u0000", "caf\u00e9", "\u65d7", "\U0001f6a9", "\ufffd",
        "ab", "c", "a", "bc", {"repeat": "\u00e9", "times": 128},
    ]
    return [
        {
            "anonymousId": anonymous, "distinctId": distinct,
            "id": row_id(["pennon1", "link", text_of(anonymous), text_of(distinct)]),
        }
        for anonymous in texts for distinct in texts
    ]


# ---------------------------------------------------------------------------------------------------------- evaluation

DEVICE_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
ANONYMOUS_ID = "01890a5d-ac97-7000-8000-000000000001"
NOW_MS = 1_790_000_000_000


class Broken(Exception):
    """The flag cannot be decided by."""


def whole(text):
    """A lone surrogate is U+FFFD."""
    return "".join("\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character for character in text)


def cleaned(value):
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {whole(key): cleaned(item) for key, item in value.items()}
    return value


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def demand(truth, message):
    if not truth:
        raise Broken(message)


def thousandths(value, most):
    demand(is_number(value), "a number")
    exact = Fraction(repr(value)) * 1000  # repr gives the shortest decimal, which is what was written
    demand(exact.denominator == 1 and 0 <= exact <= most, "a number in its range with at most 3 decimals")
    return int(exact)


def time_ms(value, unset):
    if value is None:
        return unset
    if is_number(value):
        return value
    demand(isinstance(value, str), "a time")
    try:
        if len(value) == 10:
            parsed = datetime.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=datetime.timezone.utc)
        else:
            parsed = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise Broken(str(error)) from error
    demand(parsed.tzinfo is not None, "a zone")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (parsed - epoch) // datetime.timedelta(milliseconds=1)


def compile_flag(key, flag):
    """Raises Broken for each mistake that docs/ruleset.md names. Gives the flag with its defaults filled in."""
    demand(isinstance(flag, dict), "an object")
    demand(len(key.encode()) <= 256, "a shorter key")
    flag = {name: value for name, value in flag.items() if value is not None}
    for name in ("requires", "layer", "holdout", "sticky"):
        demand(flag.get(name, False) is False, name)
    variants = flag.get("variants")
    demand(isinstance(variants, dict) and 1 <= len(variants) <= 2000, "variants")
    demand(all(1 <= len(name.encode()) <= 256 for name in variants), "names of variants")

    def variant(name):
        demand(isinstance(name, str) and name in variants, "the key of a variant")
        return name

    def salt(value):
        demand(isinstance(value, str) and "\0" not in value, "a salt")
        return value

    result = {"variants": variants, "default": variant(flag.get("default"))}
    result["off"] = variant(flag.get("off", result["default"]))
    result["enabled"] = flag.get("enabled", True)
    demand(isinstance(result["enabled"], bool), "enabled")
    version = flag.get("version", 1)
    demand(is_number(version) and version == int(version) and 0 <= version < 2**53, "version")
    result["version"] = int(version)
    by = flag.get("by", "distinctId")
    result["by"] = by if isinstance(by, list) else [by]
    demand(result["by"] and all(isinstance(unit, str) and unit for unit in result["by"]), "by")
    result["salt"] = salt(flag.get("salt", key))
    experiment = flag.get("experiment", "x")
    demand(isinstance(experiment, str) and 1 <= len(experiment.encode()) <= 256, "experiment")
    limit = flag.get("limitExposure")
    if limit is not None:
        demand(isinstance(limit, dict), "limitExposure")
        limit = {name: value for name, value in limit.items() if value is not None}
        own_salt = salt(limit.get("salt", result["salt"] + "/exposure"))
        demand(own_salt != result["salt"], "two salts")
        result["limit"] = {
            "buckets": thousandths(limit.get("percent"), 100_000),
            "variant": variant(limit.get("variant", result["default"])),
            "salt": own_salt,
        }
    targets = flag.get("targets", [])
    demand(isinstance(targets, list), "targets")
    for target in targets:
        demand(isinstance(target, dict), "a target")
        variant(target.get("variant"))
        ids = target.get("ids")
        demand(isinstance(ids, list) and all(isinstance(unit_id, str) for unit_id in ids), "ids")
    result["targets"] = targets
    result["start"] = time_ms(flag.get("start"), float("-inf"))
    result["end"] = time_ms(flag.get("end"), float("inf"))
    rules = flag.get("rules", [])
    demand(isinstance(rules, list), "rules")
    result["rules"] = rules
    for rule in rules:
        demand(isinstance(rule, dict), "a rule")
        rule_id = rule.get("id")
        demand(rule_id is None or isinstance(rule_id, str) and 1 <= len(rule_id.encode()) <= 256, "a rule's id")
        if rule.get("when") is not None:
            check_condition(rule["when"])
        serve = rule.get("serve")
        if isinstance(serve, list):
            demand(all(isinstance(entry, dict) for entry in serve), "a split")
            weights = [thousandths(entry.get("weight"), 1_000_000_000) for entry in serve]
            demand(1 <= len(serve) <= 1000 and sum(weights) > 0, "a split")
            for entry in serve:
                variant(entry.get("variant"))
        else:
            variant(serve)
    return result


SCALAR_OPS = {"eq", "neq", "in", "notIn"}
TEXT_OPS = {"contains": lambda a, b: b in a, "startsWith": str.startswith, "endsWith": str.endswith}
NUMBER_OPS = {
    "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b, "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b,
}


def is_scalar(value):
    return isinstance(value, (str, bool)) or is_number(value)


def check_condition(condition):
    demand(isinstance(condition, dict), "a condition")
    for name in ("all", "any"):
        if condition.get(name) is not None:
            demand(isinstance(condition[name], list), name)
            for item in condition[name]:
                check_condition(item)
            return
    if condition.get("not") is not None:
        return check_condition(condition["not"])
    demand(isinstance(condition.get("attribute"), str), "a condition of this version")
    op, value = condition.get("op"), condition.get("value")
    ignore_case = condition.get("ignoreCase")
    demand(ignore_case is None or isinstance(ignore_case, bool), "ignoreCase")
    values = value if isinstance(value, list) else [value]
    if op in ("exists", "notExists"):
        return None
    if op in ("in", "notIn"):
        demand(isinstance(value, list), "a list")
    if op in SCALAR_OPS:
        return demand(all(is_scalar(item) for item in values), "scalars")
    if op in TEXT_OPS:
        return demand(all(isinstance(item, str) for item in values), "strings")
    demand(isinstance(op, str) and op in NUMBER_OPS, "a known operator")
    return demand(is_number(value), "a number")


def attribute_of(name, identity, attributes):
    """None when missing."""
    ids = {"$distinctId": "distinctId", "$anonymousId": "anonymousId", "$deviceId": "deviceId"}
    if name in ids:
        return identity[ids[name]]
    if name in attributes:
        return attributes[name]
    found = attributes
    for step in name.split("."):
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


def same(expected, found):
    kind = lambda value: "bool" if isinstance(value, bool) else "number" if is_number(value) else "text"
    return kind(expected) == kind(found) and expected == found


def holds(condition, identity, attributes):
    if condition.get("all") is not None:
        return all([holds(item, identity, attributes) for item in condition["all"]])
    if condition.get("any") is not None:
        return any([holds(item, identity, attributes) for item in condition["any"]])
    if condition.get("not") is not None:
        return not holds(condition["not"], identity, attributes)
    op, found = condition["op"], attribute_of(condition["attribute"], identity, attributes)
    if found is None:
        return op == "notExists"
    if op in ("exists", "notExists"):
        return op == "exists"
    value = condition["value"]
    values = value if isinstance(value, list) else [value]
    if condition.get("ignoreCase"):
        fold = lambda item: item.lower() if isinstance(item, str) else item
        found, values = fold(found), [fold(item) for item in values]
    if op in SCALAR_OPS:
        if not is_scalar(found):
            return False
        return any(same(item, found) for item in values) == (op in ("eq", "in"))
    if op in TEXT_OPS:
        return isinstance(found, str) and any(TEXT_OPS[op](found, item) for item in values)
    return is_number(found) and NUMBER_OPS[op](found, value)


def unit_id_of(flag, identity, attributes):
    for unit in flag["by"]:
        found = identity[unit] if unit in identity else attribute_of(unit, identity, attributes)
        if isinstance(found, str) and found:
            return found
    return None


def answer(variant=None, reason="ERROR", rule=None, bucket=None, error=None):
    return {"variant": variant, "reason": reason, "ruleId": rule, "bucket": bucket, "errorCode": error}


def decide(ruleset, key, identity, attributes, now_ms):
    """The ten steps of docs/ruleset.md, without overrides."""
    if key not in ruleset["flags"]:
        return None, answer(error="FLAG_NOT_FOUND")
    try:
        flag = compile_flag(key, ruleset["flags"][key])
    except Broken:
        return None, answer(error="PARSE_ERROR")
    if not flag["enabled"] or not flag["start"] <= now_ms < flag["end"]:
        return flag, answer(flag["off"], "DISABLED")
    unit_id = unit_id_of(flag, identity, attributes)
    no_unit = answer(flag["default"], "DEFAULT", error="TARGETING_KEY_MISSING")
    for target in flag["targets"]:
        if unit_id in target["ids"]:
            return flag, answer(target["variant"], "TARGETING_MATCH", "$target")
    if "limit" in flag:
        if unit_id is None:
            return flag, no_unit
        if bucket_of(flag["limit"]["salt"], unit_id) >= flag["limit"]["buckets"]:
            return flag, answer(flag["limit"]["variant"], "NOT_IN_EXPOSURE")
    for rule in flag["rules"]:
        if rule.get("when") is not None and not holds(rule["when"], identity, attributes):
            continue
        if isinstance(rule["serve"], str):
            return flag, answer(rule["serve"], "TARGETING_MATCH", rule.get("id"))
        if unit_id is None:
            return flag, no_unit
        bucket = bucket_of(flag["salt"], unit_id)
        weights = [thousandths(entry["weight"], 1_000_000_000) for entry in rule["serve"]]
        for place, entry in enumerate(rule["serve"]):
            start = BUCKET_COUNT * sum(weights[:place]) // sum(weights)
            end = BUCKET_COUNT * sum(weights[: place + 1]) // sum(weights)
            if start <= bucket < end:
                return flag, answer(entry["variant"], "SPLIT", rule.get("id"), bucket)
    return flag, answer(flag["default"], "DEFAULT")


class Cases:
    def __init__(self):
        self.vectors = []

    def add(self, name, ruleset, expected, *, flag="f", distinct_id="u1", attributes=None, now_ms=NOW_MS, raw=False):
        """`expected`, written by hand: (variant, reason[, rule id[, error code]]); None where only the model tells.

        The model must agree with it; the bucket and the value are the model's. `raw`: the ruleset is given as text.
        """
        identity = {
            "distinctId": distinct_id or ANONYMOUS_ID, "anonymousId": ANONYMOUS_ID, "deviceId": DEVICE_ID,
        }
        attributes = attributes or {}
        parsed = cleaned(json.loads(ruleset) if raw else ruleset)
        compiled, got = decide(parsed, flag, identity, attributes, now_ms)
        if expected is not None:
            wanted = (list(expected) + [None] * 4)[:4]
            found = [got["variant"], got["reason"], got["ruleId"], got["errorCode"]]
            assert wanted == found, f"{name}: by hand {wanted}, by the model {found}"
        expect = dict(got)
        if got["variant"] is not None:
            expect["value"] = compiled["variants"][got["variant"]]
            expect["flagVersion"] = compiled["version"]
        self.vectors.append({
            "name": name,
            "rulesetText" if raw else "ruleset": ruleset,
            "flag": flag,
            "distinctId": distinct_id,
            "attributes": attributes,
            "nowMs": now_ms,
            "expect": expect,
        })


def one(**fields):
    """A ruleset of one flag `f` with the variants a, b and c."""
    flag = {"variants": {"a": "A", "b": {"layout": ["one-page", 2]}, "c": None}, "default": "a", **fields}
    return {"schema": 1, "version": 3, "flags": {"f": flag}}


def ruled(condition, **fields):
    return one(rules=[{"id": "r", "when": condition, "serve": "b"}], **fields)


YES, NO = ("b", "TARGETING_MATCH", "r"), ("a", "DEFAULT")
PARSE_ERROR = (None, "ERROR", None, "PARSE_ERROR")
NOT_FOUND = (None, "ERROR", None, "FLAG_NOT_FOUND")
NO_UNIT = ("a", "DEFAULT", None, "TARGETING_KEY_MISSING")
HALVES = [{"variant": "a", "weight": 50}, {"variant": "b", "weight": 50}]


def step_cases(cases):
    add = cases.add
    add("an unknown flag", one(), NOT_FOUND, flag="g")
    add("no flags at all", {"flags": {}}, NOT_FOUND)
    add("keys are compared exactly", one(), NOT_FOUND, flag="F")
    add("a flag without rules", one(), ("a", "DEFAULT"))
    add("null fields are absent ones", one(off=None, version=None, rules=None, limitExposure=None), ("a", "DEFAULT"))
    add("unknown fields are ignored", one(colour="red", owner={"team": 7}), ("a", "DEFAULT"))
    add("disabled serves the default without an off variant", one(enabled=False), ("a", "DISABLED"))
    add("disabled serves off", one(enabled=False, off="c"), ("c", "DISABLED"))
    add("disabled before a target", one(enabled=False, targets=[{"variant": "b", "ids": ["u1"]}]), ("a", "DISABLED"))
    start, end = "2026-09-21T14:13:20Z", "2026-09-21T14:13:21.500Z"
    start_ms = 1_790_000_000_000
    window = one(start=start, end=end, off="c", rules=[{"serve": "b"}])
    for name, at_ms, expected in [
        ("one millisecond before its start", start_ms - 1, ("c", "DISABLED")),
        ("at its start", start_ms, ("b", "TARGETING_MATCH")),
        ("one millisecond before its end", start_ms + 1499, ("b", "TARGETING_MATCH")),
        ("at its end", start_ms + 1500, ("c", "DISABLED")),
    ]:
        add(f"a flag {name}", window, expected, now_ms=at_ms)
    add("a start with an offset", one(start="2026-09-21T16:13:20+02:00", off="c"), ("a", "DEFAULT"))
    add("a start with an offset, before it", one(start="2026-09-21T16:13:21+02:00", off="c"), ("c", "DISABLED"))
    add("a start as Unix milliseconds", one(start=start_ms, off="c"), ("a", "DEFAULT"))
    add("a start as Unix milliseconds, before it", one(start=start_ms + 1, off="c"), ("c", "DISABLED"))
    add("a date is midnight UTC", one(end="2026-09-22", off="c"), ("a", "DEFAULT"), now_ms=1_790_035_199_999)
    add("a date is midnight UTC, at it", one(end="2026-09-22", off="c"), ("c", "DISABLED"), now_ms=1_790_035_200_000)
    add("an end before its start is never on", one(start=end, end=start, off="c"), ("c", "DISABLED"))
    add("an end alone", one(end=start, off="c"), ("c", "DISABLED"))
    targets = [{"variant": "b", "ids": ["qa-1", "u1"]}, {"variant": "c", "ids": ["u1", "qa-2"]}]
    add("a target", one(targets=targets), ("b", "TARGETING_MATCH", "$target"))
    add("the first list that names the unit", one(targets=targets[::-1]), ("c", "TARGETING_MATCH", "$target"))
    add("on no list", one(targets=targets), ("a", "DEFAULT"), distinct_id="u2")
    add("an empty list of ids", one(targets=[{"variant": "b", "ids": []}]), ("a", "DEFAULT"))
    add("target ids are compared exactly", one(targets=[{"variant": "b", "ids": ["U1", "u1 "]}]), ("a", "DEFAULT"))
    add("a target comes before the limit", one(targets=targets, limitExposure={"percent": 0}),
        ("b", "TARGETING_MATCH", "$target"))
    add("a target comes before the rules", one(targets=targets, rules=[{"id": "r", "serve": "c"}]),
        ("b", "TARGETING_MATCH", "$target"))
    add("a target by device", one(by="deviceId", targets=[{"variant": "b", "ids": [DEVICE_ID]}]),
        ("b", "TARGETING_MATCH", "$target"))
    add("who has no unit id is on no list", one(by="orgId", targets=[{"variant": "b", "ids": ["u1", ""]}]), ("a", "DEFAULT"))
    everyone = [{"id": "r", "serve": "b"}]
    add("a limit of 0 percent", one(limitExposure={"percent": 0}, rules=everyone), ("a", "NOT_IN_EXPOSURE"))
    add("a limit of 100 percent", one(limitExposure={"percent": 100}, rules=everyone), YES)
    add("outside, the limit's variant", one(limitExposure={"percent": 0, "variant": "c"}, rules=everyone),
        ("c", "NOT_IN_EXPOSURE"))
    edge = bucket_of("f/exposure", "u1")
    for percent, expected in [(edge / 1000, ("a", "NOT_IN_EXPOSURE")), ((edge + 1) / 1000, YES)]:
        add(f"a limit of {percent} percent, u1's bucket being {edge}",
            one(limitExposure={"percent": percent}, rules=everyone), expected)
    edge = bucket_of("pepper", "u1")
    for percent, expected in [(edge / 1000, ("a", "NOT_IN_EXPOSURE")), ((edge + 1) / 1000, YES)]:
        add(f"a limit of {percent} percent by its own salt, u1's bucket being {edge}",
            one(limitExposure={"percent": percent, "salt": "pepper"}, rules=everyone), expected)
    edge = bucket_of("salt/exposure", "u1")
    for percent, expected in [(edge / 1000, ("a", "NOT_IN_EXPOSURE")), ((edge + 1) / 1000, YES)]:
        add(f"a limit of {percent} percent by the split's salt, u1's bucket being {edge}",
            one(salt="salt", limitExposure={"percent": percent}, rules=everyone), expected)
    add("a limit needs a unit", one(by="orgId", limitExposure={"percent": 100}, rules=everyone), NO_UNIT)
    add("a missing unit is the default, not the limit's variant",
        one(by="orgId", limitExposure={"percent": 0, "variant": "c"}), NO_UNIT)
    add("the first rule that matches", one(rules=[
        {"id": "no", "when": {"attribute": "x", "op": "exists"}, "serve": "c"}, {"id": "r", "serve": "b"},
        {"id": "late", "serve": "c"}]), YES)
    add("a rule without an id", one(rules=[{"serve": "b"}]), ("b", "TARGETING_MATCH"))
    add("a rule whose condition is null matches everyone", one(rules=[{"id": "r", "when": None, "serve": "b"}]), YES)
    add("a rule serves the default variant too", one(rules=[{"id": "r", "serve": "a"}]), ("a", "TARGETING_MATCH", "r"))
    add("a fixed variant needs no unit", one(by="orgId", rules=everyone), YES)
    add("a split needs a unit", one(by="orgId", rules=[{"id": "r", "serve": HALVES}, {"serve": "c"}]), NO_UNIT)
    add("a split that is not asked needs no unit",
        one(by="orgId", rules=[{"when": {"attribute": "x", "op": "exists"}, "serve": HALVES}, {"serve": "c"}]),
        ("c", "TARGETING_MATCH"))


def split_cases(cases):
    add = cases.add
    for number in range(12):
        unit = f"person {number}"
        side = "a" if bucket_of("f", unit) < 50_000 else "b"
        add(f"halves, {unit}", one(rules=[{"id": "s", "serve": HALVES}]), (side, "SPLIT", "s"), distinct_id=unit)
    thirds = [{"variant": name, "weight": weight} for name, weight in [("a", 33), ("b", 34), ("c", 33)]]
    for number in range(12):
        add(f"33/34/33 at 20 percent, person {number}",
            one(limitExposure={"percent": 20, "variant": "c"}, rules=[{"serve": thirds}]), None,
            distinct_id=f"person {number}")
    edge = bucket_of("f", "u1")
    for below, expected in [(edge, "b"), (edge + 1, "a")]:
        weights = [{"variant": "a", "weight": below / 1000}, {"variant": "b", "weight": (100_000 - below) / 1000}]
        add(f"a share that ends at bucket {below}, u1's being {edge}", one(rules=[{"serve": weights}]), (expected, "SPLIT"))
    add("weights need not sum to 100", one(rules=[{"serve": [
        {"variant": "c", "weight": 0.001}, {"variant": "b", "weight": 999_999.999}]}]), ("b", "SPLIT"))
    add("a weight of 0 is never served", one(rules=[{"serve": [
        {"variant": "a", "weight": 0}, {"variant": "b", "weight": 7}, {"variant": "c", "weight": 0}]}]), ("b", "SPLIT"))
    add("a variant listed twice has both shares", one(rules=[{"serve": [
        {"variant": "b", "weight": 1}, {"variant": "b", "weight": 1}]}]), ("b", "SPLIT"))
    add("a split of one", one(rules=[{"serve": [{"variant": "c", "weight": 0.001}]}]), ("c", "SPLIT"))
    add("a split with a salt of its own", one(salt="another", rules=[{"serve": HALVES}]), None)
    add("a split with an empty salt", one(salt="", rules=[{"serve": HALVES}]), None)
    many = one(rules=[{"serve": [{"variant": f"v{place}", "weight": 1} for place in range(1000)]}])
    many["flags"]["f"]["variants"].update({f"v{place}": place for place in range(1000)})
    add("a thousand shares", many, None)
    for name, by, attributes, unit in [
        ("distinct id", "distinctId", {}, "u1"),
        ("device id", "deviceId", {}, DEVICE_ID),
        ("anonymous id", "anonymousId", {}, ANONYMOUS_ID),
        ("an attribute", "orgId", {"orgId": "acme"}, "acme"),
        ("a path", "org.id", {"org": {"id": "acme"}}, "acme"),
        ("a whole name before a path", "org.id", {"org": {"id": "no"}, "org.id": "acme"}, "acme"),
        ("the first that is present", ["orgId", "deviceId"], {}, DEVICE_ID),
        ("the first of two that are present", ["orgId", "deviceId"], {"orgId": "acme"}, "acme"),
        ("an empty string is not present", ["orgId", "deviceId"], {"orgId": ""}, DEVICE_ID),
        ("a number is no id", ["orgId", "deviceId"], {"orgId": 7}, DEVICE_ID),
        ("null is missing", ["orgId", "deviceId"], {"orgId": None}, DEVICE_ID),
        ("white space is kept", "orgId", {"orgId": " acme "}, " acme "),
        ("an astral id", "orgId", {"orgId": "\U0001f9a9"}, "\U0001f9a9"),
    ]:
        side = "a" if bucket_of("f", unit) < 50_000 else "b"
        add(f"by {name}", one(by=by, rules=[{"serve": HALVES}]), (side, "SPLIT"), attributes=attributes)
    for name, attributes in [("missing", {}), ("empty", {"orgId": ""}), ("a number", {"orgId": 7}), ("a list", {"orgId": ["x"]}),
                             ("true", {"orgId": True})]:
        add(f"by an attribute that is {name}", one(by="orgId", rules=[{"serve": HALVES}]), NO_UNIT, attributes=attributes)
    side = "a" if bucket_of("f", ANONYMOUS_ID) < 50_000 else "b"
    add("before a login the distinct id is the anonymous one", one(rules=[{"serve": HALVES}]), (side, "SPLIT"), distinct_id=None)


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
    for _ in range(18):
        deep = {"all": [deep]}
    cases.add("a condition 18 levels deep", ruled(deep), YES, attributes={"x": 1})
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
        ("a split of a stranger", split({"variant": "z", "weight": 1})), ("an unknown operator", condition(attribute="x", op="semverGte", value="1.0.0")),
        ("no operator", condition(attribute="x", value=1)), ("an operator of later versions", condition(attribute="x", op="matches", value="a.*")),
        ("an unknown condition", condition(every=[])), ("a segment", condition(segment="beta")),
        ("a condition on another flag", condition(flag="good", variants=["on"])), ("an attribute that is no text", condition(attribute=1, op="exists")),
        ("in without a list", condition(attribute="x", op="in", value="a")), ("in with an object", condition(attribute="x", op="in", value=[{}])),
        ("eq without a value", condition(attribute="x", op="eq")), ("eq with null in its list", condition(attribute="x", op="eq", value=[None])),
        ("contains with a number", condition(attribute="x", op="contains", value=1)), ("lt with text", condition(attribute="x", op="lt", value="1")),
        ("lt with a list", condition(attribute="x", op="lt", value=[1])), ("ignoreCase as text", condition(attribute="x", op="eq", value="a", ignoreCase="yes")),
        ("all that is no list", condition(all={})), ("not of a list", condition(**{"not": []})),
        ("a mistake deep inside", condition(all=[{"any": [{"not": {"attribute": "x", "op": "?"}}]}])),
        ("a prerequisite", {"requires": [{"flag": "good", "variants": ["on"]}]}), ("a layer", {"layer": "l"}), ("a holdout", {"holdout": "h"}),
        ("sticky", {"sticky": True}),
    ]:
        broken = one(**fields)
        broken["flags"]["good"] = good
        cases.add(f"broken: {name}", broken, PARSE_ERROR)
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


def evaluation_vectors():
    cases = Cases()
    for part in (step_cases, split_cases, operator_cases, condition_cases, broken_cases, text_cases):
        part(cases)
    names = [vector["name"] for vector in cases.vectors]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    return cases.vectors


# --------------------------------------------------------------------------------------------------------------- files


def document(about, vectors, **more):
    """One vector a line, so that a change shows as itself."""
    head = {"specVersion": SPEC_VERSION, "about": about, **more}
    lines = ",\n".join("  " + json.dumps(vector, ensure_ascii=True) for vector in vectors)
    return json.dumps(head, ensure_ascii=True)[:-1] + ', "vectors": [\n' + lines + "\n]}\n"


def main():
    files = {
        "bucketing.json": document("bucket = (XXH32(utf8(salt) 00 utf8(unitId), seed 0) * 100000) >> 32", bucketing_vectors()),
        "exposure_id.json": document("the id of an exposure's row, by docs/ruleset.md", exposure_id_vectors()),
        "link_id.json": document("the id of a link's row, by docs/ruleset.md", link_id_vectors()),
        "evaluation.json": document(
            "what a flag answers, by docs/ruleset.md; value and flagVersion are absent where no variant is named",
            evaluation_vectors(), anonymousId=ANONYMOUS_ID, deviceId=DEVICE_ID,
        ),
    }
    different = False
    for name, text in files.items():
        path = HERE / name
        count = text.count("\n") - 2
        if "--check" in sys.argv[1:]:
            same_bytes = path.exists() and path.read_bytes() == text.encode()
            different |= not same_bytes
            print(f"{name}: {count} vectors, {'as committed' if same_bytes else 'DIFFERENT'}")
        else:
            path.write_bytes(text.encode())
            print(f"{name}: {count} vectors")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
