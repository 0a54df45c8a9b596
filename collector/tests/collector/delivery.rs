use serde_json::{Value, json};

use crate::harness::{Collector, Site, id, row};

/// A row of an instance with a number, of a flag and variant.
fn numbered(instance_id: &str, seq: u64, flag: &str, variant: &str) -> Value {
    let mut row = row(&format!("{instance_id}-{seq}"));
    row["instance_id"] = instance_id.into();
    row["seq"] = seq.into();
    row["flag_key"] = flag.into();
    row["variant"] = variant.into();
    row
}

fn send(collector: &Collector, instance_id: &str, ledger: Value, rows: &[Value]) {
    collector.send(&json!({ "v": 1, "instance_id": instance_id, "ledger": ledger, "exposures": rows })).assert_stored();
}

/// The report in which everybody is quiet.
fn report(collector: &Collector) -> Value {
    collector.get("/api/report/delivery?quiet_s=0").json()
}

#[track_caller]
fn assert_figures(figures: &Value, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(figures[name], *value, "{name} of {figures}");
    }
}

#[test]
fn without_rows_every_figure_is_nothing() {
    let site = Site::new();
    let collector = site.start();
    let total = json!({
        "batches": 0, "received": 0, "duplicates": 0, "malformed": 0, "instances": 0, "open": 0, "numbered": 0,
        "arrived": 0, "lost": 0, "dropped_yet_arrived": 0, "dropped": {}, "dropped_by": {}, "refused": 0, "resent": 0,
        "adopted": 0, "traps": 0, "persist_failed": 0, "unreachable": 0,
    });
    let answer = collector.get("/api/report/delivery");
    assert_eq!(answer.json(), json!({ "quiet_s": 7200, "total": total, "variants": {}, "days": [] }));
    assert_eq!(collector.get("/api/report/delivery?quiet_s=-1").status, 400);
    assert_eq!(collector.get("/api/report/delivery?quiet_s=x").status, 400);
}

#[test]
fn what_came_is_counted_before_and_after_deduplication() {
    let site = Site::new();
    let collector = site.start();
    let rows = [numbered("i", 1, "f", "a"), numbered("i", 2, "f", "a")];
    send(&collector, "i", json!({}), &rows);
    send(&collector, "i", json!({}), &rows[1..]);
    let link = json!({ "anon_id": "a", "distinct_id": "u", "instance_id": "i", "seq": 3 });
    let answer = collector.send(&json!({
        "exposures": [{ "flag_key": 1 }], "links": [link, link, {}], "events": [{}],
    }));
    assert_eq!((answer.status, answer.header("x-pennon-refused")), (204, Some("2")));
    let figures = [("batches", 3), ("received", 5), ("duplicates", 2), ("malformed", 2), ("arrived", 3), ("lost", 0)];
    let found = report(&collector);
    for (name, value) in figures {
        assert_eq!(found["total"][name], value, "{name} of {found}");
        assert_eq!(found["days"][0][name], value, "{name} of {found}");
    }
}

#[test]
fn a_number_that_neither_came_nor_was_dropped_is_lost() {
    let site = Site::new();
    let collector = site.start();
    // 1, 4 and 7 came, two of the others were dropped: three are missing.
    let rows = [1, 4, 7].map(|seq| numbered("i", seq, "f", "a"));
    send(&collector, "i", json!({ "seq_max": 8, "dropped": { "ring_full": 1, "expired": 1 } }), &rows);
    assert_figures(
        &report(&collector)["total"],
        &[("numbered", json!(8)), ("arrived", json!(3)), ("lost", json!(3)), ("open", json!(0))],
    );
    // One comes after all, in another's batch; a repeated batch and an older ledger change nothing.
    send(&collector, "heir", json!({ "seq_max": 0 }), &[numbered("i", 5, "f", "a")]);
    send(&collector, "i", json!({ "seq_max": 4 }), &rows);
    assert_figures(
        &report(&collector)["total"],
        &[("instances", json!(2)), ("numbered", json!(8)), ("arrived", json!(4)), ("lost", json!(2))],
    );
}

#[test]
fn the_numbers_of_a_client_without_a_ledger_tell_what_is_missing_between_them() {
    let site = Site::new();
    let collector = site.start();
    collector.send_rows(&[2, 3, 6].map(|seq| numbered("i", seq, "f", "a"))).assert_stored();
    assert_figures(&report(&collector)["total"], &[("numbered", json!(6)), ("lost", json!(3))]);
}

#[test]
fn loss_is_counted_before_deduplication() {
    let site = Site::new();
    let collector = site.start();
    // Two tabs saw the same: one row is stored, and nothing is lost.
    for (instance_id, seq) in [("tab-1", 1), ("tab-2", 1)] {
        let mut row = numbered(instance_id, seq, "f", "a");
        row["id"] = id(1).into();
        send(&collector, instance_id, json!({ "seq_max": 1 }), &[row]);
    }
    let found = report(&collector);
    assert_figures(
        &found["total"],
        &[("received", json!(2)), ("duplicates", json!(1)), ("arrived", json!(2)), ("lost", json!(0))],
    );
    assert_eq!(found["variants"]["f/a"]["arrived"], 2);
    assert_eq!(site.rows(&[]).len(), 1);
}

#[test]
fn loss_is_stated_once_an_instance_is_quiet() {
    let site = Site::new();
    let collector = site.start();
    send(&collector, "i", json!({ "seq_max": 4, "resent": 2 }), &[numbered("i", 1, "f", "a")]);
    let found = collector.get("/api/report/delivery").json();
    assert_figures(
        &found["total"],
        &[
            ("instances", json!(1)),
            ("open", json!(1)),
            ("numbered", json!(0)),
            ("lost", json!(0)),
            ("resent", json!(2)),
        ],
    );
    let open = json!({ "arrived": 1, "dropped": 0, "instances": 0, "numbered": 0, "lost": 0 });
    assert_eq!(found["variants"]["f/a"], open);
    // Two hours later.
    site.sql().execute("UPDATE instances SET last_received_at_ms = last_received_at_ms - 7200000", []).unwrap();
    let found = collector.get("/api/report/delivery").json();
    assert_figures(&found["total"], &[("open", json!(0)), ("numbered", json!(4)), ("lost", json!(3))]);
    assert_figures(&collector.get("/api/report/delivery?quiet_s=7260").json()["total"], &[("open", json!(1))]);
    // It speaks again.
    send(&collector, "i", json!({ "seq_max": 5 }), &[]);
    assert_figures(&collector.get("/api/report/delivery").json()["total"], &[("open", json!(1)), ("lost", json!(0))]);
}

#[test]
fn what_came_although_it_was_dropped_hides_no_loss_of_others() {
    let site = Site::new();
    let collector = site.start();
    send(&collector, "i", json!({ "seq_max": 1, "dropped": { "ring_full": 1 } }), &[numbered("i", 1, "f", "a")]);
    send(&collector, "j", json!({ "seq_max": 2 }), &[numbered("j", 1, "f", "a")]);
    assert_figures(&report(&collector)["total"], &[("lost", json!(1)), ("dropped_yet_arrived", json!(1))]);
}

#[test]
fn drops_are_reported_by_reason_and_by_variant_and_the_rest_as_numbers() {
    let site = Site::new();
    let collector = site.start();
    let ledger = |times: i64| {
        json!({
            "seq_max": 20, "dropped": { "expired": times, "trap": 1, "consent": 0 }, "dropped_by": { "f/a": times, "g/b/c": 1 },
            "refused": times, "resent": 3, "adopted": 4, "traps": 5, "persist_failed": 6, "unreachable": 7, "other": 8,
        })
    };
    send(&collector, "i", ledger(2), &[numbered("i", 1, "f", "a")]);
    // Cumulative: the largest counts, not the sum.
    send(&collector, "i", ledger(1), &[]);
    send(&collector, "j", ledger(3), &[]);
    let found = report(&collector);
    let expected = [
        ("dropped", json!({ "expired": 5, "trap": 2 })),
        ("dropped_by", json!({ "f/a": 5, "g/b/c": 2 })),
        ("refused", json!(5)),
        ("resent", json!(6)),
        ("adopted", json!(8)),
        ("traps", json!(10)),
        ("persist_failed", json!(12)),
        ("unreachable", json!(14)),
    ];
    assert_figures(&found["total"], &expected);
    assert_figures(&found["days"][0], &expected);
    // Also a variant of which no row ever came.
    assert_eq!(found["variants"]["g/b/c"]["dropped"], 2);
    assert_eq!(found["variants"]["f/a"]["dropped"], 5);
}

#[test]
fn ledgers_that_another_instance_passes_on_are_kept_by_their_maximum() {
    let site = Site::new();
    let collector = site.start();
    let pass_on = |ledgers: Value| {
        let batch = json!({ "instance_id": "heir", "ledger": { "seq_max": 0, "adopted": 1 }, "ledgers": ledgers, "exposures": [] });
        collector.send(&batch).assert_stored();
    };
    send(&collector, "dead", json!({ "seq_max": 3 }), &[numbered("dead", 1, "f", "a")]);
    pass_on(json!([{ "instance_id": "dead", "seq_max": 6, "dropped": { "wal_corrupt": 1 }, "refused": 2 }, "broken"]));
    pass_on(json!([{ "instance_id": "dead", "seq_max": 5, "dropped": { "wal_corrupt": 2 }, "refused": 1 }]));
    pass_on(json!("broken"));
    assert_figures(
        &report(&collector)["total"],
        &[
            ("instances", json!(2)),
            ("numbered", json!(6)),
            ("lost", json!(3)),
            ("dropped", json!({ "wal_corrupt": 2 })),
            ("refused", json!(2)),
            ("adopted", json!(1)),
        ],
    );
}

#[test]
fn loss_shows_with_each_variant_that_the_instance_was_shown() {
    let site = Site::new();
    let collector = site.start();
    // Of b's three instances two lose rows; of a's none does.
    for (instance_id, variant, seq_max) in [("1", "a", 2), ("2", "a", 2), ("3", "b", 2), ("4", "b", 3), ("5", "b", 7)] {
        let rows = [numbered(instance_id, 1, "f", variant), numbered(instance_id, 2, "other", "x")];
        send(&collector, instance_id, json!({ "seq_max": seq_max }), &rows);
    }
    // A number that comes twice, and a row without a variant.
    send(&collector, "1", json!({}), &[numbered("1", 1, "f", "a")]);
    let mut plain = numbered("1", 3, "f", "");
    plain.as_object_mut().unwrap().remove("variant");
    send(&collector, "1", json!({ "seq_max": 3 }), &[plain]);
    assert_eq!(
        report(&collector)["variants"],
        json!({
            "f/a": { "arrived": 2, "dropped": 0, "instances": 2, "numbered": 5, "lost": 0 },
            "f/b": { "arrived": 3, "dropped": 0, "instances": 3, "numbered": 12, "lost": 6 },
            "other/x": { "arrived": 5, "dropped": 0, "instances": 5, "numbered": 17, "lost": 6 },
        })
    );
}

#[test]
fn receipts_are_of_their_day_and_instances_of_the_day_of_their_first() {
    let site = Site::new();
    let collector = site.start();
    send(&collector, "old", json!({ "seq_max": 4, "resent": 1 }), &[numbered("old", 1, "f", "a")]);
    // All of that was on another day.
    let sql = site.sql();
    sql.execute("UPDATE instances SET first_received_at_ms = 1790812800000", []).unwrap();
    sql.execute("UPDATE days SET day = '2026-10-01'", []).unwrap();
    send(&collector, "old", json!({ "seq_max": 4, "resent": 3 }), &[numbered("old", 2, "f", "a")]);
    send(&collector, "new", json!({ "seq_max": 2 }), &[numbered("new", 1, "f", "a")]);
    let found = report(&collector);
    let [first, today] = found["days"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(first["day"], "2026-10-01");
    let figures =
        |of: &Value| ["received", "instances", "arrived", "lost", "resent"].map(|name| of[name].as_i64().unwrap());
    assert_eq!(figures(first), [1, 1, 2, 2, 3]);
    assert_eq!(figures(today), [2, 1, 1, 1, 0]);
    assert_eq!(figures(&found["total"]), [3, 2, 3, 3, 3]);
}

#[test]
fn no_counter_is_too_large_for_the_report() {
    let site = Site::new();
    let collector = site.start();
    for number in 0..4 {
        let instance_id = format!("i{number}");
        let ledger = json!({ "seq_max": i64::MAX, "dropped": { "a": i64::MAX, "b": i64::MAX }, "traps": i64::MAX });
        send(&collector, &instance_id, ledger, &[numbered(&instance_id, (1 << 53) - 1, "f", "a")]);
    }
    let most = i64::from(u32::MAX);
    assert_figures(
        &report(&collector)["total"],
        &[
            ("numbered", json!(4 * most)),
            ("traps", json!(4 * most)),
            ("dropped", json!({ "a": 4 * most, "b": 4 * most })),
            ("dropped_yet_arrived", json!(4 * most)),
        ],
    );
}

#[test]
fn a_flag_of_the_reports_name_has_its_own_report() {
    let site = Site::new();
    let collector = site.start();
    collector.send_rows(&[numbered("i", 1, "delivery", "a")]).assert_stored();
    let found = collector.get("/api/report/%64elivery").json();
    assert_eq!((&found["flag"], &found["rows"]), (&json!("delivery"), &json!(1)));
}

#[test]
fn a_file_of_an_older_release_has_a_report() {
    let site = Site::new();
    let sql = site.sql();
    sql.execute_batch(include_str!("../../src/schema/1.sql")).unwrap();
    sql.execute_batch(include_str!("../../src/schema/2.sql")).unwrap();
    sql.execute_batch(
        "PRAGMA application_id = 0x70656E6E; PRAGMA user_version = 2;
         INSERT INTO instances VALUES (1, 'i', 1790812800000, 1790812800000);
         INSERT INTO ledger VALUES (1, 'seq_max', '', 3);
         INSERT INTO arrivals VALUES (1, 1, 2);
         INSERT INTO counts VALUES ('batches', 2), ('rows_stored', 1), ('rows_duplicate', 1);
         INSERT INTO exposures (id, flag_key, variant, distinct_id, seq, instance_id, received_at_ms, corrected_ts_ms, clock, digest)
         VALUES ('x', 'f', 'a', 'u', 1, 'i', 1790812800000, 1790812800000, 'client', 3)",
    )
    .unwrap();
    drop(sql);
    let collector = site.start();
    let found = report(&collector);
    let expected = [("received", json!(2)), ("duplicates", json!(1)), ("lost", json!(2)), ("arrived", json!(1))];
    assert_figures(&found["total"], &expected);
    assert_eq!((&found["days"][0]["day"], &found["days"][0]["lost"]), (&json!("2026-10-01"), &json!(2)));
    assert_eq!(found["days"][0]["received"], 0, "days were not counted apart then");
    assert_eq!(
        found["variants"]["f/a"],
        json!({ "arrived": 1, "dropped": 0, "instances": 1, "numbered": 3, "lost": 2 })
    );
}
