//! Meetings over HTTP: convening, the calls at the door, the end.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{seen, worked};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::committees::{letters, veil};
use crate::secretariat::kernel::body::desk::meetings::{self as desk, Convening, NewItem};
use crate::secretariat::kernel::body::rules::{Called, Quorum};
use crate::secretariat::kernel::body::{Meeting, MeetingKind, Record, store};
use crate::units::vocabulary;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/committees/{slug}/meetings", get(list).post(convene))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}", get(show))
        .route("/api/v1/secretariat/committees/{slug}/meetings/{number}/acts", post(act))
}

/// Lists the meetings of a body, the latest first, at most 100.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings", tag = "committees", params(("slug" = String, Path,)),
    responses((status = 200, body = Vec<Meeting>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Json<Vec<Meeting>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let body = seen(&mut conn, &staff, &slug).await?;
    Ok(Json(store::meetings::list(&mut conn, body.id, None).await?))
}

/// An item for the agenda.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyNewItem)]
#[serde(deny_unknown_fields)]
pub struct ItemGiven {
    /// 1 to 300 characters.
    pub title: String,
    #[serde(default)]
    pub text: String,
    /// Its documents and words are for members alone.
    #[serde(default)]
    pub restricted: bool,
}

impl From<ItemGiven> for NewItem {
    fn from(given: ItemGiven) -> Self {
        let ItemGiven { title, text, restricted } = given;
        Self { title, text, restricted }
    }
}

/// A meeting as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyConvening)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// ordinary, extraordinary
    #[schema(value_type = String)]
    pub kind: MeetingKind,
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Instant,
    pub place: String,
    /// Of an extraordinary one: why it cannot wait.
    #[serde(default)]
    pub urgency: String,
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<ItemGiven>,
}

/// Convenes a meeting and writes to the members.
///
/// # Errors
/// 400 naming the field; 404; 409 citing the rule when the notice is too short; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings", tag = "committees", params(("slug" = String, Path,)), request_body = New,
    responses((status = 201, body = Meeting), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn convene(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    StrictJson(new): StrictJson<New>,
) -> Result<(StatusCode, Json<Meeting>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let body = worked(&mut tx, &staff, &slug).await?;
    let New { kind, starts_at, place, urgency, items } = new;
    let items = items.into_iter().map(NewItem::from).collect();
    let wanted = Convening { kind, starts_at, place, urgency, items };
    let meeting = desk::convene(&mut tx, by, app.config.municipality.time_zone, &slug, &wanted).await?;
    letters::tell(&mut tx, &app, by, (&body, &meeting)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(meeting)))
}

/// The record of a meeting as far as its reader may know it.
pub(super) async fn read(conn: &mut PgConnection, staff: &Staff, slug: &str, number: &str) -> Result<Record, ApiError> {
    seen(&mut *conn, staff, slug).await?;
    let (body, meeting) = desk::look(&mut *conn, slug, number).await?;
    let mut record = desk::record(&mut *conn, meeting).await?;
    veil(conn, &mut record, (&staff.roles, staff.id.0), &body).await?;
    Ok(record)
}

/// Shows a meeting with everything that happened in it. Restricted items are told of to those who work in the body and to its members who are
/// not recused.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")),
    responses((status = 200, body = Record), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Json<Record>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(read(&mut conn, &staff, &slug, &number).await?))
}

vocabulary! {
    /// What is done to a meeting.
    Step, "act on a meeting" {
        Call = "call",
        Close = "close",
        Cancel = "cancel",
    }
}

/// What is to happen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyMeetingAct)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// call (counts who is there: the first call, then the second), close, cancel
    #[schema(value_type = String)]
    pub act: Step,
    /// Why it is cancelled.
    #[serde(default)]
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMeetingActed)]
pub struct Acted {
    /// opened, waits (a second call follows), no_quorum, held, cancelled
    pub outcome: String,
    /// Of a call.
    pub present: Option<u32>,
    pub seats: Option<u32>,
    pub needed: Option<u32>,
}

impl Acted {
    fn counted(outcome: &str, quorum: Quorum) -> Self {
        let Quorum { present, seats, needed } = quorum;
        Self { outcome: outcome.into(), present: Some(present), seats: Some(seats), needed: Some(needed) }
    }

    fn plain(outcome: &str) -> Self {
        Self { outcome: outcome.into(), present: None, seats: None, needed: None }
    }
}

/// Counts who is there, ends a meeting, or calls it off. Too few is no error: it is written down, and a second call may follow.
///
/// # Errors
/// 400 without a reason; 404; 409 before its time, or when the state does not allow it; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/committees/{slug}/meetings/{number}/acts", tag = "committees",
    params(("slug" = String, Path,), ("number" = String, Path, example = "2026-3")), request_body = Given,
    responses((status = 200, body = Acted), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, number)): Path<(String, String)>,
    StrictJson(given): StrictJson<Given>,
) -> Result<Json<Acted>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let body = worked(&mut tx, &staff, &slug).await?;
    let at = (slug.as_str(), number.as_str());
    let acted = match given.act {
        Step::Call => match desk::call(&mut tx, by, app.config.municipality.time_zone, at).await? {
            Called::Opens(quorum) => Acted::counted("opened", quorum),
            Called::Waits(quorum, _) => Acted::counted("waits", quorum),
            Called::Fails(quorum) => Acted::counted("no_quorum", quorum),
        },
        Step::Close => {
            desk::close(&mut tx, by, at).await?;
            Acted::plain("held")
        }
        Step::Cancel => {
            desk::cancel(&mut tx, by, at, &given.reason).await?;
            let (_, meeting) = desk::look(&mut tx, &slug, &number).await?;
            letters::tell(&mut tx, &app, by, (&body, &meeting)).await?;
            Acted::plain("cancelled")
        }
    };
    tx.commit().await?;
    Ok(Json(acted))
}
