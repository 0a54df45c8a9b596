//! What is wrong with a ruleset: where, what was found, what was expected.

use super::super::json::Malformed;
use super::super::text::{cut, push_integer};
use super::part::{Kind, Part, ROOT};
use super::slice;

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
    #[inline(never)]
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
    /// `part`: the one that holds the value, in the ruleset `text`; `place`: its name.
    pub fn describe(self, part: &Part, mut place: String, text: &str) -> Problem {
        let mut here = ROOT;
        let mut number = 0;
        let mut inside = part.inside(here);
        while let Some(at) = part.step(&mut inside) {
            let is_member = part.token(here).kind == Kind::Object;
            let value = if is_member { at.next() } else { at };
            let (start, end) = part.token(value).text_span();
            if !(start..end).contains(&self.at) {
                number += 1;
                continue;
            }
            if is_member {
                push_name(&mut place, part.text(at));
            } else {
                place.push('[');
                push_integer(&mut place, number);
                place.push(']');
            }
            (here, number) = (value, 0);
            inside = part.inside(here);
        }
        let mut found = slice(text, part.token(here).text_span());
        if !self.missing.is_empty() {
            push_name(&mut place, self.missing);
            found = "nothing";
        }
        Problem::new(&place, found, self.expected)
    }
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
        let text = "\"f\" : { \"a\" : 1 , \"b\\u0063\" : [ 2 , { \"\" : [ [ ] , \"x\" , { } ] } , 3 ] } ";
        let part = Part::read(text, (0, 3), (6, text.len() - 1));
        let describe = |fault: Fault| {
            let problem = fault.describe(&part, "f".into(), text);
            (problem.place, problem.found)
        };
        let told = |place: &str, found: &str| (place.to_owned(), found.to_owned());
        for (value, expected) in
            [("1", "f.a"), ("2", "f.bc[0]"), ("\"x\"", "f.bc[1].[1]"), ("{ }", "f.bc[1].[2]"), ("3", "f.bc[2]")]
        {
            let at = text.rfind(value).unwrap();
            assert_eq!(describe(Fault { at, missing: "", expected: "" }), told(expected, value));
        }
        let missing = Fault { at: text.find("{ }").unwrap(), missing: "name", expected: "" };
        assert_eq!(describe(missing), told("f.bc[1].[2].name", "nothing"));
        assert_eq!(describe(Fault { at: 6, missing: "", expected: "" }).0, "f");
    }
}
