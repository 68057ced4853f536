//! What telephones ordered.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::clock::Instant;

/// What is kept of one order.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// Keyed sum of the telephone.
    pub sender: &'a [u8],
    /// Of the words.
    pub digest: &'a [u8],
    pub what: &'static str,
    pub result: &'static str,
}

pub async fn keep(conn: &mut PgConnection, now: Instant, log: Log<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sms_order (at, sender, digest, what, result) values ($1, $2, $3, $4, $5)",
        now,
        log.sender,
        log.digest,
        log.what,
        log.result
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a telephone did lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// Its newest order had the same words, within the time in which a centre repeats itself.
    pub is_repeated: bool,
    /// Orders within an hour.
    pub in_an_hour: i64,
}

/// Orders of one telephone wait for each other until the transaction ends.
pub async fn lately(
    conn: &mut PgConnection,
    now: Instant,
    (sender, digest): (&[u8], &[u8]),
    repeats_within: TimeDelta,
) -> sqlx::Result<Lately> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sms_order ' || encode($1, 'hex'), 0))", sender)
        .fetch_one(&mut *conn)
        .await?;
    let row = sqlx::query!(
        r#"select coalesce((select o.digest = $2 and o.at > $4 from sms_order o where o.sender = $1 order by o.id desc limit 1), false)
                as "is_repeated!",
            (select count(*) from sms_order o where o.sender = $1 and o.at > $3::timestamptz - interval '1 hour') as "in_an_hour!""#,
        sender,
        digest,
        now,
        now - repeats_within
    )
    .fetch_one(conn)
    .await?;
    Ok(Lately { is_repeated: row.is_repeated, in_an_hour: row.in_an_hour })
}
