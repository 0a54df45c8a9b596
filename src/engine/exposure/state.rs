//! The state machine: every way an exposure or a link is recorded, sent and done with.
//!
//! | input | then |
//! |---|---|
//! | record, link | known id: nothing. Room: a row waits, and a flush is due within the interval, or at once when a batch is full. No room: refused, and not marked as seen |
//! | record, only decided | the same, but it evicts nothing, and half of the ring is kept free of it: its turn comes when rows were delivered |
//! | tick | a flight without an answer for 10 s is given up; a flush that is due is sent |
//! | settled, acknowledged | its rows leave, their ids are remembered; the next batch goes out if one is full or a flush was asked for |
//! | settled, otherwise | its rows wait again, for the next tick |
//! | hidden, online, flush | what waits is sent, batch after batch, until one fails |
//! | exit | up to three small batches at once, those never sent first, of these links and those of experiments |
//!
//! After every step: recorded = delivered + waiting + dropped.

use super::super::effect::{Batch, Effect};
use super::super::platform::Platform;
use super::super::text::push_integer;
use super::super::time::Now;
use super::acknowledged::Acknowledged;
use super::batch::{self, Envelope, Ledger};
use super::id::{Dedup, Id, IdFields};
use super::ring::{MAX_ROWS, Ring, Waiting};
use super::row::{self, Draft, Link, Source, Stamp};

/// The most rows in a batch.
const BATCH_ROWS: usize = 100;
/// The most bytes of rows in a batch: leaves room in the 64 KiB that a page and its SDKs share for keepalive requests.
const BATCH_BYTES: usize = 45 * 1024;
/// The same for each of the batches sent while the page goes away.
const EXIT_BATCH_BYTES: usize = 15 * 1024;
/// The most batches sent while the page goes away. With what is on its way already they stay within [`BATCH_BYTES`].
const EXIT_BATCHES: usize = 3;
/// A flight without an answer is given up after this many milliseconds.
const FLIGHT_TIMEOUT_MS: f64 = 10_000.0;

/// What the options say.
pub struct Config {
    /// Whether there is an endpoint. Without one a recorded exposure is done with at once, and no link is recorded.
    pub sends: bool,
    /// The project's key; empty for none.
    pub key: String,
    pub dedup: Dedup,
    pub flush_interval_ms: f64,
    /// Names of the attributes that rows carry.
    pub attribute_names: Vec<String>,
    /// Empty for none.
    pub app_version: String,
    pub instance_id: String,
    pub platform: Platform,
}

pub enum Input<'a> {
    Record(&'a Draft<'a>),
    Link(&'a Link<'a>),
    Tick,
    Settled {
        flight: u32,
        outcome: Outcome,
    },
    Hidden,
    /// The page is going away.
    Exit,
    Online,
    /// Somebody asked for a flush and waits for its end.
    Flush,
    /// A write to storage failed.
    PersistFailed,
}

/// What became of a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Acknowledged,
    /// A server answered otherwise.
    Refused,
    /// No server answered.
    Unreachable,
}

struct Flight {
    number: u32,
    batch_id: String,
    sent_at_mono_ms: f64,
    /// Of its rows.
    bytes: usize,
    exit: bool,
}

pub struct State {
    config: Config,
    ring: Ring,
    acknowledged: Acknowledged,
    flights: Vec<Flight>,
    last_flight: u32,
    ledger: Ledger,
    recorded: u32,
    delivered: u32,
    /// Ids refused since the last flush began.
    refused: Vec<Id>,
    /// When the next flush is due, on the monotonic clock.
    flush_due_mono_ms: Option<f64>,
    /// Whether the last attempt failed: then a full batch is no reason to try again at once.
    failing: bool,
    /// Send batch after batch while rows up to this number wait.
    drain_to_seq: u32,
    /// How many rows were delivered since somebody asked for a flush; `None` when nobody waits for its end.
    flush_delivered: Option<usize>,
    /// Whether ids were remembered that are not stored yet.
    unstored: bool,
    /// Whether the shell was asked to call back and has not yet.
    wake_is_armed: bool,
}

/// Rows of exposures and links, counted since the client began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    pub recorded: u32,
    pub sending: usize,
    pub pending: usize,
    pub delivered: u32,
    pub ledger: Ledger,
    /// On the monotonic clock.
    pub flush_due_mono_ms: Option<f64>,
}

impl State {
    /// `stored`: ids that were acknowledged before, as this client or another tab stored them.
    pub fn new(config: Config, stored: Option<&str>) -> Self {
        let mut acknowledged = Acknowledged::default();
        acknowledged.merge(stored.unwrap_or_default());
        Self {
            config,
            ring: Ring::default(),
            acknowledged,
            flights: Vec::new(),
            last_flight: 0,
            ledger: Ledger::default(),
            recorded: 0,
            delivered: 0,
            refused: Vec::new(),
            flush_due_mono_ms: None,
            failing: false,
            drain_to_seq: 0,
            flush_delivered: None,
            unstored: false,
            wake_is_armed: false,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn stats(&self) -> Stats {
        Stats {
            recorded: self.recorded,
            sending: self.ring.iter().filter(|waiting| waiting.flight > 0).count(),
            pending: self.ring.len(),
            delivered: self.delivered,
            ledger: self.ledger,
            flush_due_mono_ms: self.flush_due_mono_ms,
        }
    }

    /// The acknowledged ids as they are stored, after those that another tab stored were added.
    pub fn merge_acknowledged(&mut self, stored: Option<&str>) -> String {
        self.acknowledged.merge(stored.unwrap_or_default());
        self.acknowledged.stored_text()
    }

    /// Another person: the exposures that were reported of the last one are forgotten where that is the rule. Then what
    /// is to be stored in the place of the acknowledged ids.
    pub fn forget_acknowledged(&mut self) -> Option<String> {
        (self.config.dedup == Dedup::Identity).then(|| {
            self.acknowledged.forget_exposures();
            self.acknowledged.stored_text()
        })
    }
}

/// One step: what `input` does to the state at `now`, and what the shell is to do, in order.
pub fn step(state: &mut State, input: Input<'_>, now: Now) -> Vec<Effect> {
    let mut effects = Vec::new();
    // Exposures that are sent nowhere are remembered one by one: those are stored together, with the next tick.
    let stores = !matches!(input, Input::Record(_));
    match input {
        Input::Record(draft) => state.record(draft, now, &mut effects),
        Input::Link(link) => state.link(link, now, &mut effects),
        Input::Tick => state.tick(now, &mut effects),
        Input::Settled { flight, outcome } => state.settle(flight, outcome, now, &mut effects),
        Input::Hidden | Input::Online => state.drain(now, &mut effects),
        Input::Flush => {
            state.flush_delivered.get_or_insert(0);
            state.drain(now, &mut effects);
        }
        Input::Exit => state.send_at_exit(now, &mut effects),
        Input::PersistFailed => state.ledger.persist_failed += 1,
    }
    if stores && std::mem::take(&mut state.unstored) {
        effects.push(Effect::StoreAcknowledged);
    }
    state.end_flush(&mut effects);
    state.schedule(now, &mut effects);
    effects
}

impl State {
    fn record(&mut self, draft: &Draft<'_>, now: Now, effects: &mut Vec<Effect>) {
        let seq = self.ledger.seq_max + 1;
        let decided = draft.source == Source::Handshake;
        // There is one decided row per session where every read is a row of its own.
        let dedup = if decided && self.config.dedup == Dedup::None { Dedup::Session } else { self.config.dedup };
        let id = self.id_of(draft, dedup, decided, seq);
        if self.knows(id, false) {
            return;
        }
        let row = row::write(draft, &self.stamp(id, dedup, seq, now));
        if decided && self.config.sends && !self.ring.has_spare_half(row.len()) {
            effects.push(Effect::Refused);
            return;
        }
        let recurs = dedup != Dedup::None;
        if self.config.sends {
            let precious = !draft.experiment.is_empty();
            let waiting = Waiting { id, seq, row: row.clone(), link: false, precious, recurs, flight: 0, attempts: 0 };
            if !self.take_up(waiting, effects) {
                return;
            }
        } else {
            self.ledger.seq_max = seq;
            self.recorded += 1;
            self.delivered += 1;
            self.remember(id, false, recurs);
        }
        effects.push(Effect::Recorded(row));
        self.send_if_full(now, effects);
    }

    fn link(&mut self, link: &Link<'_>, now: Now, effects: &mut Vec<Effect>) {
        let id = Id::of_link(link.anonymous_id, link.distinct_id);
        if !self.config.sends || self.knows(id, true) {
            return;
        }
        let seq = self.ledger.seq_max + 1;
        let row = row::write_link(link, &self.stamp(id, Dedup::Identity, seq, now));
        let waiting = Waiting { id, seq, row, link: true, precious: true, recurs: true, flight: 0, attempts: 0 };
        if self.take_up(waiting, effects) {
            self.send_if_full(now, effects);
        }
    }

    /// Whether a row of this id waits or was acknowledged.
    fn knows(&mut self, id: Id, link: bool) -> bool {
        self.ring.contains(id) || self.acknowledged.contains(id.short(link))
    }

    fn stamp(&self, id: Id, dedup: Dedup, seq: u32, now: Now) -> Stamp<'_> {
        Stamp {
            id,
            seq,
            now,
            instance_id: &self.config.instance_id,
            dedup,
            app_version: &self.config.app_version,
            attribute_names: &self.config.attribute_names,
            platform: self.config.platform,
        }
    }

    /// Whether there was room for the row.
    fn take_up(&mut self, waiting: Waiting, effects: &mut Vec<Effect>) -> bool {
        let Some(evicted) = self.ring.make_room(waiting.row.len()) else {
            if !self.refused.contains(&waiting.id) && self.refused.len() < MAX_ROWS {
                self.refused.push(waiting.id);
                self.ledger.refused += 1;
            }
            effects.push(Effect::Refused);
            return false;
        };
        self.ledger.dropped_ring_full += evicted;
        if evicted > 0 {
            effects.push(Effect::Stale);
        }
        self.ledger.seq_max = waiting.seq;
        self.recorded += 1;
        self.ring.push(waiting);
        true
    }

    fn send_if_full(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.full_batch_waits() && !self.failing {
            self.send(now, effects);
        }
    }

    fn id_of(&self, draft: &Draft<'_>, dedup: Dedup, decided: bool, seq: u32) -> Id {
        let own_scope;
        let mut flag_version = String::new();
        push_integer(&mut flag_version, draft.flag_version);
        Id::of(&IdFields {
            environment: draft.environment,
            dedup,
            scope_id: match dedup {
                Dedup::Session => draft.session_id,
                Dedup::Identity => "",
                Dedup::None => {
                    own_scope = numbered(&self.config.instance_id, '/', seq);
                    &own_scope
                }
            },
            unit_id: draft.unit_id,
            distinct_id: draft.distinct_id,
            flag_key: draft.flag_key,
            flag_version: &flag_version,
            variant: draft.variant,
            value_text: draft.value_text,
            reason: draft.reason.as_str(),
            experiment: draft.experiment,
            decided,
        })
    }

    /// An id that occurs once needs no memory.
    fn remember(&mut self, id: Id, link: bool, recurs: bool) {
        if recurs {
            self.acknowledged.insert(id.short(link));
            self.unstored = true;
        }
    }

    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.wake_is_armed = false;
        let late: Vec<u32> = self
            .flights
            .iter()
            .filter(|flight| now.mono_ms >= flight.sent_at_mono_ms + FLIGHT_TIMEOUT_MS)
            .map(|flight| flight.number)
            .collect();
        for flight in late {
            effects.push(Effect::Abort { flight });
            self.settle(flight, Outcome::Unreachable, now, effects);
        }
        if self.flush_due_mono_ms.is_some_and(|due_ms| now.mono_ms >= due_ms) {
            self.drain(now, effects);
        }
    }

    fn settle(&mut self, number: u32, outcome: Outcome, now: Now, effects: &mut Vec<Effect>) {
        let Some(place) = self.flights.iter().position(|flight| flight.number == number) else {
            return; // Given up before: an answer that comes late changes nothing.
        };
        let flight = self.flights.swap_remove(place);
        let mut ids = Vec::new();
        let acknowledged = outcome == Outcome::Acknowledged;
        if acknowledged {
            let mut done = Vec::new();
            self.ring.remove_flight(number, |waiting| done.push((waiting.id, waiting.link, waiting.recurs)));
            for (id, link, recurs) in done {
                ids.push(id.to_text());
                self.remember(id, link, recurs);
            }
            self.delivered += ids.len() as u32;
            if let Some(delivered) = &mut self.flush_delivered {
                *delivered += ids.len();
            }
        } else {
            for waiting in self.ring.iter_mut().filter(|waiting| waiting.flight == number) {
                waiting.flight = 0;
                ids.push(waiting.id.to_text());
            }
            self.ledger.unreachable += u32::from(outcome == Outcome::Unreachable);
            self.drain_to_seq = 0;
            self.flush_due_mono_ms = Some(now.mono_ms + self.config.flush_interval_ms);
        }
        self.failing = !acknowledged;
        effects.push(Effect::Settled { batch_id: flight.batch_id, ids, acknowledged, pending: self.ring.len() });
        if acknowledged && (self.full_batch_waits() || self.to_drain()) {
            self.send(now, effects);
        }
    }

    /// Sends all that waits now, batch after batch.
    fn drain(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.drain_to_seq = self.ledger.seq_max;
        self.flush_due_mono_ms = None; // Behind a batch on its way, all this follows its answer; no timer is due.
        self.refused.clear();
        self.send(now, effects);
    }

    fn to_drain(&self) -> bool {
        self.ring.iter().any(|waiting| waiting.flight == 0 && waiting.seq <= self.drain_to_seq)
    }

    fn full_batch_waits(&self) -> bool {
        let mut bytes = 0;
        let rows = self.ring.iter().filter(|waiting| waiting.flight == 0).inspect(|waiting| bytes += waiting.row.len());
        rows.count() >= BATCH_ROWS || bytes >= BATCH_BYTES
    }

    /// Sends one batch, oldest rows first, unless one is on its way.
    fn send(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if !self.flights.iter().any(|flight| !flight.exit) {
            let rows = self.ring.iter().filter(|waiting| waiting.flight == 0).map(|waiting| waiting.seq).collect();
            self.send_some(rows, BATCH_BYTES, usize::MAX, false, now, effects);
        }
    }

    /// Sends what the page's exit leaves room for: rows never sent before others, precious ones before others.
    fn send_at_exit(&mut self, now: Now, effects: &mut Vec<Effect>) {
        for _ in 0..EXIT_BATCHES {
            let mut rows = Vec::new();
            for (sent_before, precious) in [(false, true), (false, false), (true, true), (true, false)] {
                rows.extend(
                    self.ring
                        .iter()
                        .filter(|waiting| {
                            waiting.flight == 0 && waiting.precious == precious && (waiting.attempts > 0) == sent_before
                        })
                        .map(|waiting| waiting.seq),
                );
            }
            let flying: usize = self.flights.iter().map(|flight| flight.bytes).sum();
            let room = BATCH_BYTES.saturating_sub(flying);
            self.send_some(rows, room.min(EXIT_BATCH_BYTES), room, true, now, effects);
        }
    }

    /// Puts the first of these rows, as many as a batch takes, on a flight. A row of more than `max_bytes` goes alone, or
    /// with more than `max_alone_bytes` not at all, so that it holds up no others.
    fn send_some(
        &mut self,
        wanted: Vec<u32>,
        max_bytes: usize,
        max_alone_bytes: usize,
        exit: bool,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let mut bytes = 0;
        let mut taken: Vec<u32> = Vec::new();
        for seq in wanted {
            let Some(waiting) = self.ring.iter().find(|waiting| waiting.seq == seq) else { continue };
            let length = waiting.row.len();
            if taken.is_empty() {
                if length > max_alone_bytes {
                    continue;
                }
            } else if bytes + length > max_bytes || taken.len() >= BATCH_ROWS {
                break;
            }
            bytes += length;
            taken.push(seq);
        }
        if taken.is_empty() {
            return;
        }
        self.last_flight += 1;
        let number = self.last_flight;
        let mut attempt = 0;
        for waiting in self.ring.iter_mut().filter(|waiting| taken.contains(&waiting.seq)) {
            self.ledger.resent += u32::from(waiting.attempts > 0);
            waiting.attempts += 1;
            waiting.flight = number;
            attempt = attempt.max(waiting.attempts);
        }
        let batch_id = numbered(&self.config.instance_id, '.', number);
        let rows: Vec<&Waiting> = self.ring.iter().filter(|waiting| waiting.flight == number).collect();
        let envelope = Envelope {
            key: &self.config.key,
            batch_id: &batch_id,
            attempt,
            instance_id: &self.config.instance_id,
            now,
            ledger: self.ledger,
        };
        effects.push(Effect::Send(Batch {
            flight: number,
            batch_id: batch_id.clone(),
            ids: rows.iter().map(|waiting| waiting.id.to_text()).collect(),
            body: batch::write(&envelope, &rows),
            pending: self.ring.len(),
            exit,
        }));
        self.flights.push(Flight { number, batch_id, sent_at_mono_ms: now.mono_ms, bytes, exit });
        self.flush_due_mono_ms = None;
    }

    /// A flush that was asked for ends when nothing it was to send is left, or when an attempt failed.
    fn end_flush(&mut self, effects: &mut Vec<Effect>) {
        if self.flights.is_empty()
            && !self.to_drain()
            && let Some(delivered) = self.flush_delivered.take()
        {
            effects.push(Effect::Flushed { delivered, pending: self.ring.len() });
        }
    }

    /// Keeps one timer armed while anything waits.
    ///
    /// It never has to be taken back for an earlier one: nothing can fall due sooner than the shorter of the flush
    /// interval and the flight's time limit, so it is never set further ahead than that.
    fn schedule(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let interval_ms = self.config.flush_interval_ms;
        let waits = self.ring.iter().any(|waiting| waiting.flight == 0);
        if !waits {
            self.flush_due_mono_ms = None;
        } else if !self.flights.iter().any(|flight| !flight.exit) {
            self.flush_due_mono_ms.get_or_insert(now.mono_ms + interval_ms);
        }
        if self.wake_is_armed || (self.flights.is_empty() && self.flush_due_mono_ms.is_none() && !self.unstored) {
            return;
        }
        self.wake_is_armed = true;
        let due_mono_ms = self
            .flights
            .iter()
            .map(|flight| flight.sent_at_mono_ms + FLIGHT_TIMEOUT_MS)
            .chain(self.flush_due_mono_ms)
            .fold(now.mono_ms + interval_ms.min(FLIGHT_TIMEOUT_MS), f64::min);
        effects.push(Effect::WakeIn((due_mono_ms - now.mono_ms).max(0.0)));
    }
}

fn numbered(name: &str, separator: char, number: u32) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    out.push_str(name);
    out.push(separator);
    push_integer(&mut out, number.into());
    out
}
