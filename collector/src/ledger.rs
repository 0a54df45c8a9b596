//! A client's ledger: how many rows it has numbered, dropped, refused and sent again since it began.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::store::{Ledger, LedgerEntry};
use crate::wire::MAX_ID_BYTES;

/// More entries than this are not read. A client lists at most some 50.
const MAX_ENTRIES: usize = 128;
/// The longest name of a counter or of a part of one, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// More ledgers than this are not read: a client passes on those of as many instances as it has rows of.
const MAX_LEDGERS: usize = 1000;
/// More entries than this, over all ledgers of a batch, are not read.
const MAX_BATCH_ENTRIES: usize = 8192;

/// The ledgers of a batch: that of the instance that sent it, then `others`, a list of ledgers that each name their
/// `instance_id`. A ledger of nobody, or beyond the limits, is left out.
pub fn of_batch(instance_id: Option<&str>, own: Option<&RawValue>, others: Option<&RawValue>) -> Vec<Ledger> {
    #[derive(Deserialize)]
    struct Named {
        instance_id: String,
    }
    let own = instance_id
        .filter(|instance_id| !instance_id.is_empty())
        .map(|instance_id| (instance_id.to_owned(), own.map(entries).unwrap_or_default()));
    let others: Vec<&RawValue> = others.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
    let others = others.into_iter().take(MAX_LEDGERS).filter_map(|ledger| {
        let Named { instance_id } = serde_json::from_str(ledger.get()).ok()?;
        (1..=MAX_ID_BYTES).contains(&instance_id.len()).then(|| (instance_id, entries(ledger)))
    });
    let mut room = MAX_BATCH_ENTRIES;
    own.into_iter()
        .chain(others)
        .map_while(|(instance_id, entries)| {
            room = room.checked_sub(entries.len())?;
            Some(Ledger { instance_id, entries })
        })
        .collect()
}

/// The counters of `ledger`. What is no counter is left out: a broken ledger costs no rows.
fn entries(ledger: &RawValue) -> Vec<LedgerEntry> {
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

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn a_batch_passes_on_ledgers_and_a_broken_one_costs_only_itself() {
        let others =
            raw(r#"[{"instance_id":"a","seq_max":3},{"seq_max":4},7,{"instance_id":""},{"instance_id":"\ud800"},
                {"instance_id":"b","seq_max":-1},{"instance_id":"c","dropped":{"trap":1}}]"#);
        let found: Vec<String> = of_batch(Some("own"), Some(&raw(r#"{"seq_max":9}"#)), Some(&others))
            .into_iter()
            .map(|ledger| {
                let entries =
                    ledger.entries.iter().map(|entry| format!(" {}{}={}", entry.counter, entry.part, entry.value));
                ledger.instance_id.clone() + &entries.collect::<String>()
            })
            .collect();
        assert_eq!(found, ["own seq_max=9", "a seq_max=3", "b", "c droppedtrap=1"]);
        assert_eq!(of_batch(None, None, Some(&raw("{}"))), []);
        assert_eq!(of_batch(Some(""), Some(&raw(r#"{"seq_max":9}"#)), None), []);
    }

    #[test]
    fn only_so_many_entries_of_a_batch_are_read() {
        let counters: String = (0..MAX_ENTRIES).map(|number| format!(",\"c{number}\":1")).collect();
        let list: Vec<String> = (0..200).map(|number| format!("{{\"instance_id\":\"i{number}\"{counters}}}")).collect();
        let read = of_batch(None, None, Some(&raw(&format!("[{}]", list.join(",")))));
        assert_eq!(read.iter().map(|ledger| ledger.entries.len()).sum::<usize>(), MAX_BATCH_ENTRIES);
        let list: Vec<String> = (0..5000).map(|number| format!("{{\"instance_id\":\"i{number}\"}}")).collect();
        assert_eq!(of_batch(None, None, Some(&raw(&format!("[{}]", list.join(","))))).len(), MAX_LEDGERS);
    }

    fn read(json: &str) -> Vec<(String, String, i64)> {
        entries(&raw(json)).into_iter().map(|entry| (entry.counter, entry.part, entry.value)).collect()
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
