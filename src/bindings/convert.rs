//! The shapes that cross, each beside its TypeScript.

use wasm_bindgen::prelude::*;

use crate::browser::platform::HOST;
use crate::engine::attributes::Value;
use crate::engine::exposure::Stats;
use crate::engine::exposure::id::Dedup;
use crate::engine::identity::Identity;
use crate::engine::json::{self, Node};
use crate::engine::ruleset::Problem;
use crate::engine::trace::Trace;

#[wasm_bindgen(typescript_custom_section)]
const ENGINE_OPTIONS: &str = r#"
/** A client's options, already checked. */
export interface EngineOptions {
  /** Absolute; absent: nothing is sent. */
  readonly endpoint: string | undefined
  readonly key: string
  readonly dedup: "session" | "identity" | "none"
  readonly flushIntervalMs: number
  readonly attributeNames: readonly string[]
  readonly appVersion: string
  /** What keeps this client's part of storage apart. */
  readonly namespace: string
  /** Whether the person has agreed to be recorded; else it is not known yet. */
  readonly consent: boolean
  /** Failures of the module on this page so far. */
  readonly traps: number
  /** All times of delivery are so many times as long. 1, but in tests. */
  readonly timeScale: number
  /** Comes before the names of cookies. Absent: there are none. */
  readonly cookiePrefix: string | undefined
  /** Follow their texts. */
  readonly cookieAttributes: string | undefined
  readonly identified: string | undefined
  /** Plain data. */
  readonly attributes: object
}
"#;

pub struct EngineOptions(Value);

impl EngineOptions {
    /// Of their JSON.
    pub fn read(options: &str) -> Self {
        Self(attributes(options))
    }

    /// The text of that name, which is gone afterwards; `None` when there is none.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&mut self, name: &str) -> f64 {
        match self.take(name) {
            Value::Number(number) => number,
            _ => 0.0,
        }
    }

    pub fn flag(&mut self, name: &str) -> bool {
        self.take(name) == Value::Bool(true)
    }

    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Value::List(items) = self.take(name) {
            for item in items {
                if let Value::Text(text) = item {
                    texts.push(text);
                }
            }
        }
        texts
    }

    pub fn dedup(&mut self) -> Dedup {
        match self.text("dedup").as_deref() {
            Some("identity") => Dedup::Identity,
            Some("none") => Dedup::None,
            _ => Dedup::Session,
        }
    }

    pub fn take(&mut self, name: &str) -> Value {
        let Value::Object(members) = &mut self.0 else { return Value::Null };
        let member = members.iter_mut().find(|(key, _)| key == name);
        member.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

/// Plain data from JavaScript, of its JSON.
pub fn attributes(text: &str) -> Value {
    json::parse(text).map_or(Value::Null, |node| value_of(&node))
}

fn value_of(node: &Node<'_>) -> Value {
    match &node.value {
        json::Value::Null => Value::Null,
        json::Value::Bool(flag) => Value::Bool(*flag),
        json::Value::Number(text) => Value::Number(HOST.number(text)),
        json::Value::String(text) => Value::Text(text.clone().into_owned()),
        json::Value::Array(items) => Value::List(items.iter().map(value_of).collect()),
        json::Value::Object(members) => {
            Value::object(members.iter().map(|(name, node)| (name.clone().into_owned(), value_of(node))).collect())
        }
    }
}

#[wasm_bindgen(typescript_custom_section)]
const PROBLEM: &str = r#"
/** What is wrong with a ruleset: the parts of a message. */
export interface RulesetProblem {
  /** `flags.checkout.rules[0].serve`; empty for the ruleset as a whole. */
  readonly place: string
  readonly found: string
  readonly expected: string
}
"#;

/// A `RulesetProblem` as JSON.
pub fn problem(problem: &Problem) -> String {
    written(|out| {
        out.text("place", &problem.place);
        out.text("found", &problem.found);
        out.text("expected", problem.expected);
    })
}

/// A list of `RulesetProblem` as JSON.
pub fn problems(problems: &[Problem]) -> String {
    let mut out = Trace::default();
    out.open(None, '[');
    for each in problems {
        out.item(&problem(each));
    }
    out.close(']');
    out.into_json()
}

/// A list of texts as JSON: one text crosses in less time than many, and takes less code.
pub fn texts(texts: &[String]) -> String {
    let mut out = Trace::default();
    out.texts(None, &mut texts.iter().map(String::as_str));
    out.into_json()
}

#[wasm_bindgen(typescript_custom_section)]
const IDENTITY: &str = r#"
export interface IdentityIds {
  readonly distinctId: string
  readonly anonymousId: string
  readonly deviceId: string
}
"#;

/// `IdentityIds` as JSON.
pub fn identity(identity: &Identity) -> String {
    written(|out| {
        out.text("distinctId", identity.distinct_id());
        out.text("anonymousId", &identity.anonymous_id);
        out.text("deviceId", &identity.device_id);
    })
}

#[wasm_bindgen(typescript_custom_section)]
const STATS: &str = r#"
export interface EngineStats {
  readonly recorded: number
  readonly sending: number
  readonly pending: number
  readonly delivered: number
  readonly refused: number
  readonly resent: number
  readonly adopted: number
  readonly traps: number
  readonly persistFailed: number
  readonly unreachable: number
  readonly seqMax: number
  /** Rows given up, by reason. */
  readonly dropped: Record<string, number>
  /** Those of experiments, by `flag/variant`. */
  readonly droppedBy: Record<string, number>
  /** Absent when none is planned. */
  readonly flushInMs?: number
}
"#;

/// `EngineStats` as JSON.
pub fn stats(stats: &Stats, now_mono_ms: f64) -> String {
    let ledger = &stats.ledger;
    let counts = [
        ("recorded", stats.recorded),
        ("sending", stats.sending as u32),
        ("pending", stats.pending as u32),
        ("delivered", stats.delivered),
        ("refused", ledger.refused),
        ("resent", ledger.resent),
        ("adopted", ledger.adopted),
        ("traps", ledger.traps),
        ("persistFailed", ledger.persist_failed),
        ("unreachable", ledger.unreachable),
        ("seqMax", ledger.seq_max),
    ];
    let (mut dropped, mut dropped_by) = (String::new(), String::new());
    stats.dropped.write(&mut dropped);
    ledger.write_dropped_by(&mut dropped_by);
    written(|out| {
        for (name, count) in counts {
            out.integer(name, count.into());
        }
        out.raw("dropped", &dropped);
        out.raw("droppedBy", &dropped_by);
        if let Some(due_mono_ms) = stats.flush_due_mono_ms {
            out.integer("flushInMs", (due_mono_ms - now_mono_ms) as u64); // Never below 0.
        }
    })
}

/// An object's JSON.
fn written(members: impl FnOnce(&mut Trace)) -> String {
    let mut out = Trace::default();
    out.open(None, '{');
    members(&mut out);
    out.close('}');
    out.into_json()
}
