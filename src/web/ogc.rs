//! OGC API – Features, Part 1: Core (OGC 17-069r4) over areas and stations, in GeoJSON. Open data: no sign-in.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::app::App;
use crate::web::api::imports::{PageQuery, Query};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/ogc", get(landing))
        .route("/ogc/conformance", get(conformance))
        .route("/ogc/collections", get(collections))
        .route("/ogc/collections/{collection}", get(collection))
        .route("/ogc/collections/{collection}/items", get(items))
        .route("/ogc/collections/{collection}/items/{code}", get(item))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Collection {
    Areas,
    Stations,
}

impl Collection {
    const ALL: [Self; 2] = [Self::Areas, Self::Stations];

    const fn id(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Stations => "stations",
        }
    }

    fn named(id: &str) -> Result<Self, ApiError> {
        let found = Self::ALL.into_iter().find(|collection| collection.id() == id);
        found.ok_or_else(|| ApiError::NotFound(format!("collection {id}")))
    }

    fn description(self, base: &str) -> Value {
        let (title, description) = match self {
            Self::Areas => {
                ("Áreas de risco", "Risk areas with the grade and the present level of each hazard (COBRADE).")
            }
            Self::Stations => ("Estações", "Stations and what they measure."),
        };
        let id = self.id();
        json!({
            "id": id, "title": title, "description": description, "itemType": "feature",
            "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
            "links": [
                link(&format!("{base}/collections/{id}"), "self", "application/json"),
                link(&format!("{base}/collections/{id}/items"), "items", "application/geo+json"),
            ],
        })
    }
}

fn link(href: &str, rel: &str, media_type: &str) -> Value {
    json!({"href": href, "rel": rel, "type": media_type})
}

fn base(app: &App) -> String {
    format!("{}/ogc", app.config.public_url())
}

async fn landing(State(app): State<App>) -> Json<Value> {
    let base = base(&app);
    let api = format!("{}/api/openapi.json", app.config.public_url());
    Json(json!({
        "title": format!("Sentinela – {}", app.config.municipality.name),
        "description": "Risk areas and stations of the municipal civil defense.",
        "links": [
            link(&base, "self", "application/json"),
            link(&api, "service-desc", "application/vnd.oai.openapi+json;version=3.1"),
            link(&format!("{base}/conformance"), "conformance", "application/json"),
            link(&format!("{base}/collections"), "data", "application/json"),
        ],
    }))
}

async fn conformance() -> Json<Value> {
    Json(json!({"conformsTo": [
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    ]}))
}

async fn collections(State(app): State<App>) -> Json<Value> {
    let base = base(&app);
    let all: Vec<Value> = Collection::ALL.into_iter().map(|collection| collection.description(&base)).collect();
    Json(json!({
        "links": [link(&format!("{base}/collections"), "self", "application/json")],
        "collections": all,
    }))
}

async fn collection(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(Collection::named(&id)?.description(&base(&app))))
}

/// Parameters of a list of features. Others are refused, as the standard asks (requirement 8).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemsQuery {
    limit: Option<i64>,
    offset: Option<i64>,
    /// West, south, east, north.
    bbox: Option<String>,
    /// Format; only GeoJSON is spoken.
    f: Option<String>,
}

fn bbox(text: &str) -> Result<[f64; 4], ApiError> {
    let wrong = || ApiError::field("bbox", text, "expected west,south,east,north in degrees");
    let numbers: Vec<f64> =
        text.split(',').map(|part| part.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let four = match numbers.as_slice() {
        [west, south, east, north] | [west, south, _, east, north, _] => [*west, *south, *east, *north],
        _ => return Err(wrong()),
    };
    let [west, south, east, north] = four;
    let good = four.iter().all(|number| number.is_finite()) && south <= north && west <= east;
    if good { Ok(four) } else { Err(wrong()) }
}

async fn items(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<ItemsQuery>,
) -> Result<Response, ApiError> {
    let collection = Collection::named(&id)?;
    if let Some(format) = query.f.as_deref().filter(|format| !["json", "geojson"].contains(format)) {
        return Err(ApiError::field("f", format, "expected json"));
    }
    let (limit, offset) = PageQuery { limit: query.limit, offset: query.offset }.checked()?;
    let within = query.bbox.as_deref().map(bbox).transpose()?;
    let mut conn = app.db.web.acquire().await?;
    let features = features(&mut conn, collection, None, within, (limit, offset)).await?;
    let matched = matched(&mut conn, collection, within).await?;
    let address = format!("{}/collections/{}/items", base(&app), collection.id());
    let suffix = query.bbox.as_deref().map(|bbox| format!("&bbox={bbox}")).unwrap_or_default();
    let mut links =
        vec![link(&format!("{address}?limit={limit}&offset={offset}{suffix}"), "self", "application/geo+json")];
    let next = offset.saturating_add(limit);
    if next < matched {
        links.push(link(&format!("{address}?limit={limit}&offset={next}{suffix}"), "next", "application/geo+json"));
    }
    let answer = json!({
        "type": "FeatureCollection", "features": features, "links": links,
        "timeStamp": app.clock.now(), "numberMatched": matched, "numberReturned": features.len(),
    });
    Ok(geojson(&answer))
}

async fn item(State(app): State<App>, Path((id, code)): Path<(String, String)>) -> Result<Response, ApiError> {
    let collection = Collection::named(&id)?;
    let mut conn = app.db.web.acquire().await?;
    let mut found = features(&mut conn, collection, Some(&code), None, (1, 0)).await?;
    let mut feature = found.pop().ok_or_else(|| ApiError::NotFound(format!("{id}/{code}")))?;
    let address = format!("{}/collections/{id}", base(&app));
    feature["links"] = json!([
        link(&format!("{address}/items/{code}"), "self", "application/geo+json"),
        link(&address, "collection", "application/json"),
    ]);
    Ok(geojson(&feature))
}

fn geojson(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/geo+json")], value.to_string()).into_response()
}

async fn features(
    conn: &mut PgConnection,
    collection: Collection,
    code: Option<&str>,
    within: Option<[f64; 4]>,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    let within = within.map(|four| four.to_vec());
    match collection {
        Collection::Areas => {
            sqlx::query_scalar!(
                r#"select jsonb_build_object('type', 'Feature', 'id', a.code, 'geometry', st_asgeojson(a.geom, 6)::jsonb,
                       'properties', jsonb_build_object('code', a.code, 'name', a.name, 'source', a.source, 'hazards',
                           coalesce((select jsonb_agg(jsonb_build_object('cobrade', h.cobrade, 'grade', h.grade, 'level',
                               coalesce(l.level, 'unknown'), 'since', l.since_at) order by h.cobrade)
                             from area_hazard h left join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
                             where h.area_id = a.id), '[]'))) as "feature!"
                   from risk_area a
                   where ($1::text is null or a.code = $1)
                     and ($2::float8[] is null or a.geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
                   order by a.code limit $3 offset $4"#,
                code,
                within.as_deref(),
                limit,
                offset
            )
            .fetch_all(conn)
            .await
        }
        Collection::Stations => {
            sqlx::query_scalar!(
                r#"select jsonb_build_object('type', 'Feature', 'id', s.code, 'geometry', st_asgeojson(s.geom, 6)::jsonb,
                       'properties', jsonb_build_object('code', s.code, 'name', s.name, 'source', s.source,
                           'elevation_m', s.elevation_m, 'active', s.active, 'streams',
                           coalesce((select jsonb_agg(jsonb_build_object('name', d.name, 'quantity', d.quantity,
                               'unit', d.unit, 'kind', d.kind, 'interval_s', d.interval_s,
                               'counter_wraps_at', d.counter_wraps_at, 'tip_mm', d.tip_mm) order by d.name)
                             from datastream d where d.station_id = s.id), '[]'))) as "feature!"
                   from station s
                   where not s.is_virtual and ($1::text is null or s.code = $1)
                     and ($2::float8[] is null or s.geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
                   order by s.code limit $3 offset $4"#,
                code,
                within.as_deref(),
                limit,
                offset
            )
            .fetch_all(conn)
            .await
        }
    }
}

async fn matched(conn: &mut PgConnection, collection: Collection, within: Option<[f64; 4]>) -> sqlx::Result<i64> {
    let within = within.map(|four| four.to_vec());
    match collection {
        Collection::Areas => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from risk_area where $1::float8[] is null
                       or geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326)"#,
                within.as_deref()
            )
            .fetch_one(conn)
            .await
        }
        Collection::Stations => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from station where not is_virtual and ($1::float8[] is null
                       or geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))"#,
                within.as_deref()
            )
            .fetch_one(conn)
            .await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bbox_has_four_or_six_numbers_in_order() {
        assert_eq!(bbox("-44,-22,-43,-21").unwrap(), [-44.0, -22.0, -43.0, -21.0]);
        assert_eq!(bbox("-44,-22,0,-43,-21,900").unwrap(), [-44.0, -22.0, -43.0, -21.0]);
        for wrong in ["", "1,2,3", "-43,-22,-44,-21", "a,b,c,d", "NaN,0,1,1"] {
            assert!(bbox(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_collection_is_not_found() {
        assert!(matches!(Collection::named("rivers"), Err(ApiError::NotFound(_))));
        assert_eq!(Collection::named("areas").unwrap(), Collection::Areas);
    }
}
