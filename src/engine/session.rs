//! Sessions: activity without a long gap, capped in length. Shared by the tabs of a browser through storage.
//!
//! | in | on | then |
//! |---|---|---|
//! | any | start, and the stored session is live | that session, active now |
//! | any | start, and there is none | a new session |
//! | live | activity | active now |
//! | over | activity, or a row is due | the stored session if it is live, else a new one |
//! | live | another tab stored another live session | the one of the higher generation; of two, the smaller id |
//! | any | renew | a new session |
//!
//! A read prolongs nothing. Each session is one generation above the one that it follows, so a renewed one takes over in
//! every tab, and of two that roll at once the same one wins in both, whatever their clocks say.

use super::identity::{is_uuid, uuid_v7};
use super::text;

/// Without activity a session ends after this many milliseconds.
pub const IDLE_MS: f64 = 30.0 * 60_000.0;
/// A session ends after this many milliseconds, however active.
pub const MAX_LENGTH_MS: f64 = 24.0 * 3_600_000.0;
/// Activity is written to storage at most this often, in milliseconds: each write wakes every other tab.
const SAVE_EVERY_MS: f64 = 30_000.0;
/// A generation is at most this, whoever wrote the one before it: it is read as it was stored, or tabs would tell each other of
/// it without end.
const MAX_GENERATION: u64 = 1 << 52;

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// UUIDv7.
    pub id: String,
    pub started_at_ms: f64,
    active_at_ms: f64,
    saved_at_ms: f64,
    /// How many sessions came before it, as far as this browser's storage knows.
    generation: u64,
}

impl Session {
    pub fn new(now_ms: f64, random: [u8; 10]) -> Self {
        Self {
            id: uuid_v7(now_ms, random),
            started_at_ms: now_ms,
            active_at_ms: now_ms,
            saved_at_ms: now_ms,
            generation: 0,
        }
    }

    /// The session after this one.
    pub fn next(&self, now_ms: f64, random: [u8; 10]) -> Self {
        Self { generation: (self.generation + 1).min(MAX_GENERATION), ..Self::new(now_ms, random) }
    }

    /// The wall clock time from which the session is over unless there is activity before.
    pub fn ends_at_ms(&self) -> f64 {
        (self.active_at_ms + IDLE_MS).min(self.started_at_ms + MAX_LENGTH_MS)
    }

    /// A clock that was set back ends no session.
    pub fn is_over(&self, now_ms: f64) -> bool {
        now_ms >= self.ends_at_ms()
    }

    /// Marks a live session as active. True when it is time to store it.
    pub fn touch(&mut self, now_ms: f64) -> bool {
        self.active_at_ms = now_ms;
        let due = (now_ms - self.saved_at_ms).abs() >= SAVE_EVERY_MS;
        if due {
            self.saved_at_ms = now_ms;
        }
        due
    }

    /// Whether a session that another tab stored takes the place of this one.
    pub fn yields_to(&self, other: &Self, now_ms: f64) -> bool {
        if other.is_over(now_ms) || other.id == self.id {
            return false;
        }
        if self.is_over(now_ms) {
            return true;
        }
        other.generation > self.generation || (other.generation == self.generation && other.id < self.id)
    }

    /// Takes over what another tab knows of the same session.
    pub fn learn(&mut self, other: &Self) {
        if other.id == self.id {
            self.active_at_ms = self.active_at_ms.max(other.active_at_ms);
        }
    }

    /// How it is stored: version, id, start and last activity in Unix milliseconds, generation.
    pub fn to_stored(&self) -> String {
        let mut out = String::from("1|");
        out.push_str(&self.id);
        for time_ms in [self.started_at_ms, self.active_at_ms] {
            out.push('|');
            text::push_integer(&mut out, time_ms as u64);
        }
        out.push('|');
        text::push_integer(&mut out, self.generation);
        out
    }

    /// A session as stored by [`Session::to_stored`], if it is one and live at `now_ms`. One that began or was active
    /// in the future (the clock was set back since) counts as begun, or active, now.
    pub fn from_stored(stored: &str, now_ms: f64) -> Option<Self> {
        let mut parts = text::parts(stored.strip_prefix("1|")?, "|");
        let id = parts.next().filter(|id| is_uuid(id))?.to_owned();
        let mut number = || parts.next().and_then(text::parse_integer);
        let (started_at_ms, active_at_ms, generation) =
            (number()? as f64, number()? as f64, number()?.min(MAX_GENERATION));
        let session = Self {
            id,
            started_at_ms: started_at_ms.min(now_ms),
            active_at_ms: active_at_ms.min(now_ms),
            saved_at_ms: active_at_ms,
            generation,
        };
        (!session.is_over(now_ms)).then_some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: f64 = 1_790_000_000_000.0;
    const MINUTE_MS: f64 = 60_000.0;

    #[test]
    fn a_session_ends_after_30_idle_minutes() {
        let mut session = Session::new(START_MS, [1; 10]);
        assert!(!session.is_over(START_MS + 30.0 * MINUTE_MS - 1.0));
        assert!(session.is_over(START_MS + 30.0 * MINUTE_MS));
        session.touch(START_MS + 29.0 * MINUTE_MS);
        assert!(!session.is_over(START_MS + 58.0 * MINUTE_MS));
    }

    #[test]
    fn a_session_ends_after_24_hours_of_activity() {
        let mut session = Session::new(START_MS, [1; 10]);
        for minute in 0..24 * 60 {
            let now_ms = START_MS + f64::from(minute) * MINUTE_MS;
            assert!(!session.is_over(now_ms));
            session.touch(now_ms);
        }
        assert!(session.is_over(START_MS + 24.0 * 60.0 * MINUTE_MS));
    }

    #[test]
    fn activity_is_stored_at_most_every_30_seconds() {
        let mut session = Session::new(START_MS, [1; 10]);
        let writes = (0..600).filter(|second| session.touch(START_MS + f64::from(*second) * 1000.0)).count();
        assert_eq!(writes, 19);
    }

    #[test]
    fn a_clock_set_back_ends_no_session() {
        let session = Session::new(START_MS, [1; 10]);
        assert!(!session.is_over(START_MS - 86_400_000.0));
        let stored = Session::from_stored(&session.to_stored(), START_MS - 86_400_000.0).unwrap();
        assert!(stored.is_over(START_MS), "and does not prolong one by a day either");
    }

    #[test]
    fn a_stored_session_is_read_back_while_it_is_live() {
        let mut session = Session::new(START_MS, [1; 10]);
        session.touch(START_MS + MINUTE_MS);
        let stored = session.to_stored();
        let back = Session::from_stored(&stored, START_MS + 30.0 * MINUTE_MS).unwrap();
        assert_eq!((back.id, back.started_at_ms, back.active_at_ms), (session.id, START_MS, START_MS + MINUTE_MS));
        assert_eq!(Session::from_stored(&stored, START_MS + 31.0 * MINUTE_MS), None);
        for broken in ["", "null", "1|", "1|x|1|2", "2|y", &stored.replace('|', ","), &stored.replace("179", "-79")] {
            assert_eq!(Session::from_stored(broken, START_MS), None, "{broken}");
        }
    }

    #[test]
    fn the_last_generation_is_read_as_it_was_stored() {
        let first = Session { generation: MAX_GENERATION, ..Session::new(START_MS, [1; 10]) };
        let renewed = first.next(START_MS, [2; 10]);
        let stored = Session::from_stored(&renewed.to_stored(), START_MS).unwrap();
        assert_eq!(stored.generation, renewed.generation, "or two tabs would each store theirs without end");
        assert!(
            stored.yields_to(&first, START_MS) != first.yields_to(&stored, START_MS),
            "one of the two wins in both"
        );
        let beyond = renewed.to_stored().replace(&MAX_GENERATION.to_string(), &(MAX_GENERATION + 1).to_string());
        assert_eq!(Session::from_stored(&beyond, START_MS).unwrap().generation, MAX_GENERATION);
    }

    #[test]
    fn of_two_tabs_that_roll_together_the_smaller_id_wins() {
        let first = Session::new(START_MS, [1; 10]);
        let second = Session::new(START_MS + 40.0, [2; 10]);
        assert!(second.yields_to(&first, START_MS + 50.0));
        assert!(!first.yields_to(&second, START_MS + 50.0));
    }

    #[test]
    fn a_session_renewed_in_one_tab_takes_over_in_the_other() {
        let old = Session::new(START_MS, [1; 10]);
        // Also at once, and also after the clock was set back: the later id may be the larger or the smaller one.
        for renewed_at_ms in [START_MS + 1.0, START_MS + MINUTE_MS, START_MS - 60.0 * MINUTE_MS] {
            let renewed = old.next(renewed_at_ms, [2; 10]);
            let stored = |session: &Session| Session::from_stored(&session.to_stored(), renewed_at_ms).unwrap();
            assert!(old.yields_to(&stored(&renewed), renewed_at_ms));
            assert!(!renewed.yields_to(&stored(&old), renewed_at_ms));
        }
    }
}
