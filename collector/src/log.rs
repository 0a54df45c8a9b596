//! What the collector says while it runs: one line on stderr for each thing that an operator can act on.

use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};

/// The least time between two lines of a [`Throttle`], in milliseconds.
const PAUSE_MS: i64 = 1000;

/// Writes `message` as one line to stderr, control characters escaped: it may quote what a client sent. A closed stderr
/// is no reason to stop, so it is not an error.
pub fn line(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "pennon-collector: {}", one_line(message));
}

fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for found in message.chars() {
        if found.is_control() {
            line.extend(found.escape_default());
        } else {
            line.push(found);
        }
    }
    line
}

/// Keeps what clients cause from filling a disk: lets a line through once a second.
#[derive(Debug, Default)]
pub struct Throttle {
    last_ms: AtomicI64,
}

impl Throttle {
    /// Writes `message`, unless one was written less than a second before `now_ms`.
    pub fn line(&self, now_ms: i64, message: &str) {
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        let is_due = now_ms < last_ms || now_ms.saturating_sub(last_ms) >= PAUSE_MS;
        // Of several at the same time, one gets to write.
        if is_due && self.last_ms.compare_exchange(last_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            line(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_one_line() {
        assert_eq!(one_line("id is \"\u{1b}[2J\n\u{85}é\""), "id is \"\\u{1b}[2J\\n\\u{85}é\"");
    }
}
