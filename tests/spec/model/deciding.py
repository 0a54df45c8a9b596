"""A client that decides: the ten steps, overrides, and what is kept."""

from .buckets import bucket_of, variant_at
from .conditions import operator_holds
from .reading import Broken, Refused, cleaned
from .ruleset import Ruleset

MAX_KEPT = 500
IDS = {"$distinctId": "distinctId", "$anonymousId": "anonymousId", "$deviceId": "deviceId"}


class Decision:
    def __init__(self, variant=None, reason="ERROR", rule=None, bucket=None, error=None):
        self.variant, self.reason, self.rule, self.bucket, self.error = variant, reason, rule, bucket, error

    def as_dict(self):
        return {
            "variant": self.variant, "reason": self.reason, "ruleId": self.rule, "bucket": self.bucket,
            "errorCode": self.error,
        }


class Client:
    """The state of one client. `identified`: None before a login."""

    def __init__(self, anonymous_id, device_id):
        self.anonymous_id, self.device_id, self.identified = anonymous_id, device_id, None
        self.attributes, self.overrides, self.ruleset, self.kept = {}, {}, None, {}
        self.refused, self.problem = False, None  # of the last ruleset; the place, if docs/ruleset.md names one

    def identity(self):
        return {
            "distinctId": self.identified or self.anonymous_id, "anonymousId": self.anonymous_id,
            "deviceId": self.device_id,
        }

    def set_ruleset(self, text):
        """A refused one leaves the last good one."""
        try:
            self.ruleset, self.refused = Ruleset(text), False
        except Refused as refused:
            self.refused, self.problem = True, refused.place

    def decide(self, key, now_ms):
        if self.ruleset is None:
            return Decision(error="PROVIDER_NOT_READY")
        look = Look(self, now_ms)
        decision = look.at_flag(key)
        for kept, what in look.to_keep:
            self.keep(kept, what)
        return decision

    def keep(self, kept, what):
        self.kept[kept] = what
        if len(self.kept) > MAX_KEPT:
            del self.kept[next(iter(self.kept))]


class Look:
    """One decision with all it depends on, each looked at once."""

    def __init__(self, client, now_ms):
        self.client, self.ruleset, self.now_ms = client, client.ruleset, now_ms
        self.identity, self.attributes = client.identity(), cleaned(client.attributes)
        self.answers, self.memberships, self.to_keep = {}, {}, []
        self.was_overridden = False  # whether an overridden decision was looked at, for the flag or segment at hand

    def attribute(self, name):
        """None when it is missing."""
        if name in IDS:
            return self.identity[IDS[name]]
        if name in self.attributes:
            return self.attributes[name]
        found = self.attributes
        for step in name.split("."):
            if not isinstance(found, dict) or step not in found:
                return None
            found = found[step]
        return found

    def unit(self, by):
        """Which unit, and its id; (None, None) where none is present."""
        for unit in by:
            found = self.identity[unit] if unit in self.identity else self.attribute(unit)
            if isinstance(found, str) and found:
                return unit, found
        return None, None

    # Conditions.

    def holds(self, condition):
        kind = condition[0]
        if kind == "all":
            return all(self.holds(item) for item in condition[1])
        if kind == "any":
            return any(self.holds(item) for item in condition[1])
        if kind == "not":
            return not self.holds(condition[1])
        if kind == "segment":
            return self.is_in(condition[1])
        if kind == "flag":
            return self.answers_one_of(condition[1], condition[2])
        _, name, op, value, ignore_case = condition
        return operator_holds(op, self.attribute(name), value, ignore_case, self.now_ms)

    def answers_one_of(self, key, variants):
        decision = self.at_flag(key)
        self.was_overridden |= decision.reason == "OVERRIDE"
        return decision.variant in variants

    def apart(self, look):
        """What `look` gives, and whether it looked at an overridden decision."""
        before, self.was_overridden = self.was_overridden, False
        result = look()
        overridden, self.was_overridden = self.was_overridden, before
        return result, overridden

    def is_in(self, key):
        if key not in self.memberships:
            self.memberships[key] = self.apart(lambda: self.member_of(self.ruleset.segments[key]))
        is_member, overridden = self.memberships[key]
        self.was_overridden |= overridden
        return is_member

    def member_of(self, segment):
        _, unit_id = self.unit(segment["by"])
        if unit_id in segment["exclude"]:
            return False
        if unit_id in segment["include"]:
            return True
        return segment["when"] is not None and self.holds(segment["when"])

    # Flags.

    def at_flag(self, key):
        if key not in self.answers:
            self.answers[key] = self.answer(key)
        return self.answers[key]

    def answer(self, key):
        if key not in self.ruleset.flags:
            return Decision(error="FLAG_NOT_FOUND")
        try:
            flag = self.ruleset.flag(key)
        except Broken:
            return Decision(error="PARSE_ERROR")
        if self.client.overrides.get(key) in flag.variants:
            return Decision(self.client.overrides[key], "OVERRIDE")
        decision, overridden = self.apart(lambda: self.steps(key, flag))
        if overridden:
            return Decision(decision.variant, "OVERRIDE", decision.rule)
        if decision.reason == "SPLIT" and flag.sticky:
            _, unit_id = self.unit(flag.by)
            self.to_keep.append(((key, unit_id, flag.sticky_version), decision.variant))
        return decision

    def steps(self, key, flag):
        if not flag.enabled or not flag.start <= self.now_ms < flag.end:
            return Decision(flag.off, "DISABLED")
        if self.ruleset.cannot_be_answered(key) or not all(self.answers_one_of(*one) for one in flag.requires):
            return Decision(flag.off, "PREREQUISITE_FAILED")
        for variant, ids, by in flag.targets:
            if self.unit(by)[1] in ids:
                return Decision(variant, "TARGETING_MATCH", "$target")
        unit_id = self.unit(flag.by)[1]
        no_unit = Decision(flag.default, "DEFAULT", error="TARGETING_KEY_MISSING")
        if unit_id is None and (flag.holdout or flag.layer or flag.limit):
            return no_unit
        if flag.holdout and bucket_of(flag.holdout["salt"], unit_id) < flag.holdout["buckets"]:
            return Decision(flag.off, "HOLDOUT")
        if flag.layer:
            bucket = bucket_of(flag.layer["salt"], unit_id)
            if not any(start <= bucket < end for start, end in flag.layer["slots"].get(key, [])):
                return Decision(flag.off, "NOT_IN_LAYER")
        if flag.limit and bucket_of(flag.limit["salt"], unit_id) >= flag.limit["buckets"]:
            return Decision(flag.limit["variant"], "NOT_IN_EXPOSURE")
        for rule in flag.rules:
            if not self.holds(rule["when"]):
                continue
            if rule["split"] is None:
                return Decision(rule["variant"], "TARGETING_MATCH", rule["id"])
            if unit_id is None:
                return no_unit
            return self.split(key, flag, rule)
        return Decision(flag.default, "DEFAULT")

    def split(self, key, flag, rule):
        unit, unit_id = self.unit(flag.by)
        bucket = bucket_of(flag.salt, unit_id)
        variant = variant_at(rule["split"], bucket)
        if flag.sticky:
            kept = self.client.kept.get((key, unit_id, flag.sticky_version))
            if kept is None and unit == "distinctId" and self.client.identified:
                kept = self.client.kept.get((key, self.client.anonymous_id, flag.sticky_version))
            if any(kept == listed and weight for listed, weight in rule["split"]):
                variant = kept
        return Decision(variant, "SPLIT", rule["id"], bucket)
