//! The catalogue as the engine needs it, and levels with their memory, in PostgreSQL.

mod explain;
mod recall;

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::db::geometry;
use crate::engine::{Explained, Transition};
use crate::ids::{AreaId, DatastreamId};
use crate::risk::control::{Defaults, Flag, Overrides};
use crate::risk::counter::Counter;
use crate::risk::network::{AreaSpec, Network, PairKey, Stages, StreamSpec};
use crate::risk::rule::Rule;
use crate::risk::series::Micros;
use crate::rules::memory::Remembered;
use crate::units::{Fixed, Grade, Quantity, StreamKind};

pub use explain::{Asked, explain, hazards};
pub use recall::recall;

/// The rules compiled in, as (file name, text).
pub const DEFAULT_RULES: &[(&str, &str)] = &[
    ("rain-landslide.toml", include_str!("../../config/rules/rain-landslide.toml")),
    ("rain-waterlogging.toml", include_str!("../../config/rules/rain-waterlogging.toml")),
    ("river-flood.toml", include_str!("../../config/rules/river-flood.toml")),
    ("air-dry.toml", include_str!("../../config/rules/air-dry.toml")),
    ("heat.toml", include_str!("../../config/rules/heat.toml")),
];

/// Reads the rules of a folder in the order of their file names, or those compiled in.
///
/// # Errors
/// Names the file, the key, the value and what was expected.
pub fn load_rules(folder: Option<&Path>) -> anyhow::Result<Vec<Rule>> {
    rule_texts(folder)?.iter().map(|(file, text)| Ok(Rule::parse(file, text)?)).collect()
}

/// The same as they are written: (file, text).
///
/// # Errors
/// Names the folder or file that cannot be read.
pub fn rule_texts(folder: Option<&Path>) -> anyhow::Result<Vec<(String, String)>> {
    let Some(folder) = folder else {
        return Ok(DEFAULT_RULES.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect());
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| anyhow::anyhow!("engine.rules_dir {}: {error}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    anyhow::ensure!(!files.is_empty(), "engine.rules_dir {} holds no .toml file", folder.display());
    files.iter().map(|file| Ok((file.display().to_string(), std::fs::read_to_string(file)?))).collect()
}

/// The limits compiled in.
pub const DEFAULT_LIMITS: &str = include_str!("../../config/quality.toml");

/// The limits of quality control of a file, or, where none is named, those compiled in.
///
/// # Errors
/// Names the file, the quantity and the test.
pub fn load_limits(file: &str) -> anyhow::Result<Defaults> {
    if file.is_empty() {
        return Ok(Defaults::parse(DEFAULT_LIMITS)?);
    }
    let text = std::fs::read_to_string(file).map_err(|error| anyhow::anyhow!("engine.quality_file {file}: {error}"))?;
    Defaults::parse(&text).map_err(|error| anyhow::anyhow!("engine.quality_file {file}: {error}"))
}

/// How often the catalogue has changed.
pub async fn catalogue_version(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select version from catalogue_version").fetch_one(conn).await
}

/// Streams and areas as they stand.
pub async fn load_network(conn: &mut PgConnection, rules: Vec<Rule>, limits: &Defaults) -> anyhow::Result<Network> {
    Ok(Network { streams: load_streams(conn, limits).await?, areas: load_areas(conn).await?, rules })
}

async fn load_streams(conn: &mut PgConnection, limits: &Defaults) -> anyhow::Result<Vec<StreamSpec>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DatastreamId", s.code, s.name, d.name as stream, st_x(s.geom) as "lon!", st_y(s.geom) as "lat!",
                  d.quantity, d.kind, d.interval_s, d.stale_after_s, d.counter_wraps_at,
                  d.limits as "limits: sqlx::types::Json<Overrides>", d.stages as "stages: sqlx::types::Json<Stages>"
           from datastream d join station s on s.id = d.station_id where s.active order by d.id"#
    )
    .fetch_all(conn)
    .await?;
    let second: Micros = 1_000_000;
    rows.into_iter()
        .map(|row| {
            let quantity = row.quantity.parse::<Quantity>()?;
            let wraps_at = row.counter_wraps_at.map(Fixed::try_from).transpose()?;
            Ok(StreamSpec {
                id: row.id,
                station_code: row.code,
                station_name: row.name,
                name: row.stream,
                point: geo::Point::new(row.lon, row.lat),
                quantity,
                kind: row.kind.parse::<StreamKind>()?,
                interval: row.interval_s.map(|seconds| Micros::from(seconds) * second),
                stale_after: Micros::from(row.stale_after_s) * second,
                limits: limits.of(quantity, &row.limits.0),
                counter: Counter::of(quantity, wraps_at),
                stages: row.stages.0,
            })
        })
        .collect()
}

async fn load_areas(conn: &mut PgConnection) -> anyhow::Result<Vec<AreaSpec>> {
    let mut hazards: BTreeMap<AreaId, Vec<(Cobrade, Grade)>> = BTreeMap::new();
    let rows = sqlx::query!(
        r#"select area_id as "area_id: AreaId", cobrade, grade from area_hazard order by area_id, cobrade"#
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        hazards.entry(row.area_id).or_default().push((row.cobrade.parse()?, row.grade.parse()?));
    }
    let rows = sqlx::query!(
        r#"select id as "id: AreaId", code, name, st_asbinary(geom) as "geom!" from risk_area order by id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AreaSpec {
                id: row.id,
                code: row.code,
                name: row.name,
                polygons: geometry::polygons_from_wkb(&row.geom)?,
                hazards: hazards.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

/// What every pair remembered, and by which rule it was judged then.
pub async fn load_memories(conn: &mut PgConnection) -> anyhow::Result<BTreeMap<PairKey, Remembered>> {
    let rows =
        sqlx::query!(r#"select area_id as "area_id: AreaId", cobrade, rule_id, rule_version, memory from area_level"#)
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|row| {
            let key = PairKey { area: row.area_id, hazard: row.cobrade.parse()? };
            let memory = serde_json::from_value(row.memory)?;
            Ok((key, Remembered { rule_id: row.rule_id, rule_version: row.rule_version, memory }))
        })
        .collect()
}

/// Writes the pairs as they stand now.
pub async fn save_levels(conn: &mut PgConnection, pairs: &[Explained<'_>]) -> anyhow::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let (mut areas, mut hazards, mut levels, mut since) = (vec![], vec![], vec![], vec![]);
    let (mut at, mut rules, mut versions, mut reasons, mut memories) = (vec![], vec![], vec![], vec![], vec![]);
    for pair in pairs {
        areas.push(pair.pair.key.area.0);
        hazards.push(pair.pair.key.hazard.to_string());
        levels.push(pair.memory.shown.as_str().to_owned());
        since.push(crate::clock::from_micros(pair.memory.since));
        at.push(pair.at);
        rules.push(pair.rule_id.to_owned());
        versions.push(pair.rule_version);
        reasons.push(serde_json::to_value(&pair.reasons)?);
        memories.push(serde_json::to_value(pair.memory)?);
    }
    sqlx::query!(
        "insert into area_level (area_id, cobrade, level, since_at, evaluated_at, rule_id, rule_version, reasons, memory)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                              $7::integer[], $8::jsonb[], $9::jsonb[])
         on conflict (area_id, cobrade) do update set level = excluded.level, since_at = excluded.since_at,
             evaluated_at = excluded.evaluated_at, rule_id = excluded.rule_id, rule_version = excluded.rule_version,
             reasons = excluded.reasons, memory = excluded.memory",
        &areas,
        &hazards,
        &levels,
        &since,
        &at,
        &rules,
        &versions,
        &reasons,
        &memories
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops the levels of pairs that no longer exist.
pub async fn forget_removed(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from area_level l where not exists
             (select from area_hazard h where h.area_id = l.area_id and h.cobrade = l.cobrade)"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends to the history of levels.
pub async fn save_transition(conn: &mut PgConnection, transition: &Transition) -> anyhow::Result<()> {
    sqlx::query!(
        "insert into level_transition
             (area_id, cobrade, from_level, to_level, at, journal_seq, rule_id, rule_version, reasons, explanation)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        transition.pair.area.0,
        transition.pair.hazard.to_string(),
        transition.from.as_str(),
        transition.to.as_str(),
        transition.at,
        transition.seq.0,
        transition.rule_id,
        transition.rule_version,
        serde_json::to_value(&transition.reasons)?,
        serde_json::to_value(&transition.explanation)?
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far the evaluator has read. `through_at` is the instant its timers have run to.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    pub seq: crate::ids::Seq,
    pub through_at: Instant,
}

const EVALUATOR: &str = "evaluator";

pub async fn load_cursor(conn: &mut PgConnection) -> sqlx::Result<Cursor> {
    let row = sqlx::query!("select seq, through_at from pipeline_cursor where name = $1", EVALUATOR)
        .fetch_optional(conn)
        .await?;
    Ok(row.map_or(Cursor { seq: crate::ids::Seq(0), through_at: Instant::default() }, |row| Cursor {
        seq: crate::ids::Seq(row.seq),
        through_at: row.through_at,
    }))
}

pub async fn save_cursor(conn: &mut PgConnection, cursor: Cursor) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into pipeline_cursor (name, seq, through_at) values ($1, $2, $3)
         on conflict (name) do update set seq = excluded.seq, through_at = greatest(pipeline_cursor.through_at, excluded.through_at)",
        EVALUATOR,
        cursor.seq.0,
        cursor.through_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that everything in the journal was judged at `now`.
pub async fn say_caught_up(conn: &mut PgConnection, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluator_beat (at) values ($1)
         on conflict (id) do update set at = excluded.at, beaten_at = clock_timestamp()",
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what quality control said.
pub async fn save_flags(conn: &mut PgConnection, now: Instant, flags: &[Flag]) -> anyhow::Result<()> {
    if flags.is_empty() {
        return Ok(());
    }
    let seqs: Vec<i64> = flags.iter().map(|flag| flag.seq.0).collect();
    let streams: Vec<i64> = flags.iter().map(|flag| flag.datastream.0).collect();
    let observed: Vec<Instant> = flags.iter().map(|flag| flag.observed_at).collect();
    let tests: Vec<&str> = flags.iter().map(|flag| flag.why.test().as_str()).collect();
    let qualities: Vec<&str> = flags.iter().map(|flag| flag.quality.as_str()).collect();
    let reasons: Vec<String> = flags.iter().map(|flag| flag.why.to_string()).collect();
    let whys = flags.iter().map(|flag| serde_json::to_value(&flag.why)).collect::<Result<Vec<_>, _>>()?;
    sqlx::query!(
        "insert into reading_flag (journal_seq, datastream_id, observed_at, test, quality, reason, why, flagged_at)
         select *, $8 from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
         on conflict (journal_seq, test) do nothing",
        &seqs,
        &streams,
        &observed,
        &tests as &[&str],
        &qualities as &[&str],
        &reasons,
        &whys,
        now
    )
    .execute(conn)
    .await?;
    for flag in flags {
        metrics::counter!("sentinela_readings_flagged_total", "test" => flag.why.test().as_str(),
            "quality" => flag.quality.as_str())
        .increment(1);
    }
    Ok(())
}
