//! One section of a ruleset: an object's members, found by key, and what each says, read when it is asked for.

use std::cell::OnceCell;

use super::super::hash::xxh32;
use super::super::json::{self, Malformed, Reader, Span};
use super::part::Part;
use super::slice;

/// Where a member's key, with its quotes, and its value are in the text.
struct Member {
    key: Span,
    value: Span,
}

/// The members of an object in a ruleset's text.
#[derive(Default)]
pub struct Index {
    members: Vec<Member>,
    /// Open addressing: places in `members` plus one, 0 is free. A power of two, at most half full.
    table: Vec<u32>,
}

impl Index {
    /// Passes over the value that comes next. Its members when it is an object.
    pub fn read(reader: &mut Reader<'_>, text: &str) -> Result<Option<Self>, Malformed> {
        let mut members = Vec::new();
        let is_object = reader.members(&mut |reader, key| {
            let start = reader.at();
            reader.value()?;
            members.push(Member { key, value: (start, reader.at()) });
            Ok(())
        })?;
        if !is_object {
            reader.value()?;
            return Ok(None);
        }
        let mut index = Self { table: vec![0; (members.len() * 2).next_power_of_two().max(2)], members };
        // Of equal keys the last wins, as in JavaScript.
        for place in 0..index.members.len() {
            let slot = index.slot_of(text, &index.key(text, place));
            if let Some(held) = index.table.get_mut(slot) {
                *held = place as u32 + 1;
            }
        }
        Ok(Some(index))
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The place of the member of that key.
    pub fn find(&self, text: &str, key: &str) -> Option<usize> {
        self.table.get(self.slot_of(text, key)).copied().filter(|held| *held > 0).map(|held| held as usize - 1)
    }

    pub fn key<'t>(&self, text: &'t str, place: usize) -> std::borrow::Cow<'t, str> {
        json::decode_string(self.members.get(place).map_or("", |member| slice(text, member.key)))
    }

    /// The place of the member whose value holds that byte of the text.
    pub fn holding(&self, at: usize) -> Option<usize> {
        let place = self.members.partition_point(|member| member.value.0 <= at).checked_sub(1)?;
        self.members.get(place).filter(|member| at < member.value.1).map(|_| place)
    }

    /// Where a member's value begins.
    pub fn start(&self, place: usize) -> usize {
        self.members.get(place).map_or(0, |member| member.value.0)
    }

    /// Where a member's key and its value are.
    pub fn member(&self, place: usize) -> (Span, Span) {
        self.members.get(place).map_or_else(Default::default, |member| (member.key, member.value))
    }

    /// Where the key is in the table, or the free place where it would be.
    fn slot_of(&self, text: &str, key: &str) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let mut slot = xxh32(key.as_bytes()) as usize & mask;
        while let Some(held) = self.table.get(slot).copied().filter(|held| *held > 0) {
            if self.key(text, held as usize - 1) == key {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// A section's members, and what they say once they are asked for.
#[derive(Default)]
pub struct Section {
    pub index: Index,
    pub parts: Vec<OnceCell<Box<Part>>>,
}

impl Section {
    pub fn new(index: Index) -> Self {
        let mut parts = Vec::new();
        parts.resize_with(index.len(), OnceCell::new);
        Self { index, parts }
    }
}
