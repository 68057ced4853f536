//! Documents of cases: the body as it is, its media type in the header.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{may_act, module, within};
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::kernel::decide::{Versions, Who};
use crate::secretariat::kernel::desk::around::MOST_BYTES;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::store::{self, NewDocument};
use crate::secretariat::kernel::{CaseDocument, CaseFile};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/api/v1/secretariat/{module}/cases/{id}/documents",
            get(list).post(add).layer(DefaultBodyLimit::max(MOST_BYTES)),
        )
        .route("/api/v1/secretariat/{module}/cases/{id}/documents/{document}", get(file))
}

/// True for whoever reads drafts of this case.
pub fn sees_drafts(who: &Who, case: &CaseFile) -> bool {
    who.has(&case.module) || (!who.name.is_empty() && (case.assigned == who.name || case.author == who.name))
}

/// To be saved under its name, of which only letters that mean nothing in a header stay.
pub fn attachment(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{safe}\"")
}

/// True for a document that only whoever works on the case reads: a draft, or of a kind that its type or the newest version of that restricts.
fn is_kept_back((of, newest): Versions<'_>, kind: &str, is_draft: bool) -> bool {
    is_draft || [of, newest].iter().any(|one| one.document(kind).is_some_and(|kind| kind.restricted))
}

/// The documents that this person may read.
pub async fn seen(
    conn: &mut PgConnection,
    versions: Versions<'_>,
    (who, case): (&Who, &CaseFile),
) -> sqlx::Result<Vec<CaseDocument>> {
    let mut all = store::documents(conn, case.id).await?;
    all.retain(|one| !is_kept_back(versions, &one.kind, one.draft) || sees_drafts(who, case));
    Ok(all)
}

/// Lists the documents of a case, the newest first.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/documents", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<CaseDocument>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Vec<CaseDocument>>, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (kept, case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    Ok(Json(seen(&mut conn, (&kept.def, desk.types.newest(&kept.def)), (&who, &case)).await?))
}

/// What a document is.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct What {
    /// A kind that the type names.
    #[param(max_length = 60)]
    pub kind: String,
    /// Name of the file.
    #[param(min_length = 1, max_length = 200)]
    pub name: String,
    /// Only whoever works on the case reads it.
    #[serde(default)]
    pub draft: bool,
}

/// Adds a document, or a version of it. The body is the document itself and `Content-Type` says what it is.
///
/// # Errors
/// 400 naming the field; 404; 409; 413 beyond 10 MiB; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/documents", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,), What),
    request_body(content((Vec<u8> = "application/pdf"), (String = "text/plain"))),
    responses((status = 201, body = Vec<CaseDocument>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    Query(what): Query<What>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Vec<CaseDocument>>), ApiError> {
    let module = module(&slug)?;
    may_act(&staff)?;
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    let (kept, case) = desk::find(&mut tx, desk, id, true).await?;
    within(&case, module, id)?;
    let new =
        NewDocument { kind: &what.kind, name: &what.name, media_type: &media_type, bytes: &body, draft: what.draft };
    let (case, _) = desk::attach(&mut tx, desk, id, &new).await?;
    let all = seen(&mut tx, (&kept.def, desk.types.newest(&kept.def)), (&who, &case)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(all)))
}

/// Gives a document as it was kept, to be saved and not shown: what others wrote runs in no page of ours.
///
/// # Errors
/// 404, also for a draft or a restricted kind that is not for the caller; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/documents/{document}", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,), ("document" = Uuid, Path,)),
    responses((status = 200, content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn file(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id, document)): Path<(String, Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (kept, case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    let versions = (&kept.def, desk.types.newest(&kept.def));
    let found = store::document(&mut conn, id, document).await?;
    let found = found.filter(|one| !is_kept_back(versions, &one.kind, one.draft) || sees_drafts(&who, &case));
    let found = found.ok_or_else(|| Refused::NotFound(format!("document {document}")))?;
    let headers = [(header::CONTENT_TYPE, found.media_type), (header::CONTENT_DISPOSITION, attachment(&found.name))];
    Ok((headers, found.bytes).into_response())
}
