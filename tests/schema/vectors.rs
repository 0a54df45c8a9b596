//! The vectors of `tests/spec`: what their tag `onlyCompiler` says of a refused ruleset is so.

use std::collections::BTreeMap;

use pennon::engine::ruleset::MAX_TEXT_BYTES;
use serde_json::Value;

use crate::{SCHEMA, judge};

const FILES: [(&str, &str); 10] = [
    ("evaluation", include_str!("../spec/evaluation.json")),
    ("operators", include_str!("../spec/operators.json")),
    ("versions", include_str!("../spec/versions.json")),
    ("patterns", include_str!("../spec/patterns.json")),
    ("dates", include_str!("../spec/dates.json")),
    ("segments", include_str!("../spec/segments.json")),
    ("flow", include_str!("../spec/flow.json")),
    ("overrides", include_str!("../spec/overrides.json")),
    ("sticky", include_str!("../spec/sticky.json")),
    ("text", include_str!("../spec/text.json")),
];

/// The ruleset of a vector; `None` where it is given as text that is too long, or that serde_json does not read: it is no
/// JSON, or too deep.
fn ruleset_of(file: &Value, vector: &Value) -> Option<Value> {
    match (&vector["ruleset"], vector.get("rulesetText")) {
        (_, Some(text)) => {
            let text = full(text);
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            if text.len() > MAX_TEXT_BYTES { None } else { serde_json::from_str(text).ok() }
        }
        (Value::String(name), None) => Some(file["rulesets"][name].clone()),
        (ruleset, None) => Some(ruleset.clone()),
    }
}

/// A text, or `{ "repeat", "times" }`, or a list of those one after the other.
fn full(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(full).collect(),
        _ => full(&text["repeat"]).repeat(text["times"].as_u64().unwrap() as usize),
    }
}

#[test]
fn the_vectors_say_which_mistakes_only_the_compiler_finds() {
    let mut wrong = Vec::new();
    let (mut tagged, mut untagged) = (0, 0);
    let mut judged = BTreeMap::new();
    for (name, text) in FILES {
        let file: Value = serde_json::from_str(text).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let Some(ruleset) = ruleset_of(&file, vector) else { continue };
            let is_accepted = SCHEMA.is_valid(&ruleset);
            let expect = &vector["expect"];
            if expect["errorCode"] == "PARSE_ERROR" || expect["refused"] == true {
                let is_tagged = vector["onlyCompiler"] == true;
                *if is_tagged { &mut tagged } else { &mut untagged } += 1;
                if is_accepted != is_tagged {
                    let found = if is_accepted { "accepts" } else { "refuses" };
                    wrong.push(format!("{name}: {}: the schema {found} it, tagged {is_tagged}", vector["name"]));
                }
            }
            judged
                .entry(ruleset.to_string())
                .or_insert_with(|| judge(&ruleset).map_err(|found| (vector["name"].clone(), found)));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(tagged > 150 && untagged > 400, "{tagged} {untagged}");
    let differ: Vec<_> = judged.into_values().filter_map(Result::err).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}
