//! The control port. It never fails on purpose.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::files;
use crate::gate::Gate;
use crate::http::{Answer, Connection, Head};
use crate::site::Site;

pub struct Control {
    pub site: Arc<Site>,
    pub gate: Mutex<Gate>,
    /// Of the secure port, as DER; empty when there is none.
    pub certificate: Vec<u8>,
}

/// Serves until the program ends.
pub async fn accept(listener: TcpListener, control: Arc<Control>) {
    loop {
        // What cannot be accepted is the client's affair; it asks again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let control = Arc::clone(&control);
        tokio::spawn(async move { control.serve(stream).await });
    }
}

impl Control {
    async fn serve(&self, stream: TcpStream) {
        let mut connection = Connection::new(stream);
        while let Ok(head) = connection.head().await {
            let Ok(length) = head.body_bytes() else { return };
            let Ok(body) = connection.take(length).await else { return };
            // Pages of the chaotic port may ask, too.
            let answer = self
                .answer(&head, &body)
                .await
                .with("access-control-allow-origin", "*")
                .with("access-control-allow-headers", "*")
                .with("cache-control", "no-store");
            if connection.send(&answer.to_bytes()).await.is_err() || head.header("connection") == "close" {
                return;
            }
        }
    }

    async fn answer(&self, head: &Head, body: &[u8]) -> Answer {
        match (head.method.as_str(), head.path.as_str()) {
            ("OPTIONS", _) => Answer::new(204),
            ("POST", "/script") => {
                let seed = head.query.strip_prefix("seed=").map(str::parse);
                let Ok(seed) = seed.transpose() else {
                    return refused(&format!("query is \"{}\", expected seed=NUMBER", head.query));
                };
                match self.site.script().replace(body, seed) {
                    Ok(steps) => Answer::json(200, &json!({ "steps": steps })),
                    Err(error) => refused(&error),
                }
            }
            ("GET", "/ledger") => {
                let mut ledger = self.site.ledger();
                ledger.sum_up();
                written(&*ledger)
            }
            ("GET", "/totals") => {
                let mut ledger = self.site.ledger();
                ledger.sum_up();
                written(&ledger.totals())
            }
            ("POST", "/reset") => {
                let mut gate = self.gate.lock().await;
                let down = gate.down().await;
                self.site.script().clear();
                self.site.ledger().clear();
                done(down.and_then(|()| gate.up()))
            }
            ("POST", "/down") => done(self.gate.lock().await.down().await),
            ("POST", "/up") => done(self.gate.lock().await.up()),
            ("GET", "/health") => {
                let gate = self.gate.lock().await;
                let requests = self.site.ledger().requests.len();
                Answer::json(
                    200,
                    &json!({ "status": if gate.is_open() { "up" } else { "down" }, "requests": requests }),
                )
            }
            ("GET", "/certificate") => Answer { body: self.certificate.clone(), ..Answer::new(200) },
            (_, "/elsewhere") => {
                self.site.ledger().elsewhere += 1;
                Answer::json(200, &json!({}))
            }
            _ => files::get(head, &self.site),
        }
    }
}

/// Written at once: a ledger may be long.
fn written(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Answer { body, ..Answer::new(200) }.with("content-type", "application/json"),
        Err(error) => Answer::json(500, &json!({ "error": format!("ledger: {error}") })),
    }
}

fn done(result: std::io::Result<()>) -> Answer {
    match result {
        Ok(()) => Answer::new(204),
        Err(error) => Answer::json(500, &json!({ "error": error.to_string() })),
    }
}

fn refused(error: &str) -> Answer {
    Answer::json(400, &json!({ "error": error }))
}
