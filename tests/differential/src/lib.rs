//! Cases for proofs over many rulesets: made from bytes, so that a seed, a fuzzer or proptest can choose them.

#![allow(clippy::indexing_slicing, reason = "choices are below the length that they were asked for")]

mod case;
mod choices;
mod condition;
mod pattern;
mod play;
mod ruleset;
mod version;
mod words;

pub use case::{Action, Case, Step};
pub use choices::{Choices, seeded_bytes};
pub use pattern::Pattern;
pub use play::{decisions, play, play_on};
