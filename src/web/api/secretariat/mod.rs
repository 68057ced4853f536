//! The secretariat over HTTP: every type of cases by the same routes.

pub mod agreements;
pub mod budget;
pub mod cases;
pub mod citizen;
pub mod committees;
pub mod ethics;
pub mod evaluation;
pub mod exchange;
pub mod figures;
pub mod funding;
pub mod instrument_routes;
pub mod instruments;
pub mod lists;
pub mod media_days;
pub mod media_monitoring;
pub mod media_sources;
pub mod papers;
pub mod printed;
pub mod publications;
pub mod publishing;
pub mod registry;
pub mod representation;
pub mod segments;
pub mod series;
pub mod strategic_projects;

use axum::Router;
use uuid::Uuid;

use crate::accounts::{Permission, Role};
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::desk::CaseError;
use crate::secretariat::modules::{self, Module};
use crate::web::auth::Staff;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(lists::routes())
        .merge(series::routes())
        .merge(cases::routes())
        .merge(papers::routes())
        .merge(printed::routes())
        .merge(exchange::routes())
        .merge(publications::routes())
        .merge(citizen::routes())
        .merge(figures::routes())
        .merge(publishing::routes())
        .merge(media_monitoring::routes())
        .merge(media_days::routes())
        .merge(media_sources::routes())
        .merge(budget::routes())
        .merge(agreements::routes())
        .merge(funding::routes())
        .merge(strategic_projects::routes())
        .merge(evaluation::routes())
        .merge(ethics::routes())
        .merge(registry::routes())
        .merge(representation::routes())
        .merge(segments::routes())
}

/// Words that somebody looks for, without what no text of the database may hold; the first 200 characters count.
pub fn sought(text: &str) -> String {
    text.trim().chars().filter(|letter| *letter != '\0').take(200).collect()
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

/// Acts on cases are open to whoever has a part in them, whatever their role. A token that was narrowed to reading acts on nothing.
///
/// # Errors
/// `Forbidden`, naming the permission.
pub fn may_act(staff: &Staff) -> Result<(), ApiError> {
    let is_whole = staff.permissions == staff.roles.permissions();
    if is_whole { Ok(()) } else { staff.require(Permission::WorkSecretariat) }
}

/// # Errors
/// `NotFound` naming what was asked for.
pub fn module(slug: &str) -> Result<&'static Module, Refused> {
    let found = modules::MODULES.iter().find(|module| module.slug == slug);
    found.ok_or_else(|| Refused::NotFound(format!("module {slug}")))
}

/// # Errors
/// `NotFound` when the case is of another module.
pub fn within(case: &CaseFile, module: &Module, id: Uuid) -> Result<(), CaseError> {
    if case.module == module.key() { Ok(()) } else { Err(Refused::NotFound(format!("case {id}")).into()) }
}
