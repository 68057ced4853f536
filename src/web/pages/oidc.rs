//! Signing in through the identity provider, joining an account to it, and its word that somebody signed out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::login::{self, Visitor};
use super::page;
use super::preferences::local_path;
use super::view::View;
use crate::accounts::oidc::store::{self as subjects, Known};
use crate::accounts::oidc::{Identity, OidcError, Provider, Returned};
use crate::accounts::store::{doors, factors, people, sessions};
use crate::accounts::{Permission, Roles};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::web::auth::{self, May, can};
use crate::web::client::ClientAddress;
use crate::web::cookie;
use crate::web::error::ApiError;

/// Binds a sign-in that is under way to the browser that began it.
const COOKIE: &str = "sentinela_oidc";

/// Where a person manages the join of their own account.
const ACCOUNT_PATH: &str = "/console/account/oidc";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/login/oidc", get(begin))
        .route("/console/login/oidc/return", get(come_back))
        .route("/console/login/oidc/end", get(end))
        .route("/console/login/oidc/logout", post(logged_out))
        .route("/console/account/oidc", get(account).post(begin_link))
        .route("/console/account/oidc/remove", post(unlink))
        .layer(Extension(Arc::new(Provider::default())))
}

/// What the page says when nobody gets in: a heading, what to do, and what happened in the words of the log.
#[derive(Template)]
#[template(path = "oidc.html")]
struct Notice {
    v: View,
    key: &'static str,
    detail: String,
    /// Where to go on, outside.
    onward: String,
    onward_label: String,
    back: &'static str,
}

impl Notice {
    fn text(&self) -> String {
        self.v.t(&format!("{}-text", self.key))
    }
}

#[derive(Template)]
#[template(path = "oidc_account.html")]
struct AccountPage {
    v: View,
    linked_at: Option<Instant>,
    can_unlink: bool,
}

/// Why somebody does not get in; each has a heading and a text.
fn refusal(v: View, status: StatusCode, key: &'static str, detail: String) -> Result<Response, ApiError> {
    let (onward, onward_label) = (String::new(), String::new());
    let page = page(&Notice { v, key, detail, onward, onward_label, back: "/console/login" })?;
    Ok((status, page).into_response())
}

fn failed(v: View, error: OidcError) -> Result<Response, ApiError> {
    let detail = error.to_string();
    match error {
        OidcError::Database(error) => Err(error.into()),
        OidcError::Off => Err(ApiError::NotFound("the sign-in through an identity provider".into())),
        OidcError::Down(_) => {
            tracing::warn!(detail, "the sign-in through the identity provider does not work now");
            refusal(v, StatusCode::SERVICE_UNAVAILABLE, "oidc-down", detail)
        }
        OidcError::Stale => refusal(v, StatusCode::BAD_REQUEST, "oidc-stale", String::new()),
        OidcError::Denied(_) => refusal(v, StatusCode::FORBIDDEN, "oidc-denied", detail),
        OidcError::Invalid(_) => {
            tracing::warn!(detail, "an answer of the identity provider was refused");
            refusal(v, StatusCode::FORBIDDEN, "oidc-invalid", detail)
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

fn is_secure(app: &App) -> bool {
    app.config.public_url().starts_with("https")
}

/// Sends the browser to the provider.
async fn begin(
    State(app): State<App>,
    v: View,
    Extension(provider): Extension<Arc<Provider>>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    match provider.begin(&app, &asked.next, None).await {
        Ok(begun) => {
            let keep = subjects::LOGIN_MIN * 60;
            let cookie = cookie::write_guarded(COOKIE, &begun.browser, keep, is_secure(&app));
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response())
        }
        Err(error) => failed(v, error),
    }
}

/// What came of somebody whom the provider vouches for.
enum Outcome {
    Enters { id: StaffId, username: String, roles: Roles },
    Refused(&'static str),
}

async fn come_back(
    State(app): State<App>,
    v: View,
    Extension(provider): Extension<Arc<Provider>>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, ApiError> {
    let visitor = Visitor::new(&app, &headers, address);
    let browser = cookie::read_guarded(&headers, COOKIE, visitor.secure).unwrap_or_default();
    let identity = match provider.finish(&app, browser, &returned).await {
        Ok(identity) => identity,
        Err(error) => {
            if let OidcError::Invalid(why) = &error {
                let mut tx = app.db.web.begin().await?;
                refuse(&mut tx, &app, &visitor, "unknown", why).await?;
                tx.commit().await?;
            }
            return failed(v, error);
        }
    };
    if let Some(wanted) = identity.link {
        return finish_link(&app, v, &headers, address, &identity, wanted).await;
    }
    let mut tx = app.db.web.begin().await?;
    let outcome = settle(&mut tx, &app, &visitor, &identity).await?;
    let response = match outcome {
        Outcome::Refused(key) => refusal(v, StatusCode::FORBIDDEN, key, String::new()),
        Outcome::Enters { id, username, roles } => {
            enter(&mut tx, &app, &visitor, &identity, (id, &username, &roles)).await
        }
    }?;
    tx.commit().await?;
    Ok(response)
}

/// Finds or makes the member, and gives them the roles the provider says.
async fn settle(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    identity: &Identity,
) -> Result<Outcome, ApiError> {
    let now = app.clock.now();
    people::lock(&mut *conn).await?;
    let known = subjects::known(&mut *conn, &identity.issuer, &identity.subject).await?;
    let has_role = !identity.roles.as_slice().is_empty();
    match known {
        Some(known) if known.disabled => {
            refuse(conn, app, visitor, &known.username, "the account is shut here").await?;
            Ok(Outcome::Refused("oidc-disabled"))
        }
        Some(known) => {
            if known.roles != identity.roles {
                change_roles(&mut *conn, app, visitor, &known, &identity.roles).await?;
            }
            if has_role {
                return Ok(Outcome::Enters { id: known.id, username: known.username, roles: identity.roles.clone() });
            }
            sessions::end_all(&mut *conn, known.id, None).await?;
            refuse(conn, app, visitor, &known.username, "the identity provider gives no role").await?;
            Ok(Outcome::Refused("oidc-no-role"))
        }
        None if !has_role => {
            refuse(conn, app, visitor, "unknown", "the identity provider gives no role").await?;
            Ok(Outcome::Refused("oidc-no-role"))
        }
        None => {
            let Some(wanted) = &identity.username else { return Ok(Outcome::Refused("oidc-no-name")) };
            let named = (wanted.as_str(), identity.name.as_str());
            let (id, username) = subjects::add(&mut *conn, &app.ids, now, named, &identity.roles).await?;
            subjects::link(&mut *conn, now, &identity.issuer, &identity.subject, id).await?;
            let entry = Entry::new(Act::StaffAdd, "staff", &username).because("first sign-in at the identity provider");
            let entry = entry.to(json!({ "roles": identity.roles.words() }));
            audit::record(conn, &app.ids, now, &actor(visitor, id, &username), entry).await?;
            Ok(Outcome::Enters { id, username, roles: identity.roles.clone() })
        }
    }
}

async fn change_roles(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    known: &Known,
    roles: &Roles,
) -> sqlx::Result<()> {
    people::set_roles(&mut *conn, known.id, roles).await?;
    let entry = Entry::new(Act::StaffRoles, "staff", &known.username).because("the identity provider says so");
    let entry = entry.from(json!({ "roles": known.roles.words() })).to(json!({ "roles": roles.words() }));
    let actor = actor(visitor, known.id, &known.username);
    audit::record(conn, &app.ids, app.clock.now(), &actor, entry).await.map(drop)
}

async fn refuse(conn: &mut PgConnection, app: &App, visitor: &Visitor, object: &str, why: &str) -> sqlx::Result<()> {
    let actor = Actor { via: Via::Console, ..Actor::anonymous(visitor.address) };
    let entry = Entry::new(Act::SignInRefused, "staff", object).because(why).to(json!({ "method": "oidc" }));
    audit::record(conn, &app.ids, app.clock.now(), &actor, entry).await.map(drop)
}

fn actor(visitor: &Visitor, id: StaffId, username: &str) -> Actor {
    let (kind, via) = (ActorKind::Staff, Via::Console);
    Actor { kind, name: username.to_owned(), id: Some(id.0), via, address: visitor.address }
}

/// Opens an ordinary session. Whoever has a second factor here, which the provider did not ask for, shows it first.
async fn enter(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    identity: &Identity,
    (id, username, roles): (StaffId, &str, &Roles),
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let gone = cookie::write_guarded(COOKIE, "", 0, visitor.secure);
    if !identity.second_factor && factors::has_factor(&mut *conn, id).await? {
        let half = doors::begin_half(&mut *conn, &app.ids, now, id).await?;
        subjects::half(&mut *conn, &half, (&identity.issuer, &identity.subject), identity.sid.as_deref()).await?;
        let step = cookie::write_guarded(cookie::STEP, &half, doors::HALF_MIN * 60, visitor.secure);
        let next: String = url::form_urlencoded::byte_serialize(identity.next.as_bytes()).collect();
        let mut response = Redirect::to(&format!("/console/login/code?next={next}")).into_response();
        response.headers_mut().append(header::SET_COOKIE, step);
        response.headers_mut().append(header::SET_COOKIE, gone);
        return Ok(response);
    }
    let session = login::open_session(&mut *conn, app, visitor, (id, identity.second_factor)).await?;
    if let Some(token) = cookie::value_of(&session) {
        subjects::opened(&mut *conn, token, (&identity.issuer, &identity.subject), identity.sid.as_deref()).await?;
    }
    let entry = Entry::new(Act::SignIn, "staff", username)
        .to(json!({ "method": "oidc", "second_factor": identity.second_factor }));
    audit::record(conn, &app.ids, now, &actor(visitor, id, username), entry).await?;
    let sees_console = roles.permissions().allow(Permission::SeeConsole);
    let next = match identity.next.as_str() {
        "" if sees_console => "/console",
        "" => "/console/account",
        wanted => local_path(wanted),
    };
    let mut response = Redirect::to(next).into_response();
    response.headers_mut().append(header::SET_COOKIE, session);
    response.headers_mut().append(header::SET_COOKIE, gone);
    Ok(response)
}

/// Joins the account over there to that of whoever is signed in here: in the same browser, and the same person that asked.
async fn finish_link(
    app: &App,
    v: View,
    headers: &HeaderMap,
    address: ClientAddress,
    identity: &Identity,
    wanted: StaffId,
) -> Result<Response, ApiError> {
    let staff = auth::identify(app, headers, address.0).await?;
    let Some(staff) = staff.filter(|staff| staff.id == wanted) else { return failed(v, OidcError::Stale) };
    let mut tx = app.db.web.begin().await?;
    if !subjects::link(&mut tx, v.now, &identity.issuer, &identity.subject, staff.id).await? {
        return refusal(v, StatusCode::CONFLICT, "oidc-taken", String::new());
    }
    let entry = Entry::new(Act::StaffLink, "staff", &staff.username);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to(ACCOUNT_PATH).into_response())
}

async fn account(State(app): State<App>, v: View, staff: May<can::OwnAccount>) -> Result<Response, ApiError> {
    if v.provider.is_empty() {
        return failed(v, OidcError::Off);
    }
    let mut conn = app.db.web.acquire().await?;
    let linked_at = subjects::linked_at(&mut conn, staff.id).await?;
    let person = people::person(&mut conn, v.now, &staff.username).await?;
    let can_unlink = person.is_some_and(|person| person.has_password);
    page(&AccountPage { v, linked_at, can_unlink })
}

/// Answers with a link instead of a redirect: the pages' policy lets no form lead to another site.
async fn begin_link(
    State(app): State<App>,
    v: View,
    Extension(provider): Extension<Arc<Provider>>,
    staff: May<can::OwnAccount>,
) -> Result<Response, ApiError> {
    if v.provider.is_empty() {
        return failed(v, OidcError::Off);
    }
    if staff.csrf_token.is_empty() {
        return Err(ApiError::bad("accounts are joined in a browser"));
    }
    match provider.begin(&app, ACCOUNT_PATH, Some(staff.id)).await {
        Ok(begun) => {
            let keep = subjects::LOGIN_MIN * 60;
            let cookie = cookie::write_guarded(COOKIE, &begun.browser, keep, is_secure(&app));
            let (onward, onward_label) = (begun.url, v.provider.clone());
            let key = "oidc-go-on";
            let page = page(&Notice { v, key, detail: String::new(), onward, onward_label, back: ACCOUNT_PATH })?;
            Ok(([(header::SET_COOKIE, cookie)], page).into_response())
        }
        Err(error) => failed(v, error),
    }
}

async fn unlink(State(app): State<App>, v: View, staff: May<can::OwnAccount>) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let person = people::person(&mut tx, v.now, &staff.username).await?;
    if !person.is_some_and(|person| person.has_password) {
        return Err(ApiError::Conflict(v.t("oidc-unlink-password")));
    }
    if subjects::unlink(&mut tx, staff.id).await? {
        let entry = Entry::new(Act::StaffUnlink, "staff", &staff.username);
        audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to(ACCOUNT_PATH).into_response())
}

/// After the sign-out here: offers the one at the provider, where the next person at this machine could otherwise go on.
async fn end(
    State(app): State<App>,
    v: View,
    Extension(provider): Extension<Arc<Provider>>,
) -> Result<Response, ApiError> {
    let onward = provider.end_url(&app).await.unwrap_or_default().unwrap_or_default();
    let onward_label = v.t("oidc-end-there");
    page(&Notice { v, key: "oidc-ended", detail: String::new(), onward, onward_label, back: "/console/login" })
}

#[derive(Deserialize)]
struct LogoutToken {
    logout_token: String,
}

/// The provider says that somebody signed out over there (back-channel).
async fn logged_out(
    State(app): State<App>,
    Extension(provider): Extension<Arc<Provider>>,
    Extension(address): Extension<ClientAddress>,
    Form(given): Form<LogoutToken>,
) -> Result<Response, ApiError> {
    let ended = match provider.ended(&app, &given.logout_token).await {
        Ok(ended) => ended,
        Err(OidcError::Database(error)) => return Err(error.into()),
        Err(OidcError::Off) => return Err(ApiError::NotFound("the sign-in through an identity provider".into())),
        Err(OidcError::Down(why)) => return Err(ApiError::Unavailable(why)),
        Err(error) => return Err(ApiError::bad(error.to_string())),
    };
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let keep_until = now + chrono::TimeDelta::hours(1);
    if !subjects::first_use(&mut tx, now, &ended.jti, keep_until).await? {
        return Err(ApiError::bad("this logout token was used before"));
    }
    let (subject, sid) = (ended.subject.as_deref(), ended.sid.as_deref());
    let actor = Actor { via: Via::Api, address: address.0, ..Actor::service() };
    for username in subjects::end_from_provider(&mut tx, &ended.issuer, subject, sid).await? {
        let entry = Entry::new(Act::SessionRevoke, "staff", username).because("signed out at the identity provider");
        audit::record(&mut tx, &app.ids, now, &actor, entry).await?;
    }
    tx.commit().await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], StatusCode::OK).into_response())
}
