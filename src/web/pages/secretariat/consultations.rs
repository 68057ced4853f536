//! `/secretaria/participacao`: consultations, what people said with the answers, and the form to say something. No account is needed.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::super::page;
use super::super::view::View;
use super::{in_plain_words, pairs, told};
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::reports::stamp;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::participation::{self, CONSULTATION, CONTRIBUTION, Said};
use crate::web::error::{ApiError, FieldError};

/// Consultations of the page, and contributions with answers.
const SHOWN: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/participacao", get(list))
        .route("/secretaria/participacao/consultas/{id}", get(show))
        .route("/secretaria/participacao/consultas/{id}/contribuir", post(send))
        .route("/secretaria/participacao/consultas/{id}/recebida/{number}", get(received))
}

/// A publication with its state in words.
struct Told {
    one: Published,
    state: String,
    is_open: bool,
    pairs: Vec<(String, String)>,
}

impl Told {
    fn text(&self, field: &str) -> &str {
        self.one.view.fields.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

async fn in_words(app: &App, conn: &mut sqlx::PgConnection, v: &View, one: Published) -> sqlx::Result<Told> {
    let kept = app.cases.version(conn, &one.view.type_key, one.view.version).await?;
    let today = v.now.with_timezone(&v.tz).date_naive();
    let day = |field: &str| -> Option<chrono::NaiveDate> { one.view.fields.get(field)?.as_str()?.parse().ok() };
    // The service closes it within minutes; until then the last day decides.
    let is_open = one.view.state == "open"
        && day("opens_on").is_some_and(|first| first <= today)
        && day("closes_on").is_some_and(|last| today <= last);
    Ok(Told {
        state: kept.def.state_label(&one.view.state, v.lang),
        pairs: pairs(v, &kept.def, &one.view.fields),
        is_open,
        one,
    })
}

#[derive(Template)]
#[template(path = "secretariat/sec_consultations.html")]
struct ListPage {
    v: View,
    all: Vec<Told>,
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = published::list(&mut conn, "participation", Some(CONSULTATION), None, (v.now, SHOWN)).await?;
    let mut all = Vec::with_capacity(found.len());
    for one in found {
        all.push(in_words(&app, &mut conn, &v, one).await?);
    }
    all.sort_by_key(|told| !told.is_open);
    page(&ListPage { v, all })
}

#[derive(Template)]
#[template(path = "secretariat/sec_consultation.html")]
struct ShownPage {
    v: View,
    told: Told,
    matrix: Vec<Told>,
    /// Query of the next answers; empty: there are no more.
    next: String,
    given: Given,
    stamp: String,
    wrong: String,
    errors: Vec<FieldError>,
}

impl ShownPage {
    /// What is wrong with an input; empty: nothing.
    fn wrong_of(&self, key: &str) -> &str {
        let found = self.errors.iter().find(|error| error.field.strip_prefix("fields.") == Some(key));
        found.map_or("", |error| &error.message)
    }
}

/// The form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    text: String,
    part: String,
    name: String,
    email: String,
    may_name: String,
    stamp: String,
    /// A field that only machines see.
    website: String,
}

async fn shown(
    app: &App,
    v: View,
    (id, after): (Uuid, Option<(Instant, Uuid)>),
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let last = published::of_case(&mut conn, id, v.now).await?.into_iter().next();
    let last = last.filter(|one| one.view.type_key == CONSULTATION);
    let last = last.ok_or_else(|| ApiError::NotFound(format!("consultation {id}")))?;
    let told = in_words(app, &mut conn, &v, last).await?;
    let mut matrix = Vec::new();
    let found = published::below(&mut conn, id, after, (v.now, SHOWN)).await?;
    let last = found.last().filter(|_| found.len() as i64 == SHOWN);
    let next = last.map_or_else(String::new, |last| {
        let at = last.published_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        format!("?after_at={at}&after_id={}", last.id)
    });
    for one in found {
        matrix.push(in_words(app, &mut conn, &v, one).await?);
    }
    let stamp = stamp::make(&app.keys.service, &app.ids, v.now);
    let is_wrong = !wrong.is_empty();
    let mut response = page(&ShownPage { v, told, matrix, next, given, stamp, wrong, errors })?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    // A form is for one reader.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// From which answer on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct After {
    after_at: Option<Instant>,
    after_id: Option<Uuid>,
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(after): Query<After>,
) -> Result<Response, ApiError> {
    let after = after.after_at.zip(after.after_id);
    shown(&app, v, (id, after), Given::default(), (String::new(), Vec::new())).await
}

async fn send(
    State(app): State<App>,
    mut v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    // Whoever changes the language on a form that was refused comes back to a page.
    v.here = format!("/secretaria/participacao/consultas/{id}");
    let checked = stamp::check(&app.keys.service, v.now, &given.stamp).ok();
    let Some(checked) = checked.filter(|_| given.website.trim().is_empty()) else {
        let again = v.t("sec-participation-again");
        return shown(&app, v, (id, None), given, (again, Vec::new())).await;
    };
    // What citizens do leaves no address of the network in the audit.
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let said = Said {
        text: given.text.clone(),
        part: given.part.clone(),
        name: given.name.clone(),
        email: given.email.clone(),
        may_name: given.may_name == "yes",
        stamp: Some(checked.key),
    };
    let mut tx = app.db.web.begin().await?;
    match participation::contribute(&mut tx, Desk::of(&app, &actor, &who), id, &said).await {
        Ok(case) => {
            tx.commit().await?;
            let number = case.number().replace([' ', '/'], "-");
            Ok(Redirect::to(&format!("/secretaria/participacao/consultas/{id}/recebida/{number}")).into_response())
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = told(&v, error)?;
            let errors = match app.cases.get(CONTRIBUTION) {
                Some(kept) => in_plain_words(&v, &kept.def, errors),
                None => errors,
            };
            shown(&app, v, (id, None), given, (wrong, errors)).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_contributed.html")]
struct ReceivedPage {
    v: View,
    id: Uuid,
    number: String,
}

async fn received(v: View, Path((id, number)): Path<(Uuid, String)>) -> Result<Response, ApiError> {
    // Nobody else's words on a page of the town.
    let is_number = number.len() <= 24
        && number.starts_with("CTB-")
        && number[4..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_number {
        return Err(ApiError::NotFound(format!("contribution {number:?}")));
    }
    page(&ReceivedPage { v, id, number })
}
