//! An override reaches the decisions that depend on it, and no others.

use pennon::engine::exposure::id::Dedup;
use serde_json::{Value, json};

use crate::support::Page;

fn flag(fields: Value) -> Value {
    let mut flag = json!({ "variants": { "on": true, "off": false }, "default": "on", "off": "off" });
    for (name, value) in fields.as_object().unwrap() {
        flag[name] = value.clone();
    }
    flag
}

fn page() -> Page {
    let on = |key: &str| json!({ "flag": key, "variants": ["on"] });
    let ruleset = json!({
        "segments": { "lucky": { "when": on("base") } },
        "flags": {
            "base": flag(json!({})),
            "other": flag(json!({})),
            "child": flag(json!({ "requires": [on("base")] })),
            "grandchild": flag(json!({ "requires": [on("child")] })),
            "by_condition": flag(json!({ "default": "off", "rules": [{ "id": "r", "when": on("base"), "serve": "on" }] })),
            "by_segment": flag(json!({ "default": "off", "rules": [
                { "when": { "any": [{ "segment": "lucky" }, { "segment": "lucky" }] }, "serve": "on" },
            ] })),
            "not_looked_at": flag(json!({ "rules": [
                { "when": { "any": [on("other"), on("base")] }, "serve": "on" },
            ] })),
            "two": flag(json!({ "requires": [on("base"), on("other")] })),
            "disabled": flag(json!({ "enabled": false, "requires": [on("base")] })),
        },
    });
    Page::first(Dedup::Session, &ruleset.to_string())
}

fn reads(page: &mut Page) -> Vec<(&'static str, String, &'static str)> {
    ["base", "other", "child", "grandchild", "by_condition", "by_segment", "not_looked_at", "two", "disabled"]
        .into_iter()
        .map(|key| {
            let (variant, reason) = page.read(key);
            (key, variant, reason)
        })
        .collect()
}

#[test]
fn decisions_that_used_an_override_say_so_and_are_not_recorded() {
    let mut page = page();
    page.client.override_flag("base".into(), "off".into(), false);
    let expected = [
        ("base", "off", "OVERRIDE"),
        ("other", "on", "DEFAULT"),
        ("child", "off", "OVERRIDE"),
        ("grandchild", "off", "OVERRIDE"),
        ("by_condition", "off", "OVERRIDE"),
        ("by_segment", "off", "OVERRIDE"),
        ("not_looked_at", "on", "TARGETING_MATCH"),
        ("two", "off", "OVERRIDE"),
        ("disabled", "off", "DISABLED"),
    ];
    assert_eq!(reads(&mut page), expected.map(|(key, variant, reason)| (key, variant.to_owned(), reason)));
    let keys: Vec<&str> = page.recorded.iter().map(|row| row["flag_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["other", "not_looked_at", "disabled"]);
}

#[test]
fn an_override_that_asks_for_it_is_recorded_and_marked_with_what_depends_on_it() {
    let mut page = page();
    page.client.override_flag("base".into(), "on".into(), true);
    page.client.override_flag("other".into(), "off".into(), false);
    assert_eq!(page.read("child"), ("on".into(), "OVERRIDE"));
    assert_eq!(page.recorded.last().unwrap()["reason"], "OVERRIDE");
    // One of the two asked to stay silent.
    assert_eq!(page.read("two"), ("off".into(), "OVERRIDE"));
    assert_eq!(page.recorded.len(), 1);
}

#[test]
fn without_the_override_all_is_as_it_was() {
    let (mut touched, mut untouched) = (page(), page());
    touched.client.override_flag("base".into(), "off".into(), false);
    reads(&mut touched);
    touched.client.clear_overrides();
    assert_eq!(reads(&mut touched), reads(&mut untouched));
}

#[test]
fn an_override_of_a_flag_or_variant_that_is_not_there_is_passed_over() {
    let mut page = page();
    page.client.override_flag("base".into(), "maybe".into(), false);
    page.client.override_flag("unknown".into(), "on".into(), false);
    assert_eq!(page.read("base"), ("on".into(), "DEFAULT"));
    assert_eq!(page.read("unknown"), (String::new(), "ERROR"));
}
