//! `/simulados`: planned exercises for residents, who join and leave by a code sent to a telephone or mailbox of theirs; and the same as
//! a calendar at `/exercises.ics`.

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::TimeDelta;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::page;
use super::view::View;
use crate::app::App;
use crate::exercises::calendar::{Calendar, Entry};
use crate::exercises::join::{self, Done, Wish};
use crate::exercises::store::read::{self, Which};
use crate::exercises::{Exercise, ExerciseError, ExerciseState};
use crate::hexadecimal::hex;
use crate::residents::desk::Asked as Sent;
use crate::residents::own::{self, CODE_FOR};
use crate::web::client::{ClientAddress, neighbourhood};
use crate::web::cookie;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/simulados", get(list))
        .route("/simulados/{code}", get(show).post(ask))
        .route("/simulados/{code}/codigo", get(code_form).post(confirm))
        .route("/exercises.ics", get(calendar))
}

/// How long an exercise stays on the calendar after its day.
const CALENDAR_KEEPS: TimeDelta = TimeDelta::days(90);
/// Readers may keep the calendar this long.
const CALENDAR_CACHE: &str = "public, max-age=300, must-revalidate";
const NAME_MAX: usize = 120;

#[derive(Template)]
#[template(path = "simulados.html")]
struct ListPage {
    v: View,
    rows: Vec<Exercise>,
}

/// What residents may see: what is to come, runs, or was called off and would still be to come.
async fn upcoming(app: &App, v: &View) -> Result<Vec<Exercise>, ApiError> {
    let which = Which { from: Some(v.now - TimeDelta::days(14)), listed: true, ..Which::default() };
    let rows = read::list(&mut *app.db.web.acquire().await?, &which).await.map_err(ApiError::Internal)?;
    let is_of_now =
        |row: &Exercise| row.state.takes_people() || (row.state == ExerciseState::Cancelled && row.ends_at > v.now);
    Ok(rows.into_iter().filter(is_of_now).collect())
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let rows = upcoming(&app, &v).await?;
    page(&ListPage { v, rows })
}

#[derive(Template)]
#[template(path = "simulado.html")]
struct OnePage {
    v: View,
    e: Exercise,
    who: String,
    name: String,
    message: String,
}

async fn found(app: &App, code: &str) -> Result<Exercise, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let exercise = read::by_code(&mut conn, code).await.map_err(ApiError::Internal)?;
    exercise.ok_or_else(|| ApiError::NotFound("the exercise".into()))
}

async fn show(State(app): State<App>, v: View, Path(code): Path<String>) -> Result<Response, ApiError> {
    let e = found(&app, &code).await?;
    page(&OnePage { v, e, who: String::new(), name: String::new(), message: String::new() })
}

#[derive(Debug, Deserialize)]
struct Asked {
    act: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    reach: String,
    #[serde(default)]
    consent: String,
}

async fn ask(
    State(app): State<App>,
    v: View,
    Path(code): Path<String>,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    let e = found(&app, &code).await?;
    let plain = |text: &str, most: usize| -> String {
        text.trim().chars().filter(|letter| !letter.is_control()).take(most).collect()
    };
    let (who, name) = (plain(&asked.who, 254), plain(&asked.name, NAME_MAX));
    let joins = asked.act != "leave";
    let refuse = |v: View, e: Exercise, status: StatusCode, key: &str| -> Result<Response, ApiError> {
        let message = v.t(key);
        let (who, name) = (who.clone(), name.clone());
        Ok((status, page(&OnePage { v, e, who, name, message })?).into_response())
    };
    if joins && !e.state.takes_people() {
        return refuse(v, e, StatusCode::CONFLICT, "exercise-no-state");
    }
    if joins && asked.consent != "yes" {
        return refuse(v, e, StatusCode::UNPROCESSABLE_ENTITY, "simulado-no-consent");
    }
    let Ok((channel, address)) = own::address(&who) else {
        return refuse(v, e, StatusCode::UNPROCESSABLE_ENTITY, "own-wrong-address");
    };
    if !app.config.signup.takes((channel, &address)) {
        return refuse(v, e, StatusCode::UNPROCESSABLE_ENTITY, "own-wrong-abroad");
    }
    let wish = Wish { exercise: &e, joins, name: &name, everything: asked.reach != "place" };
    let sent = join::ask(&app, v.lang, &wish, (channel, &address), from.map(neighbourhood)).await;
    let id = match sent.map_err(ApiError::Internal)? {
        Sent::Sent(id) => id,
        Sent::Wait => return refuse(v, e, StatusCode::TOO_MANY_REQUESTS, "own-wait"),
        Sent::Full => return refuse(v, e, StatusCode::SERVICE_UNAVAILABLE, "signup-full"),
    };
    // A code is good only in the browser that asked.
    let step = cookie::write_guarded(cookie::EXERCISE_STEP, &id.to_string(), CODE_FOR.num_seconds(), secure(&app));
    Ok(([(header::SET_COOKIE, step)], Redirect::to(&format!("/simulados/{}/codigo", e.code))).into_response())
}

fn secure(app: &App) -> bool {
    app.config.public_url().starts_with("https")
}

#[derive(Template)]
#[template(path = "simulado_code.html")]
struct CodePage {
    v: View,
    e: Exercise,
    message: String,
    /// What came of it, when it is done.
    done: String,
}

async fn code_form(State(app): State<App>, v: View, Path(code): Path<String>) -> Result<Response, ApiError> {
    let e = found(&app, &code).await?;
    page(&CodePage { v, e, message: String::new(), done: String::new() })
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    code: String,
}

async fn confirm(
    State(app): State<App>,
    v: View,
    Path(code): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, ApiError> {
    let e = found(&app, &code).await?;
    let step = cookie::read_guarded(&headers, cookie::EXERCISE_STEP, secure(&app)).and_then(|id| id.parse().ok());
    let done = match step {
        Some(step) => join::confirm(&app, &e, step, &typed.code).await,
        None => Ok(None),
    };
    let refuse = |v: View, e: Exercise, status: StatusCode, key: &str| -> Result<Response, ApiError> {
        let message = v.t(key);
        Ok((status, page(&CodePage { v, e, message, done: String::new() })?).into_response())
    };
    match done {
        Ok(Some(done)) => {
            let done = v.t(match done {
                Done::Joined => "simulado-joined",
                Done::Left => "simulado-left",
                Done::Same => "simulado-same",
            });
            let gone = cookie::write_guarded(cookie::EXERCISE_STEP, "", 0, secure(&app));
            Ok(([(header::SET_COOKIE, gone)], page(&CodePage { v, e, message: String::new(), done })?).into_response())
        }
        Ok(None) => refuse(v, e, StatusCode::UNAUTHORIZED, "own-code-wrong"),
        Err(ExerciseError::Refused(key, _)) => refuse(v, e, StatusCode::CONFLICT, key),
        Err(error) => Err(error.into()),
    }
}

/// The calendar of what residents may see, also of what was called off: a calendar that only forgets it would go on showing it.
async fn calendar(State(app): State<App>, v: View, headers: HeaderMap) -> Result<Response, ApiError> {
    let which = Which { from: Some(v.now - CALENDAR_KEEPS), listed: true, ..Which::default() };
    let rows = read::list(&mut *app.db.web.acquire().await?, &which).await.map_err(ApiError::Internal)?;
    let public_url = app.config.public_url();
    let host = url::Url::parse(&public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let entries = rows.into_iter().map(|row| Entry {
        id: row.id.0,
        url: format!("{public_url}/simulados/{}", row.code),
        title: row.title,
        text: row.public_text,
        place: row.place,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        state: row.state,
        sequence: row.sequence,
        changed_at: row.changed_at,
        created_at: row.created_at,
    });
    let body = Calendar {
        name: format!("Simulados: {}", app.config.municipality.name),
        host: host.unwrap_or_else(|| "localhost".into()),
        entries: entries.collect(),
    }
    .write();
    let digest = Sha256::digest(body.as_bytes());
    let tag = format!("W/\"{}\"", hex(&digest[..16]));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    let tag = HeaderValue::from_str(&tag).map_err(|error| ApiError::Internal(error.into()))?;
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static(CALENDAR_CACHE))];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], body).into_response())
}
