//! `GET /api/report/delivery`: what came, what clients say they dropped, and what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::error::ApiError;
use crate::server::App;

/// An instance of which nothing has come for so long is judged, in seconds. Longer than any pause between two attempts
/// of a client that runs: those are at most an hour apart.
const DEFAULT_QUIET_S: u32 = 7200;

#[derive(Debug, Deserialize)]
pub struct Parameters {
    /// In seconds.
    quiet_s: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Answer {
    quiet_s: u32,
    #[serde(flatten)]
    delivery: Delivery,
}

/// What the store knows of delivery.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub total: Figures,
    /// By `flag/variant`, as in a ledger's `dropped_by`.
    pub variants: BTreeMap<String, VariantFigures>,
    pub days: Vec<DayFigures>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayFigures {
    /// UTC, such as `2026-10-01`.
    pub day: String,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub received: Received,
    #[serde(flatten)]
    pub instances: Instances,
    #[serde(flatten)]
    pub reported: Reported,
}

/// What came, on the day of its receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Received {
    pub batches: i64,
    /// Exposures and links that could be stored, each time they came.
    pub received: i64,
    /// Those whose id was there already.
    pub duplicates: i64,
    /// Exposures and links that were refused as malformed.
    pub malformed: i64,
}

/// Client instances, on the day of the first receipt of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Instances {
    pub instances: i64,
    /// Those that are not quiet. They are in none of the figures below.
    pub open: i64,
    /// How many rows they have numbered.
    pub numbered: i64,
    /// How many of these numbers came, before deduplication.
    pub arrived: i64,
    /// The numbers that neither came nor were reported as dropped.
    pub lost: i64,
    /// Numbers that came although they were reported as dropped: an acknowledgement was lost before.
    pub dropped_yet_arrived: i64,
}

/// What the instances of a day have reported, quiet or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// By reason.
    pub dropped: BTreeMap<String, i64>,
    /// By `flag/variant`.
    pub dropped_by: BTreeMap<String, i64>,
    /// Reads that were not recorded, because too many rows waited.
    pub refused: i64,
    pub resent: i64,
    pub adopted: i64,
    pub traps: i64,
    pub persist_failed: i64,
    pub unreachable: i64,
}

/// The instances of which a row of this variant came. One is in the figures of every variant that it was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VariantFigures {
    /// How many numbers came with a row of this variant, before deduplication, of quiet instances and others.
    pub arrived: i64,
    /// How many rows of this variant were reported as dropped.
    pub dropped: i64,
    /// The quiet instances.
    pub instances: i64,
    /// How many rows these have numbered, of any flag.
    pub numbered: i64,
    /// How many of these are lost.
    pub lost: i64,
}

impl Received {
    /// Adds what is counted under `name`, if it is told here.
    pub fn add(&mut self, name: &str, value: i64) {
        match name {
            "batches" => self.batches += value,
            "rows_stored" | "links_stored" => self.received += value,
            "rows_duplicate" | "links_duplicate" => {
                self.received += value;
                self.duplicates += value;
            }
            _ if name.starts_with("rows_refused_") || name.starts_with("links_refused_") => self.malformed += value,
            _ => {}
        }
    }
}

impl Instances {
    pub fn add(&mut self, other: Self) {
        self.instances += other.instances;
        self.open += other.open;
        self.numbered += other.numbered;
        self.arrived += other.arrived;
        self.lost += other.lost;
        self.dropped_yet_arrived += other.dropped_yet_arrived;
    }
}

impl Reported {
    /// Adds what instances have reported under `counter` and `part`, if it is told here.
    pub fn add(&mut self, counter: &str, part: &str, value: i64) {
        let parts = match counter {
            "dropped" => &mut self.dropped,
            "dropped_by" => &mut self.dropped_by,
            "refused" => return self.refused += value,
            "resent" => return self.resent += value,
            "adopted" => return self.adopted += value,
            "traps" => return self.traps += value,
            "persist_failed" => return self.persist_failed += value,
            "unreachable" => return self.unreachable += value,
            _ => return,
        };
        if value > 0 {
            *parts.entry(part.to_owned()).or_default() += value;
        }
    }
}

pub async fn get(
    State(app): State<Arc<App>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Answer>, ApiError> {
    let Query(parameters) = parameters.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let quiet_s = parameters.quiet_s.unwrap_or(DEFAULT_QUIET_S);
    let quiet_since_ms = clock::now_ms() - i64::from(quiet_s) * 1000;
    let delivery = app.read(move |store| store.delivery(quiet_since_ms)).await?;
    Ok(Json(Answer { quiet_s, delivery }))
}
