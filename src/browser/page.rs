//! What is to be seen of the page.

use wasm_bindgen::prelude::*;
use web_sys::HtmlDocument;

#[wasm_bindgen]
extern "C" {
    /// As a global: `web_sys::window` looks for it under five names, in 0.2 kB.
    #[wasm_bindgen(thread_local_v2, js_name = document)]
    static DOCUMENT: Option<HtmlDocument>;
}

/// `None` where there is no page.
pub fn document() -> Option<HtmlDocument> {
    DOCUMENT.with(Clone::clone)
}

/// Whether the page cannot be seen. False where there is no page.
pub fn is_hidden() -> bool {
    document().is_some_and(|document| document.hidden())
}
