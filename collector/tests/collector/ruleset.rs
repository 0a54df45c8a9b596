use std::fs;
use std::time::{Duration, SystemTime};

use crate::harness::{Collector, Site};

const FIRST: &str = "{\"schema\":1,\"version\":1,\"flags\":{}}";
const SECOND: &str = "{\"schema\":1,\"version\":2,\"flags\":{}}";

fn etag(collector: &Collector) -> String {
    collector.get("/ruleset.json").header("etag").unwrap().to_owned()
}

#[test]
fn the_ruleset_is_served_as_it_is_in_its_file() {
    let site = Site::new();
    fs::write(site.path("ruleset.json"), FIRST).unwrap();
    let collector = site.start();
    let answer = collector.get("/ruleset.json");
    assert_eq!((answer.status, answer.body.as_str()), (200, FIRST));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let etag = answer.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10, "{etag}");
}

#[test]
fn who_has_the_ruleset_is_told_so() {
    let site = Site::new();
    fs::write(site.path("ruleset.json"), FIRST).unwrap();
    let collector = site.start();
    let etag = etag(&collector);
    for wanted in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let answer = collector.get_with("/ruleset.json", &[("if-none-match", &wanted)]);
        assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{wanted}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
    }
    assert_eq!(collector.get_with("/ruleset.json", &[("if-none-match", "\"other\"")]).status, 200);
    fs::write(site.path("ruleset.json"), SECOND).unwrap();
    assert_eq!(collector.get_with("/ruleset.json", &[("if-none-match", &etag)]).body, SECOND);
}

#[test]
fn a_changed_file_is_served_at_the_next_request() {
    let site = Site::new();
    fs::write(site.path("ruleset.json"), FIRST).unwrap();
    let collector = site.start();
    let first = etag(&collector);
    // As long as before, and changed at once.
    fs::write(site.path("ruleset.json"), SECOND).unwrap();
    assert_eq!(collector.get("/ruleset.json").body, SECOND);
    assert_ne!(etag(&collector), first);
    fs::write(site.path("ruleset.json"), FIRST).unwrap();
    assert_eq!(etag(&collector), first);
}

#[test]
fn an_old_file_that_changes_is_read_again() {
    let site = Site::new();
    let set = |text: &str, age_s: u64| {
        fs::write(site.path("ruleset.json"), text).unwrap();
        let file = fs::File::options().append(true).open(site.path("ruleset.json")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the age of a file is by the system's clock")]
        file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).unwrap();
    };
    set(FIRST, 7200);
    let collector = site.start();
    assert_eq!(collector.get("/ruleset.json").body, FIRST);
    assert_eq!(collector.get("/ruleset.json").body, FIRST);
    set(SECOND, 3600);
    assert_eq!(collector.get("/ruleset.json").body, SECOND);
    set("{", 1800);
    assert_eq!(collector.get("/ruleset.json").body, SECOND);
    assert_eq!(collector.get("/ruleset.json").body, SECOND);
    assert_eq!(site.stderr().lines().count(), 1, "{}", site.stderr());
}

#[test]
fn a_ruleset_that_cannot_be_read_leaves_the_last_good_one() {
    let site = Site::new();
    let file = site.path("ruleset.json");
    fs::write(&file, FIRST).unwrap();
    let collector = site.start();
    assert_eq!(collector.get("/ruleset.json").body, FIRST);
    for broken in [&SECOND.as_bytes()[..20], b"", b"<html>", b"[]", b"null", b"{\"version\":\"\xFF\"}"] {
        fs::write(&file, broken).unwrap();
        let answer = collector.get("/ruleset.json");
        assert_eq!((answer.status, answer.body.as_str()), (200, FIRST));
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(collector.get("/ruleset.json").body, FIRST);
    let said = site.stderr();
    assert_eq!(said.lines().count(), 7, "{said}");
    let first = said.lines().next().unwrap();
    let expected = format!(
        "pennon-collector: ruleset {} is no ruleset: EOF while parsing a string at line 1 column 20; the last good one is served",
        file.display()
    );
    assert_eq!(first, expected);
    fs::write(&file, SECOND).unwrap();
    assert_eq!(collector.get("/ruleset.json").body, SECOND);
}

#[test]
fn without_a_ruleset_the_answer_says_why() {
    let site = Site::new();
    let file = site.path("ruleset.json");
    let collector = site.start();
    collector
        .get("/ruleset.json")
        .assert_refused(404, &format!("ruleset {}: No such file or directory (os error 2)", file.display()));
    fs::write(&file, "{").unwrap();
    collector.get("/ruleset.json").assert_refused(
        404,
        &format!("ruleset {} is no ruleset: EOF while parsing an object at line 1 column 1", file.display()),
    );
    fs::write(&file, FIRST).unwrap();
    assert_eq!(collector.get("/ruleset.json").body, FIRST);
}

#[test]
fn every_version_that_was_served_is_kept() {
    let site = Site::new();
    let file = site.path("ruleset.json");
    for text in [FIRST, SECOND, FIRST, "{\"version\":\"three\"}"] {
        fs::write(&file, text).unwrap();
        let collector = site.start();
        for _ in 0..3 {
            assert_eq!(collector.get("/ruleset.json").body, text);
        }
    }
    let sql = site.sql();
    let mut statement =
        sql.prepare("SELECT version, content FROM rulesets WHERE first_served_at_ms > 0 ORDER BY rowid").unwrap();
    let kept: Vec<(Option<i64>, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    let expected = [(Some(1), FIRST), (Some(2), SECOND), (None, "{\"version\":\"three\"}")];
    assert_eq!(kept, expected.map(|(version, text)| (version, text.to_owned())));
}
