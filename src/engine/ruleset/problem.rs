//! What is wrong with a ruleset: where, what was found, what was expected.

use super::super::json::{Malformed, Node};
use super::super::text;
use super::{first_characters, shown};

/// One thing that is wrong. Boxed, so that a result that can carry one stays as small as what it carries otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

/// The parts of a message, put together in JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// `flags.checkout.rules[0].serve`; empty for the ruleset as a whole.
    pub place: String,
    pub found: String,
    pub expected: &'static str,
    /// Whether the place is already seen from the ruleset.
    is_elsewhere: bool,
}

impl std::ops::Deref for Problem {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Problem {
    pub(super) fn new(found: &str, expected: &'static str) -> Self {
        Self(Box::new(Parts { place: String::new(), found: found.to_owned(), expected, is_elsewhere: false }))
    }

    /// The node is not what was expected.
    pub(super) fn at(node: &Node<'_>, expected: &'static str) -> Self {
        Self::new(shown(node), expected)
    }

    pub(super) fn malformed(ruleset: &str, Malformed { at }: Malformed) -> Self {
        let mut place = String::from("byte ");
        text::push_integer(&mut place, at as u64);
        let rest = ruleset.get(at..).filter(|rest| !rest.is_empty()).unwrap_or("the end of the text");
        let mut problem = Self::new(first_characters(rest), "JSON");
        problem.0.place = place;
        problem
    }

    /// The same problem, seen from the object that holds the place under `name`.
    pub(super) fn within(mut self, name: &str) -> Self {
        if self.is_elsewhere {
            return self;
        }
        if !self.place.is_empty() && !self.place.starts_with('[') {
            self.0.place.insert(0, '.');
        }
        self.0.place.insert_str(0, name);
        self
    }

    /// The same problem, of something that another part of the ruleset refers to: it keeps its place.
    pub(super) fn elsewhere(mut self) -> Self {
        self.0.is_elsewhere = true;
        self
    }

    /// The same problem of a flag, seen from the ruleset.
    pub(super) fn within_flag(self, key: &str) -> Self {
        self.within_section("flags", key)
    }

    /// The same problem, seen from the ruleset. Any text is a key, also an empty one.
    pub(super) fn within_section(self, section: &str, key: &str) -> Self {
        if self.is_elsewhere {
            return self;
        }
        let mut problem = self.within(key);
        problem.0.place.insert(0, '.');
        problem.0.place.insert_str(0, section);
        problem
    }

    /// The same problem, seen from the list that holds the place at `index`.
    pub(super) fn within_item(self, index: usize) -> Self {
        let mut name = String::from("[");
        text::push_integer(&mut name, index as u64);
        name.push(']');
        self.within(&name)
    }
}
