//! A flag as it is evaluated: every reference resolved, every number checked.

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
    pub targets: Vec<Target>,
    pub limit: Option<Limit>,
    /// Unix milliseconds; the flag is on from here …
    pub start_ms: f64,
    /// … to just before here.
    pub end_ms: f64,
    pub rules: Vec<Rule>,
    /// The salt of the split.
    pub salt: String,
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

/// An individual target: these units get this variant.
#[derive(Debug)]
pub struct Target {
    pub variant: usize,
    pub ids: Vec<String>,
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

#[derive(Debug)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Attribute { name: String, operator: Operator, operand: Operand, ignore_case: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Neq,
    Contains,
    StartsWith,
    EndsWith,
    Lt,
    Lte,
    Gt,
    Gte,
    Exists,
    NotExists,
}

/// What an attribute is compared with.
#[derive(Debug)]
pub enum Operand {
    /// For `exists` and `notExists`.
    None,
    Number(f64),
    /// Any of these. In lower case when the condition ignores case.
    Texts(Vec<String>),
    /// Any of these, likewise.
    Scalars(Vec<Scalar>),
}

#[derive(Debug, PartialEq)]
pub enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}
