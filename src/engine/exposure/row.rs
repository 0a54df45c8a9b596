//! The row of an exposure or a link, as JSON for the wire.

use super::super::attributes::Value;
use super::super::decision::Reason;
use super::super::platform::Platform;
use super::super::text::{cut, push_integer, push_json_string};
use super::super::time::Now;
use super::id::{Dedup, Id};

/// The most attributes in a row.
pub const MAX_ATTRIBUTES: usize = 16;
/// The most bytes of one text in a row; longer ones are cut.
pub const MAX_TEXT_BYTES: usize = 256;

/// What made the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A read of the flag.
    Call,
    /// `reportExposure`.
    Manual,
    /// The flag was decided, and not seen by this.
    Handshake,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Manual => "manual",
            Self::Handshake => "handshake",
        }
    }
}

/// What a row says about the decision and the person. Empty texts are absent.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    pub flag_key: &'a str,
    /// The value's JSON.
    pub value_text: &'a str,
    /// Whether `value_text` stands for a longer value.
    pub value_is_cut: bool,
    pub variant: &'a str,
    pub reason: Reason,
    pub session_id: &'a str,
    pub distinct_id: &'a str,
    pub anonymous_id: &'a str,
    pub device_id: &'a str,
    /// The kind of unit that was bucketed.
    pub unit: &'a str,
    pub unit_id: &'a str,
    pub flag_version: u64,
    /// With `sticky`: the flag's version when the unit was given the variant.
    pub assigned_version: Option<u64>,
    pub ruleset_version: u64,
    pub rule_id: &'a str,
    pub experiment: &'a str,
    pub environment: &'a str,
    pub source: Source,
    /// The attributes of the identity, an object. Those named in the options go into the row.
    pub attributes: &'a Value,
}

/// What a link says: an anonymous and a distinct id are one person. Empty texts are absent.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    pub anonymous_id: &'a str,
    pub distinct_id: &'a str,
    pub device_id: &'a str,
    pub session_id: &'a str,
    pub environment: &'a str,
}

/// What a row says about its recording.
pub struct Stamp<'a> {
    pub id: Id,
    pub seq: u32,
    pub now: Now,
    pub instance_id: &'a str,
    pub dedup: Dedup,
    pub app_version: &'a str,
    pub attribute_names: &'a [String],
    pub platform: Platform,
}

/// An exposure's row. Its fields in the order of the wire's description, absent ones left out.
pub fn write(draft: &Draft<'_>, stamp: &Stamp<'_>) -> String {
    let mut row = RowWriter { out: String::with_capacity(1024), cut: draft.value_is_cut };
    row.name("flag_key");
    row.cut_text(draft.flag_key); // Any text is a key, also an empty one.
    row.raw("value", draft.value_text);
    row.text("variant", draft.variant);
    row.text("reason", draft.reason.as_str());
    row.text("session_id", draft.session_id);
    row.text("distinct_id", draft.distinct_id);
    row.recording(stamp);
    row.text("anon_id", draft.anonymous_id);
    row.text("device_id", draft.device_id);
    row.text("unit", draft.unit);
    if draft.unit_id != draft.distinct_id {
        row.text("unit_id", draft.unit_id);
    }
    row.integer("flag_version", draft.flag_version);
    row.integer("ruleset_version", draft.ruleset_version);
    if let Some(version) = draft.assigned_version {
        row.integer("assigned_version", version);
    }
    row.text("rule_id", draft.rule_id);
    row.text("experiment", draft.experiment);
    row.text("environment", draft.environment);
    row.text("source", draft.source.as_str());
    row.text("dedup", stamp.dedup.as_str());
    row.attributes(draft.attributes, stamp);
    row.origin(stamp);
    if row.cut {
        row.raw("truncated", "true");
    }
    row.out.push('}');
    row.out
}

/// A link's row.
pub fn write_link(link: &Link<'_>, stamp: &Stamp<'_>) -> String {
    let mut row = RowWriter { out: String::with_capacity(480), cut: false };
    row.recording(stamp);
    row.text("anon_id", link.anonymous_id);
    row.text("distinct_id", link.distinct_id);
    row.text("device_id", link.device_id);
    row.text("session_id", link.session_id);
    row.text("environment", link.environment);
    row.origin(stamp);
    row.out.push('}');
    row.out
}

struct RowWriter {
    out: String,
    cut: bool,
}

impl RowWriter {
    fn name(&mut self, name: &str) {
        self.out.push_str(if self.out.is_empty() { "{\"" } else { ",\"" });
        self.out.push_str(name); // Ours: there is nothing to escape.
        self.out.push_str("\":");
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    fn integer(&mut self, name: &str, number: u64) {
        self.name(name);
        push_integer(&mut self.out, number);
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.name(name);
            self.cut_text(text);
        }
    }

    /// The row's id, and when and where it was recorded.
    fn recording(&mut self, stamp: &Stamp<'_>) {
        self.text("id", &stamp.id.to_text());
        self.integer("ts_ms", stamp.now.wall_ms as u64);
        self.integer("mono_ms", stamp.now.mono_ms as u64);
        self.integer("seq", stamp.seq.into());
        self.text("instance_id", stamp.instance_id);
    }

    /// What recorded the row.
    fn origin(&mut self, stamp: &Stamp<'_>) {
        self.text("app_version", stamp.app_version);
        self.text("sdk", concat!("pennon/", env!("CARGO_PKG_VERSION")));
    }

    fn cut_text(&mut self, text: &str) {
        let kept = cut(text, MAX_TEXT_BYTES);
        self.cut |= kept.len() < text.len();
        push_json_string(&mut self.out, kept);
    }

    /// The named attributes that are scalars, as they are now.
    fn attributes(&mut self, attributes: &Value, stamp: &Stamp<'_>) {
        let mut separator = '{';
        for name in stamp.attribute_names.iter().take(MAX_ATTRIBUTES) {
            let Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Text(_))) = attributes.find(name) else {
                continue;
            };
            if separator == '{' {
                self.name("attributes");
            }
            self.out.push(separator);
            separator = ',';
            self.cut_text(name);
            self.out.push(':');
            match value {
                Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
                Value::Number(number) => self.out.push_str(&(stamp.platform.number_text)(*number)),
                Value::Text(text) => self.cut_text(text),
                _ => {}
            }
        }
        if separator == ',' {
            self.out.push('}');
        }
    }
}
