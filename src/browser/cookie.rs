//! Cookies of a parent domain, which all of its hosts read.

use wasm_bindgen::JsValue;

use super::page::document;
use crate::engine::text::parts;

/// One client's cookies. Blocked, refused or missing: they read as empty and cannot be written.
pub struct Cookie {
    prefix: String,
    attributes: String,
}

impl Cookie {
    /// `prefix` comes before every name. `attributes` follow every text, and begin with a semicolon.
    pub fn open(prefix: String, attributes: String) -> Self {
        Self { prefix, attributes }
    }

    /// The text of the first cookie of this name, whoever set it.
    pub fn get(&self, key: &str) -> Option<String> {
        let cookies = document()?.cookie().ok()?;
        let start = self.name(key) + "=";
        let text_of = |cookie: &str| cookie.trim_start_matches(" ").strip_prefix(start.as_str()).map(str::to_owned);
        parts(&cookies, ";").find_map(text_of)
    }

    /// Sets the cookie, and no other. Whether it can be read back now. The text may not hold a semicolon.
    pub fn set(&self, key: &str, text: &str) -> bool {
        let Some(document) = document() else { return false };
        let cookie = self.name(key) + "=" + text + &self.attributes;
        // A browser that refuses a cookie says nothing.
        let _: Result<(), JsValue> = document.set_cookie(&cookie);
        self.get(key).as_deref() == Some(text)
    }

    /// The name of a cookie.
    pub fn name(&self, key: &str) -> String {
        self.prefix.clone() + key
    }
}
