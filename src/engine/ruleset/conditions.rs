//! Conditions: JSON to the model.

use super::super::json::{Node, Value};
use super::super::pattern;
use super::super::version::{self, Comparison, Version};
use super::fields::Fields;
use super::model::{Condition, FlagAnswers, MISSING, Operand, Operator, Scalars, TYPES};

/// The most conditions of a flag or a segment: a decision looks at each at most once.
const MAX_CONDITIONS: usize = 10_000;
/// How deep conditions may be nested in each other. A chain of 32 flags or segments with conditions so deep needs some
/// 170 kB of a browser's stack, of which there is less than 1 MB; at the 64 levels of a flag it would need 650 kB.
const MAX_NESTED: usize = 16;
/// The most texts that are looked for one by one.
const MAX_NEEDLES: usize = 1000;

/// How an operator's `value` is read.
#[derive(Clone, Copy)]
enum Kind {
    Nothing,
    ScalarOrList,
    List,
    Texts,
    Patterns,
    Number,
    TwoNumbers,
    Time,
    Versions,
    Version(Comparison),
    Range,
    Types,
    Hashes,
    Share,
}

const OPERATORS: [(&str, Operator, Kind); 31] = [
    ("eq", Operator::Among, Kind::ScalarOrList),
    ("neq", Operator::NotAmong, Kind::ScalarOrList),
    ("in", Operator::Among, Kind::List),
    ("notIn", Operator::NotAmong, Kind::List),
    ("contains", Operator::Contains, Kind::Texts),
    ("startsWith", Operator::StartsWith, Kind::Texts),
    ("endsWith", Operator::EndsWith, Kind::Texts),
    ("matches", Operator::Matches, Kind::Patterns),
    ("lt", Operator::Less, Kind::Number),
    ("lte", Operator::AtMost, Kind::Number),
    ("gt", Operator::Greater, Kind::Number),
    ("gte", Operator::AtLeast, Kind::Number),
    ("between", Operator::Between, Kind::TwoNumbers),
    ("before", Operator::Before, Kind::Time),
    ("after", Operator::After, Kind::Time),
    ("semverEq", Operator::Version, Kind::Versions),
    ("semverLt", Operator::Version, Kind::Version(Comparison::Less)),
    ("semverLte", Operator::Version, Kind::Version(Comparison::AtMost)),
    ("semverGt", Operator::Version, Kind::Version(Comparison::Greater)),
    ("semverGte", Operator::Version, Kind::Version(Comparison::AtLeast)),
    ("semverRange", Operator::Version, Kind::Range),
    ("containsAny", Operator::ContainsAny, Kind::List),
    ("containsAll", Operator::ContainsAll, Kind::List),
    ("containsNone", Operator::ContainsNone, Kind::List),
    ("subsetOf", Operator::SubsetOf, Kind::List),
    ("setEq", Operator::SetEq, Kind::List),
    ("exists", Operator::Exists, Kind::Nothing),
    ("notExists", Operator::NotExists, Kind::Nothing),
    ("isType", Operator::Type, Kind::Types),
    ("inHashed", Operator::Hashed, Kind::Hashes),
    ("bucket", Operator::Bucket, Kind::Share),
];

impl Fields<'_> {
    /// A condition; `None` with a fault.
    pub fn condition(&mut self, node: &Node<'_>) -> Option<Condition> {
        self.nested += 1;
        let condition = self.nested_condition(node);
        self.nested -= 1;
        condition
    }

    fn nested_condition(&mut self, node: &Node<'_>) -> Option<Condition> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            self.fail(node, "at most 10000 conditions");
        }
        if self.nested > MAX_NESTED {
            self.fail(node, "conditions nested at most 16 deep");
        }
        if self.fault.is_some() {
            return None;
        }
        if let Some(all) = node.get_some("all") {
            return Some(Condition::All(self.several(all)));
        }
        if let Some(any) = node.get_some("any") {
            return Some(Condition::Any(self.several(any)));
        }
        if let Some(not) = node.get_some("not") {
            return Some(Condition::Not(Box::new(self.condition(not)?)));
        }
        if let Some(segment) = node.get_some("segment") {
            let segments = &self.ruleset.segments.index;
            let Some(place) = segment.as_str().and_then(|key| segments.find(&self.ruleset.text, key)) else {
                self.fail(segment, "the key of a segment");
                return None;
            };
            self.references.segments.push(place as u32);
            return Some(Condition::Segment(place as u32));
        }
        if node.get_some("flag").is_some() {
            return Some(Condition::Flag(self.flag_answers(node)));
        }
        let Some(attribute) = node.get_some("attribute") else {
            self.fail(node, "a condition: all, any, not, segment, flag or attribute");
            return None;
        };
        let name = self.text(attribute);
        let ignore_case = self.boolean(node, "ignoreCase", false);
        let named = self.required(node, "op", "an operator")?;
        let Some((_, operator, kind)) = OPERATORS.iter().find(|(name, ..)| named.as_str() == Some(name)) else {
            self.fail(named, "a known operator");
            return None;
        };
        let operand = self.operand(node, *kind, ignore_case)?;
        Some(Condition::Attribute { name, operator: *operator, operand, ignore_case, span: self.ruleset.span_of(node) })
    }

    /// `{ "flag", "variants" }`, as a condition or a prerequisite.
    pub fn flag_answers(&mut self, node: &Node<'_>) -> FlagAnswers {
        let key = self.required(node, "flag", "the key of a flag").map(|node| self.text(node)).unwrap_or_default();
        let flag = self.ruleset.place_of(&key).unwrap_or_else(|| {
            self.references.missing = key;
            MISSING
        });
        self.references.flags.push(flag);
        let expected = "a list of the keys of variants";
        let variants = self.required(node, "variants", expected).map_or(&[][..], |node| self.items(node, expected));
        FlagAnswers { flag, variants: self.texts(variants) }
    }

    fn several(&mut self, node: &Node<'_>) -> Vec<Condition> {
        let mut several = Vec::new();
        for item in self.items(node, "a list of conditions") {
            several.extend(self.condition(item));
        }
        several
    }

    /// What the attribute is compared with; `None` with a fault.
    fn operand(&mut self, condition: &Node<'_>, kind: Kind, ignore_case: bool) -> Option<Operand> {
        let expected = match kind {
            Kind::Nothing => return Some(Operand::None),
            Kind::ScalarOrList => "a scalar, or a list of scalars",
            Kind::List => "a list of scalars",
            Kind::Texts => "a string, or a list of at most 1000",
            Kind::Patterns => "a pattern of the documented subset, or a list of at most 1000",
            Kind::Number => "a number",
            Kind::TwoNumbers => "two numbers, the lower one first",
            Kind::Time => "a date, Unix milliseconds, or from now like -7d",
            Kind::Versions => "a version like 2.4.0, or a list of them",
            Kind::Version(_) => "a version like 2.4.0",
            Kind::Range => "a range of versions like ^2.4 || 3.x",
            Kind::Types => "string, number, boolean, list or object, or a list of these",
            Kind::Hashes => "a salt and hashes",
            Kind::Share => "a salt and a percent",
        };
        let node = self.required(condition, "value", expected)?;
        let lower_case = self.platform().lower_case;
        let fold = |text: &str| if ignore_case { lower_case(text) } else { text.to_owned() };
        Some(match kind {
            Kind::Nothing => Operand::None,
            Kind::ScalarOrList | Kind::List => {
                let items =
                    if matches!(kind, Kind::List) { self.items(node, expected) } else { self.one_or_more(node) };
                let mut set = Scalars::default();
                for item in items {
                    match &item.value {
                        Value::Bool(value) => {
                            if let Some(is_in) = set.bools.get_mut(usize::from(*value)) {
                                *is_in = true;
                            }
                        }
                        Value::String(text) => set.texts.push(fold(text)),
                        _ => set.numbers.push(self.number(item, "a string, a number, true or false")),
                    }
                }
                set.sort();
                Operand::Scalars(set)
            }
            Kind::Texts | Kind::Patterns => {
                let items = self.one_or_more(node);
                if items.len() > MAX_NEEDLES {
                    self.fail(node, expected);
                }
                let mut texts = Vec::with_capacity(items.len());
                let are_patterns = matches!(kind, Kind::Patterns);
                for item in items {
                    match item.as_str() {
                        Some(text) if !are_patterns => texts.push(fold(text)),
                        Some(text) if pattern::is_allowed(text) => texts.push(text.to_owned()),
                        _ => self.fail(item, expected),
                    }
                }
                Operand::Texts(texts)
            }
            Kind::Number => {
                let number = self.number(node, expected);
                Operand::Numbers(number, number)
            }
            Kind::TwoNumbers => {
                let [low, high] = self.items(node, expected) else {
                    self.fail(node, expected);
                    return None;
                };
                let (low, high) = (self.number(low, expected), self.number(high, expected));
                if low > high {
                    self.fail(node, expected);
                }
                Operand::Numbers(low, high)
            }
            Kind::Time => Operand::Time(self.time(node)),
            Kind::Versions | Kind::Version(_) => {
                let (items, comparison) = match kind {
                    Kind::Version(comparison) => (std::slice::from_ref(node), comparison),
                    _ => (self.one_or_more(node), Comparison::Equal),
                };
                let mut versions = Vec::with_capacity(items.len());
                for item in items {
                    match item.as_str().and_then(Version::parse) {
                        Some(version) => versions.push(vec![(comparison, version)]),
                        None => self.fail(item, expected),
                    }
                }
                Operand::Versions(versions)
            }
            Kind::Range => {
                let range = node.as_str().and_then(version::parse_range);
                if range.is_none() {
                    self.fail(node, expected);
                }
                Operand::Versions(range?)
            }
            Kind::Types => {
                let mut types = [false; TYPES.len()];
                for item in self.one_or_more(node) {
                    let place = TYPES.iter().position(|name| item.as_str() == Some(name));
                    match place.and_then(|place| types.get_mut(place)) {
                        Some(is_in) => *is_in = true,
                        None => self.fail(item, expected),
                    }
                }
                Operand::Types(types)
            }
            Kind::Hashes => {
                let salt = self.required(node, "salt", "a string").map(|node| self.text(node)).unwrap_or_default();
                let listed = self.required(node, "hashes", "a list of hashes")?;
                let mut hashes = Vec::new();
                for item in self.items(listed, "a list of hashes") {
                    match item.as_str().and_then(hash_from_hex) {
                        Some(hash) => hashes.push(hash),
                        None => self.fail(item, "64 hexadecimal digits in lower case"),
                    }
                }
                hashes.sort_unstable();
                Operand::Hashes(salt, hashes)
            }
            Kind::Share => {
                self.required(node, "salt", "a string without NUL")?;
                let salt = self.salt(node, "", "");
                self.references.salts.push((salt.clone(), self.ruleset.offset_of(node)));
                Operand::Share(salt, self.percent(node))
            }
        })
    }
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
