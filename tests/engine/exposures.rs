//! Exposures, as a page sees them: who is recorded when, what is sent when, and what a restart remembers.

use pennon::engine::attributes::Value;
use pennon::engine::client::{Client, Seen, Stored};
use pennon::engine::effect::{Effect, StorageKey};
use pennon::engine::exposure::id::{Dedup, Id};
use pennon::engine::exposure::{Config, Consent, Input, Orphan, Outcome, State};
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;

use crate::support::{Network, Page, START_MS, Storage, config};

const MINUTE_MS: f64 = 60_000.0;

/// A flag whose only rule serves `variant`, and one that everybody is kept out of.
fn serving(variant: &str) -> String {
    limited(100, variant)
}

/// The same, with the limit that lets so many percent in.
fn limited(percent: u32, variant: &str) -> String {
    format!(
        r#"{{"version":5,"environment":"production","flags":{{
            "checkout":{{"version":7,"variants":{{"control":false,"treatment":{{"layout":"one-page"}}}},"default":"control",
                "experiment":"checkout-2026-q4","limitExposure":{{"percent":{percent}}},
                "rules":[{{"id":"everyone","serve":"{variant}"}}]}},
            "banner":{{"variants":{{"on":true,"off":false}},"default":"off","enabled":false}},
            "broken":{{"variants":{{}}}} }} }}"#
    )
}

/// So many flags, `f0` and so on; those with an experiment are `e0` and so on.
fn many(plain: usize, experiments: usize) -> String {
    let flag = |key: String, more: &str| format!(r#""{key}":{{"variants":{{"v":1}},"default":"v"{more}}}"#);
    let flags: Vec<String> = (0..plain)
        .map(|at| flag(format!("f{at}"), ""))
        .chain((0..experiments).map(|at| flag(format!("e{at}"), r#","experiment":"x""#)))
        .collect();
    format!(r#"{{"flags":{{{}}}}}"#, flags.join(","))
}

#[test]
fn exposure_is_queued_once_per_session() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    for _ in 0..100 {
        assert_eq!(page.read("checkout"), ("treatment".to_owned(), "TARGETING_MATCH"));
    }
    assert_eq!(page.recorded.len(), 1);
    page.advance(MINUTE_MS);
    page.read("checkout");
    assert_eq!(page.recorded.len(), 1, "also after it was delivered");
    assert_eq!(page.client.exposures().stats().delivered, 1);
}

#[test]
fn a_row_says_what_was_decided_for_whom_when_and_why() {
    let mut page = Page::open(Dedup::Session, &serving("treatment"), Storage::new(), Some("u1"), START_MS);
    let attributes: Value = serde_json::from_str(r#"{"plan":"pro","secret":"s"}"#).unwrap();
    let effects = page.client.identify(None, attributes, page.now);
    page.run(effects);
    page.advance(1500.0);
    page.read("checkout");
    let identity = page.client.identity().clone();
    let id = page.recorded[0]["id"].clone();
    assert_eq!(
        page.recorded,
        [serde_json::json!({
            "flag_key": "checkout", "value": { "layout": "one-page" }, "variant": "treatment", "reason": "TARGETING_MATCH",
            "session_id": page.client.session().id, "distinct_id": "u1", "id": id,
            "ts_ms": START_MS as u64 + 1500, "mono_ms": 1500, "seq": 2, "instance_id": format!("instance-{START_MS}"),
            "anon_id": identity.anonymous_id, "device_id": identity.device_id, "unit": "distinctId",
            "flag_version": 7, "ruleset_version": 5, "rule_id": "everyone", "experiment": "checkout-2026-q4",
            "environment": "production", "source": "call", "dedup": "session", "attributes": { "plan": "pro" },
            "app_version": "2.4.1", "sdk": concat!("pennon/", env!("CARGO_PKG_VERSION")),
        })]
    );
}

#[test]
fn a_disabled_flag_is_recorded_and_an_error_or_an_override_is_not() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    let effects = page.client.override_flag("checkout".into(), "control".into(), false);
    page.run(effects);
    for (key, reason) in [("banner", "DISABLED"), ("broken", "ERROR"), ("unknown", "ERROR"), ("checkout", "OVERRIDE")] {
        assert_eq!(page.read(key).1, reason);
    }
    assert_eq!(page.field("reason"), ["DISABLED"]);
}

#[test]
fn a_changed_value_makes_a_second_row() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.read("checkout");
    page.set_ruleset(&serving("control"));
    page.read("checkout");
    page.read("checkout");
    page.set_ruleset(&serving("treatment"));
    page.read("checkout");
    assert_eq!(page.field("variant"), ["treatment", "control"]);
}

#[test]
fn a_new_session_makes_a_second_row() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.read("checkout");
    page.renew_session();
    page.read("checkout");
    page.advance(30.0 * MINUTE_MS);
    page.read("checkout");
    let sessions = page.field("session_id");
    assert_eq!(sessions.len(), 3);
    assert!(sessions[0] != sessions[1] && sessions[1] != sessions[2]);
}

#[test]
fn reads_alone_prolong_no_session_and_activity_does() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    for _ in 0..4 {
        page.read("checkout");
        page.advance(10.0 * MINUTE_MS);
    }
    assert_eq!(page.recorded.len(), 2, "over after 30 minutes of reads alone");
    for _ in 0..6 {
        page.activity();
        page.read("checkout");
        page.advance(10.0 * MINUTE_MS);
    }
    assert_eq!(page.recorded.len(), 2, "live after an hour of activity");
}

#[test]
fn identity_scope_survives_a_new_session_and_a_restart() {
    let mut page = Page::first(Dedup::Identity, &serving("treatment"));
    page.read("checkout");
    page.renew_session();
    page.read("checkout");
    assert_eq!(page.recorded.len(), 1);
    page.advance(MINUTE_MS);

    let later_ms = START_MS + 100.0 * MINUTE_MS;
    let mut later = Page::open(Dedup::Identity, &serving("treatment"), page.storage, None, later_ms);
    later.read("checkout");
    assert_eq!(later.recorded.len(), 0);
}

#[test]
fn identity_scope_is_cleared_by_another_id_and_by_reset_and_not_by_the_same_id() {
    let mut page = Page::open(Dedup::Identity, &serving("treatment"), Storage::new(), Some("u1"), START_MS);
    let read_and_deliver = |page: &mut Page| {
        page.read("checkout");
        page.advance(MINUTE_MS);
        page.recorded.len()
    };
    assert_eq!(read_and_deliver(&mut page), 1);
    page.identify("u1");
    assert_eq!(read_and_deliver(&mut page), 1, "the same id");
    page.identify("u2");
    assert_eq!(read_and_deliver(&mut page), 2, "another id");
    page.identify("u1");
    assert_eq!(read_and_deliver(&mut page), 3, "what was reported of the first is forgotten");
    page.reset();
    assert_eq!(page.storage[StorageKey::Acknowledged.as_str()].len(), 2 + 2 * 11, "the two links alone");
    assert_eq!(read_and_deliver(&mut page), 4, "reset");
    assert_eq!(page.field("distinct_id")[..3], ["u1", "u2", "u1"]);
    assert_eq!(page.field("distinct_id")[3], page.client.identity().anonymous_id);
}

#[test]
fn identity_scope_is_cleared_when_the_next_page_begins_with_another_id() {
    let visit = |storage: Storage, id: &str| {
        let mut page = Page::open(Dedup::Identity, &serving("treatment"), storage, Some(id), START_MS);
        page.read("checkout");
        page.advance(MINUTE_MS);
        (page.recorded.len(), page.storage)
    };
    let (first, storage) = visit(Storage::new(), "u1");
    let (same, storage) = visit(storage, "u1");
    let (other, storage) = visit(storage, "u2");
    let (back, _) = visit(storage, "u1");
    assert_eq!([first, same, other, back], [1, 0, 1, 1]);
}

#[test]
fn without_a_scope_every_read_is_a_row() {
    let mut page = Page::first(Dedup::None, &serving("treatment"));
    for _ in 0..5 {
        page.read("checkout");
    }
    let mut ids = page.field("id");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn somebody_first_outside_the_limit_and_then_let_in_has_two_rows_with_two_reasons() {
    let mut page = Page::first(Dedup::Session, &limited(0, "control"));
    page.read("checkout");
    page.set_ruleset(&limited(100, "control"));
    page.read("checkout");
    page.read("checkout");
    assert_eq!(page.field("reason"), ["NOT_IN_EXPOSURE", "TARGETING_MATCH"]);
    assert_eq!(page.field("variant"), ["control", "control"], "of the same variant");
}

#[test]
fn identify_changes_the_identity_of_later_rows_only() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    let anonymous_id = page.client.identity().anonymous_id.clone();
    page.read("checkout");
    page.identify("u1");
    page.read("checkout");
    page.advance(MINUTE_MS);
    assert_eq!(page.field("distinct_id"), [anonymous_id.as_str(), "u1"]);
    let body: serde_json::Value = serde_json::from_str(&page.sent[0].body).unwrap();
    assert_eq!(body["exposures"].as_array().unwrap(), &page.recorded, "as they were recorded");
    let sessions = page.field("session_id");
    assert_eq!(sessions[0], sessions[1], "identify keeps the session");
}

#[test]
fn a_link_says_that_an_anonymous_and_a_distinct_id_are_one_person() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.advance(1500.0);
    page.identify("u1");
    page.advance(MINUTE_MS);
    let identity = page.client.identity().clone();
    assert_eq!(
        page.links(),
        [serde_json::json!({
            "id": Id::of_link(&identity.anonymous_id, "u1").to_text(), "ts_ms": START_MS as u64 + 1500, "mono_ms": 1500,
            "seq": 1, "instance_id": format!("instance-{START_MS}"), "anon_id": identity.anonymous_id, "distinct_id": "u1",
            "device_id": identity.device_id, "session_id": page.client.session().id, "environment": "production",
            "app_version": "2.4.1", "sdk": concat!("pennon/", env!("CARGO_PKG_VERSION")),
        })]
    );
    assert!(page.recorded.is_empty(), "a link is no exposure");
    let stats = page.client.exposures().stats();
    assert_eq!((stats.recorded, stats.delivered, stats.ledger.seq_max), (1, 1, 1));
}

#[test]
fn a_pair_of_ids_is_linked_once() {
    for dedup in [Dedup::Session, Dedup::Identity, Dedup::None] {
        let mut storage = Storage::new();
        let mut links = Vec::new();
        for _ in 0..3 {
            let mut page = Page::open(dedup, &serving("treatment"), storage, Some("u1"), START_MS);
            for id in ["u1", "u2", "u1", "u2", "u1"] {
                page.identify(id);
                page.advance(MINUTE_MS);
            }
            links.extend(page.links().iter().map(|link| link["distinct_id"].as_str().unwrap().to_owned()));
            storage = page.storage;
        }
        assert_eq!(links, ["u1", "u2"], "{dedup:?}: at no later load, and at no change between two people");
    }
}

#[test]
fn a_link_that_was_not_acknowledged_is_sent_again_at_the_next_load() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.network = Network::Silent;
    page.identify("u1");
    page.step(Input::Exit);
    let mut next = Page::open(Dedup::Session, &serving("treatment"), page.storage.clone(), Some("u1"), START_MS);
    next.advance(MINUTE_MS);
    assert_eq!(next.links()[0]["id"], page.links()[0]["id"], "as the same link");
}

#[test]
fn a_link_that_an_earlier_page_has_left_is_taken_over_and_not_recorded_once_more() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.network = Network::Silent;
    page.identify("u1");
    let ids = page.storage[StorageKey::Ids.as_str()].clone();
    let stored = Stored { ids: Some(&ids), ..Stored::default() };
    let state = State::new(Config { instance_id: "the next".into(), ..config(Dedup::Session) }, None);
    let (mut next, _) = Client::new(state, Some("u1".into()), Value::Null, stored, page.now, &mut || [7; 10]);
    assert_eq!(next.exposures().stats().pending, 0, "it may be among what is taken over");
    let lines: String = page.kept.into_values().map(|line| line + "\n").collect();
    let orphan = Orphan { owner: &format!("instance-{START_MS}"), ledgers: "", lines: &lines, corrupt: 0 };
    next.step(Input::Adopt(&orphan), page.now);
    next.step(Input::Consent(Consent::Granted), page.now);
    let stats = next.exposures().stats();
    assert_eq!((stats.pending, stats.recorded, stats.ledger.adopted), (1, 0, 1));
}

#[test]
fn after_a_reset_the_new_anonymous_id_is_linked() {
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.identify("u1");
    page.reset();
    page.identify("u1");
    page.advance(MINUTE_MS);
    let links = page.links();
    assert_eq!(links.len(), 2);
    assert_ne!(links[0]["anon_id"], links[1]["anon_id"]);
}

#[test]
fn without_an_endpoint_there_are_no_links() {
    let now = Now { wall_ms: START_MS, mono_ms: 0.0 };
    let state = State::new(Config { sends: false, ..config(Dedup::Session) }, None);
    let (client, effects) = Client::new(state, Some("u1".into()), Value::Null, Stored::default(), now, &mut || [7; 10]);
    assert!(effects.iter().all(|effect| matches!(effect, Effect::Store { .. })), "{effects:?}");
    assert_eq!(client.exposures().stats().recorded, 0);
}

#[test]
fn a_link_is_never_evicted_and_leaves_first() {
    let mut page = Page::first(Dedup::Session, &many(700, 0));
    page.network = Network::Answers(Outcome::Unreachable);
    page.read("f0");
    page.identify("u1");
    page.advance(5100.0);
    assert_eq!((page.sent.len(), page.links().len()), (1, 1));
    for at in 1..700 {
        page.read(&format!("f{at}"));
    }
    assert!(page.client.exposures().stats().dropped.total() > 0);
    page.identify("u2");
    page.network = Network::Answers(Outcome::Acknowledged);
    page.step(Input::Exit);
    let people: Vec<_> = page.links().iter().map(|link| link["distinct_id"].clone()).collect();
    assert_eq!(people, ["u1", "u2"], "never sent before others");
    assert!(page.sent[1].body.contains("\"links\":[{"), "in the first batch at exit");
    page.advance(MINUTE_MS);
    let people: Vec<_> = page.links().iter().map(|link| link["distinct_id"].clone()).collect();
    assert_eq!(people, ["u1", "u2", "u1"], "the ring kept both");
}

/// A split of which everybody gets the first variant.
fn split(experiment: &str) -> String {
    format!(
        r#"{{"variants":{{"control":false,"treatment":true}},"default":"control"{experiment},
            "rules":[{{"serve":[{{"variant":"control","weight":1}},{{"variant":"treatment","weight":0}}]}}]}}"#
    )
}

#[test]
fn a_decided_row_is_told_apart_from_a_seen_one_and_is_one_per_session() {
    for dedup in [Dedup::Session, Dedup::None] {
        let mut page = Page::first(dedup, &format!(r#"{{"flags":{{"f":{}}}}}"#, split("")));
        for _ in 0..3 {
            page.decide("f");
            page.advance(MINUTE_MS);
        }
        page.read("f");
        assert_eq!(page.field("source"), ["handshake", "call"]);
        assert_eq!(page.field("variant"), ["control", "control"], "the control arm is targeted too");
        assert_eq!(page.field("dedup"), ["session", dedup.as_str()]);
        page.renew_session();
        page.decide("f");
        assert_eq!(page.field("source"), ["handshake", "call", "handshake"]);
    }
}

#[test]
fn only_what_a_rule_decided_for_a_unit_has_a_decided_row() {
    let flag = |more: &str| format!(r#"{{"variants":{{"a":1,"b":2}},"default":"a","off":"a",{more}}}"#);
    let flags = [
        ("split", split("")),
        ("rule", flag(r#""rules":[{"id":"r","serve":"b"}]"#)),
        ("unnamed", flag(r#""rules":[{"serve":"a"}]"#)),
        ("target", flag(r#""targets":[{"variant":"b","ids":["u1"]}],"rules":[{"serve":"a"}]"#)),
        ("default", flag(r#""rules":[]"#)),
        ("disabled", flag(r#""enabled":false,"rules":[{"serve":"b"}]"#)),
        ("limited", flag(r#""limitExposure":{"percent":0},"rules":[{"serve":"b"}]"#)),
        ("keyless", flag(r#""by":"organizationId","rules":[{"serve":[{"variant":"a","weight":1}]}]"#)),
        ("broken", flag(r#""rules":7"#)),
        ("overridden", flag(r#""rules":[{"serve":"a"}]"#)),
    ];
    let text: Vec<String> = flags.iter().map(|(key, flag)| format!("\"{key}\":{flag}")).collect();
    let ruleset = format!(r#"{{"flags":{{{}}}}}"#, text.join(","));
    let mut page = Page::open(Dedup::Session, &ruleset, Storage::new(), Some("u1"), START_MS);
    let effects = page.client.override_flag("overridden".into(), "b".into(), true);
    page.run(effects);
    for (key, _) in &flags {
        page.decide(key);
    }
    page.decide("unknown");
    assert_eq!(page.field("flag_key"), ["split", "rule", "unnamed"]);
}

#[test]
fn flags_without_an_experiment_are_passed_over_uncompiled_unless_all_are_wanted() {
    let flags = [
        ("plain", split("")),
        ("tried", split(r#","experiment":"x""#)),
        ("escaped", split(r#","\u0065xperiment":"x""#)),
        ("mentioned", split(r#","about":{"experiment":"x"}"#)),
        ("backslash", split(r#","about":"a\\b""#)),
        ("unset", split(r#","experiment":null"#)),
        ("broken", r#"{"experiment":"x"}"#.to_owned()),
        ("default", r#"{"experiment":"x","variants":{"a":1},"default":"a"}"#.to_owned()),
    ];
    let text: Vec<String> = flags.iter().map(|(key, flag)| format!("\"{key}\":{flag}")).collect();
    let mut page = Page::first(Dedup::Session, &format!(r#"{{"flags":{{{}}}}}"#, text.join(",")));
    let mut keys = |all: bool| {
        let keys: Vec<String> = (0..).map_while(|place| page.client.targeted_key(place, all, page.now)).collect();
        assert_eq!(keys.len(), flags.len(), "each place, and no other");
        keys.into_iter().filter(|key| !key.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(keys(false), ["tried", "escaped"]);
    assert_eq!(keys(true), ["plain", "tried", "escaped", "mentioned", "backslash", "unset"]);
    let found = Ruleset::read(&format!(r#"{{"flags":{{{}}}}}"#, text.join(",")), NATIVE).unwrap();
    let looked_at: Vec<bool> = (0..found.flag_count()).map(|place| found.may_have_experiment(place)).collect();
    assert_eq!(looked_at, [false, true, true, true, true, true, true, true]);
}

#[test]
fn what_is_only_decided_evicts_nothing_and_leaves_half_of_the_ring_to_what_is_seen() {
    let flags: Vec<String> = (0..900).map(|at| format!("\"f{at}\":{}", split(r#","experiment":"x""#))).collect();
    let mut page = Page::first(Dedup::Session, &format!(r#"{{"flags":{{{}}}}}"#, flags.join(",")));
    page.network = Network::Silent;
    let decided = (0..900)
        .find(|at| {
            page.decide(&format!("f{at}"));
            page.refused > 0
        })
        .unwrap();
    assert!(decided > 200 && decided <= 300, "{decided}");
    let before = page.client.exposures().stats();
    assert_eq!(before.ledger.refused, 0, "its turn comes later: nothing is lost");
    for at in 600..800 {
        page.read(&format!("f{at}"));
    }
    let stats = page.client.exposures().stats();
    assert_eq!(stats.pending, before.pending + 200, "there is room for what is seen");

    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(MINUTE_MS);
    page.decide(&format!("f{decided}"));
    assert_eq!(page.field("flag_key").last(), Some(&format!("f{decided}").as_str()));
}

#[test]
fn a_full_ring_evicts_the_oldest_rows_without_an_experiment_first() {
    let mut page = Page::first(Dedup::Session, &many(700, 1));
    page.network = Network::Silent;
    page.read("e0");
    let dropped = |page: &Page| page.client.exposures().stats().dropped.total();
    let filled = (0..700).take_while(|at| {
        page.read(&format!("f{at}"));
        dropped(&page) == 0
    });
    assert!(filled.count() > 400);
    let stale = page.stale;
    assert!(stale > 0, "an eviction un-marks");

    let oldest = |page: &Page, on_its_way: bool| {
        let row = page.recorded.iter().find(|row| {
            let id = row["id"].as_str().unwrap().to_owned();
            row.get("experiment").is_none() && page.sent[0].ids.contains(&id) == on_its_way
        });
        row.unwrap()["flag_key"].as_str().unwrap().to_owned()
    };
    let (sent, evicted) = (oldest(&page, true), oldest(&page, false));
    let rows = page.recorded.len();
    page.read("e0");
    page.read(&sent);
    assert_eq!(page.recorded.len(), rows, "an experiment, and what is on its way, stay");
    let all = dropped(&page);
    page.read(&evicted);
    assert_eq!((page.recorded.len(), dropped(&page)), (rows, all), "it does not evict another in its turn");
    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(MINUTE_MS);
    let rows = page.recorded.len();
    page.read(&evicted);
    assert_eq!(page.recorded.len(), rows + 1, "{evicted} is recorded once there is room");
}

#[test]
fn what_there_is_no_room_for_is_refused_and_not_marked_as_seen() {
    let mut page = Page::first(Dedup::Session, &many(0, 700));
    page.network = Network::Silent;
    let full = (0..700)
        .find(|at| {
            page.read(&format!("e{at}"));
            page.refused > 0
        })
        .unwrap();
    let (refused, another) = (format!("e{full}"), format!("e{}", full + 1));
    page.read(&refused);
    page.read(&another);
    let stats = page.client.exposures().stats();
    assert_eq!((page.refused, stats.ledger.refused), (3, 2), "each is counted once");
    assert_eq!((stats.pending, stats.ledger.seq_max, stats.dropped.total()), (full, full as u32, 0));

    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(MINUTE_MS);
    page.read(&refused);
    page.read(&another);
    page.advance(MINUTE_MS);
    let stats = page.client.exposures().stats();
    assert_eq!((stats.delivered, stats.pending, stats.ledger.seq_max), (full as u32 + 2, 0, full as u32 + 2));
}

/// What the page is given of a flag now, as it tells it later. `value_text`: what the row is to carry.
fn decided<'a>(page: &mut Page, key: &str, value_text: &'a str) -> Seen<'a> {
    let answer = page.client.decide(key, page.now).number();
    let place = page.client.place_of(key);
    Seen { place, answer, manual_variant: None, decided: false, value_text, value_is_cut: false }
}

/// The same, with a value cut to this text.
fn cut<'a>(page: &mut Page, key: &str, value_text: &'a str) -> Seen<'a> {
    Seen { value_is_cut: true, ..decided(page, key, value_text) }
}

#[test]
fn a_row_too_large_to_make_room_for_costs_no_other() {
    let mut page = Page::first(Dedup::Session, &many(10, 0));
    for at in 0..9 {
        page.read(&format!("f{at}"));
    }
    let value = format!("\"{}\"", "x".repeat(300 * 1024));
    let seen = cut(&mut page, "f9", &value);
    let effects = page.client.record(&seen, page.now);
    assert_eq!(effects, [Effect::Refused]);
    let stats = page.client.exposures().stats();
    assert_eq!((stats.pending, stats.dropped.total(), stats.ledger.refused), (9, 0, 1));
}

#[test]
fn a_row_larger_than_a_batch_goes_alone_and_holds_up_no_others() {
    let mut page = Page::first(Dedup::Session, &many(3, 0));
    page.read("f0");
    let value = format!("\"{}\"", "x".repeat(60 * 1024));
    let seen = cut(&mut page, "f1", &value);
    let effects = page.client.record(&seen, page.now);
    page.run(effects);
    page.read("f2");
    page.advance(MINUTE_MS);
    assert_eq!(page.client.exposures().stats().delivered, 3);
    assert_eq!(page.sent.iter().map(|batch| batch.ids.len()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn rows_wait_for_the_flush_interval_and_go_in_one_batch() {
    let mut page = Page::first(Dedup::Session, &many(3, 0));
    page.read("f0");
    page.advance(4000.0);
    page.read("f1");
    page.advance(999.0);
    assert_eq!(page.sent.len(), 0);
    page.advance(1.0);
    assert_eq!(page.sent.iter().map(|batch| batch.ids.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_full_batch_is_sent_at_once() {
    let mut page = Page::first(Dedup::Session, &many(100, 0));
    let rows = (0..100)
        .position(|at| {
            page.read(&format!("f{at}"));
            !page.sent.is_empty()
        })
        .unwrap();
    let bytes: usize = page.recorded.iter().map(|row| row.to_string().len()).sum();
    assert!(bytes >= 45 * 1024 && bytes - page.recorded[rows].to_string().len() < 45 * 1024, "{bytes}");
    assert_eq!(page.sent[0].ids.len(), rows, "all but the one that is too many");
}

#[test]
fn a_failed_batch_is_sent_again_with_the_same_rows_and_a_new_stamp() {
    let mut page = Page::first(Dedup::Session, &many(2, 0));
    page.network = Network::Answers(Outcome::Refused { status: 503, retry_after_ms: None });
    page.read("f0");
    page.read("f1");
    page.advance(5100.0);
    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(MINUTE_MS);
    assert_eq!(page.sent.len(), 2);
    let bodies: Vec<serde_json::Value> =
        page.sent.iter().map(|batch| serde_json::from_str(&batch.body).unwrap()).collect();
    assert_eq!(bodies[0]["exposures"], bodies[1]["exposures"]);
    assert_eq!((bodies[0]["attempt"].as_u64(), bodies[1]["attempt"].as_u64()), (Some(1), Some(2)));
    assert!(bodies[0]["sent_mono_ms"].as_u64() < bodies[1]["sent_mono_ms"].as_u64());
    assert_eq!(bodies[1]["ledger"]["resent"], 2);
    assert_ne!(bodies[0]["batch_id"], bodies[1]["batch_id"]);
    assert_eq!(page.client.exposures().stats().delivered, 2);
}

#[test]
fn a_server_that_never_answers_is_given_up_after_ten_seconds() {
    let mut page = Page::first(Dedup::Session, &many(1, 0));
    page.network = Network::Silent;
    page.read("f0");
    page.advance(5000.0);
    page.advance(9999.0);
    let stats = page.client.exposures().stats();
    assert_eq!((stats.sending, stats.ledger.unreachable), (1, 0));
    page.advance(2.0);
    let stats = page.client.exposures().stats();
    assert_eq!((stats.sending, stats.pending, stats.ledger.unreachable), (0, 1, 1));
}

#[test]
fn a_page_that_goes_away_sends_what_was_never_sent_and_experiments_first() {
    let mut page = Page::first(Dedup::Session, &many(98, 1));
    for at in 0..80 {
        page.read(&format!("f{at}"));
    }
    page.read("e0");
    let experiment = page.recorded[80]["id"].as_str().unwrap().to_owned();
    page.step(Input::Exit);
    assert_eq!((page.sent.len(), page.sent.iter().all(|batch| batch.exit)), (3, true));
    assert!(page.sent[0].ids.contains(&experiment));
    for batch in &page.sent {
        let body: serde_json::Value = serde_json::from_str(&batch.body).unwrap();
        let bytes: usize = body["exposures"].as_array().unwrap().iter().map(|row| row.to_string().len()).sum();
        assert!(bytes <= 15 * 1024, "{bytes}");
    }
    assert!(page.sent.iter().map(|batch| batch.body.len()).sum::<usize>() < 64 * 1024, "within the keepalive quota");
}

#[test]
fn a_flush_sends_everything_and_tells_when_it_is_over() {
    let mut page = Page::first(Dedup::Session, &many(250, 0));
    page.step(Input::Flush);
    assert_eq!(page.flushed, [(0, 0)], "of nothing, at once");
    for at in 0..250 {
        page.read(&format!("f{at}"));
    }
    page.step(Input::Flush);
    page.step(Input::Flush);
    page.advance(1000.0);
    assert_eq!(page.flushed, [(0, 0), (250, 0)], "both calls end together");

    page.network = Network::Answers(Outcome::Unreachable);
    page.renew_session();
    page.read("f0");
    page.step(Input::Flush);
    page.advance(1000.0);
    assert_eq!(page.flushed[2..], [(0, 1)], "after one attempt");
}

#[test]
fn an_hour_of_reading_makes_exactly_the_requests_it_must() {
    let mut page = Page::first(Dedup::Session, &many(60, 0));
    for minute in 0..60 {
        page.activity();
        for second in 0..60 {
            page.read("f0");
            page.read(&format!("f{minute}"));
            if second == 3 {
                page.read("f59");
            }
            page.advance(1000.0);
        }
    }
    page.advance(MINUTE_MS);
    // f0 and f59 in the first minute, each other flag in its own, each 5 s after it was first read.
    assert_eq!(page.recorded.len(), 60);
    assert_eq!(page.sent.len(), 59);
    assert_eq!(page.client.exposures().stats().delivered, 60);
}

#[test]
fn an_outage_costs_few_requests_and_loses_nothing() {
    let mut page = Page::first(Dedup::Session, &many(1, 0));
    page.network = Network::Answers(Outcome::Unreachable);
    page.read("f0");
    page.advance(10.0 * MINUTE_MS);
    assert!(page.sent.len() <= 25, "{}", page.sent.len());
    page.advance(10.0 * MINUTE_MS);
    let in_twenty_minutes = page.sent.len();
    page.advance(60.0 * MINUTE_MS);
    assert!(page.sent.len() - in_twenty_minutes <= 20, "{}", page.sent.len() - in_twenty_minutes);
    assert_eq!(page.client.exposures().stats().pending, 1, "nothing is lost");
    page.network = Network::Answers(Outcome::Acknowledged);
    page.advance(305_000.0);
    assert_eq!(page.client.exposures().stats().delivered, 1);
}

#[test]
fn an_endpoint_that_finds_everything_malformed_is_asked_no_more_often_than_one_that_is_down() {
    let mut page = Page::first(Dedup::Session, &many(90, 0));
    page.network = Network::Answers(Outcome::Refused { status: 400, retry_after_ms: None });
    for at in 0..90 {
        page.read(&format!("f{at}"));
    }
    page.advance(10.0 * MINUTE_MS);
    assert!(page.sent.len() <= 12 + 25, "{}", page.sent.len());
}

#[test]
fn a_timer_that_never_fires_does_not_end_delivery() {
    let mut page = Page::first(Dedup::Session, &many(2, 0));
    page.read("f0");
    page.lose_timers();
    page.advance(MINUTE_MS);
    assert_eq!(page.client.exposures().stats().delivered, 0);
    page.read("f1");
    page.advance(6000.0);
    assert_eq!(page.client.exposures().stats().delivered, 2);
}

#[test]
fn a_short_outage_ends_within_65_seconds_and_at_once_when_the_page_is_shown_or_online() {
    for event in [None, Some(Input::Shown), Some(Input::Online)] {
        let mut page = Page::first(Dedup::Session, &many(1, 0));
        page.network = Network::Answers(Outcome::Unreachable);
        page.read("f0");
        page.advance(10.0 * MINUTE_MS);
        page.network = Network::Answers(Outcome::Acknowledged);
        match event {
            None => page.advance(65_000.0),
            Some(event) => {
                page.advance(5_000.0);
                page.step(event);
                page.advance(100.0);
            }
        }
        assert_eq!(page.client.exposures().stats().delivered, 1);
    }
}

#[test]
fn acknowledged_ids_survive_a_restart_and_what_was_not_acknowledged_is_recorded_again() {
    let mut page = Page::first(Dedup::Session, &many(2, 0));
    page.read("f0");
    page.advance(MINUTE_MS);
    page.network = Network::Silent;
    page.read("f1");
    page.step(Input::Exit);

    let mut next = Page::open(Dedup::Session, &many(2, 0), page.storage.clone(), None, START_MS + 2.0 * MINUTE_MS);
    assert_eq!(next.client.session().id, page.client.session().id, "the session goes on");
    next.read("f0");
    next.read("f1");
    assert_eq!(next.field("flag_key"), ["f1"]);
    assert_eq!(next.field("id"), [page.field("id")[1]], "as the same exposure");
}

#[test]
fn what_two_tabs_had_acknowledged_is_stored_together() {
    let mut one = Page::first(Dedup::Session, &many(2, 0));
    let mut other = Page::open(Dedup::Session, &many(2, 0), one.storage.clone(), None, START_MS);
    one.read("f0");
    one.advance(MINUTE_MS);
    other.read("f1");
    // The other tab sees what the first one stored when it stores its own.
    let acknowledged = StorageKey::Acknowledged.as_str();
    other.storage.insert(acknowledged, one.storage[acknowledged].clone());
    other.advance(MINUTE_MS);
    let mut next = Page::open(Dedup::Session, &many(2, 0), other.storage, None, START_MS + MINUTE_MS);
    next.read("f0");
    next.read("f1");
    assert_eq!(next.recorded.len(), 0);
}

#[test]
fn who_signs_in_again_at_each_load_is_counted_once_in_the_identity_scope() {
    let mut storage = Storage::new();
    for load in 0..3 {
        let mut page = Page::open(Dedup::Identity, &serving("treatment"), storage, None, START_MS);
        page.identify("u1");
        page.read("checkout");
        page.advance(MINUTE_MS);
        assert_eq!(page.recorded.len(), usize::from(load == 0), "load {load}");
        storage = page.storage;
    }
}

#[test]
fn what_was_decided_is_recorded_only_while_nothing_has_changed_it() {
    let flag = r#"{"variants":{"a":"A","b":"B"},"default":"a","rules":[
        {"when":{"attribute":"plan","op":"eq","value":"pro"},"serve":"b"}]}"#;
    let ruleset = format!(r#"{{"flags":{{"f":{flag},"g":{flag}}}}}"#);
    let pro = || Value::object(vec![("plan".into(), Value::Text("pro".into()))]);
    let changes: [fn(&mut Client, Value, &str, Now); 3] = [
        |client, pro, _, now| drop(client.identify(None, pro, now)),
        |client, _, _, _| drop(client.override_flag("f".into(), "b".into(), true)),
        |client, _, text, _| {
            let other = text.replacen(r#""default":"a""#, r#""default":"b""#, 1);
            client.set_ruleset(Ruleset::read(&other, NATIVE)).unwrap();
        },
    ];
    for change in changes {
        let mut page = Page::first(Dedup::Session, &ruleset);
        let seen = decided(&mut page, "f", "0");
        change(&mut page.client, pro(), &ruleset, page.now);
        assert_eq!(page.client.record(&seen, page.now), [Effect::Stale, Effect::Refused]);
    }
    // What was decided last is another flag.
    let mut page = Page::first(Dedup::Session, &ruleset);
    let seen = decided(&mut page, "f", "0");
    page.client.identify(None, pro(), page.now);
    page.client.decide("g", page.now);
    assert_eq!(page.client.record(&seen, page.now), [Effect::Stale, Effect::Refused]);
}

#[test]
fn a_clock_that_is_set_back_between_decision_and_row_is_noticed() {
    let flag = r#"{"variants":{"a":"A","b":"B"},"default":"a","start":1790000060000,"rules":[{"serve":"b"}]}"#;
    let mut page = Page::first(Dedup::Session, &format!(r#"{{"flags":{{"f":{flag}}}}}"#));
    page.now.wall_ms = 1_790_000_060_000.0;
    let seen = decided(&mut page, "f", "0");
    page.now.wall_ms -= 1.0;
    assert_eq!(page.client.record(&seen, page.now), [Effect::Stale, Effect::Refused]);
}

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let ends = r#"{"flags":{"f":{"variants":{"a":1},"default":"a","end":1790000060000}}}"#;
    for ruleset in [serving("treatment"), ends.to_owned(), r#"{"flags":{}}"#.to_owned()] {
        let mut page = Page::first(Dedup::Session, &ruleset);
        let (stats, until_ms) = (page.client.exposures().stats(), page.client.valid_until_ms());
        page.client.rehearse(page.now);
        assert_eq!(page.client.exposures().stats(), stats);
        assert_eq!(page.client.valid_until_ms(), until_ms);
    }
    let mut page = Page::first(Dedup::Session, &serving("treatment"));
    page.client.rehearse(page.now);
    page.read("checkout");
    assert_eq!(page.recorded.len(), 1, "what was rehearsed does not count as recorded");
    assert_eq!(page.recorded[0]["seq"], 1);
}

#[test]
fn a_row_says_what_the_page_was_given_also_when_the_flag_has_ended_since() {
    let flag = r#"{"variants":{"a":"A","b":"B"},"default":"a","end":1790000060000,"rules":[{"serve":"b"}]}"#;
    let mut page = Page::first(Dedup::Session, &format!(r#"{{"flags":{{"f":{flag}}}}}"#));
    page.now.wall_ms = 1_790_000_059_999.0;
    let seen = decided(&mut page, "f", "\"B\"");
    page.now.wall_ms += 1.0;
    assert_eq!(page.client.record(&seen, page.now), [Effect::Stale, Effect::Refused]);
    page.read("f");
    assert_eq!(page.field("variant"), ["a"]);
    assert_eq!(page.field("reason"), ["DISABLED"]);
}

#[test]
fn a_link_for_which_there_was_no_room_is_recorded_when_there_is_some() {
    let flag = |_| serde_json::json!({ "variants": { "a": 1 }, "default": "a", "experiment": "e" });
    let flags: serde_json::Map<_, _> = (0..601).map(|at| (format!("flag_{at}"), flag(at))).collect();
    let mut page = Page::first(Dedup::Session, &serde_json::json!({ "flags": flags }).to_string());
    page.network = Network::Answers(Outcome::Unreachable);
    for at in 0..601 {
        page.read(&format!("flag_{at}"));
    }
    page.identify("alice");
    page.network = Network::Answers(Outcome::Acknowledged);
    page.step(Input::Flush);
    page.advance(60_000.0);
    let sent: String = page.sent.iter().map(|batch| batch.body.as_str()).collect();
    assert!(sent.contains(r#""distinct_id":"alice""#), "the link is on its way");
    assert_eq!(page.client.exposures().stats().pending, 0);
}
