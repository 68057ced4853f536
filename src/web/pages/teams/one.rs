//! One resource: what it is, what belongs to it, when it works, where it was sent.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use uuid::Uuid;

use super::{Done, Fields, FormFields, Stood, read, refused};
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::deployments::Deployment;
use crate::deployments::store::{self as deployments, Which};
use crate::refused::Refused;
use crate::resources::store::{self, Span};
use crate::resources::{Class, Condition, Resource, Skill, Standing, desk};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/console/teams/{id}", get(show).post(change)).route("/console/teams/{id}/act", post(act))
}

#[derive(Template)]
#[template(path = "team.html")]
struct OnePage {
    f: Frame,
    r: Resource,
    standing: Standing,
    words: String,
    members: Vec<Resource>,
    /// What could be taken into the team.
    others: Vec<Resource>,
    spans: Vec<Span>,
    sent: Vec<Deployment>,
    form: FormFields,
    may_run: bool,
    wrong: String,
    done: String,
}

impl OnePage {
    fn is_team(&self) -> bool {
        self.r.class() == Class::Team
    }

    fn is_retired(&self) -> bool {
        self.r.condition == Condition::Retired
    }
}

async fn one_page(
    app: &App,
    v: View,
    id: Uuid,
    form: Option<FormFields>,
    (wrong, done): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let r = store::load(&mut conn, id, v.now).await?.ok_or_else(|| ApiError::NotFound(v.t("resource")))?;
    let is_team = r.class() == Class::Team;
    let members = if is_team { store::members(&mut conn, id, v.now).await? } else { Vec::new() };
    let mut others = if is_team { store::list(&mut conn, v.now).await? } else { Vec::new() };
    others.retain(|one| one.class() != Class::Team && one.team.is_none());
    let spans = store::spans(&mut conn, id, v.now).await?;
    let mut sent = deployments::list(&mut conn, Which { resource: Some(id), ..Which::default() }).await?;
    sent.truncate(50);
    let may_run = v.may(Permission::RunIncidents);
    let Stood { r, standing, words } = Stood::of(&v, r, &members);
    let form = form.unwrap_or_else(|| FormFields::of(&r.what));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "teams").await?;
    let shown = OnePage { f, r, standing, words, members, others, spans, sent, form, may_run, wrong, done };
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
    one_page(&app, v, id, None, (String::new(), done)).await
}

async fn change(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        let kept = desk::held(&mut tx, id, by.now).await?;
        desk::save(&mut tx, by, Some(id), &read(&fields, Some(&kept.what))?).await
    };
    match done.await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/teams/{id}?done=saved")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(&app, v, id, Some(FormFields::typed(&fields)), (wrong, String::new())).await
        }
    }
}

/// An instant as a form gives it, in the town's time.
pub fn local(v: &View, fields: &Fields, field: &str) -> Result<Instant, Refused> {
    let given = fields.one(field);
    let wrong = || Refused::wrong(field, given, "expected a day and a time");
    let plain = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let parsed = plain.iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(given, form).ok());
    let local = parsed.ok_or_else(wrong)?.and_local_timezone(v.tz).earliest();
    Ok(local.ok_or_else(wrong)?.to_utc())
}

async fn act(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async {
        match fields.one("act") {
            "condition" => {
                let to: Condition = fields.parsed("condition")?;
                if to == Condition::Retired {
                    fields.sure()?;
                }
                desk::condition(&mut tx, by, id, (to, fields.one("reason"))).await?;
                Ok("condition")
            }
            "join" => {
                desk::join(&mut tx, by, (id, fields.parsed("member")?), fields.has("leads")).await.map(|()| "team")
            }
            "leave" => desk::leave(&mut tx, by, (id, fields.parsed("member")?)).await.map(|()| "team"),
            "shift" => {
                let span = (local(&v, &fields, "from")?, local(&v, &fields, "until")?);
                desk::add_shift(&mut tx, by, id, span).await.map(|()| "shift")
            }
            "unshift" => desk::withdraw_shift(&mut tx, by, id, fields.parsed("span")?).await.map(|()| "shift"),
            other => Err(Refused::wrong("act", other, "is none of this page")),
        }
    };
    match done.await {
        Ok(word) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/teams/{id}?done={word}")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            one_page(&app, v, id, None, (wrong, String::new())).await
        }
    }
}
