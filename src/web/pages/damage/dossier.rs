//! A dossier at a glance: what it is of, what it lacks, level, deadlines with their trace, documents, and what came of it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::typed::Typed;
use super::{header_of, status_of, told};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::damage::checklist::{self, Check};
use crate::damage::desk::{self, LevelSaid};
use crate::damage::levels::{self, Answers, Declared, Level, Said};
use crate::damage::store;
use crate::damage::submit::{self as submission, Outcome};
use crate::damage::view::{self, Whole};
use crate::damage::{Dossier, Onset, dossier as words};
use crate::deadlines::{Deadline, words as deadline_words};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "damage_dossier.html")]
struct DossierPage {
    f: Frame,
    w: Whole,
    versions: Vec<Dossier>,
    proposed: Option<(Level, Vec<levels::Why>)>,
    given: Typed,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
    may_decide: bool,
}

impl DossierPage {
    fn d(&self) -> &Dossier {
        &self.w.dossier
    }

    fn name(&self) -> String {
        words::cobrade_name(&self.w.dossier.cobrade)
    }

    fn is_ready(&self) -> bool {
        checklist::is_ready(&self.w.checks)
    }

    fn which(&self, check: &Check) -> String {
        let word = |one: &String| match check.key {
            "fields" => self.f.v.t(&format!("damage-field-{}", one.replace('_', "-"))),
            "documents" | "documents-outdated" => self.f.v.word("damage-document", one),
            "level-differs" => self.f.v.word("damage-level", one),
            _ => one.clone(),
        };
        check.which.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Below the dossier.
    fn way(&self, check: &Check) -> String {
        let id = self.w.dossier.id;
        match check.at {
            "level" | "deadlines" | "documents" => format!("/console/damage/{id}#{}", check.at),
            at => format!("/console/damage/{id}/{at}"),
        }
    }

    fn steps(&self, deadline: &Deadline) -> Vec<String> {
        deadline.trace.iter().map(|step| deadline_words::step(self.f.v.lang, step)).collect()
    }

    fn deadline(&self, deadline: &Deadline) -> String {
        deadline_words::name(self.f.v.lang, &deadline.code)
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn is_near(&self, deadline: &Deadline) -> bool {
        deadline.is_near(crate::web::pages::plans::today(&self.f.v))
    }

    fn criteria(&self, level: &Level) -> String {
        self.w.criteria.as_ref().map(|one| one.of(*level).to_owned()).unwrap_or_default()
    }

    /// A field as it was typed, or as it stands.
    fn field(&self, name: &str) -> String {
        let typed = self.given.get(name);
        if !typed.is_empty() {
            return typed.to_owned();
        }
        let answers = self.answers();
        let yes = |told: bool| if told { "yes" } else { "no" }.to_owned();
        match name {
            "cobrade" => self.w.dossier.cobrade.clone(),
            "occurred_at" => self.f.v.input_time(self.w.dossier.occurred_at),
            "onset" => self.w.dossier.onset.as_str().to_owned(),
            "level" => self.w.dossier.said().map(|said| said.level.as_str().to_owned()).unwrap_or_default(),
            "declared" => self.w.dossier.said().map(|said| said.declared.as_str().to_owned()).unwrap_or_default(),
            "bearable" => answers.map(|answers| yes(answers.bearable)).unwrap_or_default(),
            "three_spheres" => answers.map(|answers| yes(answers.needs_three_spheres)).unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn answers(&self) -> Option<Answers> {
        serde_json::from_value(self.w.level_detail.get("answers")?.clone()).ok()
    }

    /// Nothing of the incident was submitted yet.
    fn is_unsent(&self) -> bool {
        self.versions.iter().all(|one| one.submitted_at.is_none())
    }

    /// Words of the next version: of what was sent a correction, of what was given up the way on.
    fn correct(&self, part: &str) -> String {
        let word = if self.is_unsent() { "resume" } else { "correct" };
        self.f.v.t(&format!("damage-{word}{part}"))
    }

    fn is_correctable(&self) -> bool {
        let newest = self.versions.iter().map(|one| one.version).max();
        self.w.dossier.state.may_be_corrected() && newest == Some(self.w.dossier.version)
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    dossier_page(&app, v, id, Typed::default(), (String::new(), Vec::new())).await
}

async fn dossier_page(
    app: &App,
    v: View,
    id: Uuid,
    given: Typed,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let w = view::whole(&mut conn, id, (v.now, &app.config.municipality)).await?;
    let versions = store::list(&mut conn, Some(w.dossier.incident_id), None).await?;
    let answers = w.level_detail.get("answers").and_then(|answers| serde_json::from_value(answers.clone()).ok());
    let bearable = Answers { bearable: true, needs_three_spheres: false };
    let proposed = levels::propose(&w.totals, answers.unwrap_or(bearable));
    let (may_edit, may_decide) =
        (w.dossier.is_open() && v.may(Permission::RunIncidents), v.may(Permission::IssueAlerts));
    let status = status_of(&wrong);
    let f = Frame::load(&mut conn, app, v, "damage").await?;
    let shown = DossierPage { f, w, versions, proposed, given, wrong, errors, may_edit, may_decide };
    Ok((status, page(&shown)?).into_response())
}

fn level_of(given: &Typed) -> Result<LevelSaid, PlanError> {
    let unknown = |field: &str| Refused::wrong(field, given.get(field), "expected one of those offered");
    let yes = |field: &str| match given.get(field) {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(unknown(field)),
    };
    let level: Level = given.get("level").parse().map_err(|_| unknown("level"))?;
    let declared: Declared = given.get("declared").parse().map_err(|_| unknown("declared"))?;
    let revision = given.get("revision").parse().map_err(|_| unknown("revision"))?;
    let answers = Answers { bearable: yes("bearable")?, needs_three_spheres: yes("three_spheres")? };
    Ok(LevelSaid { revision, verdict: Said { level, declared }, answers, reason: given.text("reason") })
}

/// Changes the header, decides the level, writes down what came of it, or begins a correction.
pub async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<BTreeMap<String, String>>,
) -> Result<Response, ApiError> {
    let given = Typed(given);
    match done(&app, &staff, &v, id, &given).await? {
        Ok(way) => Ok(Redirect::to(&way).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            dossier_page(&app, v, id, given, why).await
        }
    }
}

async fn done(
    app: &App,
    staff: &Staff,
    v: &View,
    id: Uuid,
    given: &Typed,
) -> Result<Result<String, PlanError>, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let act = given.get("act");
    if matches!(act, "outcome" | "correct") {
        staff.require(Permission::IssueAlerts)?;
    }
    let mut tx = app.db.web.begin().await?;
    let run = async {
        let mut way = format!("/console/damage/{id}");
        match act {
            "header" => {
                let revision = given.get("revision").parse().unwrap_or_default();
                let header = header_of(v, given.get("cobrade"), given.get("occurred_at"), given.get("onset"))?;
                desk::set_header(&mut tx, by, v.tz, (id, revision), &header).await?;
            }
            "level" => desk::decide_level(&mut tx, by, v.tz, id, &level_of(given)?).await?,
            "outcome" => {
                let text = |name: &str| given.text(name);
                let day = given.get("recognised_on").trim();
                let unknown = || Refused::wrong("recognised_on", day, "expected a day");
                let recognised_on = if day.is_empty() { None } else { Some(day.parse().map_err(|_| unknown())?) };
                let (act, protocol, reason) = (text("outcome"), text("protocol"), text("reason"));
                let outcome = Outcome { act, protocol, reason, recognised_on };
                submission::decide(&mut tx, by, v.tz, id, &outcome).await?;
            }
            "correct" => {
                let next = submission::correct(&mut tx, by, v.tz, id, given.get("reason")).await?;
                way = format!("/console/damage/{next}");
            }
            other => return Err(Refused::wrong("act", other, "expected header, level, outcome or correct").into()),
        }
        tx.commit().await?;
        Ok(way)
    };
    Ok(run.await)
}
