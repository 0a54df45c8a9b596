//! Exposures: what is recorded, once, and how it is delivered. One state machine, `step(state, input, now) → effects`:
//! what comes in and is recorded (state), what comes from elsewhere (adoption), what goes out (sending).

mod acknowledged;
mod adoption;
mod batch;
pub mod checksum;
pub mod id;
mod ledger;
mod restore;
mod retry;
mod ring;
pub mod row;
mod sending;
pub mod state;
mod timing;

pub use adoption::Orphan;
pub use ledger::{Dropped, Drops, Ledger};
pub use state::{Config, Consent, Input, Outcome, State, Stats, step};
pub use timing::Timing;
