//! What the engine's parts cost natively. Each measurement checks its own result.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pennon::engine::attributes::Value;
use pennon::engine::client::{Client, Stored};
use pennon::engine::decision::Reason;
use pennon::engine::exposure::{Config, State};
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;
use serde_json::json;

const NOW: Now = Now { wall_ms: 1_790_000_000_000.0, mono_ms: 0.0 };
const FLAGS: usize = 1000;

criterion_group!(benches, compile_1000_flags, decide_simple, decide_10_conditions, decide_all_1000);
criterion_main!(benches);

/// From the text to every flag compiled, which only `problems()` asks for.
fn compile_1000_flags(criterion: &mut Criterion) {
    let text = ruleset((0..FLAGS).map(|number| (key(number), typical_flag())));
    criterion.bench_function("engine/compile_1000_flags", |bencher| {
        bencher.iter(|| {
            let client = client(black_box(&text));
            let sound = client.flag_keys().iter().filter(|key| client.problem(key).is_none()).count();
            assert_eq!(sound, FLAGS);
            client
        });
    });
}

/// One compiled flag without a condition, which serves one variant.
fn decide_simple(criterion: &mut Criterion) {
    let flag = json!({ "variants": { "off": 1, "on": 2 }, "default": "off", "rules": [{ "serve": "on" }] });
    let mut client = client(&ruleset([(key(0), flag)]));
    let key = key(0);
    criterion.bench_function("engine/decide_simple", |bencher| {
        bencher.iter(|| {
            let answer = client.decide(black_box(&key), NOW);
            assert_eq!((answer.variant_key, answer.decision.reason), (Some("on"), Reason::TargetingMatch));
        });
    });
}

/// One compiled flag whose rule has ten conditions, all of which hold, and a split.
fn decide_10_conditions(criterion: &mut Criterion) {
    let conditions: Vec<_> = (0..10)
        .map(|number| match number % 2 {
            0 => json!({ "attribute": format!("name{number}"), "op": "in", "value": ["one", "other", "it"] }),
            _ => json!({ "attribute": format!("count{number}"), "op": "gte", "value": number }),
        })
        .collect();
    let flag = json!({
        "variants": { "off": 1, "on": 2 },
        "default": "off",
        "rules": [{ "when": { "all": conditions }, "serve": [{ "variant": "on", "weight": 1 }] }],
    });
    let mut client = client(&ruleset([(key(0), flag)]));
    let attributes = (0..10).map(|number| match number % 2 {
        0 => (format!("name{number}"), Value::Text("it".into())),
        _ => (format!("count{number}"), Value::Number(f64::from(number))),
    });
    client.identify(Some("person-1".into()), Value::object(attributes.collect()), NOW);
    let key = key(0);
    criterion.bench_function("engine/decide_10_conditions", |bencher| {
        bencher.iter(|| {
            let answer = client.decide(black_box(&key), NOW);
            assert_eq!((answer.variant_key, answer.decision.reason), (Some("on"), Reason::Split));
        });
    });
}

/// Every flag of a ruleset, none of them compiled before.
fn decide_all_1000(criterion: &mut Criterion) {
    let text = ruleset((0..FLAGS).map(|number| (key(number), typical_flag())));
    let keys: Vec<String> = (0..FLAGS).map(key).collect();
    criterion.bench_function("engine/decide_all_1000", |bencher| {
        bencher.iter_batched_ref(
            || client(&text),
            |client| {
                let split = keys.iter().filter(|key| client.decide(key, NOW).decision.reason == Reason::Split).count();
                assert_eq!(split, FLAGS);
            },
            BatchSize::SmallInput,
        );
    });
}

/// Two conditions, which do not hold, and a split.
fn typical_flag() -> serde_json::Value {
    json!({
        "variants": { "off": 1, "on": 2 },
        "default": "off",
        "rules": [
            {
                "id": "pros",
                "when": { "all": [
                    { "attribute": "plan", "op": "in", "value": ["pro", "team"] },
                    { "attribute": "country", "op": "eq", "value": "NO" },
                ] },
                "serve": "on",
            },
            { "id": "everyone", "serve": [{ "variant": "off", "weight": 1 }, { "variant": "on", "weight": 1 }] },
        ],
    })
}

fn key(number: usize) -> String {
    format!("feature-{number}")
}

fn ruleset(flags: impl IntoIterator<Item = (String, serde_json::Value)>) -> String {
    json!({ "schema": 1, "flags": flags.into_iter().collect::<serde_json::Map<_, _>>() }).to_string()
}

/// A client of a person with two attributes.
fn client(ruleset: &str) -> Client {
    let exposures = State::new(Config::new("instance".into(), NATIVE), None);
    let attributes =
        [("plan", "free"), ("country", "DE")].map(|(name, text)| (name.to_owned(), Value::Text(text.into())));
    let attributes = Value::object(attributes.into());
    let (mut client, _) =
        Client::new(exposures, Some("person-1".into()), attributes, Stored::default(), NOW, &mut || [7; 10]);
    client.set_ruleset(Ruleset::read(ruleset, NATIVE)).unwrap();
    client
}
