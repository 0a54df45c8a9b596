//! The exposures endpoint: takes batches over HTTP, keeps one row per exposure in SQLite, serves the ruleset and gives
//! reports.
//!
//! In reading order: what arrives is read by [`wire`], made storable by [`ingest`], queued by [`writer`] and kept by a
//! [`store`], which is [`sqlite`] so far.

mod body;
mod cli;
mod clock;
mod corrected_time;
mod delivery;
mod error;
mod exposures;
mod ingest;
mod json_text;
mod ledger;
mod log;
mod report;
mod row_id;
mod rows;
mod ruleset;
mod server;
mod sqlite;
mod store;
mod user_agent;
mod wire;
mod writer;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().into_command() {
        cli::Command::Serve(options) => server::run(&options),
        cli::Command::Rows(options) => rows::print(&options),
        cli::Command::Links(options) => rows::print_links(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            log::line(&reason);
            ExitCode::FAILURE
        }
    }
}
