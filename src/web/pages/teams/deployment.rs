//! One deployment: where it stands, its steps, and where it was.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State as Has};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Done, Fields, refused};
use crate::accounts::Permission;
use crate::app::App;
use crate::deployments::life::{Act, State};
use crate::deployments::store::{self, Position, Step};
use crate::deployments::{Deployment, Told, desk};
use crate::reports::acts::By;
use crate::reports::take::Desk;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::drawing::{self, MapWish, Mark};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::reports::told;
use crate::web::pages::view::{Markup, View};

pub fn routes() -> Router<App> {
    Router::new().route("/console/deployments/{id}", get(show).post(act))
}

/// Places of a track that a page draws as a line, of these that it marks, and the newest of them that it lists.
const DRAWN: i64 = 2000;
const MARKED: usize = 12;
const LISTED: usize = 60;

#[derive(Template)]
#[template(path = "deployment.html")]
struct DeploymentPage {
    f: Frame,
    d: Deployment,
    /// What it bound, itself first.
    bound: Vec<(Uuid, String)>,
    steps: Vec<Step>,
    track: Vec<Position>,
    map: Markup,
    /// Days after the end for which the track is kept.
    days: u32,
    /// What this reader may do next.
    acts: Vec<Act>,
    /// This reader was sent, and is between departure and end.
    is_under_way: bool,
    reason: String,
    wrong: String,
    done: String,
}

impl DeploymentPage {
    fn needs_reason(act: &Act) -> bool {
        matches!(act, Act::Decline | Act::Cancel)
    }
}

/// A track on the map: the place of the occurrence, and where the telephone was, the newest last.
pub fn marks(v: &View, one: &Deployment, track: &[Position]) -> Vec<Mark> {
    let href = format!("/console/deployments/{}", one.id);
    track
        .iter()
        .map(|at| Mark {
            lon: at.lon,
            lat: at.lat,
            count: 1,
            priority: 0,
            href: href.clone(),
            label: format!("{} · {}", one.name, v.when(at.at)),
        })
        .collect()
}

/// The whole track as a line, with some of its places as marks, the first and the last among them.
async fn drawn(conn: &mut PgConnection, v: &View, one: &Deployment, track: &[Position]) -> sqlx::Result<Markup> {
    if track.is_empty() {
        return Ok(Markup::default());
    }
    let gap = track.len().div_ceil(MARKED).max(1);
    let shown: Vec<Position> = track.iter().rev().step_by(gap).chain(track.first()).cloned().collect();
    let marks = marks(v, one, &shown);
    let line: Vec<(f64, f64)> = track.iter().map(|at| (at.lon, at.lat)).collect();
    let wish = MapWish { marks: &marks, line: &line, zoom_to_marks: true, ..MapWish::default() };
    drawing::map(conn, v, wish).await
}

async fn deployment_page(
    app: &App,
    v: View,
    id: Uuid,
    reason: String,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let d = store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(v.t("deployment")))?;
    let bound = store::bound(&mut conn, id).await?;
    let steps = store::steps(&mut conn, id).await?;
    let mut track = store::track(&mut conn, id, DRAWN).await?;
    let map = drawn(&mut conn, &v, &d, &track).await?;
    track.drain(..track.len().saturating_sub(LISTED));
    let may_run = v.may(Permission::RunIncidents);
    let own = match &v.staff {
        Some(staff) if v.may(Permission::ReportField) => store::is_of(&mut conn, id, staff.id.0).await?,
        _ => false,
    };
    let days = app.config.privacy.deployment_position_days;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "teams").await?;
    let may = |act: &Act| may_run || (own && *act != Act::Cancel);
    let is_under_way = own && matches!(d.state, State::EnRoute | State::OnSite);
    let acts = d.state.acts().iter().copied().filter(may).collect();
    let shown = DeploymentPage { f, d, bound, steps, track, map, days, acts, is_under_way, reason, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn show(
    Has(app): Has<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<Uuid>,
    Query(done): Query<Done>,
) -> Result<Response, ApiError> {
    let done = done.said(&v);
    deployment_page(&app, v, id, String::new(), (String::new(), done)).await
}

async fn act(
    Has(app): Has<App>,
    staff: May<can::ReportField>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = By { desk: Desk::of(&app), now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let act: Act = fields.parsed("act")?;
        if act == Act::Cancel {
            fields.sure()?;
        }
        let told = Told { act, key: None, at: None, reason: fields.one("reason"), fix: None };
        desk::step(&mut tx, by, (id, v.may(Permission::RunIncidents)), told).await
    };
    match done.await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/deployments/{id}?done=step")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            deployment_page(&app, v, id, fields.one("reason").to_owned(), (wrong, String::new())).await
        }
    }
}
