//! Messages of people that were no report: read by somebody, with a line in the audit.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use sqlx::Acquire as _;
use uuid::Uuid;

use super::{Wanted, queue_page};
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::reports::store::stray;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;

pub async fn read(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    if !stray::read(&mut tx, id, (v.now, &staff.username)).await? {
        return Err(ApiError::NotFound(v.t("strays-gone")));
    }
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), Entry::new(Act::MessageRead, "message", id)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/reports").into_response())
}

/// Shows the telephone that a message came from, and writes down who looked.
pub async fn contact(
    State(app): State<App>,
    staff: May<can::SeeResidents>,
    mut v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut tx = conn.begin().await?;
    let telephone = stray::source(&mut tx, id).await?.ok_or_else(|| ApiError::NotFound(v.t("strays-gone")))?;
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), Entry::new(Act::MessageReadContact, "message", id)).await?;
    tx.commit().await?;
    drop(conn);
    v.here = "/console/reports".into();
    queue_page(&app, v, Wanted::default(), Some((id, telephone))).await
}
