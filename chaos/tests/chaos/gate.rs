use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Chaos, batch, connect, read, read_some};

#[test]
fn a_server_that_is_down_refuses_and_comes_back_on_its_port_with_its_ledger() {
    let chaos = Chaos::with(&json!([{ "status": 204 }, { "blackhole": true }, { "status": 200 }]));
    chaos.post(&batch("i", &[1]));
    let mut waiting = chaos.begin_post(&batch("i", &[2]));
    chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() == 2);
    assert_eq!(chaos.control("POST", "/down", "").status(), 204);
    // What was open has ended: with a reset, as its body was not read.
    let ended = waiting.read(&mut [0; 1]);
    assert!(ended.is_ok_and(|bytes| bytes == 0) || waiting.peek(&mut [0; 1]).is_ok_and(|bytes| bytes == 0));
    assert_eq!(TcpStream::connect(&chaos.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(chaos.control("POST", "/down", "").status(), 204, "it is down already");
    assert_eq!(chaos.control("GET", "/health", "").body(), json!({ "status": "down", "requests": 2 }).to_string());
    assert_eq!(chaos.ledger()["requests"][1]["outcome"], "down");

    assert_eq!(chaos.control("POST", "/up", "").status(), 204);
    assert_eq!(chaos.control("POST", "/up", "").status(), 204, "it is up already");
    assert_eq!(chaos.control("GET", "/health", "").body(), json!({ "status": "up", "requests": 2 }).to_string());
    assert_eq!(chaos.post(&batch("i", &[2])).status(), 200, "the script went on");
    assert_eq!(chaos.ledger()["ids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["i-1", "i-2"]);
}

#[test]
fn a_port_can_be_closed_and_opened_many_times() {
    let chaos = Chaos::start(&[]);
    for seq in 1..=20 {
        chaos.control("POST", "/down", "");
        assert_eq!(TcpStream::connect(&chaos.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        chaos.control("POST", "/up", "");
        assert_eq!(chaos.post(&batch("i", &[seq])).status(), 204);
    }
    assert_eq!(chaos.ledger()["rows"], 20);
}

#[test]
fn a_reset_server_has_forgotten_all_and_is_up() {
    let chaos = Chaos::with(&json!([{ "status": 500 }]));
    chaos.post(&batch("i", &[1]));
    chaos.script(&json!([{ "neverEnd": true }]));
    let mut open = chaos.begin_post(&batch("i", &[2]));
    chaos.ledger_when(|ledger| ledger["requests"].as_array().unwrap().len() == 2);
    chaos.control("POST", "/down", "");
    assert_eq!(chaos.control("POST", "/reset", "").status(), 204);
    let _ = read(&mut open);
    let ledger = chaos.ledger();
    assert_eq!((&ledger["requests"], &ledger["instances"], &ledger["options"]), (&json!([]), &json!({}), &json!(0)));
    assert_eq!(chaos.post(&batch("i", &[1])).status(), 204);
}

#[test]
fn connections_serve_one_request_unless_they_may_serve_more() {
    let body = batch("i", &[1]).to_string();
    for (options, answers) in [(vec![], 1), (vec!["--keep-alive"], 2)] {
        let chaos = Chaos::start(&options);
        let mut stream = chaos.begin(crate::harness::POST, &body);
        let twice =
            format!("{}connection: close\r\ncontent-length: {}\r\n\r\n{body}", crate::harness::POST, body.len());
        // The server may have closed it already.
        let _ = std::io::Write::write_all(&mut stream, twice.as_bytes());
        stream.shutdown(std::net::Shutdown::Write).unwrap_or_default();
        assert_eq!(read(&mut stream).text.matches("HTTP/1.1 204").count(), answers, "{options:?}");
    }
}

#[test]
fn files_are_served_on_both_ports_with_their_type_and_the_headers_that_were_asked_for() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    std::fs::write(folders[0].path().join("index.html"), "<p>first").unwrap();
    std::fs::write(folders[1].path().join("index.html"), "<p>second").unwrap();
    std::fs::write(folders[1].path().join("pennon.wasm"), b"\0asm").unwrap();
    let www = folders.each_ref().map(|folder| folder.path().to_str().unwrap());
    let chaos =
        Chaos::start(&["--www", www[0], "--www", www[1], "--header", "content-security-policy: default-src 'self'"]);
    let of = |address: &str, path: &str| {
        let mut stream = connect(address);
        let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        read(&mut stream)
    };
    for address in [&chaos.address, &chaos.control] {
        let answer = of(address, "/?query");
        assert_eq!(
            (answer.status(), answer.body(), answer.header("content-type")),
            (200, "<p>first", Some("text/html"))
        );
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'self'"));
        let answer = of(address, "/pennon.wasm");
        assert_eq!((answer.body(), answer.header("content-type")), ("\0asm", Some("application/wasm")));
        for outside in ["/nothing", "/../Cargo.toml", "/%2e%2e/x", "/%2fetc/passwd"] {
            assert_eq!(of(address, outside).status(), 404, "{outside}");
        }
    }
}

#[test]
fn a_file_is_answered_as_late_as_its_address_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<p>late").unwrap();
    let chaos = Chaos::start(&["--www", folder.path().to_str().unwrap()]);
    for (query, is_late) in [("?delay_ms=1000", true), ("?delay_ms=soon", false)] {
        let mut stream = connect(&chaos.address);
        let request = format!("GET /{query} HTTP/1.1\r\nconnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        if is_late {
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            assert!(stream.read(&mut [0; 1]).is_err(), "{query}: an answer after 300 ms");
            stream.set_read_timeout(None).unwrap();
        }
        assert_eq!(read_some(&mut stream, 12), "HTTP/1.1 200", "{query}");
    }
}
