//! The host's own functions, for what would cost the module too many bytes.

use js_sys::{JsString, Number};
use wasm_bindgen::prelude::*;

use crate::engine::platform::Platform;

pub const HOST: Platform = Platform {
    parse_number: |text| Number::from(JsValue::from_str(text)).value_of(),
    number_text: |number| String::from(Number::from(number).to_js_string()),
    lower_case: |text| String::from(JsString::from(text).to_lower_case()),
    matches: |pattern, ignore_case, text| {
        let pattern = Pattern::new(pattern, if ignore_case { "iu" } else { "u" });
        // Every pattern of the subset is one here; a page that has put something else in the place of RegExp finds nothing.
        pattern.and_then(|pattern| pattern.test(text)).unwrap_or(false)
    },
};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = RegExp)]
    type Pattern;
    #[wasm_bindgen(constructor, catch, js_class = "RegExp")]
    fn new(pattern: &str, flags: &str) -> Result<Pattern, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn test(this: &Pattern, text: &str) -> Result<bool, JsValue>;
}
