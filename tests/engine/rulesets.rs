//! Whatever is published: it is read, or refused with a sentence that helps, and one broken flag is one broken flag.

use std::borrow::Borrow;

use pennon::engine::attributes::Value as Attributes;
use pennon::engine::client::Client;
use pennon::engine::decision::ErrorCode;
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::{MAX_TEXT_BYTES, Problem, Ruleset};
use pennon::engine::time::Now;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{START_MS, cases, client};

const NOW: Now = Now { wall_ms: START_MS, mono_ms: 0.0 };

fn message(problem: impl Borrow<Problem>) -> String {
    let problem = problem.borrow();
    format!("{}: found {}, expected {}", problem.place, problem.found, problem.expected)
}

/// What is wrong with the ruleset as a whole.
fn refusal(text: &str) -> String {
    message(Ruleset::read(text, NATIVE).err().unwrap())
}

/// Every flag's answer, in full.
fn answers(client: &mut Client) -> Vec<(String, String)> {
    client
        .flag_keys()
        .into_iter()
        .map(|key| {
            let answer = client.decide(&key, NOW);
            let said = format!("{:?} {:?} {:?}", answer.decision, answer.variant_key, answer.flag_version);
            (key, said)
        })
        .collect()
}

/// A ruleset that uses all that this version decides by.
fn full() -> Value {
    json!({
        "schema": 1, "version": 42, "environment": "production",
        "flags": {
            "checkout": {
                "enabled": true, "version": 7, "by": ["organizationId", "distinctId"],
                "variants": { "control": false, "treatment_a": true, "treatment_b": { "layout": ["one-page", 1.5] } },
                "default": "control", "off": "control", "experiment": "checkout-2026-q4", "salt": "pepper",
                "targets": [{ "variant": "treatment_a", "ids": ["qa-1", "qa-2"] }],
                "limitExposure": { "percent": 20.5, "variant": "control", "salt": "vinegar" },
                "start": "2026-01-01T00:00:00Z", "end": 1_900_000_000_000_u64,
                "rules": [
                    { "id": "pros", "serve": "treatment_b", "when": { "all": [
                        { "any": [
                            { "attribute": "plan", "op": "in", "value": ["pro", "team"] },
                            { "attribute": "$distinctId", "op": "startsWith", "value": "vip-", "ignoreCase": true }
                        ] },
                        { "not": { "attribute": "app.build", "op": "lt", "value": 100 } },
                        { "attribute": "country", "op": "exists" }
                    ] } },
                    { "id": "everyone", "serve": [
                        { "variant": "control", "weight": 33 }, { "variant": "treatment_a", "weight": 34 },
                        { "variant": "treatment_b", "weight": 33.001 }
                    ] }
                ]
            },
            "banner": { "variants": { "on": 1, "off": 0 }, "default": "off", "rules": [{ "serve": "on" }] },
            "search": { "variants": { "a": "x", "b": "y" }, "default": "a",
                "rules": [{ "serve": [{ "variant": "a", "weight": 1 }, { "variant": "b", "weight": 1 }] }] },
            "": { "variants": { "v": null }, "default": "v", "enabled": false }
        }
    })
}

/// One flag `f` with the variants `a` and `b` and these fields.
fn with(fields: Value) -> String {
    let mut flag = json!({ "variants": { "a": 1, "b": 2 }, "default": "a" });
    flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "flags": { "f": flag } }).to_string()
}

#[test]
fn each_typical_mistake_in_a_flag_is_told_with_its_place() {
    let when = |condition: Value| json!({ "rules": [{ "serve": "b" }, { "when": condition, "serve": "b" }] });
    for (fields, expected) in [
        (json!({ "variants": null }), "flags.f.variants: found nothing, expected an object with 1 to 2000 variants"),
        (json!({ "variants": [1] }), "flags.f.variants: found [1], expected an object with 1 to 2000 variants"),
        (json!({ "variants": {} }), "flags.f.variants: found {}, expected an object with 1 to 2000 variants"),
        (json!({ "variants": { "": 1 } }), "flags.f.variants.: found 1, expected a string of 1 to 256 bytes"),
        (json!({ "default": null }), "flags.f.default: found nothing, expected the key of a variant"),
        (json!({ "default": "c" }), r#"flags.f.default: found "c", expected the key of a variant"#),
        (json!({ "off": true }), "flags.f.off: found true, expected the key of a variant"),
        (json!({ "enabled": "true" }), r#"flags.f.enabled: found "true", expected true or false"#),
        (json!({ "version": -1 }), "flags.f.version: found -1, expected a whole number, 0 or more"),
        (json!({ "version": "7" }), r#"flags.f.version: found "7", expected a whole number, 0 or more"#),
        (
            json!({ "by": ["distinctId", 7] }),
            "flags.f.by[1]: found 7, expected distinctId, deviceId, anonymousId or the name of an attribute, or a list of at most 100",
        ),
        (
            json!({ "by": [] }),
            "flags.f.by: found [], expected distinctId, deviceId, anonymousId or the name of an attribute, or a list of at most 100",
        ),
        (json!({ "salt": "a\0b" }), r#"flags.f.salt: found "a\u0000b", expected a string without NUL"#),
        (json!({ "experiment": "" }), r#"flags.f.experiment: found "", expected a string of 1 to 256 bytes"#),
        (json!({ "limitExposure": {} }), "flags.f.limitExposure.percent: found nothing, expected a percentage"),
        (
            json!({ "limitExposure": { "percent": 120 } }),
            "flags.f.limitExposure.percent: found 120, expected 0 to 100 with at most 3 decimals",
        ),
        (
            json!({ "limitExposure": { "percent": 33.3333 } }),
            "flags.f.limitExposure.percent: found 33.3333, expected 0 to 100 with at most 3 decimals",
        ),
        (
            json!({ "limitExposure": { "percent": "20" } }),
            r#"flags.f.limitExposure.percent: found "20", expected 0 to 100 with at most 3 decimals"#,
        ),
        (
            json!({ "limitExposure": { "percent": 20, "salt": "f" } }),
            "flags.f.limitExposure: found {\"percent\":20,\"salt\":\"f\"}, expected a salt for each of split, limit, layer and holdout",
        ),
        (
            json!({ "targets": { "a": [] } }),
            r#"flags.f.targets: found {"a":[]}, expected a list of at most 1000 individual targets"#,
        ),
        (
            json!({ "targets": [{ "variant": "a", "ids": ["u1", 2] }] }),
            "flags.f.targets[0].ids[1]: found 2, expected a string",
        ),
        (json!({ "targets": [{ "variant": "a" }] }), "flags.f.targets[0].ids: found nothing, expected a list of ids"),
        (
            json!({ "start": "2026-10-01T00:00:00" }),
            r#"flags.f.start: found "2026-10-01T00:00:00", expected a date like 2026-10-01T00:00:00Z, or Unix milliseconds"#,
        ),
        (
            json!({ "end": "01.10.2026" }),
            r#"flags.f.end: found "01.10.2026", expected a date like 2026-10-01T00:00:00Z, or Unix milliseconds"#,
        ),
        (json!({ "rules": "a" }), r#"flags.f.rules: found "a", expected a list of at most 1000 rules"#),
        (json!({ "rules": [{}] }), "flags.f.rules[0].serve: found nothing, expected the key of a variant or a split"),
        (json!({ "rules": [{ "serve": "c" }] }), r#"flags.f.rules[0].serve: found "c", expected the key of a variant"#),
        (
            json!({ "rules": [{ "serve": [{ "variant": "a", "weight": 0 }] }] }),
            r#"flags.f.rules[0].serve: found [{"variant":"a","weight":0}], expected 1 to 1000 variants with a weight above 0 in sum"#,
        ),
        (
            json!({ "rules": [{ "serve": [{ "variant": "a", "weight": -5 }] }] }),
            "flags.f.rules[0].serve[0].weight: found -5, expected 0 to 1000000 with at most 3 decimals",
        ),
        (
            json!({ "rules": [{ "serve": [{ "variant": "c", "weight": 5 }] }] }),
            r#"flags.f.rules[0].serve[0].variant: found "c", expected the key of a variant"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "~", "value": 1 })),
            r#"flags.f.rules[1].when.op: found "~", expected a known operator"#,
        ),
        (
            when(json!({ "attribute": "x", "value": 1 })),
            "flags.f.rules[1].when.op: found nothing, expected an operator",
        ),
        (
            when(json!({ "attribute": "x", "op": "eq" })),
            "flags.f.rules[1].when.value: found nothing, expected a scalar, or a list of scalars",
        ),
        (
            when(json!({ "attribute": "x", "op": "in", "value": "a" })),
            r#"flags.f.rules[1].when.value: found "a", expected a list of scalars"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "in", "value": ["a", null] })),
            "flags.f.rules[1].when.value[1]: found null, expected a string, a number, true or false",
        ),
        (
            when(json!({ "attribute": "x", "op": "gt", "value": "5" })),
            r#"flags.f.rules[1].when.value: found "5", expected a number"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "contains", "value": 5 })),
            "flags.f.rules[1].when.value: found 5, expected a string, or a list of at most 1000",
        ),
        (
            when(json!({ "all": [{ "any": [{ "not": { "segment": "s" } }] }] })),
            r#"flags.f.rules[1].when.all[0].any[0].not.segment: found "s", expected the key of a segment"#,
        ),
        (
            when(json!({ "all": [{ "any": [{ "not": { "xor": [] } }] }] })),
            r#"flags.f.rules[1].when.all[0].any[0].not: found {"xor":[]}, expected a condition: all, any, not, segment, flag or attribute"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "between", "value": [2, 1] })),
            "flags.f.rules[1].when.value: found [2,1], expected two numbers, the lower one first",
        ),
        (
            when(json!({ "attribute": "x", "op": "before", "value": "-7" })),
            r#"flags.f.rules[1].when.value: found "-7", expected a date like 2026-10-01T00:00:00Z, Unix milliseconds, or from now like -7d"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "semverGte", "value": "2.x" })),
            r#"flags.f.rules[1].when.value: found "2.x", expected a version like 2.4.0"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "semverRange", "value": "1 - 2" })),
            r#"flags.f.rules[1].when.value: found "1 - 2", expected a range of versions like ^2.4 || 3.x"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "matches", "value": ["a", "(a+)+"] })),
            r#"flags.f.rules[1].when.value[1]: found "(a+)+", expected a pattern of the documented subset, or a list of at most 1000"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "isType", "value": "array" })),
            r#"flags.f.rules[1].when.value: found "array", expected string, number, boolean, list or object, or a list of these"#,
        ),
        (
            when(json!({ "attribute": "x", "op": "inHashed", "value": { "salt": "s", "hashes": ["AB"] } })),
            r#"flags.f.rules[1].when.value.hashes[0]: found "AB", expected 64 hexadecimal digits in lower case"#,
        ),
        (
            when(json!({ "attribute": "$distinctId", "op": "bucket", "value": { "salt": "f", "percent": 5 } })),
            r#"flags.f.rules[1].when.value: found {"percent":5,"salt":"f"}, expected a salt that no other step of the flag has"#,
        ),
        (
            json!({ "requires": [{ "flag": "g" }] }),
            "flags.f.requires[0].variants: found nothing, expected a list of the keys of variants",
        ),
        (json!({ "sticky": 1 }), "flags.f.sticky: found 1, expected true or false"),
        (json!({ "layer": "none" }), r#"flags.f.layer: found "none", expected the key of a layer"#),
        (json!({ "holdout": 7 }), "flags.f.holdout: found 7, expected the key of a holdout"),
    ] {
        let mut client = client(&with(fields));
        assert_eq!(client.decide("f", NOW).decision.error, Some(ErrorCode::ParseError), "{expected}");
        assert_eq!(message(client.problem("f").unwrap()), expected);
    }
}

#[test]
fn a_problem_names_its_flag_whatever_its_key() {
    let text = json!({ "flags": { "": 1, "[0]": 2, "a.b": {}, "é": null } }).to_string();
    let client = client(&text);
    for (key, expected) in [
        ("", "flags.: found 1, expected an object"),
        ("[0]", "flags.[0]: found 2, expected an object"),
        ("a.b", "flags.a.b.variants: found nothing, expected an object with 1 to 2000 variants"),
        ("é", "flags.é: found null, expected an object"),
    ] {
        assert_eq!(message(client.problem(key).unwrap()), expected);
    }
}

#[test]
fn each_mistake_in_the_whole_refuses_the_ruleset_with_its_place() {
    for (text, expected) in [
        ("", ": found , expected a JSON object"),
        ("null", ": found null, expected a JSON object"),
        (
            "<!doctype html><title>Not found</title>",
            ": found <!doctype html><title>Not found</title>, expected a JSON object",
        ),
        ("[]", ": found [], expected a JSON object"),
        (r#"{"flags":{}"#, "byte 11: found the end of the text, expected JSON"),
        (r#"{"flags":{}}}"#, "byte 12: found }, expected JSON"),
        (r#"{"flags":{},}"#, "byte 12: found }, expected JSON"),
        (r#"{"flags":{'f':1}}"#, "byte 10: found 'f':1}}, expected JSON"),
        ("{}", "flags: found nothing, expected an object with the flags"),
        (r#"{"flags":null}"#, "flags: found nothing, expected an object with the flags"),
        (r#"{"flags":[]}"#, "flags: found [], expected an object with the flags"),
        (r#"{"schema":2,"flags":{}}"#, "schema: found 2, expected schema 1"),
        (r#"{"schema":"1","flags":{}}"#, r#"schema: found "1", expected schema 1"#),
        (r#"{"version":1.5,"flags":{}}"#, "version: found 1.5, expected a whole number, 0 or more"),
        (r#"{"environment":7,"flags":{}}"#, "environment: found 7, expected a string of 1 to 256 bytes"),
    ] {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn a_refused_ruleset_leaves_the_last_good_one_in_place() {
    let mut client = client(&full().to_string());
    let before = answers(&mut client);
    assert!(client.set_ruleset(Ruleset::read(r#"{"schema":2,"flags":{}}"#, NATIVE)).is_err());
    assert_eq!(answers(&mut client), before);
}

#[test]
fn d03_a_ruleset_that_was_cut_off_anywhere_is_refused() {
    let text = full().to_string();
    for end in 0..text.len() {
        if text.is_char_boundary(end) {
            assert!(Ruleset::read(&text[..end], NATIVE).is_err(), "cut at byte {end}");
        }
    }
}

#[test]
fn d03_a_byte_order_mark_is_passed_over() {
    let marked = format!("\u{feff}{}", full());
    assert_eq!(answers(&mut client(&marked)), answers(&mut client(&full().to_string())));
    assert_eq!(refusal("\u{feff}\u{feff}{}"), ": found \u{feff}{}, expected a JSON object");
}

#[test]
fn d01_a_ruleset_of_8_mib_is_read_and_a_longer_one_is_not() {
    let text = full().to_string();
    let padded = |bytes: usize| text.clone() + &" ".repeat(bytes - text.len());
    assert!(Ruleset::read(&padded(MAX_TEXT_BYTES), NATIVE).is_ok());
    assert!(Ruleset::read(&("\u{feff}".to_owned() + &padded(MAX_TEXT_BYTES)), NATIVE).is_ok());
    assert_eq!(refusal(&padded(MAX_TEXT_BYTES + 1)), ": found a longer text, expected at most 8 MiB");
}

#[test]
fn d01_ten_thousand_flags_are_read_and_each_is_found() {
    let flags: serde_json::Map<_, _> = (0..10_000)
        .map(|number| (format!("flag {number}"), json!({ "variants": { "v": number }, "default": "v" })))
        .collect();
    let client = client(&json!({ "flags": flags }).to_string());
    assert_eq!(client.flag_keys().len(), 10_000);
    for number in 0..10_000 {
        assert_eq!(client.variant_json(&format!("flag {number}"), "v"), Some(&*number.to_string()));
    }
    assert_eq!(client.variants("flag 10000"), Vec::<String>::new());
}

#[test]
fn an_object_with_very_many_members_is_read() {
    let value: serde_json::Map<_, _> = (0..200_000).map(|number| (number.to_string(), json!(number))).collect();
    let mut client = client(&json!({ "flags": { "f": { "variants": { "v": value }, "default": "v" } } }).to_string());
    assert_eq!(client.decide("f", NOW).variant_key, Some("v"));
}

#[test]
fn d02_a_value_nested_too_deep_breaks_its_flag_alone() {
    // The flag and its variants are two of the 64 levels.
    for (levels, is_read) in [(62, true), (63, false), (100_000, false)] {
        let deep = "[".repeat(levels) + &"]".repeat(levels);
        let text = format!(
            r#"{{"flags":{{"deep":{{"variants":{{"v":{deep}}},"default":"v"}},"good":{{"variants":{{"v":1}},"default":"v"}}}}}}"#
        );
        let mut client = client(&text);
        assert_eq!(client.decide("good", NOW).variant_key, Some("v"));
        assert_eq!(client.decide("deep", NOW).variant_key.is_some(), is_read, "{levels} levels");
        let expected =
            "flags.deep: found {\"variants\":{\"v\":[[[[[[[[[[[[[[[[[[[[[[[, expected at most 64 levels of nesting";
        assert_eq!(client.problem("deep").map(message), (!is_read).then(|| expected.to_owned()));
    }
}

#[test]
fn every_name_has_room_for_256_bytes_and_no_more() {
    for (length, is_read) in [(256, true), (257, false)] {
        let name = "n".repeat(length);
        for fields in [
            json!({ "variants": { name.clone(): 1 }, "default": name }),
            json!({ "experiment": name }),
            json!({ "rules": [{ "id": name, "serve": "a" }] }),
        ] {
            assert_eq!(client(&with(fields.clone())).problem("f").is_none(), is_read, "{fields}");
        }
        let environment = json!({ "environment": name, "flags": {} }).to_string();
        assert_eq!(Ruleset::read(&environment, NATIVE).is_ok(), is_read);
        let keyed = json!({ "flags": { name.clone(): { "variants": { "v": 1 }, "default": "v" } } }).to_string();
        assert_eq!(client(&keyed).problem(&name).is_none(), is_read);
    }
}

#[test]
fn a_flag_has_at_most_2000_variants_and_a_split_1000_entries() {
    let variants = |count: usize| -> Value {
        (0..count).map(|at| (at.to_string(), json!(at))).collect::<serde_json::Map<_, _>>().into()
    };
    let split = |count: usize| json!([{ "serve": vec![json!({ "variant": "a", "weight": 1_000_000 }); count] }]);
    for (fields, is_read) in [
        (json!({ "variants": variants(2000), "default": "1999" }), true),
        (json!({ "variants": variants(2001), "default": "1999" }), false),
        (json!({ "rules": split(1000) }), true),
        (json!({ "rules": split(1001) }), false),
    ] {
        let mut client = client(&with(fields));
        assert_eq!(client.decide("f", NOW).variant_key.is_some(), is_read, "{:?}", client.problem("f").map(message));
    }
}

/// JSON with the words of a ruleset in it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "variants",
        "default",
        "off",
        "enabled",
        "by",
        "rules",
        "when",
        "serve",
        "weight",
        "variant",
        "percent",
        "salt",
        "all",
        "any",
        "not",
        "attribute",
        "op",
        "value",
        "eq",
        "in",
        "gt",
        "contains",
        "exists",
        "ids",
        "targets",
        "limitExposure",
        "start",
        "control",
        "treatment_a",
        "distinctId",
        "",
        "__proto__",
        "2026-10-01",
        "\0",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![
            0.0,
            -0.0,
            -1.0,
            0.001,
            0.0001,
            100.0,
            100.001,
            1e9,
            1e308,
            -1e-300,
            9.007_199_254_740_993e15
        ])
        .prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![4 => word.prop_map(str::to_owned), 1 => any::<String>()];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[derive(Clone, Debug)]
enum Mutation {
    Replace(Value),
    Remove,
    /// Puts another value beside it, under this name, or at the end of its list.
    Add(String, Value),
}

fn any_mutation() -> impl Strategy<Value = (prop::sample::Index, Mutation)> {
    let mutation = prop_oneof![
        3 => any_json().prop_map(Mutation::Replace),
        1 => Just(Mutation::Remove),
        1 => (any::<String>(), any_json()).prop_map(|(name, value)| Mutation::Add(name, value)),
    ];
    (any::<prop::sample::Index>(), mutation)
}

/// The JSON pointers of everything inside a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inside = |name: &str, value: &Value| {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| inside(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| inside(&at.to_string(), value)),
        _ => {}
    }
}

fn mutate(root: &mut Value, index: prop::sample::Index, mutation: Mutation) {
    let mut all = Vec::new();
    pointers(root, "", &mut all);
    if all.is_empty() {
        return;
    }
    let pointer = index.get(&all);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match (root.pointer_mut(parent).unwrap(), mutation) {
        (Value::Object(members), Mutation::Replace(value)) => drop(members.insert(name, value)),
        (Value::Object(members), Mutation::Remove) => drop(members.remove(&name)),
        (Value::Object(members), Mutation::Add(name, value)) => drop(members.insert(name, value)),
        (Value::Array(items), Mutation::Replace(value)) => items[name.parse::<usize>().unwrap()] = value,
        (Value::Array(items), Mutation::Remove) => drop(items.remove(name.parse().unwrap())),
        (Value::Array(items), Mutation::Add(_, value)) => items.push(value),
        _ => {}
    }
}

/// That a flag answers, or is broken and says so.
fn check_answer(client: &mut Client, key: &str) -> Result<(), TestCaseError> {
    let answer = client.decide(key, NOW);
    let (error, variant) = (answer.decision.error, answer.variant_key.map(str::to_owned));
    match client.problem(key) {
        Some(problem) => {
            prop_assert_eq!(error, Some(ErrorCode::ParseError));
            prop_assert_eq!(variant, None);
            prop_assert!(problem.place.starts_with("flags."), "{}", message(problem));
            prop_assert!(!problem.expected.is_empty());
            prop_assert!(problem.found.len() <= 260, "{}", message(problem));
        }
        None => {
            prop_assert!(error.is_none_or(|error| error == ErrorCode::TargetingKeyMissing));
            let json = client.variant_json(key, &variant.unwrap()).unwrap();
            prop_assert!(serde_json::from_str::<Value>(json).is_ok());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), r#"[{}\[\]":,flags0-9a\\u \n]{0,60}"#]) {
        if let Err(problem) = Ruleset::read(&text, NATIVE) {
            prop_assert!(!problem.expected.is_empty());
        }
    }

    #[test]
    fn any_json_in_the_place_of_a_flag_is_decided_or_is_a_problem(flag in any_json(), attributes in any_json()) {
        let mut client = client(&json!({ "flags": { "f": flag } }).to_string());
        let attributes: Attributes = serde_json::from_value(attributes).unwrap();
        let _ = client.identify(Some("u1".into()), attributes, NOW);
        check_answer(&mut client, "f")?;
    }

    #[test]
    fn one_broken_flag_is_one_broken_flag(mutations in prop::collection::vec(any_mutation(), 1..4), attributes in any_json()) {
        let attributes: Attributes = serde_json::from_value(attributes).unwrap();
        let mut ruleset = full();
        for (index, mutation) in mutations {
            mutate(&mut ruleset["flags"]["checkout"], index, mutation);
        }
        let mut sound = client(&full().to_string());
        let mut mutated = client(&ruleset.to_string());
        for client in [&mut sound, &mut mutated] {
            let _ = client.identify(Some("u1".into()), attributes.clone(), NOW);
        }
        check_answer(&mut mutated, "checkout")?;
        let others = |client: &mut Client| -> Vec<_> {
            answers(client).into_iter().filter(|(key, _)| key != "checkout").collect()
        };
        prop_assert_eq!(others(&mut mutated), others(&mut sound));
    }

    #[test]
    fn a_ruleset_that_is_wrong_anywhere_is_read_or_refused(mutations in prop::collection::vec(any_mutation(), 1..6)) {
        let mut ruleset = full();
        for (index, mutation) in mutations {
            mutate(&mut ruleset, index, mutation);
        }
        if let Ok(ruleset) = Ruleset::read(&ruleset.to_string(), NATIVE) {
            let mut client = client("{\"flags\":{}}");
            client.set_ruleset(Ok(ruleset)).unwrap();
            for key in client.flag_keys() {
                check_answer(&mut client, &key)?;
            }
        }
    }

    #[test]
    fn a_ruleset_with_damaged_bytes_is_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"{}[]\",:0-\\u \x01e.".to_vec())), 1..4)
    ) {
        let mut bytes = full().to_string().into_bytes();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let text = String::from_utf8(bytes).unwrap();
        let read = Ruleset::read(&text, NATIVE);
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert!(is_json || read.is_err());
        if let Ok(ruleset) = read {
            let mut client = client("{\"flags\":{}}");
            client.set_ruleset(Ok(ruleset)).unwrap();
            for key in client.flag_keys() {
                check_answer(&mut client, &key)?;
            }
        }
    }

    #[test]
    fn the_order_of_the_flags_does_not_matter(order in Just(vec!["checkout", "banner", "search", "", "broken"]).prop_shuffle()) {
        let mut full = full();
        full["flags"]["broken"] = json!({ "variants": {} });
        let flags: Vec<_> = order.iter().map(|key| format!("{}:{}", json!(key), full["flags"][key])).collect();
        let mut shuffled = client(&format!(r#"{{"flags":{{{}}}}}"#, flags.join(",")));
        prop_assert_eq!(shuffled.flag_keys(), order.clone(), "they are listed in the order of the text");
        let sorted = |client: &mut Client| {
            let mut answers = answers(client);
            answers.sort();
            answers
        };
        prop_assert_eq!(sorted(&mut shuffled), sorted(&mut client(&full.to_string())));
    }
}
