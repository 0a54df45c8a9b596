//! The shapes that cross, each beside its TypeScript.

use js_sys::{Array, Object};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::engine::attributes::Value;
use crate::engine::exposure::Stats;
use crate::engine::exposure::id::Dedup;
use crate::engine::identity::Identity;
use crate::engine::ruleset;

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
  readonly attributes: unknown
}
"#;

pub struct EngineOptions(Value);

impl EngineOptions {
    pub fn read(options: &JsValue) -> Self {
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

/// Plain data from JavaScript, as the facade has made it: at most 32 levels deep, nothing that throws.
pub fn attributes(value: &JsValue) -> Value {
    if let Some(number) = value.as_f64() {
        return if number.is_finite() { Value::Number(number) } else { Value::Null };
    }
    if let Some(text) = value.as_string() {
        return Value::Text(text);
    }
    if let Some(flag) = value.as_bool() {
        return Value::Bool(flag);
    }
    if Array::is_array(value) {
        let items: &Array = value.unchecked_ref();
        return Value::List(items.iter().map(|item| attributes(&item)).collect());
    }
    if !value.is_object() {
        return Value::Null;
    }
    let entries = Object::entries(value.unchecked_ref());
    let member = |entry: JsValue| {
        let entry: &Array = entry.unchecked_ref();
        (entry.get(0).as_string().unwrap_or_default(), attributes(&entry.get(1)))
    };
    Value::object(entries.iter().map(member).collect())
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

#[derive(Serialize)]
struct RulesetProblem<'a> {
    place: &'a str,
    found: &'a str,
    expected: &'a str,
}

pub fn problem(problem: &ruleset::Problem) -> JsValue {
    to_js(&RulesetProblem { place: &problem.place, found: &problem.found, expected: problem.expected })
}

#[wasm_bindgen(typescript_custom_section)]
const IDENTITY: &str = r#"
export interface IdentityIds {
  readonly distinctId: string
  readonly anonymousId: string
  readonly deviceId: string
}
"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdentityIds<'a> {
    distinct_id: &'a str,
    anonymous_id: &'a str,
    device_id: &'a str,
}

pub fn identity(identity: &Identity) -> JsValue {
    to_js(&IdentityIds {
        distinct_id: identity.distinct_id(),
        anonymous_id: &identity.anonymous_id,
        device_id: &identity.device_id,
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
  /** Rows given up, by reason: JSON. */
  readonly dropped: string
  /** Those of experiments, by `flag/variant`: JSON. */
  readonly droppedBy: string
  /** On the monotonic clock. */
  readonly flushDueMonoMs?: number
  readonly nowMonoMs: number
}
"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EngineStats {
    recorded: u32,
    sending: usize,
    pending: usize,
    delivered: u32,
    refused: u32,
    resent: u32,
    adopted: u32,
    traps: u32,
    persist_failed: u32,
    unreachable: u32,
    seq_max: u32,
    dropped: String,
    dropped_by: String,
    flush_due_mono_ms: Option<f64>,
    now_mono_ms: f64,
}

pub fn stats(stats: &Stats, now_mono_ms: f64) -> JsValue {
    let ledger = &stats.ledger;
    let (mut dropped, mut dropped_by) = (String::new(), String::new());
    stats.dropped.write(&mut dropped);
    ledger.write_dropped_by(&mut dropped_by);
    to_js(&EngineStats {
        recorded: stats.recorded,
        sending: stats.sending,
        pending: stats.pending,
        delivered: stats.delivered,
        refused: ledger.refused,
        resent: ledger.resent,
        adopted: ledger.adopted,
        traps: ledger.traps,
        persist_failed: ledger.persist_failed,
        unreachable: ledger.unreachable,
        seq_max: ledger.seq_max,
        dropped,
        dropped_by,
        flush_due_mono_ms: stats.flush_due_mono_ms,
        now_mono_ms,
    })
}

/// Plain data to a plain object; absent fields are undefined.
fn to_js(value: &impl Serialize) -> JsValue {
    value.serialize(&Serializer::new()).unwrap_or(JsValue::UNDEFINED)
}
