//! A ruleset as JSON, read by the engine's own reader: the same texts are JSON, of equal keys the same one counts, and lone
//! surrogates become the same character.

use std::collections::BTreeMap;

use pennon::engine::json::{self, Malformed, Node, Reader, Span, Value as Read};
use pennon::engine::platform::NATIVE;
use serde_json::{Map, Number, Value};

/// A section: key to what it names. What is nested too deep to be read is `null`.
pub type Section = BTreeMap<String, Value>;

/// What a ruleset says, before it is compiled. Every number is an IEEE double, as in JavaScript.
#[derive(Debug, Default)]
pub struct Document {
    pub version: f64,
    /// `null` when there is none.
    pub environment: Value,
    pub flags: Section,
    pub segments: Section,
    pub layers: Section,
    pub holdouts: Section,
    /// The names of all fields.
    pub fields: Vec<String>,
}

impl Document {
    /// `text` is one that `Ruleset::read` has accepted; of any other what can be found.
    pub fn read(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut document = Self::default();
        for (key, value) in members(text) {
            match key.as_str() {
                "version" => document.version = tree(value).as_f64().unwrap_or_default(),
                "environment" => document.environment = tree(value),
                "flags" => document.flags = section(value),
                "segments" => document.segments = section(value),
                "layers" => document.layers = section(value),
                "holdouts" => document.holdouts = section(value),
                _ => {}
            }
            document.fields.push(key);
        }
        document
    }
}

fn section(text: &str) -> Section {
    members(text).into_iter().map(|(key, value)| (key, tree(value))).collect()
}

/// The members of an object, with the text of each value; none of anything else.
fn members(text: &str) -> Vec<(String, &str)> {
    let slice = |(start, end): Span| text.get(start..end).unwrap_or_default();
    let mut found = Vec::new();
    let mut reader = Reader::new(text);
    reader.whitespace();
    let _: Result<bool, Malformed> = reader.members(&mut |reader, key| {
        let start = reader.at();
        reader.value()?;
        found.push((json::decode_string(slice(key)).into_owned(), slice((start, reader.at()))));
        Ok(())
    });
    found
}

/// One value, nested as deep as it may be: a trace is nested deeper than the ruleset that it tells of.
pub fn trace(text: &str) -> Value {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'{') => members(text).into_iter().map(|(key, value)| (key, trace(value))).collect::<Map<_, _>>().into(),
        Some(b'[') => items_of(text).into_iter().map(trace).collect(),
        _ => tree(text),
    }
}

/// The text of each item of a list.
fn items_of(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut rest = list.get(1..).unwrap_or_default();
    loop {
        let mut reader = Reader::new(rest);
        reader.whitespace();
        let start = reader.at();
        if reader.value().is_err() {
            return items;
        }
        items.push(rest.get(start..reader.at()).unwrap_or_default());
        reader.whitespace();
        rest = rest.get(reader.at() + 1..).unwrap_or_default(); // Behind the comma, or the bracket.
    }
}

/// One value; `null` for what is no JSON, or nested too deep.
fn tree(text: &str) -> Value {
    json::parse(text).map_or(Value::Null, |node| value(&node))
}

fn value(node: &Node<'_>) -> Value {
    match &node.value {
        Read::Null => Value::Null,
        Read::Bool(value) => Value::Bool(*value),
        // An infinity is no JSON; 0 and −0 are equal.
        Read::Number(raw) => Number::from_f64(NATIVE.number(raw) + 0.0).map_or(Value::Null, Value::Number),
        Read::String(text) => Value::String(text.clone().into_owned()),
        Read::Array(items) => Value::Array(items.iter().map(value).collect()),
        Read::Object(members) => Value::Object(
            members.iter().map(|(key, node)| (key.clone().into_owned(), value(node))).collect::<Map<_, _>>(),
        ),
    }
}

/// The member of that name; `None` when it is absent or null, and when `object` is none.
pub fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// The items of a list field; none when it is absent or no list.
pub fn items<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    field(object, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text of a field; `None` when it is absent or no string.
pub fn text<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    field(object, name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_what_the_engine_reads() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let text = format!(
            "\u{feff}{{\"version\":7.0,\"ignored\":{deep},\"flags\":{{\"a\":1,\"a\":2,\"b\":\"\\ud800\",\"c\":{deep}}}}}"
        );
        let document = Document::read(&text);
        assert_eq!(document.version, 7.0);
        let expected = [("a", json!(2.0)), ("b", json!("\u{fffd}")), ("c", Value::Null)];
        assert_eq!(document.flags, expected.map(|(key, value)| (key.to_owned(), value)).into());
        assert!(document.segments.is_empty());
    }

    #[test]
    fn a_trace_may_be_nested_deeper_than_a_flag() {
        let deep = |levels: usize| format!("{}1{}", "[ {\"a\" : ".repeat(levels), "} , \"x\" ]".repeat(levels));
        let mut found = &trace(&deep(200));
        for _ in 0..200 {
            assert_eq!(found[1], "x");
            found = &found[0]["a"];
        }
        assert_eq!(found, &json!(1.0));
        assert_eq!(trace(" [ ] "), json!([]));
        assert_eq!(trace(r#"{"a":[1,[],{},null,"\ud800"]}"#), json!({ "a": [1.0, [], {}, null, "\u{fffd}"] }));
    }
}
