//! `/secretaria/painel/clipping`: items of the press with their filters, one item with what people did, and one that somebody writes down.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use chrono::{NaiveDateTime, TimeZone as _};
use serde::Deserialize;
use uuid::Uuid;

use super::queue::encoded;
use super::sentences;
use crate::accounts::Role;
use crate::app::App;
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::reports::Kind;
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::secretariat::media_monitoring::desk::{self, ByHand};
use crate::secretariat::media_monitoring::judge::{Judging, wrong};
use crate::secretariat::media_monitoring::rumour::{self, Rumour};
use crate::secretariat::media_monitoring::store::{search, sources};
use crate::secretariat::media_monitoring::{Act, Item, Rule, Source, State as ItemState, Tone};
use crate::web::api::secretariat::has_role;
use crate::web::api::secretariat::media_monitoring::{Items, Wanted, acting};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

const PATH: &str = "/secretaria/painel/clipping";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/clipping", get(list))
        .route("/secretaria/painel/clipping/itens/{id}", get(show))
        .route("/secretaria/painel/clipping/itens/{id}/julgar", post(judge))
        .route("/secretaria/painel/clipping/itens/{id}/desfazer", post(undo))
        .route("/secretaria/painel/clipping/itens/{id}/verificar", post(check))
        .route("/secretaria/painel/clipping/novo", get(new).post(write_down))
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

#[derive(Template)]
#[template(path = "secretariat/sec_media_item.html")]
struct ItemPage {
    f: Frame,
    item: Item,
    acts: Vec<Act>,
    repeats: Vec<Item>,
    works: bool,
    /// What was typed, or what stands and is proposed.
    judging: Judging,
    rumour: Rumour,
    wrong: String,
    errors: Vec<FieldError>,
}

impl ItemPage {
    fn tones(&self) -> &'static [Tone] {
        Tone::ALL
    }

    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        match error.field.as_str() {
            "kind" => self.f.v.t("media-check-kind"),
            other => field(&self.f.v, other),
        }
    }

    fn mark(&self, name: &str) -> Markup {
        marked(&self.errors, name)
    }

    fn is_tone(&self, tone: &Tone) -> bool {
        self.judging.tone == tone.as_str()
    }

    fn is_kind(&self, kind: &Kind) -> bool {
        self.rumour.kind == kind.as_str()
    }

    fn act_state(&self, act: &Act) -> String {
        self.f.v.word("media-state", act.judgement.state.as_str())
    }
}

/// The forms as they were typed, with what was wrong.
#[derive(Default)]
struct Typed {
    judging: Option<Judging>,
    rumour: Option<Rumour>,
    wrong: String,
    errors: Vec<FieldError>,
}

async fn drawn(app: &App, v: View, id: Uuid, typed: Typed) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (item, acts, repeats) = desk::show(&mut conn, id).await?;
    let works = works(&v);
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let theme = if item.theme.is_empty() { item.proposed_theme.clone() } else { item.theme.clone() };
    let stands = Judging {
        tone: item.tone.clone().unwrap_or_default(),
        theme,
        spokesperson: item.spokesperson.clone(),
        note: item.note.clone(),
        ..Judging::default()
    };
    let judging = typed.judging.unwrap_or(stands);
    let rumour = typed.rumour.unwrap_or_else(|| Rumour { kind: Kind::Other.to_string(), ..Rumour::default() });
    let is_wrong = !typed.wrong.is_empty();
    let (wrong, errors) = (typed.wrong, typed.errors);
    let response = page(&ItemPage { f, item, acts, repeats, works, judging, rumour, wrong, errors })?;
    Ok(with_status(response, is_wrong))
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    drawn(&app, v, id, Typed::default()).await
}

/// The form of judging; the button says what becomes of the item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JudgeForm {
    state: String,
    tone: String,
    theme: String,
    spokesperson: String,
    note: String,
    revision: i32,
}

fn back(id: Uuid) -> Response {
    Redirect::to(&format!("{PATH}/itens/{id}")).into_response()
}

async fn judge(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<JudgeForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let JudgeForm { state, tone, theme, spokesperson, note, revision } = form;
    let asked = Judging { state, tone, theme, spokesperson, note, revision };
    let mut tx = app.db.web.begin().await?;
    match desk::judge(&mut tx, acting(&app, &actor), id, &asked).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { judging: Some(asked), wrong, errors, ..Typed::default() }).await
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct UndoForm {
    revision: i32,
}

async fn undo(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<UndoForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    match desk::take_back(&mut tx, acting(&app, &actor), id, form.revision).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { wrong, errors, ..Typed::default() }).await
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RumourForm {
    kind: String,
    place: String,
    reason: String,
}

async fn check(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(form): Form<RumourForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let rumour = Rumour { kind: form.kind, place: form.place, reason: form.reason };
    let by = By { desk: Desk::of(&app), now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match rumour::open(&mut tx, by, id, &rumour, &staff.language).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let (wrong, errors) = refused(&v, error)?;
            drawn(&app, v, id, Typed { rumour: Some(rumour), wrong, errors, ..Typed::default() }).await
        }
    }
}

/// The form of an item that somebody writes down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NewForm {
    source: String,
    title: String,
    excerpt: String,
    link: String,
    /// Local time of the town, as forms write it.
    published: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_media_new.html")]
struct NewPage {
    f: Frame,
    sources: Vec<Source>,
    given: NewForm,
    wrong: String,
    errors: Vec<FieldError>,
}

impl NewPage {
    /// Label of a field that is wrong.
    fn field(&self, error: &FieldError) -> String {
        field(&self.f.v, &error.field)
    }

    fn mark(&self, name: &str) -> Markup {
        marked(&self.errors, name)
    }

    fn is_source(&self, id: &Uuid) -> bool {
        self.given.source == id.to_string()
    }
}

async fn form(
    app: &App,
    staff: &Staff,
    v: View,
    given: NewForm,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    has_role(staff, Role::MediaMonitoring)?;
    let mut conn = app.db.web.acquire().await?;
    let sources = sources::all(&mut conn).await?;
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let is_wrong = !wrong.is_empty();
    Ok(with_status(page(&NewPage { f, sources, given, wrong, errors })?, is_wrong))
}

async fn new(State(app): State<App>, staff: May<can::WorkSecretariat>, v: View) -> Result<Response, ApiError> {
    form(&app, &staff, v, NewForm::default(), (String::new(), Vec::new())).await
}

/// Empty: now.
fn local_time(text: &str, tz: chrono_tz::Tz) -> Result<Option<Instant>, FieldError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let at = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M").ok();
    let at = at.and_then(|at| tz.from_local_datetime(&at).earliest()).map(|at| at.to_utc());
    at.map(Some).ok_or_else(|| wrong("published_at", text, "expected a day and a time"))
}

async fn write_down(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<NewForm>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::MediaMonitoring)?;
    let actor = staff.actor();
    let read =
        given.source.parse::<Uuid>().map_err(|_| wrong("source_id", &given.source, "expected one of those offered"));
    let (source_id, published_at) = match (read, local_time(&given.published, v.tz)) {
        (Ok(source), Ok(at)) => (source, at),
        (read, at) => {
            let errors = read.err().into_iter().chain(at.err()).collect();
            let why = v.t("sec-wrong");
            return form(&app, &staff, v, given, (why, errors)).await;
        }
    };
    let item = ByHand { source_id, title: &given.title, excerpt: &given.excerpt, link: &given.link, published_at };
    let mut tx = app.db.web.begin().await?;
    match desk::write_down(&mut tx, acting(&app, &actor), &app.config.secretariat.media, item).await {
        Ok(id) => {
            tx.commit().await?;
            Ok(back(id))
        }
        Err(error) => {
            drop(tx);
            let why = refused(&v, error)?;
            form(&app, &staff, v, given, why).await
        }
    }
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
