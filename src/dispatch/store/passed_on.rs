//! What one provider gave up and another takes.

use sqlx::PgConnection;

use super::claim::{Claimed, by_index};
use crate::clock::Instant;
use crate::dispatch::provider::Provider;
use crate::ids::{AlertId, OutboxId};

/// Writes down that the provider gave these rows up, so that it does not take them again.
pub async fn record(conn: &mut PgConnection, provider: &str, ids: &[i64]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update outbox set refused_by = array_append(refused_by, $1) where id = any($2) and not ($1 = any(refused_by))",
        provider,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// As `claim::claim`, for a provider that rests: only rows that every healthy provider before it gave up.
pub async fn claim(
    conn: &mut PgConnection,
    now: Instant,
    provider: &Provider,
    limit: i64,
    lease_until: Instant,
) -> sqlx::Result<Vec<Claimed>> {
    by_index(&mut *conn).await?;
    sqlx::query_as!(
        Claimed,
        r#"
        with due as (
            select o.id from outbox_queue q join outbox o on o.id = q.id
            where q.channel = $1 and q.passed_on and not q.held and q.next_attempt_at <= $2
                and o.state = 'pending' and not o.held and o.next_attempt_at <= $2 and o.expires_at > $2
                and not ($4 = any(o.refused_by))
                and q.alert_id not in (
                    select c.alert_id from dispatch_control c where c.control <> 'running' and c.closed_at is null)
                and not exists (select from dispatch_claimer d where d.channel = $1 and d.place < $6 and d.healthy
                    and d.lease_until >= $2 and not (d.provider = any(o.refused_by)))
            order by q.priority, q.id limit $3
            for update of o skip locked
        ), claimed as (
            update outbox o
            set state = 'sending', provider = $4, attempts = o.attempts + 1, fence = o.fence + 1, lease_until = $5
            from due where o.id = due.id
            returning o.id, o.alert_id, o.address, o.language, o.attempts, o.fence, o.expires_at, o.priority,
                cardinality(o.refused_by) as refusals
        ), intent as (
            insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome)
            select id, attempts, 0, $2, $4, 'intent' from claimed
        )
        select id as "id!: OutboxId", alert_id as "alert_id!: AlertId", address as "address!", language as "language!",
            attempts as "attempt!", fence as "fence!", expires_at as "expires_at!", refusals as "refusals!"
        from claimed order by priority, id
        "#,
        provider.channel.as_str(),
        now,
        limit,
        provider.name,
        lease_until,
        provider.priority
    )
    .fetch_all(conn)
    .await
}
