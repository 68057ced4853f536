//! The table of contents: every part brings its routes, and all of them pass the same gate.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;

use crate::app::App;
use crate::config::NodeRole;
use crate::telemetry::trace;
use crate::web::error::ApiError;
use crate::web::{
    api, aside, assets, client, docs, error, feeds, gate, health, limit, measure, notices, ogc, pages, security,
    stream, tiles,
};

/// The longest a handler may take before its first byte. Event streams answer at once and then stay open.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that sending photographs may take: some tens of megabytes over the telephone network of a bad night.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// Forms that bring photographs beside other things.
const UPLOADS: [&str; 3] = ["/relatar", "/console/reports/new", "/api/v1/reports"];

/// What this process answers over HTTP: everything, or where `web` is not among its roles, how it is, and readings if it lets them in.
pub fn router(app: App) -> Router {
    measure::install();
    let routes = match &app.config.roles {
        roles if roles.has(NodeRole::Web) => health::routes().merge(all(&app)).fallback(not_found),
        roles if roles.has(NodeRole::Ingest) => health::routes().merge(api::readings::routes()).fallback(not_here),
        _ => health::routes().fallback(not_here),
    };
    routes
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), limit::by_address))
        .layer(from_fn(error::problems))
        .layer(from_fn_with_state(app.clone(), security::error_pages))
        .layer(from_fn_with_state(app.clone(), pages::view::keep_language))
        .layer(from_fn_with_state(app.clone(), security::headers))
        .layer(DefaultBodyLimit::max(app.config.http.max_body_bytes))
        .layer(from_fn(in_time))
        .layer(CompressionLayer::new())
        .layer(from_fn(measure::requests))
        .layer(from_fn_with_state(app.clone(), client::remember))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .with_state(app)
}

/// Pages, API and what they show.
fn all(app: &App) -> Router<App> {
    Router::new()
        .merge(assets::routes())
        .merge(docs::routes())
        .merge(feeds::routes())
        .merge(notices::geojson::routes())
        .merge(notices::pictures::routes())
        .merge(notices::service::routes())
        .merge(notices::status::routes())
        .merge(pages::routes())
        .merge(api::addresses::routes())
        .merge(api::alerts::routes())
        .merge(api::areas::routes())
        .merge(api::audit::routes())
        .merge(api::deployments::routes())
        .merge(api::damage::routes())
        .merge(api::deadlines::routes())
        .merge(secretariat(app))
        .merge(api::devices::routes())
        .merge(api::endpoints::routes())
        .merge(api::feeds::routes())
        .merge(api::ics::routes())
        .merge(api::incidents::routes())
        .merge(api::inspections::routes())
        .merge(api::interdictions::routes())
        .merge(api::field::routes())
        .merge(api::levels::routes())
        .merge(api::maintenance::routes())
        .merge(api::exercises::routes())
        .merge(api::readings::routes())
        .merge(api::sms::routes())
        .merge(api::reports::routes())
        .merge(api::institutions::routes())
        .merge(api::occurrences::routes())
        .merge(api::residents::routes())
        .merge(api::resources::routes())
        .merge(api::rotas::routes())
        .merge(api::plans::routes())
        .merge(api::situation::routes())
        .merge(api::rules::routes())
        .merge(api::shelters::routes())
        .merge(api::sirens::routes())
        .merge(api::staff::routes())
        .merge(api::stations::routes())
        .merge(api::supplies::routes())
        .merge(api::tokens::routes())
        .merge(api::warnings::routes())
        .merge(ogc::routes())
        .merge(tiles::routes())
        .merge(stream::routes())
}

/// What stands aside for the warning.
fn secretariat(app: &App) -> Router<App> {
    Router::new()
        .merge(api::secretariat::routes())
        .merge(api::secretariat::committees::routes())
        .merge(pages::secretariat::routes())
        .layer(from_fn_with_state(aside::Aside::new(app.config.secretariat.at_once), aside::wait))
}

async fn in_time(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let brings_files = path.ends_with("/photographs")
        || path.ends_with("/note")
            && (path.starts_with("/console/incidents/") || path.starts_with("/console/reports/"))
        || UPLOADS.contains(&path);
    let is_upload = *request.method() == Method::POST && brings_files;
    let most = if is_upload { UPLOAD_TIMEOUT } else { HANDLER_TIMEOUT };
    let answer = tokio::time::timeout(most, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::GATEWAY_TIMEOUT.into_response())
}

/// The path without its query: queries may carry addresses.
fn span(request: &Request) -> tracing::Span {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let traceparent = traceparent.filter(|text| trace::Place::parse(text).is_some());
    let method = request.method();
    tracing::info_span!(target: trace::TARGET, "http", %method, path, traceparent, kind = "server", status = tracing::field::Empty)
}

async fn not_here(request: Request) -> ApiError {
    let path: String = request.uri().path().chars().take(60).collect();
    ApiError::NotFound(format!(
        "{path} on a node without the role `web`, which answers /healthz, /readyz and /metrics,"
    ))
}

async fn not_found(request: Request) -> ApiError {
    ApiError::NotFound(request.uri().path().chars().take(200).collect())
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let cause = anyhow::anyhow!("a handler panicked: {}", text.unwrap_or("without a message"));
    ApiError::Internal(cause).into_response()
}
