//! Server-rendered pages: the console of the staff and the public site. Templates lie beside the code that fills them;
//! every page works without JavaScript, and islands of TypeScript make it live.

pub mod account;
pub mod admin;
pub mod alerts;
pub mod areas;
pub mod audit;
pub mod cadastro;
pub mod campo;
pub mod cases;
pub mod damage;
pub mod deadlines;
pub mod delivery;
pub mod devices;
pub mod doubts;
pub mod drawing;
pub mod endpoints;
pub mod exercises;
pub mod feeds;
pub mod frame;
pub mod handover;
pub mod history;
pub mod hoje;
pub mod ics;
pub mod incidents;
pub mod inspections;
pub mod institutions;
pub mod invitation;
pub mod login;
pub mod maintenance;
pub mod mentions;
pub mod morning;
pub mod my_data;
pub mod now;
pub mod oidc;
pub mod outbox;
pub mod photographs;
pub mod plans;
pub mod plot;
pub mod preferences;
pub mod privacy;
pub mod provisioning;
pub mod public;
pub mod quarantine;
pub mod rail;
pub mod reasons;
pub mod refusal;
pub mod relatar;
pub mod relief;
pub mod reports;
pub mod reset;
pub mod residents;
pub mod rotas;
pub mod rules;
pub mod secretariat;
pub mod setup;
pub mod shift;
pub mod simulados;
pub mod sirens;
pub mod situation;
pub mod staff;
pub mod station_history;
pub mod station_quality;
pub mod stations;
pub mod tasks;
pub mod teams;
pub mod tokens;
pub mod unsubscribe;
pub mod view;
pub mod warnings;
pub mod why;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::web::error::ApiError;
use view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(public::routes())
        .merge(login::routes())
        .merge(account::routes())
        .merge(oidc::routes())
        .merge(reset::routes())
        .merge(invitation::routes())
        .merge(my_data::routes())
        .merge(setup::routes())
        .merge(staff::routes())
        .merge(preferences::routes())
        .merge(admin::routes())
        .merge(now::routes())
        .merge(alerts::routes())
        .merge(alerts::stage::routes())
        .merge(delivery::routes())
        .merge(residents::routes())
        .merge(incidents::routes())
        .merge(plans::routes())
        .merge(campo::routes())
        .merge(inspections::routes())
        .merge(damage::routes())
        .merge(deadlines::routes())
        .merge(tasks::routes())
        .merge(situation::routes())
        .merge(hoje::routes())
        .merge(areas::routes())
        .merge(why::routes())
        .merge(station_quality::routes())
        .merge(stations::routes())
        .merge(maintenance::routes())
        .merge(morning::routes())
        .merge(outbox::routes())
        .merge(quarantine::routes())
        .merge(tokens::routes())
        .merge(devices::routes())
        .merge(endpoints::routes())
        .merge(sirens::routes())
        .merge(rotas::routes())
        .merge(provisioning::routes())
        .merge(feeds::routes())
        .merge(audit::routes())
        .merge(privacy::routes())
        .merge(relatar::routes())
        .merge(reports::routes())
        .merge(cases::routes())
        .merge(mentions::routes())
        .merge(shift::routes())
        .merge(rules::routes())
        .merge(warnings::routes())
        .merge(exercises::routes())
        .merge(handover::routes())
        .merge(simulados::routes())
        .merge(cadastro::routes())
        .merge(institutions::routes())
        .merge(relief::routes())
        .merge(teams::routes())
        .merge(ics::routes())
        .merge(unsubscribe::routes())
}

/// A template as an answer.
pub fn page(template: &impl Template) -> Result<Response, ApiError> {
    let html = template.render().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(Html(html).into_response())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    v: View,
    code: u16,
    title: String,
    advice: String,
    detail: String,
}

/// The page for an error, in words a tired person can use.
pub fn error_page(v: View, status: StatusCode, detail: String) -> Response {
    let (title, advice) = match status.as_u16() {
        401 => ("error-401", "error-401-advice"),
        403 => ("error-403", "error-403-advice"),
        404 => ("error-404", "error-404-advice"),
        409 => ("error-409", "error-409-advice"),
        429 => ("error-429", "error-429-advice"),
        503 => ("error-503", "error-503-advice"),
        400..500 => ("error-400", "error-400-advice"),
        _ => ("error-500", "error-500-advice"),
    };
    let (title, advice) = (v.t(title), v.t(advice));
    let page = ErrorPage { v, code: status.as_u16(), title, advice, detail };
    (status, Html(page.render().unwrap_or_default())).into_response()
}
