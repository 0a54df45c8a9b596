use std::net::TcpListener;
use std::process::{Command, Output};

use crate::harness::{PROGRAM, Site, row};

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(PROGRAM).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn help_names_each_option_with_its_default() {
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let (code, help, _) = run(arguments);
        assert_eq!(code, Some(0));
        for expected in [
            "--host <ADDRESS>",
            "[default: 127.0.0.1]",
            "--port <PORT>",
            "[default: 8787]",
            "--data <FILE>",
            "[default: pennon.db]",
            "--ruleset <FILE>",
            "[default: ruleset.json]",
            "--www <DIR>",
            "--cors-origin <ORIGIN>",
            "[default: none]",
            "--max-body-bytes <BYTES>",
            "[default: 1048576]",
            "--max-unpacked-bytes <BYTES>",
            "[default: 4194304]",
        ] {
            assert!(help.contains(expected), "{expected}: {help}");
        }
    }
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let site = Site::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, stdout, stderr) = run(&["--port", &port, "--data", site.data().to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(
        stderr,
        format!("pennon-collector: port {port} of 127.0.0.1 is taken by another program; choose another with --port\n")
    );
}

#[test]
fn what_cannot_be_used_is_said_before_serving() {
    let site = Site::new();
    let data = site.data();
    let data = data.to_str().unwrap();
    let start = |arguments: &[&str]| run(&[&["--port", "0"], arguments].concat());
    for (arguments, expected) in [
        (&["--data", data, "--www", "/nowhere"][..], "--www: there is no folder /nowhere"),
        (
            &["--data", data, "--cors-origin", "https://shop.example/"],
            "--cors-origin is \"https://shop.example/\", expected scheme://host or scheme://host:port, as browsers send it, or *",
        ),
        (
            &["--data", "/nowhere/pennon.db"],
            "--data: store: /nowhere/pennon.db: unable to open database file: /nowhere/pennon.db",
        ),
    ] {
        let (code, stdout, stderr) = start(arguments);
        assert_eq!(
            (code, stdout.as_str(), stderr.trim_end()),
            (Some(1), "", format!("pennon-collector: {expected}").as_str())
        );
    }
    let (code, _, stderr) = start(&["--data", data, "--max-body-bytes", "0"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--max-body-bytes"), "{stderr}");
}

#[test]
fn another_program_s_file_is_left_alone() {
    let site = Site::new();
    site.sql().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    for arguments in [&["--port", "0"][..], &["rows"]] {
        let (code, _, stderr) = run(&[arguments, &["--data", site.data().to_str().unwrap()]].concat());
        assert_eq!(code, Some(1));
        assert!(stderr.contains("is another program's SQLite file, expected a collector's"), "{stderr}");
    }
    let tables: i64 = site.sql().query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    std::fs::write(site.data(), "not a database, but longer than the hundred bytes of a SQLite header ".repeat(4))
        .unwrap();
    let (code, _, stderr) = run(&["rows", "--data", site.data().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("file is not a database"), "{stderr}");
}

#[test]
fn rows_of_a_missing_file_are_an_error_and_make_no_file() {
    let site = Site::new();
    let (code, stdout, stderr) = run(&["rows", "--data", site.data().to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("unable to open database file"), "{stderr}");
    assert!(!site.data().exists());
}

#[test]
fn a_reader_that_hangs_up_is_no_error() {
    let site = Site::new();
    let collector = site.start();
    let rows: Vec<_> = (0..1000).map(|number| row(&number.to_string())).collect();
    collector.send_rows(&rows).assert_stored();
    let script = format!("'{PROGRAM}' rows --data '{}' | head -n 1; exit ${{PIPESTATUS[0]}}", site.data().display());
    let Output { status, stdout, stderr } = Command::new("bash").arg("-c").arg(script).output().unwrap();
    assert_eq!((status.code(), stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}
