//! `/console/hoje`: the night on one telephone screen, for the mayor: levels, alerts, incidents, what is late, who was told.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::{NaiveDate, TimeDelta};

use super::frame::Frame;
use super::page;
use super::plans::today;
use super::view::View;
use crate::app::App;
use crate::config::AlertStatus;
use crate::ids::IncidentId;
use crate::plancon::store::{plans, tasks};
use crate::plancon::tasks::{Progress, progress};
use crate::shelters::store::count::Whose;
use crate::situation::store::{self, InForce};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/hoje", get(show))
}

struct OpenIncident {
    id: IncidentId,
    number: String,
    title: String,
    drill: bool,
    progress: Progress,
}

#[derive(Template)]
#[template(path = "hoje.html")]
struct HojePage {
    f: Frame,
    alerts: Vec<InForce>,
    incidents: Vec<OpenIncident>,
    late: i64,
    late_drill: i64,
    delivered: i64,
    sent: i64,
    shelters: i64,
    sheltered: i64,
    elsewhere: i64,
    lessons: i64,
    lessons_late: i64,
    /// Plans whose review is due: code and day.
    reviews: Vec<(String, NaiveDate)>,
}

async fn show(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (now, today) = (v.now, today(&v));
    let alerts = store::alerts_in_force(&mut conn, now).await?;
    let mut incidents = Vec::new();
    for (id, number, title, drill) in store::open_incidents(&mut conn).await? {
        let facts: Vec<_> = tasks::list(&mut conn, id).await?.iter().map(tasks::Task::facts).collect();
        incidents.push(OpenIncident { id, number, title, drill, progress: progress(&facts, now) });
    }
    let late = tasks::count_late(&mut conn, now, false).await?;
    let late_drill = tasks::count_late(&mut conn, now, true).await?;
    let (delivered, sent) =
        store::told_since(&mut conn, now - TimeDelta::hours(24), v.status != AlertStatus::Actual).await?;
    let (shelters, sheltered, elsewhere) = store::sheltered(&mut conn, Whose::town(v.status), now).await?;
    let (lessons, lessons_late) = store::open_lessons(&mut conn, today).await?;
    let versions = plans::versions(&mut conn, None).await?;
    let due = versions.into_iter().filter(|version| version.ended_at.is_none());
    let due = due.filter_map(|version| Some((version.code, version.review_on.filter(|day| *day <= today)?)));
    let reviews = due.collect();
    let f = Frame::load(&mut conn, &app, v, "hoje").await?;
    page(&HojePage {
        f,
        alerts,
        incidents,
        late,
        late_drill,
        delivered,
        sent,
        shelters,
        sheltered,
        elsewhere,
        lessons,
        lessons_late,
        reviews,
    })
}
