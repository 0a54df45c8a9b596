//! The row of an exposure or a link, as JSON for the wire, behind the letter that its line in the outbox begins with.

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

/// What begins a member behind another one, in one piece. (With three pieces for each name, and three copies of the line, a
/// recording took a tenth longer.)
macro_rules! member {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// An exposure's line: `e` and its row. Its fields in the order of the wire's description, absent ones left out.
pub fn write(draft: &Draft<'_>, stamp: &Stamp<'_>) -> String {
    let mut row = LineWriter { out: String::with_capacity(1024), cut: draft.value_is_cut };
    row.out.push_str("e{\"flag_key\":");
    row.cut_text(draft.flag_key); // Any text is a key, also an empty one.
    row.raw(member!("value"), draft.value_text);
    row.text(member!("variant"), draft.variant);
    row.text(member!("reason"), draft.reason.as_str());
    row.text(member!("session_id"), draft.session_id);
    row.text(member!("distinct_id"), draft.distinct_id);
    row.recording(member!("id"), stamp);
    row.text(member!("anon_id"), draft.anonymous_id);
    row.text(member!("device_id"), draft.device_id);
    row.text(member!("unit"), draft.unit);
    if draft.unit_id != draft.distinct_id {
        row.text(member!("unit_id"), draft.unit_id);
    }
    row.integer(member!("flag_version"), draft.flag_version);
    row.integer(member!("ruleset_version"), draft.ruleset_version);
    if let Some(version) = draft.assigned_version {
        row.integer(member!("assigned_version"), version);
    }
    row.text(member!("rule_id"), draft.rule_id);
    row.text(member!("experiment"), draft.experiment);
    row.text(member!("environment"), draft.environment);
    row.text(member!("source"), draft.source.as_str());
    row.text(member!("dedup"), stamp.dedup.as_str());
    row.attributes(draft.attributes, stamp);
    row.origin(stamp);
    if row.cut {
        row.raw(member!("truncated"), "true");
    }
    row.out.push('}');
    row.out
}

/// A link's line: `l` and its row.
pub fn write_link(link: &Link<'_>, stamp: &Stamp<'_>) -> String {
    let mut row = LineWriter { out: String::with_capacity(480), cut: false };
    row.recording("l{\"id\":", stamp);
    row.text(member!("anon_id"), link.anonymous_id);
    row.text(member!("distinct_id"), link.distinct_id);
    row.text(member!("device_id"), link.device_id);
    row.text(member!("session_id"), link.session_id);
    row.text(member!("environment"), link.environment);
    row.origin(stamp);
    row.out.push('}');
    row.out
}

struct LineWriter {
    out: String,
    cut: bool,
}

/// `member`: what [`member!`] gives for a name, or begins the row.
impl LineWriter {
    fn raw(&mut self, member: &str, json: &str) {
        self.out.push_str(member);
        self.out.push_str(json);
    }

    fn integer(&mut self, member: &str, number: u64) {
        self.out.push_str(member);
        push_integer(&mut self.out, number);
    }

    fn text(&mut self, member: &str, text: &str) {
        if !text.is_empty() {
            self.out.push_str(member);
            self.cut_text(text);
        }
    }

    /// The row's id, and when and where it was recorded.
    fn recording(&mut self, id: &str, stamp: &Stamp<'_>) {
        self.text(id, &stamp.id.to_text());
        self.integer(member!("ts_ms"), stamp.now.wall_ms as u64);
        self.integer(member!("mono_ms"), stamp.now.mono_ms as u64);
        self.integer(member!("seq"), stamp.seq.into());
        self.text(member!("instance_id"), stamp.instance_id);
    }

    /// What recorded the row.
    fn origin(&mut self, stamp: &Stamp<'_>) {
        self.text(member!("app_version"), stamp.app_version);
        self.text(member!("sdk"), concat!("pennon/", env!("CARGO_PKG_VERSION")));
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
                self.out.push_str(member!("attributes"));
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
