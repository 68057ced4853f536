//! The diary of a delegate: missions, and what was promised in them.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::printed::known;
use crate::app::App;
use crate::secretariat::committees::letters;
use crate::secretariat::kernel::desk;
use crate::secretariat::representation::{Entry, Wanted, calendar, store};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, Problem};
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/representation/diary", get(diary))
        .route("/api/v1/secretariat/representation/diary.ics", get(calendar_file))
}

/// Of whom, and from when until when.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// As their delegation names them; none: of all.
    #[param(max_length = 300)]
    pub delegate: Option<String>,
    /// First day; none: thirty days ago.
    pub from: Option<NaiveDate>,
    /// Last day; none: a year ahead.
    pub to: Option<NaiveDate>,
    /// pt-BR or en: of the words in the calendar file.
    #[param(pattern = "^(pt-BR|en)$")]
    pub lang: Option<String>,
}

/// A diary, by day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Diary)]
pub struct Diary {
    /// Empty: of all.
    pub delegate: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// At most 1000.
    pub items: Vec<Entry>,
}

impl Diary {
    /// As this reader may read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(conn: &mut PgConnection, app: &App, staff: &Staff, wanted: Wanted) -> sqlx::Result<Self> {
        let who = desk::who(staff);
        let items = store::diary(conn, &wanted, (&who.name, &who.modules()), app.clock.now()).await?;
        let Wanted { delegate, from, to } = wanted;
        Ok(Self { delegate, from, to, items })
    }
}

/// What was asked for, on a day of the town.
///
/// # Errors
/// 400 naming the parameter.
pub fn wanted(app: &App, of: &Of) -> Result<Wanted, ApiError> {
    let today = app.clock.now().with_timezone(&app.config.municipality.time_zone).date_naive();
    let value = |name: &str| if name == "to" { of.to.map(|day| day.to_string()) } else { of.delegate.clone() };
    Wanted::new(of.delegate.as_deref(), (of.from, of.to), today)
        .map_err(|(name, expected)| ApiError::field(name, value(name).unwrap_or_default(), expected))
}

/// Lists missions and commitments of a delegate, or of all, by day.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/representation/diary", tag = "secretariat", params(Of),
    responses((status = 200, body = Diary), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn diary(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(of): Query<Of>,
) -> Result<Json<Diary>, ApiError> {
    known(of.lang.as_deref())?;
    let wanted = wanted(&app, &of)?;
    Ok(Json(Diary::load(&mut *app.db.web.acquire().await?, &app, &staff, wanted).await?))
}

/// The same as an iCalendar file of whole days; what prepares a mission is not in it.
///
/// # Errors
/// 400 naming the parameter; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/representation/diary.ics", tag = "secretariat", params(Of),
    responses((status = 200, content_type = "text/calendar", body = String), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem)),
    security(("api_token" = [])))]
pub async fn calendar_file(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Query(of): Query<Of>,
    v: View,
) -> Result<Response, ApiError> {
    known(of.lang.as_deref())?;
    let wanted = wanted(&app, &of)?;
    let diary = Diary::load(&mut *app.db.web.acquire().await?, &app, &staff, wanted).await?;
    let name = match diary.delegate.as_str() {
        "" => v.t("sec-diary-title"),
        delegate => v.t1("sec-diary-of", "delegate", delegate),
    };
    let place = (letters::host(&app), app.config.public_url());
    let text = calendar::write((&name, v.lang), (&place.0, &place.1), &diary.items);
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"diario.ics\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, text).into_response())
}
