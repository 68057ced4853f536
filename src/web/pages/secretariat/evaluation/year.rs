//! The year: its report as it would go out, publication and correction.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::Datelike as _;
use serde::Deserialize;

use super::wrong::{Wrong, said};
use super::{HERE, Tables, today, works};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::secretariat::evaluation::report::{Cell, Index, Rank};
use crate::secretariat::evaluation::{Published, Service, desk, store};
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_year.html")]
struct YearPage {
    f: Frame,
    year: i32,
    /// None: it cannot be made yet, and `why` says so.
    tables: Option<Tables>,
    why: String,
    published: Vec<Published>,
    services: Vec<Service>,
    wrong: Wrong,
    may_work: bool,
}

impl YearPage {
    fn v(&self) -> &View {
        &self.f.v
    }

    fn hundredths(&self, value: &Option<i64>) -> String {
        Tables::hundredths(&self.f.v, *value)
    }

    fn count(&self, value: &Option<i64>) -> String {
        Tables::count(&self.f.v, *value)
    }

    fn rank(&self, one: &Rank) -> String {
        Tables::hundredths(&self.f.v, Some(one.value))
    }

    fn number(&self, one: &Rank) -> String {
        self.f.v.count(one.value)
    }

    fn cell(&self, kind: &str, cell: &Cell) -> String {
        Tables::cell(&self.f.v, kind, cell)
    }

    fn topic(&self, index: &Index) -> String {
        Tables::topic(&self.f.v, index)
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfYear {
    #[serde(default)]
    ano: Option<i32>,
}

async fn year_page(app: &App, v: View, staff: &Staff, year: i32, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (tables, why) = match desk::draft(&mut conn, year, today(&v)).await {
        Ok(report) => (Some(Tables { report }), String::new()),
        Err(error) => (None, said(&v, error)?.sentence),
    };
    let published = store::reports(&mut conn, year, store::MOST).await?;
    let services = store::services(&mut conn, "", store::MOST).await?;
    let (may_work, status) = (works(staff), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = YearPage { f, year, tables, why, published, services, wrong, may_work };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn year(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(of): Query<OfYear>,
) -> Result<Response, ApiError> {
    let year = of.ano.unwrap_or_else(|| today(&v).year());
    year_page(&app, v, &staff, year, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    year: String,
    reason: String,
}

pub(super) async fn publish(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Publish>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let year: i32 = given.year.trim().parse().map_err(|_| ApiError::field("year", &given.year, "expected a year"))?;
    let mut tx = app.db.web.begin().await?;
    match desk::publish(&mut tx, by, v.tz, (year, &given.reason)).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{HERE}/ano?ano={year}")).into_response())
        }
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            year_page(&app, v, &staff, year, wrong).await
        }
    }
}
