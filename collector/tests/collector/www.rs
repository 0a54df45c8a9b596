use std::fs;

use crate::harness::Site;

fn site() -> Site {
    let site = Site::new();
    let www = site.path("www");
    fs::create_dir_all(www.join("assets")).unwrap();
    fs::write(www.join("index.html"), "<!doctype html><title>shop</title>").unwrap();
    fs::write(www.join("assets/app.js"), "export {}").unwrap();
    fs::write(www.join("assets/pennon.wasm"), b"\0asm").unwrap();
    fs::write(site.path("secret.txt"), "secret").unwrap();
    let www = www.to_str().unwrap().to_owned();
    site.with(&["--www", &www])
}

#[test]
fn files_are_served_with_their_type() {
    let site = site();
    let collector = site.start();
    for (path, content_type) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/assets/app.js", "text/javascript"),
        ("/assets/pennon.wasm", "application/wasm"),
    ] {
        let answer = collector.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let again = collector.get_with(path, &[("if-modified-since", answer.header("last-modified").unwrap())]);
        assert_eq!(again.status, 304, "{path}");
    }
    assert_eq!(collector.get("/nothing").status, 404);
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let site = site();
    let collector = site.start();
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/assets/%00/../../secret.txt",
        "/./../secret.txt",
        &format!("/{}", site.path("secret.txt").display()),
        &format!("/%2f{}", site.path("secret.txt").display()),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", collector.address);
        let answer = collector.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.contains("secret"), "{path}: {answer}");
    }
}

#[test]
fn without_a_folder_there_is_nothing_at_the_root() {
    let site = Site::new();
    let collector = site.start();
    collector.get("/").assert_refused(404, "there is nothing at this address");
}
