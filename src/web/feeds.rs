//! Public addresses of the alerts: the feeds, each CAP message in the very bytes that were issued, and the certificates of
//! the keys that sign them.

mod list;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use serde::{Deserialize, Serialize};

use self::list::Scope;
use crate::alerts::cap::feed::{Feed, Form};
use crate::alerts::cap::model::MEDIA_TYPE;
use crate::alerts::signing::{self, SigningKey};
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::web::conditional::{FOREVER, SHORT, answer, dated};
use crate::web::error::ApiError;
use crate::web::pages::public::alert_page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/alerts/feed.atom", get(atom))
        .route("/alerts/feed.rss", get(rss))
        .route("/alerts/areas/{code}/{feed}", get(of_area))
        .route("/alerts/hazards/{cobrade}/{feed}", get(of_hazard))
        .route("/alerts/keys", get(keys))
        .route("/alerts/keys.pem", get(certificates))
        .route("/alerts/{file}", get(message))
}

/// The language of the town: what has no translation is in it.
const OWN: &str = "pt-BR";
/// A new key must be known when the first message signed with it arrives.
const KEYS_CACHE: &str = "public, max-age=60, must-revalidate";

/// What a feed may be asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    lang: Option<String>,
    /// A piece of the archive, from 1, the oldest.
    page: Option<u32>,
    status: Option<String>,
}

/// Which feed an address means.
struct Asked {
    form: Form,
    /// In the address itself.
    language: Option<String>,
    /// "/alerts", "/alerts/areas/JF-1"
    folder: String,
    area: Option<String>,
    hazard: Option<String>,
    /// After the town's name in the title.
    title: String,
}

impl Asked {
    fn whole(form: Form, language: Option<String>) -> Self {
        Self { form, language, folder: "/alerts".into(), area: None, hazard: None, title: String::new() }
    }
}

async fn atom(State(app): State<App>, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer_feed(&app, &headers, Asked::whole(Form::Atom, None), wanted).await
}

async fn rss(State(app): State<App>, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer_feed(&app, &headers, Asked::whole(Form::Rss, None), wanted).await
}

/// "feed.atom", "feed.en.rss"
fn feed_name(file: &str) -> Option<(Form, Option<String>)> {
    let rest = file.strip_prefix("feed.")?;
    let (language, suffix) = rest.rsplit_once('.').map_or((None, rest), |(language, suffix)| (Some(language), suffix));
    let form = [Form::Atom, Form::Rss].into_iter().find(|form| form.suffix() == suffix)?;
    Some((form, language.map(str::to_owned)))
}

/// Alerts of one risk area.
async fn of_area(
    State(app): State<App>,
    Path((code, file)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (form, language) = feed_name(&file).ok_or_else(|| ApiError::NotFound(format!("feed {file:?}")))?;
    if code.contains('\0') || !list::is_area(&app, &code).await? {
        return Err(ApiError::NotFound(format!("area {code:?}")));
    }
    let folder = format!("/alerts/areas/{}", url_segment(&code));
    let asked = Asked { form, language, folder, title: format!(" — {code}"), area: Some(code), hazard: None };
    answer_feed(&app, &headers, asked, wanted).await
}

/// Alerts of one kind of disaster.
async fn of_hazard(
    State(app): State<App>,
    Path((cobrade, file)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (form, language) = feed_name(&file).ok_or_else(|| ApiError::NotFound(format!("feed {file:?}")))?;
    let code: Cobrade = cobrade.parse().map_err(|_| ApiError::NotFound(format!("COBRADE {cobrade:?}")))?;
    let folder = format!("/alerts/hazards/{code}");
    let title = format!(" — {}", code.name());
    let asked = Asked { form, language, folder, title, area: None, hazard: Some(code.to_string()) };
    answer_feed(&app, &headers, asked, wanted).await
}

fn url_segment(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let encode = |byte: u8| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// The language to answer in, and whether it was found by what the reader says of itself.
fn language(app: &App, asked: &Asked, wanted: &Wanted, headers: &HeaderMap) -> Result<(String, bool), ApiError> {
    let known: Vec<&str> = app.templates.languages().collect();
    let find = |tag: &str| known.iter().find(|known| known.eq_ignore_ascii_case(tag)).map(|known| (*known).to_owned());
    if let Some(tag) = &asked.language {
        return find(tag).map(|tag| (tag, false)).ok_or_else(|| ApiError::NotFound(format!("feed in {tag:?}")));
    }
    if let Some(tag) = &wanted.lang {
        let found = find(tag).map(|tag| (tag, false));
        return found.ok_or_else(|| ApiError::field("lang", tag, format!("expected one of {}", known.join(", "))));
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok((preferred(accepted, &known).unwrap_or_else(|| OWN.to_owned()), true))
}

/// The known language that `Accept-Language` likes best; "en-GB" is content with "en".
fn preferred(accepted: &str, known: &[&str]) -> Option<String> {
    let mut wishes: Vec<(f32, &str)> = accepted
        .split(',')
        .take(20)
        .map(|wish| {
            let (tag, weight) = wish.split_once(';').unwrap_or((wish, ""));
            let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(1.0);
            (weight, tag.trim())
        })
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    // Stable: of equal wishes the first counts.
    wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let base = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let fits = |tag: &str| {
        let whole = known.iter().find(|known| known.eq_ignore_ascii_case(tag));
        whole.or_else(|| known.iter().find(|known| base(known) == base(tag))).map(|known| (*known).to_owned())
    };
    wishes.into_iter().find_map(|(_, tag)| fits(tag))
}

/// Which alerts by their status: those of what the service runs as and the real ones, or those that are asked for.
fn statuses(app: &App, wanted: &Wanted) -> Result<Vec<String>, ApiError> {
    const ALL: [&str; 4] = ["actual", "exercise", "test", "system"];
    match &wanted.status {
        None => Ok(vec!["actual".into(), app.config.alerts.status.as_str().into()]),
        Some(status) if ALL.contains(&status.as_str()) => Ok(vec![status.clone()]),
        Some(other) => Err(ApiError::field("status", other, format!("expected one of {}", ALL.join(", ")))),
    }
}

async fn answer_feed(app: &App, headers: &HeaderMap, asked: Asked, wanted: Wanted) -> Result<Response, ApiError> {
    let (language, negotiated) = language(app, &asked, &wanted, headers)?;
    let statuses = statuses(app, &wanted)?;
    let scope = Scope { area: asked.area, hazard: asked.hazard, statuses, language: language.clone() };
    let now = app.clock.now();
    let (pages, mut updated) = scope.extent(app, now).await?;
    let (page, entries) = match wanted.page {
        None => (None, scope.current(app, now).await?),
        Some(number) if (1..=pages).contains(&number) => match scope.page(app, now, number).await? {
            Some((page, entries)) => (Some(page), entries),
            None => return Err(ApiError::NotFound(format!("page {number} of the archive"))),
        },
        Some(number) => return Err(ApiError::NotFound(format!("page {number} of the archive"))),
    };
    if page.is_some() {
        updated = entries.first().map_or(DateTime::UNIX_EPOCH, |newest| newest.issued_at);
    }
    let place = |language: &str| {
        let tag = if language == OWN { String::new() } else { format!(".{language}") };
        format!("{}/feed{tag}", asked.folder)
    };
    let town = &app.config.municipality;
    let others = app.templates.languages().filter(|other| *other != language);
    let feed = Feed {
        title: format!("{}: {}{}", title(&language), town.name, asked.title),
        author: town.sender_name.clone(),
        base_url: app.config.public_url(),
        place: place(&language),
        query: wanted.status.map(|status| format!("status={status}")).unwrap_or_default(),
        others: others.map(|other| (other.to_owned(), place(other))).collect(),
        page,
        pages,
        updated,
        entries,
        language,
    };
    Ok(respond_feed(headers, &feed, asked.form, negotiated))
}

fn title(language: &str) -> &'static str {
    match language.split('-').next() {
        Some("en") => "Alerts",
        Some("es") => "Alertas de protección civil",
        _ => "Alertas",
    }
}

fn respond_feed(headers: &HeaderMap, feed: &Feed, form: Form, negotiated: bool) -> Response {
    let content_type = match form {
        Form::Atom => "application/atom+xml; charset=utf-8",
        Form::Rss => "application/rss+xml; charset=utf-8",
    };
    // By the entity tag alone. Alerts bear the instant at which their transaction began: one that committed later than another may
    // bear the earlier date, so that a reader who asked by date would be told that nothing had changed.
    let mut response = answer(headers, content_type, SHORT, feed.write(form));
    if let Ok(language) = HeaderValue::from_str(&feed.language) {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
    }
    if negotiated {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-language"));
    }
    response
}

/// The keys that sign our messages.
#[derive(Serialize, utoipa::ToSchema)]
struct Keys {
    /// Whether messages are signed at all.
    signing: bool,
    /// The one that signs first, then those that signed before it.
    keys: Vec<SigningKey>,
}

async fn known_keys(app: &App) -> Result<Vec<SigningKey>, ApiError> {
    Ok(signing::Desk::list(&mut *app.db.web.acquire().await?).await?)
}

/// The public keys and certificates with which our CAP messages are verified. Pin them: they sign themselves, so they prove
/// nothing but that they came from here.
#[utoipa::path(get, path = "/alerts/keys", tag = "alerts", responses((status = 200, body = Keys)))]
pub(super) async fn keys(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let keys = Keys { signing: app.config.signing.enabled, keys: known_keys(&app).await? };
    let body = serde_json::to_string_pretty(&keys).map_err(anyhow::Error::from)?;
    Ok(answer(&headers, "application/json", KEYS_CACHE, body))
}

async fn certificates(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let body = signing::bundle(&known_keys(&app).await?);
    Ok(answer(&headers, "application/pem-certificate-chain", KEYS_CACHE, body))
}

/// `{identifier}.xml` is the message; `{identifier}` alone, which the message names as its `web`, is the page for people;
/// `feed.{language}.atom` is the feed in that language. Drafts have no identifier and so no address; messages that were
/// replaced or ended keep theirs.
async fn message(
    State(app): State<App>,
    v: View,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some((form, language)) = feed_name(&file) {
        // What a page may be asked for is its own business.
        let asked = Query::<Wanted>::try_from_uri(&uri).map_err(|error| ApiError::bad(error.body_text()))?;
        let Query(wanted) = asked;
        return answer_feed(&app, &headers, Asked::whole(form, language), wanted).await;
    }
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
    // An issued message never changes; another state of affairs is another message.
    Ok(dated(&headers, MEDIA_TYPE, FOREVER, Some(row.issued_at), row.xml))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_named_with_its_form_and_maybe_a_language() {
        assert_eq!(feed_name("feed.atom"), Some((Form::Atom, None)));
        assert_eq!(feed_name("feed.pt-BR.rss"), Some((Form::Rss, Some("pt-BR".into()))));
        for other in ["feed", "feed.xml", "feeds.atom", "BR-1.xml", "feed.en.xml"] {
            assert_eq!(feed_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_reader_gets_the_language_it_likes_best() {
        let known = ["en", "es", "pt-BR"];
        let of = |accepted| preferred(accepted, &known);
        assert_eq!(of("en-GB,en;q=0.9"), Some("en".into()));
        assert_eq!(of("es;q=0.3, pt;q=0.8, de"), Some("pt-BR".into()));
        assert_eq!(of("pt-PT"), Some("pt-BR".into()));
        assert_eq!(of("es;q=0, de, *"), None);
        assert_eq!(of(""), None);
    }
}
