//! Occurrences at work in PostgreSQL: what one needs, how urgent it is, who answers for it.

pub mod list;
pub mod merge;
pub mod origin;
pub mod parent;
pub mod photographs;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Need;
use super::priority::{Facts, Judged, Priority};
use crate::clock::Instant;
use crate::reports::Kind;
use crate::units::Level;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What the desk added to an occurrence.
#[derive(Clone, Debug)]
pub struct Work {
    pub cobrade: Option<String>,
    pub priority: i16,
    pub priority_rule: i16,
    pub priority_points: i32,
    pub priority_reasons: Value,
    pub priority_by: Option<String>,
    pub priority_because: Option<String>,
    pub people_at_risk: Option<i32>,
    pub needs: Vec<String>,
    pub assignee: Option<String>,
    pub unit: String,
    pub dispatched_at: Option<DateTime<Utc>>,
    pub on_scene_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub neighbourhood: String,
}

pub async fn work(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Work>> {
    sqlx::query_as!(
        Work,
        "select cobrade, priority, priority_rule, priority_points, priority_reasons, priority_by, priority_because, people_at_risk,
             needs, assignee, unit, dispatched_at, on_scene_at, resolved_at, neighbourhood
         from occurrence where id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// Something changed that the rule of priority reads: it is judged at the worker's next look, or by whoever asks before.
pub async fn judge_soon(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update occurrence set priority_due_at = opened_at
         where id = $1 and state in ('new', 'confirmed', 'dispatched', 'on_scene')",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Occurrences whose priority is to be judged, the longest due first; other looks pass over them until the transaction ends.
pub async fn due(conn: &mut PgConnection, now: Instant, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from occurrence where priority_due_at <= $1 order by priority_due_at, id limit $2 for no key update skip locked",
        now,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What the rule of priority reads, with when it was opened. What is told under another counts with it.
pub async fn facts(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<Option<(Facts, Instant)>> {
    let row = sqlx::query!(
        r#"with recursive told (id) as (
               select $1::uuid union select o.id from occurrence o join told t on o.merged_into = t.id)
           select o.kind as "kind!", o.opened_at as "opened_at!", o.state as "state!", w.people as "people!", w.needs as "needs!", r.kinds as "kinds!", r.words as "words!",
               r.witnesses as "witnesses!", a.grade as "grade?", a.level as "level?"
           from occurrence o
           cross join lateral (
               select coalesce(max(people_at_risk), 0) as people,
                      coalesce(array_agg(distinct need) filter (where need is not null), '{}') as needs
               from occurrence m left join lateral unnest(m.needs) need on true where m.id in (select id from told)) w
           cross join lateral (
               select coalesce(array_agg(distinct n.kind), '{}') as kinds,
                      coalesce(array_agg(n.words) filter (where n.words <> ''), '{}') as words,
                      count(distinct n.reporter) as witnesses
               from (select r.kind, r.words, r.reporter from report_standing s join report r on r.id = s.report_id
                     where s.occurrence_id = o.id order by r.received_at desc, r.id desc limit 50) n) r
           left join lateral (
               select grade, level from area_worst x where x.geom && o.geom and st_intersects(x.geom, o.geom)
               order by rank desc, grade desc nulls last limit 1) a on true
           where o.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kinds: Result<Vec<Kind>, _> = row.kinds.iter().map(|kind| kind.parse()).collect();
    let own: Kind = row.kind.parse().map_err(decode)?;
    let kind = kinds.map_err(decode)?.into_iter().max_by_key(|kind| kind.danger()).unwrap_or(own);
    let needs: Result<Vec<Need>, _> = row.needs.iter().map(|need| need.parse()).collect();
    let level: Option<Level> = row.level.map(|level| level.parse()).transpose().map_err(decode)?;
    let is_waiting = matches!(row.state.as_str(), "new" | "confirmed");
    let facts = Facts {
        kind,
        words: row.words,
        people: row.people,
        needs: needs.map_err(decode)?,
        grade: row.grade,
        level,
        witnesses: row.witnesses,
        waits: is_waiting.then(|| (now - row.opened_at).max(TimeDelta::zero())),
    };
    Ok(Some((facts, row.opened_at)))
}

/// Keeps what the rule says; a person's word goes on counting. `true` when the priority that counts is another than before.
pub async fn save_judged(
    conn: &mut PgConnection,
    id: Uuid,
    judged: &Judged,
    due_at: Option<Instant>,
) -> sqlx::Result<bool> {
    let moved = sqlx::query_scalar!(
        r#"update occurrence o set priority_rule = $2, priority_points = $3, priority_reasons = $4, priority_due_at = $5,
             priority = case when o.priority_by is null then $2 else o.priority end
           from occurrence was where was.id = o.id and o.id = $1 returning was.priority <> o.priority as "moved!""#,
        id,
        judged.priority.number(),
        judged.points,
        serde_json::to_value(&judged.reasons).unwrap_or_default(),
        due_at
    )
    .fetch_optional(conn)
    .await?;
    Ok(moved.unwrap_or(false))
}

/// A person's word on how urgent it is, with who and why; nothing gives it back to the rule.
pub async fn prioritise(conn: &mut PgConnection, id: Uuid, given: Option<(Priority, &str, &str)>) -> sqlx::Result<()> {
    sqlx::query!(
        "update occurrence set priority = coalesce($2, priority_rule), priority_by = $3, priority_because = $4 where id = $1",
        id,
        given.map(|(priority, ..)| priority.number()) as Option<i16>,
        given.map(|(_, who, _)| who) as Option<&str>,
        given.map(|(.., why)| why) as Option<&str>
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the desk found out: how many are in danger, what they need, and the hazard, if a person said one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessed {
    pub people: Option<i32>,
    pub needs: Vec<Need>,
    pub cobrade: Option<String>,
}

pub async fn assess(conn: &mut PgConnection, id: Uuid, found: &Assessed) -> sqlx::Result<()> {
    let needs: Vec<String> = found.needs.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "update occurrence set people_at_risk = $2, needs = $3, cobrade = coalesce($4, cobrade),
             cobrade_by_hand = cobrade_by_hand or $4 is not null where id = $1",
        id,
        found.people,
        &needs,
        found.cobrade
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who was sent.
pub async fn send(conn: &mut PgConnection, id: Uuid, unit: &str) -> sqlx::Result<()> {
    sqlx::query!("update occurrence set unit = $2 where id = $1", id, unit).execute(conn).await?;
    Ok(())
}

pub async fn assign(conn: &mut PgConnection, id: Uuid, assignee: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!("update occurrence set assignee = $2 where id = $1", id, assignee).execute(conn).await?;
    Ok(())
}

/// Whether an account of this name may be given work.
pub async fn is_staff(conn: &mut PgConnection, username: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from staff where username = $1 and disabled_at is null) as "is!""#,
        username
    )
    .fetch_one(conn)
    .await
}

/// Takes it out of its incident.
pub async fn leave_incident(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update occurrence set incident_id = null where id = $1", id).execute(conn).await?;
    Ok(())
}

/// A line of its timeline, that may correct an earlier one of the same occurrence; nothing when there is no such line, or it was corrected.
pub async fn add_note(
    conn: &mut PgConnection,
    id: Uuid,
    (now, actor): (Instant, &str),
    (text, detail): (&str, &Value),
    corrects: Option<i64>,
) -> sqlx::Result<Option<i64>> {
    let kind = if corrects.is_some() { "correction" } else { "note" };
    sqlx::query_scalar!(
        r#"insert into occurrence_event (occurrence_id, at, actor, kind, text, corrects, detail)
           select $1, $2, $3, $4, $5, $6, $7::jsonb
           where $6::bigint is null or exists (select from occurrence_event e where e.id = $6 and e.occurrence_id = $1
               and e.kind in ('note', 'correction') and not exists (select from occurrence_event c where c.corrects = e.id))
           returning id"#,
        id,
        now,
        actor,
        kind,
        text,
        corrects,
        detail
    )
    .fetch_optional(conn)
    .await
}
