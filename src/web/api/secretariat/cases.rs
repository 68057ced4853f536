//! Cases one by one: opened, read, and acted on as their type says.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{may_act, module, within};
use crate::app::App;
use crate::deadlines::{self, Deadline};
use crate::i18n::Lang;
use crate::secretariat::kernel::body::Origin;
use crate::secretariat::kernel::body::store::spawn;
use crate::secretariat::kernel::decide::{self, Asked, New};
use crate::secretariat::kernel::desk::below::{Below, below};
use crate::secretariat::kernel::desk::{self, Around, CaseError, Desk, Task};
use crate::secretariat::kernel::store::instruments::{self, InstrumentLink};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::kernel::{ActDone, CaseDocument, CaseFile, CaseLink, SUBJECT, ledger, store};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/cases/{id}", get(show))
        .route("/api/v1/secretariat/{module}/cases/{id}/acts", get(acts))
        .route("/api/v1/secretariat/{module}/cases/{id}/acts/{transition}", post(act))
        .route("/api/v1/secretariat/{module}/cases/{id}/assign", post(assign))
        .route("/api/v1/secretariat/{module}/cases/{id}/annul", post(annul))
        .route("/api/v1/secretariat/{module}/cases/{id}/withdraw", post(withdraw))
        .route("/api/v1/secretariat/{module}/cases/{id}/links", post(link))
}

/// A case to open.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewCase)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// Key of its type.
    #[serde(rename = "type")]
    #[schema(max_length = 80)]
    pub type_key: String,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub title: String,
    #[serde(default)]
    #[schema(max_length = 160)]
    pub department: String,
    /// User name of whoever is to work on it.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub assigned: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// The case above it, for types that are opened under another.
    #[serde(default)]
    pub parent: Option<Uuid>,
    /// The order of the mayor by which the caller opens it, of any module.
    #[serde(default)]
    pub started_by: Option<Uuid>,
}

/// An act that is possible now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseActPossible)]
pub struct Possible {
    pub key: String,
    pub label: String,
    pub asks: Vec<String>,
    pub needs_reason: bool,
}

/// A case with everything that belongs to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseShown)]
pub struct Shown {
    #[serde(flatten)]
    pub case: CaseFile,
    /// "DET 2026/001"; empty until it is numbered.
    pub numbered: String,
    /// Acts that the caller may do now.
    pub possible: Vec<Possible>,
    pub deadlines: Vec<Deadline>,
    pub documents: Vec<CaseDocument>,
    pub links: Vec<CaseLink>,
    /// Agreements, funding and projects that it refers to.
    pub instruments: Vec<InstrumentLink>,
    /// What cases under it say, where their types show it: department, day, result.
    pub below: Vec<Below>,
    /// The resolution of a body that it came of.
    pub resolution: Option<Origin>,
    pub publications: Vec<Published>,
}

impl Shown {
    async fn load(conn: &mut PgConnection, desk: Desk<'_>, mut case: CaseFile) -> Result<Self, CaseError> {
        let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
        let versions = (&kept.def, desk.types.newest(&kept.def));
        decide::veil(versions, &mut case, desk.who);
        let possible = decide::possible(&kept.def, &case, desk.who).into_iter().map(|one| Possible {
            key: one.key().to_owned(),
            label: one.label.of(Lang::Pt).to_owned(),
            asks: one.asks.iter().map(|word| word.get_ref().clone()).collect(),
            needs_reason: one.needs.reason,
        });
        Ok(Self {
            numbered: case.number(),
            possible: possible.collect(),
            deadlines: deadlines::store::list(&mut *conn, Some((SUBJECT, case.id)), false).await?,
            documents: super::papers::seen(&mut *conn, versions, (desk.who, &case)).await?,
            instruments: instruments::of_case(&mut *conn, case.id).await?,
            below: below(&mut *conn, desk, &case).await?.into_iter().map(|(_, one)| one).collect(),
            links: store::links(&mut *conn, case.id, (&desk.who.name, &desk.who.modules())).await?,
            resolution: spawn::origin(&mut *conn, case.id).await?,
            publications: published::all_of_case(conn, case.id).await?,
            case,
        })
    }
}

/// Opens a case.
///
/// # Errors
/// 400 naming every field; 404 for an unknown type, parent or order; 409 citing the law; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases", tag = "secretariat", params(("module" = String, Path,)),
    request_body = NewCase,
    responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(slug): Path<String>,
    StrictJson(new): StrictJson<NewCase>,
) -> Result<(StatusCode, Json<Shown>), ApiError> {
    let module = module(&slug)?;
    if app.cases.get(&new.type_key).is_none_or(|kept| kept.def.module() != module.key()) {
        return Err(ApiError::field("type", new.type_key, "expected a type of the module"));
    }
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let wanted = New { title: new.title, department: new.department, assigned: new.assigned, fields: new.fields };
    let around = Around { parent: new.parent, started_by: new.started_by, ..Around::default() };
    let mut tx = app.db.web.begin().await?;
    let case = desk::open(&mut tx, desk, &new.type_key, &wanted, &around).await?;
    let shown = Shown::load(&mut tx, desk, case).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Shows a case with its deadlines, documents, links and publications, and what the caller may do now.
///
/// # Errors
/// 404, also when it is not for the caller; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Shown>, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (_, case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    Ok(Json(Shown::load(&mut conn, desk, case).await?))
}

/// The ledger of a case.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseLedger)]
pub struct Ledger {
    pub acts: Vec<ActDone>,
    /// The first act whose hash does not fit; none: the chain is whole.
    pub broken_at: Option<i32>,
    /// The first field that is another than the acts made it; none: all are.
    pub unfounded: Option<String>,
}

/// Shows the ledger of a case, the oldest act first, and whether its chain is whole.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/acts", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)),
    responses((status = 200, body = Ledger), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn acts(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Json<Ledger>, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut conn = app.db.web.acquire().await?;
    let desk = Desk::of(&app, &actor, &who);
    let (kept, case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    let mut acts: Vec<ActDone> = store::acts(&mut conn, &[id]).await?.into_iter().map(|(_, act)| act).collect();
    let unfounded = ledger::unfounded(&kept.def, &case.fields, &acts).map(str::to_owned);
    let broken_at = ledger::broken(id, &acts);
    // Whoever may not read a field that was closed since reckons this chain no more; whoever works in the module does.
    decide::veil_acts((&kept.def, desk.types.newest(&kept.def)), &mut acts, (&case, &who));
    Ok(Json(Ledger { broken_at, unfounded, acts }))
}

/// An act of the type of a case.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseActAsked)]
#[serde(deny_unknown_fields)]
pub struct Doing {
    /// Of the case as the caller saw it.
    pub revision: i32,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: String,
    /// The fields that the act asks for.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

/// Does something to a case in a transaction and shows the case after it.
async fn done(app: &App, staff: &Staff, (slug, id): (&str, Uuid), task: Task<'_>) -> Result<Json<Shown>, ApiError> {
    let module = module(slug)?;
    may_act(staff)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    let case = desk::perform(&mut tx, desk, (module.key(), id), task).await?;
    let shown = Shown::load(&mut tx, desk, case).await?;
    tx.commit().await?;
    Ok(Json(shown))
}

/// Does an act of its type to a case.
///
/// # Errors
/// 400 naming every field; 404; 409 saying which acts are possible, or citing the law that refuses; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/acts/{transition}", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,), ("transition" = String, Path,)), request_body = Doing,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn act(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id, transition)): Path<(String, Uuid, String)>,
    StrictJson(doing): StrictJson<Doing>,
) -> Result<Json<Shown>, ApiError> {
    let asked = Asked { transition, revision: doing.revision, reason: doing.reason, fields: doing.fields };
    done(&app, &staff, (&slug, id), Task::Act(&asked)).await
}

/// Whose a case is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseAssigned)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    pub revision: i32,
    /// User name; empty: nobody's.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub assigned: String,
    #[serde(default)]
    #[schema(max_length = 160)]
    pub department: String,
}

/// Gives a case to somebody and to a department.
///
/// # Errors
/// 400 naming the field; 404; 409 when it was changed; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/assign", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Assigned,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn assign(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(to): StrictJson<Assigned>,
) -> Result<Json<Shown>, ApiError> {
    let task = Task::Assign(to.revision, &to.assigned, &to.department);
    done(&app, &staff, (&slug, id), task).await
}

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseReason)]
#[serde(deny_unknown_fields)]
pub struct Why {
    pub revision: i32,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Annuls a case. Its number stays and is never given again.
///
/// # Errors
/// 400 without a reason; 404; 409 when it was changed; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/annul", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Why,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn annul(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Json<Shown>, ApiError> {
    done(&app, &staff, (&slug, id), Task::Annul(why.revision, &why.reason)).await
}

/// Takes back what was published of a case.
///
/// # Errors
/// 400 without a reason; 404; 409 when nothing is public; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/withdraw", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Why,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn withdraw(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Json<Shown>, ApiError> {
    done(&app, &staff, (&slug, id), Task::Withdraw(why.revision, &why.reason)).await
}

/// Another case, or an instrument: one of the two.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CaseOther)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// A case.
    #[serde(default)]
    pub other: Option<Uuid>,
    /// An agreement, funding or project.
    #[serde(default)]
    pub instrument: Option<Uuid>,
}

/// Says that a case refers to another, of any module, or to an agreement, funding or project.
///
/// # Errors
/// 400 unless one of the two is given; 404; 409 when it does already; 401, 403 naming the role.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/links", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Other,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn link(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(to): StrictJson<Other>,
) -> Result<Json<Shown>, ApiError> {
    let task = match (to.other, to.instrument) {
        (Some(other), None) => Task::Link(other),
        (None, Some(instrument)) => Task::Instrument(instrument),
        _ => {
            return Err(ApiError::field(
                "other",
                "",
                "expected a case in other or an instrument in instrument, one of the two",
            ));
        }
    };
    done(&app, &staff, (&slug, id), task).await
}
