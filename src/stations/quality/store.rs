//! Limits and flags in PostgreSQL.

use chrono::TimeDelta;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Doubted, Missing, Tested};
use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::risk::control::{Defaults, Overrides, Why};
use crate::stations::{is_code, is_stream_name};
use crate::units::{Quantity, UnknownWord};

fn decode(error: UnknownWord) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// The streams of a station, by name.
pub async fn tested(conn: &mut PgConnection, defaults: &Defaults, station: &str) -> sqlx::Result<Vec<Tested>> {
    if !is_code(station) {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select d.id as "id: DatastreamId", d.name, d.quantity, d.limits as "limits: Json<Overrides>"
           from datastream d join station s on s.id = d.station_id where s.code = $1 order by d.name"#,
        station
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let quantity: Quantity = row.quantity.parse().map_err(decode)?;
            Ok(Tested {
                datastream_id: row.id,
                stream: row.name,
                quantity: row.quantity,
                unit: quantity.canonical_unit(),
                limits: defaults.of(quantity, &row.limits.0),
                own: row.limits.0,
            })
        })
        .collect()
}

/// What a stream has of its own; locks it. `None` when there is no such stream.
pub async fn own_limits(
    conn: &mut PgConnection,
    station: &str,
    stream: &str,
) -> sqlx::Result<Option<(DatastreamId, Overrides)>> {
    if !is_code(station) || !is_stream_name(stream) {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"select d.id as "id: DatastreamId", d.limits as "limits: Json<Overrides>"
           from datastream d join station s on s.id = d.station_id where s.code = $1 and d.name = $2 for update of d"#,
        station,
        stream
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.limits.0)))
}

pub async fn set_limits(conn: &mut PgConnection, stream: DatastreamId, own: &Overrides) -> sqlx::Result<()> {
    sqlx::query!("update datastream set limits = $2 where id = $1", stream.0, Json(own) as _).execute(conn).await?;
    Ok(())
}

/// What was doubted at a station in the last `days`, newest first: by the tests that look around, and by the range test.
pub async fn doubted(
    conn: &mut PgConnection,
    now: Instant,
    station: &str,
    days: i64,
    limit: i64,
) -> sqlx::Result<Vec<Doubted>> {
    let rows = sqlx::query!(
        r#"with stream as (select d.id, d.name, d.quantity from datastream d join station s on s.id = d.station_id
                           where s.code = $1)
           select d.name as "name!", d.quantity as "quantity!", j.observed_at as "observed_at!", j.value as "value!",
                  f.quality as "quality!",
                  -- What was doubted before numbers were kept has its words alone.
                  case when f.why = '{}' then jsonb_build_object('test', 'range', 'told', f.reason) else f.why end as "why!: Json<Why>"
           from stream d join reading_flag f on f.datastream_id = d.id and f.observed_at > $2
           join journal j on j.seq = f.journal_seq and j.observed_at = f.observed_at
           union all
           select d.name, d.quantity, j.observed_at, j.value, j.quality,
                  jsonb_build_object('test', 'range', 'told', j.quality_reason)
           from stream d join journal j on j.datastream_id = d.id and j.observed_at > $2 and j.quality <> 'pass'
           order by 3 desc, 1 limit $3"#,
        station,
        now - TimeDelta::days(days),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let quantity: Quantity = row.quantity.parse().map_err(decode)?;
            Ok(Doubted {
                stream: row.name,
                observed_at: row.observed_at,
                value: row.value,
                unit: quantity.canonical_unit(),
                quality: row.quality,
                why: row.why.0,
            })
        })
        .collect()
}

/// Where readings of a station are missing in the last `days`, newest first.
pub async fn missing(
    conn: &mut PgConnection,
    now: Instant,
    station: &str,
    days: i64,
    limit: i64,
) -> sqlx::Result<Vec<Missing>> {
    let rows = sqlx::query!(
        r#"with stream as (
               select d.id, d.name, d.interval_s, coalesce(2 * d.interval_s, d.stale_after_s) as limit_s
               from datastream d join station s on s.id = d.station_id where s.code = $1),
           came as (
               select s.name, s.interval_s, s.limit_s, j.observed_at as after,
                   lead(j.observed_at) over (partition by s.id order by j.observed_at) as until
               from stream s join journal j on j.datastream_id = s.id and j.observed_at > $2 and j.observed_at <= $3)
           select name, interval_s, limit_s as "limit_s!", after, until from came
           where coalesce(until, $3) - after > make_interval(secs => limit_s)
           order by after desc, name limit $4"#,
        station,
        now - TimeDelta::days(days),
        now,
        limit
    )
    .fetch_all(conn)
    .await?;
    let missing = rows.into_iter().map(|row| {
        let lasted = (row.until.unwrap_or(now) - row.after).num_seconds();
        // The reading at its end came; while it lasts, none did.
        let came = i64::from(row.until.is_some());
        Missing {
            stream: row.name,
            after: row.after,
            until: row.until,
            limit_s: row.limit_s,
            readings: row.interval_s.map(|interval| (lasted / i64::from(interval.max(1)) - came).max(1)),
        }
    });
    Ok(missing.collect())
}
