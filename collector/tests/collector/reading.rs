use serde_json::{Value, json};

use crate::harness::{Site, id};

/// 2026-10-01T23:59:59.999Z
const LATE_MS: u64 = 1_790_899_199_999;

fn row(number: u64, person: &str, variant: Option<&str>, reason: &str, ts_ms: u64) -> Value {
    json!({
        "id": id(number), "flag_key": "checkout", "distinct_id": person, "variant": variant, "reason": reason, "ts_ms": ts_ms,
        "instance_id": format!("i-{person}"),
    })
}

/// Nothing happened after it was received, so this test's rows lie in the past of any machine it runs on.
const DAY_MS: u64 = 86_400_000;
const BASE_MS: u64 = LATE_MS - 1000 * DAY_MS;

#[test]
fn a_report_counts_rows_and_people_per_variant_reason_and_day() {
    let site = Site::new();
    let collector = site.start();
    collector
        .send_rows(&[
            row(1, "ann", Some("a"), "SPLIT", BASE_MS),
            row(2, "ann", Some("a"), "SPLIT", BASE_MS - 1),
            row(3, "bob", Some("a"), "SPLIT", BASE_MS),
            row(4, "ann", Some("a"), "SPLIT", BASE_MS + 1),
            row(5, "eve", Some("b"), "NOT_IN_EXPOSURE", BASE_MS + 1),
            row(6, "eve", Some("b"), "SPLIT", BASE_MS + 1),
            row(7, "joe", None, "rollout", BASE_MS + 1),
        ])
        .assert_stored();
    collector.send_rows(&[json!({ "flag_key": "other", "distinct_id": "ann" })]).assert_stored();
    assert_eq!(
        collector.get("/api/report/checkout").json(),
        json!({
            "flag": "checkout", "rows": 7, "people": 4, "targeted": 0, "links": 0,
            "variants": [
                { "variant": null, "reason": "rollout", "rows": 1, "people": 1, "targeted": 0 },
                { "variant": "a", "reason": "SPLIT", "rows": 4, "people": 2, "targeted": 0 },
                { "variant": "b", "reason": "NOT_IN_EXPOSURE", "rows": 1, "people": 1, "targeted": 0 },
                { "variant": "b", "reason": "SPLIT", "rows": 1, "people": 1, "targeted": 0 },
            ],
            "days": [
                { "day": "2024-01-05", "variant": "a", "reason": "SPLIT", "rows": 3, "people": 2, "targeted": 0 },
                { "day": "2024-01-06", "variant": null, "reason": "rollout", "rows": 1, "people": 1, "targeted": 0 },
                { "day": "2024-01-06", "variant": "a", "reason": "SPLIT", "rows": 1, "people": 1, "targeted": 0 },
                { "day": "2024-01-06", "variant": "b", "reason": "NOT_IN_EXPOSURE", "rows": 1, "people": 1, "targeted": 0 },
                { "day": "2024-01-06", "variant": "b", "reason": "SPLIT", "rows": 1, "people": 1, "targeted": 0 },
            ],
        })
    );
    let nothing =
        json!({ "flag": "none", "rows": 0, "people": 0, "targeted": 0, "links": 0, "variants": [], "days": [] });
    assert_eq!(collector.get("/api/report/none").json(), nothing);
}

#[test]
fn any_flag_key_has_a_report() {
    let site = Site::new();
    let collector = site.start();
    for (key, path) in [
        ("a/b", "a%2Fb"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("größe 😀", "gr%C3%B6%C3%9Fe%20%F0%9F%98%80"),
        ("'; DROP TABLE exposures; --", "'%3B%20DROP%20TABLE%20exposures%3B%20--"),
        ("100%", "100%25"),
        ("%", "%25"),
        ("__proto__", "__proto__"),
        ("..", "%2E%2E"),
        ("nul\0nul", "nul%00nul"),
    ] {
        collector.send_rows(&[json!({ "flag_key": key, "distinct_id": "u1" })]).assert_stored();
        let report = collector.get(&format!("/api/report/{path}")).json();
        assert_eq!((&report["flag"], &report["rows"]), (&json!(key), &json!(1)), "{key}");
    }
    assert_eq!(site.rows(&["--flag", "'; DROP TABLE exposures; --"]).len(), 1);
    assert_eq!(collector.get("/api/report/%FF").status, 400);
    assert!(collector.get("/api/report/%FF").json()["error"].is_string());
}

#[test]
fn exposures_come_newest_first_and_by_instance_and_person() {
    let site = Site::new();
    let collector = site.start();
    let people = ["ann", "bob", "ann", "bob", "o'neil"];
    for (number, person) in people.into_iter().enumerate() {
        collector.send_rows(&[row(number as u64, person, Some("a"), "SPLIT", BASE_MS)]).assert_stored();
    }
    let found = |path: &str| {
        let rows = collector.get(path).json()["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["row"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found("/api/exposures"), [5, 4, 3, 2, 1]);
    assert_eq!(found("/api/exposures?distinct_id=ann"), [3, 1]);
    assert_eq!(found("/api/exposures?instance_id=i-bob"), [4, 2]);
    assert_eq!(found("/api/exposures?instance_id=i-bob&distinct_id=ann"), [0; 0]);
    assert_eq!(found("/api/exposures?distinct_id=o'neil"), [5]);
    assert_eq!(found("/api/exposures?after=2&limit=2"), [5, 4]);
    assert_eq!(found("/api/exposures?after=5"), [0; 0]);
    collector.get("/api/exposures?limit=0").assert_refused(400, "limit is 0, expected 1 to 1000");
    collector.get("/api/exposures?limit=1001").assert_refused(400, "limit is 1001, expected 1 to 1000");
    assert_eq!(collector.get("/api/exposures?limit=x").status, 400);
    assert_eq!(collector.get("/api/exposures?after=x").status, 400);
}

#[test]
fn rows_are_printed_in_the_order_in_which_they_were_stored() {
    let site = Site::new();
    let collector = site.start();
    collector
        .send_rows(&[row(1, "ann", Some("a"), "SPLIT", BASE_MS), json!({ "flag_key": "other", "distinct_id": "bob" })])
        .assert_stored();
    // While the collector runs, and from the file alone.
    let printed = site.rows(&[]);
    assert_eq!(printed.iter().map(|row| row["distinct_id"].as_str().unwrap()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(site.rows(&["--flag", "other"]).len(), 1);
    assert_eq!(collector.get("/api/exposures?limit=1").json()["rows"][0], printed[1]);
    drop(collector);
    assert_eq!(site.rows(&[]), printed);
}

#[test]
fn health_is_ok_while_the_store_can_be_read() {
    let site = Site::new();
    let collector = site.start();
    assert_eq!(collector.get("/healthz").json(), json!({ "status": "ok", "counts": {} }));
    std::fs::remove_file(site.data()).unwrap();
    let answer = collector.get("/healthz");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}
