//! Bytes as a row of choices.

use arbitrary::Unstructured;
use xxhash_rust::xxh64::xxh64;

/// When the bytes are used up every choice is the first one, so that what is built from them comes to an end.
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// From 0 to `count` − 1. `count` is above 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.choose_index(count).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.int_in_range(low..=high).unwrap_or(low)
    }

    /// True once in `times`, which is at least 2.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of a pool that is not empty.
    pub fn pick<T: Clone>(&mut self, pool: &[T]) -> T {
        pool[self.below(pool.len())].clone()
    }

    /// Between `least` and `most` of them.
    pub fn list<T>(&mut self, least: usize, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }

    /// Any finite number.
    pub fn number(&mut self) -> f64 {
        let number = f64::from_bits(self.0.arbitrary().unwrap_or(0));
        if number.is_finite() { number } else { 0.0 }
    }
}

/// Bytes that look random and are the same for the same `seed` and `number`.
pub fn seeded_bytes(seed: u64, number: u64, length: usize) -> Vec<u8> {
    let words = length.div_ceil(8) as u64;
    let mut bytes: Vec<u8> = (0..words)
        .flat_map(|word| xxh64(&[number.to_le_bytes(), word.to_le_bytes()].concat(), seed).to_le_bytes())
        .collect();
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_up_bytes_choose_the_first() {
        let mut choices = Choices::new(&[]);
        assert_eq!(choices.below(5), 0);
        assert_eq!(choices.between(-3, 3), -3);
        assert!(!choices.one_in(2));
        assert_eq!(choices.list(0, 5, |_| ()).len(), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(seeded_bytes(1, 2, 20), seeded_bytes(1, 2, 20));
        assert_ne!(seeded_bytes(1, 2, 20), seeded_bytes(1, 3, 20));
        assert_ne!(seeded_bytes(1, 2, 20), seeded_bytes(2, 2, 20));
        assert_eq!(seeded_bytes(1, 2, 21).len(), 21);
    }
}
