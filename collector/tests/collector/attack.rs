use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::{Collector, Site, gzip, row};

const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// The memory the collector holds, in kB.
#[cfg(target_os = "linux")]
fn peak_memory_kb(collector: &Collector) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_gzip_bomb_is_unpacked_no_further_than_allowed() {
    let site = Site::new();
    let collector = site.start();
    // 900 MB of spaces in less than the 1 MiB that a body may have.
    let mut bomb = Vec::new();
    let member = gzip(&vec![b' '; 30_000_000]);
    (0..30).for_each(|_| bomb.extend_from_slice(&member));
    let before_kb = {
        collector.send_rows(&[row("u1")]).assert_stored();
        peak_memory_kb(&collector)
    };
    if bomb.len() > 1_048_576 {
        bomb.truncate(1_048_576);
    }
    for _ in 0..4 {
        collector
            .post(&bomb, &[JSON, GZIP])
            .assert_refused(413, "body unpacks to more than the 4194304 bytes that are allowed");
    }
    let grown_kb = peak_memory_kb(&collector) - before_kb;
    assert!(grown_kb < 64_000, "grew by {grown_kb} kB");
}

#[test]
fn deep_nesting_anywhere_is_survived() {
    let site = Site::new().with(&["--max-body-bytes", "4000000"]);
    let collector = site.start();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for depth in [100, 100_000, 400_000] {
            let nested = nested(depth);
            for body in [
                nested.clone(),
                format!("{{\"exposures\":{nested}}}"),
                format!("{{\"exposures\":[{nested}]}}"),
                format!("{{\"exposures\":[{{\"flag_key\":\"f\",\"distinct_id\":\"u\",\"value\":{nested}}}]}}"),
                format!("{{\"exposures\":[{{\"flag_key\":\"f\",\"distinct_id\":\"u\",\"unknown\":{nested}}}]}}"),
                format!("{{\"exposures\":[],\"unknown\":{nested}}}"),
                format!("{{\"exposures\":[],\"ledger\":{nested}}}"),
                format!("{{\"exposures\":[],\"ledger\":{{\"seq_max\":{nested}}}}}"),
                format!("{{\"exposures\":[],\"sent_at_ms\":{nested}}}"),
                open.repeat(depth),
            ] {
                let answer = collector.send_text(&body);
                assert!([204, 400, 413].contains(&answer.status), "{}", answer.status);
            }
        }
    }
    assert_eq!(site.rows(&[]), Vec::<Value>::new());
    collector.send_rows(&[row("u1")]).assert_stored();
}

#[test]
fn odd_texts_are_stored_as_they_are() {
    let site = Site::new();
    let collector = site.start();
    let texts = [
        "nul\0nul",
        "'; DROP TABLE exposures; --",
        "%s%n",
        "\u{202E}abc\u{FEFF}",
        "__proto__",
        "\u{10FFFF}",
        "\r\nx-injected: 1",
        "null",
        "NaN",
    ];
    for text in texts {
        collector
            .send_rows(&[
                json!({ "flag_key": text, "distinct_id": text, "variant": text, "instance_id": text, "seq": 1 }),
            ])
            .assert_stored();
    }
    let stored = site.rows(&[]);
    for (row, text) in stored.iter().zip(texts) {
        assert_eq!([&row["flag_key"], &row["distinct_id"], &row["variant"]], [&json!(text); 3]);
    }
    assert_eq!(stored.len(), texts.len());
}

#[test]
fn lone_surrogates_become_the_replacement_character() {
    let site = Site::new();
    let collector = site.start();
    collector
        .send_text(
            r#"{"exposures":[{"flag_key":"f\ud800","distinct_id":"\udfff\ud83d\ude00","value":{"\ud800":"\udc00"}}]}"#,
        )
        .assert_stored();
    let [stored] = site.rows(&[]).try_into().unwrap();
    assert_eq!(stored["flag_key"], "f\u{FFFD}");
    assert_eq!(stored["distinct_id"], "\u{FFFD}\u{1F600}");
    assert_eq!(stored["value"], json!({ "\u{FFFD}": "\u{FFFD}" }));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let site = Site::new();
    let collector = site.start();
    for body in [
        &b"{\"exposures\":[{\"flag_key\":\"\xFF\",\"distinct_id\":\"u\"}]}"[..],
        b"\xEF\xBB\xBF{\"exposures\":[]}",
        b"{\0}",
    ] {
        assert_eq!(collector.post(body, &[JSON]).status, 400);
    }
}

#[test]
fn writers_at_the_same_time_store_every_row() {
    let site = Site::new();
    let collector = site.start();
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let collector = &collector;
            scope.spawn(move || {
                for batch in 0..10 {
                    let rows: Vec<_> = (0..10).map(|number| row(&format!("{writer}-{batch}-{number}"))).collect();
                    // Each sends what all send, too.
                    let shared: Vec<_> = (0..10).map(|number| row(&format!("shared-{batch}-{number}"))).collect();
                    collector.send_rows(&[rows, shared].concat()).assert_stored();
                }
            });
        }
    });
    assert_eq!(site.rows(&[]).len(), 1600 + 100);
    assert_eq!(collector.counts(), json!({ "batches": 160, "rows_stored": 1700, "rows_duplicate": 1500 }));
}

#[test]
fn requests_that_are_cut_off_store_nothing_and_harm_nobody() {
    let site = Site::new();
    let collector = site.start();
    let body = json!({ "exposures": [row("u1")] }).to_string();
    let request = format!(
        "POST /api/switch/exposures HTTP/1.1\r\nhost: {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        collector.address,
        body.len()
    );
    for length in (0..request.len()).step_by(7) {
        let mut stream = TcpStream::connect(&collector.address).unwrap();
        stream.write_all(&request.as_bytes()[..length]).unwrap();
    }
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(&collector.address).unwrap();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is an answer too.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(collector.get("/healthz").json(), json!({ "status": "ok", "counts": {} }));
    collector.send_rows(&[row("u2")]).assert_stored();
    assert_eq!(site.rows(&[]).len(), 1);
}

#[test]
fn other_methods_are_not_allowed() {
    let site = Site::new();
    let collector = site.start();
    assert_eq!(collector.get("/api/switch/exposures").status, 405);
}

/// Any JSON, with the wire's names among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let names = [
        "v",
        "batch_id",
        "instance_id",
        "sent_at_ms",
        "sent_mono_ms",
        "ledger",
        "exposures",
        "links",
        "events",
        "id",
        "flag_key",
        "value",
        "variant",
        "distinct_id",
        "anon_id",
        "ts_ms",
        "mono_ms",
        "seq",
        "flag_version",
        "dedup",
        "attributes",
        "truncated",
        "other",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("AAAAAAAAAAAAAAAAAAAAAA")),
        Just(json!("session")),
    ];
    leaf.prop_recursive(5, 200, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(names.to_vec()), inner), 0..12).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}

/// A batch whose rows are well-formed but for one change at random.
fn almost_a_batch() -> impl Strategy<Value = Value> {
    (any_json(), prop::collection::vec((any_json(), "[a-z_]{1,12}"), 0..6)).prop_map(|(batch, rows)| {
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|(changes, flag_key)| {
                let mut row = json!({ "flag_key": flag_key, "distinct_id": "u" });
                if let Value::Object(changes) = changes {
                    row.as_object_mut().unwrap().extend(changes);
                }
                row
            })
            .collect();
        let mut batch = if batch.is_object() { batch } else { json!({}) };
        batch["v"] = json!(1);
        batch["exposures"] = rows.into();
        batch
    })
}

#[test]
fn no_body_makes_it_fail() {
    let site = Site::new();
    let collector = site.start();
    let bodies = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        any_json().prop_map(|body| body.to_string().into_bytes()),
        almost_a_batch().prop_map(|body| body.to_string().into_bytes()),
        // One byte of a good body changed.
        (almost_a_batch(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(body, place, byte)| {
            let mut body = body.to_string().into_bytes();
            let place = place.index(body.len());
            body[place] = byte;
            body
        }),
    ];
    let mut runner = TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    runner
        .run(&(bodies, any::<bool>()), |(body, packed)| {
            let answer =
                if packed { collector.post(&gzip(&body), &[JSON, GZIP]) } else { collector.post(&body, &[JSON]) };
            prop_assert!([204, 400, 413].contains(&answer.status), "{} {}", answer.status, answer.body);
            if answer.status != 204 {
                prop_assert!(answer.json()["error"].is_string());
            }
            Ok(())
        })
        .unwrap();
    let stored = collector.counts()["rows_stored"].as_u64().unwrap_or_default();
    assert!(stored > 0, "no body came through: they test nothing");
    assert_eq!(site.rows(&[]).len() as u64, stored);
}

/// Whether the collector has closed the connection that `stream` is, of which nothing is read.
fn is_closed(stream: &mut TcpStream) -> bool {
    // A byte to a socket that nobody holds is answered with a reset, which the next byte meets.
    stream.write_all(b"\n").is_err()
}

#[test]
fn who_asks_and_does_not_read_is_left() {
    let site = Site::new();
    // More than the system keeps for a connection.
    let long = json!({ "flags": {}, "filling": "x".repeat(24_000_000) });
    std::fs::write(site.path("ruleset.json"), long.to_string()).unwrap();
    let collector = site.start();
    let mut streams: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(&collector.address).unwrap();
            stream.write_all(b"GET /ruleset.json HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
            stream
        })
        .collect();
    // Four times as long as they are allowed.
    for _ in 0..240 {
        std::thread::sleep(Duration::from_millis(500));
        streams.retain_mut(|stream| !is_closed(stream));
        if streams.is_empty() {
            break;
        }
    }
    assert!(streams.is_empty(), "{} are still held", streams.len());
    assert_eq!(collector.get("/healthz").status, 200);
    assert_eq!(site.stderr(), "");
}

#[test]
fn many_ledgers_are_refused_as_many_rows_are() {
    let site = Site::new();
    let collector = site.start();
    collector.send_rows(&[row("u1")]).assert_stored();
    let counters: serde_json::Map<String, Value> = (0..127).map(|number| (format!("c{number}"), json!(1))).collect();
    let ledgers: Vec<Value> =
        (0..64).map(|number| json!({ "instance_id": format!("i{number}"), "dropped": counters })).collect();
    let body = json!({ "exposures": [], "ledgers": ledgers });
    // While somebody else writes to the file, the store waits, and what comes queues up. Two of these fit.
    let sql = site.sql();
    sql.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (answers, answered) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            let (answers, collector, body) = (answers.clone(), &collector, &body);
            scope.spawn(move || answers.send(collector.send(body)).unwrap());
        }
        answered.recv().unwrap().assert_refused(503, "too many rows are waiting to be stored");
        sql.execute_batch("ROLLBACK").unwrap();
    });
    drop(answers);
    assert!(answered.iter().any(|answer| answer.status == 204));
    let stored: i64 = sql.query_row("SELECT count(*) FROM ledger", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 64 * 127);
    collector.send_rows(&[row("u2")]).assert_stored();
}
