//! Any bytes as a ruleset: it is read or refused, and each of its flags is compiled or is a problem.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(ruleset) = Ruleset::read(&text, NATIVE) else { return };
    for key in ruleset.keys() {
        assert!(ruleset.flag(&key).is_some(), "a listed flag is found");
    }
});
