"""Versions and ranges of versions."""

import re

NUMBER = r"(?:0|[1-9]\d{0,14})"
PRE = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
BUILD = r"[0-9A-Za-z-]+"
VERSION = re.compile(
    rf"[vV]?({NUMBER})(?:\.({NUMBER})(?:\.({NUMBER})(?:-({PRE}(?:\.{PRE})*))?(?:\+{BUILD}(?:\.{BUILD})*)?)?)?", re.ASCII
)
WILD = re.compile(rf"[vV]?(?:({NUMBER})\.)?(?:({NUMBER})\.)?[xX*](?:\.[xX*]){{0,2}}", re.ASCII)
COMPARATOR = re.compile(r"(>=|<=|>|<|=|~|\^)?(.*)", re.ASCII | re.DOTALL)

# Below every other pre-release.
LOWEST_PRE = ((0, 0, ""),)
# Behind every pre-release.
NO_PRE = ((2, 0, ""),)


def pre_key(pre):
    """Numbers before texts, and fewer parts before more: as tuples compare."""
    if pre is None:
        return NO_PRE
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))


def version_key(text):
    """What a version is compared by; None for what is no version."""
    found = VERSION.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    major, minor, patch, pre = found.groups()
    return (int(major), int(minor or 0), int(patch or 0), pre_key(pre))


def parts_of(text):
    """The numbers that are given (0 to 3), and the pre-release; None outside the grammar."""
    found = WILD.fullmatch(text)
    if found:
        given = [part for part in found.groups() if part is not None]
        steps = re.split(r"\.", text)
        return ([int(part) for part in given], None) if len(steps) <= 3 else None
    found = VERSION.fullmatch(text)
    if not found:
        return None
    return [int(part) for part in found.groups()[:3] if part is not None], found.group(4)


def lower_end(numbers, pre=None):
    return (*(numbers + [0, 0, 0])[:3], pre_key(pre))


def just_below(numbers, at):
    """The lowest version behind all those that agree with `numbers` up to place `at`."""
    raised = numbers[:at] + [numbers[at] + 1]
    return (*(raised + [0, 0])[:3], LOWEST_PRE)


def comparator(text):
    """A predicate on version keys; None outside the grammar."""
    op, rest = COMPARATOR.fullmatch(text).groups()
    parts = parts_of(rest)
    if parts is None:
        return None
    numbers, pre = parts
    if not numbers:
        return (lambda v: False) if op in ("<", ">") else (lambda v: True)
    low, last, full = lower_end(numbers, pre), len(numbers) - 1, len(numbers) == 3
    if op == ">=":
        return lambda v: v >= low
    if op == "<":
        end = low if full else (*low[:3], LOWEST_PRE)
        return lambda v: v < end
    if op == ">":
        if full:
            return lambda v: v > low
        end = lower_end(numbers[:last] + [numbers[last] + 1])
        return lambda v: v >= end
    if op == "<=":
        if full:
            return lambda v: v <= low
        end = just_below(numbers, last)
        return lambda v: v < end
    if op == "~":
        end = just_below(numbers, min(last, 1))
    elif op == "^":
        first = next((at for at, number in enumerate(numbers) if number), last)
        end = just_below(numbers, first)
    elif full:
        return lambda v: v == low
    else:
        end = just_below(numbers, last)
    return lambda v: low <= v < end


def version_range(text):
    """A predicate on version keys; None for what is no range."""
    alternatives = []
    for alternative in text.split("||"):
        comparators = [comparator(part) for part in re.split("[ \t\r\n]+", alternative) if part]
        if None in comparators:
            return None
        alternatives.append(comparators)
    return lambda v: any(all(holds(v) for holds in comparators) for comparators in alternatives)
