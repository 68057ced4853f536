//! Who is recused from which case.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{Recusal, RecusedHow};
use super::decode;
use crate::clock::Instant;

/// True when this account is recused; nobody (no user name) never is.
pub async fn is_recused(conn: &mut PgConnection, case: Uuid, username: &str) -> sqlx::Result<bool> {
    if username.is_empty() {
        return Ok(false);
    }
    sqlx::query_scalar!(
        r#"select exists (select from case_recusal where case_id = $1 and username = $2 and lifted_at is null) as "is!""#,
        case,
        username
    )
    .fetch_one(conn)
    .await
}

/// True when this account is recused, or was and it was lifted.
pub async fn was_recused(conn: &mut PgConnection, case: Uuid, username: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from case_recusal where case_id = $1 and username = $2) as "was!""#,
        case,
        username
    )
    .fetch_one(conn)
    .await
}

/// True when there is an account of this user name, active or disabled.
pub async fn is_account(conn: &mut PgConnection, username: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from staff where username = $1) as "is!""#, username)
        .fetch_one(conn)
        .await
}

/// Every case that acts opened out of a case, or that was begun by its order, and out of those, in the order of their ids.
pub async fn spawned(conn: &mut PgConnection, from: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"with recursive below (id) as (
               select to_case from case_link where from_case = $1 and kind in ('spawned', 'started')
               union select l.to_case from case_link l join below b on l.from_case = b.id and l.kind in ('spawned', 'started'))
           select id as "id!" from below where id <> $1 order by id"#,
        from
    )
    .fetch_all(conn)
    .await
}

/// Those that stand, the first to be recused first.
pub async fn of_case(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<Recusal>> {
    let rows = sqlx::query!(
        "select username, how, reason, at, by from case_recusal where case_id = $1 and lifted_at is null order by at, id",
        case
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let how = row.how.parse().map_err(decode)?;
            Ok(Recusal { username: row.username, how, reason: row.reason, at: row.at, by: row.by })
        })
        .collect()
}

/// False when they are recused already.
pub async fn insert(
    conn: &mut PgConnection,
    (id, case): (Uuid, Uuid),
    (username, how, reason): (&str, RecusedHow, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into case_recusal (id, case_id, username, how, reason, at, by) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (case_id, username) where lifted_at is null do nothing",
        id,
        case,
        username,
        how.as_str(),
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False when they are not recused.
pub async fn lift(
    conn: &mut PgConnection,
    (case, username): (Uuid, &str),
    reason: &str,
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update case_recusal set lifted_at = $3, lifted_by = $4, lifted_reason = $5
         where case_id = $1 and username = $2 and lifted_at is null",
        case,
        username,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
