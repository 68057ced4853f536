//! Signing in, in one step or two, and out.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use sqlx::PgConnection;

use super::page;
use super::preferences::local_path;
use super::view::View;
use crate::accounts::lockout::{Answer, Knock, TELL_AT};
use crate::accounts::mail::{self, Event};
use crate::accounts::oidc::store as subjects;
use crate::accounts::store::people::{self, Person};
use crate::accounts::store::sessions::{self, Opening};
use crate::accounts::store::{doors, factors};
use crate::accounts::{Permission, Role, factor, password, store};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::web::auth::{May, can};
use crate::web::client::ClientAddress;
use crate::web::cookie;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/login", get(form).post(sign_in))
        .route("/console/login/code", get(code_form).post(second_step))
        .route("/console/logout", post(sign_out))
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    v: View,
    next: String,
    username: String,
    message: String,
    done: &'static str,
    /// Nobody works here yet: how to find the set-up link.
    first_run: bool,
    can_reset: bool,
    /// Passwords are only for whoever keeps the emergency account.
    password_is_last: bool,
}

impl LoginPage {
    fn new(app: &App, v: View, next: String) -> Self {
        let (can_reset, password_is_last) = (mail::is_possible(&app.config), !app.config.oidc.allow_password);
        let (username, message, done) = (String::new(), String::new(), "");
        Self { v, next, username, message, done, first_run: false, can_reset, password_is_last }
    }

    /// The way through the identity provider, and back to where they wanted.
    fn provider_link(&self) -> String {
        let next: String = url::form_urlencoded::byte_serialize(self.next.as_bytes()).collect();
        format!("/console/login/oidc?next={next}")
    }
}

#[derive(Template)]
#[template(path = "login_code.html")]
struct CodePage {
    v: View,
    next: String,
    message: String,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// Where a request comes from and what the browser brought along.
pub struct Visitor {
    pub address: Option<std::net::IpAddr>,
    pub agent: String,
    pub secure: bool,
    /// Token of a browser known from before.
    browser: Option<String>,
    /// The session the browser has now. It is ended, never continued.
    session: Option<String>,
}

impl Visitor {
    pub fn new(app: &App, headers: &HeaderMap, address: ClientAddress) -> Self {
        let secure = app.config.public_url().starts_with("https");
        let read = |name| cookie::read_guarded(headers, name, secure).map(str::to_owned);
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Self {
            address: address.0,
            agent: agent.to_owned(),
            secure,
            browser: read(cookie::BROWSER),
            session: read(cookie::SESSION),
        }
    }

    /// The counts this try falls under. A browser is known only to the person who signed in from it.
    async fn knock(&self, conn: &mut PgConnection, app: &App, username: &str) -> sqlx::Result<Knock> {
        let mut known = None;
        if let Some(token) = &self.browser
            && doors::knows_browser(conn, app.clock.now(), username, token).await?
        {
            known = Some(token.as_str());
        }
        Ok(Knock::new(username, self.address, known))
    }

    fn as_person(&self, id: StaffId, username: &str) -> Actor {
        let (kind, via) = (ActorKind::Staff, Via::Console);
        Actor { kind, name: username.to_owned(), id: Some(id.0), via, address: self.address }
    }
}

/// Opens a session with a token of its own, ends the one the browser had, and answers with the cookie. What follows a
/// sign-in and each rise of privilege.
///
/// # Errors
/// What the database says.
pub async fn open_session(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    (staff_id, second_factor): (StaffId, bool),
) -> Result<HeaderValue, ApiError> {
    let now = app.clock.now();
    if let Some(earlier) = &visitor.session {
        sessions::close(&mut *conn, earlier).await?;
    }
    let opening = Opening { staff_id, address: visitor.address, agent: &visitor.agent, second_factor };
    let session = sessions::open(conn, &app.ids, now, &app.config.accounts, opening).await?;
    let max_age_s = (session.expires_at - now).num_seconds();
    Ok(cookie::write_guarded(cookie::SESSION, &session.token, max_age_s, visitor.secure))
}

async fn form(State(app): State<App>, v: View, Query(asked): Query<Asked>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let first_run = people::nobody_is_here(&mut conn).await?;
    let done = match asked.done.as_str() {
        "reset" => "login-done-reset",
        "setup" => "login-done-setup",
        _ => "",
    };
    page(&LoginPage { done, first_run, ..LoginPage::new(&app, v, asked.next) })
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(app): State<App>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Result<Response, ApiError> {
    let visitor = Visitor::new(&app, &headers, address);
    let username = given.username.trim().to_lowercase();
    let username: String = username.chars().filter(|letter| !letter.is_control()).take(64).collect();
    let refuse = |v: View, status, message: String, username: String| -> Result<Response, ApiError> {
        let page = page(&LoginPage { username, message, ..LoginPage::new(&app, v, given.next.clone()) })?;
        Ok((status, page).into_response())
    };
    let mut tx = app.db.web.begin().await?;
    let knock = visitor.knock(&mut tx, &app, &username).await?;
    let failures = match knock.enter(&mut tx, v.now).await? {
        Answer::Try { failures } => failures,
        Answer::Wait { seconds } => {
            let message = v.t1("login-wait", "n", seconds);
            return refuse(v, StatusCode::TOO_MANY_REQUESTS, message, username);
        }
    };
    let known = store::credentials(&mut tx, &username).await?;
    // The connection goes back while the hash is computed.
    tx.commit().await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let fits = password::verify(&given.password, hash).await;
    let mut tx = app.db.web.begin().await?;
    let Some(known) = known.filter(|_| fits) else {
        refused(&mut tx, &app, &visitor, &username, failures).await?;
        tx.commit().await?;
        let message = v.t("login-wrong");
        return refuse(v, StatusCode::UNAUTHORIZED, message, username);
    };
    if !app.config.oidc.allow_password && !is_emergency(&mut tx, v.now, &username).await? {
        refused(&mut tx, &app, &visitor, &username, failures).await?;
        tx.commit().await?;
        let message = v.t1("login-provider-only", "provider", &v.provider);
        return refuse(v, StatusCode::FORBIDDEN, message, username);
    }
    if factors::has_factor(&mut tx, known.id).await? {
        knock.take_back(&mut tx).await?;
        let half = doors::begin_half(&mut tx, &app.ids, v.now, known.id).await?;
        tx.commit().await?;
        let cookie = cookie::write_guarded(cookie::STEP, &half, doors::HALF_MIN * 60, visitor.secure);
        let next: String = url::form_urlencoded::byte_serialize(given.next.as_bytes()).collect();
        let to = Redirect::to(&format!("/console/login/code?next={next}"));
        return Ok(([(header::SET_COOKIE, cookie)], to).into_response());
    }
    knock.succeeded(&mut tx).await?;
    let answer = enter(&mut tx, &app, &visitor, (known.id, &username, false), &given.next).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Whether a password counts although everybody else comes through the identity provider: an administrator's, whose account
/// hangs on the provider in nothing.
async fn is_emergency(conn: &mut PgConnection, now: Instant, username: &str) -> sqlx::Result<bool> {
    let person = people::person(conn, now, username).await?;
    Ok(person.is_some_and(|person| person.roles.has(Role::Administrator) && !person.is_joined))
}

/// A try that failed: written into the audit, never with what was typed when it is nobody's name; after many the person is
/// told.
async fn refused(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    username: &str,
    failures: i32,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let person = people::person(&mut *conn, now, username).await?;
    let object = person.as_ref().map_or("unknown", |person| person.username.as_str());
    let act =
        if failures > crate::accounts::lockout::FREE_AT_ACCOUNT { Act::SessionLocked } else { Act::SignInRefused };
    let actor = Actor { via: Via::Console, ..Actor::anonymous(visitor.address) };
    audit::record(&mut *conn, &app.ids, now, &actor, Entry::new(act, "staff", object)).await?;
    match person {
        Some(person) if failures == TELL_AT && person.disabled_at.is_none() => {
            mail::tell(conn, app, &person, Event::ManyFailures).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Lets somebody in who has shown everything that is asked.
async fn enter(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    (id, username, second_factor): (StaffId, &str, bool),
    next: &str,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let session = open_session(&mut *conn, app, visitor, (id, second_factor)).await?;
    let mut cookies = vec![session];
    let known = match &visitor.browser {
        Some(token) => doors::knows_browser(&mut *conn, now, username, token).await?,
        None => false,
    };
    if !known {
        let token = doors::know_browser(&mut *conn, &app.ids, now, id).await?;
        let max_age_s = doors::BROWSER_DAYS * 86_400;
        cookies.push(cookie::write_guarded(cookie::BROWSER, &token, max_age_s, visitor.secure));
    }
    if second_factor {
        cookies.push(cookie::write_guarded(cookie::STEP, "", 0, visitor.secure));
    }
    let actor = visitor.as_person(id, username);
    audit::record(&mut *conn, &app.ids, now, &actor, Entry::new(Act::SignIn, "staff", username)).await?;
    let person = people::person(conn, now, username).await?;
    let mut response = Redirect::to(destination(person.as_ref(), next)).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where to after the sign-in: back to where they wanted, or to what their roles open.
fn destination<'a>(person: Option<&Person>, next: &'a str) -> &'a str {
    let sees_console = person.is_some_and(|person| person.roles.permissions().allow(Permission::SeeConsole));
    match next {
        "" if sees_console => "/console",
        "" => "/console/account",
        wanted => local_path(wanted),
    }
}

async fn code_form(
    State(app): State<App>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let visitor = Visitor::new(&app, &headers, address);
    let mut conn = app.db.web.acquire().await?;
    let token = cookie::read_guarded(&headers, cookie::STEP, visitor.secure).unwrap_or_default();
    if doors::half(&mut conn, v.now, token).await?.is_none() {
        return Ok(Redirect::to("/console/login").into_response());
    }
    page(&CodePage { v, next: asked.next, message: String::new() })
}

#[derive(Deserialize)]
struct Code {
    code: String,
    #[serde(default)]
    next: String,
}

async fn second_step(
    State(app): State<App>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<Code>,
) -> Result<Response, ApiError> {
    let visitor = Visitor::new(&app, &headers, address);
    let half = cookie::read_guarded(&headers, cookie::STEP, visitor.secure).unwrap_or_default();
    let mut tx = app.db.web.begin().await?;
    let Some((id, username)) = doors::half(&mut tx, v.now, half).await? else {
        return Ok(Redirect::to("/console/login").into_response());
    };
    let knock = visitor.knock(&mut tx, &app, &username).await?;
    let failures = match knock.enter(&mut tx, v.now).await? {
        Answer::Try { failures } => failures,
        Answer::Wait { seconds } => {
            let message = v.t1("login-wait", "n", seconds);
            let page = page(&CodePage { v, next: given.next, message })?;
            return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
        }
    };
    let actor = visitor.as_person(id, &username);
    let fits = accept_code(&mut tx, &app, &actor, id, &given.code).await?;
    if !fits {
        refused(&mut tx, &app, &visitor, &username, failures).await?;
        tx.commit().await?;
        let message = v.t("login-code-wrong");
        let page = page(&CodePage { v, next: given.next, message })?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    }
    knock.succeeded(&mut tx).await?;
    let answer = enter(&mut tx, &app, &visitor, (id, &username, true), &given.next).await?;
    if let Some(session) = answer.headers().get(header::SET_COOKIE).and_then(cookie::value_of) {
        subjects::carry_over(&mut tx, half, session).await?;
    }
    if !doors::end_half(&mut tx, half).await? {
        // Another request finished this very sign-in; what was opened here is rolled back.
        return Ok(Redirect::to("/console/login").into_response());
    }
    tx.commit().await?;
    Ok(answer)
}

/// Takes a one-time code or a recovery code, and uses it up.
///
/// # Errors
/// What the database says, or a key that does not open.
pub async fn accept_code(
    conn: &mut PgConnection,
    app: &App,
    actor: &Actor,
    id: StaffId,
    typed: &str,
) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let typed: String = typed.chars().filter(|letter| !letter.is_whitespace()).take(64).collect();
    if factor::looks_like_code(&typed) {
        let Some(found) = factors::factor(&mut *conn, id).await? else { return Ok(false) };
        let key = app.keys.service.open(&factor::context(id), &found.secret);
        let key = key.map_err(|error| ApiError::Internal(error.into()))?;
        let Some(step) = factor::matching_step(&key, &typed, now) else { return Ok(false) };
        return Ok(factors::use_step(conn, id, step).await?);
    }
    if !factors::use_code(&mut *conn, now, id, &factor::recovery_hash(&typed)).await? {
        return Ok(false);
    }
    let left = factors::codes_left(&mut *conn, id).await?;
    let entry = Entry::new(Act::RecoveryCodeUse, "staff", &actor.name).to(serde_json::json!({ "left": left }));
    audit::record(conn, &app.ids, now, actor, entry).await?;
    Ok(true)
}

async fn sign_out(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let secure = app.config.public_url().starts_with("https");
    let mut to = "/console/login";
    if let Some(token) = cookie::read_guarded(&headers, cookie::SESSION, secure) {
        let mut tx = app.db.web.begin().await?;
        if subjects::is_from_provider(&mut tx, token).await? {
            to = "/console/login/oidc/end";
        }
        sessions::close(&mut tx, token).await?;
        let entry = Entry::new(Act::SignOut, "staff", &staff.username);
        audit::record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
        tx.commit().await?;
    }
    let gone = cookie::write_guarded(cookie::SESSION, "", 0, secure);
    Ok(([(header::SET_COOKIE, gone)], Redirect::to(to)).into_response())
}
