//! When to try again. One state for all tabs of an origin, kept in storage; each tab reckons with its monotonic clock.
//!
//! | after | then |
//! |---|---|
//! | no answer, 408, 425, 429, 5xx and whatever is not named | a random time between half of and all of 1 s, 2 s, 4 s … 60 s; after 15 minutes without a success up to 300 s |
//! | Retry-After, or a 429 without one | that time, and up to a tenth more; nothing comes before |
//! | 401, 403, 404, 410, 501, 505 | 30 minutes, or the next load of a page |
//! | a success | nothing to wait for |

use super::super::text::{parse_integer, parts, push_integer};
use super::super::time::Now;
use super::timing::Timing;

/// What the wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A failure that may pass at any time.
    Backoff,
    /// The server does not want it.
    Suspended,
    /// The server has said how long.
    RetryAfter,
}

pub struct Retry {
    timing: Timing,
    random: u64,
    kind: Kind,
    /// Without a success between them.
    failures: u32,
    /// The others on the monotonic clock.
    failing_since_ms: f64,
    not_before_ms: f64,
    attempted_ms: f64,
    /// What storage holds, as far as is known.
    stored: String,
    /// Whether this tab knows more.
    is_news: bool,
}

impl Retry {
    pub fn new(timing: Timing, seed: u64) -> Self {
        Self {
            timing,
            random: seed | 1,
            kind: Kind::Backoff,
            failures: 0,
            failing_since_ms: 0.0,
            not_before_ms: f64::NEG_INFINITY,
            attempted_ms: f64::NEG_INFINITY,
            stored: String::new(),
            is_news: false,
        }
    }

    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    pub fn not_before_ms(&self) -> f64 {
        self.not_before_ms
    }

    pub fn may_send(&self, now: Now) -> bool {
        now.mono_ms >= self.not_before_ms
    }

    /// Whether nothing may be sent even by somebody who asks for it, or as the last thing that a page does.
    pub fn forbids(&self, now: Now) -> bool {
        self.kind != Kind::Backoff && !self.may_send(now)
    }

    /// Something happened that makes another attempt worthwhile. `load`: a page was loaded.
    pub fn probe(&mut self, load: bool, now: Now) {
        if self.kind == Kind::Backoff || (self.kind == Kind::Suspended && load) {
            let from_ms = now.mono_ms.max(self.attempted_ms + self.timing.probe_gap_ms);
            self.not_before_ms = self.not_before_ms.min(from_ms);
        }
    }

    /// Somebody asks for an attempt now. That is granted at once after up to eight failures; then only after a wait that
    /// doubles with each, so that who asks whenever an attempt has failed does not ask for ever.
    pub fn insist(&mut self, now: Now) {
        if self.forbids(now) {
            return;
        }
        let gap_ms = match self.failures {
            0..=8 => 0.0,
            more => self.timing.retry_base_ms / 512.0 * f64::from(1_u32 << more.min(15)),
        };
        if now.mono_ms >= self.attempted_ms + gap_ms.min(self.timing.probe_gap_ms) {
            self.answered(now);
        }
    }

    /// A server has answered: there is nothing to wait for but what it asked for.
    pub fn answered(&mut self, now: Now) {
        if !self.forbids(now) {
            self.not_before_ms = self.not_before_ms.min(now.mono_ms);
        }
    }

    /// An attempt begins. While the server fails the other tabs wait for its outcome.
    pub fn attempted(&mut self, now: Now) {
        self.attempted_ms = now.mono_ms;
        if self.is_failing() {
            self.not_before_ms = now.mono_ms + self.timing.flight_timeout_ms;
            self.is_news = true;
        }
    }

    pub fn succeeded(&mut self) {
        self.is_news |= self.failures > 0;
        self.failures = 0;
        self.kind = Kind::Backoff;
        self.not_before_ms = f64::NEG_INFINITY;
    }

    /// `status`: 0 for no answer.
    pub fn failed(&mut self, status: u16, retry_after_ms: Option<f64>, now: Now) {
        if self.failures == 0 {
            self.failing_since_ms = now.mono_ms;
        }
        self.failures = self.failures.saturating_add(1);
        let timing = self.timing;
        let asked_ms = retry_after_ms.or((status == 429).then_some(timing.retry_after_default_ms));
        let (kind, delay_ms) = if matches!(status, 401 | 403 | 404 | 410 | 501 | 505) {
            (Kind::Suspended, timing.suspension_ms)
        } else if let Some(asked_ms) = asked_ms {
            let asked_ms = asked_ms.clamp(timing.retry_after_min_ms, timing.retry_after_max_ms);
            (Kind::RetryAfter, asked_ms * (1.0 + 0.1 * self.draw()))
        } else {
            let is_long = now.mono_ms - self.failing_since_ms >= timing.long_outage_ms;
            let cap_ms = if is_long { timing.long_cap_ms } else { timing.retry_cap_ms };
            let full_ms = (timing.retry_base_ms * f64::from(1_u32 << (self.failures - 1).min(20))).min(cap_ms);
            (Kind::Backoff, full_ms * (0.5 + 0.5 * self.draw()))
        };
        self.kind = kind;
        self.not_before_ms = now.mono_ms + delay_ms;
        self.is_news = true;
    }

    /// From 0 to just below 1. (xorshift64*, Vigna 2016: enough to spread what must not come together.)
    fn draw(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f64 / f64::from(1_u32 << 24)
    }

    /// What is to be stored, unless storage holds it: version, kind, failures, and on the wall clock until when to wait,
    /// since when it fails, when it was tried last.
    pub fn take_news(&mut self, now: Now) -> Option<String> {
        if !std::mem::take(&mut self.is_news) {
            return None;
        }
        let mut text = String::from(match self.kind {
            Kind::Backoff => "1|b|",
            Kind::Suspended => "1|s|",
            Kind::RetryAfter => "1|a|",
        });
        push_integer(&mut text, self.failures.into());
        for mono_ms in [self.not_before_ms, self.failing_since_ms, self.attempted_ms] {
            text.push('|');
            let is_said = self.failures > 0 && mono_ms.is_finite();
            push_integer(&mut text, if is_said { (mono_ms + now.wall_ms - now.mono_ms) as u64 } else { 0 });
        }
        self.stored = text.clone();
        Some(text)
    }

    /// Takes over what another tab or an earlier page has stored. Whether that is new. A time further ahead than any wait
    /// is nonsense, or a clock was set: then the longest wait of its kind, which is stored in its place. (Otherwise each page
    /// would wait that long again from its own load on.)
    pub fn learn(&mut self, stored: Option<&str>, now: Now) -> bool {
        let Some(stored) = stored.filter(|stored| *stored != self.stored) else { return false };
        let mut parts = parts(stored, "|");
        if parts.next() != Some("1") {
            return false;
        }
        let (kind, longest_ms) = match parts.next() {
            Some("b") => (Kind::Backoff, self.timing.long_cap_ms),
            Some("s") => (Kind::Suspended, self.timing.suspension_ms),
            Some("a") => (Kind::RetryAfter, self.timing.retry_after_max_ms * 1.1),
            _ => return false,
        };
        let mut number = || parts.next().and_then(parse_integer);
        let (Some(failures), Some(until_ms), Some(since_ms), Some(attempted_ms)) =
            (number(), number(), number(), number())
        else {
            return false;
        };
        self.stored = stored.to_owned();
        self.failures = failures.min(1 << 16) as u32;
        let ahead_ms = until_ms as f64 - now.wall_ms;
        self.is_news = self.failures > 0 && ahead_ms > longest_ms + self.timing.retry_base_ms;
        if self.failures == 0 {
            self.succeeded();
            return true;
        }
        self.kind = kind;
        // Each tab a little later than the others, so that the first one's attempt is known to them.
        let apart_ms = self.draw() * self.timing.retry_base_ms;
        self.not_before_ms = now.mono_ms + ahead_ms.clamp(0.0, longest_ms) + apart_ms;
        self.failing_since_ms = now.mono_ms - (now.wall_ms - since_ms as f64).clamp(0.0, self.timing.long_outage_ms);
        self.attempted_ms = now.mono_ms - (now.wall_ms - attempted_ms as f64).max(0.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Now = Now { wall_ms: 1_790_000_000_000.0, mono_ms: 5_000.0 };

    fn after(milliseconds: f64) -> Now {
        Now { wall_ms: START.wall_ms + milliseconds, mono_ms: START.mono_ms + milliseconds }
    }

    fn spread(seed: u64) -> u64 {
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn wait_ms(retry: &Retry, now: Now) -> f64 {
        retry.not_before_ms() - now.mono_ms
    }

    /// How many attempts an outage of so many milliseconds sees, from its begin to its end.
    fn attempts(seed: u64, from_ms: f64, until_ms: f64) -> usize {
        let mut retry = Retry::new(Timing::REAL, seed);
        let (mut at_ms, mut attempts) = (0.0, 0);
        while at_ms < until_ms {
            attempts += usize::from(at_ms >= from_ms);
            retry.failed(0, None, after(at_ms));
            at_ms = retry.not_before_ms() - START.mono_ms;
        }
        attempts
    }

    #[test]
    fn an_outage_of_ten_minutes_costs_19_requests_and_never_more_than_25() {
        let minute_ms = 60_000.0;
        let counts: Vec<usize> = (0..2000).map(|seed| attempts(spread(seed), 0.0, 10.0 * minute_ms)).collect();
        let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
        assert!((18.0..21.0).contains(&mean), "{mean}");
        assert!(counts.iter().all(|count| *count <= 25), "{:?}", counts.iter().max());
        for seed in 0..2000 {
            let in_an_hour = attempts(spread(seed), 16.0 * minute_ms, 76.0 * minute_ms);
            assert!(in_an_hour <= 20, "{in_an_hour}");
        }
    }

    #[test]
    fn a_retry_after_is_kept_to_within_its_bounds() {
        for (asked_ms, least_ms) in [(30e3, 30e3), (0.0, 1e3), (-5e3, 1e3), (1e15, 3.6e6)] {
            for seed in 0..100 {
                let mut retry = Retry::new(Timing::REAL, seed);
                retry.failed(503, Some(asked_ms), START);
                let waits_ms = wait_ms(&retry, START);
                assert!(waits_ms >= least_ms && waits_ms <= least_ms * 1.1, "{asked_ms}: {waits_ms}");
                retry.probe(true, after(100.0));
                retry.insist(after(100.0));
                assert!(retry.forbids(after(least_ms - 1.0)), "nobody may come before");
            }
        }
        let mut retry = Retry::new(Timing::REAL, 7);
        retry.failed(429, None, START);
        assert!(wait_ms(&retry, START) >= 60e3);
    }

    #[test]
    fn a_server_that_does_not_want_it_is_asked_again_by_the_next_load_alone() {
        for status in [401, 403, 404, 410, 501, 505] {
            let mut retry = Retry::new(Timing::REAL, 7);
            retry.attempted(START);
            retry.failed(status, None, START);
            retry.probe(false, after(60e3));
            assert!(retry.forbids(after(29.0 * 60e3)));
            assert!(!retry.forbids(after(30.0 * 60e3)));
            retry.probe(true, after(1e3));
            assert!(!retry.may_send(after(4e3)), "two probes are five seconds apart");
            assert!(retry.may_send(after(5e3)));
        }
    }

    #[test]
    fn who_insists_after_each_failure_is_not_granted_it_for_ever() {
        let mut retry = Retry::new(Timing::REAL, 7);
        let mut attempts = 0;
        // Ten seconds, in which somebody insists each millisecond and each attempt fails at once.
        for at in 0..10_000 {
            let now = after(f64::from(at));
            retry.insist(now);
            if retry.may_send(now) {
                attempts += 1;
                retry.attempted(now);
                retry.failed(0, None, now);
            }
        }
        assert!((9..=18).contains(&attempts), "{attempts}");
    }

    #[test]
    fn what_one_tab_learned_holds_in_another() {
        let mut one = Retry::new(Timing::REAL, 7);
        for _ in 0..5 {
            one.failed(503, None, START);
        }
        let stored = one.take_news(START).unwrap();
        assert_eq!(one.take_news(START), None, "nothing is stored twice");
        let mut other = Retry::new(Timing::REAL, 8);
        let elsewhere = Now { mono_ms: 77.0, ..after(1000.0) };
        assert!(other.learn(Some(&stored), elsewhere));
        assert!(!other.learn(Some(&stored), elsewhere));
        let apart_ms = wait_ms(&other, elsewhere) - (wait_ms(&one, START) - 1000.0);
        assert!((-2.0..=1002.0).contains(&apart_ms), "a little later, so that not all tabs ask together: {apart_ms}");
        other.succeeded();
        let stored = other.take_news(elsewhere).unwrap();
        assert!(one.learn(Some(&stored), after(2000.0)));
        assert!(one.may_send(after(2000.0)) && !one.is_failing());
    }

    #[test]
    fn nonsense_in_storage_never_stops_sending_for_longer_than_a_wait_lasts() {
        for stored in ["", "null", "1|b|1|2|3", "2|b|1|0|0|0", "1|x|1|0|0|0", "1|b|-1|0|0|0", "1|b|1|é|0|0"] {
            let mut retry = Retry::new(Timing::REAL, 7);
            assert!(!retry.learn(Some(stored), START), "{stored}");
            assert!(retry.may_send(START));
        }
        let far = "9999999999999999";
        for (kind, longest_ms) in [("b", 300e3), ("s", 1800e3), ("a", 3.96e6)] {
            let mut retry = Retry::new(Timing::REAL, 7);
            assert!(retry.learn(Some(&format!("1|{kind}|{far}|{far}|{far}|{far}")), START));
            assert!(wait_ms(&retry, START) <= longest_ms + 1001.0);
        }
    }

    #[test]
    fn a_time_that_a_clock_ahead_has_stored_is_put_right_by_the_first_page_that_reads_it() {
        let year_ms = 365.0 * 86_400e3;
        let mut ahead = Retry::new(Timing::REAL, 7);
        let then = Now { wall_ms: START.wall_ms + year_ms, ..START };
        ahead.failed(429, Some(30e3), then);
        let mut stored = ahead.take_news(then).unwrap();
        // Pages of ten minutes each, of which none lives long enough for the longest wait.
        let waits = (0..8).take_while(|page| {
            let now = Now { wall_ms: START.wall_ms + f64::from(*page) * 600e3, mono_ms: 1.0 };
            let mut retry = Retry::new(Timing::REAL, 8);
            assert!(retry.learn(Some(&stored), now));
            stored = retry.take_news(now).unwrap_or(std::mem::take(&mut stored));
            wait_ms(&retry, now) > 600e3
        });
        assert_eq!(waits.count(), 6, "66 minutes after the first of them there is an attempt");
    }

    #[test]
    fn a_clock_that_is_set_does_not_move_a_wait() {
        let mut retry = Retry::new(Timing::REAL, 7);
        retry.failed(0, None, START);
        let stored = retry.take_news(START);
        let day_back = Now { wall_ms: START.wall_ms - 86_400e3, mono_ms: START.mono_ms + 1000.0 };
        assert!(!retry.learn(stored.as_deref(), day_back));
        assert!(retry.may_send(day_back));
    }
}
