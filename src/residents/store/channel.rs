//! Telephones and mailboxes as their owners open and close them.

use sqlx::PgConnection;

use super::own;
use crate::clock::Instant;
use crate::ids::{OutboxId, ResidentId};
use crate::residents::own::Purpose;

/// Ends everything that comes to a telephone or mailbox, whoever it is that is reached there, and what waits for it. Of whom no other
/// way is left the consent to alerts ends with it; where a CEP by SMS was all that was known of them, it is forgotten. Returns whose
/// way it was, nobody when it was closed already.
pub async fn close(
    conn: &mut PgConnection,
    now: Instant,
    at: (&str, &str),
    (source, text_version): (&str, &str),
) -> sqlx::Result<Vec<ResidentId>> {
    let closed = sqlx::query_scalar!(
        r#"update resident_channel c set opted_out_at = $3 from resident r
        where c.kind = $1 and c.address = $2 and c.opted_out_at is null and r.id = c.resident_id and r.deleted_at is null
        returning c.resident_id as "resident: ResidentId""#,
        at.0,
        at.1,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    // First where a large audience waits to be written: whoever is writing it has the row, and then it is in the outbox.
    sqlx::query!(
        "update spread_recipient set reason = 'opted_out' where channel = $1 and address = $2 and reason in ('', 'duplicate_address')",
        at.0,
        at.1
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update outbox set state = 'suppressed', reason = 'opted_out', final_at = $3
        where id in (select q.id from outbox_queue q where q.channel = $1) and channel = $1 and address = $2 and state = 'pending'",
        at.0,
        at.1,
        now
    )
    .execute(&mut *conn)
    .await?;
    for id in &closed {
        own::own_word(&mut *conn, now, *id).await?;
        if is_reachable(&mut *conn, *id).await? {
            continue;
        }
        if !has_withdrawn(&mut *conn, *id).await? {
            own::consent_to(&mut *conn, now, *id, (Purpose::Alerts, false), (source, text_version)).await?;
        }
        sqlx::query!(
            "delete from resident_place p using resident r where p.resident_id = $1 and r.id = $1 and r.consent_source = 'sms'
                and r.external_ref is null and p.cep is not null and p.address_text = ''",
            id.0
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(closed)
}

async fn is_reachable(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from resident_channel
            where resident_id = $1 and verified_at is not null and opted_out_at is null) as "is!""#,
        id.0
    )
    .fetch_one(conn)
    .await
}

async fn has_withdrawn(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select alerts_withdrawn_at is not null as "has!" from resident where id = $1"#, id.0)
        .fetch_one(conn)
        .await
}

/// Whether a consent to alerts was given and stands.
pub async fn wants_alerts(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce((select given from consent where resident_id = $1 and purpose = 'alerts' order by id desc limit 1), false)
            as "wants!""#,
        id.0
    )
    .fetch_one(conn)
    .await
}

/// Whose record a proven telephone or mailbox belongs to: of whoever confirmed it first, else of whoever is on a list with it.
pub async fn owner(conn: &mut PgConnection, at: (&str, &str)) -> sqlx::Result<Option<ResidentId>> {
    sqlx::query_scalar!(
        r#"select r.id as "id: ResidentId" from resident_channel c join resident r on r.id = c.resident_id
        where c.kind = $1 and c.address = $2 and r.deleted_at is null
        order by c.verified_at is null, r.created_at, r.id limit 1"#,
        at.0,
        at.1
    )
    .fetch_optional(conn)
    .await
}

/// A new resident with a way that was proven, and nothing else.
pub async fn begin(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    (name, language, source): (&str, &str, &str),
    at: (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resident (id, name, language, consent_at, consent_source, created_at, corrected_at)
        values ($1, $2, $3, $4, $5, $4, $4)",
        id.0,
        name,
        language,
        now,
        source
    )
    .execute(&mut *conn)
    .await?;
    own::add_channel(conn, now, id, at).await
}

/// By which channel a message of the outbox went, and where it may have gone: what the row says, unless it has forgotten it, and
/// every address of that channel that whoever it was for has now.
pub async fn sent_to(conn: &mut PgConnection, row: OutboxId) -> sqlx::Result<Option<(String, Vec<String>)>> {
    let found = sqlx::query!(
        r#"select o.channel, array(select o.address union select c.address from resident_channel c
                where c.resident_id = o.resident_id and c.kind = o.channel) as "addresses!"
        from outbox o where o.id = $1 and o.resident_id is not null"#,
        row.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|found| (found.channel, found.addresses)))
}

/// Residents of one alert that are looked through for a shared address.
const MOST_SHARED: i64 = 20_000;

/// The addresses of those for whom the same alert left nothing by this channel because somebody else at their telephone or mailbox
/// had it: whoever it was for may be gone from there, and they are not.
pub async fn shared(conn: &mut PgConnection, row: OutboxId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct c.address from outbox o
            join outbox d on d.alert_id = o.alert_id and d.channel = o.channel and d.reason = 'duplicate_address'
            join resident_channel c on c.resident_id = d.resident_id and c.kind = d.channel
        where o.id = $1 limit $2",
        row.0,
        MOST_SHARED
    )
    .fetch_all(conn)
    .await
}

/// Whether messages still leave for there.
pub async fn is_open(conn: &mut PgConnection, at: (&str, &str)) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from resident_channel c join resident r on r.id = c.resident_id and r.deleted_at is null
            where c.kind = $1 and c.address = $2 and c.opted_out_at is null) as "is!""#,
        at.0,
        at.1
    )
    .fetch_one(conn)
    .await
}
