//! Hand-over notes in PostgreSQL, and what they are drafted from.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::draft::{Case, Facts, InForce, Line, Raised, Running};
use crate::clock::Instant;

/// "SHIF": one act on a note at a time.
const LOCK: i64 = 0x5348_4946;
/// Open occurrences that a note lists, and lines of timelines.
const MOST_CASES: i64 = 60;
const MOST_LINES: i64 = 150;

pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// A note.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ShiftNote)]
pub struct Note {
    pub id: Uuid,
    pub number: String,
    /// draft, given or taken.
    pub state: String,
    pub from_at: DateTime<Utc>,
    pub until_at: DateTime<Utc>,
    pub revision: i32,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub given_at: Option<DateTime<Utc>>,
    pub given_by: Option<String>,
    pub taken_at: Option<DateTime<Utc>>,
    pub taken_by: Option<String>,
    /// What whoever took it added.
    pub remark: String,
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Note>> {
    sqlx::query_as!(
        Note,
        "select id, number, state, from_at, until_at, revision, body, created_at, created_by, given_at, given_by, taken_at, taken_by, remark
         from shift_note where id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// Newest first.
pub async fn list(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Note>> {
    sqlx::query_as!(
        Note,
        "select id, number, state, from_at, until_at, revision, body, created_at, created_by, given_at, given_by, taken_at, taken_by, remark
         from shift_note order by created_at desc, id limit $1",
        limit
    )
    .fetch_all(conn)
    .await
}

/// The number of the note that is being drafted.
pub async fn draft(conn: &mut PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select number from shift_note where state = 'draft'").fetch_optional(conn).await
}

/// Until when the last note that was given tells.
pub async fn last(conn: &mut PgConnection) -> sqlx::Result<Option<Instant>> {
    sqlx::query_scalar!("select max(until_at) from shift_note where state <> 'draft'").fetch_one(conn).await
}

pub async fn insert(
    conn: &mut PgConnection,
    (id, number): (Uuid, &str),
    (from, until): (Instant, Instant),
    body: &str,
    (now, who): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into shift_note (id, number, state, from_at, until_at, body, created_at, created_by)
         values ($1, $2, 'draft', $3, $4, $5, $6, $7)",
        id,
        number,
        from,
        until,
        body,
        now,
        who
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn edit(conn: &mut PgConnection, id: Uuid, body: &str) -> sqlx::Result<()> {
    sqlx::query!("update shift_note set body = $2, revision = revision + 1 where id = $1", id, body)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn give(conn: &mut PgConnection, id: Uuid, now: Instant, who: &str) -> sqlx::Result<()> {
    sqlx::query!("update shift_note set state = 'given', given_at = $2, given_by = $3 where id = $1", id, now, who)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn take(conn: &mut PgConnection, id: Uuid, (now, who): (Instant, &str), remark: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update shift_note set state = 'taken', taken_at = $2, taken_by = $3, remark = $4 where id = $1",
        id,
        now,
        who,
        remark
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everything a note of this period is made of.
pub async fn gather(conn: &mut PgConnection, from: Instant, until: Instant) -> sqlx::Result<Facts> {
    let raised = sqlx::query_as!(
        Raised,
        r#"select name as "area!", level as "level!" from area_worst where rank > 3 order by rank desc, name limit 200"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let alerts = sqlx::query_as!(
        InForce,
        r#"select coalesce(number, '') as "number!", headline, expires_at as until from alert
           where state = 'issued' and issued_at <= $1 and expires_at > $1 order by issued_at, id limit 50"#,
        until
    )
    .fetch_all(&mut *conn)
    .await?;
    let moved = sqlx::query!(
        r#"select count(*) filter (where kind = 'reported' and is_first) as "opened!",
               count(distinct occurrence_id) filter (where kind in ('resolved', 'closed')) as "ended!",
               count(distinct occurrence_id) filter (where kind = 'dismissed') as "dismissed!"
           from (select e.occurrence_id, e.kind, not exists (select from occurrence_event b
                     where b.occurrence_id = e.occurrence_id and b.id < e.id) as is_first
                 from occurrence_event e where e.at > $1 and e.at <= $2) e"#,
        from,
        until
    )
    .fetch_one(&mut *conn)
    .await?;
    let incidents = sqlx::query_as!(
        Running,
        r#"select i.number, i.title, (select count(*) from occurrence o where o.incident_id = i.id) as "occurrences!"
           from incident i where i.state = 'open' order by i.opened_at, i.id limit 50"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let (cases, open) = cases(&mut *conn).await?;
    let (lines, has_more_lines) = lines(conn, from, until).await?;
    let (opened, ended, dismissed) = (moved.opened, moved.ended, moved.dismissed);
    Ok(Facts { from, until, raised, alerts, opened, ended, dismissed, incidents, cases, open, lines, has_more_lines })
}

async fn cases(conn: &mut PgConnection) -> sqlx::Result<(Vec<Case>, i64)> {
    let cases = sqlx::query_as!(
        Case,
        "select number, kind, state, priority, neighbourhood as place, assignee, unit, opened_at from occurrence
         where state in ('new', 'confirmed', 'dispatched', 'on_scene', 'resolved')
         order by priority, opened_at, id limit $1",
        MOST_CASES
    )
    .fetch_all(&mut *conn)
    .await?;
    let open = sqlx::query_scalar!(
        r#"select count(*) as "count!" from occurrence
           where state in ('new', 'confirmed', 'dispatched', 'on_scene', 'resolved')"#
    )
    .fetch_one(conn)
    .await?;
    Ok((cases, open))
}

/// What people wrote and decided. What was corrected stands by its correction alone; the lines of an alert's own history are its alert.
async fn lines(conn: &mut PgConnection, from: Instant, until: Instant) -> sqlx::Result<(Vec<Line>, bool)> {
    let mut rows = sqlx::query_as!(
        Line,
        r#"select at as "at!", actor as "actor!", number as "number!", kind as "kind!", text as "text!" from (
               select e.at, e.actor, i.number, e.kind, e.text, e.id, 1 as place from incident_entry e join incident i on i.id = e.incident_id
               where e.kind in ('opened', 'closed', 'note', 'correction', 'attached', 'detached')
                 and not exists (select from incident_entry c where c.corrects = e.id)
               union all
               select e.at, e.actor, o.number, e.kind, e.text, e.id, 2 from occurrence_event e join occurrence o on o.id = e.occurrence_id
               where e.kind in ('note', 'correction', 'dispatched', 'resolved', 'closed', 'dismissed', 'new', 'prioritised')
                 and not exists (select from occurrence_event c where c.corrects = e.id)) told
           where at > $1 and at <= $2 order by at desc, place, id desc limit $3"#,
        from,
        until,
        MOST_LINES + 1
    )
    .fetch_all(&mut *conn)
    .await?;
    let is_more = rows.len() as i64 > MOST_LINES;
    rows.truncate(MOST_LINES as usize);
    rows.reverse();
    Ok((rows, is_more))
}
