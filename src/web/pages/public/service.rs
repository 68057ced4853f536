//! The page that says whether the service itself works. It answers also while its database does not.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::app::App;
use crate::web::conditional::{self, SHORT};
use crate::web::error::ApiError;
use crate::web::notices::service::{self, ServiceStatus, Working};
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/situacao-do-servico", get(show))
}

#[derive(Template)]
#[template(path = "service_status.html")]
struct ServicePage {
    v: View,
    s: ServiceStatus,
}

impl ServicePage {
    const fn tag(state: &Working) -> &'static str {
        match state {
            Working::Working => "tag good",
            Working::Failing => "tag bad",
            Working::Unknown => "tag",
        }
    }
}

async fn show(State(app): State<App>, v: View, headers: HeaderMap) -> Result<Response, ApiError> {
    let v = v.for_everyone();
    let read = async { service::status(&mut *app.db.web.acquire().await?, &app.clock).await };
    match read.await {
        Ok(s) => {
            let html = ServicePage { v, s }.render().map_err(|error| ApiError::Internal(error.into()))?;
            Ok(conditional::answer(&headers, "text/html; charset=utf-8", SHORT, html))
        }
        Err(error) => {
            tracing::warn!(%error, "the record of the service cannot be read");
            let told = page(&ServicePage { v, s: ServiceStatus::unknown() })?;
            Ok((StatusCode::SERVICE_UNAVAILABLE, told).into_response())
        }
    }
}
