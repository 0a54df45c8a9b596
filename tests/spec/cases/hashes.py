"""Buckets, and the ids of exposures and links."""

import base64
import struct

import xxhash

from model.buckets import bucket_of

from .base import text_of


def bucketing_vectors():
    salts = [
        "new_checkout", "new_checkout/exposure", "a", "", "caf\u00e9", "\u65d7", "\U0001f6a9", "layer/checkout-tests",
        "__proto__", "with space", "flag\twith\ncontrols\u0001", {"repeat": "s", "times": 256},
    ]
    units = [
        "u1", "u2", "0", " ", "  u1", "u1 ", "U1", "a\u0000b", "\u0000", "\u0001\u001f\u007f", "\u00e9", "e\u0301",
        "\u00df", "\u0130", "\u65e5\u672c\u8a9e", "\u0645\u0631\u062d\u0628\u0627", "\U0001f9a9",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\ufffd", "\ufeffu1", "\u2028",
        "person@example.com", "01890a5d-ac96-774b-bcce-b302099a8057", "constructor", "\"quoted\\\"",
    ]
    pairs = [(salt, unit) for salt in salts for unit in units]
    # The stripes of XXH32 are 16 bytes long: every length around their borders, the separator included.
    pairs += [("s", {"repeat": "x", "times": times}) for times in list(range(1, 36)) + [61, 62, 63, 64, 65]]
    pairs += [
        (salt, {"repeat": repeat, "times": times})
        for salt in ["new_checkout", ""]
        for repeat, times in [
            ("x", 255), ("x", 256), ("x", 1_000), ("x", 100_000), ("\u00e9", 500), ("\U0001f9a9", 25_000), ("ab\u0000", 341),
        ]
    ]
    # What the separator keeps apart.
    pairs += [("ab", "c"), ("a", "bc"), ("abc", "a"), ("ab", "ca"), ("u", "1"), ("", "u1"), ("", "1")]
    return [{"salt": salt, "unitId": unit, "bucket": bucket_of(text_of(salt), text_of(unit))} for salt, unit in pairs]


ID_FIELDS = [
    "environment", "dedup", "scopeId", "unitId", "distinctId", "flagKey", "flagVersion", "variant", "valueText", "reason",
    "experiment",
]


def exposure_id(fields):
    fate = "decided" if fields.get("decided") else "seen"
    return id_of([str(text_of(fields[name])) for name in ID_FIELDS] + [fate])


def id_of(parts):
    """Two XXH64, seeds 0 and 1, over the parts, each behind its length; base64url without padding."""
    parts = ["pennon1", *parts]
    message = b"".join(struct.pack("<I", len(part.encode())) + part.encode() for part in parts)
    digest = b"".join(struct.pack(">Q", xxhash.xxh64_intdigest(message, seed=seed)) for seed in (0, 1))
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


BASE = {
    "environment": "production", "dedup": "session", "scopeId": "01890a5d-ac96-774b-bcce-b302099a8057",
    "unitId": "u1", "distinctId": "u1", "flagKey": "new_checkout", "flagVersion": 7, "variant": "treatment_a",
    "valueText": "true", "reason": "SPLIT", "experiment": "checkout-2026-q4",
}


def exposure_id_vectors():
    base = BASE
    rows = [dict(base)]
    texts = [
        "", "x", " ", "\u0000", "\u0001\n", "caf\u00e9", "\u65d7\u5e1c", "\U0001f6a9\U0001f9a9", "\ufffd", "__proto__",
        {"repeat": "y", "times": 1_000}, {"repeat": "\u00e9", "times": 5_000},
    ]
    for name in ID_FIELDS:
        if name not in ("dedup", "flagVersion", "reason"):
            rows += [{**base, name: text} for text in texts]
    rows += [{**base, "flagVersion": version} for version in [0, 1, 10, 4_294_967_296, 9_007_199_254_740_991]]
    rows += [
        {**base, "reason": reason}
        for reason in ["TARGETING_MATCH", "DEFAULT", "DISABLED", "NOT_IN_EXPOSURE", "OVERRIDE", "ERROR"]
    ]
    rows += [
        {**base, "dedup": dedup, "scopeId": scope}
        for dedup, scope in [
            ("identity", ""), ("none", "01890a5d-ac96-774b-bcce-b302099a8057/1"),
            ("none", "01890a5d-ac96-774b-bcce-b302099a8057/4294967295"), ("session", ""),
        ]
    ]
    values = [
        "null", "false", "0", "-0.0", "1e400", '""', '"true"', "[]", "{}", '{"layout":"one-page"}', '[1,[2,{"a":null}]]',
        '"\\ud83e\\udda9"', '"\U0001f9a9"', {"repeat": "[", "times": 300},
    ]
    rows += [{**base, "valueText": value} for value in values]
    # What the lengths keep apart: the same bytes in a row, cut at another place.
    rows += [
        {**base, "unitId": left, "distinctId": right}
        for left, right in [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")]
    ]
    decided = [
        {}, {"variant": "control"}, {"dedup": "identity", "scopeId": ""}, {"reason": "TARGETING_MATCH"}, {"experiment": ""},
        {"environment": "", "experiment": ""}, {"experiment": "seen"}, {"experiment": "decided"}, {"flagVersion": 8},
        {"unitId": "acme"}, {"flagKey": "\u65d7\u5e1c", "valueText": "null"},
    ]
    rows += [{**base, **more, "decided": True} for more in decided]
    return [{"fields": fields, "id": exposure_id(fields)} for fields in rows]


def link_id_vectors():
    """An anonymous id and a distinct id are one person."""
    texts = [
        "01890a5d-ac97-7000-8000-000000000001", "u1", "", "x", "\u0000", "caf\u00e9", "\u65d7", "\U0001f6a9", "\ufffd",
        "ab", "c", "a", "bc", {"repeat": "\u00e9", "times": 128},
    ]
    return [
        {"anonymousId": anonymous, "distinctId": distinct, "id": id_of(["link", text_of(anonymous), text_of(distinct)])}
        for anonymous in texts for distinct in texts
    ]
