//! HTTP/1.1 on a socket, as far as a server needs it that breaks the rules where it is told to.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 65_536;
const MAX_HEADERS: usize = 100;
/// The longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 16 << 20;
/// How often a socket that is not read is asked whether the client is still there.
const WATCH_INTERVAL: Duration = Duration::from_millis(2);
/// A drip is read and written in so many pieces per second, or one byte at a time where it is slower.
const PIECES_PER_SECOND: usize = 20;

/// A connection, and what was read from it ahead of time.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    pub method: String,
    /// Still percent-encoded, without the query.
    pub path: String,
    /// Without the question mark; empty when there is none.
    pub query: String,
    headers: Vec<(String, String)>,
}

/// What came in place of a head.
#[derive(Debug, PartialEq, Eq)]
pub enum NoHead {
    /// The client closed the connection.
    Closed,
    /// Bytes that are no HTTP, such as a TLS handshake.
    NotHttp,
}

impl Head {
    /// The header called `name` (in lower case); empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The length of the body, in bytes; 0 when the head says nothing of it.
    ///
    /// # Errors
    /// A length that is no number or too long, or a body sent in chunks: no browser does that with a text.
    pub fn body_bytes(&self) -> io::Result<usize> {
        if !self.header("transfer-encoding").is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidData, "body is in chunks, expected a content-length"));
        }
        match self.header("content-length") {
            "" => Ok(0),
            text => text.parse().ok().filter(|bytes| *bytes <= MAX_BODY_BYTES).ok_or_else(|| {
                let message = format!("content-length is \"{text}\", expected at most {MAX_BODY_BYTES}");
                io::Error::new(ErrorKind::InvalidData, message)
            }),
        }
    }

    /// That of a request over HTTP/2.
    pub fn of_parts(parts: &::http::request::Parts) -> Self {
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
        }
    }

    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, httparse::Error> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = request
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).trim().to_owned()))
            .collect();
        let method = request.method.unwrap_or_default().to_owned();
        Ok(Some((Self { method, path: path.to_owned(), query: query.to_owned(), headers }, length)))
    }
}

/// An answer. `body` is sent also where HTTP allows none, such as after 204.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What `content-length` says, when that is not the body's length.
    pub claimed_bytes: Option<usize>,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self { status, body: value.to_string().into_bytes(), ..Self::default() }
            .with("content-type", "application/json")
    }

    /// With one more header; the first of a name counts, so that defaults come last.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            self.headers.push((name.to_owned(), value.into()));
        }
        self
    }

    /// What `content-length` says. `None`: there is none.
    pub fn told_bytes(&self) -> Option<usize> {
        let bytes = self.claimed_bytes.unwrap_or(self.body.len());
        // Without a body these have no length either.
        (bytes > 0 || !matches!(self.status, 100..=199 | 204 | 304)).then_some(bytes)
    }

    /// The answer as it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason_of(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(bytes) = self.told_bytes() {
            head.push_str(&format!("content-length: {bytes}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

fn reason_of(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        // Nothing reads it.
        _ => "Scripted",
    }
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        Self { stream, unread: Vec::new() }
    }

    /// The head of the next request.
    pub async fn head(&mut self) -> Result<Head, NoHead> {
        loop {
            match Head::read(&self.unread) {
                Ok(Some((head, length))) => {
                    self.unread.drain(..length);
                    return Ok(head);
                }
                Ok(None) if self.unread.len() <= MAX_HEAD_BYTES => {}
                Ok(None) | Err(_) => return Err(NoHead::NotHttp),
            }
            match self.stream.read_buf(&mut self.unread).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(NoHead::Closed),
            }
        }
    }

    /// The next `length` bytes.
    pub async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length {
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..length).collect())
    }

    /// The next `length` bytes, `bytes_per_second` of them each second. An error as soon as the client has gone.
    pub async fn take_slowly(&mut self, length: usize, bytes_per_second: u32) -> io::Result<Vec<u8>> {
        let (piece, pause) = pace(bytes_per_second);
        let mut taken = Vec::new();
        while taken.len() < length {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.closed() => return Err(ErrorKind::UnexpectedEof.into()),
            }
            taken.extend(self.take(piece.min(length - taken.len())).await?);
        }
        Ok(taken)
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends `bytes`, `bytes_per_second` of them each second.
    pub async fn send_slowly(&mut self, bytes: &[u8], bytes_per_second: u32) -> io::Result<()> {
        let (piece, pause) = pace(bytes_per_second);
        for bytes in bytes.chunks(piece) {
            tokio::time::sleep(pause).await;
            self.send(bytes).await?;
        }
        Ok(())
    }

    /// Returns when the client has closed its side or the connection broke. Reads nothing.
    pub async fn closed(&self) {
        while self.stream.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
            tokio::time::sleep(WATCH_INTERVAL).await;
        }
    }

    /// Ends the connection with a reset, as when the server's machine has forgotten it.
    pub fn reset(self) {
        // Closed with a linger of nothing, a socket sends RST; a socket on which that cannot be set is closed already.
        let _ = self.stream.set_zero_linger();
    }
}

/// How many bytes at a time, and how long to wait before each time.
fn pace(bytes_per_second: u32) -> (usize, Duration) {
    let piece = (bytes_per_second as usize / PIECES_PER_SECOND).max(1);
    (piece, Duration::from_secs_f64(piece as f64 / f64::from(bytes_per_second.max(1))))
}
