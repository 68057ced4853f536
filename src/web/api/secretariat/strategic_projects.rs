//! Strategic projects over HTTP.

use super::instrument_routes::instrument_routes;
use super::instrument_routes::names::*;
use crate::secretariat::kernel::instrument::store;
use crate::secretariat::strategic_projects::standing::{self, Point, Standing};
use crate::secretariat::strategic_projects::{Act, Opening, Project};

instrument_routes! {
    what: Project,
    opening: Opening,
    act: Act,
    at: "/api/v1/secretariat/strategic-projects",
    tag: "strategic-projects",
    things: "strategic projects and portfolios",
    asked: ProjectAsked,
}

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/strategic-projects/import", post(import))
        .route("/api/v1/secretariat/strategic-projects/{id}/documents", post(add_document))
        .layer(DefaultBodyLimit::max(MAX_BYTES));
    Router::new()
        .route("/api/v1/secretariat/strategic-projects", get(list).post(open))
        .route("/api/v1/secretariat/strategic-projects/report", get(report))
        .route("/api/v1/secretariat/strategic-projects/export", get(export))
        .route("/api/v1/secretariat/strategic-projects/public", get(public))
        .route("/api/v1/secretariat/strategic-projects/public.csv", get(public_csv))
        .route("/api/v1/secretariat/strategic-projects/public/{id}", get(public_one))
        .route("/api/v1/secretariat/strategic-projects/public/{id}/paper.pdf", get(public_paper))
        .route("/api/v1/secretariat/strategic-projects/public/{id}/documents/{document}", get(public_document))
        .route("/api/v1/secretariat/strategic-projects/{id}/standing", get(show_standing))
        .route("/api/v1/secretariat/strategic-projects/{id}", get(show))
        .route("/api/v1/secretariat/strategic-projects/{id}/paper.pdf", get(paper))
        .route("/api/v1/secretariat/strategic-projects/{id}/acts", post(act))
        .route("/api/v1/secretariat/strategic-projects/{id}/documents/{document}", get(document))
        .merge(files)
}

/// How a project goes.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ProjectStandingShown)]
pub struct StandingShown {
    pub standing: Standing,
    /// Planned and done, in hundredths, at the end of each month.
    pub curve: Vec<Point>,
}

/// How a project goes, computed from its milestones and risks.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/strategic-projects/{id}/standing", tag = "strategic-projects", params(("id" = Uuid, Path,)),
    responses((status = 200, body = StandingShown), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show_standing(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<StandingShown>, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let row = store::load::<Project>(&mut *app.db.web.acquire().await?, id).await?;
    let project = row.ok_or_else(|| ApiError::NotFound("the project".into()))?.what;
    Ok(Json(StandingShown { standing: standing::of(&project, today), curve: standing::curve(&project, today) }))
}
