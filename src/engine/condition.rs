//! One attribute against what a condition compares it with.

use sha2::{Digest, Sha256};

use super::attributes::{Attribute, Value};
use super::bucketing::bucket_of;
use super::pattern::is_searchable;
use super::platform::Platform;
use super::ruleset::{ListTest, Scalars, Test, Time};
use super::time::parse_iso8601;
use super::version::Version;

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

/// Whether the attribute passes the test.
///
/// A missing attribute passes none but `notExists`. Scalars of different types are unequal; every other test fails on
/// another type than its own. Nothing is coerced.
pub fn passes(attribute: Option<Attribute<'_>>, test: &Test, ignore_case: bool, world: &mut World) -> bool {
    let Some(attribute) = attribute else { return matches!(test, Test::NotExists) };
    let platform = world.platform;
    let folded;
    let attribute = match attribute {
        Attribute::Text(text) if ignore_case && folds(test) => {
            folded = (platform.lower_case)(text);
            Attribute::Text(&folded)
        }
        _ => attribute,
    };
    match (test, attribute) {
        (Test::Exists, _) => true,
        (Test::NotExists, _) => false,
        (Test::Type(types), _) => types.get(type_of(attribute)).copied().unwrap_or_default(),
        (Test::Among(..), Attribute::List(_) | Attribute::Object) => false,
        (Test::Among(set, expected), _) => place_of(attribute, set).is_some() == *expected,
        (Test::Contains(needles), Attribute::Text(text)) => needles.iter().any(|needle| text.contains(needle.as_str())),
        (Test::StartsWith(needles), Attribute::Text(text)) => {
            needles.iter().any(|needle| text.starts_with(needle.as_str()))
        }
        (Test::EndsWith(needles), Attribute::Text(text)) => {
            needles.iter().any(|needle| text.ends_with(needle.as_str()))
        }
        (Test::Matches(patterns), Attribute::Text(text)) => {
            is_searchable(text) && patterns.iter().any(|pattern| (platform.matches)(pattern, ignore_case, text))
        }
        (Test::Less(number), Attribute::Number(found)) => found < *number,
        (Test::AtMost(number), Attribute::Number(found)) => found <= *number,
        (Test::Greater(number), Attribute::Number(found)) => found > *number,
        (Test::AtLeast(number), Attribute::Number(found)) => found >= *number,
        (Test::Between(low, high), Attribute::Number(found)) => (*low..=*high).contains(&found),
        (Test::Before(time), Attribute::Number(_) | Attribute::Text(_)) => {
            time_of(attribute).is_some_and(|at_ms| is_before(at_ms, *time, world))
        }
        (Test::After(time), Attribute::Number(_) | Attribute::Text(_)) => {
            time_of(attribute).is_some_and(|at_ms| is_after(at_ms, *time, world))
        }
        (Test::Version(alternatives), Attribute::Text(text)) => Version::parse(text).is_some_and(|version| {
            alternatives
                .iter()
                .any(|all| all.iter().all(|(comparison, other)| comparison.holds(version.compare(other))))
        }),
        (Test::List(test, set), Attribute::List(items)) => list_passes(items, *test, set, ignore_case, platform),
        (Test::Hashed(salt, hashes), Attribute::Text(text)) => {
            let hash: [u8; 32] = Sha256::new().chain_update(salt).chain_update(text).finalize().into();
            hashes.binary_search(&hash).is_ok()
        }
        (Test::Bucket(salt, buckets), Attribute::Text(unit_id)) => {
            !unit_id.is_empty() && bucket_of(salt, unit_id) < *buckets
        }
        _ => false,
    }
}

/// Whether a test compares texts that `ignoreCase` puts into lower case.
fn folds(test: &Test) -> bool {
    matches!(test, Test::Among(..) | Test::Contains(_) | Test::StartsWith(_) | Test::EndsWith(_) | Test::Hashed(..))
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

fn list_passes(items: &[Value], test: ListTest, set: &Scalars, ignore_case: bool, platform: Platform) -> bool {
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
    match test {
        ListTest::ContainsAny => count > 0,
        ListTest::ContainsAll => all,
        ListTest::ContainsNone => count == 0,
        ListTest::SubsetOf => !strangers,
        ListTest::SetEq => all && !strangers,
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
