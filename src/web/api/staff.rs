//! The people who work here over HTTP. What may be done to them is in `accounts::manage`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::accounts::manage::{self, Refusal};
use crate::accounts::store::people::{self, Person};
use crate::accounts::{Role, Roles};
use crate::app::App;
use crate::clock::Instant;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/staff", get(list).post(invite))
        .route("/api/v1/staff/{username}", get(show))
        .route("/api/v1/staff/{username}/roles", put(change_roles))
        .route("/api/v1/staff/{username}/disable", post(disable))
        .route("/api/v1/staff/{username}/enable", post(enable))
        .route("/api/v1/staff/{username}/resend", post(resend))
        .route("/api/v1/staff/{username}/reset-second-factor", post(reset_second_factor))
}

/// A person who works here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StaffMember {
    pub username: String,
    pub name: String,
    pub email: Option<String>,
    /// Words such as "operator".
    pub roles: Vec<String>,
    /// False until an invitation is accepted.
    pub accepted: bool,
    pub second_factor: bool,
    /// Since when they are shut out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Instant>,
    /// The last use of a session that is still open.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Instant>,
}

impl From<Person> for StaffMember {
    fn from(person: Person) -> Self {
        Self {
            roles: person.roles.words(),
            username: person.username,
            name: person.name,
            email: person.email,
            accepted: person.has_password,
            second_factor: person.has_factor,
            disabled_at: person.disabled_at,
            last_used_at: person.last_used_at,
        }
    }
}

/// Everyone who works here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StaffList {
    pub items: Vec<StaffMember>,
}

/// Who is invited.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// 1 to 120 characters.
    pub name: String,
    pub email: String,
    /// Made from the name when missing.
    #[serde(default)]
    pub username: String,
    /// Words such as "operator", at least one.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
}

/// Somebody was invited.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationSent {
    pub username: String,
    /// To be handed over by other means; only where no e-mail can be sent.
    pub link: Option<String>,
}

/// What somebody may do from now on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoles {
    /// Words such as "operator", at least one.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    #[serde(default)]
    pub reason: String,
}

/// Why something is done. Kept in the audit.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffReason {
    #[serde(default)]
    pub reason: String,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(what) => Self::NotFound(what),
            Refusal::Database(error) => error.into(),
            Refusal::Field { field, message } => Self::field(field, "", message),
            Refusal::Oneself | Refusal::LastAdministrator(_) | Refusal::Taken | Refusal::State(_) => {
                Self::Conflict(refusal.to_string())
            }
        }
    }
}

/// Lists everyone who works here, by user name.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/staff", tag = "staff",
    responses((status = 200, body = StaffList), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(State(app): State<App>, _: May<can::ManageStaff>) -> Result<Json<StaffList>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let people = people::people(&mut conn, app.clock.now()).await?;
    Ok(Json(StaffList { items: people.into_iter().map(StaffMember::from).collect() }))
}

async fn member(app: &App, username: &str) -> Result<Json<StaffMember>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let known = manage::is_username(username);
    let person = if known { people::person(&mut conn, app.clock.now(), username).await? } else { None };
    person.map(|person| Json(person.into())).ok_or_else(|| ApiError::NotFound(format!("user {username:?}")))
}

/// One person.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(get, path = "/api/v1/staff/{username}", tag = "staff", params(("username" = String, Path,)),
    responses((status = 200, body = StaffMember), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::ManageStaff>,
    Path(username): Path<String>,
) -> Result<Json<StaffMember>, ApiError> {
    member(&app, &username).await
}

/// Invites somebody by e-mail; the link works once, for 72 hours.
///
/// # Errors
/// 400 naming the field, 409 when user name or address are taken, 401, 403.
#[utoipa::path(post, path = "/api/v1/staff", tag = "staff", request_body = NewInvitation,
    responses((status = 201, body = InvitationSent), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn invite(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    StrictJson(given): StrictJson<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationSent>), ApiError> {
    let wanted =
        manage::Invitation { name: given.name, email: given.email, username: given.username, roles: given.roles };
    let mut tx = app.db.web.begin().await?;
    let invited = manage::invite(&mut tx, &app, &staff.actor(), &wanted).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(InvitationSent { username: invited.username, link: invited.link })))
}

/// Gives somebody other roles.
///
/// # Errors
/// 400, 404, 409 for one's own account and the last administrator, 401, 403.
#[utoipa::path(put, path = "/api/v1/staff/{username}/roles", tag = "staff", params(("username" = String, Path,)),
    request_body = NewRoles,
    responses((status = 200, body = StaffMember), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn change_roles(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    Path(username): Path<String>,
    StrictJson(given): StrictJson<NewRoles>,
) -> Result<Json<StaffMember>, ApiError> {
    let roles = Roles::new(given.roles);
    let mut tx = app.db.web.begin().await?;
    manage::change_roles(&mut tx, &app, &staff.actor(), &username, (&roles, &given.reason)).await?;
    tx.commit().await?;
    member(&app, &username).await
}

/// Shuts somebody out: sessions, tokens and links end at once.
///
/// # Errors
/// 400, 404, 409 for one's own account, the last administrator and whoever is shut out already, 401, 403.
#[utoipa::path(post, path = "/api/v1/staff/{username}/disable", tag = "staff", params(("username" = String, Path,)),
    request_body = StaffReason,
    responses((status = 200, body = StaffMember), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn disable(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    Path(username): Path<String>,
    StrictJson(given): StrictJson<StaffReason>,
) -> Result<Json<StaffMember>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    manage::disable(&mut tx, &app, &staff.actor(), &username, &given.reason).await?;
    tx.commit().await?;
    member(&app, &username).await
}

/// Lets somebody in again.
///
/// # Errors
/// 400, 404, 409 for whoever is not shut out, 401, 403.
#[utoipa::path(post, path = "/api/v1/staff/{username}/enable", tag = "staff", params(("username" = String, Path,)),
    request_body = StaffReason,
    responses((status = 200, body = StaffMember), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn enable(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    Path(username): Path<String>,
    StrictJson(given): StrictJson<StaffReason>,
) -> Result<Json<StaffMember>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    manage::enable(&mut tx, &app, &staff.actor(), &username, &given.reason).await?;
    tx.commit().await?;
    member(&app, &username).await
}

/// Sends a new invitation; the earlier link stops working.
///
/// # Errors
/// 400, 404, 409 for whoever has accepted already, 401, 403.
#[utoipa::path(post, path = "/api/v1/staff/{username}/resend", tag = "staff", params(("username" = String, Path,)),
    responses((status = 200, body = InvitationSent), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    security(("api_token" = [])))]
pub async fn resend(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    Path(username): Path<String>,
) -> Result<Json<InvitationSent>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let invited = manage::resend(&mut tx, &app, &staff.actor(), &username).await?;
    tx.commit().await?;
    Ok(Json(InvitationSent { username: invited.username, link: invited.link }))
}

/// Takes the second factor of somebody who lost theirs; they are told by e-mail.
///
/// # Errors
/// 400 without a reason, 404, 409 for one's own account and whoever has none, 401, 403.
#[utoipa::path(post, path = "/api/v1/staff/{username}/reset-second-factor", tag = "staff",
    params(("username" = String, Path,)), request_body = StaffReason,
    responses((status = 200, body = StaffMember), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem)),
    security(("api_token" = [])))]
pub async fn reset_second_factor(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    Path(username): Path<String>,
    StrictJson(given): StrictJson<StaffReason>,
) -> Result<Json<StaffMember>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    manage::reset_factor(&mut tx, &app, &staff.actor(), &username, &given.reason).await?;
    tx.commit().await?;
    member(&app, &username).await
}
