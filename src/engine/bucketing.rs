//! Salt and unit id to bucket, and bucket to variant: the contract that never changes.

use super::hash::xxh32;

/// Buckets are integers in `0..BUCKET_COUNT`: thousandths of a percent.
pub const BUCKET_COUNT: u32 = 100_000;

/// The bucket, in `0..BUCKET_COUNT`, that `salt` gives `unit_id`.
///
/// A pair keeps its bucket for ever, on every platform; `tests/spec/bucketing.json` pins it. Buckets differ in size by
/// at most one hash value in 42 949 (23 ppm), far below what an experiment can see.
///
/// Rule: XXH32, seed 0, over `salt`, a zero byte and `unit_id`, as UTF-8; times `BUCKET_COUNT`, shifted right by 32.
///
/// ```
/// assert_eq!(pennon::engine::bucketing::bucket_of("new_checkout", "u1"), 83_760);
/// ```
pub fn bucket_of(salt: &str, unit_id: &str) -> u32 {
    // The zero keeps ("ab", "c") and ("a", "bc") apart.
    let hash = xxh32(&[salt.as_bytes(), &[0], unit_id.as_bytes()].concat());
    ((u64::from(hash) * u64::from(BUCKET_COUNT)) >> 32) as u32
}

/// The place in `weights` whose share of the buckets holds `bucket`.
///
/// Share i is `[⌊100000·C(i−1)/W⌋, ⌊100000·C(i)/W⌋)`, with C the running sum and W the sum of all. `None` when the
/// weights sum to 0.
pub fn allocate(weights: impl Iterator<Item = u64> + Clone, bucket: u32) -> Option<usize> {
    let total: u64 = weights.clone().sum();
    let mut running = 0;
    weights.into_iter().position(|weight| {
        running += weight;
        total > 0 && u64::from(bucket) < u64::from(BUCKET_COUNT) * running / total
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_half_open_and_rounded_down() {
        let thirds = [1, 1, 1];
        let at = |bucket| allocate(thirds.iter().copied(), bucket);
        assert_eq!(
            [at(0), at(33_332), at(33_333), at(66_665), at(66_666), at(99_999)].map(Option::unwrap),
            [0, 0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn a_weight_of_zero_is_never_served() {
        for bucket in [0, 1, 50_000, 99_999] {
            assert_eq!(allocate([0, 5, 0].into_iter(), bucket), Some(1));
        }
        assert_eq!(allocate([0, 0].into_iter(), 7), None);
    }

    #[test]
    fn the_largest_sums_stay_exact() {
        let heavy = [crate::engine::ruleset::MAX_WEIGHT_THOUSANDTHS; 1000];
        assert_eq!(allocate(heavy.into_iter(), 99_999), Some(999));
    }
}
