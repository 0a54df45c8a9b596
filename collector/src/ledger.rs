//! A client's ledger: how many rows it has numbered, dropped, refused and sent again since it began.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::store::LedgerEntry;

/// More entries than this are not read. A client lists at most some 50.
const MAX_ENTRIES: usize = 128;
/// The longest name of a counter or of a part of one, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// The counters of `ledger`. What is no counter is left out: a broken ledger costs no rows.
pub fn entries(ledger: &RawValue) -> Vec<LedgerEntry> {
    let Ok(Value::Object(counters)) = serde_json::from_str(ledger.get()) else { return Vec::new() };
    let mut entries = Vec::new();
    for (counter, value) in counters {
        if let Value::Object(parts) = value {
            entries.extend(parts.into_iter().filter_map(|(part, value)| entry(counter.clone(), part, &value)));
        } else {
            entries.extend(entry(counter, String::new(), &value));
        }
    }
    entries.truncate(MAX_ENTRIES);
    entries
}

fn entry(counter: String, part: String, value: &Value) -> Option<LedgerEntry> {
    let value = value.as_u64().and_then(|value| i64::try_from(value).ok())?;
    (counter.len() <= MAX_NAME_BYTES && part.len() <= MAX_NAME_BYTES).then_some(LedgerEntry { counter, part, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, String, i64)> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        entries(&raw).into_iter().map(|entry| (entry.counter, entry.part, entry.value)).collect()
    }

    #[test]
    fn numbers_and_parts_are_counters() {
        let found = read(r#"{"seq_max":7,"dropped":{"ring_full":2},"dropped_by":{"checkout/a":1,"":0},"refused":0}"#);
        let expected = [
            ("dropped", "ring_full", 2),
            ("dropped_by", "", 0),
            ("dropped_by", "checkout/a", 1),
            ("refused", "", 0),
            ("seq_max", "", 7),
        ];
        assert_eq!(found, expected.map(|(counter, part, value)| (counter.to_owned(), part.to_owned(), value)));
    }

    #[test]
    fn what_is_no_counter_is_left_out() {
        assert_eq!(read(r#"{"a":-1,"b":1.5,"c":"2","d":null,"e":[1],"f":{"g":{"h":1}},"i":18446744073709551615}"#), []);
        assert_eq!(read("[1]"), []);
        assert_eq!(read("{\"a\":1e400}"), []);
        let many: String = (0..1000).map(|number| format!(",\"c{number}\":1")).collect();
        assert_eq!(read(&format!("{{{}}}", many.get(1..).unwrap())).len(), MAX_ENTRIES);
    }
}
