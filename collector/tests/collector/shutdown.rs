use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::harness::{Site, row};

#[test]
fn what_is_in_flight_is_answered_before_it_stops() {
    let site = Site::new();
    let mut collector = site.start();
    let body = json!({ "exposures": [row("u1")] }).to_string();
    let mut stream = TcpStream::connect(&collector.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST /api/switch/exposures HTTP/1.1\r\nhost: {}\r\ncontent-type: text/plain\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        collector.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    collector.terminate();
    // It no longer accepts, so it has been told.
    while TcpStream::connect(&collector.address).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 No Content\r\n"), "{answer}");
    assert_eq!(collector.child.wait().unwrap().code(), Some(0));
    assert_eq!(site.stderr(), "");
    // Closed in order: all is in the one file.
    assert!(!site.path("pennon.db-wal").exists());
    assert_eq!(site.rows(&[]).len(), 1);
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let site = Site::new();
    let mut collector = site.start();
    // One that a browser opened in advance, and one that has had its answer.
    let _silent = TcpStream::connect(&collector.address).unwrap();
    assert_eq!(collector.get("/healthz").status, 200);
    collector.terminate();
    assert_eq!(collector.child.wait().unwrap().code(), Some(0));
    assert_eq!(site.stderr(), "");
}
