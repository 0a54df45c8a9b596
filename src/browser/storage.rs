//! What outlives the page: the area that the facade gives (localStorage, where there is one that works), and for what
//! several hosts share, cookies.

use wasm_bindgen::prelude::*;

use super::cookie::Cookie;
use crate::engine::effect::StorageKey;

const IDS: &str = StorageKey::Ids.as_str();
const SESSION: &str = StorageKey::Session.as_str();

#[wasm_bindgen]
extern "C" {
    /// Texts by key. The facade's own: it keeps what cannot be stored, and outlives a module that fails.
    #[wasm_bindgen(typescript_type = "Area")]
    pub type Area;
    #[wasm_bindgen(method, catch, js_name = getItem)]
    fn get_item(this: &Area, key: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setItem)]
    fn set_item(this: &Area, key: &str, text: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeItem)]
    fn remove_item(this: &Area, key: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = isShared)]
    fn is_shared(this: &Area) -> bool;
    #[wasm_bindgen(method, getter, js_name = mayStore)]
    fn may_store(this: &Area) -> bool;
}

/// One client's part of it.
pub struct Storage {
    area: Area,
    prefix: String,
    /// Where ids and session live, if it can be written.
    cookie: Option<Cookie>,
}

impl Storage {
    /// `prefix` comes before every key.
    pub fn open(prefix: String, area: Area, cookie: Option<Cookie>) -> Self {
        Self { area, prefix, cookie }
    }

    /// Whether other clients and other tabs read what is stored here.
    pub fn is_shared(&self) -> bool {
        self.area.is_shared() || (self.cookie.is_some() && self.area.may_store())
    }

    /// The text under this key; `None` too when it cannot be read. A cookie counts before localStorage.
    pub fn get(&self, key: &str) -> Option<String> {
        self.get_cookie(key).or_else(|| self.area.get_item(&self.name(key)).ok().flatten())
    }

    /// The text under this key, if it is in a cookie.
    pub fn get_cookie(&self, key: &str) -> Option<String> {
        self.cookie_of(key)?.get(key)
    }

    /// Whether the text is stored now.
    pub fn set(&self, key: &str, text: &str) -> bool {
        let in_cookie = self.cookie_of(key).is_some_and(|cookie| cookie.set(key, text));
        if in_cookie && key == IDS {
            // What stayed here would come back when the person deletes the cookie.
            self.remove(key);
            return true;
        }
        // The session is written here too: that tells the other tabs of this host.
        self.area.set_item(&self.name(key), text).is_ok() || in_cookie
    }

    pub fn remove(&self, key: &str) {
        let _: Result<(), JsValue> = self.area.remove_item(&self.name(key)); // What cannot be removed could not be read.
    }

    /// The key as it is in localStorage. A session's is the same for all clients that share the cookie.
    pub fn name(&self, key: &str) -> String {
        match &self.cookie {
            Some(cookie) if key == SESSION => cookie.name(key),
            _ => self.prefix.clone() + key,
        }
    }

    fn cookie_of(&self, key: &str) -> Option<&Cookie> {
        self.cookie.as_ref().filter(|_| (key == IDS || key == SESSION) && self.area.may_store())
    }
}
