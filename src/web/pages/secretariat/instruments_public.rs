//! `/secretaria/parcerias`, `/captacao`, `/projetos`: what everybody reads, from the snapshots and from nothing else.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::words;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::kernel::instrument::papers::Readers;
use crate::secretariat::kernel::instrument::store::Document;
use crate::secretariat::kernel::instrument::{Kept, store};
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
    text.parse::<chrono::NaiveDate>().map(|day| v.day(day)).unwrap_or_default()
}

fn today(v: &View) -> chrono::NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

fn state(v: &View, item: &Value) -> String {
    match standing::of_snapshot(item, today(v)) {
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
        state: state(&v, item),
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
    told: Told,
    /// Those that everybody reads, with where they are.
    documents: Vec<(Document, String)>,
}

impl OnePage {
    fn kind_of(&self, document: &Document) -> String {
        words::document_kind(&self.v, &document.kind)
    }
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

/// What a snapshot says, and no other thing.
fn told(v: &View, item: &Value) -> Told {
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
        state: state(v, item),
        why: standing::of_snapshot(item, today(v)).map(|standing| standing.why).unwrap_or_default(),
        facts,
        tables,
    }
}

/// What everybody reads of one while it is listed, with the instant of which it is.
///
/// # Errors
/// 404.
pub async fn one<K: Kept>(app: &App, v: &View, id: Uuid) -> Result<(Told, Instant), ApiError> {
    let found = store::published_one(&mut *app.db.web.acquire().await?, (K::MODULE, id), today(v)).await?;
    let (item, at) = found.ok_or_else(|| ApiError::NotFound("the instrument".into()))?;
    Ok((told(v, &item), at))
}

pub async fn show<K: Kept>(State(app): State<App>, v: View, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let (told, _) = one::<K>(&app, &v, id).await?;
    let slug = K::MODULE.replace('_', "-");
    let all = store::documents(&mut *app.db.web.acquire().await?, id).await?;
    let open = all.into_iter().filter(|one| one.readers == Readers::Everybody);
    let with_link = |one: Document| {
        let link = format!("/api/v1/secretariat/{slug}/public/{id}/documents/{}", one.id);
        (one, link)
    };
    let documents = open.map(with_link).collect();
    page(&OnePage { v, module: K::MODULE, pages: K::PAGES, slug, id, told, documents })
}
