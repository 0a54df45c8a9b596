//! What a ruleset says. Its text is indexed once ([`Ruleset::read`]) and checked flag by flag, when a flag is first asked
//! for: start-up reads the text and checks no flag, and one broken flag is one broken flag.

mod compile;
mod conditions;
mod fields;
mod groups;
mod index;
mod names;
mod part;
mod problem;
mod references;

use std::borrow::Cow;
use std::cell::Cell;

pub use compile::MAX_WEIGHT_THOUSANDTHS;
pub use conditions::{OPERATORS, Operand, Operator, TYPES};
pub use names::Name;
pub use part::{At, DISTINCT_ID, Form, Items, Kind, Part, ROOT};
pub use problem::{Fault, Problem};

use super::json::{self, Malformed, Reader, Span};
use super::platform::Platform;
use super::sort::order_of;
use fields::Fields;
use index::{Index, Section};
use references::Standing;

/// The largest ruleset text that is read, in bytes: what a page can be asked to keep in memory beside itself.
pub const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// The place of a flag that a ruleset does not have.
pub const MISSING: u32 = u32::MAX;
/// The version of the ruleset format that this engine reads.
const SCHEMA: f64 = 1.0;

/// The sections, by their places in [`NAMES`].
pub const FLAGS: usize = 0;
pub const SEGMENTS: usize = 1;
pub const LAYERS: usize = 2;
pub const HOLDOUTS: usize = 3;
/// What is at the top of a ruleset: its sections, then scalars.
const NAMES: [&str; 7] = ["flags", "segments", "layers", "holdouts", "schema", "version", "environment"];

/// All flags as published together.
pub struct Ruleset {
    text: Box<str>,
    pub version: u64,
    /// Empty when the ruleset names none.
    pub environment: String,
    sections: [Section; 4],
    /// Of flags, then of segments; and of segments as seen from segments alone.
    standings: Vec<Cell<[Standing; 2]>>,
    platform: Platform,
}

impl Ruleset {
    /// Like [`Ruleset::take`], of a copy of the text.
    pub fn read(text: &str, platform: Platform) -> Result<Self, Problem> {
        Self::take(text.to_owned(), platform)
    }

    /// Checks the text, in one pass, and finds its flags. Checks none of them.
    pub fn take(mut text: String, platform: Platform) -> Result<Self, Problem> {
        if text.starts_with("\u{feff}") {
            text.remove(0);
        }
        let text = text.into_boxed_str();
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::new("", "a longer text", "at most 8 MiB"));
        }
        let mut sections: [Section; 4] = Default::default();
        // What is at the top, by its place in `NAMES`; empty where there is nothing.
        let mut found = [""; NAMES.len()];
        let mut has_flags = false;
        let mut reader = Reader::new(&text);
        reader.whitespace();
        let is_object = reader.members(&mut |reader, key| {
            let start = reader.at();
            let name = json::decode_string(slice(&text, key));
            let place = NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len());
            match sections.get_mut(place) {
                Some(section) => {
                    let index = Index::read(reader, &text)?;
                    if place == FLAGS {
                        has_flags = index.is_some();
                    }
                    *section = Section::new(index.unwrap_or_default());
                }
                None => reader.value()?,
            }
            if let Some(found) = found.get_mut(place) {
                *found = Some(slice(&text, (start, reader.at()))).filter(|raw| *raw != "null").unwrap_or_default();
            }
            Ok(())
        });
        match is_object {
            Err(malformed) => return Err(Problem::malformed(&text, malformed)),
            Ok(false) => return Err(Problem::new("", &text, "a JSON object")),
            Ok(true) => reader.whitespace(),
        }
        if reader.at() < text.len() {
            return Err(Problem::malformed(&text, Malformed { at: reader.at() }));
        }
        let [flags, _, _, _, schema, version, environment] = found;
        let number = |raw: &str| {
            let is_number = matches!(raw.as_bytes(), [b'-' | b'0'..=b'9', ..]);
            if is_number { platform.number(raw) } else { f64::NAN }
        };
        if !schema.is_empty() && number(schema) != SCHEMA {
            return Err(Problem::new("schema", schema, "schema 1"));
        }
        let mut version_number = 0.0;
        if !version.is_empty() {
            version_number = number(version);
            if !fields::is_whole(version_number) {
                return Err(Problem::new("version", version, "a whole number, 0 or more"));
            }
        }
        let mut name = Cow::default();
        if !environment.is_empty() {
            if environment.starts_with("\"") {
                name = json::decode_string(environment);
            }
            if !fields::is_name(&name) {
                return Err(Problem::new("environment", environment, fields::NAME));
            }
        }
        if !has_flags {
            let found = if flags.is_empty() { "nothing" } else { flags };
            return Err(Problem::new("flags", found, "an object with the flags"));
        }
        let environment = name.into_owned();
        let nodes = sections.iter().take(2).map(|section| section.index.len()).sum();
        let standings = vec![Cell::new([Standing::UNKNOWN; 2]); nodes];
        Ok(Self { version: version_number as u64, environment, standings, sections, text, platform })
    }

    fn section(&self, section: usize) -> &Section {
        let [flags, segments, layers, holdouts] = &self.sections;
        match section {
            FLAGS => flags,
            SEGMENTS => segments,
            LAYERS => layers,
            _ => holdouts,
        }
    }

    /// The flag, checked now if it was not yet. `None` when there is no flag of that key.
    pub fn flag(&self, key: &str) -> Option<&Part> {
        self.part(FLAGS, self.find(FLAGS, key)?)
    }

    /// The place of the member of that key.
    pub fn find(&self, section: usize, key: &str) -> Option<u32> {
        self.section(section).index.find(&self.text, key).map(|place| place as u32)
    }

    /// What is at that place, checked now if it was not yet.
    pub fn part(&self, section: usize, place: u32) -> Option<&Part> {
        let Section { index, parts } = self.section(section);
        let part = parts.get(place as usize)?.get_or_init(|| {
            let (key, value) = index.member(place as usize);
            let mut read = Fields::new(self, Part::read(&self.text, key, value));
            if read.part.fault.is_none() {
                match section {
                    FLAGS => compile::flag(&mut read),
                    SEGMENTS => groups::segment(&mut read),
                    LAYERS => groups::layer(&mut read),
                    _ => groups::holdout(&mut read),
                }
            }
            Box::new(read.part)
        });
        Some(part)
    }

    /// What is at that place, unless it is broken.
    pub fn sound(&self, section: usize, place: u32) -> Option<&Part> {
        self.part(section, place).filter(|part| part.fault.is_none())
    }

    /// A flag's holdout, layer or limit: where the flag names it, and the part and the object that say its salt.
    #[inline(never)]
    pub fn share_of<'s>(&'s self, flag: &'s Part, name: Name) -> Option<(At, &'s Part, At)> {
        let at = flag.get(ROOT, name)?;
        let section = match name {
            Name::Holdout => HOLDOUTS,
            Name::Layer => LAYERS,
            _ => return Some((at, flag, at)),
        };
        Some((at, self.part(section, flag.number(at) as u32)?, ROOT))
    }

    /// The key of the member at that place.
    pub fn key(&self, section: usize, place: u32) -> Cow<'_, str> {
        self.section(section).index.key(&self.text, place as usize)
    }

    pub fn flag_key(&self, place: u32) -> Cow<'_, str> {
        self.key(FLAGS, place)
    }

    /// Every flag's key, in the order of the text, each once.
    pub fn keys(&self) -> Vec<String> {
        self.places(FLAGS).into_iter().map(|place| self.flag_key(place).into_owned()).collect()
    }

    /// How many flags there are. Their places are below this; of flags with one key each has its place.
    pub fn flag_count(&self) -> u32 {
        self.section(FLAGS).index.len() as u32
    }

    /// Whether the flag at that place can have an experiment, by a look at its text: nothing is checked. With a backslash
    /// in it the name may be written otherwise.
    pub fn may_have_experiment(&self, place: u32) -> bool {
        let text = slice(&self.text, self.section(FLAGS).index.member(place as usize).1).as_bytes();
        let is_plain = text.iter().all(|byte| *byte != b'\\');
        !is_plain || text.windows(12).any(|found| found == b"\"experiment\"")
    }

    /// What is wrong with a flag: why it is broken, or why it cannot be answered.
    pub fn problem(&self, key: &str) -> Option<Problem> {
        let place = self.find(FLAGS, key)?;
        match self.part(FLAGS, place)?.fault {
            Some(fault) => Some(self.describe(fault)),
            None => self.why_unanswerable(place),
        }
    }

    /// All that is wrong with the flags, segments, layers and holdouts, also with those that no flag refers to. Checks
    /// everything.
    pub fn problems(&self) -> Vec<Problem> {
        let mut faults: Vec<Fault> = Vec::new();
        for section in [SEGMENTS, LAYERS, HOLDOUTS, FLAGS] {
            for place in self.places(section) {
                faults.extend(match section {
                    SEGMENTS => self.segment_fault(place),
                    _ => self.part(section, place).and_then(|part| part.fault),
                });
            }
        }
        // What is wrong with a segment is wrong with each flag that refers to it.
        let at = |place: usize| faults.get(place).map(|fault| fault.at);
        let order = order_of(faults.len(), &|one, other| at(one).cmp(&at(other)));
        let mut problems = Vec::new();
        let mut last = None;
        for fault in order.into_iter().filter_map(|place| faults.get(place)) {
            if last.replace(fault) != Some(fault) {
                problems.push(self.describe(*fault));
            }
        }
        for place in self.places(FLAGS) {
            problems.extend(self.why_unanswerable(place));
        }
        problems
    }

    fn describe(&self, fault: Fault) -> Problem {
        for (section, name) in NAMES.iter().enumerate().take(4) {
            let held = self.section(section).index.holding(fault.at);
            let Some(part) = held.and_then(|place| self.part(section, place as u32)) else { continue };
            let mut member = String::from(*name);
            member.push('.');
            member.push_str(part.key());
            return fault.describe(part, member, &self.text);
        }
        Problem::new("", "nothing", fault.expected)
    }

    /// The text that a part of the ruleset was read from.
    pub fn source(&self, span: Span) -> &str {
        slice(&self.text, span)
    }

    /// The places of a section, each key once: of equal keys the last.
    fn places(&self, section: usize) -> Vec<u32> {
        let count = self.section(section).index.len() as u32;
        (0..count).filter(|place| self.find(section, &self.key(section, *place)) == Some(*place)).collect()
    }
}

fn slice(text: &str, (start, end): Span) -> &str {
    text.get(start..end).unwrap_or_default()
}
