//! Files of a budget: QDD, tables that are read again, and the Fiscal Data Package.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::budget::lines::ExpenseLine;
use crate::secretariat::budget::published::Snapshot;
use crate::secretariat::budget::{files, package, print, view};
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::conditional::{SHORT, answer};
use crate::web::error::{ApiError, Problem as Refusal};

const PDF: &str = "application/pdf";

/// Names of the files, for links.
pub const ALL: [&str; 7] =
    ["qdd.pdf", "qdd.csv", "datapackage.json", "despesa.csv", "receita.csv", "linhas.csv", "receitas-linhas.csv"];

/// Its media type and bytes. `printed`: what the foot of the paper says of its day.
async fn made(
    app: &App,
    snapshot: &Snapshot,
    (name, printed): (&str, &str),
) -> Result<(&'static str, Vec<u8>), ApiError> {
    let town = &app.config.municipality;
    let csv = "text/csv; charset=utf-8";
    Ok(match name {
        "qdd.pdf" => {
            aside::leave();
            let pdf = print::pdf(snapshot, (&town.sender_name, printed)).await.map_err(ApiError::Internal)?;
            (PDF, pdf)
        }
        "qdd.csv" => (csv, print::csv(snapshot).into_bytes()),
        "despesa.csv" => (csv, package::expense(snapshot).into_bytes()),
        "receita.csv" => (csv, package::revenue(snapshot).into_bytes()),
        "linhas.csv" => (csv, files::write_expense(&planned(snapshot)).into_bytes()),
        "receitas-linhas.csv" => (csv, files::write_revenue(&snapshot.revenue).into_bytes()),
        "datapackage.json" => {
            let whole = package::descriptor(snapshot, &town.name, &town.ibge_code);
            ("application/json", serde_json::to_vec_pretty(&whole).map_err(|error| ApiError::Internal(error.into()))?)
        }
        other => return Err(ApiError::NotFound(format!("the file {other}"))),
    })
}

/// To be saved under this name.
fn saved(snapshot: &Snapshot, name: &str) -> Result<HeaderValue, ApiError> {
    let saved = format!("attachment; filename=\"orcamento-{}-{name}\"", snapshot.year_from);
    HeaderValue::from_str(&saved).map_err(|error| ApiError::Internal(error.into()))
}

fn day(app: &App, at: Instant) -> String {
    at.with_timezone(&app.config.municipality.time_zone).format("%d/%m/%Y %H:%M").to_string()
}

/// A file of what was published then, which anybody may keep. It says when it was published and not when it was asked for, so that it is the
/// same for all who ask.
///
/// # Errors
/// `NotFound` for a name that is none of them; the template's.
pub async fn published(
    app: &App,
    (at, snapshot): (Instant, &Snapshot),
    (name, request): (&str, &HeaderMap),
) -> Result<Response, ApiError> {
    let printed = format!("Publicado em {}", day(app, at));
    let (kind, bytes) = made(app, snapshot, (name, &printed)).await?;
    let mut response = answer(request, kind, SHORT, bytes);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, saved(snapshot, name)?);
    Ok(response)
}

fn planned(snapshot: &Snapshot) -> Vec<ExpenseLine> {
    let line = |line: &crate::secretariat::budget::published::Line| ExpenseLine {
        key: line.key.clone(),
        sphere: line.sphere,
        amount: line.planned,
        words: line.words.clone(),
    };
    snapshot.expense.iter().map(line).collect()
}

/// A file of a bill as it stands now.
///
/// # Errors
/// `NotFound` for a bill or a name that there is none of; the database's and the template's.
pub async fn as_it_stands(app: &App, id: Uuid, name: &str) -> Result<Response, ApiError> {
    let whole = view::whole(&mut *app.db.web.acquire().await?, id).await?;
    let snapshot = whole.snapshot();
    let printed = format!("Impresso em {}", day(app, app.clock.now()));
    let (kind, bytes) = made(app, &snapshot, (name, &printed)).await?;
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, saved(&snapshot, name)?)], bytes).into_response())
}

/// A file of a bill: qdd.pdf, qdd.csv, linhas.csv and receitas-linhas.csv (which are read again), or the Fiscal Data Package
/// (datapackage.json, despesa.csv, receita.csv).
///
/// # Errors
/// 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/budget/bills/{id}/files/{file}", tag = "budget",
    params(("id" = Uuid, Path,), ("file" = String, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 401, body = Refusal),
        (status = 403, body = Refusal), (status = 404, body = Refusal)),
    security(("api_token" = [])))]
pub async fn of_bill(
    State(app): State<App>,
    _: May<can::SeeSecretariat>,
    Path((id, name)): Path<(Uuid, String)>,
) -> Result<Response, ApiError> {
    as_it_stands(&app, id, &name).await
}
