//! Parts of people's messages, until each message can be read.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::parts::{self, Kept, Part};

/// How long after its newest part a message waits for the others.
const PATIENCE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
/// A part under the same numbers within this belongs to the message that was read; telephones count their messages in one octet.
const REPEATED: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Messages read in one go.
const BATCH: i64 = 100;

/// A message that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub address: String,
    pub words: String,
}

/// Keeps parts with who sent them. They may be acknowledged once this is committed. A part that is there already changes nothing.
pub async fn keep(conn: &mut PgConnection, now: Instant, incoming: &[(&str, &Part)]) -> sqlx::Result<()> {
    // Two sessions must not both begin the same message.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sms parts', 0))").fetch_one(&mut *conn).await?;
    for (source, part) in incoming {
        keep_one(&mut *conn, now, source, part).await?;
    }
    Ok(())
}

async fn keep_one(conn: &mut PgConnection, now: Instant, source: &str, part: &Part) -> sqlx::Result<()> {
    let (reference, total) = (i32::from(part.label.reference), i16::from(part.label.total));
    let (number, coding) = (i16::from(part.label.number), i16::from(part.data_coding));
    // The message that has this very part, or else the newest that lacks one of this number.
    let found = sqlx::query!(
        r#"select m.id, p.number is null as "lacks!", coalesce(p.octets = $6 and p.data_coding = $7, false) as "has!"
        from sms_message m left join sms_part p on p.message_id = m.id and p.number = $5
        where m.source = $1 and m.destination = $2 and m.reference = $3 and m.total = $4
            and (m.read_at is null or m.read_at > $8)
        order by 3 desc, 2 desc, m.id desc limit 1"#,
        source,
        part.destination,
        reference,
        total,
        number,
        part.octets,
        coding,
        now - REPEATED
    )
    .fetch_optional(&mut *conn)
    .await?;
    let message = match found {
        Some(message) if message.has => return Ok(()),
        Some(message) if message.lacks => message.id,
        _ => begin(&mut *conn, now, source, part).await?,
    };
    sqlx::query!(
        "insert into sms_part (message_id, number, data_coding, octets) values ($1, $2, $3, $4)",
        message,
        number,
        coding,
        part.octets
    )
    .execute(&mut *conn)
    .await?;
    // What was read without this part is read again with it.
    sqlx::query!("update sms_message set last_at = $2, read_at = null where id = $1", message, now)
        .execute(conn)
        .await?;
    Ok(())
}

async fn begin(conn: &mut PgConnection, now: Instant, source: &str, part: &Part) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into sms_message (source, destination, reference, total, last_at) values ($1, $2, $3, $4, $5) returning id",
        source,
        part.destination,
        i32::from(part.label.reference),
        i16::from(part.label.total),
        now
    )
    .fetch_one(conn)
    .await
}

/// The messages that are whole or have waited long enough, each once.
pub async fn take(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Ready>> {
    let rows = sqlx::query!(
        "with due as (
            select id from sms_message m
            where read_at is null and (last_at <= $2 or total = (select count(*) from sms_part p where p.message_id = m.id))
            order by id limit $3 for update skip locked
        )
        update sms_message m set read_at = $1 from due where m.id = due.id returning m.id, m.source, m.total",
        now,
        now - PATIENCE,
        BATCH
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut ready = Vec::with_capacity(rows.len());
    for row in rows {
        let kept = kept(&mut *conn, row.id).await?;
        let words = parts::join(u8::try_from(row.total).unwrap_or(u8::MAX), &kept);
        ready.push(Ready { address: row.source, words });
    }
    Ok(ready)
}

async fn kept(conn: &mut PgConnection, message: i64) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!("select number, data_coding, octets from sms_part where message_id = $1", message);
    let rows = rows.fetch_all(conn).await?;
    // The columns hold what an octet held.
    let octet = |value: i16| u8::try_from(value).unwrap_or_default();
    let kept = rows.into_iter().map(|row| Kept {
        number: octet(row.number),
        data_coding: octet(row.data_coding),
        octets: row.octets,
    });
    Ok(kept.collect())
}
