//! The clock of the ledger.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unix time that never goes back: read once, then counted on.
pub struct Clock {
    started_ms: f64,
    started: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started_ms: since_1970.as_micros() as f64 / 1000.0, started: Instant::now() }
    }

    /// Now, in Unix milliseconds, to the microsecond.
    pub fn now_ms(&self) -> f64 {
        self.started_ms + self.started.elapsed().as_micros() as f64 / 1000.0
    }

    /// Now plus `seconds`, as HTTP writes a date.
    pub fn http_date(&self, seconds: i64) -> String {
        let at_s = ((self.now_ms() / 1000.0) as u64).saturating_add_signed(seconds);
        httpdate::fmt_http_date(UNIX_EPOCH + std::time::Duration::from_secs(at_s.min(LAST_DATE_S)))
    }
}

/// The last second that HTTP can name: the end of the year 9999.
const LAST_DATE_S: u64 = 253_402_300_799;
