//! One client's engine, as the facade holds it.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::convert::{self, EngineOptions};
use super::host::Host;
use crate::browser::cookie::Cookie;
use crate::browser::storage::Storage;
use crate::browser::{beacon, clock, page, platform};
use crate::engine::client::{Client, Seen, Stored};
use crate::engine::effect::{Effect, StorageKey};
use crate::engine::exposure::checksum::checksum;
use crate::engine::exposure::{Config, Consent, Input, Orphan, Outcome, State, Timing};
use crate::engine::identity::{is_acceptable, uuid_v7};
use crate::engine::ruleset::Ruleset;
use crate::engine::time::Now;

#[wasm_bindgen]
pub struct Engine {
    client: RefCell<Client>,
    host: Host,
    storage: Storage,
    /// Empty when nothing is sent.
    endpoint: String,
    /// The text of a ruleset that is being handed over.
    incoming: RefCell<Vec<u8>>,
}

#[wasm_bindgen]
impl Engine {
    /// `options`: `EngineOptions` as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, host: Host) -> Engine {
        let mut options = EngineOptions::read(options);
        let endpoint = options.text("endpoint").unwrap_or_default();
        let key = options.text("key").unwrap_or_default();
        let cookie = options
            .text("cookiePrefix")
            .map(|prefix| Cookie::open(prefix, options.text("cookieAttributes").unwrap_or_default()));
        let storage = Storage::open(prefix(options.text("namespace")), host.area(), cookie);
        let read = |key: StorageKey| storage.get(key.as_str());
        let now = clock::now();
        let mut exposures = State::new(
            Config {
                sends: !endpoint.is_empty(),
                key,
                dedup: options.dedup(),
                flush_interval_ms: options.number("flushIntervalMs"),
                attribute_names: options.texts("attributeNames"),
                app_version: options.text("appVersion").unwrap_or_default(),
                consent: if options.flag("consent") { Consent::Granted } else { Consent::Pending },
                traps: options.number("traps") as u32,
                timing: Timing::REAL.scaled(options.number("timeScale")),
                ..Config::new(uuid_v7(now.wall_ms, clock::random()), platform::HOST)
            },
            read(StorageKey::Acknowledged).as_deref(),
        );
        exposures.learn_retry(read(StorageKey::Retry).as_deref(), true, now);
        let (client, effects) = Client::new(
            exposures,
            options.text("identified").filter(|id| is_acceptable(id)),
            options.take("attributes"),
            Stored {
                ids: read(StorageKey::Ids).as_deref(),
                session: read(StorageKey::Session).as_deref(),
                last_identity: read(StorageKey::LastIdentity).as_deref(),
                sticky: read(StorageKey::Sticky).as_deref(),
            },
            now,
            &mut clock::random,
        );
        let engine = Engine { client: RefCell::new(client), host, storage, endpoint, incoming: RefCell::default() };
        engine.run(effects);
        engine
    }

    /// Room for so many bytes of a ruleset's text, in which what was written before stays, and its place in memory. (A string
    /// that is passed is copied character by character, which takes longer than reading the ruleset.)
    #[wasm_bindgen(js_name = roomForRuleset)]
    pub fn room_for_ruleset(&self, bytes: usize) -> *const u8 {
        let mut incoming = self.incoming.borrow_mut();
        if incoming.is_empty() {
            *incoming = vec![0; bytes]; // At once; `resize` writes byte by byte.
        } else {
            incoming.resize(bytes, 0);
        }
        incoming.as_ptr()
    }

    /// Puts the text that was written into the room, which is UTF-8, in the place of the ruleset. What is wrong with it, if
    /// it cannot be read, a `RulesetProblem` as JSON; then the last one stays.
    #[wasm_bindgen(js_name = setRuleset)]
    pub fn set_ruleset(&self) -> Option<String> {
        let text = String::from_utf8(self.incoming.take()).unwrap_or_default();
        let read = Ruleset::take(text, platform::HOST);
        let result = self.client.borrow_mut().set_ruleset(read);
        match result {
            Ok(effects) => {
                self.run(effects);
                None
            }
            Err(problem) => Some(convert::problem(&problem)),
        }
    }

    /// What `decide` says of a flag: a `FlagDescription` as JSON. It holds as long as the ruleset.
    pub fn describe(&self, key: &str) -> String {
        self.client.borrow().describe(key)
    }

    /// Decides the flag at that place. The answer as a number; `Answer::number` says how. `wall_ms`: `Date.now()`.
    pub fn decide(&self, place: u32, wall_ms: f64) -> f64 {
        let now = clock::at(wall_ms);
        self.client.borrow_mut().decide_at(place, now).number() as f64
    }

    /// Stores what units keep since the last call, if anything.
    #[wasm_bindgen(js_name = storeKept)]
    pub fn store_kept(&self) {
        let stored = self.storage.get(StorageKey::Sticky.as_str());
        let text = self.client.borrow_mut().kept_to_store(stored.as_deref());
        if let Some(text) = text {
            self.store(StorageKey::Sticky, &text);
        }
    }

    /// How a flag is decided, step by step, as JSON.
    pub fn explain(&self, key: &str) -> String {
        let now = clock::now();
        self.client.borrow_mut().explain(key, now)
    }

    /// A list of texts as JSON.
    #[wasm_bindgen(js_name = flagKeys)]
    pub fn flag_keys(&self) -> String {
        convert::texts(&self.client.borrow().flag_keys())
    }

    /// The key of the flag at that place, if a rule of it chose its answer; else empty. Undefined behind the last place.
    /// `all`: also of flags without an experiment.
    #[wasm_bindgen(js_name = targetedKey)]
    pub fn targeted_key(&self, place: u32, all: bool) -> Option<String> {
        let now = clock::now();
        self.client.borrow_mut().targeted_key(place, all, now)
    }

    /// The keys of a flag's variants: a list of texts as JSON.
    pub fn variants(&self, key: &str) -> String {
        convert::texts(&self.client.borrow().variants(key))
    }

    /// The JSON of a variant's value, as written in the ruleset.
    #[wasm_bindgen(js_name = variantJson)]
    pub fn variant_json(&self, key: &str, variant: &str) -> Option<String> {
        self.client.borrow().variant_json(key, variant).map(str::to_owned)
    }

    /// What is wrong with a flag: a `RulesetProblem` as JSON.
    pub fn problem(&self, key: &str) -> Option<String> {
        self.client.borrow().problem(key).as_ref().map(convert::problem)
    }

    /// All that is wrong with the ruleset: a list of `RulesetProblem` as JSON. Compiles all of it.
    pub fn problems(&self) -> String {
        convert::problems(&self.client.borrow().problems())
    }

    /// Records that this person saw the flag at that place, or that it was decided for them. False when it was not recorded
    /// and should be: there was no room, or the flag's answer has changed since it was decided (then `Host.stale` was
    /// called, and it has to be decided again).
    ///
    /// `answer`: what `decide` gave. `manual_variant`: to record by hand, instead. `decided`: the flag was decided only;
    /// then a row is made if a rule chose the answer, and false can also mean that its turn has not come. `value_text`: the
    /// JSON of the recorded variant's value for the row; `value_is_cut`: whether that is not all of it.
    pub fn record(
        &self,
        place: u32,
        answer: f64,
        manual_variant: Option<String>,
        decided: bool,
        value_text: &str,
        value_is_cut: bool,
    ) -> bool {
        let before = self.client.borrow().changes();
        let now = clock::now();
        if self.client.borrow().changes() != before {
            return false; // A page's own clock has put another ruleset in place.
        }
        let manual_variant = manual_variant.as_deref();
        let seen = Seen { place, answer: answer as u64, manual_variant, decided, value_text, value_is_cut };
        let effects = self.client.borrow_mut().record(&seen, now);
        self.run(effects)
    }

    /// Does what the first read of a flag does, for nothing: then that one finds the module's functions compiled.
    pub fn rehearse(&self) {
        let now = clock::now();
        self.client.borrow_mut().rehearse(now);
    }

    /// The person is now `id`, or with undefined the same as before, with these attributes (plain data, as JSON). False
    /// when the id is none: then nothing has changed.
    pub fn identify(&self, id: Option<String>, attributes: &str) -> bool {
        if id.as_deref().is_some_and(|id| !is_acceptable(id)) {
            return false;
        }
        let now = clock::now();
        let attributes = convert::attributes(attributes);
        let effects = self.client.borrow_mut().identify(id, attributes, now);
        self.run(effects);
        true
    }

    pub fn reset(&self, device_too: bool) {
        let now = clock::now();
        self.follow_session(now);
        let random = &mut clock::draw_ahead();
        let effects = self.client.borrow_mut().reset(device_too, now, random);
        self.run(effects);
    }

    /// `IdentityIds` as JSON.
    pub fn identity(&self) -> String {
        convert::identity(self.client.borrow().identity())
    }

    #[wasm_bindgen(js_name = sessionId)]
    pub fn session_id(&self) -> String {
        self.client.borrow().session().id.clone()
    }

    #[wasm_bindgen(js_name = sessionStartedAtMs)]
    pub fn session_started_at_ms(&self) -> f64 {
        self.client.borrow().session().started_at_ms
    }

    #[wasm_bindgen(js_name = renewSession)]
    pub fn renew_session(&self) {
        let now = clock::now();
        self.follow_session(now);
        let random = &mut clock::draw_ahead();
        let effects = self.client.borrow_mut().renew_session(now, random);
        self.run(effects);
    }

    #[wasm_bindgen(js_name = overrideFlag)]
    pub fn override_flag(&self, key: String, variant: String, exposures: bool) {
        let effects = self.client.borrow_mut().override_flag(key, variant, exposures);
        self.run(effects);
    }

    #[wasm_bindgen(js_name = clearOverrides)]
    pub fn clear_overrides(&self) {
        let effects = self.client.borrow_mut().clear_overrides();
        self.run(effects);
    }

    /// Whether the person's ids are in a cookie, as was asked.
    #[wasm_bindgen(js_name = hasCookie)]
    pub fn has_cookie(&self) -> bool {
        self.storage.get_cookie(StorageKey::Ids.as_str()).is_some()
    }

    /// Until when, in Unix milliseconds, answers stay as they are unless something happens.
    #[wasm_bindgen(js_name = validUntilMs)]
    pub fn valid_until_ms(&self) -> f64 {
        self.client.borrow().valid_until_ms()
    }

    /// Ends what has run out. Until when, in Unix milliseconds, answers stay as they are unless something happens.
    #[wasm_bindgen(js_name = lookAtClock)]
    pub fn look_at_clock(&self) -> f64 {
        self.look(clock::now());
        self.valid_until_ms()
    }

    /// The person did something.
    pub fn activity(&self) {
        let now = clock::now();
        self.look(now);
        let effects = self.client.borrow_mut().activity(now);
        // Before the session is written over that of another host.
        if effects.is_empty() || !self.follow_session(now) {
            self.run(effects);
        }
    }

    /// An event of the page's life, by its type.
    #[wasm_bindgen(js_name = pageEvent)]
    pub fn page_event(&self, kind: &str) {
        match kind {
            "pagehide" | "freeze" => {
                self.step(Input::Exit);
            }
            "online" => {
                self.try_step(Input::Online);
            }
            "visibilitychange" if page::is_hidden() => {
                self.try_step(Input::Hidden);
            }
            "visibilitychange" | "pageshow" | "resume" => {
                self.follow_session(clock::now());
                self.activity();
                self.try_step(Input::Shown);
            }
            _ => self.activity(),
        }
    }

    /// Another tab has changed storage.
    #[wasm_bindgen(js_name = storageEvent)]
    pub fn storage_event(&self, key: &str, text: &str) {
        if key == self.storage.name(StorageKey::Session.as_str()) {
            let now = clock::now();
            let effects = self.client.borrow_mut().session_stored(text, now);
            self.run(effects);
        }
    }

    /// A timer has fired.
    pub fn tick(&self) {
        self.try_step(Input::Tick);
    }

    /// A request has ended. `status`: 0 when no server answered. `retry_after_ms` and `server_ms` (Unix milliseconds): NaN
    /// where the server told neither.
    pub fn settled(&self, flight: u32, status: u16, acknowledged: bool, retry_after_ms: f64, server_ms: f64) {
        let told = |number: f64| Some(number).filter(|number| number.is_finite());
        let outcome = match status {
            0 => Outcome::Unreachable,
            _ if acknowledged => Outcome::Acknowledged,
            _ => Outcome::Refused { status, retry_after_ms: told(retry_after_ms) },
        };
        self.step(Input::Settled { flight, outcome, server_ms: told(server_ms) });
    }

    /// Sends what waits. `Host.flushed` tells when it is over.
    pub fn flush(&self) {
        self.try_step(Input::Flush);
    }

    /// Takes up what a page that is gone has left: the id of its instance, its ledgers, its lines, each with a line feed at
    /// its end, and how many lines had another checksum. False when there is no room: then nothing was taken.
    pub fn adopt(&self, owner: &str, ledgers: &str, lines: &str, corrupt: u32) -> bool {
        self.learn_retry();
        self.step(Input::Adopt(&Orphan { owner, ledgers, lines, corrupt }))
    }

    /// Storage has refused to take new rows. Called once for them, however often they are tried again.
    #[wasm_bindgen(js_name = persistFailed)]
    pub fn persist_failed(&self) {
        self.step(Input::PersistFailed);
    }

    /// 0: denied, what waits is dropped and nothing is recorded. 1: not known, nothing is sent. 2: granted.
    #[wasm_bindgen(js_name = setConsent)]
    pub fn set_consent(&self, consent: u32) {
        let consent = match consent {
            0 => Consent::Denied,
            1 => Consent::Pending,
            _ => Consent::Granted,
        };
        self.step(Input::Consent(consent));
    }

    #[wasm_bindgen(js_name = instanceId)]
    pub fn instance_id(&self) -> String {
        self.client.borrow().exposures().config().instance_id.clone()
    }

    /// `EngineStats` as JSON.
    pub fn stats(&self) -> String {
        let now = clock::now();
        convert::stats(&self.client.borrow().exposures().stats(), now.mono_ms)
    }
}

impl Engine {
    fn step(&self, input: Input<'_>) -> bool {
        let now = clock::now();
        let effects = self.client.borrow_mut().step(input, now);
        self.run(effects)
    }

    /// A step that may send: what other tabs know of the server comes before it.
    fn try_step(&self, input: Input<'_>) -> bool {
        self.learn_retry();
        self.step(input)
    }

    fn learn_retry(&self) {
        let now = clock::now();
        let stored = self.storage.get(StorageKey::Retry.as_str());
        self.client.borrow_mut().learn_retry(stored.as_deref(), now);
    }

    fn look(&self, now: Now) {
        let effects = if self.client.borrow().session_is_over(now) {
            // Another tab may have begun the next one.
            let stored = self.storage.get(StorageKey::Session.as_str());
            let random = &mut clock::draw_ahead();
            self.client.borrow_mut().roll_session(stored.as_deref(), now, random)
        } else {
            Vec::new()
        };
        self.run(effects);
        let effects = self.client.borrow_mut().end_of_flags(now);
        self.run(effects);
    }

    /// Reads a session that is in a cookie again: no event tells what another host has written. Whether that one has
    /// taken the place of this client's.
    fn follow_session(&self, now: Now) -> bool {
        let Some(stored) = self.storage.get_cookie(StorageKey::Session.as_str()) else { return false };
        let effects = self.client.borrow_mut().session_stored(&stored, now);
        let is_taken = matches!(effects.first(), Some(Effect::Stale));
        self.run(effects);
        is_taken
    }

    /// Carries out effects, in order. No state is borrowed while the host is called. False when something was refused.
    fn run(&self, effects: Vec<Effect>) -> bool {
        let mut done = true;
        for effect in effects {
            match effect {
                // The row crosses once: text costs more than all else that a recording does.
                Effect::Keep { number, line, is_new } => self.host.keep(number, checksum(&line), &line, is_new),
                Effect::Recorded(line) => self.host.keep(0, 0, &line, true),
                Effect::Refused => done = false,
                Effect::Stale => self.host.stale(),
                Effect::KeepLedgers(text) => self.host.keep_ledgers(&text),
                Effect::Release(numbers) => self.host.release(numbers),
                Effect::Send(batch) => {
                    self.host.delivery("sending", &batch.batch_id, &convert::texts(&batch.ids), batch.pending as u32);
                    if !self.host.post(batch.flight, &batch.body, batch.keepalive) && batch.exit {
                        beacon::send(&self.endpoint, &batch.body);
                    }
                }
                Effect::Abort { flight } => self.host.abort(flight),
                Effect::WakeIn(delay_ms) => self.host.wake_in(delay_ms),
                Effect::Store { key, text } => self.store(key, &text),
                Effect::Remove(key) => self.storage.remove(key.as_str()),
                Effect::StoreAcknowledged => {
                    let stored = self.storage.get(StorageKey::Acknowledged.as_str());
                    let text = self.client.borrow_mut().merge_acknowledged(stored.as_deref());
                    self.store(StorageKey::Acknowledged, &text);
                }
                Effect::Settled { batch_id, ids, acknowledged, pending } => {
                    let status = if acknowledged { "acknowledged" } else { "failed" };
                    self.host.delivery(status, &batch_id, &convert::texts(&ids), pending as u32);
                }
                Effect::Flushed { delivered, pending } => self.host.flushed(delivered as u32, pending as u32),
            }
        }
        done
    }

    fn store(&self, key: StorageKey, text: &str) {
        if self.storage.set(key.as_str(), text) && key == StorageKey::Session && self.storage.is_shared() {
            self.host.session_stored(&self.storage.name(key.as_str()), text);
        }
    }
}

/// What comes before this client's keys in storage, so that two apps on one origin keep apart.
fn prefix(namespace: Option<String>) -> String {
    let mut prefix = String::from("pennon1:");
    prefix.push_str(&namespace.unwrap_or_default());
    prefix.push(':');
    prefix
}
