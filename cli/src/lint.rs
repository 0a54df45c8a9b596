//! What the engine accepts and is likely a mistake.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{Document, field, items, text};
use crate::finding::{Code, Finding};
use crate::misspelt::misspelt;
use crate::view::{FlagView, condition_kind, each_condition};

/// Warnings about a ruleset that reads.
pub fn lint(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, json) in &document.flags {
        let flag = FlagView { key, json };
        let place = format!("flags.{key}");
        for (at, required) in items(json, "requires").iter().enumerate() {
            unknown_variants(document, required, &format!("{place}.requires[{at}]"), &mut findings);
        }
        for (at, rule) in flag.rules().iter().enumerate() {
            if let Some(when) = field(rule, "when") {
                unknown_variants_of_conditions(document, when, &format!("{place}.rules[{at}].when"), &mut findings);
            }
        }
        findings.extend(no_slot(document, flag));
        findings.extend(unreachable_rules(flag));
    }
    for (key, segment) in &document.segments {
        if let Some(when) = field(segment, "when") {
            unknown_variants_of_conditions(document, when, &format!("segments.{key}.when"), &mut findings);
        }
    }
    findings.extend(unused_segments(document));
    misspelt(document, &mut findings);
    findings
}

fn unknown_variants_of_conditions(document: &Document, when: &Value, place: &str, findings: &mut Vec<Finding>) {
    each_condition(when, place, &mut |condition, place| {
        if condition_kind(condition) == Some("flag") {
            unknown_variants(document, condition, place, findings);
        }
    });
}

/// `answers`: `{ "flag", "variants" }`. A flag that does not exist is the engine's to report.
fn unknown_variants(document: &Document, answers: &Value, place: &str, findings: &mut Vec<Finding>) {
    let Some((key, json)) = text(answers, "flag").and_then(|key| document.flags.get_key_value(key)) else { return };
    let flag = FlagView { key, json };
    if flag.variants().is_empty() {
        return;
    }
    for (at, variant) in items(answers, "variants").iter().enumerate() {
        let Some(name) = variant.as_str().filter(|name| !flag.has_variant(name)) else { continue };
        findings.push(Finding::warning(
            Code::UnknownVariant,
            format!("{place}.variants[{at}]"),
            format!("found {name:?}, expected a variant of the flag {key:?}"),
        ));
    }
}

fn no_slot(document: &Document, flag: FlagView<'_>) -> Option<Finding> {
    let key = text(flag.json, "layer")?;
    let slots = field(document.layers.get(key)?, "slots")?;
    if !items(slots, flag.key).is_empty() {
        return None;
    }
    Some(Finding::warning(
        Code::NoSlot,
        format!("flags.{}.layer", flag.key),
        format!("the layer {key:?} has no slot for this flag, so everybody gets the off variant"),
    ))
}

fn unreachable_rules(flag: FlagView<'_>) -> Option<Finding> {
    let rules = flag.rules();
    let catch_all = rules.iter().position(|rule| rule.is_object() && field(rule, "when").is_none())?;
    let unreachable = rules.len() - catch_all - 1;
    if unreachable == 0 {
        return None;
    }
    let key = flag.key;
    let them =
        if unreachable == 1 { "this rule is".into() } else { format!("this and all later rules ({unreachable}) are") };
    Some(Finding::warning(
        Code::UnreachableRule,
        format!("flags.{key}.rules[{}]", catch_all + 1),
        format!("{them} never reached: flags.{key}.rules[{catch_all}] has no condition and decides for everyone"),
    ))
}

/// Segments that no rule asks, neither itself nor through other segments.
fn unused_segments(document: &Document) -> Vec<Finding> {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&Value> = document
        .flags
        .iter()
        .flat_map(|(key, json)| FlagView { key, json }.rules())
        .filter_map(|rule| field(rule, "when"))
        .collect();
    while let Some(when) = open.pop() {
        each_condition(when, "", &mut |condition, _| {
            if condition_kind(condition) != Some("segment") {
                return;
            }
            let Some(key) = text(condition, "segment").filter(|key| used.insert(key)) else { return };
            open.extend(document.segments.get(key).and_then(|segment| field(segment, "when")));
        });
    }
    let unused = document.segments.keys().filter(|key| !used.contains(key.as_str()));
    unused
        .map(|key| {
            let message = "no flag asks for this segment".to_owned();
            Finding::warning(Code::UnusedSegment, format!("segments.{key}"), message)
        })
        .collect()
}
