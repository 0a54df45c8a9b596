//! Any text as a pattern, a line break, and a subject: what the subset allows, the native matcher can compile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pennon::engine::pattern::is_allowed;
use pennon::engine::platform::NATIVE;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, subject) = text.split_once('\n').unwrap_or((&text, ""));
    if !is_allowed(pattern) {
        return;
    }
    for ignore_case in [false, true] {
        let found = (NATIVE.matches)(pattern, ignore_case, subject);
        // An empty alternative is found in any text, unless what stands before it cannot be compiled.
        let or_nothing = format!("{pattern}|");
        if is_allowed(&or_nothing) {
            assert!((NATIVE.matches)(&or_nothing, ignore_case, subject), "{pattern:?} does not compile");
        }
        let grouped = format!("(?:{pattern})");
        if is_allowed(&grouped) {
            assert_eq!((NATIVE.matches)(&grouped, ignore_case, subject), found, "{pattern:?} in {subject:?}");
        }
    }
});
