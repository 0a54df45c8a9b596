//! How rows leave: batches, their outcomes, and the timer.

use super::super::effect::{Batch, Effect};
use super::super::time::Now;
use super::batch::{self, Envelope};
use super::ledger::{Dropped, Ledger};
use super::ring::Waiting;
use super::state::{Consent, Flight, Outcome, State, numbered, release};

/// The most rows in a batch.
const BATCH_ROWS: usize = 100;
/// The most bytes of rows in a batch: leaves room in the 64 KiB that a page and its SDKs share for keepalive requests.
const BATCH_BYTES: usize = 45 * 1024;
/// The same for each of the batches sent while the page goes away.
const EXIT_BATCH_BYTES: usize = 15 * 1024;
/// The most requests under way while the page goes away. Together they stay within [`BATCH_BYTES`].
const EXIT_BATCHES: usize = 3;
/// After so many refusals for what batches hold, without a success between them, it is not the rows: one bad row in a
/// hundred is found with eight. Then each that follows has its wait.
const MAX_REJECTIONS: u32 = 12;

/// How one batch is put together.
struct Bounds {
    bytes: usize,
    /// The most bytes of a row that goes alone. A longer one is passed over, so that it holds up no others.
    alone_bytes: usize,
    exit: bool,
}

impl State {
    pub(super) fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.wake_at_mono_ms = None;
        let timeout_ms = self.config.timing.flight_timeout_ms;
        let is_late = |flight: &&Flight| now.mono_ms >= flight.sent_at_mono_ms + timeout_ms;
        let late: Vec<u32> = self.flights.iter().filter(is_late).map(|flight| flight.number).collect();
        for flight in late {
            effects.push(Effect::Abort { flight });
            self.settle(flight, Outcome::Unreachable, None, now, effects);
        }
        if self.flush_due_mono_ms.is_some_and(|due_ms| now.mono_ms >= due_ms) {
            self.drain(now, effects);
        }
    }

    pub(super) fn settle(
        &mut self,
        number: u32,
        outcome: Outcome,
        server_ms: Option<f64>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        let Some(place) = self.flights.iter().position(|flight| flight.number == number) else {
            return; // Given up before: an answer that comes late changes nothing.
        };
        let flight = self.flights.swap_remove(place);
        self.is_answered |= outcome != Outcome::Unreachable;
        if let Some(server_ms) = server_ms {
            self.server_offset_ms = Some(server_ms - now.mono_ms);
        }
        let ids = self.ring.iter().filter(|waiting| waiting.flight == number).map(|waiting| waiting.id.to_text());
        let ids: Vec<String> = ids.collect();
        let acknowledged = outcome == Outcome::Acknowledged;
        let goes_on = match outcome {
            Outcome::Acknowledged => {
                self.acknowledge(&flight, effects);
                self.full_batch_waits() || self.to_drain()
            }
            Outcome::Refused { status: status @ (400 | 413 | 422), .. } => {
                self.retry.answered(now);
                self.divide(&flight, status, effects);
                if self.rejections < MAX_REJECTIONS {
                    self.to_drain()
                } else {
                    self.rejections = MAX_REJECTIONS - 1; // One at a time from here on.
                    self.fail(status, None, now);
                    false
                }
            }
            Outcome::Refused { status, retry_after_ms } => {
                self.put_back(number);
                self.fail(status, retry_after_ms, now);
                false
            }
            Outcome::Unreachable => {
                self.put_back(number);
                self.ledger.unreachable += 1;
                self.spares_keepalive = !self.spares_keepalive;
                self.fail(0, None, now);
                false
            }
        };
        effects.push(Effect::Settled { batch_id: flight.batch_id, ids, acknowledged, pending: self.ring.len() });
        if goes_on {
            self.send(now, effects);
        }
    }

    fn acknowledge(&mut self, flight: &Flight, effects: &mut Vec<Effect>) {
        let done = self.ring.remove(usize::MAX, &|waiting| waiting.flight == flight.number);
        for waiting in &done {
            self.remember(waiting.id, waiting.link, waiting.recurs);
        }
        release(&done, effects);
        if !done.is_empty() {
            self.evicted.clear();
        }
        self.delivered += done.len() as u32;
        if let Some(delivered) = &mut self.flush_delivered {
            *delivered += done.len();
        }
        self.ledger_told = self.ledger_told.max(flight.ledger_changes);
        if self.ledger_told == self.ledger_changes {
            self.forget_told_ledgers();
        }
        self.retry.succeeded();
        self.rejections = 0;
        self.spares_keepalive = false;
    }

    /// The server takes the batch for malformed, or too large: in its halves the rows that it means are found.
    fn divide(&mut self, flight: &Flight, status: u16, effects: &mut Vec<Effect>) {
        self.rejections += 1;
        let count = self.ring.iter().filter(|waiting| waiting.flight == flight.number).count();
        if count <= 1 {
            let reason = if status == 413 { Dropped::TooLarge } else { Dropped::Rejected };
            let rows = self.ring.remove(1, &|waiting| waiting.flight == flight.number);
            self.give_up(&rows, reason, effects);
            if count == 0 {
                self.ledger_told = self.ledger_changes; // It does not want to be told either.
            }
            return;
        }
        self.last_group += 2;
        let groups = [self.last_group - 1, self.last_group];
        let of_flight = self.ring.iter_mut().filter(|waiting| waiting.flight == flight.number);
        for (place, waiting) in of_flight.enumerate() {
            waiting.flight = 0;
            waiting.group = if place < count / 2 { groups[0] } else { groups[1] };
            self.drain_to = self.drain_to.max(waiting.number);
        }
    }

    fn put_back(&mut self, flight: u32) {
        for waiting in self.ring.iter_mut().filter(|waiting| waiting.flight == flight) {
            waiting.flight = 0;
        }
    }

    fn fail(&mut self, status: u16, retry_after_ms: Option<f64>, now: Now) {
        self.retry.failed(status, retry_after_ms, now);
        self.drain_to = 0;
        self.flush_due_mono_ms = Some(self.retry.not_before_ms());
    }

    /// Sends all that waits now, batch after batch.
    pub(super) fn drain(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.drain_to = self.last_number;
        self.flush_due_mono_ms = None; // Behind a batch on its way, all this follows its answer; no timer is due.
        self.refused.clear();
        self.send(now, effects);
    }

    /// A server that failed is asked again.
    pub(super) fn probe(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.retry.is_failing() {
            self.retry.probe(false, now);
            self.drain(now, effects);
        }
    }

    /// Takes over what other tabs, or earlier pages, know of the server. `load`: this page was just loaded.
    pub fn learn_retry(&mut self, stored: Option<&str>, load: bool, now: Now) {
        let is_new = self.retry.learn(stored, now);
        if load {
            self.retry.probe(true, now);
        } else if is_new && let Some(due_ms) = &mut self.flush_due_mono_ms {
            *due_ms = due_ms.min(self.retry.not_before_ms().max(now.mono_ms));
        }
    }

    pub(super) fn store_retry(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if let Some(text) = self.retry.take_news(now) {
            effects.push(Effect::Store { key: super::super::effect::StorageKey::Retry, text });
        }
    }

    fn to_drain(&self) -> bool {
        self.ring.iter().any(|waiting| waiting.flight == 0 && waiting.number <= self.drain_to)
    }

    pub(super) fn full_batch_waits(&self) -> bool {
        if self.ring.len() < BATCH_ROWS && self.ring.bytes() < BATCH_BYTES {
            return false; // Each row that is recorded asks.
        }
        let mut bytes = 0;
        let rows =
            self.ring.iter().filter(|waiting| waiting.flight == 0).inspect(|waiting| bytes += waiting.row().len());
        rows.count() >= BATCH_ROWS || bytes >= BATCH_BYTES
    }

    /// Whether the collector has not been told of something that no row carries.
    pub(super) fn has_news(&self) -> bool {
        self.config.sends && self.ledger_told != self.ledger_changes
    }

    /// Sends one batch, oldest rows first, unless one is on its way, or it is not the time.
    pub(super) fn send(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.flights.iter().any(|flight| !flight.exit) {
            return;
        }
        if self.consent != Consent::Granted || !self.retry.may_send(now) {
            self.drain_to = 0;
            self.flush_due_mono_ms = Some(self.retry.not_before_ms()).filter(|due_ms| *due_ms > now.mono_ms);
            return;
        }
        self.expire(now, effects);
        let waits = |waiting: &&Waiting| waiting.flight == 0 && !self.is_doubtful(waiting, now);
        let group = self.ring.iter().find(waits).map(|waiting| waiting.group);
        let rows: Vec<u32> = self
            .ring
            .iter()
            .filter(waits)
            .filter(|waiting| Some(waiting.group) == group)
            .map(|waiting| waiting.number)
            .collect();
        if rows.is_empty() && !self.has_news() && !self.ring.iter().any(|waiting| waiting.flight == 0) {
            return;
        }
        self.send_some(rows, &Bounds { bytes: BATCH_BYTES, alone_bytes: usize::MAX, exit: false }, now, effects);
    }

    /// Whether the row is too old by this clock, and no server has confirmed what time it is.
    fn is_doubtful(&self, waiting: &Waiting, now: Now) -> bool {
        !self.is_answered && now.wall_ms - waiting.ts_ms > self.config.timing.expiry_ms
    }

    /// Gives up what is older than the collector's memory, where the clock is known to agree with the server's.
    fn expire(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let timing = self.config.timing;
        let agrees = |offset_ms: f64| (now.wall_ms - now.mono_ms - offset_ms).abs() <= timing.clock_trust_ms;
        if !self.server_offset_ms.is_some_and(agrees) {
            return;
        }
        let is_old = |waiting: &Waiting| waiting.flight == 0 && now.wall_ms - waiting.ts_ms > timing.expiry_ms;
        let rows = self.ring.remove(usize::MAX, &is_old);
        if !rows.is_empty() {
            self.give_up(&rows, Dropped::Expired, effects);
            effects.push(Effect::Stale);
        }
    }

    /// Sends what the page's exit leaves room for: rows never sent before others, precious ones before others.
    pub(super) fn send_at_exit(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.consent != Consent::Granted || self.retry.forbids(now) {
            return;
        }
        while self.flights.len() < EXIT_BATCHES {
            let mut rows = Vec::new();
            for (sent_before, precious) in [(false, true), (false, false), (true, true), (true, false)] {
                rows.extend(
                    self.ring
                        .iter()
                        .filter(|waiting| {
                            waiting.flight == 0
                                && waiting.precious == precious
                                && (waiting.attempts > 0) == sent_before
                                && waiting.group == 0
                                && !self.is_doubtful(waiting, now)
                        })
                        .map(|waiting| waiting.number),
                );
            }
            let flying: usize = self.flights.iter().map(|flight| flight.bytes).sum();
            let room = BATCH_BYTES.saturating_sub(flying);
            let bounds = Bounds { bytes: room.min(EXIT_BATCH_BYTES), alone_bytes: room, exit: true };
            if rows.is_empty() || !self.send_some(rows, &bounds, now, effects) {
                return;
            }
        }
    }

    /// Puts the first of these rows, as many as a batch takes, on a flight. False when none fits. An empty batch brings
    /// the ledgers, and a server's answer.
    fn send_some(&mut self, wanted: Vec<u32>, bounds: &Bounds, now: Now, effects: &mut Vec<Effect>) -> bool {
        let mut bytes = 0;
        let mut taken: Vec<u32> = Vec::new();
        let is_empty = wanted.is_empty();
        for number in wanted {
            let Some(waiting) = self.ring.iter().find(|waiting| waiting.number == number) else { continue };
            let length = waiting.row().len();
            if taken.is_empty() {
                if length > bounds.alone_bytes {
                    continue;
                }
            } else if bytes + length > bounds.bytes || taken.len() >= BATCH_ROWS {
                break;
            }
            bytes += length;
            taken.push(number);
        }
        if taken.is_empty() && !is_empty {
            return false;
        }
        self.last_flight += 1;
        let number = self.last_flight;
        let mut attempt = 1;
        for waiting in self.ring.iter_mut().filter(|waiting| taken.contains(&waiting.number)) {
            self.ledger.resent += u32::from(waiting.attempts > 0);
            waiting.attempts += 1;
            waiting.flight = number;
            attempt = attempt.max(waiting.attempts);
        }
        self.retry.attempted(now);
        let batch_id = numbered(&self.config.instance_id, '.', number);
        let rows: Vec<&Waiting> = self.ring.iter().filter(|waiting| waiting.flight == number).collect();
        let adopted: Vec<&Ledger> = self.adopted.iter().map(|adopted| &adopted.ledger).collect();
        let envelope = Envelope {
            key: &self.config.key,
            batch_id: &batch_id,
            attempt,
            now,
            ledger: &self.ledger,
            adopted: &adopted,
        };
        effects.push(Effect::Send(Batch {
            flight: number,
            batch_id: batch_id.clone(),
            ids: rows.iter().map(|waiting| waiting.id.to_text()).collect(),
            body: batch::write(&envelope, &rows),
            pending: self.ring.len(),
            keepalive: bounds.exit || self.is_hidden || !self.spares_keepalive,
            exit: bounds.exit,
        }));
        let ledger_changes = self.ledger_changes;
        let exit = bounds.exit;
        self.flights.push(Flight { number, batch_id, sent_at_mono_ms: now.mono_ms, bytes, exit, ledger_changes });
        self.flush_due_mono_ms = None;
        true
    }

    /// A flush that was asked for ends when nothing it was to send is left, or when an attempt failed.
    pub(super) fn end_flush(&mut self, effects: &mut Vec<Effect>) {
        if self.flush_delivered.is_some()
            && self.flights.is_empty()
            && !self.to_drain()
            && let Some(delivered) = self.flush_delivered.take()
        {
            effects.push(Effect::Flushed { delivered, pending: self.ring.len() });
        }
    }

    /// Keeps one timer armed while anything waits. An earlier one takes the place of a later one.
    pub(super) fn schedule(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let (interval_ms, timeout_ms) = (self.config.flush_interval_ms, self.config.timing.flight_timeout_ms);
        let waits = self.consent == Consent::Granted
            && (self.has_news() || self.ring.iter().any(|waiting| waiting.flight == 0));
        if !waits {
            self.flush_due_mono_ms = None;
        } else if !self.flights.iter().any(|flight| !flight.exit) {
            self.flush_due_mono_ms.get_or_insert(now.mono_ms + interval_ms);
        }
        if self.flights.is_empty() && self.flush_due_mono_ms.is_none() && !self.unstored {
            return;
        }
        let due_mono_ms = self
            .flights
            .iter()
            .map(|flight| flight.sent_at_mono_ms + timeout_ms)
            .chain(self.flush_due_mono_ms)
            .fold(now.mono_ms + interval_ms.min(timeout_ms), f64::min)
            .max(now.mono_ms);
        // A timer that is so late was taken from us: a page may have replaced what sets them.
        let is_lost = |wake_ms: f64| now.mono_ms > wake_ms + interval_ms.max(timeout_ms);
        if self.wake_at_mono_ms.is_none_or(|wake_ms| due_mono_ms < wake_ms || is_lost(wake_ms)) {
            self.wake_at_mono_ms = Some(due_mono_ms);
            effects.push(Effect::WakeIn(due_mono_ms - now.mono_ms));
        }
    }
}
