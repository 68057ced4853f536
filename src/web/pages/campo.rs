//! `/campo`: the app of the field. Its page names nobody and is the same for everybody who reads its language, so that a telephone may keep
//! it; what somebody has before them comes through the API and stays in the device's own memory.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::page;
use super::view::View;
use crate::app::App;
use crate::i18n::Lang;
use crate::inspections::{Building, Damage, Ownership, Risk, Scope, SignerRole, form};
use crate::web::assets;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::security;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/campo", get(shell))
        .route("/campo/worker.js", get(worker))
        .route("/campo/manifest.webmanifest", get(manifest))
}

const MANIFEST: &str = "/campo/manifest.webmanifest";
/// What the page needs beside itself and the fonts.
const ASSETS: [&str; 4] = ["app.css", "field.css", "field.js", "icon.svg"];

#[derive(Template)]
#[template(path = "campo.html")]
struct Shell {
    v: View,
    /// The checklist as JSON.
    form: String,
}

impl Shell {
    const PEOPLE: [&'static str; 3] = ["residents", "displaced", "homeless"];
    const HARMED: [&'static str; 5] = ["injured", "ill", "missing", "dead", "other_affected"];
    /// What the scripts say; texts are `campo-w-WORD`.
    const WORDS: &'static [&'static str] = &[
        "saved",
        "not-saved",
        "no-address",
        "no-place",
        "suggested",
        "no-checklist",
        "photograph",
        "caption",
        "direction",
        "winds",
        "direction-unknown",
        "direction-measured",
        "photograph-remove",
        "photographs-full",
        "photograph-keeping",
        "loss-wrong",
        "refused",
        "locating",
        "locating-failed",
        "drop-sure",
        "act-task_take",
        "act-task_done",
        "act-arrive",
        "act-resolve",
        "act-note",
        "queued",
        "inspect",
        "due",
        "drill",
        "no-tasks",
        "no-occurrences",
        "repeat-by",
        "release",
        "scope-partial",
        "scope-total",
        "needs-network",
        "state-draft",
        "state-waiting",
        "state-sending",
        "state-sent",
        "state-refused",
        "photographs-sent",
        "differs",
        "open",
        "as-correction",
        "again",
        "drop",
        "queue-empty",
        "net-ok",
        "net-offline",
        "net-signed-out",
        "as-of",
        "leaving-open",
        "leaving-clear",
        "erase-tick",
        "positions",
        "positions-help",
        "positions-on",
        "positions-off",
        "step-accept",
        "step-en_route",
        "step-on_site",
        "step-release",
        "step-decline",
        "street-hint",
        "interdictions-more",
        "act-not-kept",
        "already-forbidden",
        "field-checklist",
        "field-interdiction",
        "field-place",
        "field-time",
        "field-other",
        "fault-differs",
        "fault-gone",
        "fault-twice",
        "fault-forbidden",
        "fault-opinion",
        "fault-day",
        "fault-length",
        "fault-value",
        "refused-picture-gone",
        "refused-may-not",
        "refused-unknown",
        "refused-done",
        "refused-large",
        "refused-other",
    ];

    fn key(word: &str) -> String {
        format!("campo-w-{word}")
    }

    /// With `{n}` where the script puts what it knows.
    fn said(&self, word: &str) -> String {
        self.v.t1(&Self::key(word), "n", "{n}")
    }

    fn new(v: View) -> Self {
        Self { v, form: json!(form::current()).to_string() }
    }
}

/// Nobody's page: nothing of whoever asks is in it.
fn nobodys(v: View, lang: Lang) -> View {
    View { lang, theme: "dark", staff: None, here: "/campo".into(), ..v }
}

async fn shell(_: May<can::Inspect>, v: View) -> Result<Response, ApiError> {
    let lang = v.lang;
    let mut response = page(&Shell::new(nobodys(v, lang)))?;
    // The compass of a photograph.
    let permissions = HeaderValue::from_static(security::PERMISSIONS_OF_THE_FIELD);
    response.headers_mut().insert(HeaderName::from_static("permissions-policy"), permissions);
    Ok(response)
}

/// Everything that is kept on the device, but the page.
fn kept() -> Vec<String> {
    let fonts = assets::names()
        .filter(|name| name.starts_with("h/") && name.ends_with(".woff2"))
        .map(std::borrow::Cow::into_owned);
    let files = ASSETS.iter().map(|name| (*name).to_owned()).chain(fonts);
    let mut all: Vec<String> = files.map(|name| format!("/assets/{name}")).collect();
    all.push(MANIFEST.to_owned());
    all.sort();
    all
}

/// Another one as soon as anything of what is kept is another.
fn version(v: &View) -> Result<String, ApiError> {
    let mut sum = Sha256::new();
    for lang in [Lang::Pt, Lang::En] {
        let html = Shell::new(nobodys(v.clone(), lang)).render().map_err(|error| ApiError::Internal(error.into()))?;
        sum.update(html);
    }
    for path in kept() {
        sum.update(&path);
        if let Some(name) = path.strip_prefix("/assets/") {
            sum.update(assets::sum(name).unwrap_or_default());
        }
    }
    sum.update(assets::sum("field-worker.js").unwrap_or_default());
    Ok(crate::hexadecimal::hex(&sum.finalize()[..8]))
}

/// The worker that keeps the page, with what it keeps.
async fn worker(v: View) -> Result<Response, ApiError> {
    let script = assets::bytes("field-worker.js").ok_or_else(|| ApiError::NotFound("field-worker.js".into()))?;
    let campo = json!({ "version": version(&v)?, "shell": kept() });
    let mut body = format!("self.CAMPO={campo};\n").into_bytes();
    body.extend_from_slice(&script);
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("service-worker-allowed"), "/campo"),
    ];
    Ok((headers, body).into_response())
}

/// What makes it an app on the telephone's first page.
async fn manifest(State(app): State<App>) -> Response {
    let town = &app.config.municipality.name;
    let manifest = json!({
        "name": format!("{} · {town}", Lang::Pt.t("campo-title")),
        "short_name": Lang::Pt.t("campo-short"),
        "description": Lang::Pt.t("campo-description"),
        "lang": "pt-BR",
        "start_url": "/campo",
        "scope": "/campo",
        "id": "/campo",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#0e1412",
        "theme_color": "#0e1412",
        "icons": [{ "src": "/assets/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any" }],
        "shortcuts": [{ "name": Lang::Pt.t("campo-new"), "url": "/campo#vistoria/nova" }],
    });
    let headers = [(header::CONTENT_TYPE, "application/manifest+json"), (header::CACHE_CONTROL, "no-cache")];
    (StatusCode::OK, headers, manifest.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that scripts put together: how they begin, and everything that may follow (types.ts, today.ts).
    const ENDINGS: [(&str, &[&str]); 5] = [
        ("act-", &["task_take", "task_done", "arrive", "resolve", "note"]),
        ("state-", &["draft", "waiting", "sending", "sent", "refused"]),
        ("step-", &["accept", "en_route", "on_site", "release", "decline"]),
        ("net-", &["ok", "offline", "signed-out"]),
        ("scope-", &["partial", "total"]),
    ];

    /// What stands behind each call, with the letter before it; names that only end alike are no calls of it.
    fn called<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = (char, &'a str)> {
        text.match_indices(call).filter_map(move |(at, _)| {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            let is_call = !(before.is_alphanumeric() || matches!(before, '_' | '.' | '$'));
            is_call.then_some((before, &text[at + call.len()..]))
        })
    }

    #[test]
    fn whatever_the_scripts_say_stands_in_the_page_in_both_languages() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/ui/src/field");
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for (before, rest) in called(&text, "t(\"") {
                let word = rest.split('"').next().unwrap();
                assert!(Shell::WORDS.contains(&word), "{before}{word} in {:?}", entry.path());
            }
            // Of a word that is put together every ending is there.
            for (_, rest) in called(&text, "t(`") {
                let begin = rest.split("${").next().unwrap();
                let (_, endings) = ENDINGS.iter().find(|(of, _)| *of == begin).unwrap_or_else(|| panic!("{begin}"));
                for ending in *endings {
                    let word = format!("{begin}{ending}");
                    assert!(Shell::WORDS.contains(&word.as_str()), "{word} in {:?}", entry.path());
                }
            }
        }
        let acts: Vec<&str> = crate::inspections::acts::Word::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(acts, ENDINGS[0].1);
        for word in Shell::WORDS {
            let key = Shell::key(word);
            assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
        }
    }

    #[test]
    fn what_is_kept_on_a_device_is_of_everybody() {
        for path in kept() {
            assert!(path.starts_with("/assets/") || path == MANIFEST, "{path}");
        }
        assert!(kept().iter().any(|path| path == "/assets/field.js"));
    }
}
