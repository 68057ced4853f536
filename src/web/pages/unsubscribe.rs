//! `/s/{token}`: the end of all messages to a telephone or mailbox, by one press and without signing in (RFC 8058). Looking changes
//! nothing, because programs that read mail follow every link; only the POST that the RFC names does.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use chrono::Datelike as _;
use serde_json::json;

use super::page;
use super::view::View;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::residents::desk::actor;
use crate::residents::store::{channel, own};
use crate::residents::unsubscribe::{self, Checked};
use crate::web::error::ApiError;

/// Source of consents that were taken back by the link.
pub const SOURCE: &str = "unsubscribe link";
/// What the RFC sends is some thirty letters, as a form with parts some hundreds.
const MAX_BODY_BYTES: usize = 4096;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/s/{token}", get(show).post(carry_out))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(keep_nothing))
}

/// Nobody on the way keeps it, and no other site learns the link.
async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct UnsubscribePage {
    v: View,
    token: String,
    /// As much of the address as its owner needs to know it.
    who: String,
    /// Messages still leave for there.
    is_open: bool,
    /// This press has just ended them.
    is_done: bool,
}

fn checked(app: &App, v: &View, token: &str) -> Result<Checked, ApiError> {
    unsubscribe::check(&app.keys.service, token).ok_or_else(|| ApiError::NotFound(v.t("unsubscribe-link")))
}

/// Where the message went; `None` when everybody who was reached there has left with everything.
async fn address(
    conn: &mut sqlx::PgConnection,
    app: &App,
    checked: &Checked,
) -> Result<Option<(String, String)>, ApiError> {
    let Some((kind, addresses)) = channel::sent_to(&mut *conn, checked.row).await? else { return Ok(None) };
    let went = |all: Vec<String>| all.into_iter().find(|address| checked.went_to(&app.keys.service, address));
    let found = match went(addresses) {
        Some(address) => Some(address),
        None => went(channel::shared(conn, checked.row).await?),
    };
    Ok(found.map(|address| (kind, address)))
}

async fn show(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    let checked = checked(&app, &v, &token)?;
    let mut conn = app.db.web.acquire().await?;
    let at = address(&mut conn, &app, &checked).await?;
    let is_open = match &at {
        Some((kind, address)) => channel::is_open(&mut conn, (kind, address)).await?,
        None => false,
    };
    let who = at.map(|(_, address)| masked(&address)).unwrap_or_default();
    page(&UnsubscribePage { v, token, who, is_open, is_done: false })
}

async fn carry_out(
    State(app): State<App>,
    v: View,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let checked = checked(&app, &v, &token)?;
    if !is_one_click(&body) {
        let given = String::from_utf8_lossy(&body).chars().take(80).collect::<String>();
        return Err(ApiError::field("List-Unsubscribe", given, "expected One-Click (RFC 8058, section 3.1)"));
    }
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let at = address(&mut tx, &app, &checked).await?;
    if let Some((kind, address)) = &at {
        let year = now.with_timezone(&app.config.municipality.time_zone).year();
        for id in channel::close(&mut tx, now, (kind, address), (SOURCE, own_version())).await? {
            let receipt = own::request(&mut tx, &app.ids, now, year, id, "withdrawal").await?;
            let what = json!({ "channel": kind, "given": false, "source": SOURCE, "receipt": receipt });
            let entry = Entry::new(Act::ResidentConsent, "resident", id).to(what);
            audit::record(&mut tx, &app.ids, now, &actor(id), entry).await?;
        }
    }
    tx.commit().await?;
    let who = at.map(|(_, address)| masked(&address)).unwrap_or_default();
    let is_done = !who.is_empty();
    page(&UnsubscribePage { v, token, who, is_open: false, is_done })
}

const fn own_version() -> &'static str {
    crate::residents::own::TEXT_VERSION
}

/// The key and value that the RFC (section 3.1) asks for, in whichever of its two encodings.
pub fn is_one_click(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    if url::form_urlencoded::parse(body).any(|(key, value)| key == "List-Unsubscribe" && value == "One-Click") {
        return true;
    }
    // A part of multipart/form-data: its header, an empty line, and the value.
    let Some((_, part)) = text.split_once("name=\"List-Unsubscribe\"") else { return false };
    let value = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"));
    value.is_some_and(|(_, value)| value.lines().next().is_some_and(|line| line.trim() == "One-Click"))
}

/// "m***@exemplo.br", "+55 32 *****-1234": whoever opens a forwarded letter learns no address.
fn masked(address: &str) -> String {
    crate::privacy::mask::mask(address).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_of_the_one_click_are_understood_and_nothing_else_is() {
        let parts = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
        for body in ["List-Unsubscribe=One-Click", parts] {
            assert!(is_one_click(body.as_bytes()), "{body}");
        }
        for body in
            ["", "List-Unsubscribe=", "List-Unsubscribe=Two", "x=One-Click", "name=\"List-Unsubscribe\"", "\u{0}"]
        {
            assert!(!is_one_click(body.as_bytes()), "{body}");
        }
    }
}
