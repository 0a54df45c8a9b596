//! What an evaluation looked at, step by step, as JSON for people: `Client::explain` in the browser, `pennon explain`
//! natively. An evaluation that nobody wants explained writes nothing.

use super::attributes::{Attribute, Value};
use super::platform::Platform;
use super::text::{cut, push_integer, push_json_string};

/// The most bytes of one text of an attribute in a trace.
const MAX_TEXT_BYTES: usize = 256;
/// The most items of a list of an attribute in a trace.
const MAX_ITEMS: usize = 20;

/// JSON, written member by member.
pub struct Trace {
    out: String,
}

impl Default for Trace {
    /// With room for the description of a flag.
    fn default() -> Self {
        Self { out: String::with_capacity(256) }
    }
}

impl Trace {
    /// Begins a step, a condition or a list. `bracket`: `{` or `[`.
    pub fn open(&mut self, name: Option<&'static str>, bracket: char) {
        self.name(name);
        self.out.push(bracket);
    }

    pub fn close(&mut self, bracket: char) {
        self.out.push(bracket);
    }

    /// Begins a step of the evaluation.
    pub fn step(&mut self, name: &str) {
        self.open(None, '{');
        self.text("step", name);
    }

    /// Ends a step: whether it decided, or left the flag to the next.
    pub fn end(&mut self, decided: bool) {
        self.text("result", if decided { "decided" } else { "passed" });
        self.close('}');
    }

    pub fn text(&mut self, name: &'static str, text: &str) {
        self.name(Some(name));
        push_json_string(&mut self.out, text);
    }

    pub fn integer(&mut self, name: &'static str, number: u64) {
        self.name(Some(name));
        push_integer(&mut self.out, number);
    }

    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.raw(name, if flag { "true" } else { "false" });
    }

    pub fn raw(&mut self, name: &'static str, json: &str) {
        self.name(Some(name));
        self.out.push_str(json);
    }

    /// Unix milliseconds; nothing for a time that never comes.
    pub fn time(&mut self, name: &'static str, at_ms: f64, platform: Platform) {
        if at_ms.is_finite() {
            self.raw(name, &(platform.number_text)(at_ms));
        }
    }

    pub fn texts(&mut self, name: Option<&'static str>, texts: &mut dyn Iterator<Item = &str>) {
        self.open(name, '[');
        for text in texts {
            self.name(None);
            push_json_string(&mut self.out, text);
        }
        self.close(']');
    }

    /// An item of a list.
    pub fn item(&mut self, json: &str) {
        self.name(None);
        self.out.push_str(json);
    }

    pub fn attribute(&mut self, name: &'static str, attribute: Option<Attribute<'_>>, platform: Platform) {
        let Some(attribute) = attribute else { return };
        self.name(Some(name));
        self.value(attribute, platform);
    }

    /// Scalars, and lists of them; what is nested deeper is shown as its brackets.
    fn value(&mut self, attribute: Attribute<'_>, platform: Platform) {
        match attribute {
            Attribute::Bool(flag) => self.out.push_str(if flag { "true" } else { "false" }),
            Attribute::Number(number) => self.out.push_str(&(platform.number_text)(number)),
            Attribute::Text(text) => push_json_string(&mut self.out, cut(text, MAX_TEXT_BYTES)),
            Attribute::Object => self.out.push_str("{}"),
            Attribute::List(items) => {
                self.out.push('[');
                for item in items.iter().take(MAX_ITEMS) {
                    self.name(None);
                    match item {
                        Value::List(_) => self.out.push_str("[]"),
                        _ => match Attribute::of(item) {
                            Some(item) => self.value(item, platform),
                            None => self.out.push_str("null"),
                        },
                    }
                }
                self.out.push(']');
            }
        }
    }

    fn name(&mut self, name: Option<&'static str>) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(',');
        }
        if let Some(name) = name {
            self.out.push('"');
            self.out.push_str(name); // One of ours, with nothing to escape.
            self.out.push_str("\":");
        }
    }

    pub fn into_json(self) -> String {
        self.out
    }
}
