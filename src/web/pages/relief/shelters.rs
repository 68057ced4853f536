//! Shelters in the console: all of them, and one with its state, its checklist and who is in it by number.

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
use crate::reports::Spot;
use crate::residents::locate::{Given, Located, locate};
use crate::shelters::desk::{self, Wanted};
use crate::shelters::life::Act;
use crate::shelters::store::count::{self, Needed};
use crate::shelters::store::{self, Checked, Told};
use crate::shelters::totals::{Count, sum};
use crate::shelters::{CheckItem, NewShelter, Shelter};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/shelters", get(list).post(create))
        .route("/console/shelters/{id}", get(show).post(change))
        .route("/console/shelters/{id}/act", post(act))
        .route("/console/shelters/{id}/check", post(check))
}

/// What the form shows: as it is kept, or as it was typed.
#[derive(Default)]
pub struct FormFields {
    code: String,
    name: String,
    place: String,
    capacity: String,
    rooms: String,
    accessible: bool,
    pets: bool,
    kitchen: bool,
    contact: String,
    keys: String,
}

impl FormFields {
    fn of(what: &NewShelter) -> Self {
        Self {
            code: what.code.clone(),
            name: what.name.clone(),
            place: place_of(what),
            capacity: what.capacity.to_string(),
            rooms: what.rooms.to_string(),
            accessible: what.accessible,
            pets: what.pets,
            kitchen: what.kitchen,
            contact: what.contact.clone(),
            keys: what.keys.clone(),
        }
    }

    fn typed(fields: &Fields) -> Self {
        let text = |name: &str| fields.one(name).to_owned();
        Self {
            code: text("code"),
            name: text("name"),
            place: text("place"),
            capacity: text("capacity"),
            rooms: text("rooms"),
            accessible: fields.has("accessible"),
            pets: fields.has("pets"),
            kitchen: fields.has("kitchen"),
            contact: text("contact"),
            keys: text("keys"),
        }
    }
}

fn place_of(what: &NewShelter) -> String {
    format!("{:.6}, {:.6}", what.spot.lat, what.spot.lon)
}

#[derive(Template)]
#[template(path = "shelters.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Shelter>,
    /// Who is in shelters, and who stays elsewhere: two numbers, never one.
    sheltered: i64,
    elsewhere: i64,
    families_elsewhere: i64,
    form: FormFields,
    may_run: bool,
    wrong: String,
    done: String,
}

async fn list_page(app: &App, v: View, form: FormFields, wrong: String, done: &Done) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::list(&mut conn).await?;
    let at = (v.now, v.now);
    let whose = count::Whose::town(v.status);
    let sheltered = sum(&count::by_shelter(&mut conn, at, whose).await?).all();
    let elsewhere = count::elsewhere(&mut conn, at, whose).await?;
    let may_run = v.may(Permission::RunIncidents);
    let done = done.said(&v);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (families_elsewhere, elsewhere) = (elsewhere.families, elsewhere.heads.all());
    let shown = ListPage { f, rows, sheltered, elsewhere, families_elsewhere, form, may_run, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn list(State(app): State<App>, v: View, Query(done): Query<Done>) -> Result<Response, ApiError> {
    list_page(&app, v, FormFields::default(), String::new(), &done).await
}

/// Reads the form. A place that was not changed stays the one that is kept.
async fn read(
    conn: &mut sqlx::PgConnection,
    fields: &Fields,
    kept: Option<&NewShelter>,
) -> Result<NewShelter, Refused> {
    let place = fields.one("place");
    let (spot, address) = match kept.filter(|kept| place_of(kept) == place) {
        Some(kept) => (kept.spot, kept.address.clone()),
        None => match locate(conn, Given { text: place, people: 1, ..Given::default() }).await? {
            Located::There(found) => (Spot { precision_m: 20, ..found.spot() }, found.address),
            _ => {
                return Err(Refused::wrong(
                    "place",
                    place,
                    "expected a street with its number, or coordinates, in or near the town",
                ));
            }
        },
    };
    let code = kept.map_or_else(|| fields.one("code").to_owned(), |kept| kept.code.clone());
    Ok(NewShelter {
        code,
        name: fields.one("name").to_owned(),
        spot,
        address,
        capacity: fields.parsed("capacity")?,
        rooms: fields.maybe("rooms")?.unwrap_or(0),
        accessible: fields.has("accessible"),
        pets: fields.has("pets"),
        kitchen: fields.has("kitchen"),
        contact: fields.one("contact").to_owned(),
        keys: fields.one("keys").to_owned(),
    })
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
    let done = async {
        let new = read(&mut tx, &fields, None).await?;
        desk::save(&mut tx, by, None, &new).await
    };
    match done.await {
        Ok(id) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/shelters/{id}?done=saved")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            list_page(&app, v, FormFields::typed(&fields), wrong, &Done::default()).await
        }
    }
}

/// An item of the checklist with how it was found last.
struct CheckRow {
    item: CheckItem,
    found: Option<Checked>,
}

#[derive(Template)]
#[template(path = "shelter.html")]
struct OnePage {
    f: Frame,
    s: Shelter,
    checks: Vec<CheckRow>,
    events: Vec<Told>,
    incidents: Vec<(Uuid, String)>,
    count: Count,
    needs: Vec<Needed>,
    form: FormFields,
    may_run: bool,
    may_work: bool,
    wrong: String,
    done: String,
}

impl OnePage {
    /// Acts that need a tick, because people have to leave, or may no longer come.
    fn is_grave(act: &Act) -> bool {
        matches!(act, Act::WindDown | Act::Close | Act::GiveUp)
    }
}

pub(super) async fn found(app: &App, v: &View, id: Uuid) -> Result<Shelter, ApiError> {
    let found = store::load(&mut *app.db.web.acquire().await?, id).await?;
    found.ok_or_else(|| ApiError::NotFound(v.t("shelter")))
}

async fn one_page(app: &App, v: View, id: Uuid, wrong: String, done: &Done) -> Result<Response, ApiError> {
    let s = found(app, &v, id).await?;
    let mut conn = app.db.web.acquire().await?;
    let known = store::checks(&mut conn, id).await?;
    let row = |item: &CheckItem| CheckRow { item: *item, found: known.iter().find(|one| one.item == *item).cloned() };
    let checks = CheckItem::ALL.iter().map(row).collect();
    let events = store::events(&mut conn, id, 50).await?;
    let incidents = store::open_incidents(&mut conn).await?;
    let counts = count::by_shelter(&mut conn, (v.now, v.now), count::Whose::everything()).await?;
    let own: Vec<Count> = counts.into_iter().filter(|count| count.code == s.what.code).collect();
    let families = own.iter().map(|count| count.families).sum();
    let count = Count { heads: sum(&own), families, ..Count::default() };
    let needs = count::needs(&mut conn, id, v.now).await?;
    let (may_run, may_work) = (v.may(Permission::RunIncidents), v.may(Permission::ReportField));
    let done = done.said(&v);
    let f = Frame::load(&mut conn, app, v, "shelters").await?;
    let form = FormFields::of(&s.what);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = OnePage { f, s, checks, events, incidents, count, needs, form, may_run, may_work, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    one_page(&app, v, id, String::new(), &done).await
}

/// Commits and goes back to the page, or shows it with what is wrong.
async fn end<T>(
    app: &App,
    v: View,
    id: Uuid,
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    (done, word): (Result<T, Refused>, &str),
) -> Result<Response, ApiError> {
    match done {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/shelters/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(app, v, id, wrong, &Done::default()).await
        }
    }
}

async fn change(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let kept = found(&app, &v, id).await?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let new = read(&mut tx, &fields, Some(&kept.what)).await?;
        desk::save(&mut tx, by, Some(id), &new).await
    };
    let done = done.await;
    end(&app, v, id, tx, (done, "saved")).await
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
        let act: Act = fields.parsed("act")?;
        if OnePage::is_grave(&act) {
            fields.sure()?;
        }
        let wanted = Wanted { act, reason: fields.one("reason"), incident: fields.maybe("incident")? };
        desk::act(&mut tx, by, id, wanted).await
    };
    let done = done.await;
    end(&app, v, id, tx, (done, "state")).await
}

async fn check(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let item: CheckItem = fields.parsed("item")?;
        let good = match fields.one("found") {
            "good" => true,
            "bad" => false,
            other => return Err(Refused::wrong("found", other, "expected good or bad")),
        };
        desk::check(&mut tx, by, id, (item, good, fields.one("note"))).await
    };
    let done = done.await;
    end(&app, v, id, tx, (done, "checked")).await
}
