//! Calling volunteers, and who comes.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::refused::Refused;
use crate::volunteers::Skill;
use crate::volunteers::calls::{self, Given};
use crate::volunteers::store::{self, Called, Callout};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/callouts", get(list).post(call))
        .route("/console/callouts/{id}", get(show))
        .route("/console/callouts/{id}/close", post(close))
}

#[derive(Template)]
#[template(path = "callouts.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Callout>,
    incidents: Vec<(Uuid, String)>,
    /// As it was typed.
    text: String,
    district: String,
    may_run: bool,
    wrong: String,
    done: String,
}

async fn list_page(app: &App, v: View, fields: &Fields, (wrong, done): (String, String)) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::callouts(&mut conn, None).await?;
    let incidents = crate::shelters::store::open_incidents(&mut conn).await?;
    let may_run = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let (text, district) = (fields.one("text").to_owned(), fields.one("district").to_owned());
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, rows, incidents, text, district, may_run, wrong, done })?).into_response())
}

async fn list(State(app): State<App>, v: View, Query(done): Query<Done>) -> Result<Response, ApiError> {
    let done = done.said(&v);
    list_page(&app, v, &Fields::default(), (String::new(), done)).await
}

async fn call(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let skills: Vec<Skill> = fields.all("skill")?;
        let given = Given {
            incident: fields.maybe("incident")?,
            text: fields.one("text"),
            skills: &skills,
            district: fields.one("district"),
            wanted: fields.parsed("wanted")?,
            hours: fields.parsed("hours")?,
        };
        calls::call(&mut tx, &app, by, &given).await
    };
    match done.await {
        Ok((id, _)) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/callouts/{id}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(&app, v, &fields, (wrong, String::new())).await
        }
    }
}

#[derive(Template)]
#[template(path = "callout.html")]
struct OnePage {
    f: Frame,
    c: Callout,
    people: Vec<Called>,
    stands: bool,
    may_run: bool,
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let c = store::callouts(&mut tx, Some(id)).await?.pop().ok_or_else(|| ApiError::NotFound(v.t("callout")))?;
    let people = store::called(&mut tx, id).await?;
    let entry = Entry::new(Act::VolunteersRead, "callout", id);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let stands = c.closed_at.is_none() && c.expires_at > v.now;
    let may_run = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut tx, &app, v, "shelters").await?;
    tx.commit().await?;
    page(&OnePage { f, c, people, stands, may_run })
}

async fn close(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    if !store::close_callout(&mut tx, v.now, id).await? {
        return Err(Refused::NotFound(v.t("callout")).into());
    }
    let entry = Entry::new(Act::VolunteerCallEnd, "callout", id);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/callouts?done=closed").into_response())
}
