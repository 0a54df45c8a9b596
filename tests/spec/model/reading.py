"""JSON as the ruleset's text is read, and places in it."""

import json
from fractions import Fraction

MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_NAME_BYTES = 256
MAX_LEVELS = 64
MAX_WHOLE = 2**53 - 1


class Broken(Exception):
    """A mistake, with its place. It breaks the flags that depend on it."""

    def __init__(self, place):
        super().__init__(place)
        self.place = place


class Refused(Exception):
    """The ruleset as a whole is refused. The place is None where docs/ruleset.md names none."""

    def __init__(self, place=None):
        super().__init__(place)
        self.place = place


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


def parse(text):
    """The value of a ruleset's text, by RFC 8259 alone: Python's reader takes NaN and the infinities too."""

    def no_constant(name):
        raise ValueError(name)

    if text.startswith("\ufeff"):
        text = text[1:]
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise Refused()
    if text.strip(" \t\r\n") != text.strip():
        raise Refused()
    try:
        return cleaned(json.loads(text, parse_constant=no_constant))
    except ValueError as error:
        raise Refused() from error


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def is_whole(value):
    return is_number(value) and value == int(value) and 0 <= value <= MAX_WHOLE


def is_scalar(value):
    return isinstance(value, (str, bool)) or is_number(value)


def is_name(value):
    return isinstance(value, str) and 1 <= len(value.encode()) <= MAX_NAME_BYTES


def levels(value):
    """How deep a value is nested, itself included."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(levels, inside), default=0)


class Node:
    """A value in the ruleset, where it is, and the flag, segment, layer or holdout that it is in."""

    def __init__(self, value, place, root=None):
        self.value, self.place, self.root = value, place, root or place
        if root is None and levels(value) > MAX_LEVELS:
            raise Broken(place)

    def _inside(self, value, place):
        return Node(value, place, self.root)

    def demand(self, truth):
        if not truth:
            raise Broken(self.place)

    def object(self):
        self.demand(isinstance(self.value, dict))
        return self

    def optional(self, name):
        """The field of that name, or None where it is absent or null."""
        value = self.value.get(name)
        return None if value is None else self._inside(value, f"{self.place}.{name}")

    def required(self, name):
        found = self.optional(name)
        if found is None:
            raise Broken(f"{self.place}.{name}")
        return found

    def members(self):
        """Key and value of each member, null too: the keys are data here."""
        self.demand(isinstance(self.value, dict))
        return [(key, self._inside(value, f"{self.place}.{key}")) for key, value in self.value.items()]

    def items(self, least=0, most=None):
        self.demand(isinstance(self.value, list))
        self.demand(least <= len(self.value) and (most is None or len(self.value) <= most))
        return [self._inside(value, f"{self.place}[{at}]") for at, value in enumerate(self.value)]

    def text(self):
        self.demand(isinstance(self.value, str))
        return self.value

    def name(self):
        self.demand(is_name(self.value))
        return self.value

    def truth(self):
        self.demand(isinstance(self.value, bool))
        return self.value

    def whole_number(self):
        self.demand(is_whole(self.value))
        return int(self.value)

    def number(self):
        self.demand(is_number(self.value))
        return self.value

    def scalar(self):
        self.demand(is_scalar(self.value))
        return self.value

    def salt(self):
        self.demand(isinstance(self.value, str) and "\0" not in self.value)
        return self.value

    def thousandths(self, most):
        """At most `most` thousandths, with at most 3 decimals."""
        self.demand(is_number(self.value))
        exact = Fraction(repr(self.value)) * 1000  # repr gives the shortest decimal, which is what was written
        self.demand(exact.denominator == 1 and 0 <= exact <= most)
        return int(exact)

    def texts(self):
        return [item.text() for item in self.items()]


def truth_or(node, default):
    return default if node is None else node.truth()
