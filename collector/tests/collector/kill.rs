use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::harness::{Site, agent, id};

const KILLS: u64 = 50;
const CLIENTS: u64 = 4;
const ROWS_PER_BATCH: u64 = 20;

/// Sends batches until the collector is gone. Says which it acknowledged; what it did not acknowledge is left in
/// `unsent`, as a client would keep it.
fn send_until_killed(url: &str, next: &AtomicU64, unsent: &mut Vec<u64>, acknowledged: &mpsc::Sender<Vec<u64>>) {
    let agent = agent();
    loop {
        if unsent.is_empty() {
            let first = next.fetch_add(ROWS_PER_BATCH, Ordering::Relaxed);
            unsent.extend(first..first + ROWS_PER_BATCH);
        }
        let rows: Vec<Value> = unsent
            .iter()
            .map(|number| json!({ "id": id(*number), "flag_key": "f", "distinct_id": number.to_string(), "seq": number, "instance_id": "i" }))
            .collect();
        let body = json!({ "v": 1, "instance_id": "i", "exposures": rows }).to_string();
        match agent.post(url).header("content-type", "text/plain").send(&body) {
            Ok(response) if response.status() == 204 => {
                if acknowledged.send(std::mem::take(unsent)).is_err() {
                    return;
                }
            }
            Ok(response) => panic!("answered {}", response.status()),
            Err(_) => return,
        }
    }
}

#[test]
fn fifty_kills_under_load_lose_no_acknowledged_row() {
    let site = Site::new();
    let next = AtomicU64::new(0);
    let mut left: Vec<Vec<u64>> = vec![Vec::new(); CLIENTS as usize];
    let mut acknowledged = Vec::new();
    let mut resent = 0;
    for kill in 0..KILLS {
        let mut collector = site.start();
        let url = collector.url("/api/switch/exposures");
        let (sender, receiver) = mpsc::channel();
        resent += left.iter().filter(|unsent| !unsent.is_empty()).count();
        std::thread::scope(|scope| {
            for unsent in &mut left {
                let (sender, url, next) = (sender.clone(), &url, &next);
                scope.spawn(move || send_until_killed(url, next, unsent, &sender));
            }
            drop(sender);
            // A different moment each time: after 1 to 23 acknowledged batches.
            for _ in 0..=(kill * 7) % 23 {
                acknowledged.extend(receiver.recv().unwrap());
            }
            collector.child.kill().unwrap();
            acknowledged.extend(receiver.iter().flatten());
        });
        assert!(!collector.child.wait().unwrap().success());
    }
    assert!(resent > KILLS as usize / 2, "only {resent} batches were cut off: the kills did not come under load");

    let collector = site.start();
    let mut stored: HashMap<String, u32> = HashMap::new();
    for row in site.rows(&[]) {
        *stored.entry(row["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let lost: Vec<u64> = acknowledged.iter().copied().filter(|number| !stored.contains_key(&id(*number))).collect();
    assert_eq!(lost, [0; 0], "of {} acknowledged rows", acknowledged.len());
    assert!(stored.values().all(|copies| *copies == 1));
    let sent = next.load(Ordering::Relaxed);
    assert!(
        (0..sent).filter(|number| stored.contains_key(&id(*number))).count() == stored.len(),
        "a row that nobody sent"
    );
    let intact: String = site.sql().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok");
    assert_eq!(collector.counts()["rows_stored"], json!(stored.len()));
}
