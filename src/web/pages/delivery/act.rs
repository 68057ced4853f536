//! Pause, resume and cancel from the console: each asks once more, says what it means in numbers, and wants a reason.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::alerts::store::AlertRow;
use crate::app::App;
use crate::dispatch::control::{Act, ControlError};
use crate::dispatch::desk::Desk;
use crate::dispatch::store::control;
use crate::ids::AlertId;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::alerts;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "delivery_act.html")]
struct ActPage {
    f: Frame,
    a: AlertRow,
    act: Act,
    waiting: i64,
    under_way: i64,
    reason: String,
    wrong: String,
}

fn act_of(word: &str) -> Result<Act, ApiError> {
    word.parse().map_err(|_| ApiError::NotFound(format!("the act {}", crate::web::error::shorten(word))))
}

pub async fn ask(
    State(app): State<App>,
    _: May<can::IssueAlerts>,
    v: View,
    Path((id, word)): Path<(uuid::Uuid, String)>,
) -> Result<Response, ApiError> {
    render(&app, v, AlertId(id), act_of(&word)?, String::new(), String::new()).await
}

async fn render(
    app: &App,
    v: View,
    id: AlertId,
    act: Act,
    reason: String,
    wrong: String,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let a = alerts::load(&mut conn, id).await?.row;
    let (waiting, under_way, _) = control::open_rows(&mut conn, id).await?;
    let f = Frame::load(&mut conn, app, v, "alerts").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ActPage { f, a, act, waiting, under_way, reason, wrong })?).into_response())
}

#[derive(Debug, Deserialize)]
pub struct Given {
    #[serde(default)]
    reason: String,
}

pub async fn carry_out(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path((id, word)): Path<(uuid::Uuid, String)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (id, act) = (AlertId(id), act_of(&word)?);
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { ids: &app.ids, now: v.now, actor: &actor };
    match desk.act(&mut tx, id, act, &given.reason).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/alerts/{id}/delivery?done={act}")).into_response())
        }
        Err(ControlError::Reason(reason)) => {
            tx.rollback().await?;
            let wrong = v.t("delivery-reason-wrong");
            render(&app, v, id, act, reason, wrong).await
        }
        Err(ControlError::Refused(_)) => {
            tx.rollback().await?;
            let wrong = v.t("delivery-act-refused");
            render(&app, v, id, act, given.reason, wrong).await
        }
        Err(error) => Err(error.into()),
    }
}
