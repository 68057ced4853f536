//! Where a report of the desk came from, and what lies near a place that is being told.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::occurrences::Origin;
use crate::reports::Spot;

pub async fn add(
    conn: &mut PgConnection,
    report: Uuid,
    kind: Origin,
    alert: Option<Uuid>,
    detail: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into report_cause (report_id, kind, alert_id, detail) values ($1, $2, $3, $4)",
        report,
        kind.as_str(),
        alert,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Origins of the reports of an occurrence.
#[derive(Clone, Debug)]
pub struct Came {
    pub report_id: Uuid,
    pub kind: String,
    pub alert_id: Option<Uuid>,
    pub detail: Value,
}

pub async fn of(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Came>> {
    sqlx::query_as!(
        Came,
        "select g.report_id, g.kind, g.alert_id, g.detail from report_cause g join report_standing s on s.report_id = g.report_id
         where s.occurrence_id = $1 limit 500",
        occurrence
    )
    .fetch_all(conn)
    .await
}

/// What the service itself saw, as it stands now: what it says, and where that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub detail: Value,
    pub alert: Option<Uuid>,
    pub spot: Option<Spot>,
    pub place: String,
    pub cobrade: Option<String>,
}

/// Half the diagonal of an area, as the uncertainty of its middle.
fn spot(lon: Option<f64>, lat: Option<f64>, metres: Option<f64>) -> Option<Spot> {
    let precision_m = metres.unwrap_or_default().ceil().clamp(30.0, 20_000.0) as i32;
    Some(Spot { lon: lon?, lat: lat?, precision_m })
}

/// The alert of this number that has left.
pub async fn alert(conn: &mut PgConnection, number: &str) -> sqlx::Result<Option<Seen>> {
    let row = sqlx::query!(
        r#"select a.id, a.number as "number!", a.headline, a.cobrade, p.name as "name?", st_x(p.at) as lon, st_y(p.at) as lat, p.metres
           from alert a left join lateral (
               select t.name, st_pointonsurface(t.geom) as at,
                      st_distance(st_makepoint(st_xmin(t.geom), st_ymin(t.geom))::geography,
                                  st_makepoint(st_xmax(t.geom), st_ymax(t.geom))::geography) / 2 as metres
               from alert_area t where t.alert_id = a.id
               and (select count(*) from alert_area o where o.alert_id = a.id) = 1 limit 1) p on true
           where a.number = $1 and a.issued_at is not null"#,
        number
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Seen {
        detail: json!({ "number": row.number, "headline": row.headline }),
        alert: Some(row.id),
        spot: spot(row.lon, row.lat, row.metres),
        place: row.name.unwrap_or_default(),
        cobrade: Some(row.cobrade),
    }))
}

/// The last change of level of an area, of this hazard or, without one, of the worst.
pub async fn level(conn: &mut PgConnection, area: &str, cobrade: &str) -> sqlx::Result<Option<Seen>> {
    let row = sqlx::query!(
        r#"select a.name, a.code, t.id as "transition?", t.cobrade as "cobrade?", t.from_level as "from_level?", t.to_level as "to_level?",
               t.at as "at?", t.rule_id as "rule_id?", t.rule_version as "rule_version?",
               st_x(st_pointonsurface(a.geom)) as lon, st_y(st_pointonsurface(a.geom)) as lat,
               st_distance(st_makepoint(st_xmin(a.geom), st_ymin(a.geom))::geography,
                           st_makepoint(st_xmax(a.geom), st_ymax(a.geom))::geography) / 2 as metres
           from risk_area a left join lateral (
               select * from level_transition t where t.area_id = a.id and ($2 = '' or t.cobrade = $2)
               order by t.at desc, t.id desc limit 1) t on true
           where a.code = $1 and a.retired_at is null"#,
        area,
        cobrade
    )
    .fetch_optional(conn)
    .await?;
    let row = row.filter(|row| row.transition.is_some());
    Ok(row.map(|row| Seen {
        detail: json!({ "area": row.code, "name": row.name, "cobrade": row.cobrade, "transition": row.transition,
            "from": row.from_level, "to": row.to_level, "at": row.at, "rule": row.rule_id, "rule_version": row.rule_version }),
        alert: None,
        spot: spot(row.lon, row.lat, row.metres),
        place: row.name,
        cobrade: row.cobrade,
    }))
}

/// The newest reading of a stream.
pub async fn reading(conn: &mut PgConnection, station: &str, stream: &str) -> sqlx::Result<Option<Seen>> {
    let row = sqlx::query!(
        r#"select s.name, s.code, d.name as stream, d.unit, l.value, l.observed_at, l.quality, st_x(s.geom) as lon, st_y(s.geom) as lat
           from station s join datastream d on d.station_id = s.id join stream_latest l on l.datastream_id = d.id
           where s.code = $1 and d.name = $2"#,
        station,
        stream
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Seen {
        detail: json!({ "station": row.code, "name": row.name, "stream": row.stream, "value": row.value, "unit": row.unit,
            "at": row.observed_at, "quality": row.quality }),
        alert: None,
        spot: spot(row.lon, row.lat, None),
        place: row.name,
        cobrade: None,
    }))
}

/// An open occurrence that may be what somebody is telling just now.
#[derive(Clone, Debug)]
pub struct Near {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub priority: i16,
    pub last_at: DateTime<Utc>,
    pub words: String,
    pub place: String,
    pub neighbourhood: String,
    pub distance_m: Option<f64>,
}

/// The most that is offered.
const MOST: i64 = 8;

/// Open occurrences of three days around a place, the nearest first; without a place the newest of the kind that have none either.
pub async fn near(conn: &mut PgConnection, there: Option<Spot>, kind: &str, now: Instant) -> sqlx::Result<Vec<Near>> {
    let reach_m = there.map_or(0.0, |spot| 500.0 + f64::from(spot.precision_m.min(1500)));
    sqlx::query_as!(
        Near,
        r#"with here as (select st_setsrid(st_makepoint($1, $2), 4326) as at),
           close as (
               select o.*, st_distance(o.geom::geography, h.at::geography) as distance_m
               from occurrence o, here h
               where o.state in ('new', 'confirmed', 'dispatched', 'on_scene') and o.last_at > $5::timestamptz - interval '3 days'
                 and case when h.at is null then o.geom is null and o.kind = $4
                          else o.geom && st_expand(h.at, $3::float8 / 90000.0::float8) end)
           select c.id as "id!", c.number as "number!", c.kind as "kind!", c.state as "state!", c.priority as "priority!",
               c.last_at as "last_at!", c.neighbourhood as "neighbourhood!", c.distance_m,
               coalesce(r.words, '') as "words!", coalesce(r.place, '') as "place!"
           from close c left join lateral (
               select r.words, r.place from report_standing s join report r on r.id = s.report_id
               where s.occurrence_id = c.id order by r.received_at desc, r.id desc limit 1) r on true
           where c.distance_m is null or c.distance_m <= $3
           order by c.distance_m nulls last, c.last_at desc, c.id limit $6"#,
        there.map(|spot| spot.lon) as Option<f64>,
        there.map(|spot| spot.lat) as Option<f64>,
        reach_m,
        kind,
        now,
        MOST
    )
    .fetch_all(conn)
    .await
}
