//! Cases, publications and the service charter as PDF, as instruments in `instrument_routes`.

use std::collections::{BTreeMap, VecDeque};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::module;
use crate::app::App;
use crate::secretariat::kernel::ledger::sha256;
use crate::secretariat::paper::{self, Paper};
use crate::web::api::imports::Query;
use crate::web::aside;
use crate::web::auth::{May, can};
use crate::web::conditional::{SHORT, answer};
use crate::web::error::{ApiError, Problem};
use crate::web::pages::secretariat::paper as made;
use crate::web::pages::view::View;

const PDF: &str = "application/pdf";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/secretariat/{module}/cases/{id}/paper.pdf", get(case))
        .route("/api/v1/secretariat/{module}/publications/{id}/paper.pdf", get(publication))
        .route("/api/v1/secretariat/service-charter/charter.pdf", get(charter))
}

/// In which language.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// pt-BR or en; none: that of whoever asks, and for what everybody reads Portuguese.
    #[param(pattern = "^(pt-BR|en)$")]
    pub lang: Option<String>,
}

/// Which version of a publication.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// `seq` of the publication; none: the last that is out.
    #[param(minimum = 1)]
    pub version: Option<i32>,
    /// pt-BR or en; none: Portuguese.
    #[param(pattern = "^(pt-BR|en)$")]
    pub lang: Option<String>,
}

/// # Errors
/// `BadRequest` for a language that there is none of.
pub fn known(lang: Option<&str>) -> Result<(), ApiError> {
    match lang {
        None | Some("pt-BR" | "en") => Ok(()),
        Some(other) => Err(ApiError::field("lang", other, "expected pt-BR or en")),
    }
}

/// Sets it, and keeps nobody waiting meanwhile.
async fn set(paper: Paper) -> Result<Vec<u8>, ApiError> {
    aside::leave();
    paper::pdf(paper).await.map_err(ApiError::Internal)
}

/// The document, to be shown where it is asked for.
///
/// # Errors
/// The template's.
pub async fn inline(paper: Paper, name: &str) -> Result<Response, ApiError> {
    let bytes = set(paper).await?;
    let disposition = format!("inline; filename=\"{name}.pdf\"");
    Ok(([(header::CONTENT_TYPE, PDF.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

/// What it says, told apart from any other.
fn sum(paper: &Paper) -> Result<[u8; 32], ApiError> {
    Ok(sha256(&serde_json::to_vec(paper).map_err(|error| ApiError::Internal(error.into()))?))
}

/// Papers for everybody that were set last, with the hash of what each says: whoever asks again for one of them takes no turn at the press.
static SET: Mutex<VecDeque<([u8; 32], Bytes)>> = Mutex::const_new(VecDeque::new());
/// Papers that are kept. One has some tens of kilobytes.
const MOST_SET: usize = 32;

/// A paper that anybody may keep, or 304 for whoever has it.
///
/// # Errors
/// The template's.
pub async fn for_everybody(headers: &HeaderMap, paper: Paper) -> Result<Response, ApiError> {
    let sum = sum(&paper)?;
    let found = SET.lock().await.iter().find(|(known, _)| *known == sum).map(|(_, bytes)| bytes.clone());
    if let Some(bytes) = found {
        return Ok(answer(headers, PDF, SHORT, bytes));
    }
    let bytes = Bytes::from(set(paper).await?);
    let mut last = SET.lock().await;
    if last.len() == MOST_SET {
        last.pop_front();
    }
    last.push_back((sum, bytes.clone()));
    drop(last);
    Ok(answer(headers, PDF, SHORT, bytes))
}

/// Prints a case as the caller may read it: fields, deadlines with how each day came about, documents with their SHA-256, and every act.
///
/// # Errors
/// 400 naming the parameter; 404; 401, 403.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/cases/{id}/paper.pdf", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path,), Language),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn case(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    Path((slug, id)): Path<(String, Uuid)>,
    Query(language): Query<Language>,
    v: View,
) -> Result<Response, ApiError> {
    known(language.lang.as_deref())?;
    let module = module(&slug)?;
    let paper = made::of_case(&app, &staff, &v, (module, id)).await?;
    inline(paper, &format!("processo-{id}")).await
}

/// Prints what was published of a case, from the snapshot and nothing else.
///
/// # Errors
/// 400 naming the parameter; 404 when nothing of it, or not this version, is public.
#[utoipa::path(get, path = "/api/v1/secretariat/{module}/publications/{id}/paper.pdf", tag = "secretariat",
    params(("module" = String, Path,), ("id" = Uuid, Path, description = "Of the case"), Version),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub async fn publication(
    State(app): State<App>,
    Path((slug, id)): Path<(String, Uuid)>,
    Query(asked): Query<Version>,
    headers: HeaderMap,
    v: View,
) -> Result<Response, ApiError> {
    known(asked.lang.as_deref())?;
    let module = module(&slug)?;
    let paper = made::of_publication(&app, &v.for_everyone(), (module, id, asked.version)).await?;
    for_everybody(&headers, paper).await
}

/// The charter as it was set last in each language, with the hash of what it says: a town's whole charter takes a second to set, and everybody
/// may ask.
static LAST: Mutex<BTreeMap<&'static str, ([u8; 32], Bytes)>> = Mutex::const_new(BTreeMap::new());

/// Prints the service charter: every service that is published.
///
/// # Errors
/// 400 naming the parameter.
#[utoipa::path(get, path = "/api/v1/secretariat/service-charter/charter.pdf", tag = "secretariat", params(Language),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem)))]
pub async fn charter(
    State(app): State<App>,
    Query(language): Query<Language>,
    headers: HeaderMap,
    v: View,
) -> Result<Response, ApiError> {
    known(language.lang.as_deref())?;
    let paper = made::of_charter(&app, &v.for_everyone()).await?;
    let sum = sum(&paper)?;
    // Whoever asks while it is set waits for the same one.
    aside::leave();
    let mut last = LAST.lock().await;
    let lang = paper.lang;
    if let Some((_, bytes)) = last.get(lang).filter(|(known, _)| *known == sum) {
        return Ok(answer(&headers, PDF, SHORT, bytes.clone()));
    }
    let bytes = Bytes::from(set(paper).await?);
    last.insert(lang, (sum, bytes.clone()));
    drop(last);
    Ok(answer(&headers, PDF, SHORT, bytes))
}
