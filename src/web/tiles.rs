//! Vector tiles (MVT 2.1) made by PostGIS from the imported areas and the stations. They hold what anyone may know.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Instant;
use crate::feeds::warnings::shown::{self, Wish};
use crate::stations::health::store as health;
use crate::web::error::ApiError;
use crate::web::situation;

/// Deeper tiles are drawn from these by the map itself.
const MAX_ZOOM: i32 = 16;
/// A state that follows hundreds of municipalities has many at once.
const MOST_WARNINGS: i64 = 1000;

pub fn routes() -> Router<App> {
    Router::new().route("/tiles/{layer}/{z}/{x}/{y}", get(tile))
}

/// A tile of `areas` (with `labels`), `stations`, or `warnings` of other institutions. Answers 304 while nothing it shows has changed.
async fn tile(
    State(app): State<App>,
    Path((layer, z, x, y)): Path<(String, i32, i32, i32)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !(0..=MAX_ZOOM).contains(&z) {
        return Err(ApiError::field("z", z.to_string(), format!("expected 0 to {MAX_ZOOM}")));
    }
    let side = 1_i32 << z;
    for (field, value) in [("x", x), ("y", y)] {
        if !(0..side).contains(&value) {
            return Err(ApiError::field(field, value.to_string(), format!("expected 0 to {} at zoom {z}", side - 1)));
        }
    }
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    let version = match layer.as_str() {
        "areas" => situation::level_version(&mut conn).await?,
        "stations" => station_version(&mut conn, now).await?,
        "warnings" => shown::version(&mut conn, now).await?,
        _ => return Err(ApiError::NotFound(format!("the layer {layer:?}; there are areas, stations and warnings"))),
    };
    let tag = format!("\"{layer}-{version}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let body = match layer.as_str() {
        "areas" => areas(&mut conn, z, x, y).await?,
        "warnings" => warnings(&mut conn, now, z, x, y).await?,
        _ => stations(&mut conn, now, z, x, y).await?,
    };
    let tag = HeaderValue::from_str(&tag).map_err(|error| ApiError::Internal(error.into()))?;
    let kind = HeaderValue::from_static("application/vnd.mapbox-vector-tile");
    let cache = HeaderValue::from_static("public, no-cache");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache), (header::ETAG, tag)], body).into_response())
}

/// Polygons with their worst level and the hazards that no gauge speaks for (`blind`, empty for none), and a point in each for its name, so that a name stands once.
async fn areas(conn: &mut PgConnection, z: i32, x: i32, y: i32) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar!(
        r#"with tile as (select st_tileenvelope($1, $2, $3) as box),
           near as (select w.area_id as id, w.name, w.level, w.rank, coalesce(w.grade, '') as grade,
                           coalesce(array_to_string(b.hazards, ','), '') as blind, st_transform(w.geom, 3857) as geom
                    from area_worst w left join area_blind b on b.area_id = w.area_id, tile where w.geom && st_transform(st_expand(tile.box, st_xmax(tile.box) - st_xmin(tile.box)), 4326)),
           polygons as (select id, name, level, rank, grade, blind, st_asmvtgeom(geom, box, 4096, 64) as geom from near, tile),
           points as (select name, level, rank, st_asmvtgeom(st_pointonsurface(geom), box, 4096, 0) as geom from near, tile)
           select coalesce((select st_asmvt(polygons, 'areas', 4096, 'geom') from polygons where geom is not null), '')
               || coalesce((select st_asmvt(points, 'labels', 4096, 'geom') from points where geom is not null), '') as "tile!""#,
        z,
        x,
        y
    )
    .fetch_one(conn)
    .await
}

/// `fresh` is "true", "false" for silent ones, and "doubt" for those that speak but have a fault. Gauges with the rain of the last 24 hours, rounded as the map shows it; other stations with their last value.
async fn stations(conn: &mut PgConnection, now: Instant, z: i32, x: i32, y: i32) -> sqlx::Result<Vec<u8>> {
    let all = situation::stations(&mut *conn, now, None).await?;
    let doubtful: BTreeSet<String> =
        health::faults(&mut *conn, None, now).await?.into_iter().map(|f| f.station).collect();
    let (mut ids, mut shown, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for station in all.iter().filter(|station| station.quantity != "battery") {
        if ids.last() == Some(&station.id.0) {
            continue;
        }
        // Of a gauge of which nothing is believed no sum is known, least of all the last that it said.
        let value = if station.kind == "instantaneous" { station.value } else { station.sum_24h };
        ids.push(station.id.0);
        shown.push(value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0}")));
        let word = if doubtful.contains(&station.code) { "doubt" } else { "true" };
        fresh.push(if station.fresh { word } else { "false" }.to_owned());
    }
    sqlx::query_scalar!(
        r#"with tile as (select st_tileenvelope($1, $2, $3) as box),
           point as (select s.code, s.name, n.shown, n.fresh,
                            st_asmvtgeom(st_transform(s.geom, 3857), tile.box, 4096, 256) as geom
                     from unnest($4::bigint[], $5::text[], $6::text[]) as n (id, shown, fresh)
                     join station s on s.id = n.id, tile)
           select coalesce((select st_asmvt(point, 'stations', 4096, 'geom') from point where geom is not null), '') as "tile!""#,
        z,
        x,
        y,
        &ids,
        &shown,
        &fresh
    )
    .fetch_one(conn)
    .await
}

/// The ground of real, open, public warnings of other institutions, with their own colours.
async fn warnings(conn: &mut PgConnection, now: Instant, z: i32, x: i32, y: i32) -> sqlx::Result<Vec<u8>> {
    let wish = Wish { open: true, public: true, limit: MOST_WARNINGS, ..Wish::default() };
    let ids: Vec<i64> = shown::list(&mut *conn, now, wish).await?.into_iter().map(|warning| warning.id).collect();
    sqlx::query_scalar!(
        r#"with tile as (select st_tileenvelope($1, $2, $3) as box),
           ground as (select w.id, w.event, w.level, w.colour,
                             st_asmvtgeom(st_transform(st_intersection(st_collectionextract(st_union(array[w.polygons, w.circles]), 3),
                                 st_makeenvelope(-180, -85, 180, 85, 4326)), 3857), tile.box, 4096, 64) as geom
                      from outside_warning w, tile where w.id = any($4)
                        and st_collect(array[w.polygons, w.circles]) && st_transform(tile.box, 4326))
           select coalesce((select st_asmvt(ground, 'warnings', 4096, 'geom') from ground where geom is not null), '') as "tile!""#,
        z,
        x,
        y,
        &ids
    )
    .fetch_one(conn)
    .await
}

/// Changes with every reading, and each minute, because gauges fall silent without any reading.
async fn station_version(conn: &mut PgConnection, now: Instant) -> sqlx::Result<String> {
    let newest = crate::journal::head(conn).await?.map_or(0, |head| head.seq.0);
    Ok(format!("{newest}-{}", now.timestamp() / 60))
}
