//! Photographs of an inspection in the console: shown, and removed after a question.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::inspections::store::{self, Inspection, Photograph};
use crate::inspections::{Refusal, photographs};
use crate::web::api::imports::Query as Strict;
use crate::web::api::incidents::photographs::{Size, SizeQuery, picture};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/inspections/{id}/photographs/{photograph}", get(show))
        .route("/console/inspections/{id}/photographs/{photograph}/remove", get(ask).post(remove))
}

async fn show(
    State(app): State<App>,
    Path((id, photograph)): Path<(Uuid, Uuid)>,
    Strict(query): Strict<SizeQuery>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::file(&mut conn, id, photograph, query.size == Size::Thumbnail).await?;
    Ok(picture(photograph, found.ok_or_else(|| ApiError::NotFound("the photograph".into()))?))
}

#[derive(Template)]
#[template(path = "inspection_photograph_remove.html")]
struct RemovePage {
    f: Frame,
    i: Inspection,
    p: Photograph,
    reason: String,
    wrong: String,
}

async fn remove_page(
    app: &App,
    v: View,
    (id, photograph): (Uuid, Uuid),
    (reason, wrong): (String, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let i =
        store::load(&mut conn, id).await?.ok_or_else(|| ApiError::NotFound(v.t1("inspection-missing", "id", id)))?;
    let p = store::photographs(&mut conn, id).await?.into_iter().find(|one| one.id == photograph);
    let p = p.ok_or_else(|| ApiError::NotFound("the photograph".into()))?;
    if p.removed_at.is_some() {
        return Err(ApiError::Conflict(v.t("photograph-gone-already")));
    }
    if !p.arrived {
        return Err(ApiError::Conflict(v.t("inspection-photograph-awaited")));
    }
    let f = Frame::load(&mut conn, app, v, "inspections").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&RemovePage { f, i, p, reason, wrong })?).into_response())
}

async fn ask(
    State(app): State<App>,
    _: May<can::RunIncidents>,
    v: View,
    Path(of): Path<(Uuid, Uuid)>,
) -> Result<Response, ApiError> {
    remove_page(&app, v, of, (String::new(), String::new())).await
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    reason: String,
}

async fn remove(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(of): Path<(Uuid, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match photographs::remove(&mut tx, by, of, &given.reason).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/inspections/{}", of.0)).into_response())
        }
        Err(Refusal::Wrong(_)) => {
            drop(tx);
            let wrong = v.t("interdiction-release-reason-wrong");
            remove_page(&app, v, of, (given.reason, wrong)).await
        }
        // Somebody else was quicker: the page says what became of it.
        Err(Refusal::Conflict(_)) => {
            drop(tx);
            remove_page(&app, v, of, (given.reason, String::new())).await
        }
        Err(other) => Err(other.into()),
    }
}
