//! Is it up, is it ready, how is it doing.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::app::App;
use crate::db::MIGRATOR;
use crate::web::measure;

pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics_text))
}

/// The process answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// What stands between this process and useful work.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    database: bool,
    migrated: bool,
    /// Readings in the journal that the rules have not judged yet.
    cursor_lag_readings: Option<i64>,
    /// Readings waiting for their commit.
    ingest_queue_readings: usize,
}

async fn readyz(State(app): State<App>) -> Response {
    let mut state = Readiness {
        ready: false,
        database: false,
        migrated: false,
        cursor_lag_readings: None,
        ingest_queue_readings: app.ingest.queued(),
    };
    if let Ok(newest) = newest_migration(&app).await {
        state.database = true;
        state.migrated = newest >= MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    }
    if state.migrated {
        state.cursor_lag_readings = lag(&app).await.ok();
        state.ready = state.cursor_lag_readings.is_some();
    }
    let status = if state.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(state)).into_response()
}

/// The table is the migrator's own, so it is not among those the macros check.
async fn newest_migration(app: &App) -> sqlx::Result<i64> {
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(&app.db.web)
        .await
}

async fn lag(app: &App) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce((select max(seq) from journal), 0)
               - coalesce((select max(seq) from pipeline_cursor), 0) as "lag!""#
    )
    .fetch_one(&app.db.web)
    .await
}

async fn metrics_text(State(app): State<App>) -> Response {
    metrics::gauge!("ingest_queue_readings").set(app.ingest.queued() as f64);
    if let Ok(lag) = lag(&app).await {
        metrics::gauge!("pipeline_cursor_lag_readings").set(lag as f64);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], measure::render()).into_response()
}
