//! What residents read of situation reports: the words meant for them, of approved reports of what really happens.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use uuid::Uuid;

use crate::app::App;
use crate::situation::{Report, store};
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::View;

/// Extracts that the page shows.
const MOST: i64 = 30;

#[derive(Template)]
#[template(path = "situation_public.html")]
struct PublicPage {
    v: View,
    rows: Vec<Report>,
}

pub async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let rows = store::public(&mut *app.db.web.acquire().await?, MOST).await?;
    page(&PublicPage { v, rows })
}

/// One extract, at an address that stays.
pub async fn show(State(app): State<App>, v: View, Path(id): Path<String>) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound("this report".into());
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let found = store::list(&mut *app.db.web.acquire().await?, None, Some(id)).await?.pop();
    let is_public = |report: &Report| !report.is_draft() && !report.drill && !report.public_text.trim().is_empty();
    let report = found.filter(is_public).ok_or_else(missing)?;
    page(&PublicPage { v, rows: vec![report] })
}
