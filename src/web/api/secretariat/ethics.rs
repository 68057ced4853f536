//! Recusals of every case, the votes of the ethics council, its reporters in the vault, and what everybody reads of it.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{module, within};
use crate::app::App;
use crate::i18n::Lang;
use crate::secretariat::citizen::identity::Identity;
use crate::secretariat::ethics::desk as council;
use crate::secretariat::ethics::desk::Voting;
use crate::secretariat::ethics::public::{self, Year};
use crate::secretariat::ethics::recompose::Designation;
use crate::secretariat::ethics::task::{self, Task};
use crate::secretariat::kernel::Recusal;
use crate::secretariat::kernel::body::Choice;
use crate::secretariat::kernel::body::publish::Composition;
use crate::secretariat::kernel::desk::{self, Desk, recusal};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/cases/{id}/recusals", get(recusals).post(recuse))
        .route("/api/v1/secretariat/{module}/cases/{id}/recusals/lift", post(lift))
        .route("/api/v1/secretariat/{module}/cases/{id}/votes", get(votes).post(vote))
        .route("/api/v1/secretariat/{module}/cases/{id}/votes/resolve", post(resolve))
        .route("/api/v1/secretariat/{module}/cases/{id}/votes/designate", post(designate))
        .route("/api/v1/secretariat/{module}/cases/{id}/votes/give-back", post(give_back))
        .route("/api/v1/secretariat/{module}/cases/{id}/reporter", post(reporter))
        .route("/api/v1/secretariat/ethics/statistics", get(statistics))
}

/// Does something to a case of a module in a transaction.
async fn done(app: &App, staff: &Staff, (slug, id): (&str, Uuid), asked: Task<'_>) -> Result<StatusCode, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let mut tx = app.db.web.begin().await?;
    task::perform(&mut tx, Desk::of(app, &actor, &who), (module.key(), id), asked).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The vote in a case of a module as it stands.
async fn counted(app: &App, staff: &Staff, (slug, id): (&str, Uuid)) -> Result<Json<Voting>, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (_, case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    Ok(Json(council::voting(&mut conn, desk, id).await?))
}

/// Does something that belongs to the vote, and shows the vote after it.
async fn voted(app: &App, staff: &Staff, case: (&str, Uuid), asked: Task<'_>) -> Result<Json<Voting>, ApiError> {
    done(app, staff, case, asked).await?;
    counted(app, staff, case).await
}

/// Lists who is recused from a case.
///
/// # Errors
/// 404, also for whoever is recused; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/recusals", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Recusal>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn recusals(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Vec<Recusal>>, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut conn = app.db.web.acquire().await?;
    let (case, all) = recusal::list(&mut conn, Desk::of(&app, &actor, &who), id).await?;
    within(&case, module, id)?;
    Ok(Json(all))
}

/// Somebody to recuse.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseRecuse)]
#[serde(deny_unknown_fields)]
pub struct Recuse {
    /// Of the case as the caller saw it.
    pub revision: i32,
    /// User name; empty: the caller, who finds the case no more.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub username: String,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Recuses the caller, by their own word, or somebody else, decided with a reason. Whoever is recused does not find the case any more.
///
/// # Errors
/// 400 naming the field; 404; 409 when it was changed or they are recused; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/recusals", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Recuse,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn recuse(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(asked): StrictJson<Recuse>,
) -> Result<StatusCode, ApiError> {
    let wanted = Task::Recuse(asked.revision, &asked.username, &asked.reason);
    done(&app, &staff, (&slug, id), wanted).await
}

/// Takes a recusal back, with a reason. Whoever is named as party stays recused.
///
/// # Errors
/// 400 naming the field; 404; 409 when it was changed, or they are not recused or are party; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/recusals/lift", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Recuse,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn lift(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(asked): StrictJson<Recuse>,
) -> Result<StatusCode, ApiError> {
    let wanted = Task::Lift(asked.revision, &asked.username, &asked.reason);
    done(&app, &staff, (&slug, id), wanted).await
}

/// Shows the vote of the council in a procedure as it stands: who may vote, the votes, who is recused, and what was decided.
///
/// # Errors
/// 404, also for whoever is recused and for cases that are no procedure; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/votes", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = Voting), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn votes(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Voting>, ApiError> {
    counted(&app, &staff, (&slug, id)).await
}

/// A vote.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EthicsVoteGiven)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// for, against, abstain
    #[schema(value_type = String, pattern = "^(for|against|abstain)$")]
    pub choice: Choice,
}

/// Gives the caller's own vote on the proposal. A member votes once in a round.
///
/// # Errors
/// 404, also for whoever is recused; 409 when nothing is put to the vote, they hold no seat or voted already; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/votes", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Given,
    responses((status = 200, body = Voting), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn vote(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(given): StrictJson<Given>,
) -> Result<Json<Voting>, ApiError> {
    voted(&app, &staff, (&slug, id), Task::Vote(given.choice)).await
}

/// How a round is closed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EthicsResolve)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Of the procedure as the caller saw it.
    pub revision: i32,
    /// What the caller, who presides and voted, says of a tie, where the rules of the council give a casting vote.
    #[serde(default)]
    pub casting: Option<bool>,
}

/// Closes the vote: the rules of the council count quorum and majority, and the procedure goes where the decision leads.
///
/// # Errors
/// 404; 409 citing the rules of the council (no quorum, a tie), or when it was changed; 401, 403 naming the role, or for whoever does not preside.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/votes/resolve", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Resolve,
    responses((status = 200, body = Voting), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn resolve(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(asked): StrictJson<Resolve>,
) -> Result<Json<Voting>, ApiError> {
    voted(&app, &staff, (&slug, id), Task::Resolve(asked.revision, asked.casting)).await
}

/// Whom the authority designated for a seat in one case alone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EthicsDesignate)]
#[serde(deny_unknown_fields)]
pub struct Designate {
    /// Of the procedure as the caller saw it.
    pub revision: i32,
    pub seat_id: Uuid,
    /// A person of the committees with an account of the module.
    pub person_id: Uuid,
    /// The act of the authority.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub act: String,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Writes down whom the authority designated for a seat for which nobody votes, because recusals left the council without quorum.
///
/// # Errors
/// 400 naming the field; 404; 409 while the quorum is within reach, when the seat has somebody, or when it was changed; 401, 403 naming the role or who does it.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/votes/designate", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Designate,
    responses((status = 200, body = Voting), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn designate(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(asked): StrictJson<Designate>,
) -> Result<Json<Voting>, ApiError> {
    let (seat_id, person_id, act, reason) = (asked.seat_id, asked.person_id, &asked.act, &asked.reason);
    let new = Designation { seat_id, person_id, act, reason };
    voted(&app, &staff, (&slug, id), Task::Designate(asked.revision, new)).await
}

/// Why a proposal is given back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EthicsGiveBack)]
#[serde(deny_unknown_fields)]
pub struct GiveBack {
    /// Of the procedure as the caller saw it.
    pub revision: i32,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Gives a proposal back to where it was put from, because recusals left its round without a quorum that could be reached. Put anew it is another
/// round.
///
/// # Errors
/// 400 without a reason; 404; 409 while the quorum is within reach, or when it was changed; 401, 403 naming the role or who does it.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/votes/give-back", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = GiveBack,
    responses((status = 200, body = Voting), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn give_back(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(asked): StrictJson<GiveBack>,
) -> Result<Json<Voting>, ApiError> {
    voted(&app, &staff, (&slug, id), Task::GiveBack(asked.revision, &asked.reason)).await
}

/// Who reported to the council itself.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = EthicsReporter)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: String,
    #[serde(default)]
    #[schema(max_length = 30)]
    pub phone: String,
}

/// Seals who reported into the vault, apart from the procedure, for a hundred years. Read with a reason by `…/identity`, which the audit keeps.
///
/// # Errors
/// 400 naming every field; 404; 409 when somebody is kept already; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/reporter", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Reporter,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn reporter(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(told): StrictJson<Reporter>,
) -> Result<Response, ApiError> {
    let told = Identity { name: told.name, email: told.email, phone: told.phone };
    let mut response = done(&app, &staff, (&slug, id), Task::Reporter(&told)).await?.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What everybody reads of the council.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsStatistics)]
pub struct Statistics {
    pub councils: Vec<Composition>,
    /// Years that are over, the latest first, without cells below five.
    pub years: Vec<Year>,
}

impl Statistics {
    /// # Errors
    /// The database's.
    pub async fn load(app: &App, lang: Lang) -> Result<Self, ApiError> {
        let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
        let mut conn = app.db.web.acquire().await?;
        let councils = public::composition(&mut conn, today).await?;
        Ok(Self { councils, years: public::years(&mut conn, &app.cases, today.year(), lang).await? })
    }
}

/// Who sits in the ethics council, and figures of years that are over.
#[utoipa::path(get, path = "/api/v1/secretariat/ethics/statistics", tag = "secretariat",
    responses((status = 200, body = Statistics)))]
pub async fn statistics(State(app): State<App>) -> Result<Json<Statistics>, ApiError> {
    Ok(Json(Statistics::load(&app, Lang::Pt).await?))
}
