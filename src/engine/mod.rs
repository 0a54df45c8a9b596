//! The pure part: values in, values out. No clock, no I/O, no randomness, no JavaScript.
//!
//! In reading order: how text is read, written and hashed and things are sorted (`json`, `text`, `time`, `hash`, `sort`), what a ruleset says (`ruleset`), whom we
//! decide for (`attributes`, `identity`, `session`), how it is decided (`bucketing`, `version`, `pattern`, `condition`,
//! `sticky`, `evaluation`, `decision`, `answer`, `trace`), what is recorded and sent (`exposure`), and all of it together (`client`).

mod answer;
pub mod attributes;
pub mod bucketing;
pub mod client;
mod condition;
pub mod decision;
pub mod effect;
mod evaluation;
pub mod exposure;
mod hash;
pub mod identity;
pub mod json;
pub mod pattern;
pub mod platform;
pub mod ruleset;
pub mod session;
mod sort;
mod sticky;
pub mod text;
pub mod time;
pub mod trace;
mod version;
