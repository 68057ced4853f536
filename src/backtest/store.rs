//! The past as the journal holds it.

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::engine::ReadingInput;
use crate::ids::{DatastreamId, Seq};
use crate::risk::control::Why;

/// A reading takes some hundred bytes in memory: beyond this a period is tried in parts.
pub const MAX_READINGS: usize = 10_000_000;

/// The readings observed from `from` to before `to`, in the order in which a service would have had them: live ones by their
/// receipt; those filled in later from the past, as if each had come when it was measured. Corrections come as such.
///
/// # Errors
/// The database's, or more than [`MAX_READINGS`].
pub async fn readings(
    conn: &mut PgConnection,
    streams: &[DatastreamId],
    from: Instant,
    to: Instant,
) -> anyhow::Result<Vec<ReadingInput>> {
    let streams: Vec<i64> = streams.iter().map(|stream| stream.0).collect();
    let mut rows = sqlx::query!(
        r#"select seq as "seq: Seq", datastream_id as "datastream_id: DatastreamId", observed_at,
                  case when source = 'history' then observed_at else received_at end as "received_at!",
                  value, quality, quality_reason, revises_seq as "revises_seq: Seq"
           from journal where observed_at >= $1 and observed_at < $2 and datastream_id = any($3)
           order by 4, seq"#,
        from,
        to,
        &streams
    )
    .fetch(conn);
    let mut readings = Vec::new();
    while let Some(row) = rows.try_next().await? {
        anyhow::ensure!(
            readings.len() < MAX_READINGS,
            "from {from} to {to} there are more than {MAX_READINGS} readings; take a shorter period"
        );
        let why = (!row.quality_reason.is_empty()).then(|| Box::new(Why::Range { told: row.quality_reason }));
        readings.push(ReadingInput {
            seq: row.seq,
            datastream: row.datastream_id,
            observed_at: row.observed_at,
            received_at: row.received_at,
            value: row.value.try_into()?,
            quality: row.quality.parse()?,
            why,
            revises: row.revises_seq,
        });
    }
    Ok(readings)
}
