//! Occurrences at work over HTTP: taken by hand, looked at, acted upon.

pub mod acts;
pub mod photographs;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use acts::{__path_act, act};

use crate::accounts::Permission;
use crate::app::App;
use crate::incidents::shift::store as shifts;
use crate::occurrences::intake;
use crate::occurrences::store;
use crate::reports::acts::By;
use crate::reports::locate::locate;
use crate::reports::store::queue;
use crate::reports::take::Desk;
use crate::web::auth::{May, can};
use crate::web::desk::{self as door, Call};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;
use crate::web::reports::refusal;

/// Hand-over notes in one answer.
const NOTES: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/occurrences", post(create))
        .route("/api/v1/occurrences/{id}", get(show))
        .route("/api/v1/occurrences/{id}/acts", post(acts::act))
        .route("/api/v1/occurrences/{id}/photographs", get(photographs::list).post(photographs::add))
        .route("/api/v1/occurrences/{id}/photographs/{photograph}", get(photographs::show))
        .route("/api/v1/shift-notes", get(shift_notes))
}

/// An occurrence that the desk takes: a call, a radio message, or what the service itself showed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOccurrence {
    /// Given by whoever sends: what comes twice is one. 16 to 64 letters, digits, - or _.
    #[schema(pattern = "^[A-Za-z0-9_-]{16,64}$")]
    id: String,
    /// call (default), radio, `in_person`, agency, alert, level or reading.
    #[serde(default)]
    origin: Option<String>,
    /// Number of the alert, for the origin alert.
    #[serde(default)]
    alert: Option<String>,
    /// Code of the risk area, for the origin level, and its hazard (COBRADE); without one its last change of level.
    #[serde(default)]
    area: Option<String>,
    #[serde(default)]
    hazard: Option<String>,
    /// Code of the station and name of its stream, for the origin reading.
    #[serde(default)]
    station: Option<String>,
    #[serde(default)]
    stream: Option<String>,
    /// landslide, flooding and the other kinds of `POST /api/v1/reports`.
    kind: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// Where, in words; needed without lat and lon.
    #[serde(default)]
    #[schema(max_length = 500)]
    place: Option<String>,
    #[serde(default)]
    lat: Option<f64>,
    #[serde(default)]
    lon: Option<f64>,
    #[serde(default)]
    accuracy_m: Option<f64>,
    /// How to ask back; kept sealed, and for a time.
    #[serde(default)]
    #[schema(max_length = 254)]
    contact: Option<String>,
    /// People in danger.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000)]
    people: Option<i32>,
    /// carried, oxygen, injured, children, elderly, animals.
    #[serde(default)]
    #[schema(max_items = 6)]
    needs: Vec<String>,
    /// COBRADE, where it is another than the kind's.
    #[serde(default)]
    cobrade: Option<String>,
    /// 1 (lives in danger) to 4 by hand; needs `priority_reason` and the permission `run_incidents`.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4)]
    priority: Option<i32>,
    #[serde(default)]
    #[schema(min_length = 3, max_length = 2000)]
    priority_reason: Option<String>,
    /// The open occurrence it belongs to; without it another one is opened.
    #[serde(default)]
    into: Option<Uuid>,
}

impl NewOccurrence {
    fn fields(self) -> Result<BTreeMap<String, String>, ApiError> {
        let number = |number: Option<f64>| number.map(|number| number.to_string());
        let pairs = [
            ("id", Some(self.id)),
            ("origin", self.origin),
            ("alert", self.alert),
            ("area", self.area),
            ("level_hazard", self.hazard),
            ("station", self.station),
            ("stream", self.stream),
            ("kind", Some(self.kind)),
            ("text", self.text),
            ("place", self.place),
            ("lat", number(self.lat)),
            ("lon", number(self.lon)),
            ("accuracy_m", number(self.accuracy_m)),
            ("contact", self.contact),
            ("people", self.people.map(|people| people.to_string())),
            ("cobrade", self.cobrade),
            ("priority", self.priority.map(|priority| priority.to_string())),
            ("priority_reason", self.priority_reason),
            ("into", self.into.map(|into| into.to_string())),
        ];
        let mut fields: BTreeMap<String, String> =
            pairs.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect();
        for need in checked_needs(&self.needs)? {
            fields.insert(format!("need_{need}"), "yes".into());
        }
        Ok(fields)
    }
}

fn checked_needs(needs: &[String]) -> Result<Vec<crate::occurrences::Need>, ApiError> {
    let read = |need: &String| {
        need.parse()
            .map_err(|error: crate::units::UnknownWord| ApiError::field("needs", need.clone(), error.to_string()))
    };
    needs.iter().take(16).map(read).collect()
}

/// What became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TakenOccurrence {
    /// Of the occurrence.
    pub id: Uuid,
    pub number: String,
    /// Of the report in it.
    pub report: Uuid,
    pub protocol: String,
}

/// Takes an occurrence by hand. The same `id` again is answered as the first time.
///
/// # Errors
/// 400 naming every field that is wrong; 403; 409 when what it is put to is over.
#[utoipa::path(post, path = "/api/v1/occurrences", tag = "occurrences", request_body = NewOccurrence,
    responses((status = 201, body = TakenOccurrence), (status = 200, body = TakenOccurrence, description = "It had come before"),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::ReportField>,
    StrictJson(given): StrictJson<NewOccurrence>,
) -> Result<(StatusCode, Json<TakenOccurrence>), ApiError> {
    let call = Call::read(&given.fields()?).map_err(refusal)?;
    if call.priority.is_some() {
        staff.require(Permission::RunIncidents)?;
    }
    let mut tx = app.db.web.begin().await?;
    let seen = intake::seen(&mut tx, &call.cause).await?;
    if seen.is_none() && call.cause.origin().is_echo() {
        return Err(refusal(vec![door::unknown_cause(&call.cause)]));
    }
    let spot = locate(&mut tx, call.place()).await?.spot.or_else(|| door::of_seen(seen.as_ref()));
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let report = door::report(&staff, &call, spot, &staff.language);
    let taken = intake::take(&mut tx, by, door::intake(&call, report, seen)).await.map_err(acts::refused)?;
    tx.commit().await?;
    let status = if taken.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let answer = TakenOccurrence {
        id: taken.occurrence,
        number: taken.occurrence_number,
        report: taken.id,
        protocol: taken.protocol,
    };
    Ok((status, Json(answer)))
}

/// A line of its timeline.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OccurrenceEvent {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub kind: String,
    pub text: String,
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The earlier line that this one corrects.
    pub corrects: Option<i64>,
}

/// An occurrence with all that the desk knows of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OccurrenceDetail {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub cobrade: Option<String>,
    /// new, confirmed, dispatched, `on_scene`, resolved, closed, dismissed or merged.
    pub state: String,
    /// 1 (lives in danger) to 4 (can wait): a person's word, else the rule's.
    pub priority: i16,
    pub priority_rule: i16,
    /// What the rule adds up: why, points and what.
    #[schema(value_type = Vec<Object>)]
    pub priority_reasons: Value,
    pub priority_by: Option<String>,
    pub priority_because: Option<String>,
    pub people_at_risk: Option<i32>,
    pub needs: Vec<String>,
    pub assignee: Option<String>,
    pub unit: String,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<i32>,
    pub neighbourhood: String,
    pub opened_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub dispatched_at: Option<DateTime<Utc>>,
    pub on_scene_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub merged_into: Option<Uuid>,
    pub incident_id: Option<Uuid>,
    /// Newest first, at most 500.
    pub timeline: Vec<OccurrenceEvent>,
}

/// One occurrence with its timeline.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/occurrences/{id}", tag = "occurrences", params(("id" = Uuid, Path,)),
    responses((status = 200, body = OccurrenceDetail), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<OccurrenceDetail>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let o = queue::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound("the occurrence".into()))?;
    let w = store::work(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound("the occurrence".into()))?;
    let timeline = queue::timeline(&mut conn, id).await?.into_iter().map(|line| OccurrenceEvent {
        id: line.id,
        at: line.at,
        actor: line.actor,
        kind: line.kind,
        text: line.text,
        detail: line.detail,
        corrects: line.corrects,
    });
    Ok(Json(OccurrenceDetail {
        id: o.id,
        number: o.number,
        kind: o.kind,
        cobrade: w.cobrade,
        state: o.state,
        priority: w.priority,
        priority_rule: w.priority_rule,
        priority_reasons: w.priority_reasons,
        priority_by: w.priority_by,
        priority_because: w.priority_because,
        people_at_risk: w.people_at_risk,
        needs: w.needs,
        assignee: w.assignee,
        unit: w.unit,
        lat: o.lat,
        lon: o.lon,
        accuracy_m: o.precision_m,
        neighbourhood: w.neighbourhood,
        opened_at: o.opened_at,
        last_at: o.last_at,
        dispatched_at: w.dispatched_at,
        on_scene_at: w.on_scene_at,
        resolved_at: w.resolved_at,
        merged_into: o.merged_into,
        incident_id: o.incident_id,
        timeline: timeline.collect(),
    }))
}

/// Hand-over notes of shifts, the newest first, at most 100.
///
/// # Errors
/// 401; 403.
#[utoipa::path(get, path = "/api/v1/shift-notes", tag = "incidents",
    responses((status = 200, body = Vec<shifts::Note>), (status = 401, body = Problem)), security(("api_token" = [])))]
pub async fn shift_notes(State(app): State<App>, _: May<can::SeeConsole>) -> Result<Json<Vec<shifts::Note>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(shifts::list(&mut conn, NOTES).await?))
}
