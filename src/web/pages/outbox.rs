//! What would have left: the messages of the sink, as their readers would see them.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::app::App;
use crate::audit::{Act, Entry, record};
use crate::clock::Instant;
use crate::web::auth::{May, can};
use crate::web::delivery::mask;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/outbox", get(list))
}

const A_PAGE: i64 = 60;

struct Sunk {
    at: Instant,
    channel: String,
    address: String,
    subject: String,
    body: String,
    /// None for a notice.
    alert: Option<uuid::Uuid>,
    /// The code or link in it is not for this reader.
    hidden: bool,
    number: String,
    area: String,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    f: Frame,
    rows: Vec<Sunk>,
    channel: String,
    total: i64,
    at_page: i64,
    more: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    channel: String,
    #[serde(default)]
    page: i64,
}

async fn list(
    State(app): State<App>,
    staff: May<can::SeeDeliveries>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "outbox").await?;
    // A code or a link opens an account: whoever makes accounts may see it, and everybody in a demonstration.
    let secrets = !app.config.demo.notice.is_empty()
        || f.v.staff.as_ref().is_some_and(|staff| staff.permissions.allow(Permission::ManageStaff));
    let channel = if matches!(wanted.channel.as_str(), "sms" | "email") { wanted.channel } else { String::new() };
    let at_page = wanted.page.clamp(0, 100_000);
    let rows = sqlx::query!(
        r#"select s.at, s.channel, s.address, s.subject, s.body, a.id as "alert?", coalesce(a.number, '') as "number!",
                  coalesce(r.name, '') as "area!"
           from sink_message s left join outbox o on o.id = s.outbox_id left join alert a on a.id = o.alert_id
           left join risk_area r on r.id = o.area_id
           where $1 = '' or s.channel = $1 order by s.id desc limit $2 offset $3"#,
        channel,
        A_PAGE + 1,
        at_page * A_PAGE
    )
    .fetch_all(&mut *conn)
    .await?;
    let total =
        sqlx::query_scalar!(r#"select count(*) as "total!" from sink_message where $1 = '' or channel = $1"#, channel)
            .fetch_one(&mut *conn)
            .await?;
    let read = json!({ "messages": rows.len().min(A_PAGE as usize), "page": at_page, "channel": channel });
    let entry = Entry::new(Act::DeliveriesRead, "messages", "list").to(read);
    record(&mut conn, &app.ids, f.v.now, &staff.actor(), entry).await?;
    let more = rows.len() as i64 > A_PAGE;
    let rows = rows.into_iter().take(A_PAGE as usize).map(|row| Sunk {
        at: row.at,
        channel: row.channel,
        address: mask(&row.address),
        subject: row.subject,
        hidden: row.alert.is_none() && !secrets,
        body: if row.alert.is_some() || secrets { row.body } else { String::new() },
        alert: row.alert,
        number: row.number,
        area: row.area,
    });
    page(&OutboxPage { rows: rows.collect(), channel, total, at_page, more, f })
}
