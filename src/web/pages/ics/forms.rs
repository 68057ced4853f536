//! The forms 201, 209 and 214 as pages, PDF, and 214 also as CSV. A log of activities that leaves as a file is written down.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::fill::{self, Filling};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::deployments::store as deployments;
use crate::ics::form::{self, Content, Form};
use crate::ids::IncidentId;
use crate::incidents::store::Incident;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/console/incidents/{id}/forms/{file}", get(show))
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Wanted {
    /// Of 214: whose activities; empty: everybody's.
    #[serde(default)]
    resource: String,
}

#[derive(Template)]
#[template(path = "ics_form.html")]
struct FormPage {
    f: Frame,
    i: Incident,
    form: Form,
    /// 201, 209 or 214.
    kind: String,
    units: Vec<fill::Unit>,
    chosen: Option<Uuid>,
    /// Of the links to the same as a file.
    query: String,
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Path((id, file)): Path<(Uuid, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let (kind, ending) = file.split_once('.').unwrap_or((file.as_str(), ""));
    let known = matches!((kind, ending), ("201" | "209" | "214", "" | "pdf") | ("214", "csv"));
    if !known {
        return Err(ApiError::NotFound(format!("form {file}")));
    }
    let chosen: Option<Uuid> = match wanted.resource.as_str() {
        _ if kind != "214" => None,
        "" => None,
        id => Some(id.parse().map_err(|_| ApiError::field("resource", id, "expected the id of a resource"))?),
    };
    let id = IncidentId(id);
    let mut tx = app.db.web.begin().await?;
    let i = super::incident(&mut tx, id).await?;
    let filling = Filling { v: &v, i: &i };
    let units = if kind == "214" { deployments::units(&mut tx, id).await? } else { Vec::new() };
    let own = match chosen {
        None => None,
        // Of whoever neither was sent nor holds a position there is no log, and that of everybody is not theirs.
        Some(chosen) => {
            let found = units.iter().find(|(unit, ..)| *unit == chosen);
            Some(found.ok_or_else(|| ApiError::NotFound(v.t("resource")))?)
        }
    };
    let form = match kind {
        "201" => fill::briefing(&mut tx, filling).await?,
        "209" => fill::summary(&mut tx, filling).await?,
        _ => fill::log(&mut tx, filling, own).await?,
    };
    if ending.is_empty() {
        let query = chosen.map(|id| format!("?resource={id}")).unwrap_or_default();
        let f = Frame::load(&mut tx, &app, v, "incidents").await?;
        return page(&FormPage { f, i, form, kind: kind.to_owned(), units, chosen, query });
    }
    let entry =
        Entry::new(Act::FormExport, "incident", id).to(json!({ "form": kind, "as": ending, "resource": chosen }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let name = format!("sci-{kind}-{}.{ending}", i.number.replace('/', "-"));
    let (bytes, media) = if ending == "csv" {
        (form::csv(&form).into_bytes(), "text/csv; charset=utf-8")
    } else {
        let bytes = crate::print::render("ics.typ", &form, Vec::new())
            .await
            .map_err(|error| ApiError::Internal(error.into()))?;
        (bytes, "application/pdf")
    };
    let head = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((head, bytes).into_response())
}
