//! `/console/endpoints`: recipients that are no residents, what each is told, and how it fares.

mod form;
mod one;

use askama::Template;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use self::form::Fields;
use super::frame::Frame;
use super::page;
use super::refusal::sentence;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::endpoints::{Endpoint, Kind, desk, store};
use crate::refused::Refused;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/endpoints", get(list).post(create))
        .route("/console/endpoints/{id}", get(one::show).post(one::act))
}

#[derive(Template)]
#[template(path = "endpoints.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Endpoint>,
    /// What was typed, by kind: only the one that was refused differs from the proposals.
    forms: Vec<(Kind, Fields)>,
    wrong: String,
    may_edit: bool,
}

impl ListPage {
    fn state(&self, endpoint: &Endpoint) -> (&'static str, String) {
        state(&self.f.v, endpoint)
    }
}

/// Class and word of the tag that tells how an endpoint stands.
fn state(v: &View, endpoint: &Endpoint) -> (&'static str, String) {
    match (endpoint.disabled_why, endpoint.failing_since) {
        (Some(why), _) => ("bad", v.word("endpoint-why", why.as_str())),
        (None, Some(at)) => ("wait", v.t2("endpoint-failing", "n", endpoint.failures, "at", v.when(at))),
        (None, None) => ("good", v.t("endpoint-works")),
    }
}

async fn list(State(app): State<App>, _: May<can::SeeConsole>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, None, String::new()).await
}

async fn list_page(app: &App, v: View, typed: Option<(Kind, Fields)>, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = store::list(&mut conn, None).await?;
    let may_edit = v.may(Permission::ManageDevices);
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let form = |kind: &Kind| match &typed {
        Some((other, fields)) if other == kind => (*kind, fields.clone()),
        _ => (*kind, Fields::proposed(*kind)),
    };
    let forms = Kind::ALL.iter().map(form).collect();
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, rows, forms, wrong, may_edit })?).into_response())
}

async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    v: View,
    Form(given): Form<Fields>,
) -> Result<Response, ApiError> {
    let kind = given.kind.parse::<Kind>().map_err(|error| ApiError::field("kind", &given.kind, error.to_string()))?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let rights = desk::Rights { issue: v.may(Permission::IssueAlerts) };
    let made = async {
        let wanted = given.wanted(kind)?;
        let mut tx = app.db.web.begin().await?;
        let (id, key) = desk::create(&mut tx, &app, by, (kind, &wanted, &given.secret), rights).await?;
        tx.commit().await?;
        Ok::<_, Refused>((id, key))
    };
    match made.await {
        Ok((id, Some(key))) => {
            one::show_page(&app, v, id, one::Outcome { fresh: Some(key), ..Default::default() }).await
        }
        Ok((id, None)) => Ok(Redirect::to(&format!("/console/endpoints/{id}")).into_response()),
        Err(refused) => {
            let wrong = sentence(v.lang, refused)?;
            list_page(&app, v, Some((kind, given)), wrong).await
        }
    }
}
