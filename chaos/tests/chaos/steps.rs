use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{Chaos, POST, batch, connect, read, read_some};

/// What the ledger says of the only request.
fn only_request(ledger: &Value) -> Value {
    let [request] = ledger["requests"].as_array().unwrap().as_slice() else { panic!("{ledger}") };
    request.clone()
}

/// How the only request ended: outcome, status, whether its rows were kept, and the ids that were.
fn end(ledger: &Value) -> (Value, Value, Value, Vec<String>) {
    let request = only_request(ledger);
    let ids = ledger["ids"].as_object().unwrap().keys().cloned().collect();
    (request["outcome"].clone(), request["status"].clone(), request["kept"].clone(), ids)
}

#[test]
fn without_a_script_every_batch_is_kept_and_acknowledged() {
    let chaos = Chaos::start(&[]);
    let answer = chaos.post(&batch("i", &[1, 2]));
    assert_eq!((answer.status(), answer.body(), answer.header("content-length")), (204, "", None));
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://page.test"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After, Date"));
    assert!(answer.header("date").is_some());
    let ids = vec!["i-1".to_owned(), "i-2".to_owned()];
    assert_eq!(end(&chaos.ledger()), (json!("answered"), json!(204), json!(true), ids));
}

#[test]
fn each_request_meets_the_next_step_and_the_last_step_stays() {
    let chaos = Chaos::with(&json!([{ "status": 500, "repeat": 2 }, { "status": 429 }, {}]));
    let met: Vec<u16> = (1..=5).map(|seq| chaos.post(&batch("i", &[seq])).status()).collect();
    assert_eq!(met, [500, 500, 429, 204, 204]);
    let ledger = chaos.ledger();
    let steps: Vec<&Value> = ledger["requests"].as_array().unwrap().iter().map(|request| &request["step"]).collect();
    assert_eq!(steps, [0, 0, 1, 2, 2]);
    assert_eq!(ledger["ids"].as_object().unwrap().len(), 2, "only what was acknowledged is kept");
    assert_eq!(ledger["not_kept"], json!({ "i-1": 1, "i-2": 1, "i-3": 1 }));
}

#[test]
fn a_status_comes_with_its_headers_and_body() {
    let chaos = Chaos::with(&json!([
        { "status": 200, "headers": { "Content-Type": "text/html" }, "body": "<p>log in" },
        { "status": 204, "body": "stray" },
    ]));
    let answer = chaos.post(&batch("i", &[1]));
    assert_eq!((answer.status(), answer.body()), (200, "<p>log in"));
    assert_eq!((answer.header("Content-Type"), answer.header("content-length")), (Some("text/html"), Some("9")));
    let answer = chaos.post(&batch("i", &[2]));
    assert_eq!((answer.status(), answer.body()), (204, "stray"));
}

#[test]
fn a_failure_may_come_after_the_rows_were_kept_and_a_success_without() {
    let chaos = Chaos::with(&json!([{ "status": 500, "commit": true }, { "status": 204, "commit": false }]));
    assert_eq!(chaos.post(&batch("i", &[1])).status(), 500);
    assert_eq!(chaos.post(&batch("i", &[2])).status(), 204);
    let ledger = chaos.ledger();
    assert_eq!(ledger["ids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["i-1"]);
}

#[test]
fn retry_after_is_any_text_or_a_date_after_the_answers_own() {
    let chaos = Chaos::with(&json!([
        { "retryAfter": "abc" },
        { "retryAfter": "30", "status": 503, "exposeHeaders": false },
        { "retryAfterDateS": 120 },
    ]));
    let answer = chaos.post(&batch("i", &[1]));
    assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("abc")));
    let answer = chaos.post(&batch("i", &[2]));
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("30")));
    assert_eq!(answer.header("access-control-expose-headers"), None);
    let answer = chaos.post(&batch("i", &[3]));
    let date = |name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
    let distance_s = date("retry-after").duration_since(date("date")).unwrap().as_secs();
    // The two may be read on both sides of a second's end.
    assert!((118..=120).contains(&distance_s), "{distance_s}");
}

#[test]
fn a_reset_before_the_body_is_a_reset_and_keeps_nothing() {
    let chaos = Chaos::with(&json!([{ "reset": "before" }]));
    let mut stream = connect(&chaos.address);
    // The body never comes, so the reset cannot have waited for it.
    stream.write_all(format!("{POST}content-length: 10\r\n\r\n").as_bytes()).unwrap();
    let answer = read(&mut stream);
    assert!(answer.is_reset && answer.text.is_empty(), "{answer:?}");
    assert_eq!(end(&chaos.ledger()), (json!("cut"), json!(null), json!(false), vec![]));
}

#[test]
fn a_reset_in_the_upload_waits_for_half_of_the_body() {
    let chaos = Chaos::with(&json!([{ "reset": "upload" }]));
    let mut stream = connect(&chaos.address);
    stream.write_all(format!("{POST}content-length: 100\r\n\r\n{}", "x".repeat(49)).as_bytes()).unwrap();
    let waiting = chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() == 1);
    assert_eq!(only_request(&waiting)["outcome"], "waiting");
    stream.write_all(b"x").unwrap();
    let answer = read(&mut stream);
    assert!(answer.is_reset && answer.text.is_empty(), "{answer:?}");
    assert_eq!(end(&chaos.ledger()), (json!("cut"), json!(null), json!(false), vec![]));
}

#[test]
fn commit_then_cut_keeps_the_rows_and_says_nothing() {
    let chaos = Chaos::with(&json!([{ "commitThenCut": true }]));
    assert_eq!(chaos.post(&batch("i", &[1])).text, "");
    assert_eq!(end(&chaos.ledger()), (json!("cut"), json!(null), json!(true), vec!["i-1".to_owned()]));
}

#[test]
fn goaway_ends_the_connection_and_keeps_the_rows_only_when_told() {
    let chaos = Chaos::with(&json!([{ "goaway": true }, { "goaway": true, "commit": true }]));
    assert_eq!(chaos.post(&batch("i", &[1])).text, "");
    assert_eq!(chaos.post(&batch("i", &[2])).text, "");
    assert_eq!(chaos.ledger()["ids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["i-2"]);
}

#[test]
fn a_drip_reads_and_writes_so_many_bytes_each_second() {
    let body = batch("i", &[1]).to_string();
    let chaos = Chaos::with(&json!([{ "drip": body.len() * 4 }]));
    assert_eq!(chaos.request(POST, &body).status(), 204);
    let ledger = chaos.ledger();
    let request = only_request(&ledger);
    // A quarter of a second for the body; a slow machine takes longer.
    let took_ms = request["answered_ms"].as_f64().unwrap() - request["at_ms"].as_f64().unwrap();
    assert!(took_ms > 200.0, "{took_ms} ms");
    assert_eq!(request["kept"], true);
}

#[test]
fn a_body_that_its_client_gives_up_is_not_kept() {
    let chaos = Chaos::with(&json!([{ "drip": 1 }]));
    drop(chaos.begin_post(&batch("i", &[1])));
    let ledger = chaos.ledger_when(only_request_is_over);
    assert_eq!(end(&ledger), (json!("given_up"), json!(null), json!(false), vec![]));
}

fn only_request_is_over(ledger: &Value) -> bool {
    ledger["requests"].as_array().unwrap().first().is_some_and(|request| request["outcome"] != "waiting")
}

#[test]
fn a_body_without_an_end_begins_and_stays_open() {
    let chaos = Chaos::with(&json!([{ "neverEnd": true }]));
    let mut stream = chaos.begin_post(&batch("i", &[1]));
    let mut text = String::new();
    while !text.contains("\r\n\r\n{\"begun\":") {
        text.push_str(&read_some(&mut stream, 1));
    }
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("content-type: application/json"), "{text}");
    assert!(text.contains("content-length: 1000"), "{text}");
    stream.set_nonblocking(true).unwrap();
    let mut byte = [0];
    assert_eq!(
        std::io::Read::read(&mut stream, &mut byte).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "the connection is open and silent"
    );
    assert_eq!(end(&chaos.ledger()), (json!("answered"), json!(200), json!(true), vec!["i-1".to_owned()]));
}

#[test]
fn a_truncated_answer_is_shorter_than_it_says() {
    let chaos = Chaos::with(&json!([{ "truncate": true }, { "truncate": true, "status": 500 }]));
    let answer = chaos.post(&batch("i", &[1]));
    assert_eq!((answer.status(), answer.header("content-length")), (200, Some("1000")));
    assert_eq!((answer.body(), answer.is_reset), ("{\"begun\":", false));
    assert_eq!(chaos.post(&batch("i", &[2])).status(), 500);
    assert_eq!(chaos.ledger()["ids"].as_object().unwrap().len(), 1);
}

#[test]
fn a_black_hole_answers_nothing_until_its_client_gives_up() {
    let chaos = Chaos::with(&json!([{ "blackhole": true }]));
    let mut stream = chaos.begin_post(&batch("i", &[1]));
    let waiting = chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() == 1);
    assert_eq!(only_request(&waiting)["outcome"], "waiting");
    stream.set_nonblocking(true).unwrap();
    let mut byte = [0];
    assert_eq!(std::io::Read::read(&mut stream, &mut byte).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(stream);
    let ledger = chaos.ledger_when(only_request_is_over);
    assert_eq!(end(&ledger), (json!("given_up"), json!(null), json!(false), vec![]));
}

#[test]
fn a_redirect_names_its_target_and_keeps_nothing() {
    let chaos = Chaos::start(&[]);
    let elsewhere = format!("http://{}/elsewhere", chaos.control);
    chaos.script(&json!([{ "redirect": 307, "to": elsewhere }]));
    let answer = chaos.post(&batch("i", &[1]));
    assert_eq!((answer.status(), answer.header("location")), (307, Some(elsewhere.as_str())));
    assert_eq!(chaos.control("POST", "/elsewhere", "{}").status(), 200);
    let ledger = chaos.ledger();
    assert_eq!((&ledger["ids"], &ledger["elsewhere"]), (&json!({}), &json!(1)));
}

#[test]
fn another_origin_is_let_in_unless_the_step_says_no() {
    let chaos = Chaos::with(&json!([{ "cors": false }, {}]));
    let preflight =
        "OPTIONS /exposures HTTP/1.1\r\norigin: http://page.test\r\naccess-control-request-headers: x-a\r\n";
    assert_eq!(chaos.request(preflight, "").header("access-control-allow-origin"), None);
    let answer = chaos.post(&batch("i", &[1]));
    assert_eq!((answer.status(), answer.header("access-control-allow-origin")), (204, None));
    let answer = chaos.request(preflight, "");
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://page.test"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-a"));
    let ledger = chaos.ledger();
    assert_eq!(ledger["options"], 2);
    assert_eq!(ledger["ids"].as_object().unwrap().len(), 1, "the server got what the page may not read the answer to");
}

#[test]
fn a_poisoned_batch_and_one_that_is_too_long_are_refused() {
    let chaos = Chaos::with(&json!([{ "rejectIf": "poison", "rejectStatus": 422, "maxRows": 2 }]));
    let mut poisoned = batch("i", &[1, 2]);
    poisoned["exposures"][1]["flag_key"] = "poison".into();
    assert_eq!(chaos.post(&poisoned).status(), 422);
    assert_eq!(chaos.post(&batch("i", &[3, 4, 5])).status(), 413);
    assert_eq!(chaos.post(&batch("i", &[6, 7])).status(), 204);
    assert_eq!(chaos.ledger()["ids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["i-6", "i-7"]);
}

#[test]
fn a_delayed_answer_comes_after_the_rows_are_kept() {
    let chaos = Chaos::with(&json!([{ "delayMs": 300 }]));
    let mut stream = chaos.begin_post(&batch("i", &[1]));
    chaos.ledger_when(|ledger| ledger["ids"].as_object().unwrap().len() == 1);
    assert_eq!(read(&mut stream).status(), 204);
    let request = only_request(&chaos.ledger());
    assert!(request["answered_ms"].as_f64().unwrap() - request["at_ms"].as_f64().unwrap() >= 299.0, "{request}");
}

#[test]
fn chance_is_as_the_seed_says() {
    let script = json!([{ "random": { "p": 0.5, "statuses": [500, 503], "steps": [{ "commitThenCut": true }] } }]);
    let met = |seed: u32| {
        let chaos = Chaos::start(&[]);
        chaos.control("POST", &format!("/script?seed={seed}"), &script.to_string());
        (1..=60).map(|seq| chaos.post(&batch("i", &[seq])).text.get(9..12).map(str::to_owned)).collect::<Vec<_>>()
    };
    let of_7 = met(7);
    assert_eq!(of_7, met(7));
    assert_ne!(of_7, met(8));
    let kinds: BTreeSet<_> = of_7.into_iter().collect();
    assert_eq!(kinds, BTreeSet::from([None, Some("204".into()), Some("500".into()), Some("503".into())]));
}

#[test]
fn a_body_that_is_no_batch_is_refused_and_noted() {
    let chaos = Chaos::start(&[]);
    let json_type = POST.replace("text/plain;charset=UTF-8", "application/json");
    assert_eq!(chaos.request(&json_type, &batch("i", &[1]).to_string()).status(), 204);
    assert_eq!(chaos.request(POST, "{").status(), 400);
    assert_eq!(chaos.request(POST, "[]").status(), 400);
    assert_eq!(chaos.request(POST, "{\"exposures\":[1]}").status(), 400);
    assert_eq!(chaos.request(&POST.replace("text/plain", "image/png"), "{\"exposures\":[]}").status(), 415);
    let ledger = chaos.ledger();
    assert_eq!(ledger["requests"][3]["error"], "exposures[0] is no object, expected one");
    assert_eq!(ledger["ids"].as_object().unwrap().len(), 1);
    chaos.script(&json!([{ "status": 503 }]));
    assert_eq!(chaos.request(POST, "{").status(), 503, "a server that fails looks at no body");
}

#[test]
fn what_is_no_http_ends_the_connection_and_is_counted() {
    let chaos = Chaos::start(&[]);
    let mut stream = TcpStream::connect(&chaos.address).unwrap();
    // The beginning of a TLS handshake.
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").unwrap();
    assert_eq!(read(&mut stream).text, "");
    assert_eq!(chaos.ledger()["not_http"], 1);
}

#[test]
fn a_script_with_a_mistake_is_refused_with_its_place() {
    let chaos = Chaos::with(&json!([{ "status": 503 }]));
    let answer = chaos.control("POST", "/script", r#"[{},{"status":7}]"#);
    let reason = json!({ "error": "script[1]: status is 7, expected 100 to 999" });
    assert_eq!((answer.status(), answer.body()), (400, reason.to_string().as_str()));
    assert_eq!(chaos.post(&batch("i", &[1])).status(), 503, "the script before goes on");
}
