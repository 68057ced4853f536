//! What anybody may see and do: open shelters and what is needed, as totals; registering as a volunteer; answering a call.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::reports::stamp;
use crate::residents::desk::Asked;
use crate::residents::own::{self, CODE_FOR};
use crate::shelters::Shelter;
use crate::shelters::store::{count, list};
use crate::shelters::totals::{public, sum};
use crate::supplies::store::{Need, needs};
use crate::volunteers::calls::{self, LINK};
use crate::volunteers::store::Linked;
use crate::volunteers::{Answer, Signup, Skill, signup};
use crate::web::client::{ClientAddress, neighbourhood};
use crate::web::cookie;
use crate::web::error::ApiError;
use crate::web::pages::cadastro::form::bounded;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/abrigos", get(shelters))
        .route("/voluntarios", get(form).post(send))
        .route("/voluntarios/codigo", get(code_form).post(confirm))
        .route("/v/{token}", get(asked).post(answered))
}

const CODE_PAGE: &str = "/voluntarios/codigo";

#[derive(Template)]
#[template(path = "abrigos.html")]
struct SheltersPage {
    v: View,
    /// Those that take people in, or are about to.
    open: Vec<Shelter>,
    /// None for a few, who could be recognised.
    sheltered: Option<i64>,
    elsewhere: Option<i64>,
    needs: Vec<Need>,
}

async fn shelters(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let all = list(&mut conn).await?;
    let counts = count::by_shelter(&mut conn, (v.now, v.now), count::Whose::town(v.status)).await?;
    let sheltered = public(sum(&counts).all());
    let elsewhere =
        public(count::elsewhere(&mut conn, (v.now, v.now), count::Whose::town(v.status)).await?.heads.all());
    let open = all.into_iter().filter(|shelter| shelter.is_open_to_all(v.status)).collect();
    let mut needs = needs(&mut conn, None).await?;
    needs.retain(|need| need.public && need.missing() > 0);
    page(&SheltersPage { v, open, sheltered, elsewhere, needs })
}

#[derive(Template)]
#[template(path = "voluntarios.html")]
struct FormPage {
    v: View,
    stamp: String,
    given: BTreeMap<String, String>,
    message: String,
}

impl FormPage {
    fn given(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.given(name) == "yes"
    }

    fn can(&self, skill: &Skill) -> bool {
        self.has(&format!("skill_{skill}"))
    }
}

fn form_page(
    app: &App,
    v: View,
    given: BTreeMap<String, String>,
    (status, key): (StatusCode, &str),
) -> Result<Response, ApiError> {
    let stamp = stamp::make(&app.keys.service, &app.ids, v.now);
    let message = if key.is_empty() { String::new() } else { v.t(key) };
    Ok(unkept((status, page(&FormPage { v, stamp, given, message })?).into_response()))
}

/// Neither the browser nor anything on the way keeps a copy.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn form(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    form_page(&app, v, BTreeMap::new(), (StatusCode::OK, ""))
}

/// What the form says; the error is the key of a text.
fn read(given: &BTreeMap<String, String>, v: &View) -> Result<Signup, &'static str> {
    let field = |name: &str| given.get(name).map_or("", |text| text.trim());
    let name = field("name");
    if name.is_empty() || name.chars().count() > 120 {
        return Err("volunteer-wrong-name");
    }
    if field("district").chars().count() > 120 {
        return Err("volunteer-wrong-district");
    }
    if field("consent") != "yes" {
        return Err("volunteer-wrong-consent");
    }
    let skills = Skill::ALL.iter().copied().filter(|skill| field(&format!("skill_{skill}")) == "yes").collect();
    Ok(Signup {
        name: name.to_owned(),
        district: field("district").to_owned(),
        skills,
        language: v.lang.tag().to_owned(),
    })
}

async fn send(
    State(app): State<App>,
    v: View,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    let given = bounded(fields);
    match stamp::check(&app.keys.service, v.now, given.get("stamp").map_or("", String::as_str)) {
        Err(_) => return form_page(&app, v, given, (WRONG, "signup-old")),
        Ok(checked) if checked.is_too_fast => return form_page(&app, v, given, (WRONG, "signup-fast")),
        Ok(_) => {}
    }
    let said = match read(&given, &v) {
        Ok(said) => said,
        Err(key) => return form_page(&app, v, given, (WRONG, key)),
    };
    let Ok(to) = own::address(given.get("who").map_or("", String::as_str)) else {
        return form_page(&app, v, given, (WRONG, "own-wrong-address"));
    };
    if !app.config.signup.takes((to.0, &to.1)) {
        return form_page(&app, v, given, (WRONG, "own-wrong-abroad"));
    }
    // A machine is shown what people are shown, and nobody's telephone rings.
    if given.get("website").is_some_and(|text| !text.trim().is_empty()) {
        return Ok(Redirect::to(CODE_PAGE).into_response());
    }
    let asked = signup::ask(&app, v.lang, &said, (to.0, &to.1), from.map(neighbourhood)).await;
    match asked.map_err(ApiError::Internal)? {
        Asked::Sent(id) => {
            // A code is good only in the browser that asked.
            let secure = secure(&app);
            let step = cookie::write_guarded(cookie::VOLUNTEER_STEP, &id.to_string(), CODE_FOR.num_seconds(), secure);
            Ok(([(header::SET_COOKIE, step)], Redirect::to(CODE_PAGE)).into_response())
        }
        Asked::Wait => form_page(&app, v, given, (StatusCode::TOO_MANY_REQUESTS, "own-wait")),
        Asked::Full => form_page(&app, v, given, (StatusCode::SERVICE_UNAVAILABLE, "signup-full")),
    }
}

fn secure(app: &App) -> bool {
    app.config.public_url().starts_with("https")
}

#[derive(Template)]
#[template(path = "voluntarios_codigo.html")]
struct CodePage {
    v: View,
    message: String,
    is_done: bool,
}

async fn code_form(v: View) -> Result<Response, ApiError> {
    Ok(unkept(page(&CodePage { v, message: String::new(), is_done: false })?))
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
    let step: Option<Uuid> =
        cookie::read_guarded(&headers, cookie::VOLUNTEER_STEP, secure(&app)).and_then(|id| id.parse().ok());
    let is_done = match step {
        Some(step) => signup::confirm(&app, step, &typed.code).await.map_err(ApiError::Internal)?,
        None => false,
    };
    let (status, message) =
        if is_done { (StatusCode::OK, String::new()) } else { (StatusCode::UNAUTHORIZED, v.t("own-code-wrong")) };
    let mut response = unkept((status, page(&CodePage { v, message, is_done })?).into_response());
    if is_done {
        let over = cookie::write_guarded(cookie::VOLUNTEER_STEP, "", 0, secure(&app));
        response.headers_mut().append(header::SET_COOKIE, over);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "volunteer_answer.html")]
struct AnswerPage {
    v: View,
    token: String,
    l: Linked,
}

async fn answer_page(app: &App, v: View, token: String) -> Result<Response, ApiError> {
    let call = LINK.check(&app.keys.service, &token).ok_or_else(|| ApiError::NotFound(v.t("volunteer-link")))?;
    let linked = crate::volunteers::store::linked(&mut *app.db.web.acquire().await?, v.now, call).await?;
    let l = linked.ok_or_else(|| ApiError::NotFound(v.t("volunteer-link")))?;
    Ok(unkept(page(&AnswerPage { v, token, l })?))
}

/// Programs that read mail follow links: looking answers nothing.
async fn asked(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    answer_page(&app, v, token).await
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    answer: String,
}

async fn answered(
    State(app): State<App>,
    v: View,
    Path(token): Path<String>,
    Form(said): Form<Said>,
) -> Result<Response, ApiError> {
    if let Some(call) = LINK.check(&app.keys.service, &token) {
        if said.answer == "leave" {
            calls::leave(&app, call).await?;
        } else {
            let answer = said.answer.parse::<Answer>();
            let answer = answer.map_err(|wrong| ApiError::field("answer", &said.answer, wrong.to_string()))?;
            calls::answered(&app, call, answer).await?;
        }
    }
    answer_page(&app, v, token).await
}
