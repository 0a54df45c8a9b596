//! A request's body: its type, its encoding, its size.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;

use crate::error::ApiError;

/// How long a client may take to send its body.
const MAX_BODY_TIME: Duration = Duration::from_secs(30);

/// How much of a body that is too large is still read, in bytes. Most clients read the answer only once they have sent
/// everything: one that is cut off before sees a broken connection, and would send the same again.
const DRAINED_BYTES: usize = 8 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Gzip,
}

/// Whether the body is of a type that the collector reads, and how it is packed.
///
/// # Errors
/// 415 for another media type or encoding.
pub fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let media_type = media_type(headers)?;
    if media_type != "application/json" && media_type != "text/plain" {
        let found = if media_type.is_empty() { "missing".to_owned() } else { format!("\"{media_type}\"") };
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content-type is {found}, expected application/json or text/plain"),
        ));
    }
    let found = text_of(headers, header::CONTENT_ENCODING)?.trim().to_ascii_lowercase();
    match found.as_str() {
        "" | "identity" => Ok(Encoding::Plain),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        _ => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content-encoding is \"{found}\", expected gzip or none"),
        )),
    }
}

/// The media type in lower case without its parameters; empty when there is none.
fn media_type(headers: &HeaderMap) -> Result<String, ApiError> {
    let value = text_of(headers, header::CONTENT_TYPE)?;
    Ok(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Result<&str, ApiError> {
    let Some(value) = headers.get(&name) else { return Ok("") };
    value.to_str().map_err(|_| {
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{name} has characters that are not visible ASCII"))
    })
}

/// The body as sent, of at most `max_bytes`.
///
/// # Errors
/// 413 for a longer one, 408 for one that takes longer than 30 s, 400 for one that breaks off.
pub async fn read(body: Body, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    tokio::time::timeout(MAX_BODY_TIME, read_untimed(body, max_bytes)).await.unwrap_or_else(|_| {
        Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("body took longer than the {} s that are allowed", MAX_BODY_TIME.as_secs()),
        ))
    })
}

async fn read_untimed(mut body: Body, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut found_bytes: usize = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::bad_request(format!("body breaks off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        found_bytes = found_bytes.saturating_add(data.len());
        if found_bytes <= max_bytes {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
            if found_bytes > max_bytes.saturating_add(DRAINED_BYTES) {
                break;
            }
        }
    }
    if found_bytes > max_bytes {
        return Err(ApiError::too_large(format!("body is longer than the {max_bytes} bytes that are allowed")));
    }
    Ok(bytes)
}

/// The body unpacked, of at most `max_bytes`. No more than that is ever unpacked.
///
/// # Errors
/// 413 for a longer one, 400 for one that is not gzip or is cut short.
pub fn unpack(packed: Vec<u8>, encoding: Encoding, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let bytes = match encoding {
        Encoding::Plain => packed,
        Encoding::Gzip => {
            let mut unpacked = Vec::new();
            // One byte more than allowed tells a body of the largest size from a longer one.
            let limit = (max_bytes as u64).saturating_add(1);
            MultiGzDecoder::new(packed.as_slice()).take(limit).read_to_end(&mut unpacked).map_err(|error| {
                ApiError::bad_request(format!("body is not gzip, as its content-encoding says: {error}"))
            })?;
            unpacked
        }
    };
    if bytes.len() > max_bytes {
        return Err(ApiError::too_large(format!("body unpacks to more than the {max_bytes} bytes that are allowed")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_longer_than_30_s_is_refused() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
        let frames = futures_util::stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok::<_, axum::Error>(Frame::data(bytes))))
        });
        let sending = tokio::spawn(async move {
            // A byte each second: never silent, never done.
            while sender.send(Bytes::from_static(b"x")).is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let refused = read(Body::new(StreamBody::new(frames)), 1000).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
        sending.await.unwrap();
    }
}
