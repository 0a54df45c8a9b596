//! No ruleset makes a decision long: counted in what the engine asks of its platform, not in time.

use std::cell::Cell;

use pennon::engine::attributes::Value as Attributes;
use pennon::engine::client::{Client, Stored};
use pennon::engine::exposure::State;
use pennon::engine::exposure::id::Dedup;
use pennon::engine::platform::{NATIVE, Platform};
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;
use serde_json::{Map, Value, json};

use crate::support::{START_MS, config};

const NOW: Now = Now { wall_ms: START_MS, mono_ms: 0.0 };
/// The longest chain of references.
const LAYERS: usize = 32;

thread_local! {
    static FOLDED: Cell<usize> = const { Cell::new(0) };
    static PARSED: Cell<usize> = const { Cell::new(0) };
}

/// Counts each condition that is looked at (its attribute is put into lower case), and each that is compiled (its number
/// is read).
const COUNTING: Platform = Platform {
    lower_case: |text| {
        FOLDED.set(FOLDED.get() + 1);
        (NATIVE.lower_case)(text)
    },
    parse_number: |text| {
        PARSED.set(PARSED.get() + 1);
        (NATIVE.parse_number)(text)
    },
    ..NATIVE
};

/// A client on the counting platform.
fn client(ruleset: &Value) -> Client {
    let config = pennon::engine::exposure::Config { platform: COUNTING, ..config(Dedup::Session) };
    let attributes: Attributes = serde_json::from_value(json!({ "plan": "PRO", "age": 30 })).unwrap();
    let id = Some("u1".to_owned());
    let (mut client, _) =
        Client::new(State::new(config, None), id, attributes, Stored::default(), NOW, &mut || [7; 10]);
    // With an exponent a number is the platform's to read.
    let text = ruleset.to_string().replace("\"AGE1e1\"", "1e1").replace("\"AGE1e3\"", "1e3");
    client.set_ruleset(Ruleset::read(&text, COUNTING)).unwrap();
    client
}

/// Conditions that are all looked at wherever their flag or segment is, and all hold when `holds`: one is counted when it
/// is looked at, one when it is compiled; then those given.
fn conditions(holds: bool, others: impl Iterator<Item = Value>) -> Value {
    let plan = if holds { "pro" } else { "team" };
    let age = if holds { "AGE1e1" } else { "AGE1e3" };
    let mut all = vec![
        json!({ "attribute": "plan", "op": "eq", "value": plan, "ignoreCase": true }),
        json!({ "attribute": "age", "op": "gt", "value": age }),
    ];
    all.extend(others);
    // Neither `all` of what holds nor `any` of what does not ends early.
    json!({ if holds { "all" } else { "any" }: all })
}

/// `LAYERS` layers of `width` segments or flags each, and of each layer each refers to all of the next: of ways through
/// them there are `width` to the power of `LAYERS`.
fn lattice(width: usize, mut node: impl FnMut(Vec<String>) -> Value) -> Map<String, Value> {
    let key = |layer: usize, place: usize| format!("{layer}-{place}");
    (0..LAYERS)
        .flat_map(|layer| (0..width).map(move |place| (layer, place)))
        .map(|(layer, place)| {
            let next =
                if layer + 1 < LAYERS { (0..width).map(|place| key(layer + 1, place)).collect() } else { Vec::new() };
            (key(layer, place), node(next))
        })
        .collect()
}

/// A flag that answers `on` when the condition holds.
fn flag(when: Value, requires: Vec<Value>) -> Value {
    json!({
        "variants": { "on": 1, "off": 0 }, "default": "off",
        "requires": requires, "rules": [{ "when": when, "serve": "on" }]
    })
}

/// Decides the flag, and counts the conditions that were looked at and those that were compiled.
fn counted(client: &mut Client, key: &str) -> (String, usize, usize) {
    FOLDED.set(0);
    PARSED.set(0);
    let answer = client.decide(key, NOW);
    let said = format!("{} {}", answer.variant_key.unwrap_or("none"), answer.decision.reason.as_str());
    (said, FOLDED.get(), PARSED.get())
}

/// That the flag answers so, looks at no more than one condition a node, and compiles each node once.
fn check(client: &mut Client, key: &str, expected: &str, nodes: usize) {
    let (said, _, compiled) = counted(client, key);
    assert_eq!(said, expected);
    assert!((nodes..=2 * nodes).contains(&compiled), "{compiled} numbers read of {nodes} nodes");
    let (said, looked_at, compiled) = counted(client, key);
    assert_eq!(said, expected);
    assert!((1..=nodes).contains(&looked_at), "{looked_at} conditions of {nodes} nodes");
    assert_eq!(compiled, 0, "what is compiled stays so");
}

#[test]
fn a_lattice_of_segments_is_looked_at_once_each() {
    for width in [1, 2, 3, 5, 8] {
        for holds in [true, false] {
            let segments = lattice(
                width,
                |next| json!({ "when": conditions(holds, next.iter().map(|key| json!({ "segment": key }))) }),
            );
            // The flag is the first of the longest chain, so its segments begin with the second layer.
            let when = json!({ if holds { "all" } else { "any" }: (0..width).map(|place| json!({ "segment": format!("1-{place}") })).collect::<Vec<_>>() });
            let mut client = client(&json!({ "segments": segments, "flags": { "f": flag(when, vec![]) } }));
            let expected = if holds { "on TARGETING_MATCH" } else { "off DEFAULT" };
            let nodes = (LAYERS - 1) * width;
            check(&mut client, "f", expected, nodes);
            assert_eq!(counted(&mut client, "f").1, nodes, "all were looked at");
        }
    }
}

#[test]
fn a_lattice_of_prerequisites_is_decided_once_each() {
    for width in [1, 2, 3, 5, 8] {
        let flags = lattice(width, |next| {
            let requires = next.iter().map(|key| json!({ "flag": key, "variants": ["on"] })).collect();
            flag(conditions(true, std::iter::empty()), requires)
        });
        let mut client = client(&json!({ "flags": flags }));
        let nodes = (LAYERS - 1) * width + 1;
        check(&mut client, "0-0", "on TARGETING_MATCH", nodes);
        assert_eq!(counted(&mut client, "0-0").1, nodes, "all were looked at");
    }
}

#[test]
fn a_lattice_of_conditions_on_flags_is_decided_once_each() {
    for width in [1, 2, 3, 5, 8] {
        for holds in [true, false] {
            let flags = lattice(width, |next| {
                let answers = next.iter().map(|key| json!({ "flag": key, "variants": ["on"] }));
                flag(conditions(holds, answers), vec![])
            });
            let mut client = client(&json!({ "flags": flags }));
            let expected = if holds { "on TARGETING_MATCH" } else { "off DEFAULT" };
            let nodes = (LAYERS - 1) * width + 1;
            check(&mut client, "0-0", expected, nodes);
            assert_eq!(counted(&mut client, "0-0").1, nodes, "all were looked at");
        }
    }
}

#[test]
fn a_lattice_is_checked_and_explained_in_bounded_room() {
    let width = 8;
    let segments =
        lattice(width, |next| json!({ "when": conditions(true, next.iter().map(|key| json!({ "segment": key }))) }));
    let when = json!({ "segment": "1-0" });
    let mut client = client(&json!({ "segments": segments, "flags": { "f": flag(when, vec![]) } }));
    PARSED.set(0);
    assert_eq!(client.problems(), vec![]);
    assert!(PARSED.get() <= 2 * LAYERS * width, "{} numbers read", PARSED.get());
    let edges = LAYERS * width * width;
    let explained = client.explain("f", NOW);
    assert!(explained.len() < edges * 400, "{} bytes for {edges} references", explained.len());
    assert_eq!(counted(&mut client, "f").0, "on TARGETING_MATCH");
}

#[test]
fn every_flag_of_a_cycle_is_answered_without_going_round() {
    for length in [1, 2, 3, 33, 1000] {
        let flags: Map<String, Value> = (0..length)
            .map(|place| {
                let next = json!({ "flag": ((place + 1) % length).to_string(), "variants": ["on"] });
                (place.to_string(), flag(conditions(true, std::iter::once(next)), vec![]))
            })
            .collect();
        let mut client = client(&json!({ "flags": flags }));
        for key in client.flag_keys() {
            counted(&mut client, &key); // Compiles it.
            let (said, looked_at, _) = counted(&mut client, &key);
            assert_eq!((said.as_str(), looked_at), ("off PREREQUISITE_FAILED", 0), "{key} of {length}");
        }
    }
}

/// The deepest conditions that a flag has room for, in each flag of the longest chain.
#[test]
fn the_deepest_conditions_in_the_longest_chain_fit_the_stack() {
    let deep = |inner: Value, levels: usize| (0..levels).fold(inner, |inner, _| json!({ "not": inner }));
    // The condition in the middle is a level too.
    for (levels, expected) in [(14, "on TARGETING_MATCH"), (15, "on TARGETING_MATCH"), (16, "none ERROR")] {
        let flags: Map<String, Value> = (0..LAYERS)
            .map(|place| {
                let inner = if place + 1 < LAYERS {
                    json!({ "flag": (place + 1).to_string(), "variants": ["on"] })
                } else {
                    json!({ "attribute": "plan", "op": "exists" })
                };
                (place.to_string(), flag(deep(inner, levels), vec![]))
            })
            .collect();
        assert_eq!(counted(&mut client(&json!({ "flags": flags })), "0").0, expected, "{levels} levels");
    }
}
