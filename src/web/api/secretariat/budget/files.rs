//! Files of a budget: QDD, tables that are read again, and the Fiscal Data Package.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use crate::app::App;
use crate::secretariat::budget::lines::ExpenseLine;
use crate::secretariat::budget::published::Snapshot;
use crate::secretariat::budget::{files, package, print, view};
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::error::{ApiError, Problem as Refusal};

/// Names of the files, for links.
pub const ALL: [&str; 7] =
    ["qdd.pdf", "qdd.csv", "datapackage.json", "despesa.csv", "receita.csv", "linhas.csv", "receitas-linhas.csv"];

/// One file of a snapshot.
///
/// # Errors
/// `NotFound` for a name that is none of them; the template's.
pub async fn file(app: &App, snapshot: &Snapshot, name: &str) -> Result<Response, ApiError> {
    let town = &app.config.municipality;
    let csv = "text/csv; charset=utf-8";
    let (kind, bytes) = match name {
        "qdd.pdf" => {
            let printed = app.clock.now().with_timezone(&town.time_zone).format("%d/%m/%Y %H:%M").to_string();
            aside::leave();
            let pdf = print::pdf(snapshot, (&town.sender_name, &printed)).await.map_err(ApiError::Internal)?;
            ("application/pdf", pdf)
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
    };
    let saved = format!("attachment; filename=\"orcamento-{}-{name}\"", snapshot.year_from);
    let saved = HeaderValue::from_str(&saved).map_err(|error| ApiError::Internal(error.into()))?;
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, saved)];
    Ok((headers, bytes).into_response())
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
    let whole = view::whole(&mut *app.db.web.acquire().await?, id).await?;
    file(&app, &whole.snapshot(), &name).await
}
