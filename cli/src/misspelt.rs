//! Fields that nobody reads and whose names are nearly those of fields that somebody does. A rule with `wehn` instead of
//! `when` matches everyone.

use serde_json::Value;
use strsim::osa_distance;

use crate::document::{Document, field, items};
use crate::finding::{Code, Finding};
use crate::view::each_condition;

const RULESET: [&str; 7] = ["schema", "version", "environment", "flags", "segments", "layers", "holdouts"];
const FLAG: [&str; 18] = [
    "variants",
    "default",
    "off",
    "enabled",
    "version",
    "by",
    "experiment",
    "salt",
    "requires",
    "targets",
    "holdout",
    "layer",
    "limitExposure",
    "start",
    "end",
    "rules",
    "sticky",
    "stickyVersion",
];
const CONDITION: [&str; 10] =
    ["all", "any", "not", "segment", "flag", "variants", "attribute", "op", "value", "ignoreCase"];

pub fn misspelt(document: &Document, findings: &mut Vec<Finding>) {
    names(document.fields.iter(), &RULESET, "", findings);
    for (key, flag) in &document.flags {
        let place = format!("flags.{key}");
        fields(flag, &FLAG, &place, findings);
        for (name, known) in [
            ("requires", &["flag", "variants"][..]),
            ("targets", &["variant", "ids", "by"]),
            ("rules", &["id", "when", "serve"]),
        ] {
            for (at, item) in items(flag, name).iter().enumerate() {
                fields(item, known, &format!("{place}.{name}[{at}]"), findings);
            }
        }
        if let Some(limit) = field(flag, "limitExposure") {
            fields(limit, &["percent", "variant", "salt"], &format!("{place}.limitExposure"), findings);
        }
        for (at, rule) in items(flag, "rules").iter().enumerate() {
            conditions(rule, &format!("{place}.rules[{at}]"), findings);
            for (entry, weighted) in items(rule, "serve").iter().enumerate() {
                fields(weighted, &["variant", "weight"], &format!("{place}.rules[{at}].serve[{entry}]"), findings);
            }
        }
    }
    for (key, segment) in &document.segments {
        let place = format!("segments.{key}");
        fields(segment, &["include", "exclude", "when", "by"], &place, findings);
        conditions(segment, &place, findings);
    }
    for (section, members, known) in [
        ("layers", &document.layers, &["slots", "by", "salt"]),
        ("holdouts", &document.holdouts, &["percent", "by", "salt"]),
    ] {
        for (key, json) in members {
            fields(json, known, &format!("{section}.{key}"), findings);
        }
    }
}

/// What an object's `when` holds.
fn conditions(object: &Value, place: &str, findings: &mut Vec<Finding>) {
    if let Some(when) = field(object, "when") {
        each_condition(when, &format!("{place}.when"), &mut |condition, place| {
            fields(condition, &CONDITION, place, findings);
        });
    }
}

fn fields(object: &Value, known: &[&str], place: &str, findings: &mut Vec<Finding>) {
    if let Value::Object(members) = object {
        names(members.keys(), known, place, findings);
    }
}

fn names<'n>(found: impl Iterator<Item = &'n String>, known: &[&str], place: &str, findings: &mut Vec<Finding>) {
    // `$schema` is an editor's.
    for name in found.filter(|name| !known.contains(&name.as_str()) && !name.starts_with('$')) {
        // One mistake in a short name, two in a long one; two letters that have changed places are one. The shortest names
        // are near to too many others.
        let is_near = |known: &&&str| osa_distance(name, known) <= if known.len() > 5 { 2 } else { 1 };
        let Some(meant) = known.iter().filter(|known| known.len() > 3).find(is_near) else { continue };
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        findings.push(Finding::warning(
            Code::MisspeltField,
            place,
            format!("nothing reads this field, expected {meant:?} or another name"),
        ));
    }
}
