//! What a schema cannot say: the list in `docs/ruleset.md`, with a document for each.

use pennon::engine::ruleset::Problem;
use serde_json::{Value, json};

/// Whether a problem is one that the compiler alone can find. `found` is looked at too, so that a schema that is too lax
/// about types is not excused.
pub fn finds(problem: &Problem) -> bool {
    let found = problem.found.as_str();
    let is_string = found.starts_with('"');
    let is_list = found.starts_with('[');
    let number: Option<f64> = found.parse().ok();
    let has_too_many_decimals = |max: f64| number.is_some_and(|number| (0.0..=max).contains(&number));
    match problem.expected {
        "the key of a variant" | "the key of a holdout" | "the key of a layer" | "the key of a segment" => is_string,
        "0 to 100 with at most 3 decimals" => has_too_many_decimals(100.0),
        "0 to 1000000 with at most 3 decimals" => has_too_many_decimals(1_000_000.0),
        "a string of 1 to 256 bytes" | "a key of at most 256 bytes" => found != "\"\"",
        "a pattern of the documented subset, or a list of at most 1000" => is_string,
        "a layer with the flag's `by`" | "a holdout with the flag's `by`" => is_string,
        "two numbers, the lower one first" | "two rising buckets from 0 to 100000" => is_list,
        "each bucket in at most one slot"
        | "a salt for each of split, limit, layer and holdout"
        | "a salt that no other step of the flag has"
        | "references to flags of this ruleset"
        | "references to flags that are not broken"
        | "at most 32 flags and segments in a chain of references"
        | "at most 32 segments in a chain of references, all sound"
        | "at most 10000 conditions"
        | "conditions nested at most 16 deep"
        | "at most 64 levels of nesting" => true,
        _ => false,
    }
}

/// One document for each point of the list.
pub fn examples() -> Vec<(&'static str, Value)> {
    let flag = |fields: Value| {
        let mut flag = json!({ "variants": { "a": 1, "b": 2 }, "default": "a" });
        flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        flag
    };
    let one = |fields: Value| json!({ "flags": { "f": flag(fields) } });
    let when = |condition: Value| one(json!({ "rules": [{ "when": condition, "serve": "a" }] }));
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let nots = |count: usize| (0..count).fold(json!({ "all": [] }), |inner, _| json!({ "not": inner }));
    let chain = |flags: usize| {
        let member = |at: usize| {
            let next = format!("f{}", at + 1);
            let requires = if at + 1 < flags { json!([{ "flag": next, "variants": ["a"] }]) } else { json!([]) };
            (format!("f{at}"), flag(json!({ "requires": requires })))
        };
        json!({ "flags": (0..flags).map(member).collect::<serde_json::Map<_, _>>() })
    };
    let bucket = |salt: &str| json!({ "attribute": "x", "op": "bucket", "value": { "salt": salt, "percent": 1 } });
    vec![
        ("a default that is no variant", one(json!({ "default": "c" }))),
        ("an off that is no variant", one(json!({ "off": "c" }))),
        ("a target of no variant", one(json!({ "targets": [{ "variant": "c", "ids": [] }] }))),
        ("a limit to no variant", one(json!({ "limitExposure": { "percent": 1, "variant": "c" } }))),
        ("a rule that serves no variant", one(json!({ "rules": [{ "serve": "c" }] }))),
        ("a split with no variant", one(json!({ "rules": [{ "serve": [{ "variant": "c", "weight": 1 }] }] }))),
        ("a holdout that is not there", one(json!({ "holdout": "h" }))),
        ("a layer that is not there", one(json!({ "layer": "l" }))),
        ("a segment that is not there", when(json!({ "segment": "s" }))),
        ("a prerequisite that is not there", one(json!({ "requires": [{ "flag": "g", "variants": [] }] }))),
        ("a condition on a flag that is not there", when(json!({ "flag": "g", "variants": [] }))),
        (
            "a segment with a condition on a flag that is not there",
            json!({ "flags": { "f": flag(json!({ "rules": [{ "when": { "segment": "s" }, "serve": "a" }] })) },
                "segments": { "s": { "when": { "flag": "g", "variants": [] } } } }),
        ),
        ("a flag that requires itself", one(json!({ "requires": [{ "flag": "f", "variants": [] }] }))),
        (
            "a segment that refers to itself",
            json!({ "flags": {}, "segments": { "s": { "when": { "not": { "segment": "s" } } } } }),
        ),
        ("a chain of 33 flags", chain(33)),
        ("a limit's salt that is the split's", one(json!({ "limitExposure": { "percent": 1, "salt": "f" } }))),
        (
            "a layer's salt that is the split's",
            json!({ "flags": { "f": flag(json!({ "layer": "l" })) }, "layers": { "l": { "slots": {}, "salt": "f" } } }),
        ),
        ("a bucket condition with the split's salt", when(bucket("f"))),
        (
            "a bucket condition with the limit's salt, in a segment",
            json!({ "flags": { "f": flag(json!({ "limitExposure": { "percent": 1 },
                    "rules": [{ "when": { "segment": "s" }, "serve": "a" }] })) },
                "segments": { "s": { "when": bucket("f/exposure") } } }),
        ),
        (
            "a layer by another unit",
            json!({ "flags": { "f": flag(json!({ "layer": "l" })) }, "layers": { "l": { "slots": {}, "by": "deviceId" } } }),
        ),
        (
            "a holdout by another unit",
            json!({ "flags": { "f": flag(json!({ "holdout": "h", "by": ["deviceId"] })) }, "holdouts": { "h": { "percent": 1 } } }),
        ),
        (
            "a slot that ends before it begins",
            json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[5, 5]] } } } }),
        ),
        (
            "slots that overlap",
            json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[0, 10]], "g": [[9, 20]] } } } }),
        ),
        ("a percentage with 4 decimals", one(json!({ "limitExposure": { "percent": 0.0001 } }))),
        ("a weight with 4 decimals", one(json!({ "rules": [{ "serve": [{ "variant": "a", "weight": 0.0001 }] }] }))),
        ("between with its ends exchanged", when(json!({ "attribute": "x", "op": "between", "value": [2, 1] }))),
        ("a pattern outside the subset", when(json!({ "attribute": "x", "op": "matches", "value": "(a+)+" }))),
        ("a name of more than 256 bytes", one(json!({ "experiment": "é".repeat(129) }))),
        ("a variant of more than 256 bytes", one(json!({ "variants": { "a": 1, "é".repeat(129): 2 } }))),
        ("a flag's key of more than 256 bytes", json!({ "flags": { "é".repeat(129): flag(json!({})) } })),
        ("an environment of more than 256 bytes", json!({ "flags": {}, "environment": "é".repeat(129) })),
        ("a value nested too deep", one(json!({ "variants": { "a": nested(63), "b": 2 } }))),
        ("conditions nested too deep", when(nots(16))),
        ("more than 10 000 conditions", when(json!({ "any": vec![json!({ "all": [] }); 10_000] }))),
    ]
}
