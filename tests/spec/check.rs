//! Compares the engine with the vectors beside this file. Each function fails where they differ. Natively and in a browser
//! the same vectors hold.

use pennon::engine::bucketing::bucket_of;
use pennon::engine::client::{Client, Stored};
use pennon::engine::exposure::id::{Dedup, Id, IdFields};
use pennon::engine::exposure::{Config, State};
use pennon::engine::platform::Platform;
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Repeated { repeat: String, times: usize },
}

impl Text {
    fn full(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

fn vectors<T: DeserializeOwned>(document: &str, at_least: usize) -> Vec<T> {
    let mut document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["specVersion"], 1);
    let vectors: Vec<T> = serde_json::from_value(document["vectors"].take()).unwrap();
    assert!(vectors.len() >= at_least, "{} vectors", vectors.len());
    vectors
}

pub fn buckets() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        salt: Text,
        unit_id: Text,
        bucket: u32,
    }
    for vector in vectors::<Vector>(include_str!("bucketing.json"), 200) {
        let (salt, unit_id) = (vector.salt.full(), vector.unit_id.full());
        assert_eq!(
            bucket_of(&salt, &unit_id),
            vector.bucket,
            "salt {salt:.40?}, unit id {unit_id:.40?} of {} bytes",
            unit_id.len()
        );
    }
}

pub fn exposure_ids() {
    #[derive(Deserialize)]
    struct Vector {
        fields: Fields,
        id: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        environment: Text,
        dedup: String,
        scope_id: Text,
        unit_id: Text,
        distinct_id: Text,
        flag_key: Text,
        flag_version: u64,
        variant: Text,
        value_text: Text,
        reason: String,
        experiment: Text,
        #[serde(default)]
        decided: bool,
    }
    for (at, Vector { fields, id }) in vectors::<Vector>(include_str!("exposure_id.json"), 100).into_iter().enumerate()
    {
        let dedup = [Dedup::Session, Dedup::Identity, Dedup::None].into_iter().find(|one| one.as_str() == fields.dedup);
        let found = Id::of(&IdFields {
            environment: &fields.environment.full(),
            dedup: dedup.unwrap(),
            scope_id: &fields.scope_id.full(),
            unit_id: &fields.unit_id.full(),
            distinct_id: &fields.distinct_id.full(),
            flag_key: &fields.flag_key.full(),
            flag_version: &fields.flag_version.to_string(),
            variant: &fields.variant.full(),
            value_text: &fields.value_text.full(),
            reason: &fields.reason,
            experiment: &fields.experiment.full(),
            decided: fields.decided,
        });
        assert_eq!(found.to_text(), id, "vector {at}");
    }
}

pub fn link_ids() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        anonymous_id: Text,
        distinct_id: Text,
        id: String,
    }
    for (at, vector) in vectors::<Vector>(include_str!("link_id.json"), 100).into_iter().enumerate() {
        let found = Id::of_link(&vector.anonymous_id.full(), &vector.distinct_id.full());
        assert_eq!(found.to_text(), vector.id, "vector {at}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    ruleset: Option<Value>,
    ruleset_text: Option<String>,
    flag: String,
    distinct_id: Option<String>,
    attributes: pennon::engine::attributes::Value,
    now_ms: f64,
    expect: Expected,
}

/// A value of JSON `null` is `Some(Value::Null)`; an absent one is `None`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Expected {
    variant: Option<String>,
    reason: String,
    rule_id: Option<String>,
    bucket: Option<u32>,
    error_code: Option<String>,
    flag_version: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub fn decisions(platform: Platform) {
    let document = include_str!("evaluation.json");
    let head: Value = serde_json::from_str(document).unwrap();
    let stored_ids = format!("1|{}|{}", head["deviceId"].as_str().unwrap(), head["anonymousId"].as_str().unwrap());
    let mut wrong = Vec::new();
    for case in vectors::<Case>(document, 150) {
        let found = decided(&case, &stored_ids, platform);
        if found != case.expect {
            wrong.push(format!("{}:\n  found    {found:?}\n  expected {:?}", case.name, case.expect));
        }
    }
    assert!(wrong.is_empty(), "{} decisions differ\n{}", wrong.len(), wrong.join("\n"));
}

fn decided(case: &Case, stored_ids: &str, platform: Platform) -> Expected {
    let text = case.ruleset_text.clone().unwrap_or_else(|| case.ruleset.as_ref().unwrap().to_string());
    let exposures = State::new(
        Config {
            sends: false,
            key: String::new(),
            dedup: Dedup::Session,
            flush_interval_ms: 5000.0,
            attribute_names: Vec::new(),
            app_version: String::new(),
            instance_id: "instance".into(),
            platform,
        },
        None,
    );
    let stored = Stored { ids: Some(stored_ids), ..Stored::default() };
    let now = Now { wall_ms: case.now_ms, mono_ms: 0.0 };
    let (mut client, _) =
        Client::new(exposures, case.distinct_id.clone(), case.attributes.clone(), stored, now, &mut || [7; 10]);
    client.set_ruleset(Ruleset::read(&text, platform)).unwrap();
    let answer = client.decide(&case.flag, now);
    let variant = answer.variant_key.map(str::to_owned);
    let mut found = Expected {
        reason: answer.decision.reason.as_str().to_owned(),
        rule_id: answer.decision.rule_id.map(str::to_owned),
        bucket: answer.decision.bucket,
        error_code: answer.decision.error.map(|error| error.as_str().to_owned()),
        // A broken or unknown flag has no version to tell; one that is decided always has.
        flag_version: answer.flag_version,
        value: None,
        variant,
    };
    found.value = found.variant.as_deref().map(|variant| {
        let json = client.variant_json(&case.flag, variant).unwrap();
        serde_json::from_str(json).unwrap()
    });
    found
}
