//! Conditions are checked.

use std::cmp::Ordering;

use super::super::pattern;
use super::super::version::{self, Version};
use super::fields::Fields;
use super::names::Name;
use super::part::{At, Form, Kind, Rest};
use super::{FLAGS, MISSING, SEGMENTS};

/// The most conditions of a flag or a segment: a decision looks at each at most once.
const MAX_CONDITIONS: usize = 10_000;
/// How deep conditions may be nested in each other. A chain of 32 flags or segments with conditions so deep needs some
/// 170 kB of a browser's stack, of which there is less than 1 MB; at the 64 levels of a flag it would need 650 kB.
const MAX_NESTED: usize = 16;
/// The most texts that are looked for one by one.
const MAX_NEEDLES: usize = 1000;

/// The names of types in `isType`.
pub const TYPES: [&str; 5] = ["string", "number", "boolean", "list", "object"];

/// How an attribute is compared. Several of a ruleset's operators may be one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Exists,
    NotExists,
    Among,
    NotAmong,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Between,
    Before,
    After,
    InRange,
    ContainsAny,
    ContainsAll,
    ContainsNone,
    SubsetOf,
    SetEq,
    Type,
    Hashed,
    Bucket,
}

impl Operator {
    /// Whether it says that one that compares so holds.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            _ => false,
        }
    }
}

/// How an operator's `value` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    Nothing,
    ScalarOrList,
    List,
    Texts,
    Patterns,
    Number,
    TwoNumbers,
    Time,
    Versions,
    Version,
    Range,
    Types,
    Hashes,
    Share,
}

pub const OPERATORS: [(&str, Operator, Operand); 31] = [
    ("eq", Operator::Among, Operand::ScalarOrList),
    ("neq", Operator::NotAmong, Operand::ScalarOrList),
    ("in", Operator::Among, Operand::List),
    ("notIn", Operator::NotAmong, Operand::List),
    ("contains", Operator::Contains, Operand::Texts),
    ("startsWith", Operator::StartsWith, Operand::Texts),
    ("endsWith", Operator::EndsWith, Operand::Texts),
    ("matches", Operator::Matches, Operand::Patterns),
    ("lt", Operator::Less, Operand::Number),
    ("lte", Operator::AtMost, Operand::Number),
    ("gt", Operator::Greater, Operand::Number),
    ("gte", Operator::AtLeast, Operand::Number),
    ("between", Operator::Between, Operand::TwoNumbers),
    ("before", Operator::Before, Operand::Time),
    ("after", Operator::After, Operand::Time),
    ("semverEq", Operator::Equal, Operand::Versions),
    ("semverLt", Operator::Less, Operand::Version),
    ("semverLte", Operator::AtMost, Operand::Version),
    ("semverGt", Operator::Greater, Operand::Version),
    ("semverGte", Operator::AtLeast, Operand::Version),
    ("semverRange", Operator::InRange, Operand::Range),
    ("containsAny", Operator::ContainsAny, Operand::List),
    ("containsAll", Operator::ContainsAll, Operand::List),
    ("containsNone", Operator::ContainsNone, Operand::List),
    ("subsetOf", Operator::SubsetOf, Operand::List),
    ("setEq", Operator::SetEq, Operand::List),
    ("exists", Operator::Exists, Operand::Nothing),
    ("notExists", Operator::NotExists, Operand::Nothing),
    ("isType", Operator::Type, Operand::Types),
    ("inHashed", Operator::Hashed, Operand::Hashes),
    ("bucket", Operator::Bucket, Operand::Share),
];

/// What is expected of each [`Operand`].
const EXPECTED: [&str; 14] = [
    "",
    "a scalar, or a list of scalars",
    "a list of scalars",
    "a string, or a list of at most 1000",
    "a pattern of the documented subset, or a list of at most 1000",
    "a number",
    "two numbers, the lower one first",
    "a date, Unix milliseconds, or from now like -7d",
    "a version like 2.4.0, or a list of them",
    "a version like 2.4.0",
    "a range of versions like ^2.4 || 3.x",
    "string, number, boolean, list or object, or a list of these",
    "a salt and hashes",
    "a salt and a percent",
];

impl Fields<'_> {
    pub fn condition(&mut self, at: At) {
        self.nested += 1;
        self.nested_condition(at);
        self.nested -= 1;
    }

    fn nested_condition(&mut self, at: At) {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            self.fail(at, "at most 10000 conditions");
        }
        if self.nested > MAX_NESTED {
            self.fail(at, "conditions nested at most 16 deep");
        }
        if self.part.fault.is_some() {
            return;
        }
        let forms = [
            (Name::All, Form::All),
            (Name::Any, Form::Any),
            (Name::Not, Form::Not),
            (Name::Segment, Form::Segment),
            (Name::Flag, Form::Flag),
            (Name::Attribute, Form::Attribute),
        ];
        let found = forms.iter().find_map(|(name, form)| Some((self.part.get(at, *name)?, *form)));
        let Some((inner, form)) = found else {
            return self.fail(at, "a condition: all, any, not, segment, flag or attribute");
        };
        self.set(at, |token| (token.form, token.from) = (form, inner.place()));
        match form {
            Form::All | Form::Any => {
                let mut items = self.items(inner, usize::MAX, "a list of conditions");
                while let Some(item) = self.step(&mut items) {
                    self.condition(item);
                }
            }
            Form::Not => self.condition(inner),
            Form::Segment => {
                let key = self.part.as_str(inner);
                let Some(place) = key.and_then(|key| self.ruleset.find(SEGMENTS, key)) else {
                    return self.fail(inner, "the key of a segment");
                };
                self.set_number(inner, place.into());
                self.part.references.push(self.ruleset.node_of(SEGMENTS, place));
            }
            Form::Flag => self.flag_answers(at),
            Form::Attribute => self.comparison(at, inner),
        }
    }

    /// `{ "flag", "variants" }`, as a condition or a prerequisite.
    pub fn flag_answers(&mut self, at: At) {
        if let Some(flag) = self.required(at, Name::Flag, "the key of a flag") {
            self.a_text(flag);
            let place = self.ruleset.find(FLAGS, self.part.text(flag)).unwrap_or(MISSING);
            if place == MISSING {
                self.part.missing = Some(flag);
            }
            self.set_number(flag, place.into());
            self.part.references.push(place);
        }
        let expected = "a list of the keys of variants";
        let variants = self.required(at, Name::Variants, expected);
        self.texts(variants, expected);
    }

    fn comparison(&mut self, condition: At, attribute: At) {
        self.a_text(attribute);
        self.boolean(condition, Name::IgnoreCase);
        let Some(named) = self.required(condition, Name::Op, "an operator") else { return };
        let name = self.part.as_str(named);
        let Some(place) = OPERATORS.iter().position(|(operator, ..)| name == Some(operator)) else {
            return self.fail(named, "a known operator");
        };
        let ignore_case = self.part.number_of(condition, Name::IgnoreCase, 0.0);
        self.set(condition, |token| (token.operator, token.number) = (place as u8, ignore_case));
        let operand = OPERATORS.get(place).map_or(Operand::Nothing, |(_, _, operand)| *operand);
        if operand == Operand::Nothing {
            return;
        }
        let expected = EXPECTED.get(operand as usize).copied().unwrap_or_default();
        let Some(value) = self.required(condition, Name::Value, expected) else { return };
        self.set(condition, |token| token.to = value.place());
        self.operand(value, operand, expected, ignore_case > 0.0);
    }

    /// What the attribute is compared with.
    fn operand(&mut self, value: At, operand: Operand, expected: &'static str, ignore_case: bool) {
        let items = match operand {
            Operand::List => self.items(value, usize::MAX, expected),
            Operand::TwoNumbers => {
                let numbers = self.items(value, 2, expected);
                if self.part.count(numbers) != 2 {
                    self.fail(value, expected);
                }
                numbers
            }
            Operand::ScalarOrList | Operand::Types | Operand::Versions => self.part.one_or_more(value),
            Operand::Texts | Operand::Patterns => {
                let texts = self.part.one_or_more(value);
                if self.part.count(texts) > MAX_NEEDLES {
                    self.fail(value, expected);
                }
                texts
            }
            Operand::Hashes => {
                if let Some(salt) = self.required(value, Name::Salt, "a string") {
                    self.a_text(salt);
                }
                let Some(hashes) = self.required(value, Name::Hashes, "a list of hashes") else { return };
                self.items(hashes, usize::MAX, "a list of hashes")
            }
            Operand::Share => {
                if self.required(value, Name::Salt, "a string without NUL").is_some() {
                    self.salt(value, "");
                    self.part.salts.push(value.place());
                    self.percent(value);
                }
                return;
            }
            _ => value.alone(),
        };
        self.each(items, operand, expected, ignore_case);
        match operand {
            Operand::ScalarOrList | Operand::List if self.part.fault.is_none() => {
                self.part.sort(value);
                self.part.dedup(value);
            }
            Operand::Hashes => self.sort(self.part.get(value, Name::Hashes).unwrap_or(value)),
            // They are numbers, so each is one token.
            Operand::TwoNumbers => {
                let low = value.next();
                if self.part.number(low) > self.part.number(low.next()) {
                    self.fail(value, expected);
                }
            }
            _ => {}
        }
    }

    /// Each of what the attribute is compared with.
    fn each(&mut self, mut items: Rest, operand: Operand, expected: &'static str, ignore_case: bool) {
        while let Some(item) = self.step(&mut items) {
            let text = self.part.as_str(item);
            let is_sound = match operand {
                Operand::ScalarOrList | Operand::List | Operand::Texts if text.is_some() => {
                    if ignore_case && let Some(text) = text {
                        let folded = (self.platform().lower_case)(text);
                        self.set_text(item, &folded);
                    }
                    true
                }
                Operand::ScalarOrList | Operand::List => {
                    if self.part.token(item).kind != Kind::Bool {
                        self.number(item, "a string, a number, true or false");
                    }
                    true
                }
                Operand::Number | Operand::TwoNumbers => {
                    self.number(item, expected);
                    true
                }
                Operand::Time => {
                    self.time_or_relative(
                        item,
                        "a date like 2026-10-01T00:00:00Z, Unix milliseconds, or from now like -7d",
                    );
                    true
                }
                Operand::Patterns => text.is_some_and(pattern::is_allowed),
                Operand::Versions | Operand::Version => text.is_some_and(|text| Version::parse(text).is_some()),
                Operand::Range => text.is_some_and(|text| version::is_in_range(&Version::LOWEST, text).is_some()),
                Operand::Types => text.is_some_and(|text| TYPES.contains(&text)),
                Operand::Hashes => {
                    if !text.is_some_and(is_hash) {
                        self.fail(item, "64 hexadecimal digits in lower case");
                    }
                    true
                }
                _ => false,
            };
            if !is_sound {
                self.fail(item, expected);
            }
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
