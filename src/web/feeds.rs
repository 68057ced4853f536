//! Public addresses of the alerts: the feeds, and each CAP message in the very bytes that were issued.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::alerts::cap::feed::{self, Entry, Feed};
use crate::alerts::cap::model::MEDIA_TYPE;
use crate::app::App;
use crate::clock::Instant;
use crate::web::error::ApiError;
use crate::web::pages::public::alert_page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/alerts/feed.atom", get(atom))
        .route("/alerts/feed.rss", get(rss))
        .route("/alerts/{file}", get(message))
}

/// Readers may keep the list this long. Short: an update must overtake the alert it replaces.
const FEED_CACHE: &str = "public, max-age=15, must-revalidate";
/// An issued message never changes; another state of affairs is another message.
const MESSAGE_CACHE: &str = "public, max-age=31536000, immutable";

async fn atom(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let feed = load(&app).await?;
    Ok(answer_feed(&app, &headers, "application/atom+xml; charset=utf-8", &feed, feed::atom(&feed)))
}

async fn rss(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let feed = load(&app).await?;
    Ok(answer_feed(&app, &headers, "application/rss+xml; charset=utf-8", &feed, feed::rss(&feed)))
}

/// The alerts in force, and the messages that ended others while those would still be in force: a reader that only
/// follows the feed must learn of the end.
async fn load(app: &App) -> Result<Feed, ApiError> {
    let now = app.clock.now();
    let rows = sqlx::query!(
        r#"select cap_identifier as "identifier!", headline, description, instruction, kind, level, status,
                  issued_at as "issued_at!", octet_length(cap_xml) as "bytes!"
           from alert
           where cap_xml is not null and issued_at is not null and expires_at > $1
             and (state = 'issued' or kind in ('all_clear', 'cancel'))
           order by issued_at desc, number desc limit 500"#,
        now
    )
    .fetch_all(&app.db.web)
    .await?;
    let town = &app.config.municipality;
    let entries = rows.into_iter().map(|row| Entry {
        identifier: row.identifier,
        headline: row.headline,
        summary: format!("{}\n\n{}", row.description.trim(), row.instruction.trim()),
        issued_at: row.issued_at,
        kind: row.kind,
        level: row.level,
        status: row.status,
        bytes: usize::try_from(row.bytes).unwrap_or(0),
    });
    Ok(Feed {
        title: format!("Alertas: {}", town.name),
        author: town.sender_name.clone(),
        base_url: app.config.public_url(),
        language: "pt-BR".into(),
        updated: last_change(app, now).await?,
        entries: entries.collect(),
    })
}

/// When the list last changed, also by an expiry that nobody wrote down yet. 1970 when nothing was ever issued.
async fn last_change(app: &App, now: Instant) -> Result<Instant, ApiError> {
    let latest = sqlx::query_scalar!(
        "select greatest(max(issued_at), max(ended_at) filter (where ended_at <= $1),
                         max(expires_at) filter (where expires_at <= $1))
         from alert where cap_xml is not null",
        now
    )
    .fetch_one(&app.db.web)
    .await?;
    Ok(latest.unwrap_or(DateTime::UNIX_EPOCH))
}

/// `{identifier}.xml` is the message; `{identifier}` alone, which the message names as its `web`, is the page for people. Drafts have no identifier and so no address; messages that were replaced or ended keep theirs.
async fn message(
    State(app): State<App>,
    v: View,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(identifier) = file.strip_suffix(".png") {
        return crate::web::notices::pictures::share(&app, identifier, &headers).await;
    }
    let missing = || ApiError::NotFound(format!("alert {file:?}"));
    let (identifier, for_people) = file.strip_suffix(".xml").map_or((file.as_str(), true), |name| (name, false));
    // PostgreSQL has no text with NUL in it, so such a name is no one's.
    if identifier.contains('\0') {
        return Err(missing());
    }
    if for_people {
        return alert_page(&app, v, identifier).await?.ok_or_else(missing);
    }
    let row = sqlx::query!(
        r#"select cap_xml as "xml!", issued_at as "issued_at!" from alert
           where cap_identifier = $1 and cap_xml is not null and issued_at is not null"#,
        identifier
    )
    .fetch_optional(&app.db.web)
    .await?
    .ok_or_else(missing)?;
    let answer =
        Answer { content_type: MEDIA_TYPE, cache: MESSAGE_CACHE, modified: Some(row.issued_at), body: row.xml };
    Ok(answer.respond(&headers))
}

fn answer_feed(app: &App, headers: &HeaderMap, content_type: &'static str, feed: &Feed, body: String) -> Response {
    // HTTP dates have seconds. Within the second of a change another may follow, which a date could not tell apart, so the
    // date is withheld until the second is over (RFC 9110, section 8.8.2).
    let settled = feed.updated.timestamp() < app.clock.now().timestamp();
    let modified = settled.then_some(feed.updated);
    Answer { content_type, cache: FEED_CACHE, modified, body }.respond(headers)
}

struct Answer {
    content_type: &'static str,
    cache: &'static str,
    modified: Option<DateTime<Utc>>,
    body: String,
}

impl Answer {
    /// The body, or 304 when the client has it (RFC 9110, section 13.1: an entity tag outranks a date).
    fn respond(self, request: &HeaderMap) -> Response {
        // Weak, because compression may change the bytes on the wire.
        let digest = Sha256::digest(self.body.as_bytes());
        let tag = digest.iter().take(16).fold(String::from("W/\""), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
        let known = match request.get(header::IF_NONE_MATCH) {
            Some(tags) => tags.to_str().is_ok_and(|tags| names_tag(tags, &tag)),
            None => {
                self.modified.is_some_and(|at| since(request).is_some_and(|since| at.timestamp() <= since.timestamp()))
            }
        };
        let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { self.body.into_response() };
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::ETAG, &tag);
        set(header::CACHE_CONTROL, self.cache);
        // Anyone may read alerts from a page of their own.
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        if let Some(at) = self.modified {
            set(header::LAST_MODIFIED, &at.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        if known {
            response.headers_mut().remove(header::CONTENT_TYPE);
        } else {
            set(header::CONTENT_TYPE, self.content_type);
        }
        response
    }
}

/// Whether a list of entity tags names this one, compared weakly.
fn names_tag(tags: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|given| given.trim() == "*" || bare(given) == bare(tag))
}

fn since(request: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = request.get(header::IF_MODIFIED_SINCE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        let modified = Some("2026-02-24T00:40:00.9Z".parse().unwrap());
        Answer { content_type: MEDIA_TYPE, cache: MESSAGE_CACHE, modified, body: "<alert/>".into() }
    }

    fn status(name: HeaderName, value: &str) -> StatusCode {
        let mut request = HeaderMap::new();
        request.insert(name, HeaderValue::from_str(value).unwrap());
        answer().respond(&request).status()
    }

    #[test]
    fn a_client_that_has_the_bytes_gets_304() {
        let first = answer().respond(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(status(header::IF_NONE_MATCH, &tag), StatusCode::NOT_MODIFIED);
        assert_eq!(status(header::IF_NONE_MATCH, &format!("\"x\", {}", &tag[2..])), StatusCode::NOT_MODIFIED);
        assert_eq!(status(header::IF_NONE_MATCH, "*"), StatusCode::NOT_MODIFIED);
        assert_eq!(status(header::IF_NONE_MATCH, "\"other\""), StatusCode::OK);
    }

    #[test]
    fn a_date_serves_when_no_tag_is_given() {
        assert_eq!(status(header::IF_MODIFIED_SINCE, "Tue, 24 Feb 2026 00:40:00 GMT"), StatusCode::NOT_MODIFIED);
        assert_eq!(status(header::IF_MODIFIED_SINCE, "Tue, 24 Feb 2026 00:39:59 GMT"), StatusCode::OK);
        assert_eq!(status(header::IF_MODIFIED_SINCE, "yesterday"), StatusCode::OK);
    }
}
