//! Headers every answer carries, and error pages for people.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::web::gate;
use crate::web::pages::error_page;
use crate::web::pages::view::View;

/// Everything comes from this very service; nothing may frame it.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: &[(HeaderName, &str)] = &[
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
];

pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Errors leave handlers as problem+json. A browser that asked for a page gets a page that says the same in words.
pub async fn error_pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let for_people = gate::wants_html(request.headers()) && !request.uri().path().starts_with("/api/");
    if !for_people {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let view = View::anonymous(&app, &parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    error_page(view, status, detail(response).await)
}

/// The sentence of a problem document, for errors whose sentence is written for people.
async fn detail(response: Response) -> String {
    let hidden = matches!(response.status(), StatusCode::INTERNAL_SERVER_ERROR | StatusCode::NOT_FOUND);
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await.unwrap_or_default();
    let problem: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let said = problem.as_ref().and_then(|problem| problem.get("detail")).and_then(serde_json::Value::as_str);
    if hidden { String::new() } else { said.unwrap_or_default().to_owned() }
}
