//! What is wrong with a ruleset: where, what was found, what was expected.

use std::borrow::Cow;

use super::super::json::{self, Malformed, Reader};
use super::super::text::{cut, push_integer};

/// The most bytes of what was found that a message shows.
const MAX_FOUND_BYTES: usize = 40;

/// The parts of a message, put together in JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `flags.checkout.rules[0].serve`; empty for the ruleset as a whole.
    pub place: String,
    pub found: String,
    pub expected: &'static str,
}

impl Problem {
    pub(super) fn new(place: &str, found: &str, expected: &'static str) -> Self {
        Self { place: place.to_owned(), found: cut(found, MAX_FOUND_BYTES).to_owned(), expected }
    }

    pub(super) fn malformed(ruleset: &str, Malformed { at }: Malformed) -> Self {
        let mut place = String::from("byte ");
        push_integer(&mut place, at as u64);
        let rest = ruleset.get(at..).filter(|rest| !rest.is_empty()).unwrap_or("the end of the text");
        Self::new(&place, rest, "JSON")
    }
}

/// What is wrong, as it is found: no more than where. A [`Problem`] is made of it when somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where the value that is wrong begins in the ruleset's text.
    pub at: usize,
    /// The member that the value lacks; empty when it is the value itself that is wrong.
    pub missing: &'static str,
    pub expected: &'static str,
}

impl Fault {
    /// `text`: the member of a section that holds the value, from its byte `start` of the ruleset on; `member`: its name.
    pub fn describe(self, member: String, text: &str, start: usize) -> Problem {
        let at = self.at.saturating_sub(start);
        let mut place = place_of(member, text, at);
        if !self.missing.is_empty() {
            push_name(&mut place, self.missing);
            return Problem::new(&place, "nothing", self.expected);
        }
        let value = text.get(at..).unwrap_or_default();
        Problem::new(&place, value.get(..length_of(value)).unwrap_or_default(), self.expected)
    }
}

/// The name of a value, and behind it the names and numbers that lead to the value inside that begins at `at`.
fn place_of(mut place: String, text: &str, at: usize) -> String {
    let mut here = 0;
    while let Some(rest) = text.get(here..).filter(|_| here < at) {
        let mut reader = Reader::new(rest);
        // The last member or item that begins before that place holds it.
        let mut inside = None;
        let _: Result<bool, Malformed> = reader.members(&mut |reader, key| {
            let start = here + reader.at();
            reader.value()?;
            if start <= at {
                inside = Some((start, Step::Name(json::decode_string(rest.get(key.0..key.1).unwrap_or_default()))));
            }
            Ok(())
        });
        if rest.starts_with('[') {
            let mut start = here + 1;
            let mut number = 0;
            while start <= at {
                inside = Some((start, Step::Item(number)));
                let item = text.get(start..).unwrap_or_default();
                let mut reader = Reader::new(item);
                reader.whitespace();
                let is_read = reader.value().is_ok();
                reader.whitespace();
                if !is_read || !item.get(reader.at()..).is_some_and(|rest| rest.starts_with(',')) {
                    break;
                }
                start += reader.at() + 1;
                number += 1;
            }
        }
        match inside {
            Some((start, step)) if start > here => {
                match step {
                    Step::Name(name) => push_name(&mut place, &name),
                    Step::Item(number) => {
                        place.push('[');
                        push_integer(&mut place, number);
                        place.push(']');
                    }
                }
                here = skip_whitespace(text, start);
            }
            _ => break,
        }
    }
    place
}

enum Step<'t> {
    Name(Cow<'t, str>),
    Item(u64),
}

/// How long the value is that a text begins with.
fn length_of(text: &str) -> usize {
    let mut reader = Reader::new(text);
    if reader.value().is_ok() { reader.at() } else { text.len() }
}

fn skip_whitespace(text: &str, at: usize) -> usize {
    let mut reader = Reader::new(text.get(at..).unwrap_or_default());
    reader.whitespace();
    at + reader.at()
}

fn push_name(place: &mut String, name: &str) {
    place.push('.');
    place.push_str(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_names_and_numbers_whatever_white_space_is_between() {
        let text = "{ \"a\" : 1 , \"b\\u0063\" : [ 2 , { \"\" : [ [ ] , \"x\" , { } ] } , 3 ] } ";
        let place = |at| place_of("f".into(), text, at);
        for (value, expected) in
            [("1", "f.a"), ("2", "f.bc[0]"), ("\"x\"", "f.bc[1].[1]"), ("{ }", "f.bc[1].[2]"), (" 3", "f.bc[2]")]
        {
            let at = skip_whitespace(text, text.find(value).unwrap());
            assert_eq!(place(at), expected, "{value}");
            let found = Fault { at: at + 100, missing: "", expected: "" }.describe("f".into(), text, 100).found;
            assert_eq!(found, value.trim());
        }
        let missing = Fault { at: text.find("{ }").unwrap(), missing: "name", expected: "" };
        let missing = missing.describe("f".into(), text, 0);
        assert_eq!((missing.place.as_str(), missing.found.as_str()), ("f.bc[1].[2].name", "nothing"));
        assert_eq!(place(0), "f");
    }
}
