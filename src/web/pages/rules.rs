//! `/console/rules`: which rules judge the town, what waits to be decided, and what nobody watches.

pub mod bands;
pub mod edit;
pub mod one;
pub mod words;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::app::App;
use crate::rules::check::{Gap, gaps};
use crate::rules::desk::RuleError;
use crate::rules::outline::Outline;
use crate::rules::store::{self, Version};
use crate::rules::{State as Stands, is_rule_id};
use crate::units::Level;
use crate::web::api::rules::desk;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/rules", get(list).post(propose))
        .route("/console/rules/{id}", get(one::show))
        .route("/console/rules/{id}/{version}/text", get(one::text))
        .route("/console/rules/{id}/{version}/edit", get(edit::show).post(edit::save))
        .route("/console/rules/{id}/{version}/look", post(edit::look))
        .route("/console/rules/{id}/{version}/prepare", post(one::prepare))
        .route("/console/rules/{id}/{version}/decide", post(one::decide))
}

/// A rule in the list.
struct Listed {
    id: String,
    title: String,
    hazard: String,
    grades: Vec<String>,
    active: Option<i32>,
    /// Versions that wait for somebody.
    open: Vec<(i32, Stands)>,
    /// How many areas stand at each level now, highest first.
    watched: Vec<(Level, i64)>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    f: Frame,
    rules: Vec<Listed>,
    gaps: Vec<Gap>,
    folder: String,
    may_edit: bool,
    /// What was refused, with what was written.
    wrong: String,
    given: Given,
}

/// A text that somebody brings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    text: String,
    note: String,
}

impl RulesPage {
    fn state_word(&self, state: &Stands) -> String {
        self.f.v.word("rule-state", state.as_str())
    }

    fn gap(&self, gap: &Gap) -> String {
        let v = &self.f.v;
        v.t2("rules-gap", "hazard", v.hazard(&gap.hazard), "grade", format!("{} ({})", gap.grade, gap.areas))
    }
}

async fn list(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    listed(&app, v, String::new(), Given::default()).await
}

async fn listed(app: &App, v: View, wrong: String, given: Given) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let may_edit = v.may(Permission::EditCatalogue);
    let f = Frame::load(&mut conn, app, v, "rules").await?;
    let versions = store::versions(&mut conn, None).await?;
    let watched = store::watched(&mut conn).await?;
    let rules = versions.chunk_by(|a, b| a.rule_id == b.rule_id).map(|of| in_list(of, &watched)).collect();
    let gaps = gaps(&*app.town.network(&mut conn, &app.config.engine).await?);
    page(&RulesPage { f, rules, gaps, folder: app.config.engine.rules_dir.clone(), may_edit, wrong, given })
}

fn in_list(versions: &[Version], watched: &[(String, i32, String, i64)]) -> Listed {
    let active = versions.iter().find(|version| version.state == Stands::Active);
    let shown = active.or_else(|| versions.first());
    let outline = shown.and_then(|version| Outline::read(&version.text).ok()).unwrap_or_default();
    let id = shown.map(|version| version.rule_id.clone()).unwrap_or_default();
    let waits = |version: &&Version| !matches!(version.state, Stands::Active | Stands::Retired | Stands::Withdrawn);
    let mut levels: BTreeMap<Level, i64> = BTreeMap::new();
    for (.., level, areas) in watched.iter().filter(|(rule, ..)| *rule == id) {
        if let Ok(level) = level.parse() {
            *levels.entry(level).or_default() += areas;
        }
    }
    Listed {
        title: if outline.title.is_empty() { id.clone() } else { outline.title },
        hazard: outline.hazard,
        grades: outline.grades,
        active: active.map(|version| version.version),
        open: versions.iter().filter(waits).map(|version| (version.version, version.state)).collect(),
        watched: levels.into_iter().rev().collect(),
        id,
    }
}

/// Takes in a text from a file or a paste.
async fn propose(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    match desk(&app, &actor).propose(&mut tx, &given.text, &given.note).await {
        Ok(kept) => {
            tx.commit().await?;
            Ok(Redirect::to(&address(&kept.rule_id, kept.version)).into_response())
        }
        Err(error @ (RuleError::Wrong { .. } | RuleError::Conflict(_))) => {
            tx.rollback().await?;
            let wrong = v.t1("rules-refused", "why", error);
            listed(&app, v, wrong, given).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The page of what a level or an alert names as "chuva-encosta v1".
pub fn page_of(named: &str) -> String {
    match named.rsplit_once(" v") {
        Some((id, version)) if is_rule_id(id) => format!("/console/rules/{id}?version={version}"),
        _ => "/console/rules".to_owned(),
    }
}

/// The page of a version.
pub(super) fn address(id: &str, version: i32) -> String {
    format!("/console/rules/{id}?version={version}")
}
