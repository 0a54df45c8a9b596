//! What a ruleset says. Its text is indexed once ([`Ruleset::read`]) and compiled flag by flag, when a flag is first asked
//! for: start-up reads the text and compiles nothing, and one broken flag is one broken flag.

mod compile;
mod conditions;
mod field;
mod groups;
mod index;
mod model;
mod problem;
mod references;

use std::borrow::Cow;
use std::cell::Cell;

pub use compile::MAX_WEIGHT_THOUSANDTHS;
pub use model::{
    Condition, Flag, FlagAnswers, Layer, ListTest, Rule, Scalars, Segment, Serve, TYPES, Test, Time, Unit, holds,
};
pub use problem::Problem;

use super::json::{self, Malformed, Node, Reader, Span};
use super::platform::Platform;
use index::{Index, Section};
use model::Holdout;
use references::Standing;

/// The largest ruleset text that is read, in bytes: what a page can be asked to keep in memory beside itself.
pub const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// The version of the ruleset format that this engine reads.
const SCHEMA: f64 = 1.0;

/// All flags as published together.
pub struct Ruleset {
    text: Box<str>,
    pub version: u64,
    /// Empty when the ruleset names none.
    pub environment: String,
    flags: Section<Result<Box<Flag>, Problem>>,
    segments: Section<Result<Box<Segment>, Problem>>,
    layers: Section<Result<Box<Layer>, Problem>>,
    holdouts: Section<Result<Box<Holdout>, Problem>>,
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
            return Err(Problem::new(first_characters(text), "a JSON object"));
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
            return Err(Problem::new("a longer text", "at most 8 MiB"));
        }
        let Sections { top, indexes: [flags, segments, layers, holdouts] } = Sections::read(&text)?;
        let field = |name: &str| {
            let key_of = |span| json::decode_string(slice(&text, span));
            let (_, value) = top.iter().rev().find(|(key, _)| key_of(*key) == name)?;
            Some(slice(&text, *value)).filter(|raw| *raw != "null")
        };
        let small = |name: &str| {
            let parsed = field(name).map(json::parse).transpose();
            parsed.map_err(|_| Problem::new("a deep value", "a scalar").within(name))
        };

        if let Some(schema) = small("schema")? {
            let version = field::number(&schema, platform).map_err(|problem| problem.within("schema"))?;
            if version != SCHEMA {
                return Err(Problem::at(&schema, "schema 1").within("schema"));
            }
        }
        let version = match small("version")? {
            Some(node) => field::integer(&node, platform).map_err(|problem| problem.within("version"))?,
            None => 0,
        };
        let environment = match small("environment")? {
            Some(node) => field::name(&node).map_err(|problem| problem.within("environment"))?,
            None => String::new(),
        };
        let Some(flags) = flags else {
            let found = field("flags").map_or("nothing", first_characters);
            return Err(Problem::new(found, "an object with the flags").within("flags"));
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
    pub fn flag(&self, key: &str) -> Option<Result<&Flag, &Problem>> {
        self.flag_at(self.place_of(key)?)
    }

    /// The place of the flag of that key.
    pub fn place_of(&self, key: &str) -> Option<u32> {
        self.flags.index.find(&self.text, key).map(|place| place as u32)
    }

    /// The flag at that place, likewise.
    pub fn flag_at(&self, place: u32) -> Option<Result<&Flag, &Problem>> {
        let at = place as usize;
        let compiled = self.flags.get(at, || {
            let key = self.flag_key(place);
            let text = self.flags.index.value(&self.text, at);
            tree(text)
                .and_then(|node| compile::flag(self, &key, &node))
                .map(Box::new)
                .map_err(|problem| problem.within_flag(&key))
        })?;
        Some(compiled.as_ref().map(Box::as_ref))
    }

    pub fn flag_key(&self, place: u32) -> Cow<'_, str> {
        self.flags.index.key(&self.text, place as usize)
    }

    /// Every flag's key, in the order of the text, each once.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.places(&self.flags.index).map(|place| self.flag_key(place as u32).into_owned())
    }

    /// What is wrong with a flag: why it is broken, or why it cannot be answered.
    pub fn problem(&self, key: &str) -> Option<Problem> {
        let place = self.place_of(key)?;
        match self.flag_at(place)? {
            Err(problem) => Some(problem.clone()),
            Ok(_) => self.why_unanswerable(place),
        }
    }

    /// All that is wrong with the flags, segments, layers and holdouts, also with those that no flag refers to. Compiles
    /// everything.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut add = |problem: Option<Problem>| {
            let is_known = |problem: &Problem| problems.iter().any(|known| known.place == problem.place);
            problems.extend(problem.filter(|problem| !is_known(problem)));
        };
        for place in self.places(&self.segments.index) {
            add(self.segment_checked(place as u32).err());
        }
        for place in self.places(&self.layers.index) {
            add(self.layer_at(place).and_then(|layer| layer.err().cloned()));
        }
        for place in self.places(&self.holdouts.index) {
            add(self.holdout_at(place).and_then(|holdout| holdout.err().cloned()));
        }
        for key in self.keys() {
            add(self.problem(&key));
        }
        problems
    }

    /// A segment that compiles; those that flags refer to do.
    pub fn segment_at(&self, place: u32) -> Option<&Segment> {
        self.compiled_segment(place)?.as_ref().ok().map(Box::as_ref)
    }

    /// The text that a part of the ruleset was read from.
    pub fn source(&self, span: (usize, usize)) -> &str {
        slice(&self.text, span)
    }

    pub fn segment_key(&self, place: u32) -> Cow<'_, str> {
        self.segments.index.key(&self.text, place as usize)
    }

    fn compiled_segment(&self, place: u32) -> Option<&Result<Box<Segment>, Problem>> {
        let at = place as usize;
        self.segments.get(at, || {
            tree(self.segments.index.value(&self.text, at))
                .and_then(|node| groups::segment(self, &node))
                .map(Box::new)
                .map_err(|problem| problem.within_section("segments", &self.segment_key(place)))
        })
    }

    fn layer_at(&self, at: usize) -> Option<Result<&Layer, &Problem>> {
        let compiled = self.layers.get(at, || {
            let key = self.layers.index.key(&self.text, at);
            tree(self.layers.index.value(&self.text, at))
                .and_then(|node| groups::layer(&key, &node, self.platform))
                .map(Box::new)
                .map_err(|problem| problem.within_section("layers", &key))
        })?;
        Some(compiled.as_ref().map(Box::as_ref))
    }

    fn holdout_at(&self, at: usize) -> Option<Result<&Holdout, &Problem>> {
        let compiled = self.holdouts.get(at, || {
            let key = self.holdouts.index.key(&self.text, at);
            tree(self.holdouts.index.value(&self.text, at))
                .and_then(|node| groups::holdout(&key, &node, self.platform))
                .map(Box::new)
                .map_err(|problem| problem.within_section("holdouts", &key))
        })?;
        Some(compiled.as_ref().map(Box::as_ref))
    }

    /// The places of an index, each key once: of equal keys the last.
    fn places<'i>(&'i self, index: &'i Index) -> impl Iterator<Item = usize> + 'i {
        (0..index.len()).filter(|place| index.find(&self.text, &index.key(&self.text, *place)) == Some(*place))
    }

    /// Where a node that was read from the text is in it.
    fn span_of(&self, node: &Node<'_>) -> (usize, usize) {
        let start = (node.raw.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        (start, start.wrapping_add(node.raw.len()))
    }
}

fn tree(text: &str) -> Result<Node<'_>, Problem> {
    json::parse(text).map_err(|_| Problem::new("a value nested too deep", "at most 64 levels"))
}

fn slice(text: &str, (start, end): (usize, usize)) -> &str {
    text.get(start..end).unwrap_or_default()
}

fn first_characters(text: &str) -> &str {
    super::text::cut(text, 40)
}

/// The text of a node, short enough for a message.
fn shown<'a>(node: &Node<'a>) -> &'a str {
    first_characters(node.raw)
}
