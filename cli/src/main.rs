//! `pennon`: what one does with rulesets outside of a page.
//!
//! In reading order: the command line ([`cli`]), what is read ([`input`], [`document`]); `check`: what is wrong
//! ([`check`]), what is likely a mistake ([`lint`]), what changed ([`previous`], with [`view`] and [`normal`]), and how it
//! is told ([`finding`]); `explain`: the engine's trace ([`explain`]), and the same for people ([`story`]); `types` ([`types`]).

mod check;
mod cli;
mod clock;
mod document;
mod explain;
mod finding;
mod input;
mod lint;
mod misspelt;
mod normal;
mod previous;
mod story;
mod types;
mod view;

use std::process::ExitCode;

/// The exit code when a command could not do its work. clap's for a wrong command line is the same.
const COULD_NOT_WORK: u8 = 2;

/// What a trace may take: segments in a chain of 31, each with conditions in 60 levels.
const STACK_BYTES: usize = 256 * 1024 * 1024;

fn main() -> ExitCode {
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(cli::run);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(code))) => code,
        Ok(Ok(Err(error))) => {
            eprintln!("pennon: {error:#}");
            ExitCode::from(COULD_NOT_WORK)
        }
        // A panic has told what it had to say.
        Ok(Err(_)) => ExitCode::from(COULD_NOT_WORK),
        Err(error) => {
            eprintln!("pennon: cannot start a thread: {error}");
            ExitCode::from(COULD_NOT_WORK)
        }
    }
}
