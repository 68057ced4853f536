//! A plan is written as one text, or comes as one file. What could not be kept is shown again with everything that is wrong.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use multer::{Constraints, Multipart, SizeLimit};
use serde::Deserialize;

use super::{list_page, told};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::plancon::file::{self, MOST_BYTES};
use crate::plancon::store::plans as store;
use crate::plancon::{PlanError, PlanState, desk};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// What a new plan begins with.
const EXAMPLE: &str = include_str!("../../../../config/plancon/example.toml");

#[derive(Template)]
#[template(path = "plan_edit.html")]
struct EditPage {
    f: Frame,
    code: String,
    text: String,
    /// Of the draft that is rewritten; empty: it is a new version.
    revision: String,
    wrong: String,
    errors: Vec<FieldError>,
    rotas: Vec<String>,
    areas: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    code: String,
    text: String,
    revision: String,
}

/// A new plan begins with the example.
pub async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let code = given.code.trim().to_owned();
    let text = if given.text.trim().is_empty() { EXAMPLE } else { &given.text };
    match keep(&app, &staff, &v, (&code, text, None)).await {
        Ok(_) => Ok(Redirect::to(&format!("/console/plans/{code}/edit")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            list_page(&app, v, code, why).await
        }
    }
}

async fn keep(
    app: &App,
    staff: &Staff,
    v: &View,
    (code, text, revision): (&str, &str, Option<i32>),
) -> Result<i32, PlanError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let number = desk::write(&mut tx, by, (code, text), revision).await?;
    tx.commit().await?;
    Ok(number)
}

pub async fn show(
    State(app): State<App>,
    _: May<can::RunIncidents>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let all = store::versions(&mut conn, Some(&code)).await?;
    let draft = all.iter().find(|version| version.state == PlanState::Draft);
    let chosen = draft.or_else(|| all.first()).ok_or_else(|| ApiError::NotFound(format!("the plan {code}")))?;
    let (plan, source) = store::document(&mut conn, chosen.id).await?;
    let text = file::to_toml(&source, &plan).map_err(ApiError::Internal)?;
    let revision = draft.map(|draft| draft.revision.to_string()).unwrap_or_default();
    drop(conn);
    edit_page(&app, v, Given { code, text, revision }, (String::new(), Vec::new())).await
}

async fn edit_page(
    app: &App,
    v: View,
    given: Given,
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let known = store::known(&mut conn).await?;
    let areas = store::area_names(&mut conn).await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "plans").await?;
    let Given { code, text, revision } = given;
    let rotas = known.rotas.into_iter().collect();
    Ok((status, page(&EditPage { f, code, text, revision, wrong, errors, rotas, areas })?).into_response())
}

pub async fn save(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(code): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let revision = given.revision.trim();
    let revision = if revision.is_empty() {
        None
    } else {
        Some(revision.parse().map_err(|_| ApiError::field("revision", revision, "expected a number"))?)
    };
    match keep(&app, &staff, &v, (&code, &given.text, revision)).await {
        Ok(number) => Ok(Redirect::to(&format!("/console/plans/{code}/{number}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            edit_page(&app, v, Given { code, ..given }, why).await
        }
    }
}

/// The code and the file of a form.
async fn sent(request: Request) -> Option<(String, String)> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = MOST_BYTES as u64;
    let limits = SizeLimit::new().whole_stream(most + 64 * 1024).per_field(8 * 1024).for_field("file", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let (mut code, mut text) = (String::new(), String::new());
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("file") => text = String::from_utf8(field.bytes().await.ok()?.to_vec()).ok()?,
            Some("code") => code = field.text().await.ok()?,
            // The gate has held it against the session's.
            _ => drop(field.bytes().await.ok()?),
        }
    }
    Some((code, text))
}

/// Reads a file into the draft of a plan: a new plan, or the next version of one that has no draft.
pub async fn import(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    request: Request,
) -> Result<Response, ApiError> {
    let Some((code, text)) = sent(request).await else {
        let wrong = v.t1("plan-file-broken", "kib", MOST_BYTES / 1000);
        return list_page(&app, v, String::new(), (wrong, Vec::new())).await;
    };
    let code = code.trim().to_owned();
    match keep(&app, &staff, &v, (&code, &text, None)).await {
        Ok(number) => Ok(Redirect::to(&format!("/console/plans/{code}/{number}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            list_page(&app, v, code, why).await
        }
    }
}
