//! The chaos server as a test meets it: the real program, real sockets.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what helps tests is a test, too")]

mod gate;
mod harness;
mod ledger;
mod secure;
mod steps;
