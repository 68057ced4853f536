//! Addresses that lead nowhere: counted failure by failure, blocked after some in a row, open again when somebody confirms them
//! (a trigger of the table, so that no way of confirming can forget it).

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::OutboxId;

/// Failures in a row that block an address. One may be an error of the network's own tables; three nights of storm are not.
pub const LIMIT: i32 = 3;
/// An address counts one failure in this time at most.
const COUNTED_EVERY: chrono::TimeDelta = chrono::TimeDelta::days(1);
/// When so many messages of an alert fail at one provider …
const MANY: i64 = 20;
/// … and they are more than one in so many of those that ended there, the fault is the provider's or ours and not the addresses'.
const ONE_IN: i64 = 5;

/// A message that failed because of its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub row: OutboxId,
    /// In the words of whoever refused it.
    pub reason: String,
}

/// Counts failures, and blocks the addresses that reach `LIMIT`. Every resident of an address is blocked with it. Comes after the rows
/// were moved, within the same transaction.
pub async fn failed(conn: &mut PgConnection, now: Instant, failures: &[Failure]) -> sqlx::Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let rows: Vec<i64> = failures.iter().map(|failure| failure.row.0).collect();
    let credible = credible(&mut *conn, &rows).await?;
    if credible.len() < rows.len() {
        let of = rows.len() - credible.len();
        tracing::warn!(rows = of, "so many addresses cannot be dead at once: their failures are not counted");
        metrics::counter!("sentinela_channels_doubted_total").increment(of as u64);
    }
    let failures: Vec<&Failure> = failures.iter().filter(|failure| credible.contains(&failure.row.0)).collect();
    let rows: Vec<i64> = failures.iter().map(|failure| failure.row.0).collect();
    let reasons: Vec<String> = failures.iter().map(|failure| failure.reason.chars().take(200).collect()).collect();
    let blocked = sqlx::query!(
        r#"
        with told as (
            select o.channel, o.address, max(e.reason) as reason
            from unnest($2::bigint[], $3::text[]) as e (id, reason) join outbox o on o.id = e.id
            group by o.channel, o.address
        )
        update resident_channel c set
            failures = c.failures + 1, failed_at = $1,
            blocked_at = case when c.failures + 1 >= $4 then coalesce(c.blocked_at, $1) end,
            blocked_reason = case when c.failures + 1 >= $4 then coalesce(c.blocked_reason, told.reason, '') end
        from told where c.kind = told.channel and c.address = told.address
            and (c.failed_at is null or c.failed_at <= $5)
        returning c.blocked_at is not null as "blocked!"
        "#,
        now,
        &rows,
        &reasons,
        LIMIT,
        now - COUNTED_EVERY
    )
    .fetch_all(conn)
    .await?;
    let count = blocked.iter().filter(|row| row.blocked).count();
    metrics::counter!("sentinela_channels_blocked_total").increment(count as u64);
    Ok(())
}

/// Those of these rows that did not fail together with an unusual share of their alert at the same provider.
async fn credible(conn: &mut PgConnection, rows: &[i64]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        with failing as materialized (
            select distinct alert_id, channel, coalesce(provider, '') as provider from outbox where id = any($1)
        ), share as (
            select f.*, coalesce(s.failed, 0) as failed, coalesce(s.ended, 0) as ended
            from failing f cross join lateral (
                select sum(t.rows) filter (where t.state in ('rejected', 'undelivered')) as failed, sum(t.rows) as ended
                from (
                    select state, rows from delivery_tally
                    where alert_id = f.alert_id and what = 'state' and channel = f.channel and provider = f.provider
                    union all
                    select state, rows from delivery_change
                    where alert_id = f.alert_id and what = 'state' and channel = f.channel and provider = f.provider) as t
                where t.state in ('accepted', 'unknown', 'delivered', 'rejected', 'undelivered')) as s
        )
        select o.id from outbox o join share s
            on s.alert_id = o.alert_id and s.channel = o.channel and s.provider = coalesce(o.provider, '')
        where o.id = any($1) and not (s.failed >= $2::bigint and s.failed * $3::bigint > s.ended)
        "#,
        rows,
        MANY,
        ONE_IN
    )
    .fetch_all(conn)
    .await
}

/// What arrived ends the row of failures of its address.
pub async fn arrived(conn: &mut PgConnection, rows: &[i64]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update resident_channel c set failures = 0 from outbox o
        where o.id = any($1) and c.kind = o.channel and c.address = o.address and c.failures > 0 and c.blocked_at is null",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}
