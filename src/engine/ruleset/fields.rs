//! Fields, read one by one. The first fault sticks: what is read after it is thrown away with it, so that reading needs no
//! way out at each field. (Results at each field cost the module thousands of bytes.)

use super::super::bucketing::BUCKET_COUNT;
use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::json::{Node, Value};
use super::super::platform::Platform;
use super::super::time::{parse_iso8601, parse_relative};
use super::Ruleset;
use super::model::{References, Time, Unit};
use super::problem::Fault;

/// JavaScript's largest safe integer: what a number in JSON can carry without loss.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
/// The longest name, in bytes: names are in every row, and a row cuts longer texts.
const MAX_NAME_BYTES: usize = MAX_TEXT_BYTES;
/// What [`is_name`] expects.
pub const NAME: &str = "a string of 1 to 256 bytes";
/// The most kinds of unit in a list.
const MAX_UNITS: usize = 100;

/// Reads one flag, segment, layer or holdout.
pub struct Fields<'r> {
    pub ruleset: &'r Ruleset,
    pub fault: Option<Fault>,
    /// What its conditions and prerequisites refer to.
    pub references: References,
    /// How many conditions it has so far.
    pub conditions: usize,
    /// How many conditions the one that is read now is nested in, itself included.
    pub nested: usize,
}

impl<'r> Fields<'r> {
    pub fn new(ruleset: &'r Ruleset) -> Self {
        Self { ruleset, fault: None, references: References::default(), conditions: 0, nested: 0 }
    }

    pub fn platform(&self) -> Platform {
        self.ruleset.platform
    }

    /// The value is not what was expected.
    pub fn fail(&mut self, node: &Node<'_>, expected: &'static str) {
        self.fail_at(self.ruleset.offset_of(node), "", expected);
    }

    pub fn fail_at(&mut self, at: usize, missing: &'static str, expected: &'static str) {
        self.fault.get_or_insert(Fault { at, missing, expected });
    }

    /// What was read, unless something is wrong.
    pub fn end<T>(self, read: T) -> Result<Box<T>, Box<Fault>> {
        match self.fault {
            Some(fault) => Err(Box::new(fault)),
            None => Ok(Box::new(read)),
        }
    }

    /// The member of that name; a fault when it is absent or null.
    pub fn required<'n, 'a>(
        &mut self,
        object: &'n Node<'a>,
        name: &'static str,
        expected: &'static str,
    ) -> Option<&'n Node<'a>> {
        let found = object.get_some(name);
        if found.is_none() {
            self.fail_at(self.ruleset.offset_of(object), name, expected);
        }
        found
    }

    pub fn object(&mut self, node: &Node<'_>, expected: &'static str) {
        if !matches!(node.value, Value::Object(_)) {
            self.fail(node, expected);
        }
    }

    pub fn boolean(&mut self, object: &Node<'_>, name: &str, default: bool) -> bool {
        match object.get_some(name) {
            None => default,
            Some(Node { value: Value::Bool(value), .. }) => *value,
            Some(node) => {
                self.fail(node, "true or false");
                default
            }
        }
    }

    pub fn text(&mut self, node: &Node<'_>) -> String {
        if node.as_str().is_none() {
            self.fail(node, "a string");
        }
        node.as_str().unwrap_or_default().to_owned()
    }

    /// A text that rows carry: the name of a rule, an experiment.
    pub fn name(&mut self, object: &Node<'_>, name: &str) -> Option<String> {
        let node = object.get_some(name)?;
        if !node.as_str().is_some_and(is_name) {
            self.fail(node, NAME);
        }
        node.as_str().map(str::to_owned)
    }

    /// The items of a list.
    pub fn items<'n, 'a>(&mut self, node: &'n Node<'a>, expected: &'static str) -> &'n [Node<'a>] {
        match &node.value {
            Value::Array(items) => items,
            _ => {
                self.fail(node, expected);
                &[]
            }
        }
    }

    /// The items of the list of that name, if there is one; more than `most` are a fault, which `expected` tells too.
    pub fn list<'n, 'a>(
        &mut self,
        object: &'n Node<'a>,
        name: &str,
        most: usize,
        expected: &'static str,
    ) -> &'n [Node<'a>] {
        let Some(node) = object.get_some(name) else { return &[] };
        let items = self.items(node, expected);
        if items.len() > most {
            self.fail(node, expected);
        }
        items
    }

    /// A list's items, or a single value as if it were a list of one.
    pub fn one_or_more<'n, 'a>(&self, node: &'n Node<'a>) -> &'n [Node<'a>] {
        match &node.value {
            Value::Array(items) => items,
            _ => std::slice::from_ref(node),
        }
    }

    /// Ids or keys, sorted.
    pub fn texts(&mut self, nodes: &[Node<'_>]) -> Vec<String> {
        let mut texts = Vec::with_capacity(nodes.len());
        for node in nodes {
            texts.push(self.text(node));
        }
        texts.sort_unstable();
        texts
    }

    /// A finite number.
    pub fn number(&mut self, node: &Node<'_>, expected: &'static str) -> f64 {
        let number = number(node, self.platform());
        if !number.is_finite() {
            self.fail(node, expected);
        }
        number
    }

    /// A whole number that is not negative.
    pub fn integer(&mut self, object: &Node<'_>, name: &str, default: u64) -> u64 {
        object.get_some(name).map_or(default, |node| self.whole(node, MAX_SAFE_INTEGER, "a whole number, 0 or more"))
    }

    pub fn whole(&mut self, node: &Node<'_>, max: f64, expected: &'static str) -> u64 {
        let number = number(node, self.platform());
        if !is_whole(number) || number > max {
            self.fail(node, expected);
        }
        number as u64
    }

    /// A number of at most 3 decimals in `0..=max` thousandths, as integer thousandths.
    pub fn thousandths(&mut self, node: &Node<'_>, max: u64, expected: &'static str) -> u64 {
        let number = number(node, self.platform());
        let nearest = (number * 1000.0 + 0.5) as u64;
        // The division rounds to the very number that a decimal of at most 3 places was read as.
        if !(number >= 0.0 && nearest <= max && nearest as f64 / 1000.0 == number) {
            self.fail(node, expected);
        }
        nearest
    }

    /// An object's `percent`, as a number of buckets.
    pub fn percent(&mut self, object: &Node<'_>) -> u32 {
        self.required(object, "percent", "a percentage")
            .map_or(0, |node| self.thousandths(node, BUCKET_COUNT.into(), "0 to 100 with at most 3 decimals") as u32)
    }

    /// A point in time: ISO 8601 text with a zone, or Unix milliseconds.
    pub fn time_ms(&mut self, node: &Node<'_>, expected: &'static str) -> f64 {
        let time_ms = match &node.value {
            Value::String(text) => parse_iso8601(text).unwrap_or(f64::NAN),
            _ => number(node, self.platform()),
        };
        if !time_ms.is_finite() {
            self.fail(node, expected);
        }
        time_ms
    }

    /// The same, or milliseconds from now.
    pub fn time(&mut self, node: &Node<'_>) -> Time {
        match node.as_str().and_then(parse_relative) {
            Some(from_now_ms) => Time::FromNow(from_now_ms),
            None => Time::At(
                self.time_ms(node, "a date like 2026-10-01T00:00:00Z, Unix milliseconds, or from now like -7d"),
            ),
        }
    }

    /// The salt that an object names, or the one that it has by its key: what stands before the key, and the key.
    pub fn salt(&mut self, object: &Node<'_>, prefix: &str, key: &str) -> String {
        let Some(node) = object.get_some("salt") else {
            if key.contains('\0') {
                self.fail(object, "a key without NUL, or a salt");
            }
            let mut salt = String::from(prefix);
            salt.push_str(key);
            return salt;
        };
        if node.as_str().is_none_or(|salt| salt.contains('\0')) {
            self.fail(node, "a string without NUL");
        }
        node.as_str().unwrap_or_default().to_owned()
    }

    /// What an object's `by` names; `None` when it names nothing.
    pub fn by(&mut self, object: &Node<'_>) -> Option<Vec<Unit>> {
        let node = object.get_some("by")?;
        let items = self.one_or_more(node);
        let expected = "distinctId, deviceId, anonymousId or the name of an attribute, or a list of at most 100";
        if !(1..=MAX_UNITS).contains(&items.len()) {
            self.fail(node, expected);
        }
        let mut units = Vec::new();
        for item in items {
            units.push(match item.as_str() {
                Some("distinctId") => Unit::DistinctId,
                Some("deviceId") => Unit::DeviceId,
                Some("anonymousId") => Unit::AnonymousId,
                path => {
                    let path = path.unwrap_or_default();
                    if path.is_empty() {
                        self.fail(item, expected);
                    }
                    Unit::Attribute(path.to_owned())
                }
            });
        }
        Some(units)
    }

    /// An object's `by`, or the distinct id.
    pub fn by_or_distinct_id(&mut self, object: &Node<'_>) -> Vec<Unit> {
        self.by(object).unwrap_or_else(|| vec![Unit::DistinctId])
    }
}

pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
}

/// NaN for what is no number.
pub fn number(node: &Node<'_>, platform: Platform) -> f64 {
    match node.value {
        Value::Number(raw) => platform.number(raw),
        _ => f64::NAN,
    }
}

/// Whether a number is whole, not negative, and one that JSON can carry without loss.
pub fn is_whole(number: f64) -> bool {
    (0.0..=MAX_SAFE_INTEGER).contains(&number) && number == (number as u64) as f64
}
