//! Versions and their order, and ranges of versions.
//!
//! Source: Semantic Versioning 2.0.0 (semver.org), sections 2, 9, 10 and 11; the ranges are node-semver's, without
//! hyphens and without its rule that a pre-release must be asked for.

use std::cmp::Ordering;

use super::text::{cut_at, parse_integer, parts};

/// The most digits of a number in a version: an `f64` holds them, and so does every other language's number.
const MAX_DIGITS: usize = 15;

/// A version. Build metadata is gone: it has no part in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'t> {
    numbers: [u64; 3],
    /// Identifiers with dots between them; empty for none.
    pre_release: &'t str,
}

impl<'t> Version<'t> {
    /// The lowest of all.
    pub const LOWEST: Self = Self::lowest([0; 3]);

    /// A version, which may begin with `v` and lack its minor and patch number; `None` for any other text.
    pub fn parse(text: &'t str) -> Option<Self> {
        let parts = Parts::parse(text, false)?;
        (parts.given > 0).then_some(parts.version)
    }

    /// Precedence.
    #[inline(never)]
    pub fn compare(&self, other: &Version<'_>) -> Ordering {
        let order = self.numbers.cmp(&other.numbers);
        if order.is_ne() {
            return order;
        }
        match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre_releases(self.pre_release, other.pre_release),
        }
    }

    /// The lowest version of all with these numbers.
    const fn lowest(numbers: [u64; 3]) -> Self {
        Self { numbers, pre_release: "0" }
    }
}

fn compare_pre_releases(one: &str, other: &str) -> Ordering {
    let mut others = parts(other, ".");
    for identifier in parts(one, ".") {
        // A longer list of identifiers comes after its own beginning.
        let Some(other) = others.next() else { return Ordering::Greater };
        let order = match (is_number(identifier), is_number(other)) {
            // Without leading zeros the longer number is the larger one.
            (true, true) => identifier.len().cmp(&other.len()).then_with(|| identifier.cmp(other)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => identifier.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
    }
    if others.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Whether a version is in a range: alternatives of comparisons that must all hold. `None` when the text is no range.
pub fn is_in_range(version: &Version<'_>, range: &str) -> Option<bool> {
    let mut is_in = false;
    let mut all = true;
    // Between two bars: there, an alternative ends.
    let mut alternatives = parts(range, "|");
    loop {
        for comparator in parts(alternatives.next()?, " \t\n\r") {
            all &= comparator.is_empty() || is_within(version, comparator)?;
        }
        is_in |= std::mem::replace(&mut all, true);
        match alternatives.next() {
            None => return Some(is_in),
            Some("") => {}
            Some(_) => return None,
        }
    }
}

fn is_within(version: &Version<'_>, text: &str) -> Option<bool> {
    let (operator, rest) = ["<=", ">=", "<", ">", "=", "~", "^"]
        .iter()
        .find_map(|operator| Some((*operator, text.strip_prefix(operator)?)))
        .unwrap_or(("=", text));
    let Parts { version: bound, given } = Parts::parse(rest, true)?;
    let numbers = bound.numbers;
    // How many of the numbers stay the same in the range.
    let kept = match operator {
        "~" => given.min(2),
        "^" => numbers.iter().take(given).position(|number| *number > 0).map_or(given, |place| place + 1),
        _ => given,
    };
    // The lowest of what comes after all versions whose first numbers are these.
    let mut after = [0; 3];
    for (place, (next, number)) in after.iter_mut().zip(numbers).enumerate().take(kept) {
        *next = number + u64::from(place + 1 == kept);
    }
    let order = version.compare(&bound);
    let is_below_next = version.compare(&Version::lowest(after)).is_lt();
    Some(match (operator, given) {
        ("=", 3) => order.is_eq(),
        ("<=", 3) => order.is_le(),
        (">", 3) => order.is_gt(),
        ("<", 3) => order.is_lt(),
        // Nothing is lower than the lowest.
        (">" | "<", 0) => false,
        (_, 0) => true,
        (">=", _) => order.is_ge(),
        (">", _) => version.compare(&Version { numbers: after, pre_release: "" }).is_ge(),
        ("<", _) => version.compare(&Version::lowest(numbers)).is_lt(),
        ("<=", _) => is_below_next,
        _ => order.is_ge() && is_below_next,
    })
}

/// A version whose numbers may be missing; those are 0.
struct Parts<'t> {
    version: Version<'t>,
    /// How many numbers are given.
    given: usize,
}

impl<'t> Parts<'t> {
    /// `wildcards`: whether numbers may be `x`, `X` or `*`, from some number on.
    fn parse(text: &'t str, wildcards: bool) -> Option<Self> {
        let text = text.strip_prefix("v").or_else(|| text.strip_prefix("V")).unwrap_or(text);
        let (text, build) = cut_at(text, "+");
        let (core, pre_release) = cut_at(text, "-");
        let mut numbers = [0; 3];
        let mut given = 0;
        let mut is_open = false;
        for (place, part) in parts(core, ".").enumerate() {
            let number = numbers.get_mut(place)?;
            if wildcards && matches!(part, "x" | "X" | "*") {
                is_open = true;
                continue;
            }
            if is_open || !is_number(part) || part.len() > MAX_DIGITS {
                return None;
            }
            *number = parse_integer(part)?;
            given += 1;
        }
        let whole = given == 3;
        let are_identifiers = |list: Option<&str>, zeros: bool| {
            list.is_none_or(|list| whole && parts(list, ".").all(|identifier| is_identifier(identifier, zeros)))
        };
        if !are_identifiers(pre_release, false) || !are_identifiers(build, true) {
            return None;
        }
        let pre_release = pre_release.unwrap_or_default();
        Some(Self { version: Version { numbers, pre_release }, given })
    }
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with("0"))
}

/// `zeros`: whether a number may have leading zeros.
fn is_identifier(text: &str, zeros: bool) -> bool {
    let all = |allowed: fn(u8) -> bool| text.bytes().all(allowed);
    !text.is_empty()
        && all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && (zeros || is_number(text) || !all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version<'_> {
        Version::parse(text).unwrap()
    }

    fn in_range(text: &str, range: &str) -> bool {
        is_in_range(&version(text), range).unwrap()
    }

    #[test]
    fn precedence_is_that_of_semver_org() {
        let rising = [
            "0.0.0-0",
            "0.0.0",
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.1",
            "1.2",
            "2",
            "10.0.0",
        ];
        for (place, one) in rising.iter().enumerate() {
            for (other_place, other) in rising.iter().enumerate() {
                assert_eq!(version(one).compare(&version(other)), place.cmp(&other_place), "{one} {other}");
            }
        }
        assert_eq!(version("1.0.0+a").compare(&version("1+b.01".trim_end_matches("+b.01"))), Ordering::Equal);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "v",
            "x",
            "1.x",
            "01",
            "1.02.3",
            "1.2.3.4",
            "1.2-rc",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3+",
            "1..2",
            ".1",
            "-1.2.3",
            " 1",
            "1.2.3 ",
            "1.2.3-é",
            "1234567890123456",
            "vv1",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        for text in ["1.2.3-0a", "1.2.3--", "1.2.3+001", "V1", "0.0.0", "123456789012345"] {
            assert!(Version::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn ranges_hold_what_they_say() {
        for (range, inside, outside) in [
            ("^1.2.3", &["1.2.3", "1.9.0", "1.3.0-rc.1"][..], &["1.2.2", "1.2.3-rc", "2.0.0-rc.1", "2"][..]),
            ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0-0", "0.2.2", "1"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4", "0.0.2"]),
            ("^0.0", &["0.0.9"], &["0.1"]),
            ("^0", &["0.9.9"], &["1"]),
            ("^1.2", &["1.2.0", "1.9"], &["1.1.9", "2"]),
            ("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0-0", "1.2.2"]),
            ("~1", &["1.9.9"], &["2.0.0-0", "0.9"]),
            ("1.2", &["1.2.9"], &["1.3.0-0", "1.2.0-rc"]),
            ("1.x", &["1.0.0", "1.9"], &["2", "0.9", "1.0.0-alpha"]),
            ("*", &["0.0.0-0", "9.9.9"], &[]),
            ("", &["1.0.0"], &[]),
            (">1.2", &["1.3.0"], &["1.2.9", "1.3.0-0"]),
            (">=1.2 <2 || 3.1.4", &["1.2.0", "1.9.9", "3.1.4"], &["2.0.0-0", "2", "3.1.5"]),
            ("<=1.2", &["1.2.9", "1.0"], &["1.3.0-0"]),
            ("<1.2", &["1.1.9"], &["1.2.0-0", "1.2.0"]),
            ("<*", &[], &["0.0.0-0", "1.0.0"]),
            ("<=x", &["0.0.0-0"], &[]),
            ("=v1.2.3", &["1.2.3+b"], &["1.2.4"]),
        ] {
            for text in inside {
                assert!(in_range(text, range), "{text} in {range}");
            }
            for text in outside {
                assert!(!in_range(text, range), "{text} not in {range}");
            }
        }
        for text in ["1.2.3 - 2", ">= 1", "^", "~", "1.x.3", "1.x-rc", "abc", "|", "1 | 2", "==1", "^^1"] {
            assert_eq!(is_in_range(&Version::LOWEST, text), None, "{text}");
        }
    }
}
