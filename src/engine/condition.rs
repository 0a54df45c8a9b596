//! One attribute against what a condition compares it with.

use super::attributes::{Attribute, Value};
use super::bucketing::bucket_of;
use super::hash::sha256_hex;
use super::pattern::is_searchable;
use super::platform::Platform;
use super::ruleset::{At, Kind, Name, OPERATORS, Operand, Operator, Part, TYPES};
use super::time::parse_iso8601;
use super::version::{self, Version};

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

/// Whether the attribute compares as a condition of the part says.
///
/// A missing attribute does so for none but `notExists`. Scalars of different types are unequal; every other operator is
/// false of another type than its own. Nothing is coerced.
pub fn compare(attribute: Option<Attribute<'_>>, part: &Part, condition: At, world: &mut World) -> bool {
    let condition = part.token(condition);
    let Some((_, operator, operand)) = OPERATORS.get(usize::from(condition.operator)) else { return false };
    let (operator, operand) = (*operator, *operand);
    let (Some(attribute), Some(value)) = (attribute, At::new(condition.to)) else {
        let wanted = if attribute.is_some() { Operator::Exists } else { Operator::NotExists };
        return operator == wanted;
    };
    let ignore_case = condition.number > 0.0;
    let folds = matches!(operand, Operand::ScalarOrList | Operand::List | Operand::Texts | Operand::Hashes);
    let platform = world.platform;
    let folded;
    let attribute = match attribute {
        Attribute::Text(text) if ignore_case && folds => {
            folded = (platform.lower_case)(text);
            Attribute::Text(&folded)
        }
        _ => attribute,
    };
    let mut items = part.items(part.one_or_more(value));
    match (operand, attribute) {
        (Operand::Types, _) => items.any(|item| TYPES.get(attribute.rank()) == Some(&part.text(item))),
        (Operand::ScalarOrList | Operand::List, Attribute::List(list)) => {
            compare_list(list, operator, part, value, ignore_case, platform)
        }
        (Operand::ScalarOrList | Operand::List, Attribute::Object) => false,
        (Operand::ScalarOrList | Operand::List, _) => match operator {
            Operator::Among => part.place_of(value, attribute).is_some(),
            Operator::NotAmong => part.place_of(value, attribute).is_none(),
            _ => false,
        },
        (Operand::Texts | Operand::Patterns, Attribute::Text(found)) => items.any(|item| {
            let text = part.text(item);
            match operator {
                Operator::StartsWith => found.as_bytes().starts_with(text.as_bytes()),
                Operator::EndsWith => found.as_bytes().ends_with(text.as_bytes()),
                Operator::Contains => contains(found.as_bytes(), text.as_bytes()),
                _ => is_searchable(text, found) && (platform.matches)(text, ignore_case, found),
            }
        }),
        (Operand::Number, Attribute::Number(found)) => {
            let order = found.partial_cmp(&part.number(value));
            matches!((operator, order), (Operator::Is(comparison), Some(order)) if comparison.holds(order))
        }
        (Operand::TwoNumbers, Attribute::Number(found)) => {
            let low = value.next();
            found >= part.number(low) && found <= part.number(low.next())
        }
        (Operand::Time, _) => time_of(attribute).is_some_and(|at_ms| {
            let (time_ms, is_relative) = (part.number(value), part.token(value).kind == Kind::FromNow);
            match (operator, is_relative) {
                (Operator::Before, false) => at_ms < time_ms,
                (Operator::Before, true) => world.has_passed(at_ms - time_ms),
                (_, false) => at_ms > time_ms,
                (_, true) => !world.has_come(at_ms - time_ms),
            }
        }),
        (Operand::Versions | Operand::Version, Attribute::Text(text)) => Version::parse(text).is_some_and(|version| {
            items.any(|item| {
                let order = Version::parse(part.text(item)).map(|other| version.compare(&other));
                matches!((operator, order), (Operator::Is(comparison), Some(order)) if comparison.holds(order))
            })
        }),
        (Operand::Range, Attribute::Text(text)) => Version::parse(text)
            .and_then(|version| version::is_in_range(&version, part.text(value)))
            .unwrap_or_default(),
        (Operand::Hashes, Attribute::Text(text)) => {
            let salt = part.salt(value);
            let hash = sha256_hex([salt.as_bytes(), text.as_bytes()].concat());
            part.holds(value, Name::Hashes, &hash)
        }
        (Operand::Share, Attribute::Text(unit_id)) => {
            let buckets = part.number_of(value, Name::Percent, 0.0);
            !unit_id.is_empty() && f64::from(bucket_of(part.salt(value), unit_id)) < buckets
        }
        _ => false,
    }
}

/// Looks at each place. (The standard library's search would cost 1.3 kB more, and is made for longer texts.)
fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|found| found == wanted)
}

fn compare_list(
    items: &[Value],
    operator: Operator,
    part: &Part,
    set: At,
    ignore_case: bool,
    platform: Platform,
) -> bool {
    let mut found = vec![false; part.count(part.one_or_more(set))];
    let mut strangers = false;
    for item in items {
        let place = match item {
            Value::Text(text) if ignore_case => part.place_of(set, Attribute::Text(&(platform.lower_case)(text))),
            _ => Attribute::of(item).and_then(|item| part.place_of(set, item)),
        };
        match place.and_then(|place| found.get_mut(place)) {
            Some(is_found) => *is_found = true,
            None => strangers = true,
        }
    }
    let any = found.contains(&true);
    let all = !found.contains(&false);
    match operator {
        Operator::ContainsAny => any,
        Operator::ContainsAll => all,
        Operator::ContainsNone => !any,
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
