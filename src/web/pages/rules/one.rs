//! `/console/rules/{id}`: one rule in words, its versions, what changed, what it would have done, and the acts of its life.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use sqlx::PgConnection;

use super::words::{self, Told};
use super::{address, bands};
use crate::accounts::Permission;
use crate::app::App;
use crate::rules::check::{Never, NeverWhy};
use crate::rules::desk::{At, RuleError, life_of};
use crate::rules::diff::{self, Line};
use crate::rules::life::{Ask, Life, PERSONS, Refusal};
use crate::rules::marks::{Row, side_by_side};
use crate::rules::outline::Outline;
use crate::rules::store::previews::{self, Preview};
use crate::rules::store::{self, ActRow, Stands, Version, trials};
use crate::rules::{State as Stage, is_rule_id};
use crate::web::api::imports::Query;
use crate::web::api::rules::{act, desk};
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::reasons::span;
use crate::web::pages::view::View;

/// Acts shown at most.
const ACTS: i64 = 100;
/// Changes of level of a trial, and of what was, that are shown at most.
const CHANGES: i64 = 300;
/// Days of the journal that a comparison looks at unless told otherwise.
const DAYS: i32 = 7;

/// Which version, and with which it is compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    version: Option<i32>,
    with: Option<i32>,
    /// What was just done.
    done: String,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    f: Frame,
    id: String,
    outline: Outline,
    /// Where the text is no TOML.
    broken: String,
    told: Told,
    shown: Version,
    life: Life,
    versions: Vec<Version>,
    with: Option<i32>,
    changes: Vec<String>,
    lines: Vec<(&'static str, String)>,
    acts: Vec<ActRow>,
    stands: Vec<Stands>,
    preview: Option<Preview>,
    compared: Vec<bands::Told>,
    trial: Vec<Row>,
    folder: String,
    days: i32,
    wrong: String,
    done: String,
}

impl RulePage {
    fn state_word(&self, state: &Stage) -> String {
        self.f.v.word("rule-state", state.as_str())
    }

    fn act_word(&self, act: &str) -> String {
        self.f.v.word("rule-act", act)
    }

    fn actor(&self, act: &ActRow) -> String {
        match act.actor.as_str() {
            "product" | "folder" => self.f.v.word("rule-source", &act.actor),
            actor => self.f.v.actor(actor),
        }
    }

    fn source_word(&self) -> String {
        match &self.shown.author {
            Some(author) => author.clone(),
            None => self.f.v.word("rule-source", self.shown.source.as_str()),
        }
    }

    /// The reader may prepare, and the version is where this can be asked.
    fn may(&self, what: &str) -> bool {
        let v = &self.f.v;
        let (prepares, decides) = (v.may(Permission::EditCatalogue), v.may(Permission::IssueAlerts));
        let here = self.folder.is_empty();
        let me = v.staff.as_ref().map(|staff| staff.id);
        let open = self.preview.as_ref().is_some_and(Preview::is_open);
        let compares = matches!(self.shown.state, Stage::Checked | Stage::BackTested | Stage::Trial);
        let mine = me.is_some_and(|me| self.life.approvals.contains(&me));
        match what {
            "edit" => prepares && self.life.allows(Ask::Edit),
            "redraft" => prepares,
            "check" => prepares && self.life.allows(Ask::Check { errors: 0 }),
            "preview" => prepares && compares && !open,
            "cancel" => prepares && open,
            "start_trial" => prepares && self.life.allows(Ask::StartTrial),
            "end_trial" => prepares && self.life.allows(Ask::EndTrial),
            "return" => prepares && self.life.allows(Ask::Return) && self.shown.state != Stage::Trial,
            "withdraw" => prepares && self.life.allows(Ask::Withdraw),
            "approve" => here && decides && !mine && self.life.clone().after(Ask::Approve, me).is_ok(),
            "retire" => here && decides && !mine && self.life.clone().after(Ask::Retire, me).is_ok(),
            "take_back" => here && decides && mine,
            _ => false,
        }
    }

    /// Who stands behind the next step, and what is missing.
    fn approval_line(&self) -> String {
        let v = &self.f.v;
        match self.stands.first() {
            Some(first) => v.t2("rule-approval-one", "who", &first.username, "at", v.when(first.at)),
            None => v.t1("rule-approval-none", "n", PERSONS),
        }
    }

    /// Why stations can never say what the rule asks them.
    fn never_line(&self, never: &Never) -> String {
        let v = &self.f.v;
        let stations = never.stations.as_str();
        match &never.why {
            NeverWhy::TooFew { needs, has } => {
                let text = v.t2("rule-never-too-few", "stations", stations, "needs", *needs);
                format!("{text} {}", v.t1("rule-never-has", "has", *has))
            }
            NeverWhy::NoStage { stage } => {
                v.t2("rule-never-no-stage", "stations", stations, "stage", v.word("stage", stage))
            }
            NeverWhy::Coarse { window_min } => {
                let span = span(u32::try_from(*window_min).unwrap_or(u32::MAX));
                v.t2("rule-never-coarse", "stations", stations, "span", span)
            }
        }
    }

    fn is_first(&self) -> bool {
        self.stands.is_empty()
    }

    fn differences(&self) -> usize {
        self.trial.iter().filter(|row| row.differs()).count()
    }

    fn progress(&self, preview: &Preview) -> String {
        self.f.v.t2("rule-preview-progress", "done", preview.done, "steps", preview.steps)
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let done = match which.done.as_str() {
        "" => String::new(),
        what => v.word("rule-done", what),
    };
    shown(&app, v, &id, &which, (String::new(), done)).await
}

async fn shown(
    app: &App,
    v: View,
    id: &str,
    which: &Which,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let versions = store::versions(&mut conn, Some(id)).await?;
    let chosen = match which.version {
        Some(number) => versions.iter().find(|version| version.version == number),
        None => versions.iter().find(|version| version.state == Stage::Active).or_else(|| versions.first()),
    };
    let shown = chosen.cloned().ok_or_else(|| ApiError::NotFound(format!("rule {id:?}")))?;
    let f = Frame::load(&mut conn, app, v, "rules").await?;
    let (outline, broken) = match Outline::read(&shown.text) {
        Ok(outline) => (outline, String::new()),
        Err(error) => (Outline::default(), error.to_string()),
    };
    let base = base(&versions, &shown, which.with);
    let (changes, lines) = base.map_or_else(Default::default, |base| compared(&f.v, base, &shown));
    let life = life_of(&mut conn, &shown).await?;
    let stands = store::stands_behind(&mut conn, &shown).await?;
    let acts = store::acts(&mut conn, id, ACTS).await?;
    let preview = previews::last(&mut conn, id, shown.version).await?;
    let back_test = shown.back_test.as_ref().and_then(bands::read);
    let trial = trial(&mut conn, &f.v, &shown, &outline.hazard).await?;
    page(&RulePage {
        id: id.to_owned(),
        told: words::tell(&f.v, &outline),
        compared: back_test.iter().flat_map(|test| &test.stretches).map(|found| bands::tell(&f.v, found)).collect(),
        days: back_test.map_or(DAYS, |test| test.days),
        with: base.map(|base| base.version),
        folder: app.config.engine.rules_dir.clone(),
        f,
        outline,
        broken,
        life,
        versions,
        changes,
        lines,
        acts,
        stands,
        preview,
        trial,
        wrong,
        done,
        shown,
    })
}

/// With which version the shown one is compared: as asked, else with the active one, else with the one before it.
fn base<'a>(versions: &'a [Version], shown: &Version, asked: Option<i32>) -> Option<&'a Version> {
    let others = || versions.iter().filter(|version| version.version != shown.version);
    let active = || others().find(|version| version.state == Stage::Active);
    let before = || others().find(|version| version.version < shown.version);
    match asked {
        Some(number) => others().find(|version| version.version == number),
        None if shown.state == Stage::Active || shown.state == Stage::Retired => before(),
        None => active().or_else(before),
    }
}

fn compared(v: &View, base: &Version, shown: &Version) -> (Vec<String>, Vec<(&'static str, String)>) {
    let outlines = Outline::read(&base.text).ok().zip(Outline::read(&shown.text).ok());
    let changes = outlines.map_or_else(Vec::new, |(from, to)| diff::changes(&from, &to));
    let lines = diff::lines(&base.text, &shown.text).into_iter().map(|line| match line {
        Line::Same(text) => ("", text.to_owned()),
        Line::Gone(text) => ("gone", text.to_owned()),
        Line::New(text) => ("new", text.to_owned()),
    });
    (changes.iter().map(|change| words::change(v, change)).collect(), lines.collect())
}

async fn trial(conn: &mut PgConnection, v: &View, shown: &Version, hazard: &str) -> sqlx::Result<Vec<Row>> {
    let Some(since) = shown.trial_since else { return Ok(Vec::new()) };
    let until = shown.trial_until.unwrap_or(v.now);
    let would = trials::would_have_shown(&mut *conn, (&shown.rule_id, shown.version), since, CHANGES).await?;
    // Where the list is cut, only what lies within it can be compared.
    let since = if would.len() as i64 == CHANGES { would.last().map_or(since, |oldest| oldest.at) } else { since };
    let did = trials::did_show(conn, hazard, (since, until), CHANGES).await?;
    Ok(side_by_side(&would, &did))
}

/// The text as a file.
pub async fn text(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((id, version)): Path<(String, i32)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::find(&mut conn, &id, version).await?;
    let found = found.ok_or_else(|| RuleError::NotFound(id.clone(), version))?;
    let name = format!("attachment; filename=\"{}-v{version}.toml\"", found.rule_id);
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, found.text).into_response())
}

/// What somebody asks of a version.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    act: String,
    revision: i32,
    reason: String,
    days: Option<i32>,
    /// Ticked by whoever has read the differences.
    sure: String,
}

/// What prepares a decision.
pub async fn prepare(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path((id, version)): Path<(String, i32)>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    match given.act.as_str() {
        "preview" => {
            act::ask(&app, &staff, (&id, version), given.days.unwrap_or(DAYS)).await?;
            return Ok(gone_to(&id, version, "preview"));
        }
        "cancel" => {
            act::cancel(&app, &id, version).await?;
            return Ok(gone_to(&id, version, "cancel"));
        }
        _ => {}
    }
    let outcome = prepared(&app, &staff, (&id, version), &given).await;
    answer(&app, v, (&id, version), outcome).await
}

async fn prepared(
    app: &App,
    staff: &Staff,
    (id, version): (&str, i32),
    given: &Asked,
) -> Result<(i32, &'static str), RuleError> {
    let actor = staff.actor();
    let desk = desk(app, &actor);
    let at = At { rule: id, version, revision: Some(given.revision) };
    let mut tx = app.db.web.begin().await?;
    let mut goes_to = version;
    let done = match given.act.as_str() {
        "check" => {
            let found = desk.check(&mut tx, at).await?;
            if found.errors() > 0 { "errors" } else { "checked" }
        }
        "start_trial" => desk.start_trial(&mut tx, at).await.map(|()| "start-trial")?,
        "end_trial" => desk.end_trial(&mut tx, at, &given.reason).await.map(|()| "end-trial")?,
        "return" => desk.give_back(&mut tx, at, &given.reason).await.map(|()| "return")?,
        "withdraw" => desk.withdraw(&mut tx, at, &given.reason).await.map(|()| "withdraw")?,
        "redraft" => {
            goes_to = desk.redraft(&mut tx, At { revision: None, ..at }).await?.version;
            "redraft"
        }
        other => {
            let message = "expected an act of the page".to_owned();
            return Err(RuleError::Wrong { field: "act", value: other.to_owned(), message });
        }
    };
    tx.commit().await?;
    Ok((goes_to, done))
}

/// What makes a version active, or ends it.
pub async fn decide(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path((id, version)): Path<(String, i32)>,
    Form(given): Form<Asked>,
) -> Result<Response, ApiError> {
    let outcome = decided(&app, &staff, (&id, version), &given).await;
    answer(&app, v, (&id, version), outcome).await
}

async fn decided(
    app: &App,
    staff: &Staff,
    (id, version): (&str, i32),
    given: &Asked,
) -> Result<(i32, &'static str), RuleError> {
    let actor = staff.actor();
    let desk = desk(app, &actor);
    let at = At { rule: id, version, revision: Some(given.revision) };
    let unsure = given.sure.is_empty() && given.act != "take_back";
    if unsure {
        let message = "tick that you have read what changes".to_owned();
        return Err(RuleError::Wrong { field: "sure", value: String::new(), message });
    }
    let mut tx = app.db.web.begin().await?;
    let waits = |outcome: crate::rules::life::Outcome, done| {
        if matches!(outcome, crate::rules::life::Outcome::Waits { .. }) { "waits" } else { done }
    };
    let done = match given.act.as_str() {
        "approve" => waits(desk.approve(&mut tx, at, &given.reason).await?, "activated"),
        "retire" => waits(desk.retire(&mut tx, at, &given.reason).await?, "retired"),
        "take_back" => desk.take_back(&mut tx, at).await.map(|()| "take-back")?,
        other => {
            let message = "expected approve, retire or take_back".to_owned();
            return Err(RuleError::Wrong { field: "act", value: other.to_owned(), message });
        }
    };
    tx.commit().await?;
    Ok((version, done))
}

async fn answer(
    app: &App,
    v: View,
    (id, version): (&str, i32),
    outcome: Result<(i32, &'static str), RuleError>,
) -> Result<Response, ApiError> {
    match outcome {
        Ok((version, done)) => Ok(gone_to(id, version, done)),
        Err(error) => {
            let wrong = sentence(&v, error)?;
            let which = Which { version: Some(version), ..Which::default() };
            shown(app, v, id, &which, (wrong, String::new())).await
        }
    }
}

fn gone_to(id: &str, version: i32, done: &str) -> Response {
    // What is no id leads nowhere: the page says so.
    let id = if is_rule_id(id) { id } else { "-" };
    Redirect::to(&format!("{}&done={done}", address(id, version))).into_response()
}

/// The sentence for people; `Err` for what is no refusal.
pub(super) fn sentence(v: &View, error: RuleError) -> Result<String, ApiError> {
    let key = match &error {
        RuleError::Wrong { field: "reason" | "note", .. } => "rule-refused-reason",
        RuleError::Wrong { field: "sure", .. } => "rule-refused-unsure",
        RuleError::Stale { .. } | RuleError::Refused(Refusal::Stale) => "rule-refused-stale",
        RuleError::Refused(Refusal::Used) => "rule-refused-used",
        RuleError::Refused(Refusal::AuthorCompletes) => "rule-refused-author",
        RuleError::Refused(
            Refusal::State { .. } | Refusal::NoPerson | Refusal::NothingToTakeBack | Refusal::Errors(_),
        ) => "rule-refused-state",
        RuleError::Errors(checked) => {
            let first = checked.findings.iter().find(|finding| finding.is_error);
            let why = first.map_or_else(String::new, |finding| finding.message.clone());
            return Ok(v.t1("rule-refused-errors", "why", why));
        }
        RuleError::Conflict(why) => return Ok(v.t1("rule-refused-conflict", "why", why)),
        RuleError::NotFound(..) | RuleError::Wrong { .. } | RuleError::Database(_) | RuleError::Other(_) => {
            return Err(error.into());
        }
    };
    Ok(v.t(key))
}
