//! What a ruleset says, as it is evaluated: every reference resolved, every number checked.

use std::cmp::Ordering;

use super::super::version::{Comparison, Version};

/// The place of a flag that a ruleset does not have.
pub const MISSING: u32 = u32::MAX;

/// One flag.
#[derive(Debug)]
pub struct Flag {
    pub enabled: bool,
    pub version: u64,
    /// What is bucketed: the first of these that the context has.
    pub by: Vec<Unit>,
    pub variants: Vec<Variant>,
    /// A place in `variants`, as everywhere below.
    pub default: usize,
    pub off: usize,
    pub experiment: Option<String>,
    pub requires: Vec<FlagAnswers>,
    pub targets: Vec<Target>,
    pub holdout: Option<Holdout>,
    pub layer: Option<Slots>,
    pub limit: Option<Limit>,
    /// Unix milliseconds; the flag is on from here …
    pub start_ms: f64,
    /// … to just before here.
    pub end_ms: f64,
    pub rules: Vec<Rule>,
    /// The salt of the split.
    pub salt: String,
    /// Of a flag whose units keep their variants.
    pub sticky_version: Option<u64>,
    pub references: References,
}

/// The flags and segments that a flag or a segment refers to, and the salts of its `bucket` conditions.
#[derive(Debug, Default)]
pub struct References {
    /// Places of flags, or [`MISSING`].
    pub flags: Vec<u32>,
    /// The key of a flag that is [`MISSING`].
    pub missing: String,
    /// Places of segments.
    pub segments: Vec<u32>,
    /// Each with the place of its condition in the ruleset's text.
    pub salts: Vec<(String, usize)>,
}

#[derive(Debug)]
pub struct Variant {
    pub key: String,
    /// The value's JSON, as written.
    pub json: String,
}

/// A kind of unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    DistinctId,
    DeviceId,
    AnonymousId,
    /// The attribute of that name, when it is a non-empty string.
    Attribute(String),
}

impl Unit {
    /// Its name in a ruleset and in a row.
    pub fn name(&self) -> &str {
        match self {
            Self::DistinctId => "distinctId",
            Self::DeviceId => "deviceId",
            Self::AnonymousId => "anonymousId",
            Self::Attribute(path) => path,
        }
    }
}

/// That a flag answers one of these variants.
#[derive(Debug)]
pub struct FlagAnswers {
    /// The flag's place, or [`MISSING`].
    pub flag: u32,
    /// Keys, sorted.
    pub variants: Vec<String>,
}

/// An individual target: these units get this variant.
#[derive(Debug)]
pub struct Target {
    pub variant: usize,
    /// Sorted.
    pub ids: Vec<String>,
    /// `None`: the flag's.
    pub by: Option<Vec<Unit>>,
}

/// A holdout: units with a bucket below its share are kept out of its flags.
#[derive(Clone, Debug)]
pub struct Holdout {
    /// `0..=100_000`.
    pub buckets: u32,
    pub salt: String,
    pub by: Vec<Unit>,
}

/// A layer: it gives each of its flags some of the buckets.
#[derive(Debug)]
pub struct Layer {
    pub salt: String,
    pub by: Vec<Unit>,
    /// Sorted by the flags' keys.
    pub flags: Vec<(String, Vec<(u32, u32)>)>,
}

/// What a layer gives to a flag.
#[derive(Debug)]
pub struct Slots {
    pub salt: String,
    /// Half-open.
    pub slots: Vec<(u32, u32)>,
}

/// Limit exposure: the share of the units whom the rules are asked about at all.
#[derive(Debug)]
pub struct Limit {
    /// Units with a bucket below this are inside, `0..=100_000`.
    pub buckets: u32,
    /// For those outside.
    pub variant: usize,
    pub salt: String,
}

#[derive(Debug)]
pub struct Rule {
    pub id: Option<String>,
    /// `None` matches everyone.
    pub when: Option<Condition>,
    pub serve: Serve,
}

#[derive(Debug)]
pub enum Serve {
    Variant(usize),
    /// Variants with weights in thousandths, at least one above 0.
    Split(Vec<(usize, u64)>),
}

/// A group of people that several flags refer to.
#[derive(Debug)]
pub struct Segment {
    /// What the two lists list.
    pub by: Vec<Unit>,
    /// Sorted.
    pub include: Vec<String>,
    /// Sorted.
    pub exclude: Vec<String>,
    pub when: Option<Condition>,
    pub references: References,
}

#[derive(Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// The segment's place.
    Segment(u32),
    Flag(FlagAnswers),
    Attribute {
        name: String,
        operator: Operator,
        operand: Operand,
        ignore_case: bool,
        /// Where the condition is in the ruleset's text.
        span: (usize, usize),
    },
}

/// How an attribute is compared. Several of a ruleset's operators may be one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Exists,
    NotExists,
    Among,
    NotAmong,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Between,
    Before,
    After,
    Version,
    ContainsAny,
    ContainsAll,
    ContainsNone,
    SubsetOf,
    SetEq,
    Type,
    Hashed,
    Bucket,
}

/// What an attribute is compared with.
#[derive(Debug)]
pub enum Operand {
    None,
    Scalars(Scalars),
    /// Any of these; for `matches` patterns of the subset that `pattern::is_allowed` allows.
    Texts(Vec<String>),
    /// Twice the same where one is compared with.
    Numbers(f64, f64),
    Time(Time),
    /// Alternatives of comparisons that must all hold.
    Versions(Vec<Vec<(Comparison, Version)>>),
    /// By the places of [`TYPES`].
    Types([bool; TYPES.len()]),
    /// Salt, and sorted SHA-256 hashes.
    Hashes(String, Vec<[u8; 32]>),
    /// Salt, and the buckets below which a unit is in.
    Share(String, u32),
}

/// The names of types in `isType`.
pub const TYPES: [&str; 5] = ["string", "number", "boolean", "list", "object"];

/// A point in time, or milliseconds from now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    At(f64),
    FromNow(f64),
}

/// A set of scalars.
#[derive(Debug, Default)]
pub struct Scalars {
    /// Sorted, each once. In lower case when the condition ignores case.
    pub texts: Vec<String>,
    /// Likewise.
    pub numbers: Vec<f64>,
    pub bools: [bool; 2],
}

impl Scalars {
    pub fn sort(&mut self) {
        self.texts.sort_unstable();
        self.texts.dedup();
        self.numbers.sort_unstable_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
        self.numbers.dedup();
    }

    /// How many places [`Scalars::text`] and its like may give.
    pub fn places(&self) -> usize {
        self.texts.len() + self.numbers.len() + 2
    }

    /// How many scalars there are.
    pub fn count(&self) -> usize {
        self.places() - self.bools.iter().filter(|is_in| !**is_in).count()
    }

    /// The place of a text in the set, below [`Scalars::places`].
    pub fn text(&self, text: &str) -> Option<usize> {
        self.texts.binary_search_by(|known| known.as_str().cmp(text)).ok()
    }

    pub fn number(&self, number: f64) -> Option<usize> {
        let place = self.numbers.binary_search_by(|known| known.partial_cmp(&number).unwrap_or(Ordering::Less));
        place.ok().map(|place| self.texts.len() + place)
    }

    pub fn bool(&self, value: bool) -> Option<usize> {
        let is_in = self.bools.get(usize::from(value)).copied().unwrap_or_default();
        is_in.then_some(self.texts.len() + self.numbers.len() + usize::from(value))
    }
}

/// Whether a sorted list holds a text.
pub fn holds(sorted: &[String], text: &str) -> bool {
    sorted.binary_search_by(|known| known.as_str().cmp(text)).is_ok()
}
