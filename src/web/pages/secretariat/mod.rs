//! Pages of the secretariat: `/secretaria/painel/…` for its staff, `/secretaria/…` for everybody.

pub mod instruments;
pub mod public;
pub mod words;

use axum::Router;
use axum::routing::get;

use crate::app::App;
use crate::secretariat::agreements::Agreement;
use crate::secretariat::funding::Funding;
use crate::secretariat::kernel::instrument::Kept;
use crate::secretariat::strategic_projects::Project;

pub fn routes() -> Router<App> {
    Router::new().merge(of::<Agreement>()).merge(of::<Funding>()).merge(of::<Project>())
}

/// The pages of one module.
fn of<K: Kept>() -> Router<App> {
    let (staff, open) = (format!("/secretaria/painel/{}", K::PAGES), format!("/secretaria/{}", K::PAGES));
    Router::new()
        .route(&staff, get(instruments::list::<K>).post(instruments::open::<K>))
        .route(&format!("{staff}/relatorio"), get(instruments::report::<K>))
        .route(&format!("{staff}/{{id}}"), get(instruments::show::<K>).post(instruments::act::<K>))
        .route(&open, get(public::list::<K>))
        .route(&format!("{open}/{{id}}"), get(public::show::<K>))
}
