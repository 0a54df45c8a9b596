//! Links: an anonymous id and a distinct id are one person.

use serde_json::{Value, json};

use crate::harness::{Collector, Site, id};

fn link(anonymous: &str, person: &str) -> Value {
    json!({ "anon_id": anonymous, "distinct_id": person })
}

fn send(collector: &Collector, links: &[Value]) {
    collector.send(&json!({ "v": 1, "links": links })).assert_stored();
}

/// The smallest row of a flag, of somebody who saw it or, by the source "handshake", for whom it was only decided.
fn exposure(person: &str, source: &str) -> Value {
    json!({
        "flag_key": "checkout", "distinct_id": person, "variant": "a", "reason": "SPLIT", "source": source,
        "ts_ms": 1_700_000_000_000_u64,
    })
}

#[test]
fn every_field_of_a_link_is_stored_as_it_was_sent() {
    let site = Site::new();
    let collector = site.start();
    let sent = json!({
        "id": id(1), "anon_id": "a1", "distinct_id": "u1", "device_id": "d1", "session_id": "s1",
        "ts_ms": 1_790_000_000_000_u64, "mono_ms": 50_000, "seq": 3, "instance_id": "i1", "environment": "production",
        "app_version": "2.4.1", "platform": "web", "sdk": "pennon/0.1.0",
    });
    let batch = json!({
        "v": 1, "batch_id": "b1", "instance_id": "i1", "sent_at_ms": 1_790_000_007_000_u64, "sent_mono_ms": 57_000,
        "exposures": [], "links": [sent],
    });
    collector.send(&batch).assert_stored();
    let [stored] = site.links().try_into().unwrap();
    let received_at_ms = stored["received_at_ms"].as_i64().unwrap();
    let mut expected = sent;
    for (name, value) in [
        ("row", json!(1)),
        ("batch_id", json!("b1")),
        ("sent_at_ms", json!(1_790_000_007_000_u64)),
        ("sent_mono_ms", json!(57_000)),
        ("received_at_ms", json!(received_at_ms)),
        ("corrected_ts_ms", json!(received_at_ms - 7000)),
        ("clock", json!("monotonic")),
    ] {
        expected[name] = value;
    }
    assert_eq!(stored, expected);
    assert_eq!(site.rows(&[]).len(), 0);
    assert_eq!(collector.counts(), json!({ "batches": 1, "links_stored": 1 }));
    let sql = site.sql();
    let arrived = "SELECT count(*) FROM arrivals JOIN instances USING (instance) WHERE instance_id = 'i1' AND seq = 3";
    assert_eq!(sql.query_row(arrived, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "its number is one of the ledger's");
}

#[test]
fn the_earliest_of_equal_links_is_kept_in_whatever_order_they_come() {
    let timed = |ts_ms: u64, instance: &str| {
        let mut link = link("a1", "u1");
        link["ts_ms"] = ts_ms.into();
        link["instance_id"] = instance.into();
        link
    };
    let links =
        [timed(1_700_000_005_000, "late"), timed(1_700_000_001_000, "early"), timed(1_700_000_003_000, "middle")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let site = Site::new();
        let collector = site.start();
        for place in order {
            send(&collector, &links[place..=place]);
        }
        let [stored] = site.links().try_into().unwrap();
        assert_eq!(stored["instance_id"], "early");
        assert_eq!(collector.counts(), json!({ "batches": 3, "links_stored": 1, "links_duplicate": 2 }));
    }
}

#[test]
fn a_link_without_an_id_gets_the_one_a_client_would_have_made() {
    let site = Site::new();
    let collector = site.start();
    // Of the vectors in tests/spec/link_id.json.
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/spec/link_id.json")).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap().iter().filter(|vector| {
        let is_id = |name: &str| vector[name].as_str().is_some_and(|text| !text.is_empty());
        is_id("anonymousId") && is_id("distinctId")
    });
    let vectors: Vec<&Value> = vectors.collect();
    assert!(vectors.len() > 100);
    let links: Vec<Value> = vectors
        .iter()
        .map(|vector| link(vector["anonymousId"].as_str().unwrap(), vector["distinctId"].as_str().unwrap()))
        .collect();
    send(&collector, &links);
    let stored: Vec<Value> = site.links().iter().map(|link| link["id"].clone()).collect();
    assert_eq!(stored, vectors.iter().map(|vector| vector["id"].clone()).collect::<Vec<_>>());
}

#[test]
fn a_malformed_link_is_refused_by_itself() {
    let site = Site::new();
    let collector = site.start();
    let long = "x".repeat(3000);
    let links = json!([
        link("a1", "u1"),
        7,
        { "anon_id": "a1" },
        { "distinct_id": "u1" },
        { "anon_id": "", "distinct_id": "u1" },
        { "anon_id": "a1", "distinct_id": 5 },
        { "anon_id": "a1", "distinct_id": "u1", "id": "short" },
        { "anon_id": long, "distinct_id": "u1" },
        { "anon_id": "a2", "distinct_id": "u2", "device_id": long },
        { "anon_id": "a1", "distinct_id": "u1", "seq": -1 },
        link("a2", "u2"),
    ]);
    let answer = collector.send(&json!({ "exposures": [{ "flag_key": "f", "distinct_id": "u" }], "links": links }));
    assert_eq!((answer.status, answer.header("x-pennon-refused")), (204, Some("9")));
    assert_eq!(site.links().len(), 2);
    assert_eq!(
        collector.counts(),
        json!({
            "batches": 1, "rows_stored": 1, "links_stored": 2, "links_refused_malformed": 3, "links_refused_missing": 3,
            "links_refused_bad_id": 1, "links_refused_too_long": 2,
        })
    );
    let expected = "pennon-collector: refused 9 of 12 rows, first: links[1]: row is no object, expected one\n";
    assert_eq!(site.stderr(), expected);
}

#[test]
fn a_report_says_how_many_people_are_counted_twice() {
    let site = Site::new();
    let collector = site.start();
    let seen = |person: &str| exposure(person, "call");
    collector.send_rows(&[seen("a1"), seen("ann"), seen("a2"), seen("bob"), seen("a3"), seen("eve")]).assert_stored();
    collector.send_rows(&[exposure("a4", "handshake"), exposure("joe", "handshake")]).assert_stored();
    send(
        &collector,
        &[
            link("a1", "ann"),
            link("a2", "bob"),
            link("a2", "eve"),    // Two people on one device: still one of them is counted twice.
            link("a3", "nobody"), // Did not see the flag.
            link("a9", "ann"),
            link("a4", "joe"), // Neither did these.
            link("eve", "eve"),
        ],
    );
    let report = collector.get("/api/report/checkout").json();
    assert_eq!((&report["people"], &report["links"]), (&json!(6), &json!(2)));
    assert_eq!(collector.get("/api/report/other").json()["links"], 0);
}

#[test]
fn a_report_tells_targeted_people_from_those_who_saw_it() {
    let site = Site::new();
    let collector = site.start();
    let row = |person: &str, variant: &str, source: &str| {
        let mut row = exposure(person, source);
        row["variant"] = variant.into();
        row
    };
    let rows = [
        row("u1", "a", "handshake"),
        row("u1", "a", "call"),
        row("u1", "a", "manual"),
        row("u2", "a", "handshake"),
        row("u3", "b", "handshake"),
        row("u4", "b", "call"),
    ];
    collector.send_rows(&rows).assert_stored();
    // Without an id, what was seen is one row whoever reports it, and what was decided is another.
    assert_eq!(site.rows(&[]).len(), 5);
    let report = collector.get("/api/report/checkout").json();
    assert_eq!((&report["rows"], &report["people"], &report["targeted"]), (&json!(2), &json!(2), &json!(3)));
    assert_eq!(
        report["variants"],
        json!([
            { "variant": "a", "reason": "SPLIT", "rows": 1, "people": 1, "targeted": 2 },
            { "variant": "b", "reason": "SPLIT", "rows": 1, "people": 1, "targeted": 1 },
        ])
    );
    assert_eq!(report["days"][0]["targeted"], 2);
}

#[test]
fn a_file_of_the_first_release_takes_links() {
    let site = Site::new();
    let sql = site.sql();
    sql.execute_batch(include_str!("../../src/schema/1.sql")).unwrap();
    sql.execute_batch("PRAGMA application_id = 0x70656E6E; PRAGMA user_version = 1").unwrap();
    drop(sql);
    assert_eq!(site.links().len(), 0, "also before a collector has opened it");
    let collector = site.start();
    send(&collector, &[link("a1", "u1")]);
    assert_eq!(site.links().len(), 1);
    drop(collector);
    let collector = site.start();
    assert_eq!(collector.get("/api/report/checkout").json()["links"], 0);
}
