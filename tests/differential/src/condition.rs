//! Conditions with every operator, on attributes that people have.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::choices::Choices;
use crate::pattern::Pattern;
use crate::version;
use crate::words::{self, IDS};

/// What is known while a ruleset is made, so that its parts fit together.
#[derive(Default)]
pub struct Known {
    pub segments: usize,
    pub flags: usize,
    /// Texts that some condition holds of, or nearly: people get them as attributes.
    pub near: Vec<String>,
}

/// The attributes, each by the kind of value that people mostly have there.
pub const TEXT: [&str; 3] = ["plan", "name", "deep.inside"];
pub const NUMBER: [&str; 2] = ["age", "deep.count"];
pub const TIME: [&str; 1] = ["seen"];
pub const VERSION: [&str; 2] = ["app.version", "os"];
pub const LIST: [&str; 2] = ["tags", "deep.list"];
pub const ID: [&str; 4] = ["org", "$distinctId", "$anonymousId", "$deviceId"];
const ODD: [&str; 7] = ["missing", "", "__proto__", "constructor", "deep", "deep.inside.more", "$other"];

const ON_TEXT: [&str; 10] =
    ["eq", "neq", "in", "notIn", "contains", "startsWith", "endsWith", "inHashed", "matches", "matches"];
const ON_NUMBERS: [&str; 7] = ["lt", "lte", "gt", "gte", "between", "eq", "in"];
const ON_TIMES: [&str; 2] = ["before", "after"];
const ON_VERSIONS: [&str; 7] =
    ["semverRange", "semverEq", "semverLt", "semverLte", "semverGt", "semverGte", "semverRange"];
const ON_LISTS: [&str; 5] = ["containsAny", "containsAll", "containsNone", "subsetOf", "setEq"];
const ON_ANYTHING: [&str; 3] = ["exists", "notExists", "isType"];
const ON_IDS: [&str; 4] = ["bucket", "eq", "in", "startsWith"];
const TYPES: [&str; 5] = ["string", "number", "boolean", "list", "object"];

pub fn condition(choices: &mut Choices<'_>, known: &mut Known, depth: usize) -> Value {
    match choices.below(12) {
        8 if depth > 0 => json!({ "all": choices.list(0, 3, |choices| condition(choices, known, depth - 1)) }),
        9 if depth > 0 => json!({ "any": choices.list(0, 3, |choices| condition(choices, known, depth - 1)) }),
        10 if depth > 0 => json!({ "not": condition(choices, known, depth - 1) }),
        11 if known.flags > 0 && choices.one_in(2) => {
            let variants = choices.list(0, 2, |choices| choices.pick(&["on", "off", "third", "none"]));
            json!({ "flag": flag_key(choices, known), "variants": variants })
        }
        11 if known.segments > 0 => json!({ "segment": segment_key(choices, known) }),
        _ => on_attribute(choices, known),
    }
}

/// A flag, mostly one that is made already, so that most chains end.
pub fn flag_key(choices: &mut Choices<'_>, known: &Known) -> String {
    let most = if choices.one_in(40) { 8 } else { known.flags.max(1) };
    format!("f{}", choices.below(most))
}

pub fn segment_key(choices: &mut Choices<'_>, known: &Known) -> String {
    let most = if choices.one_in(40) { 6 } else { known.segments.max(1) };
    format!("s{}", choices.below(most))
}

fn on_attribute(choices: &mut Choices<'_>, known: &mut Known) -> Value {
    let (names, operators): (&[&str], &[&str]) = match choices.below(8) {
        0 | 1 => (&TEXT, &ON_TEXT),
        2 => (&NUMBER, &ON_NUMBERS),
        3 => (&TIME, &ON_TIMES),
        4 => (&VERSION, &ON_VERSIONS),
        5 => (&LIST, &ON_LISTS),
        6 => (&ID, &ON_IDS),
        _ => (&ODD, &ON_ANYTHING),
    };
    let operators = if choices.one_in(10) {
        choices.pick(&[&ON_TEXT[..], &ON_NUMBERS, &ON_LISTS, &ON_ANYTHING])
    } else {
        operators
    };
    let operator = if choices.one_in(100) { "like" } else { choices.pick(operators) };
    let names = if choices.one_in(10) { choices.pick(&[&TEXT[..], &NUMBER, &TIME, &LIST, &ID]) } else { names };
    let ignores_case = choices.one_in(3);
    let mut condition = json!({ "attribute": choices.pick(names), "op": operator });
    let value =
        if choices.one_in(60) { words::anything(choices, 2) } else { operand(choices, known, operator, ignores_case) };
    if !value.is_null() {
        condition["value"] = value;
    }
    if ignores_case {
        condition["ignoreCase"] = true.into();
    }
    condition
}

/// A value that the operator takes; null for none.
fn operand(choices: &mut Choices<'_>, known: &mut Known, operator: &str, ignores_case: bool) -> Value {
    match operator {
        "eq" | "neq" if choices.one_in(2) => words::scalar(choices),
        "eq" | "neq" | "in" | "notIn" | "containsAny" | "containsAll" | "containsNone" | "subsetOf" | "setEq" => {
            choices.list(0, 4, words::scalar).into()
        }
        "contains" | "startsWith" | "endsWith" => one_or_list(choices, |choices| words::text(choices).into()),
        "matches" => one_or_list(choices, |choices| {
            let pattern = Pattern::new(choices);
            known.near.push(pattern.subject(choices));
            pattern.text.into()
        }),
        "lt" | "lte" | "gt" | "gte" => words::number(choices),
        "between" => {
            let mut ends = [words::number(choices), words::number(choices)];
            if !choices.one_in(10) {
                ends.sort_by(|one, other| one.as_f64().unwrap_or(0.0).total_cmp(&other.as_f64().unwrap_or(0.0)));
            }
            ends.to_vec().into()
        }
        "before" | "after" => words::time_or_relative(choices),
        "semverEq" => one_or_list(choices, |choices| version::version(choices).into()),
        "semverLt" | "semverLte" | "semverGt" | "semverGte" => version::version(choices).into(),
        "semverRange" => version::range(choices).into(),
        "isType" => one_or_list(choices, |choices| choices.pick(&TYPES).into()),
        "inHashed" => {
            let salt = words::text(choices);
            let hashes = choices.list(0, 4, |choices| {
                let text = words::text(choices);
                known.near.push(text.clone());
                hash(&salt, &if ignores_case { text.to_lowercase() } else { text })
            });
            json!({ "salt": salt, "hashes": hashes })
        }
        "bucket" => {
            json!({ "salt": choices.pick(&["pilot", "pilot", "other", "", "f0"]), "percent": percent(choices) })
        }
        _ => Value::Null,
    }
}

fn one_or_list(choices: &mut Choices<'_>, mut make: impl FnMut(&mut Choices<'_>) -> Value) -> Value {
    if choices.one_in(3) { choices.list(0, 3, make).into() } else { make(choices) }
}

fn hash(salt: &str, text: &str) -> String {
    Sha256::new().chain_update(salt).chain_update(text).finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Mostly in range, with at most 3 decimals.
pub fn percent(choices: &mut Choices<'_>) -> Value {
    match choices.below(10) {
        0..4 => choices.between(0, 100).into(),
        4..8 => json!(choices.between(0, 100_000) as f64 / 1000.0),
        8 => json!(choices.pick(&[0.0, 100.0, -0.0, 50.0])),
        _ if choices.one_in(4) => json!(choices.pick(&[-1.0, 100.001, 33.3333, 1e-9])),
        _ => 50.into(),
    }
}

/// An id of a person, for lists.
pub fn id(choices: &mut Choices<'_>) -> Value {
    choices.pick(&IDS).into()
}
