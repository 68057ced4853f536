//! Incidents: what happened, in order, by whom.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

mod timeline;

use super::drawing::{self, MapWish, Mark};
use super::frame::Frame;
use super::page;
use super::reports::{acts as occurrence_acts, told};
use super::view::{Markup, View};
use crate::app::App;
use crate::audit;
use crate::ids::IncidentId;
use crate::incidents::mentions;
use crate::incidents::photographs::{self, Photograph};
use crate::incidents::store::{self, Incident};
use crate::incidents::timeline::{self as incident_timeline, Only};
use crate::occurrences::store::list::{self, Line as Case, Wish};
use crate::occurrences::{AT_WORK, EVERY, Priority, desk};
use crate::reports::store::queue;
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use timeline::Line;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents", get(list))
        .route("/console/incidents/{id}", get(show))
        .route("/console/incidents/{id}/note", post(note))
        .route("/console/incidents/{id}/close", post(close))
        .route("/console/incidents/{id}/attach", post(attach))
        .merge(super::photographs::routes())
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    f: Frame,
    rows: Vec<Incident>,
}

async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let rows = store::list(&mut conn, 200).await?;
    page(&IncidentsPage { f, rows })
}

struct Linked {
    id: uuid::Uuid,
    number: String,
    headline: String,
    level: Level,
    state: String,
}

/// Occurrences that the page lists.
const OWN: i64 = 100;

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    f: Frame,
    i: Incident,
    lines: Vec<Line>,
    only: Only,
    kinds: Vec<(Only, usize)>,
    alerts: Vec<Linked>,
    photographs: Vec<Photograph>,
    cases: Vec<Case>,
    /// How many of each class of urgency are at work.
    sums: Vec<(Priority, i64)>,
    at_work: i64,
    in_all: i64,
    map: Markup,
    shelters: super::relief::panel::Panel,
    /// Who was sent, what is asked for, and the command.
    teams: Markup,
    may_write: bool,
    /// How far the contingency plan is.
    plan: Markup,
    may_run: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    only: String,
}

async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Query(shown): Query<Shown>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let only = match shown.only.as_str() {
        "" => Only::All,
        word => {
            word.parse().map_err(|error: crate::units::UnknownWord| ApiError::field("only", word, error.to_string()))?
        }
    };
    let mut conn = app.db.web.acquire().await?;
    let i = store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let entries = store::entries(&mut conn, id, 0, 1000).await?;
    let alerts = linked(&mut conn, id).await?;
    let is_open = i.state == "open";
    let may_write = f.v.may(crate::accounts::Permission::ReportField) && is_open;
    let may_run = f.v.may(crate::accounts::Permission::RunIncidents) && is_open;
    let photographs = photographs::store::list(&mut conn, id).await?;
    let kinds = incident_timeline::counts(&entries);
    let lines = timeline::lines(&mut conn, &f.v, &entries, only).await?;
    let wish = Wish { states: EVERY.to_vec(), incident: Some(id), ..Wish::default() };
    let cases = list::lines(&mut conn, &wish, f.v.now, None, OWN).await?;
    let in_all = list::counts(&mut conn, &wish, f.v.now).await?.all();
    let at_work = list::counts(&mut conn, &Wish { states: AT_WORK.to_vec(), ..wish.clone() }, f.v.now).await?;
    let mut marks: Vec<Mark> = cases.iter().filter_map(|case| mark(&f.v, case)).collect();
    marks.extend(super::teams::panel::places(&mut conn, &f.v, id).await?);
    let map = if marks.is_empty() {
        Markup::default()
    } else {
        drawing::map(&mut conn, &f.v, MapWish { marks: &marks, zoom_to_marks: true, ..MapWish::default() }).await?
    };
    let sums = Priority::ALL.into_iter().map(|one| (one, at_work.of_priority(one))).collect();
    let at_work = at_work.all();
    let plan = super::tasks::card(&mut conn, &f.v, id).await?;
    let shelters = super::relief::panel::Panel::load(&mut conn, &f.v, id).await?;
    let teams = super::teams::panel::of_incident(&mut conn, &f.v, id, is_open).await?;
    page(&IncidentPage {
        alerts,
        photographs,
        may_write,
        may_run,
        f,
        i,
        lines,
        only,
        kinds,
        cases,
        sums,
        at_work,
        in_all,
        map,
        plan,
        shelters,
        teams,
    })
}

fn mark(v: &View, case: &Case) -> Option<Mark> {
    let label = format!("{} · {} · P{}", case.number, v.word("report-kind", &case.kind), case.priority);
    let href = format!("/console/reports/{}", case.id);
    Some(Mark { lon: case.lon?, lat: case.lat?, count: 1, priority: case.priority, href, label })
}

async fn linked(conn: &mut PgConnection, id: IncidentId) -> sqlx::Result<Vec<Linked>> {
    let alerts = sqlx::query!(
        r#"select a.id, coalesce(a.number, '') as "number!", a.headline, a.level, a.state from alert a
           join incident_alert ia on ia.alert_id = a.id where ia.incident_id = $1 order by a.issued_at"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    let alerts = alerts.into_iter().map(|row| Linked {
        id: row.id,
        number: row.number,
        headline: row.headline,
        level: super::alerts::level(&row.level),
        state: row.state,
    });
    Ok(alerts.collect())
}

#[derive(Deserialize)]
struct Words {
    text: String,
    /// The line that a note corrects; empty for none.
    #[serde(default)]
    corrects: String,
}

impl Words {
    fn checked(&self) -> Result<&str, ApiError> {
        let text = self.text.trim();
        let length = text.chars().count();
        if (1..=2000).contains(&length) {
            Ok(text)
        } else {
            Err(ApiError::field("text", text, "expected 1 to 2000 characters"))
        }
    }
}

async fn note(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(words): Form<Words>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let mut tx = app.db.web.begin().await?;
    let i = store::load(&mut tx, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    if i.state != "open" {
        return Err(ApiError::Conflict(v.t("incident-closed-already")));
    }
    let text = words.checked()?;
    let corrects: Option<i64> = match words.corrects.as_str() {
        "" => None,
        line => Some(line.parse().map_err(|_| ApiError::field("corrects", line, "expected the number of a line"))?),
    };
    let line = store::add_note(&mut tx, id, (v.now, &staff.username), text, corrects).await?;
    let line = line.ok_or_else(|| ApiError::Conflict(v.t("note-not-corrected")))?;
    let place = mentions::Place::Incident { entry: line, id, number: &i.number };
    mentions::tell(&mut tx, (&app.ids, v.now), (&staff.username, &app.config.public_url()), place, text).await?;
    let act = if corrects.is_some() { audit::Act::IncidentCorrect } else { audit::Act::IncidentNote };
    let entry = audit::Entry::new(act, "incident", id).to(json!({ "text": text, "corrects": corrects }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}

async fn close(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(words): Form<Words>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let mut tx = app.db.web.begin().await?;
    let reason = words.checked()?;
    if !store::close(&mut tx, id, v.now, &staff.username, reason).await? {
        return Err(ApiError::Conflict(v.t("incident-closed-already")));
    }
    let entry = audit::Entry::new(audit::Act::IncidentClose, "incident", id).because(reason);
    let entry = entry.from(json!({ "state": "open" })).to(json!({ "state": "closed" }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}

#[derive(Deserialize)]
struct Joining {
    /// Number of the occurrence.
    occurrence: String,
}

/// Puts an occurrence under this incident.
async fn attach(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Joining>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let number = given.occurrence.trim();
    let occurrence = queue::by_number(&mut tx, number).await?;
    let occurrence =
        occurrence.ok_or_else(|| ApiError::field("occurrence", number, v.t("occurrence-unknown-number")))?;
    let actor = staff.actor();
    let by = occurrence_acts::by(&app, &v, &actor);
    let done = desk::attach(&mut tx, by, occurrence, IncidentId(id), "").await;
    done.map_err(|error| occurrence_acts::refused(&v, error))?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
}
