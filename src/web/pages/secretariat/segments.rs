//! `/secretaria/segmentos`: anybody asks for messages about segments, the mailbox confirms, and one press ends it (RFC 8058). Looking at a
//! link changes nothing, because programs that read mail follow every link.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};

use super::super::page;
use super::super::unsubscribe::is_one_click;
use super::super::view::View;
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::segments::{self, Link, Segment, Segments};
use crate::web::error::ApiError;

const MAX_BODY_BYTES: usize = 4096;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/segmentos", get(show))
        .route("/secretaria/segmentos/assinar", post(ask))
        .route("/secretaria/segmentos/confirmar/{token}", get(look_confirm).post(confirm))
        .route("/secretaria/segmentos/sair/{token}", get(look_leave).post(leave))
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
#[template(path = "secretariat/sec_segments.html")]
struct SegmentsPage {
    v: View,
    all: Segments,
    email: String,
    chosen: Vec<String>,
    wrong: String,
    /// Input that it is about: email, tag.
    at: &'static str,
    is_asked: bool,
}

impl SegmentsPage {
    fn is_chosen(&self, segment: &Segment) -> bool {
        self.chosen.contains(&segment.key)
    }
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let (email, chosen, wrong) = (String::new(), Vec::new(), String::new());
    page(&SegmentsPage { v, all: app.segments.clone(), email, chosen, wrong, at: "", is_asked: false })
}

async fn ask(State(app): State<App>, mut v: View, body: Bytes) -> Result<Response, ApiError> {
    // Whoever changes the language on what this answers comes back to a page.
    "/secretaria/segmentos".clone_into(&mut v.here);
    let (mut email, mut chosen, mut is_machine) = (String::new(), Vec::new(), false);
    for (key, value) in url::form_urlencoded::parse(&body) {
        match key.as_ref() {
            "email" => email = value.into_owned(),
            "tag" => chosen.push(value.into_owned()),
            // A field that only machines see.
            "website" => is_machine = !value.trim().is_empty(),
            _ => {}
        }
    }
    if chosen.len() > app.segments.len() {
        return Err(ApiError::field("tag", chosen.len().to_string(), "expected each segment once"));
    }
    let (all, at) = (app.segments.clone(), "");
    if is_machine {
        return page(&SegmentsPage { v, all, email, chosen, wrong: String::new(), at, is_asked: true });
    }
    let mut tx = app.db.web.begin().await?;
    match segments::ask(&mut tx, &app, v.lang, (&email, &chosen)).await {
        Ok(()) => {
            tx.commit().await?;
            page(&SegmentsPage { v, all, email, chosen, wrong: String::new(), at, is_asked: true })
        }
        Err(Refused::Wrong { field, .. }) => {
            let at = if field == "email" { "email" } else { "tag" };
            let wrong = v.word("sec-segments-wrong", at);
            let mut response = page(&SegmentsPage { v, all, email, chosen, wrong, at, is_asked: false })?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_segments_link.html")]
struct LinkPage {
    v: View,
    /// confirmar, sair
    word: &'static str,
    token: String,
    /// As much of the address as its owner needs.
    who: String,
    /// What a confirmation would begin.
    subjects: Vec<String>,
    /// Key of the sentence of what was done; empty: nothing yet.
    done: &'static str,
}

fn checked(app: &App, v: &View, word: &str, token: &str) -> Result<Link, ApiError> {
    segments::check(&app.keys.service, word, token).ok_or_else(|| ApiError::NotFound(v.t("unsubscribe-link")))
}

async fn who(app: &App, link: Link) -> Result<String, ApiError> {
    let address = segments::address(&mut *app.db.web.acquire().await?, link.id).await?;
    Ok(address.map(|address| crate::privacy::mask::mask(&address).into_owned()).unwrap_or_default())
}

async fn look_confirm(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    let link = checked(&app, &v, "confirm", &token)?;
    let who = who(&app, link).await?;
    let wanted = segments::wanted(&mut *app.db.web.acquire().await?, (link.id, link.made_at)).await?;
    let subjects = app.segments.titles(&wanted, v.lang);
    let done = if subjects.is_empty() { "sec-segments-too-late" } else { "" };
    page(&LinkPage { v, word: "confirmar", token, who, subjects, done })
}

async fn confirm(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    let link = checked(&app, &v, "confirm", &token)?;
    let is_done = segments::confirm(&mut *app.db.web.acquire().await?, link, v.now).await?;
    let who = who(&app, link).await?;
    let done = if is_done { "sec-segments-confirmed" } else { "sec-segments-too-late" };
    page(&LinkPage { v, word: "confirmar", token, who, subjects: Vec::new(), done })
}

async fn look_leave(State(app): State<App>, v: View, Path(token): Path<String>) -> Result<Response, ApiError> {
    let who = who(&app, checked(&app, &v, "leave", &token)?).await?;
    let done = if who.is_empty() { "sec-segments-left" } else { "" };
    page(&LinkPage { v, word: "sair", token, who, subjects: Vec::new(), done })
}

async fn leave(State(app): State<App>, v: View, Path(token): Path<String>, body: Bytes) -> Result<Response, ApiError> {
    let link = checked(&app, &v, "leave", &token)?;
    if !is_one_click(&body) {
        return Err(ApiError::field("List-Unsubscribe", "", "expected One-Click (RFC 8058, section 3.1)"));
    }
    segments::leave(&mut *app.db.web.acquire().await?, link.id, v.now).await?;
    page(&LinkPage { v, word: "sair", token, who: String::new(), subjects: Vec::new(), done: "sec-segments-left" })
}
