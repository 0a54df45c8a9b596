//! The state machine: every way an exposure or a link is recorded, kept, sent and done with.
//!
//! | input | then |
//! |---|---|
//! | record, link | known id: nothing. Room: a row is kept and waits, and a flush is due within the interval, or at once when a batch is full. No room: refused, and not marked as seen |
//! | record, only decided | the same, but it evicts nothing, and half of the ring is kept free of it: its turn comes when rows were delivered |
//! | adopt | the rows of a page that is gone wait too, all of them or, without room, none |
//! | tick | a flight without an answer for 10 s is given up; a flush that is due is sent |
//! | settled, acknowledged | its rows leave, their ids are remembered; the next batch goes out if one is full or a flush was asked for |
//! | settled, refused for what it holds | it is sent again in two halves; a row that is refused alone is dropped |
//! | settled, otherwise | its rows wait again, for as long as [`super::retry`] says |
//! | hidden, online, flush | what waits is sent, batch after batch, until one fails |
//! | shown, online | a server that failed is asked again |
//! | exit | up to three small batches at once, those never sent first, of these links and those of experiments |
//! | consent | without it nothing is sent; once it is denied nothing waits and nothing is recorded |
//!
//! After every step: recorded + adopted = delivered + waiting + dropped.

use super::super::effect::Effect;
use super::super::hash::xxh64;
use super::super::platform::Platform;
use super::super::text::{cut, push_integer};
use super::super::time::Now;
use super::acknowledged::{Acknowledged, MAX_IDS};
use super::adoption::{Adopted, Orphan};
use super::batch;
use super::id::{Dedup, Id, IdFields};
use super::ledger::{Dropped, Drops, Ledger};
use super::restore::experiment_of;
use super::retry::Retry;
use super::ring::{MAX_ROWS, Ring, Waiting};
use super::row::{self, Draft, Link, MAX_TEXT_BYTES, Source, Stamp};
use super::timing::Timing;

/// The most rows that wait for the person's consent.
const MAX_ROWS_WITHOUT_CONSENT: usize = 200;

/// Whether the person agrees to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    Denied,
    /// Not known yet: what is recorded waits.
    Pending,
    Granted,
}

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
    pub consent: Consent,
    /// Failures of the module on this page so far.
    pub traps: u32,
    pub timing: Timing,
    pub platform: Platform,
}

impl Config {
    /// What is so unless somebody says otherwise: nothing is sent.
    pub fn new(instance_id: String, platform: Platform) -> Self {
        Self {
            sends: false,
            key: String::new(),
            dedup: Dedup::Session,
            flush_interval_ms: 5000.0,
            attribute_names: Vec::new(),
            app_version: String::new(),
            instance_id,
            consent: Consent::Granted,
            traps: 0,
            timing: Timing::REAL,
            platform,
        }
    }
}

pub enum Input<'a> {
    Record(&'a Draft<'a>),
    Link(&'a Link<'a>),
    Adopt(&'a Orphan<'a>),
    Tick,
    Settled {
        flight: u32,
        outcome: Outcome,
        /// The server's clock, in Unix milliseconds, where it told.
        server_ms: Option<f64>,
    },
    Hidden,
    /// The page can be seen again.
    Shown,
    /// The page is going away.
    Exit,
    Online,
    /// Somebody asked for a flush and waits for its end.
    Flush,
    /// A write to storage failed.
    PersistFailed,
    Consent(Consent),
}

/// What became of a flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Acknowledged,
    /// A server answered otherwise.
    Refused {
        status: u16,
        retry_after_ms: Option<f64>,
    },
    /// No server answered.
    Unreachable,
}

pub(super) struct Flight {
    pub number: u32,
    pub batch_id: String,
    pub sent_at_mono_ms: f64,
    /// Of its rows.
    pub bytes: usize,
    pub exit: bool,
    /// [`State::ledger_changes`] when it was sent.
    pub ledger_changes: u32,
}

pub struct State {
    pub(super) config: Config,
    pub(super) consent: Consent,
    pub(super) ring: Ring,
    pub(super) acknowledged: Acknowledged,
    pub(super) flights: Vec<Flight>,
    pub(super) last_flight: u32,
    /// The number of the last row, in [`Waiting::number`].
    pub(super) last_number: u32,
    pub(super) ledger: Ledger,
    /// Of those whose rows were adopted, until they are told.
    pub(super) adopted: Vec<Adopted>,
    /// How often there was news for the collector that no row carries.
    pub(super) ledger_changes: u32,
    /// How many of those it has acknowledged.
    pub(super) ledger_told: u32,
    /// [`State::ledger_changes`] as the ledgers were kept last; `None` when none are.
    kept_changes: Option<u32>,
    pub(super) recorded: u32,
    pub(super) delivered: u32,
    /// By this client, also rows of others.
    pub(super) dropped: Drops,
    /// Ids refused since the last flush began.
    pub(super) refused: Vec<Id>,
    /// Short ids of rows evicted since the last delivery, in the order of their bytes. Taken again, each would evict
    /// another, for as long as the page reads more flags than there is room for.
    pub(super) evicted: Vec<[u8; 8]>,
    /// When the next flush is due, on the monotonic clock.
    pub(super) flush_due_mono_ms: Option<f64>,
    pub(super) retry: Retry,
    /// Batches refused for what they hold, without a success between them.
    pub(super) rejections: u32,
    pub(super) last_group: u32,
    /// Whether the page cannot be seen.
    pub(super) is_hidden: bool,
    /// Whether the last attempt had no answer, with keepalive: the page may have used up what there is of that.
    pub(super) spares_keepalive: bool,
    /// Send batch after batch while rows up to this number wait.
    pub(super) drain_to: u32,
    /// How many rows were delivered since somebody asked for a flush; `None` when nobody waits for its end.
    pub(super) flush_delivered: Option<usize>,
    /// Whether ids were remembered that are not stored yet.
    pub(super) unstored: bool,
    /// When the shell was asked to call back, unless it has.
    pub(super) wake_at_mono_ms: Option<f64>,
    /// Whether any server has answered.
    pub(super) is_answered: bool,
    /// The server's clock less the monotonic one, where it told.
    pub(super) server_offset_ms: Option<f64>,
}

/// Rows of exposures and links, counted since the client began.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    pub recorded: u32,
    pub sending: usize,
    pub pending: usize,
    pub delivered: u32,
    pub dropped: Drops,
    pub ledger: Ledger,
    /// On the monotonic clock.
    pub flush_due_mono_ms: Option<f64>,
}

impl State {
    /// `stored`: ids that were acknowledged before, as this client or another tab stored them.
    pub fn new(config: Config, stored: Option<&str>) -> Self {
        let mut acknowledged = Acknowledged::default();
        acknowledged.merge(stored.unwrap_or_default());
        let mut ledger = Ledger::new(config.instance_id.clone());
        ledger.traps = config.traps;
        // What clients would otherwise do together is spread by what tells them apart.
        let retry = Retry::new(config.timing, xxh64(config.instance_id.as_bytes(), 0));
        Self {
            consent: config.consent,
            config,
            ring: Ring::default(),
            acknowledged,
            flights: Vec::new(),
            last_flight: 0,
            last_number: 0,
            ledger,
            adopted: Vec::new(),
            ledger_changes: 0,
            ledger_told: 0,
            kept_changes: None,
            recorded: 0,
            delivered: 0,
            dropped: Drops::default(),
            refused: Vec::new(),
            evicted: Vec::new(),
            flush_due_mono_ms: None,
            retry,
            rejections: 0,
            last_group: 0,
            is_hidden: false,
            spares_keepalive: false,
            drain_to: 0,
            flush_delivered: None,
            unstored: false,
            wake_at_mono_ms: None,
            is_answered: false,
            server_offset_ms: None,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn consent(&self) -> Consent {
        self.consent
    }

    pub fn stats(&self) -> Stats {
        Stats {
            recorded: self.recorded,
            sending: self.ring.iter().filter(|waiting| waiting.flight > 0).count(),
            pending: self.ring.len(),
            delivered: self.delivered,
            dropped: self.dropped,
            ledger: self.ledger.clone(),
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
        Input::Adopt(orphan) => state.adopt(orphan, now, &mut effects),
        Input::Tick => state.tick(now, &mut effects),
        Input::Settled { flight, outcome, server_ms } => state.settle(flight, outcome, server_ms, now, &mut effects),
        Input::Hidden => {
            state.is_hidden = true;
            state.drain(now, &mut effects);
        }
        Input::Shown => {
            state.is_hidden = false;
            state.probe(now, &mut effects);
        }
        Input::Online => {
            state.retry.probe(false, now);
            state.drain(now, &mut effects);
        }
        Input::Flush => {
            state.retry.insist(now);
            state.flush_delivered.get_or_insert(0);
            state.drain(now, &mut effects);
        }
        Input::Exit => state.send_at_exit(now, &mut effects),
        Input::PersistFailed => state.ledger.persist_failed += 1,
        Input::Consent(consent) => state.set_consent(consent, now, &mut effects),
    }
    if stores && std::mem::take(&mut state.unstored) {
        effects.push(Effect::StoreAcknowledged);
    }
    state.end_flush(&mut effects);
    state.schedule(now, &mut effects);
    state.store_retry(now, &mut effects);
    state.keep_ledgers(&mut effects);
    effects
}

impl State {
    fn record(&mut self, draft: &Draft<'_>, now: Now, effects: &mut Vec<Effect>) {
        if self.consent == Consent::Denied {
            return;
        }
        let seq = self.ledger.seq_max + 1;
        let decided = draft.source == Source::Handshake;
        // There is one decided row per session where every read is a row of its own.
        let dedup = if decided && self.config.dedup == Dedup::None { Dedup::Session } else { self.config.dedup };
        let id = self.id_of(draft, dedup, decided, seq);
        if self.knows(id, false) {
            return;
        }
        let line = row::write(draft, &self.stamp(id, dedup, seq, now));
        if decided && self.config.sends && !self.ring.has_spare_half(&line) {
            effects.push(Effect::Refused);
            return;
        }
        let recurs = dedup != Dedup::None;
        if self.config.sends {
            let precious = !draft.experiment.is_empty();
            let waiting = Waiting { precious, recurs, ..self.waiting(id, line, now) };
            if self.take_up(waiting, true, effects) {
                self.send_if_full(now, effects);
            }
        } else {
            self.ledger.seq_max = seq;
            self.recorded += 1;
            self.delivered += 1;
            self.remember(id, false, recurs);
            effects.push(Effect::Recorded(line));
        }
    }

    fn link(&mut self, link: &Link<'_>, now: Now, effects: &mut Vec<Effect>) {
        let id = Id::of_link(link.anonymous_id, link.distinct_id);
        if !self.config.sends || self.consent == Consent::Denied || self.knows(id, true) {
            return;
        }
        let line = row::write_link(link, &self.stamp(id, Dedup::Identity, self.ledger.seq_max + 1, now));
        let waiting = Waiting { link: true, precious: true, ..self.waiting(id, line, now) };
        if self.take_up(waiting, false, effects) {
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

    /// A row that begins to wait.
    pub(super) fn waiting(&self, id: Id, line: String, now: Now) -> Waiting {
        Waiting {
            number: self.last_number + 1,
            id,
            line,
            link: false,
            precious: false,
            origin: 0,
            ts_ms: now.wall_ms,
            recurs: true,
            flight: 0,
            attempts: 0,
            group: 0,
        }
    }

    /// Whether there was room for the row, which this client has recorded.
    fn take_up(&mut self, waiting: Waiting, is_new: bool, effects: &mut Vec<Effect>) -> bool {
        let may_wait = (self.consent == Consent::Granted || self.ring.len() < MAX_ROWS_WITHOUT_CONSENT)
            && self.evicted.binary_search(&waiting.id.short(waiting.link)).is_err();
        let evicted = if may_wait { self.ring.make_room(&waiting.line) } else { None };
        let Some(evicted) = evicted else {
            if !self.refused.contains(&waiting.id) && self.refused.len() < MAX_ROWS {
                self.refused.push(waiting.id);
                self.ledger.refused += 1;
            }
            effects.push(Effect::Refused);
            return false;
        };
        if !evicted.is_empty() {
            self.give_up(&evicted, Dropped::RingFull, effects);
            for waiting in &evicted {
                let id = waiting.id.short(waiting.link);
                let place = self.evicted.partition_point(|known| *known < id);
                self.evicted.insert(place, id);
            }
            self.evicted.truncate(MAX_IDS);
            effects.push(Effect::Stale);
        }
        self.ledger.seq_max += 1;
        self.recorded += 1;
        self.keep(waiting, is_new, effects);
        true
    }

    /// From now on the row waits, and is to be found by whoever comes after this page.
    pub(super) fn keep(&mut self, mut waiting: Waiting, is_new: bool, effects: &mut Vec<Effect>) {
        self.last_number = waiting.number;
        // What waits takes no more memory than it has text.
        let exact = waiting.line.clone();
        let line = std::mem::replace(&mut waiting.line, exact);
        effects.push(Effect::Keep { number: waiting.number, line, is_new });
        self.ring.push(waiting);
    }

    /// Counts rows that have left the ring and will never be sent.
    pub(super) fn give_up(&mut self, rows: &[Waiting], reason: Dropped, effects: &mut Vec<Effect>) {
        if rows.is_empty() {
            return;
        }
        for waiting in rows {
            let names = if waiting.precious && !waiting.link { experiment_of(waiting.row()) } else { None };
            let experiment = names.as_ref().map(|(flag, variant)| (flag.as_str(), variant.as_str()));
            self.ledger_of(waiting.origin).count_drop(reason, experiment);
        }
        self.dropped.add(reason, rows.len() as u32);
        self.ledger_changes += 1;
        release(rows, effects);
    }

    pub(super) fn ledger_of(&mut self, origin: u32) -> &mut Ledger {
        match self.adopted.iter_mut().find(|adopted| adopted.origin == origin) {
            Some(adopted) => &mut adopted.ledger,
            None => &mut self.ledger,
        }
    }

    /// What the collector has not been told is kept beside the rows: this client's ledger, then those of the rows that it
    /// adopted. Also what it has been told while rows wait: whoever adopts them may drop more, and counts on. An adopted ledger
    /// is beside its own rows already while they wait, unless some of them were dropped here: with each page that an outage
    /// sees keeping those of 16 others too, ledgers took the room of rows.
    fn keep_ledgers(&mut self, effects: &mut Vec<Effect>) {
        let goes_on = self.ring.len() > 0 && self.ledger.dropped.total() > 0;
        if !self.has_news() && self.adopted.is_empty() && !goes_on {
            if self.kept_changes.take().is_some() {
                effects.push(Effect::KeepLedgers(String::new()));
            }
            return;
        }
        if self.kept_changes.replace(self.ledger_changes) == Some(self.ledger_changes) {
            return;
        }
        let is_only_here = |adopted: &&Adopted| adopted.ledger.dropped.total() > 0 || !self.ring.has_of(adopted.origin);
        let adopted = self.adopted.iter().filter(is_only_here).map(|adopted| &adopted.ledger);
        let ledgers: Vec<&Ledger> = [&self.ledger].into_iter().chain(adopted).collect();
        let mut text = String::new();
        batch::write_ledgers(&mut text, &ledgers);
        effects.push(Effect::KeepLedgers(text));
    }

    fn send_if_full(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.full_batch_waits() && !self.retry.is_failing() {
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
            // As the row says it, so that whoever has the row can make its id.
            unit_id: cut(draft.unit_id, MAX_TEXT_BYTES),
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
    pub(super) fn remember(&mut self, id: Id, link: bool, recurs: bool) {
        if recurs {
            self.acknowledged.insert(id.short(link));
            self.unstored = true;
        }
    }
}

/// Nobody is to find these rows again.
pub(super) fn release(rows: &[Waiting], effects: &mut Vec<Effect>) {
    if !rows.is_empty() {
        effects.push(Effect::Release(rows.iter().map(|waiting| waiting.number).collect()));
    }
}

pub(super) fn numbered(name: &str, separator: char, number: u32) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    out.push_str(name);
    out.push(separator);
    push_integer(&mut out, number.into());
    out
}
