//! Reports and occurrences in pages, for programs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// What is wanted of a list; nothing = all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    pub state: Option<&'static str>,
    pub kind: Option<&'static str>,
    /// Seen from this instant on, and before that one.
    pub from: Option<Instant>,
    pub to: Option<Instant>,
    pub limit: i64,
    pub offset: i64,
}

/// A report as it was filed, with what is thought of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Filed {
    pub id: Uuid,
    pub protocol: String,
    /// web, field, api, sms or email.
    pub source: String,
    pub kind: String,
    pub text: String,
    /// Where, in the reporter's words.
    pub place: String,
    /// Degrees (WGS 84); null where nobody knows.
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<i32>,
    /// gps, pin, coordinates, address, area, resident or unknown.
    pub place_from: String,
    pub observed_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    /// staff, resident, contact or anonymous.
    pub standing: String,
    pub doubts: Vec<String>,
    /// Between 0 and 1.
    pub trust: f64,
    pub photographs: i64,
    pub occurrence_id: Uuid,
    /// Number of the occurrence.
    pub occurrence: String,
    /// new, confirmed, dispatched, on_scene, resolved, dismissed, closed or merged.
    pub state: String,
}

/// The newest first, and how many there are in all.
pub async fn reports(conn: &mut PgConnection, wish: &Wish) -> sqlx::Result<(Vec<Filed>, i64)> {
    let items = sqlx::query_as!(
        Filed,
        r#"select r.id, r.protocol, r.source, r.kind, r.words as text, r.place, st_y(r.geom) as lat, st_x(r.geom) as lon,
               r.precision_m as accuracy_m, r.place_from, r.observed_at, r.received_at, r.standing, r.doubts, s.trust,
               (select count(*) from attachment a where a.report_id = r.id and a.removed_at is null) as "photographs!",
               o.id as occurrence_id, o.number as occurrence, o.state
           from report r join report_standing s on s.report_id = r.id join occurrence o on o.id = s.occurrence_id
           where ($1::text is null or o.state = $1) and ($2::text is null or r.kind = $2)
             and ($3::timestamptz is null or r.observed_at >= $3) and ($4::timestamptz is null or r.observed_at < $4)
           order by r.received_at desc, r.id desc limit $5 offset $6"#,
        wish.state,
        wish.kind,
        wish.from,
        wish.to,
        wish.limit,
        wish.offset
    )
    .fetch_all(&mut *conn)
    .await?;
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from report r join report_standing s on s.report_id = r.id join occurrence o on o.id = s.occurrence_id
           where ($1::text is null or o.state = $1) and ($2::text is null or r.kind = $2)
             and ($3::timestamptz is null or r.observed_at >= $3) and ($4::timestamptz is null or r.observed_at < $4)"#,
        wish.state,
        wish.kind,
        wish.from,
        wish.to
    )
    .fetch_one(conn)
    .await?;
    Ok((items, total))
}

/// An occurrence as it stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Open {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    /// new, confirmed, dispatched, on_scene, resolved, dismissed, closed or merged.
    pub state: String,
    /// 1 (lives in danger) to 4 (can wait).
    pub priority: i16,
    pub cobrade: Option<String>,
    /// Degrees (WGS 84); null where nobody knows.
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<i32>,
    /// A person put it there.
    pub is_placed: bool,
    pub opened_at: DateTime<Utc>,
    /// When the oldest and the newest of its reports were seen.
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Between 0 and 1.
    pub trust: f64,
    pub reports: i64,
    pub decided_at: Option<DateTime<Utc>>,
    pub merged_into: Option<Uuid>,
    pub incident_id: Option<Uuid>,
}

/// Those last spoken of first, and how many there are in all. They were seen within the span when any of their reports was.
pub async fn occurrences(conn: &mut PgConnection, wish: &Wish) -> sqlx::Result<(Vec<Open>, i64)> {
    let items = sqlx::query_as!(
        Open,
        r#"select o.id, o.number, o.kind, o.state, o.priority, o.cobrade, st_y(o.geom) as lat, st_x(o.geom) as lon, o.precision_m as accuracy_m,
               exists (select from occurrence_placing p where p.occurrence_id = o.id and (p.merge_id is null or exists (
                   select from occurrence_merge m where m.id = p.merge_id and m.undone_at is null))) as "is_placed!", o.opened_at, o.first_at,
               o.last_at, o.trust, (select count(*) from report_standing s where s.occurrence_id = o.id) as "reports!",
               o.decided_at, o.merged_into, o.incident_id
           from occurrence o
           where ($1::text is null or o.state = $1) and ($2::text is null or o.kind = $2)
             and ($3::timestamptz is null or o.last_at >= $3) and ($4::timestamptz is null or o.first_at < $4)
           order by o.last_at desc, o.id desc limit $5 offset $6"#,
        wish.state,
        wish.kind,
        wish.from,
        wish.to,
        wish.limit,
        wish.offset
    )
    .fetch_all(&mut *conn)
    .await?;
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from occurrence o
           where ($1::text is null or o.state = $1) and ($2::text is null or o.kind = $2)
             and ($3::timestamptz is null or o.last_at >= $3) and ($4::timestamptz is null or o.first_at < $4)"#,
        wish.state,
        wish.kind,
        wish.from,
        wish.to
    )
    .fetch_one(conn)
    .await?;
    Ok((items, total))
}
