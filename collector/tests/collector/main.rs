//! The collector as its users meet it: the real program, a real SQLite file, real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what helps tests is a test, too")]

mod attack;
mod cli;
mod delivery;
mod harness;
mod ingest;
mod kill;
mod links;
mod origins;
mod reading;
mod ruleset;
mod shutdown;
mod store_file;
mod stored_once;
mod www;
