//! What a stream measured over time: readings one by one, or one value a window; as JSON, GeoJSON or CSV.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::clock::Instant;
use crate::history::csv;
use crate::history::series::{Bucket, Function, Plan, Range, Wrong, parse_window, usual_function};
use crate::history::store::{self, Place, Reading, Stream, Told};
use crate::web::api::imports::Query;
use crate::web::error::{ApiError, Problem};

/// Readings of a page: unless asked otherwise, and at most. Also what an export holds in memory at a time.
const PAGE: i64 = 1_000;
const MAX_PAGE: i64 = 10_000;

/// Which series.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesQuery {
    /// The stream's name, such as "rain"; may be left out where the station has only one.
    stream: Option<String>,
    /// After this instant (RFC 3339 with offset). Without it, a day before `to`.
    from: Option<String>,
    /// Up to this instant; now, when left out. At most 3660 days after `from`.
    to: Option<String>,
    /// Length of a bucket, 1m to 366d: "10m", "1h", "1d". Without it the readings themselves. Buckets begin at `from`.
    window: Option<String>,
    /// sum, mean, min, max, last or count. Without it mean for values of an instant, otherwise sum: of a counter that of its steps.
    function: Option<String>,
    /// Readings in one answer, 1 to 10000, otherwise 1000. Only without `window`.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<i64>,
    /// `next` of the page before. Only without `window`.
    cursor: Option<String>,
    /// json, geojson or csv; stands above the header Accept.
    f: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    GeoJson,
    Csv,
}

impl Form {
    fn of(wanted: Option<&str>, headers: &HeaderMap) -> Result<Self, ApiError> {
        match wanted {
            Some("json") => Ok(Self::Json),
            Some("geojson") => Ok(Self::GeoJson),
            Some("csv") => Ok(Self::Csv),
            Some(other) => Err(ApiError::field("f", other, "expected json, geojson or csv")),
            None => {
                let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let mut named = accept.split([',', ';']).map(str::trim);
                let form = named.find_map(|kind| match kind {
                    "application/json" => Some(Self::Json),
                    "application/geo+json" => Some(Self::GeoJson),
                    "text/csv" => Some(Self::Csv),
                    _ => None,
                });
                Ok(form.unwrap_or(Self::Json))
            }
        }
    }
}

/// A stream over time. Either `readings` or `buckets` is there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SeriesView {
    pub stream: Stream,
    #[schema(value_type = String)]
    pub from: Instant,
    #[schema(value_type = String)]
    pub to: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_s: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub function: Option<Function>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<Bucket>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings: Option<Vec<Reading>>,
    /// The cursor of the next page of readings; null at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        Self::field(wrong.field, wrong.value, wrong.message)
    }
}

fn instant(field: &str, text: &str) -> Result<Instant, ApiError> {
    // In a query an unescaped "+" arrives as a space.
    let parsed = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    let expected = "expected an instant with offset, such as 2026-02-24T00:00:00-03:00";
    parsed.map(|at| at.to_utc()).map_err(|_| ApiError::field(field, text, expected))
}

impl SeriesQuery {
    fn range(&self, now: Instant) -> Result<Range, ApiError> {
        let to = self.to.as_deref().map(|text| instant("to", text)).transpose()?.unwrap_or(now);
        let day_before = || to.checked_sub_signed(chrono::TimeDelta::days(1)).unwrap_or(to);
        let from = self.from.as_deref().map(|text| instant("from", text)).transpose()?.unwrap_or_else(day_before);
        Ok(Range::checked(from, to)?)
    }

    fn plan(&self, stream: &Stream, range: Range) -> Result<Option<Plan>, ApiError> {
        let Some(window) = self.window.as_deref() else {
            return match &self.function {
                Some(function) => Err(ApiError::field("function", function.as_str(), "goes with `window`")),
                None => Ok(None),
            };
        };
        for (field, given) in [("limit", self.limit.map(|limit| limit.to_string())), ("cursor", self.cursor.clone())] {
            if let Some(value) = given {
                return Err(ApiError::field(field, value, "goes with readings; buckets come in one answer"));
            }
        }
        let function = match self.function.as_deref() {
            None => usual_function(stream.kind),
            Some(word) => {
                let expected = "expected sum, mean, min, max, last or count";
                word.parse().map_err(|_| ApiError::field("function", word, expected))?
            }
        };
        Ok(Some(Plan::checked(range, parse_window(window)?, function, stream.kind)?))
    }

    fn page(&self, range: Range) -> Result<(i64, Option<Place>), ApiError> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(ApiError::field("limit", limit.to_string(), format!("expected 1 to {MAX_PAGE}")));
        }
        let Some(text) = self.cursor.as_deref() else { return Ok((limit, None)) };
        // Where nobody said from when, the range moved on while the pages were read.
        let moved = if self.from.is_some() { chrono::TimeDelta::zero() } else { chrono::TimeDelta::days(1) };
        let earliest = range.from.checked_sub_signed(moved).unwrap_or(range.from);
        let place = place_in(text, Range { from: earliest, ..range })?;
        Ok((limit, (place.at > range.from).then_some(place)))
    }
}

/// A cursor is an instant in microseconds and a place in the journal.
fn place(text: &str) -> Result<Place, ApiError> {
    let wrong = || ApiError::field("cursor", text, "expected `next` of the page before");
    let (at, seq) = text.split_once('.').ok_or_else(wrong)?;
    let at = at.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(wrong)?;
    Ok(Place { at, seq: seq.parse().map_err(|_| wrong())? })
}

/// A cursor of another question is none of this one.
fn place_in(text: &str, range: Range) -> Result<Place, ApiError> {
    let place = place(text)?;
    if place.at <= range.from || place.at > range.to {
        let message = format!("expected `next` of a page after {} and up to {}", range.from, range.to);
        return Err(ApiError::field("cursor", text, message));
    }
    Ok(place)
}

fn next_of(readings: &[Reading], limit: i64) -> Option<String> {
    let full = i64::try_from(readings.len()).is_ok_and(|count| count == limit);
    readings.last().filter(|_| full).map(|last| format!("{}.{}", last.at.timestamp_micros(), last.seq))
}

/// The stream that was asked for.
async fn stream_of(app: &App, code: &str, name: Option<&str>) -> Result<Stream, ApiError> {
    if !crate::stations::is_code(code) {
        return Err(ApiError::NotFound(format!("station {code:?}")));
    }
    let mut conn = app.db.web.acquire().await?;
    let mut streams = store::streams(&mut conn, code).await.map_err(ApiError::Internal)?;
    if streams.is_empty() {
        return Err(ApiError::NotFound(format!("station {code:?} with streams")));
    }
    let names = streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        None if streams.len() == 1 => Ok(streams.remove(0)),
        None => Err(ApiError::field("stream", "", format!("expected one of: {names}"))),
        Some(name) => match streams.iter().position(|stream| stream.name == name) {
            Some(index) => Ok(streams.swap_remove(index)),
            None => Err(ApiError::field("stream", name, format!("expected one of: {names}"))),
        },
    }
}

/// What a stream of a station measured. With `window` one value a bucket, each with its quality: `missing` where nothing came
/// (value null, never zero), `fail` where all that came failed, `suspect` where something is in doubt. Without it the readings,
/// each as it counts today: the newest revision, with the worst that was said of it. Open data.
///
/// # Errors
/// 400 names the parameter; 404 without such a station.
#[utoipa::path(get, path = "/api/v1/stations/{code}/series", tag = "catalogue",
    params(("code" = String, Path, description = "The station's code"), SeriesQuery),
    responses((status = 200, content((SeriesView = "application/json"), (Object = "application/geo+json"), (String = "text/csv"))),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<App>,
    Path(code): Path<String>,
    Query(query): Query<SeriesQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let form = Form::of(query.f.as_deref(), &headers)?;
    let stream = stream_of(&app, &code, query.stream.as_deref()).await?;
    let range = query.range(app.clock.now())?;
    match (query.plan(&stream, range)?, form) {
        (None, Form::Csv) => {
            let (_, after) = query.page(range)?;
            Ok(download(app, stream, range, after))
        }
        (None, _) => {
            let (limit, after) = query.page(range)?;
            let mut conn = app.db.web.acquire().await?;
            let readings = store::readings(&mut conn, &stream, Told::Newest, range, after, limit).await?;
            let next = next_of(&readings, limit);
            Ok(answer(form, view(stream, range, None, None, Some((readings, next)))))
        }
        (Some(plan), _) => {
            let mut conn = app.db.web.acquire().await?;
            let closed = store::last_closed(&mut conn, range).await?;
            hours_at_least(closed, &plan)?;
            let buckets = app.past.series(&app.db.web, &mut conn, &stream, &plan).await?;
            if form == Form::Csv {
                let lines: String = buckets.iter().map(|bucket| csv::bucket_line(&stream, bucket)).collect();
                return Ok(as_csv(&stream, Body::from(format!("{}{lines}", csv::BUCKET_HEAD))));
            }
            Ok(answer(form, view(stream, range, Some(plan), Some(buckets), None)))
        }
    }
}

/// Where only hours are kept nothing finer can be told.
fn hours_at_least(closed: Option<NaiveDate>, plan: &Plan) -> Result<(), ApiError> {
    match closed {
        Some(month) if plan.window_s < 3_600 => {
            let message = format!("expected 1h or more: of {} and before only hours are kept", month.format("%Y-%m"));
            Err(ApiError::field("window", format!("{}s", plan.window_s), message))
        }
        _ => Ok(()),
    }
}

fn view(
    stream: Stream,
    range: Range,
    plan: Option<Plan>,
    buckets: Option<Vec<Bucket>>,
    page: Option<(Vec<Reading>, Option<String>)>,
) -> SeriesView {
    let (readings, next) = page.map_or((None, None), |(readings, next)| (Some(readings), next));
    let (window_s, function) = (plan.map(|plan| plan.window_s), plan.map(|plan| plan.function));
    SeriesView { stream, from: range.from, to: range.to, window_s, function, buckets, readings, next }
}

fn answer(form: Form, view: SeriesView) -> Response {
    if form == Form::Json {
        return Json(view).into_response();
    }
    let id = format!("{}:{}", view.stream.station, view.stream.name);
    let geometry = json!({"type": "Point", "coordinates": [view.stream.lon, view.stream.lat]});
    let feature = json!({"type": "Feature", "id": id, "geometry": geometry, "properties": view});
    ([(header::CONTENT_TYPE, "application/geo+json")], feature.to_string()).into_response()
}

fn as_csv(stream: &Stream, body: Body) -> Response {
    // Codes and names of streams have no character that a header could not hold.
    let name = format!("attachment; filename=\"{}-{}.csv\"", stream.station.replace(':', "_"), stream.name);
    let name = HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response()
}

/// What is left to write of a download.
struct Left {
    app: App,
    stream: Stream,
    range: Range,
    after: Option<Place>,
    begun: bool,
    ended: bool,
}

/// All readings of the range, a page in memory at a time, so that years cost no more than a day.
fn download(app: App, stream: Stream, range: Range, after: Option<Place>) -> Response {
    let left = Left { app, stream: stream.clone(), range, after, begun: false, ended: false };
    as_csv(&stream, Body::from_stream(stream::try_unfold(left, piece)))
}

async fn piece(mut left: Left) -> sqlx::Result<Option<(Bytes, Left)>> {
    if left.ended {
        return Ok(None);
    }
    let mut conn = left.app.db.web.acquire().await?;
    let readings = store::readings(&mut conn, &left.stream, Told::Newest, left.range, left.after, MAX_PAGE).await?;
    drop(conn);
    let mut text = if left.begun { String::new() } else { csv::head(false).to_owned() };
    readings.iter().for_each(|reading| text.push_str(&csv::line(&left.stream, reading, false)));
    left.begun = true;
    match next_of(&readings, MAX_PAGE).and_then(|next| place(&next).ok()) {
        Some(place) => left.after = Some(place),
        None => left.ended = true,
    }
    Ok(Some((Bytes::from(text), left)))
}
