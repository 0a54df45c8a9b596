//! Clocks that are wrong, set, stand still or fire late: rows T1 to T8 of the table of faults. What needs the package is in
//! `pkg/test/time.test.mjs`.

use pennon::engine::effect::StorageKey;
use pennon::engine::exposure::id::Dedup;
use pennon::engine::exposure::{Dropped, Input, Outcome};
use serde_json::Value;

use crate::support::{Network, Page, START_MS, Storage};

const SECOND_MS: f64 = 1000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;
const YEAR_MS: f64 = 365.0 * DAY_MS;

/// Six flags that serve one variant.
const FLAGS: &str = r#"{"flags":{
    "f0":{"variants":{"v":1},"default":"v"}, "f1":{"variants":{"v":1},"default":"v"}, "f2":{"variants":{"v":1},"default":"v"},
    "f3":{"variants":{"v":1},"default":"v"}, "f4":{"variants":{"v":1},"default":"v"}, "f5":{"variants":{"v":1},"default":"v"}
}}"#;

/// A page without any server, and a row that was sent in vain.
fn cut_off() -> Page {
    let mut page = Page::first(Dedup::Session, FLAGS);
    page.network = Network::Answers(Outcome::Unreachable);
    page.read("f0");
    page.advance(30.0 * SECOND_MS);
    assert!(page.sent.len() > 2, "{} attempts", page.sent.len());
    page
}

/// The exposures of a batch, and its envelope.
fn batch(page: &Page, place: usize) -> (Vec<Value>, Value) {
    let body: Value = serde_json::from_str(&page.sent[place].body).unwrap();
    (body["exposures"].as_array().unwrap().clone(), body)
}

/// By how much the two clocks of a page disagree on how long a row has waited, in milliseconds. With more than 2000 the
/// collector takes the wall clock's word, and marks the time as such.
fn disagreement_ms(row: &Value, body: &Value) -> f64 {
    let age_ms = |sent: &str, recorded: &str| body[sent].as_f64().unwrap() - row[recorded].as_f64().unwrap();
    age_ms("sent_at_ms", "ts_ms") - age_ms("sent_mono_ms", "mono_ms")
}

#[test]
fn t1_a_clock_set_back_by_a_day_delays_no_retry() {
    let mut page = cut_off();
    page.now.wall_ms -= DAY_MS;
    let before = page.sent.len();
    page.advance(2.0 * MINUTE_MS);
    assert!((2..10).contains(&(page.sent.len() - before)), "{} attempts", page.sent.len() - before);
    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(MINUTE_MS + SECOND_MS);
    assert_eq!(page.client.exposures().stats().delivered, 1);
}

#[test]
fn t1_what_tabs_tell_each_other_of_a_failing_server_keeps_none_waiting_once_the_clock_was_set_back() {
    let page = cut_off();
    let stored = page.storage[StorageKey::Retry.as_str()].clone();
    let mut other = Page::open(Dedup::Session, FLAGS, page.storage, None, START_MS - DAY_MS);
    other.client.learn_retry(Some(&stored), other.now);
    other.read("f1");
    other.advance(5.0 * MINUTE_MS + SECOND_MS);
    assert_eq!(other.client.exposures().stats().delivered, 1, "after the longest wait there is");
}

#[test]
fn t2_a_clock_set_ahead_by_a_year_expires_nothing() {
    // Before any server has answered; after one told the time; after one told none.
    for told in [None, Some(true), Some(false)] {
        let mut page = Page::first(Dedup::Session, FLAGS);
        let server_ms = |page: &Page| told.unwrap_or(true).then_some(START_MS + page.now.mono_ms);
        page.network = Network::Silent;
        if told.is_some() {
            page.read("f5");
            page.advance(5.0 * SECOND_MS);
            let (flight, server_ms) = (page.sent[0].flight, server_ms(&page));
            page.step(Input::Settled { flight, outcome: Outcome::Acknowledged, server_ms });
        }
        page.read("f0");
        page.read("f1");
        page.now.wall_ms += YEAR_MS;
        page.network = Network::Answers(Outcome::Unreachable);
        page.advance(HOUR_MS);
        let stats = page.client.exposures().stats();
        assert_eq!((stats.pending, stats.dropped.total()), (2, 0), "while no server answers; {told:?}");
        page.network = Network::Silent;
        page.step(Input::Flush);
        for _ in 0..2 {
            let (flight, server_ms) = (page.sent.last().unwrap().flight, server_ms(&page));
            page.step(Input::Settled { flight, outcome: Outcome::Acknowledged, server_ms });
        }
        let stats = page.client.exposures().stats();
        assert_eq!((stats.pending, stats.dropped.of(Dropped::Expired)), (0, 0), "{told:?}");
    }
}

#[test]
fn t3_a_clock_wrong_by_three_years_costs_no_accuracy() {
    for wrong_ms in [-3.0 * YEAR_MS, 3.0 * YEAR_MS] {
        let mut page = Page::open(Dedup::Session, FLAGS, Storage::new(), None, START_MS + wrong_ms);
        page.network = Network::Answers(Outcome::Unreachable);
        let mut recorded_ms = Vec::new();
        for flag in 0..6 {
            page.read(&format!("f{flag}"));
            recorded_ms.push(START_MS + page.now.mono_ms);
            page.advance(7.0 * SECOND_MS);
        }
        page.network = Network::Answers(Outcome::Acknowledged);
        page.step(Input::Flush);
        let received_ms = START_MS + page.now.mono_ms;
        page.advance(SECOND_MS);
        let (rows, body) = batch(&page, page.sent.len() - 1);
        assert_eq!(rows.len(), 6);
        for (row, recorded_ms) in rows.iter().zip(recorded_ms) {
            assert!(disagreement_ms(row, &body).abs() <= 2.0, "the collector goes by the monotonic clock");
            let waited_ms = body["sent_mono_ms"].as_f64().unwrap() - row["mono_ms"].as_f64().unwrap();
            assert!((received_ms - waited_ms - recorded_ms).abs() <= 2.0 * SECOND_MS);
        }
    }
}

#[test]
fn t4_a_sleep_of_eight_hours_ends_the_session_and_shows_in_the_times() {
    let mut page = Page::first(Dedup::Session, FLAGS);
    page.read("f0");
    page.now.wall_ms += 8.0 * HOUR_MS;
    page.read("f0");
    page.advance(MINUTE_MS);
    let (rows, body) = batch(&page, 0);
    assert_eq!(rows.len(), 2, "a session that is over, and one that has begun");
    assert_ne!(rows[0]["session_id"], rows[1]["session_id"]);
    assert!((disagreement_ms(&rows[0], &body) - 8.0 * HOUR_MS).abs() < SECOND_MS, "recorded before the sleep");
    assert!(disagreement_ms(&rows[1], &body).abs() < SECOND_MS, "recorded after it");
}

#[test]
fn t5_a_session_that_ends_during_a_flush_keeps_the_rows_that_were_recorded_in_it() {
    // It is idle for 30 minutes; it is a day old, at midnight and at every other hour.
    for (begins_ms, active_every_ms, lasts_ms) in
        [(START_MS, f64::INFINITY, 30.0 * MINUTE_MS), (START_MS - START_MS % DAY_MS, 20.0 * MINUTE_MS, DAY_MS)]
    {
        let mut page = Page::open(Dedup::Session, FLAGS, Storage::new(), None, begins_ms);
        page.network = Network::Answers(Outcome::Unreachable);
        let session = page.client.session().id.clone();
        page.read("f0");
        let step_ms = active_every_ms.min(lasts_ms);
        while page.now.mono_ms + step_ms < lasts_ms {
            page.advance(step_ms);
            page.activity();
            assert_eq!(page.client.session().id, session);
        }
        page.advance(lasts_ms - page.now.mono_ms - SECOND_MS);
        page.read("f1");
        page.network = Network::Silent;
        page.step(Input::Flush);
        page.advance(2.0 * SECOND_MS);
        page.read("f0");
        let next = page.client.session().id.clone();
        assert_ne!(next, session);
        // The flight ends without an answer; all rows go out again, as they were.
        page.network = Network::Answers(Outcome::Acknowledged);
        page.advance(6.0 * MINUTE_MS);
        let (rows, _) = batch(&page, page.sent.len() - 1);
        assert_eq!(rows, page.recorded);
        let sessions: Vec<&str> = rows.iter().map(|row| row["session_id"].as_str().unwrap()).collect();
        assert_eq!(sessions, [&session, &session, &next]);
    }
}

#[test]
fn t6_timers_that_are_late_or_fire_all_at_once_make_one_flush() {
    let mut page = Page::first(Dedup::Session, FLAGS);
    page.network = Network::Silent;
    page.read("f0");
    page.read("f1");
    page.now.wall_ms += MINUTE_MS;
    page.now.mono_ms += MINUTE_MS;
    for _ in 0..5 {
        page.step(Input::Tick);
    }
    assert_eq!(page.sent.len(), 1);
    assert_eq!(page.sent[0].ids.len(), 2);
    // The same when the answer is late: the flight is given up once, and what follows waits as after any failure.
    page.now.wall_ms += MINUTE_MS;
    page.now.mono_ms += MINUTE_MS;
    for _ in 0..5 {
        page.step(Input::Tick);
    }
    assert_eq!(page.sent.len(), 1);
    let due_ms = page.client.exposures().stats().flush_due_mono_ms.unwrap() - page.now.mono_ms;
    assert!((500.0..=1000.0).contains(&due_ms), "{due_ms} ms");
}

#[test]
fn a_load_stores_the_session_that_it_goes_on_with_unless_that_was_done_in_the_last_30_seconds() {
    let stored = |page: &Page| page.storage.get(StorageKey::Session.as_str()).unwrap().clone();
    let first = Page::first(Dedup::Session, FLAGS);
    let load = |storage: &Storage, wall_ms: f64| Page::open(Dedup::Session, FLAGS, storage.clone(), None, wall_ms);
    let soon = load(&first.storage, START_MS + 29.0 * SECOND_MS);
    assert_eq!(stored(&soon), stored(&first));
    assert_eq!(soon.client.session().id, first.client.session().id);
    let later = load(&soon.storage, START_MS + 30.0 * SECOND_MS);
    assert_ne!(stored(&later), stored(&first));
    // A load is activity: with both of them the session lives on.
    let last = load(&later.storage, START_MS + 30.0 * MINUTE_MS + 29.0 * SECOND_MS);
    assert_eq!(last.client.session().id, first.client.session().id);
    // What a clock that was ahead has stored is put right.
    let set_back = load(&last.storage, START_MS + 10.0 * MINUTE_MS);
    assert_ne!(stored(&set_back), stored(&last));
}
