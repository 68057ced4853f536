//! Warnings of other institutions that are meant for the public.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::app::App;
use crate::feeds::warnings::shown::{self, Shown, Wish};
use crate::web::error::{ApiError, Problem};

/// Warnings in one answer.
const MOST: i64 = 200;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/warnings", get(list))
}

/// Which are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Those that were replaced, cancelled or have ended as well.
    #[serde(default)]
    past: bool,
    /// Only those for this town.
    #[serde(default)]
    for_us: bool,
    /// Only those with a smaller id: the smallest of the page before gives the next one.
    before: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

/// Lists the warnings of other institutions, the newest first: real ones that are meant for the public, in the words of
/// their publishers. No exercise or test is among them.
///
/// # Errors
/// 400.
#[utoipa::path(get, path = "/api/v1/warnings", tag = "alerts", params(Wanted),
    responses((status = 200, body = Vec<Shown>), (status = 400, body = Problem)))]
pub async fn list(State(app): State<App>, Query(query): Query<Wanted>) -> Result<Json<Vec<Shown>>, ApiError> {
    let limit = query.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::field("limit", limit.to_string(), format!("expected 1 to {MOST}")));
    }
    let wish = Wish { open: !query.past, public: true, for_us: query.for_us, before: query.before, only: None, limit };
    Ok(Json(shown::list(&mut *app.db.web.acquire().await?, app.clock.now(), wish).await?))
}
