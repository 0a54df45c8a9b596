//! A page without a browser: it carries out the engine's effects on a fake clock, storage and network.

use std::collections::BTreeMap;

use pennon::engine::attributes::Value;
use pennon::engine::client::{Client, Seen, Stored};
use pennon::engine::effect::{Batch, Effect, StorageKey};
use pennon::engine::exposure::id::Dedup;
use pennon::engine::exposure::{Config, Consent, Input, Outcome, State};
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;

/// 2026-09-21T14:13:20Z.
pub const START_MS: f64 = 1_790_000_000_000.0;
/// How long the fake network takes for an answer.
const LATENCY_MS: f64 = 40.0;

/// What the options of a client say, with their defaults.
pub fn config(dedup: Dedup) -> Config {
    Config {
        sends: true,
        key: "pk_test".into(),
        dedup,
        attribute_names: vec!["plan".into()],
        app_version: "2.4.1".into(),
        ..Config::new("instance".into(), NATIVE)
    }
}

/// A client that records nothing of interest and has this ruleset.
pub fn client(ruleset: &str) -> Client {
    let now = Now { wall_ms: START_MS, mono_ms: 0.0 };
    let (mut client, _) =
        Client::new(State::new(config(Dedup::Session), None), None, Value::Null, Stored::default(), now, &mut || {
            [7; 10]
        });
    client.set_ruleset(Ruleset::read(ruleset, NATIVE)).unwrap();
    client
}

/// What storage holds, shared by the pages that are opened one after the other.
pub type Storage = BTreeMap<&'static str, String>;

/// What the network makes of a request.
#[derive(Clone, Copy, PartialEq)]
pub enum Network {
    Answers(Outcome),
    /// Neither an answer nor an error.
    Silent,
}

pub struct Page {
    pub client: Client,
    pub now: Now,
    pub storage: Storage,
    pub network: Network,
    /// Rows as they were recorded.
    pub recorded: Vec<serde_json::Value>,
    pub sent: Vec<Batch>,
    /// Delivered and pending, of each flush that ended.
    pub flushed: Vec<(usize, usize)>,
    pub stale: usize,
    /// What the next page would find.
    pub kept: BTreeMap<u32, String>,
    pub kept_ledgers: String,
    pub refused: usize,
    wake_at_mono_ms: Option<f64>,
    /// When which flight is answered, and how.
    answers: Vec<(f64, u32, Outcome)>,
    random: u8,
}

impl Page {
    /// A first visit of an anonymous person.
    pub fn first(dedup: Dedup, ruleset: &str) -> Self {
        Self::open(dedup, ruleset, Storage::new(), None, START_MS)
    }

    /// A page load, with what storage holds.
    pub fn open(dedup: Dedup, ruleset: &str, storage: Storage, identified: Option<&str>, wall_ms: f64) -> Self {
        let now = Now { wall_ms, mono_ms: 0.0 };
        let get = |key: StorageKey| storage.get(key.as_str()).map(String::as_str);
        let stored = Stored {
            ids: get(StorageKey::Ids),
            session: get(StorageKey::Session),
            last_identity: get(StorageKey::LastIdentity),
            sticky: get(StorageKey::Sticky),
        };
        let mut random = 0;
        let mut config = config(dedup);
        config.instance_id = format!("instance-{wall_ms}");
        let exposures = State::new(config, get(StorageKey::Acknowledged));
        let (client, effects) =
            Client::new(exposures, identified.map(str::to_owned), Value::Null, stored, now, &mut || next(&mut random));
        let mut page = Self {
            client,
            now,
            storage,
            network: Network::Answers(Outcome::Acknowledged),
            recorded: Vec::new(),
            sent: Vec::new(),
            flushed: Vec::new(),
            stale: 0,
            kept: BTreeMap::new(),
            kept_ledgers: String::new(),
            refused: 0,
            wake_at_mono_ms: None,
            answers: Vec::new(),
            random,
        };
        page.run(effects);
        page.step(Input::Consent(Consent::Granted));
        page.set_ruleset(ruleset);
        page
    }

    pub fn set_ruleset(&mut self, text: &str) {
        let effects = self.client.set_ruleset(Ruleset::read(text, NATIVE)).unwrap();
        self.run(effects);
    }

    /// Reads a flag as `getFlag` does, and gives the variant and the reason.
    pub fn read(&mut self, key: &str) -> (String, &'static str) {
        self.look_at_clock();
        let (variant, reason) = self.record(key, false);
        // What the facade does from a microtask.
        let stored = self.storage.get(StorageKey::Sticky.as_str()).cloned();
        if let Some(text) = self.client.kept_to_store(stored.as_deref()) {
            self.storage.insert(StorageKey::Sticky.as_str(), text);
        }
        (variant, reason)
    }

    /// Decides a flag as the client does when it tells that a flag was decided, not seen.
    pub fn decide(&mut self, key: &str) {
        self.record(key, true);
    }

    /// Decides a flag and records the answer. Gives the variant and the reason.
    fn record(&mut self, key: &str, decided: bool) -> (String, &'static str) {
        let given = self.client.decide(key, self.now);
        let (variant, reason) = (given.variant_key.unwrap_or_default().to_owned(), given.decision.reason.as_str());
        let answer = given.number();
        let value_text = &self.client.variant_json(key, &variant).unwrap_or("null").to_owned();
        let place = self.client.place_of(key);
        let seen = Seen { place, answer, manual_variant: None, decided, value_text, value_is_cut: false };
        let effects = self.client.record(&seen, self.now);
        self.run(effects);
        (variant, reason)
    }

    /// Before a read: ends the session, or the time of a flag, that is over.
    fn look_at_clock(&mut self) {
        if self.client.session_is_over(self.now) {
            let stored = self.storage.get(StorageKey::Session.as_str()).cloned();
            let random = &mut self.random;
            let effects = self.client.roll_session(stored.as_deref(), self.now, &mut || next(random));
            self.run(effects);
        }
        let effects = self.client.end_of_flags(self.now);
        self.run(effects);
    }

    pub fn activity(&mut self) {
        self.look_at_clock();
        let effects = self.client.activity(self.now);
        self.run(effects);
    }

    pub fn identify(&mut self, id: &str) {
        let effects = self.client.identify(Some(id.into()), Value::Null, self.now);
        self.run(effects);
    }

    pub fn reset(&mut self) {
        let random = &mut self.random;
        let effects = self.client.reset(false, self.now, &mut || next(random));
        self.run(effects);
    }

    pub fn renew_session(&mut self) {
        let random = &mut self.random;
        let effects = self.client.renew_session(self.now, &mut || next(random));
        self.run(effects);
    }

    /// What was to call back never will.
    pub fn lose_timers(&mut self) {
        self.wake_at_mono_ms = None;
    }

    pub fn step(&mut self, input: Input<'_>) {
        let effects = self.client.step(input, self.now);
        self.run(effects);
    }

    /// Lets time pass: timers fire and requests are answered when they are due.
    pub fn advance(&mut self, milliseconds: f64) {
        let until_ms = self.now.mono_ms + milliseconds;
        loop {
            let answer = self.answers.iter().copied().min_by(|one, other| one.0.total_cmp(&other.0));
            let due_ms = answer.map(|(at_ms, ..)| at_ms).into_iter().chain(self.wake_at_mono_ms).reduce(f64::min);
            let Some(due_ms) = due_ms.filter(|due_ms| *due_ms <= until_ms) else { break };
            self.pass(due_ms - self.now.mono_ms);
            match answer {
                Some((at_ms, flight, outcome)) if at_ms <= due_ms => {
                    self.answers.retain(|(_, other, _)| *other != flight);
                    self.step(Input::Settled { flight, outcome, server_ms: None });
                }
                _ => {
                    self.wake_at_mono_ms = None;
                    self.step(Input::Tick);
                }
            }
        }
        self.pass(until_ms - self.now.mono_ms);
    }

    fn pass(&mut self, milliseconds: f64) {
        self.now.wall_ms += milliseconds;
        self.now.mono_ms += milliseconds;
    }

    /// The links of every batch that was sent, in their order.
    pub fn links(&self) -> Vec<serde_json::Value> {
        let of = |batch: &Batch| {
            let body: serde_json::Value = serde_json::from_str(&batch.body).unwrap();
            body["links"].as_array().unwrap().clone()
        };
        self.sent.iter().flat_map(of).collect()
    }

    /// The same field of every row that was recorded.
    pub fn field(&self, name: &str) -> Vec<&str> {
        self.recorded.iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
    }

    pub fn run(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Recorded(line) => self.recorded.push(serde_json::from_str(&line[1..]).unwrap()),
                Effect::Keep { number, line, is_new } => {
                    if is_new {
                        self.recorded.push(serde_json::from_str(&line[1..]).unwrap());
                    }
                    self.kept.insert(number, line);
                }
                Effect::KeepLedgers(text) => self.kept_ledgers = text,
                Effect::Release(numbers) => self.kept.retain(|number, _| !numbers.contains(number)),
                Effect::Refused => self.refused += 1,
                Effect::Stale => self.stale += 1,
                Effect::Send(batch) => {
                    if let Network::Answers(outcome) = self.network {
                        self.answers.push((self.now.mono_ms + LATENCY_MS, batch.flight, outcome));
                    }
                    self.sent.push(batch);
                }
                Effect::Abort { flight } => self.answers.retain(|(_, other, _)| *other != flight),
                Effect::WakeIn(delay_ms) => self.wake_at_mono_ms = Some(self.now.mono_ms + delay_ms),
                Effect::Store { key, text } => {
                    self.storage.insert(key.as_str(), text);
                }
                Effect::Remove(key) => {
                    self.storage.remove(key.as_str());
                }
                Effect::StoreAcknowledged => {
                    let stored = self.storage.get(StorageKey::Acknowledged.as_str()).cloned();
                    let text = self.client.merge_acknowledged(stored.as_deref());
                    self.storage.insert(StorageKey::Acknowledged.as_str(), text);
                }
                Effect::Settled { .. } => {}
                Effect::Flushed { delivered, pending } => self.flushed.push((delivered, pending)),
            }
        }
    }
}

fn next(random: &mut u8) -> [u8; 10] {
    *random += 1;
    [*random; 10]
}

/// So many cases of a property, or as many as the environment variable `PROPTEST_CASES` says.
pub fn cases(default: u32) -> proptest::test_runner::Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default);
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}
