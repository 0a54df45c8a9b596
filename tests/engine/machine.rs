//! The exposures' state machine against a model: a ledger that is kept beside it, from its effects alone, and complains
//! as soon as the two disagree.

use std::collections::{BTreeMap, HashMap, HashSet};

use pennon::engine::attributes::Value;
use pennon::engine::decision::Reason;
use pennon::engine::effect::{Batch, Effect, StorageKey};
use pennon::engine::exposure::id::{Dedup, Id};
use pennon::engine::exposure::row::{Draft, Link, Source};
use pennon::engine::exposure::{Dropped, Input, Outcome, State, step};
use pennon::engine::time::Now;
use proptest::prelude::*;

use crate::support::{START_MS, cases, config};

// The bounds of the protocol, written down once more: a change of the engine's own must show here.
const RING_ROWS: usize = 600;
const RING_BYTES: usize = 247 * 1024;
/// Each row counts for so many more.
const LINE_BYTES: usize = 10;
const BATCH_ROWS: usize = 100;
const BATCH_BYTES: usize = 45 * 1024;
const EXIT_BATCH_BYTES: usize = 15 * 1024;
const EXIT_BATCHES: usize = 3;
const FLIGHT_TIMEOUT_MS: f64 = 10_000.0;
const REMEMBERED_IDS: usize = 4096;

/// What tells one exposure from another. Flags from [`FIRST_EXPERIMENT`] on have an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    flag: u16,
    variant: u8,
    person: u8,
    session: u8,
    value_bytes: usize,
    /// Decided beforehand, and not seen.
    decided: bool,
}

/// What is recorded once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Exposure(Seen),
    /// Of an anonymous person and a person.
    Link(u8, u8),
}

const FIRST_EXPERIMENT: u16 = 1000;

impl Seen {
    fn is_experiment(&self) -> bool {
        self.flag >= FIRST_EXPERIMENT
    }

    /// Within this the same exposure is recorded once; `None` when each is a row of its own.
    fn scope(&self, dedup: Dedup) -> Option<Scope> {
        match dedup {
            Dedup::None if !self.decided => None,
            Dedup::Session | Dedup::None => Some(Scope::Exposure(self.clone())),
            Dedup::Identity => Some(Scope::Exposure(Self { session: 0, ..self.clone() })),
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Record(Seen),
    /// An anonymous person turns out to be this person.
    Link(u8, u8),
    /// So many exposures of different flags.
    Burst(u16, Seen),
    Advance(f64),
    /// Time passes and no timer fires.
    Sleep(f64),
    /// The answer to one of the flights under way.
    Settle(prop::sample::Index, Outcome),
    /// An answer to any flight, also one that was never sent or was given up.
    SettleAny(u32, Outcome),
    Hidden,
    Exit,
    Online,
    Flush,
    PersistFailed,
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let flag = prop_oneof![0..6_u16, FIRST_EXPERIMENT..FIRST_EXPERIMENT + 4];
    let value_bytes = prop_oneof![
        12 => Just(4_usize), 4 => Just(900), 3 => 10_000..16_000_usize, 1 => 40_000..60_000_usize, 1 => 200_000..300_000_usize
    ];
    let decided = prop::bool::weighted(0.3);
    (flag, 0..2_u8, 0..2_u8, 0..2_u8, value_bytes, decided).prop_map(
        |(flag, variant, person, session, value_bytes, decided)| Seen {
            flag,
            variant,
            person,
            session,
            value_bytes,
            decided,
        },
    )
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let refused = Outcome::Refused { status: 503, retry_after_ms: None };
    prop_oneof![3 => Just(Outcome::Acknowledged), 1 => Just(refused), 1 => Just(Outcome::Unreachable)]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        24 => any_seen().prop_map(Op::Record),
        4 => (0..4_u8, 0..4_u8).prop_map(|(anonymous, person)| Op::Link(anonymous, person)),
        1 => (20..260_u16, any_seen()).prop_map(|(count, seen)| Op::Burst(count, Seen { value_bytes: seen.value_bytes.min(900), ..seen })),
        10 => prop_oneof![0.0..200.0, 4_000.0..12_000.0].prop_map(Op::Advance),
        2 => (0.0..15_000.0).prop_map(Op::Sleep),
        16 => (any::<prop::sample::Index>(), any_outcome()).prop_map(|(index, outcome)| Op::Settle(index, outcome)),
        2 => (0..12_u32, any_outcome()).prop_map(|(flight, outcome)| Op::SettleAny(flight, outcome)),
        2 => Just(Op::Hidden),
        4 => Just(Op::Exit),
        2 => Just(Op::Online),
        4 => Just(Op::Flush),
        2 => Just(Op::PersistFailed),
    ]
}

/// A row that waits, as the model knows it.
#[derive(Clone, Debug)]
struct Waiting {
    scope: Option<Scope>,
    seq: u64,
    id: String,
    row: String,
    link: bool,
    precious: bool,
    flight: Option<u32>,
    was_sent: bool,
}

/// What one batch said of the ledger.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    seq_max: u64,
    ring_full: u64,
    refused: u64,
    resent: u64,
    persist_failed: u64,
    unreachable: u64,
}

struct Flight {
    /// Evictions that its batch tells of.
    tells: u64,
    number: u32,
    exit: bool,
    sent_at_mono_ms: f64,
}

struct Model {
    state: State,
    dedup: Dedup,
    flush_interval_ms: f64,
    now: Now,
    waiting: Vec<Waiting>,
    flights: Vec<Flight>,
    wake_at_mono_ms: Option<f64>,
    /// The newest last.
    remembered: Vec<Scope>,
    /// The row that each id stood for when it was last recorded, and whether that row was given up since.
    rows: HashMap<String, (String, bool)>,
    sequence_numbers: HashSet<u64>,
    counters: Counters,
    last_sent: Counters,
    refused_since_flush: HashSet<(Scope, u64)>,
    recorded: u32,
    delivered: u32,
    /// Rows delivered since a flush was asked for that has not ended.
    flush: Option<usize>,
    /// What the next page would find.
    kept: BTreeMap<u32, String>,
    kept_ledgers: String,
    last_number: u32,
    /// How many evictions the server knows of.
    last_told: u64,
    /// What was evicted since the last delivery.
    evicted: HashSet<Scope>,
    /// Without a success between them.
    failures: u32,
}

/// The row of an exposure that was recorded just now.
fn recorded_row(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::Recorded(line) | Effect::Keep { line, is_new: true, .. } => Some(&line[1..]),
        _ => None,
    }
}

impl Model {
    fn new(dedup: Dedup, flush_interval_ms: f64) -> Self {
        let mut config = config(dedup);
        config.flush_interval_ms = flush_interval_ms;
        Self {
            state: State::new(config, None),
            dedup,
            flush_interval_ms,
            // Odd numbers, so that sums of times are rounded as they are in a browser.
            now: Now { wall_ms: START_MS, mono_ms: 1_234.567_8 },
            waiting: Vec::new(),
            flights: Vec::new(),
            wake_at_mono_ms: None,
            remembered: Vec::new(),
            rows: HashMap::new(),
            sequence_numbers: HashSet::new(),
            counters: Counters::default(),
            last_sent: Counters::default(),
            refused_since_flush: HashSet::new(),
            recorded: 0,
            delivered: 0,
            flush: None,
            kept: BTreeMap::new(),
            kept_ledgers: String::new(),
            last_number: 0,
            last_told: 0,
            evicted: HashSet::new(),
            failures: 0,
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Record(seen) => self.record(seen),
            Op::Link(anonymous, person) => self.link(*anonymous, *person),
            Op::Burst(count, seen) => {
                for number in 0..*count {
                    let base = if seen.is_experiment() { FIRST_EXPERIMENT } else { 0 };
                    self.record(&Seen { flag: base + 100 + number, ..seen.clone() });
                }
            }
            Op::Advance(milliseconds) => self.advance_to(self.now.mono_ms + milliseconds),
            Op::Sleep(milliseconds) => self.pass(*milliseconds),
            Op::Settle(index, outcome) => {
                if !self.flights.is_empty() {
                    let flight = self.flights[index.index(self.flights.len())].number;
                    self.settle(flight, *outcome);
                }
            }
            Op::SettleAny(flight, outcome) => self.settle(*flight, *outcome),
            Op::Hidden => self.step(Input::Hidden),
            Op::Online => self.step(Input::Online),
            Op::Exit => self.step(Input::Exit),
            Op::Flush => {
                self.flush.get_or_insert(0);
                self.step(Input::Flush);
            }
            Op::PersistFailed => {
                self.counters.persist_failed += 1;
                self.step(Input::PersistFailed);
            }
        }
    }

    fn pass(&mut self, milliseconds: f64) {
        self.now.wall_ms += milliseconds;
        self.now.mono_ms += milliseconds;
    }

    fn advance_to(&mut self, until_ms: f64) {
        let milliseconds = until_ms - self.now.mono_ms;
        let mut fired = 0;
        while let Some(at_ms) = self.wake_at_mono_ms.filter(|at_ms| *at_ms <= until_ms) {
            self.now.mono_ms = self.now.mono_ms.max(at_ms);
            fired += 1;
            assert!(f64::from(fired) <= 4.0 + milliseconds / 50.0, "{fired} timers in {milliseconds} ms");
            self.wake_at_mono_ms = None;
            self.step(Input::Tick);
            assert!(
                self.wake_at_mono_ms.is_none_or(|next_ms| next_ms > self.now.mono_ms),
                "a timer asked to be called at once again"
            );
        }
        self.now.wall_ms += until_ms - self.now.mono_ms;
        self.now.mono_ms = until_ms;
    }

    fn record(&mut self, seen: &Seen) {
        let scope = seen.scope(self.dedup);
        let known = scope.is_some()
            && (self.waiting.iter().any(|waiting| waiting.scope == scope) || self.remembers(scope.as_ref()));
        let (person, session) = (format!("person-{}", seen.person), format!("session-{}", seen.session));
        let (flag_key, variant) = (format!("flag-{}", seen.flag), format!("variant-{}", seen.variant));
        let value_text = format!("\"{}\"", "x".repeat(seen.value_bytes));
        let draft = Draft {
            flag_key: &flag_key,
            value_text: &value_text,
            value_is_cut: false,
            variant: &variant,
            reason: Reason::Split,
            session_id: &session,
            distinct_id: &person,
            anonymous_id: "anonymous",
            device_id: "device",
            unit: "distinctId",
            unit_id: &person,
            assigned_version: None,
            flag_version: 1,
            ruleset_version: 1,
            rule_id: "",
            experiment: if seen.is_experiment() { "experiment" } else { "" },
            environment: "production",
            source: if seen.decided { Source::Handshake } else { Source::Call },
            attributes: &Value::Null,
        };
        let effects = step(&mut self.state, Input::Record(&draft), self.now);
        let recorded: Vec<&str> = effects.iter().filter_map(recorded_row).collect();
        let refused = effects.iter().filter(|effect| **effect == Effect::Refused).count();
        let stale = effects.contains(&Effect::Stale);
        if known {
            assert_eq!((recorded.len(), refused, stale), (0, 0, false), "a known exposure changes nothing");
        } else if let [row] = recorded[..] {
            assert_eq!(refused, 0);
            assert!(scope.as_ref().is_none_or(|scope| !self.evicted.contains(scope)), "evicted and taken again");
            assert!(!seen.decided || self.has_spare_half(row.len()), "half of the ring is for what is seen");
            let evicted = self.make_room(row.len());
            assert_eq!(evicted.map(|count| count > 0), Some(stale), "an eviction un-marks, and is told");
            assert!(!(seen.decided && stale), "what is only decided evicts nothing");
            let json: serde_json::Value = serde_json::from_str(row).unwrap();
            let dedup = if self.dedup == Dedup::None && seen.decided { Dedup::Session } else { self.dedup };
            assert_eq!(json["dedup"], dedup.as_str());
            assert_eq!(json["source"], if seen.decided { "handshake" } else { "call" });
            self.take_up(scope, seen.is_experiment(), row);
        } else {
            assert_eq!((recorded.len(), refused, stale), (0, 1, false), "recorded, or refused and nothing else");
            // Everything else of a row is shorter than this.
            let row_bytes = seen.value_bytes + 700;
            if seen.decided {
                assert!(!self.has_spare_half(row_bytes), "there was room"); // Its turn comes later: that is no loss.
            } else {
                self.refuse(scope.unwrap_or(Scope::Exposure(Seen { session: 0, ..seen.clone() })), row_bytes);
            }
        }
        self.follow(effects);
    }

    fn link(&mut self, anonymous: u8, person: u8) {
        let scope = Scope::Link(anonymous, person);
        let known =
            self.waiting.iter().any(|waiting| waiting.scope.as_ref() == Some(&scope)) || self.remembers(Some(&scope));
        let (anonymous, person) = (format!("anonymous-{anonymous}"), format!("person-{person}"));
        let link = Link {
            anonymous_id: &anonymous,
            distinct_id: &person,
            device_id: "device",
            session_id: "session",
            environment: "production",
        };
        let seq = self.counters.seq_max + 1;
        let row = format!(
            "{{\"id\":\"{}\",\"ts_ms\":{},\"mono_ms\":{},\"seq\":{seq},\"instance_id\":\"instance\",\"anon_id\":\"{anonymous}\",\
             \"distinct_id\":\"{person}\",\"device_id\":\"device\",\"session_id\":\"session\",\"environment\":\"production\",\
             \"app_version\":\"2.4.1\",\"sdk\":\"pennon/{}\"}}",
            Id::of_link(&anonymous, &person).to_text(),
            self.now.wall_ms as u64,
            self.now.mono_ms as u64,
            env!("CARGO_PKG_VERSION"),
        );
        let effects = step(&mut self.state, Input::Link(&link), self.now);
        assert!(effects.iter().all(|effect| recorded_row(effect).is_none()), "a link is no exposure");
        let refused = effects.contains(&Effect::Refused);
        let stale = effects.contains(&Effect::Stale);
        if known {
            assert!(!refused && !stale, "a known link changes nothing");
        } else if refused {
            assert!(!stale, "refused and nothing else");
            self.refuse(scope, row.len());
        } else {
            let evicted = self.make_room(row.len());
            assert_eq!(evicted.map(|count| count > 0), Some(stale), "an eviction un-marks, and is told");
            self.take_up(Some(scope), true, &row);
            self.waiting.last_mut().unwrap().link = true;
        }
        self.follow(effects);
    }

    fn has_spare_half(&self, bytes: usize) -> bool {
        self.waiting.len() < RING_ROWS / 2 && self.waiting_bytes() + bytes + LINE_BYTES <= RING_BYTES / 2
    }

    /// Nothing that might go would have made room for so many bytes. It is counted once per flush and id.
    fn refuse(&mut self, scope: Scope, row_bytes: usize) {
        let was_evicted = self.evicted.contains(&scope);
        let stay = || self.waiting.iter().filter(|waiting| waiting.precious || waiting.flight.is_some());
        let stay_bytes: usize = stay().map(|waiting| waiting.row.len() + LINE_BYTES).sum();
        assert!(
            was_evicted || stay().count() >= RING_ROWS || stay_bytes + row_bytes + LINE_BYTES > RING_BYTES,
            "there was room"
        );
        // Where each exposure is a row of its own, its id is made of the number it would have had.
        let number = match &scope {
            Scope::Exposure(seen) if seen.scope(self.dedup).is_none() => self.counters.seq_max + 1,
            _ => 0,
        };
        if self.refused_since_flush.len() < RING_ROWS && self.refused_since_flush.insert((scope, number)) {
            self.counters.refused += 1;
        }
    }

    /// Whether the id is remembered as acknowledged; if so it counts as used now.
    fn remembers(&mut self, scope: Option<&Scope>) -> bool {
        let place = scope.and_then(|scope| self.remembered.iter().position(|known| known == scope));
        if let Some(place) = place {
            let known = self.remembered.remove(place);
            self.remembered.push(known);
        }
        place.is_some()
    }

    /// Evicts the oldest rows that may go, one by one. `None` when that is not enough.
    fn make_room(&mut self, bytes: usize) -> Option<usize> {
        let mut evicted = 0;
        while self.waiting.len() >= RING_ROWS || self.waiting_bytes() + bytes + LINE_BYTES > RING_BYTES {
            let place = self.waiting.iter().position(|waiting| !waiting.precious && waiting.flight.is_none())?;
            let gone = self.waiting.remove(place);
            self.evicted.extend(gone.scope.clone());
            self.rows.get_mut(&gone.id).unwrap().1 = true;
            self.counters.ring_full += 1;
            evicted += 1;
        }
        Some(evicted)
    }

    fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.row.len() + LINE_BYTES).sum()
    }

    fn take_up(&mut self, scope: Option<Scope>, precious: bool, row: &str) {
        let json: serde_json::Value = serde_json::from_str(row).unwrap();
        let (id, seq) = (json["id"].as_str().unwrap().to_owned(), json["seq"].as_u64().unwrap());
        assert!(self.sequence_numbers.insert(seq), "sequence number {seq} is used again");
        assert_eq!(seq, self.counters.seq_max + 1, "sequence numbers have no gap");
        self.counters.seq_max = seq;
        self.recorded += 1;
        let earlier = self.rows.insert(id.clone(), (row.to_owned(), false));
        assert!(earlier.is_none_or(|(_, given_up)| given_up), "two rows have the id {id}");
        let row = row.to_owned();
        self.waiting.push(Waiting { scope, seq, id, row, link: false, precious, flight: None, was_sent: false });
    }

    fn settle(&mut self, flight: u32, outcome: Outcome) {
        let is_under_way = self.flights.iter().any(|one| one.number == flight);
        let before = self.state.stats();
        let effects = step(&mut self.state, Input::Settled { flight, outcome, server_ms: None }, self.now);
        if is_under_way {
            if outcome == Outcome::Unreachable {
                self.counters.unreachable += 1;
            }
        } else {
            let after = self.state.stats();
            assert_eq!((before.pending, before.delivered), (after.pending, after.delivered), "a late answer");
            assert!(!effects.iter().any(|effect| matches!(effect, Effect::Settled { .. })), "a late answer");
        }
        self.follow(effects);
    }

    fn step(&mut self, input: Input<'_>) {
        if matches!(input, Input::Tick) {
            self.wake_at_mono_ms = None;
        }
        let exit =
            matches!(input, Input::Exit).then(|| self.flights.iter().map(|flight| flight.number).collect::<Vec<_>>());
        let drains = matches!(input, Input::Hidden | Input::Online | Input::Flush);
        let insists = matches!(input, Input::Flush);
        if drains {
            self.refused_since_flush.clear();
        }
        let due_ms = self.state.stats().flush_due_mono_ms;
        if matches!(input, Input::Tick) && due_ms.is_some_and(|due_ms| self.now.mono_ms >= due_ms) {
            self.refused_since_flush.clear();
        }
        let effects = step(&mut self.state, input, self.now);
        if insists && self.failures <= 8 && self.waiting.iter().any(|waiting| waiting.flight.is_none()) {
            let under_way = self.flights.iter().any(|flight| !flight.exit);
            let sends = effects.iter().any(|effect| matches!(effect, Effect::Send(_)));
            assert!(under_way || sends, "what waits is sent, or follows the batch on its way");
        }
        self.follow(effects);
        if let Some(flights_before) = exit {
            self.check_what_an_exit_left(&flights_before);
        }
    }

    /// Those never sent go before others, then links and those of experiments: what is left behind is less important than what
    /// went, or larger.
    fn check_what_an_exit_left(&self, before: &[u32]) {
        let importance = |waiting: &Waiting| (!waiting.was_sent, waiting.precious);
        let went = |waiting: &&Waiting| waiting.flight.is_some_and(|number| !before.contains(&number));
        for went in self.waiting.iter().filter(went) {
            let left = self.waiting.iter().find(|left| {
                left.flight.is_none() && importance(left) > importance(went) && left.row.len() <= went.row.len()
            });
            assert!(left.is_none(), "{left:?} stayed behind {went:?}");
        }
    }

    /// Carries the effects into the model, and checks each, then everything.
    fn follow(&mut self, effects: Vec<Effect>) {
        let mut sent_now = 0;
        for effect in effects {
            match effect {
                Effect::Recorded(_) | Effect::Refused | Effect::Stale => {}
                Effect::Send(batch) => {
                    sent_now += 1;
                    self.check_batch(&batch);
                }
                Effect::Abort { flight } => {
                    let flight = self.flights.iter().find(|one| one.number == flight).unwrap();
                    assert!(self.now.mono_ms >= flight.sent_at_mono_ms + FLIGHT_TIMEOUT_MS, "given up too early");
                    self.counters.unreachable += 1;
                }
                Effect::Settled { batch_id, ids, acknowledged, pending } => {
                    self.finish(&batch_id, &ids, acknowledged);
                    assert_eq!(pending, self.waiting.len());
                }
                Effect::WakeIn(delay_ms) => {
                    assert!(delay_ms.is_finite() && delay_ms >= 0.0);
                    let wake_at_ms = self.now.mono_ms + delay_ms;
                    assert!(
                        self.wake_at_mono_ms
                            .is_none_or(|before_ms| wake_at_ms < before_ms || before_ms < self.now.mono_ms),
                        "only an earlier call takes the place of another"
                    );
                    self.wake_at_mono_ms = Some(wake_at_ms);
                }
                Effect::Keep { number, line, .. } => {
                    let last = self.kept.last_key_value().map_or(0, |(number, _)| *number).max(self.last_number);
                    assert!(number > last, "a number is used again");
                    self.last_number = number;
                    self.kept.insert(number, line);
                }
                Effect::Release(numbers) => {
                    for number in numbers {
                        assert!(self.kept.remove(&number).is_some(), "released twice");
                    }
                }
                Effect::KeepLedgers(text) => self.kept_ledgers = text,
                Effect::Store { key: StorageKey::Retry, .. } => {}
                Effect::StoreAcknowledged => assert!(!self.remembered.is_empty(), "there is something to store"),
                Effect::Flushed { delivered, pending } => {
                    assert_eq!(self.flush.take(), Some(delivered), "each flush ends once, with what it delivered");
                    assert_eq!(pending, self.waiting.len());
                    assert!(self.flights.is_empty(), "a flush ends when nothing is on its way");
                }
                other @ (Effect::Store { .. } | Effect::Remove(_)) => panic!("{other:?}"),
            }
        }
        assert!(sent_now <= EXIT_BATCHES);
        self.check();
    }

    fn check_batch(&mut self, batch: &Batch) {
        let mut rows = Vec::new();
        for id in &batch.ids {
            let waiting = self.waiting.iter_mut().find(|waiting| waiting.id == *id).unwrap();
            assert_eq!(waiting.flight, None, "a row is on two flights");
            if waiting.was_sent {
                self.counters.resent += 1;
            }
            waiting.flight = Some(batch.flight);
            rows.push(waiting.clone());
        }
        let bytes: usize = rows.iter().map(|waiting| waiting.row.len()).sum();
        let most = if batch.exit { EXIT_BATCH_BYTES } else { BATCH_BYTES };
        assert!(rows.len() <= BATCH_ROWS);
        assert!(!rows.is_empty() || self.last_told < self.counters.ring_full, "an empty batch tells something");
        assert!(bytes <= most || rows.len() == 1, "{} rows have {bytes} bytes", rows.len());
        assert!(rows.is_sorted_by_key(|waiting| waiting.seq), "the oldest come first");
        if batch.exit {
            let flying = self.waiting.iter().filter(|waiting| waiting.flight.is_some());
            let flying_bytes: usize = flying.map(|waiting| waiting.row.len()).sum();
            assert!(flying_bytes <= BATCH_BYTES, "{flying_bytes} bytes are on their way while the page goes away");
        } else {
            let newest = rows.last().map_or(0, |row| row.seq);
            let skipped = self.waiting.iter().find(|waiting| waiting.flight.is_none() && waiting.seq < newest);
            assert!(skipped.is_none(), "an older row stayed behind");
        }
        self.check_body(batch, &rows);
        assert!(!self.flights.iter().any(|flight| flight.number == batch.flight));
        self.flights.push(Flight {
            tells: self.counters.ring_full,
            number: batch.flight,
            exit: batch.exit,
            sent_at_mono_ms: self.now.mono_ms,
        });
    }

    fn check_body(&mut self, batch: &Batch, rows: &[Waiting]) {
        let body: serde_json::Value = serde_json::from_str(&batch.body).unwrap();
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "attempt",
                "batch_id",
                "events",
                "exposures",
                "instance_id",
                "key",
                "ledger",
                "links",
                "sent_at_ms",
                "sent_mono_ms",
                "v"
            ]
        );
        assert_eq!(body["v"], 1);
        assert_eq!(body["key"], "pk_test");
        assert_eq!(body["batch_id"], batch.batch_id.as_str());
        assert_eq!(body["instance_id"], "instance");
        assert_eq!(body["sent_at_ms"], self.now.wall_ms as u64);
        assert_eq!(body["sent_mono_ms"], self.now.mono_ms as u64);
        assert_eq!(body["attempt"].as_u64().unwrap() > 1, rows.iter().any(|waiting| waiting.was_sent));
        let frozen = |link: bool| {
            let rows = rows.iter().filter(|waiting| waiting.link == link);
            rows.map(|waiting| waiting.row.as_str()).collect::<Vec<_>>().join(",")
        };
        let end = format!("\"exposures\":[{}],\"links\":[{}],\"events\":[]}}", frozen(false), frozen(true));
        assert!(batch.body.ends_with(&end), "rows go out as they were recorded");

        let ledger = &body["ledger"];
        let number = |name: &str| ledger[name].as_u64().unwrap();
        let sent = Counters {
            seq_max: number("seq_max"),
            ring_full: ledger["dropped"].get("ring_full").map_or(0, |count| count.as_u64().unwrap()),
            refused: number("refused"),
            resent: number("resent"),
            persist_failed: number("persist_failed"),
            unreachable: number("unreachable"),
        };
        for (name, now, last, model) in [
            ("seq_max", sent.seq_max, self.last_sent.seq_max, self.counters.seq_max),
            ("ring_full", sent.ring_full, self.last_sent.ring_full, self.counters.ring_full),
            ("refused", sent.refused, self.last_sent.refused, self.counters.refused),
            ("resent", sent.resent, self.last_sent.resent, self.counters.resent),
            ("persist_failed", sent.persist_failed, self.last_sent.persist_failed, self.counters.persist_failed),
            ("unreachable", sent.unreachable, self.last_sent.unreachable, self.counters.unreachable),
        ] {
            assert!(now >= last, "{name} fell from {last} to {now}");
            assert_eq!(now, model, "{name}");
        }
        assert_eq!((number("adopted"), number("traps")), (0, 0));
        assert_eq!(ledger["dropped_by"].to_string(), "{}");
        self.last_sent = sent;
    }

    fn finish(&mut self, batch_id: &str, ids: &[String], acknowledged: bool) {
        let place = self.flights.iter().position(|flight| batch_id == format!("instance.{}", flight.number)).unwrap();
        let Flight { number: flight, tells, .. } = self.flights.remove(place);
        let on_it: Vec<&String> =
            self.waiting.iter().filter(|waiting| waiting.flight == Some(flight)).map(|waiting| &waiting.id).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), on_it, "an outcome is that of its flight's rows");
        self.failures = if acknowledged { 0 } else { self.failures + 1 };
        if acknowledged {
            self.last_told = self.last_told.max(tells);
            if !ids.is_empty() {
                self.evicted.clear();
            }
            self.delivered += ids.len() as u32;
            if let Some(delivered) = &mut self.flush {
                *delivered += ids.len();
            }
            let (gone, stay) = self.waiting.drain(..).partition(|waiting| waiting.flight == Some(flight));
            self.waiting = stay;
            for Waiting { scope, .. } in gone {
                if let Some(scope) = scope
                    && !self.remembers(Some(&scope))
                {
                    self.remembered.push(scope);
                }
            }
            let surplus = self.remembered.len().saturating_sub(REMEMBERED_IDS);
            self.remembered.drain(..surplus);
        } else {
            for waiting in self.waiting.iter_mut().filter(|waiting| waiting.flight == Some(flight)) {
                waiting.flight = None;
                waiting.was_sent = true;
            }
        }
    }

    /// What holds after every step.
    fn check(&self) {
        let stats = self.state.stats();
        let kept: Vec<&str> = self.kept.values().map(|line| line.get(1..).unwrap()).collect();
        let waiting: Vec<&str> = self.waiting.iter().map(|waiting| waiting.row.as_str()).collect();
        assert_eq!(kept, waiting, "what waits is kept, and nothing else");
        assert!(
            self.counters.ring_full == self.last_told || !self.kept_ledgers.is_empty(),
            "drops are kept until told"
        );
        assert_eq!(stats.pending, self.waiting.len(), "a row leaves only when it is acknowledged or evicted");
        assert_eq!(stats.recorded, self.recorded);
        assert_eq!(stats.delivered, self.delivered);
        assert_eq!(u64::from(stats.dropped.of(Dropped::RingFull)), self.counters.ring_full);
        assert_eq!(
            stats.recorded,
            stats.delivered + stats.pending as u32 + stats.dropped.total(),
            "recorded = delivered + waiting + dropped"
        );
        assert_eq!(stats.sending, self.waiting.iter().filter(|waiting| waiting.flight.is_some()).count());
        assert!(self.waiting.len() <= RING_ROWS && self.waiting_bytes() <= RING_BYTES, "the ring is bounded");
        assert!(
            self.flights.iter().filter(|flight| !flight.exit).count() <= 1,
            "two ordinary batches are on their way"
        );
        if self.waiting.is_empty() {
            assert!(self.flush.is_none(), "a flush of nothing ends at once");
        } else {
            let latest_ms = self.now.mono_ms + self.flush_interval_ms.max(FLIGHT_TIMEOUT_MS);
            let wake_at_ms = self.wake_at_mono_ms.unwrap();
            assert!(wake_at_ms <= latest_ms, "rows wait, and the next look is in {} ms", wake_at_ms - self.now.mono_ms);
        }
    }

    /// The network answers everything, and timers fire: all that waits is delivered.
    fn drain(&mut self) {
        let mut rounds = 0;
        while !self.waiting.is_empty() || self.last_told < self.counters.ring_full {
            rounds += 1;
            assert!(rounds <= 3 * RING_ROWS, "{} rows are never delivered", self.waiting.len());
            match self.flights.first().map(|flight| flight.number) {
                Some(flight) => self.settle(flight, Outcome::Acknowledged),
                None => self.advance_to(self.wake_at_mono_ms.unwrap().max(self.now.mono_ms)),
            }
        }
        assert!(self.flights.is_empty() && self.flush.is_none());
        let stats = self.state.stats();
        assert_eq!(stats.recorded, stats.delivered + stats.dropped.total());
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn the_state_machine_agrees_with_its_model_in_any_order_of_events(
        dedup in prop::sample::select(vec![Dedup::Session, Dedup::Identity, Dedup::None]),
        flush_interval_ms in prop::sample::select(vec![100.0, 5_000.0, 60_000.0]),
        ops in prop::collection::vec(any_op(), 1..60),
    ) {
        let mut model = Model::new(dedup, flush_interval_ms);
        for op in &ops {
            model.apply(op);
        }
        model.drain();
    }
}
