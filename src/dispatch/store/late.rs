//! What nobody ends any more: rows whose worker is gone, and rows whose alert is over.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::AlertId;

/// Rows whose worker is gone go back to pending: whether they left is not known, and not to send is worse than to send
/// twice. The fact is recorded with the row's tries. Of an alert that was answered meanwhile they are not sent again.
///
/// An entry of the leases that is over is looked at once: what it names has ended, or is taken back here, or was renewed and stands in
/// a later entry.
pub async fn take_back(conn: &mut PgConnection, now: Instant, channel: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with over as (
            delete from outbox_lease where channel = $2 and until < $1 returning ids
        ), late as (
            select distinct unnest(ids) as id from over
        ), back as (
            update outbox o set lease_until = null, next_attempt_at = $1, fence = o.fence + 1,
                state = case when why.not_sent is null then 'pending' else 'suppressed' end,
                reason = coalesce(why.not_sent, 'lease ended without an answer'),
                final_at = case when why.not_sent is null then o.final_at else $1 end
            from late join outbox r on r.id = late.id join alert a on a.id = r.alert_id
                cross join lateral (select why_not_sent(a.state, a.kind, a.exercise_id, r.resident_id) as not_sent) as why
            where o.id = r.id and r.state = 'sending' and r.lease_until < $1
                and o.state = 'sending' and o.lease_until < $1
            returning o.id, o.attempts, o.provider
        )
        insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, detail)
        select id, attempts, 0, $1, coalesce(provider, ''), 'unknown', 'lease ended without an answer' from back",
        now,
        channel
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends rows whose alert died, or was answered while they were on their way back, and those of whoever left its exercise. Returns
/// the alerts that moved.
pub async fn bury(conn: &mut PgConnection, now: Instant, channel: &str) -> sqlx::Result<Vec<AlertId>> {
    sqlx::query_scalar!(
        r#"
        with recursive waiting as (
            -- Each alert with rows that wait, by leaps through the index: there are few alerts and many rows.
            (select alert_id from outbox_queue order by alert_id limit 1)
            union all
            select (select q.alert_id from outbox_queue q where q.alert_id > w.alert_id order by q.alert_id limit 1)
            from waiting w where w.alert_id is not null
        ), over as (
            select a.id, a.state, a.kind, a.exercise_id from waiting w join alert a on a.id = w.alert_id
            where a.expires_at <= $1 or not alert_stands(a.state, a.kind) or a.exercise_id is not null
        ), target as (
            select o.id, o.expires_at <= $1 as died, why_not_sent(a.state, a.kind, a.exercise_id, o.resident_id) as not_sent
            from over a join outbox_queue q on q.alert_id = a.id join outbox o on o.id = q.id
            where q.channel = $2 and o.state = 'pending'
                -- As why_not_sent, spelt out: it is asked of every row that waits.
                and (o.expires_at <= $1 or not alert_stands(a.state, a.kind) or (a.exercise_id is not null and o.resident_id is not null and not exists (
                    select from exercise_participant p
                    where p.exercise_id = a.exercise_id and p.resident_id = o.resident_id and p.left_at is null)))
            limit 10000
            for update of o skip locked
        ), dead as (
            update outbox o set final_at = $1,
                state = case when t.died then 'expired' else 'suppressed' end,
                reason = case when t.died then 'the alert expired' else t.not_sent end
            from target t where o.id = t.id
            returning o.alert_id
        )
        select distinct alert_id as "alert_id!: AlertId" from dead
        "#,
        now,
        channel
    )
    .fetch_all(conn)
    .await
}
