//! Ids of exposures and links that the server has acknowledged: the only ones that count as reported.

use super::super::hash::xxh64;
use super::super::text::{eight_bytes_from_base64url, push_base64url};

/// How many ids are remembered; the one used longest ago is forgotten first. (delivery.md of the protocol: 4096 × 8 B.)
pub const MAX_IDS: usize = 4096;
/// Characters of one id as stored.
const STORED_LENGTH: usize = 11;

#[derive(Debug, Default)]
pub struct Acknowledged {
    /// As [`Id::short`](super::id::Id::short) makes them, the newest last.
    ids: Vec<[u8; 8]>,
    /// A bit for each of them, and for some that were forgotten, by 15 of its own: of what is new, seven in eight need not
    /// be compared with all (3 µs where 4096 are known).
    marks: Vec<u64>,
    /// Hash of what was stored last: reading that again teaches nothing.
    stored_hash: u64,
}

impl Acknowledged {
    /// Whether the id is known. If so it counts as used now.
    pub fn contains(&mut self, id: [u8; 8]) -> bool {
        let (place, bit) = mark_of(id);
        if self.marks.get(place).is_none_or(|marks| marks & bit == 0) {
            return false;
        }
        // As integers, each in one comparison.
        let wanted = u64::from_ne_bytes(id);
        let place = self.ids.iter().rposition(|known| u64::from_ne_bytes(*known) == wanted);
        if let Some(place) = place
            && let Some(used) = self.ids.get_mut(place..)
        {
            used.rotate_left(1);
        }
        place.is_some()
    }

    pub fn insert(&mut self, id: [u8; 8]) {
        if !self.contains(id) {
            self.ids.push(id);
            self.mark(id);
            self.forget_oldest();
        }
    }

    /// Links stay: what they say is true of every person.
    pub fn forget_exposures(&mut self) {
        self.ids.retain(|[.., last]| last & 1 == 1);
    }

    /// Adds what another tab stored, as older than what is known here. What is no id is passed over.
    pub fn merge(&mut self, stored: &str) {
        let Some(text) = stored.strip_prefix("1|") else { return };
        if xxh64(stored.as_bytes(), 0) == self.stored_hash {
            return;
        }
        let mut known = self.ids.clone();
        known.sort_unstable();
        // Whoever wrote it: no more is read than is ever stored, from the end, where the newest are.
        let surplus = (text.len() / STORED_LENGTH).saturating_sub(MAX_IDS) * STORED_LENGTH;
        let chunks = text.as_bytes().get(surplus..).unwrap_or_default().chunks(STORED_LENGTH);
        let mut merged: Vec<[u8; 8]> =
            chunks.filter_map(eight_bytes_from_base64url).filter(|id| known.binary_search(id).is_err()).collect();
        for id in &merged {
            self.mark(*id);
        }
        merged.append(&mut self.ids);
        self.ids = merged;
        self.forget_oldest();
    }

    /// What is to be stored: a version, then eleven characters of base64url for each id.
    pub fn stored_text(&mut self) -> String {
        let mut out = String::with_capacity(2 + self.ids.len() * STORED_LENGTH);
        out.push_str("1|");
        for id in &self.ids {
            push_base64url(&mut out, id);
        }
        self.stored_hash = xxh64(out.as_bytes(), 0);
        out
    }

    fn mark(&mut self, id: [u8; 8]) {
        if self.marks.is_empty() {
            self.marks = vec![0; MARKS / 64];
        }
        let (place, bit) = mark_of(id);
        if let Some(marks) = self.marks.get_mut(place) {
            *marks |= bit;
        }
    }

    fn forget_oldest(&mut self) {
        let surplus = self.ids.len().saturating_sub(MAX_IDS);
        self.ids.drain(..surplus);
    }
}

/// How many bits there are in [`Acknowledged::marks`].
const MARKS: usize = 1 << 15;

/// Where an id's bit is. Its last bit is no part of the hash.
fn mark_of(id: [u8; 8]) -> (usize, u64) {
    let mark = (u64::from_be_bytes(id) >> 1) as usize % MARKS;
    (mark / 64, 1 << (mark % 64))
}

#[cfg(test)]
mod tests {
    use super::super::id::Id;
    use super::*;

    fn id(number: u64) -> [u8; 8] {
        number.to_be_bytes()
    }

    #[test]
    fn the_id_used_longest_ago_is_forgotten_first() {
        let mut known = Acknowledged::default();
        for number in 0..MAX_IDS as u64 {
            known.insert(id(number));
        }
        assert!(known.contains(id(0)));
        known.insert(id(9999));
        assert!(known.contains(id(0)));
        assert!(!known.contains(id(1)));
        assert_eq!(known.ids.len(), MAX_IDS);
    }

    #[test]
    fn links_outlast_exposures() {
        let (link, exposure) = (Id::of_link("a1", "u1"), Id::of_link("a1", "u2"));
        let mut known = Acknowledged::default();
        known.insert(link.short(true));
        known.insert(exposure.short(false));
        known.forget_exposures();
        assert!(known.contains(link.short(true)));
        assert!(!known.contains(exposure.short(false)));
    }

    #[test]
    fn what_is_stored_is_read_back_and_merged() {
        let mut one = Acknowledged::default();
        one.insert(id(1));
        one.insert(id(2));
        let mut other = Acknowledged::default();
        other.insert(id(2));
        other.insert(id(3));
        other.merge(&one.stored_text());
        assert_eq!(other.ids, [id(1), id(2), id(3)]);
    }

    #[test]
    fn damaged_storage_costs_only_what_is_damaged() {
        let mut known = Acknowledged::default();
        known.insert(id(1));
        let mut stored = known.stored_text();
        stored.push_str("!!!!!!!!!!!");
        stored.push_str(&known.stored_text()[2..]);
        stored.push_str("cut");
        let mut read = Acknowledged::default();
        read.merge(&stored);
        assert!(read.contains(id(1)));
        for nonsense in ["", "null", "{}", "1|", "2|AAAAAAAAAAA", "é|"] {
            let mut read = Acknowledged::default();
            read.merge(nonsense);
            assert!(read.ids.is_empty(), "{nonsense}");
        }
        read.merge(&("1|".to_owned() + &"A".repeat(5 << 20)));
        assert!(read.ids.len() <= MAX_IDS);
    }
}
