//! Headers every answer carries, and error pages for people.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::web::gate::{self, Guard};
use crate::web::pages::error_page;
use crate::web::pages::view::View;

/// What a page may do: everything comes from this very service, nothing is inline, nothing may frame it. The map draws with
/// workers and images it makes itself (`blob:`, `data:`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self' blob:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The same for the page that frames a letter of the sink.
pub const POLICY_WITH_FRAMES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self' blob:; object-src 'none'; \
     frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The one page that other sites may put into theirs. It runs no script, sends no form and asks for nothing of the device.
const FRAMED: &str = "/banner";
const FRAMED_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; object-src 'none'; \
                             base-uri 'none'; form-action 'none'; frame-ancestors *";

/// Pages ask for a place (reports, the field) and, some day, a camera; nothing else of the device.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(self), display-capture=(), \
                           encrypted-media=(), fullscreen=(self), geolocation=(self), gyroscope=(), magnetometer=(), \
                           microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(self), usb=()";

/// The app of the field also asks in which direction a photograph was taken.
pub const PERMISSIONS_OF_THE_FIELD: &str = "accelerometer=(self), autoplay=(), browsing-topics=(), camera=(self), display-capture=(), encrypted-media=(), fullscreen=(self), \
     geolocation=(self), gyroscope=(self), magnetometer=(self), microphone=(), midi=(), payment=(), picture-in-picture=(), \
     screen-wake-lock=(self), usb=()";

/// Two years, as preload lists ask. Other names of the domain belong to others and are left alone.
const HSTS: &str = "max-age=63072000";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

pub async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_personal = is_personal(&request);
    let is_framed = request.uri().path() == FRAMED;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    if is_framed {
        set(header::CONTENT_SECURITY_POLICY, FRAMED_POLICY);
    }
    for (name, value) in HEADERS.into_iter().filter(|(name, _)| !is_framed || *name != header::X_FRAME_OPTIONS) {
        set(name, value);
    }
    // Feeds, pictures and tiles of the public may stand on other sites; what is somebody's may not.
    let resource = if is_personal { "same-origin" } else { "cross-origin" };
    set(HeaderName::from_static("cross-origin-resource-policy"), resource);
    if is_personal {
        set(header::CACHE_CONTROL, "no-store");
    }
    // Browsers heed it over TLS only, whoever ends that.
    if app.config.public_url().starts_with("https:") {
        set(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// What belongs to somebody: every answer behind a guard, and the doors that lead there. No shared machine keeps it after its
/// user has left.
fn is_personal(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_guarded = gate::find(request.method(), path).is_some_and(|rule| rule.guard != Guard::Open);
    let is_door = ["/console", "/meus-dados"].iter().any(|start| {
        request.uri().path().strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    is_guarded || is_door
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
