//! The command of an incident: who holds which position, as a tree that reads in order, as a drawing, and the forms.

pub mod fill;
pub mod forms;
mod map;

use std::fmt::Write as _;

use askama::Template;
use askama::filters::{Html, escape};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::relief::Fields;
use super::teams::{Done, refused};
use super::view::{Markup, View};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ics::chart::{self, Node};
use crate::ics::{Holding, NewHolding, Position, desk, store};
use crate::ids::IncidentId;
use crate::incidents::store::{self as incidents, Incident};
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/incidents/{id}/organization", get(show).post(act))
        .route("/console/incidents/{id}/organization.svg", get(drawing))
        .merge(forms::routes())
}

/// The position with its unit, in the reader's words.
pub fn label(v: &View, position: Position, unit: &str) -> String {
    let word = v.word("ics-position", position.as_str());
    if unit.is_empty() { word } else { format!("{word} {unit}") }
}

fn clean(text: &str) -> String {
    escape(text, Html).map(|text| text.to_string()).unwrap_or_default()
}

/// The chart as nested lists: what reports to a position stands in a list under it.
fn tree(v: &View, node: &Node, out: &mut String) {
    let held = match &node.holder {
        Some(one) => format!(
            r#"<b>{}</b> <span class="xs dim">{}</span>"#,
            clean(&one.name),
            clean(&v.t1("ics-since", "at", v.when(one.from_at)))
        ),
        None => format!(r#"<span class="muted">{}</span>"#, clean(&v.t("ics-nobody"))),
    };
    let class = if node.holder.is_some() { "post" } else { "post vacant" };
    let _ = write!(
        out,
        r#"<li><div class="{class}"><span class="s">{}</span><br>{held}"#,
        clean(&label(v, node.position, &node.unit))
    );
    if node.is_overloaded() {
        let _ = write!(
            out,
            r#"<br><span class="tag wait">{}</span>"#,
            clean(&v.t1("ics-overloaded", "n", node.under.len()))
        );
    }
    out.push_str("</div>");
    if !node.under.is_empty() {
        out.push_str("<ul>");
        for child in &node.under {
            tree(v, child, out);
        }
        out.push_str("</ul>");
    }
    out.push_str("</li>");
}

async fn incident(conn: &mut sqlx::PgConnection, id: IncidentId) -> Result<Incident, ApiError> {
    incidents::load(conn, id).await?.ok_or_else(|| ApiError::NotFound(format!("incident {id}")))
}

/// What the form shows.
#[derive(Default)]
struct Typed {
    position: String,
    unit: String,
    under: String,
    resource: String,
    name: String,
}

#[derive(Template)]
#[template(path = "organization.html")]
struct OrganizationPage {
    f: Frame,
    i: Incident,
    chart: Markup,
    /// Who holds something now, and who held something before.
    now: Vec<Holding>,
    before: Vec<Holding>,
    branches: Vec<String>,
    people: Vec<(Uuid, String)>,
    form: Typed,
    may_run: bool,
    wrong: String,
    done: String,
}

impl OrganizationPage {
    fn label(&self, one: &Holding) -> String {
        label(&self.f.v, one.position, &one.unit)
    }
}

async fn organization_page(
    app: &App,
    v: View,
    id: IncidentId,
    form: Typed,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let i = incident(&mut conn, id).await?;
    let all = store::list(&mut conn, id).await?;
    let mut drawn = String::from(r#"<ul class="org">"#);
    tree(&v, &chart::chart(&all), &mut drawn);
    drawn.push_str("</ul>");
    let (now, mut before): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.until_at.is_none());
    before.reverse();
    let branches = now.iter().filter(|one| one.position == Position::Branch).map(|one| one.unit.clone()).collect();
    let people = store::people(&mut conn).await?;
    let may_run = v.may(Permission::RunIncidents) && i.state == "open";
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "incidents").await?;
    let chart = Markup(drawn);
    let shown = OrganizationPage { f, i, chart, now, before, branches, people, form, may_run, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    organization_page(&app, v, IncidentId(id), Typed::default(), (String::new(), done)).await
}

async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let position: Position = fields.parsed("position")?;
        let text = |name: &str| fields.one(name).to_owned();
        match fields.one("act") {
            "fill" => {
                // The name of a unit that was typed before another position was chosen says nothing.
                let [unit, under] =
                    if position.is_named() { [text("unit"), text("under")] } else { Default::default() };
                let under = if position == Position::Branch { String::new() } else { under };
                let new = NewHolding { position, unit, under, resource: fields.maybe("resource")?, name: text("name") };
                desk::fill(&mut tx, by, id, &new).await.map(|_| ())
            }
            "end" => desk::end(&mut tx, by, id, (position, fields.one("unit"))).await,
            other => Err(Refused::wrong("act", other, "expected fill or end")),
        }
    };
    match done.await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/incidents/{id}/organization?done=position")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            let text = |name: &str| fields.one(name).to_owned();
            let form = Typed {
                position: text("position"),
                unit: text("unit"),
                under: text("under"),
                resource: text("resource"),
                name: text("name"),
            };
            organization_page(&app, v, id, form, (wrong, String::new())).await
        }
    }
}

/// The chart as a drawing, for print and for other documents.
async fn drawing(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let id = IncidentId(id);
    let mut conn = app.db.web.acquire().await?;
    let i = incident(&mut conn, id).await?;
    let root = chart::chart(&store::list(&mut conn, id).await?);
    let title = format!("{} · {}", v.t("ics-title"), i.number);
    let svg = chart::svg(&root, &title, &v.t("ics-nobody"), &|node: &Node| label(&v, node.position, &node.unit));
    let head = [(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, svg).into_response())
}
