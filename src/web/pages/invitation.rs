//! Accepting an invitation: the invited person chooses a password and is in.

use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::login::{self, Visitor};
use super::page;
use super::reset::{ChoosePage, Chosen, Token, gone, holder};
use super::view::View;
use crate::accounts::store::doors::{self, LinkKind};
use crate::accounts::store::people::Person;
use crate::accounts::{Permission, manage, password};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/invitation", get(form).post(accept))
}

fn choose_page(v: View, person: &Person, token: String, wrong: String) -> Result<Response, ApiError> {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let lead = v.t2("invitation-lead", "name", &person.name, "town", &v.town);
    let (action, title, username) = ("/console/invitation", "invitation-title", person.username.clone());
    Ok((status, page(&ChoosePage { v, action, title, lead, token, username, wrong })?).into_response())
}

async fn form(State(app): State<App>, v: View, Query(given): Query<Token>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    match holder(&mut conn, &app, LinkKind::Invitation, &given.token).await? {
        Some(person) => choose_page(v, &person, given.token, String::new()),
        None => gone(v, "link-gone-invitation"),
    }
}

async fn accept(
    State(app): State<App>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<Chosen>,
) -> Result<Response, ApiError> {
    let person = holder(&mut *app.db.web.acquire().await?, &app, LinkKind::Invitation, &given.token).await?;
    let Some(person) = person else { return gone(v, "link-gone-invitation") };
    if let Err(wrong) = super::account::new_password(&v, &person, &given.new, &given.again) {
        return choose_page(v, &person, given.token, wrong);
    }
    let hash = password::hash(&app.ids, &given.new).await.map_err(|error| ApiError::bad(error.to_string()))?;
    let visitor = Visitor::new(&app, &headers, address);
    let mut tx = app.db.web.begin().await?;
    if !doors::use_link(&mut tx, v.now, LinkKind::Invitation, &given.token).await? {
        return gone(v, "link-gone-invitation");
    }
    manage::replace_password(&mut tx, &app, person.id, &hash, None).await?;
    let actor = Actor {
        kind: ActorKind::Staff,
        name: person.username.clone(),
        id: Some(person.id.0),
        via: Via::Console,
        address: visitor.address,
    };
    let entry = Entry::new(Act::StaffAccept, "staff", &person.username);
    audit::record(&mut tx, &app.ids, v.now, &actor, entry).await?;
    let cookie = login::open_session(&mut tx, &app, &visitor, (person.id, false)).await?;
    tx.commit().await?;
    // Whoever needs a second factor is led on to its set-up from there.
    let sees_console = person.roles.permissions().allow(Permission::SeeConsole);
    let to = if sees_console { "/console" } else { "/console/account" };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}
