//! The audit over HTTP: who did what, newest first.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Datelike as _, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::audit::search::{Found, Search};
use crate::audit::{Act, store};
use crate::clock::Instant;
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

/// Events of a page: unless asked otherwise, and at most.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 500;
/// Longest text to look for, in characters.
const MAX_TEXT: usize = 200;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/audit", get(list))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// From this instant on (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Before this instant.
    to: Option<DateTime<Utc>>,
    /// Exactly this user name, device code or rule.
    actor: Option<String>,
    /// Exactly this act, "alert.issue".
    act: Option<String>,
    /// An identifier, a kind, or "kind identifier".
    object: Option<String>,
    /// Somewhere in the reason.
    text: Option<String>,
    /// `next` of the page before.
    before: Option<String>,
    /// 1 to 500, otherwise 100.
    limit: Option<i64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Events {
    /// Newest first.
    pub items: Vec<Found>,
    /// `before` of the next page; null on the last one.
    pub next: Option<String>,
}

/// Finds what was done, newest first. For whoever reads the audit.
///
/// # Errors
/// 400 naming the parameter, 401, 403.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Wanted),
    responses((status = 200, body = Events), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::ReadAudit>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Events>, ApiError> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ApiError::field("limit", limit.to_string(), format!("expected 1 to {MAX_PAGE}")));
    }
    let search = Search {
        from: wanted.from.map(|at| checked_instant("from", at)).transpose()?,
        to: wanted.to.map(|at| checked_instant("to", at)).transpose()?,
        actor: checked_text("actor", wanted.actor)?,
        act: checked_act(wanted.act)?,
        object: checked_text("object", wanted.object)?,
        text: checked_text("text", wanted.text)?,
        before: wanted.before.as_deref().map(cursor).transpose()?,
    };
    let mut conn = app.db.web.acquire().await?;
    let mut items = store::search(&mut conn, &search, limit + 1).await?;
    let next = next(&mut items, limit);
    Ok(Json(Events { items, next }))
}

/// Takes the event beyond the page away, and gives the key of the next page if there was one.
pub fn next(items: &mut Vec<Found>, limit: i64) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more)?;
    Some(format!("{}.{}", last.at.timestamp_micros(), last.id))
}

/// # Errors
/// What is no key of a page.
pub fn cursor(text: &str) -> Result<(Instant, Uuid), ApiError> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some((at, id.parse().ok()?)).filter(|_| is_plausible(at))
    };
    read().ok_or_else(|| ApiError::field("before", text, "expected `next` of the page before"))
}

/// # Errors
/// What no act is called.
pub fn checked_act(act: Option<String>) -> Result<String, ApiError> {
    let act = act.unwrap_or_default();
    if act.is_empty() || act.parse::<Act>().is_ok() {
        return Ok(act);
    }
    let known: Vec<&str> = Act::ALL.iter().map(|act| act.as_str()).collect();
    Err(ApiError::field("act", act, format!("expected one of {}", known.join(", "))))
}

/// # Errors
/// A text that is too long, or that no row can hold.
pub fn checked_text(field: &str, text: Option<String>) -> Result<String, ApiError> {
    let text = text.unwrap_or_default().trim().to_owned();
    if text.contains('\0') || text.chars().count() > MAX_TEXT {
        return Err(ApiError::field(field, text, format!("expected at most {MAX_TEXT} characters, none of them NUL")));
    }
    Ok(text)
}

/// # Errors
/// An instant that PostgreSQL does not know.
pub fn checked_instant(field: &str, at: Instant) -> Result<Instant, ApiError> {
    if is_plausible(at) {
        Ok(at)
    } else {
        Err(ApiError::field(field, at.to_rfc3339(), "expected a year from 1 to 9999"))
    }
}

fn is_plausible(at: Instant) -> bool {
    (1..=9999).contains(&at.year())
}
