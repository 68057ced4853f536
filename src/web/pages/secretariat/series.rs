//! `/console/series`: with which number each series of cases begins in a year.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::told;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::kernel::series::{self, Series, Start};
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new().route("/console/series", get(show).post(begin))
}

type Given = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "secretariat/sec_series.html")]
struct SeriesPage {
    f: Frame,
    rows: Vec<Series>,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
}

impl SeriesPage {
    fn val(&self, name: &str) -> &str {
        self.given.get(name).map(String::as_str).unwrap_or_default()
    }

    /// "DET/2026".
    fn key(&self, one: &Series) -> String {
        format!("{}/{}", one.series, one.year)
    }
}

async fn listed(
    app: &App,
    v: View,
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = series::list(&mut conn, &app.cases, (v.now, v.tz)).await?;
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&SeriesPage { f, rows, given, wrong, errors })?).into_response())
}

async fn show(State(app): State<App>, _: May<can::ManageStaff>, v: View) -> Result<Response, ApiError> {
    listed(&app, v, Given::new(), (String::new(), Vec::new())).await
}

async fn begin(
    State(app): State<App>,
    staff: May<can::ManageStaff>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let get = |name: &str| given.get(name).map(|text| text.trim()).unwrap_or_default();
    let (series, year) = get("series").split_once('/').unwrap_or((get("series"), ""));
    let asked = Start {
        series: series.to_owned(),
        year: year.parse().unwrap_or_default(),
        start: get("start").parse().unwrap_or_default(),
        reason: get("reason").to_owned(),
        confirm: get("sure") == "yes",
    };
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match series::begin(&mut tx, &app.cases, (by, v.tz), &asked).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/series").into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            listed(&app, v, given, why).await
        }
    }
}
