//! What the collector says while it runs: one line on stderr for each thing that an operator can act on.

use std::io::Write;

/// Writes `message` as one line to stderr. A closed stderr is no reason to stop, so it is not an error.
pub fn line(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "pennon-collector: {message}");
}
