//! The secretariat's modules over HTTP.

pub mod budget;

use axum::Router;

use crate::accounts::Role;
use crate::app::App;
use crate::web::auth::Staff;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    budget::routes()
}

/// Who works in a module has its role.
///
/// # Errors
/// `Forbidden`, naming the role.
pub fn has_role(staff: &Staff, role: Role) -> Result<(), ApiError> {
    if staff.roles.has(role) {
        return Ok(());
    }
    Err(ApiError::Forbidden(format!("this needs the role {role}; {} is {}", staff.username, staff.roles)))
}
