//! Who works here: invited, given roles, shut out and let in again.

use askama::Template;
use axum::Router;
use axum::extract::{Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::manage::{self, Invitation, Invited, Refusal};
use crate::accounts::permission::NEEDS_SECOND_FACTOR;
use crate::accounts::store::people::{self, Person};
use crate::accounts::{Permissions, Role, Roles};
use crate::app::App;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/staff", get(list).post(invite))
        .route("/console/staff/{username}", get(show).post(act))
}

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    f: Frame,
    people: Vec<Person>,
    given: Fields,
    wrong: String,
    invited: Option<Invited>,
}

#[derive(Template)]
#[template(path = "staff_person.html")]
struct PersonPage {
    f: Frame,
    person: Person,
    is_me: bool,
    needs_factor: bool,
    wrong: String,
    done: String,
    link: Option<String>,
}

impl StaffPage {
    fn state(&self, person: &Person) -> (&'static str, String) {
        person_state(&self.f.v, person)
    }
}

impl PersonPage {
    fn state(&self) -> (&'static str, String) {
        person_state(&self.f.v, &self.person)
    }

    fn has(&self, role: &Role) -> bool {
        self.person.roles.has(*role)
    }
}

/// Class and word of the tag that tells how somebody stands.
fn person_state(v: &View, person: &Person) -> (&'static str, String) {
    let (class, key) = match person {
        Person { disabled_at: Some(_), .. } => ("bad", "staff-state-disabled"),
        Person { has_password: true, .. } | Person { is_joined: true, .. } => ("good", "staff-state-active"),
        Person { invited_until: Some(_), .. } => ("wait", "staff-state-invited"),
        _ => ("bad", "staff-state-expired"),
    };
    (class, v.t(key))
}

/// A form whose `roles` may come many times, which serde's forms do not read.
#[derive(Clone, Debug, Default)]
struct Fields {
    name: String,
    username: String,
    email: String,
    reason: String,
    act: String,
    phone: String,
    roles: Vec<Role>,
}

impl Fields {
    fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (key, value) in url::form_urlencoded::parse(bytes) {
            match key.as_ref() {
                "name" => fields.name = value.into_owned(),
                "username" => fields.username = value.into_owned(),
                "email" => fields.email = value.into_owned(),
                "reason" => fields.reason = manage::reason(&value),
                "phone" => fields.phone = value.into_owned(),
                "act" => fields.act = value.into_owned(),
                "roles" => {
                    let role = value.parse::<Role>();
                    fields.roles.push(role.map_err(|error| ApiError::field("roles", value, error.to_string()))?);
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    fn has(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }
}

/// The sentence for people; `Err` for what is no refusal but a failure.
fn sentence(v: &View, refusal: Refusal) -> Result<String, ApiError> {
    Ok(match refusal {
        Refusal::NotFound(what) => return Err(ApiError::NotFound(what)),
        Refusal::Database(error) => return Err(error.into()),
        Refusal::Oneself => v.t("staff-oneself"),
        Refusal::LastAdministrator(_) => v.t("staff-last-administrator"),
        Refusal::Taken => v.t("staff-taken"),
        Refusal::State(_) => v.t("staff-state-moved"),
        Refusal::Field { field, .. } => v.t(&format!("staff-wrong-{field}")),
    })
}

async fn list(State(app): State<App>, _: May<can::ManageStaff>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, Fields::default(), String::new(), None).await
}

async fn list_page(
    app: &App,
    v: View,
    given: Fields,
    wrong: String,
    invited: Option<Invited>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let people = people::people(&mut conn, v.now).await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    Ok((status, page(&StaffPage { f, people, given, wrong, invited })?).into_response())
}

async fn invite(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    v: View,
    RawForm(form): RawForm,
) -> Result<Response, ApiError> {
    let given = Fields::read(&form)?;
    let wanted = Invitation {
        name: given.name.clone(),
        email: given.email.clone(),
        username: given.username.clone(),
        roles: given.roles.clone(),
    };
    let mut tx = app.db.web.begin().await?;
    match manage::invite(&mut tx, &app, &staff.actor(), &wanted).await {
        Ok(invited) => {
            tx.commit().await?;
            list_page(&app, v, Fields::default(), String::new(), Some(invited)).await
        }
        Err(refusal) => {
            drop(tx);
            let wrong = sentence(&v, refusal)?;
            list_page(&app, v, given, wrong, None).await
        }
    }
}

async fn show(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    v: View,
    Path(username): Path<String>,
) -> Result<Response, ApiError> {
    person_page(&app, v, (&username, &staff.username), Outcome::default()).await
}

/// What the page says about the act before it.
#[derive(Default)]
struct Outcome {
    wrong: String,
    done: String,
    link: Option<String>,
}

async fn person_page(app: &App, v: View, (username, me): (&str, &str), outcome: Outcome) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let known = manage::is_username(username);
    let person = if known { people::person(&mut conn, v.now, username).await? } else { None };
    let person = person.ok_or_else(|| ApiError::NotFound(format!("user {username:?}")))?;
    let is_me = person.username == me;
    let needs_factor = person.roles.permissions().within(NEEDS_SECOND_FACTOR) != Permissions::NONE;
    let Outcome { wrong, done, link } = outcome;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    Ok((status, page(&PersonPage { f, person, is_me, needs_factor, wrong, done, link })?).into_response())
}

async fn act(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    v: View,
    Path(username): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, ApiError> {
    let given = Fields::read(&form)?;
    let by = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let mut link = None;
    let done = match given.act.as_str() {
        "roles" => {
            let roles = Roles::new(given.roles.iter().copied());
            manage::change_roles(&mut tx, &app, &by, &username, (&roles, &given.reason)).await
        }
        "phone" => manage::change_phone(&mut tx, &app, &by, &username, &given.phone).await,
        "disable" => manage::disable(&mut tx, &app, &by, &username, &given.reason).await,
        "enable" => manage::enable(&mut tx, &app, &by, &username, &given.reason).await,
        "reset-factor" => manage::reset_factor(&mut tx, &app, &by, &username, &given.reason).await,
        "resend" => manage::resend(&mut tx, &app, &by, &username).await.map(|invited| link = invited.link),
        other => {
            return Err(ApiError::field(
                "act",
                other,
                "expected roles, phone, disable, enable, resend or reset-factor",
            ));
        }
    };
    let names = (username.as_str(), staff.username.as_str());
    if let Err(refusal) = done {
        drop(tx);
        let wrong = sentence(&v, refusal)?;
        return person_page(&app, v, names, Outcome { wrong, ..Outcome::default() }).await;
    }
    tx.commit().await?;
    if link.is_some() {
        return person_page(&app, v, names, Outcome { link, ..Outcome::default() }).await;
    }
    let done = v.t(&format!("staff-done-{}", given.act));
    if given.act == "resend" {
        return person_page(&app, v, names, Outcome { done, ..Outcome::default() }).await;
    }
    Ok(Redirect::to(&format!("/console/staff/{username}")).into_response())
}
