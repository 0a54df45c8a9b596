//! Points in time on the command line, and the system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use pennon::engine::time::parse_iso8601;

/// Now, in Unix milliseconds. 0 for a clock set before 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64
}

/// Unix milliseconds of ISO 8601 text with a zone, or of a number of them.
pub fn parse(text: &str) -> Result<f64, String> {
    parse_iso8601(text)
        .or_else(|| text.parse().ok().filter(|ms: &f64| ms.is_finite()))
        .ok_or_else(|| "expected a date like 2026-10-01T00:00:00Z, or Unix milliseconds".into())
}

/// ISO 8601 in UTC, as JavaScript's `toISOString` writes it; the number alone where that has no year of 4 digits.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
pub fn iso(at_ms: f64) -> String {
    let whole_ms = at_ms.floor();
    if !(0.0..253_402_300_800_000.0).contains(&whole_ms) {
        return at_ms.to_string();
    }
    let ms = whole_ms as u64;
    let (days, ms_of_day) = (ms / 86_400_000, ms % 86_400_000);
    let days = days + 719_468; // Since 0000-03-01: a leap day is the last of its year.
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (ms_of_day / 3_600_000, ms_of_day / 60_000 % 60);
    let (second, millisecond) = (ms_of_day / 1000 % 60, ms_of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_a_date_or_milliseconds() {
        assert_eq!(parse("2026-10-01"), Ok(1_790_812_800_000.0));
        assert_eq!(parse("1790812800000"), Ok(1_790_812_800_000.0));
        for text in ["", "soon", "2026-10-01T00:00:00", "inf", "NaN"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_point_in_time_is_read_back_as_it_is_written() {
        for day in (0..2_932_896).step_by(37) {
            let at_ms = f64::from(day) * 86_400_000.0 + 3_723_004.0;
            assert_eq!(parse(&iso(at_ms)), Ok(at_ms), "{}", iso(at_ms));
        }
        assert_eq!(iso(1_709_251_199_999.0), "2024-02-29T23:59:59.999Z");
        assert_eq!(iso(-1.0), "-1");
    }
}
