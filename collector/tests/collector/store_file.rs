use std::process::Command;

use serde_json::json;

use crate::harness::{PROGRAM, Site, row};

#[test]
fn a_full_disk_is_answered_with_503_and_keeps_what_was_acknowledged() {
    let site = Site::new();
    // No file may grow beyond 300 kB.
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 300; exec \"$@\"", "bash", PROGRAM]);
    let collector = site.start_by(limited);
    let mut acknowledged = 0;
    let refused = loop {
        let rows: Vec<_> = (0..50)
            .map(|number| {
                let mut row = row(&format!("{acknowledged}-{number}"));
                row["session_id"] = "x".repeat(500).into();
                row
            })
            .collect();
        let answer = collector.send_rows(&rows);
        if answer.status != 204 {
            break answer;
        }
        acknowledged += rows.len();
        assert!(acknowledged < 10_000, "the limit is not in force");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.json()["error"].as_str().unwrap().starts_with("store: "), "{}", refused.body);
    assert!(site.stderr().starts_with("pennon-collector: a batch is not stored: store: "), "{}", site.stderr());
    drop(collector);
    assert_eq!(site.rows(&[]).len(), acknowledged);
    // Room again, and it goes on.
    let collector = site.start();
    collector.send_rows(&[row("later")]).assert_stored();
    assert_eq!(site.rows(&[]).len(), acknowledged + 1);
}

#[test]
fn two_collectors_on_one_file_store_all_rows() {
    let site = Site::new();
    let collectors = [site.start(), site.start()];
    std::thread::scope(|scope| {
        for (place, collector) in collectors.iter().enumerate() {
            scope.spawn(move || {
                for batch in 0..30 {
                    let own = row(&format!("{place}-{batch}"));
                    let shared = row(&format!("shared-{batch}"));
                    collector.send_rows(&[own, shared]).assert_stored();
                }
            });
        }
    });
    assert_eq!(site.rows(&[]).len(), 90);
    assert_eq!(collectors[0].counts(), json!({ "batches": 60, "rows_stored": 90, "rows_duplicate": 30 }));
}

#[test]
fn rows_are_read_from_the_file_that_a_kill_left() {
    let site = Site::new();
    let mut collector = site.start();
    collector.send_rows(&[row("u1")]).assert_stored();
    collector.child.kill().unwrap();
    collector.child.wait().unwrap();
    assert!(site.path("pennon.db-wal").exists());
    assert_eq!(site.rows(&[]).len(), 1);
}
