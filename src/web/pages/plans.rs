//! `/console/plans`: contingency plans, their versions, and what stands behind each. `/plano`: what residents read of them.

mod acts;
mod edit;
mod public;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{Months, NaiveDate, TimeDelta};

use super::frame::Frame;
use super::view::View;
use super::{page, refusal};
use crate::accounts::Permission;
use crate::app::App;
use crate::plancon::store::plans as store;
use crate::plancon::{Plan, PlanAct, PlanError, PlanState, REMIND_DAYS, Version, desk, file};
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/plans", get(list).post(edit::create))
        .route("/console/plans/import", post(edit::import))
        .route("/console/plans/{code}", get(current))
        .route("/console/plans/{code}/edit", get(edit::show).post(edit::save))
        .route("/console/plans/{code}/{number}", get(show).post(acts::act))
        .route("/console/plans/{code}/{number}/{file}", get(export))
        .route("/plano", get(public::show))
        .route("/plano/pontos.geojson", get(public::geojson))
}

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 6] = [
    ("plans already", "plan-no-more"),
    ("waits for no approval", "plan-no-state"),
    ("is not reviewed", "plan-no-state"),
    ("already", "plan-no-state"),
    ("changed meanwhile", "plan-no-stale"),
    ("whoever wrote a plan", "plan-no-author"),
];

/// What went wrong: a sentence, or every field.
pub(super) fn told(v: &View, error: PlanError) -> Result<(String, Vec<FieldError>), ApiError> {
    match error {
        PlanError::Wrong(errors) => Ok((v.t("plan-bad"), errors)),
        PlanError::Refused(Refused::Conflict(why) | Refused::Forbidden(why)) => {
            let known = KNOWN.iter().find(|(part, _)| why.contains(part));
            let words = known.map_or_else(|| v.t1("desk-refused-otherwise", "why", &why), |(_, key)| v.t(key));
            Ok((words, Vec::new()))
        }
        PlanError::Refused(Refused::Wrong { ref field, .. }) if field == "reason" => {
            Ok((v.t("plan-no-reason"), Vec::new()))
        }
        PlanError::Refused(refused) => Ok((refusal::sentence(v.lang, refused)?, Vec::new())),
        PlanError::Other(error) => Err(ApiError::Internal(error)),
    }
}

pub(super) fn today(v: &View) -> NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

/// A plan with its version in force and its draft.
struct Row {
    code: String,
    title: String,
    in_force: Option<Version>,
    draft: Option<Version>,
}

#[derive(Template)]
#[template(path = "plans.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    today: NaiveDate,
    code: String,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
}

impl ListPage {
    fn is_due(&self, day: &NaiveDate) -> bool {
        *day <= self.today
    }

    fn is_near(&self, day: &NaiveDate) -> bool {
        *day <= self.today + TimeDelta::days(REMIND_DAYS)
    }
}

async fn list(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, String::new(), (String::new(), Vec::new())).await
}

async fn list_page(
    app: &App,
    v: View,
    code: String,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut rows: Vec<Row> = Vec::new();
    for version in store::versions(&mut conn, None).await? {
        if rows.last().is_none_or(|row| row.code != version.code) {
            let (code, title) = (version.code.clone(), version.title.clone());
            rows.push(Row { code, title, in_force: None, draft: None });
        }
        let Some(row) = rows.last_mut() else { continue };
        match version.state {
            PlanState::InForce => row.in_force = Some(version),
            PlanState::Draft => row.draft = Some(version),
            PlanState::Replaced | PlanState::Withdrawn => {}
        }
    }
    let (may_edit, today) = (v.may(Permission::RunIncidents), today(&v));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "plans").await?;
    Ok((status, page(&ListPage { f, rows, today, code, wrong, errors, may_edit })?).into_response())
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    f: Frame,
    version: Version,
    plan: Plan,
    versions: Vec<Version>,
    acts: Vec<PlanAct>,
    areas: Vec<(String, String)>,
    wrong: String,
    errors: Vec<FieldError>,
    may_edit: bool,
    may_approve: bool,
    next_review: NaiveDate,
    today: NaiveDate,
}

impl PlanPage {
    fn area(&self, code: &str) -> String {
        self.areas.iter().find(|(known, _)| known == code).map_or_else(|| code.to_owned(), |(_, name)| name.clone())
    }

    fn areas_of(&self, codes: &[String]) -> String {
        if codes.is_empty() {
            return self.f.v.t("plan-everywhere");
        }
        codes.iter().map(|code| self.area(code)).collect::<Vec<_>>().join(", ")
    }

    fn hazards(&self, codes: &[String]) -> String {
        codes.iter().map(|code| self.f.v.hazard(code)).collect::<Vec<_>>().join(", ")
    }

    /// Titles of the actions that come first.
    fn after(&self, scenario: &crate::plancon::Scenario, codes: &[String]) -> String {
        let title = |code: &String| {
            let found = scenario.actions.iter().find(|action| action.code == *code);
            found.map_or_else(|| code.clone(), |action| action.title.clone())
        };
        codes.iter().map(title).collect::<Vec<_>>().join("; ")
    }

    fn who(&self, action: &crate::plancon::Action) -> String {
        whose(&self.f.v, action.role.as_deref(), action.rota.as_deref())
    }

    fn point(&self, code: &str) -> String {
        let found = self.plan.meeting_points.iter().find(|point| point.code == code);
        found.map_or_else(|| code.to_owned(), |point| point.name.clone())
    }

    fn is_due(&self) -> bool {
        self.version.state == PlanState::InForce && self.version.review_on.is_some_and(|day| day <= self.today)
    }
}

/// Whose a task or an action is.
pub(super) fn whose(v: &View, role: Option<&str>, rota: Option<&str>) -> String {
    match (role, rota) {
        (Some(role), _) => v.word("role", role),
        (None, Some(rota)) => v.t1("plan-rota", "rota", rota),
        (None, None) => String::new(),
    }
}

/// The version in force, or else the newest.
async fn current(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    let all = store::versions(&mut *app.db.web.acquire().await?, Some(&code)).await?;
    let chosen = all.iter().find(|version| version.state == PlanState::InForce).or_else(|| all.first());
    let number = chosen.map(|version| version.number).ok_or_else(|| ApiError::NotFound(format!("the plan {code}")))?;
    one(&app, v, (&code, number), (String::new(), Vec::new())).await
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path((code, number)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    one(&app, v, (&code, numbered(&number)?), (String::new(), Vec::new())).await
}

pub(super) fn numbered(text: &str) -> Result<i32, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound(format!("version {text}")))
}

async fn one(
    app: &App,
    v: View,
    (code, number): (&str, i32),
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let version = desk::version(&mut conn, code, number).await?;
    let (plan, _) = store::document(&mut conn, version.id).await?;
    let versions = store::versions(&mut conn, Some(code)).await?;
    let acts = store::acts(&mut conn, code).await?;
    let areas = store::area_names(&mut conn).await?;
    let (may_edit, may_approve) = (v.may(Permission::RunIncidents), v.may(Permission::IssueAlerts));
    let today = today(&v);
    let next_review = today.checked_add_months(Months::new(12)).unwrap_or(today);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "plans").await?;
    let shown =
        PlanPage { f, version, plan, versions, acts, areas, wrong, errors, may_edit, may_approve, next_review, today };
    Ok((status, page(&shown)?).into_response())
}

/// The whole plan as a file: `plan.toml` or `plan.json`.
async fn export(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    Path((code, number, file)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let version = desk::version(&mut conn, &code, numbered(&number)?).await?;
    let (plan, source) = store::document(&mut conn, version.id).await?;
    let (kind, text) = match file.as_str() {
        "plan.toml" => ("application/toml", file::to_toml(&source, &plan).map_err(ApiError::Internal)?),
        "plan.json" => {
            ("application/json", serde_json::to_string_pretty(&plan).map_err(|error| ApiError::Internal(error.into()))?)
        }
        other => return Err(ApiError::NotFound(format!("the file {other}"))),
    };
    let ending = if kind == "application/json" { "json" } else { "toml" };
    let name = format!("attachment; filename=\"{}-v{}.{ending}\"", version.code, version.number);
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
