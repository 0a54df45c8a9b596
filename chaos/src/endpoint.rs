//! `/exposures`: takes a batch and does to it what the script says.

use std::io;
use std::time::Duration;

use crate::batch::Batch;
use crate::http::{Answer, Connection, Head};
use crate::ledger::{Outcome, Request};
use crate::script::{Reset, Step};
use crate::site::{Running, Site};

/// What an answer without an end claims to be, in bytes, and what of it is sent.
const CLAIMED_BYTES: usize = 1000;
const BEGUN_BODY: &[u8] = b"{\"begun\":";

/// The connection, when it can serve another request.
type Next = io::Result<Option<Connection>>;

pub async fn serve(mut connection: Connection, head: &Head, site: &Site) -> Next {
    match head.method.as_str() {
        "POST" => post(connection, head, site).await,
        method => {
            let answer = if method == "OPTIONS" { preflight(head, site) } else { Answer::new(405) };
            connection.send(&finish(answer, site).to_bytes()).await?;
            Ok(Some(connection))
        }
    }
}

/// The answer to a preflight, which is counted.
pub fn preflight(head: &Head, site: &Site) -> Answer {
    site.ledger().options += 1;
    let answer = Answer::new(204);
    if !site.script().peek().cors {
        return answer;
    }
    answer
        .with("access-control-allow-origin", head.header("origin"))
        .with("access-control-allow-methods", "POST")
        .with("access-control-allow-headers", head.header("access-control-request-headers"))
        // So that each preflight is seen.
        .with("access-control-max-age", "0")
}

/// Takes the next step for a request whose body has `length` bytes, and enters the request.
pub fn begin<'a>(head: &Head, length: usize, site: &'a Site) -> (Step, Running<'a>) {
    let (place, step) = site.script().next();
    let running = site.begin(Request {
        step: place,
        query: head.query.clone(),
        origin: head.header("origin").to_owned(),
        content_type: head.header("content-type").to_owned(),
        body_bytes: length,
        ..Request::default()
    });
    (step, running)
}

/// Enters a body that came whole, and says what becomes of it.
pub fn take(step: &Step, head: &Head, body: &[u8], running: &Running<'_>, site: &Site) -> Plan {
    let batch = batch_of(head, body);
    let plan = Plan::of(step, batch.as_ref().map_err(|(status, _)| *status));
    match &batch {
        Ok(batch) => site.ledger().enter(running.key, batch, plan.keeps, site.clock.now_ms()),
        Err((_, error)) => running.note(|request| request.error = Some(error.clone())),
    }
    plan
}

async fn post(mut connection: Connection, head: &Head, site: &Site) -> Next {
    let length = head.body_bytes()?;
    let (step, mut running) = begin(head, length, site);
    if step.blackhole {
        connection.closed().await;
        running.end(Outcome::GivenUp, None);
        return Ok(None);
    }
    if let Some(reset) = step.reset {
        if reset == Reset::Upload {
            // A client that is gone by then needs no reset.
            let _ = connection.take(length / 2).await;
        }
        running.end(Outcome::Cut, None);
        connection.reset();
        return Ok(None);
    }
    let read = match step.drip {
        Some(bytes_per_second) => connection.take_slowly(length, bytes_per_second).await,
        None => connection.take(length).await,
    };
    let Ok(body) = read else {
        running.end(Outcome::GivenUp, None);
        return Ok(None);
    };
    let plan = take(&step, head, &body, &running, site);
    if step.delay_ms > 0 {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(step.delay_ms)) => {}
            () = connection.closed() => {
                running.end(Outcome::GivenUp, None);
                return Ok(None);
            }
        }
    }
    if plan.end == End::Cut || step.goaway {
        running.end(Outcome::Cut, None);
        return Ok(None);
    }
    answer(connection, head, site, &step, &plan, &mut running).await
}

async fn answer(
    mut connection: Connection,
    head: &Head,
    site: &Site,
    step: &Step,
    plan: &Plan,
    running: &mut Running<'_>,
) -> Next {
    let answer = finish(plan.answer(step, head, site), site);
    running.end(Outcome::Answered, Some(answer.status));
    let bytes = answer.to_bytes();
    match step.drip {
        Some(bytes_per_second) => connection.send_slowly(&bytes, bytes_per_second).await?,
        None => connection.send(&bytes).await?,
    }
    match plan.end {
        End::Whole => Ok(Some(connection)),
        End::Truncated | End::Cut => Ok(None),
        End::Never => {
            connection.closed().await;
            Ok(None)
        }
    }
}

/// The batch, or the status and the reason for which the body is refused.
fn batch_of(head: &Head, body: &[u8]) -> Result<Batch, (u16, String)> {
    let content_type = head.header("content-type").to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !matches!(media_type, "text/plain" | "application/json") {
        return Err((415, format!("content-type is \"{media_type}\", expected text/plain or application/json")));
    }
    Batch::read(body).map_err(|error| (400, error))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Whole,
    Truncated,
    Never,
    /// No answer.
    Cut,
}

/// What a step comes to for one batch.
#[derive(Debug)]
pub struct Plan {
    status: u16,
    keeps: bool,
    pub end: End,
}

impl Plan {
    /// `batch`: or the status of what could not be read, unless the step has a worse one.
    fn of(step: &Step, batch: Result<&Batch, u16>) -> Self {
        let refused = |status| Self { status, keeps: false, end: End::Whole };
        let end = match step {
            Step { commit_then_cut: true, .. } => End::Cut,
            Step { redirect: Some(_), .. } => End::Whole,
            Step { never_end: true, .. } => End::Never,
            Step { truncate: true, .. } => End::Truncated,
            _ => End::Whole,
        };
        let usual = if step.retry_after.is_some() || step.retry_after_date_s.is_some() {
            429
        } else if matches!(end, End::Never | End::Truncated) {
            200
        } else {
            204
        };
        let status = step.redirect.or(step.status).unwrap_or(usual);
        let succeeds = (200..300).contains(&status);
        let batch = match batch {
            Ok(batch) => batch,
            Err(refusal) => return refused(if succeeds { refusal } else { status }),
        };
        let has_flag = |key: &String| batch.rows.iter().any(|row| !row.is_link && row.flag_key == *key);
        if step.reject_if.as_ref().is_some_and(has_flag) {
            return refused(step.reject_status.unwrap_or(400));
        }
        if step.max_rows.is_some_and(|most| batch.rows.len() > most) {
            return refused(413);
        }
        let keeps = succeeds && !step.goaway || step.commit_then_cut;
        Self { status, keeps: step.commit.unwrap_or(keeps), end }
    }

    pub fn answer(&self, step: &Step, head: &Head, site: &Site) -> Answer {
        let mut answer = Answer::new(self.status);
        answer.headers = step.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(text) = &step.retry_after {
            answer = answer.with("retry-after", text);
        }
        if let Some(seconds) = step.retry_after_date_s {
            answer = answer.with("retry-after", site.clock.http_date(seconds));
        }
        if step.redirect.is_some() {
            answer = answer.with("location", &step.to);
        }
        if !head.header("origin").is_empty() && step.cors {
            answer = answer.with("access-control-allow-origin", head.header("origin")).with("vary", "origin");
            if step.expose_headers {
                answer = answer.with("access-control-expose-headers", "Retry-After, Date");
            }
        }
        answer.body = step.body.clone().into_bytes();
        if matches!(self.end, End::Never | End::Truncated) {
            answer = answer.with("content-type", "application/json");
            answer.claimed_bytes = Some(answer.body.len() + CLAIMED_BYTES);
            answer.body.extend_from_slice(BEGUN_BODY);
        }
        answer
    }
}

/// The answer with the headers that every one has.
pub fn finish(answer: Answer, site: &Site) -> Answer {
    let answer = answer.with("date", site.clock.http_date(0)).with("cache-control", "no-store");
    if site.keep_alive { answer } else { answer.with("connection", "close") }
}
