//! `GET /api/exposures`: stored rows, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::server::App;
use crate::store::{Filter, StoredRow};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

#[derive(Debug, Deserialize)]
pub struct Parameters {
    instance_id: Option<String>,
    distinct_id: Option<String>,
    /// Only rows whose `row` is larger.
    after: Option<i64>,
    /// The most rows, 1 to 1000.
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Rows {
    rows: Vec<StoredRow>,
}

pub async fn get(
    State(app): State<Arc<App>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Rows>, ApiError> {
    let Query(parameters) = parameters.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::bad_request(format!("limit is {limit}, expected 1 to {MAX_LIMIT}")));
    }
    let filter = Filter {
        instance_id: parameters.instance_id,
        distinct_id: parameters.distinct_id,
        after: parameters.after.unwrap_or(0),
        limit,
    };
    let rows = app.read(move |store| store.exposures(&filter)).await?;
    Ok(Json(Rows { rows }))
}
