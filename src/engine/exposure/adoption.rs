//! Rows that come from elsewhere, or leave for another reason than an answer: adopted, delivered by another tab, without
//! consent.

use super::super::effect::Effect;
use super::super::json::{self, Value};
use super::super::text::cut;
use super::super::time::Now;
use super::acknowledged::Acknowledged;
use super::ledger::{Dropped, Ledger, MAX_INSTANCE_ID_BYTES};
use super::restore::{Restored, restore};
use super::ring::{MAX_BYTES, MAX_ROWS, Waiting};
use super::state::{Consent, State};

/// The most instances whose ledgers are held at once.
const MAX_ADOPTED: usize = 16;

/// What a page that is gone has left behind.
pub struct Orphan<'a> {
    /// The id of its instance.
    pub owner: &'a str,
    /// As in [`Effect::KeepLedgers`].
    pub ledgers: &'a str,
    /// As in [`Effect::Keep`], each with a line feed at its end.
    pub lines: &'a str,
    /// Lines whose checksum was wrong.
    pub corrupt: u32,
}

pub(super) struct Adopted {
    /// Its name in [`Waiting::origin`].
    pub origin: u32,
    pub ledger: Ledger,
}

impl State {
    pub(super) fn adopt(&mut self, orphan: &Orphan<'_>, now: Now, effects: &mut Vec<Effect>) {
        if self.consent == Consent::Denied || !self.config.sends {
            effects.push(Effect::Refused);
            return;
        }
        let ledgers = read_ledgers(orphan.ledgers);
        let (mut rows, mut corrupt): (Vec<Restored>, u32) = (Vec::new(), orphan.corrupt);
        let mut bytes = 0;
        for line in orphan.lines.split_terminator('\n') {
            // No more than a ring can have held, whoever wrote it.
            if rows.len() >= MAX_ROWS || bytes > MAX_BYTES {
                corrupt += 1;
                continue;
            }
            match restore(line) {
                // It was adopted before, and could not be taken away from where it was. (That its id is acknowledged is no
                // reason to pass it over: it may have been another row's, and this one's number would be missed.)
                Some(row) if self.ring.iter().any(|waiting| waiting.line == row.line) => {}
                Some(row) if rows.iter().all(|other| other.line != row.line) => {
                    bytes += row.line.len();
                    rows.push(row);
                }
                _ => corrupt += 1,
            }
        }
        if rows.is_empty() && ledgers.is_empty() && corrupt == 0 {
            return; // A page that is gone with nothing to be told.
        }
        // What comes alone is taken in any case, or it would be refused for ever. All or nothing: of what is taken in part the
        // rest stays under the same key, and whoever comes next could not tell what was delivered of it, and send that again.
        // What does not fit now waits in storage until this ring has been emptied.
        let has_room = self.adopted.is_empty() || self.adopted.len() + ledgers.len() < MAX_ADOPTED;
        if !has_room || !self.ring.has_room(rows.len(), bytes) {
            effects.push(Effect::Refused);
            return;
        }
        let has_ledgers = !ledgers.is_empty();
        for ledger in ledgers {
            self.origin_of(ledger, 0);
        }
        let owner = self.origin_of(Ledger::new(cut(orphan.owner, MAX_INSTANCE_ID_BYTES).to_owned()), 0);
        let count = rows.len() as u32;
        for Restored { id, line, link, precious, recurs, ts_ms, instance_id, seq } in rows {
            // A row may have been adopted before, and know more of its instance than is left of it.
            let mut known = Ledger::new(instance_id);
            known.seq_max = seq;
            let origin = self.origin_of(known, owner);
            let waiting = Waiting { link, precious, recurs, ts_ms, origin, ..self.waiting(id, line, now) };
            self.keep(waiting, false, effects);
        }
        self.ledger.adopted += count + corrupt;
        self.dropped.add(Dropped::WalCorrupt, corrupt);
        for _ in 0..corrupt {
            self.ledger_of(owner).count_drop(Dropped::WalCorrupt, None);
        }
        if count + corrupt > 0 || has_ledgers {
            self.ledger_changes += 1;
            // What was recorded on a page that is gone has waited long enough.
            self.drain(now, effects);
        }
    }

    /// The number of an instance, whose ledger grows by what is new in this one; `otherwise` where no more can be held.
    fn origin_of(&mut self, ledger: Ledger, otherwise: u32) -> u32 {
        if ledger.instance_id == self.ledger.instance_id {
            return 0;
        }
        if let Some(known) = self.adopted.iter_mut().find(|known| known.ledger.instance_id == ledger.instance_id) {
            known.ledger.grow(&ledger);
            return known.origin;
        }
        if self.adopted.len() >= MAX_ADOPTED {
            return otherwise;
        }
        let origin = self.adopted.iter().map(|adopted| adopted.origin).max().unwrap_or_default() + 1;
        self.adopted.push(Adopted { origin, ledger });
        origin
    }

    /// Ledgers that were told, and of which no row waits, have done their part.
    pub(super) fn forget_told_ledgers(&mut self) {
        let ring = &self.ring;
        self.adopted.retain(|adopted| ring.has_of(adopted.origin));
    }

    pub(super) fn set_consent(&mut self, consent: Consent, now: Now, effects: &mut Vec<Effect>) {
        if consent == self.consent {
            return;
        }
        self.consent = consent;
        effects.push(Effect::Stale);
        match consent {
            Consent::Denied => {
                effects.extend(self.flights.drain(..).map(|flight| Effect::Abort { flight: flight.number }));
                let rows = self.ring.remove(usize::MAX, &|_| true);
                self.give_up(&rows, Dropped::Consent, effects);
                self.acknowledged = Acknowledged::default();
                self.unstored = false;
                self.flush_due_mono_ms = None;
            }
            Consent::Pending => {}
            Consent::Granted => self.drain(now, effects),
        }
    }
}

fn read_ledgers(text: &str) -> Vec<Ledger> {
    match json::parse(text).map(|node| node.value) {
        Ok(Value::Array(items)) => items.iter().filter_map(Ledger::read).take(MAX_ADOPTED).collect(),
        _ => Vec::new(),
    }
}
