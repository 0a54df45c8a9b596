//! Each facility of the host: what it gives, and what happens where the page has none or has broken it.

use js_sys::eval;
use pennon::browser::cookie::Cookie;
use pennon::browser::platform::HOST;
use pennon::browser::storage::{Area, Storage};
use pennon::browser::{clock, page};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

/// Runs this script, then `body`, then the script that puts things right again.
fn with_page_spoilt(script: &str, repair: &str, body: impl FnOnce()) {
    eval(script).unwrap();
    body();
    eval(repair).unwrap();
}

#[wasm_bindgen_test]
fn both_clocks_run_forward_in_milliseconds() {
    let before = clock::now();
    assert!((before.wall_ms - js_sys::Date::now()).abs() < 1000.0);
    assert!(before.wall_ms > 1.7e12, "since 1970");
    let mut after = clock::now();
    while after.mono_ms <= before.mono_ms {
        after = clock::now();
    }
    assert!(after.mono_ms - before.mono_ms < 1000.0);
}

#[wasm_bindgen_test]
fn a_wall_clock_that_gives_no_number_is_reckoned_from_the_pages_begin() {
    let right = clock::now().wall_ms;
    with_page_spoilt("self.realNow = Date.now; Date.now = () => NaN", "Date.now = realNow", || {
        assert!((clock::now().wall_ms - right).abs() < 5000.0);
    });
}

#[wasm_bindgen_test]
fn random_bytes_differ_from_draw_to_draw() {
    let draws: Vec<_> = (0..100).map(|_| clock::random()).collect();
    for (at, draw) in draws.iter().enumerate() {
        assert!(!draws[..at].contains(draw));
    }
    let mut ahead = clock::draw_ahead();
    assert_ne!(ahead(), ahead());
    assert_ne!(ahead(), [0; 10]);
}

#[wasm_bindgen_test]
fn random_bytes_are_drawn_where_the_hosts_best_fails() {
    with_page_spoilt(
        "self.realRandom = Crypto.prototype.getRandomValues;
         Crypto.prototype.getRandomValues = () => { throw new Error('spoilt') }",
        "Crypto.prototype.getRandomValues = realRandom",
        || assert_ne!(clock::random(), clock::random()),
    );
}

/// An area as the facade gives it. `may_store`: whether cookies may be set.
fn area(may_store: bool) -> Area {
    let script = format!(
        "({{ getItem: (key) => localStorage.getItem(key), setItem: (key, text) => localStorage.setItem(key, text),
            removeItem: (key) => localStorage.removeItem(key), isShared: {may_store}, mayStore: {may_store} }})"
    );
    eval(&script).unwrap().unchecked_into()
}

#[wasm_bindgen_test]
fn what_is_stored_is_read_back_under_the_prefix_and_removed() {
    let storage = Storage::open("pennon1:test:".into(), area(true), None);
    assert_eq!(storage.get("s"), None);
    assert!(storage.set("s", "text, \u{1f6a9}"));
    assert_eq!(storage.get("s").as_deref(), Some("text, \u{1f6a9}"));
    assert_eq!(eval("localStorage.getItem('pennon1:test:s')").unwrap().as_string().as_deref(), Some("text, \u{1f6a9}"));
    storage.remove("s");
    assert_eq!(storage.get("s"), None);
    assert_eq!(storage.name("s"), "pennon1:test:s");
}

#[wasm_bindgen_test]
fn where_every_use_throws_writing_says_so_and_reading_gives_nothing() {
    let fails = "() => { throw new DOMException('full', 'QuotaExceededError') }";
    let script =
        format!("({{ getItem: {fails}, setItem: {fails}, removeItem: {fails}, isShared: true, mayStore: true }})");
    let storage = Storage::open("pennon1:full:".into(), eval(&script).unwrap().unchecked_into(), None);
    assert!(!storage.set("s", "text"));
    assert_eq!(storage.get("s"), None);
    storage.remove("s");
}

#[wasm_bindgen_test]
fn where_nothing_may_be_stored_no_cookie_is_set() {
    let storage = Storage::open("pennon1:consent:".into(), area(false), Some(cookie("pennon1_consent_")));
    assert!(storage.set("d", "ids"), "the area keeps it in memory");
    assert_eq!(storage.get_cookie("d"), None);
    assert!(!storage.is_shared());
}

#[wasm_bindgen_test]
fn the_page_of_the_tests_can_be_seen() {
    assert!(!page::is_hidden());
}

#[wasm_bindgen_test]
fn the_host_writes_reads_and_lowers_as_javascript_does() {
    for (number, text) in [(0.1, "0.1"), (1e21, "1e+21"), (-0.0, "0"), (5e-324, "5e-324"), (1e15, "1000000000000000")] {
        assert_eq!((HOST.number_text)(number), text);
    }
    for text in ["0.1", "179769313486231570000e289", "2.2250738585072011e-308", "123456789012345678"] {
        assert_eq!((HOST.parse_number)(text), text.parse::<f64>().unwrap(), "{text}");
    }
    assert_eq!((HOST.lower_case)("\u{130}\u{3a3}STRASSE\u{1e9e}"), "\u{130}\u{3a3}STRASSE\u{1e9e}".to_lowercase());
}

/// What the page has as cookies.
fn cookies() -> String {
    eval("document.cookie").unwrap().as_string().unwrap()
}

/// Cookies for the host that serves these tests.
fn cookie(prefix: &str) -> Cookie {
    let host = eval("location.hostname").unwrap().as_string().unwrap();
    Cookie::open(prefix.into(), format!("; Domain={host}; Path=/; SameSite=Lax"))
}

#[wasm_bindgen_test]
fn a_cookie_is_read_back_beside_others_and_disturbs_none() {
    eval("document.cookie = 'theirs=1|a'; document.cookie = 'xpennon1_test_d=no'; document.cookie = 'odd'").unwrap();
    let before = cookies();
    let cookie = cookie("pennon1_test_");
    assert_eq!(cookie.get("d"), None);
    assert!(cookie.set("d", "1|a|b"));
    assert!(cookie.set("d", "1|a|c"));
    assert_eq!(cookie.get("d").as_deref(), Some("1|a|c"));
    assert_eq!(cookie.get("s"), None);
    assert_eq!(cookies(), before + "; pennon1_test_d=1|a|c");
    eval("document.cookie = 'pennon1_test_d=; Max-Age=0; Path=/; Domain=' + location.hostname").unwrap();
}

#[wasm_bindgen_test]
fn a_cookie_that_the_browser_refuses_or_that_throws_cannot_be_written() {
    let before = cookies();
    for domain in ["elsewhere.example", "com"] {
        let refused = Cookie::open("pennon1_refused_".into(), format!("; Domain={domain}; Path=/"));
        assert!(!refused.set("d", "text"), "{domain}");
    }
    let cookie = cookie("pennon1_blocked_");
    for property in [
        "{ get() { throw new DOMException('denied', 'SecurityError') }, set() { throw new Error('denied') } }",
        "{ get: () => 5, set() {} }",
        "{ get: () => null, set() {} }",
        "{ get: () => '', set() {} }",
        "{ get: () => '='.repeat(100000) + ';;; =;pennon1_blocked_d', set() {} }",
    ] {
        let spoil = format!("Object.defineProperty(document, 'cookie', {{ ...{property}, configurable: true }})");
        with_page_spoilt(&spoil, "delete document.cookie", || {
            assert!(!cookie.set("d", "text"), "{property}");
            assert_eq!(cookie.get("d"), None, "{property}");
        });
    }
    assert_eq!(cookies(), before);
}

#[wasm_bindgen_test]
fn ids_move_from_local_storage_to_the_cookie_and_a_session_is_in_both() {
    Storage::open("pennon1:move:".into(), area(true), None).set("d", "ids");
    let storage = Storage::open("pennon1:move:".into(), area(true), Some(cookie("pennon1_move_")));
    assert_eq!(storage.get("d").as_deref(), Some("ids"), "taken over");
    assert_eq!(storage.get_cookie("d"), None);
    assert!(storage.set("d", "ids") && storage.set("s", "session") && storage.set("i", "other"));
    assert_eq!(storage.get_cookie("d").as_deref(), Some("ids"));
    assert_eq!(storage.get_cookie("i"), None, "all else stays");
    let local = |key: &str| eval(&format!("localStorage.getItem('{key}')")).unwrap().as_string();
    assert_eq!(local("pennon1:move:d"), None);
    assert_eq!(local("pennon1_move_s").as_deref(), Some("session"));
    assert_eq!(local("pennon1:move:i").as_deref(), Some("other"));
    eval("localStorage.setItem('pennon1:move:d', 'old')").unwrap();
    assert_eq!(storage.get("d").as_deref(), Some("ids"), "the cookie counts");
    with_page_spoilt(
        "Object.defineProperty(document, 'cookie', { get() { throw 1 }, set() { throw 1 }, configurable: true })",
        "delete document.cookie",
        || {
            assert!(storage.set("d", "here"), "localStorage has to do");
            assert_eq!(storage.get("d").as_deref(), Some("here"));
        },
    );
    for name in ["d", "s"] {
        eval(&format!("document.cookie = 'pennon1_move_{name}=; Max-Age=0; Path=/; Domain=' + location.hostname"))
            .unwrap();
    }
}
