//! What happens to the page: shown, hidden, left, used.

use js_sys::Function;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, AddEventListenerOptions, EventTarget};

const OF_WINDOW: [&str; 7] = ["pagehide", "pageshow", "online", "storage", "pointerdown", "keydown", "scroll"];
const OF_DOCUMENT: [&str; 4] = ["visibilitychange", "freeze", "resume", "prerenderingchange"];

/// Calls `listener` with each event of the page's life, until `signal` aborts. Nothing happens where there is no page.
///
/// They are caught on their way down, so that a page that stops an event hides it from nobody, and passive, so that
/// scrolling waits for nobody. Neither `unload` nor `beforeunload`: they would cost the page its place in the
/// back/forward cache.
pub fn listen(listener: &Function, signal: &AbortSignal) {
    let Some(window) = web_sys::window() else { return };
    let options = AddEventListenerOptions::new();
    options.set_signal(signal);
    options.set_capture(true);
    options.set_passive(true);
    let listen_to = |target: &EventTarget, names: &[&str]| {
        for name in names {
            let _: Result<(), JsValue> =
                target.add_event_listener_with_callback_and_add_event_listener_options(name, listener, &options);
        }
    };
    listen_to(&window, &OF_WINDOW);
    if let Some(document) = window.document() {
        listen_to(&document, &OF_DOCUMENT);
    }
}

/// Whether the page cannot be seen. False where there is no page.
pub fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| document.hidden())
}
