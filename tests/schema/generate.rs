//! Rulesets: sound ones, and the same with a few mistakes.
//!
//! A mistake is made at any place of the document: what is there is removed, replaced by something else, copied, or put
//! into a list or an object. What it is replaced by is often nearly right: other numbers, texts that another field takes,
//! or another part of the same document.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

const ATTRIBUTES: [&str; 4] = ["plan", "app.version", "$distinctId", ""];

/// A ruleset with no, one or a few mistakes.
pub fn ruleset() -> impl Strategy<Value = Value> {
    let some = |count: usize| prop::collection::vec(mistake(), count);
    let mistakes = prop_oneof![1 => some(0), 6 => some(1), 1 => some(3)];
    let sound = prop_oneof![2 => sound_ruleset(), 3 => small_ruleset()];
    (sound, mistakes).prop_map(|(mut ruleset, mistakes)| {
        for mistake in mistakes {
            mistake.make(&mut ruleset);
        }
        ruleset
    })
}

/// A ruleset with little more than one condition: there the mistakes are made in it.
fn small_ruleset() -> impl Strategy<Value = Value> {
    attribute_condition().prop_map(|when| {
        json!({ "flags": { "f": { "variants": { "a": 1 }, "default": "a", "rules": [{ "when": when, "serve": "a" }] } } })
    })
}

/// A ruleset whose flag `f` refers to all there is.
pub fn sound_ruleset() -> impl Strategy<Value = Value> {
    (by(), flag(), condition(3), percent(), environment()).prop_map(|(by, mut flag, when, percent, environment)| {
        flag["by"] = by.clone();
        json!({
            "schema": 1, "version": 3, "environment": environment,
            "segments": { "beta": { "include": ["u1"], "exclude": null, "when": when, "by": by }, "inner": { "by": "deviceId" } },
            "layers": { "tests": { "slots": { "f": [[0, 20_000], [30_000, 50_000]], "g": [[50_000, 100_000]] }, "by": by } },
            "holdouts": { "year": { "percent": percent, "by": by, "salt": "kept out" } },
            "flags": { "f": flag, "g": { "variants": { "on": true, "off": false }, "default": "off" } },
        })
    })
}

fn environment() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), Just(json!("production"))]
}

fn by() -> impl Strategy<Value = Value> {
    let unit = || prop::sample::select(vec!["distinctId", "deviceId", "anonymousId", "organizationId", "a.b"]);
    prop_oneof![
        Just(Value::Null),
        unit().prop_map(Value::from),
        prop::collection::vec(unit(), 1..4).prop_map(Value::from),
    ]
}

fn percent() -> impl Strategy<Value = Value> {
    prop_oneof![(0..=100_u32).prop_map(Value::from), (0..=100_000_u32).prop_map(|p| json!(f64::from(p) / 1000.0))]
}

/// Without `by`: that must be the one of layer and holdout.
fn flag() -> impl Strategy<Value = Value> {
    let variant = || prop::sample::select(vec!["a", "b", "c"]);
    let some = |value: Value| prop_oneof![Just(Value::Null), Just(value)];
    let values = prop::collection::vec(any_json(), 3);
    let limit = prop_oneof![
        Just(Value::Null),
        (percent(), prop::option::of(variant()))
            .prop_map(|(percent, variant)| json!({ "percent": percent, "variant": variant })),
    ];
    let target = (variant(), by()).prop_map(|(variant, by)| json!({ "variant": variant, "ids": ["u1", ""], "by": by }));
    let time = prop::sample::select(vec![
        Value::Null,
        json!(0),
        json!(-1.5),
        json!("2024-02-29"),
        json!("2026-10-01T08:30Z"),
        json!("2026-10-01T08:30:15.25-05:30"),
    ]);
    let who = (values, variant(), prop::option::of(variant()), any::<Option<bool>>(), limit);
    let parts = (
        prop::collection::vec(target, 0..3),
        prop::collection::vec(rule(), 0..4),
        (time.clone(), time),
        (some(json!("tests")), some(json!("year")), some(json!("checkout")), some(json!(0))),
        some(json!([{ "flag": "g", "variants": ["on", "nothing"] }])),
    );
    (who, parts).prop_map(|((values, default, off, enabled, limit), (targets, rules, (start, end), names, requires))| {
        let (layer, holdout, experiment, number) = names;
        let variants: Map<String, Value> = ["a", "b", "c"].into_iter().map(str::to_owned).zip(values).collect();
        json!({
            "variants": variants, "default": default, "off": off, "enabled": enabled, "version": number, "salt": null,
            "limitExposure": limit, "targets": targets, "rules": rules, "start": start, "end": end, "layer": layer,
            "holdout": holdout, "experiment": experiment, "requires": requires, "sticky": enabled, "stickyVersion": number,
        })
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let variant = || prop::sample::select(vec!["a", "b", "c"]);
    let entry = (variant(), 0..=1_000_000_u32)
        .prop_map(|(variant, weight)| json!({ "variant": variant, "weight": f64::from(weight) / 1000.0 }));
    let split = prop::collection::vec(entry, 0..4).prop_map(|mut split| {
        split.push(json!({ "variant": "a", "weight": 0.5 }));
        Value::Array(split)
    });
    let serve = prop_oneof![variant().prop_map(Value::from), split];
    let when = prop_oneof![1 => Just(Value::Null), 3 => segments_too(condition(3))];
    (serve, when, prop::sample::select(vec![Value::Null, json!("r")]))
        .prop_map(|(serve, when, id)| json!({ "serve": serve, "when": when, "id": id }))
}

/// Conditions of flags ask for segments; those of segments do not, because they would ask for themselves.
fn segments_too(condition: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (condition, any::<bool>()).prop_map(|(condition, with)| {
        if with { json!({ "any": [condition, { "segment": "beta" }, { "segment": "inner" }] }) } else { condition }
    })
}

fn condition(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        8 => attribute_condition(),
        1 => Just(json!({ "flag": "g", "variants": ["off"] })),
        1 => Just(json!({ "all": null, "any": [], "not": 7 })),
    ];
    leaf.prop_recursive(depth, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| json!({ "all": all })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|any| json!({ "any": any, "all": null })),
            inner.prop_map(|not| json!({ "not": not, "segment": 7, "attribute": [] })),
        ]
    })
}

fn attribute_condition() -> impl Strategy<Value = Value> {
    let test = prop::sample::select(tests());
    let ignore_case = prop::sample::select(vec![json!(null), json!(true), json!(false)]);
    (prop::sample::select(ATTRIBUTES.to_vec()), test, ignore_case).prop_map(|(attribute, (op, value), ignore_case)| {
        json!({ "attribute": attribute, "op": op, "value": value, "ignoreCase": ignore_case })
    })
}

pub fn operators() -> impl Iterator<Item = &'static str> {
    tests().into_iter().map(|(op, _)| op)
}

/// Each operator with values that it takes.
fn tests() -> Vec<(&'static str, Value)> {
    let mut tests = vec![
        ("exists", json!(null)),
        ("notExists", json!([null])),
        ("between", json!([-1, 2.5])),
        ("before", json!("-7d")),
        ("before", json!("2026-10-01")),
        ("after", json!(0)),
        ("semverEq", json!("v1")),
        ("semverEq", json!(["1.2.3-rc.1+b", "2"])),
        ("semverRange", json!("^1.2 || >=3 <4.x")),
        ("isType", json!("list")),
        ("isType", json!(["string", "number"])),
        ("inHashed", json!({ "salt": "s", "hashes": ["0123456789abcdef".repeat(4)] })),
        ("bucket", json!({ "salt": "pilot", "percent": 12.5 })),
        ("matches", json!("^a.*(b|c)$")),
        ("matches", json!(["[a-z]{2,3}", ""])),
    ];
    for op in ["eq", "neq"] {
        tests.extend([(op, json!("x")), (op, json!(true)), (op, json!([1.5, "x", false]))]);
    }
    for op in ["in", "notIn", "containsAny", "containsAll", "containsNone", "subsetOf", "setEq"] {
        tests.extend([(op, json!([])), (op, json!(["x", 0, true]))]);
    }
    for op in ["contains", "startsWith", "endsWith"] {
        tests.extend([(op, json!("x")), (op, json!(["x", ""]))]);
    }
    for op in ["lt", "lte", "gt", "gte"] {
        tests.push((op, json!(-1.5)));
    }
    for op in ["semverLt", "semverLte", "semverGt", "semverGte"] {
        tests.push((op, json!("1.2")));
    }
    tests
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(json!("text"))
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// One change at one place. The places are counted when it is made.
#[derive(Clone, Debug)]
struct Mistake {
    place: Index,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Remove,
    Replace(Value),
    /// By another part of the document.
    ReplaceByPart(Index),
    PutInList,
    PutInObject(&'static str),
    /// The first member or item, again under another name or at the end.
    Add(&'static str, Value),
    AddPart(&'static str, Index),
}

fn mistake() -> impl Strategy<Value = Mistake> {
    let name = || prop::sample::select(FIELDS.to_vec());
    let kind = prop_oneof![
        2 => Just(Kind::Remove),
        8 => oddity().prop_map(Kind::Replace),
        3 => any::<Index>().prop_map(Kind::ReplaceByPart),
        1 => Just(Kind::PutInList),
        1 => name().prop_map(Kind::PutInObject),
        3 => (name(), oddity()).prop_map(|(name, value)| Kind::Add(name, value)),
        1 => (name(), any::<Index>()).prop_map(|(name, part)| Kind::AddPart(name, part)),
    ];
    (any::<Index>(), kind).prop_map(|(place, kind)| Mistake { place, kind })
}

/// Every field there is, and some that are none.
const FIELDS: [&str; 46] = [
    "schema",
    "version",
    "environment",
    "segments",
    "layers",
    "holdouts",
    "flags",
    "variants",
    "default",
    "off",
    "enabled",
    "by",
    "experiment",
    "salt",
    "requires",
    "targets",
    "holdout",
    "layer",
    "limitExposure",
    "start",
    "end",
    "rules",
    "sticky",
    "stickyVersion",
    "id",
    "when",
    "serve",
    "variant",
    "weight",
    "percent",
    "ids",
    "include",
    "exclude",
    "slots",
    "all",
    "any",
    "not",
    "segment",
    "flag",
    "attribute",
    "op",
    "value",
    "ignoreCase",
    "hashes",
    "unknown",
    "\0",
];

/// Values that some field takes, or nearly.
fn oddity() -> impl Strategy<Value = Value> {
    let long = |length: usize| Value::String("x".repeat(length));
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!([[0, 1]]),
        json!([0, 1]),
        json!([1, 0]),
        json!([0, 100_000]),
        json!([0, 1, 2]),
        json!(["a"]),
        json!(["a", 7]),
        json!({ "a": 1 }),
        json!({ "a": null }),
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(0.5),
        json!(0.001),
        json!(0.0001),
        json!(99.9999),
        json!(100),
        json!(100.001),
        json!(100_001),
        json!(1_000_000),
        json!(1_000_000.001),
        json!(1e300),
        json!(-1e300),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("\0"),
        json!("a\0b"),
        json!("é".repeat(128)),
        json!("é".repeat(129)),
        long(256),
        long(257),
        json!("0123456789abcdef".repeat(4)),
        json!({ "percent": 5 }),
        json!({ "percent": 5, "salt": "f" }),
        json!({ "serve": "a" }),
        json!({ "serve": [{ "variant": "a", "weight": 1 }] }),
        json!([{ "variant": "a", "weight": 0 }]),
        json!([{ "variant": "a", "weight": 0.5 }]),
        json!({ "slots": {} }),
        json!({ "slots": { "f": [[7, 3]] } }),
        json!({ "flag": "g", "variants": ["on"] }),
        json!({ "flag": "f", "variants": [] }),
        json!({ "segment": "beta" }),
        json!({ "attribute": "x", "op": "exists" }),
        json!({ "salt": "s", "hashes": [] }),
        json!({ "salt": "f", "percent": 1 }),
    ];
    values.extend(
        [
            "",
            "a",
            "b",
            "zz",
            "f",
            "g",
            "beta",
            "tests",
            "year",
            "distinctId",
            "string",
            "near",
            "eq",
            "in",
            "matches",
            "bucket",
            "isType",
            "inHashed",
            "between",
            "before",
            "semverEq",
            "semverLt",
            "semverRange",
            "containsAny",
            "exists",
            "lt",
            "-7d",
            "+1234567d",
            "7d",
            "2024-02-29",
            "2023-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-1-1",
            "2026-10-01T08:30",
            "2026-10-01T24:00Z",
            "2026-10-01T08:30+24:00",
            "2026-10-01T08:30:60Z",
            "2026-10-01T08:30:15.Z",
            "2026-10-01T08:30:15.123456Z",
            "1",
            "v1.2.3",
            "vv1",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-01a",
            "1.2+b",
            "01",
            "1234567890123456",
            "123456789012345.0.0-1+2",
            "1.2.3\n",
            ">=1 <2",
            "> 1",
            "1||2",
            "1|2",
            "|||",
            "^1.x.2",
            "*.*",
            "x.1",
            "~1.2.3-rc || =2",
            "(a+)+",
            "a{101}",
            "[a-z]+",
            "(?=x)",
        ]
        .map(Value::from),
    );
    prop::sample::select(values)
}

impl Mistake {
    fn make(&self, document: &mut Value) {
        let mut paths: Vec<String> = Vec::new();
        collect(document, &mut String::new(), &mut paths);
        let path = self.place.get(paths.as_slice()).clone();
        let part = |index: &Index| document.pointer(index.get(paths.as_slice()).as_str()).cloned().unwrap_or_default();
        let replacement = match &self.kind {
            Kind::Remove => return remove(document, &path),
            Kind::Replace(value) => value.clone(),
            Kind::ReplaceByPart(index) => part(index),
            Kind::Add(name, value) => return add(document, &path, name, value.clone()),
            Kind::AddPart(name, index) => {
                let part = part(index);
                return add(document, &path, name, part);
            }
            Kind::PutInList => json!([document.pointer(&path)]),
            Kind::PutInObject(name) => json!({ *name: document.pointer(&path) }),
        };
        if let Some(target) = document.pointer_mut(&path) {
            *target = replacement;
        }
    }
}

/// The pointer of every value in a document.
fn collect(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    paths.push(path.clone());
    let length = path.len();
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        _ => return,
    };
    for (name, child) in children {
        path.push('/');
        path.push_str(&name);
        collect(child, path, paths);
        path.truncate(length);
    }
}

fn remove(document: &mut Value, path: &str) {
    let Some((parent, name)) = path.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap())),
        _ => {}
    }
}

/// Adds a member to an object, an item to a list, or a character to a text.
fn add(document: &mut Value, path: &str, name: &str, value: Value) {
    match document.pointer_mut(path) {
        Some(Value::Object(members)) => drop(members.insert(name.to_owned(), value)),
        Some(Value::Array(items)) => items.push(value),
        Some(Value::String(text)) => text.push('!'),
        _ => {}
    }
}
