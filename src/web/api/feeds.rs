//! How the feeds of other institutions do.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use crate::app::App;
use crate::feeds::store;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/feeds", get(list))
}

/// Lists the feeds of the configuration by name, each with its last answer and failure.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "catalogue",
    responses((status = 200, body = Vec<store::State>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<store::State>>, ApiError> {
    let mut states = store::states(&mut *app.db.web.acquire().await?, app.clock.now()).await?;
    store::name_municipalities(&mut states, &app.config.feeds);
    Ok(Json(states))
}
