#!/usr/bin/env python3
"""Writes the vectors beside it: *.json.

`model` is an implementation of docs/ruleset.md of its own, in another language and on another hash library, so that a
mistake in the engine cannot hide in its own expectations. Nothing here is copied from the engine's output. `cases` says
what is asked of it, and in most cases, by hand, what must come out. Run it with

    python3 -m pip install xxhash
    python3 tests/spec/make_vectors.py            # write the files
    python3 tests/spec/make_vectors.py --check    # fail when a file differs from what would be written

It uses no clock and no randomness: the same files, byte for byte, each time. Python 3.9 or newer, any xxhash from 3.0.

In each file `vectors` has one vector a line. A long text is written {"repeat": text, "times": n}, or as a list of such
parts. The files of decisions have, in a vector:

    name                    no two are the same
    ruleset, rulesetText    an object, the name of one in the file's `rulesets`, or the text as it is
    flag                    the key that is asked
    distinctId              null before a login; anonymousId and deviceId are the file's
    attributes, nowMs       the context; without attributes, and at the file's nowMs, where they are absent
    overrides               a flag's key to a variant's key
    before                  what the same client did before, in this order: each entry decides its `flag`, or list of flags,
                            with what it names itself (but for overrides) else as in the vector
    onlyCompiler            this must be refused, and no JSON Schema can tell
    expect                  reason, and where there is one variant, ruleId, bucket, errorCode; value and flagVersion where a
                            variant is named; refused: the whole ruleset is; problem: the place of the mistake, or one that
                            holds it ("" the whole ruleset), or the flag that cannot be answered; none is named of a text
                            that is no ruleset
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.setrecursionlimit(20_000)

from cases import (  # noqa: E402
    base, basics, dates, flow, hashes, mistakes, operators, overrides, patterns, segments, steps, versions, whole,
)

HERE = Path(__file__).resolve().parent
SPEC_VERSION = 1
DECISIONS = {
    "operators.json": [
        operators.attribute_cases, operators.operand_cases, operators.more_cases, operators.hash_cases, operators.bucket_cases,
    ],
    "versions.json": [versions.version_cases, versions.range_cases],
    "patterns.json": [patterns.pattern_cases, patterns.border_cases],
    "segments.json": [
        segments.segment_cases, segments.segment_mistake_cases, segments.by_cases, segments.layer_cases, segments.holdout_cases,
        segments.section_mistake_cases,
    ],
    "flow.json": [flow.prerequisite_cases, flow.unanswered_cases, flow.chain_cases, flow.target_cases],
    "overrides.json": [overrides.override_cases, overrides.reach_cases],
    "sticky.json": [overrides.sticky_cases, overrides.room_cases],
    "text.json": [whole.refused_cases, whole.text_cases, whole.limit_cases],
    "dates.json": [dates.operand_cases, dates.attribute_cases, dates.window_cases],
    "evaluation.json": [
        steps.step_cases, steps.split_cases, basics.operator_cases, basics.condition_cases, mistakes.broken_cases,
        mistakes.text_cases,
    ],
}


def decisions():
    """Each file's vectors, and the rulesets they share."""
    names, files = set(), {}
    for file, parts in DECISIONS.items():
        cases = base.Cases()
        for part in parts:
            part(cases)
        for vector in cases.vectors:
            assert vector["name"] not in names, f"two vectors are called {vector['name']}"
            names.add(vector["name"])
        files[file] = cases
    return files


def document(about, **parts):
    """One vector a line, so that a change shows as itself."""
    lines = [f' "specVersion": {SPEC_VERSION}, "about": {json.dumps(about)}']
    for name, value in parts.items():
        if isinstance(value, (list, dict)):
            pairs = value.items() if isinstance(value, dict) else [(None, item) for item in value]
            items = [(f"{json.dumps(key)}: " if key is not None else "") + json.dumps(item) for key, item in pairs]
            start, end = "{}" if isinstance(value, dict) else "[]"
            lines.append(f' "{name}": {start}\n  ' + ",\n  ".join(items) + f"\n {end}")
        else:
            lines.append(f' "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    files = {
        "bucketing.json": document(
            "bucket = (XXH32(utf8(salt) 00 utf8(unitId), seed 0) * 100000) >> 32", vectors=hashes.bucketing_vectors()
        ),
        "exposure_id.json": document(
            "the id of an exposure's row, by docs/ruleset.md", vectors=hashes.exposure_id_vectors()
        ),
        "link_id.json": document("the id of a link's row, by docs/ruleset.md", vectors=hashes.link_id_vectors()),
    }
    for name, cases in decisions().items():
        files[name] = document(
            "what a flag answers, by docs/ruleset.md", anonymousId=base.ANONYMOUS_ID, deviceId=base.DEVICE_ID, nowMs=base.NOW_MS,
            **({"rulesets": cases.rulesets} if cases.rulesets else {}), vectors=cases.vectors,
        )
    different, total = False, 0
    for name, text in files.items():
        path, count = HERE / name, len(json.loads(text)["vectors"])
        total += count
        if "--check" in sys.argv[1:]:
            same_bytes = path.exists() and path.read_bytes() == text.encode()
            different |= not same_bytes
            print(f"{name}: {count} vectors, {'as committed' if same_bytes else 'DIFFERENT'}")
        else:
            path.write_bytes(text.encode())
            print(f"{name}: {count} vectors")
    print(f"{total} vectors")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
