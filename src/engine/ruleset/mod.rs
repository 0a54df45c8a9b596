//! What a ruleset says. Its text is indexed once ([`Ruleset::read`]) and compiled flag by flag, when a flag is first asked
//! for: start-up reads the text and compiles nothing, and one broken flag is one broken flag.

mod compile;
mod conditions;
mod fields;
mod groups;
mod index;
mod model;
mod problem;
mod references;

use std::borrow::Cow;
use std::cell::Cell;

pub use compile::MAX_WEIGHT_THOUSANDTHS;
pub use model::{
    Condition, Flag, FlagAnswers, Layer, MISSING, Operand, Operator, Scalars, Segment, Serve, TYPES, Time, Unit, holds,
};
pub use problem::{Fault, Problem};

use super::json::{self, Malformed, Node, Reader, Span};
use super::platform::Platform;
use fields::Fields;
use index::{Index, Section};
use model::Holdout;
use references::Standing;

/// The largest ruleset text that is read, in bytes: what a page can be asked to keep in memory beside itself.
pub const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// The version of the ruleset format that this engine reads.
const SCHEMA: f64 = 1.0;

/// What a member of a section compiles to.
type Compiled<T> = Result<Box<T>, Box<Fault>>;

/// All flags as published together.
pub struct Ruleset {
    text: Box<str>,
    pub version: u64,
    /// Empty when the ruleset names none.
    pub environment: String,
    flags: Section<Compiled<Flag>>,
    segments: Section<Compiled<Segment>>,
    layers: Section<Compiled<Layer>>,
    holdouts: Section<Compiled<Holdout>>,
    /// Of flags, then of segments.
    standings: Vec<Cell<Standing>>,
    /// Of segments, as seen from segments alone.
    segment_standings: Vec<Cell<Standing>>,
    platform: Platform,
}

/// What is at the top of a ruleset's text.
struct Sections {
    /// The places of keys and values.
    top: Vec<(Span, Span)>,
    /// Of flags, segments, layers, holdouts; `None` of what is no object.
    indexes: [Option<Index>; 4],
}

impl Sections {
    const NAMES: [&str; 4] = ["flags", "segments", "layers", "holdouts"];

    fn read(text: &str) -> Result<Self, Problem> {
        let mut sections = Self { top: Vec::new(), indexes: Default::default() };
        let mut reader = Reader::new(text);
        reader.whitespace();
        let is_object = reader.members(&mut |reader, key| {
            let start = reader.at();
            let name = json::decode_string(slice(text, key));
            match Self::NAMES.iter().zip(&mut sections.indexes).find(|(section, _)| **section == name) {
                Some((_, index)) => *index = Index::read(reader, text)?,
                None => reader.value()?,
            }
            sections.top.push((key, (start, reader.at())));
            Ok(())
        });
        if !is_object.map_err(|malformed| Problem::malformed(text, malformed))? {
            return Err(Problem::new("", text, "a JSON object"));
        }
        reader.whitespace();
        if reader.at() < text.len() {
            return Err(Problem::malformed(text, Malformed { at: reader.at() }));
        }
        Ok(sections)
    }
}

impl Ruleset {
    /// Like [`Ruleset::take`], of a copy of the text.
    pub fn read(text: &str, platform: Platform) -> Result<Self, Problem> {
        Self::take(text.to_owned(), platform)
    }

    /// Checks the text, in one pass, and finds its flags. Compiles none.
    pub fn take(mut text: String, platform: Platform) -> Result<Self, Problem> {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let text = text.into_boxed_str();
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::new("", "a longer text", "at most 8 MiB"));
        }
        let Sections { top, indexes: [flags, segments, layers, holdouts] } = Sections::read(&text)?;
        let field = |name: &str| {
            let key_of = |span| json::decode_string(slice(&text, span));
            let (_, value) = top.iter().rev().find(|(key, _)| key_of(*key) == name)?;
            Some(slice(&text, *value)).filter(|raw| *raw != "null")
        };
        let small = |name: &str| {
            let Some(text) = field(name) else { return Ok(None) };
            json::parse(text).map(Some).map_err(|_| Problem::new(name, text, "a scalar"))
        };

        if let Some(schema) = small("schema")?
            && fields::number(&schema, platform) != SCHEMA
        {
            return Err(Problem::new("schema", schema.raw, "schema 1"));
        }
        let mut version = 0;
        if let Some(node) = small("version")? {
            let number = fields::number(&node, platform);
            if !fields::is_whole(number) {
                return Err(Problem::new("version", node.raw, "a whole number, 0 or more"));
            }
            version = number as u64;
        }
        let mut environment = String::new();
        if let Some(node) = small("environment")? {
            let name = node.as_str().filter(|name| fields::is_name(name));
            environment = name.ok_or_else(|| Problem::new("environment", node.raw, fields::NAME))?.to_owned();
        }
        let Some(flags) = flags else {
            return Err(Problem::new("flags", field("flags").unwrap_or("nothing"), "an object with the flags"));
        };
        let segments = Section::new(segments);
        let unknown = |count| vec![Cell::new(Standing::UNKNOWN); count];
        Ok(Self {
            version,
            environment,
            standings: unknown(flags.len() + segments.index.len()),
            segment_standings: unknown(segments.index.len()),
            flags: Section::new(Some(flags)),
            segments,
            layers: Section::new(layers),
            holdouts: Section::new(holdouts),
            text,
            platform,
        })
    }

    /// The flag, compiled now if it was not yet. `None` when there is no flag of that key.
    pub fn flag(&self, key: &str) -> Option<Result<&Flag, Fault>> {
        self.flag_at(self.place_of(key)?)
    }

    /// The place of the flag of that key.
    pub fn place_of(&self, key: &str) -> Option<u32> {
        self.flags.index.find(&self.text, key).map(|place| place as u32)
    }

    /// The flag at that place, likewise.
    pub fn flag_at(&self, place: u32) -> Option<Result<&Flag, Fault>> {
        self.compiled(&self.flags, place, compile::flag)
    }

    pub fn flag_key(&self, place: u32) -> Cow<'_, str> {
        self.flags.index.key(&self.text, place as usize)
    }

    /// Every flag's key, in the order of the text, each once.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.places(&self.flags.index).map(|place| self.flag_key(place).into_owned())
    }

    /// How many flags there are. Their places are below this; of flags with one key each has its place.
    pub fn flag_count(&self) -> u32 {
        self.flags.index.len() as u32
    }

    /// Whether the flag at that place can have an experiment, by a look at its text: nothing is compiled. With a backslash
    /// in it the name may be written otherwise.
    pub fn may_have_experiment(&self, place: u32) -> bool {
        let text = self.flags.index.value(&self.text, place as usize).as_bytes();
        text.contains(&b'\\') || text.windows(12).any(|found| found == b"\"experiment\"")
    }

    /// What is wrong with a flag: why it is broken, or why it cannot be answered.
    pub fn problem(&self, key: &str) -> Option<Problem> {
        let place = self.place_of(key)?;
        match self.flag_at(place)? {
            Err(fault) => Some(self.describe(fault)),
            Ok(_) => self.why_unanswerable(place),
        }
    }

    /// All that is wrong with the flags, segments, layers and holdouts, also with those that no flag refers to. Compiles
    /// everything.
    pub fn problems(&self) -> Vec<Problem> {
        let mut faults: Vec<Fault> = Vec::new();
        for place in self.places(&self.segments.index) {
            faults.extend(self.segment_checked(place).err());
        }
        for place in self.places(&self.layers.index) {
            faults.extend(self.compiled(&self.layers, place, groups::layer).and_then(Result::err));
        }
        for place in self.places(&self.holdouts.index) {
            faults.extend(self.compiled(&self.holdouts, place, groups::holdout).and_then(Result::err));
        }
        let mut unanswerable = Vec::new();
        for place in self.places(&self.flags.index) {
            faults.extend(self.flag_at(place).and_then(Result::err));
            unanswerable.extend(self.why_unanswerable(place));
        }
        // What is wrong with a segment is wrong with each flag that refers to it.
        faults.sort_by_key(|fault| fault.at);
        faults.dedup();
        let mut problems: Vec<Problem> = faults.into_iter().map(|fault| self.describe(fault)).collect();
        problems.append(&mut unanswerable);
        problems
    }

    fn describe(&self, fault: Fault) -> Problem {
        let indexes = [&self.flags.index, &self.segments.index, &self.layers.index, &self.holdouts.index];
        let mut places = indexes.into_iter().zip(Sections::NAMES);
        let held = places.find_map(|(index, section)| Some((index, section, index.holding(fault.at)?)));
        let Some((index, section, place)) = held else { return Problem::new("", "nothing", fault.expected) };
        let mut member = String::from(section);
        member.push('.');
        member.push_str(&index.key(&self.text, place));
        fault.describe(member, index.value(&self.text, place), index.start(place))
    }

    /// A segment that compiles; those that flags refer to do.
    pub fn segment_at(&self, place: u32) -> Option<&Segment> {
        self.compiled(&self.segments, place, groups::segment)?.ok()
    }

    pub fn segment_key(&self, place: u32) -> Cow<'_, str> {
        self.segments.index.key(&self.text, place as usize)
    }

    /// The text that a part of the ruleset was read from.
    pub fn source(&self, span: (usize, usize)) -> &str {
        slice(&self.text, span)
    }

    fn layer(&self, key: &str) -> Option<Result<&Layer, Fault>> {
        self.compiled(&self.layers, self.layers.index.find(&self.text, key)? as u32, groups::layer)
    }

    fn holdout(&self, key: &str) -> Option<Result<&Holdout, Fault>> {
        self.compiled(&self.holdouts, self.holdouts.index.find(&self.text, key)? as u32, groups::holdout)
    }

    /// What the member at that place compiles to.
    fn compiled<'s, T>(
        &'s self,
        section: &'s Section<Compiled<T>>,
        place: u32,
        compile: fn(Fields<'_>, &str, &Node<'_>) -> Compiled<T>,
    ) -> Option<Result<&'s T, Fault>> {
        let place = place as usize;
        let compiled = section.get(place, || {
            let index = &section.index;
            match json::parse(index.value(&self.text, place)) {
                Ok(node) => compile(Fields::new(self), &index.key(&self.text, place), &node),
                Err(_) => Err(Box::new(Fault {
                    at: index.start(place),
                    missing: "",
                    expected: "at most 64 levels of nesting",
                })),
            }
        })?;
        Some(compiled.as_deref().map_err(|fault| **fault))
    }

    /// The places of an index, each key once: of equal keys the last.
    fn places<'i>(&'i self, index: &'i Index) -> impl Iterator<Item = u32> + 'i {
        let is_owner = |place: &usize| index.find(&self.text, &index.key(&self.text, *place)) == Some(*place);
        (0..index.len()).filter(is_owner).map(|place| place as u32)
    }

    /// Where a node that was read from the text begins in it.
    fn offset_of(&self, node: &Node<'_>) -> usize {
        (node.raw.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize)
    }

    fn span_of(&self, node: &Node<'_>) -> (usize, usize) {
        let start = self.offset_of(node);
        (start, start + node.raw.len())
    }
}

fn slice(text: &str, (start, end): (usize, usize)) -> &str {
    text.get(start..end).unwrap_or_default()
}
