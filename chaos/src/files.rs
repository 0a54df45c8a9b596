//! Static files.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::http::{Answer, Head};
use crate::site::Site;

const MAX_DELAY: Duration = Duration::from_secs(60);

/// The file that a request asks for: of the first folder that has it. 404 when none has, 405 for a POST.
pub fn get(head: &Head, site: &Site) -> Answer {
    if !matches!(head.method.as_str(), "GET" | "HEAD") {
        return Answer::new(405);
    }
    let Some(path) = path_of(&head.path) else { return Answer::new(404) };
    let found = site.www.iter().map(|folder| folder.join(&path)).find_map(|file| read(&file));
    let Some((file, body)) = found else { return Answer::new(404) };
    let mut answer = Answer::new(200);
    answer.headers.clone_from(&site.headers);
    let content_type = mime_guess::from_path(&file).first_raw().unwrap_or("application/octet-stream");
    // Asked for at each use: a test changes files. A page may still go to the back-forward cache.
    answer = answer.with("content-type", content_type).with("cache-control", "no-cache");
    if head.method == "HEAD" {
        answer.claimed_bytes = Some(body.len());
    } else {
        answer.body = body;
    }
    answer
}

/// How late a file is answered on the chaotic port: `?delay_ms=500`, at most [`MAX_DELAY`]. Without it, or with anything
/// else, at once.
pub fn delay(head: &Head) -> Duration {
    let delay_ms = head.query.strip_prefix("delay_ms=").and_then(|text| text.parse().ok()).unwrap_or(0);
    Duration::from_millis(delay_ms).min(MAX_DELAY)
}

/// The path within the folder. `None`: it leads out of it.
fn path_of(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let relative = Path::new(decoded.trim_start_matches('/'));
    relative.components().all(|component| matches!(component, Component::Normal(_))).then(|| relative.to_owned())
}

/// A file, or the `index.html` of a folder.
fn read(file: &Path) -> Option<(PathBuf, Vec<u8>)> {
    let file = if file.is_dir() { file.join("index.html") } else { file.to_owned() };
    let body = std::fs::read(&file).ok()?;
    Some((file, body))
}
