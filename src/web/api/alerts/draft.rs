//! Drafts by hand, and edits.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alerts::draft::{DraftEdit, Subject, statuses};
use crate::alerts::{AlertError, AlertKind, store, trail};
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::ids::{AlertId, AreaId};
use crate::units::Level;
use crate::web::api::alerts::drafter;
use crate::web::api::alerts::places::{PlaceGiven, found};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// What a draft by hand is about. The texts come from the templates and can be edited afterwards.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDraft {
    /// COBRADE code of the hazard, "1.1.3.2.1".
    #[schema(value_type = String)]
    pub cobrade: Cobrade,
    /// observation, attention, alert or maximum.
    #[schema(value_type = String)]
    pub level: Level,
    /// actual, test or system: the last two reach testers and nobody else, and never become real. Without it, the service's own
    /// (`alerts.status`). Alerts of exercises are drafted at their exercise.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Option<AlertStatus>,
    /// Codes of risk areas.
    #[serde(default)]
    pub areas: Vec<String>,
    /// Other places. There must be one, or a risk area.
    #[serde(default)]
    #[schema(max_items = 40)]
    pub places: Vec<PlaceGiven>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Created {
    pub id: Uuid,
    pub revision: i32,
}

/// Writes a draft.
///
/// # Errors
/// 400 naming the field; 401, 403.
#[utoipa::path(post, path = "/api/v1/alerts", tag = "alerts", request_body = NewDraft,
    responses((status = 201, body = Created), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)), security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    StrictJson(given): StrictJson<NewDraft>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    if given.level <= Level::Normal {
        return Err(ApiError::field(
            "level",
            given.level.as_str(),
            "expected observation, attention, alert or maximum",
        ));
    }
    let own = app.config.alerts.status;
    let status = given.status.unwrap_or(own);
    if !statuses(own).contains(&status) {
        let words = statuses(own).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(ApiError::field("status", status.as_str(), format!("expected one of {words}")));
    }
    let mut tx = app.db.web.begin().await?;
    let rows = sqlx::query!(
        r#"select id as "id: AreaId", code from risk_area where code = any($1) and retired_at is null"#,
        &given.areas
    )
    .fetch_all(&mut *tx)
    .await?;
    if let Some((index, code)) =
        given.areas.iter().enumerate().find(|(_, code)| !rows.iter().any(|row| row.code == **code))
    {
        return Err(ApiError::field(
            format!("areas[{index}]"),
            code,
            "there is no risk area in service with this code",
        ));
    }
    if rows.is_empty() && given.places.is_empty() {
        return Err(ApiError::field("areas", "[]", "give at least one risk area, or another place"));
    }
    let mut places = Vec::with_capacity(given.places.len());
    for place in &given.places {
        places.push(found(&mut tx, place).await?);
    }
    let areas: Vec<AreaId> = rows.iter().map(|row| row.id).collect();
    let subject = Subject {
        kind: AlertKind::Alert,
        cobrade: given.cobrade,
        level: given.level,
        areas: &areas,
        references: None,
        status,
        rule: None,
        reasons: &[],
    };
    let now = app.clock.now();
    let id = drafter(&app).create_over(&mut tx, (now, &staff.username), &subject, &places).await?;
    trail::drafted(&mut tx, &app.ids, now, &staff.actor(), id, "").await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Created { id: id.0, revision: 1 })))
}

/// An edit with the revision it was made on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub revision: i32,
    pub texts: DraftEdit,
}

/// Saves an edit of a draft and answers with the new revision.
///
/// # Errors
/// 400 naming the field; 404; 409 when the draft moved since `revision` or is no draft any more.
#[utoipa::path(put, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path,)), request_body = Edit,
    responses((status = 200, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Edit>,
) -> Result<Json<Created>, ApiError> {
    if given.texts.headline_breaks() {
        return Err(ApiError::field(
            "texts.headline",
            &given.texts.headline,
            "expected one line, without control characters",
        ));
    }
    if let Some((field, length, most)) = given.texts.too_long() {
        let message = format!("has {length} characters; at most {most}");
        return Err(ApiError::field(format!("texts.{field}"), "", message));
    }
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    if given.texts.expires_at <= now {
        return Err(ApiError::field(
            "texts.expires_at",
            given.texts.expires_at.to_rfc3339(),
            "is over; expected a time to come",
        ));
    }
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let saved = drafter(&app).save(&mut tx, now, &staff.username, AlertId(id), given.revision, &given.texts).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision: saved }))
}
