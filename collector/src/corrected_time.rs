//! When an exposure happened, by the collector's clock. A person's clock can be wrong by years.

use serde::Serialize;

/// How far the two clocks of a page may disagree about the time between recording and sending, in milliseconds. More
/// means that the machine slept (the monotonic clock stands still then) or that the wall clock was set.
const MAX_DISAGREEMENT_MS: i64 = 2000;

/// How a corrected time was found, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// From the page's monotonic clock.
    Monotonic,
    /// From the page's wall clock, as an offset to the time of sending.
    Wall,
    /// As the client said: without its time of sending nothing can be corrected.
    Client,
    /// The row has no time; it is the time of receipt.
    Received,
}

impl Clock {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monotonic => "monotonic",
            Self::Wall => "wall",
            Self::Client => "client",
            Self::Received => "received",
        }
    }
}

/// What is known about a row's time. All in milliseconds, not negative.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The collector's clock when the request came.
    pub received_at_ms: i64,
    /// The page's wall clock when the batch was sent.
    pub sent_at_ms: Option<i64>,
    /// The page's monotonic clock when the batch was sent.
    pub sent_mono_ms: Option<i64>,
    /// The page's wall clock when the row was recorded.
    pub ts_ms: Option<i64>,
    /// The monotonic clock when the row was recorded.
    pub mono_ms: Option<i64>,
    /// Whether the page that sent the row has recorded it: only then its two monotonic times are of one clock.
    pub same_instance: bool,
}

/// The row's time in Unix milliseconds by the collector's clock, `0..=received_at_ms`, and how it was found. (Nothing
/// happened after it was received; clocks set back between recording and sending would say so.)
pub fn correct(times: Times) -> (i64, Clock) {
    let (found_ms, clock) = find(times);
    (found_ms.clamp(0, times.received_at_ms.max(0)), clock)
}

fn find(times: Times) -> (i64, Clock) {
    let Some(ts_ms) = times.ts_ms else { return (times.received_at_ms, Clock::Received) };
    let Some(sent_at_ms) = times.sent_at_ms else { return (ts_ms, Clock::Client) };
    let wall_age_ms = sent_at_ms.saturating_sub(ts_ms);
    if let (true, Some(sent_mono_ms), Some(mono_ms)) = (times.same_instance, times.sent_mono_ms, times.mono_ms) {
        let mono_age_ms = sent_mono_ms.saturating_sub(mono_ms);
        if wall_age_ms.saturating_sub(mono_age_ms).saturating_abs() <= MAX_DISAGREEMENT_MS {
            return (times.received_at_ms.saturating_sub(mono_age_ms), Clock::Monotonic);
        }
    }
    (times.received_at_ms.saturating_sub(wall_age_ms), Clock::Wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED_AT_MS: i64 = 1_800_000_000_000;

    /// Recorded 7 s before it was sent, on a clock that is three years slow.
    const SLOW: Times = Times {
        received_at_ms: RECEIVED_AT_MS,
        sent_at_ms: Some(1_700_000_007_000),
        sent_mono_ms: Some(57_000),
        ts_ms: Some(1_700_000_000_000),
        mono_ms: Some(50_000),
        same_instance: true,
    };

    #[test]
    fn a_wrong_wall_clock_does_not_matter() {
        assert_eq!(correct(SLOW), (RECEIVED_AT_MS - 7000, Clock::Monotonic));
    }

    #[test]
    fn clocks_that_agree_within_two_seconds_use_the_monotonic_one() {
        let agreeing = Times { mono_ms: Some(48_000), ..SLOW };
        assert_eq!(correct(agreeing), (RECEIVED_AT_MS - 9000, Clock::Monotonic));
        let disagreeing = Times { mono_ms: Some(47_999), ..SLOW };
        assert_eq!(correct(disagreeing), (RECEIVED_AT_MS - 7000, Clock::Wall));
        let disagreeing = Times { mono_ms: Some(52_001), ..SLOW };
        assert_eq!(correct(disagreeing), (RECEIVED_AT_MS - 7000, Clock::Wall));
    }

    #[test]
    fn a_row_that_another_instance_recorded_uses_the_wall_clock() {
        assert_eq!(correct(Times { same_instance: false, ..SLOW }), (RECEIVED_AT_MS - 7000, Clock::Wall));
        assert_eq!(correct(Times { mono_ms: None, ..SLOW }), (RECEIVED_AT_MS - 7000, Clock::Wall));
        assert_eq!(correct(Times { sent_mono_ms: None, ..SLOW }), (RECEIVED_AT_MS - 7000, Clock::Wall));
    }

    #[test]
    fn without_a_time_of_sending_the_client_is_believed() {
        assert_eq!(correct(Times { sent_at_ms: None, ..SLOW }), (1_700_000_000_000, Clock::Client));
    }

    #[test]
    fn a_row_without_a_time_happened_when_it_was_received() {
        assert_eq!(correct(Times { ts_ms: None, ..SLOW }), (RECEIVED_AT_MS, Clock::Received));
    }

    #[test]
    fn nothing_happened_after_it_was_received_or_before_1970() {
        let set_back = Times { sent_at_ms: Some(0), same_instance: false, ..SLOW };
        assert_eq!(correct(set_back), (RECEIVED_AT_MS, Clock::Wall));
        let ancient = Times { ts_ms: Some(0), same_instance: false, received_at_ms: 5, ..SLOW };
        assert_eq!(correct(ancient), (0, Clock::Wall));
        let ahead = Times { ts_ms: Some(i64::MAX), sent_at_ms: None, ..SLOW };
        assert_eq!(correct(ahead), (RECEIVED_AT_MS, Clock::Client));
    }
}
