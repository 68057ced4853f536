//! What people write: letters on their way, and texts that are checked.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{Comment, CommentState};
use super::decode;
use crate::clock::Instant;

/// Drops a letter: sealed, of one size for all of a round, and without an id, a day or an order of its own.
pub async fn insert_letter(conn: &mut PgConnection, (round, service): (Uuid, Uuid), sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_letter (round_id, service_id, sealed) values ($1, $2, $3)",
        round,
        service,
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody else empties the box until the transaction ends.
pub async fn hold_letters(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('evaluation letters', 0))").fetch_one(conn).await?;
    Ok(())
}

/// The next round and service behind `after` of which so many letters wait, or whose round is over.
pub async fn due_letters(
    conn: &mut PgConnection,
    (today, least): (NaiveDate, i64),
    after: Option<(Uuid, Uuid)>,
) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        "select l.round_id, l.service_id from evaluation_letter l join evaluation_round r on r.id = l.round_id
         where $3::uuid is null or (l.round_id, l.service_id) > ($3, $4::uuid)
         group by l.round_id, l.service_id, r.closes_on having count(*) >= $2 or r.closes_on < $1
         order by l.round_id, l.service_id limit 1",
        today,
        least,
        after.map(|(round, _)| round),
        after.map(|(_, service)| service)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.round_id, row.service_id)))
}

/// Takes all letters of a round and service out.
pub async fn take_letters(conn: &mut PgConnection, (round, service): (Uuid, Uuid)) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "delete from evaluation_letter where round_id = $1 and service_id = $2 returning sealed",
        round,
        service
    )
    .fetch_all(conn)
    .await
}

/// Keeps a text under a random id that is not the answer's.
pub async fn insert_comment(
    conn: &mut PgConnection,
    id: Uuid,
    (round, service): (Uuid, Uuid),
    (question, text): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_comment (id, round_id, service_id, question, text, state) values ($1, $2, $3, $4, $5, 'waiting')",
        id,
        round,
        service,
        question,
        text
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Texts in a state, at most 200.
pub async fn comments(
    conn: &mut PgConnection,
    state: CommentState,
    service: Option<&str>,
) -> sqlx::Result<Vec<Comment>> {
    let rows = sqlx::query!(
        r#"select c.id, s.code, s.name, c.question, c.text, c.state, c.reason, coalesce(c.checked_by, '') as "checked_by!"
           from evaluation_comment c join evaluation_service s on s.id = c.service_id
           where c.state = $1 and ($2::text is null or s.code = $2) order by s.code, c.id limit 200"#,
        state.as_str(),
        service
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Comment {
                id: row.id,
                service: row.code,
                service_name: row.name,
                question: row.question,
                text: row.text,
                state: row.state.parse().map_err(decode)?,
                reason: row.reason,
                checked_by: row.checked_by,
            })
        })
        .collect()
}

/// A text that waits for its check, held until the transaction ends.
pub async fn waiting(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(String, CommentState)>> {
    let row = sqlx::query!("select text, state from evaluation_comment where id = $1 for update", id)
        .fetch_optional(conn)
        .await?;
    row.map(|row| Ok((row.text, row.state.parse::<CommentState>().map_err(decode)?))).transpose()
}

pub async fn check_comment(
    conn: &mut PgConnection,
    id: Uuid,
    (state, text, reason): (CommentState, &str, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update evaluation_comment set state = $2, text = $3, reason = $4, checked_at = $5, checked_by = $6 where id = $1",
        id,
        state.as_str(),
        text,
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}
