//! One attribute against what a condition compares it with.

use sha2::{Digest, Sha256};

use super::attributes::{Attribute, Value};
use super::bucketing::bucket_of;
use super::pattern::is_searchable;
use super::platform::Platform;
use super::ruleset::{Operand, Operator, Scalars, Time};
use super::time::parse_iso8601;
use super::version::{Comparison, Version};

/// The rest of the world, as far as conditions look at it.
pub struct World {
    pub now_ms: f64,
    /// When, on the wall clock, an answer given so far may change.
    pub valid_until_ms: f64,
    pub platform: Platform,
}

impl World {
    /// Whether a point in time has come. If it has not, no answer holds for longer.
    pub fn has_come(&mut self, at_ms: f64) -> bool {
        if self.now_ms >= at_ms {
            return true;
        }
        self.valid_until_ms = self.valid_until_ms.min(at_ms);
        false
    }

    /// Whether a point in time is over.
    fn has_passed(&mut self, at_ms: f64) -> bool {
        // Right at that time the answer holds only until the clock goes on: until the next millisecond.
        self.has_come(at_ms) && (self.now_ms > at_ms || self.has_come(at_ms + 1.0))
    }
}

/// Whether the attribute compares with the operand as the operator says.
///
/// A missing attribute does so for none but `notExists`. Scalars of different types are unequal; every other operator is
/// false of another type than its own. Nothing is coerced.
pub fn compare(
    attribute: Option<Attribute<'_>>,
    operator: Operator,
    operand: &Operand,
    ignore_case: bool,
    world: &mut World,
) -> bool {
    let Some(attribute) = attribute else { return operator == Operator::NotExists };
    let platform = world.platform;
    let folded;
    let attribute = match attribute {
        // A pattern ignores case by itself.
        Attribute::Text(text) if ignore_case && folds(operand) && operator != Operator::Matches => {
            folded = (platform.lower_case)(text);
            Attribute::Text(&folded)
        }
        _ => attribute,
    };
    match (operand, attribute) {
        (Operand::None, _) => operator == Operator::Exists,
        (Operand::Types(types), _) => types.get(type_of(attribute)).copied().unwrap_or_default(),
        (Operand::Scalars(set), Attribute::List(items)) => compare_list(items, operator, set, ignore_case, platform),
        (Operand::Scalars(_), Attribute::Object) => false,
        (Operand::Scalars(set), _) => match operator {
            Operator::Among => place_of(attribute, set).is_some(),
            Operator::NotAmong => place_of(attribute, set).is_none(),
            _ => false,
        },
        (Operand::Texts(texts), Attribute::Text(found)) => texts.iter().any(|text| match operator {
            Operator::StartsWith => found.starts_with(text.as_str()),
            Operator::EndsWith => found.ends_with(text.as_str()),
            Operator::Contains => found.contains(text.as_str()),
            _ => is_searchable(text, found) && (platform.matches)(text, ignore_case, found),
        }),
        (Operand::Numbers(low, high), Attribute::Number(found)) => match operator {
            Operator::Less => found < *high,
            Operator::AtMost => found <= *high,
            Operator::Greater => found > *low,
            Operator::AtLeast => found >= *low,
            _ => found >= *low && found <= *high,
        },
        (Operand::Time(time), _) => time_of(attribute).is_some_and(|at_ms| match operator {
            Operator::Before => is_before(at_ms, *time, world),
            _ => is_after(at_ms, *time, world),
        }),
        (Operand::Versions(alternatives), Attribute::Text(text)) => Version::parse(text).is_some_and(|version| {
            let holds = |(comparison, other): &(Comparison, Version)| comparison.holds(version.compare(other));
            alternatives.iter().any(|all| all.iter().all(holds))
        }),
        (Operand::Hashes(salt, hashes), Attribute::Text(text)) => {
            let hash: [u8; 32] = Sha256::new().chain_update(salt).chain_update(text).finalize().into();
            hashes.binary_search(&hash).is_ok()
        }
        (Operand::Share(salt, buckets), Attribute::Text(unit_id)) => {
            !unit_id.is_empty() && bucket_of(salt, unit_id) < *buckets
        }
        _ => false,
    }
}

/// Whether `ignoreCase` puts the texts that are compared with this into lower case.
fn folds(operand: &Operand) -> bool {
    matches!(operand, Operand::Scalars(_) | Operand::Texts(_) | Operand::Hashes(..))
}

/// The place in [`super::ruleset::TYPES`].
fn type_of(attribute: Attribute<'_>) -> usize {
    match attribute {
        Attribute::Text(_) => 0,
        Attribute::Number(_) => 1,
        Attribute::Bool(_) => 2,
        Attribute::List(_) => 3,
        Attribute::Object => 4,
    }
}

/// The place of a scalar in a set.
fn place_of(attribute: Attribute<'_>, set: &Scalars) -> Option<usize> {
    match attribute {
        Attribute::Bool(value) => set.bool(value),
        Attribute::Number(number) => set.number(number),
        Attribute::Text(text) => set.text(text),
        Attribute::List(_) | Attribute::Object => None,
    }
}

fn compare_list(items: &[Value], operator: Operator, set: &Scalars, ignore_case: bool, platform: Platform) -> bool {
    let mut found = vec![false; set.places()];
    let mut strangers = false;
    for item in items {
        let place = match item {
            Value::Text(text) if ignore_case => set.text(&(platform.lower_case)(text)),
            _ => Attribute::of(item).and_then(|item| place_of(item, set)),
        };
        match place.and_then(|place| found.get_mut(place)) {
            Some(is_found) => *is_found = true,
            None => strangers = true,
        }
    }
    let count = found.iter().filter(|is_found| **is_found).count();
    let all = count == set.count();
    match operator {
        Operator::ContainsAny => count > 0,
        Operator::ContainsAll => all,
        Operator::ContainsNone => count == 0,
        Operator::SubsetOf => !strangers,
        Operator::SetEq => all && !strangers,
        _ => false,
    }
}

fn time_of(attribute: Attribute<'_>) -> Option<f64> {
    match attribute {
        Attribute::Number(at_ms) => Some(at_ms),
        Attribute::Text(text) => parse_iso8601(text),
        _ => None,
    }
}

fn is_before(at_ms: f64, time: Time, world: &mut World) -> bool {
    match time {
        Time::At(time_ms) => at_ms < time_ms,
        Time::FromNow(from_now_ms) => world.has_passed(at_ms - from_now_ms),
    }
}

fn is_after(at_ms: f64, time: Time, world: &mut World) -> bool {
    match time {
        Time::At(time_ms) => at_ms > time_ms,
        Time::FromNow(from_now_ms) => !world.has_come(at_ms - from_now_ms),
    }
}
