//! Nuclei of civil defense in the neighbourhoods (NUPDEC): members, drills, radios.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::json;
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::refused::Refused;
use crate::volunteers::desk::{self, Change};
use crate::volunteers::store::{self, Drill, Member, Nucleus, Radio, Volunteer, Wanted};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/console/nupdec", get(list).post(create)).route("/console/nupdec/{id}", get(show).post(act))
}

#[derive(Template)]
#[template(path = "nupdec.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Nucleus>,
    may_run: bool,
    wrong: String,
}

async fn list_page(app: &App, v: View, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::nuclei(&mut conn, None).await?;
    let may_run = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, rows, may_run, wrong })?).into_response())
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, String::new()).await
}

async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match desk::add_nucleus(&mut tx, by, fields.one("name"), fields.one("district")).await {
        Ok(id) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/nupdec/{id}?done=nucleus")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(&app, v, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "nucleus.html")]
struct OnePage {
    f: Frame,
    n: Nucleus,
    members: Vec<Member>,
    drills: Vec<Drill>,
    radios: Vec<Radio>,
    /// Who may join.
    volunteers: Vec<Volunteer>,
    may_run: bool,
    wrong: String,
    done: String,
}

async fn one_page(
    app: &App,
    by: &Actor,
    v: View,
    id: Uuid,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let n = store::nuclei(&mut tx, Some(id)).await?.pop().ok_or_else(|| ApiError::NotFound(v.t("nucleus")))?;
    let members = store::members(&mut tx, id).await?;
    let (drills, radios) = (store::drills(&mut tx, id).await?, store::radios(&mut tx, id).await?);
    let may_run = v.may(Permission::RunIncidents);
    let mut volunteers = Vec::new();
    if may_run {
        volunteers = store::list(&mut tx, Wanted { accepted: true, ..Wanted::default() }).await?;
        volunteers.retain(|one| !members.iter().any(|member| member.volunteer == one.id));
    }
    let entry = Entry::new(Act::VolunteersRead, "nupdec", id).to(json!({ "members": members.len() }));
    audit::record(&mut tx, &app.ids, v.now, by, entry).await?;
    let f = Frame::load(&mut tx, app, v, "shelters").await?;
    tx.commit().await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&OnePage { f, n, members, drills, radios, volunteers, may_run, wrong, done })?).into_response())
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
        let change = match fields.one("act") {
            "join" => Change::Join { volunteer: fields.parsed("volunteer")?, coordinator: fields.has("coordinator") },
            "part" => Change::Part { volunteer: fields.parsed("volunteer")? },
            "drill" => Change::Drill {
                held_on: fields.parsed("held_on")?,
                what: fields.one("what"),
                people: fields.parsed("people")?,
            },
            "radio" => Change::Radio { call_sign: fields.one("call_sign"), channel: fields.one("channel") },
            other => return Err(Refused::wrong("act", other, "is none of this page")),
        };
        desk::change(&mut tx, by, id, change).await
    };
    match done.await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/nupdec/{id}?done=saved")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(&app, &actor, v, id, (wrong, String::new())).await
        }
    }
}
