//! The body of `POST /api/switch/exposures` as it is sent: read, and refused where it is malformed, row by row.

use std::fmt;

use pennon::engine::exposure::id::Dedup;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, de::Error as _};
use serde_json::value::RawValue;

use crate::json_text::tidy;
use crate::row_id::is_row_id;

/// The most rows in a batch: exposures, links and events together.
pub const MAX_ROWS: usize = 1000;
/// The longest row, in bytes as sent.
const MAX_ROW_BYTES: usize = 131_072;
/// How deeply a value may be nested. Clients stop at 32.
const MAX_DEPTH: usize = 64;
/// The longest value, in bytes of JSON without spaces.
const MAX_VALUE_BYTES: usize = 16_384;
/// The longest set of attributes, likewise. A client sends 16 names and texts of at most 256 bytes, and a control character
/// takes six bytes in JSON: 16 × 2 × 256 × 6, and what is around them.
const MAX_ATTRIBUTES_BYTES: usize = 57_344;
/// The longest id of a person, device, session and the like, in bytes.
pub const MAX_ID_BYTES: usize = 2048;
/// The longest other text, in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// The most attributes in a row.
const MAX_ATTRIBUTES: usize = 16;
/// The largest time, in milliseconds: that of a JavaScript `Date`.
const MAX_TIME_MS: f64 = 8.64e15;
/// The largest integer that JavaScript counts with.
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The body. `None`: absent or null.
#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    v: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    pub batch_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub instance_id: Option<String>,
    #[serde(default, deserialize_with = "time_ms")]
    pub sent_at_ms: Option<i64>,
    #[serde(default, deserialize_with = "time_ms")]
    pub sent_mono_ms: Option<i64>,
    #[serde(borrow)]
    pub ledger: Option<&'a RawValue>,
    /// Those of other instances, whose rows this client sends.
    #[serde(borrow)]
    pub ledgers: Option<&'a RawValue>,
    #[serde(borrow)]
    exposures: Option<Rows<'a>>,
    #[serde(borrow)]
    links: Option<Rows<'a>>,
    #[serde(borrow)]
    events: Option<Rows<'a>>,
}

/// A body that is refused as a whole.
#[derive(Debug, PartialEq, Eq)]
pub enum BatchError {
    Malformed(String),
    TooManyRows(usize),
}

impl<'a> Batch<'a> {
    /// # Errors
    /// A body that is not JSON, not of the wire's shape, of another version, or of too many rows.
    pub fn read(body: &'a [u8]) -> Result<Self, BatchError> {
        // serde would read an array as the fields in their order.
        if body.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
            return Err(BatchError::Malformed("body is an array, expected an object".to_owned()));
        }
        let batch: Self =
            serde_json::from_slice(body).map_err(|error| BatchError::Malformed(format!("body: {error}")))?;
        if let Some(version) = batch.v.filter(|version| *version != 1) {
            return Err(BatchError::Malformed(format!("v is {version}, expected 1")));
        }
        if batch.exposures.is_none() && batch.links.is_none() && batch.events.is_none() {
            return Err(BatchError::Malformed("body has no array of exposures, expected `exposures`".to_owned()));
        }
        let count = |rows: &Option<Rows<'_>>| rows.as_ref().map_or(0, |rows| rows.count);
        let rows = count(&batch.exposures) + count(&batch.links) + count(&batch.events);
        if rows > MAX_ROWS {
            return Err(BatchError::TooManyRows(rows));
        }
        Ok(batch)
    }

    /// The exposures, each read by itself.
    pub fn exposures(&self) -> impl Iterator<Item = Result<Row, RowError>> {
        self.exposures.iter().flat_map(|exposures| &exposures.rows).map(|row| read::<Row>(row)?.checked())
    }

    /// The links, likewise.
    pub fn links(&self) -> impl Iterator<Item = Result<Link, RowError>> {
        self.links.iter().flat_map(|links| &links.rows).map(|row| read::<Link>(row)?.checked())
    }

    /// How many events came. This release does not store them.
    pub fn events(&self) -> usize {
        self.events.as_ref().map_or(0, |rows| rows.count)
    }
}

/// An array of rows, unread. Those beyond [`MAX_ROWS`] are only counted.
#[derive(Debug)]
struct Rows<'a> {
    rows: Vec<&'a RawValue>,
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowsVisitor;
        impl<'de> Visitor<'de> for RowsVisitor {
            type Value = Rows<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while rows.len() < MAX_ROWS {
                    let Some(row) = sequence.next_element()? else { break };
                    rows.push(row);
                }
                let mut count = rows.len();
                while count >= MAX_ROWS && sequence.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Rows { rows, count })
            }
        }
        deserializer.deserialize_seq(RowsVisitor)
    }
}

/// An exposure as sent; design of the wire in `README.md`. Absent and null are the same, but for `value`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    pub id: Option<String>,
    pub flag_key: Option<String>,
    /// JSON, tidied.
    #[serde(deserialize_with = "raw")]
    pub value: Option<Box<RawValue>>,
    pub variant: Option<String>,
    pub reason: Option<String>,
    pub session_id: Option<String>,
    pub distinct_id: Option<String>,
    #[serde(deserialize_with = "time_ms")]
    pub ts_ms: Option<i64>,
    #[serde(deserialize_with = "time_ms")]
    pub mono_ms: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub seq: Option<i64>,
    pub instance_id: Option<String>,
    pub anon_id: Option<String>,
    pub device_id: Option<String>,
    pub unit: Option<String>,
    pub unit_id: Option<String>,
    #[serde(deserialize_with = "integer")]
    pub flag_version: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub ruleset_version: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub assigned_version: Option<i64>,
    pub rule_id: Option<String>,
    pub experiment: Option<String>,
    pub environment: Option<String>,
    pub source: Option<String>,
    pub dedup: Option<Dedup>,
    /// A JSON object of scalars, tidied.
    pub attributes: Option<Box<RawValue>>,
    pub app_version: Option<String>,
    pub platform: Option<String>,
    pub sdk: Option<String>,
    pub truncated: Option<bool>,
}

/// Why a row is refused: a name to count it under, and what was found and expected.
#[derive(Debug, PartialEq, Eq)]
pub struct RowError {
    pub code: &'static str,
    pub message: String,
}

fn refused(code: &'static str, message: impl Into<String>) -> RowError {
    RowError { code, message: message.into() }
}

/// A row as it is sent, not yet checked.
fn read<T: DeserializeOwned>(json: &RawValue) -> Result<T, RowError> {
    let length = json.get().len();
    if length > MAX_ROW_BYTES {
        return Err(refused("too_long", format!("row has {length} bytes, expected at most {MAX_ROW_BYTES}")));
    }
    // serde would read an array as the fields in their order.
    if !json.get().starts_with('{') {
        return Err(refused("malformed", "row is no object, expected one"));
    }
    let tidy = tidy(json.get());
    if tidy.depth > MAX_DEPTH {
        let message = format!("row is nested {} deep, expected at most {MAX_DEPTH}", tidy.depth);
        return Err(refused("too_deep", message));
    }
    // Twice, because a value is kept as text: the first finds what is JSON only by its look, such as 1e400.
    serde_json::from_str::<serde_json::Value>(&tidy.text)
        .and_then(|_| serde_json::from_str::<T>(&tidy.text))
        .map_err(|error| refused("malformed", error.to_string()))
}

fn check_present(texts: &[(&str, &Option<String>)]) -> Result<(), RowError> {
    match texts.iter().find(|(_, text)| text.as_deref().unwrap_or_default().is_empty()) {
        Some((name, _)) => Err(refused("missing", format!("{name} is missing or empty, expected a text"))),
        None => Ok(()),
    }
}

fn check_id(id: &Option<String>) -> Result<(), RowError> {
    match id.as_deref().filter(|id| !is_row_id(id)) {
        Some(id) => Err(refused("bad_id", format!("id is {id:?}, expected 22 characters of base64url"))),
        None => Ok(()),
    }
}

/// Names, lengths and the most that each may have, in bytes.
fn check_lengths(lengths: &[(&str, usize, usize)]) -> Result<(), RowError> {
    match lengths.iter().find(|(_, bytes, most)| bytes > most) {
        Some((name, bytes, most)) => {
            Err(refused("too_long", format!("{name} has {bytes} bytes, expected at most {most}")))
        }
        None => Ok(()),
    }
}

fn bytes_of(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

impl Row {
    fn checked(self) -> Result<Self, RowError> {
        // Any text is a flag's key, also an empty one.
        if self.flag_key.is_none() {
            return Err(refused("missing", "flag_key is missing, expected a text".to_owned()));
        }
        check_present(&[("distinct_id", &self.distinct_id)])?;
        check_id(&self.id)?;
        self.check_lengths()?;
        self.check_attributes()?;
        Ok(self)
    }

    fn check_lengths(&self) -> Result<(), RowError> {
        let json_text = |json: &Option<Box<RawValue>>| json.as_ref().map_or(0, |json| json.get().len());
        check_lengths(&[
            ("flag_key", bytes_of(&self.flag_key), MAX_TEXT_BYTES),
            ("value", json_text(&self.value), MAX_VALUE_BYTES),
            ("variant", bytes_of(&self.variant), MAX_TEXT_BYTES),
            ("reason", bytes_of(&self.reason), MAX_TEXT_BYTES),
            ("session_id", bytes_of(&self.session_id), MAX_ID_BYTES),
            ("distinct_id", bytes_of(&self.distinct_id), MAX_ID_BYTES),
            ("instance_id", bytes_of(&self.instance_id), MAX_ID_BYTES),
            ("anon_id", bytes_of(&self.anon_id), MAX_ID_BYTES),
            ("device_id", bytes_of(&self.device_id), MAX_ID_BYTES),
            ("unit", bytes_of(&self.unit), MAX_TEXT_BYTES),
            ("unit_id", bytes_of(&self.unit_id), MAX_ID_BYTES),
            ("rule_id", bytes_of(&self.rule_id), MAX_TEXT_BYTES),
            ("experiment", bytes_of(&self.experiment), MAX_TEXT_BYTES),
            ("environment", bytes_of(&self.environment), MAX_TEXT_BYTES),
            ("source", bytes_of(&self.source), MAX_TEXT_BYTES),
            ("attributes", json_text(&self.attributes), MAX_ATTRIBUTES_BYTES),
            ("app_version", bytes_of(&self.app_version), MAX_TEXT_BYTES),
            ("platform", bytes_of(&self.platform), MAX_TEXT_BYTES),
            ("sdk", bytes_of(&self.sdk), MAX_TEXT_BYTES),
        ])
    }

    fn check_attributes(&self) -> Result<(), RowError> {
        let Some(attributes) = &self.attributes else { return Ok(()) };
        let Ok(serde_json::Value::Object(found)) = serde_json::from_str(attributes.get()) else {
            return Err(refused("malformed", "attributes is no object, expected one"));
        };
        if found.len() > MAX_ATTRIBUTES {
            let message = format!("attributes has {} members, expected at most {MAX_ATTRIBUTES}", found.len());
            return Err(refused("too_long", message));
        }
        match found.iter().find(|(_, value)| value.is_object() || value.is_array()) {
            Some((name, _)) => {
                Err(refused("malformed", format!("attributes.{} is no scalar, expected one", name.escape_debug())))
            }
            None => Ok(()),
        }
    }
}

/// A link as sent: an anonymous id and a distinct id are one person. Absent and null are the same.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Link {
    pub id: Option<String>,
    pub anon_id: Option<String>,
    pub distinct_id: Option<String>,
    pub device_id: Option<String>,
    pub session_id: Option<String>,
    #[serde(deserialize_with = "time_ms")]
    pub ts_ms: Option<i64>,
    #[serde(deserialize_with = "time_ms")]
    pub mono_ms: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub seq: Option<i64>,
    pub instance_id: Option<String>,
    pub environment: Option<String>,
    pub app_version: Option<String>,
    pub platform: Option<String>,
    pub sdk: Option<String>,
}

impl Link {
    fn checked(self) -> Result<Self, RowError> {
        check_present(&[("anon_id", &self.anon_id), ("distinct_id", &self.distinct_id)])?;
        check_id(&self.id)?;
        check_lengths(&[
            ("anon_id", bytes_of(&self.anon_id), MAX_ID_BYTES),
            ("distinct_id", bytes_of(&self.distinct_id), MAX_ID_BYTES),
            ("device_id", bytes_of(&self.device_id), MAX_ID_BYTES),
            ("session_id", bytes_of(&self.session_id), MAX_ID_BYTES),
            ("instance_id", bytes_of(&self.instance_id), MAX_ID_BYTES),
            ("environment", bytes_of(&self.environment), MAX_TEXT_BYTES),
            ("app_version", bytes_of(&self.app_version), MAX_TEXT_BYTES),
            ("platform", bytes_of(&self.platform), MAX_TEXT_BYTES),
            ("sdk", bytes_of(&self.sdk), MAX_TEXT_BYTES),
        ])?;
        Ok(self)
    }
}

/// Any JSON, null too.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// A text that is not too long for an id.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if text.len() > MAX_ID_BYTES {
        return Err(D::Error::custom(format!("text of {} bytes, expected at most {MAX_ID_BYTES}", text.len())));
    }
    Ok(Some(text))
}

/// A time or a duration in milliseconds, to the nearest whole one.
fn time_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    if !(0.0..=MAX_TIME_MS).contains(&number) {
        return Err(D::Error::custom(format!("number {number}, expected milliseconds, 0 to {MAX_TIME_MS:e}")));
    }
    Ok(Some(number.round() as i64))
}

/// A whole number that JavaScript can count to.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<i64>::deserialize(deserializer)? else { return Ok(None) };
    if !(0..=MAX_INTEGER).contains(&number) {
        return Err(D::Error::custom(format!("number {number}, expected a whole one, 0 to {MAX_INTEGER}")));
    }
    Ok(Some(number))
}
