//! The explanation of one pair, now or at any instant in the past, from what the journal holds: whoever asks needs no evaluator of
//! their own, and sees what it saw.

use chrono_tz::Tz;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Cursor, load_cursor, load_streams, recall};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::db::geometry;
use crate::engine::Engine;
use crate::ids::AreaId;
use crate::journal;
use crate::risk::control::Defaults;
use crate::risk::evaluate::PairMemory;
use crate::risk::explain::Explanation;
use crate::risk::network::{AreaSpec, Network, PairKey};
use crate::risk::rule::Rule;
use crate::units::Level;

/// Of what is to be explained.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub area: AreaId,
    pub hazard: Cobrade,
    /// Nothing = as the evaluator sees it now.
    pub at: Option<Instant>,
}

/// The explanation of a pair under these rules, on the ground and at the grade that its area had then; `None` for a pair that has none, or that no rule judges. Where the level changed at that very
/// instant it is what was kept of the change.
pub async fn explain(
    conn: &mut PgConnection,
    asked: Asked,
    rules: Vec<Rule>,
    limits: &Defaults,
    zone: Tz,
) -> anyhow::Result<Option<Explanation>> {
    if let Some(kept) = kept(&mut *conn, asked).await? {
        return Ok(Some(kept));
    }
    let area = match asked.at {
        Some(at) => load_area_at(&mut *conn, asked, at).await?,
        None => load_area(&mut *conn, asked).await?,
    };
    let Some(area) = area else { return Ok(None) };
    let network = Network { streams: load_streams(&mut *conn, limits).await?, areas: vec![area], rules };
    let mut bound = network.bind()?.in_zone(zone);
    let Some(pair) = bound.pairs.first().cloned() else { return Ok(None) };
    let cursor = match asked.at {
        Some(at) => Cursor { seq: journal::last_received_by(&mut *conn, at).await?, through_at: at },
        None => load_cursor(&mut *conn).await?,
    };
    let memory = match asked.at {
        Some(at) => memory_at(&mut *conn, asked, at).await?,
        None => memory_now(&mut *conn, asked).await?,
    };
    // Only what the pair reads is recalled; the neighbour test spoke when the readings came, and its flags are kept.
    let wanted = pair.streams();
    let streams: Vec<_> = wanted.iter().filter_map(|index| bound.streams.get(*index).map(|spec| spec.id)).collect();
    let reaches: Vec<_> =
        wanted.iter().filter_map(|index| bound.windows.get(*index).map(|windows| windows.furthest())).collect();
    bound.neighbours.iter_mut().for_each(Vec::clear);
    let mut engine = Engine::new(bound);
    recall(&mut *conn, cursor.seq, &streams, &reaches, |reading, back| engine.recall(reading, back)).await?;
    engine.resume(
        &[(PairKey { area: asked.area, hazard: asked.hazard }, memory)].into(),
        cursor.seq,
        cursor.through_at,
    );
    Ok(engine.explanation(0))
}

/// The hazards that an area is judged for, or was at some time when a past instant is asked for: an area that is retired today was
/// judged then. Those at the highest level first.
pub async fn hazards(conn: &mut PgConnection, area: AreaId, at: Option<Instant>) -> sqlx::Result<Vec<Cobrade>> {
    let codes = sqlx::query_scalar!(
        r#"with known as (
               select cobrade from area_hazard where area_id = $1
               union select cobrade from level_transition where area_id = $1 and $2
               union select jsonb_object_keys(v.hazards) from area_version v join risk_area a on a.code = v.code
                   where a.id = $1 and v.state = 'effective' and $2)
           select k.cobrade as "cobrade!" from known k left join area_level l on l.area_id = $1 and l.cobrade = k.cobrade
           order by array_position(array['maximum', 'alert', 'attention', 'observation', 'unknown', 'normal'], l.level), k.cobrade"#,
        area.0,
        at.is_some()
    )
    .fetch_all(conn)
    .await?;
    Ok(codes.iter().filter_map(|code| code.parse().ok()).collect())
}

/// What was kept of a change at that very instant.
async fn kept(conn: &mut PgConnection, asked: Asked) -> anyhow::Result<Option<Explanation>> {
    let Some(at) = asked.at else { return Ok(None) };
    let row = sqlx::query_scalar!(
        r#"select explanation as "explanation!: Json<Explanation>" from level_transition
           where area_id = $1 and cobrade = $2 and at = $3 and explanation is not null order by id desc limit 1"#,
        asked.area.0,
        asked.hazard.to_string(),
        at
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0))
}

async fn load_area(conn: &mut PgConnection, asked: Asked) -> anyhow::Result<Option<AreaSpec>> {
    let row = sqlx::query!(
        r#"select a.code, a.name, h.grade, st_asbinary(a.geom) as "geom!"
           from risk_area a join area_hazard h on h.area_id = a.id where a.id = $1 and h.cobrade = $2"#,
        asked.area.0,
        asked.hazard.to_string()
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(AreaSpec {
            id: asked.area,
            code: row.code,
            name: row.name,
            polygons: geometry::polygons_from_wkb(&row.geom)?,
            hazards: vec![(asked.hazard, row.grade.parse()?)],
        })
    })
    .transpose()
}

/// The area as its versions tell it of an instant; of one before the first of them, as the first tells it. An area that was written past
/// the versions has none, and is taken as it stands.
async fn load_area_at(conn: &mut PgConnection, asked: Asked, at: Instant) -> anyhow::Result<Option<AreaSpec>> {
    let row = sqlx::query!(
        r#"select v.code, v.name, v.retired, v.hazards ->> $2::text as grade, st_asbinary(v.geom) as "geom!"
           from area_version v join risk_area a on a.code = v.code
           where a.id = $1 and v.state = 'effective'
           order by v.valid_from <= $3 desc, case when v.valid_from <= $3 then v.valid_from end desc,
               case when v.valid_from > $3 then v.valid_from end,
               case when v.valid_from > $3 then v.number end, v.number desc limit 1"#,
        asked.area.0,
        asked.hazard.to_string(),
        at
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return load_area(conn, asked).await };
    // Out of service, or without this hazard, it was not judged.
    let Some(grade) = row.grade.filter(|_| !row.retired) else { return Ok(None) };
    Ok(Some(AreaSpec {
        id: asked.area,
        code: row.code,
        name: row.name,
        polygons: geometry::polygons_from_wkb(&row.geom)?,
        hazards: vec![(asked.hazard, grade.parse()?)],
    }))
}

async fn memory_now(conn: &mut PgConnection, asked: Asked) -> anyhow::Result<PairMemory> {
    let row = sqlx::query_scalar!(
        r#"select memory as "memory!: Json<PairMemory>" from area_level where area_id = $1 and cobrade = $2"#,
        asked.area.0,
        asked.hazard.to_string()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.0).unwrap_or_default())
}

/// What is known of the memory of a pair at a past instant: the levels, and since when. How long conditions had held is not.
async fn memory_at(conn: &mut PgConnection, asked: Asked, at: Instant) -> anyhow::Result<PairMemory> {
    let rows = sqlx::query!(
        "select at, to_level from level_transition where area_id = $1 and cobrade = $2 and at <= $3 order by at desc, id desc limit 50",
        asked.area.0,
        asked.hazard.to_string(),
        at
    )
    .fetch_all(conn)
    .await?;
    let mut memory = PairMemory::default();
    let mut steps = Vec::new();
    for row in rows {
        steps.push((row.at.timestamp_micros(), row.to_level.parse::<Level>()?));
    }
    if let Some((since, shown)) = steps.first() {
        (memory.since, memory.shown) = (*since, *shown);
    }
    // An area that went blind keeps the level it had.
    if let Some((since, known)) = steps.iter().find(|(_, level)| *level != Level::Unknown) {
        (memory.known_since, memory.known) = (*since, *known);
    }
    Ok(memory)
}
