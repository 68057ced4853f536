//! The first administrator, made with the link of the first start. Closed for ever once anybody works here.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::login::{self, Visitor};
use super::page;
use super::reset::{Token, gone};
use super::view::View;
use crate::accounts::store::doors::{self, LinkKind};
use crate::accounts::store::people::{self, NewPerson};
use crate::accounts::{Role, Roles, manage, password, setup};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::ids::StaffId;
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/setup", get(form).post(create))
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    v: View,
    given: Wanted,
    wrong: String,
}

#[derive(Clone, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
    #[serde(default)]
    coordinates: String,
}

async fn is_open(conn: &mut sqlx::PgConnection, app: &App, token: &str) -> sqlx::Result<bool> {
    if !people::nobody_is_here(&mut *conn).await? {
        setup::remove_file(&app.config);
        return Ok(false);
    }
    Ok(doors::link(conn, app.clock.now(), LinkKind::Setup, token).await?.is_some())
}

async fn form(State(app): State<App>, v: View, Query(given): Query<Token>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    if !is_open(&mut conn, &app, &given.token).await? {
        return gone(v, "link-gone-setup");
    }
    let given = Wanted { token: given.token, coordinates: "on".into(), ..Wanted::default() };
    page(&SetupPage { v, given, wrong: String::new() })
}

/// The sentence that says what cannot be.
fn wrong(v: &View, given: &Wanted) -> Result<(), String> {
    if !manage::is_name(&given.name) {
        return Err(v.t("staff-wrong-name"));
    }
    if !manage::is_username(&given.username) {
        return Err(v.t("staff-wrong-username"));
    }
    if !given.email.is_empty() && !manage::is_email(&given.email) {
        return Err(v.t("staff-wrong-email"));
    }
    super::account::check_new(v, &[&given.username, &given.name, &given.email], &given.new, &given.again)
}

async fn create(
    State(app): State<App>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<Wanted>,
) -> Result<Response, ApiError> {
    let given = Wanted {
        name: given.name.trim().to_owned(),
        username: given.username.trim().to_lowercase(),
        email: given.email.trim().to_owned(),
        ..given
    };
    if !is_open(&mut *app.db.web.acquire().await?, &app, &given.token).await? {
        return gone(v, "link-gone-setup");
    }
    if let Err(wrong) = wrong(&v, &given) {
        let given = Wanted { new: String::new(), again: String::new(), ..given };
        let page = page(&SetupPage { v, given, wrong })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let hash = password::hash(&app.ids, &given.new).await.map_err(|error| ApiError::bad(error.to_string()))?;
    let visitor = Visitor::new(&app, &headers, address);
    let mut tx = app.db.web.begin().await?;
    // Two people with the same link: the second finds somebody here.
    people::lock(&mut tx).await?;
    let is_first = people::nobody_is_here(&mut tx).await?;
    if !is_first || !doors::use_link(&mut tx, v.now, LinkKind::Setup, &given.token).await? {
        return gone(v, "link-gone-setup");
    }
    let id = add(&mut tx, &app, &visitor, &given, &hash).await?;
    let cookie = login::open_session(&mut tx, &app, &visitor, (id, false)).await?;
    tx.commit().await?;
    setup::remove_file(&app.config);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/console")).into_response())
}

async fn add(
    conn: &mut sqlx::PgConnection,
    app: &App,
    visitor: &Visitor,
    given: &Wanted,
    hash: &str,
) -> Result<StaffId, ApiError> {
    let now = app.clock.now();
    let mut roles = vec![Role::Administrator];
    if !given.coordinates.is_empty() {
        roles.push(Role::Coordinator);
    }
    let roles = Roles::new(roles);
    let email = (!given.email.is_empty()).then_some(given.email.as_str());
    let new =
        NewPerson { username: &given.username, name: &given.name, email, roles: &roles, password_hash: Some(hash) };
    let id = people::add(&mut *conn, &app.ids, now, new).await?;
    let id = id.ok_or_else(|| ApiError::Conflict("somebody was faster".into()))?;
    let actor = Actor {
        kind: ActorKind::Staff,
        name: given.username.clone(),
        id: Some(id.0),
        via: Via::Console,
        address: visitor.address,
    };
    let entry = Entry::new(Act::StaffSetUp, "staff", &given.username)
        .to(serde_json::json!({ "roles": roles.words(), "active": true }));
    audit::record(conn, &app.ids, now, &actor, entry).await?;
    Ok(id)
}
