//! Funding over HTTP.

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::instruments::{self, DocumentQuery, ListQuery, Made, PublicList, Shown};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::funding::risk::{self, Risk};
use crate::secretariat::funding::{Act, Funding, Opening, federal};
use crate::secretariat::kernel::instrument::exchange::{Imported, MAX_BYTES};
use crate::secretariat::kernel::instrument::report::Report;
use crate::secretariat::kernel::instrument::store::{self, Listed, PAGE};
use crate::secretariat::kernel::instrument::{Kept as _, desk};
use crate::web::api::imports::Query;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/funding/import", post(import))
        .route("/api/v1/secretariat/funding/{id}/documents", post(add_document))
        .route("/api/v1/secretariat/funding/import-federal", post(import_federal))
        .layer(DefaultBodyLimit::max(MAX_BYTES));
    Router::new()
        .route("/api/v1/secretariat/funding", get(list).post(open))
        .route("/api/v1/secretariat/funding/report", get(report))
        .route("/api/v1/secretariat/funding/export", get(export))
        .route("/api/v1/secretariat/funding/public", get(public))
        .route("/api/v1/secretariat/funding/public.csv", get(public_csv))
        .route("/api/v1/secretariat/funding/{id}", get(show))
        .route("/api/v1/secretariat/funding/{id}/acts", post(act))
        .route("/api/v1/secretariat/funding/{id}/documents/{document}", get(document))
        .route("/api/v1/secretariat/funding/risks", get(risks))
        .merge(files)
}

/// Lists convênios and other funding, the newest first, 50 a page.
///
/// # Errors
/// 400, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding", tag = "funding", params(ListQuery),
    responses((status = 200, body = Vec<Listed>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    axum::extract::Query(query): axum::extract::Query<ListQuery>,
) -> Result<Json<Vec<Listed>>, ApiError> {
    Ok(Json(instruments::list::<Funding>(&app, query).await?))
}

/// Opens one.
///
/// # Errors
/// 400 naming the field; 409; 401, 403 with the role that is missing.
#[utoipa::path(post, path = "/api/v1/secretariat/funding", tag = "funding", request_body = Opening,
    responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(opening): StrictJson<Opening>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    Ok((StatusCode::CREATED, Json(instruments::open::<Funding>(&app, &staff, opening).await?)))
}

/// Shows one with its money, deadlines, acts and documents.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/{id}", tag = "funding", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(instruments::show::<Funding>(&app, &staff, id).await?))
}

/// An act, and the revision on which it was decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = FundingAsked)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    pub revision: Option<i32>,
    pub act: Act,
}

/// Does an act. One that the law or the state forbids is refused with the reason and the law.
///
/// # Errors
/// 400 naming the field; 404; 409 with the reason; 401, 403 with the role that is missing.
#[utoipa::path(post, path = "/api/v1/secretariat/funding/{id}/acts", tag = "funding", params(("id" = Uuid, Path,)), request_body = Asked,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(asked): StrictJson<Asked>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(instruments::act::<Funding>(&app, &staff, (id, asked.revision), asked.act).await?))
}

/// Adds a document, at most 10 MiB; its hash is kept.
///
/// # Errors
/// 400 naming the field; 404; 409 when it is there already; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/funding/{id}/documents", tag = "funding", params(("id" = Uuid, Path,), DocumentQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn add_document(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    axum::extract::Query(query): axum::extract::Query<DocumentQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let made = instruments::add_document::<Funding>(&app, &staff, id, (query, &headers, &body)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Gives a document as it came.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/{id}/documents/{document}", tag = "funding",
    params(("id" = Uuid, Path,), ("document" = Uuid, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn document(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(ids): Path<(Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    instruments::worker::<Funding>(&staff)?;
    instruments::document::<Funding>(&app, ids).await
}

/// What ends soon, what is overdue, and what went out against what was accounted for.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/report", tag = "funding",
    responses((status = 200, body = Report), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn report(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Report>, ApiError> {
    Ok(Json(instruments::report::<Funding>(&app).await?))
}

/// All of them with their past, one JSON a line; the import reads it back.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/export", tag = "funding",
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn export(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
    instruments::export::<Funding>(&app, &staff).await
}

/// Reads what an export wrote, whole or not at all.
///
/// # Errors
/// 400 naming the line; 409 when one is there and differs; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/funding/import", tag = "funding", request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    Ok(Json(instruments::import::<Funding>(&app, &staff, &body).await?))
}

/// `?after=…`
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// What everybody reads of convênios and other funding: fields by allow-list, 50 a page.
///
/// # Errors
/// 400.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/public", tag = "funding", params(AfterQuery), responses((status = 200, body = PublicList)))]
pub async fn public(State(app): State<App>, Query(query): Query<AfterQuery>) -> Result<Json<PublicList>, ApiError> {
    Ok(Json(instruments::public::<Funding>(&app, (query.after, PAGE)).await?))
}

/// The same as a file of commas.
///
/// # Errors
/// None of its own.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/public.csv", tag = "funding",
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn public_csv(State(app): State<App>) -> Result<Response, ApiError> {
    instruments::public_csv::<Funding>(&app).await
}

/// What a federal file came to.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FundingFederalImported)]
pub struct FederalImported {
    #[serde(flatten)]
    pub told: Imported,
    /// Rows that were left out, by line and column.
    pub faults: Vec<crate::web::error::FieldError>,
}

/// Reads convênios from the federal open data (`config/mappings/funding-transferegov.toml`). The same file twice changes nothing; a bad row
/// is told by line and column and left out.
///
/// # Errors
/// 400 when the file as a whole cannot be read; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/funding/import-federal", tag = "funding",
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = FederalImported), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn import_federal(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    body: Bytes,
) -> Result<Json<FederalImported>, ApiError> {
    instruments::worker::<Funding>(&staff)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let town = &app.config.municipality;
    let mut tx = app.db.web.begin().await?;
    let (told, faults) = federal::import(&mut tx, (by, town.time_zone), &body, &town.ibge_code).await?;
    tx.commit().await?;
    Ok(Json(FederalImported { told, faults }))
}

/// What may be lost, with the reason of each.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = FundingAtRisk)]
pub struct AtRisk {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub state: String,
    pub agreed_centavos: i64,
    pub risks: Vec<Risk>,
}

/// # Errors
/// The database's.
pub async fn at_risk(app: &App) -> Result<Vec<AtRisk>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut conn = app.db.web.acquire().await?;
    let mut all = Vec::new();
    for id in store::ids(&mut conn, Funding::MODULE, true).await? {
        let whole = desk::whole::<Funding>(&mut conn, id).await?;
        let risks = risk::of(&whole.row.what, &whole.deadlines, today);
        if risks.is_empty() {
            continue;
        }
        let what = whole.row.what;
        let (state, index) = (what.state().to_owned(), what.index());
        all.push(AtRisk {
            id,
            number: whole.row.number,
            title: index.title,
            state,
            agreed_centavos: index.agreed.0,
            risks,
        });
    }
    all.sort_by_key(|one| (one.risks.first().map(|risk| risk.on), one.id));
    Ok(all)
}

/// The list of what may be lost: clauses, stalled works, accounts, terms; computed from their days.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/funding/risks", tag = "funding",
    responses((status = 200, body = Vec<AtRisk>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn risks(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Vec<AtRisk>>, ApiError> {
    Ok(Json(at_risk(&app).await?))
}
