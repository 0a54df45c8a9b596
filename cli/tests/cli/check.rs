//! `pennon check` of one ruleset.

use serde_json::{Value, json};

use crate::harness::{Folder, flag, lines, ruleset};

#[test]
fn a_sound_ruleset_ends_with_0() {
    let folder = Folder::new();
    folder.write("ruleset.json", ruleset(flag(json!({ "rules": [{ "serve": "b" }] }))).to_string());
    let ended = folder.run(&["check", "ruleset.json"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "0 errors, 0 warnings\n", ""));
}

#[test]
fn every_broken_flag_is_listed_with_its_place() {
    let folder = Folder::new();
    let ruleset = json!({ "flags": {
        "one": flag(json!({ "rules": [{ "serve": "a" , "when": { "attribute": "x", "op": "near", "value": 1 } }] })),
        "sound": flag(json!({})),
        "two": flag(json!({ "limitExposure": { "percent": 120 } })),
    } });
    folder.write("ruleset.json", ruleset.to_string());
    let ended = folder.run(&["check", "ruleset.json"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        lines(&ended),
        [
            r#"error: flags.one.rules[0].when.op: found "near", expected a known operator"#,
            "error: flags.two.limitExposure.percent: found 120, expected 0 to 100 with at most 3 decimals",
            "2 errors, 0 warnings",
        ]
    );
}

#[test]
fn a_ruleset_that_does_not_read_is_one_error() {
    let folder = Folder::new();
    for (text, expected) in [
        ("{\"flags\":{}", "error: byte 11: found the end of the text, expected JSON"),
        ("[]", "error: found [], expected a JSON object"),
        (r#"{"schema":2,"flags":{}}"#, "error: schema: found 2, expected schema 1"),
        ("{}", "error: flags: found nothing, expected an object with the flags"),
    ] {
        folder.write("ruleset.json", text);
        let ended = folder.run(&["check", "ruleset.json"]);
        assert_eq!((ended.code, lines(&ended)), (Some(1), vec![expected.to_owned(), "1 error, 0 warnings".into()]));
    }
}

#[test]
fn programs_get_json() {
    let folder = Folder::new();
    let unused = json!({ "flags": { "f": flag(json!({ "default": "c" })) }, "segments": { "s": {} } });
    folder.write("ruleset.json", unused.to_string());
    let ended = folder.run(&["check", "--format", "json", "ruleset.json"]);
    assert_eq!(ended.code, Some(1));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        report,
        json!({ "errors": 1, "warnings": 1, "findings": [
            { "severity": "error", "code": "PARSE_ERROR", "place": "flags.f.default",
              "message": "found \"c\", expected the key of a variant" },
            { "severity": "warning", "code": "UNUSED_SEGMENT", "place": "segments.s",
              "message": "no flag asks for this segment" },
        ] })
    );
}

#[test]
fn warnings_fail_only_when_they_are_denied() {
    let folder = Folder::new();
    folder.write("ruleset.json", ruleset(flag(json!({ "rules": [{ "serve": "a" }, { "serve": "b" }] }))).to_string());
    let ended = folder.run(&["check", "ruleset.json"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        lines(&ended),
        [
            "warning: flags.f.rules[1]: this rule is never reached: flags.f.rules[0] has no condition and decides for everyone",
            "0 errors, 1 warning",
        ]
    );
    assert_eq!(folder.run(&["check", "ruleset.json", "--deny-warnings"]).code, Some(1));
}

#[test]
fn rules_behind_one_for_everyone_are_never_reached() {
    let folder = Folder::new();
    let rule = |when: Value| json!({ "serve": "a", "when": when });
    let some = json!({ "attribute": "x", "op": "exists" });
    for (rules, expected) in [
        (json!([rule(some.clone()), rule(some.clone())]), None),
        (json!([rule(some.clone()), rule(Value::Null)]), None),
        (
            json!([rule(Value::Null), rule(some.clone()), rule(Value::Null)]),
            Some(
                "warning: flags.f.rules[1]: this and all later rules (2) are never reached: flags.f.rules[0] has no condition and decides for everyone",
            ),
        ),
    ] {
        let found = folder.check(&ruleset(flag(json!({ "rules": rules }))));
        assert_eq!(found.iter().map(String::as_str).find(|line| line.starts_with("warning")), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence_and_ends_with_2() {
    let folder = Folder::new();
    folder.write("latin1.json", b"{\"flags\":{\"caf\xe9\":1}}");
    folder.write("long.json", " ".repeat(8 * 1024 * 1024 + 4));
    for (file, expected) in [
        ("missing.json", "pennon: cannot read missing.json: No such file or directory (os error 2)\n"),
        (".", "pennon: cannot read .: Is a directory (os error 21)\n"),
        ("latin1.json", "pennon: latin1.json: found other bytes from byte 14 on, expected UTF-8\n"),
        ("long.json", "pennon: long.json: found a longer text, expected at most 8 MiB\n"),
    ] {
        let ended = folder.run(&["check", file]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(2), "", expected));
    }
}

#[test]
fn a_ruleset_of_just_8_mib_is_read_with_its_byte_order_mark() {
    let folder = Folder::new();
    let text = r#"{"flags":{}}"#;
    let padded = |bytes: usize| format!("\u{feff}{text}{}", " ".repeat(bytes - text.len()));
    folder.write("ruleset.json", padded(8 * 1024 * 1024));
    assert_eq!(lines(&folder.run(&["check", "ruleset.json"])), ["0 errors, 0 warnings"]);
    folder.write("ruleset.json", padded(8 * 1024 * 1024 + 1));
    assert_eq!(folder.run(&["check", "ruleset.json"]).code, Some(2));
}

#[test]
fn a_minus_is_standard_input_and_can_be_given_once() {
    let folder = Folder::new();
    let ended = folder.run_with(&["check", "-"], r#"{"flags":{"f":7}}"#);
    assert_eq!(lines(&ended), ["error: flags.f: found 7, expected an object", "1 error, 0 warnings"]);
    let twice = folder.run_with(&["check", "-", "--previous", "-"], "{}");
    assert_eq!(twice.code, Some(2));
    assert_eq!(twice.stderr, "pennon: standard input was named more than once, expected at most one -\n");
}

#[test]
fn a_key_cannot_write_to_the_terminal() {
    let folder = Folder::new();
    let found = folder.check(&json!({ "flags": { "\u{1b}[2J\nall is well\u{202e}": 7 } }));
    assert_eq!(found[0], r"error: flags.\u{1b}[2J\u{a}all is well\u{202e}: found 7, expected an object");
}

#[test]
fn help_names_each_option() {
    let folder = Folder::new();
    for (command, options) in [
        ("check", &["--previous <FILE>", "--deny-warnings", "--format <FORMAT>", "--now <TIME>"][..]),
        ("types", &["--out <FILE>", "--name <NAME>"]),
    ] {
        let help = lines(&folder.run(&[command, "--help"])).join("\n");
        for option in options {
            assert!(help.contains(option), "{option}: {help}");
        }
    }
}

#[test]
fn a_reader_that_hangs_up_is_no_error() {
    let folder = Folder::new();
    let flags: serde_json::Map<_, _> = (0..3000).map(|number| (number.to_string(), json!(7))).collect();
    folder.write("ruleset.json", json!({ "flags": flags }).to_string());
    // Longer than a pipe holds.
    let script = format!("'{}' check ruleset.json | head -n 1; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_pennon"));
    let mut bash = std::process::Command::new("bash");
    let output = bash.arg("-c").arg(script).current_dir(folder.path("")).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(1), ""));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn a_field_that_is_nearly_one_that_is_read_is_a_warning_and_others_are_not() {
    let folder = Folder::new();
    let rule = json!({ "wehn": { "attribute": "plan", "op": "eq", "value": "pro" }, "serve": "b", "note": "for us", "name": 1 });
    let condition =
        json!({ "not": { "attribute": "plan", "op": "eq", "value": "pro", "ignorecase": true, "note": "" } });
    let rules = [json!({ "when": condition, "serve": "a" }), rule];
    let mut ruleset =
        ruleset(flag(json!({ "rules": rules, "enabld": false, "description": "", "owner": "me", "state": 1 })));
    ruleset["segment"] = json!({});
    ruleset["$schema"] = json!("./ruleset.schema.json");
    folder.write("ruleset.json", ruleset.to_string());
    let ended = folder.run(&["check", "ruleset.json"]);
    assert_eq!(ended.code, Some(0));
    let warned = |place: &str, meant: &str| {
        format!("warning: {place}: nothing reads this field, expected {meant:?} or another name")
    };
    assert_eq!(
        lines(&ended),
        [
            warned("segment", "segments"),
            warned("flags.f.enabld", "enabled"),
            warned("flags.f.rules[1].wehn", "when"),
            warned("flags.f.rules[0].when.not.ignorecase", "ignoreCase"),
            "0 errors, 4 warnings".to_owned(),
        ]
    );
}
