//! Figures over HTTP: the yearly report, for staff and for everybody, and the mayor's view.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::module;
use crate::app::App;
use crate::secretariat::citizen;
use crate::secretariat::kernel::desk;
use crate::secretariat::kernel::report::reads_figures;
use crate::secretariat::mayor::{self, Overdue, Signing, Waiting};
use crate::secretariat::modules::Module;
use crate::secretariat::yearly::{self, Yearly};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/mayor", get(mayor_view))
        .route("/api/v1/secretariat/{module}/yearly", get(inside))
        .route("/api/v1/secretariat/{module}/yearly/public", get(public))
}

/// Of which year, and how.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// None: the last that is over.
    #[param(minimum = 2012, maximum = 2200)]
    pub year: Option<i32>,
    /// csv; otherwise JSON.
    #[param(pattern = "^(csv|json)$")]
    pub format: Option<String>,
}

/// The year it is in the town.
pub fn this_year(app: &App) -> i32 {
    app.clock.now().with_timezone(&app.config.municipality.time_zone).year()
}

/// The figures of a module with a door.
///
/// # Errors
/// 404 for a module without one; 400 for a year that is none.
pub async fn of_year(app: &App, conn: &mut PgConnection, module: &Module, year: i32) -> Result<Yearly, ApiError> {
    if !(2012..=2200).contains(&year) {
        return Err(ApiError::field("year", year.to_string(), "expected a year from 2012 to 2200"));
    }
    let missing = || ApiError::NotFound(format!("yearly report of the module {}", module.slug));
    let key = citizen::type_of(module.key()).ok_or_else(missing)?;
    let kept = app.cases.get(key).ok_or_else(missing)?;
    let tz = app.config.municipality.time_zone;
    yearly::load(conn, &kept.def, (year, app.clock.now()), tz).await?.ok_or_else(missing)
}

/// For everybody only years that are over: figures that still move could be compared from one day to the next.
///
/// # Errors
/// As [`of_year`]; 404 for a year that goes on.
pub async fn for_everybody(app: &App, conn: &mut PgConnection, module: &Module, year: i32) -> Result<Yearly, ApiError> {
    if year >= this_year(app) {
        return Err(ApiError::NotFound(format!("yearly report of {year}: the year is not over")));
    }
    Ok(of_year(app, conn, module, year).await?.for_everybody())
}

/// As staff read it: whoever may not read the cases, as everybody would, in each year; years that go on too.
///
/// # Errors
/// As [`of_year`].
pub async fn for_staff(
    app: &App,
    conn: &mut PgConnection,
    staff: &Staff,
    (module, year): (&Module, i32),
) -> Result<Yearly, ApiError> {
    let whole = of_year(app, conn, module, year).await?;
    let kept = citizen::type_of(module.key()).and_then(|key| app.cases.get(key));
    let reads_all = kept.is_some_and(|kept| reads_figures(&kept.def, &desk::who(staff)));
    Ok(if reads_all { whole } else { whole.for_everybody() })
}

/// The report as a file or as JSON.
///
/// # Errors
/// 400 for another format.
pub fn answer(yearly: Yearly, format: Option<&str>) -> Result<Response, ApiError> {
    match format {
        Some("csv") => {
            let name = format!("attachment; filename=\"{}-{}.csv\"", yearly.module, yearly.year);
            let headers =
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
            Ok((headers, yearly.to_csv().map_err(ApiError::Internal)?).into_response())
        }
        None | Some("json") => Ok(Json(yearly).into_response()),
        Some(other) => Err(ApiError::field("format", other, "expected csv or json")),
    }
}

/// Counts a year of access to information or of the ombudsman, for staff. Whoever does not work in the module sees no small cells.
///
/// # Errors
/// 400; 404 for a module without a door; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/yearly", tag = "secretariat", params(("module" = String, Path,), Of),
    responses((status = 200, body = Yearly), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn inside(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path(slug): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, ApiError> {
    let year = of.year.unwrap_or_else(|| this_year(&app) - 1);
    let yearly = for_staff(&app, &mut *app.db.web.acquire().await?, &staff, (module(&slug)?, year)).await?;
    answer(yearly, of.format.as_deref())
}

/// The yearly report that everybody reads: years that are over, without small cells.
///
/// # Errors
/// 400; 404 for a module without a door, or a year that is not over.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/yearly/public", tag = "secretariat",
    params(("module" = String, Path,), Of),
    responses((status = 200, body = Yearly), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn public(
    State(app): State<App>,
    Path(slug): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, ApiError> {
    let year = of.year.unwrap_or_else(|| this_year(&app) - 1);
    let yearly = for_everybody(&app, &mut *app.db.web.acquire().await?, module(&slug)?, year).await?;
    answer(yearly, of.format.as_deref())
}

/// What the mayor sees.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MayorView)]
pub struct MayorView {
    /// Cases that await a decision, the longest first.
    pub awaiting: Vec<Waiting>,
    /// Agreements and funding that await a signature and bills of the budget that await their submission, the longest first.
    pub signing: Vec<Signing>,
    /// Cases with a deadline that ran out, the longest first.
    pub late: Vec<Waiting>,
    /// Deadlines that ran out in modules without cases.
    pub elsewhere: Vec<Overdue>,
}

/// Shows what awaits the mayor and what is late, over all modules. Of what is restricted only number, state and age.
///
/// # Errors
/// 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/mayor", tag = "secretariat",
    responses((status = 200, body = MayorView), (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn mayor_view(State(app): State<App>, staff: May<can::SeeSecretariat>) -> Result<Json<MayorView>, ApiError> {
    let (who, now) = (desk::who(&staff), app.clock.now());
    let mut conn = app.db.web.acquire().await?;
    let awaiting = mayor::awaiting(&mut conn, &who, now).await?;
    let late = mayor::late(&mut conn, &who, now).await?;
    let signing = mayor::signing(&mut conn, now).await?;
    Ok(Json(MayorView { awaiting, signing, late, elsewhere: mayor::elsewhere(&mut conn, now).await? }))
}
