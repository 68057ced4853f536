//! Notes that name whoever reads.

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::incidents::mentions::{Mention, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/mentions", get(show).post(read))
}

#[derive(Template)]
#[template(path = "mentions.html")]
struct MentionsPage {
    f: Frame,
    rows: Vec<Mention>,
}

async fn show(State(app): State<App>, staff: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "mentions").await?;
    let rows = store::of(&mut conn, staff.id).await?;
    page(&MentionsPage { f, rows })
}

#[derive(Deserialize)]
struct Which {
    /// Empty for all.
    #[serde(default)]
    id: String,
}

/// Marks one's own as seen.
async fn read(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Form(which): Form<Which>,
) -> Result<Response, ApiError> {
    let id: Option<Uuid> = match which.id.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| ApiError::field("id", id, "expected the id of a mention"))?),
    };
    let mut conn = app.db.web.acquire().await?;
    store::read(&mut conn, staff.id, id, v.now).await?;
    Ok(Redirect::to("/console/mentions").into_response())
}
