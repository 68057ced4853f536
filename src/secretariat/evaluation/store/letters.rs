//! What people write: letters on their way, and texts that are checked.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::suppress::LEAST;
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

/// Letters of a round and service that something is due of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Round and service.
    pub place: (Uuid, Uuid),
    pub letters: i64,
    /// The round is over.
    pub is_over: bool,
}

/// The next round and service behind `after` of which so many letters wait, or whose round is over.
pub async fn due_letters(
    conn: &mut PgConnection,
    (today, from): (NaiveDate, i64),
    after: Option<(Uuid, Uuid)>,
) -> sqlx::Result<Option<Waiting>> {
    let row = sqlx::query!(
        r#"select l.round_id, l.service_id, count(*) as "letters!", r.closes_on < $1 as "is_over!"
         from evaluation_letter l join evaluation_round r on r.id = l.round_id
         where $3::uuid is null or (l.round_id, l.service_id) > ($3, $4::uuid)
         group by l.round_id, l.service_id, r.closes_on having count(*) >= $2 or r.closes_on < $1
         order by l.round_id, l.service_id limit 1"#,
        today,
        from,
        after.map(|(round, _)| round),
        after.map(|(_, service)| service)
    )
    .fetch_optional(conn)
    .await?;
    let told = |place, letters, is_over| Waiting { place, letters, is_over };
    Ok(row.map(|row| told((row.round_id, row.service_id), row.letters, row.is_over)))
}

/// Takes the letters of a round and service out, but for so many, which chance chooses.
pub async fn take_letters(
    conn: &mut PgConnection,
    (round, service): (Uuid, Uuid),
    kept: i64,
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "with shuffled as (select ctid as at, row_number() over (order by random()) as place from evaluation_letter
             where round_id = $1 and service_id = $2)
         delete from evaluation_letter l using shuffled s where l.ctid = s.at and s.place > $3 returning l.sealed",
        round,
        service,
        kept
    )
    .fetch_all(conn)
    .await
}

/// Erases the letters of a round and service unread.
pub async fn erase_letters(conn: &mut PgConnection, (round, service): (Uuid, Uuid)) -> sqlx::Result<()> {
    sqlx::query!("delete from evaluation_letter where round_id = $1 and service_id = $2", round, service)
        .execute(conn)
        .await?;
    Ok(())
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

/// Texts in a state, at most 200. None of a round and service that fewer than [`LEAST`] answered about, as an earlier version may have kept them.
pub async fn comments(
    conn: &mut PgConnection,
    state: CommentState,
    service: Option<&str>,
) -> sqlx::Result<Vec<Comment>> {
    let rows = sqlx::query!(
        r#"select c.id, s.code, s.name, c.question, c.text, c.state, c.reason, coalesce(c.checked_by, '') as "checked_by!"
           from evaluation_comment c join evaluation_service s on s.id = c.service_id
           where c.state = $1 and ($2::text is null or s.code = $2) and $3 <= (select count(*) from evaluation_response a
               where a.round_id = c.round_id and a.service_id = c.service_id)
           order by s.code, c.id limit 200"#,
        state.as_str(),
        service,
        LEAST
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
