//! `pennon explain`. `pkg/test/explain.test.mjs` compares `client.explain` with the same file as is compared here.

use serde_json::{Value, json};

use crate::harness::{Ended, Folder, lines};

const NOW: &str = "2026-06-01T00:00:00Z";
const DEVICE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const ANONYMOUS: &str = "01890a5d-ac97-7000-8000-000000000001";

fn checkout() -> Value {
    json!({ "version": 42, "segments": { "beta": { "exclude": ["u7"], "when": { "any": [
            { "attribute": "plan", "op": "in", "value": ["pro", "team"] }, { "flag": "payments", "variants": ["on"] } ] } } },
        "layers": { "tests": { "slots": { "checkout": [[0, 50_000], [60_000, 100_000]] } } },
        "holdouts": { "year": { "percent": 5 } },
        "flags": {
            "payments": { "variants": { "on": true, "off": false }, "default": "on" },
            "checkout": { "version": 7, "variants": { "control": false, "treatment": true }, "default": "control",
                "start": "2026-01-01", "layer": "tests", "holdout": "year", "limitExposure": { "percent": 99.5 },
                "requires": [{ "flag": "payments", "variants": ["on"] }], "targets": [{ "variant": "treatment", "ids": ["qa"] }],
                "rules": [
                    { "id": "new", "when": { "all": [{ "segment": "beta" }, { "not": { "attribute": "app.version", "op": "semverLt", "value": "2.5" } }] }, "serve": "treatment" },
                    { "serve": [{ "variant": "control", "weight": 1 }, { "variant": "treatment", "weight": 1 }] } ] },
            "broken": { "variants": { "a": 1 } },
        } })
}

/// Explains a flag of [`checkout`] to somebody.
fn explained(person: Value, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    folder.write("ruleset.json", checkout().to_string());
    folder.write("context.json", person.to_string());
    folder.run(&[&["explain", "ruleset.json", "--context", "context.json", "--now", NOW], arguments].concat())
}

fn person(id: &str) -> Value {
    json!({ "distinctId": id, "deviceId": DEVICE, "attributes": { "plan": "free", "app.version": "2.4.1" } })
}

#[test]
fn each_step_is_a_line_and_each_condition_below_its_rule() {
    assert_eq!(
        lines(&explained(person("u1"), &["--flag", "checkout"])),
        [
            r#"checkout: treatment, SPLIT, bucket 68619, flag version 7"#,
            r#"  passed   enabled       enabled, now 2026-06-01T00:00:00.000Z, from 2026-01-01T00:00:00.000Z"#,
            r#"  passed   requires      the flag "payments" answers "on" (DEFAULT), asked for "on""#,
            r#"  passed   targets       not listed"#,
            r#"  passed   holdout       bucket 87696 of "u1" by the salt "holdout/year"; inside is 0 to below 5000"#,
            r#"  passed   layer         bucket 85566 of "u1" by the salt "layer/tests"; inside is 0 to below 50000, 60000 to below 100000"#,
            r#"  passed   limitExposure bucket 64041 of "u1" by the salt "checkout/exposure"; inside is 0 to below 99500"#,
            r#"  passed   rule          0 "new""#,
            r#"          no: all"#,
            r#"            yes: in the segment "beta""#,
            r#"              yes: any"#,
            r#"                no: plan in ["pro","team"] ("free")"#,
            r#"                yes: the flag "payments" answers "on" (DEFAULT), asked for "on""#,
            r#"            no: not"#,
            r#"              yes: app.version semverLt "2.5" ("2.4.1")"#,
            r#"  decided  rule          1, for everyone"#,
            r#"  decided  split         bucket 68619 of "u1" by the salt "checkout"; it is in "treatment""#,
        ]
    );
}

#[test]
fn json_is_what_the_client_gives() {
    let expected: Value = serde_json::from_str(include_str!("../data/explain.json")).unwrap();
    let folder = Folder::new();
    folder.write("ruleset.json", expected["ruleset"].to_string());
    let now = expected["nowMs"].to_string();
    let cases = expected["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        folder.write("context.json", case["context"].to_string());
        let flag = case["flag"].as_str().unwrap();
        let overrides = case["overrides"].as_object().unwrap().iter();
        let overrides: Vec<String> =
            overrides.map(|(flag, variant)| format!("--override={flag}={}", variant.as_str().unwrap())).collect();
        let mut arguments =
            vec!["explain", "ruleset.json", "--json", "--context", "context.json", "--now", &now, "--flag", flag];
        arguments.extend(overrides.iter().map(String::as_str));
        let found: Value = serde_json::from_str(&folder.run(&arguments).stdout).unwrap();
        assert_eq!(found, case["trace"], "{flag} {}", case["context"]);
    }
}

#[test]
fn an_override_is_served_and_reaches_the_flags_that_ask_for_it() {
    let served = explained(person("u1"), &["--flag", "checkout", "--override", "checkout=treatment"]);
    assert_eq!(
        lines(&served),
        ["checkout: treatment, OVERRIDE, flag version 7", r#"  decided  override      to "treatment""#]
    );
    let asked = explained(person("u1"), &["--flag", "checkout", "--override", "payments=off"]);
    assert_eq!(lines(&asked)[0], "checkout: control, OVERRIDE, flag version 7");
    for wrong in ["checkout=nothing", "nothing=on"] {
        let ended = explained(person("u1"), &["--flag", "checkout", "--override", wrong]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.ends_with("expected a flag and one of its variants\n"), "{}", ended.stderr);
    }
}

#[test]
fn a_target_is_told() {
    let found = lines(&explained(person("qa"), &["--flag", "checkout"]));
    assert_eq!(found[0], r#"checkout: treatment, TARGETING_MATCH, rule "$target", flag version 7"#);
    assert_eq!(found.last().unwrap(), "  decided  targets       listed");
}

#[test]
fn an_anonymous_person_is_known_by_the_anonymous_id() {
    let anonymous = json!({ "anonymousId": ANONYMOUS, "deviceId": DEVICE });
    let ended = explained(anonymous, &["--flag", "checkout", "--json"]);
    assert_eq!(ended.stderr, "");
    let trace: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(trace["steps"][3]["unitId"], ANONYMOUS);
}

#[test]
fn what_the_context_does_not_say_is_made_up_and_said_so() {
    let ended = explained(json!({}), &["--flag", "payments"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.stderr,
        "note: the context has no distinctId and no anonymousId: 00000000-0000-7000-8000-000000000000 is taken\n\
         note: the context has no deviceId: 00000000-0000-7000-8000-000000000000 is taken\n"
    );
}

#[test]
fn a_flag_that_is_unknown_or_broken_ends_with_1() {
    let unknown = explained(person("u1"), &["--flag", "nothing"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), "nothing: no variant, ERROR, FLAG_NOT_FOUND\n"));
    let broken = explained(person("u1"), &["--flag", "broken"]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), "broken: no variant, ERROR, PARSE_ERROR\n"));
    assert_eq!(broken.stderr, "error: flags.broken.default: found nothing, expected the key of a variant\n");
}

#[test]
fn a_person_that_no_client_could_have_is_refused() {
    for (context, expected) in [
        (json!({ "distinctId": "null" }), r#"distinctId: found "null", which no client takes for somebody's id"#),
        (
            json!({ "anonymousId": "anon" }),
            r#"anonymousId: found "anon", expected a UUID in lower case, as clients make them"#,
        ),
        (json!({ "deviceId": "" }), r#"deviceId: found "", expected a UUID in lower case, as clients make them"#),
        (json!({ "attributes": [] }), "attributes: found no object, expected one"),
        (json!({ "distinct_id": "u1" }), "unknown field `distinct_id`"),
        (json!([]), "found no object, expected one"),
    ] {
        let ended = explained(context, &["--flag", "checkout"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(
            ended.stderr.starts_with("pennon: context.json: ") && ended.stderr.contains(expected),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_decision_is_told_however_deep_its_conditions_are() {
    let folder = Folder::new();
    let nots = |inner: Value| (0..14).fold(inner, |inner, _| json!({ "not": inner }));
    let innermost = json!({ "attribute": "\u{1b}", "op": "exists" });
    // The flag and 31 segments are the longest chain there may be.
    let segments = (1..=31).map(|at| {
        let inner = if at < 31 { json!({ "segment": format!("s{}", at + 1) }) } else { innermost.clone() };
        (format!("s{at}"), json!({ "when": nots(inner) }))
    });
    let flag = json!({ "variants": { "a": 1, "b": 2 }, "default": "a", "rules": [{ "when": nots(json!({ "segment": "s1" }))["not"], "serve": "b" }] });
    let ruleset = json!({ "flags": { "f": flag }, "segments": segments.collect::<serde_json::Map<_, _>>() });
    folder.write("ruleset.json", ruleset.to_string());
    let context = json!({ "distinctId": "u1", "deviceId": DEVICE }).to_string();
    let ended = folder.run_with(&["explain", "ruleset.json", "--flag", "f", "--context", "-", "--now", NOW], context);
    let found = lines(&ended);
    assert_eq!(found[0], "f: b, TARGETING_MATCH, flag version 1");
    assert_eq!(found.iter().filter(|line| line.ends_with(": not")).count(), 13 + 31 * 14);
    assert_eq!(found[found.len() - 1].trim_start(), r"no: \u{1b} exists (missing)");
}
