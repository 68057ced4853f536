//! One's own account: password, second factor, sessions.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::login::{self, Visitor};
use super::page;
use super::view::{Markup, View};
use crate::accounts::lockout::{Answer, Knock};
use crate::accounts::mail::{self, Event};
use crate::accounts::manage::Refusal;
use crate::accounts::permission::NEEDS_SECOND_FACTOR;
use crate::accounts::store::people::{self, Person};
use crate::accounts::store::sessions::{self, Listed};
use crate::accounts::store::{doors, factors};
use crate::accounts::{Permissions, factor, manage, password};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::config::SecondFactor;
use crate::web::auth::{May, Staff, can};
use crate::web::client::ClientAddress;
use crate::web::error::ApiError;

/// So soon after the sign-in the password need not be typed again before a second factor is set up.
const FRESH_FOR_MIN: i64 = 10;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/account", get(show))
        .route("/console/account/password", post(change_password))
        .route("/console/account/phone", post(change_phone))
        .route("/console/account/sessions/end", post(end_sessions))
        .route("/console/account/second-factor", get(factor_page).post(confirm_factor))
        .route("/console/account/second-factor/remove", post(remove_factor))
        .route("/console/account/recovery-codes", post(renew_codes))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    f: Frame,
    person: Person,
    codes_left: i64,
    /// Their roles ask for the second factor, so they cannot take it away.
    factor_needed: bool,
    sessions: Vec<OpenSession>,
    done: String,
    wrong: String,
}

struct OpenSession {
    is_this: bool,
    browser: String,
    at: Listed,
}

#[derive(Template)]
#[template(path = "account_factor.html")]
struct FactorPage {
    f: Frame,
    picture: Markup,
    typed_key: String,
    must: bool,
    ask_password: bool,
    wrong: String,
}

#[derive(Template)]
#[template(path = "account_codes.html")]
struct CodesPage {
    f: Frame,
    codes: Vec<String>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

async fn show(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let done = match asked.done.as_str() {
        done @ ("password" | "phone" | "sessions" | "factor-removed") => v.t(&format!("account-done-{done}")),
        _ => String::new(),
    };
    account_page(&app, &staff, v, done, String::new()).await
}

async fn account_page(app: &App, staff: &Staff, v: View, done: String, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let person = me(&mut conn, app, staff).await?;
    let codes_left = factors::codes_left(&mut conn, staff.id).await?;
    let this = staff.session.map(|session| session.id);
    let sessions = sessions::of(&mut conn, v.now, &app.config.accounts, staff.id).await?;
    let sessions = sessions
        .into_iter()
        .map(|at| OpenSession { is_this: Some(at.id) == this, browser: browser_name(&at.agent), at })
        .collect();
    let factor_needed = is_factor_needed(app, staff);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "account").await?;
    let page = page(&AccountPage { f, person, codes_left, factor_needed, sessions, done, wrong })?;
    Ok((status, page).into_response())
}

fn is_factor_needed(app: &App, staff: &Staff) -> bool {
    let asks = staff.roles.permissions().within(NEEDS_SECOND_FACTOR) != Permissions::NONE;
    asks && app.config.accounts.second_factor == SecondFactor::Required
}

async fn me(conn: &mut sqlx::PgConnection, app: &App, staff: &Staff) -> Result<Person, ApiError> {
    let person = people::person(conn, app.clock.now(), &staff.username).await?;
    person.ok_or_else(|| ApiError::NotFound(staff.username.clone()))
}

/// "Firefox · Windows": enough to tell one's own sessions apart.
fn browser_name(agent: &str) -> String {
    let first =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|known| known.1);
    // In this order: most browsers also name those they descend from.
    let browser = first(&[
        ("Firefox/", "Firefox"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

/// Whether the password is right; wrong ones count as failed tries and make one wait.
///
/// # Errors
/// The sentence to show.
async fn prove(app: &App, staff: &Staff, v: &View, typed: &str) -> Result<Result<(), String>, ApiError> {
    let knock = Knock::new(&staff.username, staff.address, None);
    let mut tx = app.db.web.begin().await?;
    if let Answer::Wait { seconds } = knock.enter(&mut tx, v.now).await? {
        return Ok(Err(v.t1("login-wait", "n", seconds)));
    }
    let hash = people::password_hash(&mut tx, staff.id).await?;
    tx.commit().await?;
    if !password::verify(typed, hash.as_deref()).await {
        return Ok(Err(v.t("account-password-wrong")));
    }
    let mut conn = app.db.web.acquire().await?;
    knock.succeeded(&mut conn).await?;
    Ok(Ok(()))
}

#[derive(Deserialize)]
struct PasswordForm {
    old: String,
    new: String,
    again: String,
}

async fn change_password(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<PasswordForm>,
) -> Result<Response, ApiError> {
    let person = me(&mut *app.db.web.acquire().await?, &app, &staff).await?;
    let wrong = match new_password(&v, &person, &given.new, &given.again) {
        Ok(()) => prove(&app, &staff, &v, &given.old).await?.err(),
        Err(wrong) => Some(wrong),
    };
    if let Some(wrong) = wrong {
        return account_page(&app, &staff, v, String::new(), wrong).await;
    }
    let hash = password::hash(&app.ids, &given.new).await.map_err(|error| ApiError::bad(error.to_string()))?;
    let visitor = Visitor::new(&app, &headers, address);
    let second_factor = staff.session.is_some_and(|session| session.second_factor);
    let mut tx = app.db.web.begin().await?;
    manage::replace_password(&mut tx, &app, staff.id, &hash, None).await?;
    let entry = Entry::new(Act::PasswordChange, "staff", &staff.username);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    mail::tell(&mut tx, &app, &person, Event::PasswordChanged).await?;
    let cookie = login::open_session(&mut tx, &app, &visitor, (staff.id, second_factor)).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/console/account?done=password")).into_response())
}

/// Whether a new password may be taken; the sentence to show when not.
///
/// # Errors
/// Too short, too common, not the same twice.
pub fn new_password(v: &View, person: &Person, new: &str, again: &str) -> Result<(), String> {
    let email = person.email.as_deref().unwrap_or_default();
    check_new(v, &[&person.username, &person.name, email], new, again)
}

/// The same for somebody who is no person yet.
///
/// # Errors
/// As [`new_password`].
pub fn check_new(v: &View, names: &[&str], new: &str, again: &str) -> Result<(), String> {
    use password::PasswordError::{Common, Hash, Long, Short};
    if new != again {
        return Err(v.t("password-differ"));
    }
    password::check(new, names).map_err(|error| match error {
        Short(_) => v.t1("password-short", "n", password::MIN_LENGTH),
        Long(_) => v.t("password-long"),
        Common | Hash(_) => v.t("password-common"),
    })
}

#[derive(Deserialize)]
struct PhoneForm {
    phone: String,
}

/// Where they are paged when an alert waits for an answer.
async fn change_phone(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Form(given): Form<PhoneForm>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    match manage::change_phone(&mut tx, &app, &staff.actor(), &staff.username, &given.phone).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/account?done=phone").into_response())
        }
        Err(Refusal::Field { .. }) => {
            tx.rollback().await?;
            let wrong = v.t("phone-wrong");
            account_page(&app, &staff, v, String::new(), wrong).await
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Deserialize)]
struct EndForm {
    /// One session, or all the others when empty.
    #[serde(default)]
    id: Option<Uuid>,
}

async fn end_sessions(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    Form(given): Form<EndForm>,
) -> Result<Response, ApiError> {
    let this = staff.session.map(|session| session.id);
    let mut tx = app.db.web.begin().await?;
    let ended = match given.id {
        Some(id) => u64::from(sessions::end(&mut tx, staff.id, id).await?),
        None => sessions::end_all(&mut tx, staff.id, this).await?,
    };
    if ended == 0 && given.id.is_some() {
        return Err(ApiError::NotFound("session".into()));
    }
    // Whoever ends the others doubts them: those browsers are strangers again.
    doors::forget_browsers(&mut tx, staff.id).await?;
    let entry = Entry::new(Act::SessionRevoke, "staff", &staff.username).to(serde_json::json!({ "ended": ended }));
    audit::record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/account?done=sessions").into_response())
}

fn is_fresh(staff: &Staff, v: &View) -> bool {
    staff.session.is_some_and(|session| v.now - session.opened_at < TimeDelta::minutes(FRESH_FOR_MIN))
}

async fn factor_page(State(app): State<App>, staff: May<can::OwnAccount>, v: View) -> Result<Response, ApiError> {
    show_factor(&app, &staff, v, String::new()).await
}

/// The picture and the key. A key that waits for its first code is shown again, so that loading the page anew does not
/// change what a telephone has read already.
async fn show_factor(app: &App, staff: &Staff, v: View, wrong: String) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let context = factor::context(staff.id);
    let key = match factors::factor(&mut tx, staff.id).await? {
        Some(found) if found.confirmed_at.is_some() => return Ok(Redirect::to("/console/account").into_response()),
        Some(found) => {
            app.keys.service.open(&context, &found.secret).map_err(|error| ApiError::Internal(error.into()))?
        }
        None => {
            let key = app.ids.bytes::<{ factor::KEY_BYTES }>().to_vec();
            let sealed = app.keys.service.seal(&context, &key);
            factors::begin_factor(&mut tx, v.now, staff.id, &sealed).await?;
            key
        }
    };
    let f = Frame::load(&mut tx, app, v, "account").await?;
    tx.commit().await?;
    let uri = factor::key_uri(&key, &app.config.municipality.sender_name, &staff.username);
    let picture = Markup(factor::picture(&uri).map_err(|error| ApiError::Internal(error.into()))?);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (must, ask_password) = (staff.must_enrol(), !is_fresh(staff, &f.v));
    let mut response = page(&FactorPage { f, picture, typed_key: factor::typed_key(&key), must, ask_password, wrong })?;
    *response.status_mut() = status;
    Ok(secret(response))
}

/// What holds a secret is kept by no cache.
fn secret(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

#[derive(Deserialize)]
struct FactorForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    password: String,
}

async fn confirm_factor(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(given): Form<FactorForm>,
) -> Result<Response, ApiError> {
    if !is_fresh(&staff, &v)
        && let Err(wrong) = prove(&app, &staff, &v, &given.password).await?
    {
        return show_factor(&app, &staff, v, wrong).await;
    }
    let visitor = Visitor::new(&app, &headers, address);
    let mut tx = app.db.web.begin().await?;
    let Some(found) = factors::factor(&mut tx, staff.id).await?.filter(|found| found.confirmed_at.is_none()) else {
        // No key waits for a code: that page makes one, or leads on.
        return Ok(Redirect::to("/console/account/second-factor").into_response());
    };
    let key = app.keys.service.open(&factor::context(staff.id), &found.secret);
    let key = key.map_err(|error| ApiError::Internal(error.into()))?;
    let typed: String = given.code.chars().filter(|letter| !letter.is_whitespace()).take(16).collect();
    let Some(step) = factor::matching_step(&key, &typed, v.now) else {
        drop(tx);
        let wrong = v.t("factor-code-wrong");
        return show_factor(&app, &staff, v, wrong).await;
    };
    if !factors::confirm_factor(&mut tx, v.now, staff.id, step).await? {
        return Ok(Redirect::to("/console/account").into_response());
    }
    let codes = fresh_codes(&mut tx, &app, &staff).await?;
    let entry = Entry::new(Act::SecondFactorSet, "staff", &staff.username);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let person = me(&mut tx, &app, &staff).await?;
    mail::tell(&mut tx, &app, &person, Event::FactorSet).await?;
    // Sessions that never showed it end, and this one goes on under a new token.
    sessions::end_all(&mut tx, staff.id, None).await?;
    let cookie = login::open_session(&mut tx, &app, &visitor, (staff.id, true)).await?;
    tx.commit().await?;
    let mut response = codes_page(&app, &cookie_value(&cookie), v, codes).await?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The token within a `Set-Cookie` value.
fn cookie_value(cookie: &header::HeaderValue) -> String {
    let line = cookie.to_str().unwrap_or_default();
    let pair = line.split(';').next().unwrap_or_default();
    pair.split_once('=').map_or("", |pair| pair.1).to_owned()
}

async fn fresh_codes(conn: &mut sqlx::PgConnection, app: &App, staff: &Staff) -> sqlx::Result<Vec<String>> {
    let codes = factor::recovery_codes(&app.ids);
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| factor::recovery_hash(code)).collect();
    factors::replace_codes(conn, app.clock.now(), staff.id, &hashes).await?;
    Ok(codes)
}

/// The codes, shown this once; as a page of the session that has just begun, whose forms must carry its own value.
async fn codes_page(app: &App, token: &str, mut v: View, codes: Vec<String>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    if let Some(session) = sessions::find(&mut conn, v.now, &app.config.accounts, token, false).await?
        && let Some(staff) = v.staff.as_mut()
    {
        staff.csrf_token = session.csrf_token;
        staff.permissions = staff.roles.permissions();
    }
    let f = Frame::load(&mut conn, app, v, "account").await?;
    Ok(secret(page(&CodesPage { f, codes })?))
}

async fn remove_factor(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Form(given): Form<FactorForm>,
) -> Result<Response, ApiError> {
    if is_factor_needed(&app, &staff) {
        return Err(ApiError::Conflict(v.t("factor-needed")));
    }
    if let Err(wrong) = prove(&app, &staff, &v, &given.password).await? {
        return account_page(&app, &staff, v, String::new(), wrong).await;
    }
    let mut tx = app.db.web.begin().await?;
    if factors::remove_factor(&mut tx, staff.id).await? {
        let entry = Entry::new(Act::SecondFactorRemove, "staff", &staff.username);
        audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
        let person = me(&mut tx, &app, &staff).await?;
        mail::tell(&mut tx, &app, &person, Event::FactorRemoved).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to("/console/account?done=factor-removed").into_response())
}

async fn renew_codes(
    State(app): State<App>,
    staff: May<can::OwnAccount>,
    v: View,
    Form(given): Form<FactorForm>,
) -> Result<Response, ApiError> {
    if let Err(wrong) = prove(&app, &staff, &v, &given.password).await? {
        return account_page(&app, &staff, v, String::new(), wrong).await;
    }
    let mut tx = app.db.web.begin().await?;
    if !factors::has_factor(&mut tx, staff.id).await? {
        return Err(ApiError::Conflict(v.t("factor-none")));
    }
    let codes = fresh_codes(&mut tx, &app, &staff).await?;
    let entry = Entry::new(Act::RecoveryCodesNew, "staff", &staff.username);
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    let f = Frame::load(&mut tx, &app, v, "account").await?;
    tx.commit().await?;
    Ok(secret(page(&CodesPage { f, codes })?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_apart_by_browser_and_system() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0";
        assert_eq!(browser_name(edge), "Edge · Windows");
        assert_eq!(
            browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Firefox · Linux"
        );
        assert_eq!(browser_name("curl/8.0"), "curl/8.0");
    }
}
