//! Readings that could not be understood, with the field and the value that were wrong.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::app::App;
use crate::clock::Instant;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/quarantine", get(list))
}

const A_PAGE: i64 = 100;

struct Held {
    received_at: Instant,
    source: String,
    device: String,
    topic: String,
    reason: String,
    field: String,
    value: String,
    payload: String,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
struct QuarantinePage {
    f: Frame,
    rows: Vec<Held>,
    at_page: i64,
    more: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    page: i64,
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "quarantine").await?;
    let at_page = wanted.page.clamp(0, 100_000);
    let rows = sqlx::query!(
        r#"select received_at, source, coalesce(device, '') as "device!", coalesce(topic, '') as "topic!", reason, field, value,
                  substring(payload from 1 for 2000) as "payload!"
           from quarantine order by received_at desc, id desc limit $1 offset $2"#,
        A_PAGE + 1,
        at_page * A_PAGE
    )
    .fetch_all(&mut *conn)
    .await?;
    let more = rows.len() as i64 > A_PAGE;
    let rows = rows.into_iter().take(A_PAGE as usize).map(|row| Held {
        received_at: row.received_at,
        source: row.source,
        device: row.device,
        topic: row.topic,
        reason: row.reason,
        field: row.field,
        value: row.value,
        payload: String::from_utf8_lossy(&row.payload).into_owned(),
    });
    page(&QuarantinePage { rows: rows.collect(), at_page, more, f })
}
