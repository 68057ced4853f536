//! Requests of two persons in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::sirens::request::RequestState;
use crate::sirens::{Pattern, Request};

/// A request that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub sirens: &'a [Uuid],
    pub pattern: Pattern,
    pub duration_s: i32,
    pub reason: &'a str,
    pub asked_by: StaffId,
    pub asked_at: Instant,
    pub expires_at: Instant,
}

pub async fn insert(conn: &mut PgConnection, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into siren_request (id, sirens, pattern, duration_s, reason, asked_by, asked_at, expires_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')",
        new.id,
        new.sirens,
        new.pattern.as_str(),
        new.duration_s,
        new.reason,
        new.asked_by.0,
        new.asked_at,
        new.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request, held until the transaction ends.
#[derive(Clone, Debug)]
pub struct Held {
    pub sirens: Vec<Uuid>,
    pub pattern: Pattern,
    pub duration_s: i32,
    pub asked_by: StaffId,
    pub expires_at: Instant,
    pub state: RequestState,
}

pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select sirens, pattern, duration_s, asked_by as "asked_by: StaffId", expires_at, state
           from siren_request where id = $1 for update"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Held {
        sirens: row.sirens,
        pattern: row.pattern.parse().map_err(decode)?,
        duration_s: row.duration_s,
        asked_by: row.asked_by,
        expires_at: row.expires_at,
        state: row.state.parse().map_err(decode)?,
    }))
}

pub async fn decide(
    conn: &mut PgConnection,
    id: Uuid,
    state: RequestState,
    by: Option<StaffId>,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update siren_request set state = $2, decided_by = $3, decided_at = $4 where id = $1",
        id,
        state.as_str(),
        by.map(|id| id.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends requests that nobody confirmed in time.
pub async fn expire(conn: &mut PgConnection, now: Instant) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update siren_request set state = 'expired', decided_at = $1 where state = 'waiting' and expires_at <= $1",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Requests, the waiting ones first, then the newest; at most 30.
pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Request>> {
    let rows = sqlx::query!(
        r#"select q.id, q.pattern, q.duration_s, q.reason, a.username as asked_by, q.asked_at, q.expires_at, q.state,
                  d.username as "decided_by?", q.decided_at,
                  array(select e.name from endpoint e where e.id = any(q.sirens) order by lower(e.name)) as "sirens!"
           from siren_request q join staff a on a.id = q.asked_by left join staff d on d.id = q.decided_by
           order by q.state = 'waiting' desc, q.asked_at desc limit 30"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Request {
                id: row.id,
                sirens: row.sirens,
                pattern: row.pattern.parse().map_err(decode)?,
                duration_s: row.duration_s,
                reason: row.reason,
                asked_by: row.asked_by,
                asked_at: row.asked_at,
                expires_at: row.expires_at,
                state: row.state.parse().map_err(decode)?,
                decided_by: row.decided_by,
                decided_at: row.decided_at,
            })
        })
        .collect()
}
