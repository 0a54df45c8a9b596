//! `pennon types`: the TypeScript interface of a ruleset's flags.
//!
//! A flag is the union of its variants' values. Scalars are literal types; inside lists and objects they are the general
//! ones, so that a page may give a fallback of its own. What would grow too large becomes the general type.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::document::Section;
use crate::finding::printable;
use crate::view::FlagView;

/// The most literals, and the most kinds of lists and objects, in a union.
const MAX_LITERALS: usize = 32;
const MAX_SHAPES: usize = 16;
/// The longest string, in characters, that is a literal type.
const MAX_LITERAL_CHARACTERS: usize = 64;
/// The most properties of an object that are written one by one.
const MAX_PROPERTIES: usize = 64;
/// How deep lists and objects are written.
const MAX_DEPTH: usize = 8;
/// The longest type of a list or an object, in bytes.
const MAX_SHAPE_BYTES: usize = 2000;
/// The most variants that a comment names.
const MAX_NAMED_VARIANTS: usize = 20;

const ANY_LIST: &str = "readonly Json[]";
const ANY_OBJECT: &str = "{ readonly [key: string]: Json }";

/// A module with the interface, its properties in the order of their keys.
pub fn interface(name: &str, flags: &Section) -> String {
    let mut writer = Writer::default();
    let mut body = String::new();
    for (key, json) in flags {
        let flag = FlagView { key, json };
        let value = writer.union(flag.variants().into_iter().map(|(_, value)| value));
        // Infallible: the target is a string.
        let _ = write!(body, "  /** {} */\n  {}: {value}\n", comment(flag), property(key));
    }
    let import = if writer.names_json { "import type { Json } from \"pennon\"\n\n" } else { "" };
    format!(
        "// Written by `pennon types`. Do not edit.\n\n{import}/** What each flag can serve. */\nexport interface {name} {{\n{body}}}\n"
    )
}

/// A name that an interface can have.
pub fn interface_name(text: &str) -> Result<String, String> {
    // The module may import the type Json.
    let is_free = is_identifier(text) && text != "Json";
    if is_free {
        Ok(text.to_owned())
    } else {
        Err("expected letters, digits, _ and $, and another name than Json".into())
    }
}

fn comment(flag: FlagView<'_>) -> String {
    let variants = flag.variants();
    let mut out = String::new();
    if let Some(experiment) = flag.experiment() {
        let _ = write!(out, "Experiment {}. ", quoted(experiment));
    }
    let named: Vec<String> = variants.iter().take(MAX_NAMED_VARIANTS).map(|(name, _)| quoted(name)).collect();
    let _ = write!(out, "Variants: {}", named.join(", "));
    let more = variants.len() - named.len();
    if more > 0 {
        let _ = write!(out, ", and {more} more");
    }
    out.replace("*/", "*\\/")
}

/// Writes types, and remembers whether one of them names `Json`.
#[derive(Default)]
struct Writer {
    names_json: bool,
}

impl Writer {
    /// The union of the types of a flag's values.
    fn union<'v>(&mut self, values: impl Iterator<Item = &'v Value>) -> String {
        let (mut has_false, mut has_true, mut has_null) = (false, false, false);
        let mut numbers: Vec<f64> = Vec::new();
        let mut strings: BTreeSet<&str> = BTreeSet::new();
        let mut lists: BTreeSet<String> = BTreeSet::new();
        let mut objects: BTreeSet<String> = BTreeSet::new();
        for value in values {
            match value {
                Value::Null => has_null = true,
                Value::Bool(false) => has_false = true,
                Value::Bool(true) => has_true = true,
                Value::Number(number) => numbers.extend(number.as_f64()),
                Value::String(text) => drop(strings.insert(text)),
                Value::Array(_) => drop(lists.insert(self.bounded(value, ANY_LIST))),
                Value::Object(_) => drop(objects.insert(self.bounded(value, ANY_OBJECT))),
            }
        }
        let mut union: Vec<String> = Vec::new();
        match (has_false, has_true) {
            (true, true) => union.push("boolean".into()),
            (true, false) => union.push("false".into()),
            (false, true) => union.push("true".into()),
            (false, false) => {}
        }
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        if numbers.len() > MAX_LITERALS {
            union.push("number".into());
        } else {
            union.extend(numbers.iter().map(|number| number_literal(*number)));
        }
        if strings.len() > MAX_LITERALS || strings.iter().any(|text| text.chars().count() > MAX_LITERAL_CHARACTERS) {
            union.push("string".into());
        } else {
            union.extend(strings.iter().map(|text| quoted(text)));
        }
        for (shapes, general) in [(lists, ANY_LIST), (objects, ANY_OBJECT)] {
            if shapes.len() > MAX_SHAPES {
                union.push(self.json(general));
            } else {
                union.extend(shapes);
            }
        }
        union.extend(has_null.then(|| "null".into()));
        union.join(" | ")
    }

    /// The type of a list or an object, or `general` when that grows too long.
    fn bounded(&mut self, value: &Value, general: &str) -> String {
        let written = self.shape(value, MAX_DEPTH);
        if written.len() > MAX_SHAPE_BYTES { self.json(general) } else { written }
    }

    /// The general type of a value.
    fn shape(&mut self, value: &Value, depth_left: usize) -> String {
        match value {
            Value::Null => "null".into(),
            Value::Bool(_) => "boolean".into(),
            Value::Number(_) => "number".into(),
            Value::String(_) => "string".into(),
            _ if depth_left == 0 => self.json("Json"),
            Value::Array(items) => self.list(items, depth_left - 1),
            Value::Object(members) => self.object(members, depth_left - 1),
        }
    }

    fn list(&mut self, items: &[Value], depth_left: usize) -> String {
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        for item in items {
            kinds.insert(self.shape(item, depth_left));
            if kinds.len() > MAX_SHAPES {
                return self.json(ANY_LIST);
            }
        }
        let union = Vec::from_iter(kinds);
        match union.as_slice() {
            [] => "readonly never[]".into(),
            [one] if !one.starts_with("readonly ") => format!("readonly {one}[]"),
            _ => format!("readonly ({})[]", union.join(" | ")),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, depth_left: usize) -> String {
        if members.is_empty() {
            return "{ readonly [key: string]: never }".into();
        }
        if members.len() > MAX_PROPERTIES {
            return self.json(ANY_OBJECT);
        }
        let properties =
            members.iter().map(|(key, value)| format!("readonly {}: {}", property(key), self.shape(value, depth_left)));
        format!("{{ {} }}", properties.collect::<Vec<_>>().join("; "))
    }

    fn json(&mut self, general: &str) -> String {
        self.names_json = true;
        general.to_owned()
    }
}

/// A number as TypeScript reads it back.
fn number_literal(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e21).contains(&number.abs()) { format!("{number:e}") } else { number.to_string() }
}

/// A property's name, quoted unless it is an identifier.
fn property(key: &str) -> String {
    if is_identifier(key) { key.to_owned() } else { quoted(key) }
}

fn is_identifier(text: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$';
    text.bytes().next().is_some_and(is_start) && text.bytes().all(|byte| is_start(byte) || byte.is_ascii_digit())
}

/// A string literal on one line: what ends a line or changes the direction of writing is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        let mut buffer = [0; 4];
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            _ => {
                let one: &str = character.encode_utf8(&mut buffer);
                if printable(one) == one {
                    out.push(character);
                } else {
                    let _ = write!(out, "\\u{:04x}", u32::from(character));
                }
            }
        }
    }
    out.push('"');
    out
}
