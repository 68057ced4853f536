//! Supplies in the console: what lies where, what is needed, what was promised, and the ledger of a place.

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
use crate::refused::Refused;
use crate::supplies::desk::{self, Given};
use crate::supplies::store::{self, Item, Line, Need, NewNeed, Place, Promise, Stock};
use crate::supplies::{Kind, Priority};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/supplies", get(list))
        .route("/console/supplies/items", post(item))
        .route("/console/supplies/depots", post(depot))
        .route("/console/supplies/{id}", get(show).post(act))
}

#[derive(Template)]
#[template(path = "supplies.html")]
struct ListPage {
    f: Frame,
    places: Vec<Place>,
    items: Vec<Item>,
    stock: Vec<Stock>,
    needs: Vec<Need>,
    may_run: bool,
    wrong: String,
    done: String,
}

async fn list_page(app: &App, v: View, wrong: String, done: &Done) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (places, items) = (store::places(&mut conn).await?, store::items(&mut conn).await?);
    let (stock, needs) = (store::stock(&mut conn, None).await?, store::needs(&mut conn, None).await?);
    let may_run = v.may(Permission::RunIncidents);
    let done = done.said(&v);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, places, items, stock, needs, may_run, wrong, done })?).into_response())
}

async fn list(State(app): State<App>, v: View, Query(done): Query<Done>) -> Result<Response, ApiError> {
    list_page(&app, v, String::new(), &done).await
}

async fn item(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = desk::add_item(&mut tx, by, fields.one("name"), fields.one("unit")).await;
    ended(&app, v, tx, done).await
}

async fn depot(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = desk::add_depot(&mut tx, by, fields.one("name")).await;
    ended(&app, v, tx, done).await
}

async fn ended(
    app: &App,
    v: View,
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    done: Result<Uuid, Refused>,
) -> Result<Response, ApiError> {
    match done {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/supplies?done=saved").into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(app, v, wrong, &Done::default()).await
        }
    }
}

#[derive(Template)]
#[template(path = "supply_place.html")]
struct PlacePage {
    f: Frame,
    p: Place,
    items: Vec<Item>,
    others: Vec<Place>,
    stock: Vec<Stock>,
    needs: Vec<Need>,
    promises: Vec<Promise>,
    lines: Vec<Line>,
    may_work: bool,
    wrong: String,
    done: String,
}

async fn place_page(app: &App, v: View, id: Uuid, wrong: String, done: &Done) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let p = store::place(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(v.t("supplies-place")))?;
    let items = store::items(&mut conn).await?;
    let mut others = store::places(&mut conn).await?;
    others.retain(|place| place.id != id);
    let (stock, needs) = (store::stock(&mut conn, Some(id)).await?, store::needs(&mut conn, Some(id)).await?);
    let promises = store::promises(&mut conn, Some(id)).await?;
    let lines = store::lines(&mut conn, id, 100).await?;
    let may_work = v.may(Permission::ReportField);
    let done = done.said(&v);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = PlacePage { f, p, items, others, stock, needs, promises, lines, may_work, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    place_page(&app, v, id, String::new(), &done).await
}

async fn act(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match one(&mut tx, by, id, &fields).await {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/supplies/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            place_page(&app, v, id, wrong, &Done::default()).await
        }
    }
}

/// What a form of the page does; gives back the word of what was done.
async fn one(
    conn: &mut sqlx::PgConnection,
    by: Acting<'_>,
    place: Uuid,
    fields: &Fields,
) -> Result<&'static str, Refused> {
    let reason = fields.one("reason");
    match fields.one("act") {
        "enter" => {
            let kind: Kind = fields.parsed("kind")?;
            let given = Given { place, item: fields.parsed("item")?, kind, amount: fields.parsed("amount")?, reason };
            desk::enter(conn, by, given).await.map(|_| "entered")
        }
        "shift" => {
            let to: Uuid = fields.parsed("to")?;
            let moved = (fields.parsed("item")?, fields.parsed("amount")?);
            desk::shift(conn, by, (place, to), moved, reason).await.map(|()| "shifted")
        }
        "need" => {
            let priority: Priority = fields.parsed("priority")?;
            let (item, wanted) = (fields.parsed("item")?, fields.parsed("wanted")?);
            let new = NewNeed { place, item, wanted, priority, public: fields.has("public"), note: fields.one("note") };
            desk::need(conn, by, new).await.map(|_| "need")
        }
        "close_need" => desk::close_need(conn, by, fields.parsed("need")?, reason).await.map(|()| "closed"),
        "promise" => {
            let promised = (fields.parsed("amount")?, fields.one("donor"));
            desk::promise(conn, by, fields.parsed("need")?, promised).await.map(|_| "promised")
        }
        "came" => {
            let received = fields.parsed("amount")?;
            desk::end_promise(conn, by, fields.parsed("promise")?, Some(received)).await.map(|()| "came")
        }
        "withdrawn" => desk::end_promise(conn, by, fields.parsed("promise")?, None).await.map(|()| "closed"),
        other => Err(Refused::wrong("act", other, "is none of this page")),
    }
}
