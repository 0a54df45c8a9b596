//! Ids of exposures that the server has acknowledged: the only ones that count as reported.

use super::super::text::{eight_bytes_from_base64url, push_base64url};

/// How many ids are remembered; the one used longest ago is forgotten first. (delivery.md of the protocol: 4096 × 8 B.)
pub const MAX_IDS: usize = 4096;
/// Characters of one id as stored.
const STORED_LENGTH: usize = 11;

/// The newest last.
#[derive(Debug, Default)]
pub struct Acknowledged(Vec<[u8; 8]>);

impl Acknowledged {
    /// Whether the id is known. If so it counts as used now.
    pub fn contains(&mut self, id: [u8; 8]) -> bool {
        let place = self.0.iter().rposition(|known| *known == id);
        if let Some(place) = place
            && let Some(used) = self.0.get_mut(place..)
        {
            used.rotate_left(1);
        }
        place.is_some()
    }

    pub fn insert(&mut self, id: [u8; 8]) {
        if !self.contains(id) {
            self.0.push(id);
            self.forget_oldest();
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds what another tab stored, as older than what is known here. What is no id is passed over.
    pub fn merge(&mut self, stored: &str) {
        let Some(ids) = stored.strip_prefix("1|") else { return };
        let mut merged: Vec<[u8; 8]> = Vec::new();
        for id in ids.as_bytes().chunks(STORED_LENGTH).filter_map(eight_bytes_from_base64url) {
            if !self.0.contains(&id) {
                merged.push(id);
            }
        }
        merged.append(&mut self.0);
        self.0 = merged;
        self.forget_oldest();
    }

    /// A version, then eleven characters of base64url for each id.
    pub fn to_stored(&self) -> String {
        let mut out = String::with_capacity(2 + self.0.len() * STORED_LENGTH);
        out.push_str("1|");
        for id in &self.0 {
            push_base64url(&mut out, id);
        }
        out
    }

    fn forget_oldest(&mut self) {
        let surplus = self.0.len().saturating_sub(MAX_IDS);
        self.0.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(known.0.len(), MAX_IDS);
    }

    #[test]
    fn what_is_stored_is_read_back_and_merged() {
        let mut one = Acknowledged::default();
        one.insert(id(1));
        one.insert(id(2));
        let mut other = Acknowledged::default();
        other.insert(id(2));
        other.insert(id(3));
        other.merge(&one.to_stored());
        assert_eq!(other.0, [id(1), id(2), id(3)]);
    }

    #[test]
    fn damaged_storage_costs_only_what_is_damaged() {
        let mut known = Acknowledged::default();
        known.insert(id(1));
        let mut stored = known.to_stored();
        stored.push_str("!!!!!!!!!!!");
        stored.push_str(&known.to_stored()[2..]);
        stored.push_str("cut");
        let mut read = Acknowledged::default();
        read.merge(&stored);
        assert!(read.contains(id(1)));
        for nonsense in ["", "null", "{}", "1|", "2|AAAAAAAAAAA", "é|"] {
            let mut read = Acknowledged::default();
            read.merge(nonsense);
            assert!(read.0.is_empty(), "{nonsense}");
        }
        read.merge(&("1|".to_owned() + &"A".repeat(5 << 20)));
        assert!(read.0.len() <= MAX_IDS);
    }
}
