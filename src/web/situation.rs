//! What the pages show of the present: levels with reasons, stations with their last word, work that waits.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::{AreaId, DatastreamId, StationId};
use crate::risk::reason::Reason;
use crate::units::Level;

/// One hazard of one area as it stands.
#[derive(Clone, Debug)]
pub struct Pair {
    pub area_id: AreaId,
    pub area_code: String,
    pub area_name: String,
    pub cobrade: String,
    pub grade: String,
    pub level: Level,
    pub since_at: Option<Instant>,
    pub evaluated_at: Option<Instant>,
    pub rule_id: Option<String>,
    pub rule_version: Option<i32>,
    pub reasons: Vec<Reason>,
}

impl Pair {
    /// True when a rule judges this hazard here.
    pub fn is_judged(&self) -> bool {
        self.rule_id.as_deref().is_some_and(|rule| !rule.is_empty())
    }
}

/// Danger for sorting and colouring: blind stands above normal, below every level that data support.
pub const fn rank(level: Level) -> u8 {
    match level {
        Level::Normal => 0,
        Level::Unknown => 1,
        Level::Observation => 2,
        Level::Attention => 3,
        Level::Alert => 4,
        Level::Maximum => 5,
    }
}

/// Worst first, as legends and lists show them.
pub const WORST_FIRST: [Level; 6] =
    [Level::Maximum, Level::Alert, Level::Attention, Level::Observation, Level::Unknown, Level::Normal];

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Every pair (of one area, when given), worst first, the more dangerous ground before the less, then by name.
pub async fn pairs(conn: &mut PgConnection, area: Option<AreaId>) -> sqlx::Result<Vec<Pair>> {
    let rows = sqlx::query!(
        r#"select a.id as "area_id: AreaId", a.code, a.name, h.cobrade, h.grade, coalesce(l.level, 'unknown') as "level!",
                  l.since_at as "since_at?", l.evaluated_at as "evaluated_at?", l.rule_id as "rule_id?",
                  l.rule_version as "rule_version?", l.reasons as "reasons?: sqlx::types::Json<Vec<Reason>>"
           from risk_area a join area_hazard h on h.area_id = a.id
           left join area_level l on l.area_id = a.id and l.cobrade = h.cobrade
           where $1::bigint is null or a.id = $1 order by a.name, a.id, h.cobrade"#,
        area.map(|area| area.0) as Option<i64>
    )
    .fetch_all(conn)
    .await?;
    let mut pairs = Vec::with_capacity(rows.len());
    for row in rows {
        pairs.push(Pair {
            area_id: row.area_id,
            area_code: row.code,
            area_name: row.name,
            cobrade: row.cobrade,
            grade: row.grade,
            level: row.level.parse().map_err(decode)?,
            // A pair that was never judged carries the epoch.
            since_at: row.since_at.filter(|at| at.timestamp() > 0),
            evaluated_at: row.evaluated_at,
            rule_id: row.rule_id,
            rule_version: row.rule_version,
            reasons: row.reasons.map(|reasons| reasons.0).unwrap_or_default(),
        });
    }
    pairs.sort_by(|a, b| (rank(b.level), &b.grade).cmp(&(rank(a.level), &a.grade)));
    Ok(pairs)
}

/// How many areas stand at each level.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<(Level, i64)>> {
    let rows = sqlx::query!(r#"select level as "level!", count(*) as "areas!" from area_worst group by level"#)
        .fetch_all(conn)
        .await?;
    let of = |level: Level| rows.iter().find(|row| row.level == level.as_str()).map_or(0, |row| row.areas);
    Ok(WORST_FIRST.map(|level| (level, of(level))).to_vec())
}

/// An area on a list or drawing.
#[derive(Clone, Debug)]
pub struct AreaLevel {
    pub id: AreaId,
    pub name: String,
    pub level: Level,
}

/// Every area with its worst level, worst first.
pub async fn areas(conn: &mut PgConnection) -> sqlx::Result<Vec<AreaLevel>> {
    let rows = sqlx::query!(
        r#"select area_id as "id!: AreaId", name as "name!", level as "level!" from area_worst
           order by rank desc, name, area_id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(AreaLevel { id: row.id, name: row.name, level: row.level.parse().map_err(decode)? }))
        .collect()
}

/// A word that changes whenever a level may have changed, or an area went blind or saw again, for caches of the map.
pub async fn level_version(conn: &mut PgConnection) -> sqlx::Result<String> {
    let row = sqlx::query!(
        r#"select coalesce((select max(id) from level_transition), 0) as "transition!",
                  coalesce((select extract(epoch from max(updated_at))::bigint from risk_area), 0) as "catalogue!",
                  (select count(*) from area_level) as "pairs!",
                  coalesce((select hashtext(string_agg(area_id || ':' || array_to_string(hazards, ','), ';' order by area_id))
                            from area_blind), 0) as "blind!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(format!("{}-{}-{}-{:x}", row.transition, row.catalogue, row.pairs, row.blind))
}

/// West, south, east, north of all areas, in degrees.
pub async fn bounds(conn: &mut PgConnection) -> sqlx::Result<Option<[f64; 4]>> {
    let row = sqlx::query!(
        r#"select st_xmin(e) as west, st_ymin(e) as south, st_xmax(e) as east, st_ymax(e) as north
           from (select st_extent(geom) as e from risk_area where retired_at is null) as extent"#
    )
    .fetch_one(conn)
    .await?;
    Ok(row.west.zip(row.south).zip(row.east.zip(row.north)).map(|((w, s), (e, n))| [w, s, e, n]))
}

/// A station with the last word of one of its streams.
#[derive(Clone, Debug)]
pub struct StationNow {
    pub id: StationId,
    pub code: String,
    pub name: String,
    pub datastream_id: DatastreamId,
    /// The stream's name.
    pub stream: String,
    pub quantity: String,
    pub unit: String,
    pub kind: String,
    pub observed_at: Option<Instant>,
    pub received_at: Option<Instant>,
    pub value: Option<f64>,
    pub quality: Option<String>,
    /// Heard from within the time it promises.
    pub fresh: bool,
    /// Totals that end now; only for streams of interval sums and counters.
    pub sum_1h: Option<f64>,
    pub sum_24h: Option<f64>,
    pub device: Option<String>,
    pub device_online: Option<bool>,
}

/// Every stream of every active station (or of one), by station name.
pub async fn stations(conn: &mut PgConnection, now: Instant, code: Option<&str>) -> sqlx::Result<Vec<StationNow>> {
    sqlx::query_as!(
        StationNow,
        r#"select s.id as "id: StationId", s.code, s.name, d.id as "datastream_id: DatastreamId", d.name as stream, d.quantity, d.unit, d.kind,
                  last.observed_at as "observed_at?", last.received_at as "received_at?", last.value as "value?",
                  last.quality as "quality?",
                  coalesce(last.received_at > $1::timestamptz - make_interval(secs => d.stale_after_s), false) as "fresh!",
                  sums.h1 as sum_1h, sums.h24 as sum_24h,
                  device.code as "device?", device.online as "device_online?"
           from station s join datastream d on d.station_id = s.id
           left join stream_latest last on last.datastream_id = d.id
           left join lateral (
               select sum(step) as h24, sum(step) filter (where observed_at > $1::timestamptz - interval '1 hour') as h1
               from stream_steps(d.id, $3, $1)) sums on d.kind <> 'instantaneous'
           left join lateral (select code, online from device
                              where station_id = s.id and enabled order by last_seen_at desc nulls last limit 1) device on true
           where s.active and not s.is_virtual and ($2::text is null or s.code = $2) order by s.name, d.name"#,
        now,
        code,
        // Given as an instant, so that the planner leaves the other months out.
        now - TimeDelta::hours(24)
    )
    .fetch_all(conn)
    .await
}

/// How the gauges are doing, for the top bar.
#[derive(Clone, Copy, Debug, Default)]
pub struct GaugeHealth {
    pub fresh: i64,
    pub total: i64,
    pub newest_at: Option<Instant>,
}

pub async fn gauge_health(conn: &mut PgConnection, now: Instant) -> sqlx::Result<GaugeHealth> {
    sqlx::query_as!(
        GaugeHealth,
        r#"select count(*) as "total!", max(last.received_at) as newest_at,
                  count(*) filter (where last.received_at > $1::timestamptz - make_interval(secs => d.stale_after_s)) as "fresh!"
           from datastream d join station s on s.id = d.station_id and s.active and not s.is_virtual
           left join stream_latest last on last.datastream_id = d.id
           where d.quantity <> 'battery'"#,
        now
    )
    .fetch_one(conn)
    .await
}

/// One bar of a hyetograph: what fell from `from` for the length of a bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    pub from: Instant,
    pub value: f64,
    /// False where no reading came: no data is not no rain.
    pub measured: bool,
}

/// Totals of the last 24 hours in equal bins of `bin_min`, oldest first. A bin holds its end and not its start, as the totals of
/// intervals do.
pub async fn hyetograph(
    conn: &mut PgConnection,
    now: Instant,
    stream: DatastreamId,
    bin_min: i64,
) -> sqlx::Result<Vec<Bin>> {
    let from = now - TimeDelta::hours(24);
    let rows = sqlx::query!(
        r#"select ceil(extract(epoch from observed_at - $2::timestamptz) / $3)::bigint - 1 as "bin!", sum(step) as "value!"
           from stream_steps($1, $2, $4) where step is not null group by 1"#,
        stream.0,
        from,
        (bin_min * 60) as f64,
        now
    )
    .fetch_all(conn)
    .await?;
    let bins = (24 * 60) / bin_min.max(1);
    let of = |bin: i64| rows.iter().find(|row| row.bin == bin);
    Ok((0..bins)
        .map(|bin| Bin {
            from: from + TimeDelta::minutes(bin * bin_min),
            value: of(bin).map_or(0.0, |row| row.value),
            measured: of(bin).is_some(),
        })
        .collect())
}
