//! Units keep the variants of sticky flags, and nothing else does.

use pennon::engine::attributes::Value;
use pennon::engine::exposure::id::Dedup;
use serde_json::json;

use crate::support::{Page, START_MS};

/// A sticky flag whose split gives everybody one variant. `fields` come on top.
fn ruleset(version: u64, variant: &str, fields: serde_json::Value) -> String {
    let weights = ["a", "b"].map(|key| json!({ "variant": key, "weight": if key == variant { 100.0 } else { 0.001 } }));
    let mut flag = json!({
        "version": version, "variants": { "a": 1, "b": 2 }, "default": "a", "sticky": true, "rules": [{ "serve": weights }],
    });
    for (name, value) in fields.as_object().unwrap() {
        flag[name] = value.clone();
    }
    json!({ "flags": { "f": flag } }).to_string()
}

fn plain(version: u64, variant: &str) -> String {
    ruleset(version, variant, json!({}))
}

fn read(page: &mut Page) -> String {
    page.read("f").0
}

#[test]
fn a_unit_keeps_its_variant_when_the_weights_change_also_on_the_next_page() {
    let mut page = Page::first(Dedup::Session, &plain(3, "a"));
    assert_eq!(read(&mut page), "a");
    page.set_ruleset(&plain(4, "b"));
    assert_eq!(page.read("f"), ("a".into(), "SPLIT"));
    let mut next = Page::open(Dedup::Session, &plain(5, "b"), page.storage, None, START_MS + 1000.0);
    assert_eq!(read(&mut next), "a");
    assert_eq!(next.recorded.last().unwrap()["flag_version"], 5);
    assert_eq!(next.recorded.last().unwrap()["assigned_version"], 3);
}

#[test]
fn a_kept_variant_that_cannot_be_served_any_more_is_decided_anew() {
    for fields in [
        json!({ "stickyVersion": 2 }),
        json!({ "sticky": false }),
        json!({ "rules": [{ "serve": [{ "variant": "b", "weight": 1 }] }] }),
        json!({ "rules": [{ "serve": [{ "variant": "a", "weight": 0 }, { "variant": "b", "weight": 1 }] }] }),
        json!({ "variants": { "b": 2 }, "default": "b", "rules": [{ "serve": [{ "variant": "b", "weight": 1 }] }] }),
    ] {
        let mut page = Page::first(Dedup::Session, &plain(1, "a"));
        assert_eq!(read(&mut page), "a");
        page.set_ruleset(&ruleset(2, "b", fields.clone()));
        assert_eq!(page.read("f"), ("b".into(), "SPLIT"), "{fields}");
    }
}

#[test]
fn steps_before_the_rules_know_nothing_of_what_is_kept() {
    for (fields, reason) in [
        (json!({ "limitExposure": { "percent": 0, "variant": "b" } }), "NOT_IN_EXPOSURE"),
        (json!({ "enabled": false, "off": "b" }), "DISABLED"),
        (json!({ "rules": [{ "serve": "b" }] }), "TARGETING_MATCH"),
    ] {
        let mut page = Page::first(Dedup::Session, &plain(1, "a"));
        assert_eq!(read(&mut page), "a");
        page.set_ruleset(&ruleset(2, "b", fields));
        assert_eq!(page.read("f"), ("b".into(), reason));
        // Whoever is let in again finds what was kept.
        page.set_ruleset(&plain(3, "b"));
        assert_eq!(read(&mut page), "a");
    }
}

#[test]
fn what_was_kept_before_a_login_counts_after_it_for_persons_only() {
    let mut page = Page::first(Dedup::Session, &plain(1, "a"));
    assert_eq!(read(&mut page), "a");
    page.set_ruleset(&plain(2, "b"));
    page.client.identify(Some("u1".into()), Value::Null, page.now);
    assert_eq!(read(&mut page), "a");
    let mut next = Page::open(Dedup::Session, &plain(2, "b"), page.storage, Some("u1"), START_MS);
    assert_eq!(read(&mut next), "a");

    let by_plan = |variant| ruleset(1, variant, json!({ "by": "plan" }));
    let plan = |plan: &str| serde_json::from_value::<Value>(json!({ "plan": plan })).unwrap();
    let mut page = Page::first(Dedup::Session, &by_plan("a"));
    page.client.identify(None, plan("pro"), page.now);
    assert_eq!(read(&mut page), "a");
    page.set_ruleset(&by_plan("b"));
    page.client.identify(Some("u1".into()), plan("team"), page.now);
    assert_eq!(read(&mut page), "b");
    page.client.identify(Some("u1".into()), plan("pro"), page.now);
    assert_eq!(read(&mut page), "a");
}

#[test]
fn a_reset_forgets_what_was_kept() {
    let mut page = Page::first(Dedup::Session, &plain(1, "a"));
    assert_eq!(read(&mut page), "a");
    page.set_ruleset(&plain(2, "b"));
    page.reset();
    assert!(!page.storage.contains_key("t"));
    assert_eq!(read(&mut page), "b");
}

#[test]
fn a_prerequisites_variant_is_kept_as_if_it_had_been_read() {
    let with = |variant: &str| {
        let flags: serde_json::Value = serde_json::from_str(&plain(1, variant)).unwrap();
        let child = json!({
            "variants": { "on": 1, "off": 0 }, "default": "on", "off": "off", "requires": [{ "flag": "f", "variants": ["a"] }],
        });
        json!({ "flags": { "f": flags["flags"]["f"], "child": child } }).to_string()
    };
    let mut page = Page::first(Dedup::Session, &with("a"));
    assert_eq!(page.read("child"), ("on".into(), "DEFAULT"));
    assert_eq!(page.recorded.len(), 1, "a prerequisite is no exposure");
    page.set_ruleset(&with("b"));
    assert_eq!(page.read("child"), ("on".into(), "DEFAULT"));
    assert_eq!(read(&mut page), "a");
}

#[test]
fn a_decision_by_an_override_keeps_nothing() {
    let mut page = Page::first(Dedup::Session, &plain(1, "a"));
    page.client.override_flag("f".into(), "b".into(), true);
    assert_eq!(page.read("f"), ("b".into(), "OVERRIDE"));
    page.client.clear_overrides();
    assert_eq!(page.read("f"), ("a".into(), "SPLIT"));
}

#[test]
fn an_explanation_knows_what_the_last_decision_kept() {
    let mut page = Page::first(Dedup::Session, &plain(1, "a"));
    page.client.decide("f", page.now);
    page.set_ruleset(&plain(2, "b"));
    let explained: serde_json::Value = serde_json::from_str(&page.client.explain("f", page.now)).unwrap();
    assert_eq!(explained["decision"]["variant"], "a");
    assert_eq!(read(&mut page), "a");
}
