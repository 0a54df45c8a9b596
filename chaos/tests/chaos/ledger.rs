use serde_json::{Value, json};

use crate::harness::{Chaos, batch, read, row};

#[test]
fn first_and_repeated_arrivals_are_counted_by_id() {
    let chaos = Chaos::with(&json!([{ "status": 500 }, {}]));
    chaos.post(&batch("i", &[1]));
    chaos.post(&batch("i", &[1, 2]));
    chaos.post(&batch("i", &[1]));
    // Another instance saw what i-2 is about: the same id under another number.
    let mut other = batch("j", &[5]);
    other["exposures"][0]["id"] = "i-2".into();
    chaos.post(&other);
    let ledger = chaos.ledger();
    let of = |id: &str, name: &str| ledger["ids"][id][name].clone();
    assert_eq!((of("i-1", "count"), of("i-1", "came")), (json!(2), json!(3)));
    assert_eq!((of("i-2", "count"), of("i-2", "came"), of("i-2", "instance_id")), (json!(2), json!(2), json!("i")));
    let expected = json!({ "flag_key": "checkout", "variant": "a", "distinct_id": "u1", "seq": 1, "is_link": false });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(of("i-1", name), *value, "{name}");
    }
    assert!(of("i-1", "first_ms").as_f64() < of("i-1", "last_ms").as_f64());
    let total = |name: &str| ledger[name].clone();
    assert_eq!(
        (total("batches"), total("rows"), total("duplicates"), total("resends")),
        (3.into(), 4.into(), 2.into(), 1.into())
    );
    assert_eq!((total("not_kept"), total("changed_rows")), (json!({}), json!([])));
}

#[test]
fn links_are_rows_too() {
    let chaos = Chaos::start(&[]);
    let mut sent = batch("i", &[1]);
    sent["links"] = json!([{ "id": "link", "seq": 2, "anon_id": "anon", "distinct_id": "u1" }]);
    chaos.post(&sent);
    let ledger = chaos.ledger();
    assert_eq!(ledger["requests"][0]["ids"], json!(["i-1", "link"]));
    let link = &ledger["ids"]["link"];
    // Its instance is the batch's, when it names none.
    assert_eq!((&link["is_link"], &link["instance_id"]), (&json!(true), &json!("i")));
    assert_eq!(ledger["instances"]["i"]["received"], 2);
}

#[test]
fn a_gap_in_the_numbers_of_an_instance_is_seen() {
    let chaos = Chaos::start(&[]);
    let mut sent = batch("i", &[2, 3, 6]);
    sent["ledger"] = json!({ "seq_max": 9, "dropped": { "ring_full": 2, "expired": 1 }, "refused": 4 });
    chaos.post(&sent);
    chaos.post(&batch("whole", &[1, 2]));
    let ledger = chaos.ledger();
    let instance = &ledger["instances"]["i"];
    assert_eq!(instance["gaps"], json!([[1, 1], [4, 5], [7, 9]]));
    let figures = ["seq_max", "received", "dropped", "lost"].map(|name| instance[name].as_i64().unwrap());
    assert_eq!(figures, [9, 3, 3, 3]);
    assert_eq!(instance["ledger"]["refused"], 4);
    assert_eq!((&ledger["instances"]["whole"]["gaps"], &ledger["instances"]["whole"]["lost"]), (&json!([]), &json!(0)));
}

#[test]
fn the_ledger_of_a_dead_instance_is_taken_from_who_speaks_for_it() {
    let chaos = Chaos::with(&json!([{ "status": 503 }]));
    let mut sent = batch("heir", &[1]);
    sent["exposures"] = json!([row("dead-4", "dead", 4)]);
    sent["ledgers"] = json!([{ "instance_id": "dead", "seq_max": 5, "dropped": { "trap": 1 } }]);
    chaos.post(&sent);
    // Also from a batch that was not kept.
    let ledger = chaos.ledger();
    assert_eq!(ledger["instances"]["dead"]["lost"], 4);
    assert_eq!(ledger["instances"]["heir"]["seq_max"], 1);
}

#[test]
fn a_row_that_changes_between_two_attempts_is_reported() {
    let chaos = Chaos::with(&json!([{ "status": 500 }, {}]));
    chaos.post(&batch("i", &[1]));
    let mut changed = batch("i", &[1]);
    changed["exposures"][0]["variant"] = "b".into();
    chaos.post(&changed);
    let ledger = chaos.ledger();
    let [found] = ledger["changed_rows"].as_array().unwrap().as_slice() else { panic!("{ledger}") };
    assert_eq!((&found["instance_id"], &found["seq"]), (&json!("i"), &json!(1)));
    let variant = |name: &str| serde_json::from_str::<Value>(found[name].as_str().unwrap()).unwrap()["variant"].clone();
    assert_eq!((variant("before"), variant("after")), (json!("a"), json!("b")));
}

#[test]
fn requests_that_overlap_are_seen_and_those_in_a_row_are_not() {
    let chaos = Chaos::start(&[]);
    for seq in 1..=20 {
        chaos.post(&batch("i", &[seq]));
    }
    assert_eq!(chaos.ledger()["max_concurrent"], 1);
    chaos.script(&json!([{ "delayMs": 1500 }]));
    let mut streams: Vec<_> = (21..=23).map(|seq| chaos.begin_post(&batch("i", &[seq]))).collect();
    streams.iter_mut().for_each(|stream| assert_eq!(read(stream).status(), 204));
    assert_eq!(chaos.ledger()["max_concurrent"], 3);
}

#[test]
fn what_is_begun_after_a_request_was_given_up_does_not_overlap_it() {
    let chaos = Chaos::with(&json!([{ "blackhole": true, "repeat": 5 }, {}]));
    for seq in 1..=5 {
        let stream = chaos.begin_post(&batch("i", &[seq]));
        chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() as u64 == seq);
        drop(stream);
    }
    chaos.post(&batch("i", &[6]));
    let ledger = chaos.ledger_when(|ledger| ledger["requests"][4]["outcome"] == "given_up");
    assert_eq!(ledger["max_concurrent"], 1);
}

#[test]
fn a_request_is_listed_with_what_it_said_and_when() {
    let chaos = Chaos::start(&[]);
    chaos.post(&batch("i", &[1]));
    let request = chaos.ledger()["requests"][0].clone();
    let expected = json!({
        "query": "key=1", "origin": "http://page.test", "content_type": "text/plain;charset=UTF-8", "batch_id": "b-i",
        "attempt": 1, "instance_id": "i", "ids": ["i-1"], "error": null, "body_bytes": batch("i", &[1]).to_string().len(),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(request[name], *value, "{name}");
    }
    assert!(request["at_ms"].as_f64().unwrap() > 1.7e12);
    assert!(request["answered_ms"].as_f64() > request["at_ms"].as_f64());
}

#[test]
fn rows_without_an_id_are_counted_apart() {
    let chaos = Chaos::start(&[]);
    let mut sent = batch("i", &[1, 2]);
    sent["exposures"][0].as_object_mut().unwrap().remove("id");
    chaos.post(&sent);
    let ledger = chaos.ledger();
    assert_eq!((&ledger["rows_without_id"], &ledger["rows"]), (&json!(1), &json!(1)));
}

#[test]
fn totals_count_what_the_ledger_lists() {
    let chaos = Chaos::with(&json!([{ "status": 500 }, {}, {}, { "blackhole": true }]));
    chaos.post(&batch("lost", &[3]));
    chaos.post(&batch("i", &[1, 2]));
    chaos.post(&batch("i", &[2, 4]));
    let _waiting = chaos.begin_post(&batch("i", &[5]));
    chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() == 4);
    let totals: Value = serde_json::from_str(chaos.control("GET", "/totals", "").body()).unwrap();
    let expected = json!({
        "ids": 3, "not_kept": 1, "batches": 2, "rows": 4, "duplicates": 1, "resends": 1, "changed_rows": 0, "requests": 4,
        "waiting": 1, "max_concurrent": 1, "options": 0, "instances": 2, "lost": 4,
    });
    assert_eq!(totals, expected);
}
