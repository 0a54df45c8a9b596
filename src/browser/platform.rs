//! The host's own functions, for what would cost the module too many bytes.

use js_sys::{JsString, Number};
use wasm_bindgen::JsValue;

use crate::engine::platform::Platform;

pub const HOST: Platform = Platform {
    parse_number: |text| Number::from(JsValue::from_str(text)).value_of(),
    number_text: |number| String::from(Number::from(number).to_js_string()),
    lower_case: |text| String::from(JsString::from(text).to_lower_case()),
};
