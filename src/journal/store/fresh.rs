//! The quick way of the ordinary batch.
//!
//! Nearly every reading is newer than all that came of its stream before, and so cannot be known already: its identity holds its
//! instant. A batch of such readings needs no look for what is known and no care for revisions; it is copied in. Whether a batch
//! is one is decided by what this process has seen itself, and needs no more than that: should another process have written one
//! of the readings meanwhile, the unique key refuses the copy and the thorough way takes the batch.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use super::months::month_of;
use super::references;
use super::rows::{COPY, encode};
use super::{JournalRow, LOCK, Outcome, append, blames_a_row, insert_quarantined};
use crate::clock::{Clock, Instant, from_micros};
use crate::events::{self, Event};
use crate::failpoint;
use crate::ids::{DatastreamId, Seq};
use crate::ingest::{NewReading, Quarantined, Source};
use crate::journal::reading_key;
use crate::journal::tail::{Segment, Tail};
use crate::units::Fixed;

/// Appends for a process that goes on appending, and hands what it appended to the evaluator of the same process.
#[derive(Debug)]
pub struct Appender {
    /// The newest instant of each stream, in microseconds, as far as this process has seen.
    newest: HashMap<DatastreamId, i64>,
    tail: Tail,
}

impl Appender {
    pub fn new(tail: Tail) -> Self {
        Self { newest: HashMap::new(), tail }
    }

    /// Does what [`append`] does.
    ///
    /// # Errors
    /// Those of [`append`].
    pub async fn append(
        &mut self,
        pool: &PgPool,
        clock: &Clock,
        readings: &[NewReading],
        quarantined: &[Quarantined],
    ) -> sqlx::Result<Vec<Outcome>> {
        let outcomes = if self.all_are_newer(readings) {
            match copy_in(pool, clock, readings, quarantined).await {
                Ok(Some(segment)) => {
                    self.tail.push(segment);
                    vec![Outcome::Appended; readings.len()]
                }
                Ok(None) => append(pool, clock, readings, quarantined).await?,
                // A month that is not there, a row that the database refuses, a reading that is known after all.
                Err(error) if blames_a_row(&error) => append(pool, clock, readings, quarantined).await?,
                Err(error) => return Err(error),
            }
        } else {
            append(pool, clock, readings, quarantined).await?
        };
        self.saw(readings, &outcomes);
        Ok(outcomes)
    }

    /// Whether each reading is newer than all before it of its stream, those of this batch among them.
    fn all_are_newer(&self, readings: &[NewReading]) -> bool {
        let mut before: HashMap<DatastreamId, i64> = HashMap::new();
        !readings.is_empty()
            && readings.iter().all(|reading| {
                let (stream, at) = (reading.datastream_id, reading.observed_at.timestamp_micros());
                let known = before.insert(stream, at).or_else(|| self.newest.get(&stream).copied());
                reading.source != Source::History && known.is_some_and(|known| known < at)
            })
    }

    fn saw(&mut self, readings: &[NewReading], outcomes: &[Outcome]) {
        for (reading, outcome) in readings.iter().zip(outcomes) {
            // What was refused says nothing of its stream.
            if *outcome != Outcome::Refused {
                let at = reading.observed_at.timestamp_micros();
                let newest = self.newest.entry(reading.datastream_id).or_insert(at);
                *newest = at.max(*newest);
            }
        }
    }
}

/// The end of the journal as an append finds it, with the numbers of its own rows.
struct Place {
    head: Seq,
    first: Seq,
    received_at: Instant,
}

/// Nothing is written, and no segment comes, when readings name a stream or a device that is not there.
async fn copy_in(
    pool: &PgPool,
    clock: &Clock,
    readings: &[NewReading],
    quarantined: &[Quarantined],
) -> sqlx::Result<Option<Segment>> {
    let keys: Vec<[u8; 16]> = readings.iter().map(reading_key).collect();
    let mut tx = pool.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
    if !references::missing(&mut tx, readings).await?.is_empty() {
        return Ok(None);
    }
    let place = take_place(&mut tx, clock.now(), readings.len()).await?;
    let mut copy = tx.copy_in_raw(COPY).await?;
    copy.send(encode(readings, &keys, place.first, place.received_at)).await?;
    copy.finish().await?;
    note_newest(&mut tx, readings, &place).await?;
    insert_quarantined(&mut tx, clock.now(), quarantined).await?;
    events::notify(&mut tx, &Event::Journal).await?;
    failpoint::try_reach(failpoint::Place::IngestCommitBefore).await?;
    tx.commit().await?;
    let rows = (place.first.0..).zip(readings).map(|(seq, reading)| row(Seq(seq), reading, place.received_at));
    Ok(Some(Segment { after: place.head, rows: rows.collect::<sqlx::Result<_>>()? }))
}

/// The lock is held: nobody else takes numbers, so they follow each other.
async fn take_place(tx: &mut PgConnection, now: Instant, rows: usize) -> sqlx::Result<Place> {
    let place = sqlx::query!(
        r#"select coalesce((select max(newest_seq) from journal_month), 0) as "head!: Seq",
               (select min(nextval('journal_seq')) from generate_series(1, $2)) as "first!: Seq",
               greatest($1::timestamptz, (select max(newest_received_at) from journal_month),
                   (select max(through_at) from pipeline_cursor)) as "received_at!""#,
        now,
        i32::try_from(rows).unwrap_or(i32::MAX),
    )
    .fetch_one(tx)
    .await?;
    Ok(Place { head: place.head, first: place.first, received_at: place.received_at })
}

/// Where the months end now, and which reading is the newest of each stream.
async fn note_newest(tx: &mut PgConnection, readings: &[NewReading], place: &Place) -> sqlx::Result<()> {
    let (mut months, mut newest) = (BTreeMap::<NaiveDate, i64>::new(), BTreeMap::new());
    for (seq, reading) in (place.first.0..).zip(readings) {
        months.insert(month_of(reading.observed_at), seq);
        // Of one stream each is newer than the one before it.
        newest.insert(reading.datastream_id, (seq, reading));
    }
    let (months, ends): (Vec<NaiveDate>, Vec<i64>) = months.into_iter().unzip();
    let streams: Vec<i64> = newest.keys().map(|stream| stream.0).collect();
    let seqs: Vec<i64> = newest.values().map(|(seq, _)| *seq).collect();
    let observed: Vec<Instant> = newest.values().map(|(_, reading)| reading.observed_at).collect();
    let values: Vec<f64> = newest.values().map(|(_, reading)| reading.value.to_f64()).collect();
    let qualities: Vec<&str> = newest.values().map(|(_, reading)| reading.quality.as_str()).collect();
    sqlx::query!(
        "with ends as (
             update journal_month set newest_seq = touched.seq, newest_received_at = $1
             from unnest($2::date[], $3::int8[]) as touched (month, seq) where journal_month.month = touched.month)
         insert into stream_latest as latest (datastream_id, seq, observed_at, received_at, value, quality)
         select datastream_id, seq, observed_at, $1, value, quality
         from unnest($4::int8[], $5::int8[], $6::timestamptz[], $7::float8[], $8::text[])
             as row (datastream_id, seq, observed_at, value, quality)
         on conflict (datastream_id) do update set seq = excluded.seq, observed_at = excluded.observed_at,
             received_at = excluded.received_at, value = excluded.value, quality = excluded.quality
         where excluded.observed_at >= latest.observed_at",
        place.received_at,
        &months,
        &ends,
        &streams,
        &seqs,
        &observed,
        &values,
        &qualities as &[&str],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The row as it would be read: what the column rounds is rounded here.
fn row(seq: Seq, reading: &NewReading, received_at: Instant) -> sqlx::Result<JournalRow> {
    Ok(JournalRow {
        seq,
        datastream_id: reading.datastream_id,
        observed_at: from_micros(reading.observed_at.timestamp_micros()),
        received_at,
        value: Fixed::try_from(reading.value.to_f64()).map_err(|error| sqlx::Error::Decode(error.into()))?,
        quality: reading.quality,
        quality_reason: reading.quality_reason.clone(),
        revises_seq: None,
    })
}
