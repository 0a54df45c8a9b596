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
    match (operand, attribute) {
        (Operand::ScalarOrList | Operand::List, Attribute::List(list)) => {
            compare_list(list, operator, part, value, ignore_case, platform)
        }
        (Operand::ScalarOrList | Operand::List, Attribute::Object) => false,
        (Operand::ScalarOrList | Operand::List, _) => {
            let is_among = part.place_of(value, attribute).is_some();
            operator == if is_among { Operator::Among } else { Operator::NotAmong }
        }
        (Operand::TwoNumbers, Attribute::Number(found)) => {
            let low = value.next();
            found >= part.number(low) && found <= part.number(low.next())
        }
        (Operand::Hashes, Attribute::Text(text)) => {
            let hash = sha256_hex([part.salt(value).as_bytes(), text.as_bytes()].concat());
            part.holds(value, Name::Hashes, &hash)
        }
        (Operand::Share, Attribute::Text(unit_id)) => {
            let buckets = part.number_of(value, Name::Percent, 0.0);
            !unit_id.is_empty() && f64::from(bucket_of(part.salt(value), unit_id)) < buckets
        }
        _ => part
            .items(part.one_or_more(value))
            .any(|item| compare_one(attribute, operator, operand, ignore_case, part, item, world)),
    }
}

/// Likewise, with one of what a condition lists.
fn compare_one(
    attribute: Attribute<'_>,
    operator: Operator,
    operand: Operand,
    ignore_case: bool,
    part: &Part,
    item: At,
    world: &mut World,
) -> bool {
    let token = part.token(item);
    let text = part.text(item);
    let order = match (operand, attribute) {
        (Operand::Types, _) => return TYPES.get(attribute.rank()) == Some(&text),
        (Operand::Time, _) => {
            let Some(at_ms) = time_of(attribute) else { return false };
            let is_before = operator == Operator::Before;
            return match (token.kind == Kind::FromNow, is_before) {
                (false, true) => at_ms < token.number,
                (false, false) => at_ms > token.number,
                (true, true) => world.has_passed(at_ms - token.number),
                (true, false) => !world.has_come(at_ms - token.number),
            };
        }
        (Operand::Number, Attribute::Number(found)) => found.partial_cmp(&token.number),
        (Operand::Texts | Operand::Patterns, Attribute::Text(found)) => {
            let (bytes, wanted) = (found.as_bytes(), text.as_bytes());
            return match operator {
                Operator::StartsWith => bytes.starts_with(wanted),
                Operator::EndsWith => bytes.ends_with(wanted),
                // (The standard library's search would cost 1.3 kB more, and is made for longer texts.)
                Operator::Contains => wanted.is_empty() || bytes.windows(wanted.len()).any(|found| found == wanted),
                _ => is_searchable(text, found) && (world.platform.matches)(text, ignore_case, found),
            };
        }
        (Operand::Versions | Operand::Version | Operand::Range, Attribute::Text(found)) => {
            let Some(version) = Version::parse(found) else { return false };
            if operand == Operand::Range {
                return version::is_in_range(&version, text).unwrap_or_default();
            }
            Version::parse(text).map(|other| version.compare(&other))
        }
        _ => None,
    };
    order.is_some_and(|order| operator.holds(order))
}

/// Whether the items of a list are those of a set, as the operator says.
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
    let any = found.iter().any(|is_found| *is_found);
    let all = found.iter().all(|is_found| *is_found);
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
