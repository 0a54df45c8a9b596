//! Conditions: JSON to the model.

use super::super::json::Node;
use super::super::json::Value;
use super::super::pattern;
use super::super::version::{self, Comparison, Version};
use super::field::{boolean, each, list, number, optional, percent, required, salt, sorted_texts, text, time};
use super::model::{Condition, FlagAnswers, ListTest, MISSING, References, Scalars, TYPES, Test};
use super::{Problem, Ruleset};

/// The most conditions of a flag or a segment: a decision looks at each at most once.
const MAX_CONDITIONS: usize = 10_000;
/// The most texts that are looked for one by one.
const MAX_NEEDLES: usize = 1000;

/// Reads the conditions of one flag or segment.
pub struct Conditions<'r> {
    ruleset: &'r Ruleset,
    count: usize,
    /// What they refer to.
    pub references: References,
}

impl<'r> Conditions<'r> {
    pub fn new(ruleset: &'r Ruleset) -> Self {
        Self { ruleset, count: 0, references: References::default() }
    }

    pub fn read(&mut self, node: &Node<'_>) -> Result<Condition, Problem> {
        self.count += 1;
        if self.count > MAX_CONDITIONS {
            return Err(Problem::new("more conditions", "at most 10000 conditions"));
        }
        if let Some(all) = optional(node, "all", |node| self.several(node))? {
            return Ok(Condition::All(all));
        }
        if let Some(any) = optional(node, "any", |node| self.several(node))? {
            return Ok(Condition::Any(any));
        }
        if let Some(not) = optional(node, "not", |node| self.read(node))? {
            return Ok(Condition::Not(Box::new(not)));
        }
        if let Some(segment) = optional(node, "segment", |node| self.segment(node))? {
            return Ok(Condition::Segment(segment));
        }
        if node.get_some("flag").is_some() {
            return self.flag_answers(node).map(Condition::Flag);
        }
        let Some(name) = optional(node, "attribute", text)? else {
            return Err(Problem::at(node, "a condition: all, any, not, segment, flag or attribute"));
        };
        let ignore_case = optional(node, "ignoreCase", boolean)?.unwrap_or(false);
        let operator = required(node, "op", "an operator", text)?;
        let test = self.test(node, &operator, ignore_case)?;
        Ok(Condition::Attribute { name, test, ignore_case, span: self.ruleset.span_of(node) })
    }

    /// `{ "flag", "variants" }`, as a condition or a prerequisite.
    pub fn flag_answers(&mut self, node: &Node<'_>) -> Result<FlagAnswers, Problem> {
        let key = required(node, "flag", "the key of a flag", text)?;
        let flag = self.ruleset.place_of(&key).unwrap_or_else(|| {
            self.references.missing = key;
            MISSING
        });
        self.references.flags.push(flag);
        let expected = "a list of the keys of variants";
        let variants = required(node, "variants", expected, |node| sorted_texts(node, expected))?;
        Ok(FlagAnswers { flag, variants })
    }

    fn several(&mut self, node: &Node<'_>) -> Result<Vec<Condition>, Problem> {
        list(node, "a list of conditions", |node| self.read(node))
    }

    fn segment(&mut self, node: &Node<'_>) -> Result<u32, Problem> {
        let segments = &self.ruleset.segments.index;
        let place = node.as_str().and_then(|key| segments.find(&self.ruleset.text, key));
        let place = place.ok_or_else(|| Problem::at(node, "the key of a segment"))? as u32;
        self.references.segments.push(place);
        Ok(place)
    }

    /// What the attribute is compared with.
    fn test(&mut self, node: &Node<'_>, operator: &str, ignore_case: bool) -> Result<Test, Problem> {
        let platform = self.ruleset.platform;
        let fold = |text: &str| if ignore_case { (platform.lower_case)(text) } else { text.to_owned() };
        let value = |expected| match node.get_some("value") {
            Some(value) => Ok(value),
            None => Err(Problem::new("nothing", expected)),
        };
        let scalars = |lone: bool| {
            let value = value(if lone { "a scalar, or a list of scalars" } else { "a list of scalars" })?;
            if !lone && !matches!(value.value, Value::Array(_)) {
                return Err(Problem::at(value, "a list of scalars"));
            }
            let mut set = Scalars::default();
            one_or_more(value, &mut |node| {
                match &node.value {
                    Value::Bool(value) => {
                        if let Some(is_in) = set.bools.get_mut(usize::from(*value)) {
                            *is_in = true;
                        }
                    }
                    Value::String(text) => set.texts.push(fold(text)),
                    Value::Number(_) => set.numbers.push(number(node, platform)?),
                    _ => return Err(Problem::at(node, "a string, a number, true or false")),
                }
                Ok(())
            })?;
            set.texts.sort_unstable();
            set.texts.dedup();
            set.numbers.sort_unstable_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
            set.numbers.dedup();
            Ok(set)
        };
        let needles = |expected: &'static str, read: &dyn Fn(&str) -> Option<String>| {
            let value = value(expected)?;
            let mut needles = Vec::new();
            one_or_more(value, &mut |node| {
                needles.push(node.as_str().and_then(read).ok_or_else(|| Problem::at(node, expected))?);
                Ok(())
            })?;
            if needles.len() > MAX_NEEDLES {
                return Err(Problem::new("a longer list", "at most 1000 strings"));
            }
            Ok(needles)
        };
        let texts = || needles("a string, or a list of strings", &|text| Some(fold(text)));
        let one_number = || number(value("a number")?, platform);
        let one_time = || {
            let expected = "a date, Unix milliseconds, or from now like -7d";
            time(value(expected)?, platform)
        };
        let one_version = |comparison| {
            let expected = "a version like 2.4.0";
            let value = value(expected)?;
            let version = value.as_str().and_then(Version::parse).ok_or_else(|| Problem::at(value, expected))?;
            Ok(Test::Version(vec![vec![(comparison, version)]]))
        };
        let list_test = |test| scalars(false).map(|set| Test::List(test, set));
        let test = match operator {
            "exists" => return Ok(Test::Exists),
            "notExists" => return Ok(Test::NotExists),
            "eq" => scalars(true).map(|set| Test::Among(set, true)),
            "neq" => scalars(true).map(|set| Test::Among(set, false)),
            "in" => scalars(false).map(|set| Test::Among(set, true)),
            "notIn" => scalars(false).map(|set| Test::Among(set, false)),
            "contains" => texts().map(Test::Contains),
            "startsWith" => texts().map(Test::StartsWith),
            "endsWith" => texts().map(Test::EndsWith),
            "matches" => needles("a pattern of the documented subset, or a list of them", &|pattern| {
                pattern::is_allowed(pattern).then(|| pattern.to_owned())
            })
            .map(Test::Matches),
            "lt" => one_number().map(Test::Less),
            "lte" => one_number().map(Test::AtMost),
            "gt" => one_number().map(Test::Greater),
            "gte" => one_number().map(Test::AtLeast),
            "between" => value("two numbers").and_then(|node| self.between(node)),
            "before" => one_time().map(Test::Before),
            "after" => one_time().map(Test::After),
            "semverEq" => value("a version, or a list of them").and_then(versions),
            "semverLt" => one_version(Comparison::Less),
            "semverLte" => one_version(Comparison::AtMost),
            "semverGt" => one_version(Comparison::Greater),
            "semverGte" => one_version(Comparison::AtLeast),
            "semverRange" => {
                let expected = "a range of versions like ^2.4 || 3.x";
                value(expected).and_then(|node| {
                    let range = node.as_str().and_then(version::parse_range);
                    range.map(Test::Version).ok_or_else(|| Problem::at(node, expected))
                })
            }
            "containsAny" => list_test(ListTest::ContainsAny),
            "containsAll" => list_test(ListTest::ContainsAll),
            "containsNone" => list_test(ListTest::ContainsNone),
            "subsetOf" => list_test(ListTest::SubsetOf),
            "setEq" => list_test(ListTest::SetEq),
            "isType" => value("a type").and_then(types),
            "inHashed" => value("a salt and hashes").and_then(hashed),
            "bucket" => value("a salt and a percent").and_then(|node| self.bucket(node)),
            _ => {
                let operator = node.get_some("op").unwrap_or(node);
                return Err(Problem::at(operator, "a known operator").within("op"));
            }
        };
        test.map_err(|problem| problem.within("value"))
    }

    fn between(&self, node: &Node<'_>) -> Result<Test, Problem> {
        let ends = list(node, "two numbers, the lower one first", |node| number(node, self.ruleset.platform))?;
        match ends.as_slice() {
            [low, high] if low <= high => Ok(Test::Between(*low, *high)),
            _ => Err(Problem::at(node, "two numbers, the lower one first")),
        }
    }

    fn bucket(&mut self, node: &Node<'_>) -> Result<Test, Problem> {
        let salt = required(node, "salt", "a string without NUL", salt)?;
        let buckets = required(node, "percent", "a percentage", |node| percent(node, self.ruleset.platform))?;
        self.references.salts.push(salt.clone());
        Ok(Test::Bucket(salt, buckets))
    }
}

fn one_or_more<'n, 'a>(
    node: &'n Node<'a>,
    read: &mut dyn FnMut(&'n Node<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if matches!(node.value, Value::Array(_)) { each(node, "", read) } else { read(node) }
}

fn versions(node: &Node<'_>) -> Result<Test, Problem> {
    let mut versions = Vec::new();
    one_or_more(node, &mut |node| {
        let version = node.as_str().and_then(Version::parse);
        let version = version.ok_or_else(|| Problem::at(node, "a version like 2.4.0"))?;
        versions.push(vec![(Comparison::Equal, version)]);
        Ok(())
    })?;
    Ok(Test::Version(versions))
}

fn types(node: &Node<'_>) -> Result<Test, Problem> {
    let mut types = [false; TYPES.len()];
    one_or_more(node, &mut |node| {
        let place = TYPES.iter().position(|name| node.as_str() == Some(name));
        let is_in = place.and_then(|place| types.get_mut(place));
        *is_in.ok_or_else(|| Problem::at(node, "string, number, boolean, list or object"))? = true;
        Ok(())
    })?;
    Ok(Test::Type(types))
}

fn hashed(node: &Node<'_>) -> Result<Test, Problem> {
    let salt = required(node, "salt", "a string", text)?;
    let mut hashes = required(node, "hashes", "a list of hashes", |node| {
        list(node, "a list of hashes", |node| {
            let hash = node.as_str().and_then(hash_from_hex);
            hash.ok_or_else(|| Problem::at(node, "64 hexadecimal digits in lower case"))
        })
    })?;
    hashes.sort_unstable();
    Ok(Test::Hashed(salt, hashes))
}

fn hash_from_hex(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digits = text.bytes();
    for byte in &mut hash {
        *byte = digit(digits.next()?)? << 4 | digit(digits.next()?)?;
    }
    digits.next().is_none().then_some(hash)
}
