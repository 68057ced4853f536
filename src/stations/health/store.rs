//! Facts of the stations, faults and clocks in PostgreSQL. Every look into the journal is bounded by `observed_at` and stream.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;

use super::reconcile::{Change, OpenFault};
use super::{Battery, DeviceFacts, Fault, FaultKey, Flags, Reason, StationFacts, StreamFacts, drift};
use crate::clock::Instant;
use crate::ids::{DatastreamId, DeviceId, StationId};

/// Messages of one stream that an estimate of a clock looks at, and of all of them, about.
const CLOCK_MESSAGES: i64 = 1000;
const CLOCK_MESSAGES_A_ROUND: i64 = 200_000;

/// Readings that one round counts at most, about. Each stream's are counted over a day; where all of them together would be more, the
/// streams that speak often are counted over a shorter span: ten thousand gauges with a reading a second send nine hundred million a day.
pub const READINGS_A_ROUND: i64 = 3_000_000;
/// But not over less than this.
const SHORTEST_SPAN_S: i64 = 900;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Takes the round if it is due: of several processes one gets it. A due time far ahead is left from a clock that was wrong.
pub async fn take(conn: &mut PgConnection, name: &str, now: Instant, next: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update health_round set due_at = $3
         where name = $1 and (due_at <= $2 or due_at > $2::timestamptz + interval '1 hour')",
        name,
        now,
        next
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts the next round off until then, unless it is later already.
pub async fn put_off(conn: &mut PgConnection, name: &str, until: Instant) -> sqlx::Result<()> {
    sqlx::query!("update health_round set due_at = greatest(due_at, $2) where name = $1", name, until)
        .execute(conn)
        .await?;
    Ok(())
}

/// The facts of every active station, from about as many readings.
pub async fn facts(
    conn: &mut PgConnection,
    now: Instant,
    readings: i64,
) -> sqlx::Result<BTreeMap<StationId, StationFacts>> {
    let mut facts: BTreeMap<StationId, StationFacts> = BTreeMap::new();
    for (station, stream) in streams(&mut *conn, now, readings).await? {
        facts.entry(station).or_default().streams.push(stream);
    }
    for (station, device) in devices(&mut *conn, now).await? {
        facts.entry(station).or_default().devices.push(device);
    }
    for held in open(conn).await? {
        if let Some(of_station) = facts.get_mut(&held.station) {
            of_station.open.push(held.key);
        }
    }
    Ok(facts)
}

/// What was filled in of the past says nothing of how a gauge does.
async fn streams(conn: &mut PgConnection, now: Instant, readings: i64) -> sqlx::Result<Vec<(StationId, StreamFacts)>> {
    let mut batteries = batteries(&mut *conn, now).await?;
    let rows = sqlx::query!(
        r#"with share as (select $3::bigint / greatest(count(*), 1) as readings
                          from datastream d join station s on s.id = d.station_id and s.active)
           select d.id as "id: DatastreamId", d.station_id as "station_id: StationId", d.created_at, d.interval_s, d.stale_after_s,
                  last.observed_at as "observed_at?", greatest(last.received_at, span.received_at) as "received_at?",
                  s_span.s as "span_s!", span.readings as "readings!", day.failed as "failed!",
                  flag.flat as "flat!", flag.flat_at, flag.stuck as "stuck!", flag.stuck_at,
                  flag.other as "other!", flag.other_at
           from datastream d join station s on s.id = d.station_id and s.active cross join share
           cross join lateral (
               select least(greatest(coalesce(d.interval_s, 300) * share.readings, $2), 86400)::integer as s) s_span
           left join lateral (select observed_at, received_at from journal
                              where datastream_id = d.id and observed_at > $1::timestamptz - interval '400 days'
                                and observed_at <= $1::timestamptz + interval '1 day' and source <> 'history'
                              order by observed_at desc, seq desc limit 1) last on true
           cross join lateral (select count(distinct observed_at) as readings, max(received_at) as received_at
                               from journal where datastream_id = d.id
                                 and observed_at > $1::timestamptz - make_interval(secs => s_span.s)
                                 and observed_at <= $1::timestamptz + interval '1 day' and source <> 'history') span
           cross join lateral (select count(distinct observed_at) as failed
                               from journal where datastream_id = d.id and observed_at > $1::timestamptz - interval '24 hours'
                                 and observed_at <= $1::timestamptz + interval '1 day' and source <> 'history'
                                 and quality <> 'pass' and quality = 'fail') day
           cross join lateral (select count(*) filter (where test = 'flat_line') as flat,
                                      min(observed_at) filter (where test = 'flat_line') as flat_at,
                                      count(*) filter (where test = 'stuck_counter') as stuck,
                                      min(observed_at) filter (where test = 'stuck_counter') as stuck_at,
                                      count(*) filter (where test = 'neighbours') as other,
                                      min(observed_at) filter (where test = 'neighbours') as other_at
                               from reading_flag where datastream_id = d.id
                                 and observed_at > $1::timestamptz - interval '24 hours'
                                 and observed_at <= $1::timestamptz + interval '1 day') flag
           where d.quantity not in ('reports', 'warnings') order by d.id"#,
        now,
        SHORTEST_SPAN_S,
        readings
    )
    .fetch_all(conn)
    .await?;
    let of = |count, first_at| Flags { count, first_at };
    Ok(rows
        .into_iter()
        .map(|row| {
            let stream = StreamFacts {
                id: row.id,
                created_at: row.created_at,
                interval_s: row.interval_s,
                stale_after_s: row.stale_after_s,
                observed_at: row.observed_at,
                received_at: row.received_at,
                span_s: row.span_s,
                readings: row.readings,
                failed: row.failed,
                flat: of(row.flat, row.flat_at),
                stuck: of(row.stuck, row.stuck_at),
                disagrees: of(row.other, row.other_at),
                battery: batteries.remove(&row.id),
            };
            (row.station_id, stream)
        })
        .collect())
}

/// The last value and the daily minima of a week of every battery's stream.
async fn batteries(conn: &mut PgConnection, now: Instant) -> sqlx::Result<BTreeMap<DatastreamId, Battery>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DatastreamId", day.before as "before!", day.least as "least!", day.at as "at!", day.last as "last!"
           from datastream d join station s on s.id = d.station_id and s.active
           cross join lateral (
               select floor(extract(epoch from observed_at - $1::timestamptz) / 86400)::float8 as before, min(value) as least,
                      max(observed_at) as at, (array_agg(value order by observed_at desc))[1] as last
               from journal where datastream_id = d.id and observed_at > $1::timestamptz - interval '7 days'
                 and observed_at <= $1 and quality <> 'fail' and source <> 'history' group by 1) day
           where d.quantity = 'battery' order by d.id, day.before"#,
        now
    )
    .fetch_all(conn)
    .await?;
    let mut batteries: BTreeMap<DatastreamId, Battery> = BTreeMap::new();
    for row in rows {
        let held = batteries.entry(row.id).or_insert(Battery { at: row.at, pct: row.last, days: Vec::new() });
        (held.at, held.pct) = (row.at, row.last);
        held.days.push((row.before, row.least));
    }
    Ok(batteries)
}

async fn devices(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<(StationId, DeviceFacts)>> {
    let drifts = drifts(&mut *conn, now).await?;
    let rows = sqlx::query!(
        r#"select d.id as "id: DeviceId", d.station_id as "station_id: StationId", r.battery_pct as "battery_pct?",
                  r.received_at as "battery_at?", c.offset_s as "offset_s?", c.spread_s as "spread_s?",
                  c.messages as "messages?", c.told as "told?"
           from device d join station s on s.id = d.station_id and s.active
           left join device_report r on r.device_id = d.id and r.received_at > $1::timestamptz - interval '7 days'
           left join lateral (select offset_s, spread_s, messages, told from device_clock
                              where device_id = d.id and estimated_at > $1::timestamptz - interval '1 day'
                              order by day desc limit 1) c on true
           where d.enabled order by d.id"#,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let clock =
                row.offset_s.zip(row.spread_s).zip(row.messages.zip(row.told)).map(|((offset_s, spread_s), rest)| {
                    drift::Estimate { offset_s, spread_s, messages: rest.0, told: rest.1 }
                });
            let battery = row.battery_pct.zip(row.battery_at);
            let battery = battery.map(|(pct, at)| Battery { at, pct, days: Vec::new() });
            (row.station_id, DeviceFacts { id: row.id, clock, drift: drifts.get(&row.id).copied(), battery })
        })
        .collect())
}

/// How fast each clock drifts, by the estimates of the last two weeks.
async fn drifts(conn: &mut PgConnection, now: Instant) -> sqlx::Result<BTreeMap<DeviceId, drift::Drift>> {
    let rows = sqlx::query!(
        r#"select device_id as "device_id: DeviceId", offset_s, spread_s,
                  extract(epoch from estimated_at - $1::timestamptz)::float8 / 86400 as "day!"
           from device_clock where estimated_at > $1::timestamptz - interval '14 days' and estimated_at <= $1
           order by device_id, estimated_at"#,
        now
    )
    .fetch_all(conn)
    .await?;
    let mut days: BTreeMap<DeviceId, Vec<drift::Day>> = BTreeMap::new();
    for row in rows {
        let day = drift::Day { day: row.day, offset_s: row.offset_s, spread_s: row.spread_s };
        days.entry(row.device_id).or_default().push(day);
    }
    Ok(days.into_iter().filter_map(|(device, days)| Some((device, drift::drift(&days)?))).collect())
}

/// Every open fault.
pub async fn open(conn: &mut PgConnection) -> sqlx::Result<Vec<OpenFault>> {
    let rows = sqlx::query!(
        r#"select id, station_id as "station_id: StationId", datastream_id as "datastream_id: DatastreamId",
                  device_id as "device_id: DeviceId", kind, seen_at from station_fault where closed_at is null order by id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = row.kind.parse().map_err(decode)?;
            let key = FaultKey { kind, stream: row.datastream_id, device: row.device_id };
            Ok(OpenFault { id: row.id, station: row.station_id, key, seen_at: row.seen_at })
        })
        .collect()
}

/// Writes one change of a fault.
pub async fn write(conn: &mut PgConnection, now: Instant, change: &Change) -> sqlx::Result<()> {
    match change {
        Change::Open(station, fault) => insert(conn, now, *station, fault).await,
        Change::Keep(id, reason) => {
            sqlx::query!(
                "update station_fault set seen_at = $2, reason = $3 where id = $1",
                *id,
                now,
                Json(reason) as _
            )
            .execute(conn)
            .await?;
            Ok(())
        }
        Change::Close(_, _, id) => {
            sqlx::query!("update station_fault set closed_at = $2 where id = $1 and closed_at is null", *id, now)
                .execute(conn)
                .await?;
            Ok(())
        }
    }
}

async fn insert(conn: &mut PgConnection, now: Instant, station: StationId, fault: &Fault) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into station_fault (station_id, datastream_id, device_id, kind, reason, began_at, opened_at, seen_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
        station.0,
        fault.stream.map(|id| id.0),
        fault.device.map(|id| id.0),
        fault.kind.as_str(),
        Json(&fault.reason) as _,
        fault.since,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Estimates the clock of every device anew, from the live messages of the last day or from its own word.
pub async fn estimate_clocks(conn: &mut PgConnection, now: Instant, at_least: u32) -> sqlx::Result<()> {
    let mut lags: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for row in live_lags(&mut *conn, now, i64::from(at_least)).await? {
        lags.entry(row.0).or_default().push(row.1);
    }
    let at_least = usize::try_from(at_least).unwrap_or(usize::MAX);
    let mut clocks: BTreeMap<i64, drift::Estimate> =
        lags.iter().filter_map(|(id, lags)| Some((*id, drift::from_lags(lags, at_least)?))).collect();
    let told = sqlx::query!(
        r#"select device_id, clock_offset_ms::float8 / 1000 as "lag!" from device_report
           where clock_offset_ms is not null and clock_at > $1::timestamptz - interval '24 hours'"#,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    clocks.extend(told.iter().map(|row| (row.device_id, drift::told(row.lag))));
    for (device, clock) in clocks {
        sqlx::query!(
            "insert into device_clock (device_id, day, offset_s, spread_s, messages, told, estimated_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (device_id, day) do update
             set offset_s = excluded.offset_s, spread_s = excluded.spread_s, messages = excluded.messages,
                 told = excluded.told, estimated_at = excluded.estimated_at",
            device,
            now.date_naive(),
            clock.offset_s,
            clock.spread_s,
            clock.messages,
            clock.told,
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The shortest lag of each live message, in seconds; of each stream `at_least` messages, if it has them.
async fn live_lags(conn: &mut PgConnection, now: Instant, at_least: i64) -> sqlx::Result<Vec<(i64, f64)>> {
    let rows = sqlx::query!(
        r#"with share as (select greatest($3, least($2, $4 / greatest(count(*), 1))) as messages
                          from datastream d join station s on s.id = d.station_id and s.active)
           select v.id, min(j.lag) as "lag!" from share cross join device v
           join station s on s.id = v.station_id and s.active join datastream d on d.station_id = s.id
           cross join lateral (
               select coalesce(message_id, received_at::text) as message,
                      extract(epoch from received_at - observed_at)::float8 as lag
               from journal where datastream_id = d.id and device_id = v.id and source in ('mqtt', 'http', 'broker')
                 and received_at > $1::timestamptz - interval '24 hours' and observed_at > $1::timestamptz - interval '36 hours'
                 and observed_at <= $1::timestamptz + interval '1 day' and revision = 0
               order by observed_at desc limit share.messages) j
           where v.enabled group by v.id, j.message order by v.id"#,
        now,
        CLOCK_MESSAGES,
        at_least,
        CLOCK_MESSAGES_A_ROUND
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.lag)).collect())
}

/// A fault as people read it.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct FaultRow {
    pub station: String,
    pub station_name: String,
    /// Name of the stream; null for faults of a device.
    pub stream: Option<String>,
    /// Code of the device; null for faults of a stream.
    pub device: Option<String>,
    pub kind: String,
    #[schema(value_type = Reason)]
    pub reason: Json<Reason>,
    #[schema(value_type = String)]
    pub began_at: Instant,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Instant>,
}

/// Faults of one station or of all: those open, and those that were opened or closed since `since`; at most 1,000.
pub async fn faults(conn: &mut PgConnection, code: Option<&str>, since: Instant) -> sqlx::Result<Vec<FaultRow>> {
    sqlx::query_as!(
        FaultRow,
        r#"select s.code as station, s.name as station_name, d.name as "stream?", v.code as "device?", f.kind,
                  f.reason as "reason: Json<Reason>", f.began_at, f.opened_at, f.closed_at
           from station_fault f join station s on s.id = f.station_id
           left join datastream d on d.id = f.datastream_id left join device v on v.id = f.device_id
           where ($1::text is null or s.code = $1) and (f.closed_at is null or f.closed_at > $2)
           order by f.closed_at is not null, f.began_at, f.id limit 1000"#,
        code,
        since
    )
    .fetch_all(conn)
    .await
}

/// The clock of a device, with how fast it drifts.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ClockRow {
    pub device: String,
    /// Null: too few messages to say.
    pub offset: Option<drift::Estimate>,
    /// Seconds a day; null before the third day.
    pub drift_s_per_day: Option<f64>,
}

/// The clocks of the devices of a station, from the estimates of the last two weeks.
pub async fn clocks(conn: &mut PgConnection, code: &str, now: Instant) -> sqlx::Result<Vec<ClockRow>> {
    let drifts = drifts(&mut *conn, now).await?;
    let rows = sqlx::query!(
        r#"select v.id as "id: DeviceId", v.code, c.offset_s as "offset_s?", c.spread_s as "spread_s?",
                  c.messages as "messages?", c.told as "told?"
           from device v join station s on s.id = v.station_id
           left join lateral (select offset_s, spread_s, messages, told from device_clock
                              where device_id = v.id and day > $2::date - 14 and estimated_at <= $3
                              order by day desc limit 1) c on true
           where s.code = $1 and v.enabled order by v.code"#,
        code,
        now.date_naive(),
        now
    )
    .fetch_all(conn)
    .await?;
    let of = |offset_s, spread_s, messages, told| drift::Estimate { offset_s, spread_s, messages, told };
    Ok(rows
        .into_iter()
        .map(|row| ClockRow {
            device: row.code,
            offset: row
                .offset_s
                .zip(row.spread_s)
                .zip(row.messages.zip(row.told))
                .map(|((o, s), (m, t))| of(o, s, m, t)),
            drift_s_per_day: drifts.get(&row.id).map(|drift| drift.s_per_day),
        })
        .collect())
}

/// How many faults of each kind are open.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select kind, count(*) as "open!" from station_fault where closed_at is null group by kind order by kind"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.open)).collect())
}
