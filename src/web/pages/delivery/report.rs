//! The final report of a delivery, to be read and printed.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::words::Words as _;
use super::{COLUMNS, Table, tables};
use crate::accounts::Permission;
use crate::app::App;
use crate::dispatch::State as Outcome;
use crate::dispatch::report::Report;
use crate::dispatch::store::report as store;
use crate::ids::AlertId;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::view::View;
use crate::web::pages::{alerts, page};

#[derive(Template)]
#[template(path = "delivery_report.html")]
struct ReportPage {
    f: Frame,
    id: AlertId,
    number: String,
    /// `None` while something of it may still move.
    report: Option<Report>,
    tables: Vec<Table>,
}

impl ReportPage {
    fn columns(&self) -> &'static [Outcome] {
        &COLUMNS
    }

    /// On paper nobody unfolds anything.
    fn is_unfolded(&self) -> bool {
        true
    }
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut conn = app.db.web.acquire().await?;
    let alert = alerts::load(&mut conn, id).await?.row;
    let report = store::load(&mut conn, id).await?;
    let may = v.may(Permission::SeeResidents);
    let report = report.map(|report| if may { report } else { report.for_the_many() });
    let f = Frame::load(&mut conn, &app, v, "alerts").await?;
    let tables = report.as_ref().map_or_else(Vec::new, |report| {
        let groups = [&report.by_channel, &report.by_provider, &report.by_area, &report.by_grade];
        tables(&f.v, groups.map(Clone::clone))
    });
    page(&ReportPage { f, id, number: alert.number.unwrap_or_default(), report, tables })
}
