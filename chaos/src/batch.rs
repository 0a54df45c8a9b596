//! A request's body: which rows it holds.

use serde_json::{Map, Value};

/// A batch, read as leniently as can be: what is missing is empty.
#[derive(Debug, Default)]
pub struct Batch {
    pub batch_id: String,
    pub attempt: u64,
    pub instance_id: String,
    pub rows: Vec<Row>,
    /// The ledger of each instance that the batch speaks for.
    pub ledgers: Vec<(String, Value)>,
}

/// An exposure or a link.
#[derive(Debug)]
pub struct Row {
    pub is_link: bool,
    pub id: String,
    pub seq: Option<u64>,
    /// Its own, or else the batch's.
    pub instance_id: String,
    pub flag_key: String,
    pub variant: String,
    pub distinct_id: String,
    /// As it was sent, with its fields in the order of their names.
    pub text: String,
}

impl Batch {
    /// # Errors
    /// A body that is not of the wire's shape: what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let Value::Object(fields) = serde_json::from_slice(body).map_err(|error| format!("body: {error}"))? else {
            return Err("body is no object, expected one".to_owned());
        };
        let instance_id = text_of(&fields, "instance_id");
        let mut rows = Vec::new();
        for name in ["exposures", "links"] {
            let found = match fields.get(name) {
                Some(Value::Array(found)) => found.as_slice(),
                None => &[],
                Some(_) => return Err(format!("{name} is no array, expected one")),
            };
            for (place, row) in found.iter().enumerate() {
                let Value::Object(row) = row else { return Err(format!("{name}[{place}] is no object, expected one")) };
                rows.push(Row::read(row, name == "links", &instance_id));
            }
        }
        if !fields.contains_key("exposures") && !fields.contains_key("links") {
            return Err("body has no array of exposures, expected `exposures`".to_owned());
        }
        let mut ledgers = Vec::new();
        if let Some(ledger) = fields.get("ledger") {
            ledgers.push((instance_id.clone(), ledger.clone()));
        }
        for ledger in fields.get("ledgers").and_then(Value::as_array).into_iter().flatten() {
            let Some(fields) = ledger.as_object() else { continue };
            ledgers.push((text_of(fields, "instance_id"), ledger.clone()));
        }
        let attempt = fields.get("attempt").and_then(Value::as_u64).unwrap_or_default();
        Ok(Self { batch_id: text_of(&fields, "batch_id"), attempt, instance_id, rows, ledgers })
    }
}

impl Row {
    fn read(row: &Map<String, Value>, is_link: bool, instance_id: &str) -> Self {
        let own = text_of(row, "instance_id");
        Self {
            is_link,
            id: text_of(row, "id"),
            seq: row.get("seq").and_then(Value::as_u64),
            instance_id: if own.is_empty() { instance_id.to_owned() } else { own },
            flag_key: text_of(row, "flag_key"),
            variant: text_of(row, "variant"),
            distinct_id: text_of(row, "distinct_id"),
            text: Value::Object(row.clone()).to_string(),
        }
    }
}

fn text_of(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
