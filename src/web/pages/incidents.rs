//! Incidents: what happened, in order, by whom.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::frame::Frame;
use super::history::{self, Act, Told};
use super::page;
use super::view::View;
use crate::app::App;
use crate::audit;
use crate::ids::IncidentId;
use crate::incidents::photographs::{self, Photograph};
use crate::incidents::store::{self, Entry, Incident};
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents", get(list))
        .route("/console/incidents/{id}", get(show))
        .route("/console/incidents/{id}/note", post(note))
        .route("/console/incidents/{id}/close", post(close))
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

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    f: Frame,
    i: Incident,
    lines: Vec<Told>,
    alerts: Vec<Linked>,
    photographs: Vec<Photograph>,
    may_write: bool,
}

async fn show(State(app): State<App>, v: View, Path(id): Path<uuid::Uuid>) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let mut conn = app.db.web.acquire().await?;
    let i = store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))?;
    let f = Frame::load(&mut conn, &app, v, "incidents").await?;
    let entries = store::entries(&mut conn, id, 0, 1000).await?;
    let alerts = sqlx::query!(
        r#"select a.id, coalesce(a.number, '') as "number!", a.headline, a.level, a.state from alert a
           join incident_alert ia on ia.alert_id = a.id where ia.incident_id = $1 order by a.issued_at"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let alerts = alerts.into_iter().map(|row| Linked {
        id: row.id,
        number: row.number,
        headline: row.headline,
        level: super::alerts::level(&row.level),
        state: row.state,
    });
    let may_write = f.v.may(crate::accounts::Permission::ReportField) && i.state == "open";
    let lines = timeline(&mut conn, &f.v, &entries).await?;
    let photographs = photographs::store::list(&mut conn, id).await?;
    page(&IncidentPage { alerts: alerts.collect(), photographs, may_write, f, i, lines })
}

/// Newest first. Lines that tell an alert's history read "act · number headline" and carry the act's detail.
async fn timeline(conn: &mut PgConnection, v: &View, entries: &[Entry]) -> sqlx::Result<Vec<Told>> {
    let areas = history::area_names(conn, entries.iter().map(|entry| &entry.detail)).await?;
    let mut lines = Vec::new();
    for run in entries.chunk_by(|a, b| a.kind == "alert" && b.kind == "alert") {
        if run.iter().any(|entry| entry.kind == "alert") {
            let acts: Vec<Act<'_>> = run.iter().map(act).collect();
            lines.extend(history::tell(v, &acts, &areas));
            continue;
        }
        lines.extend(run.iter().map(|entry| Told {
            at: entry.at,
            actor: v.actor(&entry.actor),
            text: words(v, entry),
            by_person: ["note", photographs::ADDED, photographs::REMOVED].contains(&entry.kind.as_str()),
        }));
    }
    lines.reverse();
    Ok(lines)
}

/// What a line says. Lines about photographs carry the caption or the reason alone.
fn words(v: &View, entry: &Entry) -> String {
    let said = match entry.kind.as_str() {
        photographs::ADDED => {
            let count = entry.detail["photographs"].as_array().map_or(1, Vec::len);
            v.t1("timeline-photographs", "n", count as i64)
        }
        photographs::REMOVED => v.t("timeline-photograph-removed"),
        _ => return entry.text.clone(),
    };
    if entry.text.is_empty() { said } else { format!("{said}: {}", entry.text) }
}

fn act(entry: &Entry) -> Act<'_> {
    let (action, rest) = entry.text.split_once(" · ").unwrap_or((&entry.text, ""));
    let about = rest.split(' ').next().unwrap_or_default();
    Act { at: entry.at, actor: &entry.actor, action, detail: &entry.detail, about }
}

#[derive(Deserialize)]
struct Words {
    text: String,
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
    store::add_entry(&mut tx, id, v.now, &staff.username, "note", text, &json!({})).await?;
    let entry = audit::Entry::new(audit::Act::IncidentNote, "incident", id).to(json!({ "text": text }));
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
