"""Which bucket a unit has, and which variant has a bucket."""

import xxhash

BUCKET_COUNT = 100_000


def bucket_of(salt, unit_id):
    """(XXH32(utf8(salt) ++ 0x00 ++ utf8(unit id), seed 0) x 100000) >> 32"""
    digest = xxhash.xxh32_intdigest(salt.encode() + b"\0" + unit_id.encode(), seed=0)
    return (digest * BUCKET_COUNT) >> 32


def variant_at(split, bucket):
    """`split`: variants and weights in thousandths."""
    total, before = sum(weight for _, weight in split), 0
    for variant, weight in split:
        start, end = BUCKET_COUNT * before // total, BUCKET_COUNT * (before + weight) // total
        if start <= bucket < end:
            return variant
        before += weight
    raise AssertionError("the shares cover every bucket")
