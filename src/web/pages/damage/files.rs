//! The files of a dossier: documents as PDF, data as CSV and JSON.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::declared::disposition;
use crate::app::App;
use crate::damage::documents::Kind;
use crate::damage::view;
use crate::damage::{dossier as words, print, s2id, store};
use crate::web::api::damage::Shown;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;

/// An answer that browsers keep as a file.
pub fn download(media_type: &str, name: &str, content: Vec<u8>) -> Response {
    let mut response = content.into_response();
    let kind =
        HeaderValue::from_str(media_type).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    let (header, value) = disposition(name);
    response.headers_mut().insert(header, value);
    response
}

/// `dossier.pdf`, a document as `KIND.pdf`, `s2id.csv` or `dossier.json`. What was submitted is handed out as it was frozen.
pub async fn file(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path((id, file)): Path<(Uuid, String)>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let town = &app.config.municipality;
    let missing = || ApiError::NotFound(format!("the file {file}"));
    let (name, ending) = file.rsplit_once('.').ok_or_else(missing)?;
    if file == "dossier.pdf"
        && let Some(pdf) = store::pdf(&mut conn, id).await?
    {
        let dossier = view::dossier(&mut conn, id).await?;
        let name = format!("dossie-{}-v{}.pdf", dossier.incident.replace('/', "-"), dossier.version);
        return Ok(download("application/pdf", &name, pdf));
    }
    let whole = view::whole(&mut conn, id, (v.now, town)).await?;
    let base = format!("{}-v{}", whole.dossier.incident.replace('/', "-"), whole.dossier.version);
    match (name, ending) {
        ("s2id", "csv") => {
            let bytes = s2id::write(&words::sheet(&whole, town));
            Ok(download("text/csv; charset=ISO-8859-1", &format!("s2id-{base}.csv"), bytes))
        }
        ("dossier", "json") => {
            let text =
                serde_json::to_vec_pretty(&Shown::from(whole)).map_err(|error| ApiError::Internal(error.into()))?;
            Ok(download("application/json", &format!("dossie-{base}.json"), text))
        }
        (name, "pdf") => {
            let one = name.parse::<Kind>().ok();
            if one.is_none() && name != "dossier" {
                return Err(missing());
            }
            let parts: Vec<Kind> = one.map_or_else(|| Kind::ALL.to_vec(), |one| vec![one]);
            let is_draft = print::is_draft(&whole, &parts);
            let ready = match one.filter(|_| whole.dossier.submitted_at.is_some()) {
                Some(kind) => print::frozen(&mut conn, id, kind).await?.ok_or_else(missing)?,
                None => print::ready(&mut conn, &whole, town, &parts, (is_draft, v.now))
                    .await
                    .map_err(ApiError::Internal)?,
            };
            drop(conn);
            let pdf = ready.pdf().await.map_err(ApiError::Internal)?;
            Ok(download("application/pdf", &format!("{name}-{base}.pdf"), pdf))
        }
        _ => Err(missing()),
    }
}
