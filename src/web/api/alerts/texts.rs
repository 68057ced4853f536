//! What a draft says in each language, and how plain that is.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alerts::plain::Review;
use crate::alerts::wording::{OtherEdit, OtherText, own};
use crate::alerts::{AlertError, draft, store, trail};
use crate::app::App;
use crate::dispatch::provider::Tier;
use crate::dispatch::sms_text;
use crate::ids::AlertId;
use crate::web::api::alerts::draft::Created;
use crate::web::api::alerts::drafter;
use crate::web::api::alerts::places::Seen;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// The texts of one language with what was found in them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TextsOfLanguage {
    #[serde(flatten)]
    pub texts: OtherText,
    /// Parts of the SMS that are paid, as phones put them together.
    pub sms_parts: Vec<String>,
    /// Characters that force sixteen bits and so halve a part.
    pub forcing: Vec<char>,
    pub review: Review,
}

/// Every text of an alert, the town's own language first.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/texts", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<TextsOfLanguage>), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn list(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Vec<TextsOfLanguage>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let reviews = drafter(&app).look(&mut conn, &alert.row).await?;
    let national = Tier::of(&app.config, None).is_national();
    let texts = std::iter::once(own(&alert.row)).chain(alert.texts);
    let all = texts.zip(reviews).map(|(texts, review)| TextsOfLanguage {
        sms_parts: sms_text::segments_with(&texts.sms_text, national).into_iter().map(str::to_owned).collect(),
        forcing: sms_text::measure_with(&texts.sms_text, national).forcing,
        texts,
        review,
    });
    Ok(Json(all.collect()))
}

/// Texts of another language with the revision they were written on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditOther {
    pub revision: i32,
    pub texts: OtherEdit,
}

/// Saves the texts of another language than the town's own, which `PUT /api/v1/alerts/{id}` saves.
///
/// # Errors
/// 400 naming the field; 404 for a language the alert does not have; 409 when the draft moved since `revision`.
#[utoipa::path(put, path = "/api/v1/alerts/{id}/texts/{language}", tag = "alerts",
    params(("id" = Uuid, Path,), ("language" = String, Path, description = "en or es")), request_body = EditOther,
    responses((status = 200, body = Created), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn edit(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path((id, language)): Path<(Uuid, String)>,
    StrictJson(given): StrictJson<EditOther>,
) -> Result<Json<Created>, ApiError> {
    let OtherEdit { headline, description, instruction, sms_text } = &given.texts;
    if draft::breaks(headline) {
        return Err(ApiError::field("texts.headline", headline, "expected one line, without control characters"));
    }
    if let Some((field, length, most)) = draft::too_long(headline, description, instruction, sms_text) {
        return Err(ApiError::field(format!("texts.{field}"), "", format!("has {length} characters; at most {most}")));
    }
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let (by, of) = ((now, staff.username.as_str()), (AlertId(id), given.revision));
    let revision = drafter(&app).save_other(&mut tx, by, of, &language, &given.texts).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}

/// Throws the texts of one language away and writes them from the template; what they were is in the history.
///
/// # Errors
/// 404 for a language without templates; 409 when the draft moved since `revision`.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/texts/{language}/regenerate", tag = "alerts",
    params(("id" = Uuid, Path,), ("language" = String, Path, description = "pt-BR, en or es")), request_body = Seen,
    responses((status = 200, body = Created), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn regenerate(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    Path((id, language)): Path<(Uuid, String)>,
    StrictJson(seen): StrictJson<Seen>,
) -> Result<Json<Created>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let now = app.clock.now();
    let before = store::load(&mut tx, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    let (by, of) = ((now, staff.username.as_str()), (AlertId(id), seen.revision));
    let revision = drafter(&app).regenerate(&mut tx, by, of, &language).await?;
    trail::edited(&mut tx, &app.ids, now, &staff.actor(), &before).await?;
    tx.commit().await?;
    Ok(Json(Created { id, revision }))
}
