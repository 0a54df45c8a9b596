//! The system clock. All else in the collector is told the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// The largest time that is kept, in Unix milliseconds: the end of the year 9999, the last that SQLite can name.
pub const MAX_MS: i64 = 253_402_300_799_999;

/// Now, in Unix milliseconds, `0..=MAX_MS`. 0 for a clock set before 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now_ms() -> i64 {
    to_ms(SystemTime::now())
}

/// `time` in Unix milliseconds, `0..=MAX_MS`.
pub fn to_ms(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).map_or(MAX_MS, |ms| ms.min(MAX_MS))
}
