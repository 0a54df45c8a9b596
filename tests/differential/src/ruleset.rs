//! Rulesets with every part that there is.

use serde_json::{Map, Value, json};

use crate::choices::Choices;
use crate::condition::{self, Known, condition, percent};
use crate::words;

const UNITS: [&str; 4] = ["distinctId", "deviceId", "anonymousId", "org"];
const VARIANTS: [&str; 3] = ["on", "off", "third"];
const LAYERS: [&str; 2] = ["l0", "l1"];
const HOLDOUTS: [&str; 2] = ["h0", "h1"];

pub fn ruleset(choices: &mut Choices<'_>, known: &mut Known) -> Value {
    // Layers and holdouts fit a flag only where all are by the same unit.
    let by = by(choices);
    let mut ruleset = json!({ "schema": 1, "version": choices.between(0, 9), "environment": "production" });
    known.segments = choices.below(5);
    let count = known.segments;
    let segments: Vec<_> = (0..count)
        .map(|at| {
            known.segments = if choices.one_in(40) { count } else { at };
            (format!("s{at}"), segment(choices, known))
        })
        .collect();
    known.segments = count;
    let flags: Vec<_> = (0..1 + choices.below(6))
        .map(|at| {
            known.flags = if choices.one_in(40) { 6 } else { at };
            (format!("f{at}"), flag(choices, known, &by))
        })
        .collect();
    ruleset["flags"] = words::object(flags);
    ruleset["segments"] = words::object(segments);
    ruleset["layers"] = words::object(LAYERS.map(|key| (key.to_owned(), layer(choices, &by))).to_vec());
    ruleset["holdouts"] = words::object(HOLDOUTS.map(|key| (key.to_owned(), holdout(choices, &by))).to_vec());
    if choices.one_in(100) {
        let part = choices.pick(&["schema", "version", "environment", "flags", "segments", "layers", "holdouts"]);
        ruleset[part] = words::anything(choices, 1);
    }
    ruleset
}

/// A ruleset of nothing but `matches`: a flag for each attribute, and for each a text near its pattern.
pub fn patterns(choices: &mut Choices<'_>) -> (Value, Vec<(String, Value)>) {
    let mut near = Vec::new();
    let flags = (0..6)
        .map(|at| {
            let pattern = crate::pattern::Pattern::new(choices);
            near.push((format!("p{at}"), pattern.subject(choices).into()));
            let when = json!({
                "attribute": format!("p{at}"), "op": "matches", "value": pattern.text, "ignoreCase": choices.one_in(2)
            });
            let rules = json!([{ "when": when, "serve": "on" }]);
            (format!("f{at}"), json!({ "variants": { "on": at, "off": null }, "default": "off", "rules": rules }))
        })
        .collect();
    (json!({ "flags": words::object(flags) }), near)
}

fn by(choices: &mut Choices<'_>) -> Value {
    match choices.below(5) {
        0..2 => "distinctId".into(),
        2 | 3 => choices.pick(&UNITS).into(),
        _ => choices.list(1, 3, |choices| choices.pick(&UNITS)).into(),
    }
}

fn segment(choices: &mut Choices<'_>, known: &mut Known) -> Value {
    let mut fields = Map::new();
    if choices.one_in(2) {
        fields.insert("include".into(), choices.list(0, 3, condition::id).into());
    }
    if choices.one_in(3) {
        fields.insert("exclude".into(), choices.list(0, 3, condition::id).into());
    }
    if !choices.one_in(4) {
        fields.insert("when".into(), condition(choices, known, 2));
    }
    if choices.one_in(3) {
        fields.insert("by".into(), by(choices));
    }
    spoil(choices, &mut fields);
    fields.into()
}

fn layer(choices: &mut Choices<'_>, by: &Value) -> Value {
    // Ends of slots, in order, each slot for one of the flags or for none.
    let mut ends: Vec<i64> = choices.list(2, 8, |choices| choices.between(0, 100) * 1000);
    ends.extend([0, 100_000]);
    ends.sort_unstable();
    ends.dedup();
    let mut slots: Map<String, Value> = Map::new();
    for pair in ends.windows(2) {
        let key = format!("f{}", choices.below(7));
        let of_flag = slots.entry(key).or_insert_with(|| json!([]));
        of_flag.as_array_mut().map(|of_flag| of_flag.push(json!(pair))).unwrap_or_default();
    }
    if choices.one_in(40) {
        slots.insert("f0".into(), json!([[10, 20], [15, 30]]));
    }
    let mut fields = Map::from_iter([("slots".to_owned(), slots.into()), ("by".to_owned(), by.clone())]);
    if choices.one_in(4) {
        fields.insert("salt".into(), words::text(choices).into());
    }
    spoil(choices, &mut fields);
    fields.into()
}

fn holdout(choices: &mut Choices<'_>, by: &Value) -> Value {
    let mut fields = Map::from_iter([("percent".to_owned(), percent(choices)), ("by".to_owned(), by.clone())]);
    if choices.one_in(4) {
        fields.insert("salt".into(), words::text(choices).into());
    }
    spoil(choices, &mut fields);
    fields.into()
}

fn flag(choices: &mut Choices<'_>, known: &mut Known, shared_by: &Value) -> Value {
    let variants = json!({ "on": words::anything(choices, 2), "off": choices.below(9), "third": { "é": [1.5, null] } });
    let mut fields = Map::from_iter([
        ("variants".to_owned(), variants),
        ("default".to_owned(), variant(choices)),
        ("by".to_owned(), if choices.one_in(20) { by(choices) } else { shared_by.clone() }),
        ("version".to_owned(), choices.between(0, 9).into()),
        ("rules".to_owned(), choices.list(0, 4, |choices| rule(choices, known)).into()),
    ]);
    let mut sometimes =
        |choices: &mut Choices<'_>, times: usize, name: &str, make: &mut dyn FnMut(&mut Choices<'_>) -> Value| {
            if choices.one_in(times) {
                let value = make(choices);
                fields.insert(name.to_owned(), value);
            }
        };
    sometimes(choices, 3, "off", &mut variant);
    sometimes(choices, 12, "enabled", &mut |choices| (choices.below(4) == 3).into());
    sometimes(choices, 4, "experiment", &mut |_| "experiment".into());
    sometimes(choices, 6, "salt", &mut |choices| words::text(choices).into());
    sometimes(choices, 4, "targets", &mut |choices| choices.list(0, 3, target).into());
    sometimes(choices, 3, "holdout", &mut |choices| reference(choices, &HOLDOUTS));
    sometimes(choices, 3, "layer", &mut |choices| reference(choices, &LAYERS));
    sometimes(choices, 3, "limitExposure", &mut limit);
    sometimes(choices, 10, "start", &mut words::time);
    sometimes(choices, 10, "end", &mut words::time);
    sometimes(choices, 3, "sticky", &mut |choices| (choices.below(4) < 3).into());
    sometimes(choices, 8, "stickyVersion", &mut |choices| choices.between(0, 2).into());
    let most = if known.flags == 0 { 0 } else { 2 };
    sometimes(choices, 4, "requires", &mut |choices| {
        choices
            .list(0, most, |choices| {
                let variants = choices.list(0, 3, |choices| choices.pick(&["on", "off", "third", "none"]));
                json!({ "flag": condition::flag_key(choices, known), "variants": variants })
            })
            .into()
    });
    spoil(choices, &mut fields);
    fields.into()
}

fn variant(choices: &mut Choices<'_>) -> Value {
    choices.pick(&VARIANTS).into()
}

fn reference(choices: &mut Choices<'_>, keys: &[&str]) -> Value {
    if choices.one_in(40) { "elsewhere".into() } else { choices.pick(keys).into() }
}

fn target(choices: &mut Choices<'_>) -> Value {
    let mut target = json!({ "variant": variant(choices), "ids": choices.list(0, 3, condition::id) });
    if choices.one_in(3) {
        target["by"] = by(choices);
    }
    target
}

fn limit(choices: &mut Choices<'_>) -> Value {
    let mut limit = json!({ "percent": percent(choices) });
    if choices.one_in(3) {
        limit["variant"] = variant(choices);
    }
    if choices.one_in(6) {
        limit["salt"] = words::text(choices).into();
    }
    limit
}

fn rule(choices: &mut Choices<'_>, known: &mut Known) -> Value {
    let serve = if choices.one_in(2) {
        choices.list(1, 4, |choices| json!({ "variant": variant(choices), "weight": weight(choices) })).into()
    } else {
        variant(choices)
    };
    let mut rule = json!({ "serve": serve });
    if !choices.one_in(4) {
        rule["when"] = condition(choices, known, 3);
    }
    if choices.one_in(2) {
        rule["id"] = choices.pick(&["r0", "r1", "é"]).into();
    }
    rule
}

fn weight(choices: &mut Choices<'_>) -> Value {
    match choices.below(6) {
        0..3 => choices.between(1, 100).into(),
        3 => json!(choices.between(1, 100_000) as f64 / 1000.0),
        4 => choices.pick(&[0, 1, 1_000_000]).into(),
        _ if choices.one_in(20) => json!(choices.pick(&[-1.0, 1_000_000.001, 0.0001])),
        _ => 1.into(),
    }
}

/// Now and then puts something else in the place of a field.
fn spoil(choices: &mut Choices<'_>, fields: &mut Map<String, Value>) {
    if !choices.one_in(40) {
        return;
    }
    let names: Vec<String> = fields.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = choices.pick(&names);
    let value = words::anything(choices, 1);
    fields.insert(name, value);
}
