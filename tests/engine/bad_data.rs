//! Bad data, row by row of the table of faults: what a ruleset may hold by mistake or malice, and what comes of it. Rows that
//! need a page or the package are in `pkg/test/bad-data.test.mjs` and `tests/e2e`.

use std::cell::Cell;

use pennon::engine::attributes::Value as Attributes;
use pennon::engine::client::{Client, Stored};
use pennon::engine::exposure::id::Dedup;
use pennon::engine::exposure::{Config, State};
use pennon::engine::platform::{NATIVE, Platform};
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;
use serde_json::{Map, Value, json};

use crate::support::{START_MS, client, config};

const NOW: Now = Now { wall_ms: START_MS, mono_ms: 0.0 };

/// Variant or `-`, reason, and the error code where there is one.
fn said(client: &mut Client, key: &str) -> String {
    let answer = client.decide(key, NOW);
    let error = answer.decision.error.map_or(String::new(), |error| format!(" {}", error.as_str()));
    format!("{} {}{error}", answer.variant_key.unwrap_or("-"), answer.decision.reason.as_str())
}

fn place(client: &Client, key: &str) -> Option<String> {
    client.problem(key).map(|problem| problem.place.clone())
}

/// A flag with the variants `a` and `b`, which answers `a` unless its fields say otherwise.
fn flag(fields: Value) -> Value {
    let mut flag = json!({ "variants": { "a": 1, "b": 2 }, "default": "a" });
    flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    flag
}

fn when(condition: Value) -> Value {
    flag(json!({ "rules": [{ "when": condition, "serve": "b" }] }))
}

#[test]
fn d04_of_equal_keys_the_last_wins() {
    let mut client = client(
        r#"{
            "version": "broken", "version": 3,
            "segments": { "s": { "when": 5 }, "s": { "when": { "all": [] } } },
            "flags": { "gone": {} },
            "flags": {
                "f": "broken",
                "f": {
                    "variants": { "a": 0 }, "variants": { "a": 1, "b": 2, "b": 3 }, "default": "z", "default": "a",
                    "rules": [{ "when": { "segment": "t", "segment": "s" }, "serve": "a", "serve": "b" }]
                },
                "g": { "variants": { "a": 1 }, "default": "a" }, "g": { "variants": {}, "default": "a" }
            }
        }"#,
    );
    assert_eq!(client.flag_keys(), ["f", "g"]);
    assert_eq!(said(&mut client, "f"), "b TARGETING_MATCH");
    assert_eq!(client.variant_json("f", "b"), Some("3"));
    assert_eq!(said(&mut client, "g"), "- ERROR PARSE_ERROR");
    assert_eq!(said(&mut client, "gone"), "- ERROR FLAG_NOT_FOUND");
}

#[test]
fn d05_numbers_that_no_double_holds_break_the_flag_and_minus_zero_is_zero() {
    let with_number = |template: &Value, number: &str| {
        let text = json!({ "flags": { "f": template } }).to_string().replace("\"NUMBER\"", number);
        let mut client = client(&text);
        let _ = client.identify(Some("u1".into()), serde_json::from_str::<Attributes>(r#"{"x":-0.0}"#).unwrap(), NOW);
        said(&mut client, "f")
    };
    let templates = [
        flag(json!({ "version": "NUMBER" })),
        flag(json!({ "start": "NUMBER" })),
        flag(json!({ "limitExposure": { "percent": "NUMBER" } })),
        flag(
            json!({ "rules": [{ "serve": [{ "variant": "b", "weight": "NUMBER" }, { "variant": "b", "weight": 1 }] }] }),
        ),
        when(json!({ "attribute": "x", "op": "eq", "value": "NUMBER" })),
        when(json!({ "attribute": "x", "op": "gte", "value": "NUMBER" })),
        when(json!({ "attribute": "x", "op": "between", "value": ["NUMBER", 1] })),
    ];
    for template in &templates {
        for number in ["1e400", "-1e400", "1e999999999999"] {
            assert_eq!(with_number(template, number), "- ERROR PARSE_ERROR", "{number} in {template}");
        }
    }
    for (template, expected) in templates.iter().zip([
        "a DEFAULT",
        "a DEFAULT",
        "a NOT_IN_EXPOSURE",
        "b SPLIT",
        "b TARGETING_MATCH",
        "b TARGETING_MATCH",
        "b TARGETING_MATCH",
    ]) {
        for number in ["0", "-0", "-0.0", "0e400", "1e-400"] {
            assert_eq!(with_number(template, number), expected, "{number} in {template}");
        }
    }
    // Beyond 2⁵³ a version would not be the one that is written.
    for number in ["9007199254740992", "9223372036854775808", "18446744073709551616"] {
        assert_eq!(with_number(&templates[0], number), "- ERROR PARSE_ERROR", "{number}");
    }
    assert_eq!(with_number(&templates[0], "9007199254740991"), "a DEFAULT");
}

#[test]
fn d06_a_lone_surrogate_is_one_replacement_character_wherever_it_is() {
    let mut client = client(
        r#"{ "flags": {
            "k\ud800": { "variants": { "v\udc00": "\ud83d" }, "default": "v\ud83d" },
            "target": { "variants": { "a": 1, "b": 2 }, "default": "a", "targets": [{ "variant": "b", "ids": ["u\udfff"] }] },
            "half": { "variants": { "a": 1, "b": 2 }, "default": "a",
                "rules": [{ "when": { "attribute": "x", "op": "eq", "value": "\ude00\ud83d" }, "serve": "b" }] }
        } }"#,
    );
    let attributes = serde_json::from_value(json!({ "x": "\u{fffd}\u{fffd}" })).unwrap();
    let _ = client.identify(Some("u\u{fffd}".into()), attributes, NOW);
    assert_eq!(client.flag_keys(), ["k\u{fffd}", "target", "half"]);
    assert_eq!(said(&mut client, "k\u{fffd}"), "v\u{fffd} DEFAULT");
    assert_eq!(said(&mut client, "target"), "b TARGETING_MATCH");
    assert_eq!(said(&mut client, "half"), "b TARGETING_MATCH");
}

#[test]
fn d07_names_that_javascript_objects_have_are_names_like_others() {
    let names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
    let sections = |make: &dyn Fn(&str) -> Value| -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), make(name))).collect()
    };
    let flags = sections(&|name| {
        json!({
            "variants": { name: 1, "b": 2 }, "default": "b",
            "rules": [{ "when": { "all": [{ "segment": name }, { "attribute": name, "op": "eq", "value": name }] }, "serve": name }]
        })
    });
    let segments = sections(&|_| json!({ "when": { "all": [] } }));
    let mut client = client(&json!({ "flags": flags, "segments": segments }).to_string());
    for name in names {
        assert_eq!(said(&mut client, name), "b DEFAULT", "nobody inherits {name}");
    }
    let attributes = sections(&|name| name.into());
    let _ = client.identify(Some("u1".into()), serde_json::from_value(attributes.into()).unwrap(), NOW);
    for name in names {
        assert_eq!(said(&mut client, name), format!("{name} TARGETING_MATCH"));
    }
    assert_eq!(said(&mut client, ""), "- ERROR FLAG_NOT_FOUND");
}

#[test]
fn d08_percentages_and_weights_outside_their_range_break_the_flag_alone() {
    for percent in ["-1", "-0.001", "100.001", "101", "1e300", "33.3333", "1e400", "\"20\"", "true", "[20]", "{}"] {
        for (template, place) in [
            (flag(json!({ "limitExposure": { "percent": "P" } })), "flags.f.limitExposure.percent"),
            (
                when(json!({ "attribute": "x", "op": "bucket", "value": { "salt": "s", "percent": "P" } })),
                "flags.f.rules[0].when.value.percent",
            ),
            (flag(json!({ "holdout": "h" })), "holdouts.h.percent"),
        ] {
            let ruleset =
                json!({ "holdouts": { "h": { "percent": "P" } }, "flags": { "f": template, "good": flag(json!({})) } });
            let mut client = client(&ruleset.to_string().replace("\"P\"", percent));
            assert_eq!(said(&mut client, "f"), "- ERROR PARSE_ERROR", "{percent} at {place}");
            assert_eq!(self::place(&client, "f").as_deref(), Some(place), "{percent}");
            assert_eq!(said(&mut client, "good"), "a DEFAULT");
        }
    }
    // A sum other than 100 is no mistake: the shares are those of the sum.
    for (weights, expected) in [([1, 1], "b SPLIT"), ([999, 999], "b SPLIT"), ([0, 7], "b SPLIT"), ([7, 0], "a SPLIT")]
    {
        let split = json!([{ "variant": "a", "weight": weights[0] }, { "variant": "b", "weight": weights[1] }]);
        let mut client =
            client(&json!({ "flags": { "f": flag(json!({ "rules": [{ "serve": split }] })) } }).to_string());
        let _ = client.identify(Some("u1".into()), Attributes::Null, NOW);
        assert_eq!(said(&mut client, "f"), expected, "{weights:?}");
    }
    for weight in ["-1", "1000000.001", "0.0001", "\"1\"", "null"] {
        let split = json!([{ "variant": "a", "weight": "W" }, { "variant": "b", "weight": 1 }]);
        let ruleset = json!({ "flags": { "f": flag(json!({ "rules": [{ "serve": split }] })) } });
        assert_eq!(
            said(&mut client(&ruleset.to_string().replace("\"W\"", weight)), "f"),
            "- ERROR PARSE_ERROR",
            "{weight}"
        );
    }
}

/// `length` flags, or segments with a flag in front, each of which refers to the next and the last to the first.
fn circle(length: usize, mut node: impl FnMut(String) -> Value) -> Map<String, Value> {
    (0..length).map(|at| (format!("n{at}"), node(format!("n{}", (at + 1) % length)))).collect()
}

#[test]
fn d09_prerequisites_in_a_circle_fail_and_are_problems_however_long_it_is() {
    for length in [1, 2, 3, 1000] {
        let mut flags =
            circle(length, |next| flag(json!({ "off": "b", "requires": [{ "flag": next, "variants": ["a"] }] })));
        flags.insert(
            "behind".into(),
            flag(json!({ "off": "b", "requires": [{ "flag": "n0", "variants": ["a", "b"] }] })),
        );
        flags.insert("good".into(), flag(json!({})));
        let mut client = client(&json!({ "flags": flags }).to_string());
        for key in client.flag_keys() {
            let expected = if key == "good" { "a DEFAULT" } else { "b PREREQUISITE_FAILED" };
            assert_eq!(said(&mut client, &key), expected, "{key} of {length}");
            assert_eq!(place(&client, &key), (key != "good").then(|| format!("flags.{key}")));
        }
        assert_eq!(client.problems().len(), length + 1);
    }
}

#[test]
fn d10_segments_in_a_circle_break_the_flags_that_refer_to_them_and_no_others() {
    for length in [1, 2, 3, 1000] {
        let mut segments = circle(length, |next| json!({ "include": ["u1"], "when": { "segment": next } }));
        segments.insert("sound".into(), json!({ "when": { "all": [] } }));
        let flags = json!({ "f": when(json!({ "any": [{ "segment": "sound" }, { "segment": "n0" }] })), "good": when(json!({ "segment": "sound" })) });
        let mut client = client(&json!({ "segments": segments, "flags": flags }).to_string());
        assert_eq!(said(&mut client, "f"), "- ERROR PARSE_ERROR", "{length}");
        assert_eq!(place(&client, "f").as_deref(), Some("segments.n0"), "{length}");
        assert_eq!(said(&mut client, "good"), "b TARGETING_MATCH");
    }
}

#[test]
fn d11_what_refers_to_a_missing_flag_or_segment_says_so() {
    for (fields, expected, place) in [
        (
            json!({ "off": "b", "requires": [{ "flag": "gone", "variants": ["a"] }] }),
            "b PREREQUISITE_FAILED",
            "flags.f",
        ),
        (
            json!({ "off": "b", "rules": [{ "when": { "flag": "gone", "variants": [] }, "serve": "a" }] }),
            "b PREREQUISITE_FAILED",
            "flags.f",
        ),
        (
            json!({ "rules": [{ "when": { "segment": "gone" }, "serve": "b" }] }),
            "- ERROR PARSE_ERROR",
            "flags.f.rules[0].when.segment",
        ),
        (
            json!({ "rules": [{ "when": { "segment": "leads there" }, "serve": "b" }] }),
            "- ERROR PARSE_ERROR",
            "segments.leads there.when.not.segment",
        ),
        (json!({ "layer": "gone" }), "- ERROR PARSE_ERROR", "flags.f.layer"),
        (json!({ "holdout": "gone" }), "- ERROR PARSE_ERROR", "flags.f.holdout"),
    ] {
        let segments = json!({ "leads there": { "when": { "not": { "segment": "gone" } } } });
        let ruleset = json!({ "segments": segments, "flags": { "f": flag(fields.clone()), "good": flag(json!({})) } });
        let mut client = client(&ruleset.to_string());
        assert_eq!(said(&mut client, "f"), expected, "{fields}");
        assert_eq!(self::place(&client, "f").as_deref(), Some(place));
        assert_eq!(said(&mut client, "good"), "a DEFAULT");
    }
}

thread_local! {
    static SEARCHES: Cell<usize> = const { Cell::new(0) };
}

/// Counts the searches.
const SEARCHING: Platform = Platform {
    matches: |pattern, ignore_case, text| {
        SEARCHES.set(SEARCHES.get() + 1);
        (NATIVE.matches)(pattern, ignore_case, text)
    },
    ..NATIVE
};

#[test]
fn d12_a_pattern_that_could_take_long_is_refused_and_never_run() {
    let bombs = [
        "(a+)+$".to_owned(),
        "^(a|a)*$".to_owned(),
        "(a*)*b".to_owned(),
        "(.*a){20}".to_owned(),
        "a*a*a*b".to_owned(),
        "(a?){30}a{30}".to_owned(),
        "(a|a)".repeat(40) + "b",
        "a?".repeat(30) + &"a".repeat(30),
        "a{1000000}".to_owned(),
        "(?=(a+))\\1b".to_owned(),
        "a".repeat(1 << 20),
        "(".repeat(1 << 20),
        "[a-z]".repeat(1 << 18),
    ];
    for bomb in bombs {
        for pattern in [json!(bomb), json!(["a", bomb])] {
            let flags = json!({ "f": when(json!({ "attribute": "x", "op": "matches", "value": pattern })), "good": flag(json!({})) });
            let ruleset = Ruleset::read(&json!({ "flags": flags }).to_string(), SEARCHING);
            let state = State::new(Config { platform: SEARCHING, ..config(Dedup::Session) }, None);
            let attributes = serde_json::from_value(json!({ "x": "a".repeat(1000) })).unwrap();
            let (mut client, _) = Client::new(state, None, attributes, Stored::default(), NOW, &mut || [7; 10]);
            client.set_ruleset(ruleset).unwrap();
            assert_eq!(said(&mut client, "f"), "- ERROR PARSE_ERROR", "{}", &bomb[..bomb.len().min(40)]);
            assert_eq!(said(&mut client, "good"), "a DEFAULT");
            assert_eq!(SEARCHES.get(), 0);
        }
    }
}

#[test]
fn d14_an_unknown_operator_breaks_its_flag_and_a_newer_schema_the_ruleset() {
    let flags = json!({
        "f": when(json!({ "attribute": "x", "op": "soundsLike", "value": "y" })),
        "g": when(json!({ "sounds": "like" })),
        "good": flag(json!({}))
    });
    let mut client = client(&json!({ "flags": flags }).to_string());
    for schema in ["2", "1.5", "1e9", "\"1\"", "true"] {
        let newer = format!(r#"{{"schema":{schema},"flags":{{}}}}"#);
        assert_eq!(client.set_ruleset(Ruleset::read(&newer, NATIVE)).unwrap_err().place, "schema");
        assert_eq!(said(&mut client, "f"), "- ERROR PARSE_ERROR");
        assert_eq!(said(&mut client, "g"), "- ERROR PARSE_ERROR");
        assert_eq!(said(&mut client, "good"), "a DEFAULT");
    }
    assert_eq!(place(&client, "f").as_deref(), Some("flags.f.rules[0].when.op"));
    assert_eq!(place(&client, "g").as_deref(), Some("flags.f.rules[0].when".replace(".f.", ".g.").as_str()));
}

#[test]
fn d16_what_is_no_ruleset_is_refused_and_the_last_one_stays() {
    let mut client = client(&json!({ "flags": { "good": flag(json!({})) } }).to_string());
    for text in ["", " ", "null", "[]", "[{}]", "7", "\"{}\"", "true", "{}", r#"{"flags":null}"#, r#"{"flags":[]}"#] {
        assert!(client.set_ruleset(Ruleset::read(text, NATIVE)).is_err(), "{text}");
        assert_eq!(said(&mut client, "good"), "a DEFAULT", "{text}");
    }
    // One without any flag is one.
    assert!(client.set_ruleset(Ruleset::read(r#"{"flags":{}}"#, NATIVE)).is_ok());
    assert_eq!(said(&mut client, "good"), "- ERROR FLAG_NOT_FOUND");
}
