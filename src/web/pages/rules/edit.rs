//! The editor: numbers in fields with their units, or the whole text; and while somebody writes, what it would change.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;
use sqlx::PgConnection;

use super::one::sentence;
use super::{address, bands, words};
use crate::app::App;
use crate::risk::rule::Rule;
use crate::rules::check::{Checked, MOST_BYTES};
use crate::rules::desk::{At, RuleError, life_of};
use crate::rules::diff;
use crate::rules::life::Ask;
use crate::rules::outline::Outline;
use crate::rules::outline::dials::{self, Dial, DialKind, Section, WrongDial};
use crate::rules::preview::{compare, reach};
use crate::rules::store::previews;
use crate::rules::store::{self, Version};
use crate::rules::town;
use crate::rules::worker::last_days;
use crate::web::api::rules::{desk, examined};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Days that are looked at while somebody writes.
const GLANCE_DAYS: i64 = 3;
/// Readings at most that are looked at while somebody writes.
const GLANCE_READINGS: i64 = 60_000;

/// Fields of one part of the rule.
struct Group {
    title: String,
    dials: Vec<Field>,
}

struct Field {
    path: String,
    label: String,
    value: String,
    unit: String,
    /// For the telephone's keyboard.
    mode: &'static str,
    wrong: String,
}

#[derive(Template)]
#[template(path = "rule_edit.html")]
struct EditPage {
    f: Frame,
    version: Version,
    groups: Vec<Group>,
    text: String,
    note: String,
    wrong: String,
    look: Look,
    most_bytes: usize,
}

/// What a text would be, before it is kept.
#[derive(Template, Default)]
#[template(path = "rule_look.html")]
struct Look {
    v: Option<View>,
    checked: Checked,
    changes: Vec<String>,
    compared: Option<bands::Told>,
    /// Nothing was compared, because there is too much to do it in passing.
    is_long: bool,
}

impl Look {
    fn t(&self, key: &str) -> String {
        self.v.as_ref().map_or_else(String::new, |v| v.t(key))
    }

    fn found(&self) -> String {
        self.v.as_ref().map_or_else(String::new, |v| {
            v.t2("rule-binds", "areas", self.checked.areas, "streams", self.checked.streams)
        })
    }

    fn blind(&self) -> String {
        self.v.as_ref().map_or_else(String::new, |v| {
            v.t2("rule-blind", "n", self.checked.blind, "names", self.checked.blind_areas.join(", "))
        })
    }

    fn place(&self, line: &usize, column: &usize) -> String {
        self.v.as_ref().map_or_else(String::new, |v| v.t2("rule-line", "line", line, "column", column))
    }

    fn chip(&self, row: &bands::Row) -> crate::web::pages::view::Markup {
        self.v.as_ref().map(|v| v.chip(row.level)).unwrap_or_default()
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    v: View,
    Path((id, version)): Path<(String, i32)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let version = open(&mut conn, &id, version).await?;
    let (text, note) = (version.text.clone(), version.note.clone());
    let fields = dials::dials(&text).unwrap_or_default();
    form(&app, v, version, (text, note), &fields, (&[], String::new())).await
}

/// The version, as long as it may be written.
async fn open(conn: &mut PgConnection, id: &str, version: i32) -> Result<Version, ApiError> {
    let found = store::find(&mut *conn, id, version).await?;
    let found = found.ok_or_else(|| RuleError::NotFound(id.to_owned(), version))?;
    let life = life_of(conn, &found).await?;
    life.after(Ask::Edit, None).map_err(RuleError::from)?;
    Ok(found)
}

async fn form(
    app: &App,
    v: View,
    version: Version,
    (text, note): (String, String),
    dials: &[Dial],
    (wrong_dials, wrong): (&[WrongDial], String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "rules").await?;
    let look = looked(app, &f.v, &version, &text).await?;
    let groups = groups(&f.v, &text, dials, wrong_dials);
    page(&EditPage { f, version, groups, text, note, wrong, look, most_bytes: MOST_BYTES })
}

fn groups(v: &View, text: &str, dials: &[Dial], wrong: &[WrongDial]) -> Vec<Group> {
    let outline = Outline::read(text).unwrap_or_default();
    let mut groups: Vec<(&Section, Group)> = Vec::new();
    for dial in dials {
        let refused = wrong.iter().find(|wrong| wrong.path == dial.path);
        let field = Field {
            path: dial.path.clone(),
            label: words::key_word(v, &dial.key),
            value: refused.map_or_else(|| dial.value.clone(), |wrong| wrong.given.clone()),
            unit: dial.unit.clone(),
            mode: if dial.kind == DialKind::Window { "text" } else { "decimal" },
            wrong: refused.map_or_else(String::new, |wrong| {
                v.t(match wrong.kind {
                    DialKind::Whole => "rule-dial-whole",
                    DialKind::Decimal | DialKind::Amount => "rule-dial-number",
                    DialKind::Window => "rule-dial-window",
                })
            }),
        };
        match groups.last_mut().filter(|(section, _)| **section == dial.section) {
            Some((_, group)) => group.dials.push(field),
            None => {
                groups.push((&dial.section, Group { title: title(v, &outline, &dial.section), dials: vec![field] }))
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn title(v: &View, outline: &Outline, section: &Section) -> String {
    match section {
        Section::Stations(name) => v.t1("rule-about-stations", "name", name),
        Section::Level(level) => words::level(v, level),
        Section::Condition { level, keys } => words::condition(v, outline, level, keys),
        Section::Override(n) => v.t1("rule-about-override", "n", n),
    }
}

/// Keeps what was written, in fields or as a whole text.
pub async fn save(
    State(app): State<App>,
    staff: May<can::EditCatalogue>,
    v: View,
    Path((id, number)): Path<(String, i32)>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let version = open(&mut *app.db.web.acquire().await?, &id, number).await?;
    let word = |name: &str| given.get(name).cloned().unwrap_or_default();
    let note = word("note");
    let revision = word("revision").parse().unwrap_or(0);
    let text = match written(&version, &given) {
        Ok(text) => text,
        Err(wrong) => {
            let dials = dials::dials(&version.text).unwrap_or_default();
            let (text, told) = (version.text.clone(), v.t("rule-dials-wrong"));
            return form(&app, v, version, (text, note), &dials, (&wrong, told)).await;
        }
    };
    let actor = staff.actor();
    let mut tx = app.db.web.begin().await?;
    let at = At { rule: &id, version: number, revision: Some(revision) };
    match desk(&app, &actor).edit(&mut tx, at, &text, &note).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{}&done=saved", address(&id, number))).into_response())
        }
        Err(RuleError::Wrong { field: "text", message, .. }) => {
            let dials = dials::dials(&text).unwrap_or_default();
            form(&app, v.clone(), version, (text, note), &dials, (&[], v.t1("rules-refused", "why", message))).await
        }
        Err(error) => {
            let told = sentence(&v, error)?;
            let dials = dials::dials(&text).unwrap_or_default();
            form(&app, v, version, (text, note), &dials, (&[], told)).await
        }
    }
}

/// The text that a form says: whole, or the kept one with its fields turned.
fn written(version: &Version, given: &BTreeMap<String, String>) -> Result<String, Vec<WrongDial>> {
    match given.get("text") {
        // Browsers end lines with two signs.
        Some(text) => Ok(text.replace("\r\n", "\n")),
        None => dials::turned(&version.text, given),
    }
}

/// What the form would be, for the page while somebody writes. Nothing is kept.
pub async fn look(
    State(app): State<App>,
    _: May<can::EditCatalogue>,
    v: View,
    Path((id, number)): Path<(String, i32)>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let version = open(&mut *app.db.web.acquire().await?, &id, number).await?;
    match written(&version, &given) {
        Ok(text) => page(&looked(&app, &v, &version, &text).await?),
        Err(wrong) => {
            let message = v.t("rule-dials-wrong");
            let findings = wrong.iter().map(|dial| crate::rules::check::Finding {
                line: 1,
                column: 1,
                place: dial.path.clone(),
                message: format!("{message} ({})", dial.given),
                is_error: true,
            });
            let checked = Checked { findings: findings.collect(), ..Checked::default() };
            page(&Look { v: Some(v), checked, ..Look::default() })
        }
    }
}

async fn looked(app: &App, v: &View, version: &Version, text: &str) -> Result<Look, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let checked = examined(&mut conn, app, text, Some((&version.rule_id, version.version))).await?;
    let versions = store::versions(&mut conn, Some(&version.rule_id)).await?;
    let active = versions.iter().find(|other| other.state == crate::rules::State::Active);
    let base = active.map_or(&version.text, |active| &active.text);
    let outlines = Outline::read(base).ok().zip(Outline::read(text).ok());
    let changes = outlines.map_or_else(Vec::new, |(from, to)| diff::changes(&from, &to));
    let changes = changes.iter().map(|change| words::change(v, change)).collect();
    let mut look = Look { v: Some(v.clone()), checked, changes, ..Look::default() };
    if look.checked.errors() == 0 {
        glance(app, &mut conn, v, text, &mut look).await?;
    }
    Ok(look)
}

/// The last days through both versions, where that takes no time to speak of.
async fn glance(app: &App, conn: &mut PgConnection, v: &View, text: &str, look: &mut Look) -> Result<(), ApiError> {
    let candidate = Rule::parse("candidate", text).map_err(anyhow::Error::from)?;
    let network = town::read(&mut *conn, &app.config.engine).await?;
    let active = network.rules.iter().find(|rule| rule.id == candidate.id).cloned();
    let (from, to) = (v.now - TimeDelta::days(GLANCE_DAYS), v.now);
    let reach = reach(&network, std::iter::once(&candidate).chain(&active))?;
    let readings = previews::readings(conn, (from, to), reach, GLANCE_READINGS).await?;
    let Some(stretch) = readings.and_then(|readings| last_days(app, network, readings, (from, to))) else {
        look.is_long = true;
        return Ok(());
    };
    let draft_from = app.config.alerts.draft_from;
    let task = tokio::task::spawn_blocking(move || compare(&stretch, &candidate, active.as_ref(), draft_from, || true));
    let compared = task.await.map_err(anyhow::Error::from)??;
    look.compared = compared.map(|compared| bands::tell(v, &compared));
    Ok(())
}
