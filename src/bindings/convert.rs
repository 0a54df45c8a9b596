//! The shapes that cross, each beside its TypeScript.

use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::engine::attributes::Value;
use crate::engine::client::Answer;
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
  /** Instead of the hash of endpoint and key. */
  readonly namespace: string | undefined
  readonly persist: boolean
  readonly identified: string | undefined
  /** Plain data. */
  readonly attributes: unknown
}
"#;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineOptions {
    pub endpoint: Option<String>,
    pub key: String,
    pub dedup: String,
    pub flush_interval_ms: f64,
    pub attribute_names: Vec<String>,
    pub app_version: String,
    pub namespace: Option<String>,
    pub persist: bool,
    pub identified: Option<String>,
    pub attributes: Value,
}

impl EngineOptions {
    pub fn dedup(&self) -> Dedup {
        match self.dedup.as_str() {
            "identity" => Dedup::Identity,
            "none" => Dedup::None,
            _ => Dedup::Session,
        }
    }
}

#[wasm_bindgen(typescript_custom_section)]
const DECISION: &str = r#"
/** A decision without its value. */
export interface DecisionDetails {
  readonly variant?: string
  readonly reason: string
  readonly ruleId?: string
  readonly bucket?: number
  readonly flagVersion?: number
  readonly errorCode?: string
}
"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionDetails<'a> {
    variant: Option<&'a str>,
    reason: &'static str,
    rule_id: Option<&'a str>,
    bucket: Option<u32>,
    flag_version: Option<f64>,
    error_code: Option<&'static str>,
}

pub fn decision(answer: &Answer<'_>) -> JsValue {
    let decision = &answer.decision;
    to_js(&DecisionDetails {
        variant: answer.variant_key,
        reason: decision.reason.as_str(),
        rule_id: decision.rule_id,
        bucket: decision.bucket,
        flag_version: answer.flag_version.map(|version| version as f64),
        error_code: decision.error.map(|error| error.as_str()),
    })
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
  readonly droppedRingFull: number
  readonly resent: number
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
    dropped_ring_full: u32,
    resent: u32,
    flush_due_mono_ms: Option<f64>,
    now_mono_ms: f64,
}

pub fn stats(stats: &Stats, now_mono_ms: f64) -> JsValue {
    to_js(&EngineStats {
        recorded: stats.recorded,
        sending: stats.sending,
        pending: stats.pending,
        delivered: stats.delivered,
        refused: stats.ledger.refused,
        dropped_ring_full: stats.ledger.dropped_ring_full,
        resent: stats.ledger.resent,
        flush_due_mono_ms: stats.flush_due_mono_ms,
        now_mono_ms,
    })
}

/// Plain data to a plain object; absent fields are undefined.
fn to_js(value: &impl Serialize) -> JsValue {
    value.serialize(&Serializer::new()).unwrap_or(JsValue::UNDEFINED)
}
