//! localStorage, where there is one that works.

use wasm_bindgen::prelude::*;

/// One client's part of localStorage. Blocked, full or missing: it reads as empty and writes to nowhere.
pub struct Storage {
    area: Option<web_sys::Storage>,
    prefix: String,
}

impl Storage {
    /// `prefix` comes before every key. `persist`: false for memory only.
    pub fn open(prefix: String, persist: bool) -> Self {
        // The getter throws where storage is blocked, and is null in some web views.
        let area = web_sys::window().filter(|_| persist).and_then(|window| window.local_storage().ok().flatten());
        Self { area, prefix }
    }

    /// Whether other clients and other tabs read what is stored here.
    pub fn is_shared(&self) -> bool {
        self.area.is_some()
    }

    /// The text under this key; `None` too when it cannot be read.
    pub fn get(&self, key: &str) -> Option<String> {
        self.area.as_ref()?.get_item(&self.name(key)).ok().flatten()
    }

    /// Whether the text is stored now. True where nothing is to be stored at all.
    pub fn set(&self, key: &str, text: &str) -> bool {
        self.area.as_ref().is_none_or(|area| area.set_item(&self.name(key), text).is_ok())
    }

    pub fn remove(&self, key: &str) {
        if let Some(area) = &self.area {
            let _: Result<(), JsValue> = area.remove_item(&self.name(key)); // What cannot be removed could not be read.
        }
    }

    /// The key as it is in localStorage.
    pub fn name(&self, key: &str) -> String {
        self.prefix.clone() + key
    }
}
