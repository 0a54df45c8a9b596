//! Delivery as a whole: tabs of one browser that share its storage, crash, reload and take over from each other, and a
//! server that refuses, is silent, or stores what it does not acknowledge. Beside them a ledger of the truth.
//!
//! After every step each row that was ever recorded is at the server, with a tab that lives, in storage, or counted as
//! dropped. At the end, when all has calmed down, the server's own sum (`seq_max - received - dropped`) is the truth, but
//! for rows that were given up after the answer to them was lost: those are received and dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use pennon::engine::attributes::Value;
use pennon::engine::decision::Reason;
use pennon::engine::effect::{Batch, Effect, StorageKey};
use pennon::engine::exposure::id::Dedup;
use pennon::engine::exposure::row::{Draft, Link, Source};
use pennon::engine::exposure::{Config, Consent, Dropped, Input, Orphan, Outcome, State, step};
use pennon::engine::time::Now;
use proptest::prelude::*;

use crate::support::{START_MS, cases, config};

/// Flags from here on have an experiment.
const FIRST_EXPERIMENT: u8 = 8;
/// The server takes no row of this flag, nor any batch that holds one.
const POISON: u8 = 7;
/// The server takes no batch of more bytes.
const SERVER_BYTES: usize = 30_000;
const MAX_TABS: usize = 3;

/// What identifies a row before deduplication: the number of its instance, and its own.
type RowName = (usize, u64);

/// A kept row, and its name.
#[derive(Clone, Debug)]
struct Line {
    name: RowName,
    text: String,
}

#[derive(Clone, Debug)]
enum Op {
    /// A page is loaded.
    Open,
    Record {
        tab: usize,
        flag: u8,
        person: u8,
        value_bytes: usize,
    },
    /// So many rows at once.
    Burst {
        tab: usize,
        count: u8,
    },
    Link {
        tab: usize,
        person: u8,
    },
    /// Time passes and timers fire.
    Advance(f64),
    /// Some flight of a tab ends.
    Settle {
        tab: usize,
        flight: prop::sample::Index,
        how: Answer,
    },
    Hidden(usize),
    Shown(usize),
    Online(usize),
    Flush(usize),
    /// The page goes away, in order.
    Close(usize),
    /// It is killed.
    Crash(usize),
    /// Takes over what is left of some page.
    Adopt {
        tab: usize,
        orphan: prop::sample::Index,
    },
    /// A line of what is left of some page is damaged.
    Damage(prop::sample::Index),
    /// Rows recorded from now on, until the next of these, do not reach the disk.
    DiskFull(bool),
    Consent(usize, Consent),
    /// The wall clock is set.
    SetClock(f64),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The server does what it should.
    Healthy,
    /// It stores the batch, and the answer is lost.
    Lost,
    /// It stores the batch, and fails afterwards.
    StoredAndFailed,
    Status(u16, Option<f64>),
    Unreachable,
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => Just(Answer::Healthy),
        2 => Just(Answer::Lost),
        1 => Just(Answer::StoredAndFailed),
        2 => prop::sample::select(vec![500, 503, 408, 404, 401, 302, 203]).prop_map(|status| Answer::Status(status, None)),
        1 => (0.0..100_000.0).prop_map(|after_ms| Answer::Status(429, Some(after_ms))),
        2 => Just(Answer::Unreachable),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let tab = 0..MAX_TABS;
    let index = any::<prop::sample::Index>;
    let value_bytes = prop_oneof![12 => Just(4_usize), 3 => Just(1000), 1 => 6_000..12_000_usize];
    prop_oneof![
        3 => Just(Op::Open),
        20 => (tab.clone(), 0..12_u8, 0..3_u8, value_bytes)
            .prop_map(|(tab, flag, person, value_bytes)| Op::Record { tab, flag, person, value_bytes }),
        1 => (tab.clone(), 20..255_u8).prop_map(|(tab, count)| Op::Burst { tab, count }),
        3 => (tab.clone(), 0..4_u8).prop_map(|(tab, person)| Op::Link { tab, person }),
        8 => prop_oneof![0.0..2_000.0, 4_000.0..12_000.0, 60_000.0..400_000.0].prop_map(Op::Advance),
        16 => (tab.clone(), index(), any_answer()).prop_map(|(tab, flight, how)| Op::Settle { tab, flight, how }),
        2 => tab.clone().prop_map(Op::Hidden),
        2 => tab.clone().prop_map(Op::Shown),
        2 => tab.clone().prop_map(Op::Online),
        3 => tab.clone().prop_map(Op::Flush),
        3 => tab.clone().prop_map(Op::Close),
        3 => tab.clone().prop_map(Op::Crash),
        6 => (tab.clone(), index()).prop_map(|(tab, orphan)| Op::Adopt { tab, orphan }),
        1 => index().prop_map(Op::Damage),
        1 => prop::bool::ANY.prop_map(Op::DiskFull),
        1 => (tab, prop::sample::select(vec![Consent::Pending, Consent::Granted, Consent::Granted, Consent::Denied]))
            .prop_map(|(tab, consent)| Op::Consent(tab, consent)),
        1 => (-1e9..1e9_f64).prop_map(Op::SetClock),
    ]
}

/// What is on the disk of one page, also when it is gone.
#[derive(Clone, Debug, Default)]
struct Disk {
    owner: String,
    ledgers: String,
    lines: BTreeMap<u32, Line>,
    corrupt: u32,
}

struct Tab {
    state: State,
    instance: usize,
    /// Of every row that waits, by its number.
    waiting: BTreeMap<u32, Line>,
    disk: Disk,
    flights: Vec<Batch>,
    wake_at_ms: Option<f64>,
    /// Rows that the server has acknowledged and that are about to be released.
    acknowledged: BTreeSet<RowName>,
}

#[derive(Default)]
struct Server {
    /// Rows by name, each as it came.
    rows: HashMap<RowName, String>,
    /// The largest of each counter, per instance: seq_max, and all drops by reason.
    seq_max: BTreeMap<usize, u64>,
    dropped: BTreeMap<(usize, String), u64>,
}

struct World {
    /// Milliseconds since the beginning, on every monotonic clock.
    elapsed_ms: f64,
    clock_ms: f64,
    tabs: Vec<Tab>,
    orphans: Vec<Disk>,
    acknowledged: Option<String>,
    retry: Option<String>,
    server: Server,
    instances: usize,
    disk_is_full: bool,
    /// Every row that was ever recorded, and its text.
    recorded: HashMap<RowName, String>,
    dropped: HashSet<RowName>,
    /// Rows that a crash took, because the disk had not taken them.
    lost: BTreeSet<RowName>,
}

const INSTANCE: &str = "instance-";

fn instance_of(ledger_or_row: &serde_json::Value) -> usize {
    ledger_or_row["instance_id"].as_str().unwrap().strip_prefix(INSTANCE).unwrap().parse().unwrap()
}

fn name_of(row: &serde_json::Value) -> RowName {
    (instance_of(row), row["seq"].as_u64().unwrap())
}

impl World {
    fn new() -> Self {
        Self {
            elapsed_ms: 0.0,
            clock_ms: START_MS,
            tabs: Vec::new(),
            orphans: Vec::new(),
            acknowledged: None,
            retry: None,
            server: Server::default(),
            instances: 0,
            disk_is_full: false,
            recorded: HashMap::new(),
            dropped: HashSet::new(),
            lost: BTreeSet::new(),
        }
    }

    fn now(&self) -> Now {
        Now { wall_ms: self.clock_ms + self.elapsed_ms, mono_ms: 1_000.0 + self.elapsed_ms }
    }

    fn open(&mut self) {
        self.instances += 1;
        let instance_id = format!("{INSTANCE}{}", self.instances);
        let config = Config { instance_id, ..config(Dedup::Session) };
        let mut state = State::new(config, self.acknowledged.as_deref());
        state.learn_retry(self.retry.as_deref(), true, self.now());
        self.tabs.push(Tab {
            state,
            instance: self.instances,
            waiting: BTreeMap::new(),
            disk: Disk { owner: format!("{INSTANCE}{}", self.instances), ..Disk::default() },
            flights: Vec::new(),
            wake_at_ms: None,
            acknowledged: BTreeSet::new(),
        });
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Open if self.tabs.len() < MAX_TABS => self.open(),
            Op::Open => {}
            Op::Record { tab, flag, person, value_bytes } => self.record(*tab, *flag, *person, *value_bytes),
            Op::Burst { tab, count } => (0..*count).for_each(|flag| self.record(*tab, flag.wrapping_add(20), 0, 4)),
            Op::Link { tab, person } => {
                let person = format!("person-{person}");
                let link = Link {
                    anonymous_id: "anonymous",
                    distinct_id: &person,
                    device_id: "device",
                    session_id: "session",
                    environment: "production",
                };
                self.step(*tab, Input::Link(&link));
            }
            Op::Advance(milliseconds) => self.advance(*milliseconds),
            Op::Settle { tab, flight, how } => {
                if let Some(flights) = self.tabs.get(*tab).map(|tab| tab.flights.len()).filter(|flights| *flights > 0) {
                    self.settle(*tab, flight.index(flights), *how);
                }
            }
            Op::Hidden(tab) => self.step(*tab, Input::Hidden),
            Op::Shown(tab) => self.step(*tab, Input::Shown),
            Op::Online(tab) => self.step(*tab, Input::Online),
            Op::Flush(tab) => self.step(*tab, Input::Flush),
            Op::Close(tab) => {
                self.step(*tab, Input::Exit);
                self.end(*tab, true);
            }
            Op::Crash(tab) => self.end(*tab, false),
            Op::Adopt { tab, orphan } => {
                if *tab < self.tabs.len() && !self.orphans.is_empty() {
                    let orphan = orphan.index(self.orphans.len());
                    self.adopt(*tab, orphan);
                }
            }
            Op::Damage(orphan) => {
                if !self.orphans.is_empty() {
                    let place = orphan.index(self.orphans.len());
                    let disk = &mut self.orphans[place];
                    // Nobody can tell whose row it was: it is counted as one of the page's own.
                    if let Some((number, line)) = disk.lines.first_key_value()
                        && disk.owner == format!("{INSTANCE}{}", line.name.0)
                    {
                        let (number, name) = (*number, line.name);
                        disk.lines.remove(&number);
                        disk.corrupt += 1;
                        self.dropped.insert(name);
                    }
                }
            }
            Op::DiskFull(is_full) => self.disk_is_full = *is_full,
            Op::Consent(tab, consent) => self.step(*tab, Input::Consent(*consent)),
            Op::SetClock(by_ms) => self.clock_ms = (self.clock_ms + by_ms).clamp(START_MS - 2e9, START_MS + 2e9),
        }
        self.check();
    }

    fn record(&mut self, tab: usize, flag: u8, person: u8, value_bytes: usize) {
        let (flag_key, person) = (format!("flag-{flag}"), format!("person-{person}"));
        let value_text = format!("\"{}\"", "x".repeat(value_bytes.min(1022)));
        // Long rows: many attributes, rather than a value that is cut.
        let draft = Draft {
            flag_key: &flag_key,
            value_text: &value_text,
            value_is_cut: false,
            variant: "on",
            reason: Reason::Split,
            session_id: "session",
            distinct_id: &person,
            anonymous_id: "anonymous",
            device_id: "device",
            unit: "distinctId",
            unit_id: &person,
            assigned_version: None,
            flag_version: 1,
            ruleset_version: 1,
            rule_id: "",
            experiment: if flag >= FIRST_EXPERIMENT { "experiment" } else { "" },
            environment: "production",
            source: Source::Call,
            attributes: &Value::Null,
        };
        self.step(tab, Input::Record(&draft));
    }

    fn advance(&mut self, milliseconds: f64) {
        let until_ms = self.elapsed_ms + milliseconds;
        loop {
            let next = (0..self.tabs.len())
                .filter_map(|tab| self.tabs[tab].wake_at_ms.map(|at_ms| (at_ms, tab)))
                .min_by(|one, other| one.0.total_cmp(&other.0));
            let Some((at_ms, tab)) = next.filter(|(at_ms, _)| *at_ms <= until_ms) else { break };
            self.elapsed_ms = self.elapsed_ms.max(at_ms);
            self.tabs[tab].wake_at_ms = None;
            self.step(tab, Input::Tick);
        }
        self.elapsed_ms = until_ms;
    }

    /// One step of a tab, as the shell makes it: what other tabs know of the server comes first.
    fn step(&mut self, tab: usize, input: Input<'_>) {
        let now = self.now();
        let retry = self.retry.clone();
        let Some(one) = self.tabs.get_mut(tab) else { return };
        if !matches!(input, Input::Record(_) | Input::Link(_)) {
            one.state.learn_retry(retry.as_deref(), false, now);
        }
        let effects = step(&mut one.state, input, now);
        self.run(tab, effects);
    }

    fn run(&mut self, tab: usize, effects: Vec<Effect>) {
        let elapsed_ms = self.elapsed_ms;
        for effect in effects {
            let one = &mut self.tabs[tab];
            match effect {
                Effect::Keep { number, line, .. } => {
                    let name = name_of(&serde_json::from_str(&line[1..]).unwrap());
                    let line = Line { name, text: line };
                    let earlier = self.recorded.insert(name, line.text.clone());
                    assert!(earlier.is_none_or(|earlier| earlier == line.text), "a number has two rows");
                    if !self.disk_is_full {
                        one.disk.lines.insert(number, line.clone());
                    }
                    one.waiting.insert(number, line);
                }
                Effect::KeepLedgers(text) => one.disk.ledgers = text,
                Effect::Release(numbers) => {
                    for number in numbers {
                        one.disk.lines.remove(&number);
                        let Line { name, .. } = one.waiting.remove(&number).unwrap(); // Released once.
                        if !one.acknowledged.remove(&name) {
                            self.dropped.insert(name);
                        }
                    }
                }
                Effect::Send(batch) => one.flights.push(batch),
                Effect::Abort { flight } => one.flights.retain(|batch| batch.flight != flight),
                Effect::WakeIn(delay_ms) => one.wake_at_ms = Some(elapsed_ms + delay_ms),
                Effect::Store { key: StorageKey::Retry, text } => self.retry = Some(text),
                Effect::StoreAcknowledged => {
                    let text = one.state.merge_acknowledged(self.acknowledged.as_deref());
                    self.acknowledged = Some(text);
                }
                Effect::Recorded(_)
                | Effect::Refused
                | Effect::Stale
                | Effect::Settled { .. }
                | Effect::Flushed { .. } => {}
                other @ (Effect::Store { .. } | Effect::Remove(_)) => panic!("{other:?}"),
            }
        }
    }

    fn settle(&mut self, tab: usize, place: usize, how: Answer) {
        let batch = self.tabs[tab].flights.remove(place);
        let body: serde_json::Value = serde_json::from_str(&batch.body).unwrap();
        let rows: Vec<&serde_json::Value> =
            ["exposures", "links"].iter().flat_map(|name| body[name].as_array().unwrap()).collect();
        let poison = format!("flag-{POISON}");
        let verdict = if batch.body.len() > SERVER_BYTES && rows.len() > 1 {
            Some(413)
        } else if rows.iter().any(|row| row["flag_key"] == poison) {
            Some(400)
        } else {
            None
        };
        let refused = |status, retry_after_ms| Outcome::Refused { status, retry_after_ms };
        let (stores, outcome) = match (how, verdict) {
            (Answer::Unreachable, _) => (false, Outcome::Unreachable),
            (Answer::Status(status, retry_after_ms), _) => (false, refused(status, retry_after_ms)),
            (_, Some(status)) => (false, refused(status, None)),
            (Answer::Healthy, None) => (true, Outcome::Acknowledged),
            (Answer::Lost, None) => (true, Outcome::Unreachable),
            (Answer::StoredAndFailed, None) => (true, refused(500, None)),
        };
        if stores {
            self.server.store(&body);
        }
        if outcome == Outcome::Acknowledged {
            self.tabs[tab].acknowledged.extend(rows.iter().map(|row| name_of(row)));
        }
        let server_ms = (outcome != Outcome::Unreachable).then_some(START_MS + self.elapsed_ms);
        self.step(tab, Input::Settled { flight: batch.flight, outcome, server_ms });
        self.tabs[tab].acknowledged.clear();
    }

    /// A page is gone. Requests on their way may still arrive, when it went in order.
    fn end(&mut self, tab: usize, in_order: bool) {
        if tab >= self.tabs.len() {
            return;
        }
        let gone = self.tabs.remove(tab);
        if in_order {
            for batch in gone.flights.iter().filter(|batch| batch.exit && batch.body.len() <= SERVER_BYTES) {
                let body: serde_json::Value = serde_json::from_str(&batch.body).unwrap();
                if !batch.body.contains(&format!("\"flag-{POISON}\"")) {
                    self.server.store(&body);
                }
            }
        }
        for (number, line) in &gone.waiting {
            if !gone.disk.lines.contains_key(number) && !self.server.rows.contains_key(&line.name) {
                self.lost.insert(line.name);
            }
        }
        if !gone.disk.lines.is_empty() || !gone.disk.ledgers.is_empty() {
            self.orphans.push(gone.disk);
        }
    }

    fn adopt(&mut self, tab: usize, place: usize) {
        let now = self.now();
        let disk = &self.orphans[place];
        let lines: String = disk.lines.values().map(|line| line.text.clone() + "\n").collect();
        let orphan = Orphan { owner: &disk.owner, ledgers: &disk.ledgers, lines: &lines, corrupt: disk.corrupt };
        let effects = step(&mut self.tabs[tab].state, Input::Adopt(&orphan), now);
        if !effects.contains(&Effect::Refused) {
            self.orphans.remove(place);
        }
        let full = std::mem::replace(&mut self.disk_is_full, false);
        self.run(tab, effects);
        self.disk_is_full = full;
    }

    fn check(&self) {
        for tab in &self.tabs {
            let stats = tab.state.stats();
            assert_eq!(
                stats.recorded + stats.ledger.adopted,
                stats.delivered + stats.pending as u32 + stats.dropped.total(),
                "recorded + adopted = delivered + waiting + dropped in {}",
                tab.instance,
            );
            assert_eq!(stats.pending, tab.waiting.len());
        }
        let held: HashSet<RowName> = self
            .tabs
            .iter()
            .flat_map(|tab| tab.waiting.values())
            .chain(self.orphans.iter().flat_map(|disk| disk.lines.values()))
            .map(|line| line.name)
            .collect();
        for name in self.recorded.keys() {
            assert!(
                self.server.rows.contains_key(name)
                    || held.contains(name)
                    || self.dropped.contains(name)
                    || self.lost.contains(name),
                "{name:?} is nowhere"
            );
        }
    }

    /// The server is well again, and all that is left is taken over.
    fn calm(&mut self) {
        self.clock_ms = START_MS;
        self.disk_is_full = false;
        for tab in 0..self.tabs.len() {
            self.step(tab, Input::Consent(Consent::Granted));
        }
        if self.tabs.is_empty() {
            self.open();
        }
        for round in 0.. {
            assert!(round < 3000, "it never calms down");
            while let Some(tab) = (0..self.tabs.len()).find(|tab| !self.tabs[*tab].flights.is_empty()) {
                self.settle(tab, 0, Answer::Healthy);
            }
            let orphans = self.orphans.len();
            if orphans > 0 {
                self.adopt(0, 0);
                if self.orphans.len() < orphans {
                    continue;
                }
            }
            if orphans == 0 && self.tabs.iter().all(|tab| tab.waiting.is_empty() && tab.disk.ledgers.is_empty()) {
                break;
            }
            self.advance(10_000.0);
        }
        self.check();
        for (instance, seq_max) in &self.server.seq_max {
            let of =
                |names: &mut dyn Iterator<Item = &RowName>| names.filter(|name| name.0 == *instance).count() as u64;
            let received = of(&mut self.server.rows.keys());
            let dropped: u64 =
                self.server.dropped.iter().filter(|((of, _), _)| of == instance).map(|(_, count)| count).sum();
            let lost = self.lost.iter().filter(|name| name.0 == *instance && name.1 <= *seq_max).count() as u64;
            // Given up after its answer was lost: the client cannot know that the server has it.
            let both = of(&mut self.dropped.iter().filter(|name| self.server.rows.contains_key(*name)));
            if self.server.dropped.contains_key(&(*instance, "wal_corrupt".into())) {
                // The number of a damaged row is not known, also when it was the largest.
                assert!(seq_max + both <= received + dropped + lost, "{instance}: a loss that was none");
                continue;
            }
            assert_eq!(
                seq_max + both,
                received + dropped + lost,
                "{instance}: {seq_max} numbers, {received} received, {dropped} dropped, {both} of them both, {lost} lost"
            );
        }
    }
}

impl Server {
    fn store(&mut self, body: &serde_json::Value) {
        for name in ["exposures", "links"] {
            for row in body[name].as_array().unwrap() {
                let text = row.to_string();
                let earlier = self.rows.insert(name_of(row), text.clone());
                assert!(earlier.is_none_or(|earlier| earlier == text), "a row came in two forms");
            }
        }
        let mut own = body["ledger"].clone();
        own["instance_id"] = body["instance_id"].clone();
        let adopted = body.get("ledgers").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        for ledger in std::iter::once(own).chain(adopted) {
            let instance = instance_of(&ledger);
            let grow =
                |counter: &mut u64, value: &serde_json::Value| *counter = (*counter).max(value.as_u64().unwrap());
            grow(self.seq_max.entry(instance).or_default(), &ledger["seq_max"]);
            for (reason, count) in ledger["dropped"].as_object().unwrap() {
                grow(self.dropped.entry((instance, reason.clone())).or_default(), count);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn no_row_is_ever_lost_uncounted_and_the_servers_sum_is_the_truth(ops in prop::collection::vec(any_op(), 1..80)) {
        let mut world = World::new();
        world.open();
        for op in &ops {
            world.apply(op);
        }
        world.calm();
    }
}

#[test]
fn one_poisoned_row_among_fifty_costs_one_row() {
    let mut world = World::new();
    world.open();
    for flag in 20..69 {
        world.record(0, flag, 0, 4);
    }
    world.record(0, POISON, 0, 4);
    world.step(0, Input::Flush);
    world.calm();
    assert_eq!(world.server.rows.len(), 49);
    assert_eq!(world.tabs[0].state.stats().dropped.of(Dropped::Rejected), 1);
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_is_not() {
    let mut world = World::new();
    world.open();
    for flag in 20..110 {
        world.record(0, flag, 0, 1000);
    }
    world.calm();
    assert_eq!(world.server.rows.len(), 90);
}

#[test]
fn a_damaged_line_costs_one_row_and_is_counted() {
    let mut world = World::new();
    world.open();
    for flag in 20..120 {
        world.record(0, flag, 0, 4);
    }
    world.end(0, false);
    world.open();
    let lines: Vec<String> = world.orphans[0].lines.values().map(|line| line.text.clone()).collect();
    let tampered = [
        lines[0].replacen("\"variant\":\"on\"", "\"variant\":\"off\"", 1),
        lines[1].replacen("\"seq\":2", "\"seq\":\"2\"", 1),
        lines[2][..40].to_owned(),
        "e{}".to_owned(),
        String::new(),
        "x".repeat(5 << 20),
    ];
    let extra = lines[3].replacen('{', "{\"__proto__\":{\"x\":1},\"unknown\":7,", 1);
    let orphan = [&tampered[..], &[extra], &lines[4..]].concat().join("\n") + "\n";
    let now = world.now();
    let orphan = Orphan { owner: "instance-1", ledgers: "", lines: &orphan, corrupt: 0 };
    let effects = step(&mut world.tabs[0].state, Input::Adopt(&orphan), now);
    world.orphans.clear();
    world.run(0, effects);
    let stats = world.tabs[0].state.stats();
    assert_eq!((stats.pending, stats.dropped.of(Dropped::WalCorrupt)), (97, 6));
    assert_eq!(world.tabs[0].waiting[&1].text, lines[3], "what is no field of a row is not sent");
}

#[test]
fn one_line_many_times_is_one_row_and_no_more_is_taken_than_a_ring_can_have_held() {
    let mut world = World::new();
    world.open();
    world.record(0, 20, 0, 4);
    let line = world.tabs[0].waiting[&1].text.clone();
    world.end(0, false);
    world.orphans.clear();
    world.open();
    let lines = (line + "\n").repeat(9000);
    let orphan = Orphan { owner: "instance-1", ledgers: "", lines: &lines, corrupt: 0 };
    world.step(0, Input::Adopt(&orphan));
    let stats = world.tabs[0].state.stats();
    assert_eq!((stats.pending, stats.dropped.of(Dropped::WalCorrupt)), (1, 8999));

    let (mut rows, mut lines) = (0, String::new());
    for page in 0..3 {
        let mut other = World::new();
        other.instances = 10 + page;
        other.open();
        for flag in 20..=255 {
            other.record(0, flag, page as u8, 4);
        }
        rows += other.tabs[0].waiting.len();
        lines.extend(other.tabs[0].waiting.values().map(|line| line.text.clone() + "\n"));
    }
    assert!(rows > 600, "{rows}");
    world.calm();
    world.tabs.clear();
    world.open();
    let orphan = Orphan { owner: "instance-10", ledgers: "", lines: &lines, corrupt: 0 };
    let now = world.now();
    let effects = step(&mut world.tabs[0].state, Input::Adopt(&orphan), now);
    let kept = effects.iter().filter(|effect| matches!(effect, Effect::Keep { .. })).count();
    let corrupt = world.tabs[0].state.stats().dropped.of(Dropped::WalCorrupt) as usize;
    assert!(kept <= 600, "{kept}");
    assert_eq!(kept + corrupt, rows);
}

#[test]
fn pages_that_have_left_nothing_take_nobodys_place() {
    let mut world = World::new();
    world.open();
    world.record(0, 20, 0, 4);
    world.end(0, false);
    world.open();
    let now = world.now();
    for page in 0..100 {
        let orphan = Orphan { owner: &format!("page-{page}"), ledgers: "", lines: "", corrupt: 0 };
        assert!(!step(&mut world.tabs[0].state, Input::Adopt(&orphan), now).contains(&Effect::Refused));
    }
    world.adopt(0, 0);
    assert_eq!((world.orphans.len(), world.tabs[0].waiting.len()), (0, 1));
}

#[test]
fn in_an_outage_that_many_pages_see_each_keeps_its_own_ledger_alone() {
    let mut world = World::new();
    let mut lengths = Vec::new();
    for flag in 20..60 {
        world.open();
        while !world.orphans.is_empty() {
            world.adopt(0, 0);
        }
        world.record(0, flag, 0, 4);
        let now = world.now();
        let (flight, outcome) = (world.tabs[0].flights.first().map(|batch| batch.flight), Outcome::Unreachable);
        if let Some(flight) = flight {
            step(&mut world.tabs[0].state, Input::Settled { flight, outcome, server_ms: None }, now);
        }
        lengths.push(world.tabs[0].disk.ledgers.len());
        world.end(0, false);
    }
    assert!(lengths.iter().all(|length| *length < 250), "{lengths:?}");
    world.calm();
    assert_eq!(world.server.rows.len(), 40);
}

#[test]
fn rows_older_than_seven_days_are_dropped_and_only_when_the_server_agrees_on_the_time() {
    const DAY_MS: f64 = 86_400_000.0;
    for (server_says, expired) in [("this time", 1), ("another time", 0), ("nothing", 0)] {
        let mut world = World::new();
        world.open();
        world.record(0, 20, 0, 4);
        world.end(0, false);
        world.clock_ms += 8.0 * DAY_MS;
        world.open();
        world.adopt(0, 0);
        assert_eq!(world.tabs[0].flights.len(), 1, "it asks what time it is");
        assert_eq!(world.tabs[0].flights[0].ids.len(), 0);
        let batch = world.tabs[0].flights.remove(0);
        let server_ms = match server_says {
            "this time" => Some(world.now().wall_ms),
            "another time" => Some(START_MS),
            _ => None,
        };
        let outcome = Outcome::Acknowledged;
        world.step(0, Input::Settled { flight: batch.flight, outcome, server_ms });
        let stats = world.tabs[0].state.stats();
        assert_eq!((stats.dropped.of(Dropped::Expired), stats.pending), (expired, 1 - expired as usize));
    }
}

#[test]
fn denied_consent_drops_what_waits_and_records_nothing() {
    let mut world = World::new();
    world.open();
    for flag in 20..40 {
        world.record(0, flag, 0, 4);
    }
    world.step(0, Input::Flush);
    world.step(0, Input::Consent(Consent::Denied));
    let stats = world.tabs[0].state.stats();
    assert_eq!((stats.pending, stats.sending, stats.dropped.of(Dropped::Consent)), (0, 0, 20));
    assert!(world.tabs[0].flights.is_empty(), "aborted");
    world.record(0, 50, 0, 4);
    assert_eq!(world.tabs[0].state.stats().recorded, 20);
    world.step(0, Input::Consent(Consent::Granted));
    world.record(0, 51, 0, 4);
    assert_eq!(world.tabs[0].state.stats().recorded, 21);
}

#[test]
fn without_an_answer_on_consent_two_hundred_rows_wait_and_none_is_sent() {
    let mut world = World::new();
    world.open();
    world.step(0, Input::Consent(Consent::Pending));
    for flag in 0..255 {
        world.record(0, flag, 0, 4);
    }
    world.step(0, Input::Flush);
    world.step(0, Input::Hidden);
    world.step(0, Input::Exit);
    world.advance(600_000.0);
    let stats = world.tabs[0].state.stats();
    assert_eq!((stats.pending, stats.ledger.refused, world.tabs[0].flights.len()), (200, 55, 0));
    world.step(0, Input::Consent(Consent::Granted));
    assert_eq!(world.tabs[0].flights.len(), 1);
}
