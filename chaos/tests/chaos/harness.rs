//! Starts servers, and talks to them byte by byte.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pennon-chaos");
/// How long something may take that is to come about. Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Killed when dropped.
pub struct Chaos {
    child: Child,
    /// Host and port of the chaotic server, and of the control.
    pub address: String,
    pub control: String,
    /// Of the secure port, with `--tls`.
    pub secure: Option<String>,
}

impl Drop for Chaos {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back before the connection ended.
#[derive(Debug)]
pub struct Answer {
    pub text: String,
    /// Whether the connection ended with a reset.
    pub is_reset: bool,
}

impl Answer {
    #[track_caller]
    pub fn status(&self) -> u16 {
        let status = self.text.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {self:?}"));
        status.parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n")?;
        head.lines().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[track_caller]
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }
}

impl Chaos {
    pub fn start(options: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut after = |prefix: &str| lines.next().unwrap().unwrap().strip_prefix(prefix).unwrap().to_owned();
        let address = after("listening on http://");
        let control = after("control on http://");
        let secure = options.contains(&"--tls").then(|| after("secure on https://"));
        Self { child, address, control, secure }
    }

    /// Started, with a script.
    pub fn with(script: &Value) -> Self {
        let chaos = Self::start(&[]);
        chaos.script(script);
        chaos
    }

    pub fn script(&self, script: &Value) {
        let answer = self.control("POST", "/script", &script.to_string());
        assert_eq!(answer.status(), 200, "{answer:?}");
    }

    /// The certificate of the secure port, as DER.
    pub fn certificate(&self) -> Vec<u8> {
        let mut stream = connect(&self.control);
        stream.write_all(b"GET /certificate HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let body = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        bytes.split_off(body)
    }

    pub fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        let close = "connection: close\r\n";
        let mut stream = connect(&self.control);
        let request = format!("{method} {path} HTTP/1.1\r\n{close}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).unwrap();
        read(&mut stream)
    }

    /// The ledger.
    pub fn ledger(&self) -> Value {
        serde_json::from_str(self.control("GET", "/ledger", "").body()).unwrap()
    }

    /// The ledger, once `is_so` of it.
    #[track_caller]
    pub fn ledger_when(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..PATIENCE.as_millis() / 10 {
            let ledger = self.ledger();
            if is_so(&ledger) {
                return ledger;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it never came to be: {}", self.ledger())
    }

    /// Sends a request's head and body, and does not wait for the answer.
    pub fn begin(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = connect(&self.address);
        let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
        stream
    }

    pub fn request(&self, head: &str, body: &str) -> Answer {
        read(&mut self.begin(head, body))
    }

    pub fn post(&self, body: &Value) -> Answer {
        self.request(POST, &body.to_string())
    }

    pub fn begin_post(&self, body: &Value) -> TcpStream {
        self.begin(POST, &body.to_string())
    }
}

pub const POST: &str = "POST /exposures?key=1 HTTP/1.1\r\nhost: chaos\r\norigin: http://page.test\r\ncontent-type: text/plain;charset=UTF-8\r\n";

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that comes until the connection ends.
pub fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let is_reset = match stream.read_to_end(&mut bytes) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
        Err(error) => panic!("{error}"),
    };
    Answer { text: String::from_utf8_lossy(&bytes).into_owned(), is_reset }
}

/// The next `length` bytes.
pub fn read_some(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A batch of one instance: a row for each of `seqs`, with an id made of it.
pub fn batch(instance_id: &str, seqs: &[u64]) -> Value {
    let rows: Vec<Value> = seqs.iter().map(|seq| row(&format!("{instance_id}-{seq}"), instance_id, *seq)).collect();
    json!({
        "v": 1, "batch_id": format!("b-{instance_id}"), "attempt": 1, "instance_id": instance_id,
        "ledger": { "seq_max": seqs.iter().max(), "dropped": {} }, "exposures": rows, "links": [], "events": [],
    })
}

pub fn row(id: &str, instance_id: &str, seq: u64) -> Value {
    json!({
        "id": id, "seq": seq, "instance_id": instance_id, "flag_key": "checkout", "variant": "a", "distinct_id": "u1",
    })
}
