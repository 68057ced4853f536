//! One incident: its timeline, photographs, occurrences, alerts, and the note that somebody writes.

use askama::Template;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sqlx::PgConnection;

use super::timeline::{self, Line};
use crate::app::App;
use crate::ids::IncidentId;
use crate::incidents::notes::{self, NoteError};
use crate::incidents::photographs::{self, Photograph, PhotographError};
use crate::incidents::store::{self, Incident};
use crate::incidents::timeline::{self as incident_timeline, Only};
use crate::occurrences::store::list::{self, Line as Case, Wish};
use crate::occurrences::{AT_WORK, EVERY, Priority};
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::drawing::{self, MapWish, Mark};
use crate::web::pages::frame::Frame;
use crate::web::pages::relief::panel::Panel;
use crate::web::pages::reports::told;
use crate::web::pages::view::{Markup, View};
use crate::web::pages::{alerts, page, teams};
use crate::web::upload::{self, MAX_FILES, Pictures, Shape};

/// Lines of the timeline on one page.
const LINES: i64 = 500;
/// Letters of a note.
const MOST_LETTERS: usize = 2000;

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
    /// Lines before the first one shown, and that one.
    older: i64,
    oldest: i64,
    before: i64,
    work: Work,
    shelters: Panel,
    /// Who was sent, what is asked for, and the command.
    teams: Markup,
    halted: Halted,
    may_write: bool,
    /// How far the contingency plan is.
    plan: Markup,
    may_run: bool,
}

#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    only: String,
    /// Lines before this one; 0: the newest.
    #[serde(default)]
    before: i64,
}

/// A note that could not be kept, with why.
#[derive(Debug, Default)]
struct Halted {
    text: String,
    wrong: String,
}

pub async fn show(
    State(app): State<App>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Query(shown): Query<Shown>,
) -> Result<Response, ApiError> {
    shown_page(&app, v, IncidentId(id), &shown, Halted::default()).await
}

async fn shown_page(app: &App, v: View, id: IncidentId, shown: &Shown, halted: Halted) -> Result<Response, ApiError> {
    let only = match shown.only.as_str() {
        "" => Only::All,
        word => {
            word.parse().map_err(|error: crate::units::UnknownWord| ApiError::field("only", word, error.to_string()))?
        }
    };
    let mut conn = app.db.web.acquire().await?;
    let i = store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    let (entries, older) = store::newest(&mut conn, id, shown.before, LINES).await?;
    let oldest = entries.first().map_or(0, |entry| entry.id);
    let alerts = linked(&mut conn, id).await?;
    let is_open = i.state == "open";
    let may_write = f.v.may(crate::accounts::Permission::ReportField) && is_open;
    let may_run = f.v.may(crate::accounts::Permission::RunIncidents) && is_open;
    let photographs = photographs::store::list(&mut conn, id).await?;
    let kinds = incident_timeline::counts(&entries);
    let lines = timeline::lines(&mut conn, &f.v, &entries, only).await?;
    let work = work(&mut conn, &f.v, id).await?;
    let plan = super::super::tasks::card(&mut conn, &f.v, id).await?;
    let shelters = Panel::load(&mut conn, &f.v, id).await?;
    let teams = teams::panel::of_incident(&mut conn, &f.v, id, is_open).await?;
    let answer = page(&IncidentPage {
        alerts,
        photographs,
        may_write,
        may_run,
        f,
        i,
        lines,
        only,
        kinds,
        older,
        oldest,
        before: shown.before,
        work,
        plan,
        shelters,
        teams,
        halted,
    })?;
    Ok(answer)
}

/// The occurrences of an incident, and on the map also its teams.
struct Work {
    cases: Vec<Case>,
    /// How many of each class of urgency are at work.
    sums: Vec<(Priority, i64)>,
    at_work: i64,
    in_all: i64,
    map: Markup,
}

async fn work(conn: &mut PgConnection, v: &View, id: IncidentId) -> Result<Work, ApiError> {
    let wish = Wish { states: EVERY.to_vec(), incident: Some(id), ..Wish::default() };
    let cases = list::lines(&mut *conn, &wish, v.now, None, OWN).await?;
    let in_all = list::counts(&mut *conn, &wish, v.now).await?.all();
    let at_work = list::counts(&mut *conn, &Wish { states: AT_WORK.to_vec(), ..wish }, v.now).await?;
    let mut marks: Vec<Mark> = cases.iter().filter_map(|case| mark(v, case)).collect();
    marks.extend(teams::panel::places(&mut *conn, v, id).await?);
    let map = if marks.is_empty() {
        Markup::default()
    } else {
        drawing::map(conn, v, MapWish { marks: &marks, zoom_to_marks: true, ..MapWish::default() }).await?
    };
    let sums = Priority::ALL.into_iter().map(|one| (one, at_work.of_priority(one))).collect();
    Ok(Work { cases, sums, at_work: at_work.all(), in_all, map })
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
        level: alerts::level(&row.level),
        state: row.state,
    });
    Ok(alerts.collect())
}

/// The form of a note. A letter is up to four bytes.
const NOTE: Shape = Shape {
    fields: &["text", "corrects"],
    max_field_bytes: 4 * MOST_LETTERS as u64 + 1024,
    max_files: MAX_FILES,
    pictures: Pictures::All,
    is_public: false,
};

/// Writes a note, with the photographs that come with it, or corrects one. What was typed stays where it cannot be kept; files have to be
/// chosen again, because no page may choose them.
pub async fn note(
    State(app): State<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    request: Request,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let (fields, pictures) = match upload::fields(&app, request, NOTE).await {
        Ok(filled) => (filled.fields, filled.pictures),
        Err(halted) => {
            let text = halted.fields.get("text").cloned().unwrap_or_default();
            let wrong = halted.wrong.words(v.lang);
            return again(&app, v, id, (halted.wrong.status(), Halted { text, wrong })).await;
        }
    };
    let given = fields.get("text").map_or("", String::as_str);
    let text = given.trim();
    if !(1..=MOST_LETTERS).contains(&text.chars().count()) {
        return Err(ApiError::field("text", text, format!("expected 1 to {MOST_LETTERS} characters")));
    }
    let corrects = match fields.get("corrects").map_or("", String::as_str) {
        "" => None,
        line => Some(line.parse().map_err(|_| ApiError::field("corrects", line, "expected the number of a line"))?),
    };
    let mut tx = app.db.web.begin().await?;
    let note = notes::Note { text, corrects, pictures: &pictures, known: &[] };
    let (actor, base) = (staff.actor(), app.config.public_url());
    match notes::write(&mut tx, (&app.ids, v.now), (&actor, &base), id, note).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/incidents/{id}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            let wrong = match error {
                NoteError::Photographs(PhotographError::Closed(_)) => v.t("incident-closed-already"),
                NoteError::Photographs(PhotographError::Full) => v.t("photographs-full"),
                NoteError::NoLine => v.t("note-not-corrected"),
                other => return Err(other.into()),
            };
            again(&app, v, id, (StatusCode::CONFLICT, Halted { text: text.to_owned(), wrong })).await
        }
    }
}

async fn again(
    app: &App,
    v: View,
    id: IncidentId,
    (status, halted): (StatusCode, Halted),
) -> Result<Response, ApiError> {
    let answer = shown_page(app, v, id, &Shown::default(), halted).await?;
    Ok((status, answer).into_response())
}
