use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::harness::{Chaos, batch};

/// A connection over HTTP/2, and how it ends.
async fn connect(chaos: &Chaos, certificate: Vec<u8>) -> std::io::Result<(SendRequest<Bytes>, JoinHandle<h2::Error>)> {
    let mut roots = RootCertStore::empty();
    if !certificate.is_empty() {
        roots.add(certificate.into()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(chaos.secure.as_deref().unwrap()).await?;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let end = tokio::spawn(async move { connection.await.err().unwrap_or_else(|| Reason::NO_ERROR.into()) });
    Ok((sender, end))
}

/// Sends a batch. The answer's head.
async fn post(sender: &SendRequest<Bytes>, body: &Value) -> Result<Response<RecvStream>, h2::Error> {
    let request = Request::post("https://127.0.0.1/exposures")
        .header("content-type", "text/plain")
        .header("content-length", body.to_string().len())
        .header("origin", "http://page.test")
        .body(())
        .unwrap();
    let (answer, mut sending) = sender.clone().ready().await?.send_request(request, false)?;
    sending.send_data(body.to_string().into(), true)?;
    answer.await
}

async fn body(answer: &mut Response<RecvStream>) -> Result<String, h2::Error> {
    let mut text = String::new();
    while let Some(chunk) = answer.body_mut().data().await {
        text.push_str(std::str::from_utf8(&chunk?).unwrap());
    }
    Ok(text)
}

#[tokio::test]
async fn a_batch_over_http_2_is_kept_and_acknowledged() {
    let chaos = Chaos::start(&["--tls"]);
    let (sender, _) = connect(&chaos, chaos.certificate()).await.unwrap();
    let answer = post(&sender, &batch("i", &[1])).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://page.test");
    chaos.script(&json!([{ "status": 200, "body": "<p>", "headers": { "content-type": "text/html" } }]));
    let mut answer = post(&sender, &batch("i", &[2])).await.unwrap();
    assert_eq!(
        (body(&mut answer).await.unwrap().as_str(), &answer.headers()["content-type"]),
        ("<p>", &"text/html".parse().unwrap())
    );
    let ledger = chaos.ledger();
    assert_eq!((&ledger["rows"], &ledger["max_concurrent"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn goaway_ends_the_whole_connection() {
    let chaos = Chaos::start(&["--tls"]);
    chaos.script(&json!([{ "blackhole": true }, { "goaway": true }, {}]));
    let (sender, end) = connect(&chaos, chaos.certificate()).await.unwrap();
    let waiting = tokio::spawn({
        let sender = sender.clone();
        async move { post(&sender, &batch("i", &[1])).await.map(drop) }
    });
    while chaos.ledger()["requests"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(post(&sender, &batch("i", &[2])).await.is_err());
    let end = end.await.unwrap();
    assert!(end.is_go_away() && end.is_remote() && end.reason() == Some(Reason::INTERNAL_ERROR), "{end:?}");
    assert!(waiting.await.unwrap().is_err(), "also the other request on it ends");
    let ledger = chaos.ledger_when(|ledger| ledger["requests"][0]["outcome"] == "given_up");
    assert_eq!((&ledger["requests"][1]["outcome"], &ledger["rows"]), (&json!("cut"), &json!(0)));
    let (sender, _) = connect(&chaos, chaos.certificate()).await.unwrap();
    assert_eq!(post(&sender, &batch("i", &[1])).await.unwrap().status(), 204);
}

#[tokio::test]
async fn one_request_can_be_reset_and_the_connection_goes_on() {
    let chaos = Chaos::start(&["--tls"]);
    chaos.script(&json!([{ "reset": "before" }, { "reset": "upload" }, { "commitThenCut": true }, {}]));
    let (sender, _) = connect(&chaos, chaos.certificate()).await.unwrap();
    for seq in 1..=3 {
        let error = post(&sender, &batch("i", &[seq])).await.unwrap_err();
        assert!(error.is_reset() && error.reason() == Some(Reason::INTERNAL_ERROR), "{error:?}");
    }
    assert_eq!(post(&sender, &batch("i", &[4])).await.unwrap().status(), 204);
    let ledger = chaos.ledger();
    assert_eq!(ledger["ids"].as_object().unwrap().keys().collect::<Vec<_>>(), ["i-3", "i-4"]);
}

#[tokio::test]
async fn an_answer_can_stay_open_or_be_shorter_than_it_says() {
    let chaos = Chaos::start(&["--tls"]);
    chaos.script(&json!([{ "truncate": true }, { "neverEnd": true }]));
    let (sender, _) = connect(&chaos, chaos.certificate()).await.unwrap();
    let mut answer = post(&sender, &batch("i", &[1])).await.unwrap();
    assert_eq!(answer.status(), 200);
    let error = body(&mut answer).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::PROTOCOL_ERROR), "{error:?}");
    let mut answer = post(&sender, &batch("i", &[2])).await.unwrap();
    let begun = answer.body_mut().data().await.unwrap().unwrap();
    assert_eq!((answer.status().as_u16(), &begun[..]), (200, b"{\"begun\":".as_slice()));
    assert!(!answer.body().is_end_stream());
    assert_eq!(chaos.ledger()["rows"], 2);
}

#[tokio::test]
async fn a_client_that_refuses_the_certificate_is_counted() {
    let chaos = Chaos::start(&["--tls"]);
    assert!(connect(&chaos, Vec::new()).await.is_err());
    let ledger = chaos.ledger_when(|ledger| ledger["tls_failed"] == 1);
    assert_eq!(ledger["requests"], json!([]));
}
