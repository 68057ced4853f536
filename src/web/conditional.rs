//! Answers that anyone may keep: with an entity tag of their content, and 304 for whoever has it.

use crate::hexadecimal::hex;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

/// Of what is as it is for ever.
pub const FOREVER: &str = "public, max-age=31536000, immutable";
/// Of what must be new: an update must overtake the alert it replaces.
pub const SHORT: &str = "public, max-age=15, must-revalidate";

/// The body, or 304 when the request says that it has it. Pages of other sites may read it.
pub fn answer(request: &HeaderMap, media_type: &'static str, cache: &'static str, body: impl Into<Bytes>) -> Response {
    dated(request, media_type, cache, None, body)
}

/// The same of what also has a date (RFC 9110, section 13.1: an entity tag outranks it).
pub fn dated(
    request: &HeaderMap,
    media_type: &'static str,
    cache: &'static str,
    modified: Option<DateTime<Utc>>,
    body: impl Into<Bytes>,
) -> Response {
    let body: Bytes = body.into();
    // Weak, because compression may change the bytes on the wire.
    let digest = Sha256::digest(&body);
    let tag = format!("W/\"{}\"", hex(&digest[..16]));
    let is_known = match request.get(header::IF_NONE_MATCH) {
        Some(tags) => tags.to_str().is_ok_and(|tags| names_tag(tags, &tag)),
        None => modified.is_some_and(|at| since(request).is_some_and(|since| at.timestamp() <= since.timestamp())),
    };
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, media_type)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, last-modified"));
    let date = modified.map(|at| at.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    response
}

/// The answer to a browser that asks whether a page of another site may send `If-None-Match` to an open address. It says no more
/// than that anybody may read it, without cookies.
pub fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "if-none-match, if-modified-since"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

fn since(request: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = request.get(header::IF_MODIFIED_SINCE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|at| at.with_timezone(&Utc))
}

/// Whether a list of entity tags names this one, compared weakly.
fn names_tag(tags: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|given| given.trim() == "*" || bare(given) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_body_is_spared_it() {
        let first = answer(&HeaderMap::new(), "image/png", SHORT, "body");
        assert_eq!(
            (first.status(), &first.headers()[header::CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("image/png"))
        );
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for (sent, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("\"x\", {}", &tag[2..]), StatusCode::NOT_MODIFIED),
            ("*".into(), StatusCode::NOT_MODIFIED),
            ("\"other\"".into(), StatusCode::OK),
        ] {
            let mut request = HeaderMap::new();
            request.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&sent).unwrap());
            let again = answer(&request, "image/png", SHORT, "body");
            assert_eq!(again.status(), status, "{sent}");
            assert_eq!(again.headers()[header::ETAG], tag.as_str());
        }
    }

    #[test]
    fn a_date_serves_when_no_tag_is_given() {
        let modified = Some("2026-02-24T00:40:00.9Z".parse().unwrap());
        let status = |since: &str| {
            let mut request = HeaderMap::new();
            request.insert(header::IF_MODIFIED_SINCE, HeaderValue::from_str(since).unwrap());
            dated(&request, "text/plain", SHORT, modified, "body").status()
        };
        assert_eq!(status("Tue, 24 Feb 2026 00:40:00 GMT"), StatusCode::NOT_MODIFIED);
        assert_eq!(status("Tue, 24 Feb 2026 00:39:59 GMT"), StatusCode::OK);
        assert_eq!(status("yesterday"), StatusCode::OK);
        let first = dated(&HeaderMap::new(), "text/plain", SHORT, modified, "body");
        assert_eq!(first.headers()[header::LAST_MODIFIED], "Tue, 24 Feb 2026 00:40:00 GMT");
    }
}
