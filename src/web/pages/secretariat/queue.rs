//! `/secretaria/painel/{módulo}`: the queue of a module with its filters as links.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::module;
use crate::app::App;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::store::lists::{Listed, PAGE};
use crate::secretariat::kernel::types::Kept;
use crate::secretariat::modules::Module;
use crate::web::api::secretariat::lists::Wanted;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/secretaria/painel/{module}", get(show))
}

#[derive(Template)]
#[template(path = "secretariat/sec_queue.html")]
struct QueuePage {
    f: Frame,
    module: &'static Module,
    types: Vec<std::sync::Arc<Kept>>,
    wanted: Wanted,
    rows: Vec<Listed>,
    next: String,
    may_open: bool,
    /// The module has a yearly report.
    has_yearly: bool,
}

/// A link of the filters.
struct Choice {
    word: &'static str,
    query: &'static str,
    here: bool,
}

impl QueuePage {
    fn choices(&self) -> Vec<Choice> {
        let w = &self.wanted;
        let some = |flag: Option<bool>| flag == Some(true);
        let is_plain = w.open == Some(true) && !some(w.late) && !some(w.near) && !some(w.mine) && w.waits_for.is_none();
        let choice = |word, query, here| Choice { word, query, here };
        vec![
            choice("sec-filter-open", "open=true", is_plain),
            choice("sec-filter-late", "open=true&late=true", some(w.late)),
            choice("sec-filter-near", "open=true&near=true", some(w.near)),
            choice("sec-filter-mine", "open=true&mine=true", some(w.mine)),
            choice("sec-filter-mayor", "open=true&waits_for=mayor", w.waits_for.as_deref() == Some("mayor")),
            choice("sec-filter-over", "open=false", w.open == Some(false)),
            choice("sec-filter-all", "", w.open.is_none() && w.q.is_none()),
        ]
    }

    fn type_title(&self, one: &Listed) -> String {
        let kept = self.types.iter().find(|kept| kept.def.key() == one.case.type_key);
        kept.map_or_else(|| one.case.type_key.clone(), |kept| kept.def.title.of(self.f.v.lang).to_owned())
    }

    fn state(&self, one: &Listed) -> String {
        let kept = self.types.iter().find(|kept| kept.def.key() == one.case.type_key);
        kept.map_or_else(|| one.case.state.clone(), |kept| kept.def.state_label(&one.case.state, self.f.v.lang))
    }

    fn is_late(&self, one: &Listed) -> bool {
        one.is_late(self.f.v.now)
    }

    fn q(&self) -> &str {
        self.wanted.q.as_deref().unwrap_or_default()
    }

    fn year(&self) -> String {
        self.wanted.year.map(|year| year.to_string()).unwrap_or_default()
    }

    fn is_type(&self, key: &str) -> bool {
        self.wanted.type_key.as_deref() == Some(key)
    }
}

/// What a form leaves empty is not asked for.
fn given(mut query: std::collections::BTreeMap<String, String>) -> Result<Wanted, ApiError> {
    query.retain(|name, text| !text.trim().is_empty() && name != "lang");
    let bad = |name: &str, text: &str| ApiError::field(name, text, "expected one of those offered");
    let flag = |name: &str| query.get(name).map(|text| text.parse::<bool>().map_err(|_| bad(name, text))).transpose();
    let text = |name: &str| query.get(name).cloned();
    Ok(Wanted {
        type_key: text("type"),
        state: text("state"),
        open: flag("open")?,
        late: flag("late")?,
        near: flag("near")?,
        mine: flag("mine")?,
        waits_for: text("waits_for"),
        year: text("year").map(|year| year.parse().map_err(|_| bad("year", &year))).transpose()?,
        q: text("q"),
        before: text("before").map(|id| id.parse().map_err(|_| bad("before", &id))).transpose()?,
    })
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(slug): Path<String>,
    Query(query): Query<std::collections::BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let mut wanted = given(query.clone())?;
    // Whoever just comes sees what is to be done.
    if query.iter().all(|(name, _)| name == "lang") && !v.here.ends_with('?') {
        wanted.open = Some(true);
    }
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let mut rows = desk::list(&mut conn, desk, wanted.filter(Some(module.key()), &staff.username, desk.tz)?).await?;
    let page_size = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = rows.len() > page_size;
    rows.truncate(page_size);
    let next = match rows.last() {
        Some(last) if more => {
            let mut query = query;
            query.insert("before".into(), last.case.id.to_string());
            let pairs: Vec<String> = query.iter().map(|(name, text)| format!("{name}={}", encoded(text))).collect();
            format!("/secretaria/painel/{}?{}", module.slug_pt, pairs.join("&"))
        }
        _ => String::new(),
    };
    let types = app.cases.of_module(module.key()).cloned().collect();
    let may_open = who.has(module.key());
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    let has_yearly = crate::secretariat::citizen::type_of(module.key()).is_some();
    page(&QueuePage { f, module, types, wanted, rows, next, may_open, has_yearly })
}

/// A text as a part of an address.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
