//! Volunteers in the console: who they are, who is here, their hours, and the certificate of these.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::{Datelike as _, Days, NaiveDate, TimeZone as _};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::refused::Refused;
use crate::volunteers::store::{self, Presence, Volunteer, Wanted};
use crate::volunteers::{desk, hours};
use crate::web::auth::{May, can};
use crate::web::delivery::mask;
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/volunteers", get(list))
        .route("/console/volunteers/{id}", get(show).post(act))
        .route("/console/volunteers/{id}/certificate", get(certificate))
}

#[derive(Template)]
#[template(path = "volunteers.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Volunteer>,
}

async fn list(State(app): State<App>, staff: May<can::SeeResidents>, v: View) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let rows = store::list(&mut tx, Wanted::default()).await?;
    let entry = Entry::new(Act::VolunteersRead, "volunteers", "list").to(json!({ "volunteers": rows.len() }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let f = Frame::load(&mut tx, &app, v, "shelters").await?;
    tx.commit().await?;
    page(&ListPage { f, rows })
}

#[derive(Template)]
#[template(path = "volunteer.html")]
struct OnePage {
    f: Frame,
    p: Volunteer,
    presences: Vec<Presence>,
    /// Of all time.
    minutes: i64,
    incidents: Vec<(Uuid, String)>,
    may_run: bool,
    wrong: String,
    done: String,
}

impl OnePage {
    fn hours(&self) -> String {
        lasting(self.minutes)
    }
}

/// "12 h 30 min".
fn lasting(minutes: i64) -> String {
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

async fn load(conn: &mut sqlx::PgConnection, v: &View, id: Uuid) -> Result<Volunteer, ApiError> {
    let found = store::list(conn, Wanted { id: Some(id), ..Wanted::default() }).await?.pop();
    found.ok_or_else(|| ApiError::NotFound(v.t("volunteer")))
}

async fn one_page(
    app: &App,
    by: &Actor,
    v: View,
    id: Uuid,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let mut p = load(&mut tx, &v, id).await?;
    if !p.address.is_empty() {
        p.address = mask(&p.address);
    }
    let all = (Instant::default(), v.now);
    let presences = store::presences(&mut tx, id, all).await?;
    let spans: Vec<hours::Span> = presences.iter().map(Presence::span).collect();
    let minutes = hours::minutes(&spans, all, v.now);
    let incidents = crate::shelters::store::open_incidents(&mut tx).await?;
    let entry = Entry::new(Act::VolunteersRead, "volunteer", id);
    audit::record(&mut tx, &app.ids, v.now, by, entry).await?;
    let may_run = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut tx, app, v, "shelters").await?;
    tx.commit().await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&OnePage { f, p, presences, minutes, incidents, may_run, wrong, done })?).into_response())
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    one_page(&app, &staff.actor(), v, id, (String::new(), done)).await
}

async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        match fields.one("act") {
            "accept" => desk::decide(&mut tx, by, id, true).await.map(|_| "accepted"),
            "leave" => {
                fields.sure()?;
                desk::decide(&mut tx, by, id, false).await.map(|_| "gone")
            }
            "come" => {
                let task = (fields.maybe("incident")?, fields.one("task"));
                desk::come(&mut tx, by, id, task).await.map(|()| "present")
            }
            "go" => desk::go(&mut tx, by, id).await.map(|()| "absent"),
            other => Err(Refused::wrong("act", other, "is none of this page")),
        }
    };
    match done.await {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/volunteers/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(&app, &actor, v, id, (wrong, String::new())).await
        }
    }
}

#[derive(Deserialize)]
struct Period {
    since: Option<NaiveDate>,
    /// The last day.
    until: Option<NaiveDate>,
}

#[derive(Template)]
#[template(path = "volunteer_certificate.html")]
struct CertificatePage {
    v: View,
    p: Volunteer,
    since: NaiveDate,
    until: NaiveDate,
    presences: Vec<Presence>,
    total: String,
}

async fn certificate(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Path(id): Path<Uuid>,
    Query(period): Query<Period>,
) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive();
    let until = period.until.unwrap_or(today);
    let since = period.since.unwrap_or_else(|| until.checked_sub_days(Days::new(365)).unwrap_or(until));
    if since > until || since.year() < 2000 || until.year() > 2999 {
        return Err(ApiError::field(
            "since",
            since.to_string(),
            "expected a day before the last one, in this millennium",
        ));
    }
    let at = |day: NaiveDate| {
        Some(v.tz.from_local_datetime(&day.and_hms_opt(3, 0, 0)?).earliest()?.to_utc() - chrono::TimeDelta::hours(3))
    };
    let ends = until.checked_add_days(Days::new(1)).and_then(at);
    let (Some(from), Some(to)) = (at(since), ends) else {
        return Err(ApiError::field("until", until.to_string(), "expected a day"));
    };
    let mut tx = app.db.web.begin().await?;
    let p = load(&mut tx, &v, id).await?;
    let presences = store::presences(&mut tx, id, (from, to)).await?;
    let entry = Entry::new(Act::VolunteersRead, "volunteer", id).to(json!({ "certificate": [since, until] }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let spans: Vec<hours::Span> = presences.iter().map(Presence::span).collect();
    let total = lasting(hours::minutes(&spans, (from, to), v.now));
    page(&CertificatePage { v, p, since, until, presences, total })
}
