//! One-shot timers.

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsValue;

/// Calls `call` once after `delay_ms`. The timer's id goes back, for the facade to clear it; the closure frees itself
/// when it is called.
pub fn call_in(delay_ms: f64, call: impl FnOnce() + 'static) -> JsValue {
    Timeout::new(delay_ms as u32, call).forget()
}
