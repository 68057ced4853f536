//! `/secretaria/transparencia`: what the law has the town publish, and how each obligation stands; the catalogue of open data.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::super::page;
use super::super::view::View;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::beside;
use crate::secretariat::modules::{MODULES, Module};
use crate::secretariat::transparency::{self, Freshness, Obligation, dcat};
use crate::web::conditional::{SHORT, answer};
use crate::web::error::ApiError;

/// Publications beside cases that the catalogue looks through.
const MOST_BESIDE: i64 = 5000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/transparencia", get(show))
        .route("/secretaria/transparencia/catalogo.jsonld", get(catalogue))
}

#[derive(Template)]
#[template(path = "secretariat/sec_transparency.html")]
struct ChecklistPage {
    v: View,
    all: Vec<Obligation>,
    fresh: usize,
}

impl ChecklistPage {
    fn state(&self, one: &Obligation) -> String {
        self.v.word("sec-freshness", one.standing.state.as_str())
    }

    /// Class of the mark.
    fn mark(&self, one: &Obligation) -> &'static str {
        match one.standing.state {
            Freshness::Fresh => " good",
            Freshness::Due => " wait",
            Freshness::Stale | Freshness::Missing => " bad",
        }
    }

    /// Addresses that people gave are links only when they lead to the web.
    fn is_web(&self, url: &str) -> bool {
        url.starts_with("https://") || url.starts_with("http://")
    }
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let today = v.now.with_timezone(&v.tz).date_naive();
    let all = transparency::obligations(&mut *app.db.web.acquire().await?, today, v.tz).await?;
    let fresh = all.iter().filter(|one| one.standing.state == Freshness::Fresh).count();
    page(&ChecklistPage { v, all, fresh })
}

async fn catalogue(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let now = app.clock.now();
    // The newest publication that is out says that the module has some.
    let mut modules: Vec<(&'static Module, Instant)> = Vec::new();
    let mut conn = app.db.web.acquire().await?;
    for module in MODULES {
        let one = crate::secretariat::kernel::store::published::list(&mut conn, module.key(), None, None, (now, 1));
        if let Some(one) = one.await?.first() {
            modules.push((module, one.published_at));
        }
    }
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let wanted = beside::store::Wanted { module: None, before: None, today, most: MOST_BESIDE };
    let beside = beside::store::list(&mut conn, wanted).await?;
    for one in &beside {
        // The newest comes first.
        if let Some(module) = MODULES.iter().find(|module| module.key() == one.module)
            && !modules.iter().any(|(known, _)| known.key() == module.key())
        {
            modules.push((module, one.published_at));
        }
    }
    let (base, license) = (app.config.public_url(), app.config.secretariat.open_data_license.as_str());
    let town = dcat::Town { base: &base, publisher: &app.config.municipality.sender_name, license };
    let text = dcat::catalogue(town, dcat::Known { modules: &modules, beside: &beside }, now);
    Ok(answer(&headers, "application/ld+json", SHORT, text.to_string()))
}
