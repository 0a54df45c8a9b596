//! The shell and the engine in headless Chromium: `cargo xtask test --only browser`.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

#[path = "../spec/check.rs"]
mod check;
mod shell;

use pennon::browser::platform::HOST;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn every_bucket_is_the_one_of_the_specification() {
    check::buckets();
}

#[wasm_bindgen_test]
fn every_exposure_id_is_the_one_of_the_specification() {
    check::exposure_ids();
}

#[wasm_bindgen_test]
fn every_link_id_is_the_one_of_the_specification() {
    check::link_ids();
}

#[wasm_bindgen_test]
fn every_decision_is_the_one_of_the_specification() {
    check::decisions(HOST);
}
