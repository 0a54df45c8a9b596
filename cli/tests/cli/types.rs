//! `pennon types`. That its output compiles is tested by `tests/packaging`, with the file that is compared here.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Folder, lines};

/// What a flag with these values is.
fn type_of(values: &[Value]) -> String {
    let variants: serde_json::Map<_, _> =
        values.iter().enumerate().map(|(at, value)| (format!("v{at}"), value.clone())).collect();
    let folder = Folder::new();
    folder.write("ruleset.json", json!({ "flags": { "f": { "variants": variants, "default": "v0" } } }).to_string());
    let found = lines(&folder.run(&["types", "ruleset.json"]));
    found.iter().find_map(|line| line.strip_prefix("  f: ")).unwrap().to_owned()
}

#[test]
fn a_flag_is_the_union_of_its_values() {
    let long = "x".repeat(65);
    for (values, expected) in [
        (vec![json!(true), json!(false)], "boolean"),
        (vec![json!(true)], "true"),
        (vec![json!(false), json!(null)], "false | null"),
        (vec![json!("b"), json!("a"), json!("b")], r#""a" | "b""#),
        (
            vec![json!(10), json!(-0.5), json!(1e21), json!(2), json!(2.0), json!(1e-7), json!(-0.0)],
            "-0.5 | 0 | 1e-7 | 2 | 10 | 1e21",
        ),
        (vec![json!(long)], "string"),
        (
            vec![json!({ "b": 1, "a-b": [null, "x", "y"] }), json!({ "b": 2, "a-b": ["z", null] })],
            r#"{ readonly "a-b": readonly (null | string)[]; readonly b: number }"#,
        ),
        (
            vec![json!([]), json!([[1], [2]]), json!({})],
            "readonly (readonly number[])[] | readonly never[] | { readonly [key: string]: never }",
        ),
    ] {
        assert_eq!(type_of(&values), expected, "{values:?}");
    }
}

#[test]
fn what_would_grow_too_large_is_the_general_type() {
    let many = |value: &dyn Fn(usize) -> Value| (0..33).map(value).collect::<Vec<_>>();
    assert_eq!(type_of(&many(&|at| json!(at))), "number");
    assert_eq!(type_of(&many(&|at| json!(at.to_string()))), "string");
    assert_eq!(type_of(&many(&|at| json!({ at.to_string(): 1 }))), "{ readonly [key: string]: Json }");
    assert_eq!(type_of(&many(&|at| json!([{ at.to_string(): 1 }]))), "readonly Json[]");
    let wide: serde_json::Map<_, _> = (0..65).map(|at| (at.to_string(), json!(at))).collect();
    assert_eq!(type_of(&[json!(wide)]), "{ readonly [key: string]: Json }");
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    let found = type_of(&[deep]);
    assert!(found.ends_with("readonly Json[])[])[])[])[])[])[])[]"), "{found}");
}

#[test]
fn the_file_that_the_packaging_tests_compile_is_what_is_written() {
    let types = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/packaging/apps/types");
    let folder = Folder::new();
    folder.write("ruleset.json", fs::read(types.join("flags.json")).unwrap());
    let printed = folder.run(&["types", "ruleset.json"]).stdout;
    assert_eq!(printed, fs::read_to_string(types.join("flags.ts")).unwrap());
    assert_eq!(folder.run(&["types", "ruleset.json", "--out", "out.ts"]).stdout, "");
    assert_eq!(fs::read_to_string(folder.path("out.ts")).unwrap(), printed);
}

#[test]
fn the_order_of_the_ruleset_does_not_matter() {
    let folder = Folder::new();
    let types = |text: &str| folder.run_with(&["types", "-"], text).stdout;
    assert_eq!(
        types(r#"{"flags":{"a":{"variants":{"x":1,"y":"2"},"default":"x"},"b":{"variants":{"x":1},"default":"x"}}}"#),
        types(r#"{"flags":{"b":{"default":"x","variants":{"x":1}},"a":{"variants":{"y":"2","x":1},"default":"x"}}}"#)
    );
}

#[test]
fn a_broken_flag_has_no_type_so_nothing_is_written() {
    let folder = Folder::new();
    folder.write("ruleset.json", r#"{"flags":{"f":{"variants":{"a":1}},"g":{"variants":{"a":1},"default":"a"}}}"#);
    let ended = folder.run(&["types", "ruleset.json", "--out", "out.ts"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        ended.stderr,
        "error: flags.f.default: found nothing, expected the key of a variant\n1 error, 0 warnings\n"
    );
    assert!(!folder.path("out.ts").exists());
}

#[test]
fn the_interface_can_be_named() {
    let folder = Folder::new();
    let named = |name: &str| folder.run_with(&["types", "-", "--name", name], r#"{"flags":{}}"#);
    assert!(named("ShopFlags").stdout.contains("export interface ShopFlags {"));
    for name in ["", "a b", "1a", "Json", "A{}interface B"] {
        assert_eq!(named(name).code, Some(2), "{name}");
    }
}
