//! The citizen's door over HTTP, without an account: ask, complain, follow by number and code, complement, appeal, rate, withdraw.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{module, within};
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::deadlines::{self, words};
use crate::i18n::Lang;
use crate::secretariat::citizen::desk::{self as door, Request};
use crate::secretariat::citizen::identity::{self, Identity};
use crate::secretariat::citizen::{self, Told};
use crate::secretariat::kernel::desk::{self, CaseError, Desk};
use crate::secretariat::kernel::types::Kept;
use crate::secretariat::kernel::{CaseFile, SUBJECT, store};
use crate::vault::access::Reader;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/requests", post(ask))
        .route("/api/v1/secretariat/protocol", post(follow))
        .route("/api/v1/secretariat/protocol/{act}", post(act))
        .route("/api/v1/secretariat/{module}/cases/{id}/identity", post(identity_of))
}

/// A request for information, or a manifestation.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CitizenRequest)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// In a few words.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub subject: String,
    #[schema(min_length = 1, max_length = 8000, pattern = r"\S")]
    pub text: String,
    /// Of a manifestation: complaint, report, suggestion, praise, request.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub kind: String,
    /// Of a manifestation: where it was.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub place: String,
    /// Of a request for information: digital, paper, view.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub format: String,
    /// Nothing of the person is kept.
    #[serde(default)]
    pub anonymous: bool,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name: String,
    /// For notices; optional.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: String,
    #[serde(default)]
    #[schema(max_length = 30)]
    pub phone: String,
}

/// What the citizen takes away.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CitizenReceipt)]
pub struct Receipt {
    pub number: String,
    /// Shown this once; whoever has it reads and acts.
    pub code: String,
    pub case: Followed,
}

/// The key to a case.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CitizenKey)]
#[serde(deny_unknown_fields)]
pub struct Key {
    #[schema(min_length = 1, max_length = 60)]
    pub number: String,
    #[schema(min_length = 1, max_length = 60)]
    pub code: String,
}

/// An act of the citizen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = CitizenDoing)]
#[serde(deny_unknown_fields)]
pub struct Doing {
    #[schema(min_length = 1, max_length = 60)]
    pub number: String,
    #[schema(min_length = 1, max_length = 60)]
    pub code: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

/// A deadline as the citizen reads it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CitizenDeadline)]
pub struct Due {
    pub code: String,
    pub name: String,
    pub law_ref: String,
    pub due_on: Option<chrono::NaiveDate>,
    pub late: bool,
    pub extended: i32,
    /// How it was reckoned, in words.
    pub trace: Vec<String>,
}

/// A field with its words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CitizenField)]
pub struct FieldShown {
    pub key: String,
    pub label: String,
    #[schema(value_type = Object)]
    pub value: Value,
}

/// A case as the citizen reads it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CitizenCase)]
pub struct Followed {
    pub number: String,
    pub module: String,
    #[serde(rename = "type")]
    pub type_key: String,
    pub subject: String,
    pub state: String,
    pub state_label: String,
    pub is_final: bool,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    pub fields: Vec<FieldShown>,
    pub history: Vec<Told>,
    pub deadlines: Vec<Due>,
    /// Acts that the citizen may try now.
    pub possible: Vec<String>,
    #[serde(skip)]
    pub case: Option<(std::sync::Arc<Kept>, CaseFile)>,
}

impl Followed {
    /// # Errors
    /// The database's.
    pub async fn load(conn: &mut PgConnection, desk: Desk<'_>, case: CaseFile, lang: Lang) -> Result<Self, CaseError> {
        let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
        let def = &kept.def;
        let acts: Vec<_> = store::acts(&mut *conn, &[case.id]).await?.into_iter().map(|(_, act)| act).collect();
        let now = desk.by.now;
        let running = deadlines::store::list(&mut *conn, Some((SUBJECT, case.id)), true).await?;
        let due = running.into_iter().filter(|one| citizen::concerns(&one.code)).map(|one| Due {
            name: words::name(lang, &one.code),
            late: one.is_late(now),
            trace: one.trace.iter().map(|step| words::step(lang, step)).collect(),
            code: one.code,
            law_ref: one.law_ref,
            due_on: one.due_on,
            extended: one.extended,
        });
        let fields = citizen::shown(def, &case).into_iter().map(|(field, value)| FieldShown {
            key: field.key().to_owned(),
            label: field.label.of(lang).to_owned(),
            value: value.clone(),
        });
        let deadlines: Vec<Due> = due.collect();
        let is_late = deadlines.iter().any(|one| one.late);
        // What only silence allows is offered when there is silence.
        let possible = citizen::own(def, &case)
            .into_iter()
            .map(|one| one.key().to_owned())
            .filter(|act| act != "appeal_silence" || is_late)
            .collect();
        Ok(Self {
            number: case.number(),
            module: case.module.clone(),
            type_key: case.type_key.clone(),
            subject: case.title.clone(),
            state: case.state.clone(),
            state_label: def.state_label(&case.state, lang),
            is_final: case.is_final,
            opened_at: case.opened_at,
            fields: fields.collect(),
            history: citizen::history(&acts),
            deadlines,
            possible,
            case: Some((std::sync::Arc::clone(&kept), case)),
        })
    }
}

/// Nothing on the way keeps a copy.
fn unkept<T: Serialize>(status: StatusCode, body: T) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Asks for information (`sic`) or makes a manifestation (`ombudsman`). Number and code come back once.
///
/// # Errors
/// 400 naming every field; 404 for a module without a door; 429.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/requests", tag = "secretariat", params(("module" = String, Path,)),
    request_body = NewRequest,
    responses((status = 201, body = Receipt), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 429, body = Problem)))]
pub async fn ask(
    State(app): State<App>,
    Path(slug): Path<String>,
    StrictJson(new): StrictJson<NewRequest>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(&app, &actor, &who);
    let identity = Identity { name: new.name, email: new.email, phone: new.phone };
    let request = Request {
        module: module.key().to_owned(),
        subject: new.subject,
        text: new.text,
        kind: new.kind,
        place: new.place,
        format: new.format,
        anonymous: new.anonymous,
        identity,
        stamp: None,
    };
    let mut tx = app.db.web.begin().await?;
    let receipt = door::open(&mut tx, desk, &request).await?;
    let case = Followed::load(&mut tx, desk, receipt.case, Lang::Pt).await?;
    tx.commit().await?;
    Ok(unkept(StatusCode::CREATED, Receipt { number: receipt.number, code: receipt.code, case }))
}

/// Shows a case to whoever has its number and its code.
///
/// # Errors
/// 404 whenever the two do not fit, alike whether the number exists or not; 429.
#[utoipa::path(post, path = "/api/v1/secretariat/protocol", tag = "secretariat", request_body = Key,
    responses((status = 200, body = Followed), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 429, body = Problem)))]
pub async fn follow(State(app): State<App>, StrictJson(key): StrictJson<Key>) -> Result<Response, ApiError> {
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (_, case) = door::find(&mut conn, desk, (&key.number, &key.code), false).await?;
    Ok(unkept(StatusCode::OK, Followed::load(&mut conn, desk, case, Lang::Pt).await?))
}

/// Complements, appeals, rates or withdraws.
///
/// # Errors
/// 400 naming every field; 403 for an act that is not the citizen's; 404 when number and code do not fit; 409 citing the law; 429.
#[utoipa::path(post, path = "/api/v1/secretariat/protocol/{act}", tag = "secretariat", params(("act" = String, Path,)),
    request_body = Doing,
    responses((status = 200, body = Followed), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem)))]
pub async fn act(
    State(app): State<App>,
    Path(act): Path<String>,
    StrictJson(doing): StrictJson<Doing>,
) -> Result<Response, ApiError> {
    let (actor, who) = (Actor::anonymous(None), desk::citizen());
    let desk = Desk::of(&app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    let case = door::act(&mut tx, desk, (&doing.number, &doing.code), (&act, doing.fields)).await?;
    let shown = Followed::load(&mut tx, desk, case, Lang::Pt).await?;
    tx.commit().await?;
    Ok(unkept(StatusCode::OK, shown))
}

/// Why somebody reads who spoke.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = IdentityReason)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 10, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Opens the vault: who made a manifestation. The reading and its reason go to the audit.
///
/// # Errors
/// 400 without a reason; 403 naming the role; 404, also when nobody told who they are.
#[utoipa::path(post, path = "/api/v1/secretariat/{module}/cases/{id}/identity", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,)), request_body = Why,
    responses((status = 200, body = Identity), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn identity_of(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    Path((slug, id)): Path<(String, Uuid)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    let (_, case) = desk::find(&mut tx, desk, id, false).await?;
    within(&case, module, id)?;
    let reader = Reader { actor: &actor, roles: &staff.roles, permissions: staff.permissions };
    let found = identity::open(&mut tx, desk, &app.ids, &case, (&reader, &why.reason)).await?;
    tx.commit().await?;
    let found = found.ok_or_else(|| ApiError::NotFound(format!("identity of the case {id}")))?;
    Ok(unkept(StatusCode::OK, found))
}
