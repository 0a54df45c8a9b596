//! Starts collectors and talks to them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Response;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_pennon-collector");

/// A folder for one collector's files, and the options it is started with.
pub struct Site {
    pub folder: TempDir,
    options: Vec<String>,
}

impl Site {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), options: Vec::new() }
    }

    pub fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|option| (*option).to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("pennon.db")
    }

    pub fn start(&self) -> Collector {
        self.start_by(Command::new(PROGRAM))
    }

    /// Starts it through `command`, to which the options are added.
    pub fn start_by(&self, mut command: Command) -> Collector {
        let mut child = command
            .args(["serve", "--port", "0"])
            .args(&self.options)
            .arg("--data")
            .arg(self.data())
            .arg("--ruleset")
            .arg(self.path("ruleset.json"))
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(self.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening on http://") else {
            panic!("collector did not start: {}", self.stderr())
        };
        Collector { child, address: address.to_owned(), agent: agent() }
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.path("stderr")).unwrap_or_default()
    }

    /// What `pennon-collector rows` prints.
    pub fn rows(&self, options: &[&str]) -> Vec<Value> {
        self.printed("rows", options)
    }

    /// What `pennon-collector links` prints.
    pub fn links(&self) -> Vec<Value> {
        self.printed("links", &[])
    }

    fn printed(&self, what: &str, options: &[&str]) -> Vec<Value> {
        let Output { status, stdout, stderr } =
            Command::new(PROGRAM).arg(what).arg("--data").arg(self.data()).args(options).output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data()).unwrap()
    }
}

pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into()
}

/// A running collector. Killed when dropped.
pub struct Collector {
    pub child: Child,
    pub address: String,
    agent: Agent,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Answer {
    fn of(mut response: Response<ureq::Body>) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.body_mut().read_to_string().unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub fn assert_stored(&self) {
        assert_eq!((self.status, self.body.as_str(), self.header("x-pennon-refused")), (204, "", None));
    }

    #[track_caller]
    pub fn assert_refused(&self, status: u16, reason: &str) {
        assert_eq!((self.status, self.json()), (status, json!({ "error": reason })));
    }
}

impl Collector {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.call().unwrap())
    }

    pub fn post(&self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(self.url("/api/switch/exposures"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send(body).unwrap())
    }

    pub fn send(&self, body: &Value) -> Answer {
        self.post(body.to_string().as_bytes(), &[("content-type", "text/plain;charset=UTF-8")])
    }

    pub fn send_text(&self, body: &str) -> Answer {
        self.post(body.as_bytes(), &[("content-type", "application/json")])
    }

    /// Sends rows of which nothing else is to be said.
    pub fn send_rows(&self, rows: &[Value]) -> Answer {
        self.send(&json!({ "v": 1, "exposures": rows }))
    }

    pub fn counts(&self) -> Value {
        self.get("/healthz").json()["counts"].clone()
    }

    /// What comes back for bytes that no client would send, until the collector closes the connection.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        let killed = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The smallest row that is stored.
pub fn row(distinct_id: &str) -> Value {
    json!({ "flag_key": "checkout", "distinct_id": distinct_id })
}

/// A well-formed id for each number.
pub fn id(number: u64) -> String {
    format!("{number:021}A")
}
