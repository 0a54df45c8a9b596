//! Single fields, read with a message for what they should have been.

use super::super::bucketing::BUCKET_COUNT;
use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::json::{Node, Value};
use super::super::platform::Platform;
use super::super::time::{parse_iso8601, parse_relative};
use super::Problem;
use super::model::{Time, Unit};

/// JavaScript's largest safe integer: what a number in JSON can carry without loss.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The member of that name, read by `read`; `None` when it is absent or null.
pub fn optional<'n, 'a, T>(
    object: &'n Node<'a>,
    name: &str,
    read: impl FnOnce(&'n Node<'a>) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    object.get_some(name).map(read).transpose().map_err(|problem| problem.within(name))
}

/// The member of that name, read by `read`; a problem when it is absent or null.
pub fn required<'n, 'a, T>(
    object: &'n Node<'a>,
    name: &str,
    expected: &'static str,
    read: impl FnOnce(&'n Node<'a>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    optional(object, name, read)?.ok_or_else(|| Problem::new("nothing", expected).within(name))
}

pub fn boolean(node: &Node<'_>) -> Result<bool, Problem> {
    match node.value {
        Value::Bool(value) => Ok(value),
        _ => Err(Problem::at(node, "true or false")),
    }
}

pub fn text(node: &Node<'_>) -> Result<String, Problem> {
    node.as_str().map(str::to_owned).ok_or_else(|| Problem::at(node, "a string"))
}

/// The longest name, in bytes: names are in every row, and a row cuts longer texts.
const MAX_NAME_BYTES: usize = MAX_TEXT_BYTES;

/// A text that rows carry: the name of a variant, a rule, an experiment, an environment.
pub fn name(node: &Node<'_>) -> Result<String, Problem> {
    text(node).ok().filter(|name| is_name(name)).ok_or_else(|| Problem::at(node, NAME))
}

/// What [`name`] expects.
pub const NAME: &str = "a string of 1 to 256 bytes";

pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
}

/// Calls `read` with each item of a list.
pub fn each<'n, 'a>(
    node: &'n Node<'a>,
    expected: &'static str,
    read: &mut dyn FnMut(&'n Node<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let Value::Array(items) = &node.value else { return Err(Problem::at(node, expected)) };
    for (at, item) in items.iter().enumerate() {
        read(item).map_err(|problem| problem.within_item(at))?;
    }
    Ok(())
}

/// The items of a list, each read by `read`.
pub fn list<'n, 'a, T>(
    node: &'n Node<'a>,
    expected: &'static str,
    mut read: impl FnMut(&'n Node<'a>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut list = Vec::new();
    each(node, expected, &mut |item| {
        list.push(read(item)?);
        Ok(())
    })?;
    Ok(list)
}

/// A finite number.
pub fn number(node: &Node<'_>, platform: Platform) -> Result<f64, Problem> {
    let number = match node.value {
        Value::Number(raw) => platform.number(raw),
        _ => f64::NAN,
    };
    if number.is_finite() { Ok(number) } else { Err(Problem::at(node, "a number")) }
}

/// A whole number that is not negative.
pub fn integer(node: &Node<'_>, platform: Platform) -> Result<u64, Problem> {
    number(node, platform)
        .ok()
        .filter(|number| (0.0..=MAX_SAFE_INTEGER).contains(number) && *number == (*number as u64) as f64)
        .map(|number| number as u64)
        .ok_or_else(|| Problem::at(node, "a whole number, 0 or more"))
}

/// A number of at most 3 decimals in `0..=max`, as integer thousandths.
pub fn thousandths(node: &Node<'_>, max: u64, expected: &'static str, platform: Platform) -> Result<u64, Problem> {
    let number = number(node, platform).map_err(|_| Problem::at(node, expected))?;
    let nearest = (number * 1000.0 + 0.5) as u64;
    // The division rounds to the very number that a decimal of at most 3 places was read as.
    if number >= 0.0 && nearest <= max && nearest as f64 / 1000.0 == number {
        Ok(nearest)
    } else {
        Err(Problem::at(node, expected))
    }
}

/// A point in time: ISO 8601 text with a zone, or Unix milliseconds.
pub fn time_ms(node: &Node<'_>, platform: Platform) -> Result<f64, Problem> {
    match &node.value {
        Value::String(text) => parse_iso8601(text),
        Value::Number(raw) => Some(platform.number(raw)).filter(|time_ms| time_ms.is_finite()),
        _ => None,
    }
    .ok_or_else(|| Problem::at(node, "a date like 2026-10-01T00:00:00Z, or Unix milliseconds"))
}

/// The same, or milliseconds from now: a sign, 1 to 6 digits and a unit.
pub fn time(node: &Node<'_>, platform: Platform) -> Result<Time, Problem> {
    match node.as_str().and_then(parse_relative) {
        Some(from_now_ms) => Ok(Time::FromNow(from_now_ms)),
        None => time_ms(node, platform).map(Time::At).map_err(|problem| {
            Problem::new(&problem.found, "a date like 2026-10-01T00:00:00Z, Unix milliseconds, or from now like -7d")
        }),
    }
}

/// A share of the buckets.
pub fn percent(node: &Node<'_>, platform: Platform) -> Result<u32, Problem> {
    thousandths(node, BUCKET_COUNT.into(), "0 to 100 with at most 3 decimals", platform).map(|buckets| buckets as u32)
}

/// Ids or keys, sorted.
pub fn sorted_texts(node: &Node<'_>, expected: &'static str) -> Result<Vec<String>, Problem> {
    let mut texts = list(node, expected, text)?;
    texts.sort_unstable();
    Ok(texts)
}

pub fn salt(node: &Node<'_>) -> Result<String, Problem> {
    text(node).ok().filter(|salt| !salt.contains('\0')).ok_or_else(|| Problem::at(node, "a string without NUL"))
}

/// The salt that an object names, or the one that it has by its key.
pub fn salt_or(node: &Node<'_>, default: String) -> Result<String, Problem> {
    let salt = optional(node, "salt", salt)?.unwrap_or(default);
    if salt.contains('\0') { Err(Problem::new(&salt, "a key without NUL, or a salt")) } else { Ok(salt) }
}

/// The most kinds of unit in a list.
const MAX_UNITS: usize = 100;

/// What an object's `by` names; `None` when it names nothing.
pub fn by(node: &Node<'_>) -> Result<Option<Vec<Unit>>, Problem> {
    optional(node, "by", |node| {
        let unit = |node: &Node<'_>| match node.as_str() {
            Some("distinctId") => Ok(Unit::DistinctId),
            Some("deviceId") => Ok(Unit::DeviceId),
            Some("anonymousId") => Ok(Unit::AnonymousId),
            Some(path) if !path.is_empty() => Ok(Unit::Attribute(path.to_owned())),
            _ => Err(Problem::at(node, "distinctId, deviceId, anonymousId or the name of an attribute")),
        };
        match &node.value {
            Value::Array(items) if (1..=MAX_UNITS).contains(&items.len()) => list(node, "", unit),
            _ => unit(node).map(|unit| vec![unit]),
        }
    })
}

/// An object's `by`, or the distinct id.
pub fn by_or_distinct_id(node: &Node<'_>) -> Result<Vec<Unit>, Problem> {
    Ok(by(node)?.unwrap_or_else(|| vec![Unit::DistinctId]))
}

pub fn object(node: &Node<'_>, expected: &'static str) -> Result<(), Problem> {
    if matches!(node.value, Value::Object(_)) { Ok(()) } else { Err(Problem::at(node, expected)) }
}
