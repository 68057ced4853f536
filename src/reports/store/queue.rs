//! The queue and an occurrence as the pages show them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What of the queue is shown. Texts are `reports-show-FILTER`.
    Filter, "filter of the queue" {
        New = "new",
        Confirmed = "confirmed",
        Dismissed = "dismissed",
        Closed = "closed",
        All = "all",
    }
}

/// One line of the queue.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub last_at: DateTime<Utc>,
    pub trust: f64,
    pub pressing: f64,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub precision_m: Option<i32>,
    pub reports: i64,
    pub reporters: i64,
    pub photographs: i64,
    pub doubtful: i64,
    /// The newest words and place.
    pub words: String,
    pub place: String,
    pub incident_id: Option<Uuid>,
    pub areas: Vec<String>,
}

/// The most pressing first, then the newest.
pub async fn list(
    conn: &mut PgConnection,
    filter: Filter,
    kind: &str,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"select o.id, o.number, o.kind, o.state, o.last_at, o.trust, o.pressing, st_x(o.geom) as lon, st_y(o.geom) as lat,
               o.precision_m, told.reports as "reports!", told.reporters as "reporters!", told.doubtful as "doubtful!",
               (select count(*) from attachment a join report_standing s on s.report_id = a.report_id
                where s.occurrence_id = o.id and a.removed_at is null) as "photographs!",
               coalesce(newest.words, '') as "words!", coalesce(newest.place, '') as "place!", o.incident_id,
               array(select name from risk_area a where a.retired_at is null and st_intersects(a.geom, o.geom) order by name limit 3) as "areas!"
           from occurrence o
           cross join lateral (
               select count(*) as reports, count(distinct r.reporter) as reporters,
                      count(*) filter (where cardinality(r.doubts) > 0) as doubtful
               from report_standing s join report r on r.id = s.report_id where s.occurrence_id = o.id) told
           left join lateral (
               select r.words, r.place from report_standing s join report r on r.id = s.report_id
               where s.occurrence_id = o.id order by r.received_at desc, r.id desc limit 1) newest on true
           where o.state <> 'merged' and ($1 = 'all' or o.state = $1) and ($2 = '' or o.kind = $2)
           order by o.state = 'new' desc, o.pressing desc, o.last_at desc, o.id limit $3 offset $4"#,
        filter.as_str(),
        kind,
        limit,
        offset
    )
    .fetch_all(conn)
    .await
}

/// How many wait, and how many stand otherwise.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows =
        sqlx::query!(r#"select state, count(*) as "count!" from occurrence where state <> 'merged' group by state"#);
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.state, row.count)).collect())
}

/// An occurrence without its reports.
#[derive(Clone, Debug)]
pub struct Occurrence {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub opened_at: DateTime<Utc>,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub trust: f64,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub precision_m: Option<i32>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    pub reason: String,
    pub merged_into: Option<Uuid>,
    pub incident_id: Option<Uuid>,
    pub incident_number: Option<String>,
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Occurrence>> {
    sqlx::query_as!(
        Occurrence,
        r#"select o.id, o.number, o.kind, o.state, o.opened_at, o.first_at, o.last_at, o.trust, st_x(o.geom) as lon,
               st_y(o.geom) as lat, o.precision_m, o.decided_at, o.decided_by, o.reason, o.merged_into, o.incident_id,
               i.number as "incident_number?"
           from occurrence o left join incident i on i.id = o.incident_id where o.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// The occurrence of this number.
pub async fn by_number(conn: &mut PgConnection, number: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from occurrence where number = $1", number).fetch_optional(conn).await
}

/// One person's words with what is thought of them.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: Uuid,
    pub protocol: String,
    pub source: String,
    pub kind: String,
    pub words: String,
    pub place: String,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub precision_m: Option<i32>,
    pub place_from: String,
    pub observed_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub standing: String,
    pub staff: Option<String>,
    pub doubts: Vec<String>,
    pub has_contact: bool,
    pub because: Value,
    pub trust: f64,
    pub reasons: Value,
    pub weight: f64,
}

/// The reports of an occurrence, newest first.
pub async fn reports(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select r.id, r.protocol, r.source, r.kind, r.words, r.place, st_x(r.geom) as lon, st_y(r.geom) as lat, r.precision_m,
               r.place_from, r.observed_at, r.received_at, r.standing, r.staff, r.doubts,
               exists (select from report_contact c where c.report_id = r.id) as "has_contact!",
               s.because, s.trust, s.reasons, s.weight
           from report_standing s join report r on r.id = s.report_id
           where s.occurrence_id = $1 order by r.received_at desc, r.id desc limit 500"#,
        occurrence
    )
    .fetch_all(conn)
    .await
}

/// Where a report stands now.
pub async fn occurrence_of(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<Option<(Uuid, String)>> {
    let row = sqlx::query!(
        "select s.occurrence_id, r.protocol from report_standing s join report r on r.id = s.report_id where r.id = $1",
        report
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.occurrence_id, row.protocol)))
}

/// A line of the timeline.
#[derive(Clone, Debug)]
pub struct Happened {
    pub id: i64,
    /// The earlier line that this one corrects.
    pub corrects: Option<i64>,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub kind: String,
    pub text: String,
    pub detail: Value,
}

/// Newest first.
pub async fn timeline(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Happened>> {
    sqlx::query_as!(
        Happened,
        "select id, corrects, at, actor, kind, text, detail from occurrence_event where occurrence_id = $1 order by id desc limit 500",
        occurrence
    )
    .fetch_all(conn)
    .await
}

/// Another occurrence that may be the same.
#[derive(Clone, Debug)]
pub struct Neighbour {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub state: String,
    pub last_at: DateTime<Utc>,
    pub distance_m: Option<f64>,
}

/// Other open occurrences near an occurrence, the nearest first; around one without a place the newest without a place.
pub async fn neighbours(conn: &mut PgConnection, occurrence: Uuid, now: Instant) -> sqlx::Result<Vec<Neighbour>> {
    sqlx::query_as!(
        Neighbour,
        r#"select n.id, n.number, n.kind, n.state, n.last_at, st_distance(n.geom::geography, o.geom::geography) as distance_m
           from occurrence o join occurrence n on n.id <> o.id and n.state in ('new', 'confirmed', 'dispatched', 'on_scene')
                and n.last_at > $2::timestamptz - interval '3 days'
           where o.id = $1 and (o.geom is null or n.geom is null or n.geom && st_expand(o.geom, 0.02))
           order by distance_m nulls last, n.last_at desc limit 12"#,
        occurrence,
        now
    )
    .fetch_all(conn)
    .await
}
