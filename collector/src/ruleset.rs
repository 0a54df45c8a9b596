//! `GET /ruleset.json`: the ruleset from its file, read again when the file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use xxhash_rust::xxh64::xxh64;

use crate::error::ApiError;
use crate::server::App;
use crate::store::{KeptRuleset, Store};
use crate::{clock, log};

/// A file that was changed less than this many milliseconds ago is read at each request: two changes within one tick of
/// the file system's clock look like one.
const YOUNG_MS: i64 = 2000;

/// The file and what of it is served.
pub struct RulesetFile {
    path: PathBuf,
    state: Mutex<FileState>,
}

#[derive(Default)]
struct FileState {
    /// What the file looked like when it was last read.
    stamp: Option<Stamp>,
    /// The last good ruleset.
    served: Option<Arc<Served>>,
    /// The last thing that was wrong, so that it is logged once.
    problem: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

struct Served {
    etag: HeaderValue,
    text: Bytes,
}

/// All that the collector looks at in a ruleset: it is a JSON object. The client judges the rest, flag by flag.
#[derive(Deserialize)]
struct Outline {
    version: Option<serde_json::Value>,
}

impl RulesetFile {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), state: Mutex::default() }
    }

    /// The ruleset to serve: the file's or, when that cannot be read, the last good one. A new one is kept in `store`
    /// before it is served.
    fn current(&self, store: &dyn Store) -> Result<Arc<Served>, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.refresh(&mut state, store) {
            Ok(()) => state.problem = None,
            Err(problem) => {
                let rest = if state.served.is_some() { "; the last good one is served" } else { "" };
                if state.problem.as_ref() != Some(&problem) {
                    log::line(&format!("{problem}{rest}"));
                }
                state.problem = Some(problem);
            }
        }
        state.served.clone().ok_or_else(|| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                state.problem.clone().unwrap_or_else(|| "there is no ruleset".to_owned()),
            )
        })
    }

    fn refresh(&self, state: &mut FileState, store: &dyn Store) -> Result<(), String> {
        let at = |error: std::io::Error| format!("ruleset {}: {error}", self.path.display());
        let found = std::fs::metadata(&self.path).map_err(at)?;
        let stamp = Stamp { modified: found.modified().map_err(at)?, bytes: found.len() };
        let now_ms = clock::now_ms();
        let is_young = now_ms.saturating_sub(clock::to_ms(stamp.modified)) < YOUNG_MS;
        if state.stamp == Some(stamp) && !is_young {
            return state.problem.clone().map_or(Ok(()), Err);
        }
        state.stamp = Some(stamp);
        let bytes = std::fs::read(&self.path).map_err(at)?;
        let text = String::from_utf8(bytes).map_err(|error| format!("ruleset {}: {error}", self.path.display()))?;
        let outline: Outline = serde_json::from_str(&text)
            .map_err(|error| format!("ruleset {} is no ruleset: {error}", self.path.display()))?;
        let etag = format!("\"{:016x}{:016x}\"", xxh64(text.as_bytes(), 0), xxh64(text.as_bytes(), 1));
        if state.served.as_ref().is_some_and(|served| served.etag == etag) {
            return Ok(());
        }
        let version = outline.version.and_then(|version| version.as_i64());
        let kept = store.keep_ruleset(&KeptRuleset { etag: &etag, version, text: &text, served_at_ms: now_ms });
        if let Err(error) = kept {
            // Not remembered as read, so that the next request tries again.
            state.stamp = None;
            return Err(format!("ruleset {} is not kept and so not served: {error}", self.path.display()));
        }
        let etag = HeaderValue::from_str(&etag).map_err(|error| error.to_string())?;
        state.served = Some(Arc::new(Served { etag, text: text.into() }));
        Ok(())
    }
}

pub async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = Arc::clone(&app);
    let served = tokio::task::spawn_blocking(move || file.ruleset.current(&*file.store))
        .await
        .map_err(|error| ApiError::unavailable(format!("reading the ruleset failed: {error}")))??;
    let caching = [(header::ETAG, served.etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|wanted| names(wanted, &served.etag)) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((caching, json, served.text.clone()).into_response())
}

/// Whether the value of an `If-None-Match` names `etag`. Weak ones count: RFC 9110, 13.1.2.
fn names(wanted: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(wanted), Ok(etag)) = (wanted.to_str(), etag.to_str()) else { return false };
    wanted.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}
