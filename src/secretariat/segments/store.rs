//! Subscriptions and what left for them, in PostgreSQL.

pub mod digests;
pub mod people;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Count, Handed};
use crate::clock::Instant;

/// Keeps what a mailbox is to confirm. Gives the subscription that it has, or that it gets (`id`).
pub async fn want(
    conn: &mut PgConnection,
    id: Uuid,
    (email, wanted): (&str, &[String]),
    (language, now): (&str, Instant),
) -> sqlx::Result<Uuid> {
    let door = format!("segment {}", email.to_lowercase());
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(&mut *conn).await?;
    let found = sqlx::query_scalar!(
        // Whoever asks may be anybody: what leaves already stays as its owner confirmed it, in its language too.
        "update segment_subscription set wanted = $2, asked_at = $3, language = case when confirmed_at is null then $4 else language end
         where lower(email) = lower($1) and left_at is null returning id",
        email,
        wanted,
        now,
        language
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(found) = found {
        return Ok(found);
    }
    sqlx::query!(
        "insert into segment_subscription (id, email, wanted, language, asked_at) values ($1, $2, $3, $4, $5)",
        id,
        email,
        wanted,
        language,
        now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// A link that was made before the last request holds no more: it confirmed something else.
pub async fn confirm(conn: &mut PgConnection, (id, made_at): (Uuid, i64), now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update segment_subscription set tags = wanted, confirmed_at = coalesce(confirmed_at, $2), looked_at = coalesce(looked_at, $2)
         where id = $1 and left_at is null and cardinality(wanted) > 0 and floor(extract(epoch from asked_at))::bigint <= $3",
        id,
        now,
        made_at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What waits for a confirmation by a link of this time; none: nothing that this link could confirm.
///
/// # Errors
/// The database's.
pub async fn wanted(conn: &mut PgConnection, (id, made_at): (Uuid, i64)) -> sqlx::Result<Vec<String>> {
    let row = sqlx::query_scalar!(
        "select wanted from segment_subscription
         where id = $1 and left_at is null and floor(extract(epoch from asked_at))::bigint <= $2",
        id,
        made_at
    );
    Ok(row.fetch_optional(conn).await?.unwrap_or_default())
}

/// Ends it, and forgets the address, also in what was sent to it. False: it was ended before.
///
/// # Errors
/// The database's.
pub async fn leave(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<bool> {
    let gone = sqlx::query_scalar!(
        r#"with old as (select id, email from segment_subscription where id = $1 and left_at is null for update),
               gone as (
                   update segment_subscription s set left_at = $2, email = null, tags = '{}', wanted = '{}' from old where s.id = old.id
                   returning old.email),
               erased as (
                   delete from notice n using gone where n.channel = 'email' and n.address = gone.email
                       and n.purpose in ('segment_confirm', 'segment_digest'))
           select count(*) as "count!" from gone"#,
        id,
        now
    );
    Ok(gone.fetch_one(conn).await? > 0)
}

/// Whether messages still leave, and to which address.
///
/// # Errors
/// The database's.
pub async fn address(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<String>> {
    let row = sqlx::query_scalar!("select email from segment_subscription where id = $1 and left_at is null", id)
        .fetch_optional(conn)
        .await?;
    Ok(row.flatten())
}

/// How many confirmed, by segment. Of fewer than five it says nothing: a number would name somebody.
///
/// # Errors
/// The database's.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as!(
        Count,
        r#"select tag as "tag!", count(*) as "people!" from segment_subscription s cross join lateral unnest(s.tags) tag
           where s.left_at is null and s.confirmed_at is not null group by tag having count(*) >= 5 order by 2 desc, 1"#
    )
    .fetch_all(conn)
    .await
}

/// The log by publication, the newest first. Of fewer than five people no number is told, as of segments.
///
/// # Errors
/// The database's.
pub async fn log(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Handed>> {
    sqlx::query_as!(
        Handed,
        r#"select p.snapshot ->> 'title' as "title!", p.case_id, p.module,
               case when count(*) >= 5 then count(*) end as people, max(d.at) as "at!"
           from (select publication_id, at from segment_delivery order by at desc limit 20000) d join case_publication p on p.id = d.publication_id
           group by p.id order by 5 desc, p.id limit $1"#,
        most
    )
    .fetch_all(conn)
    .await
}
