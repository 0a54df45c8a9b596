//! `pennon check --previous`.

use serde_json::{Value, json};

use crate::harness::{Folder, flag, lines, ruleset};

const NOW: &str = "2026-06-01T00:00:00Z";

/// What is found wrong with `new` after `previous`, newest first.
fn compared(previous: &[&Value], new: &Value) -> Vec<String> {
    let folder = Folder::new();
    folder.write("new.json", new.to_string());
    let mut arguments = vec!["check".to_owned(), "new.json".into(), "--now".into(), NOW.into()];
    for (at, ruleset) in previous.iter().enumerate() {
        let name = format!("old-{at}.json");
        folder.write(&name, ruleset.to_string());
        arguments.extend(["--previous".into(), name]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = folder.run(&arguments);
    let mut found = lines(&ended);
    let total = found.pop().unwrap();
    assert_eq!(ended.code == Some(0), total.starts_with("0 errors"), "{total}");
    found
}

/// The same for a change of the one flag `f`, of which all versions are raised.
fn changed(from: Value, to: Value) -> Vec<String> {
    let mut new = ruleset(flag(to));
    new["version"] = json!(2);
    new["flags"]["f"]["version"] = json!(2);
    compared(&[&ruleset(flag(from))], &new)
}

fn split(a: f64, b: f64) -> Value {
    json!([{ "id": "all", "serve": [{ "variant": "a", "weight": a }, { "variant": "b", "weight": b }] }])
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_the_same_or_says_the_same_is_no_change() {
    let old = ruleset(flag(json!({ "rules": split(1.0, 1.0), "start": "2026-01-01" })));
    let mut new = old.clone();
    new["flags"]["f"]["start"] = json!("2026-01-01T01:00:00+01:00");
    new["flags"]["f"]["off"] = json!("a");
    new["flags"]["f"]["description"] = json!("why");
    assert_eq!(compared(&[&old], &new), NOTHING);
}

#[test]
fn a_changed_flag_needs_a_higher_version_and_so_does_the_ruleset() {
    let old = ruleset(flag(json!({ "version": 7 })));
    let new = ruleset(flag(json!({ "version": 7, "enabled": false, "sticky": true })));
    assert_eq!(
        compared(&[&old], &new),
        [
            "error: version: found 1, expected more than 1, the previous ruleset's",
            "error: flags.f.version: found 7, expected more than 7, because the flag has changed (enabled, sticky)",
        ]
    );
    let mut raised = new.clone();
    raised["version"] = json!(2);
    raised["flags"]["f"]["version"] = json!(8);
    assert_eq!(compared(&[&old], &raised), NOTHING);
}

#[test]
fn a_version_never_goes_back() {
    let old = json!({ "version": 5, "flags": { "f": flag(json!({ "version": 7 })) } });
    let new = json!({ "version": 4, "flags": { "f": flag(json!({ "version": 6 })) } });
    assert_eq!(
        compared(&[&old], &new),
        [
            "error: version: found 4, expected more than 5, the previous ruleset's",
            "error: flags.f.version: found 6, expected at least 7, the previous ruleset's",
        ]
    );
    let mut lowered = old.clone();
    lowered["version"] = json!(4);
    assert_eq!(compared(&[&old], &lowered), ["error: version: found 4, expected at least 5, the previous ruleset's"]);
}

#[test]
fn whatever_changes_in_a_ruleset_needs_a_higher_version() {
    let old = json!({ "version": 1, "flags": { "f": flag(json!({})), "g": flag(json!({})) },
        "layers": { "l": { "slots": {} } }, "holdouts": { "h": { "percent": 5 } }, "environment": "test" });
    for (pointer, value) in [
        ("/flags", json!({ "f": flag(json!({})) })),
        ("/layers/l/slots", json!({ "f": [[0, 1]] })),
        ("/holdouts/h/percent", json!(6)),
        ("/environment", json!("production")),
    ] {
        let mut new = old.clone();
        *new.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            compared(&[&old], &new),
            ["error: version: found 1, expected more than 1, the previous ruleset's"],
            "{pointer}"
        );
    }
}

#[test]
fn limit_and_weights_change_one_at_a_time() {
    let with = |percent: f64, rules: Value| json!({ "limitExposure": { "percent": percent }, "rules": rules, "enabled": false });
    assert_eq!(
        changed(with(20.0, split(50.0, 50.0)), with(50.0, split(90.0, 10.0))),
        [
            "error: flags.f.rules[0].serve: found other weights together with another limitExposure (20 % before, 50 % now), expected one change at a time"
        ]
    );
    assert_eq!(
        changed(json!({ "rules": split(1.0, 1.0), "enabled": false }), with(99.5, split(1.0, 2.0))),
        [
            "error: flags.f.rules[0].serve: found other weights together with another limitExposure (100 % before, 99.5 % now), expected one change at a time"
        ]
    );
    // One of them, another unit of the weights, and a rule that ends as a fixed variant.
    assert_eq!(changed(with(20.0, split(1.0, 1.0)), with(50.0, split(50.0, 50.0))), NOTHING);
    assert_eq!(changed(with(20.0, split(1.0, 1.0)), with(20.0, split(1.0, 2.0))), NOTHING);
    assert_eq!(changed(with(20.0, split(1.0, 1.0)), with(100.0, json!([{ "id": "all", "serve": "b" }]))), NOTHING);
}

#[test]
fn rules_are_found_again_by_their_id() {
    let new_first =
        json!([{ "id": "new", "when": { "attribute": "x", "op": "exists" }, "serve": "b" }, split(1.0, 1.0)[0]]);
    let limit = |percent: f64, rules: Value| json!({ "limitExposure": { "percent": percent }, "rules": rules });
    assert_eq!(changed(limit(20.0, split(1.0, 1.0)), limit(50.0, new_first.clone())), NOTHING);
    let mut other_weights = new_first;
    other_weights[1]["serve"][0]["weight"] = json!(2);
    let found = changed(limit(20.0, split(1.0, 1.0)), limit(50.0, other_weights));
    assert!(found[0].starts_with("error: flags.f.rules[1].serve: found other weights"), "{found:?}");
}

#[test]
fn weights_that_change_while_running_are_a_warning_unless_they_are_kept() {
    let with = |fields: Value, b: f64| {
        let mut flag = json!({ "rules": split(1.0, b) });
        flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        flag
    };
    let warning = [
        "warning: flags.f.rules[0].serve: found other weights while the flag is running and not sticky: people change their variant",
    ];
    for (before, after, expected) in [
        (json!({}), json!({}), &warning[..]),
        (json!({ "start": "2026-06-01", "end": "2026-06-02" }), json!({ "start": "2026-05-01" }), &warning),
        // Nothing was kept while it was off.
        (json!({}), json!({ "sticky": true }), &warning),
        (json!({ "sticky": true }), json!({ "sticky": true }), &[]),
        (json!({ "enabled": false }), json!({}), &[]),
        (json!({}), json!({ "enabled": false }), &[]),
        (json!({ "start": "2026-07-01" }), json!({}), &[]),
        (json!({ "end": NOW }), json!({}), &[]),
    ] {
        assert_eq!(changed(with(before.clone(), 1.0), with(after.clone(), 2.0)), expected, "{before} {after}");
    }
}

#[test]
fn an_experiment_keeps_its_salts_its_unit_and_its_variants() {
    let with = |fields: Value| {
        let mut flag = json!({ "experiment": "e", "limitExposure": { "percent": 20 }, "enabled": false });
        flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        flag
    };
    let variants = json!({ "variants": { "a": false, "b": true, "c": 1 } });
    for (to, expected) in [
        (
            json!({ "salt": "s" }),
            vec![
                r#"error: flags.f.salt: found the salt "s", expected "f" while the experiment "e" keeps its name"#,
                r#"error: flags.f.limitExposure: found the salt "s/exposure", expected "f/exposure" while the experiment "e" keeps its name"#,
            ],
        ),
        (
            json!({ "limitExposure": { "percent": 20, "salt": "s" } }),
            vec![
                r#"error: flags.f.limitExposure: found the salt "s", expected "f/exposure" while the experiment "e" keeps its name"#,
            ],
        ),
        (
            json!({ "by": ["distinctId", "deviceId"] }),
            vec![
                r#"error: flags.f.by: found distinctId, deviceId, expected distinctId while the experiment "e" keeps its name"#,
            ],
        ),
        (
            variants,
            vec![r#"error: flags.f.variants: found a, b, c, expected a, b while the experiment "e" keeps its name"#],
        ),
        (
            json!({ "variants": { "a": false, "b": "yes" } }),
            vec![
                r#"warning: flags.f.variants.b: found another value while the experiment "e" keeps its name: its exposures are of two things"#,
            ],
        ),
        (json!({ "limitExposure": null, "salt": "f", "by": "distinctId" }), vec![]),
    ] {
        assert_eq!(changed(with(json!({})), with(to.clone())), expected, "{to}");
        // A new name is a new experiment.
        let mut renamed = with(to);
        renamed["experiment"] = json!("e2");
        assert_eq!(changed(with(json!({})), renamed), NOTHING);
    }
}

#[test]
fn an_experiment_keeps_its_layer_and_holdout() {
    let with = |version: u32, layer: &str, fields: Value| {
        let mut layers = json!({ "one": { "slots": { "f": [[0, 10]] } }, "two": { "slots": { "f": [[0, 10]] } } });
        layers["one"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "version": version, "layers": layers,
            "flags": { "f": flag(json!({ "version": version, "experiment": "e", "layer": layer })) } })
    };
    let expected = |salt: &str| {
        format!(
            r#"error: flags.f.layer: found the salt "{salt}", expected "layer/one" while the experiment "e" keeps its name"#
        )
    };
    let only_salts =
        |found: Vec<String>| found.into_iter().filter(|line| line.contains("the salt")).collect::<Vec<_>>();
    let old = with(1, "one", json!({}));
    assert_eq!(only_salts(compared(&[&old], &with(2, "two", json!({})))), [expected("layer/two")]);
    assert_eq!(only_salts(compared(&[&old], &with(2, "one", json!({ "salt": "s" })))), [expected("s")]);
    assert_eq!(only_salts(compared(&[&old], &with(2, "one", json!({})))), NOTHING);
}

#[test]
fn an_experiment_s_name_is_used_once() {
    let with = |version: u32, f: Option<&str>, g: Option<&str>| {
        let flag = |experiment: Option<&str>| flag(json!({ "version": version, "experiment": experiment }));
        json!({ "version": version, "flags": { "f": flag(f), "g": flag(g) } })
    };
    let reused = |key: &str, owner: &str, version: u32| {
        vec![format!(
            r#"error: flags.{key}.experiment: found "e", the experiment of flag "{owner}" in version {version}, expected a new name"#
        )]
    };
    let first = with(1, Some("e"), None);
    // Taken by another flag, whether the first keeps it or not.
    assert_eq!(compared(&[&first], &with(2, None, Some("e"))), reused("g", "f", 1));
    assert_eq!(compared(&[&first], &with(2, Some("e"), Some("e"))), reused("g", "f", 1));
    // Kept, and ended.
    assert_eq!(compared(&[&first], &with(2, Some("e"), None)), NOTHING);
    let second = with(2, Some("e2"), None);
    assert_eq!(compared(&[&first], &second), NOTHING);
    // Ended before the previous ruleset: only an older one knows it.
    let third = with(3, Some("e"), None);
    assert_eq!(compared(&[&second], &third), NOTHING);
    assert_eq!(compared(&[&second, &first], &third), reused("f", "f", 1));
    // Two flags that share an experiment from its beginning.
    assert_eq!(compared(&[&with(1, None, None)], &with(2, Some("e"), Some("e"))), NOTHING);
}

#[test]
fn a_previous_ruleset_that_does_not_read_is_said_so() {
    let folder = Folder::new();
    folder.write("new.json", r#"{"flags":{}}"#);
    folder.write("old.json", r#"{"schema":2,"flags":{}}"#);
    let ended = folder.run(&["check", "new.json", "--previous", "old.json"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.stderr, "pennon: old.json: schema: found 2, expected schema 1\n");
}

#[test]
fn a_point_in_time_that_is_none_is_refused() {
    let folder = Folder::new();
    let ended = folder.run(&["check", "new.json", "--now", "soon"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("expected a date like 2026-10-01T00:00:00Z, or Unix milliseconds"),
        "{}",
        ended.stderr
    );
}
