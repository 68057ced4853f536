//! OGC API – Features, Part 1: Core (OGC 17-069r4) over areas, stations, incidents, occurrences and shelters, in GeoJSON. Open data: no
//! sign-in.

mod past;
mod shelters;
mod work;

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::app::App;
use crate::clock::Instant;
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
    Incidents,
    Occurrences,
    Shelters,
}

impl Collection {
    const ALL: [Self; 5] = [Self::Areas, Self::Stations, Self::Incidents, Self::Occurrences, Self::Shelters];

    const fn id(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Stations => "stations",
            Self::Incidents => "incidents",
            Self::Occurrences => "occurrences",
            Self::Shelters => "shelters",
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
            Self::Stations => ("Estações", "Stations with what they measured last, and of what quality."),
            Self::Incidents => (
                "Incidentes",
                "Incidents with their hazard, state and number of occurrences, at the neighbourhoods they touch. Without titles and names.",
            ),
            Self::Occurrences => (
                "Ocorrências",
                "Occurrences that were confirmed, with hazard, state and priority, at a point of their neighbourhood. Without words and names.",
            ),
            Self::Shelters => {
                ("Abrigos", "Shelters with their capacity, and whether they are open. Nothing of persons.")
            }
        };
        let id = self.id();
        json!({
            "id": id, "title": title, "description": description, "itemType": "feature",
            "crs": [CRS84], "storageCrs": CRS84,
            "links": [
                link(&format!("{base}/collections/{id}"), "self", "application/json"),
                link(&format!("{base}/collections/{id}/items"), "items", "application/geo+json"),
            ],
        })
    }
}

/// The only reference system that is spoken: longitude, latitude on WGS84.
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";

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
        "description": "Risk areas, stations, incidents, occurrences and shelters of the municipal civil defense.",
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
    /// An instant, or two with `/` between; `..` is open. Stations are those whose newest reading lies in it. Areas are those
    /// that were in service then, as they were at its end. Incidents and occurrences are those that were open within it, and so are
    /// shelters.
    datetime: Option<String>,
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

/// Since when and until when; an open end is none.
type Period = (Option<Instant>, Option<Instant>);

fn period(text: &str) -> Result<Period, ApiError> {
    let wrong =
        || ApiError::field("datetime", text, "expected an instant (RFC 3339), or two with / between; .. is open");
    let end = |part: &str| match part {
        "" | ".." => Ok(None),
        _ => DateTime::parse_from_rfc3339(&part.replace(' ', "+")).map(|at| Some(at.to_utc())).map_err(|_| wrong()),
    };
    let (from, to) = match text.split_once('/') {
        Some((from, to)) => (end(from)?, end(to)?),
        None => (end(text)?, end(text)?),
    };
    let backwards = from.zip(to).is_some_and(|(from, to)| from > to);
    if backwards || (from.is_none() && to.is_none() && !text.contains("..")) { Err(wrong()) } else { Ok((from, to)) }
}

/// Which features are asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted<'a> {
    code: Option<&'a str>,
    within: Option<[f64; 4]>,
    during: Period,
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
    let during = query.datetime.as_deref().map(period).transpose()?.unwrap_or_default();
    let wanted = Wanted { code: None, within, during };
    let mut conn = app.db.web.acquire().await?;
    let features = features(&mut conn, &base(&app), collection, wanted, (limit, offset)).await?;
    let matched = matched(&mut conn, collection, wanted).await?;
    let address = format!("{}/collections/{}/items", base(&app), collection.id());
    let kept = [("bbox", &query.bbox), ("datetime", &query.datetime)];
    let suffix: String = kept
        .iter()
        .filter_map(|(name, value)| Some(format!("&{name}={}", value.as_deref()?.replace(['+', ' '], "%2B"))))
        .collect();
    let mut links =
        vec![link(&format!("{address}?limit={limit}&offset={offset}{suffix}"), "self", "application/geo+json")];
    let next = offset.saturating_add(limit);
    if next < matched {
        links.push(link(&format!("{address}?limit={limit}&offset={next}{suffix}"), "next", "application/geo+json"));
    }
    if offset > 0 {
        let before = (offset - limit).max(0);
        links.push(link(&format!("{address}?limit={limit}&offset={before}{suffix}"), "prev", "application/geo+json"));
    }
    let answer = json!({
        "type": "FeatureCollection", "features": features, "links": links,
        "timeStamp": app.clock.now(), "numberMatched": matched, "numberReturned": features.len(),
    });
    Ok(geojson(&answer))
}

/// Parameters of one feature.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemQuery {
    /// An area as it was then.
    datetime: Option<String>,
}

async fn item(
    State(app): State<App>,
    Path((id, code)): Path<(String, String)>,
    Query(query): Query<ItemQuery>,
) -> Result<Response, ApiError> {
    let collection = Collection::named(&id)?;
    let during = query.datetime.as_deref().map(period).transpose()?.unwrap_or_default();
    let mut conn = app.db.web.acquire().await?;
    let wanted = Wanted { code: Some(&code), within: None, during };
    let mut found = features(&mut conn, &base(&app), collection, wanted, (1, 0)).await?;
    let mut feature = found.pop().ok_or_else(|| ApiError::NotFound(format!("{id}/{code}")))?;
    let address = format!("{}/collections/{id}", base(&app));
    let own = [
        link(&format!("{address}/items/{code}"), "self", "application/geo+json"),
        link(&address, "collection", "application/json"),
    ];
    match feature["links"].as_array_mut() {
        Some(links) => links.splice(0..0, own).for_each(drop),
        None => feature["links"] = json!(own),
    }
    Ok(geojson(&feature))
}

fn geojson(value: &Value) -> Response {
    // Part 2 asks for the brackets.
    let crs = HeaderValue::from_static("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>");
    let kind = HeaderValue::from_static("application/geo+json");
    let name = HeaderName::from_static("content-crs");
    ([(header::CONTENT_TYPE, kind), (name, crs)], value.to_string()).into_response()
}

async fn features(
    conn: &mut PgConnection,
    base: &str,
    collection: Collection,
    Wanted { code, within, during: (from, to) }: Wanted<'_>,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    if collection == Collection::Areas && (from.is_some() || to.is_some()) {
        return past::areas(conn, Wanted { code, within, during: (from, to) }, (limit, offset)).await;
    }
    let within = within.map(|four| four.to_vec());
    match collection {
        Collection::Incidents => work::incidents(conn, code, within.as_deref(), (from, to), (limit, offset)).await,
        Collection::Occurrences => work::occurrences(conn, code, within.as_deref(), (from, to), (limit, offset)).await,
        Collection::Shelters => shelters::features(conn, (code, within.as_deref()), (from, to), (limit, offset)).await,
        Collection::Areas => {
            sqlx::query_scalar!(
                r#"select jsonb_build_object('type', 'Feature', 'id', a.code, 'geometry', st_asgeojson(a.geom, 6)::jsonb,
                       'properties', jsonb_build_object('code', a.code, 'name', a.name, 'source', a.source,
                           'version', v.number, 'valid_from', v.valid_from, 'details', a.details, 'hazards',
                           coalesce((select jsonb_agg(jsonb_build_object('cobrade', h.cobrade, 'grade', h.grade, 'level',
                               coalesce(l.level, 'unknown'), 'since', l.since_at) order by h.cobrade)
                             from area_hazard h left join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
                             where h.area_id = a.id), '[]'))) as "feature!"
                   from risk_area a left join area_version v on v.code = a.code and v.state = 'effective' and v.valid_until is null
                   where a.retired_at is null and ($1::text is null or a.code = $1)
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
                               'counter_wraps_at', d.counter_wraps_at, 'tip_mm', d.tip_mm, 'latest',
                               case when l.seq is not null then jsonb_build_object('at', l.observed_at, 'value', l.value, 'quality',
                                   case when l.quality = 'fail' or f.failed then 'fail'
                                        when l.quality = 'suspect' or f.failed is not null then 'suspect' else 'pass' end) end)
                               order by d.name)
                             from datastream d left join stream_latest l on l.datastream_id = d.id
                             left join lateral (select bool_or(quality = 'fail') as failed from reading_flag
                                                where journal_seq = l.seq) f on true
                             where d.station_id = s.id), '[]')),
                       'links', (select coalesce(jsonb_agg(jsonb_build_object('rel', 'related', 'type', 'application/json', 'title', d.name,
                               'href', $7::text || '/api/v1/stations/' || s.code || '/series?stream=' || d.name) order by d.name), '[]')
                             from datastream d where d.station_id = s.id)) as "feature!"
                   from station s
                   where not s.is_virtual and ($1::text is null or s.code = $1)
                     and ($2::float8[] is null or s.geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
                     and (($5::timestamptz is null and $6::timestamptz is null) or exists (
                         select from datastream d join stream_latest l on l.datastream_id = d.id where d.station_id = s.id
                             and ($5 is null or l.observed_at >= $5) and ($6 is null or l.observed_at <= $6)))
                   order by s.code limit $3 offset $4"#,
                code,
                within.as_deref(),
                limit,
                offset,
                from,
                to,
                base.trim_end_matches("/ogc")
            )
            .fetch_all(conn)
            .await
        }
    }
}

async fn matched(conn: &mut PgConnection, collection: Collection, wanted: Wanted<'_>) -> sqlx::Result<i64> {
    let Wanted { within, during: (from, to), .. } = wanted;
    if collection == Collection::Areas && (from.is_some() || to.is_some()) {
        return past::matched(conn, wanted).await;
    }
    let within = within.map(|four| four.to_vec());
    match collection {
        Collection::Incidents => work::incidents_matched(conn, within.as_deref(), (from, to)).await,
        Collection::Occurrences => work::occurrences_matched(conn, within.as_deref(), (from, to)).await,
        Collection::Shelters => shelters::matched(conn, within.as_deref(), (from, to)).await,
        Collection::Areas => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from risk_area where retired_at is null and ($1::float8[] is null
                       or geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))"#,
                within.as_deref()
            )
            .fetch_one(conn)
            .await
        }
        Collection::Stations => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!" from station s
                   where not is_virtual and ($1::float8[] is null or geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))
                     and (($2::timestamptz is null and $3::timestamptz is null) or exists (
                         select from datastream d join stream_latest l on l.datastream_id = d.id where d.station_id = s.id
                             and ($2 is null or l.observed_at >= $2) and ($3 is null or l.observed_at <= $3)))"#,
                within.as_deref(),
                from,
                to
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
    fn a_period_may_be_open_at_either_end_and_never_runs_backwards() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let (noon, one) = (at("2026-02-22T12:00:00Z"), at("2026-02-22T13:00:00Z"));
        assert_eq!(period("2026-02-22T12:00:00Z").unwrap(), (Some(noon), Some(noon)));
        assert_eq!(period("2026-02-22T12:00:00Z/..").unwrap(), (Some(noon), None));
        assert_eq!(period("../2026-02-22T10:00:00-03:00").unwrap(), (None, Some(one)));
        for wrong in ["", "now", "2026-02-22", "2026-02-22T13:00:00Z/2026-02-22T12:00:00Z", "/"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_collection_is_not_found() {
        assert!(matches!(Collection::named("rivers"), Err(ApiError::NotFound(_))));
        assert_eq!(Collection::named("areas").unwrap(), Collection::Areas);
    }
}
