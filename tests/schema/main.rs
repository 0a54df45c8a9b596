//! The JSON Schema of rulesets (`docs/ruleset.schema.json`) and the compiler accept and refuse the same documents, but for
//! what a schema cannot say. That is listed here and in `docs/ruleset.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod generate;
mod only_compiler;
mod vectors;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::{Problem, Ruleset};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../docs/ruleset.schema.json");
    jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// All that the compiler finds wrong, also with what no flag refers to.
fn problems(ruleset: &Value) -> Vec<Problem> {
    match Ruleset::read(&ruleset.to_string(), NATIVE) {
        Ok(ruleset) => ruleset.problems(),
        Err(problem) => vec![problem],
    }
}

/// How schema and compiler judged a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    BothAccept,
    BothRefuse,
    OnlyCompilerRefuses,
}

fn judge(ruleset: &Value) -> Result<Verdict, String> {
    let problems = problems(ruleset);
    let refusal = SCHEMA.iter_errors(ruleset).next().map(|error| format!("{}: {error}", error.instance_path()));
    match (refusal, problems.as_slice()) {
        (None, []) => Ok(Verdict::BothAccept),
        (Some(_), [_, ..]) => Ok(Verdict::BothRefuse),
        (Some(refusal), []) => Err(format!("the schema alone refuses: {refusal}")),
        (None, problems) => match problems.iter().find(|problem| !only_compiler::finds(problem)) {
            None => Ok(Verdict::OnlyCompilerRefuses),
            Some(problem) => Err(format!("the compiler alone refuses: {problem:?}")),
        },
    }
}

#[test]
fn the_schema_is_one_of_2020_12() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/ruleset.schema.json")).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::meta::validate(&schema).unwrap();
}

#[test]
fn every_field_and_definition_is_described_or_a_part_of_one_that_is() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/ruleset.schema.json")).unwrap();
    let definitions = schema["$defs"].as_object().unwrap();
    let described = |field: &Value| {
        let definition = field["$ref"].as_str().and_then(|path| definitions.get(path.rsplit('/').next().unwrap()));
        [Some(field), definition].into_iter().flatten().any(|part| part.get("description").is_some())
    };
    let mut looked_at = 0;
    let objects = ["flag", "rule", "attributeCondition", "segment", "layer", "holdout", "flagAnswers"];
    for fields in objects.map(|name| &definitions[name]["properties"]).into_iter().chain([&schema["properties"]]) {
        for (name, field) in fields.as_object().unwrap() {
            assert!(described(field) || field["type"].is_array(), "{name}: {field}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}

#[test]
fn schema_and_compiler_accept_and_refuse_the_same_documents() {
    let verdicts = RefCell::new(BTreeMap::<Verdict, u32>::new());
    let cases = 6_000;
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&generate::ruleset(), |ruleset| {
        let verdict = judge(&ruleset).map_err(|found| TestCaseError::fail(format!("{found}\n{ruleset}")))?;
        *verdicts.borrow_mut().entry(verdict).or_default() += 1;
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // A generator that made nothing but nonsense, or nothing but sound rulesets, would find no difference either.
    let verdicts = verdicts.into_inner();
    for verdict in [Verdict::BothAccept, Verdict::BothRefuse, Verdict::OnlyCompilerRefuses] {
        assert!(verdicts.get(&verdict).is_some_and(|count| *count > cases / 50), "{verdicts:?}");
    }
}

#[test]
fn what_is_generated_without_a_mistake_is_accepted() {
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&generate::sound_ruleset(), |ruleset| match judge(&ruleset) {
        Ok(Verdict::BothAccept) => Ok(()),
        verdict => Err(TestCaseError::fail(format!("{verdict:?} {:?}\n{ruleset}", problems(&ruleset)))),
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn what_only_the_compiler_can_refuse_is_accepted_by_the_schema() {
    for (what, ruleset) in only_compiler::examples() {
        assert_eq!(judge(&ruleset), Ok(Verdict::OnlyCompilerRefuses), "{what}: {:.400}", ruleset.to_string());
    }
}

#[test]
fn the_rulesets_of_this_repository_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["www/ruleset.json", "tests/e2e/ruleset.json", "tests/packaging/apps/types/flags.json"] {
        let ruleset: Value = serde_json::from_str(&std::fs::read_to_string(root.join(file)).unwrap()).unwrap();
        assert!(SCHEMA.is_valid(&ruleset), "{file}");
    }
}

#[test]
fn edges_of_what_is_allowed_are_the_same() {
    let flag = |fields: Value| {
        let mut flag = json!({ "variants": { "a": 1, "b": null }, "default": "a" });
        flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "flags": { "f": flag } })
    };
    let when = |when: Value| flag(json!({ "rules": [{ "serve": "a", "when": when }] }));
    let condition = |op: &str, value: Value| when(json!({ "attribute": "x", "op": op, "value": value }));
    let list = |count: usize, item: Value| Value::Array(vec![item; count]);
    let accepted = [
        flag(json!({ "version": 9_007_199_254_740_991_u64, "stickyVersion": 0, "sticky": true })),
        flag(json!({ "version": 1.0, "enabled": null, "by": ["x"] })),
        flag(
            json!({ "limitExposure": { "percent": 100.0 }, "start": "2024-02-29", "end": "2000-02-29T23:59:59.9999999+23:59" }),
        ),
        flag(json!({ "limitExposure": { "percent": 33.333 }, "start": -1e300 })),
        flag(json!({ "requires": list(100, json!({ "flag": "f2", "variants": [] })) })),
        flag(json!({ "targets": list(1000, json!({ "variant": "b", "ids": [] })), "experiment": "e".repeat(256) })),
        flag(
            json!({ "rules": list(1000, json!({ "serve": list(1, json!({ "variant": "a", "weight": 1_000_000 })) })) }),
        ),
        flag(json!({ "rules": [{ "serve": list(1000, json!({ "variant": "a", "weight": 0.001 })) }] })),
        flag(
            json!({ "rules": [{ "serve": "a", "when": { "all": null, "any": [], "not": 7, "segment": [], "op": 1 } }] }),
        ),
        flag(json!({ "by": list(100, json!("x")) })),
        flag(
            json!({ "rules": [{ "serve": "a", "when": { "any": null, "not": null, "segment": null, "flag": null, "all": [] } }] }),
        ),
        when(json!({ "any": null, "not": { "any": [] } })),
        when(json!({ "not": null, "segment": null, "flag": "f", "variants": [], "attribute": 7 })),
        when(json!({ "segment": null, "flag": null, "attribute": "x", "op": "exists", "ignoreCase": null })),
        flag(json!({ "variants": { "a": 1, "x".repeat(256): 2 }, "off": "x".repeat(256), "salt": "" })),
        condition("exists", json!({})),
        condition("eq", json!([])),
        condition("contains", list(1000, json!("x"))),
        condition("matches", json!("x".repeat(256))),
        condition("matches", json!("é".repeat(256))),
        condition("matches", json!([])),
        condition("between", json!([1, 1])),
        condition("before", json!("-999999w")),
        condition("semverEq", json!(["v1", "1.2", "1.2.3-0a.b+01"])),
        condition("semverRange", json!("")),
        condition("semverRange", json!("|| >=v1.2.3-rc.1 <2.x.* \t||^0.0||*")),
        condition("isType", json!([])),
        condition("inHashed", json!({ "salt": "\0", "hashes": ["0".repeat(64)] })),
        condition("bucket", json!({ "salt": "", "percent": 0 })),
        json!({ "flags": {}, "schema": null, "version": null }),
        json!({ "flags": {}, "segments": 7, "layers": [], "holdouts": "x", "environment": null, "schema": 1.0 }),
        json!({ "flags": { "": { "variants": { "a": 1 }, "default": "a" } }, "layers": { "l": { "slots": { "": null } } } }),
        json!({ "flags": { "\0": { "variants": { "a": 1 }, "default": "a", "salt": "" } }, "segments": { "\0": {} } }),
    ];
    for ruleset in accepted {
        // The missing flag of the one with prerequisites is the compiler's to find.
        let expected = if ["\"f2\"", "\"flag\":\"f\""].iter().any(|reference| ruleset.to_string().contains(reference)) {
            Verdict::OnlyCompilerRefuses
        } else {
            Verdict::BothAccept
        };
        assert_eq!(judge(&ruleset), Ok(expected), "{:?} {:.300}", problems(&ruleset), ruleset.to_string());
    }
    let refused = [
        flag(json!({ "version": 9_007_199_254_740_992_u64 })),
        flag(json!({ "version": 1.5 })),
        flag(json!({ "by": list(101, json!("x")) })),
        flag(json!({ "by": "" })),
        flag(json!({ "start": "2023-02-29" })),
        flag(json!({ "start": "1900-02-29" })),
        flag(json!({ "start": "2026-04-31" })),
        flag(json!({ "start": "2026-01-01T24:00Z" })),
        flag(json!({ "start": "2026-01-01T00:00:00" })),
        flag(json!({ "start": "-7d" })),
        flag(json!({ "limitExposure": { "percent": 100.001 } })),
        flag(json!({ "requires": list(101, json!({ "flag": "f", "variants": [] })) })),
        flag(json!({ "targets": list(1001, json!({ "variant": "b", "ids": [] })) })),
        flag(json!({ "rules": list(1001, json!({ "serve": "a" })) })),
        flag(json!({ "rules": [{ "serve": list(1001, json!({ "variant": "a", "weight": 1 })) }] })),
        flag(json!({ "rules": [{ "serve": [] }] })),
        flag(json!({ "rules": [{ "serve": [{ "variant": "a", "weight": 0 }] }] })),
        flag(json!({ "rules": [{ "serve": "a", "when": { "all": 7, "any": [] } }] })),
        flag(json!({ "experiment": "e".repeat(257) })),
        when(json!({ "any": 7, "not": { "any": [] } })),
        when(json!({ "not": 7, "segment": "s" })),
        when(json!({ "segment": 7, "attribute": "x", "op": "exists" })),
        when(json!({ "flag": 7, "attribute": "x", "op": "exists" })),
        when(json!({ "flag": "f", "variants": ["a", 7] })),
        when(json!({ "variants": [] })),
        when(json!({ "attribute": "x" })),
        when(json!({ "attribute": "x", "op": null })),
        when(json!({ "attribute": null, "op": "exists" })),
        when(json!({ "attribute": "x", "op": "exists", "ignoreCase": "no" })),
        flag(json!({ "variants": { "a": 1, "": 2 } })),
        flag(json!({ "variants": { "a": 1, "x".repeat(257): 2 } })),
        flag(json!({ "default": "" })),
        flag(json!({ "off": "" })),
        flag(json!({ "off": "x".repeat(257) })),
        flag(json!({ "by": ["x", ""] })),
        flag(json!({ "experiment": "" })),
        flag(json!({ "salt": "\0" })),
        flag(json!({ "salt": 7 })),
        flag(json!({ "layer": 7 })),
        flag(json!({ "limitExposure": { "percent": 1, "salt": "a\0" } })),
        flag(json!({ "limitExposure": { "percent": -1 } })),
        flag(json!({ "limitExposure": { "percent": 1, "variant": "" } })),
        flag(json!({ "rules": [{ "serve": "" }] })),
        flag(json!({ "rules": [{ "serve": [{ "variant": "a", "weight": 1_000_001 }] }] })),
        flag(json!({ "rules": [{ "serve": [{ "variant": "a", "weight": -1 }, { "variant": "a", "weight": 2 }] }] })),
        condition("matches", json!(7)),
        condition("matches", json!([7])),
        condition("matches", list(1001, json!("x"))),
        condition("matches", json!(["x".repeat(257)])),
        condition("between", json!(null)),
        condition("between", json!([1, 2, 3])),
        condition("inHashed", json!(null)),
        condition("bucket", json!(null)),
        condition("bucket", json!({ "salt": "", "percent": 101 })),
        condition("bucket", json!({ "salt": 7, "percent": 1 })),
        condition("bucket", json!({ "salt": "" })),
        condition("isType", json!(["string", 7])),
        flag(json!({ "version": -1 })),
        flag(json!({ "by": [] })),
        flag(json!({ "limitExposure": {} })),
        flag(json!({ "targets": [{ "ids": [] }] })),
        flag(json!({ "targets": [{ "variant": "a" }] })),
        flag(json!({ "targets": [{ "variant": 7, "ids": [] }] })),
        flag(json!({ "requires": [{ "variants": [] }] })),
        flag(json!({ "rules": [{ "id": 7, "serve": "a" }] })),
        flag(json!({ "rules": [{ "serve": "x".repeat(257) }] })),
        flag(json!({ "rules": [{ "serve": [{ "weight": 1 }] }] })),
        condition("between", json!(["1", "2"])),
        condition("exist", json!(null)),
        condition("eq", json!([null])),
        condition("in", json!("x")),
        condition("contains", list(1001, json!("x"))),
        condition("matches", json!("x".repeat(257))),
        condition("between", json!([1])),
        condition("before", json!("-9999999d")),
        condition("semverEq", json!("1.2-rc")),
        condition("semverEq", json!("1.02")),
        condition("semverLt", json!(["1.2"])),
        condition("semverRange", json!("1.2.3 - 2")),
        condition("semverRange", json!("1 | 2")),
        condition("semverRange", json!("1.x.2")),
        condition("isType", json!("null")),
        condition("inHashed", json!({ "salt": "", "hashes": ["A".repeat(64)] })),
        condition("bucket", json!({ "salt": "\0", "percent": 0 })),
        json!({ "flags": null }),
        json!({ "flags": { "f": null } }),
        json!({ "flags": { "\0": { "variants": { "a": 1 }, "default": "a" } } }),
        json!({ "flags": { "\0": { "variants": { "a": 1 }, "salt": "s" } } }),
        json!({ "flags": {}, "layers": { "\0": { "salt": "s" } } }),
        json!({ "flags": {}, "layers": { "\0": { "slots": {}, "salt": null } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[0, 1, 2]] } } } }),
        json!({ "flags": {}, "holdouts": { "\0": { "salt": "s" } } }),
        json!({ "flags": {}, "holdouts": { "\0": { "percent": 1, "salt": null } } }),
        json!({ "flags": {}, "holdouts": { "h": {} } }),
        json!({ "flags": {}, "layers": { "\0": { "slots": {} } } }),
        json!({ "flags": { "\0": { "variants": { "a": 1 }, "default": "a", "salt": null } } }),
        json!({ "flags": { "x".repeat(257): { "variants": { "a": 1 }, "default": "a" } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[-1, 5]] } } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[0, 1.5]] } } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": {}, "salt": "\0" } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": null } } }),
        json!({ "flags": {}, "segments": { "s": { "include": "u1" } } }),
        json!({ "flags": {}, "segments": { "s": { "exclude": [7] } } }),
        json!({ "flags": {}, "holdouts": { "\0": { "percent": 1 } } }),
        json!({ "flags": {}, "layers": { "l": { "slots": { "f": [[0, 100_001]] } } } }),
        json!({ "flags": {}, "segments": { "s": null } }),
        json!({ "flags": {}, "schema": 2 }),
        json!([]),
    ];
    for ruleset in refused {
        assert_eq!(judge(&ruleset), Ok(Verdict::BothRefuse), "{:.300}", ruleset.to_string());
    }
    for op in generate::operators() {
        let expected = if op.contains("xists") { Verdict::BothAccept } else { Verdict::BothRefuse };
        assert_eq!(judge(&when(json!({ "attribute": "x", "op": op }))), Ok(expected), "{op}");
    }
    for variants in [2000, 2001] {
        let names: serde_json::Map<_, _> = (0..variants).map(|at| (at.to_string(), json!(at))).collect();
        let ruleset = json!({ "flags": { "f": { "variants": names, "default": "0" } } });
        let expected = if variants == 2000 { Verdict::BothAccept } else { Verdict::BothRefuse };
        assert_eq!(judge(&ruleset), Ok(expected));
    }
}
