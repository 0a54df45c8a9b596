//! The secure port: the same endpoint and files over HTTP/2 and TLS, where a server can also end a whole connection with GOAWAY.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::endpoint::{self, End};
use crate::files;
use crate::http::{Answer, Head};
use crate::ledger::Outcome;
use crate::script::Reset;
use crate::site::Site;

pub struct Secure {
    pub address: SocketAddr,
    /// As DER, for 127.0.0.1 and localhost, made when the port is opened.
    pub certificate: Vec<u8>,
}

impl Secure {
    /// Opens any free port and serves on it until the program ends.
    ///
    /// # Errors
    /// What keeps it from opening, in one sentence.
    pub async fn open(site: Arc<Site>) -> Result<Self, String> {
        let (acceptor, certificate) = acceptor().map_err(|error| format!("cannot make a certificate: {error}"))?;
        let failed = |error| format!("cannot listen on a secure port: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tokio::spawn(async move {
            loop {
                // What cannot be accepted is the client's affair; it asks again.
                let Ok((stream, _)) = listener.accept().await else { continue };
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&site)));
            }
        });
        Ok(Self { address, certificate })
    }
}

fn acceptor() -> Result<(TlsAcceptor, Vec<u8>), Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    let certificate = made.cert.der().to_vec();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), certificate))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, site: Arc<Site>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        site.ledger().tls_failed += 1;
        return;
    };
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let (go_away, mut going) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let (site, go_away) = (Arc::clone(&site), go_away.clone());
                // A broken stream is the client's affair.
                tokio::spawn(async move { answer(request, respond, &site, &go_away).await.unwrap_or_default() });
            }
            // The connection ends once the frame is sent.
            Some(()) = going.recv() => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
        }
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    site: &Site,
    go_away: &UnboundedSender<()>,
) -> Result<(), h2::Error> {
    let (parts, body) = request.into_parts();
    let head = Head::of_parts(&parts);
    match (head.method.as_str(), head.path.as_str()) {
        ("POST", "/exposures") => post(&head, body, respond, site, go_away).await,
        ("OPTIONS", "/exposures") => send(&mut respond, endpoint::preflight(&head, site), site),
        _ => send(&mut respond, files::get(&head, site), site),
    }
}

async fn post(
    head: &Head,
    body: RecvStream,
    mut respond: SendResponse<Bytes>,
    site: &Site,
    go_away: &UnboundedSender<()>,
) -> Result<(), h2::Error> {
    let length = head.body_bytes().unwrap_or_default();
    let (step, mut running) = endpoint::begin(head, length, site);
    if step.blackhole {
        poll_fn(|context| respond.poll_reset(context)).await?;
        running.end(Outcome::GivenUp, None);
        return Ok(());
    }
    let wanted = match step.reset {
        Some(Reset::Before) => 0,
        Some(Reset::Upload) => length / 2,
        None => usize::MAX,
    };
    let Ok(body) = read(body, wanted).await else {
        running.end(Outcome::GivenUp, None);
        return Ok(());
    };
    if step.reset.is_some() {
        running.end(Outcome::Cut, None);
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    }
    let plan = endpoint::take(&step, head, &body, &running, site);
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(step.delay_ms)) => {}
        _ = poll_fn(|context| respond.poll_reset(context)) => {
            running.end(Outcome::GivenUp, None);
            return Ok(());
        }
    }
    if step.goaway {
        running.end(Outcome::Cut, None);
        // Without a receiver the connection is gone already.
        let _ = go_away.send(());
        // Dropped at once, the stream would be reset by itself.
        poll_fn(|context| respond.poll_reset(context)).await?;
        return Ok(());
    }
    if plan.end == End::Cut {
        running.end(Outcome::Cut, None);
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    }
    let answer = plan.answer(&step, head, site);
    running.end(Outcome::Answered, Some(answer.status));
    // One that is shorter than it says ends all the same: so HTTP/2 truncates.
    match begin(&mut respond, answer, site, plan.end != End::Never)? {
        Some(mut open) => poll_fn(|context| open.poll_reset(context)).await.map(drop),
        None => Ok(()),
    }
}

/// The body, or as much of it as is `wanted` and some more.
async fn read(mut body: RecvStream, wanted: usize) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while bytes.len() < wanted {
        let Some(chunk) = body.data().await else { break };
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn send(respond: &mut SendResponse<Bytes>, answer: Answer, site: &Site) -> Result<(), h2::Error> {
    begin(respond, answer, site, true).map(drop)
}

/// Sends an answer, and its end if it `ends`. What is left open of it.
fn begin(
    respond: &mut SendResponse<Bytes>,
    answer: Answer,
    site: &Site,
    ends: bool,
) -> Result<Option<h2::SendStream<Bytes>>, h2::Error> {
    let answer = endpoint::finish(answer, site);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        // HTTP/2 has no such header.
        if name != "connection" {
            response = response.header(name, value);
        }
    }
    if let Some(bytes) = answer.told_bytes() {
        response = response.header("content-length", bytes);
    }
    let Ok(response) = response.body(()) else {
        // A script's header that is none.
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(None);
    };
    let mut sending = respond.send_response(response, ends && answer.body.is_empty())?;
    if !answer.body.is_empty() {
        sending.send_data(answer.body.into(), ends)?;
    }
    Ok((!ends).then_some(sending))
}
