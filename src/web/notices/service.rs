//! How the service itself is: whether it takes readings, judges them and can send, and when it did not. It tells states and minutes, no
//! figures: how much it takes, what it runs on and where it hurts are nobody's business.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::{Clock, Instant};
use crate::operation::judge::Part;
use crate::operation::store;
use crate::web::conditional::{self, SHORT};
use crate::web::error::ApiError;

/// The service looks at itself every fifteen seconds; who did not for so long knows nothing of itself.
const STALE_AFTER: TimeDelta = TimeDelta::minutes(2);
/// How far back its past is told.
const PAST: TimeDelta = TimeDelta::days(90);
const MOST: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/public/service", get(show))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Working {
    Working,
    Failing,
    /// The service has not looked at itself lately.
    Unknown,
}

impl Working {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
        }
    }
}

/// How the service is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ServiceStatus {
    /// "working" when every part works, "failing" when one does not, "unknown" when the service has not looked at itself lately.
    pub state: Working,
    /// When it looked last, to the minute.
    pub checked_at: Option<DateTime<Utc>>,
    pub parts: Vec<PartStatus>,
    /// When parts of it did not work, within the last 90 days and for a minute at least, the newest first.
    pub incidents: Vec<ServiceIncident>,
}

/// How one part of the service is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PartStatus {
    /// "intake": readings and reports are taken in; "evaluation": rules judge them; "sending": messages leave.
    pub part: String,
    pub state: Working,
    /// Since when it is so, to the minute; null where it was never otherwise within the time that is told.
    pub since: Option<DateTime<Utc>>,
}

/// A time in which a part of the service did not work.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ServiceIncident {
    /// As in `parts`; or "service": it was not there.
    pub part: String,
    pub since: DateTime<Utc>,
    /// Null while it lasts.
    pub until: Option<DateTime<Utc>>,
}

impl ServiceStatus {
    /// Of a service that cannot read its own record.
    pub fn unknown() -> Self {
        let parts =
            Part::ALL.map(|part| PartStatus { part: part.as_str().into(), state: Working::Unknown, since: None });
        Self { state: Working::Unknown, checked_at: None, parts: parts.into(), incidents: Vec::new() }
    }
}

/// # Errors
/// Those of the database.
pub async fn status(conn: &mut PgConnection, clock: &Clock) -> sqlx::Result<ServiceStatus> {
    let now = clock.now();
    let looked_at = store::looked(&mut *conn).await?;
    let spells = store::spells(conn, now - PAST, MOST).await?;
    // A demonstration plays hours between two looks.
    let is_played = clock.is_played();
    let is_known = looked_at.is_some_and(|at| is_played || now - at <= STALE_AFTER);
    let incidents: Vec<ServiceIncident> = spells
        .into_iter()
        .map(|spell| ServiceIncident {
            part: spell.part,
            since: whole_minute(spell.since),
            until: spell.until.map(whole_minute),
        })
        .collect();
    let parts: Vec<PartStatus> = Part::ALL.iter().map(|part| of_part(*part, &incidents, is_known)).collect();
    let state = match (is_known, parts.iter().all(|part| part.state == Working::Working)) {
        (false, _) => Working::Unknown,
        (true, true) => Working::Working,
        (true, false) => Working::Failing,
    };
    Ok(ServiceStatus { state, checked_at: looked_at.map(whole_minute), parts, incidents })
}

/// The newest incident of a part tells: it lasts, or since its end all is well.
fn of_part(part: Part, incidents: &[ServiceIncident], is_known: bool) -> PartStatus {
    let part = part.as_str().to_owned();
    let newest = incidents.iter().find(|one| one.part == part);
    let (state, since) = match newest {
        _ if !is_known => (Working::Unknown, None),
        Some(ServiceIncident { since, until: None, .. }) => (Working::Failing, Some(*since)),
        Some(ServiceIncident { until, .. }) => (Working::Working, *until),
        None => (Working::Working, None),
    };
    PartStatus { part, state, since }
}

/// To the minute, so that what says it stays the same for as long.
fn whole_minute(at: Instant) -> Instant {
    DateTime::from_timestamp(at.timestamp().div_euclid(60) * 60, 0).unwrap_or(at)
}

/// Tells whether the service works. Open to pages of other sites; ask again after 15 seconds at the earliest, with `If-None-Match`.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/public/service", tag = "alerts", responses(
    (status = 200, body = ServiceStatus), (status = 304, description = "Nothing has changed")))]
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let status = status(&mut conn, &app.clock).await?;
    let body = serde_json::to_vec(&status).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", SHORT, body))
}
