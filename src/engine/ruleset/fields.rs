//! Fields, checked one by one. The first fault sticks: what is read after it is thrown away with it, so that reading needs no
//! way out at each field. (Results at each field cost the module thousands of bytes.)

use super::super::bucketing::BUCKET_COUNT;
use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::platform::Platform;
use super::super::time::{parse_iso8601, parse_relative};
use super::names::Name;
use super::part::{At, Kind, Part, Rest, Token};
use super::problem::Fault;
use super::{Ruleset, slice};

/// JavaScript's largest safe integer: what a number in JSON can carry without loss.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
/// The longest name, in bytes: names are in every row, and a row cuts longer texts.
const MAX_NAME_BYTES: usize = MAX_TEXT_BYTES;
/// What [`is_name`] expects.
pub const NAME: &str = "a string of 1 to 256 bytes";
/// The most kinds of unit in a list.
const MAX_UNITS: usize = 100;
const NO_NUL: &str = "a string without NUL";

/// Checks one flag, segment, layer or holdout, and writes into its tokens what they stand for.
pub struct Fields<'r> {
    pub ruleset: &'r Ruleset,
    pub part: Part,
    /// How many conditions it has so far.
    pub conditions: usize,
    /// How many conditions the one that is read now is nested in, itself included.
    pub nested: usize,
}

impl<'r> Fields<'r> {
    pub fn new(ruleset: &'r Ruleset, part: Part) -> Self {
        Self { ruleset, part, conditions: 0, nested: 0 }
    }

    pub fn platform(&self) -> Platform {
        self.ruleset.platform
    }

    /// The value is not what was expected.
    #[inline(never)]
    pub fn fail(&mut self, at: At, expected: &'static str) {
        self.fault(Fault { at: self.part.token(at).span.0 as usize, missing: "", expected });
    }

    #[inline(never)]
    pub fn fault(&mut self, fault: Fault) {
        self.part.fault.get_or_insert(fault);
    }

    /// Changes what a token stands for.
    pub fn set(&mut self, at: At, change: impl FnOnce(&mut Token)) {
        if let Some(token) = self.part.tokens.get_mut(at.place() as usize) {
            change(token);
        }
    }

    #[inline(never)]
    pub fn set_number(&mut self, at: At, number: f64) {
        self.set(at, |token| token.number = number);
    }

    /// Changes the text that a token stands for.
    #[inline(never)]
    pub fn set_text(&mut self, at: At, text: &str) {
        let (from, to) = self.part.add_text(text);
        self.set(at, |token| (token.from, token.to) = (from, to));
    }

    /// The next of those places.
    pub fn step(&self, rest: &mut Rest) -> Option<At> {
        self.part.step(rest)
    }

    /// The member of that name; a fault when it is absent or null.
    #[inline(never)]
    pub fn required(&mut self, object: At, name: Name, expected: &'static str) -> Option<At> {
        let found = self.part.get(object, name);
        if found.is_none() {
            self.fault(Fault { at: self.part.token(object).span.0 as usize, missing: name.as_str(), expected });
        }
        found
    }

    #[inline(never)]
    pub fn object(&mut self, at: At, expected: &'static str) {
        if self.part.token(at).kind != Kind::Object {
            self.fail(at, expected);
        }
    }

    #[inline(never)]
    pub fn boolean(&mut self, object: At, name: Name) {
        if let Some(at) = self.part.get(object, name)
            && self.part.token(at).kind != Kind::Bool
        {
            self.fail(at, "true or false");
        }
    }

    #[inline(never)]
    pub fn a_text(&mut self, at: At) {
        if self.part.as_str(at).is_none() {
            self.fail(at, "a string");
        }
    }

    /// A text that rows carry: the name of a rule, an experiment.
    #[inline(never)]
    pub fn name(&mut self, object: At, name: Name) {
        if let Some(at) = self.part.get(object, name)
            && !self.part.as_str(at).is_some_and(is_name)
        {
            self.fail(at, NAME);
        }
    }

    /// The items of a list of at most `most`.
    #[inline(never)]
    pub fn items(&mut self, list: At, most: usize, expected: &'static str) -> Rest {
        let items = self.part.one_or_more(list);
        if self.part.token(list).kind != Kind::List || self.part.count(items) > most {
            self.fail(list, expected);
        }
        items
    }

    /// The items of the list of that name, if there is one.
    #[inline(never)]
    pub fn list(&mut self, object: At, name: Name, most: usize, expected: &'static str) -> Rest {
        match self.part.get(object, name) {
            Some(list) => self.items(list, most, expected),
            None => Rest::NONE,
        }
    }

    /// Ids or keys: a list, which is sorted.
    #[inline(never)]
    pub fn texts(&mut self, list: Option<At>, expected: &'static str) {
        let Some(list) = list else { return };
        let mut items = self.items(list, usize::MAX, expected);
        while let Some(item) = self.step(&mut items) {
            self.a_text(item);
        }
        self.sort(list);
    }

    /// Sorts a list of scalars, once they are known to be such.
    pub fn sort(&mut self, list: At) {
        if self.part.fault.is_none() {
            self.part.sort(list);
        }
    }

    /// A finite number.
    #[inline(never)]
    pub fn number(&mut self, at: At, expected: &'static str) -> f64 {
        let token = self.part.token(at);
        let mut number = f64::NAN;
        if token.kind == Kind::Number {
            number = self.platform().number(slice(&self.ruleset.text, token.text_span()));
        }
        if !number.is_finite() {
            self.fail(at, expected);
        }
        self.set_number(at, number);
        number
    }

    /// A whole number that is not negative.
    #[inline(never)]
    pub fn integer(&mut self, object: At, name: Name) {
        if let Some(at) = self.part.get(object, name) {
            self.whole(at, MAX_SAFE_INTEGER, "a whole number, 0 or more");
        }
    }

    pub fn whole(&mut self, at: At, max: f64, expected: &'static str) {
        let number = self.number(at, expected);
        if !is_whole(number) || number > max {
            self.fail(at, expected);
        }
    }

    /// A number of at most 3 decimals in `0..=max` thousandths, as integer thousandths.
    #[inline(never)]
    pub fn thousandths(&mut self, at: At, max: f64, expected: &'static str) {
        let number = self.number(at, expected);
        let nearest = (number * 1000.0 + 0.5) as u64 as f64;
        // The division rounds to the very number that a decimal of at most 3 places was read as.
        if !(number >= 0.0 && nearest <= max && nearest / 1000.0 == number) {
            self.fail(at, expected);
        }
        self.set_number(at, nearest);
    }

    /// An object's `percent`, as a number of buckets.
    #[inline(never)]
    pub fn percent(&mut self, object: At) {
        if let Some(at) = self.required(object, Name::Percent, "a percentage") {
            self.thousandths(at, BUCKET_COUNT.into(), "0 to 100 with at most 3 decimals");
        }
    }

    /// A point in time: ISO 8601 text with a zone, or Unix milliseconds.
    #[inline(never)]
    pub fn time(&mut self, at: At, expected: &'static str) {
        let Some(text) = self.part.as_str(at) else {
            self.number(at, expected);
            return;
        };
        match parse_iso8601(text) {
            Some(time_ms) => self.set_number(at, time_ms),
            None => self.fail(at, expected),
        }
    }

    /// The same, or milliseconds from now.
    pub fn time_or_relative(&mut self, at: At, expected: &'static str) {
        match self.part.as_str(at).and_then(parse_relative) {
            Some(from_now_ms) => self.set(at, |token| (token.kind, token.number) = (Kind::FromNow, from_now_ms)),
            None => self.time(at, expected),
        }
    }

    /// The salt that an object names. Without one the part has that of its key: what stands before the key, and the key.
    #[inline(never)]
    pub fn salt(&mut self, object: At, prefix: &str) {
        if let Some(at) = self.part.get(object, Name::Salt) {
            if self.part.as_str(at).is_none_or(has_nul) {
                self.fail(at, NO_NUL);
            }
            return;
        }
        if has_nul(self.part.key()) {
            self.fail(object, "a key without NUL, or a salt");
        }
        let mut salt = String::from(prefix);
        salt.push_str(self.part.key());
        self.set_text(object, &salt);
    }

    /// What an object's `by` names.
    #[inline(never)]
    pub fn by(&mut self, object: At) {
        let Some(by) = self.part.get(object, Name::By) else { return };
        let expected = "distinctId, deviceId, anonymousId or the name of an attribute, or a list of at most 100";
        let mut units = self.part.one_or_more(by);
        if !(1..=MAX_UNITS).contains(&self.part.count(units)) {
            self.fail(by, expected);
        }
        while let Some(unit) = self.step(&mut units) {
            if self.part.as_str(unit).is_none_or(str::is_empty) {
                self.fail(unit, expected);
            }
        }
    }
}

pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
}

fn has_nul(text: &str) -> bool {
    text.bytes().any(|byte| byte == 0)
}

/// Whether a number is whole, not negative, and one that JSON can carry without loss.
pub fn is_whole(number: f64) -> bool {
    (0.0..=MAX_SAFE_INTEGER).contains(&number) && number == (number as u64) as f64
}
