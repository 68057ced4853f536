//! Pages of the secretariat: `/secretaria/…` for everyone, `/secretaria/painel/…` for those who work there.

pub mod budget;

use axum::Router;

use crate::app::App;

pub fn routes() -> Router<App> {
    budget::routes()
}
