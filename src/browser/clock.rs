//! Now, and random bytes.

use wasm_bindgen::prelude::*;
use web_sys::{Crypto, Performance};

use crate::engine::time::Now;

#[wasm_bindgen]
extern "C" {
    /// A page may have replaced it by one that throws.
    #[wasm_bindgen(catch, js_namespace = Date, js_name = now)]
    fn date_now() -> Result<f64, JsValue>;
    #[wasm_bindgen(thread_local_v2, js_name = performance)]
    static PERFORMANCE: Option<Performance>;
    #[wasm_bindgen(thread_local_v2, js_name = crypto)]
    static CRYPTO: Option<Crypto>;
}

/// The last time that a date of JavaScript can have, in Unix milliseconds: the collector takes no later one.
const MAX_WALL_MS: f64 = 8.64e15;

/// Both clocks. A page may have patched `Date.now` so that it gives no number: then the wall clock is reckoned from the
/// page's begin. Without `performance`, or with one that gives no time, the wall clock has to serve as the monotonic one too.
pub fn now() -> Now {
    let wall_ms = date_now().unwrap_or(f64::NAN).clamp(0.0, MAX_WALL_MS);
    PERFORMANCE.with(|performance| match performance {
        Some(performance) => {
            let mono_ms = Some(performance.now()).filter(|ms| (0.0..=MAX_WALL_MS).contains(ms));
            let wall_ms =
                if wall_ms.is_finite() { wall_ms } else { performance.time_origin() + mono_ms.unwrap_or(0.0) };
            Now { wall_ms, mono_ms: mono_ms.unwrap_or(wall_ms) }
        }
        None => Now { wall_ms, mono_ms: wall_ms },
    })
}

/// A wall clock's time that the page has read; where that is no number, [`now`]. For what looks at no other clock: reading
/// the monotonic one takes longer than a decision.
pub fn at(wall_ms: f64) -> Now {
    if wall_ms.is_finite() { Now { wall_ms, mono_ms: f64::NAN } } else { now() }
}

/// Ten random bytes: the host's best, else `Math.random`, which is good enough for an id that nobody must guess.
pub fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    let filled = CRYPTO.with(|crypto| {
        crypto.as_ref().is_some_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok())
    });
    if !filled {
        bytes = bytes.map(|_| (js_sys::Math::random() * 256.0) as u8);
    }
    bytes
}

/// As many random ids as one call of the engine can need, drawn before any state is borrowed: a page may have replaced
/// what they come from.
pub fn draw_ahead() -> impl FnMut() -> [u8; 10] {
    let mut drawn = [random(), random(), random()].into_iter();
    move || drawn.next().unwrap_or_default()
}
