//! What holds of every generated case, natively.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

use std::collections::BTreeMap;

use differential::{Case, decisions, play, seeded_bytes};
use proptest::prelude::*;
use serde_json::{Value, json};

const BYTES_PER_CASE: usize = 4096;

/// So many cases of a property, or as many as the environment variable `PROPTEST_CASES` says.
fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default);
    ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

/// Bytes to make a case from. They shrink to fewer, and so to a simpler case.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..BYTES_PER_CASE)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn decisions_do_not_depend_on_the_order_of_anything_that_has_none(bytes in any_bytes()) {
        let case = Case::new(&bytes);
        let text = json!(case.to_json()).to_string();
        let mirrored = Case::new(&bytes).mirrored();
        prop_assert_eq!(decisions(&play(&case)), decisions(&play(&mirrored)), "{}", text);
    }

    #[test]
    fn a_case_is_answered_alike_each_time(bytes in any_bytes()) {
        prop_assert_eq!(play(&Case::new(&bytes)), play(&Case::new(&bytes)));
    }
}

/// Guards the generator: proofs over its cases say nothing of what they do not reach.
#[test]
fn cases_reach_every_reason_and_every_operator() {
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..1000 {
        let case = Case::new(&seeded_bytes(1, number, BYTES_PER_CASE));
        for (step, answer) in case.to_json().iter().zip(play(&case)) {
            for decision in answer["decisions"].as_array().into_iter().flatten() {
                for field in ["reason", "errorCode"] {
                    *reached.entry(decision[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
                }
                if decision["reason"] == "ERROR" {
                    continue;
                }
                let Some(Ok(ruleset)) = step["ruleset"].as_str().map(serde_json::from_str::<Value>) else { continue };
                let mut operators = Vec::new();
                collect_operators(&ruleset["flags"][decision["key"].as_str().unwrap()]["rules"], &mut operators);
                operators.into_iter().for_each(|operator| *reached.entry(operator).or_default() += 1);
            }
        }
    }
    for name in [
        "TARGETING_MATCH",
        "SPLIT",
        "DEFAULT",
        "DISABLED",
        "PREREQUISITE_FAILED",
        "HOLDOUT",
        "NOT_IN_LAYER",
        "NOT_IN_EXPOSURE",
        "OVERRIDE",
        "ERROR",
        "PARSE_ERROR",
        "TARGETING_KEY_MISSING",
        "eq",
        "neq",
        "in",
        "notIn",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "lt",
        "lte",
        "gt",
        "gte",
        "between",
        "before",
        "after",
        "semverEq",
        "semverLt",
        "semverLte",
        "semverGt",
        "semverGte",
        "semverRange",
        "containsAny",
        "containsAll",
        "containsNone",
        "subsetOf",
        "setEq",
        "exists",
        "notExists",
        "isType",
        "inHashed",
        "bucket",
    ] {
        let count = reached.get(name).copied().unwrap_or_default();
        assert!(count >= 20, "{name}: {count} times in 1000 cases, expected at least 20");
    }
}

fn collect_operators(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("op").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect_operators(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_operators(item, found)),
        _ => {}
    }
}
