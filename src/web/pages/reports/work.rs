//! What the desk does with an occurrence beside deciding on it. Each answers with the page it was done on.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::acts::{back, by, refused};
use super::{Halted, Shown, occurrence_page};
use crate::app::App;
use crate::occurrences::store::{Assessed, parent};
use crate::occurrences::{MOST_PEOPLE, Need, Priority, desk, photographs};
use crate::reports::acts::{self, ActError};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;
use crate::web::reports::clean;
use crate::web::upload::{self, MAX_FILES, Pictures, Shape};

/// Letters of a note.
pub const NOTE: std::ops::RangeInclusive<usize> = 1..=2000;

#[derive(Deserialize)]
pub struct Because {
    #[serde(default)]
    reason: String,
}

pub async fn unmerge(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Because>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    acts::unmerge(&mut tx, by(&app, &v, &actor), id, &given.reason).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

#[derive(Deserialize)]
pub struct Urgency {
    /// 1 to 4, or empty for the rule's.
    #[serde(default)]
    priority: String,
    #[serde(default)]
    reason: String,
}

pub async fn priority(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Urgency>,
) -> Result<Response, ApiError> {
    let wrong = |error: crate::occurrences::priority::UnknownPriority| {
        ApiError::field("priority", given.priority.clone(), error.to_string())
    };
    let to = if given.priority.is_empty() { None } else { Some(given.priority.parse::<Priority>().map_err(wrong)?) };
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let done = desk::prioritise(&mut tx, by(&app, &v, &actor), id, to, &given.reason).await;
    done.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

/// People, needs and hazard, as the form has them.
fn assessed(given: &BTreeMap<String, String>) -> Result<Assessed, ApiError> {
    let text = |name: &str| given.get(name).map_or("", |text| text.trim());
    let people = match (text("people"), text("people").parse::<i32>()) {
        ("", _) => None,
        (_, Ok(number)) if (0..=MOST_PEOPLE).contains(&number) => Some(number),
        (other, _) => return Err(ApiError::field("people", other, format!("expected 0 to {MOST_PEOPLE}"))),
    };
    let code = text("cobrade");
    let cobrade = match code.parse::<crate::cobrade::Cobrade>() {
        _ if code.is_empty() => None,
        Ok(code) => Some(code.to_string()),
        Err(error) => return Err(ApiError::field("cobrade", code, error.to_string())),
    };
    let needs = Need::ALL.iter().filter(|need| given.contains_key(&format!("need_{need}"))).copied().collect();
    Ok(Assessed { people, needs, cobrade })
}

pub async fn assess(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let found = assessed(&given)?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    desk::assess(&mut tx, by(&app, &v, &actor), id, &found).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

#[derive(Deserialize)]
pub struct Person {
    #[serde(default)]
    assignee: String,
}

pub async fn assign(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Person>,
) -> Result<Response, ApiError> {
    let name = given.assignee.trim().trim_start_matches('@').to_lowercase();
    let to = Some(name.as_str()).filter(|name| !name.is_empty());
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    desk::assign(&mut tx, by(&app, &v, &actor), id, to).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

#[derive(Deserialize)]
pub struct Under {
    /// Number of the incident.
    incident: String,
    #[serde(default)]
    reason: String,
}

pub async fn attach(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Under>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let number = given.incident.trim();
    let incident = parent::by_number(&mut tx, number).await?;
    let incident = incident.ok_or_else(|| ApiError::field("incident", number, v.t("occurrence-unknown-incident")))?;
    let reason = super::acts::reason(&v, &given.reason, false)?;
    let actor = staff.actor();
    let done = desk::attach(&mut tx, by(&app, &v, &actor), id, incident, (reason, v.status)).await;
    done.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

pub async fn detach(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Because>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    desk::detach(&mut tx, by(&app, &v, &actor), id, &given.reason).await.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}

/// The form of a note. A letter is up to four bytes.
const FORM: Shape = Shape {
    fields: &["text", "corrects"],
    max_field_bytes: 4 * *NOTE.end() as u64 + 1024,
    max_files: MAX_FILES,
    pictures: Pictures::All,
    is_public: false,
};

/// Writes a note, with the photographs that come with it, or corrects one. What was typed stays where it cannot be kept; files have to be
/// chosen again, because no page may choose them.
pub async fn note(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    let (fields, pictures) = match upload::fields(&app, request, FORM).await {
        Ok(filled) => (filled.fields, filled.pictures),
        Err(stopped) => {
            let text = stopped.fields.get("text").cloned().unwrap_or_default();
            let halted = Halted { text, wrong: stopped.wrong.words(v.lang) };
            let answer = occurrence_page(&app, v, id, Shown { halted, ..Shown::default() }).await?;
            return Ok((stopped.wrong.status(), answer).into_response());
        }
    };
    let text = clean(fields.get("text").map_or("", String::as_str));
    if !NOTE.contains(&text.chars().count()) {
        return Err(ApiError::field("text", text, "expected 1 to 2000 characters"));
    }
    let corrects = match fields.get("corrects").map_or("", String::as_str) {
        "" => None,
        line => Some(line.parse().map_err(|_| ApiError::field("corrects", line, "expected the number of a line"))?),
    };
    let mut tx = app.db.web.begin().await?;
    let (actor, base) = (staff.actor(), app.config.public_url());
    let note = desk::Note { text: &text, corrects, pictures: &pictures, known: &[] };
    match desk::note(&mut tx, by(&app, &v, &actor), id, note, &base).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(ActError::Full) => {
            tx.rollback().await?;
            let halted = Halted { wrong: v.t("occurrence-photographs-full"), text };
            let answer = occurrence_page(&app, v, id, Shown { halted, ..Shown::default() }).await?;
            Ok((StatusCode::CONFLICT, answer).into_response())
        }
        Err(error) => Err(refused(&v, error)),
    }
}

/// Empties a photograph of staff; who, when and why stay.
pub async fn remove_photograph(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Form(given): Form<Because>,
) -> Result<Response, ApiError> {
    let reason = super::acts::reason(&v, &given.reason, true)?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let done = photographs::remove(&mut tx, by(&app, &v, &actor), (id, photograph), reason).await;
    done.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}
