//! Alerts: the list, the review of a draft, the view of what was issued, and the acts between.

pub mod acts;
pub mod approval;
pub mod begin;
pub mod composing;
pub mod places;
pub mod review;
pub mod stage;
pub mod texts;
pub mod told;
pub mod waiting;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::alerts::AlertState;
use crate::alerts::store::{self, AlertDetail, AlertRow, AlertSummary, Filter};
use crate::app::App;
use crate::ids::AlertId;
use crate::units::Level;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/alerts", get(list))
        .route("/console/alerts/new", get(begin::open).post(begin::begin))
        .route("/console/alerts/{id}", get(show).post(acts::save))
        .route("/console/alerts/{id}/issue", post(acts::issue))
        .route("/console/alerts/{id}/approval/withdraw", post(approval::withdraw))
        .route("/console/alerts/{id}/submit", post(stage::submit))
        .route("/console/alerts/{id}/return", post(stage::send_back))
        .route("/console/alerts/{id}/acknowledge", post(stage::acknowledge))
        .route("/console/alerts/{id}/discard", post(acts::discard))
        .route("/console/alerts/{id}/answer", post(acts::answer))
        .route("/console/alerts/{id}/measure", post(composing::measure))
        .route("/console/alerts/{id}/plain-sms", post(acts::plain_sms))
        .route("/console/alerts/{id}/places", get(places::open).post(places::add))
        .route("/console/alerts/{id}/audience", post(places::audience))
        .route("/console/alerts/{id}/places/upload", post(places::upload))
        .route("/console/alerts/{id}/places/restore", post(places::restore))
        .route("/console/alerts/{id}/places/{place}/remove", post(places::remove))
        .route("/console/alerts/{id}/texts/{language}", get(texts::open).post(texts::save))
        .route("/console/alerts/{id}/regenerate", post(texts::regenerate))
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    f: Frame,
    filter: Filter,
    rows: Vec<AlertSummary>,
    /// Of drafts that wait for a second person, what to say.
    waiting: BTreeMap<AlertId, String>,
}

#[derive(Deserialize)]
struct Wanted {
    show: Option<String>,
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let filter = match wanted.show.as_deref() {
        Some("drafts") => Filter::Drafts,
        Some("active") => Filter::Active,
        _ => Filter::All,
    };
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "alerts").await?;
    let rows = store::list(&mut conn, filter, 200).await?;
    let waiting = approval::waiting(&mut conn, &app, &f.v, &rows).await?;
    page(&AlertsPage { f, filter, rows, waiting })
}

/// Word of a row's level; a row with a level of its own time stays readable.
pub fn level(word: &str) -> Level {
    word.parse().unwrap_or(Level::Unknown)
}

#[derive(Deserialize)]
struct Shown {
    /// What was just done, to be said on the page.
    done: Option<String>,
    #[serde(default)]
    page: i64,
}

/// A draft opens its review; anything else opens what became of it.
async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Query(shown): Query<Shown>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = load(&mut conn, AlertId(id)).await?;
    let f = Frame::load(&mut conn, &app, v, "alerts").await?;
    if is_undecided(&alert.row) {
        let flash = shown.done.as_deref().map(|done| f.v.t(approval::done(done)));
        return review::render(&mut conn, &app, f, alert, review::Said { good: flash, ..Default::default() }).await;
    }
    review::render_issued(&mut conn, f, alert, shown.page.max(0)).await
}

/// Nobody has decided upon it: it is reviewed, not looked back at.
pub fn is_undecided(row: &AlertRow) -> bool {
    row.state.parse::<AlertState>().is_ok_and(AlertState::is_undecided)
}

pub async fn load(conn: &mut sqlx::PgConnection, id: AlertId) -> Result<AlertDetail, ApiError> {
    store::load(conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("alert {id}")))
}
