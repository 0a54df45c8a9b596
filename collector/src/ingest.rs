//! `POST /api/switch/exposures`: from a request to what the store keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pennon::engine::exposure::id::{Dedup, Id, IdFields};
use xxhash_rust::xxh64::xxh64;

use crate::corrected_time::{Times, correct};
use crate::error::{ApiError, short};
use crate::server::App;
use crate::store::{Arrival, Batch, Cell, Rank, Record, StoredRow, Table};
use crate::user_agent::{self, UserAgent};
use crate::wire::{self, BatchError, Link, MAX_ROWS, Row, RowError};
use crate::{body, clock, ledger};

/// How many rows of the batch were malformed and not stored. Absent when none was.
pub const REFUSED: HeaderName = HeaderName::from_static("x-pennon-refused");

/// Answers 204 once the rows are on the disk.
pub async fn post(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    // Before the body is read, because the client stamps its time before it sends.
    let received_at_ms = clock::now_ms();
    let encoding = body::encoding(&headers)?;
    let packed = body::read(body, app.max_body_bytes).await?;
    let user_agent =
        headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();

    // Unpacking and reading take milliseconds, and memory: only so many at a time.
    let turn = Arc::clone(&app.reading).acquire_owned().await;
    let max_unpacked_bytes = app.max_unpacked_bytes;
    let read = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let unpacked = body::unpack(packed, encoding, max_unpacked_bytes)?;
        let wire = wire::Batch::read(&unpacked).map_err(refuse_batch)?;
        Ok(take(&wire, received_at_ms, &user_agent::parse(&user_agent)))
    });
    let taken = read.await.map_err(|error| ApiError::unavailable(format!("reading the body failed: {error}")))??;

    if let Some(reason) = &taken.first_refusal {
        let message = format!("refused {} of {} rows, first: {reason}", taken.refused, taken.rows);
        app.refusals.line(received_at_ms, &message);
    }
    app.writer.append(taken.batch).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if taken.refused > 0 {
        response.headers_mut().insert(REFUSED, HeaderValue::from(taken.refused));
    }
    Ok(response)
}

fn refuse_batch(error: BatchError) -> ApiError {
    match error {
        BatchError::Malformed(message) => ApiError::bad_request(message),
        BatchError::TooManyRows(rows) => {
            ApiError::too_large(format!("batch has {rows} rows, expected at most {MAX_ROWS}"))
        }
    }
}

struct Taken {
    batch: Batch,
    rows: usize,
    refused: usize,
    first_refusal: Option<String>,
}

/// What is to be stored of `wire`.
fn take(wire: &wire::Batch<'_>, received_at_ms: i64, user_agent: &UserAgent) -> Taken {
    let mut batch = Batch {
        received_at_ms,
        ledgers: ledger::of_batch(wire.instance_id.as_deref(), wire.ledger, wire.ledgers),
        counts: vec![("events_ignored".to_owned(), wire.events() as i64)],
        ..Batch::default()
    };
    let exposures = wire.exposures().map(|row| Ok(exposure(row?, wire, received_at_ms, user_agent)));
    let links = wire.links().map(|row| Ok(link(row?, wire, received_at_ms)));
    let (mut rows, mut refused, mut first_refusal) = (0, 0, None);
    let mut refusals = BTreeMap::<String, i64>::new();
    let mut sort = |place: usize, table: Table, record: Result<Record, RowError>| {
        rows += 1;
        match record {
            Ok(record) => batch.records.push(record),
            Err(error) => {
                refused += 1;
                *refusals.entry(format!("{}_refused_{}", table.counted_as(), error.code)).or_default() += 1;
                first_refusal.get_or_insert_with(|| short(&format!("{}[{place}]: {}", table.name(), error.message)));
            }
        }
    };
    exposures.enumerate().for_each(|(place, record)| sort(place, Table::Exposures, record));
    links.enumerate().for_each(|(place, record)| sort(place, Table::Links, record));
    batch.counts.extend(refusals);
    Taken { batch, rows, refused, first_refusal }
}

fn exposure(row: Row, wire: &wire::Batch<'_>, received_at_ms: i64, user_agent: &UserAgent) -> Record {
    let id = row.id.clone().unwrap_or_else(|| id_of(&row));
    let variant = row.flag_key.as_ref().zip(row.variant.as_ref()).map(|(flag, variant)| format!("{flag}/{variant}"));
    let (ts_ms, mono_ms, seq) = (row.ts_ms, row.mono_ms, row.seq);
    let arrived = Arrived { ts_ms, mono_ms, seq, instance_id: row.instance_id.clone(), variant };
    let cells: Vec<(&'static str, Cell)> = vec![
        ("flag_key", row.flag_key.into()),
        ("value", row.value.into()),
        ("variant", row.variant.into()),
        ("reason", row.reason.into()),
        ("session_id", row.session_id.into()),
        ("distinct_id", row.distinct_id.into()),
        ("ts_ms", row.ts_ms.into()),
        ("mono_ms", row.mono_ms.into()),
        ("seq", row.seq.into()),
        ("instance_id", row.instance_id.into()),
        ("anon_id", row.anon_id.into()),
        ("device_id", row.device_id.into()),
        ("unit", row.unit.into()),
        ("unit_id", row.unit_id.into()),
        ("flag_version", row.flag_version.into()),
        ("ruleset_version", row.ruleset_version.into()),
        ("assigned_version", row.assigned_version.into()),
        ("rule_id", row.rule_id.into()),
        ("experiment", row.experiment.into()),
        ("environment", row.environment.into()),
        ("source", row.source.into()),
        ("dedup", row.dedup.map(|dedup| dedup.as_str().to_owned()).into()),
        ("attributes", row.attributes.into()),
        ("app_version", row.app_version.into()),
        ("platform", row.platform.into()),
        ("sdk", row.sdk.into()),
        ("truncated", row.truncated.into()),
        ("browser", user_agent.browser.clone().into()),
        ("os", user_agent.os.clone().into()),
    ];
    record(Table::Exposures, id, arrived, cells, wire, received_at_ms)
}

fn link(row: Link, wire: &wire::Batch<'_>, received_at_ms: i64) -> Record {
    let (ts_ms, mono_ms, seq) = (row.ts_ms, row.mono_ms, row.seq);
    let arrived = Arrived { ts_ms, mono_ms, seq, instance_id: row.instance_id.clone(), variant: None };
    let ids = (row.anon_id.as_deref().unwrap_or_default(), row.distinct_id.as_deref().unwrap_or_default());
    let id = row.id.clone().unwrap_or_else(|| Id::of_link(ids.0, ids.1).to_text());
    let cells: Vec<(&'static str, Cell)> = vec![
        ("anon_id", row.anon_id.into()),
        ("distinct_id", row.distinct_id.into()),
        ("device_id", row.device_id.into()),
        ("session_id", row.session_id.into()),
        ("ts_ms", row.ts_ms.into()),
        ("mono_ms", row.mono_ms.into()),
        ("seq", row.seq.into()),
        ("instance_id", row.instance_id.into()),
        ("environment", row.environment.into()),
        ("app_version", row.app_version.into()),
        ("platform", row.platform.into()),
        ("sdk", row.sdk.into()),
    ];
    record(Table::Links, id, arrived, cells, wire, received_at_ms)
}

/// What a row says of its recording.
struct Arrived {
    ts_ms: Option<i64>,
    mono_ms: Option<i64>,
    seq: Option<i64>,
    instance_id: Option<String>,
    /// `flag/variant`.
    variant: Option<String>,
}

/// `cells`: what the row says. What is known of its coming is added.
fn record(
    table: Table,
    id: String,
    arrived: Arrived,
    mut cells: Vec<(&'static str, Cell)>,
    wire: &wire::Batch<'_>,
    received_at_ms: i64,
) -> Record {
    let (corrected_ts_ms, clock) = correct(Times {
        received_at_ms,
        sent_at_ms: wire.sent_at_ms,
        sent_mono_ms: wire.sent_mono_ms,
        ts_ms: arrived.ts_ms,
        mono_ms: arrived.mono_ms,
        same_instance: arrived.instance_id.is_some() && arrived.instance_id == wire.instance_id,
    });
    cells.extend([
        ("batch_id", wire.batch_id.clone().into()),
        ("sent_at_ms", wire.sent_at_ms.into()),
        ("sent_mono_ms", wire.sent_mono_ms.into()),
        ("clock", Cell::Text(clock.as_str().to_owned())),
    ]);
    let rank = Rank { corrected_ts_ms, received_at_ms, digest: digest(&cells) };
    let arrival = arrived.instance_id.filter(|id| !id.is_empty()).zip(arrived.seq).map(|(instance_id, seq)| Arrival {
        instance_id,
        seq,
        variant: arrived.variant,
    });
    Record { table, id, rank, arrival, cells }
}

/// The id of a row that came without one, from its fields, as a pennon client would make it. In place of absent fields
/// stand: for `dedup` `session`; for `unit_id` the distinct id; for a seq the row's time, which keeps the reads of
/// another client apart; for all else nothing.
fn id_of(row: &Row) -> String {
    fn or_empty(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or_default()
    }
    let dedup = row.dedup.unwrap_or_default();
    let scope_id = match dedup {
        Dedup::Session => or_empty(&row.session_id).to_owned(),
        Dedup::Identity => String::new(),
        Dedup::None => {
            let number = row.seq.or(row.ts_ms).map(|number| number.to_string()).unwrap_or_default();
            format!("{}/{number}", or_empty(&row.instance_id))
        }
    };
    Id::of(&IdFields {
        environment: or_empty(&row.environment),
        dedup,
        scope_id: &scope_id,
        unit_id: row.unit_id.as_deref().unwrap_or(or_empty(&row.distinct_id)),
        distinct_id: or_empty(&row.distinct_id),
        flag_key: or_empty(&row.flag_key),
        flag_version: &row.flag_version.map(|version| version.to_string()).unwrap_or_default(),
        variant: or_empty(&row.variant),
        value_text: row.value.as_ref().map_or("", |value| value.get()),
        reason: or_empty(&row.reason),
        experiment: or_empty(&row.experiment),
        decided: row.source.as_deref() == Some("handshake"),
    })
    .to_text()
}

/// A number that equal rows share and others do not.
fn digest(cells: &[(&'static str, Cell)]) -> i64 {
    let named = cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect();
    // Writing to memory cannot fail; if it could, all rows would tie and the time of receipt would decide.
    let text = serde_json::to_vec(&StoredRow(named)).unwrap_or_default();
    xxh64(&text, 0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_rows_of_a_batch_are_counted_together() {
        let rows = |row: &str| vec![row; 400].join(",");
        let body = format!("{{\"exposures\":[{}],\"links\":[{},7]}}", rows("{}"), rows("{}"));
        let wire = wire::Batch::read(body.as_bytes()).unwrap();
        let taken = take(&wire, 0, &user_agent::parse(""));
        assert_eq!((taken.rows, taken.refused, taken.batch.rows()), (801, 801, 0));
        let expected = [
            ("events_ignored", 0),
            ("links_refused_malformed", 1),
            ("links_refused_missing", 400),
            ("rows_refused_missing", 400),
        ];
        assert_eq!(taken.batch.counts, expected.map(|(name, count)| (name.to_owned(), count)));
    }
}
