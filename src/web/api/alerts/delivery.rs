//! How the delivery of an alert goes; pause, resume and cancel; whom nothing reached; every message; the report.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::Permission;
use crate::alerts::AlertError;
use crate::app::App;
use crate::audit::{self, Entry};
use crate::dispatch::State as Outcome;
use crate::dispatch::control::{Act, Done, Standing};
use crate::dispatch::desk::Desk;
use crate::dispatch::outbox::Counts;
use crate::dispatch::store::{messages, report};
use crate::dispatch::tally::{Cause, Cell, Forecast, Rate, Tally, Times};
use crate::ids::AlertId;
use crate::web::api::imports::Query;
use crate::web::auth::{May, Staff, can};
use crate::web::delivery::{mask, mask_within};
use crate::web::error::{ApiError, Problem};
use crate::web::json::StrictJson;

/// Everything that is counted of one alert's messages, of one instant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AlertDelivery)]
pub struct Delivery {
    pub at: DateTime<Utc>,
    pub sms: Counts,
    pub email: Counts,
    pub totals: Counts,
    /// More rows are being written: nothing is promised yet.
    pub spreading: bool,
    /// Rows that were counted when the alert left.
    pub promised: Option<i64>,
    /// Whether the sum of all states is what was promised.
    pub balances: bool,
    /// Residents inside whom no channel reaches.
    pub unreachable: i64,
    /// Messages that were sent again because nobody knew whether the copy before had left.
    pub repeats: i64,
    pub control: Standing,
    pub rates: Vec<Rate>,
    pub forecast: Forecast,
    pub times: Times,
    pub failures: Vec<Cause>,
    pub suppressed: Vec<Cause>,
    /// Rows by channel, provider, area, grade, state and cause: what all the sums are made of.
    pub cells: Vec<Cell>,
}

impl Delivery {
    fn of(tally: &Tally) -> Self {
        let of = |channel: &str| {
            tally
                .by_channel()
                .into_iter()
                .find(|group| group.name == channel)
                .map_or_else(Counts::default, |group| group.counts)
        };
        let (sms, email) = (of("sms"), of("email"));
        Self {
            at: tally.at,
            sms,
            email,
            totals: tally.totals(),
            spreading: tally.is_spreading(),
            promised: tally.promised,
            balances: tally.balances(),
            unreachable: tally.unreachable,
            repeats: tally.repeated(),
            control: tally.standing.clone(),
            rates: tally.rates(),
            forecast: tally.forecast(),
            times: tally.times(),
            failures: tally.causes(&[Outcome::Rejected, Outcome::Undelivered, Outcome::Expired, Outcome::Unknown]),
            suppressed: tally.causes(&[Outcome::Suppressed]),
            cells: tally.cells.clone(),
        }
    }
}

/// How the delivery of an alert goes, at most about a second old. All zero for an alert that never left.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/delivery", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Delivery), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Delivery>, ApiError> {
    let tally = app.deliveries.tally(&app, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    Ok(Json(Delivery::of(&tally)))
}

/// Why a delivery is paused, goes on, or ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryReason {
    /// Kept with the alert, its incident and the audit. 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    pub reason: String,
}

/// Hands nothing more of an alert to providers until it is resumed. What a provider has, or may have, ends as it will; what expires
/// meanwhile has expired. Whoever repeats it changes nothing and is told so.
///
/// # Errors
/// 400 without a reason; 404 when there is none or it never left; 409 when nothing waits, or the rest was cancelled.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/delivery/pause", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = DeliveryReason,
    responses((status = 200, body = Done), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn pause(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<DeliveryReason>,
) -> Result<Json<Done>, ApiError> {
    act(&app, &staff, AlertId(id), Act::Pause, &given.reason).await
}

/// Goes on with what was paused.
///
/// # Errors
/// 400 without a reason; 404; 409 when the rest was cancelled.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/delivery/resume", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = DeliveryReason,
    responses((status = 200, body = Done), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn resume(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<DeliveryReason>,
) -> Result<Json<Done>, ApiError> {
    act(&app, &staff, AlertId(id), Act::Resume, &given.reason).await
}

/// Takes back for good what was not sent yet. The alert itself stays as it is: that it was wrong says its own cancellation.
///
/// # Errors
/// 400 without a reason; 404; 409 when nothing waits.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/delivery/cancel", tag = "alerts", params(("id" = Uuid, Path,)),
    request_body = DeliveryReason,
    responses((status = 200, body = Done), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)), security(("api_token" = [])))]
pub async fn cancel(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    Path(id): Path<Uuid>,
    StrictJson(given): StrictJson<DeliveryReason>,
) -> Result<Json<Done>, ApiError> {
    act(&app, &staff, AlertId(id), Act::Cancel, &given.reason).await
}

async fn act(app: &App, staff: &Staff, id: AlertId, act: Act, reason: &str) -> Result<Json<Done>, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let actor = staff.actor();
    let desk = Desk { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let done = desk.act(&mut tx, id, act, reason).await?;
    tx.commit().await?;
    Ok(Json(done))
}

/// Residents whom nothing of an alert has reached, as squares of about half a kilometre with how many in each (GeoJSON). Whoever may
/// not see residents gets no square with fewer than three.
///
/// # Errors
/// 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/delivery/unreached", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, content((Object = "application/geo+json"))), (status = 404, body = Problem)),
    security(("api_token" = [])))]
pub async fn unreached(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    crate::alerts::store::load(&mut conn, AlertId(id)).await?.ok_or(AlertError::NotFound)?;
    drop(conn);
    let found = app.deliveries.unreached(&app, AlertId(id)).await?;
    let may = staff.permissions.allow(Permission::SeeResidents);
    let shown: Value = if may { found.geojson() } else { found.for_the_many().geojson() };
    Ok(([(header::CONTENT_TYPE, "application/geo+json")], shown.to_string()).into_response())
}

/// The report of an alert's delivery, frozen when nothing of it could move any more: totals, times, failures, providers, cost,
/// unreached by area, what people did to it.
///
/// # Errors
/// 404 when there is no such alert, or while something of it may still move.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/delivery/report", tag = "alerts", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Object), (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn final_report(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = report::load(&mut conn, AlertId(id)).await?;
    let found = found.ok_or_else(|| ApiError::NotFound("a report of this delivery".into()))?;
    let may = staff.permissions.allow(Permission::SeeResidents);
    Ok(Json(if may { found } else { found.for_the_many() }).into_response())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// `masked` (the default) or `full`, which asks for the right to see residents.
    #[param(pattern = "^(masked|full)$")]
    addresses: Option<String>,
}

/// Every message of an alert as CSV, one line a row of the outbox, in the order they were written. The reading is kept in the audit.
///
/// # Errors
/// 400 for an unknown kind of addresses; 403 for full ones without the right to see residents; 404.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/delivery/messages", tag = "alerts", params(("id" = Uuid, Path,), MessagesQuery),
    responses((status = 200, content((String = "text/csv"))), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)), security(("api_token" = [])))]
pub async fn export(
    State(app): State<App>,
    staff: May<can::SeeDeliveries>,
    Path(id): Path<Uuid>,
    Query(query): Query<MessagesQuery>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let full = match query.addresses.as_deref() {
        None | Some("masked") => false,
        Some("full") => {
            staff.require(Permission::SeeResidents)?;
            true
        }
        Some(other) => return Err(ApiError::field("addresses", other, "expected masked or full")),
    };
    let mut tx = app.db.web.begin().await?;
    let alert = crate::alerts::store::load(&mut tx, id).await?.ok_or(AlertError::NotFound)?;
    let what = json!({ "addresses": if full { "full" } else { "masked" } });
    let entry = Entry::new(audit::Act::DeliveriesExport, "alert", id).to(what);
    audit::record(&mut tx, &app.ids, app.clock.now(), &staff.actor(), entry).await?;
    tx.commit().await?;
    let number = alert.row.number.unwrap_or_default().replace('/', "-");
    let name = HeaderValue::from_str(&format!("attachment; filename=\"entrega-{number}.csv\""))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    let left = Left { app, alert: id, full, after: 0, begun: false, ended: false };
    let body = Body::from_stream(stream::try_unfold(left, piece));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// What is left to write of an export.
struct Left {
    app: App,
    alert: AlertId,
    full: bool,
    after: i64,
    begun: bool,
    ended: bool,
}

/// Some thousand lines at a time, so that a million rows cost no more memory than these.
async fn piece(mut left: Left) -> anyhow::Result<Option<(Bytes, Left)>> {
    if left.ended {
        return Ok(None);
    }
    let mut conn = left.app.db.web.acquire().await?;
    let rows = messages::some(&mut conn, left.alert, left.after).await?;
    drop(conn);
    let mut lines = csv::WriterBuilder::new().from_writer(Vec::new());
    if !left.begun {
        lines.write_record(messages::HEAD)?;
    }
    for row in &rows {
        let address = if left.full { row.address.clone() } else { mask(&row.address) };
        let reason = if left.full { row.reason.clone() } else { mask_within(&row.reason, &row.address) };
        lines.write_record(row.record(&address, &reason))?;
    }
    left.begun = true;
    match rows.last() {
        Some(last) => left.after = last.id,
        None => left.ended = true,
    }
    let bytes = lines.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Some((Bytes::from(bytes), left)))
}
