//! A new password for somebody who forgot theirs, by a link that works once. The answer is the same for everyone.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::TimeDelta;
use serde::Deserialize;

use super::page;
use super::view::View;
use crate::accounts::lockout::Knock;
use crate::accounts::mail::{self, Event};
use crate::accounts::store::doors::{self, LinkKind};
use crate::accounts::store::people::{self, Person};
use crate::accounts::{manage, password};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

/// Links a person is sent in an hour at most, so that nobody fills another's mailbox.
const LINKS_AN_HOUR: i64 = 3;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/forgot", get(ask_form).post(ask))
        .route("/console/reset", get(choose_form).post(choose))
}

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage {
    v: View,
    asked: bool,
    possible: bool,
}

/// Chooses a password: after a reset, or to accept an invitation.
#[derive(Template)]
#[template(path = "choose_password.html")]
pub struct ChoosePage {
    pub v: View,
    /// Where the form goes.
    pub action: &'static str,
    pub title: &'static str,
    pub lead: String,
    pub token: String,
    pub username: String,
    pub wrong: String,
}

#[derive(Template)]
#[template(path = "link_gone.html")]
struct GonePage {
    v: View,
    text: &'static str,
}

/// The page for a link that does not work (any more).
///
/// # Errors
/// When the template fails.
pub fn gone(v: View, text: &'static str) -> Result<Response, ApiError> {
    Ok((StatusCode::GONE, page(&GonePage { v, text })?).into_response())
}

#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
pub struct Chosen {
    pub token: String,
    pub new: String,
    pub again: String,
}

async fn ask_form(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    page(&ForgotPage { v, asked: false, possible: mail::is_possible(&app.config) })
}

#[derive(Deserialize)]
struct Who {
    who: String,
}

/// Answers before anybody looks: neither words nor time tell whether the account exists.
async fn ask(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Form(given): Form<Who>,
) -> Result<Response, ApiError> {
    let possible = mail::is_possible(&app.config);
    if possible {
        let actor = Actor { via: Via::Console, ..Actor::anonymous(address) };
        tokio::spawn(async move {
            let who = given.who.trim().to_lowercase();
            let who: String = who.chars().filter(|letter| !letter.is_control()).take(254).collect();
            if let Err(error) = send(&app, &actor, &who).await {
                tracing::error!(%error, "a link for a new password could not be made");
            }
        });
    }
    page(&ForgotPage { v, asked: true, possible })
}

async fn send(app: &App, actor: &Actor, who: &str) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(username) = people::find_by_name_or_email(&mut tx, who).await? else { return Ok(()) };
    let Some(person) = people::person(&mut tx, now, &username).await? else { return Ok(()) };
    // Somebody who was invited gets in by the invitation.
    if person.email.is_none() || !person.has_password {
        return Ok(());
    }
    let sent = doors::links_since(&mut tx, LinkKind::Reset, person.id, now - TimeDelta::hours(1)).await?;
    if sent >= LINKS_AN_HOUR {
        return Ok(());
    }
    let token = doors::make_link(&mut tx, &app.ids, now, LinkKind::Reset, Some(person.id)).await?;
    mail::send_link(&mut tx, app, &person, LinkKind::Reset, &token).await?;
    audit::record(&mut tx, &app.ids, now, actor, Entry::new(Act::PasswordAsk, "staff", &username)).await?;
    tx.commit().await
}

/// Whose link this is, as long as it works.
///
/// # Errors
/// What the database says.
pub async fn holder(
    conn: &mut sqlx::PgConnection,
    app: &App,
    kind: LinkKind,
    token: &str,
) -> sqlx::Result<Option<Person>> {
    let now = app.clock.now();
    let Some(Some(id)) = doors::link(&mut *conn, now, kind, token).await? else { return Ok(None) };
    match people::username_of(&mut *conn, id).await? {
        Some(username) => people::person(conn, now, &username).await,
        None => Ok(None),
    }
}

fn choose_page(v: View, person: &Person, token: String, wrong: String) -> Result<Response, ApiError> {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let lead = v.t1("reset-lead", "name", &person.name);
    let (action, title, username) = ("/console/reset", "reset-title", person.username.clone());
    Ok((status, page(&ChoosePage { v, action, title, lead, token, username, wrong })?).into_response())
}

async fn choose_form(State(app): State<App>, v: View, Query(given): Query<Token>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    match holder(&mut conn, &app, LinkKind::Reset, &given.token).await? {
        Some(person) => choose_page(v, &person, given.token, String::new()),
        None => gone(v, "link-gone-reset"),
    }
}

async fn choose(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Form(given): Form<Chosen>,
) -> Result<Response, ApiError> {
    let person = holder(&mut *app.db.web.acquire().await?, &app, LinkKind::Reset, &given.token).await?;
    let Some(person) = person else { return gone(v, "link-gone-reset") };
    if let Err(wrong) = super::account::new_password(&v, &person, &given.new, &given.again) {
        return choose_page(v, &person, given.token, wrong);
    }
    let hash = password::hash(&app.ids, &given.new).await.map_err(|error| ApiError::bad(error.to_string()))?;
    let mut tx = app.db.web.begin().await?;
    if !doors::use_link(&mut tx, v.now, LinkKind::Reset, &given.token).await? {
        return gone(v, "link-gone-reset");
    }
    manage::replace_password(&mut tx, &app, person.id, &hash, None).await?;
    // Whoever reads their mail is no guesser.
    Knock::new(&person.username, None, None).succeeded(&mut tx).await?;
    let actor = Actor {
        kind: ActorKind::Staff,
        name: person.username.clone(),
        id: Some(person.id.0),
        via: Via::Console,
        address,
    };
    let entry = Entry::new(Act::PasswordReset, "staff", &person.username);
    audit::record(&mut tx, &app.ids, v.now, &actor, entry).await?;
    mail::tell(&mut tx, &app, &person, Event::PasswordChanged).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/login?done=reset").into_response())
}
