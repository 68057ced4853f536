//! What the streams held when the evaluator stopped, read back from the journal.

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::clock::Instant;
use crate::engine::ReadingInput;
use crate::ids::{DatastreamId, Seq};
use crate::risk::control::Why;
use crate::risk::rule::MAX_WINDOW_H;
use crate::risk::series::Micros;
use crate::units::Quality;

/// A row as it was left.
struct Recalled {
    seq: Seq,
    datastream_id: DatastreamId,
    observed_at: Instant,
    received_at: Instant,
    value: f64,
    revises_seq: Option<Seq>,
    quality: String,
    why: Option<Json<Why>>,
    /// What the spike test, which looks back, left of it.
    taken_back: Option<String>,
}

impl Recalled {
    fn into_input(self) -> anyhow::Result<(ReadingInput, Option<Quality>)> {
        let taken_back = self.taken_back.map(|quality| quality.parse()).transpose()?;
        let reading = ReadingInput {
            seq: self.seq,
            datastream: self.datastream_id,
            observed_at: self.observed_at,
            received_at: self.received_at,
            value: self.value.try_into()?,
            quality: self.quality.parse()?,
            why: self.why.map(|why| Box::new(why.0)),
            revises: self.revises_seq,
        };
        Ok((reading, taken_back))
    }
}

/// A day more than anything looks back.
fn whole_hours(reaches: &[Micros]) -> anyhow::Result<Vec<i32>> {
    let hours = |reach: &Micros| Ok(i32::try_from((*reach / 3_600_000_000).max(MAX_WINDOW_H) + 24)?);
    reaches.iter().map(hours).collect()
}

/// Gives back what each stream held when the cursor stood at `cursor`, as inputs in journal order per stream, each with the
/// quality that the spike test, which looks back, left of it: a day more than anything looks back (`reaches`, in the order of `streams`) before the newest reading that
/// is believed, the same before the newest that is at least possible, and, however old, the one reading before each of these, in
/// which a counter finds its predecessor. What is neither believed nor possible counts for nothing but the newest doubt. History
/// is not among them: a core that ran on never saw it either, and what corrects it is news. Of two tests that find the same the first
/// one's reason counts, and the range test is the first.
pub async fn recall(
    conn: &mut PgConnection,
    cursor: Seq,
    streams: &[DatastreamId],
    reaches: &[Micros],
    mut take: impl FnMut(&ReadingInput, Option<Quality>),
) -> anyhow::Result<u64> {
    let streams: Vec<i64> = streams.iter().map(|stream| stream.0).collect();
    let reaches = whole_hours(reaches)?;
    let mut rows = sqlx::query_as!(
        Recalled,
        r#"select distinct on (j.datastream_id, j.seq) j.seq as "seq!: Seq",
                  j.datastream_id as "datastream_id!: DatastreamId", j.observed_at as "observed_at!",
                  j.received_at as "received_at!", j.value as "value!",
                  case when j.revises_seq is null or exists (
                      select from journal h
                      where h.seq = j.revises_seq and h.observed_at = j.observed_at and h.source = 'history') then null
                  else j.revises_seq end as "revises_seq: Seq",
                  coalesce(f.quality, j.quality) as "quality!",
                  case when j.quality_reason = '' or f.quality = 'fail' then f.why
                       else jsonb_build_object('test', 'range', 'told', j.quality_reason) end as "why?: Json<Why>",
                  s.quality as "taken_back?"
           from unnest($3::bigint[], $2::integer[]) as d(id, reach)
           cross join lateral (
               select (select p.observed_at from journal p
                       where p.datastream_id = d.id and p.seq <= $1 and p.source <> 'history' and p.quality = 'pass'
                           and not exists (select from reading_flag pf where pf.journal_seq = p.seq)
                       order by p.observed_at desc limit 1) as believed,
                      (select p.observed_at from journal p
                       where p.datastream_id = d.id and p.seq <= $1 and p.source <> 'history' and p.quality <> 'fail'
                           and not exists (select from reading_flag pf where pf.journal_seq = p.seq and pf.quality = 'fail')
                       order by p.observed_at desc limit 1) as possible,
                      make_interval(hours => d.reach) as reach) newest
           cross join lateral (
               select j.* from journal j
               where j.datastream_id = d.id and j.observed_at > newest.believed - newest.reach and j.observed_at <= newest.believed
               union all
               select j.* from journal j
               where j.datastream_id = d.id and j.observed_at <= newest.possible
                   and j.observed_at > greatest(newest.believed, newest.possible - newest.reach)
               union all
               (select j.* from journal j
                where j.datastream_id = d.id and j.seq <= $1 and j.source <> 'history'
                    and j.observed_at > coalesce(newest.possible, '-infinity')
                order by j.observed_at desc, j.seq desc limit 1)
               union all
               (select j.* from journal j
                where j.datastream_id = d.id and j.seq <= $1 and j.source <> 'history' and j.quality = 'pass'
                    and j.observed_at <= newest.believed - newest.reach
                    and not exists (select from reading_flag pf where pf.journal_seq = j.seq)
                order by j.observed_at desc, j.seq desc limit 1)
               union all
               (select j.* from journal j
                where j.datastream_id = d.id and j.seq <= $1 and j.source <> 'history' and j.quality <> 'fail'
                    and j.observed_at <= newest.possible - newest.reach
                    and not exists (select from reading_flag pf where pf.journal_seq = j.seq and pf.quality = 'fail')
                order by j.observed_at desc, j.seq desc limit 1)) j
           left join lateral (
               select quality, why from reading_flag where journal_seq = j.seq and test <> 'spike'
               order by quality, test limit 1) f on true
           left join reading_flag s on s.journal_seq = j.seq and s.test = 'spike'
           where j.seq <= $1 and j.source <> 'history'
           order by j.datastream_id, j.seq"#,
        cursor.0,
        &reaches,
        &streams
    )
    .fetch(conn);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        let (reading, taken_back) = row.into_input()?;
        take(&reading, taken_back);
        count += 1;
    }
    Ok(count)
}
