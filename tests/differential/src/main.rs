//! Writes generated cases as lines of JSON, each with what the native engine answers.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use differential::{Case, play, seeded_bytes};
use serde_json::json;

const USAGE: &str = "usage: differential SEED COUNT, both whole numbers";
/// Enough for most cases; where it is not, their last parts are simple.
const BYTES_PER_CASE: usize = 4096;

fn main() -> ExitCode {
    let arguments: Vec<Option<u64>> = std::env::args().skip(1).map(|argument| argument.parse().ok()).collect();
    let [Some(seed), Some(count)] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    match write(*seed, *count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the cases: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(seed: u64, count: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for number in 0..count {
        let case = Case::new(&seeded_bytes(seed, number, BYTES_PER_CASE));
        writeln!(out, "{}", json!({ "number": number, "steps": case.to_json(), "answers": play(&case) }))?;
    }
    out.flush()
}
