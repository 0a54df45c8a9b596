"""How vectors are made: by hand what is expected, by the model all of it, and both must agree."""

import json

from model.deciding import Client

DEVICE_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
ANONYMOUS_ID = "01890a5d-ac96-7000-8000-000000000001"
NOW_MS = 1_790_000_000_000  # 2026-09-21T14:13:20Z


def text_of(text):
    """A text is a string, {"repeat": text, "times": n}, or a list of these, one behind the other."""
    if isinstance(text, list):
        return "".join(text_of(part) for part in text)
    return text_of(text["repeat"]) * text["times"] if isinstance(text, dict) else text


class Cases:
    """The vectors of one file."""

    def __init__(self):
        self.vectors, self.rulesets = [], {}

    def share(self, name, ruleset):
        """A ruleset that several vectors name."""
        assert name not in self.rulesets
        self.rulesets[name] = ruleset
        return name

    def add(self, name, ruleset, expected=None, *, flag="f", distinct_id="u1", attributes=None, now_ms=NOW_MS, raw=False,
            overrides=None, before=None, only_compiler=False):
        """`expected`, written by hand: (variant, reason[, rule id[, error code]]); None where only the model tells.

        The bucket, the value and the place of a problem are the model's. `ruleset`: an object, the name of a shared
        one, or with `raw` a text. `before`: what the same client did before; an entry has `flag` (or a list of them)
        and what differs from the vector: ruleset, rulesetText, distinctId, attributes, overrides. `only_compiler`: no
        JSON Schema can refuse this.
        """
        vector = {
            "name": name,
            "rulesetText" if raw else "ruleset": ruleset,
            "flag": flag,
            "distinctId": distinct_id,
            **({"attributes": attributes} if attributes else {}),
            **({"nowMs": now_ms} if now_ms != NOW_MS else {}),
            **({"overrides": overrides} if overrides else {}),
            **({"before": before} if before else {}),
            **({"onlyCompiler": True} if only_compiler else {}),
        }
        client = Client(ANONYMOUS_ID, DEVICE_ID)
        for step in before or []:
            flags = step["flag"] if isinstance(step["flag"], list) else [step["flag"]]
            given = {**{key: value for key, value in vector.items() if key != "overrides"}, **step}
            if "ruleset" in step or "rulesetText" in step:
                given = {key: value for key, value in given.items() if key not in ("ruleset", "rulesetText") or key in step}
            self.enter(client, given)
            for key in flags:
                client.decide(key, given.get("nowMs", NOW_MS))
        self.enter(client, vector)
        got = client.decide(flag, now_ms).as_dict()
        if expected is not None:
            wanted = (list(expected) + [None] * 4)[:4]
            found = [got["variant"], got["reason"], got["ruleId"], got["errorCode"]]
            assert wanted == found, f"{name}: by hand {wanted}, by the model {found}"
        told = {key: value for key, value in got.items() if value is not None}
        self.vectors.append({**vector, "expect": {**told, **self.more(client, flag, got)}})

    def enter(self, client, given):
        text = text_of(given["rulesetText"]) if "rulesetText" in given else json.dumps(self.ruleset_of(given["ruleset"]))
        assert given["distinctId"] or client.identified is None, "nobody becomes anonymous again but by reset"
        client.set_ruleset(text)
        client.identified = given["distinctId"]
        client.attributes, client.overrides = given.get("attributes", {}), given.get("overrides", {})

    def ruleset_of(self, ruleset):
        return self.rulesets[ruleset] if isinstance(ruleset, str) else ruleset

    @staticmethod
    def more(client, flag, got):
        more = {"refused": True} if client.refused else {}
        if client.refused and client.problem is not None:
            more["problem"] = client.problem
        if got["variant"] is not None:
            compiled = client.ruleset.flag(flag)
            more.update({"value": compiled.variants[got["variant"]], "flagVersion": compiled.version})
            if client.ruleset.cannot_be_answered(flag):
                more["problem"] = f"flags.{flag}"
        elif got["errorCode"] == "PARSE_ERROR":
            more["problem"] = client.ruleset.compiled[flag].place
        return more


def one(**fields):
    """A ruleset of one flag `f` with the variants a, b and c."""
    sections = {name: fields.pop(name) for name in ("segments", "layers", "holdouts") if name in fields}
    flag = {"variants": {"a": "A", "b": {"layout": ["one-page", 2]}, "c": None}, "default": "a", **fields}
    return {"schema": 1, "version": 3, **sections, "flags": {"f": flag}}


def ruled(condition, **fields):
    return one(rules=[{"id": "r", "when": condition, "serve": "b"}], **fields)


def test(op, value, **more):
    return {"attribute": "x", "op": op, "value": value, **more}


YES, NO = ("b", "TARGETING_MATCH", "r"), ("a", "DEFAULT")
PARSE_ERROR = (None, "ERROR", None, "PARSE_ERROR")
NOT_FOUND = (None, "ERROR", None, "FLAG_NOT_FOUND")
NO_RULESET = (None, "ERROR", None, "PROVIDER_NOT_READY")
NO_UNIT = ("a", "DEFAULT", None, "TARGETING_KEY_MISSING")
HALVES = [{"variant": "a", "weight": 50}, {"variant": "b", "weight": 50}]
GOOD = {"variants": {"on": True, "off": False}, "default": "on"}


def shown(value):
    return json.dumps(value)
