//! Modules, types and queues of cases, and how they fare.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::module;
use crate::app::App;
use crate::clock::Instant;
use crate::deadlines::town::Year;
use crate::refused::Refused;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::report::{Report, reads_figures};
use crate::secretariat::kernel::store::figures::{self, Standing};
use crate::secretariat::kernel::store::lists::{Filter, Listed, PAGE};
use crate::secretariat::kernel::{CaseFile, types::Kept};
use crate::secretariat::modules::MODULES;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/modules", get(all))
        .route("/api/v1/secretariat/{module}/case-types", get(types))
        .route("/api/v1/secretariat/{module}/case-types/{key}", get(one_type))
        .route("/api/v1/secretariat/{module}/cases", get(list).post(super::cases::create))
        .route("/api/v1/secretariat/{module}/report", get(report))
}

/// A module and how it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatModule)]
pub struct ModuleShown {
    pub slug: String,
    pub title: String,
    pub clause: String,
    pub clause_text: String,
    /// Role of whoever works in it.
    pub role: String,
    pub case_types: Vec<String>,
    pub open: i64,
    pub late: i64,
    pub near: i64,
}

/// Lists the modules in the order of the act, with how many cases are open, late and near their end.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/modules", tag = "secretariat",
    responses((status = 200, body = Vec<ModuleShown>), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn all(State(app): State<App>, staff: May<can::SeeSecretariat>) -> Result<Json<Vec<ModuleShown>>, ApiError> {
    let now = app.clock.now();
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let standings = figures::standings(&mut *app.db.web.acquire().await?, &staff.username, (now, today)).await?;
    let shown = MODULES.iter().map(|module| {
        let none = Standing { module: String::new(), open: 0, late: 0, near: 0 };
        let stands = standings.iter().find(|one| one.module == module.key()).unwrap_or(&none);
        ModuleShown {
            slug: module.slug.into(),
            title: module.title_pt.into(),
            clause: module.clause.into(),
            clause_text: module.clause_text.into(),
            role: module.key().into(),
            case_types: app.cases.of_module(module.key()).map(|kept| kept.def.key().to_owned()).collect(),
            open: stands.open,
            late: stands.late,
            near: stands.near,
        }
    });
    Ok(Json(shown.collect()))
}

/// A type of cases in short.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseTypeShown)]
pub struct TypeShown {
    pub key: String,
    pub version: i32,
    pub title: String,
    pub law_ref: String,
    /// The whole definition as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub sha256: String,
}

impl TypeShown {
    fn of(kept: &Kept, whole: bool) -> Self {
        Self {
            key: kept.def.key().to_owned(),
            version: kept.def.version(),
            title: kept.def.title.pt.clone(),
            law_ref: kept.def.law_ref.clone(),
            text: whole.then(|| kept.text.clone()),
            sha256: crate::secretariat::kernel::ledger::hex(&kept.sha256),
        }
    }
}

/// Lists the types of cases of a module.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/case-types", tag = "secretariat", params(("module" = String, Path,)),
    responses((status = 200, body = Vec<TypeShown>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn types(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
) -> Result<Json<Vec<TypeShown>>, ApiError> {
    let module = module(&slug)?;
    Ok(Json(app.cases.of_module(module.key()).map(|kept| TypeShown::of(kept, false)).collect()))
}

/// Shows a type of cases with its whole definition.
///
/// # Errors
/// 404, 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/case-types/{key}", tag = "secretariat",
    params(("module" = String, Path,), ("key" = String, Path,)),
    responses((status = 200, body = TypeShown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn one_type(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path((slug, key)): Path<(String, String)>,
) -> Result<Json<TypeShown>, ApiError> {
    let module = module(&slug)?;
    let kept = app.cases.get(&key).filter(|kept| kept.def.module() == module.key());
    let kept = kept.ok_or_else(|| Refused::NotFound(format!("type of cases {key}")))?;
    Ok(Json(TypeShown::of(kept, true)))
}

/// Which cases.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Key of a type.
    #[serde(rename = "type")]
    pub type_key: Option<String>,
    pub state: Option<String>,
    /// Only what is open (true) or over (false).
    pub open: Option<bool>,
    /// Only what has a deadline that ran out.
    pub late: Option<bool>,
    /// Only what has a deadline near its end.
    pub near: Option<bool>,
    /// Only what the caller opened or works on.
    pub mine: Option<bool>,
    /// On whom it waits: mayor, owner, citizen or area.
    pub waits_for: Option<String>,
    #[param(minimum = 1900, maximum = 2200)]
    pub year: Option<i32>,
    /// Words to look for.
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Id of the last case of the page before.
    pub before: Option<Uuid>,
}

impl Wanted {
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn filter(&self, module: Option<&str>, reader: &str, tz: chrono_tz::Tz) -> Result<Filter, ApiError> {
        let words = self.q.as_deref().map(str::trim).filter(|words| !words.is_empty());
        if let Some(long) = words.filter(|words| words.chars().count() > 200 || words.contains('\0')) {
            return Err(ApiError::field("q", long, "expected at most 200 characters"));
        }
        for (name, word) in [("type", &self.type_key), ("state", &self.state), ("waits_for", &self.waits_for)] {
            if let Some(bad) = word.as_deref().filter(|word| word.len() > 80 || word.contains('\0')) {
                return Err(ApiError::field(name, bad, "expected a word of at most 80 letters"));
            }
        }
        if let Some(year) = self.year.filter(|year| !(1900..=2200).contains(year)) {
            return Err(ApiError::field("year", year.to_string(), "expected 1900 to 2200"));
        }
        let some = |word: &Option<String>| word.clone().filter(|word| !word.is_empty());
        Ok(Filter {
            module: module.map(str::to_owned),
            type_key: some(&self.type_key),
            state: some(&self.state),
            open: self.open,
            late: self.late == Some(true),
            near: self.near == Some(true),
            mine: (self.mine == Some(true)).then(|| reader.to_owned()),
            waits_for: some(&self.waits_for),
            year: self.year.and_then(|year| Year::of(year, tz)),
            words: words.map(str::to_owned),
            before: self.before,
            ..Filter::default()
        })
    }
}

/// A case in a queue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CaseListed)]
pub struct Row {
    #[serde(flatten)]
    pub case: CaseFile,
    /// "DET 2026/001".
    pub numbered: String,
    pub due_on: Option<NaiveDate>,
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Instant>,
    pub late: bool,
}

impl Row {
    fn of(one: Listed, now: Instant) -> Self {
        let (numbered, late) = (one.case.number(), one.is_late(now));
        Self { numbered, due_on: one.due_on, due_at: one.due_at, late, case: one.case }
    }
}

/// One page of a queue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CasePage)]
pub struct Page {
    pub items: Vec<Row>,
    /// `before` of the next page; none: this is the last.
    pub next: Option<Uuid>,
}

/// Lists cases of a module, the newest first, fifty a page.
///
/// # Errors
/// 400 naming the parameter; 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases", tag = "secretariat", params(("module" = String, Path,), Wanted),
    responses((status = 200, body = Page), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page>, ApiError> {
    let module = module(&slug)?;
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let filter = wanted.filter(Some(module.key()), &staff.username, desk.tz)?;
    let mut found = desk::list(&mut *app.db.web.acquire().await?, desk, filter).await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    let next = found.last().filter(|_| more).map(|last| last.case.id);
    Ok(Json(Page { items: found.into_iter().map(|one| Row::of(one, desk.by.now)).collect(), next }))
}

/// What to report.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// Key of a type.
    #[serde(rename = "type")]
    pub type_key: String,
    /// None: this year.
    #[param(minimum = 1900, maximum = 2200)]
    pub year: Option<i32>,
    /// The months of this department alone; the other figures are of all.
    #[param(max_length = 160)]
    pub department: Option<String>,
    /// csv: the months as a file; otherwise JSON.
    #[param(pattern = "^(csv|json)$")]
    pub format: Option<String>,
}

/// Reports a type of cases: by state, by age, in time or not, by department, by month; as CSV the months alone. Of a restricted type, whoever
/// does not work in its module sees no number below five, no departments and no months (`suppressed`), and has no file of them.
///
/// # Errors
/// 400 naming the parameter; 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/report", tag = "secretariat", params(("module" = String, Path,), Of),
    responses((status = 200, content((Report = "application/json"), (String = "text/csv"))), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn report(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let kept = app.cases.get(&of.type_key).filter(|kept| kept.def.module() == module.key());
    let kept = kept.ok_or_else(|| ApiError::field("type", of.type_key.clone(), "expected a type of the module"))?;
    let now = app.clock.now();
    let year = of.year.unwrap_or_else(|| now.with_timezone(&app.config.municipality.time_zone).year());
    if !(1900..=2200).contains(&year) {
        return Err(ApiError::field("year", year.to_string(), "expected 1900 to 2200"));
    }
    let department = of.department.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(long) = department.filter(|name| name.chars().count() > 160 || name.contains('\0')) {
        return Err(ApiError::field("department", long, "expected at most 160 characters"));
    }
    if let Some(other) = of.format.as_deref().filter(|form| !["csv", "json"].contains(form)) {
        return Err(ApiError::field("format", other, "expected csv or json"));
    }
    let is_file = of.format.as_deref() == Some("csv");
    let who = desk::who(&staff);
    if is_file && !reads_figures(&kept.def, &who) {
        let role = module.key();
        return Err(ApiError::Forbidden(format!("this needs the role {role}; {} is {}", staff.username, staff.roles)));
    }
    let when = (now, app.config.municipality.time_zone);
    let about = (&kept.def, &who);
    let report = Report::load(&mut *app.db.web.acquire().await?, about, (year, department), when).await?;
    if !is_file {
        return Ok(Json(report).into_response());
    }
    let name = format!("attachment; filename=\"{}-{year}.csv\"", kept.def.key());
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, report.to_csv().map_err(ApiError::Internal)?).into_response())
}
