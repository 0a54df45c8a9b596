//! What the engine promises, proved through its public parts: no browser, a fake clock, a fake network.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by failing"
)]

mod allocation;
mod bad_data;
mod bounded;
mod crowd;
mod delivery;
mod exposures;
mod machine;
mod overrides;
mod rulesets;
mod sticky;
mod support;
mod time;
