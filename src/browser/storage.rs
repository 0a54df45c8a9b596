//! localStorage, where there is one that works; and for what several hosts share, cookies.

use wasm_bindgen::prelude::*;

use super::cookie::Cookie;
use crate::engine::effect::StorageKey;

const IDS: &str = StorageKey::Ids.as_str();
const SESSION: &str = StorageKey::Session.as_str();

/// One client's part of localStorage. Blocked, full or missing: it reads as empty and writes to nowhere.
pub struct Storage {
    area: Option<web_sys::Storage>,
    prefix: String,
    /// Where ids and session live, if it can be written.
    cookie: Option<Cookie>,
}

impl Storage {
    /// `prefix` comes before every key. `persist`: false for memory only.
    pub fn open(prefix: String, persist: bool, cookie: Option<Cookie>) -> Self {
        // The getter throws where storage is blocked, and is null in some web views.
        let area = web_sys::window().filter(|_| persist).and_then(|window| window.local_storage().ok().flatten());
        Self { area, prefix, cookie }
    }

    /// Whether other clients and other tabs read what is stored here.
    pub fn is_shared(&self) -> bool {
        self.area.is_some() || self.cookie.is_some()
    }

    /// The text under this key; `None` too when it cannot be read. A cookie counts before localStorage.
    pub fn get(&self, key: &str) -> Option<String> {
        self.get_cookie(key).or_else(|| self.area.as_ref()?.get_item(&self.name(key)).ok().flatten())
    }

    /// The text under this key, if it is in a cookie.
    pub fn get_cookie(&self, key: &str) -> Option<String> {
        self.cookie_of(key)?.get(key)
    }

    /// Whether the text is stored now. True where nothing is to be stored at all.
    pub fn set(&self, key: &str, text: &str) -> bool {
        let in_cookie = self.cookie_of(key).is_some_and(|cookie| cookie.set(key, text));
        if in_cookie && key == IDS {
            // What stayed here would come back when the person deletes the cookie.
            self.remove(key);
            return true;
        }
        // The session is written here too: that tells the other tabs of this host.
        self.area.as_ref().is_none_or(|area| area.set_item(&self.name(key), text).is_ok()) || in_cookie
    }

    pub fn remove(&self, key: &str) {
        if let Some(area) = &self.area {
            let _: Result<(), JsValue> = area.remove_item(&self.name(key)); // What cannot be removed could not be read.
        }
    }

    /// The key as it is in localStorage. A session's is the same for all clients that share the cookie.
    pub fn name(&self, key: &str) -> String {
        match &self.cookie {
            Some(cookie) if key == SESSION => cookie.name(key),
            _ => self.prefix.clone() + key,
        }
    }

    fn cookie_of(&self, key: &str) -> Option<&Cookie> {
        self.cookie.as_ref().filter(|_| key == IDS || key == SESSION)
    }
}
