//! Files and standard input, read whole and no further than they may be long.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use anyhow::{Context, Result, bail};
use pennon::engine::ruleset::MAX_TEXT_BYTES;

/// The longest file that is read: the longest ruleset, and a byte order mark before it.
const MAX_BYTES: usize = MAX_TEXT_BYTES + 3;

/// The file name that stands for standard input.
const STDIN: &str = "-";

pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// How messages call a file.
pub fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { path.display().to_string() }
}

/// The text of a file of at most 8 MiB, or of standard input for `-`.
pub fn read(path: &Path) -> Result<String> {
    let name = || name(path);
    let bytes = if is_stdin(path) { read_bounded(stdin().lock()) } else { File::open(path).and_then(read_bounded) };
    let bytes = bytes.with_context(|| format!("cannot read {}", name()))?;
    if bytes.len() > MAX_BYTES {
        bail!("{}: found a longer text, expected at most 8 MiB", name());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{}: found other bytes from byte {at} on, expected UTF-8", name())
    })
}

/// Reads one byte further than is allowed, so that a longer text is told from one of just that length.
fn read_bounded(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
