//! A ruleset, a person and what happens to them, made from the input: every flag is decided, and twice alike.
#![no_main]

use differential::{Case, play};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let case = Case::new(bytes);
    assert_eq!(play(&case), play(&case), "the same case is answered alike");
});
