//! Coming in by a code. Whoever asks sees the same page, in the same time, whether anybody is known at that address or not.

use std::net::IpAddr;

use askama::Template;
use axum::extract::{Extension, Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::told::{What, tell};
use super::visitor::{Act, find, resident_actor};
use super::{HOME, done, wrong};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::ResidentId;
use crate::residents::desk;
use crate::residents::own::{self, CODE_FOR, SESSION_FOR, Sent};
use crate::residents::store::own as store;
use crate::web::client::{ClientAddress, neighbourhood};
use crate::web::cookie;
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::View;

const CODE_PAGE: &str = "/meus-dados/codigo";

#[derive(Template)]
#[template(path = "my_data_ask.html")]
pub struct AskPage {
    pub v: View,
    pub who: String,
    pub message: String,
    pub done: String,
}

#[derive(Template)]
#[template(path = "my_data_code.html")]
struct CodePage {
    v: View,
    /// Of the visit, when the code confirms a new channel.
    csrf: String,
    message: String,
}

/// What a code is to do.
struct Wanted<'a> {
    to: (Channel, &'a str),
    /// Whose new channel it confirms.
    confirms: Option<ResidentId>,
    /// A neighbourhood: whoever has a /64 of IPv6 has one voice.
    from: Option<IpAddr>,
}

/// Writes a code down. The second part is the code itself. `None` when this address, or whoever asks, has to wait.
async fn make_code(app: &App, wanted: &Wanted<'_>) -> sqlx::Result<Option<(Uuid, String)>> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    if !store::may_ask(&mut tx, now, wanted.to, wanted.from).await? {
        return Ok(None);
    }
    let (id, code) = (app.ids.uuid(now), own::code(&app.ids));
    let sealed = app.keys.service.seal(&own::code_context(id), code.as_bytes());
    let new = store::NewCode {
        id,
        to: wanted.to,
        resident: wanted.confirms,
        confirms: wanted.confirms.is_some(),
        sealed: &sealed,
        from: wanted.from,
    };
    store::keep_code(&mut tx, now, &new).await?;
    tx.commit().await?;
    Ok(Some((id, code)))
}

async fn send(app: &App, lang: Lang, to: (Channel, &str), code: &str) -> sqlx::Result<()> {
    let now = app.clock.now();
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("own-mail-subject", "authority", authority);
    let body = lang.t2("own-mail-code", "authority", authority, "code", code);
    let notice = Notice {
        channel: to.0,
        address: to.1,
        subject: &subject,
        body: &body,
        expires_at: now + CODE_FOR,
        purpose: "resident_code",
    };
    let mut tx = app.db.web.begin().await?;
    notices::queue(&mut tx, &app.ids, now, &notice).await?;
    tx.commit().await
}

/// Sends the code to somebody who is known, and to nobody else.
async fn send_if_known(app: &App, lang: Lang, to: (Channel, &str), code: &str) -> sqlx::Result<()> {
    let known = store::reached_at(&mut *app.db.web.acquire().await?, (to.0.as_str(), to.1)).await?;
    if known.is_empty() { Ok(()) } else { send(app, lang, to, code).await }
}

#[derive(Deserialize)]
pub struct Who {
    #[serde(default)]
    who: String,
}

fn secure(app: &App) -> bool {
    app.config.public_url().starts_with("https")
}

/// To the page for the code, with a cookie that says which one is meant: a code is good only in the browser that asked.
fn to_code_page(app: &App, id: Uuid) -> Response {
    let step = cookie::write_guarded(cookie::RESIDENT_STEP, &id.to_string(), CODE_FOR.num_seconds(), secure(app));
    ([(header::SET_COOKIE, step)], Redirect::to(CODE_PAGE)).into_response()
}

pub async fn ask(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Form(given): Form<Who>,
) -> Result<Response, ApiError> {
    let refuse = |v: View, status: StatusCode, message: &str, who: String| -> Result<Response, ApiError> {
        let message = v.t(message);
        Ok((status, page(&AskPage { v, who, message, done: String::new() })?).into_response())
    };
    let who: String = given.who.chars().filter(|letter| !letter.is_control()).take(254).collect();
    let Ok((channel, address)) = own::address(&who) else {
        return refuse(v, StatusCode::UNPROCESSABLE_ENTITY, "own-wrong-address", who);
    };
    let wanted = Wanted { to: (channel, &address), confirms: None, from: from.map(neighbourhood) };
    let Some((id, code)) = make_code(&app, &wanted).await? else {
        return refuse(v, StatusCode::TOO_MANY_REQUESTS, "own-wait", who);
    };
    // Answered before anybody looks, so that the time does not tell whether somebody is known.
    let (sender, lang) = (app.clone(), v.lang);
    tokio::spawn(async move {
        if let Err(error) = send_if_known(&sender, lang, (channel, &address), &code).await {
            tracing::error!(%error, "a code for a resident could not be sent");
        }
    });
    Ok(to_code_page(&app, id))
}

fn step(app: &App, headers: &HeaderMap) -> Option<Uuid> {
    cookie::read_guarded(headers, cookie::RESIDENT_STEP, secure(app))?.parse().ok()
}

pub async fn code_form(State(app): State<App>, v: View, headers: HeaderMap) -> Result<Response, ApiError> {
    if step(&app, &headers).is_none() {
        return Ok(Redirect::to(HOME).into_response());
    }
    // With a visit under way a code is for a new channel.
    let csrf = find(&app, &headers).await?.map(|visitor| visitor.visit.csrf_token).unwrap_or_default();
    page(&CodePage { v, csrf, message: String::new() })
}

#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    code: String,
}

/// Takes the code that was typed. `None` when it is not the one that was sent, or no longer good.
async fn take(app: &App, headers: &HeaderMap, typed: &str, confirms: bool) -> Result<Option<Sent>, ApiError> {
    let Some(id) = step(app, headers) else { return Ok(None) };
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    // The try is counted before anything is compared, whatever comes of it.
    let Some(sent) = store::try_code(&mut conn, now, id, confirms).await? else { return Ok(None) };
    if !sent.is(&app.keys.service, typed).map_err(|error| ApiError::Internal(error.into()))? {
        return Ok(None);
    }
    Ok(store::use_code(&mut conn, now, id).await?.then_some(sent))
}

fn refused(v: View, csrf: String) -> Result<Response, ApiError> {
    let message = v.t("own-code-wrong");
    Ok((StatusCode::UNAUTHORIZED, page(&CodePage { v, csrf, message })?).into_response())
}

pub async fn enter(
    State(app): State<App>,
    v: View,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let Some(sent) = take(&app, &headers, &typed.code, false).await? else { return refused(v, String::new()) };
    let now = app.clock.now();
    let at = (sent.channel.as_str(), sent.address.as_str());
    let mut tx = app.db.web.begin().await?;
    let Some(id) = store::reached_at(&mut tx, at).await?.first().copied() else { return refused(v, String::new()) };
    // The visit the browser had ends: a new one never continues it.
    if let Some(earlier) = cookie::read_guarded(&headers, cookie::RESIDENT, secure(&app)) {
        store::close_visit(&mut tx, earlier).await?;
    }
    let token = store::open_visit(&mut tx, &app.ids, now, id, at).await?;
    let entry = Entry::new(audit::Act::ResidentSignIn, "resident", id).to(json!({ "channel": sent.channel }));
    audit::record(&mut tx, &app.ids, now, &resident_actor(id), entry).await?;
    tx.commit().await?;
    let mut response = Redirect::to(HOME).into_response();
    for cookie in [
        cookie::write_guarded(cookie::RESIDENT, &token, SESSION_FOR.num_seconds(), secure(&app)),
        cookie::write_guarded(cookie::RESIDENT_STEP, "", 0, secure(&app)),
    ] {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub async fn ask_for_channel(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Act { visitor, form }: Act<Who>,
) -> Result<Response, ApiError> {
    let Ok((channel, address)) = own::address(&form.who) else { return Ok(wrong("address")) };
    if !app.config.signup.takes((channel, &address)) {
        return Ok(wrong("abroad"));
    }
    let mut tx = app.db.web.begin().await?;
    let may_pay = desk::may_pay(&mut tx, &app, app.clock.now(), channel).await?;
    tx.commit().await?;
    if !may_pay {
        return Ok(wrong("codes"));
    }
    let wanted = Wanted { to: (channel, &address), confirms: Some(visitor.id()), from: from.map(neighbourhood) };
    let Some((id, code)) = make_code(&app, &wanted).await? else { return Ok(wrong("wait")) };
    send(&app, v.lang, (channel, &address), &code).await?;
    Ok(to_code_page(&app, id))
}

pub async fn confirm_channel(
    State(app): State<App>,
    v: View,
    headers: HeaderMap,
    Act { visitor, form }: Act<Typed>,
) -> Result<Response, ApiError> {
    let sent = take(&app, &headers, &form.code, true).await?;
    let Some(sent) = sent.filter(|sent| sent.resident == Some(visitor.id())) else {
        return refused(v, visitor.visit.csrf_token);
    };
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    // Told before the new one is there: it knows already.
    let by = (visitor.visit.channel.as_str(), visitor.visit.address.as_str());
    tell(&mut tx, &app, visitor.id(), by, What::ChannelAdded).await?;
    store::add_channel(&mut tx, now, visitor.id(), (&sent.channel, &sent.address)).await?;
    super::acts::corrected(&mut tx, &app, &visitor, &[&format!("channel_added:{}", sent.channel)]).await?;
    tx.commit().await?;
    let gone = cookie::write_guarded(cookie::RESIDENT_STEP, "", 0, secure(&app));
    Ok(([(header::SET_COOKIE, gone)], done("channel")).into_response())
}
