"""The subset of regular expressions: what is in it, and what it finds. No host's regular expressions are used."""

from functools import lru_cache
from math import prod

MAX_PATTERN, MAX_SUBJECT, MAX_COUNT, MAX_WAYS, MAX_GROUPS = 256, 1024, 100, [1000, 100, 10], 16
MAX_CUBIC_SUBJECT = 256
SPECIAL = set("^$\\.*+?()[]{}|")
ESCAPABLE = SPECIAL | {"/"}
CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
LINE_ENDS = "\n\r\u2028\u2029"
SPACES = set("\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
             "\u3000\ufeff")
DIGITS = set("0123456789")
WORDS = DIGITS | set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
SETS = {"d": DIGITS, "w": WORDS, "s": SPACES}


class Outside(Exception):
    """Not in the subset."""


def ways(tree):
    """In how many ways a tree can be gone through, a quantifier without an upper bound being one."""
    if tree[0] == "seq":
        return prod(ways(part) for part in tree[1])
    if tree[0] == "either":
        return sum(ways(part) for part in tree[1])
    if tree[0] == "repeat":
        _, part, low, high = tree
        return ways(part) * (1 if high is None else high - low + 1)
    return 1


class Parser:
    """Trees: ("char", c) ("any",) ("class", negated, parts) ("start",) ("end",) ("seq", trees) ("either", trees)
    ("repeat", tree, low, high). A part of a class: ("range", low, high) or ("set", letter)."""

    def __init__(self, pattern):
        self.rest = list(pattern)
        self.unbounded = 0

    def demand(self, truth):
        if not truth:
            raise Outside()

    def peek(self):
        return self.rest[0] if self.rest else ""

    def take(self):
        self.demand(self.rest)
        return self.rest.pop(0)

    def take_if(self, text):
        if "".join(self.rest[: len(text)]) != text:
            return False
        del self.rest[: len(text)]
        return True

    def whole(self):
        tree, _ = self.alternatives(0)
        self.demand(not self.rest)
        self.demand(self.unbounded < len(MAX_WAYS) and ways(tree) <= MAX_WAYS[self.unbounded])
        return tree

    def alternatives(self, depth):
        """The tree, and whether it holds a quantifier or a |."""
        trees, is_complex = [], False
        while True:
            tree, has_quantifier = self.sequence(depth)
            trees.append(tree)
            is_complex |= has_quantifier
            if not self.take_if("|"):
                return ("either", trees), is_complex or len(trees) > 1

    def sequence(self, depth):
        trees, is_complex = [], False
        while self.rest and self.peek() not in "|)":
            tree, inner_is_complex, can_repeat = self.atom(depth)
            is_complex |= inner_is_complex
            bounds = self.quantifier()
            if bounds:
                self.demand(can_repeat and not inner_is_complex)
                tree, is_complex = ("repeat", tree, *bounds), True
            trees.append(tree)
        return ("seq", trees), is_complex

    def atom(self, depth):
        """The tree, whether it is a group that holds a quantifier or a |, and whether it may be repeated."""
        found = self.take()
        if found == "(":
            self.demand(depth < MAX_GROUPS)
            self.demand(self.take_if("?:") or self.peek() != "?")
            tree, is_complex = self.alternatives(depth + 1)
            self.demand(self.take_if(")"))
            return tree, is_complex, True
        if found == "[":
            return self.bracket(), False, True
        if found == "\\":
            letter = self.take()
            if letter.lower() in SETS:
                return ("class", False, [("set", letter)]), False, True
            return ("char", self.escaped(letter, "")), False, True
        if found == ".":
            return ("any",), False, True
        if found in "^$":
            return ("start" if found == "^" else "end",), False, False
        self.demand(found not in SPECIAL)
        return ("char", found), False, True

    def escaped(self, letter, more):
        if letter in CONTROLS:
            return CONTROLS[letter]
        self.demand(letter in ESCAPABLE or letter in more)
        return letter

    def bracket(self):
        negated, parts = self.take_if("^"), []
        while not self.take_if("]"):
            low = self.member()
            is_dash = low == "-" and not self.was_escaped
            if is_dash:
                self.demand(not parts or self.peek() == "]")
            if self.peek() == "-" and self.rest[1:2] != ["]"]:
                self.take()
                high = self.member()
                self.demand(isinstance(low, str) and isinstance(high, str) and not is_dash and low <= high)
                parts.append(("range", low, high))
            else:
                parts.append(("range", low, low) if isinstance(low, str) else low)
        self.demand(parts)
        return ("class", negated, parts)

    def member(self):
        found = self.take()
        self.was_escaped = found == "\\"
        if self.was_escaped:
            letter = self.take()
            return ("set", letter) if letter.lower() in SETS else self.escaped(letter, "-")
        self.demand(found != "[")
        return found

    def number(self):
        digits = ""
        while self.peek() and self.peek() in "0123456789":
            digits += self.take()
        if not digits:
            return None
        self.demand(int(digits) <= MAX_COUNT)
        return int(digits)

    def quantifier(self):
        """Low and high (None: unbounded), or None."""
        if self.take_if("*"):
            bounds = (0, None)
        elif self.take_if("+"):
            bounds = (1, None)
        elif self.take_if("?"):
            bounds = (0, 1)
        elif self.take_if("{"):
            low = self.number()
            self.demand(low is not None)
            high = (self.number() if self.peek() != "}" else None) if self.take_if(",") else low
            self.demand(self.take_if("}"))
            self.demand(high is None or low <= high)
            bounds = (low, high)
        else:
            return None
        self.take_if("?")
        if bounds[1] is None:
            self.unbounded += 1
        return bounds


@lru_cache(None)
def tree_of(pattern):
    """None for what is outside the subset."""
    if len(pattern) > MAX_PATTERN:
        return None
    try:
        return Parser(pattern).whole()
    except Outside:
        return None


# ------------------------------------------------------------------------------------------------------------ matching


def folded(character):
    """Unicode's simple case folding: casefold is the full one, which differs where it gives several characters."""
    for fold in (character.casefold(), character.lower()):
        if len(fold) == 1:
            return fold
    return character


@lru_cache(None)
def folding_alike():
    alike = {}
    for code in range(0x110000):
        if not 0xD800 <= code <= 0xDFFF:
            character = chr(code)
            fold = folded(character)
            if fold != character:
                alike.setdefault(fold, {fold}).add(character)
    return alike


class Matcher:
    def __init__(self, subject, ignore_case):
        self.subject, self.ignore_case = subject, ignore_case

    def alike(self, character):
        if not self.ignore_case:
            return {character}
        return folding_alike().get(folded(character), {character})

    def is_in(self, part, character):
        if part[0] == "range":
            return any(part[1] <= one <= part[2] for one in self.alike(character))
        inside = any(one in SETS[part[1].lower()] for one in self.alike(character))
        return inside == part[1].islower()

    def one(self, tree, character):
        if tree[0] == "char":
            return tree[1] in self.alike(character)
        if tree[0] == "any":
            return character not in LINE_ENDS
        return any(self.is_in(part, character) for part in tree[2]) != tree[1]

    def ends(self, tree, starts):
        """Where a match that begins at one of `starts` may end."""
        kind = tree[0]
        if kind == "seq":
            for part in tree[1]:
                starts = self.ends(part, starts)
            return starts
        if kind == "either":
            return set().union(*[self.ends(part, starts) for part in tree[1]])
        if kind == "repeat":
            return self.repeated(tree, starts)
        if kind == "start":
            return starts & {0}
        if kind == "end":
            return starts & {len(self.subject)}
        return {at + 1 for at in starts if at < len(self.subject) and self.one(tree, self.subject[at])}

    def repeated(self, tree, starts):
        _, part, low, high = tree
        for _ in range(low):
            starts = self.ends(part, starts)
        reached, edge = set(starts), starts
        rounds = len(self.subject) + 1 if high is None else high - low
        for _ in range(rounds):
            edge = self.ends(part, edge) - reached
            if not edge:
                break
            reached |= edge
        return reached


def is_cubic(pattern):
    """Two quantifiers without an upper bound, and it may begin anywhere."""
    reader = Parser(pattern)
    reader.whole()
    return reader.unbounded == 2 and not (pattern.startswith("^") and "|" not in pattern)


def found_in(pattern, subject, ignore_case):
    if len(subject) > (MAX_CUBIC_SUBJECT if is_cubic(pattern) else MAX_SUBJECT):
        return False
    return bool(Matcher(subject, ignore_case).ends(tree_of(pattern), set(range(len(subject) + 1))))
