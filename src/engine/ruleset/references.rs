//! Which flags and segments can be answered: those whose references lead nowhere wrong.
//!
//! Flags and segments are the nodes of a graph, references its edges. A node's height is 1, or one more than the highest
//! of those it refers to; on a cycle, and where a cycle is referred to, there is none. Each node is looked at once, from
//! whichever flag is asked first, without recursion.

use super::model::{MISSING, References};
use super::problem::{Fault, Problem};
use super::{Flag, Ruleset, Segment, groups};

/// The most flags and segments in a chain of references: each level of a decision takes some of the stack.
const MAX_HEIGHT: u8 = 32;

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// 1 to [`MAX_HEIGHT`]; or one of the constants below.
    height: u8,
    /// Whether it refers, itself or through segments, to a flag that does not exist or is broken, or to a broken segment.
    is_wrong: bool,
}

const NOT_LOOKED_AT: u8 = 0;
const BEING_LOOKED_AT: u8 = 254;
/// On a cycle, or leading to one, or above the limit.
const TOO_HIGH: u8 = 255;

impl Standing {
    pub const UNKNOWN: Self = Self { height: NOT_LOOKED_AT, is_wrong: false };
    const BEGUN: Self = Self { height: BEING_LOOKED_AT, is_wrong: false };

    fn is_sound(self) -> bool {
        self.height <= MAX_HEIGHT && !self.is_wrong
    }
}

/// A node whose edges are being followed.
struct Open {
    node: usize,
    /// The next edge.
    edge: usize,
    standing: Standing,
}

impl Ruleset {
    /// Whether the flag can be answered.
    pub fn is_answerable(&self, place: u32, flag: &Flag) -> bool {
        let refers = !flag.references.flags.is_empty() || !flag.references.segments.is_empty();
        !refers || self.standing(place as usize, false).is_sound()
    }

    /// Why a flag that compiles cannot be answered.
    pub(super) fn why_unanswerable(&self, place: u32) -> Option<Problem> {
        let flag = self.flag_at(place)?.ok()?;
        if self.is_answerable(place, flag) {
            return None;
        }
        let references = &flag.references;
        let wrong = references.flags.iter().find(|flag| !matches!(self.flag_at(**flag), Some(Ok(_))));
        let key = wrong.map(|wrong| self.flag_key(*wrong));
        let (found, expected) = match &key {
            Some(_) if wrong == Some(&MISSING) => (references.missing.as_str(), "references to flags of this ruleset"),
            Some(key) => (key.as_ref(), "references to flags that are not broken"),
            None if self.standing(place as usize, false).height > MAX_HEIGHT => {
                ("a cycle, or a longer chain", "at most 32 flags and segments in a chain of references")
            }
            None => ("a segment with a condition on another", "references to flags that are not broken"),
        };
        let mut flag = String::from("flags.");
        flag.push_str(&self.flag_key(place));
        Some(Problem::new(&flag, found, expected))
    }

    /// The segment, if it and all segments it refers to are sound.
    pub(super) fn segment_checked(&self, place: u32) -> Result<&Segment, Fault> {
        let segment = self.compiled(&self.segments, place, groups::segment);
        let is_sound = || self.standing(self.flags.index.len() + place as usize, true).is_sound();
        let expected = "at most 32 segments in a chain of references, all sound";
        match segment {
            Some(Err(fault)) => Err(fault),
            Some(Ok(segment)) if is_sound() => Ok(segment),
            _ => Err(Fault { at: self.segments.index.start(place as usize), missing: "", expected }),
        }
    }

    /// The place of the first condition with one of these salts, here or in the segments referred to and those behind them.
    pub(super) fn salt_among(&self, references: &References, salts: &[&str]) -> Option<usize> {
        let find = |references: &References| {
            references.salts.iter().find(|(salt, _)| salts.contains(&salt.as_str())).map(|(_, at)| *at)
        };
        let mut seen: Vec<u32> = Vec::new();
        let mut open = references.segments.clone();
        let mut found = find(references);
        while found.is_none()
            && let Some(place) = open.pop()
        {
            let Err(at) = seen.binary_search(&place) else { continue };
            seen.insert(at, place);
            let Some(segment) = self.segment_at(place) else { continue };
            found = find(&segment.references);
            open.extend(&segment.references.segments);
        }
        found
    }

    /// The standing of a node; `among_segments`: as seen from segments alone, where only edges between them count.
    fn standing(&self, node: usize, among_segments: bool) -> Standing {
        let known = self.known(node, among_segments);
        if known.height != NOT_LOOKED_AT {
            return known;
        }
        let mut open: Vec<Open> = Vec::new();
        let mut next = Some(node);
        let mut last = known;
        loop {
            if let Some(node) = next.take() {
                self.learn(node, among_segments, Standing::BEGUN);
                open.push(Open { node, edge: 0, standing: Standing { height: 1, is_wrong: false } });
            }
            let Some(top) = open.last_mut() else { return last };
            let Some(target) = self.target(top.node, top.edge, among_segments) else {
                last = top.standing;
                self.learn(top.node, among_segments, last);
                open.pop();
                continue;
            };
            let is_segment = target >= self.flags.index.len();
            if !self.compiles(target) {
                top.standing.is_wrong = true;
                top.edge += 1;
                continue;
            }
            let known = self.known(target, among_segments);
            if known.height == NOT_LOOKED_AT {
                next = Some(target); // The edge is looked at again when the target is known.
                continue;
            }
            let height = if known.height < MAX_HEIGHT { known.height + 1 } else { TOO_HIGH };
            top.standing.height = top.standing.height.max(height);
            top.standing.is_wrong |= is_segment && known.is_wrong;
            top.edge += 1;
        }
    }

    fn cell(&self, node: usize, among_segments: bool) -> Option<&std::cell::Cell<Standing>> {
        if among_segments {
            self.segment_standings.get(node.wrapping_sub(self.flags.index.len()))
        } else {
            self.standings.get(node)
        }
    }

    fn known(&self, node: usize, among_segments: bool) -> Standing {
        self.cell(node, among_segments).map_or(Standing::BEGUN, std::cell::Cell::get)
    }

    fn learn(&self, node: usize, among_segments: bool, standing: Standing) {
        if let Some(cell) = self.cell(node, among_segments) {
            cell.set(standing);
        }
    }

    fn compiles(&self, node: usize) -> bool {
        match node.checked_sub(self.flags.index.len()) {
            _ if node == MISSING as usize => false,
            Some(segment) => self.segment_at(segment as u32).is_some(),
            None => matches!(self.flag_at(node as u32), Some(Ok(_))),
        }
    }

    /// The node to which that edge of a node leads; `None` behind the last.
    fn target(&self, node: usize, edge: usize, among_segments: bool) -> Option<usize> {
        let references = match node.checked_sub(self.flags.index.len()) {
            Some(segment) => &self.segment_at(segment as u32)?.references,
            None => &self.flag_at(node as u32)?.ok()?.references,
        };
        match references.segments.get(edge) {
            Some(segment) => Some(self.flags.index.len() + *segment as usize),
            None if among_segments => None,
            None => references.flags.get(edge - references.segments.len()).map(|flag| *flag as usize),
        }
    }
}

const _: () = assert!(MAX_HEIGHT < BEING_LOOKED_AT);
