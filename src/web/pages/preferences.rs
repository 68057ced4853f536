//! Theme and language, kept in cookies: works without JavaScript and without an account.

use axum::Router;
use axum::extract::{Form, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use serde::Deserialize;

use crate::app::App;
use crate::i18n::Lang;
use crate::web::cookie;

pub fn routes() -> Router<App> {
    Router::new().route("/preferences", post(save))
}

#[derive(Deserialize)]
struct Preferences {
    theme: Option<String>,
    lang: Option<String>,
    #[serde(default)]
    back: String,
}

async fn save(State(app): State<App>, Form(wanted): Form<Preferences>) -> Response {
    let mut response = Redirect::to(local_path(&wanted.back)).into_response();
    let secure = app.config.public_url().starts_with("https");
    let mut keep = |name: &str, value: &str| {
        let cookie = cookie::write(name, value, 31_536_000, secure);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    };
    if let Some(theme @ ("light" | "dark")) = wanted.theme.as_deref() {
        keep(cookie::THEME, theme);
    }
    if let Some(lang) = wanted.lang.as_deref().and_then(Lang::from_tag) {
        keep(cookie::LANGUAGE, lang.tag());
    }
    response
}

/// A path on this very site, or the start page: never a way out to another host.
pub fn local_path(wanted: &str) -> &str {
    let good = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains(|letter: char| letter == '\\' || letter.is_control());
    if good { wanted } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        assert_eq!(local_path("/console?x=1"), "/console?x=1");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert_eq!(local_path(bad), "/");
        }
    }
}
