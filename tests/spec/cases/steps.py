"""Steps 1 to 10 with what one flag alone can ask for: its times, targets, limit, rules and splits."""

from model.buckets import bucket_of

from .base import ANONYMOUS_ID, DEVICE_ID, HALVES, NOT_FOUND, NO_UNIT, YES, one


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
