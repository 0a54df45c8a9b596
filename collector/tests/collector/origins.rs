use serde_json::json;

use crate::harness::{Collector, Site, row};

const SHOP: &str = "https://shop.example";

fn preflight(collector: &Collector, path: &str, origin: &str) -> String {
    let request = format!(
        "OPTIONS {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\norigin: {origin}\r\n\
         access-control-request-method: POST\r\naccess-control-request-headers: content-type,x-api-key\r\n\r\n",
        collector.address
    );
    collector.raw(request.as_bytes()).to_lowercase()
}

#[test]
fn no_other_origin_may_use_the_collector_unless_named() {
    let site = Site::new();
    let collector = site.start();
    let answer = collector.get_with("/ruleset.json", &[("origin", SHOP)]);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert!(!preflight(&collector, "/api/switch/exposures", SHOP).contains("access-control-allow"));
}

#[test]
fn a_named_origin_may_send_and_read_the_answer_s_headers() {
    let site = Site::new().with(&["--cors-origin", SHOP, "--cors-origin", "http://localhost:5173"]);
    std::fs::write(site.path("ruleset.json"), "{}").unwrap();
    let collector = site.start();
    let answer = preflight(&collector, "/api/switch/exposures", SHOP);
    for expected in [
        "http/1.1 200 ok",
        "access-control-allow-origin: https://shop.example\r\n",
        "access-control-allow-headers: content-type,x-api-key\r\n",
        "access-control-allow-methods: get,post\r\n",
    ] {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    assert!(!answer.contains("credentials"));
    for origin in [SHOP, "http://localhost:5173"] {
        for answer in [
            collector.get_with("/ruleset.json", &[("origin", origin)]),
            collector.post(
                json!({ "exposures": [row("u")] }).to_string().as_bytes(),
                &[("origin", origin), ("content-type", "text/plain")],
            ),
            collector.post(b"broken", &[("origin", origin), ("content-type", "text/plain")]),
        ] {
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            let exposed = answer.header("access-control-expose-headers").unwrap();
            for name in ["retry-after", "date", "etag", "x-pennon-refused"] {
                assert!(exposed.split(',').any(|one| one == name), "{exposed}");
            }
            assert!(answer.headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("origin")));
        }
    }
    assert_eq!(
        collector
            .get_with("/ruleset.json", &[("origin", "https://evil.example")])
            .header("access-control-allow-origin"),
        None
    );
}

#[test]
fn what_is_stored_stays_closed_to_other_origins() {
    let site = Site::new().with(&["--cors-origin", "*"]);
    let collector = site.start();
    assert_eq!(
        collector.get_with("/ruleset.json", &[("origin", SHOP)]).header("access-control-allow-origin"),
        Some("*")
    );
    for path in ["/api/exposures", "/api/report/checkout", "/healthz"] {
        assert_eq!(collector.get_with(path, &[("origin", SHOP)]).header("access-control-allow-origin"), None, "{path}");
        assert!(!preflight(&collector, path, SHOP).contains("access-control-allow"), "{path}");
    }
}
