//! Cases out and in.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::module;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::deadlines::town::Year;
use crate::refused::Refused;
use crate::secretariat::kernel::desk::{self, CaseError, Desk};
use crate::secretariat::kernel::exchange::carried::With;
use crate::secretariat::kernel::exchange::{self, Taken};
use crate::secretariat::kernel::store::lists::Filter;
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

/// Bytes of a file that is taken in.
const MOST_BYTES: usize = 32 * 1024 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/export", get(export))
        .route("/api/v1/secretariat/{module}/import", post(import).layer(DefaultBodyLimit::max(MOST_BYTES)))
}

/// What to take out.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Out {
    /// csv; otherwise JSON Lines.
    #[param(pattern = "^(csv|jsonl)$")]
    pub format: Option<String>,
    /// Key of a type.
    #[serde(rename = "type")]
    #[param(max_length = 80)]
    pub type_key: Option<String>,
    #[param(minimum = 1900, maximum = 2200)]
    pub year: Option<i32>,
    /// Only cases before this one; `X-Next` of the answer before.
    pub before: Option<Uuid>,
    /// `publications`, `documents`, or both with a comma between them: what the file carries beside the cases. Of documents it takes 20 MiB,
    /// and then `X-Next` says where to go on.
    #[param(pattern = "^(publications|documents)(,(publications|documents))?$")]
    pub with: Option<String>,
}

/// Takes out cases of a module with their acts, as JSON Lines or CSV, at most 5000; `X-Next` says where to go on. What is taken out can be
/// taken in again byte by byte, with what was published and with documents where they are asked for.
///
/// # Errors
/// 400 naming the parameter; 404; 409 when the documents of one case are more than a file takes; 401, 403 naming the role.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/export", tag = "secretariat", params(("module" = String, Path,), Out),
    responses((status = 200, content((String = "application/jsonl"), (String = "text/csv"))), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    Query(out): Query<Out>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    if !who.has(module.key()) {
        return Err(Refused::Forbidden(format!("to export cases needs the role {}", module.key())).into());
    }
    let is_csv = match out.format.as_deref() {
        Some("csv") => true,
        None | Some("jsonl") => false,
        Some(other) => return Err(ApiError::field("format", other, "expected csv or jsonl")),
    };
    let desk = Desk::of(&app, &actor, &who);
    let year = match out.year {
        Some(year) if !(1900..=2200).contains(&year) => {
            return Err(ApiError::field("year", year.to_string(), "expected 1900 to 2200"));
        }
        year => year.and_then(|year| Year::of(year, desk.tz)),
    };
    if let Some(bad) = out.type_key.as_deref().filter(|key| key.len() > 80 || key.contains('\0')) {
        return Err(ApiError::field("type", bad, "expected the key of a type"));
    }
    let with = match out.with.as_deref().filter(|with| !with.is_empty()) {
        Some(given) => given.parse::<With>().map_err(|why| ApiError::field("with", given, why))?,
        None => With::default(),
    };
    let filter = Filter {
        module: Some(module.key().to_owned()),
        type_key: out.type_key.clone(),
        year,
        before: out.before,
        ..Filter::default()
    };
    let mut tx = app.db.web.begin().await?;
    let (lines, next) = exchange::lines(&mut tx, desk, filter, with).await?;
    let after = json!({ "cases": lines.len(), "publications": with.publications, "documents": with.documents });
    let entry = Entry::new(Act::CaseExport, "module", module.key()).to(after);
    audit::record(&mut tx, desk.by.ids, desk.by.now, desk.by.actor, entry).await?;
    tx.commit().await?;
    let next: Option<HeaderValue> = next.and_then(|id| id.to_string().parse().ok());
    // Thousands of cases with all their acts take a core for a while: not one that answers others.
    let write =
        move || if is_csv { exchange::to_csv(&lines) } else { Ok(exchange::to_json_lines(&lines).into_bytes()) };
    let body = tokio::task::spawn_blocking(write).await.map_err(|error| ApiError::Internal(error.into()))?;
    let body = body.map_err(ApiError::Internal)?;
    let (kind, name) = if is_csv { ("text/csv; charset=utf-8", "csv") } else { ("application/jsonl", "jsonl") };
    let disposition = format!("attachment; filename=\"{}.{name}\"", module.slug);
    let mut answer =
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition.as_str())], body).into_response();
    if let Some(next) = next {
        answer.headers_mut().insert("x-next", next);
    }
    Ok(answer)
}

/// Takes in what was taken out, all or none. What is here already, the same, stays.
///
/// # Errors
/// 400 naming every line; 404; 415; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/import", tag = "secretariat", params(("module" = String, Path,)),
    request_body(content((String = "application/jsonl"), (String = "text/csv"))),
    responses((status = 200, body = Taken), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Taken>, ApiError> {
    let module = module(&slug)?;
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_csv = match given.split(';').next().unwrap_or_default().trim() {
        "text/csv" => true,
        "application/jsonl" | "application/x-ndjson" => false,
        _ => return Err(ApiError::WrongMediaType("application/jsonl or text/csv")),
    };
    let read = move || -> Result<Vec<exchange::Line>, ApiError> {
        if is_csv {
            return Ok(exchange::from_csv(&body).map_err(CaseError::Wrong)?);
        }
        let text = std::str::from_utf8(&body).map_err(|error| ApiError::field("body", "", error.to_string()))?;
        Ok(exchange::from_json_lines(text).map_err(CaseError::Wrong)?)
    };
    let lines = aside::apart(read).await??;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let taken = exchange::take_in(&mut tx, Desk::of(&app, &actor, &who), module.key(), &lines).await?;
    tx.commit().await?;
    Ok(Json(taken))
}
