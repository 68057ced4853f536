//! The budget over HTTP: bills and what is read of them.

pub mod acts;
pub mod files;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{has_role, sought};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::deadlines::Deadline;
use crate::secretariat::budget::BillKind;
use crate::secretariat::budget::check::Problem;
use crate::secretariat::budget::classify::Which;
use crate::secretariat::budget::dates::{self, DateRule, Due};
use crate::secretariat::budget::desk::{self, NewBill};
use crate::secretariat::budget::execution::Entry;
use crate::secretariat::budget::life::Life;
use crate::secretariat::budget::lines::{ExpenseLine, RevenueLine};
use crate::secretariat::budget::plans::Content;
use crate::secretariat::budget::published::Snapshot;
use crate::secretariat::budget::spend::{self, Row, Way};
use crate::secretariat::budget::store::changes::Kept;
use crate::secretariat::budget::store::execution::{self, Import};
use crate::secretariat::budget::store::{self, Acted, Bill, Proposal, lines, publication};
use crate::secretariat::budget::view::{self, Whole};
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::tree::Node;
use crate::web::api::imports::Query as PageQuery;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem as Refusal};
use crate::web::json::StrictJson;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/budget/bills", get(list).post(open))
        .route("/api/v1/secretariat/budget/bills/{id}", get(show))
        .route("/api/v1/secretariat/budget/bills/{id}/content", put(acts::content))
        .route("/api/v1/secretariat/budget/bills/{id}/ceilings", put(acts::ceilings))
        .route("/api/v1/secretariat/budget/bills/{id}/proposals/{unit}", get(proposal).put(acts::propose))
        .route("/api/v1/secretariat/budget/bills/{id}/proposals/{unit}/send", post(acts::send))
        .route("/api/v1/secretariat/budget/bills/{id}/proposals/{unit}/return", post(acts::send_back))
        .route("/api/v1/secretariat/budget/bills/{id}/revenue", get(revenue).put(acts::revenue))
        .route("/api/v1/secretariat/budget/bills/{id}/steps", post(acts::step))
        .route("/api/v1/secretariat/budget/bills/{id}/changes", get(changes).post(acts::change))
        .route("/api/v1/secretariat/budget/bills/{id}/changes/{change}/decide", post(acts::decide))
        .route("/api/v1/secretariat/budget/bills/{id}/execution", get(executed).post(acts::import))
        .route("/api/v1/secretariat/budget/bills/{id}/spending", get(spending))
        .route("/api/v1/secretariat/budget/bills/{id}/files/{file}", get(files::of_bill))
        .route("/api/v1/secretariat/budget/codes/{which}", get(codes).post(acts::add_codes))
        .route("/api/v1/secretariat/budget/date-rules", get(date_rules).post(acts::add_date_rule))
        .route("/api/v1/secretariat/budget/public", get(published))
        .route("/api/v1/secretariat/budget/public/{year}", get(public_year))
}

/// A bill in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetBill)]
pub struct Listed {
    pub id: Uuid,
    #[schema(value_type = String)]
    pub kind: BillKind,
    pub year_from: i32,
    pub year_to: i32,
    /// collecting, consolidated, heard, submitted or enacted.
    pub state: String,
    pub revision: i32,
}

impl From<&Bill> for Listed {
    fn from(bill: &Bill) -> Self {
        let (id, kind, year_from, year_to) = (bill.id, bill.kind, bill.year_from, bill.year_to);
        Self { id, kind, year_from, year_to, state: bill.life.word().into(), revision: bill.revision }
    }
}

/// Which bills.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Words of kind, years, numbers of bill and law, programmes and actions, accents or not; the first 200 characters count.
    #[serde(default)]
    pub q: String,
    /// ppa, ldo or loa.
    #[param(pattern = "^(ppa|ldo|loa)$")]
    pub kind: Option<String>,
    /// That hold for it.
    pub year: Option<i32>,
    /// collecting, consolidated, heard, submitted or enacted.
    #[param(pattern = "^(collecting|consolidated|heard|submitted|enacted)$")]
    pub state: Option<String>,
}

impl Asked {
    /// # Errors
    /// 400 naming the parameter.
    pub fn wanted(&self) -> Result<store::Wanted, ApiError> {
        let kind = match self.kind.as_deref() {
            None => None,
            Some(word) => {
                Some(word.parse::<BillKind>().map_err(|error| ApiError::field("kind", word, error.to_string()))?)
            }
        };
        if let Some(bad) = self.state.as_deref().filter(|word| !Life::WORDS.contains(word)) {
            return Err(ApiError::field("state", bad, format!("expected one of {}", Life::WORDS.join(", "))));
        }
        Ok(store::Wanted { words: sought(&self.q), kind, year: self.year, state: self.state.clone() })
    }
}

/// Lists the bills, the newest years first, at most 300.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills", tag = "budget", params(Asked),
    responses((status = 200, body = Vec<Listed>), (status = 400, body = Refusal), (status = 401, body = Refusal), (status = 403, body = Refusal)),
    security(("api_token" = [])))]
pub async fn list(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    PageQuery(asked): PageQuery<Asked>,
) -> Result<Json<Vec<Listed>>, ApiError> {
    let bills = store::find(&mut *app.db.web.acquire().await?, &asked.wanted()?).await?;
    Ok(Json(bills.iter().map(Listed::from).collect()))
}

/// Begins a PPA, an LDO or an LOA.
///
/// # Errors
/// 400 naming the field; 409 when one of the kind holds for any of its years; 401, 403.
#[utoipa::path(post, path = "/api/v1/secretariat/budget/bills", tag = "budget", request_body = NewBill,
    responses((status = 201, body = Listed), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 409, body = Refusal)),
    security(("api_token" = [])))]
pub async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    StrictJson(new): StrictJson<NewBill>,
) -> Result<(StatusCode, Json<Listed>), ApiError> {
    has_role(&staff, Role::Budget)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let id = desk::open(&mut tx, by, app.config.municipality.time_zone, &new).await?;
    let bill = view::whole(&mut tx, id).await?.bill;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json((&bill).into())))
}

/// A bill with its parts; lines of an LOA are read apart.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetShown)]
pub struct Shown {
    #[serde(flatten)]
    pub bill: Listed,
    #[schema(value_type = Object)]
    pub life: serde_json::Value,
    #[schema(value_type = Object)]
    pub content: Content,
    pub dues: Vec<Due>,
    /// Those that run or ran, with how each day came about.
    pub deadlines: Vec<Deadline>,
    /// Everything that is wrong; what blocks comes first.
    pub problems: Vec<Problem>,
    pub proposals: Vec<Proposal>,
    pub taken_in: Centavos,
    /// With the amendments that were taken.
    pub planned: Centavos,
    /// With credits.
    pub allowed: Centavos,
    /// What supplementary credits took of what the law allows by decree.
    pub used: Centavos,
    pub acts: Vec<Acted>,
}

impl From<Whole> for Shown {
    fn from(whole: Whole) -> Self {
        let sum = |lines: &[ExpenseLine]| crate::secretariat::budget::lines::spent(lines).unwrap_or_default();
        Self {
            bill: (&whole.bill).into(),
            life: serde_json::to_value(&whole.bill.life).unwrap_or_default(),
            problems: whole.problems(false),
            taken_in: crate::secretariat::budget::lines::taken_in(&whole.planned.revenue).unwrap_or_default(),
            planned: sum(&whole.planned.expense),
            allowed: sum(&whole.allowed.expense),
            used: whole.used(),
            content: whole.bill.content,
            dues: whole.dues,
            deadlines: whole.deadlines,
            proposals: whole.proposals,
            acts: whole.acts,
        }
    }
}

/// A bill with its state, its days, its problems and its sums.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}", tag = "budget", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Shown), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn show(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Shown>, ApiError> {
    Ok(Json(view::whole(&mut *app.db.web.acquire().await?, id).await?.into()))
}

/// The lines that a unit proposes.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}", tag = "budget",
    params(("id" = Uuid, Path,), ("unit" = String, Path,)),
    responses((status = 200, body = Vec<ExpenseLine>), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn proposal(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path((id, unit)): Path<(Uuid, String)>,
) -> Result<Json<Vec<ExpenseLine>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let bill = store::load(&mut conn, id).await?;
    bill.ok_or_else(|| ApiError::NotFound(format!("budget bill {id}")))?;
    Ok(Json(lines::expense(&mut conn, id, Some(&unit)).await?))
}

/// The revenue as it was estimated.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/revenue", tag = "budget", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<RevenueLine>), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn revenue(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<RevenueLine>>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let bill = store::load(&mut conn, id).await?;
    bill.ok_or_else(|| ApiError::NotFound(format!("budget bill {id}")))?;
    Ok(Json(lines::revenue(&mut conn, id).await?))
}

/// Amendments and credits, in the order in which they came.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/changes", tag = "budget", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Vec<Kept>), (status = 401, body = Refusal), (status = 403, body = Refusal)),
    security(("api_token" = [])))]
pub async fn changes(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<Kept>>, ApiError> {
    Ok(Json(store::changes::list(&mut *app.db.web.acquire().await?, id).await?))
}

/// `?key=…&after=2027-02-01&document=…`
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct RowsWanted {
    /// The line whose rows are wanted; none: only the imports.
    pub key: Option<String>,
    /// Day and document of the last row that was read.
    pub after: Option<NaiveDate>,
    pub document: Option<String>,
}

/// What was imported, and the rows of a line.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetExecution)]
pub struct Execution {
    pub imports: Vec<Import>,
    /// At most 100.
    pub rows: Vec<Entry>,
}

/// Imports of the execution, the newest first, and the rows of one line by day and document.
///
/// # Errors
/// 400 for a key that is none; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/execution", tag = "budget", params(("id" = Uuid, Path,), RowsWanted),
    responses((status = 200, body = Execution), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal)),
    security(("api_token" = [])))]
pub async fn executed(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
    PageQuery(wanted): PageQuery<RowsWanted>,
) -> Result<Json<Execution>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let imports = execution::imports(&mut conn, id).await?;
    let rows = match &wanted.key {
        Some(key) => {
            let key: crate::secretariat::budget::key::ExpenseKey =
                key.parse().map_err(|error: crate::secretariat::budget::key::NoKey| {
                    ApiError::field("key", key, error.to_string())
                })?;
            let after = wanted.after.map(|day| (day, wanted.document.as_deref().unwrap_or_default()));
            execution::rows(&mut conn, (id, &key.to_string()), after).await?
        }
        None => Vec::new(),
    };
    Ok(Json(Execution { imports, rows }))
}

/// `?way=function&path=06/06.182`
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SpendingWanted {
    /// function, unit or nature.
    #[param(pattern = "^(function|unit|nature)$")]
    pub way: Option<String>,
    /// Codes from the top, joined by `/`.
    pub path: Option<String>,
}

/// The rows below a path.
///
/// # Errors
/// `BadRequest` for a way that is none, `NotFound` for a path that leads nowhere.
pub fn rows_below(snapshot: &Snapshot, wanted: &SpendingWanted) -> Result<(Way, Vec<String>, Vec<Row>), ApiError> {
    let word = wanted.way.as_deref().unwrap_or("function");
    let way: Way =
        word.parse().map_err(|error: crate::units::UnknownWord| ApiError::field("way", word, error.to_string()))?;
    let given = wanted.path.as_deref().unwrap_or_default();
    let path: Vec<String> = given.split('/').filter(|part| !part.is_empty()).take(6).map(str::to_owned).collect();
    let sums = spend::sums(&snapshot.expense, way).map_err(|error| ApiError::Internal(error.into()))?;
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let rows = spend::below(&sums, way, &parts, &snapshot.names)
        .ok_or_else(|| ApiError::NotFound(format!("the path {given}")))?;
    Ok((way, path, rows))
}

/// Planned against executed below a path of codes, by function, unit or nature.
///
/// # Errors
/// 400 for a way that is none; 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/spending", tag = "budget", params(("id" = Uuid, Path,), SpendingWanted),
    responses((status = 200, body = Vec<Row>), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn spending(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(id): Path<Uuid>,
    PageQuery(wanted): PageQuery<SpendingWanted>,
) -> Result<Json<Vec<Row>>, ApiError> {
    let whole = view::whole(&mut *app.db.web.acquire().await?, id).await?;
    Ok(Json(rows_below(&whole.snapshot(), &wanted)?.2))
}

/// # Errors
/// `NotFound`.
pub fn which(word: &str) -> Result<Which, ApiError> {
    word.parse().map_err(|_| ApiError::NotFound(format!("the classification {word}")))
}

/// The codes of a classification that hold today.
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/codes/{which}", tag = "budget", params(("which" = String, Path,)),
    responses((status = 200, body = Vec<Node>), (status = 401, body = Refusal), (status = 403, body = Refusal),
        (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn codes(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path(word): Path<String>,
) -> Result<Json<Vec<Node>>, ApiError> {
    let which = which(&word)?;
    let classes = store::classes(&mut *app.db.web.acquire().await?).await?;
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    Ok(Json(classes.of(which).on(today).cloned().collect()))
}

/// The rules of the days on which bills are due: the town's own first, then those that are shipped.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/date-rules", tag = "budget",
    responses((status = 200, body = Vec<DateRule>), (status = 401, body = Refusal), (status = 403, body = Refusal)),
    security(("api_token" = [])))]
pub async fn date_rules(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Vec<DateRule>>, ApiError> {
    let mut all = store::date_rules(&mut *app.db.web.acquire().await?).await?;
    all.extend(dates::shipped().map_err(|error| ApiError::Internal(error.into()))?);
    Ok(Json(all))
}

/// A bill that the public reads.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetPublic)]
pub struct Public {
    pub kind: String,
    pub year_from: i32,
    pub year_to: i32,
    pub state: String,
}

/// Lists the bills that were submitted, with what became of them. Open to everyone.
///
/// # Errors
/// The database's.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/public", tag = "budget", responses((status = 200, body = Vec<Public>)))]
pub async fn published(State(app): State<App>) -> Result<Json<Vec<Public>>, ApiError> {
    let all = publication::list(&mut *app.db.web.acquire().await?).await?;
    let public = all.into_iter().map(|(kind, year_from, year_to, state)| Public { kind, year_from, year_to, state });
    Ok(Json(public.collect()))
}

/// The LOA of a year as it was published last: revenue, expense with its execution, changes. Open to everyone.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/public/{year}", tag = "budget", params(("year" = i32, Path,)),
    responses((status = 200, body = Snapshot), (status = 404, body = Refusal)))]
pub async fn public_year(State(app): State<App>, Path(year): Path<i32>) -> Result<Json<Snapshot>, ApiError> {
    let found = publication::newest(&mut *app.db.web.acquire().await?, BillKind::Loa, year).await?;
    found.map(|(_, snapshot)| Json(snapshot)).ok_or_else(|| ApiError::NotFound(format!("the budget of {year}")))
}
