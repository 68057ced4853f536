//! Readings and hours of a stream, from the journal and from what was kept of it.

pub mod past;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::series::{Plan, Range, buckets};
use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::units::{Quantity, StreamKind};

/// A stream of which a series is asked.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Stream {
    #[serde(skip)]
    pub id: DatastreamId,
    /// The station's code.
    pub station: String,
    pub station_name: String,
    pub name: String,
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// The unit of the values, which is not always the one the device sends.
    pub unit: String,
    #[schema(value_type = String)]
    pub kind: StreamKind,
    pub interval_s: Option<i32>,
    /// Seconds without a receipt after which the stream is silent.
    pub stale_after_s: i32,
    #[serde(skip)]
    pub lon: f64,
    #[serde(skip)]
    pub lat: f64,
}

/// The streams of a station by name; none when there is no such station.
pub async fn streams(conn: &mut PgConnection, station: &str) -> anyhow::Result<Vec<Stream>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DatastreamId", s.code, s.name as station_name, d.name, d.quantity, d.kind, d.interval_s, d.stale_after_s,
               st_x(s.geom) as "lon!", st_y(s.geom) as "lat!"
           from station s join datastream d on d.station_id = s.id where s.code = $1 order by d.name"#,
        station
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let quantity: Quantity = row.quantity.parse()?;
            Ok(Stream {
                id: row.id,
                station: row.code,
                station_name: row.station_name,
                name: row.name,
                quantity,
                unit: quantity.canonical_unit().to_owned(),
                kind: row.kind.parse()?,
                interval_s: row.interval_s,
                stale_after_s: row.stale_after_s,
                lon: row.lon,
                lat: row.lat,
            })
        })
        .collect()
}

/// Codes of the stations that have streams, in order.
pub async fn stations(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select code from station s where exists (select from datastream where station_id = s.id) order by code"
    )
    .fetch_all(conn)
    .await
}

/// A reading as it counts today: its newest revision, with the worst that was said of it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reading {
    #[schema(value_type = String)]
    pub at: Instant,
    #[schema(value_type = String)]
    pub received_at: Instant,
    pub value: f64,
    /// pass, suspect or fail.
    pub quality: String,
    /// Why it did not pass.
    pub reason: String,
    /// How often it was corrected.
    pub revision: i32,
    /// Its place in the journal.
    pub seq: i64,
    #[serde(skip)]
    pub device: Option<String>,
    #[serde(skip)]
    pub message: Option<String>,
}

/// Where a page of readings ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: Instant,
    pub seq: i64,
}

/// Which of an interval's totals are wanted, when it was told more than once under different names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The newest word on it, as it counts.
    Newest,
    /// Every one, as it came: so an export becomes the same journal again.
    Each,
}

/// Readings in the order of their time, those after `after` when given, at most `limit`.
pub async fn readings(
    conn: &mut PgConnection,
    stream: &Stream,
    told: Told,
    range: Range,
    after: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Reading>> {
    let newest_only = told == Told::Newest && stream.kind == StreamKind::IntervalSum;
    // The place bounds the range too, so that a later page does not read the earlier ones.
    let from = after.map_or(range.from, |place| place.at - chrono::TimeDelta::microseconds(1));
    let place = after.unwrap_or(Place { at: range.from, seq: i64::MAX });
    sqlx::query_as!(
        Reading,
        r#"select n.observed_at as "at!", n.received_at as "received_at!", n.value as "value!",
               case when n.quality = 'fail' or f.failed then 'fail' when n.quality = 'suspect' or f.failed is not null then 'suspect'
                    else 'pass' end as "quality!",
               concat_ws('; ', nullif(n.quality_reason, ''), f.reason) as "reason!",
               n.revision as "revision!", n.seq as "seq!", d.code as "device?", n.message_id as message
           from (select observed_at, received_at, value, quality, quality_reason, revision, seq, device_id, message_id
                 from journal j where datastream_id = $1 and observed_at > $2 and observed_at <= $3 and not exists (
                     select from journal n where n.datastream_id = $1 and n.observed_at > $2 and n.observed_at <= $3
                         and n.revision > 0 and n.revises_seq = j.seq)) n
           left join (select journal_seq, bool_or(quality = 'fail') as failed, string_agg(reason, '; ' order by test) as reason
                      from reading_flag where datastream_id = $1 and observed_at > $2 and observed_at <= $3
                      group by journal_seq) f on f.journal_seq = n.seq
           left join device d on d.id = n.device_id
           where (n.observed_at, n.seq) > ($4, $5) and not ($7 and n.quality <> 'fail' and exists (
               select from journal t where t.datastream_id = $1 and t.observed_at = n.observed_at and n.seq < t.seq
                   and t.quality <> 'fail'))
           order by n.observed_at, n.seq limit $6"#,
        stream.id.0,
        from,
        range.to,
        place.at,
        place.seq,
        limit,
        newest_only
    )
    .fetch_all(conn)
    .await
}

/// The newest readings in a range that did not pass, newest first.
pub async fn doubted(
    conn: &mut PgConnection,
    stream: DatastreamId,
    range: Range,
    limit: i64,
) -> sqlx::Result<Vec<Reading>> {
    sqlx::query_as!(
        Reading,
        r#"with flag as (
               select journal_seq, observed_at, bool_or(quality = 'fail') as failed, string_agg(reason, '; ' order by test) as reason
               from reading_flag where datastream_id = $1 and observed_at > $2 and observed_at <= $3
               group by journal_seq, observed_at),
           doubted as (
               select j.observed_at, j.received_at, j.value, j.quality, j.quality_reason, j.revision, j.seq, f.failed, f.reason
               from journal j left join flag f on f.journal_seq = j.seq
               where j.datastream_id = $1 and j.observed_at > $2 and j.observed_at <= $3 and j.quality <> 'pass'
               union all
               select j.observed_at, j.received_at, j.value, j.quality, j.quality_reason, j.revision, j.seq, f.failed, f.reason
               from flag f
               join journal j on j.datastream_id = $1 and j.observed_at = f.observed_at and j.seq = f.journal_seq
               where j.quality = 'pass')
           select observed_at as "at!", received_at as "received_at!", value as "value!",
               case when quality = 'fail' or failed then 'fail' else 'suspect' end as "quality!",
               concat_ws('; ', nullif(quality_reason, ''), reason) as "reason!", revision as "revision!", seq as "seq!",
               null::text as device, null::text as message
           from doubted order by observed_at desc, seq desc limit $4"#,
        stream.0,
        range.from,
        range.to,
        limit
    )
    .fetch_all(conn)
    .await
}

/// A correction: what a reading was and became.
#[derive(Clone, Debug)]
pub struct Correction {
    pub at: Instant,
    pub received_at: Instant,
    pub before: Option<f64>,
    pub value: f64,
    pub revision: i32,
}

/// The newest corrections in a range, newest first.
pub async fn corrections(
    conn: &mut PgConnection,
    stream: DatastreamId,
    range: Range,
    limit: i64,
) -> sqlx::Result<Vec<Correction>> {
    sqlx::query_as!(
        Correction,
        r#"select j.observed_at as at, j.received_at, b.value as "before?", j.value, j.revision
           from journal j
           left join journal b on b.datastream_id = $1 and b.observed_at > $2 and b.observed_at <= $3
               and b.observed_at = j.observed_at and b.seq = j.revises_seq
           where j.datastream_id = $1 and j.observed_at > $2 and j.observed_at <= $3 and j.revision > 0
           order by j.observed_at desc, j.seq desc limit $4"#,
        stream.0,
        range.from,
        range.to,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What one bucket holds.
#[derive(Clone, Debug)]
struct BucketRow {
    bucket: Instant,
    count: i64,
    suspect: i64,
    failed: i64,
    value: Option<f64>,
}

/// What the sums of a stream over months hang on: when any of it is another one, they have to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Months {
    /// The newest reading of anybody in each month.
    newest: Vec<i64>,
    /// Months of which only hours are kept by now.
    closed: i64,
    /// Doubts that were found of the stream's readings; they are only ever added.
    doubts: i64,
    /// What is said of the stream itself, such as where its counter begins again.
    catalogue: i64,
}

async fn months(conn: &mut PgConnection, stream: DatastreamId, range: Range) -> sqlx::Result<Months> {
    // A counter's first step is from a reading of the day before.
    sqlx::query_as!(
        Months,
        r#"with over as (
               select month, newest_seq, dropped_at from journal_month
               where month + interval '1 month' > ($2::timestamptz - interval '1 day') at time zone 'UTC'
                 and month <= $3::timestamptz at time zone 'UTC')
           select array(select newest_seq from over order by month) as "newest!",
               (select count(*) from over where dropped_at is not null) as "closed!",
               (select count(*) from reading_flag where datastream_id = $1 and observed_at > $2::timestamptz - interval '1 day'
                    and observed_at <= $3) as "doubts!",
               (select version from catalogue_version) as "catalogue!""#,
        stream.0,
        range.from,
        range.to
    )
    .fetch_one(conn)
    .await
}

async fn bucket_rows(conn: &mut PgConnection, stream: &Stream, plan: &Plan) -> sqlx::Result<Vec<BucketRow>> {
    let Plan { range, window_s, function } = *plan;
    sqlx::query_as!(
        BucketRow,
        r#"with raw as (
               select observed_at, seq, value, quality
               from journal j where datastream_id = $1 and observed_at > $2 and observed_at <= $3 and not exists (
                     select from journal n where n.datastream_id = $1 and n.observed_at > $2 and n.observed_at <= $3
                         and n.revision > 0 and n.revises_seq = j.seq)),
           flag as (
               select journal_seq, bool_or(quality = 'fail') as failed
               from reading_flag where datastream_id = $1 and observed_at > $2 and observed_at <= $3 group by journal_seq),
           judged as (
               select r.observed_at, r.seq, r.value, r.quality = 'fail' or coalesce(f.failed, false) as failed,
                   r.quality = 'suspect' or f.failed is not null as doubted
               from raw r left join flag f on f.journal_seq = r.seq),
           word as (
               select j.*, row_number() over (partition by observed_at, failed order by seq desc) as age from judged j),
           part as (
               select observed_at as at, (not failed)::int as count, (doubted and not failed)::int as suspect, failed::int as failed,
                   case when not failed and not $6 then value end as sum, case when not failed then value end as min,
                   case when not failed then value end as max,
                   case when not failed and not (doubted and $6) then value end as last
               from word where age = 1 or not $7
               union all
               select observed_at, 0, 0, 0, step, null, null, null from stream_steps($1, $2, $3) where $6 and step is not null
               union all
               select hour + interval '1 hour', count, suspect, failed, sum, min, max, last from reading_hour
               where datastream_id = $1 and hour >= $2 and hour < $3)
           select date_bin(make_interval(secs => $4::float8), at - interval '1 microsecond', $2) as "bucket!",
               sum(count)::bigint as "count!", sum(suspect)::bigint as "suspect!", sum(failed)::bigint as "failed!",
               round(case $5::text when 'sum' then sum(sum) when 'mean' then sum(sum) / nullif(sum(count), 0)
                   when 'min' then min(min) when 'max' then max(max)
                   when 'last' then (max(array[extract(epoch from at)::float8, last]) filter (where $5 = 'last' and last is not null))[2]
                   end::numeric, 6)::float8 as value
           from part group by 1 order by 1"#,
        stream.id.0,
        range.from,
        range.to,
        window_s as f64,
        function.as_str(),
        stream.kind == StreamKind::CumulativeCounter,
        stream.kind == StreamKind::IntervalSum
    )
    .fetch_all(conn)
    .await
}

/// For each bucket of a plan the most that had come together within `accumulate_s` at any of its readings, as rules see it: only
/// what is believed adds.
pub async fn accumulated(
    conn: &mut PgConnection,
    stream: &Stream,
    plan: &Plan,
    accumulate_s: i64,
) -> sqlx::Result<Vec<Option<f64>>> {
    let range = plan.range;
    let rows = sqlx::query!(
        r#"with added as (
               select observed_at as at, step from stream_steps($1, $2, $4) where step is not null
               union all
               select hour + interval '1 hour', sum from reading_hour
               where datastream_id = $1 and hour >= $2 and hour < $4 and sum is not null),
           reached as (
               select at, sum(step) over (
                   order by at range between make_interval(secs => $5::float8) - interval '1 microsecond' preceding and current row) as total
               from added)
           select date_bin(make_interval(secs => $6::float8), at - interval '1 microsecond', $3) as "bucket!",
               round(max(total)::numeric, 6)::float8 as "total!"
           from reached where at > $3 group by 1 order by 1"#,
        stream.id.0,
        range.from - chrono::TimeDelta::seconds(accumulate_s),
        range.from,
        range.to,
        accumulate_s as f64,
        plan.window_s as f64
    )
    .fetch_all(conn)
    .await?;
    let total = |from: Instant| rows.binary_search_by_key(&from, |row| row.bucket).ok().map(|at| rows[at].total);
    Ok(buckets(plan, None, |_| None).iter().map(|bucket| total(bucket.from)).collect())
}

/// The last month in a range of which only hours are kept.
pub async fn last_closed(conn: &mut PgConnection, range: Range) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar!(
        "select max(month) from journal_month where dropped_at is not null and month + interval '1 month' > $1::timestamptz at time zone 'UTC'
             and month < $2::timestamptz at time zone 'UTC'",
        range.from,
        range.to
    )
    .fetch_one(conn)
    .await
}

/// A month whose readings are all there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMonth {
    pub month: NaiveDate,
    /// Streams in use whose newest readings lie in it.
    pub feeding: i64,
    /// Whether the rules have read all of it.
    pub read: bool,
}

/// The months before `before` that are not closed, oldest first.
pub async fn raw_months(conn: &mut PgConnection, before: NaiveDate) -> sqlx::Result<Vec<RawMonth>> {
    sqlx::query_as!(
        RawMonth,
        r#"select m.month, m.newest_seq <= coalesce((select max(seq) from pipeline_cursor), 0) as "read!",
               (select count(*) from stream_latest l join datastream d on d.id = l.datastream_id join station s on s.id = d.station_id
                where s.active and l.observed_at >= m.month at time zone 'UTC'
                  and l.observed_at < (m.month + interval '1 month') at time zone 'UTC' + interval '5 days') as "feeding!"
           from journal_month m where m.dropped_at is null and m.month < $1 order by m.month"#,
        before
    )
    .fetch_all(conn)
    .await
}

/// What a month holds: all rows, those that count as readings (newest revisions and newest words), and doubts about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub rows: i64,
    pub readings: i64,
    pub flags: i64,
}

pub async fn contents(conn: &mut PgConnection, span: (Instant, Instant)) -> sqlx::Result<Contents> {
    sqlx::query_as!(
        Contents,
        r#"select (select count(*) from journal where observed_at >= $1 and observed_at < $2) as "rows!",
               (select count(*) from counted_readings($1, $2)) as "readings!",
               (select count(*) from reading_flag where observed_at >= $1 and observed_at < $2) as "flags!""#,
        span.0,
        span.1
    )
    .fetch_one(conn)
    .await
}

/// Sums a month up by hours, adding to hours that hold something already (the first instant of a month belongs to the hour
/// before it). Tells how many readings went in. Of a counter the sum is that of its steps, and the last is the last that was
/// believed: from there the next month steps on.
pub async fn keep_hours(conn: &mut PgConnection, span: (Instant, Instant)) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with counter as (select id from datastream where kind = 'cumulative_counter'),
           judged as (
               select r.*, date_trunc('hour', r.observed_at - interval '1 microsecond', 'UTC') as hour,
                   r.datastream_id in (select id from counter) as steps
               from counted_readings($1, $2) r),
           step as (
               select c.id as datastream_id, date_trunc('hour', s.observed_at - interval '1 microsecond', 'UTC') as hour, sum(s.step) as sum
               from counter c
               cross join lateral stream_steps(c.id, $1::timestamptz - interval '1 microsecond', $2::timestamptz - interval '1 microsecond') s
               group by 1, 2),
           hours as (
               select datastream_id, hour, count(*) filter (where not failed)::int as count,
                   count(*) filter (where doubted and not failed)::int as suspect, count(*) filter (where failed)::int as failed,
                   sum(value) filter (where not failed and not steps) as sum, min(value) filter (where not failed) as min,
                   max(value) filter (where not failed) as max,
                   (array_agg(value order by observed_at desc, seq desc) filter (where not failed and not (doubted and steps)))[1] as last,
                   max(observed_at) filter (where not failed and not (doubted and steps)) as last_at
               from judged group by 1, 2),
           kept as (
               insert into reading_hour as h (datastream_id, hour, count, suspect, failed, missing, sum, min, max, last, last_at)
               select n.datastream_id, n.hour, n.count, n.suspect, n.failed,
                   greatest(0, 3600 / nullif(d.interval_s, 0) - n.count), coalesce(n.sum, s.sum), n.min, n.max, n.last, n.last_at
               from hours n join datastream d on d.id = n.datastream_id
               left join step s on s.datastream_id = n.datastream_id and s.hour = n.hour
               on conflict (datastream_id, hour) do update set count = h.count + excluded.count,
                   suspect = h.suspect + excluded.suspect, failed = h.failed + excluded.failed,
                   missing = greatest(0, h.missing - excluded.count),
                   sum = case when h.sum is null then excluded.sum else h.sum + coalesce(excluded.sum, 0) end,
                   min = least(h.min, excluded.min), max = greatest(h.max, excluded.max),
                   last = case when h.last_at > excluded.last_at then h.last else coalesce(excluded.last, h.last) end,
                   last_at = greatest(h.last_at, excluded.last_at))
           select coalesce(sum(count + failed), 0)::bigint as "readings!" from hours"#,
        span.0,
        span.1
    )
    .fetch_one(conn)
    .await
}

/// Drops the readings of a month, if it still has exactly this many rows, and the doubts about them. Tells how many these were.
pub async fn drop_month(conn: &mut PgConnection, month: NaiveDate, rows: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select journal_drop_month($1, $2) as "flags!""#, month, rows).fetch_one(conn).await
}
