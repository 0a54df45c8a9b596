"""Segments, layers, holdouts, units, and salts."""

from model.buckets import bucket_of

from .base import ANONYMOUS_ID, DEVICE_ID, GOOD, HALVES, NO, NO_UNIT, PARSE_ERROR, YES, one, ruled, shown

PRO = {"attribute": "plan", "op": "eq", "value": "pro"}
BETA = {"include": ["u1"], "exclude": ["u9"], "when": PRO}
LONG_KEY = "k" * 300


def in_segment(segment, key="s", **more):
    return {**ruled({"segment": key}), "segments": {key: segment, **more}}


def segment_cases(cases):
    for name, segment, distinct_id, plan, expected in [
        ("included", BETA, "u1", "free", YES), ("by its condition", BETA, "u2", "pro", YES), ("neither", BETA, "u2", "free", NO),
        ("excluded, though its condition holds", BETA, "u9", "pro", NO), ("on both lists", {"include": ["u1"], "exclude": ["u1"], "when": PRO}, "u1", "pro", NO),
        ("of nobody", {}, "u1", "pro", NO), ("with lists that are null", {"include": None, "exclude": None, "when": None, "by": None}, "u1", "pro", NO),
        ("with a condition alone", {"when": PRO}, "u1", "pro", YES), ("with an exclusion alone", {"exclude": ["u1"]}, "u2", "pro", NO),
        ("ids are compared exactly", {"include": ["U1", "u1 ", " u1"]}, "u1", "pro", NO), ("an empty id is nobody's", {"include": [""]}, "u1", "pro", NO),
        ("an id listed twice", {"include": ["u1", "u1"]}, "u1", "pro", YES), ("an astral id", {"include": ["\U0001f9a9"]}, "\U0001f9a9", "", YES),
        ("unknown fields", {"include": ["u1"], "owner": 7, "description": {}}, "u1", "pro", YES), ("a condition that always holds", {"when": {"all": []}}, "u2", "", YES),
        ("an exclusion from everyone", {"exclude": ["u1"], "when": {"all": []}}, "u1", "", NO), ("a list of 1000 ids", {"include": [f"p{at}" for at in range(1000)]}, "p731", "", YES),
    ]:
        cases.add(f"a segment: {name}", in_segment(segment), expected, distinct_id=distinct_id, attributes={"plan": plan})
    for name, by, attributes, listed, expected in [
        ("device", "deviceId", {}, DEVICE_ID, YES), ("anonymous id", "anonymousId", {}, ANONYMOUS_ID, YES), ("attribute", "orgId", {"orgId": "acme"}, "acme", YES),
        ("path", "org.id", {"org": {"id": "acme"}}, "acme", YES), ("a dollar name", "$deviceId", {}, DEVICE_ID, YES), ("a missing attribute", "orgId", {}, "acme", NO),
        ("an attribute that is a number", "orgId", {"orgId": 7}, "7", NO), ("an empty attribute", "orgId", {"orgId": ""}, "", NO),
        ("the first that is present", ["orgId", "deviceId"], {}, DEVICE_ID, YES), ("the first of two", ["orgId", "deviceId"], {"orgId": "acme"}, DEVICE_ID, NO),
        ("the distinct id", "distinctId", {}, "u1", YES),
    ]:
        cases.add(f"a segment by {name}, included", in_segment({"include": [listed], "by": by}), expected, attributes=attributes)
        cases.add(f"a segment by {name}, excluded", in_segment({"exclude": [listed], "when": {"all": []}, "by": by}), NO if expected == YES else YES,
                  attributes=attributes)
    cases.add("a segment's own unit is not the flag's", {**in_segment({"include": ["acme"], "by": "orgId"}), **{}}, YES, attributes={"orgId": "acme"})
    cases.add("before a login the distinct id on a list is the anonymous one", in_segment({"include": [ANONYMOUS_ID]}), YES, distinct_id=None)
    for key in ["__proto__", "constructor", "", " ", "a.b", "\u65d7", "$s", "a\u0000b", LONG_KEY]:
        cases.add(f"a segment called {shown(key[:20])}", in_segment({"include": ["u1"]}, key), YES)
        cases.add(f"broken: no segment called {shown(key[:20])}", {**ruled({"segment": key}), "segments": {"other": {}}}, PARSE_ERROR, only_compiler=True)
    for name, condition, expected in [
        ("not in", {"not": {"segment": "s"}}, NO), ("not in the other", {"not": {"segment": "t"}}, YES), ("in all", {"all": [{"segment": "s"}, {"segment": "t"}]}, NO),
        ("in any", {"any": [{"segment": "t"}, {"segment": "s"}]}, YES), ("in the one and met", {"all": [{"segment": "s"}, PRO]}, YES),
        ("the same twice", {"all": [{"segment": "s"}, {"segment": "s"}]}, YES),
    ]:
        cases.add(f"segments: {name}", {**ruled(condition), "segments": {"s": {"include": ["u1"]}, "t": {"include": ["u2"]}}}, expected,
                  attributes={"plan": "pro"})
    cases.add("a segment within a segment", in_segment({"when": {"segment": "t"}}, t={"when": PRO}), YES, attributes={"plan": "pro"})
    cases.add("not in a segment within a segment", in_segment({"when": {"not": {"segment": "t"}}}, t={"when": PRO}), NO, attributes={"plan": "pro"})
    cases.add("included outside, excluded inside", in_segment({"include": ["u1"], "when": {"segment": "t"}}, t={"exclude": ["u1"]}), YES)
    diamond = {"s": {"when": {"all": [{"segment": "l"}, {"segment": "r"}]}}, "l": {"when": {"segment": "t"}}, "r": {"when": {"segment": "t"}}, "t": {"when": PRO}}
    cases.add("two segments lead to a third", {**ruled({"segment": "s"}), "segments": diamond}, YES, attributes={"plan": "pro"})


def segment_mistake_cases(cases):
    wrong = [7, "u1", True, [], [{}]]
    for name, segment in [
        *[(f"that is {shown(value)}", value) for value in [7, "u1", True, [], None]],
        *[(f"whose include is {shown(value)}", {"include": value}) for value in ["u1", 7, {}, True, ["u1", 7], ["u1", None], [["u1"]]]],
        *[(f"whose exclude is {shown(value)}", {"exclude": value}) for value in ["u1", 7, {}, ["u1", 7]]],
        *[(f"whose condition is {shown(value)}", {"when": value}) for value in [*wrong[:3], [], {}, {"attribute": "x"}, {"attribute": "x", "op": "?"}]],
        *[(f"by {shown(value)}", {"by": value}) for value in [7, "", [], [7], ["orgId", ""], {}, True]],
        ("by 101 units", {"by": [f"a{at}" for at in range(101)]}),
    ]:
        cases.add(f"broken: a segment {name}", in_segment(segment), PARSE_ERROR)
    cases.add("a segment by 100 units", in_segment({"by": [f"a{at}" for at in range(100)], "include": ["u1"]}), YES, attributes={"a99": "u1"})
    for name, ruleset in [
        ("that is not there", {**ruled({"segment": "s"}), "segments": {}}), ("without any section", ruled({"segment": "s"})),
        ("of a section that is null", {**ruled({"segment": "s"}), "segments": None}),
        ("that is not there, deep inside", {**ruled({"not": {"any": [{"all": [{"segment": "z"}]}]}}), "segments": {"s": {}}}),
        ("that names one that is not there", in_segment({"when": {"segment": "z"}})),
        ("that names itself", in_segment({"when": {"segment": "s"}})), ("that names itself, deep inside", in_segment({"when": {"not": {"any": [{"segment": "s"}]}}})),
        ("that names itself through another", in_segment({"when": {"segment": "t"}}, t={"when": {"segment": "s"}})),
        ("that leads to a circle of others", in_segment({"when": {"segment": "t"}}, t={"when": {"segment": "u"}}, u={"when": {"segment": "t"}})),
        ("in a rule that is never asked", {**one(enabled=False, rules=[{"serve": "a"}, {"when": {"segment": "s"}, "serve": "b"}])}),
    ]:
        cases.add(f"broken: a segment {name}", ruleset, PARSE_ERROR, only_compiler=True)
    for value in [[], "s", 7, True]:
        cases.add(f"broken: a segment of a section that is {shown(value)}", {**ruled({"segment": "s"}), "segments": value}, PARSE_ERROR,
                  only_compiler=True)
    for value in [7, [], {}, True]:
        cases.add(f"broken: a condition on the segment {shown(value)}", {**ruled({"segment": value}), "segments": {"7": {}, "true": {}}}, PARSE_ERROR)
    cases.add("broken: a mistake in a segment within a segment", in_segment({"when": {"segment": "t"}}, t={"include": 7}), PARSE_ERROR)
    beside = in_segment({"include": 7})
    beside["flags"]["g"] = GOOD
    cases.add("a broken segment breaks no flag that does not refer to it", beside, ("on", "DEFAULT"), flag="g")
    cases.add("a broken segment that nobody names", in_segment({"include": ["u1"]}, t={"include": 7}, u={"when": {"segment": "u"}}), YES)
    for section in ["segments", "layers", "holdouts"]:
        for value in [None, [], 7, "x", True]:
            cases.add(f"{section} that are {shown(value)} hold nothing", {**one(), section: value}, NO)


def by_cases(cases):
    """A flag's units."""
    for name, by, attributes, distinct_id, unit in [
        ("orgId", "orgId", {"orgId": "acme"}, "u1", "acme"), ("$distinctId", "$distinctId", {}, "u1", "u1"), ("$deviceId", "$deviceId", {}, "u1", DEVICE_ID),
        ("$anonymousId", "$anonymousId", {}, "u1", ANONYMOUS_ID), ("anonymousId after a login", "anonymousId", {}, "u1", ANONYMOUS_ID),
        ("deviceId before a login", "deviceId", {}, None, DEVICE_ID), ("an attribute called distinctId", "distinctId", {"distinctId": "forged"}, "u1", "u1"),
        ("an attribute called deviceId", "deviceId", {"deviceId": "forged"}, "u1", DEVICE_ID), ("a list of one", ["distinctId"], {}, "u1", "u1"),
        ("a path that is a whole name too", "org.id", {"org.id": "w", "org": {"id": "p"}}, "u1", "w"), ("a list of 100", [f"a{at}" for at in range(100)], {"a99": "acme"}, "u1", "acme"),
        ("an object before an id", ["org", "distinctId"], {"org": {"id": "acme"}}, "u1", "u1"), ("true before an id", ["org", "distinctId"], {"org": True}, "u1", "u1"),
        ("a text of digits", "org", {"org": "7"}, "u1", "7"), ("an id of 300 characters", "org", {"org": "o" * 300}, "u1", "o" * 300),
    ]:
        side = "a" if bucket_of("f", unit) < 50_000 else "b"
        cases.add(f"a split by {name}", one(by=by, rules=[{"serve": HALVES}]), (side, "SPLIT"), attributes=attributes, distinct_id=distinct_id)
    two_units = {"flags": {
        "person": one(rules=[{"serve": HALVES}], salt="s")["flags"]["f"], "org": one(by="orgId", rules=[{"serve": HALVES}], salt="s")["flags"]["f"],
    }}
    for flag, unit in [("person", "u1"), ("org", "acme")]:
        side = "a" if bucket_of("s", unit) < 50_000 else "b"
        cases.add(f"a flag by {flag} beside one by the other", two_units, (side, "SPLIT"), flag=flag, attributes={"orgId": "acme"})
    for value in [7, True, {}, "", [], [7], [None], ["a", ""], [["a"]]]:
        cases.add(f"broken: a flag by {shown(value)}", one(by=value), PARSE_ERROR)
    cases.add("broken: a flag by 101 units", one(by=[f"a{at}" for at in range(101)]), PARSE_ERROR)


def layered(layer, key="l", **fields):
    return {**one(layer=key, off="c", rules=[{"id": "r", "serve": "b"}], **fields), "layers": {key: layer}}


OUT = ("c", "NOT_IN_LAYER")
HELD_OUT = ("c", "HOLDOUT")


def layer_cases(cases):
    edge = bucket_of("layer/l", "u1")
    for name, slots, expected in [
        ("the whole", [[0, 100_000]], YES), ("no slot", [], OUT), ("just its bucket", [[edge, edge + 1]], YES), ("up to its bucket", [[0, edge]], OUT),
        ("from behind its bucket", [[edge + 1, 100_000]], OUT), ("from its bucket", [[edge, 100_000]], YES), ("up to and with its bucket", [[0, edge + 1]], YES),
        ("two slots beside it", [[0, edge], [edge + 1, 100_000]], OUT), ("slots that touch", [[0, edge], [edge, 100_000]], YES),
        ("slots in any order", [[edge, 100_000], [0, edge]], YES),
    ]:
        cases.add(f"a layer with {name}, u1's bucket being {edge}", layered({"slots": {"f": slots}}), expected)
    cases.add("a layer that gives the flag no slot", layered({"slots": {"g": [[0, 100_000]]}}), OUT)
    cases.add("a layer without slots", layered({"slots": {}}), OUT)
    cases.add("slots of flags that are not there", layered({"slots": {"f": [[edge, edge + 1]], "nobody": [[0, edge]]}}), YES)
    own = bucket_of("mine", "u1")
    cases.add("a layer with a salt of its own", layered({"slots": {"f": [[own, own + 1]]}, "salt": "mine"}), YES)
    empty = bucket_of("", "u1")
    cases.add("a layer with an empty salt", layered({"slots": {"f": [[empty, empty + 1]]}, "salt": ""}), YES)
    for key in ["__proto__", "", "a.b", "\u65d7"]:
        at = bucket_of("layer/" + key, "u1")
        cases.add(f"a layer called {shown(key)}", layered({"slots": {"f": [[at, at + 1]]}}, key), YES)
    org = bucket_of("layer/l", "acme")
    for by, layer_by in [("orgId", "orgId"), (["orgId"], "orgId"), ("orgId", ["orgId"]), (["orgId", "distinctId"], ["orgId", "distinctId"])]:
        cases.add(f"a flag by {shown(by)} in a layer by {shown(layer_by)}", layered({"slots": {"f": [[org, org + 1]]}, "by": layer_by}, by=by), YES,
                  attributes={"orgId": "acme"})
    cases.add("a layer needs the unit id", layered({"slots": {"f": [[0, 100_000]]}, "by": "orgId"}, by="orgId"), NO_UNIT)
    two = {"layers": {"l": {"slots": {"f": [[0, 50_000]], "g": [[50_000, 100_000]]}}}, "flags": {
        key: one(layer="l", off="c", rules=[{"id": "r", "serve": "b"}])["flags"]["f"] for key in "fg"
    }}
    for unit in ["u1", "u2", "u3", "u4"]:
        for key in "fg":
            inside = (bucket_of("layer/l", unit) < 50_000) == (key == "f")
            cases.add(f"of two flags in a layer, {key} for {unit}", two, YES if inside else OUT, flag=key, distinct_id=unit)


def holdout_cases(cases):
    held = lambda holdout, key="h", **fields: {**one(holdout=key, off="c", rules=[{"id": "r", "serve": "b"}], **fields), "holdouts": {key: holdout}}
    edge = bucket_of("holdout/h", "u1")
    for percent, expected in [(0, YES), (100, HELD_OUT), (edge / 1000, YES), ((edge + 1) / 1000, HELD_OUT), (0.001, YES), (99.999, HELD_OUT)]:
        cases.add(f"a holdout of {percent} percent, u1's bucket being {edge}", held({"percent": percent}), expected)
    own = bucket_of("mine", "u1")
    for percent, expected in [(own / 1000, YES), ((own + 1) / 1000, HELD_OUT)]:
        cases.add(f"a holdout of {percent} percent by a salt of its own", held({"percent": percent, "salt": "mine"}), expected)
    for key in ["__proto__", "", "2026-h1"]:
        at = bucket_of("holdout/" + key, "u1")
        cases.add(f"a holdout called {shown(key)}", held({"percent": (at + 1) / 1000}, key), HELD_OUT)
    cases.add("a holdout needs the unit id", held({"percent": 0, "by": "orgId"}, by="orgId"), NO_UNIT)
    cases.add("a holdout by an organization", held({"percent": (bucket_of("holdout/h", "acme") + 1) / 1000, "by": "orgId"}, by="orgId"), HELD_OUT, attributes={"orgId": "acme"})
    cases.add("a holdout's off variant is default where none is named", {**one(holdout="h"), "holdouts": {"h": {"percent": 100}}}, ("a", "HOLDOUT"))
    cases.add("two flags of a holdout hold out the same people", {"holdouts": {"h": {"percent": (edge + 1) / 1000}}, "flags": {
        key: one(holdout="h", off="c")["flags"]["f"] for key in "fg"}}, HELD_OUT, flag="g")
    # The order: target, holdout, layer, limit.
    everything = lambda **fields: {
        **one(holdout="h", layer="l", off="c", limitExposure={"percent": 0, "variant": "b"}, **fields),
        "holdouts": {"h": {"percent": 100}}, "layers": {"l": {"slots": {}}},
    }
    cases.add("a target comes before the holdout", everything(targets=[{"variant": "b", "ids": ["u1"]}]), ("b", "TARGETING_MATCH", "$target"))
    cases.add("a holdout comes before the layer", everything(), HELD_OUT)
    cases.add("a layer comes before the limit", {**everything(), "holdouts": {"h": {"percent": 0}}}, OUT)
    cases.add("a limit comes behind the layer", {**everything(), "holdouts": {"h": {"percent": 0}}, "layers": {"l": {"slots": {"f": [[0, 100_000]]}}}}, ("b", "NOT_IN_EXPOSURE"))
    cases.add("disabled comes before the holdout", everything(enabled=False), ("c", "DISABLED"))


def section_mistake_cases(cases):
    slots = lambda *ranges: {"slots": {"f": list(ranges)}}
    for name, layer in [
        *[(f"that is {shown(value)}", value) for value in [7, "l", [], True, None]],
        ("without slots", {}), ("with slots of null", {"slots": None}), ("with a list of slots", {"slots": [[0, 1]]}), ("with a number of slots", {"slots": 7}),
        *[(f"with the slots {shown(value)}", {"slots": {"f": value}}) for value in [7, "all", {}, True, [0, 1], [7], [[]], [[0]], [[0, 1, 2]], [["0", 1]], [[0, "1"]], [[0, None]], [[0, True]]]],
        ("with a slot below 0", slots([-1, 5])), ("with a slot above 100000", slots([0, 100_001])), ("with a fraction", slots([0, 0.5])), ("with a salt of 7", {**slots(), "salt": 7}),
        *[(f"by {shown(value)}", {**slots(), "by": value}) for value in [7, "", [], [7], {}]],
        ("with a wrong slot of another flag", {"slots": {"f": [], "g": [[0, "1"]]}}),
    ]:
        cases.add(f"broken: a layer {name}", layered(layer), PARSE_ERROR)
    for name, layer in [
        ("with an empty slot", slots([5, 5])), ("with a slot from high to low", slots([6, 5])), ("with an empty slot at the end", slots([100_000, 100_000])),
        ("with slots that overlap", slots([0, 10], [9, 20])), ("with a slot inside another", slots([0, 100], [5, 6])), ("with the same slot twice", slots([0, 10], [0, 10])),
        ("with slots of two flags that overlap", {"slots": {"f": [[0, 10]], "g": [[9, 20]]}}), ("with slots of two other flags that overlap", {"slots": {"f": [[50, 60]], "g": [[0, 10]], "h": [[5, 20]]}}),
        ("with slots that overlap out of order", slots([10, 20], [30, 40], [0, 11])), ("with NUL in its salt", {**slots(), "salt": "a\u0000b"}),
        ("with the split's salt", {**slots(), "salt": "f"}),
    ]:
        cases.add(f"broken: a layer {name}", layered(layer), PARSE_ERROR, only_compiler="NUL" not in name)
    held = lambda holdout, key="h", **fields: {**one(holdout=key, **fields), "holdouts": {key: holdout}}
    for name, holdout in [
        *[(f"that is {shown(value)}", value) for value in [7, "h", [], True, None]], ("without a percentage", {}),
        *[(f"of {shown(value)} percent", {"percent": value}) for value in ["5", True, None, [], {}, -0.001, 100.001]],
        *[(f"by {shown(value)}", {"percent": 5, "by": value}) for value in [7, "", [], ["distinctId", 7], {}]], ("with a salt of 7", {"percent": 5, "salt": 7}),
    ]:
        cases.add(f"broken: a holdout {name}", held(holdout), PARSE_ERROR)
    for name, ruleset in [
        ("a holdout with four decimals", held({"percent": 5.0001})), ("a holdout with NUL in its salt", held({"percent": 5, "salt": "\u0000"})),
        ("a holdout with the split's salt", held({"percent": 5, "salt": "f"})), ("a holdout with the limit's salt", held({"percent": 5, "salt": "f/exposure"}, limitExposure={"percent": 5})),
        ("a holdout with the limit's own salt", held({"percent": 5, "salt": "s"}, limitExposure={"percent": 5, "salt": "s"})),
        ("a limit with the holdout's salt", held({"percent": 5}, limitExposure={"percent": 5, "salt": "holdout/h"})),
        ("a flag with the holdout's salt", held({"percent": 5}, salt="holdout/h")), ("a flag with the layer's salt", layered(slots(), salt="layer/l")),
        ("a layer with the limit's salt", layered({**slots(), "salt": "f/exposure"}, limitExposure={"percent": 5})),
        ("a layer and a holdout with one salt", {**layered({**slots(), "salt": "s"}, holdout="h"), "holdouts": {"h": {"percent": 5, "salt": "s"}}}),
        ("a layer whose key holds NUL", layered(slots(), "a\u0000b")), ("a holdout whose key holds NUL", held({"percent": 5}, "a\u0000b")),
        ("a layer that is not there", one(layer="l")), ("a layer of an empty section", {**one(layer="l"), "layers": {}}), ("a layer called constructor that is not there", {**one(layer="constructor"), "layers": {}}),
        ("a holdout that is not there", one(holdout="h")), ("a holdout of an empty section", {**one(holdout="h"), "holdouts": {}}),
        ("a flag by device in a layer by distinct id", layered(slots(), by="deviceId")), ("a flag by distinct id in a layer by device", layered({**slots(), "by": "deviceId"})),
        ("a flag by two units in a layer by one", layered({**slots(), "by": "orgId"}, by=["orgId", "distinctId"])),
        ("a flag and a layer by two units in another order", layered({**slots(), "by": ["orgId", "distinctId"]}, by=["distinctId", "orgId"])),
        ("a flag by device in a holdout by distinct id", held({"percent": 5}, by="deviceId")), ("a flag by distinct id in a holdout by organization", held({"percent": 5, "by": "orgId"})),
        ("a flag in a layer by $distinctId, which is an attribute", layered({**slots(), "by": "$distinctId"})),
        ("a limit with the split's own salt", one(salt="s", limitExposure={"percent": 5, "salt": "s"})),
        ("a limit with NUL in its salt", one(limitExposure={"percent": 5, "salt": "a\u0000b"})),
    ]:
        cases.add(f"broken: {name}", ruleset, PARSE_ERROR, only_compiler="NUL" not in name)
    for value in [[], "l", 7]:
        cases.add(f"broken: a layer of a section that is {shown(value)}", {**one(layer="l"), "layers": value}, PARSE_ERROR, only_compiler=True)
        cases.add(f"broken: a holdout of a section that is {shown(value)}", {**one(holdout="h"), "holdouts": value}, PARSE_ERROR, only_compiler=True)
    for name in ["layer", "holdout"]:
        for value in [7, [], {}, True]:
            cases.add(f"broken: the {name} {shown(value)}", {**one(**{name: value}), f"{name}s": {"7": {"percent": 0, "slots": {}}}}, PARSE_ERROR)
    cases.add("a layer whose key holds NUL, with a salt without", layered({**slots([0, 100_000]), "salt": "s"}, "a\u0000b"), YES)
    cases.add("a holdout whose key holds NUL, with a salt without", held({"percent": 100, "salt": "s"}, "a\u0000b"), ("a", "HOLDOUT"))
    cases.add("a flag in a layer by the same list of one", layered({**slots([0, 100_000]), "by": ["distinctId"]}), YES)
    cases.add("a layer and a holdout with different salts", {**layered(slots([0, 100_000]), holdout="h", limitExposure={"percent": 100}), "holdouts": {"h": {"percent": 0}}}, YES)
    cases.add("a broken layer breaks no flag outside of it", {**one(), "layers": {"l": 7}, "holdouts": {"h": {}}}, NO)
    for fields in [{"sticky": "yes"}, {"sticky": 1}, {"sticky": []}, {"stickyVersion": -1}, {"stickyVersion": 1.5}, {"stickyVersion": "1"}, {"stickyVersion": 2**53},
                   {"stickyVersion": True}, {"version": 2**53}, {"version": "1"}, {"version": True}]:
        cases.add(f"broken: {shown(fields)}", one(**fields), PARSE_ERROR)
    for fields in [{"stickyVersion": 0}, {"stickyVersion": 2**53 - 1}, {"version": 0}, {"version": 2**53 - 1}, {"sticky": None}, {"sticky": False, "stickyVersion": None}]:
        cases.add(f"a flag with {shown(fields)}", one(**fields), NO)
