"""Prerequisites, other flags in conditions, what cannot be answered, and targets by their own units."""

from .base import ANONYMOUS_ID, DEVICE_ID, GOOD, HALVES, NO, NOT_FOUND, NOW_MS, PARSE_ERROR, YES, one, ruled, shown

FAILED = ("c", "PREREQUISITE_FAILED")
OFF = {**GOOD, "default": "off"}
ON_RULE = [{"id": "r", "serve": "b"}]


def needs(*requires, flags=None, **fields):
    """`f` with its off variant c, which needs these: pairs of a flag's key and its variants."""
    ruleset = one(off="c", requires=[{"flag": key, "variants": variants} for key, variants in requires], rules=ON_RULE, **fields)
    ruleset["flags"].update(flags or {"g": GOOD})
    return ruleset


def asks(key, variants, **flags):
    """`f` whose rule asks for another flag."""
    ruleset = ruled({"flag": key, "variants": variants}, off="c")
    ruleset["flags"].update(flags)
    return ruleset


def prerequisite_cases(cases):
    add = cases.add
    for name, g, variants, expected in [
        ("met by its default", GOOD, ["on"], YES), ("unmet", GOOD, ["off"], FAILED), ("met by one of two", GOOD, ["off", "on"], YES),
        ("of no variant", GOOD, [], FAILED), ("of a variant that is none of the flag's", GOOD, ["nothing"], FAILED), ("of one of the flag's beside others", GOOD, ["nothing", "on"], YES),
        ("of a disabled flag, by its off variant", {**GOOD, "enabled": False, "off": "off"}, ["off"], YES), ("of a disabled flag", {**GOOD, "enabled": False, "off": "off"}, ["on"], FAILED),
        ("of a flag that has not started", {**GOOD, "start": NOW_MS + 1, "off": "off"}, ["on"], FAILED), ("of a flag that has started", {**GOOD, "start": NOW_MS, "off": "off"}, ["on"], YES),
        ("by a target", {**OFF, "targets": [{"variant": "on", "ids": ["u1"]}]}, ["on"], YES), ("by a rule", {**OFF, "rules": [{"serve": "on"}]}, ["on"], YES),
        ("by a split", {**OFF, "rules": [{"serve": [{"variant": "on", "weight": 1}]}]}, ["on"], YES), ("outside the limit", {**OFF, "limitExposure": {"percent": 0, "variant": "on"}}, ["on"], YES),
        ("without a unit id", {**OFF, "by": "orgId", "limitExposure": {"percent": 100}}, ["off"], YES), ("is compared exactly", GOOD, ["On", "on "], FAILED),
        ("of a flag that needs no rule", {**OFF, "rules": [{"when": {"attribute": "x", "op": "exists"}, "serve": "on"}]}, ["on"], FAILED),
    ]:
        add(f"a prerequisite {name}", needs(("g", variants), flags={"g": g}), expected)
        if expected == YES or variants:
            add(f"a condition on a flag {name}", asks("g", variants, g=g), YES if expected == YES else NO)
    add("two prerequisites, both met", needs(("g", ["on"]), ("h", ["off"]), flags={"g": GOOD, "h": OFF}), YES)
    add("two prerequisites, the first unmet", needs(("g", ["off"]), ("h", ["off"]), flags={"g": GOOD, "h": OFF}), FAILED)
    add("two prerequisites, the second unmet", needs(("g", ["on"]), ("h", ["on"]), flags={"g": GOOD, "h": OFF}), FAILED)
    add("the same prerequisite twice", needs(("g", ["on"]), ("g", ["on", "off"])), YES)
    add("the same prerequisite twice, against itself", needs(("g", ["on"]), ("g", ["off"])), FAILED)
    add("no prerequisites", needs(), YES)
    add("off is default where it is not named", one(requires=[{"flag": "g", "variants": ["x"]}], rules=ON_RULE) | {"flags": {
        **one(requires=[{"flag": "g", "variants": ["x"]}], rules=ON_RULE)["flags"], "g": GOOD}}, ("a", "PREREQUISITE_FAILED"))
    chain = {"g": {**OFF, "requires": [{"flag": "h", "variants": ["on"]}], "rules": [{"serve": "on"}]}, "h": GOOD}
    add("a chain of prerequisites, met", needs(("g", ["on"]), flags=chain), YES)
    add("a chain of prerequisites, unmet at its end", needs(("g", ["on"]), flags={**chain, "h": OFF}), FAILED)
    add("a chain of prerequisites, met by the off variant in its middle", needs(("g", ["off"]), flags={**chain, "h": OFF}), YES)
    add("two ways to one flag", needs(("g", ["on"]), ("h", ["on"]), flags=chain), YES)
    add("a prerequisite by another unit", needs(("g", ["on"]), flags={"g": {**OFF, "by": "orgId", "targets": [{"variant": "on", "ids": ["acme"]}]}}), YES, attributes={"orgId": "acme"})
    # The order.
    target = [{"variant": "a", "ids": ["u1"]}]
    add("disabled comes before a prerequisite", needs(("g", ["off"]), enabled=False), ("c", "DISABLED"))
    add("a prerequisite comes before a target", needs(("g", ["off"]), targets=target), FAILED)
    add("a target comes behind a prerequisite that is met", needs(("g", ["on"]), targets=target), ("a", "TARGETING_MATCH", "$target"))
    add("a prerequisite needs no unit id", needs(("g", ["off"]), by="orgId", limitExposure={"percent": 0}), FAILED)
    add("a prerequisite comes before the holdout", {**needs(("g", ["off"]), holdout="h"), "holdouts": {"h": {"percent": 100}}}, FAILED)
    for key in ["__proto__", "", "a.b", "\u65d7"]:
        add(f"a prerequisite called {shown(key)}", needs((key, ["on"]), flags={key: GOOD}), YES)
    add("a prerequisite on __proto__ as a variant", needs(("g", ["__proto__"]), flags={"g": {"variants": {"__proto__": 1}, "default": "__proto__"}}), YES)
    add("100 prerequisites", needs(*[("g", ["on"])] * 100), YES)
    add("broken: 101 prerequisites", needs(*[("g", ["on"])] * 101), PARSE_ERROR)
    for value in [7, "g", {}, True, {"flag": "g", "variants": ["on"]}]:
        add(f"broken: requires is {shown(value)}", one(requires=value), PARSE_ERROR)
    for entry in [
        7, "g", [], None, {}, {"flag": "g"}, {"variants": ["on"]}, {"flag": 7, "variants": ["on"]}, {"flag": "g", "variants": "on"}, {"flag": "g", "variants": {}},
        {"flag": "g", "variants": [7]}, {"flag": "g", "variants": ["on", None]}, {"flag": None, "variants": ["on"]}, {"flag": "g", "variants": None}, {"flag": ["g"], "variants": ["on"]},
    ]:
        ruleset = one(requires=[entry])
        ruleset["flags"]["g"] = GOOD
        add(f"broken: a prerequisite {shown(entry)}", ruleset, PARSE_ERROR)
    for condition in [
        {"flag": "g"}, {"flag": 7, "variants": ["on"]}, {"flag": [], "variants": ["on"]}, {"flag": "g", "variants": "on"}, {"flag": "g", "variants": {}}, {"flag": "g", "variants": [7]},
        {"flag": "g", "variants": [None]}, {"flag": "g", "variants": None}, {"flag": True, "variants": []}, {"variants": ["on"]}, {"flag": None, "variants": ["on"]},
    ]:
        ruleset = ruled(condition)
        ruleset["flags"]["g"] = GOOD
        add(f"broken: a condition {shown(condition)}", ruleset, PARSE_ERROR)
    add("a condition on a flag, of no variant", asks("g", [], g=GOOD), NO)
    both = ruled({"all": [{"flag": "g", "variants": ["on"]}, {"not": {"flag": "h", "variants": ["on"]}}]})
    both["flags"].update({"g": GOOD, "h": OFF})
    add("conditions on two flags", both, YES)
    segment = {**ruled({"segment": "s"}), "segments": {"s": {"when": {"flag": "g", "variants": ["on"]}}}}
    segment["flags"]["g"] = GOOD
    add("a condition on a flag within a segment", segment, YES)
    for name, kind in [("attribute", {"attribute": "x", "op": "exists"}), ("a broken part", {"op": "?", "attribute": 7})]:
        add(f"of flag and {name} the flag counts", one(rules=[{"id": "r", "when": {"flag": "g", "variants": ["on"], **kind}, "serve": "b"}]) | {
            "flags": {**ruled({"flag": "g", "variants": ["on"], **kind})["flags"], "g": GOOD}}, YES)
        add(f"of segment and {name} the segment counts", {**ruled({"segment": "s", **kind}), "segments": {"s": {"include": ["u1"]}}}, YES)
    for condition in [
        {"all": [], "any": []}, {"all": [], "not": {"all": []}}, {"any": [{"all": []}], "not": {"all": []}}, {"not": {"any": []}, "segment": "nobody"}, {"all": [], "any": 7},
        {"all": [], "segment": 7}, {"not": {"any": []}, "attribute": 7}, {"all": None, "any": [{"all": []}]}, {"any": None, "not": {"any": []}}, {"all": [], "flag": "nobody"},
    ]:
        add(f"of several kinds the first counts: {shown(condition)}", ruled(condition), YES)
    for condition in [{}, {"op": "exists"}, {"All": []}, {"and": []}, {"attribute": None, "op": "exists"}, {"all": None}, 7, "all", [], True, {"value": 1}]:
        add(f"broken: the condition {shown(condition)}", ruled(condition), PARSE_ERROR)
        add(f"broken: the condition {shown(condition)} inside any", ruled({"any": [condition]}), PARSE_ERROR)


def unanswered_cases(cases):
    add = cases.add
    broken = {"variants": {}, "default": "on"}
    circle = lambda *keys, **last: {
        key: {**GOOD, "off": "off", "requires": [{"flag": other, "variants": ["on", "off"]}]} for key, other in zip(keys, [*keys[1:], keys[0]])
    }
    any_of = ["on", "off"]
    for name, ruleset in [
        ("a prerequisite that is not there", needs(("g", any_of), flags={"h": GOOD})), ("a prerequisite that is broken", needs(("g", any_of), flags={"g": broken})),
        ("itself as a prerequisite", needs(("f", ["a", "b", "c"]))), ("a circle of two", needs(("g", any_of), flags={"g": {**GOOD, "requires": [{"flag": "f", "variants": ["c"]}]}})),
        ("a prerequisite in a circle", needs(("g", any_of), flags=circle("g", "h"))), ("a prerequisite that leads to a circle", needs(("e", any_of), flags={"e": circle("e", "g")["e"], **circle("g", "h")})),
        ("a prerequisite that names itself", needs(("g", any_of), flags=circle("g"))), ("a prerequisite called constructor that is not there", needs(("constructor", any_of), flags={"h": GOOD})),
        ("a condition on a flag that is not there", asks("g", any_of)), ("a condition on a flag that is broken", asks("g", any_of, g=broken)), ("a condition on itself", asks("f", ["a"])),
        ("a condition on a flag that asks for it", asks("g", any_of, g={**GOOD, "rules": [{"when": {"flag": "f", "variants": ["a"]}, "serve": "on"}]})),
        ("a condition on a flag that is not there, which is never asked", {"flags": {"f": {
            **one(off="c")["flags"]["f"], "rules": [{"serve": "b"}, {"when": {"any": [{"all": []}, {"flag": "g", "variants": []}]}, "serve": "a"}]}}}),
        ("a second prerequisite that is not there, behind one that is unmet", needs(("g", ["off"]), ("h", any_of))),
        ("a flag that is not there, through a segment", {**ruled({"segment": "s"}, off="c"), "segments": {"s": {"when": {"flag": "g", "variants": any_of}}}}),
        ("a flag that is not there, through two segments", {**ruled({"segment": "s"}, off="c"), "segments": {"s": {"when": {"segment": "t"}}, "t": {"when": {"not": {"flag": "g", "variants": []}}}}}),
        ("itself, through a segment", {**ruled({"segment": "s"}, off="c"), "segments": {"s": {"when": {"flag": "f", "variants": ["a"]}}}}),
        ("a broken flag, through a segment that includes everyone asked", {**ruled({"segment": "s"}, off="c"), "segments": {"s": {"include": ["u1"], "when": {"flag": "g", "variants": []}}}}),
        ("a circle of conditions and prerequisites", asks("g", any_of, g={**GOOD, "requires": [{"flag": "f", "variants": ["a"]}]})),
    ]:
        add(f"cannot be answered: {name}", ruleset, FAILED)
        if name in ("itself as a prerequisite", "a prerequisite that is not there"):
            targeted = {**ruleset, "flags": {**ruleset["flags"], "f": {**ruleset["flags"]["f"], "targets": [{"variant": "b", "ids": ["u1"]}]}}}
            add(f"cannot be answered, though there is a target: {name}", targeted, FAILED)
            disabled = {**ruleset, "flags": {**ruleset["flags"], "f": {**ruleset["flags"]["f"], "enabled": False}}}
            add(f"disabled comes before what cannot be answered: {name}", disabled, ("c", "DISABLED"))
    # It is not broken: others see its off variant.
    g = {**GOOD, "off": "off", "requires": [{"flag": "nobody", "variants": []}]}
    add("a flag that cannot be answered, asked itself", needs(("g", ["off"]), flags={"g": g}), ("off", "PREREQUISITE_FAILED"), flag="g")
    add("a prerequisite that cannot be answered, met by its off variant", needs(("g", ["off"]), flags={"g": g}), YES)
    add("a prerequisite that cannot be answered, unmet by its off variant", needs(("g", ["on"]), flags={"g": g}), FAILED)
    add("a condition on a flag that cannot be answered", asks("g", ["off"], g=g), YES)
    add("a circle does not touch a flag that names none of it", {"flags": {**circle("g", "h"), **one(rules=ON_RULE)["flags"]}}, YES)
    add("each flag of a circle cannot be answered", {"flags": circle("g", "h", "i")}, ("off", "PREREQUISITE_FAILED"), flag="h")
    add("a broken prerequisite is an error when it is asked itself", needs(("g", any_of), flags={"g": broken}), PARSE_ERROR, flag="g")
    add("a broken flag is broken, whatever it refers to", needs(("f", ["a"]), version=-1), PARSE_ERROR)
    add("an unknown prerequisite stays unknown", needs(("g", any_of), flags={"h": GOOD}), NOT_FOUND, flag="g")
    add("a prerequisite that is disabled in a circle", needs(("g", any_of), flags={"g": {**circle("g")["g"], "enabled": False}}), FAILED)
    diamond = {
        "flags": {**needs(("l", ["on"]), ("r", ["on"]), flags={})["flags"], "l": {**GOOD, "requires": [{"flag": "t", "variants": ["on"]}]},
                  "r": {**GOOD, "requires": [{"flag": "t", "variants": ["on"]}]}, "t": GOOD}}
    add("two ways to one flag are no circle", diamond, YES)


def chain_cases(cases):
    """The longest chain: 32 flags and segments, itself included."""

    def flags(length):
        """f requires c1 requires c2 and so on: `length` flags."""
        keys = [f"c{at}" for at in range(1, length)]
        chain = {key: {**GOOD, "off": "off", "requires": [{"flag": below, "variants": ["on"]}]} for key, below in zip(keys, keys[1:])}
        return needs((keys[0], ["on"]), flags={**chain, keys[-1]: GOOD})

    def segments(length, **more):
        keys = [f"s{at}" for at in range(length)]
        chain = {key: {"when": {"segment": below}} for key, below in zip(keys, keys[1:])}
        return {**ruled({"segment": "s0"}, off="c"), "segments": {**chain, keys[-1]: {"include": ["u1"], **more}}}

    cases.add("a chain of 32 flags", flags(32), YES)
    cases.add("cannot be answered: a chain of 33 flags", flags(33), FAILED)
    cases.add("the second of a chain of 33 flags", flags(33), ("on", "DEFAULT"), flag="c1")
    cases.add("cannot be answered: a chain of 100 flags", flags(100), FAILED)
    cases.add("the 68th of a chain of 100 flags cannot be answered", flags(100), ("off", "PREREQUISITE_FAILED"), flag="c67")
    cases.add("the 69th of a chain of 100 flags", flags(100), ("on", "DEFAULT"), flag="c68")
    cases.add("a chain of a flag and 31 segments", segments(31), YES)
    cases.add("cannot be answered: a chain of a flag and 32 segments", segments(32), FAILED)
    cases.add("broken: a chain of 33 segments", segments(33), PARSE_ERROR, only_compiler=True)
    inner = segments(33)
    inner["flags"]["g"] = ruled({"segment": "s2"}, off="c")["flags"]["f"]
    cases.add("of a chain of 33 segments the last 31", inner, YES, flag="g")
    mixed = segments(30, when={"flag": "g", "variants": ["on"]})
    mixed["flags"]["g"] = GOOD
    cases.add("a chain of a flag, 30 segments and a flag", mixed, YES)
    mixed = segments(31, when={"flag": "g", "variants": ["on"]})
    mixed["flags"]["g"] = GOOD
    cases.add("cannot be answered: a chain of a flag, 31 segments and a flag", mixed, FAILED)
    wide = needs(*[(f"w{at}", ["on"]) for at in range(60)], flags={f"w{at}": GOOD for at in range(60)})
    cases.add("sixty prerequisites beside each other are chains of two", wide, YES)
    # Without remembering what was answered, each of these would ask the next twice: 2^31 questions.
    keys = ["f", *[f"d{at}" for at in range(1, 31)]]
    twice = {
        key: {**GOOD, "off": "off", "requires": [{"flag": below, "variants": ["on"]}] * 2, "rules": [{"when": {"flag": below, "variants": ["on"]}, "serve": "on"}]}
        for key, below in zip(keys, keys[1:])
    }
    cases.add("each flag of a long chain asks the next three times", {"flags": {**twice, keys[-1]: GOOD}}, ("on", "TARGETING_MATCH"))
    segments_twice = {f"t{at}": {"when": {"all": [{"segment": f"t{at + 1}"}] * 2}} for at in range(30)}
    cases.add("each segment of a long chain asks the next twice", {**ruled({"segment": "t0"}), "segments": {**segments_twice, "t30": {"include": ["u1"]}}}, YES)


def target_cases(cases):
    """Individual targets by any unit."""
    hit, miss = ("b", "TARGETING_MATCH", "$target"), NO
    for name, by, attributes, ids, expected in [
        ("organization", "orgId", {"orgId": "acme"}, ["acme"], hit), ("organization, another", "orgId", {"orgId": "other"}, ["acme"], miss), ("organization, missing", "orgId", {}, ["acme", ""], miss),
        ("device", "deviceId", {}, [DEVICE_ID], hit), ("anonymous id", "anonymousId", {}, [ANONYMOUS_ID], hit), ("a list, the first present", ["orgId", "distinctId"], {}, ["u1"], hit),
        ("a list, not the second", ["orgId", "distinctId"], {"orgId": "acme"}, ["u1"], miss), ("a path", "org.id", {"org": {"id": "acme"}}, ["acme"], hit), ("a number", "orgId", {"orgId": 7}, ["7"], miss),
        ("null, which is the flag's", None, {}, ["u1"], hit), ("$deviceId", "$deviceId", {}, [DEVICE_ID], hit),
    ]:
        cases.add(f"a target of its own unit, by {name}", one(targets=[{"variant": "b", "ids": ids, "by": by}]), expected, attributes=attributes)
    cases.add("a target by its own unit, where the flag's is missing", one(by="orgId", limitExposure={"percent": 0}, targets=[{"variant": "b", "ids": ["u1"], "by": "distinctId"}]), hit)
    cases.add("a target by the flag's unit", one(by="orgId", targets=[{"variant": "b", "ids": ["acme"]}]), hit, attributes={"orgId": "acme"})
    cases.add("a target lists persons, the flag is by organization", one(by="orgId", targets=[{"variant": "b", "ids": ["u1"]}]), miss, attributes={"orgId": "acme"})
    two = [{"variant": "c", "ids": ["acme"], "by": "orgId"}, {"variant": "b", "ids": ["u1"]}]
    cases.add("the first target of two units", one(targets=two), ("c", "TARGETING_MATCH", "$target"), attributes={"orgId": "acme"})
    cases.add("the second target of two units", one(targets=two), hit, attributes={"orgId": "other"})
    cases.add("the second target, the first's unit missing", one(targets=two), hit)
    cases.add("a target of the off variant", one(off="c", targets=[{"variant": "c", "ids": ["u1"]}]), ("c", "TARGETING_MATCH", "$target"))
    cases.add("before a login a target lists the anonymous id", one(targets=[{"variant": "b", "ids": [ANONYMOUS_ID]}]), hit, distinct_id=None)
    for value in [7, "", [], [7], {}, True, ["a", ""]]:
        cases.add(f"broken: a target by {shown(value)}", one(targets=[{"variant": "b", "ids": ["u1"], "by": value}]), PARSE_ERROR)
    cases.add("broken: a target by 101 units", one(targets=[{"variant": "b", "ids": ["u1"], "by": ["a"] * 101}]), PARSE_ERROR)
    many = [{"variant": "c", "ids": [f"p{at}"]} for at in range(999)]
    cases.add("1000 targets", one(targets=[*many, {"variant": "b", "ids": ["u1"]}]), hit)
    cases.add("broken: 1001 targets", one(targets=[*many, {"variant": "b", "ids": ["u1"]}, {"variant": "b", "ids": []}]), PARSE_ERROR)
    rules = [{"when": {"any": []}, "serve": "c"} for _ in range(999)]
    cases.add("1000 rules", one(rules=[*rules, *ON_RULE]), YES)
    cases.add("broken: 1001 rules", one(rules=[*rules, *ON_RULE, *ON_RULE]), PARSE_ERROR)
    cases.add("broken: a split of 1001", one(rules=[{"serve": [{"variant": "a", "weight": 1}] * 1001}]), PARSE_ERROR)
    heavy = [{"variant": "a", "weight": 1_000_000}] * 999 + [{"variant": "b", "weight": 1_000_000}]
    cases.add("a split of 1000 of the largest weights", one(rules=[{"id": "r", "serve": heavy}]), None)
    for unit in ["u1", "u7", "person 3"]:
        cases.add(f"thirds of 0.333 each, {unit}", one(rules=[{"serve": [{"variant": name, "weight": 0.333} for name in "abc"]}]), None, distinct_id=unit)
        cases.add(f"halves without sticky, {unit}", one(sticky=False, stickyVersion=7, rules=[{"serve": HALVES}]), None, distinct_id=unit)
