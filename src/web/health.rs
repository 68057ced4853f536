//! Is it up, is it ready, how is it doing.

use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::app::App;
use crate::backup::store;
use crate::config::NodeRole;
use crate::db::MIGRATOR;
use crate::web::client::{ClientAddress, is_in};
use crate::web::error::ApiError;
use crate::web::measure;

pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics_text))
}

/// The process answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Readings that wait longer than this for their judgement mean that warnings are late.
const MAX_LAG_S: f64 = 60.0;

/// What stands between this process and useful work.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    node: String,
    /// What this process does, as words of `roles`.
    roles: Vec<NodeRole>,
    database: bool,
    migrated: bool,
    /// Readings in the journal that the rules have not judged yet.
    cursor_lag_readings: Option<i64>,
    /// Age of the oldest of them, in seconds. Above 60 the rules have stopped or cannot follow, and whoever judges is not ready.
    cursor_lag_s: Option<f64>,
    /// Readings waiting for their commit.
    ingest_queue_readings: usize,
    /// It was restored from a backup and sends nothing until somebody says so (`sentinela take-over`).
    held: Option<bool>,
    /// Seconds since the instant whose data the newest backup holds; null while there is none.
    backup_age_s: Option<f64>,
}

async fn readyz(State(app): State<App>) -> Response {
    let mut state = Readiness {
        ready: false,
        node: app.config.node(),
        roles: app.config.roles.iter().collect(),
        database: false,
        migrated: false,
        cursor_lag_readings: None,
        cursor_lag_s: None,
        ingest_queue_readings: app.ingest.queued(),
        held: None,
        backup_age_s: None,
    };
    if let Ok(newest) = newest_migration(&app).await {
        state.database = true;
        state.migrated = newest >= MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    }
    if state.migrated {
        state.cursor_lag_readings = lag(&app).await.ok();
        state.cursor_lag_s = lag_s(&app).await.ok();
        state.held = held(&app).await.ok();
        state.backup_age_s = backup_age_s(&app).await.ok().flatten();
        // Where others judge, late judgement is theirs: taking the pages away too would help nobody.
        let judges = app.config.roles.has(NodeRole::Evaluate);
        state.ready = state.cursor_lag_s.is_some_and(|lag| !judges || lag <= MAX_LAG_S);
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
    let mut conn = app.db.web.acquire().await?;
    let cursor = crate::risk::store::load_cursor(&mut conn).await?;
    crate::journal::count_after(&mut conn, cursor.seq, 1_000_000).await
}

async fn lag_s(app: &App) -> sqlx::Result<f64> {
    let mut conn = app.db.web.acquire().await?;
    let cursor = crate::risk::store::load_cursor(&mut conn).await?;
    let oldest = crate::journal::read_after(&mut conn, cursor.seq, 1).await?.first().map(|row| row.received_at);
    Ok(oldest.map_or(0.0, |at| (app.clock.now() - at).num_milliseconds() as f64 / 1000.0))
}

async fn held(app: &App) -> sqlx::Result<bool> {
    Ok(store::held(&mut *app.db.web.acquire().await?).await?.is_some())
}

async fn backup_age_s(app: &App) -> sqlx::Result<Option<f64>> {
    store::age_s(&mut *app.db.web.acquire().await?, app.clock.now()).await
}

/// Whoever collects figures waits no longer than this for those that the database has: when it does not answer, the others are what
/// people need, and a collector gives up after ten seconds.
const FIGURES_MAX: Duration = Duration::from_secs(5);

async fn metrics_text(State(app): State<App>, Extension(ClientAddress(address)): Extension<ClientAddress>) -> Response {
    if address.is_some_and(|address| !is_in(address, &app.config.http.metrics_from)) {
        return ApiError::Forbidden("metrics are for the networks of `http.metrics_from`".into()).into_response();
    }
    metrics::gauge!("ingest_queue_readings").set(app.ingest.queued() as f64);
    // What did not come in time keeps the value that it had.
    let _ = tokio::time::timeout(FIGURES_MAX, measure_stored(&app)).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], measure::render()).into_response()
}

/// Sets the gauges that only the database knows.
async fn measure_stored(app: &App) {
    if let Ok(lag) = lag(app).await {
        metrics::gauge!("pipeline_cursor_lag_readings").set(lag as f64);
    }
    if let Ok(lag) = lag_s(app).await {
        metrics::gauge!("pipeline_cursor_lag_seconds").set(lag);
    }
    if let Ok(Some(age)) = backup_age_s(app).await {
        metrics::gauge!("sentinela_backup_age_seconds").set(age);
    }
    if let Ok(held) = held(app).await {
        metrics::gauge!("sentinela_held").set(if held { 1.0 } else { 0.0 });
    }
}
