//! `/secretaria/parcerias`, `/captacao`, `/projetos`: what everybody reads, from the snapshots and from nothing else.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::words;
use crate::app::App;
use crate::secretariat::kernel::instrument::Kept;
use crate::secretariat::kernel::instrument::papers::Readers;
use crate::secretariat::kernel::instrument::store::{self, Document, PublicVersion};
use crate::secretariat::strategic_projects::standing;
use crate::web::api::secretariat::instruments as api;
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    after: String,
}

/// What a line of the list says.
struct Row {
    id: String,
    number: String,
    title: String,
    partner: String,
    kind: String,
    state: String,
    agreed: Option<i64>,
    released: Option<i64>,
    ends_on: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_instrument_public.html")]
struct ListPage {
    v: View,
    module: &'static str,
    pages: &'static str,
    /// In addresses of the API.
    slug: String,
    rows: Vec<Row>,
    next: Option<Uuid>,
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn day(v: &View, text: &str) -> String {
    text.parse::<NaiveDate>().map(|day| v.day(day)).unwrap_or_default()
}

fn today(v: &View) -> NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

/// As it stands on a day.
fn state(v: &View, item: &Value, on: NaiveDate) -> String {
    match standing::of_snapshot(item, on) {
        Some(standing) => v.word("sec-instrument-standing", standing.word.as_str()),
        None => v.word("sec-instrument-state", text(item, "state")),
    }
}

pub async fn list<K: Kept>(State(app): State<App>, v: View, Query(asked): Query<Asked>) -> Result<Response, ApiError> {
    let listed = api::public::<K>(&app, (asked.after.parse().ok(), store::PAGE)).await?;
    let rows = listed.items.iter().map(|item| Row {
        id: text(item, "id").to_owned(),
        number: text(item, "number").to_owned(),
        title: text(item, "object").to_owned(),
        partner: text(item, "partner").to_owned(),
        kind: v.word("sec-instrument-kind", text(item, "kind")),
        state: state(&v, item, today(&v)),
        agreed: item.get("agreed_centavos").or_else(|| item.get("budget_centavos")).and_then(Value::as_i64),
        released: item.get("released_centavos").and_then(Value::as_i64),
        ends_on: day(&v, text(item, "ends_on")),
    });
    let rows = rows.collect();
    let slug = K::MODULE.replace('_', "-");
    page(&ListPage { v, module: K::MODULE, pages: K::PAGES, slug, rows, next: listed.next })
}

/// What the page and the paper say of one, in words.
pub struct Told {
    pub title: String,
    pub number: String,
    pub kind: String,
    pub state: String,
    /// What makes it stand so; empty when nothing does.
    pub why: String,
    /// Label and value.
    pub facts: Vec<(String, String)>,
    /// Title, heads, rows.
    pub tables: Vec<(String, Vec<String>, Vec<Vec<String>>)>,
}

#[derive(Template)]
#[template(path = "secretariat/sec_instrument_public_one.html")]
struct OnePage {
    v: View,
    module: &'static str,
    pages: &'static str,
    /// In addresses of the API.
    slug: String,
    id: Uuid,
    found: Found,
    /// Those that everybody reads, with where they are.
    documents: Vec<(Document, String)>,
}

impl OnePage {
    fn kind_of(&self, document: &Document) -> String {
        words::document_kind(&self.v, &document.kind)
    }
}

/// A version with those beside it.
pub struct Found {
    pub told: Told,
    pub shown: PublicVersion,
    /// The last first.
    pub all: Vec<PublicVersion>,
}

impl Found {
    /// The one that corrects it in the end; none: it is the last word itself.
    pub fn later(&self) -> Option<&PublicVersion> {
        self.all.first().filter(|last| self.shown.seq < last.seq)
    }

    /// What it corrects, the newest first.
    pub fn before(&self) -> impl Iterator<Item = &PublicVersion> {
        self.all.iter().filter(|other| other.seq < self.shown.seq)
    }
}

/// `?versao=…`; none: the last.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    versao: String,
}

/// A value of the snapshot in words.
fn said(v: &View, name: &str, value: &Value) -> String {
    match value {
        Value::Number(number) if name.ends_with("centavos") => v.money(number.as_i64().unwrap_or_default()),
        Value::String(text) if name.ends_with("_on") || name == "on" => day(v, text),
        Value::String(word) if name == "outcome" => v.word("sec-instrument-state", word),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is_interim) if name == "interim" => {
            v.word("sec-instrument-word", if *is_interim { "interim" } else { "final" })
        }
        _ => String::new(),
    }
}

/// What is written above the page already, or leads elsewhere.
const ELSEWHERE: [&str; 8] = ["id", "number", "kind", "state", "object", "portfolio", "instruments", "highest_risk"];

fn label(v: &View, name: &str) -> String {
    words::field(v, name.strip_suffix("_centavos").unwrap_or(name))
}

fn table(v: &View, name: &str, items: &[Value]) -> Option<(String, Vec<String>, Vec<Vec<String>>)> {
    let heads: Vec<&String> = items.first()?.as_object()?.keys().collect();
    let row = |item: &Value| {
        heads.iter().map(|head| said(v, head, item.get(head.as_str()).unwrap_or(&Value::Null))).collect()
    };
    Some((label(v, name), heads.iter().map(|head| label(v, head)).collect(), items.iter().map(row).collect()))
}

/// What a snapshot says on a day, and no other thing.
fn told(v: &View, item: &Value, on: NaiveDate) -> Told {
    let (mut facts, mut tables) = (Vec::new(), Vec::new());
    let fields = item.as_object().into_iter().flatten().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
    for (name, value) in fields {
        match value {
            Value::Array(items) => tables.extend(table(v, name, items)),
            Value::Object(inner) => {
                for (name, value) in inner {
                    match value {
                        Value::Array(items) => tables.extend(table(v, name, items)),
                        other => facts.push((label(v, name), said(v, name, other))),
                    }
                }
            }
            other => facts.push((label(v, name), said(v, name, other))),
        }
    }
    facts.retain(|(_, value)| !value.is_empty());
    Told {
        title: text(item, "object").to_owned(),
        number: text(item, "number").to_owned(),
        kind: v.word("sec-instrument-kind", text(item, "kind")),
        state: state(v, item, on),
        why: standing::of_snapshot(item, on).map(|standing| standing.why).unwrap_or_default(),
        facts,
        tables,
    }
}

/// What everybody reads of one while it is listed; `seq`: none: the last version. One that was corrected stands as on the day on which it was
/// published.
///
/// # Errors
/// 404.
pub async fn one<K: Kept>(app: &App, v: &View, (id, seq): (Uuid, Option<i32>)) -> Result<Found, ApiError> {
    let all = store::versions(&mut *app.db.web.acquire().await?, (K::MODULE, id), today(v)).await?;
    let is_asked = |one: &&PublicVersion| seq.is_none_or(|seq| seq == one.seq);
    let shown = all.iter().find(is_asked).cloned().ok_or_else(|| ApiError::NotFound("the instrument".into()))?;
    let is_last = all.first().is_some_and(|last| last.seq == shown.seq);
    let on = if is_last { today(v) } else { shown.published_at.with_timezone(&v.tz).date_naive() };
    Ok(Found { told: told(v, &shown.view, on), shown, all })
}

pub async fn show<K: Kept>(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let seq = match which.versao.as_str() {
        "" => None,
        given => Some(given.parse::<i32>().map_err(|_| ApiError::NotFound("the instrument".into()))?),
    };
    let found = one::<K>(&app, &v, (id, seq)).await?;
    let slug = K::MODULE.replace('_', "-");
    let all = store::documents(&mut *app.db.web.acquire().await?, id).await?;
    let open = all.into_iter().filter(|one| one.readers == Readers::Everybody);
    let with_link = |one: Document| {
        let link = format!("/api/v1/secretariat/{slug}/public/{id}/documents/{}", one.id);
        (one, link)
    };
    let documents = open.map(with_link).collect();
    page(&OnePage { v, module: K::MODULE, pages: K::PAGES, slug, id, found, documents })
}
