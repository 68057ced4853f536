//! `/console/morning`: the report of a day, at an address that stays.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::morning::words::{Page, Section};
use crate::morning::{Body, desk, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/morning", get(now).post(subscribe)).route("/console/morning/{day}", get(of_day))
}

#[derive(Template)]
#[template(path = "morning.html")]
struct MorningPage {
    f: Frame,
    title: String,
    sections: Vec<Section>,
    /// When it was written; none for one that shows the present.
    made_at: Option<Instant>,
    days: Vec<NaiveDate>,
    wished: bool,
}

/// What the report would say now.
async fn now(State(app): State<App>, staff: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = store::gather(&mut conn, v.now).await?;
    let day = v.now.with_timezone(&v.tz).date_naive();
    drop(conn);
    show(&app, &staff, v, day, &body, None).await
}

async fn of_day(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Path(day): Path<String>,
) -> Result<Response, ApiError> {
    let parsed = day.parse::<NaiveDate>();
    let day = parsed.map_err(|_| ApiError::field("day", &day, "expected a date such as 2026-02-24"))?;
    let kept = store::of_day(&mut *app.db.web.acquire().await?, day).await?;
    let (made_at, body) = kept.ok_or_else(|| ApiError::NotFound(format!("a morning report of {day}")))?;
    show(&app, &staff, v, day, &body, Some(made_at)).await
}

async fn show(
    app: &App,
    staff: &crate::web::auth::Staff,
    v: View,
    day: NaiveDate,
    body: &Body,
    made_at: Option<Instant>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let words = Page { lang: v.lang, tz: v.tz, town: &v.town, day, address: &desk::address(app, day) };
    let (title, sections) = (words.subject(), words.sections(body));
    let days = store::days(&mut conn).await?;
    let wished = store::wish(&mut conn, staff.id).await?;
    let f = Frame::load(&mut conn, app, v, "morning").await?;
    page(&MorningPage { f, title, sections, made_at, days, wished })
}

#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    send: Option<String>,
}

async fn subscribe(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Form(given): Form<Wish>,
) -> Result<Response, ApiError> {
    let wish = given.send.is_some();
    let mut tx = app.db.web.begin().await?;
    store::set_wish(&mut tx, staff.id, wish).await?;
    let entry =
        Entry::new(Act::MorningWish, "staff", &staff.username).to(serde_json::json!({ "morning_report": wish }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/morning").into_response())
}
