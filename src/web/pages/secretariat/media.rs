//! `/secretaria/painel/clipping`: items of the press with their filters, and what the pages of items share.

mod by_hand;
mod item;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::queue::encoded;
use super::sentences;
use crate::accounts::Role;
use crate::app::App;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::secretariat::media_monitoring::judge::wrong;
use crate::secretariat::media_monitoring::store::{search, sources};
use crate::secretariat::media_monitoring::{Item, Rule, Source, State as ItemState};
use crate::web::api::secretariat::media_monitoring::{Items, Wanted};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

const PATH: &str = "/secretaria/painel/clipping";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/clipping", get(list))
        .route("/secretaria/painel/clipping/itens/{id}", get(item::show))
        .route("/secretaria/painel/clipping/itens/{id}/julgar", post(item::judge))
        .route("/secretaria/painel/clipping/itens/{id}/desfazer", post(item::undo))
        .route("/secretaria/painel/clipping/itens/{id}/verificar", post(item::check))
        .route("/secretaria/painel/clipping/novo", get(by_hand::new).post(by_hand::write_down))
}

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 14] = [
    ("one for what is selected", "media-said-missing"),
    ("somebody has judged it meanwhile", "media-said-judged"),
    ("nothing to take back", "media-said-nothing"),
    ("the clipping of", "media-said-closed"),
    ("nothing was selected for", "media-said-none-selected"),
    ("this item is there", "media-said-there"),
    ("has this name or address", "media-said-followed"),
    ("is on the list", "media-said-listed"),
    ("which is the most", "media-said-most"),
    ("was opened for it", "media-said-opened"),
    ("expected an http:// or https:// address", "media-said-address"),
    ("fits every item", "media-said-every"),
    ("the source is paused already", "media-said-paused"),
    ("the source is not paused", "media-said-not-paused"),
];

/// A sentence of the desk in the reader's language; in English it stays as programs read it.
fn told(v: &View, sentence: &str) -> String {
    match KNOWN.iter().find(|(part, _)| sentence.contains(part)) {
        Some((_, key)) if v.lang == Lang::Pt => v.t(key),
        _ => sentences::said(v.lang, sentence),
    }
}

/// What was wrong, in words for the page.
pub(super) fn refused(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    match error {
        PlanError::Wrong(errors) => {
            let all = errors.into_iter().map(|one| FieldError { message: told(v, &one.message), ..one });
            Ok((v.t("sec-wrong"), all.collect()))
        }
        PlanError::Refused(Refused::Wrong { field, value, message }) => {
            Ok((v.t("sec-wrong"), vec![FieldError { field, value, message: told(v, &message) }]))
        }
        PlanError::Refused(Refused::Conflict(why)) => {
            Ok((v.t("media-conflict"), vec![wrong(&v.t("media-why"), "", told(v, &why))]))
        }
        other => Err(other.into()),
    }
}

/// The label of a field of the desk's, as the forms have it; a word that is none stays.
pub(super) fn field(v: &View, name: &str) -> String {
    let key = match name {
        "name" => "media-name",
        "kind" => "media-kind",
        "url" => "media-url",
        "every" | "every_s" => "media-minutes",
        "query" => "media-query",
        "source" | "source_id" => "media-source",
        "theme" => "media-theme",
        "tone" => "media-tone",
        "spokesperson" => "media-spokesperson",
        "note" => "media-note",
        "state" => "media-judge",
        "email" => "media-email",
        "language" => "media-language",
        "title" => "media-headline",
        "excerpt" => "media-excerpt",
        "link" => "media-link",
        "published_at" => "media-published-when",
        "place" => "media-check-place",
        "reason" => "media-check-reason",
        "day" => "media-day",
        other => return other.to_owned(),
    };
    v.t(key)
}

/// How an input says that it is wrong: the sentences stand above the forms.
pub(super) fn marked(errors: &[FieldError], name: &str) -> Markup {
    let is_wrong = errors.iter().any(|error| error.field == name);
    Markup(if is_wrong { r#" aria-invalid="true" aria-describedby="wrong""#.into() } else { String::new() })
}

/// A page that shows what was wrong says so in its status.
pub(super) fn with_status(mut response: Response, is_wrong: bool) -> Response {
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

pub(super) fn works(v: &View) -> bool {
    v.staff.as_ref().is_some_and(|staff| staff.roles.has(Role::MediaMonitoring))
}

/// A link of the filters.
struct Choice {
    word: String,
    query: &'static str,
    here: bool,
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_list.html")]
struct ListPage {
    f: Frame,
    wanted: Wanted,
    rows: Vec<Item>,
    next: String,
    sources: Vec<Source>,
    rules: Vec<Rule>,
    works: bool,
}

impl ListPage {
    fn choices(&self) -> Vec<Choice> {
        let is = |state: &str| self.wanted.state.as_deref() == Some(state);
        let choice = |state: ItemState, query| Choice {
            word: self.f.v.word("media-state", state.as_str()),
            query,
            here: is(state.as_str()),
        };
        vec![
            choice(ItemState::Candidate, "state=candidate&firsts=true"),
            choice(ItemState::Selected, "state=selected"),
            choice(ItemState::New, "state=new&firsts=true"),
            choice(ItemState::Dismissed, "state=dismissed"),
            Choice { word: self.f.v.t("sec-filter-all"), query: "firsts=false", here: self.wanted.state.is_none() },
        ]
    }

    fn q(&self) -> &str {
        self.wanted.q.as_deref().unwrap_or_default()
    }

    fn theme(&self) -> &str {
        self.wanted.theme.as_deref().unwrap_or_default()
    }

    fn state(&self) -> &str {
        self.wanted.state.as_deref().unwrap_or_default()
    }

    fn is_source(&self, id: &Uuid) -> bool {
        self.wanted.source == Some(*id)
    }

    fn is_rule(&self, id: &Uuid) -> bool {
        self.wanted.rule == Some(*id)
    }
}

/// What a form leaves empty is not asked for.
fn given(query: &BTreeMap<String, String>) -> Result<Wanted, ApiError> {
    let text = |name: &str| query.get(name).filter(|text| !text.trim().is_empty()).cloned();
    let id = |name: &str| match text(name) {
        Some(text) => {
            text.parse::<Uuid>().map(Some).map_err(|_| ApiError::field(name, text, "expected one of those offered"))
        }
        None => Ok(None),
    };
    let wanted = Wanted {
        q: text("q"),
        state: text("state"),
        source: id("source")?,
        rule: id("rule")?,
        theme: text("theme"),
        tone: text("tone"),
        firsts: text("firsts").map(|text| text == "true"),
        before: id("before")?,
    };
    if query.keys().all(|name| name == "lang") {
        return Ok(Wanted { state: Some(ItemState::Candidate.to_string()), firsts: Some(true), ..Wanted::default() });
    }
    Ok(wanted)
}

async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let wanted = given(&query)?;
    let mut conn = app.db.web.acquire().await?;
    let found = Items::of(search::page(&mut conn, &wanted.filter()?).await?);
    let next = found.next.map_or_else(String::new, |next| {
        let mut query = query;
        query.insert("before".into(), next.to_string());
        query.entry("state".into()).or_insert_with(|| wanted.state.clone().unwrap_or_default());
        query.entry("firsts".into()).or_insert_with(|| wanted.firsts.unwrap_or(false).to_string());
        let pairs: Vec<String> =
            query.iter().map(|(name, text)| format!("{}={}", encoded(name), encoded(text))).collect();
        format!("{PATH}?{}", pairs.join("&"))
    });
    let (sources, rules) = (sources::all(&mut conn).await?, sources::rules(&mut conn).await?);
    let works = works(&v);
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&ListPage { f, wanted, rows: found.items, next, sources, rules, works })
}

fn back(id: Uuid) -> Response {
    Redirect::to(&format!("{PATH}/itens/{id}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_desk_have_words() {
        for (_, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
        }
    }
}
