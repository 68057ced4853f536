//! The catalogue as a back-fill needs it, and what the journal knows already.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, PgPool};

use super::resolve::{KnownStream, KnownStreams};
use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::ingest::NewReading;
use crate::ingest::quality::Subject;

/// Every stream by its station's code.
pub async fn load_streams(conn: &mut PgConnection) -> sqlx::Result<KnownStreams> {
    let rows = sqlx::query!(
        r#"select s.code, d.id as "id: DatastreamId", d.name, d.quantity, d.unit, d.kind, d.interval_s, d.tip_mm,
               d.limits as "limits: sqlx::types::Json<crate::risk::control::Overrides>"
           from datastream d join station s on s.id = d.station_id where not s.is_virtual order by d.id"#
    )
    .fetch_all(conn)
    .await?;
    let mut streams: KnownStreams = HashMap::new();
    for row in rows {
        let quantity = row.quantity.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let kind = row.kind.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let subject = Subject { quantity, kind, interval_s: row.interval_s, range: row.limits.0.range };
        let stream = KnownStream { id: row.id, name: row.name, subject, unit: row.unit, tip_mm: row.tip_mm };
        streams.entry(row.code).or_default().push(stream);
    }
    Ok(streams)
}

/// Which of these readings the journal has from another door, at the same stream and instant. What was measured live stands:
/// the past is filled in only where nothing is known.
pub async fn known_live(pool: &PgPool, readings: &[NewReading]) -> sqlx::Result<HashSet<(DatastreamId, Instant)>> {
    let streams: Vec<i64> = readings.iter().map(|reading| reading.datastream_id.0).collect();
    let (Some(from), Some(to)) =
        (readings.iter().map(|r| r.observed_at).min(), readings.iter().map(|r| r.observed_at).max())
    else {
        return Ok(HashSet::new());
    };
    let mut distinct = streams.clone();
    distinct.sort_unstable();
    distinct.dedup();
    // Nearly always there is nothing live in the span, and one look tells.
    let any = sqlx::query_scalar!(
        r#"select exists (select from unnest($1::bigint[]) as d (id)
               where exists (select from journal j where j.datastream_id = d.id and j.observed_at between $2 and $3
                             and j.source <> 'history')) as "any!""#,
        &distinct,
        from,
        to
    )
    .fetch_one(pool)
    .await?;
    if !any {
        return Ok(HashSet::new());
    }
    let observed: Vec<Instant> = readings.iter().map(|reading| reading.observed_at).collect();
    let rows = sqlx::query!(
        r#"select given.id as "id!: DatastreamId", given.at as "at!"
           from unnest($1::bigint[], $2::timestamptz[]) as given (id, at)
           where exists (select from journal j where j.datastream_id = given.id and j.observed_at = given.at
                         and j.source <> 'history')"#,
        &streams,
        &observed
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.at)).collect())
}
