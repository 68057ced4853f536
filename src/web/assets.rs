//! The built islands, styles and fonts, embedded in the binary (read from the folder in debug builds).

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::app::App;
use crate::hexadecimal::hex;
use crate::web::error::ApiError;

#[derive(RustEmbed)]
#[folder = "src/web/ui/dist"]
// A checkout without the built bundle still compiles and is tested; pages then come without styles.
#[allow_missing = true]
struct Dist;

pub fn routes() -> Router<App> {
    Router::new().route("/assets/{*path}", get(asset))
}

/// Every file's name.
pub fn names() -> impl Iterator<Item = std::borrow::Cow<'static, str>> {
    Dist::iter()
}

/// SHA-256 of a file.
pub fn sum(name: &str) -> Option<[u8; 32]> {
    Dist::get(name).map(|file| file.metadata.sha256_hash())
}

pub fn bytes(name: &str) -> Option<std::borrow::Cow<'static, [u8]>> {
    Dist::get(name).map(|file| file.data)
}

/// Names stay the same between builds, so the browser asks again each time and is mostly answered 304.
/// Chunks and fonts carry a hash in their name and never change.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    // What begins with a dot belongs to the build, not to the pages.
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let Some(file) = Dist::get(&path).filter(|_| !hidden) else { return ApiError::NotFound(path).into_response() };
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..12]));
    let forever = path.starts_with("h/");
    let cache = if forever { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())], file.data).into_response()
    };
    let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
