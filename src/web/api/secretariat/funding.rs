//! Funding over HTTP.

use super::instrument_routes::instrument_routes;
use super::instrument_routes::names::*;
use crate::accounts::tokens::desk::Acting;
use crate::secretariat::funding::risk::{self, Risk};
use crate::secretariat::funding::{Act, Funding, Opening, federal};
use crate::secretariat::kernel::instrument::{Kept as _, desk, store};
use crate::web::aside;

instrument_routes! {
    what: Funding,
    opening: Opening,
    act: Act,
    at: "/api/v1/secretariat/funding",
    tag: "funding",
    things: "convênios and other funding",
    asked: FundingAsked,
}

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/funding/import", post(import))
        .route("/api/v1/secretariat/funding/import-federal", post(import_federal))
        .route("/api/v1/secretariat/funding/{id}/documents", post(add_document))
        .layer(DefaultBodyLimit::max(MAX_BYTES));
    Router::new()
        .route("/api/v1/secretariat/funding", get(list).post(open))
        .route("/api/v1/secretariat/funding/report", get(report))
        .route("/api/v1/secretariat/funding/export", get(export))
        .route("/api/v1/secretariat/funding/public", get(public))
        .route("/api/v1/secretariat/funding/public.csv", get(public_csv))
        .route("/api/v1/secretariat/funding/public/{id}", get(public_one))
        .route("/api/v1/secretariat/funding/public/{id}/paper.pdf", get(public_paper))
        .route("/api/v1/secretariat/funding/public/{id}/documents/{document}", get(public_document))
        .route("/api/v1/secretariat/funding/risks", get(risks))
        .route("/api/v1/secretariat/funding/{id}", get(show))
        .route("/api/v1/secretariat/funding/{id}/paper.pdf", get(paper))
        .route("/api/v1/secretariat/funding/{id}/acts", post(act))
        .route("/api/v1/secretariat/funding/{id}/documents/{document}", get(document))
        .merge(files)
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
    let code = town.ibge_code.clone();
    let sheet = aside::apart(move || federal::read_shipped(&body, &code)).await??;
    let mut tx = app.db.web.begin().await?;
    let (told, faults) = federal::import(&mut tx, (by, town.time_zone, &app.keys.vault), sheet).await?;
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
    for id in store::open_ids(&mut conn, Funding::MODULE).await? {
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
