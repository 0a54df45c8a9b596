//! A case played to the native engine.

use std::collections::BTreeMap;

use pennon::engine::attributes::Value as Attributes;
use pennon::engine::client::{Client, Stored};
use pennon::engine::exposure::{Config, State};
use pennon::engine::platform::{NATIVE, Platform};
use pennon::engine::ruleset::{Problem, Ruleset};
use pennon::engine::time::Now;
use serde_json::{Value, json};

use crate::case::{Action, Case, Step, read_json};

/// What the native engine answers after each step: the ids, every flag's decision, and what is wrong with the ruleset that
/// the step brought.
pub fn play(case: &Case) -> Vec<Value> {
    play_on(case, NATIVE)
}

/// The same on a platform that may have other functions.
pub fn play_on(case: &Case, platform: Platform) -> Vec<Value> {
    let mut client = None;
    case.steps.iter().enumerate().map(|(place, step)| answer(&mut client, place as u8, step, platform)).collect()
}

/// Of answers as [`play`] gives them: after each step every flag's decision by its key, with its value.
pub fn decisions(answers: &[Value]) -> Vec<BTreeMap<String, Value>> {
    let by_key = |decision: &Value| {
        let mut decision = decision.clone();
        // As written it has an order.
        let json = decision["valueJson"].take();
        decision["value"] = json.as_str().map(read_json).unwrap_or_default();
        (decision["key"].to_string(), decision)
    };
    answers.iter().map(|answer| answer["decisions"].as_array().into_iter().flatten().map(by_key).collect()).collect()
}

fn answer(client: &mut Option<Client>, place: u8, step: &Step, platform: Platform) -> Value {
    let now = Now { wall_ms: step.now_ms as f64, mono_ms: 0.0 };
    // Each drawn in a step differs from the others, and so do those of other steps.
    let mut drawn = 0;
    let mut random = || {
        drawn += 1;
        [place, drawn, 0, 0, 0, 0, 0, 0, 0, 0]
    };
    let mut wrong = Wrong::default();
    match &step.action {
        Action::Start { ruleset, id, attributes } => {
            let _instance_id = random();
            let attributes = read_attributes(attributes);
            let state = State::new(config(platform), None);
            let (made, _) = Client::new(state, id.clone(), attributes, Stored::default(), now, &mut random);
            set_ruleset(client.insert(made), ruleset, platform, &mut wrong);
        }
        action => {
            let Some(client) = client.as_mut() else { return Value::Null };
            match action {
                Action::Start { .. } | Action::Wait => {}
                Action::Identify { id, attributes } => {
                    drop(client.identify(Some(id.clone()), read_attributes(attributes), now));
                }
                Action::Ruleset { ruleset } => set_ruleset(client, ruleset, platform, &mut wrong),
                Action::Override { flag, variant } => drop(client.override_flag(flag.clone(), variant.clone(), false)),
                Action::ClearOverrides => drop(client.clear_overrides()),
                Action::Reset => drop(client.reset(false, now, &mut random)),
            }
        }
    }
    let Some(client) = client.as_mut() else { return Value::Null };
    let decisions: Vec<Value> = client.flag_keys().iter().map(|key| decision(client, key, now)).collect();
    let identity = client.identity();
    json!({
        "ids": [identity.distinct_id(), identity.anonymous_id, identity.device_id],
        "decisions": decisions,
        "problems": wrong.problems,
        "isRefused": wrong.is_refused,
    })
}

/// What is wrong with a ruleset, and whether that is all of it.
#[derive(Default)]
struct Wrong {
    problems: Vec<Value>,
    is_refused: bool,
}

fn set_ruleset(client: &mut Client, text: &str, platform: Platform, wrong: &mut Wrong) {
    match client.set_ruleset(Ruleset::read(text, platform)) {
        Ok(_) => wrong.problems.extend(client.problems().iter().map(shown)),
        Err(problem) => *wrong = Wrong { problems: vec![shown(&problem)], is_refused: true },
    }
}

/// The decision as the package gives it.
fn decision(client: &mut Client, key: &str, now: Now) -> Value {
    let answer = client.decide(key, now);
    let mut decision = json!({
        "key": key,
        "variant": answer.variant_key,
        "reason": answer.decision.reason.as_str(),
        "ruleId": answer.decision.rule_id,
        "bucket": answer.decision.bucket,
        "flagVersion": answer.flag_version,
        "errorCode": answer.decision.error.map(|error| error.as_str()),
    });
    let variant = answer.variant_key.map(str::to_owned);
    let value = variant.and_then(|variant| client.variant_json(key, &variant));
    decision["valueJson"] = value.into();
    decision
}

/// Place, what was found there, and what was expected.
fn shown(problem: &Problem) -> Value {
    json!([problem.place, problem.found, problem.expected])
}

fn read_attributes(attributes: &Value) -> Attributes {
    match attributes {
        Value::Null => Attributes::Null,
        Value::Bool(value) => Attributes::Bool(*value),
        Value::Number(number) => number.as_f64().map_or(Attributes::Null, Attributes::Number),
        Value::String(text) => Attributes::Text(text.clone()),
        Value::Array(items) => Attributes::List(items.iter().map(read_attributes).collect()),
        Value::Object(members) => {
            Attributes::Object(members.iter().map(|(name, value)| (name.clone(), read_attributes(value))).collect())
        }
    }
}

fn config(platform: Platform) -> Config {
    Config::new("instance".into(), platform)
}
