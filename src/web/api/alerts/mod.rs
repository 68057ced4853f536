//! Alerts over HTTP: read, drafted, edited, submitted, returned, issued, answered.

pub mod act;
pub mod delivery;
pub mod draft;
pub mod places;
pub mod read;
pub mod stage;
pub mod texts;

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::alerts::draft::Drafter;
use crate::alerts::issue::Issuer;
use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/alerts", get(read::list).post(draft::create))
        .route("/api/v1/alerts/{id}", get(read::show).put(draft::edit))
        .route("/api/v1/alerts/{id}/reach", get(read::reach))
        .route("/api/v1/alerts/{id}/places", get(places::list).post(places::add))
        .route("/api/v1/alerts/{id}/audience", put(places::audience))
        .route("/api/v1/alerts/{id}/places/restore", post(places::restore))
        .route("/api/v1/alerts/{id}/places/{place}", delete(places::remove))
        .route("/api/v1/alerts/{id}/shape", get(places::shape))
        .route("/api/v1/alerts/{id}/texts", get(texts::list))
        .route("/api/v1/alerts/{id}/texts/{language}", put(texts::edit))
        .route("/api/v1/alerts/{id}/texts/{language}/regenerate", post(texts::regenerate))
        .route("/api/v1/neighbourhoods", get(places::neighbourhoods))
        .route("/api/v1/alerts/{id}/delivery", get(delivery::show))
        .route("/api/v1/alerts/{id}/delivery/pause", post(delivery::pause))
        .route("/api/v1/alerts/{id}/delivery/resume", post(delivery::resume))
        .route("/api/v1/alerts/{id}/delivery/cancel", post(delivery::cancel))
        .route("/api/v1/alerts/{id}/delivery/unreached", get(delivery::unreached))
        .route("/api/v1/alerts/{id}/delivery/messages", get(delivery::export))
        .route("/api/v1/alerts/{id}/delivery/report", get(delivery::final_report))
        .route("/api/v1/alerts/{id}/discard", post(act::discard))
        .route("/api/v1/alerts/{id}/issue", post(act::issue))
        .route("/api/v1/alerts/{id}/submit", post(stage::submit))
        .route("/api/v1/alerts/{id}/return", post(stage::send_back))
        .route("/api/v1/alerts/{id}/acknowledge", post(stage::acknowledge))
        .route("/api/v1/alerts/{id}/escalation", get(stage::escalation))
        .route("/api/v1/alerts/{id}/approval", get(stage::approval).delete(act::withdraw_approval))
        .route("/api/v1/alerts/{id}/all-clear", post(act::all_clear))
        .route("/api/v1/alerts/{id}/cancel", post(act::cancel))
        .route("/api/v1/alerts/{id}/update", post(act::update))
}

/// What drafts are written with.
pub fn drafter(app: &App) -> Drafter<'_> {
    Drafter { config: &app.config, templates: &app.templates, ids: &app.ids }
}

/// What alerts are issued with.
pub fn issuer(app: &App) -> Issuer<'_> {
    Issuer::of(app)
}
