use serde_json::{Value, json};

use crate::harness::{Site, gzip, id, row};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_field_is_stored_as_it_was_sent() {
    let site = Site::new();
    let collector = site.start();
    let sent = json!({
        "id": id(1), "flag_key": "new_checkout", "value": { "layout": "one-page", "steps": [1, 2.5, null] },
        "variant": "treatment_b", "reason": "SPLIT", "session_id": "0190-session", "distinct_id": "u1",
        "ts_ms": 1_790_000_000_000_u64, "mono_ms": 50_000, "seq": 3, "instance_id": "i1", "anon_id": "a1", "device_id": "d1",
        "unit": "organizationId", "unit_id": "org-9", "flag_version": 7, "ruleset_version": 42, "assigned_version": 2,
        "rule_id": "everyone", "experiment": "checkout-2026-q4", "environment": "production", "source": "call",
        "dedup": "session", "attributes": { "plan": "pro", "seats": 3, "trial": false, "team": null },
        "app_version": "2.4.1", "platform": "web", "sdk": "pennon/0.1.0", "truncated": true,
    });
    let batch = json!({
        "v": 1, "key": "pk_1", "batch_id": "b1", "attempt": 1, "instance_id": "i1",
        "sent_at_ms": 1_790_000_007_000_u64, "sent_mono_ms": 57_000, "exposures": [sent], "links": [], "events": [],
    });
    let user_agent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
    let content_type = ("content-type", "text/plain;charset=UTF-8");
    collector.post(batch.to_string().as_bytes(), &[content_type, ("user-agent", user_agent)]).assert_stored();

    let [stored] = site.rows(&[]).try_into().unwrap();
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
        ("browser", json!("Chrome")),
        ("os", json!("Linux")),
    ] {
        expected[name] = value;
    }
    assert_eq!(stored, expected);
}

#[test]
fn a_value_keeps_its_text() {
    let site = Site::new();
    let collector = site.start();
    let values = [
        "null",
        "true",
        "1.0",
        "1e21",
        "12345678901234567890123",
        "\"\\u0000\\u2028</script> é😀\"",
        "{\"b\":1,\"a\":[{}]}",
    ];
    for value in values {
        let body = format!("{{\"exposures\":[{{\"flag_key\":\"f\",\"distinct_id\":\"u\",\"value\": {value}}}]}}");
        collector.send_text(&body).assert_stored();
    }
    let sql = site.sql();
    let mut statement = sql.prepare("SELECT value FROM exposures ORDER BY row").unwrap();
    let stored: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(stored, values);
    assert!(collector.get("/api/exposures").body.contains("\"value\":12345678901234567890123"));
}

#[test]
fn another_client_s_rows_need_only_a_flag_and_a_person() {
    let site = Site::new();
    let collector = site.start();
    let body = json!({ "exposures": [{
        "flag_key": "new_checkout", "distinct_id": "user_123", "anon_id": "anon_a3b9ff", "value": true, "variant": null,
        "reason": "rollout", "app_version": "2.4.1", "platform": "web", "sdk": "sankofa-web-browser-0.1.0",
        "ts_ms": 1_715_183_942_483_u64,
    }, { "flag_key": "new_checkout", "distinct_id": "user_124" }] });
    collector.send(&body).assert_stored();
    let [first, second] = site.rows(&[]).try_into().unwrap();
    assert_eq!((&first["corrected_ts_ms"], &first["clock"]), (&json!(1_715_183_942_483_u64), &json!("client")));
    assert_eq!(first.get("variant"), None);
    assert_eq!(first["id"].as_str().unwrap().len(), 22);
    assert_eq!((&second["corrected_ts_ms"], &second["clock"]), (&second["received_at_ms"], &json!("received")));
}

#[test]
fn json_and_text_are_read_with_or_without_a_charset() {
    let site = Site::new();
    let collector = site.start();
    let types = ["application/json", "application/json; charset=utf-8", "text/plain", "Text/Plain;charset=UTF-8"];
    for (number, content_type) in types.into_iter().enumerate() {
        let body = json!({ "exposures": [row(&number.to_string())] }).to_string();
        collector.post(body.as_bytes(), &[("content-type", content_type)]).assert_stored();
    }
    assert_eq!(site.rows(&[]).len(), 4);
    collector
        .post(b"{}", &[("content-type", "text/html")])
        .assert_refused(415, "content-type is \"text/html\", expected application/json or text/plain");
    let without = format!(
        "POST /api/switch/exposures HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}",
        collector.address
    );
    let answer = collector.raw(without.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    assert!(
        answer.ends_with("{\"error\":\"content-type is missing, expected application/json or text/plain\"}"),
        "{answer}"
    );
}

#[test]
fn gzip_is_unpacked() {
    let site = Site::new();
    let collector = site.start();
    let body = json!({ "exposures": [row("u1")] }).to_string();
    collector.post(&gzip(body.as_bytes()), &[JSON, ("content-encoding", "gzip")]).assert_stored();
    // Two members are one text: RFC 1952, 2.2.
    let body = json!({ "exposures": [row("u2")] }).to_string();
    let (one, two) = body.as_bytes().split_at(10);
    collector.post(&[gzip(one), gzip(two)].concat(), &[JSON, ("content-encoding", "GZIP")]).assert_stored();
    collector.post(body.as_bytes(), &[JSON, ("content-encoding", "identity")]).assert_stored();
    assert_eq!(site.rows(&[]).len(), 2);

    let cut = gzip(body.as_bytes());
    let cut = collector.post(&cut[..cut.len() - 4], &[JSON, ("content-encoding", "gzip")]);
    assert_eq!(cut.status, 400);
    assert!(
        cut.json()["error"].as_str().unwrap().starts_with("body is not gzip, as its content-encoding says: "),
        "{}",
        cut.body
    );
    assert_eq!(collector.post(b"plain", &[JSON, ("content-encoding", "gzip")]).status, 400);
    collector
        .post(body.as_bytes(), &[JSON, ("content-encoding", "br")])
        .assert_refused(415, "content-encoding is \"br\", expected gzip or none");
}

#[test]
fn a_body_has_a_limit_as_sent_and_as_unpacked() {
    let site = Site::new().with(&["--max-body-bytes", "2000", "--max-unpacked-bytes", "5000"]);
    let collector = site.start();
    let body = |bytes: usize| {
        let mut body = json!({ "exposures": [row("u1")], "padding": "" }).to_string();
        let padding = "x".repeat(bytes - body.len());
        body.insert_str(body.len() - 2, &padding);
        body.into_bytes()
    };
    collector.post(&body(2000), &[JSON]).assert_stored();
    collector.post(&body(2001), &[JSON]).assert_refused(413, "body is longer than the 2000 bytes that are allowed");
    // Longer than what any buffer on the way holds: the client still reads the answer.
    collector
        .post(&body(3_000_000), &[JSON])
        .assert_refused(413, "body is longer than the 2000 bytes that are allowed");
    let gzipped = [JSON, ("content-encoding", "gzip")];
    collector.post(&gzip(&body(5000)), &gzipped).assert_stored();
    collector
        .post(&gzip(&body(5001)), &gzipped)
        .assert_refused(413, "body unpacks to more than the 5000 bytes that are allowed");
}

#[test]
fn a_batch_has_at_most_1000_rows() {
    let site = Site::new();
    let collector = site.start();
    let rows = |count: usize| (0..count).map(|number| row(&number.to_string())).collect::<Vec<_>>();
    collector.send_rows(&rows(1001)).assert_refused(413, "batch has 1001 rows, expected at most 1000");
    let over = json!({ "exposures": rows(998), "links": [1, 2], "events": [3] });
    collector.send(&over).assert_refused(413, "batch has 1001 rows, expected at most 1000");
    assert_eq!(site.rows(&[]).len(), 0);
    collector.send_rows(&rows(1000)).assert_stored();
    assert_eq!(site.rows(&[]).len(), 1000);
}

#[test]
fn an_empty_batch_is_fine() {
    let site = Site::new();
    let collector = site.start();
    for body in ["{\"exposures\":[]}", "{\"links\":[]}", "{\"v\":1,\"exposures\":null,\"events\":[]}"] {
        collector.send_text(body).assert_stored();
    }
    assert_eq!(collector.counts(), json!({ "batches": 3 }));
}

#[test]
fn a_malformed_body_is_refused_with_its_place() {
    let site = Site::new();
    let collector = site.start();
    for (body, reason) in [
        ("", "body: EOF while parsing a value at line 1 column 0"),
        ("{\"exposures\":[", "body: EOF while parsing a list at line 1 column 14"),
        ("{\"exposures\":[{]}", "body: key must be a string at line 1 column 16"),
        (" []", "body is an array, expected an object"),
        ("7", "body: invalid type: integer `7`, expected struct Batch at line 1 column 1"),
        ("{}", "body has no array of exposures, expected `exposures`"),
        ("{\"exposures\":null}", "body has no array of exposures, expected `exposures`"),
        ("{\"exposures\":{}}", "body: invalid type: map, expected an array of rows at line 1 column 13"),
        ("{\"v\":2,\"exposures\":[]}", "v is 2, expected 1"),
        (
            "{\"sent_at_ms\":\"now\",\"exposures\":[]}",
            "body: invalid type: string \"now\", expected f64 at line 1 column 19",
        ),
        (
            "{\"sent_at_ms\":-1,\"exposures\":[]}",
            "body: number -1, expected milliseconds, 0 to 8.64e15 at line 1 column 16",
        ),
        ("{\"exposures\":[]} x", "body: trailing characters at line 1 column 18"),
    ] {
        let answer = collector.send_text(body);
        assert_eq!((answer.status, answer.json()), (400, json!({ "error": reason })), "{body}");
    }
    // What it quotes is cut.
    let quoting = format!("{{\"sent_at_ms\":\"{}\",\"exposures\":[]}}", "x".repeat(100_000));
    let answer = collector.send_text(&quoting);
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() < 400, "{}", answer.body);
    assert_eq!(site.rows(&[]), Vec::<Value>::new());
}

#[test]
fn a_malformed_row_is_refused_by_itself() {
    let site = Site::new();
    let collector = site.start();
    let with = |name: &str, value: Value| {
        let mut row = row("bad");
        row[name] = value;
        row.to_string()
    };
    let long = |bytes: usize| Value::from("x".repeat(bytes));
    let deep = |depth: usize| {
        format!("{{\"flag_key\":\"f\",\"distinct_id\":\"bad\",\"value\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
    };
    let malformed = [
        "null".to_owned(),
        "7".to_owned(),
        "[]".to_owned(),
        json!([id(9), "f", true, "a", "SPLIT", "s", "bad"]).to_string(),
        "\"row\"".to_owned(),
        "{\"flag_key\":\"f\",\"flag_key\":\"g\",\"distinct_id\":\"bad\"}".to_owned(),
        with("flag_key", json!(7)),
        with("ts_ms", json!("now")),
        with("ts_ms", json!(-1)),
        with("ts_ms", json!(8.65e15)),
        with("seq", json!(1.5)),
        with("seq", json!(-1)),
        with("flag_version", json!(9_007_199_254_740_992_u64)),
        with("dedup", json!("never")),
        with("truncated", json!(1)),
        with("attributes", json!([1])),
        with("attributes", json!({ "nested": {} })),
        with("value", json!(0)).replace(":0", ":1e400"),
    ];
    let missing = ["{}".to_owned(), with("flag_key", json!(null)), with("distinct_id", json!(""))];
    let bad_id = [
        with("id", json!("")),
        with("id", json!("short")),
        with("id", json!("AAAAAAAAAAAAAAAAAAAAAB")),
        with("id", json!("é".repeat(11))),
    ];
    let many: serde_json::Map<_, _> = (0..17).map(|number| (number.to_string(), json!(1))).collect();
    let too_long = [
        with("flag_key", long(1025)),
        with("distinct_id", long(2049)),
        with("variant", long(1025)),
        with("sdk", long(1025)),
        with("value", long(16_384)),
        with("unknown", long(131_072)),
        with("attributes", json!({ "a": "x".repeat(57_344) })),
        with("attributes", Value::Object(many)),
    ];
    let too_deep = [deep(64), deep(10_000)];
    let refused: Vec<String> = [malformed.as_slice(), &missing, &bad_id, &too_long, &too_deep].concat();
    let good = [row("good-1"), row("good-2")].map(|row| row.to_string());
    let rows = [&good[..1], &refused, &good[1..]].concat().join(",");
    let answer = collector.send_text(&format!("{{\"exposures\":[{rows}]}}"));
    assert_eq!((answer.status, answer.header("x-pennon-refused")), (204, Some(refused.len().to_string().as_str())));
    let people: Vec<Value> = site.rows(&[]).into_iter().map(|row| row["distinct_id"].clone()).collect();
    assert_eq!(people, ["good-1", "good-2"]);
    assert_eq!(
        collector.counts(),
        json!({
            "batches": 1, "rows_stored": 2, "rows_refused_malformed": malformed.len(), "rows_refused_missing": missing.len(),
            "rows_refused_bad_id": bad_id.len(), "rows_refused_too_long": too_long.len(), "rows_refused_too_deep": too_deep.len(),
        })
    );
    assert_eq!(
        site.stderr(),
        format!(
            "pennon-collector: refused {} of {} rows, first: exposures[1]: row is no object, expected one\n",
            refused.len(),
            refused.len() + 2
        )
    );
}

#[test]
fn a_flag_may_be_called_by_an_empty_text() {
    let site = Site::new();
    let collector = site.start();
    let mut row = row("u1");
    row["flag_key"] = json!("");
    let answer = collector.send_text(&json!({ "exposures": [row] }).to_string());
    assert_eq!((answer.status, answer.header("x-pennon-refused")), (204, None));
    let keys: Vec<Value> = site.rows(&[]).into_iter().map(|row| row["flag_key"].clone()).collect();
    assert_eq!(keys, [""]);
}

#[test]
fn texts_as_long_as_allowed_are_stored() {
    let site = Site::new();
    let collector = site.start();
    let long = |bytes: usize| Value::from("x".repeat(bytes));
    // What takes the most bytes in JSON: control characters.
    let odd = |number: u8| format!("{}{number:x}", "\u{1}".repeat(255));
    let attributes: serde_json::Map<_, _> = (0..16).map(|number| (odd(number), odd(number).into())).collect();
    let sent = json!({
        "flag_key": long(1024), "distinct_id": long(2048), "unit_id": long(2048), "value": long(16_382),
        "attributes": attributes, "session_id": long(2048), "reason": long(1024),
    });
    collector.send_rows(std::slice::from_ref(&sent)).assert_stored();
    let [stored] = site.rows(&[]).try_into().unwrap();
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&stored[name], value, "{name}");
    }
    let deep = format!("{}{}", "[".repeat(63), "]".repeat(63));
    collector
        .send_text(&format!("{{\"exposures\":[{{\"flag_key\":\"f\",\"distinct_id\":\"u\",\"value\":{deep}}}]}}"))
        .assert_stored();
}

#[test]
fn events_are_counted_and_not_stored() {
    let site = Site::new();
    let collector = site.start();
    collector.send(&json!({ "exposures": [row("u1")], "events": [{}, 7] })).assert_stored();
    assert_eq!(collector.counts(), json!({ "batches": 1, "rows_stored": 1, "events_ignored": 2 }));
}

#[test]
fn the_largest_of_each_counter_is_kept_per_instance() {
    let site = Site::new();
    let collector = site.start();
    let send = |instance_id: &str, ledger: Value| {
        collector
            .send(&json!({ "v": 1, "instance_id": instance_id, "ledger": ledger, "exposures": [] }))
            .assert_stored();
    };
    send("i1", json!({ "seq_max": 5, "dropped": { "ring_full": 2 }, "dropped_by": { "checkout/a": 1 }, "refused": 0 }));
    send("i1", json!({ "seq_max": 9, "dropped": { "ring_full": 1, "expired": 4 } }));
    send("i1", json!({ "seq_max": 7, "refused": 3 }));
    send("i2", json!({ "seq_max": 1 }));
    send("i2", json!("broken"));
    send("", json!({ "seq_max": 100 }));
    let sql = site.sql();
    let mut statement = sql
        .prepare(
            "SELECT instance_id, counter, part, value FROM ledger JOIN instances USING (instance) ORDER BY 1, 2, 3",
        )
        .unwrap();
    let found: Vec<(String, String, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let expected = [
        ("i1", "dropped", "expired", 4),
        ("i1", "dropped", "ring_full", 2),
        ("i1", "dropped_by", "checkout/a", 1),
        ("i1", "refused", "", 3),
        ("i1", "seq_max", "", 9),
        ("i2", "seq_max", "", 1),
    ];
    assert_eq!(
        found,
        expected.map(|(instance, counter, part, value)| (
            instance.to_owned(),
            counter.to_owned(),
            part.to_owned(),
            value
        ))
    );
}

#[test]
fn the_numbers_of_all_rows_that_came_are_kept() {
    let site = Site::new();
    let collector = site.start();
    let numbered = |instance_id: &str, seq: u32| {
        let mut row = row("u1");
        row["id"] = id(1).into();
        row["instance_id"] = instance_id.into();
        row["seq"] = seq.into();
        row
    };
    collector.send_rows(&[numbered("i1", 1), numbered("i1", 3), numbered("i2", 1)]).assert_stored();
    collector.send_rows(&[numbered("i1", 3), row("u2")]).assert_stored();
    let sql = site.sql();
    let mut statement = sql
        .prepare("SELECT instance_id, seq, times FROM arrivals JOIN instances USING (instance) ORDER BY 1, 2")
        .unwrap();
    let found: Vec<(String, i64, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(
        found,
        [("i1", 1, 1), ("i1", 3, 2), ("i2", 1, 1)].map(|(instance, seq, times)| (instance.to_owned(), seq, times))
    );
    assert_eq!(collector.counts(), json!({ "batches": 2, "rows_stored": 2, "rows_duplicate": 3 }));
}
