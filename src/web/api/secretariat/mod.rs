//! The modules of the secretariat over HTTP.

pub mod agreements;
pub mod funding;
pub mod instruments;
pub mod strategic_projects;

use axum::Router;

use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new().merge(agreements::routes()).merge(funding::routes()).merge(strategic_projects::routes())
}
