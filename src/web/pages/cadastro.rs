//! `/cadastro`: anybody subscribes to the warnings of a place, without an account and without JavaScript.
//!
//! A telephone or mailbox is proven first, by a code, or by the link of an e-mail; nothing of the form reaches anybody before. Whoever is
//! known already sees the same pages. Against machines stand the signed stamp of the form, a field that only machines
//! see, and limits for each address, as for reports.

pub mod form;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use self::form::{Filled, Wrong};
use super::my_data::visitor::resident_actor;
use super::page;
use super::view::{Given, View};
use crate::addresses::Candidate;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::reports::stamp;
use crate::residents::companions::{NAME_MAX, Relation};
use crate::residents::desk::{self, Asked, Joined, Left};
use crate::residents::own::{CODE_FOR, SESSION_FOR};
use crate::residents::preferences::{LeastLevel, Need};
use crate::residents::signup::{self, COMPANIONS, PLACES};
use crate::residents::store::own as store;
use crate::web::client::{ClientAddress, neighbourhood};
use crate::web::cookie;
use crate::web::error::ApiError;

const CODE_PAGE: &str = "/cadastro/codigo";
const OWN_PAGE: &str = "/meus-dados?done=joined";
/// The whole form, with room for its encoding.
const MAX_BODY_BYTES: usize = 32 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/cadastro", get(show).post(send))
        .route("/cadastro/codigo", get(code_form).post(confirm))
        .route("/cadastro/confirmar/{token}", get(link).post(follow))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(keep_nothing))
}

/// Neither the browser nor anything on the way keeps a copy.
async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One place of the form.
struct PlaceFields {
    number: usize,
    label: String,
    text: String,
    people: String,
    /// Places that the words may mean, with the value that chooses each.
    choices: Vec<(String, Candidate)>,
    is_open: bool,
}

#[derive(Template)]
#[template(path = "cadastro.html")]
struct FormPage {
    v: View,
    stamp: String,
    given: BTreeMap<String, String>,
    places: Vec<PlaceFields>,
    messages: Vec<String>,
    bounds: String,
    /// Where a CEP by SMS goes; empty when the town has no number for it.
    short_number: String,
}

impl FormPage {
    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.given(name) == "yes"
    }

    fn needs(&self, need: &Need) -> bool {
        self.has(&format!("need_{need}"))
    }

    fn living(&self, number: impl Given<usize>, what: &str) -> &str {
        self.given(&format!("living{}{what}", number.given()))
    }

    fn lives_with(&self, number: impl Given<usize>, need: &Need) -> bool {
        self.has(&format!("living{}_{need}", number.given()))
    }

    fn names_anybody(&self) -> bool {
        self.given.iter().any(|(name, value)| name.starts_with("living") && !value.is_empty())
    }
}

fn place_fields(given: &BTreeMap<String, String>, which: &[(usize, Vec<Candidate>)]) -> Vec<PlaceFields> {
    let field = |name: &str, number: usize| given.get(&format!("{name}{number}")).cloned().unwrap_or_default();
    let one = |number: usize| {
        let choices = which.iter().find(|(at, _)| *at == number).map(|(_, all)| all.as_slice()).unwrap_or_default();
        PlaceFields {
            number,
            label: field("label", number),
            text: if number == 1 { given.get("place").cloned().unwrap_or_default() } else { field("place", number) },
            people: field("people", number),
            choices: choices.iter().map(|one| (form::choice(one), one.clone())).collect(),
            is_open: number == 1 || !field("place", number).is_empty(),
        }
    };
    (1..=PLACES).map(one).collect()
}

async fn form_page(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    which: &[(usize, Vec<Candidate>)],
    messages: Vec<String>,
) -> Result<Response, ApiError> {
    let bounds = super::drawing::bounds_json(&mut *app.db.web.acquire().await?).await?;
    let stamp = stamp::make(&app.keys.service, &app.ids, v.now);
    let short_number = app.config.sms.smpp.first().map(|provider| provider.source_addr.clone()).unwrap_or_default();
    let places = place_fields(&given, which);
    page(&FormPage { v, stamp, given, places, messages, bounds, short_number })
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    form_page(&app, v, BTreeMap::new(), &[], Vec::new()).await
}

async fn send(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let given = form::bounded(fields);
    let refused = async |v: View, given, which: &[(usize, Vec<Candidate>)], status: StatusCode, messages| {
        Ok((status, form_page(&app, v, given, which, messages).await?).into_response())
    };
    let stamp = given.get("stamp").map_or("", String::as_str);
    let Ok(checked) = stamp::check(&app.keys.service, v.now, stamp) else {
        let messages = vec![v.t("signup-old")];
        return refused(v, given, &[], StatusCode::UNPROCESSABLE_ENTITY, messages).await;
    };
    if checked.is_too_fast {
        let messages = vec![v.t("signup-fast")];
        return refused(v, given, &[], StatusCode::UNPROCESSABLE_ENTITY, messages).await;
    }
    let read = form::read(&mut *app.db.web.acquire().await?, &given, v.lang).await?;
    let Filled { to, wish } = match read {
        Ok(filled) => filled,
        Err(Wrong { keys, which }) => {
            let messages = keys.iter().map(|key| v.t(key)).collect();
            return refused(v, given, &which, StatusCode::UNPROCESSABLE_ENTITY, messages).await;
        }
    };
    if !app.config.signup.takes((to.0, &to.1)) {
        let messages = vec![v.t("own-wrong-abroad")];
        return refused(v, given, &[], StatusCode::UNPROCESSABLE_ENTITY, messages).await;
    }
    // A machine is shown what people are shown, and nobody's telephone rings.
    if given.get("website").is_some_and(|text| !text.trim().is_empty()) {
        return Ok(Redirect::to(CODE_PAGE).into_response());
    }
    let asked = desk::ask(&app, v.lang, &wish, (to.0, &to.1), from.map(neighbourhood)).await;
    let (status, key) = match asked.map_err(ApiError::Internal)? {
        Asked::Sent(id) => return Ok(to_code_page(&app, id)),
        Asked::Wait => (StatusCode::TOO_MANY_REQUESTS, "own-wait"),
        Asked::Full => (StatusCode::SERVICE_UNAVAILABLE, "signup-full"),
    };
    let messages = vec![v.t(key)];
    refused(v, given, &[], status, messages).await
}

fn to_code_page(app: &App, id: Uuid) -> Response {
    // A code is good only in the browser that asked.
    let step = cookie::write_guarded(cookie::SIGNUP_STEP, &id.to_string(), CODE_FOR.num_seconds(), secure(app));
    ([(header::SET_COOKIE, step)], Redirect::to(CODE_PAGE)).into_response()
}

fn secure(app: &App) -> bool {
    app.config.public_url().starts_with("https")
}

#[derive(Template)]
#[template(path = "cadastro_codigo.html")]
struct CodePage {
    v: View,
    message: String,
}

async fn code_form(v: View) -> Result<Response, ApiError> {
    page(&CodePage { v, message: String::new() })
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    code: String,
}

async fn confirm(
    State(app): State<App>,
    v: View,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let step = cookie::read_guarded(&headers, cookie::SIGNUP_STEP, secure(&app)).and_then(|id| id.parse().ok());
    let joined = match step {
        Some(step) => desk::confirm(&app, step, &typed.code).await.map_err(ApiError::Internal)?,
        None => None,
    };
    let Some(joined) = joined else {
        let message = v.t("own-code-wrong");
        return Ok((StatusCode::UNAUTHORIZED, page(&CodePage { v, message })?).into_response());
    };
    come_in(&app, &headers, &joined).await
}

/// Whoever has just shown a code sees what is held of them now.
async fn come_in(app: &App, headers: &HeaderMap, joined: &Joined) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    if let Some(earlier) = cookie::read_guarded(headers, cookie::RESIDENT, secure(app)) {
        store::close_visit(&mut tx, earlier).await?;
    }
    let at = (joined.channel.as_str(), joined.address.as_str());
    let token = store::open_visit(&mut tx, &app.ids, now, joined.resident, at).await?;
    let told = serde_json::json!({ "channel": joined.channel });
    let entry = Entry::new(audit::Act::ResidentSignIn, "resident", joined.resident).to(told);
    audit::record(&mut tx, &app.ids, now, &resident_actor(joined.resident), entry).await?;
    tx.commit().await?;
    let mut response = match joined.left_out {
        Left { places: 0, companions: 0 } => Redirect::to(OWN_PAGE),
        Left { places: 0, .. } => Redirect::to(&format!("{OWN_PAGE}&wrong=living")),
        Left { places, .. } => Redirect::to(&format!("{OWN_PAGE}&wrong=left&n={places}")),
    }
    .into_response();
    for cookie in [
        cookie::write_guarded(cookie::RESIDENT, &token, SESSION_FOR.num_seconds(), secure(app)),
        cookie::write_guarded(cookie::SIGNUP_STEP, "", 0, secure(app)),
    ] {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "cadastro_link.html")]
struct LinkPage {
    v: View,
    token: String,
    is_gone: bool,
}

/// Programs that read mail follow links: looking confirms nothing.
async fn link(v: View, State(app): State<App>, Path(token): Path<String>) -> Result<Response, ApiError> {
    let is_gone = signup::check(&app.keys.service, &token).is_none();
    let status = if is_gone { StatusCode::NOT_FOUND } else { StatusCode::OK };
    Ok((status, page(&LinkPage { v, token, is_gone })?).into_response())
}

async fn follow(
    State(app): State<App>,
    v: View,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, ApiError> {
    let joined = match signup::check(&app.keys.service, &token) {
        Some(code) => desk::follow(&app, code).await.map_err(ApiError::Internal)?,
        None => None,
    };
    let Some(joined) = joined else {
        return Ok((StatusCode::GONE, page(&LinkPage { v, token, is_gone: true })?).into_response());
    };
    come_in(&app, &headers, &joined).await
}
