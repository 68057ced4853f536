//! `/secretaria/painel/prefeito`: what awaits the mayor and what is late and why, by age, on a telephone.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use crate::app::App;
use crate::deadlines::words;
use crate::secretariat::kernel::desk;
use crate::secretariat::mayor::{self, AGES, Overdue, Signing, Waiting};
use crate::secretariat::modules;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/secretaria/painel/prefeito", get(show))
}

/// A case in words.
struct Told {
    one: Waiting,
    kind: String,
    state: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_mayor.html")]
struct MayorPage {
    f: Frame,
    awaiting: Vec<Told>,
    /// Instruments and bills of the budget.
    signing: Vec<Signing>,
    late: Vec<Told>,
    /// In modules without cases.
    elsewhere: Vec<Overdue>,
    awaiting_ages: Vec<(String, i64)>,
    late_ages: Vec<(String, i64)>,
}

impl MayorPage {
    fn module(&self, told: &Told) -> &'static str {
        modules::find(&told.one.module).map_or("", |module| module.title(self.f.v.lang))
    }

    fn deadline(&self, told: &Told) -> String {
        told.one.code.as_deref().map(|code| words::name(self.f.v.lang, code)).unwrap_or_default()
    }

    fn code(&self, code: &str) -> String {
        words::name(self.f.v.lang, code)
    }

    fn module_of(&self, key: &str) -> &'static str {
        modules::find(key).map_or("", |module| module.title(self.f.v.lang))
    }

    /// What it is, where it stands, and what is waited for.
    fn asked(&self, one: &Signing) -> String {
        let v = &self.f.v;
        let kind = if one.module == "budget" { "sec-budget-kind" } else { "sec-instrument-kind" };
        let state = self.state_of(&one.module, &one.state);
        [v.word(kind, &one.kind), state, v.word("sec-mayor-act", &one.act)].join(" · ")
    }

    fn state_of(&self, module: &str, state: &str) -> String {
        let vocabulary = if module == "budget" { "sec-budget-state" } else { "sec-instrument-state" };
        self.f.v.word(vocabulary, state)
    }

    /// Where it stands, on whom it waits, and how often it was put off.
    fn why_elsewhere(&self, one: &Overdue) -> String {
        let v = &self.f.v;
        let mut parts = Vec::new();
        if let (Some(module), Some(state)) = (&one.module, &one.state) {
            parts.push(self.module_of(module).to_owned());
            parts.push(self.state_of(module, state));
        }
        parts.extend(one.waits_for.as_deref().map(|who| v.word("sec-waits", who)));
        if one.extended > 0 {
            parts.push(v.t1("sec-mayor-extended", "n", one.extended));
        }
        parts.join(" · ")
    }

    /// Why it does not go on: on whom it waits, and that nobody has it.
    fn why(&self, told: &Told) -> String {
        let v = &self.f.v;
        let mut parts = vec![told.state.clone()];
        if let Some(who) = &told.one.waits_for {
            parts.push(v.word("sec-waits", who));
        }
        let is_restricted = told.one.link.is_empty();
        match (told.one.assigned.as_str(), told.one.department.as_str()) {
            // With whom a restricted case is, is not told; that is not nobody.
            ("", "") if is_restricted => {}
            ("", "") => parts.push(v.t("sec-mayor-nobody")),
            ("", department) => parts.push(v.t1("sec-mayor-department", "name", department)),
            (name, "") => parts.push(v.t1("sec-mayor-with", "name", name)),
            (name, department) => parts.push(v.t2("sec-mayor-with-both", "name", name, "department", department)),
        }
        if told.one.extended > 0 {
            parts.push(v.t1("sec-mayor-extended", "n", told.one.extended));
        }
        parts.join(" · ")
    }
}

/// "7 a 14 dias" and how many; ages without any are left out.
fn ages(v: &View, all: &[Waiting]) -> Vec<(String, i64)> {
    let counts = mayor::by_age(all);
    let told = counts.iter().enumerate().map(|(at, count)| {
        let from = at.checked_sub(1).and_then(|before| AGES.get(before));
        let word = match (from, AGES.get(at)) {
            (None, Some(to)) => v.t1("sec-age-below", "n", to),
            (Some(from), Some(to)) => v.t2("sec-age-between", "from", from, "to", to - 1),
            (Some(from), None) => v.t1("sec-age-from", "n", from),
            (None, None) => v.t("sec-open"),
        };
        (word, *count)
    });
    told.filter(|(_, count)| *count > 0).collect()
}

async fn show(State(app): State<App>, staff: May<can::SeeSecretariat>, v: View) -> Result<Response, ApiError> {
    let who = desk::who(&staff);
    let mut conn = app.db.web.acquire().await?;
    let (awaiting, late) = (mayor::awaiting(&mut conn, &who, v.now).await?, mayor::late(&mut conn, &who, v.now).await?);
    let (signing, elsewhere) = (mayor::signing(&mut conn, v.now).await?, mayor::elsewhere(&mut conn, v.now).await?);
    let (awaiting_ages, late_ages) = (ages(&v, &awaiting), ages(&v, &late));
    let mut parts = Vec::new();
    for all in [awaiting, late] {
        let mut told = Vec::with_capacity(all.len());
        for one in all {
            let kept = app.cases.version(&mut conn, &one.type_key, one.version).await?;
            let (kind, state) = (kept.def.title.of(v.lang).to_owned(), kept.def.state_label(&one.state, v.lang));
            told.push(Told { one, kind, state });
        }
        parts.push(told);
    }
    let late = parts.pop().unwrap_or_default();
    let awaiting = parts.pop().unwrap_or_default();
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&MayorPage { f, awaiting, signing, late, elsewhere, awaiting_ages, late_ages })
}
