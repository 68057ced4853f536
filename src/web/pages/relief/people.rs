//! The door of a shelter: one field finds somebody by name, document or code; families are registered by consent; who leaves, and a
//! check-in that was wrong. Every name that is shown was read by somebody, and that is written down.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::{Done, Fields, keeping, refused};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::ids::IncidentId;
use crate::refused::Refused;
use crate::shelters::people::{self, Arrived, Known};
use crate::shelters::store::people::Wanted;
use crate::shelters::{Age, Destination, Identity, MOST_PERSONS, Need, NewHousehold, NewPerson, Shelter, code};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/shelters/{id}/people", get(show))
        .route("/console/shelters/{id}/find", post(find))
        .route("/console/shelters/{id}/arrive", post(arrive))
        .route("/console/shelters/{id}/family", post(family))
        .route("/console/shelters/{id}/leave", post(leave))
        .route("/console/shelters/{id}/undo", post(undo))
}

/// Rows of persons that the form opens with; more of them unfold.
pub const ROWS: usize = 4;

/// A row of the form as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub n: usize,
    pub name: String,
    pub document: String,
    pub age: String,
    pub needs: Vec<Need>,
}

impl Row {
    pub fn has(&self, need: &Need) -> bool {
        self.needs.contains(need)
    }
}

/// The family of the form as it was typed.
#[derive(Clone, Debug, Default)]
pub struct FamilyForm {
    pub district: String,
    pub pets: String,
    pub consent: bool,
    pub needs_consent: bool,
    pub reason: String,
    pub rows: Vec<Row>,
}

impl FamilyForm {
    pub fn typed(fields: &Fields) -> Self {
        let row = |n: usize| Row {
            n,
            name: fields.one(&format!("name{n}")).to_owned(),
            document: fields.one(&format!("document{n}")).to_owned(),
            age: fields.one(&format!("age{n}")).to_owned(),
            needs: fields.all(&format!("need{n}")).unwrap_or_default(),
        };
        Self {
            district: fields.one("district").to_owned(),
            pets: fields.one("pets").to_owned(),
            consent: fields.has("consent"),
            needs_consent: fields.has("needs_consent"),
            reason: fields.one("reason").to_owned(),
            rows: (1..=MOST_PERSONS).map(row).collect(),
        }
    }
}

/// Reads the family of a form; a row without an age is empty.
pub fn household(fields: &Fields) -> Result<NewHousehold, Refused> {
    let mut persons = Vec::new();
    for n in 1..=MOST_PERSONS {
        let (name, document) = (fields.one(&format!("name{n}")), fields.one(&format!("document{n}")));
        let age = fields.one(&format!("age{n}"));
        if name.is_empty() && document.is_empty() && age.is_empty() {
            continue;
        }
        persons.push(NewPerson {
            identity: Identity { name: name.to_owned(), document: document.to_owned() },
            age: age.parse::<Age>().map_err(|_| Refused::wrong("age", age, "say how old they are"))?,
            needs: fields.all(&format!("need{n}"))?,
        });
    }
    Ok(NewHousehold {
        district: fields.one("district").to_owned(),
        pets: fields.maybe("pets")?.unwrap_or(0),
        consent: fields.has("consent"),
        needs_consent: fields.has("needs_consent"),
        persons,
    })
}

#[derive(Template)]
#[template(path = "shelter_people.html")]
struct PeoplePage {
    f: Frame,
    s: Shelter,
    /// Who is in it.
    here: Vec<Known>,
    typed: String,
    /// What the field found; none before anybody asked.
    found: Option<Vec<Known>>,
    form: FamilyForm,
    wrong: String,
    done: String,
}

/// What a page shows beside who is in the shelter.
#[derive(Default)]
struct Beside {
    typed: String,
    found: Option<Vec<Known>>,
    form: Option<FamilyForm>,
    wrong: String,
    done: String,
}

async fn people_page(app: &App, by: &Actor, v: View, id: Uuid, beside: Beside) -> Result<Response, ApiError> {
    let s = super::shelters::found(app, &v, id).await?;
    let mut tx = app.db.web.begin().await?;
    let acting = Acting { ids: &app.ids, now: v.now, actor: by };
    let wanted = Wanted { shelter: Some(id), ..Wanted::default() };
    let here = people::read(&mut tx, acting, &app.keys.vault, wanted, "list of a shelter").await?;
    let f = Frame::load(&mut tx, app, v, "shelters").await?;
    tx.commit().await?;
    let status = if beside.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let Beside { typed, found, form, wrong, done } = beside;
    let form = form.unwrap_or_else(|| FamilyForm::typed(&Fields::default()));
    let mut response = (status, page(&PeoplePage { f, s, here, typed, found, form, wrong, done })?).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn show(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    people_page(&app, &staff.actor(), v, id, Beside { done, ..Beside::default() }).await
}

async fn find(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let typed: String = fields.one("who").chars().take(200).collect();
    let s = super::shelters::found(&app, &v, id).await?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let found = match s.incident {
        Some(incident) => {
            let mut tx = app.db.web.begin().await?;
            let found = people::search(&mut tx, by, &app.keys.vault, IncidentId(incident), &typed).await?;
            tx.commit().await?;
            found
        }
        None => Vec::new(),
    };
    people_page(&app, &actor, v, id, Beside { typed, found: Some(found), ..Beside::default() }).await
}

/// Goes back to the door, or shows it with what is wrong.
async fn end(
    app: &App,
    by: &Actor,
    v: View,
    id: Uuid,
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    (done, form): (Result<&str, Refused>, Option<FamilyForm>),
) -> Result<Response, ApiError> {
    match done {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/shelters/{id}/people?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            people_page(app, by, v, id, Beside { wrong, form, ..Beside::default() }).await
        }
    }
}

const fn word(arrived: Arrived) -> &'static str {
    match (arrived.taken_in, arrived.transferred) {
        (0, _) => "here",
        (_, 0) => "arrived",
        _ => "moved",
    }
}

async fn arrive(
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
        people::arrive(&mut tx, by, id, &persons, fields.one("reason")).await.map(word)
    };
    let done = done.await;
    end(&app, &actor, v, id, tx, (done, None)).await
}

async fn family(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let shelter = super::shelters::found(&app, &v, id).await?;
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let new = household(&fields)?;
        let incident =
            shelter.incident.ok_or_else(|| Refused::Conflict("a shelter that is closed takes in nobody".into()))?;
        let (family, persons) = people::register(&mut tx, by, keeping(&app), IncidentId(incident), &new).await?;
        people::arrive(&mut tx, by, id, &persons, fields.one("reason")).await?;
        Ok::<_, Refused>(family)
    };
    match done.await {
        // The codes of the card and of the wristbands are written from there.
        Ok(family) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/households/{family}?done=family")).into_response())
        }
        Err(why) => {
            let form = Some(FamilyForm::typed(&fields));
            end(&app, &actor, v, id, tx, (Err(why), form)).await
        }
    }
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
    end(&app, &actor, v, id, tx, (done, None)).await
}

async fn undo(
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
        fields.sure()?;
        let person: Uuid = fields.parsed("person")?;
        people::undo(&mut tx, by, id, person, fields.one("reason")).await.map(|()| "undone")
    };
    let done = done.await;
    end(&app, &actor, v, id, tx, (done, None)).await
}
