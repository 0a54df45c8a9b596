//! What cases are made of: few words, so that conditions and people meet; and those in which engines differ.

use serde_json::{Value, json};

use crate::choices::Choices;

/// When every case begins: 2026-09-21T14:13:20Z.
pub const BEGIN_MS: i64 = 1_790_000_000_000;

pub const IDS: [&str; 9] = ["u1", "u2", "u3", "qa-1", "U1", "u\u{fffd}", "é", "e\u{301}", "😀"];

/// Texts that differ in case, in length after folding, in normal form, in white space.
#[rustfmt::skip]
pub const TEXTS: [&str; 44] = [
    "", "a", "A", "pro", "Pro", "PRO", "team", "teams", "straße", "STRASSE", "STRAẞE", "ss", "İstanbul",
    "i\u{307}stanbul", "istanbul", "ıstanbul", "ΌΣΟΣ", "όσος", "όσοσ", "Σ", "σ", "ς", "ǅ", "ǆ", "Ǆ", "k", "K",
    "\u{212a}", "ſ", "s", "é", "e\u{301}", "\u{fb01}", "fi", "😀", "\u{fffd}", "a\0b", "\u{feff}a", " a ", "a\u{a0}",
    "true", "1", "null", "__proto__",
];

#[rustfmt::skip]
const NUMBERS: [f64; 22] = [
    0.0, -0.0, 1.0, -1.0, 1.5, 17.0, 18.0, 18.000_000_000_000_004, 100.0, 0.1, 0.2, 0.3, 0.300_000_000_000_000_04,
    1e21, 1e-7, 1e22, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 5e-324, 1.797_693_134_862_315_7e308,
    -2.5e-300, 1_790_000_000_000.0,
];

#[rustfmt::skip]
const TIMES: [&str; 13] = [
    "2026-09-21", "2026-09-21T14:13:20Z", "2026-09-21T14:13:19.999Z", "2026-09-21T16:13:20+02:00",
    "2026-09-21T14:13:20.0009Z", "2026-09-21T14:13Z", "2026-09-14T14:13:20Z", "2024-02-29", "1969-12-31T23:59:59Z",
    "0001-01-01", "9999-12-31T23:59:59.999Z", "2026-09-21T14:13:20-00:00", "2026-09-21T00:00-12:34",
];

/// What some programs take for points in time.
#[rustfmt::skip]
const ODD_TIMES: [&str; 18] = [
    "2026-02-29", "2024-02-30", "2026-13-01", "2026-00-10", "2026-09-21T24:00Z", "2026-09-21T23:59:60Z",
    "2026-09-21T14:13:20", "2026-09-21 14:13:20Z", "2026-09-21t14:13:20z", "20260921", "2026-9-21", "+002026-09-21",
    "2026-09-21T14:13:20+24:00", "2026-09-21T14:13:20+0200", "2026-09-21T14:13:20.Z", "2026-09-21T14:13:20,5Z",
    "Mon, 21 Sep 2026 14:13:20 GMT", "",
];

const RELATIVE: [&str; 10] = ["-7d", "+7d", "-0s", "+0s", "-90m", "+90m", "-24h", "-1w", "-999999w", "+999999s"];
const ODD_RELATIVE: [&str; 5] = ["7d", "-7", "-7D", "-1000000d", "- 7d"];

/// A text with any of the difficult characters.
pub fn text(choices: &mut Choices<'_>) -> String {
    match choices.below(8) {
        0..5 => choices.pick(&TEXTS).to_owned(),
        5 => choices.pick(&IDS).to_owned(),
        6 => [choices.pick(&TEXTS), choices.pick(&TEXTS)].concat(),
        _ => choices.pick(&TIMES).to_owned(),
    }
}

/// A number as JSON has it: whole ones also without a fraction.
pub fn number(choices: &mut Choices<'_>) -> Value {
    let number = match choices.below(8) {
        0..5 => choices.pick(&NUMBERS),
        5 => choices.between(-20, 20) as f64,
        6 => choices.between(0, 100_000) as f64 / 1000.0,
        _ => choices.number(),
    };
    let is_small_whole = number.fract() == 0.0 && number.abs() < 1e15 && number.to_bits() != (-0.0_f64).to_bits();
    if is_small_whole { json!(number as i64) } else { json!(number) }
}

pub fn scalar(choices: &mut Choices<'_>) -> Value {
    match choices.below(6) {
        0..4 => text(choices).into(),
        4 => number(choices),
        _ => (choices.below(2) == 1).into(),
    }
}

/// A point in time; one in twelve only looks like one.
pub fn time(choices: &mut Choices<'_>) -> Value {
    match choices.below(12) {
        0..5 => choices.pick(&TIMES).into(),
        5..8 => (BEGIN_MS + choices.between(-3, 3) * 1000 + choices.between(-1, 1)).into(),
        8..11 => (BEGIN_MS + choices.between(-10, 10) * 86_400_000).into(),
        _ => choices.pick(&ODD_TIMES).into(),
    }
}

/// A point in time as a condition may have it.
pub fn time_or_relative(choices: &mut Choices<'_>) -> Value {
    match choices.below(20) {
        0..10 => time(choices),
        10..19 => choices.pick(&RELATIVE).into(),
        _ => choices.pick(&ODD_RELATIVE).into(),
    }
}

/// Anything, at most so deep.
pub fn anything(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(8) {
        0..5 => scalar(choices),
        5 => Value::Null,
        6 if depth > 0 => choices.list(0, 3, |choices| anything(choices, depth - 1)).into(),
        7 if depth > 0 => object(choices.list(0, 3, |choices| (text(choices), anything(choices, depth - 1)))),
        _ => number(choices),
    }
}

pub fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().collect())
}
