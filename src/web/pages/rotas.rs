//! `/console/rotas`: who of the staff is on call, and who comes next.

mod one;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::frame::Frame;
use super::view::View;
use super::{page, refusal};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::rota::store::{self, Owner};
use crate::rota::{Rota, calendar, desk, token, write};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/rotas", get(list).post(create))
        .route("/console/rota-calendar", post(renew))
        .route("/console/rotas/{code}", get(one::show).post(one::act))
        .route("/console/rotas/{code}/import", post(one::import))
        .route("/rota/{file}", get(read))
}

/// A rota with who is on call in it.
struct Row {
    rota: Rota,
    /// Names by layer.
    now: Vec<String>,
    /// The first gap of a layer that shall not be empty.
    gap: Option<(i16, Instant)>,
}

#[derive(Template)]
#[template(path = "rotas.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    wrong: String,
    given: Given,
    /// Address of one's own calendar.
    mine: Option<String>,
    may_edit: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    code: String,
    name: String,
    layers: String,
}

async fn list(State(app): State<App>, staff: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, &staff, Given::default(), String::new()).await
}

/// Days that are looked through for gaps.
const AHEAD: i64 = 14;

async fn list_page(app: &App, v: View, staff: &Staff, given: Given, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let people = store::people(&mut conn).await?;
    let mut rows = Vec::new();
    for rota in store::list(&mut conn, None).await? {
        let (layers, _) = desk::layers(&mut conn, &rota, v.now, AHEAD).await?;
        let name =
            |id| people.iter().find(|person| person.id == id).map(|person| person.name.clone()).unwrap_or_default();
        let told = |layer: &desk::Layer| layer.now.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", ");
        let gap =
            layers.iter().filter_map(|layer| Some((layer.number, layer.gaps.first()?.0))).min_by_key(|(_, at)| *at);
        rows.push(Row { rota, now: layers.iter().map(told).collect(), gap });
    }
    let mine = store::calendar(&mut conn, Owner::Person(staff.id)).await?.map(|id| calendar::address(app, id));
    let may_edit = v.may(Permission::RunIncidents);
    let f = Frame::load(&mut conn, app, v, "rotas").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, rows, wrong, given, mine, may_edit })?).into_response())
}

async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let code = given.code.trim();
    let done = async {
        let layers = given.layers.trim().parse();
        let layers = layers.map_err(|_| Refused::wrong("layers", &given.layers, "expected a number"))?;
        let mut tx = app.db.web.begin().await?;
        desk::create(&mut tx, by, (code, &given.name, layers)).await?;
        Ok::<_, Refused>(tx.commit().await?)
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("/console/rotas/{code}")).into_response()),
        Err(refused) => {
            let (given, wrong) = (given.clone(), refusal::sentence(v.lang, refused)?);
            list_page(&app, v, &staff, given, wrong).await
        }
    }
}

/// Gives whoever asks a new address of their own calendar; the one before ends.
async fn renew(State(app): State<App>, staff: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    calendar::renew_calendar(&mut tx, &app, by, Owner::Person(staff.id)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/rotas").into_response())
}

/// A calendar of turns, for whoever has its secret address.
async fn read(State(app): State<App>, Path(file): Path<String>) -> Result<Response, ApiError> {
    let gone = || ApiError::NotFound("this calendar".into());
    let id =
        file.strip_suffix(".ics").and_then(|secret| token::LINK.check(&app.keys.service, secret)).ok_or_else(gone)?;
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let owner = store::owner(&mut conn, id).await?.ok_or_else(gone)?;
    let lines = calendar::lines(&mut conn, owner, now).await?;
    let public_url = app.config.public_url();
    let host = url::Url::parse(&public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let name = match (&owner, lines.first()) {
        (Owner::Rota(_), Some(line)) => line.rota.clone(),
        (Owner::Person(_), Some(line)) => format!("Sobreaviso: {}", line.person),
        (_, None) => "Sobreaviso".to_owned(),
    };
    let text = write::write(&name, &host, now, &lines);
    let headers =
        [(header::CONTENT_TYPE, "text/calendar; charset=utf-8"), (header::CACHE_CONTROL, "private, no-store")];
    Ok((headers, text).into_response())
}
