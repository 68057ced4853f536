//! What a person does to an exercise. Each act is one transaction; what starts, ends or calls off is asked for twice.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{one, told};
use crate::app::App;
use crate::exercises::desk::Desk;
use crate::exercises::plan::Invited;
use crate::exercises::store::read;
use crate::exercises::{Act, Exercise, ExerciseError};
use crate::ids::ExerciseId;
use crate::units::Level;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Debug, Deserialize)]
pub struct Asked {
    act: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirmed: String,
}

#[derive(Template)]
#[template(path = "exercise_confirm.html")]
struct ConfirmPage {
    f: Frame,
    e: Exercise,
    act: Act,
}

pub async fn act(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(asked): Form<Asked>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let act: Act = asked
        .act
        .parse()
        .map_err(|error: crate::units::UnknownWord| ApiError::field("act", asked.act.clone(), error.to_string()))?;
    if asked.confirmed != "yes" {
        let mut conn = app.db.web.acquire().await?;
        let e = read::load(&mut conn, id).await.map_err(ApiError::Internal)?.ok_or(ExerciseError::NotFound)?;
        if e.state.after(act).is_ok() {
            let f = Frame::load(&mut conn, &app, v, "exercises").await?;
            return page(&ConfirmPage { f, e, act });
        }
    }
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    let (done, word) = match act {
        Act::Announce => (desk.announce(&mut tx, id).await.map(drop), "announced"),
        Act::Start => (desk.start(&mut tx, id).await, "started"),
        Act::Finish => (desk.finish(&mut tx, id).await, "finished"),
        Act::Cancel => (desk.cancel(&mut tx, id, &asked.reason).await, "cancelled"),
        Act::Report => (desk.report(&mut tx, id).await, "reported"),
        Act::Edit => return Err(ApiError::field("act", asked.act, "an exercise is edited at its own page")),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}?done={word}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}

/// The page once more, with what went wrong.
async fn again(app: &App, v: View, id: ExerciseId, error: ExerciseError) -> Result<Response, ApiError> {
    let status =
        if matches!(error, ExerciseError::Wrong(_)) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CONFLICT };
    let bad = told(&v, error)?;
    let mut conn = app.db.web.acquire().await?;
    Ok((status, one::render(&mut conn, app, v, id, String::new(), bad).await?).into_response())
}

#[derive(Debug, Deserialize)]
pub struct Tick {
    inject: i64,
    done: String,
}

pub async fn tick(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Tick>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    match desk.tick(&mut tx, id, given.inject, given.done == "yes").await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}#injects")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct People {
    act: String,
    #[serde(default)]
    participant: i64,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    contact: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    email: String,
}

impl People {
    fn invited(&self) -> Result<Invited, ApiError> {
        let (name, contact) = (self.name.clone(), self.contact.clone());
        let (phone, email) = (self.phone.clone(), self.email.clone());
        match self.kind.as_str() {
            "staff" => Ok(Invited::Staff { username: name }),
            "institution" => Ok(Invited::Institution { name, contact, phone, email }),
            "nucleus" => Ok(Invited::Nucleus { name, contact, phone, email }),
            other => Err(ApiError::field("kind", other, "expected staff, institution or nucleus")),
        }
    }
}

/// Whoever may only look says of themselves that the message came; the rest is for those who prepare alerts.
pub async fn people(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<People>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let is_own = given.act == "acknowledge" && is_own(&app, &staff, id, given.participant).await?;
    if !is_own {
        staff.require(crate::accounts::Permission::DraftAlerts)?;
    }
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    let done = match given.act.as_str() {
        "invite" => desk.invite(&mut tx, id, &given.invited()?).await,
        "remove" => desk.remove(&mut tx, id, given.participant).await,
        "acknowledge" => desk.acknowledge(&mut tx, id, given.participant).await,
        other => return Err(ApiError::field("act", other, "expected invite, remove or acknowledge")),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/exercises/{id}?done=done#participants")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}

async fn is_own(app: &App, staff: &Staff, id: ExerciseId, participant: i64) -> Result<bool, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let all = read::participants(&mut conn, id, false).await?;
    Ok(all.iter().any(|one| one.id == participant && one.staff_id == Some(staff.id)))
}

#[derive(Debug, Deserialize)]
pub struct Drafted {
    level: String,
}

pub async fn draft(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<Drafted>,
) -> Result<Response, ApiError> {
    let id = ExerciseId(id);
    let level = given.level.parse::<Level>().ok().filter(|level| *level > Level::Normal);
    let Some(level) = level else {
        return Err(ApiError::field("level", given.level, "expected observation, attention, alert or maximum"));
    };
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { app: &app, now: v.now, actor: &actor };
    match desk.draft(&mut tx, id, level).await {
        Ok(alert) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/alerts/{alert}")).into_response())
        }
        Err(error) => {
            tx.rollback().await?;
            again(&app, v, id, error).await
        }
    }
}
