//! What other sites show of ours: a frame, a badge, and how to put them there. None of it needs a script.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::{Html, escape};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::state_key;
use crate::app::App;
use crate::i18n::Lang;
use crate::units::Level;
use crate::web::conditional::{self, SHORT};
use crate::web::error::ApiError;
use crate::web::notices::status::{self, Present, Status};
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/banner", get(frame)).route("/banner.svg", get(badge)).route("/banner/como-usar", get(how))
}

#[derive(Template)]
#[template(path = "banner.html")]
struct Frame {
    v: View,
    p: Present,
    base: String,
}

impl Frame {
    fn class(&self) -> &'static str {
        match (self.p.state, self.p.alerts.first()) {
            (Status::Alert, Some(alert)) => alert.band(),
            (Status::Unknown, _) => "unknown",
            _ => "calm",
        }
    }

    fn state_word(&self) -> String {
        self.v.t(state_key(self.p.state))
    }

    /// Exercises that run, without their ends.
    fn drills(&self) -> usize {
        self.p.drills.iter().filter(|drill| !drill.is_end()).count()
    }
}

/// The frame: an alert, none, or no data. It loads itself anew each minute.
async fn frame(State(app): State<App>, v: View, headers: HeaderMap) -> Result<Response, ApiError> {
    let v = v.for_everyone();
    let mut conn = app.db.web.acquire().await?;
    let p = status::present(&mut conn, v.now, v.lang.tag()).await?;
    let html = Frame { v, p, base: app.config.public_url().clone() };
    let html = html.render().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(conditional::answer(&headers, "text/html; charset=utf-8", SHORT, html))
}

/// The same as a picture of 480 × 72, for sites that take nothing else.
async fn badge(State(app): State<App>, v: View, headers: HeaderMap) -> Result<Response, ApiError> {
    let v = v.for_everyone();
    let mut conn = app.db.web.acquire().await?;
    let p = status::present(&mut conn, v.now, v.lang.tag()).await?;
    Ok(conditional::answer(&headers, "image/svg+xml", SHORT, drawn(&v, &p)))
}

/// Background and letters.
fn colours(p: &Present) -> (&'static str, &'static str) {
    match (p.state, p.alerts.first()) {
        (Status::Alert, Some(alert)) => match alert.level {
            Level::Maximum => ("#c1121f", "#fff"),
            Level::Alert => ("#f08a24", "#1d0d00"),
            Level::Attention => ("#e9be1e", "#231b00"),
            _ => ("#2461a8", "#fff"),
        },
        (Status::Unknown, _) => ("#efe9f8", "#3d2a66"),
        _ => ("#fff", "#15201c"),
    }
}

fn drawn(v: &View, p: &Present) -> String {
    let (ground, ink) = colours(p);
    let first = match p.alerts.first() {
        Some(alert) => format!("{}: {}", v.level_word(alert.level).to_uppercase(), alert.headline),
        None => v.t(state_key(p.state)),
    };
    let checked = p.checked_at.map_or_else(|| v.t("banner-never"), |at| v.t1("banner-checked", "at", v.when(at)));
    let second = match p.alerts.len() {
        0 => format!("{} · {checked}", v.town),
        1 => p.alerts.first().map_or_else(String::new, |alert| v.t1("valid-until", "at", v.when(alert.expires_at))),
        n => v.t1("banner-alerts", "n", n),
    };
    let text = |text: &str, most| {
        let short = crate::web::error::shorten(&text.chars().take(most).collect::<String>());
        let short = if text.chars().count() > most { format!("{}…", short.trim_end()) } else { short };
        escape(&short, Html).map(|text| text.to_string()).unwrap_or_default()
    };
    let label = text(&format!("{first}. {second}"), 78);
    let dash = if p.state == Status::Unknown { r#" stroke-dasharray="8 5""# } else { "" };
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="480" height="72" viewBox="0 0 480 72" role="img" aria-label="{label}"><title>{label}</title><rect x="1.5" y="1.5" width="477" height="69" rx="8" fill="{ground}" stroke="{ink}" stroke-width="2"{dash}/>"#
    );
    for (line, y, size, weight) in [(text(&first, 52), 31, 17, 700), (text(&second, 62), 55, 14, 400)] {
        let _ = write!(
            svg,
            r#"<text x="16" y="{y}" fill="{ink}" font-family="Atkinson Hyperlegible Next, system-ui, sans-serif" font-size="{size}" font-weight="{weight}">{line}</text>"#
        );
    }
    svg.push_str("</svg>");
    svg
}

#[derive(Template)]
#[template(path = "banner_how.html")]
struct How {
    v: View,
    base: String,
}

impl How {
    /// What is framed speaks the language of its address, whoever reads it.
    fn query(&self) -> String {
        if self.v.lang == Lang::default() { String::new() } else { format!("?lang={}", self.v.lang.tag()) }
    }

    fn snippet(&self) -> String {
        let title = self.v.t1("public-title", "town", &self.v.town);
        format!(
            "<iframe src=\"{}/banner{}\" title=\"{}\" width=\"100%\" height=\"180\" style=\"border:0\" loading=\"lazy\"></iframe>",
            self.base,
            self.query(),
            title.replace('"', "&quot;")
        )
    }

    fn badge(&self) -> String {
        let title = self.v.t1("public-title", "town", &self.v.town).replace('"', "&quot;");
        format!(
            "<a href=\"{base}/\"><img src=\"{base}/banner.svg{query}\" width=\"480\" height=\"72\" alt=\"{title}\"></a>",
            base = self.base,
            query = self.query()
        )
    }
}

async fn how(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    page(&How { v, base: app.config.public_url().clone() })
}
