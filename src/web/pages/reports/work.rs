//! What the desk does with an occurrence beside deciding on it. Each answers with the page it was done on.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::acts::{back, by, refused};
use crate::app::App;
use crate::occurrences::store::{Assessed, parent};
use crate::occurrences::{MOST_PEOPLE, Need, Priority, desk};
use crate::reports::acts;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;
use crate::web::reports::clean;

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

#[derive(Deserialize)]
pub struct Note {
    text: String,
    /// The line that this one corrects; empty for none.
    #[serde(default)]
    corrects: String,
}

impl Note {
    /// # Errors
    /// Names the field.
    pub fn checked(&self) -> Result<(String, Option<i64>), ApiError> {
        let text = clean(&self.text);
        if !NOTE.contains(&text.chars().count()) {
            return Err(ApiError::field("text", text, "expected 1 to 2000 characters"));
        }
        let corrects = match self.corrects.as_str() {
            "" => None,
            line => Some(line.parse().map_err(|_| ApiError::field("corrects", line, "expected the number of a line"))?),
        };
        Ok((text, corrects))
    }
}

pub async fn note(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Note>,
) -> Result<Response, ApiError> {
    let (text, corrects) = given.checked()?;
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let base = app.config.public_url();
    let done = desk::note(&mut tx, by(&app, &v, &actor), id, (&text, corrects), &base).await;
    done.map_err(|error| refused(&v, error))?;
    tx.commit().await?;
    Ok(back(id))
}
