//! Exposures: what is recorded, once, and how it is delivered. One state machine, `step(state, input, now) → effects`.

mod acknowledged;
mod batch;
pub mod id;
mod ring;
pub mod row;
pub mod state;

pub use state::{Config, Input, Outcome, State, Stats, step};
