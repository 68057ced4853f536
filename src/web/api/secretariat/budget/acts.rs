//! What is done to bills of the budget.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{has_role, which};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::budget::change::Change;
use crate::secretariat::budget::dates::DateRule;
use crate::secretariat::budget::life::{Hearing, Law, Submission};
use crate::secretariat::budget::lines::{ExpenseLine, RevenueLine};
use crate::secretariat::budget::plans::Content;
use crate::secretariat::budget::store::execution::Import;
use crate::secretariat::budget::{acts, desk};
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::tree::Node;
use crate::web::api::imports::Query as PageQuery;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem as Refusal};
use crate::web::json::StrictJson;

/// Content as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetContentChange)]
#[serde(deny_unknown_fields)]
pub struct ContentChange {
    /// The revision that was looked at.
    pub revision: i32,
    #[schema(value_type = Object)]
    pub content: Content,
}

/// Writes the programmes of a PPA, the priorities and targets of an LDO, or the head of an LOA, while it is collected.
///
/// # Errors
/// 400 naming every field; 404; 409 when it changed meanwhile or stands; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/budget/bills/{id}/content", tag = "budget", params(("id" = Uuid, Path,)),
    request_body = ContentChange,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn content(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(change): StrictJson<ContentChange>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::write(&mut tx, by, (id, change.revision), &change.content).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The most that a unit may propose.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetCeiling)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// órgão.unidade.
    #[schema(pattern = r"^[0-9]{2}\.[0-9]{2,3}$")]
    pub unit: String,
    pub amount: Centavos,
}

/// Sets ceilings of units. A proposal that was sent and is over its new ceiling goes back to its unit.
///
/// # Errors
/// 400 naming every unit that is none; 404; 409; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/budget/bills/{id}/ceilings", tag = "budget", params(("id" = Uuid, Path,)),
    request_body = Vec<Ceiling>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn ceilings(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(all): StrictJson<Vec<Ceiling>>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let all: Vec<(String, Centavos)> = all.into_iter().map(|one| (one.unit, one.amount)).collect();
    let mut tx = app.db.web.begin().await?;
    desk::set_ceilings(&mut tx, by, id, &all).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes the lines of a unit, in the place of those it had; the proposal is a draft again.
///
/// # Errors
/// 400 naming every line that is wrong, an unknown function with its portaria; 404; 409; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}", tag = "budget",
    params(("id" = Uuid, Path,), ("unit" = String, Path,)), request_body = Vec<ExpenseLine>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn propose(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((id, unit)): Path<(Uuid, String)>,
    StrictJson(lines): StrictJson<Vec<ExpenseLine>>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::propose(&mut tx, by, (id, &unit), &lines).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends what a unit proposes to the secretariat.
///
/// # Errors
/// 404; 409 over the ceiling, with both sums; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}/send", tag = "budget",
    params(("id" = Uuid, Path,), ("unit" = String, Path,)),
    responses((status = 204), (status = 401, body = Refusal), (status = 403, body = Refusal), (status = 404, body = Refusal),
        (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn send(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((id, unit)): Path<(Uuid, String)>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::send(&mut tx, by, (id, &unit)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetWhy)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Returns a proposal that was sent.
///
/// # Errors
/// 400 without a reason; 404; 409; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}/return", tag = "budget",
    params(("id" = Uuid, Path,), ("unit" = String, Path,)), request_body = Why,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn send_back(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((id, unit)): Path<(Uuid, String)>,
    StrictJson(why): StrictJson<Why>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::send_back(&mut tx, by, (id, &unit), &why.reason).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes the estimate of the revenue, in the place of what there was.
///
/// # Errors
/// 400 naming every line that is wrong; 404; 409; 401, 403.
#[utoipa::path(put, path = "/api/v1/secretariat/budget/bills/{id}/revenue", tag = "budget", params(("id" = Uuid, Path,)),
    request_body = Vec<RevenueLine>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn revenue(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(lines): StrictJson<Vec<RevenueLine>>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::set_revenue(&mut tx, by, (id, None), &lines).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The next step of a bill.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetStep)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    Consolidate,
    Reopen { reason: String },
    Hear { hearing: Hearing },
    Submit { submission: Submission },
    Enact { law: Law },
}

/// Consolidates a bill, opens it again, writes down its hearing, submits it, or writes down the law.
///
/// # Errors
/// 400 naming the field; 404; 409 with what is not consistent and the law that asks for it, or without a hearing; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/steps", tag = "budget", params(("id" = Uuid, Path,)),
    request_body = Step,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn step(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(step): StrictJson<Step>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let tz = app.config.municipality.time_zone;
    let mut tx = app.db.web.begin().await?;
    match &step {
        Step::Consolidate => acts::consolidate(&mut tx, by, id).await?,
        Step::Reopen { reason } => acts::reopen(&mut tx, by, id, reason).await?,
        Step::Hear { hearing } => acts::hear(&mut tx, by, tz, (id, hearing)).await?,
        Step::Submit { submission } => acts::submit(&mut tx, by, tz, (id, submission)).await?,
        Step::Enact { law } => acts::enact(&mut tx, by, tz, (id, law)).await?,
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The number that a change got.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetNumber)]
pub struct Number {
    pub number: String,
}

/// Files an amendment to a submitted bill, or opens a credit in an enacted budget.
///
/// # Errors
/// 400 naming the field; 404; 409 with the law that refuses it; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/changes", tag = "budget", params(("id" = Uuid, Path,)),
    request_body = Change,
    responses((status = 201, body = Number), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    StrictJson(change): StrictJson<Change>,
) -> Result<(StatusCode, Json<Number>), ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let number = acts::change(&mut tx, by, app.config.municipality.time_zone, (id, &change)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Number { number })))
}

/// What the council decided.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetDecision)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub taken: bool,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Takes an amendment, or turns it down.
///
/// # Errors
/// 400 without a reason; 404; 409 when it was decided or no longer fits; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/changes/{change}/decide", tag = "budget",
    params(("id" = Uuid, Path,), ("change" = Uuid, Path,)), request_body = Decision,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn decide(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path((id, change)): Path<(Uuid, Uuid)>,
    StrictJson(decision): StrictJson<Decision>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    acts::decide(&mut tx, by, (id, change), (decision.taken, &decision.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `?mapping=documento:nº do empenho,empenhado:valor`
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct MappingWanted {
    /// Our column and theirs, `ours:theirs`, joined by `,`. Ours: dia, chave, documento, empenhado, anulado, liquidado, pago.
    #[param(max_length = 600)]
    pub mapping: Option<String>,
}

/// Reads `ours:theirs,…`.
///
/// # Errors
/// `BadRequest`.
pub fn mapping_of(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let mut mapping = BTreeMap::new();
    for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let (ours, theirs) = part
            .split_once([':', '='])
            .ok_or_else(|| ApiError::field("mapping", part, "expected our column and theirs, as documento:empenho"))?;
        mapping.insert(ours.trim().to_owned(), theirs.trim().to_owned());
    }
    Ok(mapping)
}

/// Takes in what was executed, as a table with `;` in UTF-8 or latin-1. Good rows are kept, bad ones are told by line and column; the same
/// table twice changes nothing.
///
/// # Errors
/// 400 when the table as a whole cannot be read; 404; 409 when there is no law yet; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills/{id}/execution", tag = "budget", params(("id" = Uuid, Path,), MappingWanted),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Import), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn import(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
    PageQuery(wanted): PageQuery<MappingWanted>,
    body: Bytes,
) -> Result<Json<Import>, ApiError> {
    has_role(&staff, Role::Budget)?;
    let mapping = mapping_of(wanted.mapping.as_deref().unwrap_or_default())?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let import = acts::import(&mut tx, by, app.config.municipality.time_zone, (id, &body, &mapping)).await?;
    tx.commit().await?;
    Ok(Json(import))
}

/// How many codes were new.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetCodesAdded)]
pub struct Added {
    pub added: usize,
}

/// Adds the town's codes to a classification: unit, source, revenue, element or modality. What is there already is left as it is.
///
/// # Errors
/// 400 naming the code that does not fit; 404; 409 for codes of the law; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/codes/{which}", tag = "budget", params(("which" = String, Path,)),
    request_body = Vec<Node>,
    responses((status = 200, body = Added), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 404, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn add_codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(word): Path<String>,
    StrictJson(nodes): StrictJson<Vec<Node>>,
) -> Result<Json<Added>, ApiError> {
    has_role(&staff, Role::Budget)?;
    let which = which(&word)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let added = desk::add_codes(&mut tx, by, which, &nodes).await?;
    tx.commit().await?;
    Ok(Json(Added { added }))
}

/// A day of the town's own law.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetNewDateRule)]
#[serde(deny_unknown_fields)]
pub struct NewDateRule {
    pub rule: DateRule,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Adds the day of the Lei Orgânica: it goes before the one that is shipped.
///
/// # Errors
/// 400 naming the field; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/date-rules", tag = "budget", request_body = NewDateRule,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal)),
    security(("api_token" = [])))]
pub async fn add_date_rule(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewDateRule>,
) -> Result<StatusCode, ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::add_date_rule(&mut tx, by, app.config.municipality.time_zone, (&new.rule, &new.reason)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
