//! The language-neutral vectors in `tests/spec`, made by an implementation of its own (`tests/spec/make_vectors.py`).
//! `tests/browser` compares the module in a browser with the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

#[path = "spec/check.rs"]
mod check;

use pennon::engine::platform::NATIVE;

#[test]
fn every_bucket_is_the_one_of_the_specification() {
    check::buckets();
}

#[test]
fn every_exposure_id_is_the_one_of_the_specification() {
    check::exposure_ids();
}

#[test]
fn every_link_id_is_the_one_of_the_specification() {
    check::link_ids();
}

#[test]
fn every_decision_is_the_one_of_the_specification() {
    check::decisions(NATIVE);
}
