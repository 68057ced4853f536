//! Whether an alert is in force: for banners, badges and programs. "No alert" is said only while the evaluation is known to be up
//! to date; otherwise it is "no data", because silence is no comfort.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Notice, TOWNS_OWN};
use crate::app::App;
use crate::clock::Instant;
use crate::units::Level;
use crate::web::conditional::{self, SHORT};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/public/status", get(show))
}

/// An evaluation that was not up to date for so many seconds counts as standing still. It says so every ten.
const STALE_AFTER_S: f64 = 60.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At least one real alert is in force.
    Alert,
    /// None is, and the evaluation is up to date.
    None,
    /// None is known to be, but the evaluation stands still: it may have missed one.
    Unknown,
}

/// Everything that the front page and the banners say of the present.
#[derive(Clone, Debug)]
pub struct Present {
    pub state: Status,
    /// When the evaluation was last up to date, to the minute; never, before it first was.
    pub checked_at: Option<Instant>,
    /// The evaluation stands still.
    pub is_stale: bool,
    /// Real alerts in force, the worst first.
    pub alerts: Vec<Notice>,
    /// What ended within the last hours.
    pub ends: Vec<Notice>,
    /// Exercises, tests and system messages, in force or just ended.
    pub drills: Vec<Notice>,
    /// Areas of which no gauge speaks.
    pub blind: i64,
}

/// # Errors
/// Those of the database.
pub async fn present(conn: &mut PgConnection, now: Instant, language: &str) -> sqlx::Result<Present> {
    let notices = super::present(&mut *conn, now, language).await?;
    let (drills, real): (Vec<_>, Vec<_>) = notices.into_iter().partition(Notice::is_drill);
    let (ends, alerts): (Vec<_>, Vec<_>) = real.into_iter().partition(Notice::is_end);
    let row = sqlx::query!(
        r#"select (select at from evaluator_beat) as at,
                  (select extract(epoch from clock_timestamp() - beaten_at)::float8 from evaluator_beat) as age_s,
                  (select count(*) from area_worst where level = 'unknown') as "blind!""#
    )
    .fetch_one(conn)
    .await?;
    let is_stale = row.age_s.is_none_or(|age| age > STALE_AFTER_S);
    let state = match (alerts.is_empty(), is_stale) {
        (false, _) => Status::Alert,
        (true, false) => Status::None,
        (true, true) => Status::Unknown,
    };
    Ok(Present { state, checked_at: row.at.map(whole_minute), is_stale, alerts, ends, drills, blind: row.blind })
}

/// To the minute, so that what says it stays the same for as long.
fn whole_minute(at: Instant) -> Instant {
    DateTime::from_timestamp(at.timestamp().div_euclid(60) * 60, 0).unwrap_or(at)
}

/// The present state of this town's alerts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicStatus {
    /// "alert", "none", or "unknown" when the evaluation stands still: that is not the same as none.
    pub state: Status,
    /// The same in a sentence, in Portuguese.
    pub text: String,
    /// When the evaluation was last up to date, to the minute.
    pub checked_at: Option<DateTime<Utc>>,
    /// The evaluation stands still; alerts that are listed hold all the same.
    pub stale: bool,
    /// Areas of which no gauge speaks at present.
    pub blind_areas: i64,
    pub municipality: String,
    pub ibge_code: String,
    /// The highest level among the alerts.
    #[schema(value_type = Option<String>)]
    pub level: Option<Level>,
    /// Real alerts in force, the worst first. Exercises, tests and system messages are never among them.
    pub alerts: Vec<PublicAlert>,
    /// How many exercises, tests and system messages are running.
    pub drills: usize,
}

/// A real alert in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PublicAlert {
    pub identifier: String,
    pub number: String,
    #[schema(value_type = String)]
    pub level: Level,
    /// COBRADE code of the hazard.
    pub cobrade: String,
    pub headline: String,
    pub areas: Vec<String>,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The page for people.
    pub web: String,
    /// The message, CAP 1.2.
    pub cap: String,
    /// The map, PNG.
    pub map: String,
}

/// Tells whether an alert is in force. Open to pages of other sites; ask again after 15 seconds at the earliest, with `If-None-Match`.
///
/// # Errors
/// 503 without the database.
#[utoipa::path(get, path = "/api/v1/public/status", tag = "alerts", responses(
    (status = 200, body = PublicStatus), (status = 304, description = "Nothing has changed")))]
pub async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let present = present(&mut conn, app.clock.now(), TOWNS_OWN).await?;
    let body = serde_json::to_vec(&told(&app, present)).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "application/json", SHORT, body))
}

fn told(app: &App, present: Present) -> PublicStatus {
    let (town, base) = (&app.config.municipality, app.config.public_url());
    let alerts: Vec<PublicAlert> = present
        .alerts
        .into_iter()
        .map(|alert| {
            let web = format!("{base}/alerts/{}", alert.identifier);
            PublicAlert {
                cap: format!("{web}.xml"),
                map: format!("{web}/map.png"),
                web,
                identifier: alert.identifier,
                number: alert.number,
                level: alert.level,
                cobrade: alert.cobrade,
                headline: alert.headline,
                areas: alert.areas,
                issued_at: alert.issued_at,
                expires_at: alert.expires_at,
            }
        })
        .collect();
    let text = match present.state {
        Status::Alert => crate::i18n::Lang::Pt.t1("banner-alerts", "n", alerts.len()),
        Status::None => crate::i18n::Lang::Pt.t("public-calm"),
        Status::Unknown => crate::i18n::Lang::Pt.t("public-unknown"),
    };
    PublicStatus {
        state: present.state,
        text,
        checked_at: present.checked_at,
        stale: present.is_stale,
        blind_areas: present.blind,
        municipality: town.name.clone(),
        ibge_code: town.ibge_code.clone(),
        level: alerts.first().map(|alert| alert.level),
        alerts,
        drills: present.drills.iter().filter(|drill| !drill.is_end()).count(),
    }
}
