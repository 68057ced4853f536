//! What versions on trial would have done, and what their pairs remember.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::engine::{Explained, Transition};
use crate::ids::AreaId;
use crate::risk::network::PairKey;
use crate::rules::memory::Remembered;
use crate::units::Level;

/// A level that a trial would have shown, or that the active rule did show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub area_code: String,
    pub area: String,
    pub cobrade: String,
    pub from: Level,
    pub to: Level,
    pub at: Instant,
}

pub async fn memories(conn: &mut PgConnection) -> anyhow::Result<BTreeMap<PairKey, Remembered>> {
    let rows =
        sqlx::query!(r#"select area_id as "area_id: AreaId", cobrade, rule_id, rule_version, memory from trial_level"#)
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
pub async fn save(conn: &mut PgConnection, pairs: &[Explained<'_>]) -> anyhow::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let (mut areas, mut hazards, mut levels, mut since) = (vec![], vec![], vec![], vec![]);
    let (mut rules, mut versions, mut memories) = (vec![], vec![], vec![]);
    for pair in pairs {
        areas.push(pair.pair.key.area.0);
        hazards.push(pair.pair.key.hazard.to_string());
        levels.push(pair.memory.shown.as_str().to_owned());
        since.push(crate::clock::from_micros(pair.memory.since));
        rules.push(pair.rule_id.to_owned());
        versions.push(pair.rule_version);
        memories.push(serde_json::to_value(pair.memory)?);
    }
    sqlx::query!(
        "insert into trial_level (rule_id, rule_version, area_id, cobrade, level, since_at, memory)
         select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[])
         on conflict (area_id, cobrade) do update set rule_id = excluded.rule_id, rule_version = excluded.rule_version,
             level = excluded.level, since_at = excluded.since_at, memory = excluded.memory",
        &rules,
        &versions,
        &areas,
        &hazards,
        &levels,
        &since,
        &memories
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn save_transition(conn: &mut PgConnection, transition: &Transition) -> anyhow::Result<()> {
    sqlx::query!(
        "insert into trial_transition (rule_id, rule_version, area_id, cobrade, from_level, to_level, at, journal_seq, reasons)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        transition.rule_id,
        transition.rule_version,
        transition.pair.area.0,
        transition.pair.hazard.to_string(),
        transition.from.as_str(),
        transition.to.as_str(),
        transition.at,
        transition.seq.0,
        serde_json::to_value(&transition.reasons)?
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops what pairs remember of trials that ended. What they would have done stays.
pub async fn forget_ended(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from trial_level t where not exists (
             select from rule_version v where v.rule_id = t.rule_id and v.version = t.rule_version and v.state = 'trial')"
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Raw {
    area_code: String,
    area: String,
    cobrade: String,
    from_level: String,
    to_level: String,
    at: Instant,
}

impl Raw {
    fn read(self) -> sqlx::Result<Shown> {
        let decode = |error: crate::units::UnknownWord| sqlx::Error::Decode(error.into());
        let (from, to) = (self.from_level.parse().map_err(decode)?, self.to_level.parse().map_err(decode)?);
        Ok(Shown { area_code: self.area_code, area: self.area, cobrade: self.cobrade, from, to, at: self.at })
    }
}

/// What a trial would have shown since it began, newest first.
pub async fn would_have_shown(
    conn: &mut PgConnection,
    (rule_id, version): (&str, i32),
    since: Instant,
    limit: i64,
) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query_as!(
        Raw,
        "select a.code as area_code, a.name as area, t.cobrade, t.from_level, t.to_level, t.at
         from trial_transition t join risk_area a on a.id = t.area_id
         where t.rule_id = $1 and t.rule_version = $2 and t.at >= $3 order by t.at desc, t.id desc limit $4",
        rule_id,
        version,
        since,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Raw::read).collect()
}

/// What the active rules did show meanwhile for a hazard, newest first.
pub async fn did_show(
    conn: &mut PgConnection,
    cobrade: &str,
    (from, to): (Instant, Instant),
    limit: i64,
) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query_as!(
        Raw,
        "select a.code as area_code, a.name as area, t.cobrade, t.from_level, t.to_level, t.at
         from level_transition t join risk_area a on a.id = t.area_id
         where t.cobrade = $1 and t.at >= $2 and t.at <= $3 order by t.at desc, t.id desc limit $4",
        cobrade,
        from,
        to,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Raw::read).collect()
}
