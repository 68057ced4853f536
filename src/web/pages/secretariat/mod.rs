//! Pages of the secretariat's modules, under `/secretaria`: for everybody, and for the staff under `/secretaria/painel`.

pub mod committees;

use axum::Router;

use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new().merge(committees::routes())
}
