//! A ruleset, a person, and what happens to them.

use serde_json::{Map, Value, json};

use crate::choices::Choices;
use crate::condition::{self, Known};
use crate::words::{self, BEGIN_MS, IDS};
use crate::{ruleset, version};

pub struct Case {
    pub steps: Vec<Step>,
}

/// Something that happens, and when. After it every flag is decided.
pub struct Step {
    pub now_ms: i64,
    pub action: Action,
}

pub enum Action {
    /// A client is made. Always the first, and only that.
    Start {
        ruleset: String,
        id: Option<String>,
        attributes: Value,
    },
    /// Another person, or the same with other attributes.
    Identify {
        id: String,
        attributes: Value,
    },
    Ruleset {
        ruleset: String,
    },
    Override {
        flag: String,
        variant: String,
    },
    ClearOverrides,
    Reset,
    /// Only time passes.
    Wait,
}

impl Case {
    pub fn new(bytes: &[u8]) -> Self {
        let choices = &mut Choices::new(bytes);
        if choices.one_in(4) {
            return Self::of_patterns(choices);
        }
        let mut known = Known::default();
        let ruleset = ruleset::ruleset(choices, &mut known);
        let start = Action::Start {
            ruleset: text(choices, &ruleset),
            id: choices.one_in(2).then(|| choices.pick(&IDS).to_owned()),
            attributes: attributes(choices, &known),
        };
        let mut now_ms = BEGIN_MS;
        let mut steps = vec![Step { now_ms, action: start }];
        for _ in 0..choices.below(6) {
            if choices.one_in(3) {
                now_ms += choices.pick(&[1, 1000, 60_000, 86_400_000, -1000]);
            }
            let action = match choices.below(8) {
                0..3 => Action::Identify { id: choices.pick(&IDS).to_owned(), attributes: attributes(choices, &known) },
                3 => Action::Override {
                    flag: condition::flag_key(choices, &known),
                    variant: choices.pick(&["on", "off", "none"]).to_owned(),
                },
                4 => Action::ClearOverrides,
                5 => Action::Ruleset { ruleset: reweighted(choices, &ruleset) },
                6 => Action::Wait,
                _ => Action::Reset,
            };
            steps.push(Step { now_ms, action });
        }
        Self { steps }
    }

    fn of_patterns(choices: &mut Choices<'_>) -> Self {
        let (ruleset, near) = ruleset::patterns(choices);
        let ruleset = text(choices, &ruleset);
        let start = Action::Start { ruleset, id: Some("u1".into()), attributes: words::object(near) };
        Self { steps: vec![Step { now_ms: BEGIN_MS, action: start }] }
    }

    /// The same with the members of every object of its rulesets in the opposite order.
    pub fn mirrored(mut self) -> Self {
        for step in &mut self.steps {
            if let Action::Start { ruleset, .. } | Action::Ruleset { ruleset } = &mut step.action {
                *ruleset = mirror(ruleset);
            }
        }
        self
    }

    /// For another program: each step with the action's name under `do`, and its parts.
    pub fn to_json(&self) -> Vec<Value> {
        self.steps.iter().map(Step::to_json).collect()
    }
}

impl Step {
    fn to_json(&self) -> Value {
        let mut step = match &self.action {
            Action::Start { ruleset, id, attributes } => {
                json!({ "do": "start", "ruleset": ruleset, "id": id, "attributes": attributes })
            }
            Action::Identify { id, attributes } => json!({ "do": "identify", "id": id, "attributes": attributes }),
            Action::Ruleset { ruleset } => json!({ "do": "ruleset", "ruleset": ruleset }),
            Action::Override { flag, variant } => json!({ "do": "override", "flag": flag, "variant": variant }),
            Action::ClearOverrides => json!({ "do": "clearOverrides" }),
            Action::Reset => json!({ "do": "reset" }),
            Action::Wait => json!({ "do": "wait" }),
        };
        step["nowMs"] = self.now_ms.into();
        step
    }
}

/// What conditions ask for, mostly of the kind that they ask for.
fn attributes(choices: &mut Choices<'_>, known: &Known) -> Value {
    let mut attributes = Map::new();
    let mut deep = Map::new();
    let kinds: [(&[&str], Make); 6] = [
        (&condition::TEXT, near_text),
        (&condition::NUMBER, |choices, _| words::number(choices)),
        (&condition::TIME, |choices, _| words::time(choices)),
        (&condition::VERSION, |choices, _| version::version(choices).into()),
        (&condition::LIST, |choices, _| choices.list(0, 4, |choices| words::anything(choices, 1)).into()),
        (&["org"], |choices, _| condition::id(choices)),
    ];
    for (names, make) in kinds {
        for name in names {
            if choices.one_in(6) {
                continue;
            }
            let value = if choices.one_in(12) { words::anything(choices, 2) } else { make(choices, known) };
            match name.strip_prefix("deep.") {
                Some(name) => deep.insert(name.to_owned(), value),
                None => attributes.insert((*name).to_owned(), value),
            };
        }
    }
    attributes.insert("deep".into(), deep.into());
    if choices.one_in(8) {
        let name = choices.pick(&["deep.inside", "__proto__", "$distinctId", "constructor", ""]);
        attributes.insert(name.into(), words::anything(choices, 1));
    }
    attributes.into()
}

type Make = fn(&mut Choices<'_>, &Known) -> Value;

fn near_text(choices: &mut Choices<'_>, known: &Known) -> Value {
    if known.near.is_empty() || choices.one_in(2) {
        words::text(choices).into()
    } else {
        choices.pick(&known.near).into()
    }
}

/// The ruleset with other weights and other limits: what `sticky` and limits are there for.
fn reweighted(choices: &mut Choices<'_>, ruleset: &Value) -> String {
    let mut changed = ruleset.clone();
    for flag in changed["flags"].as_object_mut().into_iter().flat_map(|flags| flags.values_mut()) {
        if let Some(percent) = flag.pointer_mut("/limitExposure/percent") {
            *percent = condition::percent(choices);
        }
        for rule in flag.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
            for entry in rule.get_mut("serve").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(weight) = entry.get_mut("weight") {
                    *weight = choices.between(0, 9).into();
                }
            }
        }
    }
    text(choices, &changed)
}

/// JSON text, now and then with everything escaped that may be, and with lone surrogates, which read as U+FFFD.
fn text(choices: &mut Choices<'_>, ruleset: &Value) -> String {
    let plain = ruleset.to_string();
    if !choices.one_in(4) {
        return plain;
    }
    let mut escaped = String::with_capacity(plain.len() * 2);
    for character in plain.chars() {
        match character {
            '\u{fffd}' => escaped += "\\udc00",
            _ if character.is_ascii() => escaped.push(character),
            _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped += &format!("\\u{unit:04X}")),
        }
    }
    escaped
}

/// JSON text made by [`text`], with the members of every object in the opposite order.
fn mirror(ruleset: &str) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => {
                out.push('{');
                for (place, (name, value)) in members.iter().rev().enumerate() {
                    *out += if place > 0 { "," } else { "" };
                    *out += &Value::from(name.as_str()).to_string();
                    out.push(':');
                    write(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    *out += if place > 0 { "," } else { "" };
                    write(item, out);
                }
                out.push(']');
            }
            scalar => *out += &scalar.to_string(),
        }
    }
    let mut mirrored = String::new();
    write(&read_json(ruleset), &mut mirrored);
    mirrored
}

/// JSON text of a case; half a character reads as U+FFFD.
pub fn read_json(json: &str) -> Value {
    serde_json::from_str(&json.replace("\\udc00", "\u{fffd}")).unwrap_or_default()
}
