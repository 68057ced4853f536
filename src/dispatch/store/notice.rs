//! Notices in PostgreSQL. Every change of a claimed one names the fence it was claimed with.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::dispatch::notices::{Claimed, Ending, Notice, PAGE, share};
use crate::dispatch::provider::{Channel, Provider};
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// Puts a notice in the queue, or among the suppressed when its address had its share.
pub async fn insert(conn: &mut PgConnection, id: Uuid, now: Instant, notice: &Notice<'_>) -> sqlx::Result<()> {
    close_door(&mut *conn, (notice.channel, notice.address)).await?;
    let (an_hour, a_day) = share(notice.purpose);
    sqlx::query!(
        r#"
        with recent as (
            select count(*) filter (where purpose = $4 and created_at > $6::timestamptz - interval '1 hour') as hour, count(*) as day
            from notice
            where channel = $2 and address = $3 and state <> 'suppressed' and created_at > $6::timestamptz - interval '1 day'
                and (purpose = $11) = ($4 = $11)
        ), verdict as (select hour >= $9 or day >= $10 as full from recent)
        insert into notice (id, channel, address, purpose, subject, body, state, reason, next_attempt_at, expires_at,
            created_at, final_at)
        select $1, $2, $3, $4, case when v.full then '' else $5 end, case when v.full then '' else $7 end,
            case when v.full then 'suppressed' else 'pending' end, case when v.full then 'too many' else '' end,
            $6, $8, $6, case when v.full then $6 end
        from verdict v
        "#,
        id,
        notice.channel.as_str(),
        notice.address,
        notice.purpose,
        notice.subject,
        now,
        notice.body,
        notice.expires_at,
        an_hour,
        a_day,
        PAGE
    )
    .execute(&mut *conn)
    .await?;
    notify(conn, &Event::Outbox).await
}

/// Two requests at once must not both see the last free place.
async fn close_door(conn: &mut PgConnection, (channel, address): (Channel, &str)) -> sqlx::Result<()> {
    let door = format!("notice {} {address}", channel.as_str());
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(conn).await?;
    Ok(())
}

pub async fn was_queued(
    conn: &mut PgConnection,
    to: (Channel, &str),
    purpose: &str,
    since: Instant,
) -> sqlx::Result<bool> {
    close_door(&mut *conn, to).await?;
    sqlx::query_scalar!(
        r#"select exists (select from notice where channel = $1 and address = $2 and purpose = $3 and created_at > $4) as "was!""#,
        to.0.as_str(),
        to.1,
        purpose,
        since
    )
    .fetch_one(conn)
    .await
}

/// Takes back the copies of an alert that have not left yet.
pub async fn withdraw_copies(conn: &mut PgConnection, now: Instant, alert: AlertId, reason: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update notice set state = 'suppressed', reason = $3, final_at = $2, subject = '', body = ''
        where state = 'pending' and id in (select notice_id from alert_copy where alert_id = $1)",
        alert.0,
        now,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims what is due, oldest first, and writes down the intent to send it. Nothing may leave before the commit. What is about
/// something that is over is passed over; the next sweep ends it. `purpose`: of this one alone.
pub async fn claim(
    conn: &mut PgConnection,
    now: Instant,
    provider: &Provider,
    limit: i64,
    lease_until: Instant,
    purpose: Option<&str>,
) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as!(
        Claimed,
        r#"
        with due as (
            select id from notice
            where channel = $1 and state = 'pending' and next_attempt_at <= $2 and expires_at > $2
                and ($6::text is null or purpose = $6)
                and (purpose not in ('alert_copy', 'alert_page', 'institution') or not notice_is_moot(id, purpose))
            order by next_attempt_at, id limit $3
            for update skip locked
        )
        update notice n
        set state = 'sending', provider = $4, attempts = n.attempts + 1, fence = n.fence + 1, lease_until = $5
        from due where n.id = due.id
        returning n.id, n.address, n.subject, n.body, n.attempts as attempt, n.fence, n.expires_at
        "#,
        provider.channel.as_str(),
        now,
        limit,
        provider.name,
        lease_until,
        purpose
    )
    .fetch_all(conn)
    .await
}

/// Which of these claimed notices are not to be sent any more.
pub async fn overtaken(conn: &mut PgConnection, now: Instant, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from notice where id = any($1) and (expires_at <= $2 or notice_is_moot(id, purpose))",
        ids,
        now
    )
    .fetch_all(conn)
    .await
}

/// Ends tries. Returns how many the fence refused.
pub async fn complete(conn: &mut PgConnection, now: Instant, endings: &[Ending]) -> sqlx::Result<usize> {
    if endings.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = endings.iter().map(|e| e.id).collect();
    let fences: Vec<i64> = endings.iter().map(|e| e.fence).collect();
    let states: Vec<String> = endings.iter().map(|e| e.next.state.to_string()).collect();
    let reasons: Vec<String> = endings.iter().map(|e| e.next.reason.clone()).collect();
    let next_at: Vec<Option<Instant>> = endings.iter().map(|e| e.next.next_attempt_at).collect();
    let done = sqlx::query!(
        "update notice n set state = e.state, reason = e.reason, next_attempt_at = coalesce(e.next_at, n.next_attempt_at),
            lease_until = null, final_at = case when e.state = 'pending' then null else $1::timestamptz end,
            subject = case when e.state = 'pending' then n.subject else '' end,
            body = case when e.state = 'pending' then n.body else '' end
        from unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[]) as e (id, fence, state, reason, next_at)
        where n.id = e.id and n.fence = e.fence and n.state = 'sending'",
        now,
        &ids,
        &fences,
        &states,
        &reasons,
        &next_at as &[Option<Instant>]
    )
    .execute(conn)
    .await?;
    Ok(endings.len() - usize::try_from(done.rows_affected()).unwrap_or(usize::MAX).min(endings.len()))
}

/// Keeps claimed notices, and gives back which were kept.
pub async fn renew(
    conn: &mut PgConnection,
    ids: &[Uuid],
    fences: &[i64],
    lease_until: Instant,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "update notice n set lease_until = $3 from unnest($1::uuid[], $2::bigint[]) as mine (id, fence)
        where n.id = mine.id and n.fence = mine.fence and n.state = 'sending' returning n.id",
        ids,
        fences,
        lease_until
    )
    .fetch_all(conn)
    .await
}

/// Gives back notices that were claimed and did not leave. The try does not count.
pub async fn release(conn: &mut PgConnection, now: Instant, ids: &[Uuid], fences: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update notice n set state = 'pending', lease_until = null, next_attempt_at = $3, attempts = n.attempts - 1
        from unnest($1::uuid[], $2::bigint[]) as mine (id, fence)
        where n.id = mine.id and n.fence = mine.fence and n.state = 'sending'",
        ids,
        fences,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back what a lost worker held, once; ends what was lost twice, expired, or is about something that is over; and empties
/// the sink of secrets that are good for nothing any more.
pub async fn sweep(conn: &mut PgConnection, now: Instant, channel: Channel) -> sqlx::Result<()> {
    sqlx::query!(
        "update notice set lease_until = null, fence = fence + 1, lost = lost + 1, next_attempt_at = $1,
            reason = 'lease ended without an answer',
            state = case when lost = 0 then 'pending' else 'unknown' end,
            final_at = case when lost = 0 then null else $1::timestamptz end,
            subject = case when lost = 0 then subject else '' end, body = case when lost = 0 then body else '' end
        where state = 'sending' and lease_until < $1 and channel = $2",
        now,
        channel.as_str()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update notice set state = 'expired', final_at = $1, subject = '', body = ''
        where state = 'pending' and expires_at <= $1 and channel = $2",
        now,
        channel.as_str()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update notice set state = 'suppressed', reason = 'over before it was sent', final_at = $1, subject = '', body = ''
        where state = 'pending' and channel = $2 and purpose in ('alert_copy', 'alert_page', 'institution') and notice_is_moot(id, purpose)",
        now,
        channel.as_str()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update sink_message s set body = '' from notice n
        where n.id = s.notice_id and n.expires_at <= $1 and s.channel = $2 and s.body <> ''",
        now,
        channel.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}
