//! Many devices at once: a CSV file in, secrets and labels out, this once.

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::catalogue::problems::ImportError;
use crate::fleet::label::{Reach, picture, uri};
use crate::fleet::provision::{ProvisionError, Provisioned, provision, to_csv};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/provisioning", get(show).post(create))
}

/// A device and its QR code.
struct Label {
    device: Provisioned,
    picture: Markup,
}

#[derive(Template)]
#[template(path = "provisioning.html")]
struct ProvisioningPage {
    f: Frame,
    given: String,
    problems: Vec<ImportError>,
    made: Vec<Label>,
    /// The secrets as the address of a file inside the page, so that no second request could ask for them.
    download: String,
}

#[derive(Debug, Deserialize)]
struct Given {
    #[serde(default)]
    file: String,
}

async fn show(State(app): State<App>, _: May<can::ManageDevices>, v: View) -> Result<Response, ApiError> {
    answer(&app, v, String::new(), Vec::new(), Vec::new()).await
}

async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match provision(&mut tx, by, given.file.as_bytes(), &app.config.ingest.profiles).await {
        Ok(made) => {
            tx.commit().await?;
            answer(&app, v, String::new(), Vec::new(), made).await
        }
        Err(ProvisionError::Wrong(problems)) => {
            drop(tx);
            answer(&app, v, given.file, problems.kept().to_vec(), Vec::new()).await
        }
        Err(ProvisionError::Database(error)) => Err(error.into()),
    }
}

async fn answer(
    app: &App,
    v: View,
    given: String,
    problems: Vec<ImportError>,
    made: Vec<Provisioned>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let file = base64::engine::general_purpose::STANDARD.encode(to_csv(&made));
    let download = format!("data:text/csv;charset=utf-8;base64,{file}");
    let reach = Reach::of(&app.config);
    let label = |device: Provisioned| {
        let picture = Markup(picture(&uri(reach.as_ref(), &device.code, &device.secret)));
        Label { device, picture }
    };
    let made = made.into_iter().map(label).collect();
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    // Every answer behind a guard is kept by no cache (`web::security`).
    Ok((status, page(&ProvisioningPage { f, given, problems, made, download })?).into_response())
}
