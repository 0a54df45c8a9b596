"""Local overrides, how far they reach, and what is kept for sticky flags."""

from model.buckets import bucket_of

from .base import ANONYMOUS_ID, DEVICE_ID, GOOD, HALVES, NO, NOT_FOUND, PARSE_ERROR, YES, one, ruled, shown

FORCED = ("b", "OVERRIDE")


def with_flags(ruleset, **flags):
    return {**ruleset, "flags": {**ruleset["flags"], **flags}}


def override_cases(cases):
    add = cases.add
    rules = [{"id": "r", "serve": "c"}]
    add("an override", one(rules=rules), FORCED, overrides={"f": "b"})
    add("an override of the variant it has anyway", one(), ("a", "OVERRIDE"), overrides={"f": "a"})
    add("an override of another flag", one(), NO, overrides={"g": "b"})
    for variant in ["d", "", "B", "__proto__", "constructor", "b "]:
        add(f"an override of no variant, {shown(variant)}, is passed over", one(rules=rules), ("c", "TARGETING_MATCH", "r"), overrides={"f": variant})
    add("an override of a variant called __proto__", {"flags": {"f": {"variants": {"__proto__": 1, "v": 2}, "default": "v"}}}, ("__proto__", "OVERRIDE"), overrides={"f": "__proto__"})
    add("an override of a flag called __proto__", {"flags": {"__proto__": GOOD}}, ("off", "OVERRIDE"), flag="__proto__", overrides={"__proto__": "off"})
    for name, fields in [
        ("disabled", {"enabled": False}), ("not its time", {"end": 0}), ("a target", {"targets": [{"variant": "c", "ids": ["u1"]}]}), ("the limit", {"limitExposure": {"percent": 0}}),
        ("a missing unit id", {"by": "orgId", "limitExposure": {"percent": 0}}), ("a prerequisite", {"requires": [{"flag": "g", "variants": []}]}),
        ("a prerequisite that is not there", {"requires": [{"flag": "h", "variants": []}]}), ("a circle", {"requires": [{"flag": "f", "variants": []}]}),
        ("the split", {"rules": [{"id": "s", "serve": HALVES}]}), ("the holdout", {"holdout": "h"}), ("the layer", {"layer": "l"}),
    ]:
        ruleset = {**with_flags(one(**fields), g=GOOD), "holdouts": {"h": {"percent": 100}}, "layers": {"l": {"slots": {}}}}
        add(f"an override comes before {name}", ruleset, FORCED, overrides={"f": "b"})
    add("an override of a broken flag", one(version=-1), PARSE_ERROR, overrides={"f": "b"})
    add("an override of an unknown flag", one(), NOT_FOUND, flag="g", overrides={"g": "b"})


def reach_cases(cases):
    add = cases.add
    off = {**GOOD, "default": "off"}
    on_rule = [{"id": "r", "serve": "b"}]
    required = lambda **fields: with_flags(one(off="c", requires=[{"flag": "g", "variants": ["on"]}], rules=on_rule, **fields), g=off)
    reached = ("b", "OVERRIDE", "r")
    add("an override reaches the flag that requires it, met", required(), reached, overrides={"g": "on"})
    add("an override reaches the flag that requires it, unmet", with_flags(required(), g=GOOD), ("c", "OVERRIDE"), overrides={"g": "off"})
    add("an override that changes nothing reaches it too", required(), ("c", "OVERRIDE"), overrides={"g": "off"})
    add("an override of no variant reaches nothing", required(), ("c", "PREREQUISITE_FAILED"), overrides={"g": "nothing"})
    add("an override reaches a target's answer", required(targets=[{"variant": "a", "ids": ["u1"]}]), ("a", "OVERRIDE", "$target"), overrides={"g": "on"})
    add("an override reaches a limit's answer", required(limitExposure={"percent": 0}), ("a", "OVERRIDE"), overrides={"g": "on"})
    add("an override reaches a split, whose bucket is left out", with_flags(one(requires=[{"flag": "g", "variants": ["on"]}], rules=[{"id": "s", "serve": [{"variant": "b", "weight": 1}]}]), g=off),
        ("b", "OVERRIDE", "s"), overrides={"g": "on"})
    add("an override reaches a missing unit id, whose error code is left out", required(by="orgId", limitExposure={"percent": 50}), ("a", "OVERRIDE"), overrides={"g": "on"})
    add("an override reaches the default", with_flags(one(requires=[{"flag": "g", "variants": ["on"]}]), g=off), ("a", "OVERRIDE"), overrides={"g": "on"})
    add("a disabled flag looks at nothing", required(enabled=False), ("c", "DISABLED"), overrides={"g": "on"})
    add("what cannot be answered looks at nothing", with_flags(one(off="c", requires=[{"flag": "g", "variants": ["on"]}, {"flag": "nobody", "variants": []}]), g=off),
        ("c", "PREREQUISITE_FAILED"), overrides={"g": "on"})
    add("the overridden flag's own answer", required(), ("on", "OVERRIDE"), flag="g", overrides={"g": "on"})
    add("a flag of an override of its own looks at no other", required(), FORCED, overrides={"f": "b", "g": "off"})
    two = with_flags(one(off="c", requires=[{"flag": "g", "variants": ["on"]}, {"flag": "h", "variants": ["on"]}], rules=on_rule), g=off, h=GOOD)
    add("a prerequisite that is not met ends the step: the second is not looked at", two, ("c", "PREREQUISITE_FAILED"), overrides={"h": "off"})
    add("a prerequisite that is met: the second is looked at", with_flags(two, g=GOOD), ("c", "OVERRIDE"), overrides={"h": "off"})
    third = with_flags(required(), g={**off, "requires": [{"flag": "h", "variants": ["on"]}], "rules": [{"serve": "on"}]}, h=off)
    add("an override reaches through a third flag", third, reached, overrides={"h": "on"})
    add("an override reaches through a third flag, unmet", third, ("c", "OVERRIDE"), overrides={"h": "off"})
    add("an overridden flag between looks at nothing", third, reached, overrides={"g": "on"})
    add("the third flag itself", third, ("on", "OVERRIDE"), flag="g", overrides={"h": "on"})
    add("an override of the first does not reach the third", third, ("off", "DEFAULT"), flag="h", overrides={"f": "b", "g": "on"})
    add("an override reaches through a disabled flag not", with_flags(third, g={**third["flags"]["g"], "enabled": False, "off": "on"}), YES, overrides={"h": "on"})
    # Conditions, in their order and no longer than needed.
    asks_g, yes, no = {"flag": "g", "variants": ["on"]}, {"all": []}, {"any": []}
    for name, condition, expected in [
        ("alone", asks_g, reached), ("in not", {"not": asks_g}, ("a", "OVERRIDE")), ("in not, of another variant", {"not": {"flag": "g", "variants": ["off"]}}, reached),
        ("first of all", {"all": [asks_g, yes]}, reached), ("last of all", {"all": [yes, asks_g]}, reached), ("of all, behind one that does not hold", {"all": [no, asks_g]}, NO),
        ("of all, before one that does not hold", {"all": [asks_g, no]}, ("a", "OVERRIDE")), ("first of any", {"any": [asks_g, no]}, reached), ("last of any", {"any": [no, asks_g]}, reached),
        ("of any, behind one that holds", {"any": [yes, asks_g]}, YES), ("of any, deep behind one that holds", {"any": [{"all": [yes]}, {"not": {"all": [asks_g]}}]}, YES),
        ("of no variant", {"flag": "g", "variants": []}, ("a", "OVERRIDE")), ("in a segment", {"segment": "s"}, reached),
        ("in a segment behind one that holds", {"any": [yes, {"segment": "s"}]}, YES), ("in a segment that excludes the person", {"segment": "out"}, NO), ("in a segment that includes the person", {"segment": "in"}, YES),
        ("in a segment within a segment", {"segment": "deep"}, reached), ("in a segment, twice", {"all": [{"segment": "s"}, {"segment": "s"}]}, reached),
    ]:
        ruleset = {**with_flags(ruled(condition), g=off), "segments": {
            "s": {"when": asks_g}, "out": {"exclude": ["u1"], "when": asks_g}, "in": {"include": ["u1"], "when": asks_g}, "deep": {"when": {"segment": "s"}},
        }}
        add(f"an override in a condition: {name}", ruleset, expected, overrides={"g": "on"})
    rules = [{"id": "first", "when": asks_g, "serve": "b"}, {"id": "second", "serve": "c"}]
    add("an override looked at in a rule before the one that answers", with_flags(one(rules=rules), g=GOOD), ("c", "OVERRIDE", "second"), overrides={"g": "off"})
    add("an override in a rule behind the one that answers", with_flags(one(rules=rules[::-1]), g=GOOD), ("c", "TARGETING_MATCH", "second"), overrides={"g": "off"})
    add("an override behind the limit is not looked at", with_flags(one(rules=rules, limitExposure={"percent": 0}), g=GOOD), ("a", "NOT_IN_EXPOSURE"), overrides={"g": "off"})
    shared = {**with_flags(
        ruled({"all": [{"flag": "h", "variants": ["on"]}, {"segment": "s"}]}), g=off, h={**off, "rules": [{"when": {"segment": "s"}, "serve": "on"}]},
    ), "segments": {"s": {"when": asks_g}}}
    add("a segment that was looked at for another flag reaches both", shared, reached, overrides={"g": "on"})
    add("a segment that was looked at for another flag, asked itself", shared, ("on", "OVERRIDE"), flag="h", overrides={"g": "on"})
    first = {**shared, "flags": {**shared["flags"], "f": ruled({"any": [{"segment": "s"}, {"flag": "h", "variants": ["on"]}]})["flags"]["f"]}}
    add("a segment that was looked at first and does not hold", first, ("a", "OVERRIDE"), overrides={"g": "off"})


def weighed(a, b, **fields):
    return one(sticky=True, rules=[{"id": "s", "serve": [{"variant": "a", "weight": a}, {"variant": "b", "weight": b}]}], **fields)


KEPT_A, KEPT_B = ("a", "SPLIT", "s"), ("b", "SPLIT", "s")
ALL_A, ALL_B, ALMOST_B = weighed(1, 0), weighed(0, 1), weighed(0.001, 999_999.999)


def sticky_cases(cases):
    add = cases.add
    was_a = [{"ruleset": ALL_A, "flag": "f"}]
    add("nothing kept: the split decides", ALMOST_B, KEPT_B)
    add("a kept variant is served again", ALMOST_B, KEPT_A, before=was_a)
    add("a kept variant whose weight is 0 now", ALL_B, KEPT_B, before=was_a)
    add("a kept variant that the split lists no more", one(sticky=True, rules=[{"id": "s", "serve": [{"variant": "b", "weight": 1}]}]), KEPT_B, before=was_a)
    add("what the split decides instead is kept", weighed(999_999.999, 0.001), KEPT_B, before=[*was_a, {"ruleset": ALL_B, "flag": "f"}])
    add("a kept variant listed twice, once with 0", one(sticky=True, rules=[{"id": "s", "serve": [
        {"variant": "a", "weight": 0}, {"variant": "b", "weight": 1_000_000}, {"variant": "a", "weight": 0.001}]}]), KEPT_A, before=was_a)
    add("without sticky nothing is served again", one(rules=[{"id": "s", "serve": HALVES[1:]}]), KEPT_B, before=was_a)
    add("without sticky nothing was kept", ALMOST_B, KEPT_B, before=[{"ruleset": {**ALL_A, "flags": {"f": {**ALL_A["flags"]["f"], "sticky": False}}}, "flag": "f"}])
    add("what was kept outlives a time without sticky", ALMOST_B, KEPT_A, before=[
        *was_a, {"ruleset": {**ALL_B, "flags": {"f": {**ALL_B["flags"]["f"], "sticky": False}}}, "flag": "f"}])
    add("another stickyVersion forgets", weighed(0.001, 999_999.999, stickyVersion=2), KEPT_B, before=was_a)
    add("the same stickyVersion, named", weighed(0.001, 999_999.999, stickyVersion=1), KEPT_A, before=was_a)
    add("the stickyVersion of before is remembered", ALMOST_B, KEPT_A, before=[*was_a, {"ruleset": weighed(0, 1, stickyVersion=2), "flag": "f"}])
    add("another flag's variant is not served", {"flags": {"g": ALMOST_B["flags"]["f"]}}, KEPT_B, flag="g", before=was_a)
    add("another person's variant is not served", ALMOST_B, KEPT_B, distinct_id="u2", before=[{**was_a[0], "distinctId": "u1"}])
    add("each person's own variant is served", ALMOST_B, KEPT_A, distinct_id="u1", before=[
        {**was_a[0], "distinctId": "u1"}, {"ruleset": ALL_B, "flag": "f", "distinctId": "u2"}])
    add("another version of the flag keeps it", weighed(0.001, 999_999.999, version=9), KEPT_A, before=was_a)
    add("another rule's split serves it too", one(sticky=True, rules=[{"id": "t", "serve": [{"variant": "a", "weight": 0.001}, {"variant": "b", "weight": 999_999}]}]), ("a", "SPLIT", "t"), before=was_a)
    add("another salt changes the bucket, not the variant", weighed(0.001, 999_999.999, salt="new"), KEPT_A, before=was_a)
    # Steps 2 to 8 know nothing of it, nor do rules that serve a fixed variant.
    almost = lambda **fields: weighed(0.001, 999_999.999, **fields)
    for name, fields, expected in [
        ("disabled", {"enabled": False, "off": "c"}, ("c", "DISABLED")), ("outside the limit", {"limitExposure": {"percent": 0, "variant": "c"}}, ("c", "NOT_IN_EXPOSURE")),
        ("a target", {"targets": [{"variant": "c", "ids": ["u1"]}]}, ("c", "TARGETING_MATCH", "$target")), ("inside the limit", {"limitExposure": {"percent": 100}}, KEPT_A),
        ("its time over", {"end": 0, "off": "c"}, ("c", "DISABLED")), ("held out", {"holdout": "h", "off": "c"}, ("c", "HOLDOUT")), ("outside of its layer", {"layer": "l", "off": "c"}, ("c", "NOT_IN_LAYER")),
    ]:
        add(f"a kept variant, and {name}", {**almost(**fields), "holdouts": {"h": {"percent": 100}}, "layers": {"l": {"slots": {}}}}, expected, before=was_a)
    fixed = one(sticky=True, rules=[{"id": "r", "serve": "b"}])
    add("a fixed variant is not changed by what was kept", fixed, YES, before=was_a)
    add("a fixed variant is not kept", weighed(999_999.999, 0.001), KEPT_A, before=[{"ruleset": fixed, "flag": "f"}])
    add("a target's variant is not kept", weighed(999_999.999, 0.001), KEPT_A, before=[{"ruleset": almost(targets=[{"variant": "b", "ids": ["u1"]}]), "flag": "f"}])
    add("outside the limit nothing is kept, nor forgotten", ALMOST_B, KEPT_A, before=[*was_a, {"ruleset": almost(limitExposure={"percent": 0}), "flag": "f"}])
    add("an override is not kept", weighed(999_999.999, 0.001), KEPT_A, before=[{"ruleset": ALL_A, "flag": "f", "overrides": {"f": "b"}}])
    add("an override is served before what was kept", ALMOST_B, ("c", "OVERRIDE"), before=was_a, overrides={"f": "c"})
    add("after an override the kept variant is served", ALMOST_B, KEPT_A, before=[*was_a, {"ruleset": ALL_A, "flag": "f", "overrides": {"f": "b"}}])
    needs = lambda ruleset: with_flags({**ruleset, "flags": {"f": {**ruleset["flags"]["f"], "requires": [{"flag": "g", "variants": ["on"]}]}}}, g=GOOD)
    add("a decision that an override reached keeps nothing", ALMOST_B, KEPT_B, before=[{"ruleset": needs(ALL_A), "flag": "f", "overrides": {"g": "on"}}])
    add("a decision that an override reached serves what was kept", needs(ALMOST_B), ("a", "OVERRIDE", "s"), before=was_a, overrides={"g": "on"})
    asked_for = with_flags(one(requires=[{"flag": "s", "variants": ["a"]}], rules=[{"id": "r", "serve": "b"}]), s=ALL_A["flags"]["f"])
    add("what a prerequisite's split decides is kept too", {"flags": {"s": ALMOST_B["flags"]["f"]}}, KEPT_A, flag="s", before=[{"ruleset": asked_for, "flag": "f"}])
    add("a prerequisite is met by a kept variant", with_flags(asked_for, s=ALMOST_B["flags"]["f"]), YES, before=[{"ruleset": asked_for, "flag": "s"}])
    not_asked = with_flags(one(rules=[{"id": "r", "serve": "b"}, {"when": {"flag": "s", "variants": []}, "serve": "c"}]), s=ALL_A["flags"]["f"])
    add("what is not looked at keeps nothing", {"flags": {"s": ALMOST_B["flags"]["f"]}}, KEPT_B, flag="s", before=[{"ruleset": not_asked, "flag": "f"}])
    # An override that was looked at before, by another flag of the same decision, reaches all the same.
    for name, condition in [("flag", {"flag": "g", "variants": ["on"]}), ("segment", {"segment": "in"})]:
        split = {**ALL_A["flags"]["f"], "rules": [{**ALL_A["flags"]["f"]["rules"][0], "when": condition}]}
        both = {
            **with_flags(ruled({"all": [condition, {"flag": "s", "variants": ["a"]}]}), g=GOOD, s=split),
            "segments": {"in": {"when": {"flag": "g", "variants": ["on"]}}},
        }
        later = {"flags": {"s": ALMOST_B["flags"]["f"]}}
        add(f"a split behind a {name} that an override reached, looked at twice, keeps nothing", later, KEPT_B, flag="s",
            before=[{"ruleset": both, "flag": "f", "overrides": {"g": "on"}}])
        add(f"a split behind a {name}, looked at twice, is kept", later, KEPT_A, flag="s", before=[{"ruleset": both, "flag": "f"}])
    # Units.
    add("kept for an organization, whoever asks", almost(by="orgId"), KEPT_A, distinct_id="u2", attributes={"orgId": "acme"},
        before=[{"ruleset": weighed(1, 0, by="orgId"), "flag": "f", "distinctId": "u1"}])
    add("kept for an organization, asked for another", almost(by="orgId"), KEPT_B, attributes={"orgId": "other"},
        before=[{"ruleset": weighed(1, 0, by="orgId"), "flag": "f", "attributes": {"orgId": "acme"}}])
    add("kept for a device, over a login", almost(by="deviceId"), KEPT_A, before=[{"ruleset": weighed(1, 0, by="deviceId"), "flag": "f", "distinctId": None}])
    add("kept by the id alone: a flag by another unit of the same id", almost(by="orgId"), KEPT_A, attributes={"orgId": "u1"}, before=was_a)
    anonymous = [{"ruleset": ALL_A, "flag": "f", "distinctId": None}]
    add("kept before a login, served behind it", ALMOST_B, KEPT_A, before=anonymous)
    add("kept before a login, served before it", ALMOST_B, KEPT_A, distinct_id=None, before=anonymous)
    add("kept before a login, for the next person too", ALMOST_B, KEPT_A, distinct_id="u2", before=[*anonymous, {"ruleset": ALMOST_B, "flag": "f", "distinctId": "u1"}])
    add("kept for the identified person comes before what the anonymous one had", weighed(0.001, 999_999.999), KEPT_A, before=[
        {"ruleset": ALL_B, "flag": "f", "distinctId": None}, {"ruleset": ALL_A, "flag": "f", "distinctId": "u1"}])
    add("kept before a login, whose weight is 0 now", ALL_B, KEPT_B, before=anonymous)
    add("kept before a login, of another stickyVersion", almost(stickyVersion=2), KEPT_B, before=anonymous)
    add("kept before a login is handed on where the unit is the distinct id alone", almost(by="orgId"), KEPT_B, attributes={"orgId": "acme"}, before=anonymous)
    add("kept before a login, the distinct id being the second of a list", almost(by=["orgId", "distinctId"]), KEPT_A, before=[
        {"ruleset": weighed(1, 0, by=["orgId", "distinctId"]), "flag": "f", "distinctId": None}])
    add("kept before a login, the organization being known now", almost(by=["orgId", "distinctId"]), KEPT_B, attributes={"orgId": "acme"}, before=[
        {"ruleset": weighed(1, 0, by=["orgId", "distinctId"]), "flag": "f", "distinctId": None, "attributes": {}}])
    add("a kept variant without a unit id", almost(by="orgId"), ("a", "DEFAULT", None, "TARGETING_KEY_MISSING"), before=was_a)
    for unit in ["u1", "u2", "u3"]:
        side = "a" if bucket_of("f", unit) < 50_000 else "b"
        add(f"a sticky half for {unit}", weighed(50, 50), (side, "SPLIT", "s"), distinct_id=unit)
        add(f"a sticky half for {unit}, the weights turned", weighed(0.001, 0.001), (side, "SPLIT", "s"), distinct_id=unit, before=[{"ruleset": weighed(50, 50), "flag": "f"}])


def room_cases(cases):
    """At most 500 are kept, and the oldest goes first."""
    flag = lambda a, b: weighed(a, b)["flags"]["f"]
    keys = [f"k{at}" for at in range(501)]
    all_a = cases.share("501 sticky flags, all a", {"flags": {key: flag(1, 0) for key in keys}})
    almost_b = cases.share("501 sticky flags, almost all b", {"flags": {key: flag(0.001, 999_999.999) for key in keys}})
    for name, asked, key, expected in [
        ("the first of 500", keys[:500], "k0", KEPT_A), ("the first of 501", keys, "k0", KEPT_B), ("the second of 501", keys, "k1", KEPT_A), ("the last of 501", keys, "k500", KEPT_A),
    ]:
        cases.add(f"kept: {name}", almost_b, expected, flag=key, before=[{"ruleset": all_a, "flag": asked}])
