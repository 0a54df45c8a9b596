//! Rows that another page left behind, read from storage. Whoever wrote them: a row is made anew from the fields that a
//! row has, and its id from what it says.

use super::super::json::{self, Node, Value};
use super::super::text::parse_integer;
use super::id::{Dedup, Id, IdFields};
use super::row::{MAX_ATTRIBUTES, MAX_TEXT_BYTES};

/// The most bytes of a row. Ours have at most half of that.
const MAX_ROW_BYTES: usize = 32 * 1024;
/// The most bytes of a value: 1 024 UTF-16 units, each written as an escape.
const MAX_VALUE_BYTES: usize = 6 * 1024 + 2;

/// What a field may hold.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Integer,
    /// Any JSON.
    Value,
    Attributes,
    True,
}

use Kind::{Attributes, Integer, Text, True, Value as AnyValue};

/// The fields of an exposure, as [`super::row::write`] orders them.
const EXPOSURE: [(&str, Kind); 27] = [
    ("flag_key", Text),
    ("value", AnyValue),
    ("variant", Text),
    ("reason", Text),
    ("session_id", Text),
    ("distinct_id", Text),
    ("id", Text),
    ("ts_ms", Integer),
    ("mono_ms", Integer),
    ("seq", Integer),
    ("instance_id", Text),
    ("anon_id", Text),
    ("device_id", Text),
    ("unit", Text),
    ("unit_id", Text),
    ("flag_version", Integer),
    ("ruleset_version", Integer),
    ("assigned_version", Integer),
    ("rule_id", Text),
    ("experiment", Text),
    ("environment", Text),
    ("source", Text),
    ("dedup", Text),
    ("attributes", Attributes),
    ("app_version", Text),
    ("sdk", Text),
    ("truncated", True),
];

/// Those of a link.
const LINK: [(&str, Kind); 12] = [
    ("id", Text),
    ("ts_ms", Integer),
    ("mono_ms", Integer),
    ("seq", Integer),
    ("instance_id", Text),
    ("anon_id", Text),
    ("distinct_id", Text),
    ("device_id", Text),
    ("session_id", Text),
    ("environment", Text),
    ("app_version", Text),
    ("sdk", Text),
];

/// A row as it is to be sent.
#[derive(Debug, PartialEq)]
pub struct Restored {
    pub id: Id,
    /// As in [`Effect::Keep`](super::super::effect::Effect::Keep).
    pub line: String,
    pub link: bool,
    pub precious: bool,
    pub recurs: bool,
    /// When it was recorded, on the wall clock of then.
    pub ts_ms: f64,
    pub instance_id: String,
    /// Its number in that instance.
    pub seq: u32,
}

/// The row of a stored line: `e` and an exposure's JSON, or `l` and a link's. `None` when it is none, or its id is not that
/// of what it says.
pub fn restore(line: &str) -> Option<Restored> {
    if line.len() > MAX_ROW_BYTES {
        return None;
    }
    let (json, link) = match line.strip_prefix('l') {
        Some(json) => (json, true),
        None => (line.strip_prefix('e')?, false),
    };
    let node = json::parse(json).ok()?;
    let line = if link { rewritten('l', &node, &LINK) } else { rewritten('e', &node, &EXPOSURE) }?;
    let text = |name| node.get(name).and_then(Node::as_str).unwrap_or_default();
    let ts_ms = parse_integer(node.get("ts_ms")?.raw)? as f64;
    let id = if link { Id::of_link(text("anon_id"), text("distinct_id")) } else { exposure_id(&node, &text)? };
    if id.to_text() != text("id") {
        return None;
    }
    let seq = parse_integer(node.get("seq")?.raw).and_then(|seq| u32::try_from(seq).ok())?;
    let instance_id = text("instance_id").to_owned();
    let precious = link || !text("experiment").is_empty();
    let recurs = link || text("dedup") != Dedup::None.as_str();
    Some(Restored { id, line, link, precious, recurs, ts_ms, instance_id, seq })
}

/// Flag and variant of a row, if it is that of an experiment.
pub fn experiment_of(row: &str) -> Option<(String, String)> {
    let node = json::parse(row).ok()?;
    let text = |name| node.get(name).and_then(Node::as_str).map(str::to_owned);
    text("experiment")?;
    Some((text("flag_key")?, text("variant")?))
}

fn exposure_id<'n>(node: &'n Node<'_>, text: &dyn Fn(&'static str) -> &'n str) -> Option<Id> {
    let dedup = match text("dedup") {
        "session" => Dedup::Session,
        "identity" => Dedup::Identity,
        "none" => Dedup::None,
        _ => return None,
    };
    let own_scope = [text("instance_id"), "/", node.get("seq")?.raw].concat();
    let (unit_id, distinct_id) = (text("unit_id"), text("distinct_id"));
    Some(Id::of(&IdFields {
        environment: text("environment"),
        dedup,
        scope_id: match dedup {
            Dedup::Session => text("session_id"),
            Dedup::Identity => "",
            Dedup::None => &own_scope,
        },
        unit_id: if unit_id.is_empty() { distinct_id } else { unit_id },
        distinct_id,
        flag_key: text("flag_key"),
        flag_version: node.get("flag_version")?.raw,
        variant: text("variant"),
        value_text: node.get("value")?.raw,
        reason: text("reason"),
        experiment: text("experiment"),
        decided: text("source") == "handshake",
    }))
}

/// The line of the fields that are there, as they were written. `None` when one of them is not what it has to be.
fn rewritten(kind: char, node: &Node<'_>, fields: &[(&str, Kind)]) -> Option<String> {
    let mut out = String::with_capacity(node.raw.len() + 1);
    out.push(kind);
    for (name, kind) in fields {
        let Some(found) = node.get(name) else { continue };
        if !fits(found, *kind) {
            return None;
        }
        out.push_str(if out.len() == 1 { "{\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        out.push_str(found.raw);
    }
    out.push('}');
    Some(out)
}

fn fits(node: &Node<'_>, kind: Kind) -> bool {
    match (kind, &node.value) {
        (Text, Value::String(text)) => text.len() <= MAX_TEXT_BYTES,
        (Integer, Value::Number(text)) => parse_integer(text).is_some(),
        (AnyValue, _) => node.raw.len() <= MAX_VALUE_BYTES,
        (Attributes, Value::Object(members)) => {
            members.len() <= MAX_ATTRIBUTES
                && members.iter().all(|(name, node)| {
                    name.len() <= MAX_TEXT_BYTES
                        && match &node.value {
                            Value::String(text) => text.len() <= MAX_TEXT_BYTES,
                            Value::Bool(_) | Value::Number(_) => true,
                            _ => false,
                        }
                })
        }
        (True, value) => *value == Value::Bool(true),
        _ => false,
    }
}
