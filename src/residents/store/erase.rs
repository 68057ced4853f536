//! Forgetting somebody: everything that tells who they are goes, what accounts for the alerts stays without it.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::ResidentId;

/// Erases a resident in the caller's transaction. What stays: the row's id, the history of consents, the accounts of
/// deliveries without an address, and the audit, which never held one. False when they are erased already.
pub async fn erase(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<bool> {
    let known = sqlx::query!(
        "select coalesce(external_ref, '') as \"external_ref!\" from resident where id = $1 and deleted_at is null for update",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_none() {
        return Ok(false);
    }
    sqlx::query!(
        "insert into resident_erasure (resident_id, external_ref_sha256, at)
        select id, sha256(convert_to(external_ref, 'UTF8')), $2 from resident where id = $1
        on conflict (resident_id) do update set external_ref_sha256 = excluded.external_ref_sha256, at = excluded.at",
        id.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    traces(&mut *conn, now, id).await?;
    sqlx::query!(
        "insert into consent (resident_id, purpose, given, at, source)
        select $1, c.purpose, false, $2, 'erasure' from (
            select distinct on (purpose) purpose, given from consent where resident_id = $1 order by purpose, id desc) as c
        where c.given",
        id.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    for table in [
        "delete from resident_companion where resident_id = $1",
        "delete from resident_place where resident_id = $1",
        "delete from resident_channel where resident_id = $1",
        "delete from resident_session where resident_id = $1",
        "delete from resident_code where resident_id = $1",
    ] {
        sqlx::query(table).bind(id.0).execute(&mut *conn).await?;
    }
    sqlx::query!("delete from vault_record where subject = 'resident:' || $1", id.0.to_string())
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "update resident set name = '', external_ref = null, consent_source = 'erased', deleted_at = $2, needs = '{}',
            least_level = 'observation', quiet_from = null, quiet_until = null, quiet_zone = null where id = $1",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Addresses in what was sent: rows of the outbox, what servers and receipts said of them, the sink, notices.
async fn traces(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from notice n using resident_channel c
        where c.resident_id = $1 and n.channel = c.kind and n.address = c.address
            and n.purpose in ('resident_code', 'resident_change', 'exercise_notice', 'sms_order')",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from resident_code k using resident_channel c
        where c.resident_id = $1 and k.channel = c.kind and k.address = c.address",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    // What they wrote to the service, and receipts that nothing was found for.
    sqlx::query!(
        r"delete from delivery_receipt d using (
            select regexp_replace(address, '\D', '', 'g') as digits from resident_channel
            where resident_id = $1 and kind = 'sms') as c
        where d.outbox_id is null and regexp_replace(d.address, '\D', '', 'g') in (c.digits, substr(c.digits, 3))",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r"delete from sms_message m using (
            select regexp_replace(address, '\D', '', 'g') as digits from resident_channel
            where resident_id = $1 and kind = 'sms') as c
        where regexp_replace(m.source, '\D', '', 'g') in (c.digits, substr(c.digits, 3))",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r"delete from stray_message m using resident_channel c
        where c.resident_id = $1 and c.kind = 'sms' and m.source = c.address",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update sink_message s set address = 'erased' from outbox o where o.id = s.outbox_id and o.resident_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update delivery_receipt d set address = '', raw = '', error = '' from outbox o where o.id = d.outbox_id and o.resident_id = $1",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update outbox_attempt a set detail = '' from outbox o
        where o.id = a.outbox_id and o.resident_id = $1 and a.detail <> ''",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    outbox(conn, now, id).await
}

/// Rows of the outbox, those that are being written among them.
async fn outbox(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<()> {
    sqlx::query!("update spread_recipient set reason = 'erased', address = 'erased' where resident_id = $1", id.0)
        .execute(&mut *conn)
        .await?;
    super::own::stop_sending(&mut *conn, now, id).await?;
    // What is in a provider's hands this very second ends as it would have, and is not tried again (trigger
    // `outbox_withdrawn`).
    sqlx::query!(
        "update outbox set address = 'erased:' || id, reason = case when state = 'suppressed' then reason else '' end
        where resident_id = $1",
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether this key belongs to somebody who was erased after `consent_at`: an old list does not bring them back.
pub async fn was_erased(
    conn: &mut PgConnection,
    external_ref: &str,
    consent_at: Option<Instant>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from resident_erasure
            where external_ref_sha256 = sha256(convert_to($1, 'UTF8')) and at >= coalesce($2, at)) as "erased!""#,
        external_ref,
        consent_at
    )
    .fetch_one(conn)
    .await
}
