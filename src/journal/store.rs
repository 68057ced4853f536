//! The journal's rows.

mod fresh;
mod months;
mod references;
mod rows;

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};

use super::{LOCK, reading_key};
use crate::clock::{Clock, Instant};
use crate::events::{self, Event};
use crate::failpoint::{self, Place};
use crate::ids::{DatastreamId, Seq};
use crate::ingest::{NewReading, Quarantined, Source};
use crate::units::{Fixed, Quality};

pub use fresh::Appender;
pub use months::{Head, head, open_months_ahead};

/// What became of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Appended,
    /// Known already, with the same value: nothing changed.
    Duplicate,
    /// Known already with another value: kept beside the older one.
    Revision,
    /// The database refused the row (a stream deleted meanwhile, say): it lies in quarantine.
    Refused,
}

/// One row as the evaluator reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    pub seq: Seq,
    pub datastream_id: DatastreamId,
    pub observed_at: Instant,
    pub received_at: Instant,
    pub value: Fixed,
    pub quality: Quality,
    /// Of the range test; empty when it passed.
    pub quality_reason: String,
    /// The row this one corrects.
    pub revises_seq: Option<Seq>,
}

/// Appends a batch: one transaction. Readings of streams or devices that are not there, and of months that are closed, go to
/// quarantine with the reason; when the database refuses a row for anything else, halves of the batch are tried until the bad row
/// stands alone and goes there too. Outcomes come in the order of `readings`.
///
/// # Errors
/// Only when the database cannot be written at all; some leading part of the batch may have been committed by then, and
/// appending the whole batch again finds it as duplicates.
pub async fn append(
    pool: &PgPool,
    clock: &Clock,
    readings: &[NewReading],
    quarantined: &[Quarantined],
) -> sqlx::Result<Vec<Outcome>> {
    let mut result = append_once(pool, clock, readings, quarantined).await;
    if result.as_ref().is_err_and(months::is_missing) {
        // Once a month, or once for each month of a history: so the way of every other batch costs nothing.
        let closed = months::open(pool, readings).await?;
        if !closed.is_empty() {
            return append_without(pool, clock, readings, quarantined, &|reading| closed.reason(reading)).await;
        }
        result = append_once(pool, clock, readings, quarantined).await;
    }
    match result {
        Ok(Written::Committed(outcomes)) => Ok(outcomes),
        Ok(Written::Lacks(missing)) => {
            append_without(pool, clock, readings, quarantined, &|reading| missing.reason(reading)).await
        }
        Err(error) if blames_a_row(&error) => bisect(pool, clock, readings, quarantined, &error).await,
        Err(error) => Err(error),
    }
}

/// Appends what there is no reason against; the rest goes to quarantine with the reason.
async fn append_without(
    pool: &PgPool,
    clock: &Clock,
    readings: &[NewReading],
    quarantined: &[Quarantined],
    reason: &(dyn Fn(&NewReading) -> Option<String> + Sync),
) -> sqlx::Result<Vec<Outcome>> {
    let mut all = quarantined.to_vec();
    let mut open = Vec::with_capacity(readings.len());
    let mut outcomes = Vec::with_capacity(readings.len());
    for reading in readings {
        if let Some(reason) = reason(reading) {
            all.push(refused(reading, reason));
            outcomes.push(Some(Outcome::Refused));
        } else {
            open.push(reading.clone());
            outcomes.push(None);
        }
    }
    let mut kept = Box::pin(append(pool, clock, &open, &all)).await?.into_iter();
    Ok(outcomes.into_iter().map(|known| known.or_else(|| kept.next()).unwrap_or(Outcome::Refused)).collect())
}

async fn bisect(
    pool: &PgPool,
    clock: &Clock,
    readings: &[NewReading],
    quarantined: &[Quarantined],
    error: &sqlx::Error,
) -> sqlx::Result<Vec<Outcome>> {
    if let [reading] = readings {
        tracing::warn!(%error, ?reading, "the database refused a reading; it goes to quarantine");
        let mut all = quarantined.to_vec();
        all.push(refused(reading, format!("the database refused the row: {error}")));
        append_once(pool, clock, &[], &all).await?;
        return Ok(vec![Outcome::Refused]);
    }
    if readings.is_empty() {
        // Texts are cleaned on the way in, so a quarantine row cannot be at fault.
        return Err(sqlx::Error::Protocol(format!("quarantine rows were refused: {error}")));
    }
    let (left, right) = readings.split_at(readings.len() / 2);
    let mut outcomes = Box::pin(append(pool, clock, left, quarantined)).await?;
    outcomes.extend(Box::pin(append(pool, clock, right, &[])).await?);
    Ok(outcomes)
}

/// Classes 22 (data exception) and 23 (integrity constraint violation) speak of a row; all else of the database.
fn blames_a_row(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => database.code().is_some_and(|c| c.starts_with("22") || c.starts_with("23")),
        _ => false,
    }
}

fn refused(reading: &NewReading, reason: String) -> Quarantined {
    let payload = serde_json::json!({
        "datastream_id": reading.datastream_id,
        "device_id": reading.device_id,
        "id": reading.message_id,
        "at": reading.observed_at,
        "value": reading.value,
    });
    Quarantined {
        source: reading.source,
        device: reading.device_id.map(|id| format!("#{id}")),
        topic: None,
        payload: payload.to_string().into_bytes(),
        reason,
        field: "reading".into(),
        value: reading.value.to_string(),
    }
}

/// What a transaction came to.
enum Written {
    Committed(Vec<Outcome>),
    /// Nothing was written: readings name what is not there.
    Lacks(references::Missing),
}

async fn append_once(
    pool: &PgPool,
    clock: &Clock,
    readings: &[NewReading],
    quarantined: &[Quarantined],
) -> sqlx::Result<Written> {
    let (rounds, mut outcomes) = plan(readings);
    let mut tx = pool.begin().await?;
    let mut changed = false;
    if !readings.is_empty() {
        // A statement of its own: the next one must see what the previous holder of the lock has committed.
        sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
        let missing = references::missing(&mut tx, readings).await?;
        if !missing.is_empty() {
            return Ok(Written::Lacks(missing));
        }
        for round in rounds {
            changed |= append_round(&mut tx, clock.now(), readings, &round, &mut outcomes).await?;
        }
    }
    insert_quarantined(&mut tx, clock.now(), quarantined).await?;
    // Nobody waits for the past.
    if changed && readings.iter().any(|reading| reading.source != Source::History) {
        events::notify(&mut tx, &Event::Journal).await?;
    }
    failpoint::try_reach(Place::IngestCommitBefore).await?;
    tx.commit().await?;
    Ok(Written::Committed(outcomes))
}

/// A reading with its place in the batch.
struct Keyed {
    index: usize,
    key: [u8; 16],
}

/// Splits a batch so that no round holds the same key twice. Nearly always there is one round; a repetition with the same
/// value as the one before it is settled here.
fn plan(readings: &[NewReading]) -> (Vec<Vec<Keyed>>, Vec<Outcome>) {
    let mut outcomes = vec![Outcome::Appended; readings.len()];
    let mut rounds: Vec<Vec<Keyed>> = Vec::new();
    let mut seen: HashMap<[u8; 16], (usize, Fixed)> = HashMap::with_capacity(readings.len());
    for (index, reading) in readings.iter().enumerate() {
        let key = reading_key(reading);
        let round = match seen.get(&key) {
            Some((_, value)) if *value == reading.value => {
                outcomes[index] = Outcome::Duplicate;
                continue;
            }
            Some((round, _)) => round + 1,
            None => 0,
        };
        seen.insert(key, (round, reading.value));
        if rounds.len() == round {
            rounds.push(Vec::with_capacity(readings.len()));
        }
        rounds[round].push(Keyed { index, key });
    }
    (rounds, outcomes)
}

/// Returns whether any row was added.
async fn append_round(
    tx: &mut PgConnection,
    now: Instant,
    readings: &[NewReading],
    round: &[Keyed],
    outcomes: &mut [Outcome],
) -> sqlx::Result<bool> {
    let inserted = insert(tx, now, readings, round, None).await?;
    if usize::try_from(inserted.rows).ok() == Some(round.len()) {
        return Ok(true);
    }
    // Some keys were known. Rows below the first `seq` of this insert are the older ones.
    let keys: Vec<[u8; 16]> = round.iter().map(|keyed| keyed.key).collect();
    // The instants are part of the keys; named apart they say in which months to look.
    let observed: Vec<Instant> = round.iter().map(|keyed| readings[keyed.index].observed_at).collect();
    let newest = sqlx::query!(
        r#"select distinct on (reading_key) reading_key, seq as "seq: Seq", revision, value, source = 'history' as "is_past!"
           from journal where reading_key = any($1) and observed_at = any($2) order by reading_key, revision desc"#,
        &keys as &[[u8; 16]],
        &observed,
    )
    .fetch_all(&mut *tx)
    .await?;
    let newest: HashMap<Vec<u8>, _> = newest.into_iter().map(|row| (row.reading_key.clone(), row)).collect();
    let mut revised = Vec::new();
    let mut revises = Vec::new();
    for keyed in round {
        let Some(known) = newest.get(keyed.key.as_slice()) else { continue };
        if inserted.first.is_some_and(|first| known.seq >= first) {
            continue;
        }
        let reading = &readings[keyed.index];
        // No rule was told of what was filled in as the past. A feed that comes back and brings the same is heard.
        let is_heard = known.is_past && reading.source != Source::History;
        outcomes[keyed.index] = match (is_heard, known.value == reading.value.to_f64()) {
            (false, true) => {
                outcomes[keyed.index] = Outcome::Duplicate;
                continue;
            }
            (false, false) => Outcome::Revision,
            (true, _) => Outcome::Appended,
        };
        revised.push(Keyed { index: keyed.index, key: keyed.key });
        revises.push((known.seq, known.revision + 1));
    }
    if !revised.is_empty() {
        insert(tx, now, readings, &revised, Some(&revises)).await?;
    }
    Ok(inserted.rows > 0 || !revised.is_empty())
}

struct Inserted {
    rows: i64,
    first: Option<Seq>,
}

/// Inserts rows in order, leaving out those whose (key, revision) exists. `revises` holds the older row and the new
/// revision of each; without it the rows are first observations.
async fn insert(
    tx: &mut PgConnection,
    now: Instant,
    readings: &[NewReading],
    rows: &[Keyed],
    revises: Option<&[(Seq, i32)]>,
) -> sqlx::Result<Inserted> {
    let of = |keyed: &Keyed| &readings[keyed.index];
    let streams: Vec<i64> = rows.iter().map(|k| of(k).datastream_id.0).collect();
    let devices: Vec<Option<i64>> = rows.iter().map(|k| of(k).device_id.map(|id| id.0)).collect();
    let messages: Vec<Option<&str>> = rows.iter().map(|k| of(k).message_id.as_deref()).collect();
    let observed: Vec<Instant> = rows.iter().map(|k| of(k).observed_at).collect();
    let values: Vec<f64> = rows.iter().map(|k| of(k).value.to_f64()).collect();
    let qualities: Vec<&str> = rows.iter().map(|k| of(k).quality.as_str()).collect();
    let reasons: Vec<&str> = rows.iter().map(|k| of(k).quality_reason.as_str()).collect();
    let sources: Vec<&str> = rows.iter().map(|k| of(k).source.as_str()).collect();
    let keys: Vec<[u8; 16]> = rows.iter().map(|k| k.key).collect();
    let older: Vec<Option<i64>> =
        revises.map_or(vec![None; rows.len()], |r| r.iter().map(|(s, _)| Some(s.0)).collect());
    let revisions: Vec<i32> = revises.map_or(vec![0; rows.len()], |r| r.iter().map(|(_, n)| *n).collect());
    let row = sqlx::query!(
        r#"with floor as (
               select greatest($1,
                   (select max(newest_received_at) from journal_month),
                   (select max(through_at) from pipeline_cursor)) as at),
           added as (
               insert into journal (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality,
                   quality_reason, source, reading_key, revises_seq, revision)
               select nextval('journal_seq'), row.datastream_id, row.device_id, row.message_id, row.observed_at, floor.at,
                   row.value, row.quality, row.quality_reason, row.source, row.reading_key, row.revises_seq, row.revision
               from floor cross join unnest($2::int8[], $3::int8[], $4::text[], $5::timestamptz[], $6::float8[], $7::text[],
                   $8::text[], $9::text[], $10::bytea[], $11::int8[], $12::int4[])
                   as row (datastream_id, device_id, message_id, observed_at, value, quality, quality_reason, source,
                       reading_key, revises_seq, revision)
               on conflict (reading_key, revision, observed_at) do nothing
               returning seq, datastream_id, observed_at, received_at, value, quality, source),
           ends as (
               update journal_month set newest_seq = touched.seq, newest_received_at = touched.received_at
               from (select date_trunc('month', observed_at at time zone 'UTC')::date as month, max(seq) as seq,
                         max(received_at) as received_at from added group by 1) touched
               where journal_month.month = touched.month),
           newest as (
               insert into stream_latest as latest (datastream_id, seq, observed_at, received_at, value, quality)
               select distinct on (datastream_id) datastream_id, seq, observed_at, received_at, value, quality
               from added where source <> 'history' order by datastream_id, observed_at desc, seq desc
               on conflict (datastream_id) do update set seq = excluded.seq, observed_at = excluded.observed_at,
                   received_at = excluded.received_at, value = excluded.value, quality = excluded.quality
               where excluded.observed_at >= latest.observed_at)
           select count(*) as "rows!", min(seq) as "first: Seq" from added"#,
        now,
        &streams,
        &devices as &[Option<i64>],
        &messages as &[Option<&str>],
        &observed,
        &values,
        &qualities as &[&str],
        &reasons as &[&str],
        &sources as &[&str],
        &keys as &[[u8; 16]],
        &older as &[Option<i64>],
        &revisions,
    )
    .fetch_one(tx)
    .await?;
    Ok(Inserted { rows: row.rows, first: row.first })
}

async fn insert_quarantined(tx: &mut PgConnection, now: Instant, rows: &[Quarantined]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sources: Vec<&str> = rows.iter().map(|q| q.source.as_str()).collect();
    let devices: Vec<Option<String>> = rows.iter().map(|q| q.device.as_deref().map(clean)).collect();
    let topics: Vec<Option<String>> = rows.iter().map(|q| q.topic.as_deref().map(clean)).collect();
    let payloads: Vec<&[u8]> = rows.iter().map(|q| q.payload.as_slice()).collect();
    let reasons: Vec<String> = rows.iter().map(|q| clean(&q.reason)).collect();
    let fields: Vec<String> = rows.iter().map(|q| clean(&q.field)).collect();
    let values: Vec<String> = rows.iter().map(|q| clean(&q.value)).collect();
    sqlx::query!(
        "insert into quarantine (received_at, source, device, topic, payload, reason, field, value)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[])",
        now,
        &sources as &[&str],
        &devices as &[Option<String>],
        &topics as &[Option<String>],
        &payloads as &[&[u8]],
        &reasons,
        &fields,
        &values,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// PostgreSQL's text has no NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The next rows in commit order after `after`, at most `limit`. Rows of history are left out: no rule judges them.
pub async fn read_after(conn: &mut PgConnection, after: Seq, limit: i64) -> sqlx::Result<Vec<JournalRow>> {
    let Some((from, to)) = months::span_after(conn, after).await? else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select seq as "seq: Seq", datastream_id as "datastream_id: DatastreamId", observed_at, received_at, value, quality,
               quality_reason,
               -- What was filled in from the past was never told to the rules: what corrects it is news to them.
               case when revises_seq is null or exists (
                   select from journal h
                   where h.seq = journal.revises_seq and h.observed_at = journal.observed_at and h.source = 'history') then null
               else revises_seq end as "revises_seq: Seq"
           from journal where seq > $1 and source <> 'history' and observed_at >= $3 and observed_at < $4
           order by seq limit $2"#,
        after.0,
        limit,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(JournalRow {
                seq: row.seq,
                datastream_id: row.datastream_id,
                observed_at: row.observed_at,
                received_at: row.received_at,
                value: Fixed::try_from(row.value).map_err(|error| sqlx::Error::Decode(error.into()))?,
                quality: row
                    .quality
                    .parse()
                    .map_err(|error: crate::units::UnknownWord| sqlx::Error::Decode(error.into()))?,
                quality_reason: row.quality_reason,
                revises_seq: row.revises_seq,
            })
        })
        .collect()
}

/// The last journal row that was received by then. Receipt never falls along `seq`, so it is searched by halves.
pub async fn last_received_by(conn: &mut PgConnection, at: Instant) -> sqlx::Result<Seq> {
    let newest =
        sqlx::query_scalar!("select seq from journal order by seq desc limit 1").fetch_optional(&mut *conn).await?;
    let (mut low, mut high) = (0, newest.unwrap_or(0) + 1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        let row = sqlx::query!(
            "select seq, received_at from journal where seq >= $1 and seq < $2 order by seq limit 1",
            middle,
            high
        )
        .fetch_optional(&mut *conn)
        .await?;
        match row {
            Some(row) if row.received_at <= at => low = row.seq,
            _ => high = middle,
        }
    }
    Ok(Seq(low))
}

/// How many rows after `after` wait for the rules, counted up to `most`.
pub async fn count_after(conn: &mut PgConnection, after: Seq, most: i64) -> sqlx::Result<i64> {
    let Some((from, to)) = months::span_after(conn, after).await? else { return Ok(0) };
    sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (select from journal where seq > $1 and source <> 'history' and observed_at >= $2 and observed_at < $3
                 limit $4) unread"#,
        after.0,
        from,
        to,
        most,
    )
    .fetch_one(conn)
    .await
}

/// How far the evaluator has come, and how many readings lie before it, counted up to `most`.
pub async fn unjudged(pool: &PgPool, most: i64) -> sqlx::Result<(Seq, i64)> {
    let mut conn = pool.acquire().await?;
    let judged = sqlx::query_scalar!(r#"select coalesce((select max(seq) from pipeline_cursor), 0) as "judged!: Seq""#)
        .fetch_one(&mut *conn)
        .await?;
    let waiting = count_after(&mut conn, judged, most).await?;
    Ok((judged, waiting))
}
