//! Schools, hospitals and companies in the console, and the page on which a contact says that they have seen an alert.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::json;
use uuid::Uuid;

use super::cadastro::form::bounded;
use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::institutions::store::{self, Linked};
use crate::institutions::{Contact, Institution, Kind, MOST_CONTACTS, NewInstitution, calls, contact, desk, token};
use crate::residents::locate::{Given, Located, locate};
use crate::web::auth::{May, can};
use crate::web::delivery::mask;
use crate::web::error::ApiError;

const MAX_BODY_BYTES: usize = 32 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/institutions", get(list).post(create))
        .route("/console/institutions/{id}", get(show).post(change))
        .route("/console/institutions/{id}/close", get(ask).post(close))
        .route("/i/{token}", get(asked).post(answered))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

#[derive(Template)]
#[template(path = "institutions.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Institution>,
    form: FormFields,
    may_edit: bool,
    wrong: String,
}

impl ListPage {
    /// There may be more than one page shows.
    fn is_cut(&self) -> bool {
        i64::try_from(self.rows.len()).is_ok_and(|shown| shown >= store::MOST)
    }
}

#[derive(Template)]
#[template(path = "institution.html")]
struct OnePage {
    f: Frame,
    id: Uuid,
    closed_at: Option<Instant>,
    form: FormFields,
    may_edit: bool,
    wrong: String,
}

/// What the form shows: as it is kept, or as it was typed.
#[derive(Default)]
struct FormFields {
    name: String,
    kind: String,
    place: String,
    people: String,
    contacts: Vec<[String; 3]>,
}

impl FormFields {
    fn of(what: &NewInstitution) -> Self {
        let row = |contact: &Contact| {
            [contact.name.clone(), contact.phone.clone().unwrap_or_default(), contact.email.clone().unwrap_or_default()]
        };
        Self {
            name: what.name.clone(),
            kind: what.kind.to_string(),
            place: format!("{:.6}, {:.6}", what.spot.lat, what.spot.lon),
            people: what.people.to_string(),
            contacts: what.contacts.iter().map(row).collect(),
        }
    }

    fn masked(mut self) -> Self {
        for [_, phone, email] in &mut self.contacts {
            for address in [phone, email].into_iter().filter(|address| !address.is_empty()) {
                *address = mask(address);
            }
        }
        self
    }

    fn typed(given: &BTreeMap<String, String>) -> Self {
        let field = |name: &str| given.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
        let contacts = (1..=MOST_CONTACTS)
            .map(|n| ["name", "phone", "email"].map(|part| field(&format!("contact{n}_{part}"))))
            .filter(|row| row.iter().any(|text| !text.is_empty()));
        Self {
            name: field("name"),
            kind: field("kind"),
            place: field("place"),
            people: field("people"),
            contacts: contacts.collect(),
        }
    }

    fn is_kind(&self, kind: &Kind) -> bool {
        self.kind == kind.as_str()
    }

    /// The contacts, with one empty row behind them to fill in.
    fn rows(&self) -> Vec<(usize, String, String, String)> {
        let mut rows = self.contacts.clone();
        if rows.len() < MOST_CONTACTS {
            rows.push(Default::default());
        }
        (1..).zip(rows).map(|(number, [name, phone, email])| (number, name, phone, email)).collect()
    }
}

/// Whoever reads the list sees names of people: it is written down.
async fn list_page(
    app: &App,
    by: &Actor,
    v: View,
    form: FormFields,
    (status, wrong): (StatusCode, String),
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let rows = store::list(&mut tx).await?;
    let entry = Entry::new(Act::InstitutionsRead, "institutions", "list").to(json!({ "institutions": rows.len() }));
    audit::record(&mut tx, &app.ids, v.now, by, entry).await?;
    let may_edit = v.may(Permission::EditResidents);
    let f = Frame::load(&mut tx, app, v, "admin").await?;
    tx.commit().await?;
    Ok((status, page(&ListPage { f, rows, form, may_edit, wrong })?).into_response())
}

async fn list(State(app): State<App>, staff: May<can::SeeResidents>, v: View) -> Result<Response, ApiError> {
    list_page(&app, &staff.actor(), v, FormFields::default(), (StatusCode::OK, String::new())).await
}

/// Reads a form; the error is the key of a text.
async fn read(
    conn: &mut sqlx::PgConnection,
    given: &BTreeMap<String, String>,
    kept: Option<&Institution>,
) -> sqlx::Result<Result<NewInstitution, &'static str>> {
    let form = FormFields::typed(given);
    if form.name.is_empty() || form.name.chars().count() > 160 {
        return Ok(Err("institution-wrong-name"));
    }
    let Ok(kind) = form.kind.parse::<Kind>() else { return Ok(Err("institution-wrong-kind")) };
    let people = if form.people.is_empty() { Ok(0) } else { form.people.parse::<i32>() };
    let Some(people) = people.ok().filter(|people| (0..=100_000).contains(people)) else {
        return Ok(Err("institution-wrong-people"));
    };
    let contacts: Result<Vec<Contact>, _> =
        form.contacts.iter().map(|[name, phone, email]| contact(name, phone, email)).collect();
    let Ok(contacts) = contacts else { return Ok(Err("institution-wrong-contact")) };
    if contacts.is_empty() {
        return Ok(Err("institution-no-contact"));
    }
    let unmoved = kept.filter(|kept| FormFields::of(&kept.what).place == form.place);
    let (spot, address) = match unmoved {
        Some(kept) => (kept.what.spot, kept.what.address.clone()),
        None if form.place.is_empty() => return Ok(Err("signup-no-place")),
        None => match locate(conn, Given { text: &form.place, people: 1, ..Given::default() }).await? {
            Located::There(place) => (place.spot(), place.address),
            Located::Which(_) => return Ok(Err("own-wrong-several")),
            Located::Unknown => return Ok(Err("own-wrong-where")),
            Located::Far => return Ok(Err("own-wrong-far")),
        },
    };
    let external_ref = kept.and_then(|kept| kept.what.external_ref.clone());
    Ok(Ok(NewInstitution { external_ref, name: form.name, kind, spot, address, people, contacts }))
}

async fn create(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    v: View,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let given = bounded(fields);
    let mut tx = app.db.web.begin().await?;
    let new = match read(&mut tx, &given, None).await? {
        Ok(new) => new,
        Err(key) => {
            drop(tx);
            let wrong = (StatusCode::UNPROCESSABLE_ENTITY, v.t(key));
            return list_page(&app, &staff.actor(), v, FormFields::typed(&given), wrong).await;
        }
    };
    desk::add(&mut tx, Acting { ids: &app.ids, now: v.now, actor: &staff.actor() }, &new).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/institutions").into_response())
}

async fn found(app: &App, v: &View, id: Uuid) -> Result<Institution, ApiError> {
    let found = store::load(&mut *app.db.web.acquire().await?, id).await?;
    found.ok_or_else(|| ApiError::NotFound(v.t("institution-title")))
}

async fn one_page(
    app: &App,
    by: &Actor,
    v: View,
    kept: &Institution,
    form: FormFields,
    (status, wrong): (StatusCode, String),
) -> Result<Response, ApiError> {
    let may_edit = v.may(Permission::EditResidents);
    let what = json!({ "contacts": kept.what.contacts.len(), "addresses": if may_edit { "full" } else { "masked" } });
    let mut tx = app.db.web.begin().await?;
    let entry = Entry::new(Act::InstitutionsRead, "institution", kept.id).to(what);
    audit::record(&mut tx, &app.ids, v.now, by, entry).await?;
    let f = Frame::load(&mut tx, app, v, "admin").await?;
    tx.commit().await?;
    let shown = OnePage { f, id: kept.id, closed_at: kept.closed_at, form, may_edit, wrong };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let kept = found(&app, &v, id).await?;
    let form = FormFields::of(&kept.what);
    // Whoever cannot change them recognises an address, and learns none.
    let form = if v.may(Permission::EditResidents) { form } else { form.masked() };
    one_page(&app, &staff.actor(), v, &kept, form, (StatusCode::OK, String::new())).await
}

async fn change(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let kept = found(&app, &v, id).await?;
    let given = bounded(fields);
    let mut tx = app.db.web.begin().await?;
    let new = match read(&mut tx, &given, Some(&kept)).await? {
        Ok(new) => new,
        Err(key) => {
            drop(tx);
            let wrong = (StatusCode::UNPROCESSABLE_ENTITY, v.t(key));
            return one_page(&app, &staff.actor(), v, &kept, FormFields::typed(&given), wrong).await;
        }
    };
    desk::change(&mut tx, Acting { ids: &app.ids, now: v.now, actor: &staff.actor() }, id, &new).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/institutions/{id}")).into_response())
}

#[derive(Template)]
#[template(path = "institution_close.html")]
struct ClosePage {
    f: Frame,
    id: Uuid,
    name: String,
}

async fn ask(
    State(app): State<App>,
    _staff: May<can::EditResidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let name = found(&app, &v, id).await?.what.name;
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "admin").await?;
    page(&ClosePage { f, id, name })
}

async fn close(
    State(app): State<App>,
    staff: May<can::EditResidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    desk::close(&mut tx, Acting { ids: &app.ids, now: v.now, actor: &staff.actor() }, id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/institutions").into_response())
}

#[derive(Template)]
#[template(path = "institution_answer.html")]
struct AnswerPage {
    v: View,
    token: String,
    l: Linked,
}

async fn answer_page(app: &App, v: View, token: String) -> Result<Response, ApiError> {
    let Some(message) = token::LINK.check(&app.keys.service, &token) else {
        return Err(ApiError::NotFound(v.t("institution-link")));
    };
    let linked = store::linked(&mut *app.db.web.acquire().await?, message).await?;
    let l = linked.ok_or_else(|| ApiError::NotFound(v.t("institution-link")))?;
    let mut response = page(&AnswerPage { v, token, l })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Programs that read mail follow links: looking acknowledges nothing.
async fn asked(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    answer_page(&app, v, token).await
}

async fn answered(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    if let Some(message) = token::LINK.check(&app.keys.service, &token) {
        calls::acknowledge(&app, message).await?;
    }
    answer_page(&app, v, token).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_change_contacts_learns_no_address() {
        let contacts = vec![
            ["Ana", "+5532999990001", "ana@escola.br"].map(str::to_owned),
            ["Bia", "", "b@x.br"].map(str::to_owned),
        ];
        let masked = FormFields { contacts, ..FormFields::default() }.masked();
        assert_eq!(masked.contacts, [["Ana", "•••• 0001", "a•••@escola.br"], ["Bia", "", "b•••@x.br"]]);
    }
}
