//! `/secretaria/painel/imprensa/veiculos`: outlets that get releases, and what left for them. For whoever works with the press only.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::told;
use crate::app::App;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::press::{self, Delivery, NewOutlet, Outlet};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

const PATH: &str = "/secretaria/painel/imprensa/veiculos";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/imprensa/veiculos", get(show).post(add))
        .route("/secretaria/painel/imprensa/veiculos/{id}/retirar", post(remove))
}

/// The form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    name: String,
    contact: String,
    email: String,
    tags: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_outlets.html")]
struct OutletsPage {
    f: Frame,
    outlets: Vec<Outlet>,
    deliveries: Vec<Delivery>,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
}

async fn listed(
    app: &App,
    staff: &Staff,
    v: View,
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let outlets = press::outlets(&mut conn, desk).await?;
    let deliveries = press::deliveries(&mut conn, desk, None).await?;
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let is_wrong = !wrong.is_empty();
    let mut response = page(&OutletsPage { f, outlets, deliveries, given, wrong, errors })?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn show(State(app): State<App>, staff: May<can::WorkSecretariat>, v: View) -> Result<Response, ApiError> {
    listed(&app, &staff, v, Given::default(), (String::new(), Vec::new())).await
}

async fn add(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let new = NewOutlet { name: &given.name, contact: &given.contact, email: &given.email, tags: &given.tags };
    let mut tx = app.db.web.begin().await?;
    match press::add(&mut tx, desk, new).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(PATH).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            listed(&app, &staff, v, given, why).await
        }
    }
}

async fn remove(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let mut tx = app.db.web.begin().await?;
    press::remove(&mut tx, Desk::of(&app, &actor, &who), id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH).into_response())
}
