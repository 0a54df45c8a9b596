//! Requests with exposures. The facade sends them, and aborts them.

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, ReferrerPolicy, RequestCache, RequestCredentials, RequestInit, RequestRedirect};

/// What keeps a request from needing a preflight: without custom headers, this type is asked of nobody.
const CONTENT_TYPE: &str = "text/plain;charset=UTF-8";

/// Describes the request for `fetch`. With `keepalive` it may outlive the page. It sends no cookie, follows no redirect
/// (a 301 would turn it into a GET that ends in 200) and is never answered from a cache.
pub fn request(body: &str, keepalive: bool) -> RequestInit {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(body));
    init.set_credentials(RequestCredentials::Omit);
    init.set_redirect(RequestRedirect::Error);
    init.set_cache(RequestCache::NoStore);
    init.set_referrer_policy(ReferrerPolicy::StrictOrigin);
    let _: Result<bool, JsValue> = Reflect::set(&init, &JsValue::from_str("keepalive"), &keepalive.into());
    init
}

/// The last resort while the page goes away and `fetch` refuses. Whether it arrives is never known.
pub fn beacon(url: &str, body: &str) {
    let Some(window) = web_sys::window() else { return };
    let kind = BlobPropertyBag::new();
    kind.set_type(CONTENT_TYPE);
    let parts = Array::of1(&JsValue::from_str(body));
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &kind) {
        let _: Result<bool, JsValue> = window.navigator().send_beacon_with_opt_blob(url, Some(&blob));
    }
}
