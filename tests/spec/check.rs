//! Compares the engine with the vectors beside this file. Each function fails where they differ. Natively and in a browser
//! the same vectors hold.

use pennon::engine::attributes::Value as Attributes;
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
    Repeated { repeat: Box<Text>, times: usize },
    Parts(Vec<Text>),
}

impl Text {
    fn full(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.full().repeat(*times),
            Self::Parts(parts) => parts.iter().map(Self::full).collect(),
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

/// What a client answered. A value of JSON `null` is `Some(Value::Null)`; an absent one is `None`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Answered {
    variant: Option<String>,
    reason: String,
    rule_id: Option<String>,
    bucket: Option<u32>,
    error_code: Option<String>,
    flag_version: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    /// Whether the last ruleset was refused.
    #[serde(default)]
    refused: bool,
    /// Where the mistake is that refused the ruleset or broke the flag, or the flag that cannot be answered.
    problem: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Answered {
    /// Makes the place of the problem the expected one, if it is that or inside of it. Of a refused ruleset none may be
    /// expected: then any will do.
    fn seen_from(mut self, expected: &Self) -> Self {
        let Some(outer) = &expected.problem else {
            self.problem = self.problem.filter(|_| !self.refused);
            return self;
        };
        let inner = self.problem.as_deref().and_then(|found| found.strip_prefix(&**outer));
        if inner.is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '['])) {
            self.problem = Some(outer.clone());
        }
        self
    }
}

/// The files of decisions, and how many are in each at least.
const DECISIONS: [(&str, usize); 10] = [
    (include_str!("evaluation.json"), 400),
    (include_str!("operators.json"), 1500),
    (include_str!("versions.json"), 700),
    (include_str!("patterns.json"), 500),
    (include_str!("dates.json"), 500),
    (include_str!("segments.json"), 300),
    (include_str!("flow.json"), 200),
    (include_str!("overrides.json"), 60),
    (include_str!("sticky.json"), 50),
    (include_str!("text.json"), 250),
];

pub fn decisions(platform: Platform) {
    let mut wrong = Vec::new();
    for (document, at_least) in DECISIONS {
        let head: Value = serde_json::from_str(document).unwrap();
        for vector in vectors::<Value>(document, at_least) {
            let expected = Answered::deserialize(&vector["expect"]).unwrap();
            let found = Play { head: &head, vector: &vector, platform }.last_answer().seen_from(&expected);
            if found != expected {
                wrong.push(format!("{}:\n  found    {found:?}\n  expected {expected:?}", vector["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} decisions differ\n{}", wrong.len(), wrong.join("\n"));
}

/// A vector, played to a client.
struct Play<'v> {
    head: &'v Value,
    vector: &'v Value,
    platform: Platform,
}

impl<'v> Play<'v> {
    fn last_answer(&self) -> Answered {
        let before: Vec<&Value> = self.vector["before"].as_array().into_iter().flatten().collect();
        let mut client = self.client(before.first().copied().unwrap_or(self.vector));
        for step in before {
            self.enter(&mut client, step);
            let flags = &step["flag"];
            for flag in flags.as_array().map_or(std::slice::from_ref(flags), Vec::as_slice) {
                client.decide(flag.as_str().unwrap(), self.now(step));
            }
        }
        let refused = self.enter(&mut client, self.vector);
        self.answer(client, refused)
    }

    /// What this step is given: what it does not name is the vector's.
    fn given(&self, step: &'v Value, name: &str) -> Option<&'v Value> {
        step.get(name).or_else(|| self.vector.get(name))
    }

    fn now(&self, step: &'v Value) -> Now {
        let wall_ms = self.given(step, "nowMs").unwrap_or(&self.head["nowMs"]).as_f64().unwrap();
        Now { wall_ms, mono_ms: 0.0 }
    }

    fn distinct_id(&self, step: &'v Value) -> Option<String> {
        self.given(step, "distinctId").unwrap().as_str().map(str::to_owned)
    }

    fn ruleset(&self, step: &'v Value) -> String {
        let holder =
            if step.get("ruleset").is_some() || step.get("rulesetText").is_some() { step } else { self.vector };
        match (&holder["ruleset"], holder.get("rulesetText")) {
            (_, Some(text)) => Text::deserialize(text).unwrap().full(),
            (Value::String(name), None) => self.head["rulesets"][name].to_string(),
            (ruleset, None) => ruleset.to_string(),
        }
    }

    fn client(&self, first: &'v Value) -> Client {
        let exposures = State::new(Config::new("instance".into(), self.platform), None);
        let [device_id, anonymous_id] = ["deviceId", "anonymousId"].map(|name| self.head[name].as_str().unwrap());
        let ids = format!("1|{device_id}|{anonymous_id}");
        let stored = Stored { ids: Some(&ids), ..Stored::default() };
        let identified = self.distinct_id(first);
        Client::new(exposures, identified, Attributes::Null, stored, self.now(first), &mut || [7; 10]).0
    }

    /// Gives the client what it has in this step. Gives the place of the mistake when the ruleset is refused.
    fn enter(&self, client: &mut Client, step: &'v Value) -> Option<String> {
        let ruleset = Ruleset::read(&self.ruleset(step), self.platform);
        let refused = client.set_ruleset(ruleset).err().map(|problem| problem.place.clone());
        let attributes = self.given(step, "attributes").map(|given| Attributes::deserialize(given).unwrap());
        client.identify(self.distinct_id(step), attributes.unwrap_or_default(), self.now(step));
        client.clear_overrides();
        for (key, variant) in step["overrides"].as_object().into_iter().flatten() {
            client.override_flag(key.clone(), variant.as_str().unwrap().to_owned(), false);
        }
        refused
    }

    fn answer(&self, mut client: Client, refused: Option<String>) -> Answered {
        let flag = self.vector["flag"].as_str().unwrap();
        let answer = client.decide(flag, self.now(self.vector));
        let mut found = Answered {
            variant: answer.variant_key.map(str::to_owned),
            reason: answer.decision.reason.as_str().to_owned(),
            rule_id: answer.decision.rule_id.map(str::to_owned),
            bucket: answer.decision.bucket,
            error_code: answer.decision.error.map(|error| error.as_str().to_owned()),
            // A broken or unknown flag has no version to tell; one that is decided always has.
            flag_version: answer.flag_version,
            value: None,
            refused: refused.is_some(),
            problem: None,
        };
        found.value = found.variant.as_deref().map(|variant| {
            let json = client.variant_json(flag, variant).unwrap();
            serde_json::from_str(json).unwrap()
        });
        found.problem = refused.or_else(|| client.problem(flag).map(|problem| problem.place.clone()));
        found
    }
}
