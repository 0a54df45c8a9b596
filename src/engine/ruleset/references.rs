//! Which flags and segments can be answered: those whose references lead nowhere wrong.
//!
//! Flags and segments are the nodes of a graph, references its edges. A node's height is 1, or one more than the highest
//! of those it refers to; on a cycle, and where a cycle is referred to, there is none. Each node is looked at once, from
//! whichever flag is asked first, without recursion.

use super::part::{At, Part};
use super::problem::{Fault, Problem};
use super::{FLAGS, MISSING, Ruleset, SEGMENTS};

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
    pub fn is_answerable(&self, place: u32, flag: &Part) -> bool {
        flag.references.is_empty() || self.standing(place as usize, false).is_sound()
    }

    /// Why a flag that is not broken cannot be answered.
    pub(super) fn why_unanswerable(&self, place: u32) -> Option<Problem> {
        let flag = self.sound(FLAGS, place)?;
        if self.is_answerable(place, flag) {
            return None;
        }
        let is_wrong = |node: &&u32| self.segment_of(**node).is_none() && self.sound(FLAGS, **node).is_none();
        let wrong = flag.references.iter().find(is_wrong).copied();
        let key;
        let (found, expected) = match wrong {
            Some(MISSING) => (flag.missing.map_or("", |key| flag.text(key)), "references to flags of this ruleset"),
            Some(wrong) => {
                key = self.flag_key(wrong);
                (key.as_ref(), "references to flags that are not broken")
            }
            None if self.standing(place as usize, false).height > MAX_HEIGHT => {
                ("a cycle, or a longer chain", "at most 32 flags and segments in a chain of references")
            }
            None => ("a segment with a condition on another", "references to flags that are not broken"),
        };
        let mut name = String::from("flags.");
        name.push_str(flag.key());
        Some(Problem::new(&name, found, expected))
    }

    /// Why a segment, or one that it refers to, is not sound.
    pub(super) fn segment_fault(&self, place: u32) -> Option<Fault> {
        let expected = "at most 32 segments in a chain of references, all sound";
        let fault = self.part(SEGMENTS, place).and_then(|segment| segment.fault);
        let is_sound = fault.is_none() && self.standing(self.node_of(SEGMENTS, place) as usize, true).is_sound();
        let at = || self.section(SEGMENTS).index.start(place as usize);
        (!is_sound).then(|| fault.unwrap_or_else(|| Fault { at: at(), missing: "", expected }))
    }

    /// The place of the first condition with one of these salts, here or in the segments referred to and those behind them.
    pub(super) fn salt_among(&self, part: &Part, salts: &[&str]) -> Option<usize> {
        let mut seen: Vec<u32> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        let mut part = part;
        loop {
            for share in part.salts.iter().filter_map(|place| At::new(*place)) {
                if salts.contains(&part.salt(share)) {
                    return Some(part.token(share).text_span().0);
                }
            }
            open.extend(part.references.iter().filter_map(|node| self.segment_of(*node)));
            part = loop {
                let place = open.pop()?;
                let Err(at) = seen.binary_search(&place) else { continue };
                seen.insert(at, place);
                if let Some(segment) = self.sound(SEGMENTS, place) {
                    break segment;
                }
            };
        }
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
            let references = self.sound_node(top.node as u32).map_or(&[][..], |part| &part.references);
            let Some(target) = references.get(top.edge).copied() else {
                last = top.standing;
                self.learn(top.node, among_segments, last);
                open.pop();
                continue;
            };
            let is_segment = self.segment_of(target).is_some();
            if among_segments && !is_segment {
                top.edge += 1;
                continue;
            }
            if self.sound_node(target).is_none() {
                top.standing.is_wrong = true;
                top.edge += 1;
                continue;
            }
            let known = self.known(target as usize, among_segments);
            if known.height == NOT_LOOKED_AT {
                next = Some(target as usize); // The edge is looked at again when the target is known.
                continue;
            }
            let height = if known.height < MAX_HEIGHT { known.height + 1 } else { TOO_HIGH };
            top.standing.height = top.standing.height.max(height);
            top.standing.is_wrong |= is_segment && known.is_wrong;
            top.edge += 1;
        }
    }

    fn known(&self, node: usize, among_segments: bool) -> Standing {
        let [in_all, in_segments] = self.standings.get(node).map_or([Standing::BEGUN; 2], std::cell::Cell::get);
        if among_segments { in_segments } else { in_all }
    }

    fn learn(&self, node: usize, among_segments: bool, standing: Standing) {
        if let Some(cell) = self.standings.get(node) {
            let [in_all, in_segments] = cell.get();
            cell.set(if among_segments { [in_all, standing] } else { [standing, in_segments] });
        }
    }

    /// What stands for a part in `references`: flags come first, then segments.
    pub(super) fn node_of(&self, section: usize, place: u32) -> u32 {
        if section == SEGMENTS { self.flag_count() + place } else { place }
    }

    /// The place of the segment that a node is, if it is one.
    pub(super) fn segment_of(&self, node: u32) -> Option<u32> {
        if node == MISSING { None } else { node.checked_sub(self.flag_count()) }
    }

    fn sound_node(&self, node: u32) -> Option<&Part> {
        match self.segment_of(node) {
            Some(segment) => self.sound(SEGMENTS, segment),
            None => self.sound(FLAGS, node),
        }
    }
}

const _: () = assert!(MAX_HEIGHT < BEING_LOOKED_AT);
