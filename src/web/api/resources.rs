//! Resources over HTTP: the register of people, vehicles, equipment and teams, and how each stands.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::refused::Refused;
use crate::resources::{Condition, Kind, NewResource, Resource, Skill, desk, store};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/resources", get(list).post(create))
        .route("/api/v1/resources/{id}", get(show).put(change))
        .route("/api/v1/resources/{id}/condition", post(condition))
        .route("/api/v1/resources/{id}/members", post(join))
        .route("/api/v1/resources/{id}/shifts", post(shift))
}

/// A resource with how it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Resource)]
pub struct Row {
    pub id: Uuid,
    pub code: String,
    /// team, person, vehicle, equipment
    pub class: String,
    /// What it is, as pickup or search_rescue.
    pub kind: String,
    /// 1 to 4, 1 the most able.
    pub typing: Option<i16>,
    pub name: String,
    /// User name of a person's account.
    pub account: String,
    /// Only for those who run incidents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    pub skills: Vec<String>,
    pub base: String,
    /// in_service, maintenance, retired
    pub condition: String,
    /// free, busy, off; a team stands as what belongs to it
    pub standing: String,
    pub team: Option<Uuid>,
    pub leads: bool,
    /// Of a team.
    pub members: i64,
    /// The open deployment that binds it.
    pub deployment: Option<Uuid>,
}

impl Row {
    /// `all`: what belongs to it is among them.
    fn of(one: Resource, all: &[Resource], with_phone: bool) -> Self {
        let standing = one.standing_with(all).0.to_string();
        Self {
            id: one.id,
            class: one.class().to_string(),
            code: one.what.code,
            kind: one.what.kind.to_string(),
            typing: one.what.typing,
            name: one.what.name,
            account: one.what.account,
            phone: with_phone.then_some(one.what.phone),
            skills: one.what.skills.iter().map(ToString::to_string).collect(),
            base: one.what.base,
            condition: one.condition.to_string(),
            standing,
            team: one.team,
            leads: one.leads,
            members: one.members,
            deployment: one.bound.map(|bound| bound.deployment),
        }
    }
}

/// A resource as it is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = NewResource)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// The town's own key: 1 to 64 letters, digits, `_`, `.`, `:` or `-`.
    pub code: String,
    /// search_rescue, inspection, medical, clearing, evacuation, shelter_team, logistics_team, strike_team, task_force; field_agent,
    /// engineer, geologist, social_worker, health_worker, driver, operator; pickup, car, motorcycle, truck, ambulance, boat, bus, backhoe;
    /// generator, pump, chainsaw, lighting, radio, drone, tent, stretcher
    #[schema(value_type = String)]
    pub kind: Kind,
    /// 1 to 4, 1 the most able.
    #[schema(minimum = 1, maximum = 4)]
    pub typing: Option<i16>,
    /// 1 to 120 characters.
    pub name: String,
    /// User name of a person's account.
    #[serde(default)]
    pub account: String,
    /// Of a person, E.164.
    #[serde(default)]
    pub phone: String,
    /// Of a person: command, first_aid, health, psychology, driving, heavy_machine, boat, rescue, chainsaw, engineering, geology,
    /// electrical, radio, drone, logistics, animals, social
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    pub skills: Vec<Skill>,
    #[serde(default)]
    pub base: String,
}

impl From<New> for NewResource {
    fn from(new: New) -> Self {
        let New { code, kind, typing, name, account, phone, mut skills, base } = new;
        skills.sort_unstable();
        skills.dedup();
        Self { code, kind, typing, name, account, phone, skills, base }
    }
}

/// Lists what is not retired, teams first.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/resources", tag = "teams",
    responses((status = 200, body = Vec<Row>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, staff: May<can::SeeConsole>) -> Result<Json<Vec<Row>>, ApiError> {
    let with_phone = staff.permissions.allow(Permission::RunIncidents);
    let all = store::list(&mut *app.db.web.acquire().await?, app.clock.now()).await?;
    Ok(Json(all.iter().map(|one| Row::of(one.clone(), &all, with_phone)).collect()))
}

async fn found(conn: &mut sqlx::PgConnection, id: Uuid, now: Instant) -> Result<Resource, Refused> {
    store::load(conn, id, now).await?.ok_or_else(|| Refused::NotFound("resource".into()))
}

async fn shown(conn: &mut sqlx::PgConnection, id: Uuid, now: Instant, with_phone: bool) -> Result<Shown, Refused> {
    let resource = found(&mut *conn, id, now).await?;
    let members = store::members(conn, id, now).await?;
    let belongs = members.iter().map(|one| Row::of(one.clone(), &[], with_phone)).collect();
    Ok(Shown { resource: Row::of(resource, &members, with_phone), belongs })
}

/// Writes a resource down.
///
/// # Errors
/// 400 naming the field; 409 when there is one with this code or account; 401, 403.
#[utoipa::path(post, path = "/api/v1/resources", tag = "teams", request_body = New,
    responses((status = 201, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    StrictJson(new): StrictJson<New>,
) -> Result<(StatusCode, Json<Row>), ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::save(&mut tx, by, None, &new.into()).await?;
    let row = shown(&mut tx, id, by.now, true).await?.resource;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(row)))
}

/// A resource with what belongs to it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ResourceShown)]
pub struct Shown {
    #[serde(flatten)]
    pub resource: Row,
    /// Of a team, its leader first.
    pub belongs: Vec<Row>,
}

/// Shows a resource, also a retired one.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/resources/{id}", tag = "teams", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    let with_phone = staff.permissions.allow(Permission::RunIncidents);
    let mut conn = app.db.web.acquire().await?;
    Ok(Json(shown(&mut conn, id, app.clock.now(), with_phone).await?))
}

/// Changes what is known of a resource. Its code and its class stay.
///
/// # Errors
/// 400 naming the field; 404; 409 when the code is another; 401, 403.
#[utoipa::path(put, path = "/api/v1/resources/{id}", tag = "teams", params(("id" = Uuid, Path,)), request_body = New,
    responses((status = 200, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn change(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(new): StrictJson<New>,
) -> Result<Json<Row>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    found(&mut tx, id, by.now).await?;
    desk::save(&mut tx, by, Some(id), &new.into()).await?;
    let row = shown(&mut tx, id, by.now, true).await?.resource;
    tx.commit().await?;
    Ok(Json(row))
}

/// How it is to stand.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ResourceCondition)]
#[serde(deny_unknown_fields)]
pub struct ConditionGiven {
    /// in_service, maintenance, retired
    #[schema(value_type = String)]
    pub condition: Condition,
    /// Why; at most 500 characters. Only to bring it back needs none.
    #[serde(default)]
    pub reason: String,
}

/// Takes a resource out of service, brings it back, or retires it.
///
/// # Errors
/// 400 without a reason; 404; 409 when it is bound or stands so already; 401, 403.
#[utoipa::path(post, path = "/api/v1/resources/{id}/condition", tag = "teams", params(("id" = Uuid, Path,)), request_body = ConditionGiven,
    responses((status = 200, body = Row), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn condition(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<ConditionGiven>,
) -> Result<Json<Row>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::condition(&mut tx, by, id, (given.condition, &given.reason)).await?;
    let row = shown(&mut tx, id, by.now, true).await?.resource;
    tx.commit().await?;
    Ok(Json(row))
}

/// What joins or leaves a team.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TeamMember)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub member: Uuid,
    /// Whether it leads the team from now on.
    #[serde(default)]
    pub leads: bool,
    /// Whether it leaves instead.
    #[serde(default)]
    pub leaves: bool,
}

/// Takes something into a team, makes it lead, or takes it out.
///
/// # Errors
/// 400 naming the field; 404; 409 when it belongs to another team, or the team is deployed; 401, 403.
#[utoipa::path(post, path = "/api/v1/resources/{id}/members", tag = "teams", params(("id" = Uuid, Path,)), request_body = Member,
    responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn join(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Member>,
) -> Result<Json<Shown>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    if given.leaves {
        desk::leave(&mut tx, by, (id, given.member)).await?;
    } else {
        desk::join(&mut tx, by, (id, given.member), given.leads).await?;
    }
    let answer = shown(&mut tx, id, by.now, true).await?;
    tx.commit().await?;
    Ok(Json(answer))
}

/// When somebody works.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ResourceShift)]
#[serde(deny_unknown_fields)]
pub struct Span {
    #[schema(value_type = String, format = DateTime)]
    pub from: Instant,
    #[schema(value_type = String, format = DateTime)]
    pub until: Instant,
}

/// Writes a shift down.
///
/// # Errors
/// 400 naming the field; 404; 401, 403.
#[utoipa::path(post, path = "/api/v1/resources/{id}/shifts", tag = "teams", params(("id" = Uuid, Path,)), request_body = Span,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn shift(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<Span>,
) -> Result<StatusCode, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    desk::add_shift(&mut tx, by, id, (given.from, given.until)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
