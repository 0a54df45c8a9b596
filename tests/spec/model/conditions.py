"""Conditions: how they are read, and when they hold."""

import hashlib
import re

from .buckets import bucket_of
from .patterns import found_in, tree_of
from .reading import Broken, is_number, is_scalar, truth_or
from .times import point_ms, relative_ms
from .versions import version_key, version_range

MAX_CONDITIONS, MAX_NESTED, MAX_TEXTS = 10_000, 16, 1000
TYPES = {"string": str, "boolean": bool, "list": list, "object": dict}
HASH = re.compile("[0-9a-f]{64}")


class References:
    """What the conditions of a flag or a segment name: the keys of flags, those of segments with their places, and salts."""

    def __init__(self):
        self.flags, self.segments, self.salts, self.conditions = [], [], [], 0


# ------------------------------------------------------------------------------------------------------------- reading


def one_or_more(node, read, most=None):
    return [read(item) for item in (node.items(most=most) if isinstance(node.value, list) else [node])]


def scalars(node):
    return one_or_more(node, lambda item: item.scalar())


def scalar_list(node):
    return [item.scalar() for item in node.items()]


def texts(node):
    return one_or_more(node, lambda item: item.text(), MAX_TEXTS)


def pattern(node):
    node.demand(tree_of(node.text()) is not None)
    return node.value


def between(node):
    low, high = (float(item.number()) for item in node.items(2, 2))
    node.demand(low <= high)
    return low, high


def point(node):
    """(from now?, milliseconds)"""
    relative = relative_ms(node.value)
    if relative is not None:
        return True, relative
    node.demand(point_ms(node.value) is not None)
    return False, point_ms(node.value)


def version(node):
    node.demand(version_key(node.value) is not None)
    return version_key(node.value)


def in_range(node):
    found = version_range(node.text())
    node.demand(found is not None)
    return found


def type_name(node):
    node.demand(node.value in ("string", "number", "boolean", "list", "object"))
    return node.value


def hashes(node):
    salt, listed = node.object().required("salt").text(), node.required("hashes").items()
    for item in listed:
        item.demand(HASH.fullmatch(item.text()))
    return salt, [item.value for item in listed]


def share(node):
    node.object()
    return node.required("salt").salt(), node.required("percent").thousandths(100_000)


READ = {
    **dict.fromkeys(["eq", "neq"], scalars),
    **dict.fromkeys(["in", "notIn", "containsAny", "containsAll", "containsNone", "subsetOf", "setEq"], scalar_list),
    **dict.fromkeys(["contains", "startsWith", "endsWith"], texts),
    "matches": lambda node: one_or_more(node, pattern, MAX_TEXTS),
    **dict.fromkeys(["lt", "lte", "gt", "gte"], lambda node: float(node.number())),
    "between": between,
    **dict.fromkeys(["before", "after"], point),
    "semverEq": lambda node: one_or_more(node, version),
    **dict.fromkeys(["semverLt", "semverLte", "semverGt", "semverGte"], version),
    "semverRange": in_range,
    "isType": lambda node: one_or_more(node, type_name),
    "inHashed": hashes,
    "bucket": share,
}


def read_condition(node, references, level=1):
    references.conditions += 1
    if references.conditions > MAX_CONDITIONS or level > MAX_NESTED:
        raise Broken(node.root)
    node.object()
    for name in ("all", "any"):
        found = node.optional(name)
        if found:
            return name, [read_condition(item, references, level + 1) for item in found.items()]
    found = node.optional("not")
    if found:
        return "not", read_condition(found, references, level + 1)
    found = node.optional("segment")
    if found:
        references.segments.append((found.text(), found.place))
        return "segment", found.value
    found = node.optional("flag")
    if found:
        references.flags.append(found.text())
        return "flag", found.value, node.required("variants").texts()
    found = node.optional("attribute")
    node.demand(found)
    name = found.text()
    op = node.required("op")
    ignore_case = truth_or(node.optional("ignoreCase"), False)
    if op.value in ("exists", "notExists"):
        return "attribute", name, op.value, None, ignore_case
    op.demand(isinstance(op.value, str) and op.value in READ)
    value = READ[op.value](node.required("value"))
    if op.value == "bucket":
        references.salts.append(value[0])
    return "attribute", name, op.value, value, ignore_case


# ------------------------------------------------------------------------------------------------------------- holding


def same(left, right):
    """Scalars of different types are unequal, and what is no scalar equals nothing."""
    if not is_scalar(left) or not is_scalar(right):
        return False
    kinds = [bool if isinstance(one, bool) else str if isinstance(one, str) else float for one in (left, right)]
    return kinds[0] is kinds[1] and kinds[0](left) == kinds[0](right)


def lower(value):
    return value.lower() if isinstance(value, str) else value


def is_one_of(found, values, ignore_case):
    if ignore_case:
        found, values = lower(found), [lower(value) for value in values]
    return any(same(found, value) for value in values)


def text_holds(op, found, values, ignore_case):
    if not isinstance(found, str):
        return False
    if ignore_case:
        found, values = found.lower(), [value.lower() for value in values]
    compare = {"contains": lambda value: value in found, "startsWith": found.startswith, "endsWith": found.endswith}[op]
    return any(compare(value) for value in values)


def number_holds(op, found, value):
    if not is_number(found):
        return False
    found = float(found)
    if op == "between":
        return value[0] <= found <= value[1]
    return {"lt": found < value, "lte": found <= value, "gt": found > value, "gte": found >= value}[op]


def version_holds(op, found, value):
    key = version_key(found)
    if key is None:
        return False
    if op == "semverRange":
        return value(key)
    if op == "semverEq":
        return key in value
    return number_holds_of_keys(op, key, value)


def number_holds_of_keys(op, key, value):
    return {
        "semverLt": key < value, "semverLte": key <= value, "semverGt": key > value, "semverGte": key >= value,
    }[op]


def list_holds(op, found, values, ignore_case):
    if not isinstance(found, list):
        return False
    inside = [is_one_of(item, values, ignore_case) for item in found]
    has_all = all(any(is_one_of(item, [value], ignore_case) for item in found) for value in values)
    return {
        "containsAny": any(inside), "containsAll": has_all, "containsNone": not any(inside), "subsetOf": all(inside),
        "setEq": all(inside) and has_all,
    }[op]


def type_holds(found, names):
    return any(is_number(found) if name == "number" else isinstance(found, TYPES[name]) for name in names)


def operator_holds(op, found, value, ignore_case, now_ms):
    """`found`: the attribute, None when it is missing."""
    if op in ("exists", "notExists"):
        return (found is None) == (op == "notExists")
    if found is None:
        return False
    if op in ("eq", "in"):
        return is_scalar(found) and is_one_of(found, value, ignore_case)
    if op in ("neq", "notIn"):
        return is_scalar(found) and not is_one_of(found, value, ignore_case)
    if op in ("contains", "startsWith", "endsWith"):
        return text_holds(op, found, value, ignore_case)
    if op == "matches":
        return isinstance(found, str) and any(found_in(one, found, ignore_case) for one in value)
    if op in ("lt", "lte", "gt", "gte", "between"):
        return number_holds(op, found, value)
    if op in ("before", "after"):
        is_relative, at_ms = value
        at_ms, found_ms = at_ms + now_ms if is_relative else at_ms, point_ms(found)
        return found_ms is not None and (found_ms < at_ms if op == "before" else found_ms > at_ms)
    if op.startswith("semver"):
        return version_holds(op, found, value)
    if op == "isType":
        return type_holds(found, value)
    if op == "inHashed":
        salt, listed = value
        text = lower(found) if ignore_case else found
        return isinstance(found, str) and hashlib.sha256((salt + text).encode()).hexdigest() in listed
    if op == "bucket":
        salt, buckets = value
        return isinstance(found, str) and found != "" and bucket_of(salt, found) < buckets
    return list_holds(op, found, value, ignore_case)
