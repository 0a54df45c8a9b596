//! One form for everything that says the same: so that a change is what changes a decision, and not how it is written.
//!
//! Defaults are filled in, what is null or unknown is left out, units are lists, points in time are milliseconds.

use serde_json::{Map, Value, json};

use crate::document::{Document, Section, field};
use crate::view::{condition_kind, time_ms, units};

/// All of a ruleset that decides, but its version.
pub fn document(document: &Document) -> Value {
    let section = |section: &Section, kind: &str, names: &[&str]| -> Value {
        let members = section.iter().map(|(key, json)| (key.clone(), member(json, kind, key, names)));
        members.collect::<Map<_, _>>().into()
    };
    let flags = document.flags.iter().map(|(key, json)| {
        let version = field(json, "version").cloned().unwrap_or(json!(1.0));
        (key.clone(), json!([version, flag(key, json)]))
    });
    json!({
        "environment": document.environment,
        "flags": flags.collect::<Map<_, _>>(),
        "segments": document.segments.iter().map(|(key, json)| (key.clone(), segment(json))).collect::<Map<_, _>>(),
        "layers": section(&document.layers, "layer", &["slots"]),
        "holdouts": section(&document.holdouts, "holdout", &["percent"]),
    })
}

/// All of a flag that decides, but its version: the fields that are not their defaults. What is no object stays as it is.
pub fn flag(key: &str, json: &Value) -> Value {
    if !json.is_object() {
        return json.clone();
    }
    let mut out = pick(json, &["variants", "default", "off", "experiment", "holdout", "layer"]);
    put(&mut out, "enabled", flagged(json, "enabled", true));
    put(&mut out, "by", Some(units(json).into()).filter(|by| *by != json!(["distinctId"])));
    put(&mut out, "salt", field(json, "salt").filter(|salt| *salt != key).cloned());
    for name in ["start", "end"] {
        put(&mut out, name, field(json, name).map(time));
    }
    let sticky = flagged(json, "sticky", false);
    if sticky == Some(json!(true)) {
        put(&mut out, "stickyVersion", field(json, "stickyVersion").filter(|version| **version != json!(1.0)).cloned());
    }
    put(&mut out, "sticky", sticky);
    put(
        &mut out,
        "limitExposure",
        field(json, "limitExposure").map(|limit| reduced(limit, &["percent", "variant", "salt"])),
    );
    put(&mut out, "requires", each(json, "requires", |item| reduced(item, &["flag", "variants"])));
    put(&mut out, "rules", each(json, "rules", rule));
    put(
        &mut out,
        "targets",
        each(json, "targets", |item| {
            let mut target = pick(item, &["variant", "ids"]);
            put(&mut target, "by", field(item, "by").map(|_| units(item).into()));
            target.into()
        }),
    );
    if out.get("off") == out.get("default") {
        out.remove("off");
    }
    out.into()
}

fn rule(json: &Value) -> Value {
    let mut out = pick(json, &["id"]);
    put(&mut out, "when", field(json, "when").map(condition));
    let entry = |entry: &Value| reduced(entry, &["variant", "weight"]);
    let serve = field(json, "serve").map(|serve| match serve {
        Value::Array(split) => split.iter().map(entry).collect(),
        other => other.clone(),
    });
    put(&mut out, "serve", serve);
    out.into()
}

fn condition(json: &Value) -> Value {
    match condition_kind(json) {
        Some(name @ ("all" | "any")) => {
            let mut out = Map::new();
            put(&mut out, name, Some(each(json, name, condition).unwrap_or_else(|| json!([]))));
            out.into()
        }
        Some("not") => {
            let mut out = Map::new();
            put(&mut out, "not", field(json, "not").map(condition));
            out.into()
        }
        Some("segment") => reduced(json, &["segment"]),
        Some("flag") => reduced(json, &["flag", "variants"]),
        Some(_) => {
            let mut out = pick(json, &["attribute", "op", "value"]);
            put(&mut out, "ignoreCase", flagged(json, "ignoreCase", false));
            out.into()
        }
        None => json.clone(),
    }
}

fn segment(json: &Value) -> Value {
    let mut out = pick(json, &["include", "exclude"]);
    out.retain(|_, list| *list != json!([]));
    put(&mut out, "when", field(json, "when").map(condition));
    put(&mut out, "by", Some(units(json).into()).filter(|by| *by != json!(["distinctId"])));
    out.into()
}

/// A layer or a holdout.
fn member(json: &Value, kind: &str, key: &str, names: &[&str]) -> Value {
    let mut out = pick(json, names);
    put(&mut out, "by", Some(units(json).into()).filter(|by| *by != json!(["distinctId"])));
    let default = format!("{kind}/{key}");
    put(&mut out, "salt", field(json, "salt").filter(|salt| **salt != default).cloned());
    out.into()
}

/// The names of the fields that differ.
pub fn changed_fields(one: &Value, other: &Value) -> Vec<String> {
    let names = |json: &Value| json.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    let mut all = [names(one), names(other)].concat();
    all.sort();
    all.dedup();
    all.retain(|name| one.get(name) != other.get(name));
    all
}

/// The fields of these names that are neither absent nor null.
fn pick(json: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), field(json, name)?.clone()))).collect()
}

fn reduced(json: &Value, names: &[&str]) -> Value {
    pick(json, names).into()
}

fn put(out: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value);
    }
}

/// A field that is not its default.
fn flagged(json: &Value, name: &str, default: bool) -> Option<Value> {
    field(json, name).filter(|value| **value != Value::Bool(default)).cloned()
}

/// The items of a list, each in its one form; `None` for an empty or absent list.
fn each(json: &Value, name: &str, normal: impl Fn(&Value) -> Value) -> Option<Value> {
    match field(json, name)? {
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().map(normal).collect()),
        other => Some(other.clone()),
    }
}

fn time(json: &Value) -> Value {
    time_ms(json).map_or_else(|| json.clone(), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_or_left_out_is_the_same() {
        let short = json!({ "variants": { "a": null }, "default": "a", "start": 0.0,
            "rules": [{ "serve": "a", "when": { "any": [{ "attribute": "x", "op": "exists" }] } }] });
        let long = json!({ "variants": { "a": null }, "default": "a", "off": "a", "enabled": true, "version": 7.0,
            "by": ["distinctId"], "salt": "f", "requires": [], "targets": null, "start": "1970-01-01", "end": null,
            "sticky": false, "stickyVersion": 3.0, "comment": "new",
            "rules": [{ "serve": "a", "when": { "all": null, "any": [
                { "attribute": "x", "op": "exists", "value": null, "ignoreCase": false, "why": "" }], "not": 7.0 } }] });
        assert_eq!(flag("f", &short), flag("f", &long));
    }

    #[test]
    fn what_changes_a_decision_is_a_change() {
        let flag_of = |change: Value| {
            let mut json = json!({ "variants": { "a": null, "b": [1.0] }, "default": "a" });
            json.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            flag("f", &json)
        };
        for change in [
            json!({ "off": "b" }),
            json!({ "enabled": false }),
            json!({ "by": "deviceId" }),
            json!({ "by": ["distinctId", "deviceId"] }),
            json!({ "salt": "g" }),
            json!({ "experiment": "e" }),
            json!({ "layer": "l" }),
            json!({ "holdout": "h" }),
            json!({ "start": 0.0 }),
            json!({ "sticky": true }),
            json!({ "requires": [{ "flag": "g", "variants": [] }] }),
            json!({ "targets": [{ "variant": "a", "ids": [], "by": "deviceId" }] }),
            json!({ "limitExposure": { "percent": 100.0 } }),
            json!({ "rules": [{ "serve": "a" }] }),
            json!({ "rules": [{ "serve": "a", "when": { "all": [] } }] }),
            json!({ "variants": { "a": null, "b": [1.5] } }),
        ] {
            let changed = flag_of(change.clone());
            let names: Vec<_> = change.as_object().unwrap().keys().cloned().collect();
            assert_eq!(changed_fields(&flag_of(json!({})), &changed), names, "{change}");
        }
    }
}
