"""A ruleset read whole: its flags, segments, layers and holdouts, and which flags cannot be answered."""

import math

from .conditions import References, read_condition
from .reading import MAX_NAME_BYTES, Broken, Node, Refused, is_name, is_whole, parse, truth_or
from .times import point_ms

MAX_CHAIN, MAX_SPLIT, MAX_WEIGHT = 32, 1000, 1_000_000_000
BUCKETS = 100_000


class Flag:
    """Compiled, with its defaults filled in."""


def units(node):
    listed = node.items(1, 100) if isinstance(node.value, list) else [node]
    for item in listed:
        item.demand(isinstance(item.value, str) and item.value)
    return [item.value for item in listed]


def units_or(node, default):
    return default if node is None else units(node)


def point_or(node, default):
    if node is None:
        return default
    node.demand(point_ms(node.value) is not None)
    return point_ms(node.value)


def salt_or(node, default, place):
    if node is not None:
        return node.salt()
    if "\0" in default:
        raise Broken(place)
    return default


class Ruleset:
    """Raises Refused where the whole text is."""

    def __init__(self, text):
        root = parse(text)
        if not isinstance(root, dict):
            raise Refused()
        schema, version, environment = (root.get(name) for name in ("schema", "version", "environment"))
        if schema is not None and (isinstance(schema, bool) or schema != 1):
            raise Refused("schema")
        if version is not None and not is_whole(version):
            raise Refused("version")
        if environment is not None and not is_name(environment):
            raise Refused("environment")
        self.flags = root.get("flags")
        if not isinstance(self.flags, dict):
            raise Refused("flags")
        sections = {name: root.get(name) for name in ("segments", "layers", "holdouts")}
        self.sections = {name: value if isinstance(value, dict) else {} for name, value in sections.items()}
        self.compiled, self.segments, self.segment_chains, self.chains = {}, {}, {}, {}

    # Sections.

    def node(self, section, key, reference):
        if key not in self.sections[section]:
            raise Broken(reference)
        return Node(self.sections[section][key], f"{section}.{key}").object()

    def segment(self, key, reference):
        """Its own mistakes are raised; those of the segments it names are found by `segment_chain`."""
        if key not in self.segments:
            node, references = self.node("segments", key, reference), References()
            lists = {name: node.optional(name) for name in ("include", "exclude")}
            when = node.optional("when")
            self.segments[key] = {
                **{name: [] if found is None else found.texts() for name, found in lists.items()},
                "when": None if when is None else read_condition(when, references),
                "by": units_or(node.optional("by"), ["distinctId"]),
                "references": references,
            }
        return self.segments[key]

    def segment_chain(self, key, reference, above=()):
        """How many segments the longest chain has that begins with this one."""
        if key in above:
            raise Broken(f"segments.{key}")
        if key not in self.segment_chains:
            named = self.segment(key, reference)["references"].segments
            self.segment_chains[key] = 1 + max((self.below_segment(*one, (*above, key)) for one in named), default=0)
        if self.segment_chains[key] > MAX_CHAIN:
            raise Broken(f"segments.{key}")
        return self.segment_chains[key]

    def below_segment(self, key, reference, above):
        """Which of several segments is the place of a mistake, docs/ruleset.md does not say, unless one is not there."""
        if key not in self.sections["segments"]:
            raise Broken(reference)
        try:
            return self.segment_chain(key, reference, above)
        except Broken as broken:
            raise Broken("segments") from broken

    def layer(self, key, reference):
        node = self.node("layers", key, reference)
        slots, taken = {}, []
        for flag_key, ranges in node.required("slots").members():
            slots[flag_key] = []
            for item in ranges.items():
                start, end = (edge.whole_number() for edge in item.items(2, 2))
                item.demand(start < end <= BUCKETS)
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    raise Broken(f"{node.place}.slots")
                taken.append((start, end))
                slots[flag_key].append((start, end))
        salt = salt_or(node.optional("salt"), "layer/" + key, node.place)
        return {"slots": slots, "by": units_or(node.optional("by"), ["distinctId"]), "salt": salt}

    def holdout(self, key, reference):
        node = self.node("holdouts", key, reference)
        return {
            "buckets": node.required("percent").thousandths(BUCKETS),
            "by": units_or(node.optional("by"), ["distinctId"]),
            "salt": salt_or(node.optional("salt"), "holdout/" + key, node.place),
        }

    # Flags.

    def flag(self, key):
        """Compiled; Broken is raised again each time."""
        if key not in self.compiled:
            try:
                self.compiled[key] = self.compile(key, Node(self.flags[key], f"flags.{key}"))
            except Broken as broken:
                self.compiled[key] = broken
        if isinstance(self.compiled[key], Broken):
            raise self.compiled[key]
        return self.compiled[key]

    def is_good(self, key):
        try:
            return key in self.flags and bool(self.flag(key))
        except Broken:
            return False

    def compile(self, key, node):
        node.object()
        node.demand(len(key.encode()) <= MAX_NAME_BYTES)
        flag = Flag()
        flag.references = References()
        variants = node.required("variants")
        variants.object()
        variants.demand(1 <= len(variants.value) <= 2000 and all(is_name(name) for name in variants.value))
        flag.variants = variants.value

        def variant(of):
            of.demand(isinstance(of.value, str) and of.value in flag.variants)
            return of.value

        def variant_or(of, default):
            return default if of is None else variant(of)

        flag.default = variant(node.required("default"))
        flag.off = variant_or(node.optional("off"), flag.default)
        flag.enabled = truth_or(node.optional("enabled"), True)
        numbers = {name: node.optional(name) for name in ("version", "stickyVersion")}
        flag.version, flag.sticky_version = (1 if found is None else found.whole_number() for found in numbers.values())
        flag.by = units_or(node.optional("by"), ["distinctId"])
        if node.optional("experiment"):
            node.optional("experiment").name()
        flag.salt = salt_or(node.optional("salt"), key, node.place)
        flag.sticky = truth_or(node.optional("sticky"), False)
        flag.start = point_or(node.optional("start"), -math.inf)
        flag.end = point_or(node.optional("end"), math.inf)
        flag.requires = [
            (entry.object().required("flag").text(), entry.required("variants").texts())
            for entry in self.list(node, "requires", 100)
        ]
        flag.targets = [
            (variant(entry.object().required("variant")), entry.required("ids").texts(), units_or(entry.optional("by"), flag.by))
            for entry in self.list(node, "targets", 1000)
        ]
        flag.limit = self.limit(node.optional("limitExposure"), flag, variant_or)
        flag.rules = [self.rule(entry.object(), flag, variant) for entry in self.list(node, "rules", 1000)]
        self.add_sections(node, flag)
        self.check_salts(flag)
        return flag

    @staticmethod
    def list(node, name, most):
        found = node.optional(name)
        return [] if found is None else found.items(most=most)

    @staticmethod
    def limit(node, flag, variant_or):
        if node is None:
            return None
        node.object()
        salt = node.optional("salt")
        return {
            "buckets": node.required("percent").thousandths(BUCKETS),
            "variant": variant_or(node.optional("variant"), flag.default),
            "salt": flag.salt + "/exposure" if salt is None else salt.salt(),
        }

    @staticmethod
    def rule(node, flag, variant):
        rule_id, when, serve = node.optional("id"), node.optional("when"), node.required("serve")
        result = {
            "id": None if rule_id is None else rule_id.name(),
            "when": ("all", []) if when is None else read_condition(when, flag.references),
        }
        if isinstance(serve.value, list):
            entries = serve.items(1, MAX_SPLIT)
            split = [
                (variant(entry.object().required("variant")), entry.required("weight").thousandths(MAX_WEIGHT))
                for entry in entries
            ]
            serve.demand(any(weight for _, weight in split))
            return {**result, "split": split}
        return {**result, "split": None, "variant": variant(serve)}

    def add_sections(self, node, flag):
        layer, holdout = node.optional("layer"), node.optional("holdout")
        flag.layer = None if layer is None else self.layer(layer.text(), layer.place)
        flag.holdout = None if holdout is None else self.holdout(holdout.text(), holdout.place)
        for section, place in ((flag.layer, layer), (flag.holdout, holdout)):
            if section is not None:
                place.demand(section["by"] == flag.by)
        for key, place in flag.references.segments:
            self.segment_chain(key, place)
        flag.place = node.place

    def check_salts(self, flag):
        """Which of two equal salts is the place of the mistake, docs/ruleset.md does not say."""
        own = [flag.salt] + [part["salt"] for part in (flag.limit, flag.layer, flag.holdout) if part]
        if len(set(own)) < len(own) or set(own) & set(flag.references.salts):
            raise Broken(flag.place)
        for key in self.segments_below(flag.references):
            if set(own) & set(self.segments[key]["references"].salts):
                raise Broken("")

    def segments_below(self, references):
        """The keys of all segments that these references lead to through segments alone."""
        seen, waiting = [], [key for key, _ in references.segments]
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.append(key)
                waiting += [other for other, _ in self.segments[key]["references"].segments]
        return seen

    # References.

    def cannot_be_answered(self, key):
        flag = self.flag(key)
        named = [other for other, _ in flag.requires] + flag.references.flags
        for segment in self.segments_below(flag.references):
            named += self.segments[segment]["references"].flags
        return not all(self.is_good(other) for other in named) or self.chain(("flag", key)) > MAX_CHAIN

    def chain(self, start):
        """The longest chain of references from a flag or segment, itself included; infinite where it meets itself."""
        if start not in self.chains:
            self.chains[start] = math.inf  # until it is known: whoever comes back here has gone around
            self.chains[start] = 1 + max((self.chain(other) for other in self.below(*start)), default=0)
        return self.chains[start]

    def below(self, kind, key):
        if kind == "flag":
            if not self.is_good(key):
                return []
            flag = self.flag(key)
            references, required = flag.references, [other for other, _ in flag.requires]
        else:
            references, required = self.segments[key]["references"], []
        flags = [("flag", other) for other in required + references.flags]
        return flags + [("segment", other) for other, _ in references.segments]
