//! `GET /api/report/{flag}`: rows and people of a flag per variant, reason and day.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use crate::error::ApiError;
use crate::server::App;
use crate::store::Report;

pub async fn get(
    State(app): State<Arc<App>>,
    flag_key: Result<Path<String>, PathRejection>,
) -> Result<Json<Report>, ApiError> {
    let Path(flag_key) = flag_key.map_err(|error| ApiError::bad_request(error.body_text()))?;
    app.read(move |store| store.report(&flag_key)).await.map(Json)
}
