use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::harness::{Site, id, row};

fn timed(number: u64, ts_ms: u64, instance_id: &str) -> Value {
    let mut row = row("u1");
    row["id"] = id(number).into();
    row["ts_ms"] = ts_ms.into();
    row["instance_id"] = instance_id.into();
    row
}

/// The stored rows by id, without what tells of their receipt.
fn table(site: &Site) -> Vec<Value> {
    let mut rows = site.rows(&[]);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.remove("row");
        row.remove("received_at_ms");
    }
    rows.sort_by_key(|row| row["id"].to_string());
    rows
}

#[test]
fn the_earliest_of_equal_rows_is_kept_in_whatever_order_they_come() {
    let rows = [
        timed(1, 1_700_000_005_000, "late"),
        timed(1, 1_700_000_001_000, "early"),
        timed(1, 1_700_000_003_000, "middle"),
        timed(2, 1_700_000_009_000, "other"),
    ];
    let mut tables = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let site = Site::new();
        let collector = site.start();
        for place in order {
            collector.send_rows(&rows[place..=place]).assert_stored();
            collector.send_rows(&rows[place..=place]).assert_stored();
        }
        assert_eq!(collector.counts(), json!({ "batches": 8, "rows_stored": 2, "rows_duplicate": 6 }));
        tables.push(table(&site));
    }
    assert_eq!(tables[0][0]["instance_id"], "early");
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
}

#[test]
fn equal_rows_in_one_batch_are_one_row() {
    let site = Site::new();
    let collector = site.start();
    let rows = [timed(1, 1_700_000_005_000, "late"), timed(1, 1_700_000_001_000, "early")];
    collector.send_rows(&rows).assert_stored();
    let [stored] = site.rows(&[]).try_into().unwrap();
    assert_eq!(stored["instance_id"], "early");
}

#[test]
fn earliest_is_judged_by_the_corrected_time() {
    let site = Site::new();
    let collector = site.start();
    // Recorded a minute before it was sent, on a clock that is years ahead; then one recorded just now on a slow clock.
    let send = |row: Value, sent_at_ms: u64| {
        collector.send(&json!({ "sent_at_ms": sent_at_ms, "exposures": [row] })).assert_stored()
    };
    send(timed(1, 1_600_000_000_000, "now, slow clock"), 1_600_000_000_000);
    send(timed(1, 1_990_000_000_000, "a minute ago, fast clock"), 1_990_000_060_000);
    let [stored] = site.rows(&[]).try_into().unwrap();
    assert_eq!(stored["instance_id"], "a minute ago, fast clock");
    assert_eq!(stored["clock"], "wall");
}

#[test]
fn a_row_without_an_id_gets_the_one_that_the_client_would_make() {
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/spec/exposure_id.json")).unwrap();
    let site = Site::new();
    let collector = site.start();
    let mut expected = Vec::new();
    for vector in vectors["vectors"].as_array().unwrap() {
        let fields = &vector["fields"];
        let text = |name: &str| match &fields[name] {
            Value::String(text) => text.clone(),
            long => long["repeat"].as_str().unwrap().repeat(long["times"].as_u64().unwrap() as usize),
        };
        let (scope, dedup, value) = (text("scopeId"), text("dedup"), text("valueText"));
        if serde_json::from_str::<&RawValue>(&value).is_err() {
            continue;
        }
        let source = if fields["decided"] == true { "handshake" } else { "call" };
        let (instance_id, seq) = if dedup == "none" { scope.rsplit_once('/').unwrap() } else { ("", "0") };
        let row = json!({
            "environment": text("environment"), "dedup": dedup, "session_id": scope, "instance_id": instance_id,
            "seq": seq.parse::<u64>().unwrap(), "unit_id": text("unitId"), "distinct_id": text("distinctId"),
            "flag_key": text("flagKey"), "flag_version": fields["flagVersion"], "variant": text("variant"),
            "reason": text("reason"), "experiment": text("experiment"), "value": "VALUE",
            "source": source,
        });
        let body = json!({ "exposures": [row] }).to_string().replace("\"VALUE\"", &value);
        let answer = collector.send_text(&body);
        assert_eq!(answer.status, 204, "{}", answer.body);
        // Some vectors have fields that no row may have, such as an empty flag key.
        if answer.header("x-pennon-refused").is_none() {
            expected.push(vector["id"].as_str().unwrap());
        }
    }
    assert!(expected.len() >= 100, "only {} of the vectors are rows", expected.len());
    let stored = site.rows(&[]);
    let mut found: Vec<&str> = stored.iter().map(|row| row["id"].as_str().unwrap()).collect();
    found.sort_unstable();
    expected.sort_unstable();
    // Two vectors may be of equal fields.
    expected.dedup();
    assert_eq!(found, expected);
}

#[test]
fn a_decided_row_is_another_than_a_seen_one() {
    let site = Site::new();
    let collector = site.start();
    let from = |source: &str| {
        let mut row = row("u1");
        row["source"] = source.into();
        row
    };
    collector.send_rows(&[from("call"), from("manual"), from("handshake")]).assert_stored();
    assert_eq!(site.rows(&[]).len(), 2);
}
