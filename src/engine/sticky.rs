//! The variants that units keep.

use super::hash::xxh64;
use super::text::{eight_bytes_from_base64url, parse_integer, parts, push_base64url, push_integer};

/// How many are kept; the oldest goes first.
pub const MAX_KEPT: usize = 500;
/// Characters of eight bytes as stored.
const HASH_LENGTH: usize = 11;

/// A variant that a unit keeps. Hashes stand for the texts: what is stored has no ids of people in it, and a fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    place: u64,
    variant: u64,
    /// The flag's version when the variant was assigned.
    pub flag_version: u64,
}

impl Kept {
    pub fn new(place: u64, variant: &str, flag_version: u64) -> Self {
        Self { place, variant: xxh64(variant.as_bytes(), 0), flag_version }
    }

    /// Whether this is the variant that is kept.
    pub fn is_variant(&self, variant: &str) -> bool {
        self.variant == xxh64(variant.as_bytes(), 0)
    }
}

/// What stands for a flag, a unit and the flag's sticky version.
pub fn place_of(flag_key: &str, unit_id: &str, sticky_version: u64) -> u64 {
    let mut bytes: Vec<u8> = Vec::new();
    for part in [flag_key, unit_id] {
        bytes.extend((part.len() as u32).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes.extend(sticky_version.to_le_bytes());
    xxh64(&bytes, 0)
}

#[derive(Debug, Default)]
pub struct Sticky {
    /// The newest last.
    kept: Vec<Kept>,
    /// Whether something was kept that is not stored yet.
    pub is_unstored: bool,
}

impl Sticky {
    pub fn find(&self, place: u64) -> Option<Kept> {
        self.kept.iter().rfind(|kept| kept.place == place).copied()
    }

    pub fn keep(&mut self, kept: Kept) {
        if self.find(kept.place) != Some(kept) {
            self.kept.retain(|known| known.place != kept.place);
            self.kept.push(kept);
            self.forget_oldest();
            self.is_unstored = true;
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds what was stored, by another tab or an earlier page, as older than what is known here. What cannot be read is
    /// passed over.
    pub fn merge(&mut self, stored: &str) {
        let Some(stored) = stored.strip_prefix("1|") else { return };
        let surplus = parts(stored, ",").count().saturating_sub(MAX_KEPT);
        let mut merged = Vec::new();
        for kept in parts(stored, ",").skip(surplus) {
            merged.extend(read(kept).filter(|kept| self.find(kept.place).is_none()));
        }
        merged.append(&mut self.kept);
        self.kept = merged;
        self.forget_oldest();
    }

    /// What is to be stored: a version, then the three parts of each.
    pub fn stored_text(&mut self) -> String {
        self.is_unstored = false;
        let mut out = String::from("1|");
        for kept in &self.kept {
            if out.len() > 2 {
                out.push(',');
            }
            push_base64url(&mut out, &kept.place.to_be_bytes());
            push_base64url(&mut out, &kept.variant.to_be_bytes());
            push_integer(&mut out, kept.flag_version);
        }
        out
    }

    fn forget_oldest(&mut self) {
        let surplus = self.kept.len().saturating_sub(MAX_KEPT);
        self.kept.drain(..surplus);
    }
}

fn read(stored: &str) -> Option<Kept> {
    let (place, rest) = stored.split_at_checked(HASH_LENGTH)?;
    let (variant, flag_version) = rest.split_at_checked(HASH_LENGTH)?;
    let hash = |text: &str| eight_bytes_from_base64url(text.as_bytes()).map(u64::from_be_bytes);
    Some(Kept { place: hash(place)?, variant: hash(variant)?, flag_version: parse_integer(flag_version)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(number: u64) -> Kept {
        Kept::new(number, "b", number)
    }

    #[test]
    fn what_is_kept_survives_storage() {
        let mut sticky = Sticky::default();
        let place = place_of("flag", "u1", 3);
        sticky.keep(Kept::new(place, "treatment", 7));
        assert!(sticky.is_unstored);
        let text = sticky.stored_text();
        assert!(!sticky.is_unstored);
        let mut other = Sticky::default();
        other.merge(&text);
        let found = other.find(place).unwrap();
        assert!(found.is_variant("treatment") && !found.is_variant("control"));
        assert_eq!(found.flag_version, 7);
        assert_eq!(other.find(place_of("flag", "u1", 4)), None);
        assert_ne!(place_of("ab", "c", 1), place_of("a", "bc", 1));
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut sticky = Sticky::default();
        for number in 0..MAX_KEPT as u64 + 2 {
            sticky.keep(kept(number));
        }
        assert_eq!(sticky.find(1), None);
        assert_eq!(sticky.find(2), Some(kept(2)));
        let mut other = Sticky::default();
        other.keep(kept(1_000_000));
        other.merge(&sticky.stored_text());
        assert_eq!(other.find(2), None);
        assert_eq!((other.find(3), other.find(1_000_000)), (Some(kept(3)), Some(kept(1_000_000))));
    }

    #[test]
    fn what_is_known_here_wins_over_what_was_stored() {
        let mut sticky = Sticky::default();
        sticky.keep(Kept::new(1, "mine", 1));
        let mut other = Sticky::default();
        other.keep(Kept::new(1, "theirs", 1));
        sticky.merge(&other.stored_text());
        assert!(sticky.find(1).unwrap().is_variant("mine"));
        assert_eq!(sticky.stored_text().matches(',').count(), 0);
    }

    #[test]
    fn anything_else_in_storage_is_passed_over() {
        let mut sticky = Sticky::default();
        for text in [
            "",
            "1|",
            "1|,,,",
            "2|AAAAAAAAAAAAAAAAAAAAAA1",
            "1|AAAAAAAAAAA",
            "1|éééééééééééééééé",
            "null",
            "1|AAAAAAAAAAAAAAAAAAAAAA-1",
        ] {
            sticky.merge(text);
            assert_eq!(sticky.stored_text(), "1|", "{text}");
        }
    }
}
