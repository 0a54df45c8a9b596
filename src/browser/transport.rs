//! Requests with exposures.

use std::cell::RefCell;

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use web_sys::{
    AbortController, Blob, BlobPropertyBag, ReferrerPolicy, RequestCache, RequestCredentials, RequestInit,
    RequestRedirect,
};

/// What keeps a request from needing a preflight: without custom headers, this type is asked of nobody.
const CONTENT_TYPE: &str = "text/plain;charset=UTF-8";

/// The requests under way, each with what can abort it.
#[derive(Default)]
pub struct Transport {
    under_way: RefCell<Vec<(u32, AbortController)>>,
}

impl Transport {
    /// Describes the request for `fetch`. With `keepalive` it may outlive the page. It sends no cookie, follows no redirect (a 301 would turn
    /// it into a GET that ends in 200) and is never answered from a cache.
    pub fn request(&self, flight: u32, body: &str, keepalive: bool) -> RequestInit {
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&JsValue::from_str(body));
        init.set_credentials(RequestCredentials::Omit);
        init.set_redirect(RequestRedirect::Error);
        init.set_cache(RequestCache::NoStore);
        init.set_referrer_policy(ReferrerPolicy::StrictOrigin);
        let _: Result<bool, JsValue> = Reflect::set(&init, &JsValue::from_str("keepalive"), &keepalive.into());
        if let Ok(controller) = AbortController::new() {
            init.set_signal(Some(&controller.signal()));
            self.under_way.borrow_mut().push((flight, controller));
        }
        init
    }

    /// Aborts a request, if it is still under way.
    pub fn abort(&self, flight: u32) {
        if let Some(controller) = self.forget(flight) {
            controller.abort();
        }
    }

    /// The request has ended.
    pub fn forget(&self, flight: u32) -> Option<AbortController> {
        let mut under_way = self.under_way.borrow_mut();
        let place = under_way.iter().position(|(number, _)| *number == flight)?;
        Some(under_way.swap_remove(place).1)
    }

    /// The last resort while the page goes away and `fetch` refuses. Whether it arrives is never known.
    pub fn beacon(&self, url: &str, body: &str) {
        let Some(window) = web_sys::window() else { return };
        let kind = BlobPropertyBag::new();
        kind.set_type(CONTENT_TYPE);
        let parts = Array::of1(&JsValue::from_str(body));
        if let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &kind) {
            let _: Result<bool, JsValue> = window.navigator().send_beacon_with_opt_blob(url, Some(&blob));
        }
    }
}
