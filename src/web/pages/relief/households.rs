//! Families: those that stay elsewhere by own means (desalojados), and the page of one with its codes, where its persons were, and the aid
//! it received.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::people::{FamilyForm, household};
use super::{Done, Fields, keeping, refused};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::aid;
use crate::app::App;
use crate::audit::Actor;
use crate::ids::IncidentId;
use crate::refused::Refused;
use crate::shelters::people::{self, Known};
use crate::shelters::store::people::{self as store, Family, Stayed, Wanted};
use crate::shelters::{Age, Destination, Host, Identity, Need, NewPerson, code};
use crate::supplies::store::{Place, places};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/displaced", get(elsewhere).post(register))
        .route("/console/households/{id}", get(show))
        .route("/console/households/{id}/persons", post(add))
        .route("/console/households/{id}/elsewhere", post(stay))
        .route("/console/households/{id}/leave", post(leave))
        .route("/console/households/{id}/aid", post(give))
}

#[derive(Template)]
#[template(path = "displaced.html")]
struct ElsewherePage {
    f: Frame,
    incidents: Vec<(Uuid, String)>,
    chosen: String,
    host: String,
    here: Vec<Known>,
    form: FamilyForm,
    wrong: String,
    done: String,
}

async fn elsewhere_page(
    app: &App,
    by: &Actor,
    v: View,
    fields: &Fields,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let incidents = crate::shelters::store::open_incidents(&mut tx).await?;
    let acting = Acting { ids: &app.ids, now: v.now, actor: by };
    let mut here = Vec::new();
    for (incident, _) in &incidents {
        let wanted = Wanted { incident: Some(IncidentId(*incident)), ..Wanted::default() };
        let all = people::read(&mut tx, acting, &app.keys.vault, wanted, "list of who stays elsewhere").await?;
        here.extend(all.into_iter().filter(|known| known.person.host.is_some()));
    }
    let f = Frame::load(&mut tx, app, v, "shelters").await?;
    tx.commit().await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (chosen, host) = (fields.one("incident").to_owned(), fields.one("host").to_owned());
    let form = FamilyForm::typed(fields);
    let shown = ElsewherePage { f, incidents, chosen, host, here, form, wrong, done };
    Ok(unkept((status, page(&shown)?).into_response()))
}

/// Neither the browser nor anything on the way keeps names.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn elsewhere(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    elsewhere_page(&app, &staff.actor(), v, &Fields::default(), (String::new(), done)).await
}

async fn register(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let (host, incident): (Host, Uuid) = (fields.parsed("host")?, fields.parsed("incident")?);
        let new = household(&fields)?;
        let (family, persons) = people::register(&mut tx, by, keeping(&app), IncidentId(incident), &new).await?;
        people::stay_elsewhere(&mut tx, by, &persons, host).await?;
        Ok::<_, Refused>(family)
    };
    match done.await {
        Ok(family) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/households/{family}?done=family")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            elsewhere_page(&app, &actor, v, &fields, (wrong, String::new())).await
        }
    }
}

#[derive(Template)]
#[template(path = "household.html")]
struct HouseholdPage {
    f: Frame,
    h: Family,
    persons: Vec<Known>,
    stays: Vec<Stayed>,
    deliveries: Vec<aid::store::Delivery>,
    kits: Vec<aid::Kit>,
    places: Vec<Place>,
    is_coordinator: bool,
    wrong: String,
    done: String,
}

async fn one_page(
    app: &App,
    staff: &crate::web::auth::Staff,
    v: View,
    id: Uuid,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let h = store::household(&mut tx, id).await?.ok_or_else(|| ApiError::NotFound(v.t("household")))?;
    let actor = staff.actor();
    let acting = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let wanted = Wanted { household: Some(id), ..Wanted::default() };
    let persons = people::read(&mut tx, acting, &app.keys.vault, wanted, "page of a family").await?;
    let stays = store::history(&mut tx, id).await?;
    let of = aid::store::Of { household: Some(id), id: None, drills: true };
    let deliveries = aid::store::deliveries(&mut tx, crate::clock::Instant::default(), of).await?;
    let kits = aid::store::kits(&mut tx, None).await?;
    let places = places(&mut tx).await?;
    let f = Frame::load(&mut tx, app, v, "shelters").await?;
    tx.commit().await?;
    let is_coordinator = staff.roles.has(Role::Coordinator);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = HouseholdPage { f, h, persons, stays, deliveries, kits, places, is_coordinator, wrong, done };
    Ok(unkept((status, page(&shown)?).into_response()))
}

async fn show(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    one_page(&app, &staff, v, id, (String::new(), done)).await
}

/// Goes back to the family, or shows it with what is wrong.
async fn end(
    app: &App,
    staff: &crate::web::auth::Staff,
    v: View,
    id: Uuid,
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    done: Result<&str, Refused>,
) -> Result<Response, ApiError> {
    match done {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/households/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(app, staff, v, id, (wrong, String::new())).await
        }
    }
}

async fn add(
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
        let identity = Identity { name: fields.one("name").to_owned(), document: fields.one("document").to_owned() };
        let person = NewPerson { identity, age: fields.parsed::<Age>("age")?, needs: fields.all("need")? };
        people::add(&mut tx, by, keeping(&app), id, &person).await.map(|_| "person")
    };
    let done = done.await;
    end(&app, &staff, v, id, tx, done).await
}

async fn stay(
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
        let persons: Vec<Uuid> = fields.all("person")?;
        people::stay_elsewhere(&mut tx, by, &persons, fields.parsed("host")?).await.map(|()| "elsewhere")
    };
    let done = done.await;
    end(&app, &staff, v, id, tx, done).await
}

async fn leave(
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
        let persons: Vec<Uuid> = fields.all("person")?;
        let destination: Destination = fields.parsed("destination")?;
        people::leave(&mut tx, by, &persons, destination, fields.one("reason")).await.map(|_| "left")
    };
    let done = done.await;
    end(&app, &staff, v, id, tx, done).await
}

/// Gives a kit to the family against a signature or a witness.
async fn give(
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
        let proof = aid::desk::Proof::read(fields.one("signature"), fields.one("witness"))?;
        let wanted = aid::desk::Wanted {
            kit: fields.parsed("kit")?,
            household: id,
            place: fields.parsed("place")?,
            proof: &proof,
            override_reason: fields.one("override_reason"),
            is_coordinator: staff.roles.has(Role::Coordinator),
        };
        aid::desk::deliver(&mut tx, by, keeping(&app), &wanted).await.map(|_| "delivered")
    };
    let done = done.await;
    end(&app, &staff, v, id, tx, done).await
}
