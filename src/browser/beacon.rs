//! The last resort for rows.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, Navigator};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = navigator)]
    static NAVIGATOR: Option<Navigator>;
}

/// What keeps a request from needing a preflight: this type is asked of nobody.
const CONTENT_TYPE: &str = "text/plain;charset=UTF-8";

/// Sends a body while the page goes away and `fetch` refuses. Whether it arrives is never known.
pub fn send(url: &str, body: &str) {
    let Some(navigator) = NAVIGATOR.with(Clone::clone) else { return };
    let kind = BlobPropertyBag::new();
    kind.set_type(CONTENT_TYPE);
    let parts = Array::of1(&JsValue::from_str(body));
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &kind) {
        let _: Result<bool, JsValue> = navigator.send_beacon_with_opt_blob(url, Some(&blob));
    }
}
