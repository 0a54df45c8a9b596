//! Points in time: what is passed in as now, and ISO 8601 text.

use super::text;

/// Now, on both clocks of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Unix time in milliseconds. People and time servers move it, in both directions.
    pub wall_ms: f64,
    /// Milliseconds since the page began. It only grows, and may stand still while the machine sleeps.
    pub mono_ms: f64,
}

/// Unix milliseconds of an ISO 8601 date (`2026-10-01`, midnight UTC) or date and time with a zone
/// (`2026-10-01T08:30Z`, `2026-10-01T08:30:00.250+02:00`).
///
/// `None` for anything else, also for a time without a zone: it would mean something else in every browser.
pub fn parse_iso8601(text: &str) -> Option<f64> {
    let mut rest = Digits(text.as_bytes());
    let year = rest.number(4, 9999)?;
    let month = rest.after(b'-', 12)?;
    let day = rest.after(b'-', days_in_month(year, month))?;
    if month < 1 || day < 1 {
        return None;
    }
    let midnight_ms = f64::from(days_since_epoch(year, month, day)) * 86_400_000.0;
    if rest.0.is_empty() {
        return Some(midnight_ms);
    }
    let hour = rest.after(b'T', 23)?;
    let minute = rest.after(b':', 59)?;
    let mut second = 0;
    let mut fraction_ms = 0;
    if rest.0.first() == Some(&b':') {
        second = rest.after(b':', 59)?;
        if rest.literal(b'.') {
            fraction_ms = rest.fraction_ms()?;
        }
    }
    let offset_minutes = rest.zone()?;
    let seconds = (hour * 60 + minute - offset_minutes) * 60 + second;
    rest.0.is_empty().then_some(midnight_ms + f64::from(seconds * 1000 + fraction_ms))
}

/// Milliseconds of a time relative to now: a sign, 1 to 6 digits and a unit (`s`, `m`, `h`, `d`, `w`), as in `-7d`.
pub fn parse_relative(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        "w" => 604_800_000.0,
        _ => return None,
    };
    let (sign, digits) = match number.strip_prefix("+") {
        Some(digits) => (1.0, digits),
        None => (-1.0, number.strip_prefix("-")?),
    };
    let amount = text::parse_integer(digits).filter(|_| digits.len() <= 6)?;
    Some(sign * unit_ms * amount as f64)
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn literal(&mut self, expected: u8) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        if *first == expected {
            self.0 = rest;
        }
        *first == expected
    }

    fn digit(&mut self) -> Option<i32> {
        let (first, rest) = self.0.split_first()?;
        let digit = char::from(*first).to_digit(10)?;
        self.0 = rest;
        Some(digit as i32)
    }

    /// A number of so many digits.
    fn number(&mut self, digits: u32, most: i32) -> Option<i32> {
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + self.digit()?;
        }
        (number <= most).then_some(number)
    }

    /// Two digits, and what stands before them.
    #[inline(never)]
    fn after(&mut self, before: u8, most: i32) -> Option<i32> {
        if self.literal(before) { self.number(2, most) } else { None }
    }

    /// What follows a decimal point, cut at milliseconds.
    fn fraction_ms(&mut self) -> Option<i32> {
        let mut place = 100;
        let mut fraction_ms = self.digit()? * place;
        while let Some(digit) = self.digit() {
            place /= 10;
            fraction_ms += digit * place;
        }
        Some(fraction_ms)
    }

    /// Minutes before UTC.
    fn zone(&mut self) -> Option<i32> {
        if self.literal(b'Z') {
            return Some(0);
        }
        let sign = if self.0.first() == Some(&b'+') { b'+' } else { b'-' };
        let minutes = self.after(sign, 23)? * 60 + self.after(b':', 59)?;
        Some(if sign == b'+' { minutes } else { -minutes })
    }
}

fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, from the year 0 on.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`, without its eras: years are of
/// four digits.
fn days_since_epoch(year: i32, month: i32, day: i32) -> i32 {
    // Years begin in March; one more era of 400 years makes all of them positive.
    let year = year + 400 - i32::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468 - 146_097
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_javascript_reads_them() {
        // Each from `Date.parse(text)`.
        for (text, expected_ms) in [
            ("1970-01-01", 0.0),
            ("2026-10-01T00:00:00Z", 1_790_812_800_000.0),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999.0),
            ("2026-10-01T08:30+02:00", 1_790_836_200_000.0),
            ("2026-10-01T08:30:15.25-05:30", 1_790_863_215_250.0),
            ("1969-12-31T23:59:59Z", -1000.0),
            ("2000-03-01", 951_868_800_000.0),
        ] {
            assert_eq!(parse_iso8601(text), Some(expected_ms), "{text}");
        }
    }

    #[test]
    fn relative_times_have_a_sign_a_number_and_a_unit() {
        for (text, expected_ms) in [
            ("-7d", -604_800_000.0),
            ("+90m", 5_400_000.0),
            ("-0s", 0.0),
            ("+999999w", 604_799_395_200_000.0),
            ("-1h", -3_600_000.0),
        ] {
            assert_eq!(parse_relative(text), Some(expected_ms), "{text}");
        }
        for text in ["", "d", "-d", "7d", "-7", "-7D", "--7d", "-1234567d", "-7.5d", "- 7d", "-7d ", "-7é", "é"] {
            assert_eq!(parse_relative(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in [
            "",
            "soon",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-10-01T00:00:00",
            "2026-10-01 00:00Z",
            "2026-10-01T24:00Z",
            "2026-10-01T00:00:00Zx",
            "2026-10-01T00:00+0200",
            "2026-10-01T00:00:00.Z",
            "-7d",
        ] {
            assert_eq!(parse_iso8601(text), None, "{text}");
        }
    }
}
