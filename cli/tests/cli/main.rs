//! The program, run as people and scripts run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod check;
mod explain;
mod harness;
mod previous;
mod types;
