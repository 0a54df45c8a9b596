//! A ruleset, a person and what happens to them, made from the input: every flag is decided, and alike if all that has no
//! order in the ruleset is written in the opposite order.
#![no_main]

use differential::{Case, decisions, play_on};
use libfuzzer_sys::fuzz_target;
use pennon::engine::platform::{NATIVE, Platform};

/// Patterns have a target of their own: compiling them would be most of the work here.
const PLATFORM: Platform = Platform { matches: |pattern, _, subject| subject.contains(pattern), ..NATIVE };

fuzz_target!(|bytes: &[u8]| {
    let answers = play_on(&Case::new(bytes), PLATFORM);
    let mirrored = play_on(&Case::new(bytes).mirrored(), PLATFORM);
    assert_eq!(decisions(&answers), decisions(&mirrored));
});
