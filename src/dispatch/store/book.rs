//! Rows in, rows withdrawn, rows counted.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::audience::Reach;
use crate::dispatch::decide::State;
use crate::dispatch::outbox::{Accounts, Counts, Enqueued, Progress};
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// Counts whom the alert would reach if it left now.
pub async fn preview(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Reach> {
    let row = sqlx::query!(
        r#"
        with recipient as materialized (select * from alert_recipients($1)),
        person as (select resident_id, bool_or(reason in ('', 'duplicate_address')) as reached from recipient group by resident_id)
        select
            (select count(*) from person) as "residents!",
            (select count(*) from person where not reached) as "unreachable!",
            count(*) filter (where channel = 'sms' and reason = '') as "sms!",
            count(*) filter (where channel = 'email' and reason = '') as "email!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 0) as "r4!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 1) as "r3!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 2) as "r2!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 3) as "r1!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 4) as "ungraded!",
            count(*) filter (where reason = 'opted_out') as "opted_out!",
            count(*) filter (where reason = 'unverified') as "unverified!",
            count(*) filter (where reason = 'duplicate_address') as "duplicate_address!"
        from recipient
        "#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    Ok(Reach {
        residents: row.residents,
        sms: row.sms,
        email: row.email,
        sms_by_grade: [row.r4, row.r3, row.r2, row.r1, row.ungraded],
        unreachable: row.unreachable,
        opted_out: row.opted_out,
        unverified: row.unverified,
        duplicate_address: row.duplicate_address,
    })
}

/// Writes one row for each recipient and channel, in the transaction that issues the alert, and wakes the dispatchers at its
/// commit. Doing it twice adds nothing.
pub async fn enqueue(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Enqueued> {
    let row = sqlx::query!(
        r#"
        with recipient as materialized (select * from alert_recipients($1)),
        written as (
            insert into outbox (alert_id, resident_id, channel, address, language, area_id, basis, priority, state, reason,
                next_attempt_at, expires_at, final_at, created_at)
            select a.id, r.resident_id, r.channel, r.address, r.language, r.area_id, r.basis,
                r.danger + 10 * case
                    when a.kind in ('alert', 'update') then
                        case a.level when 'maximum' then 0 when 'alert' then 1 when 'attention' then 2 else 3 end
                    when a.kind = 'cancel' then 4
                    else 5 end,
                case when r.reason = '' then 'pending' else 'suppressed' end, r.reason,
                $2::timestamptz, a.expires_at, case when r.reason = '' then null else $2::timestamptz end, $2
            from recipient r, alert a
            where a.id = $1 and r.channel is not null
            order by r.danger, r.resident_id
            on conflict do nothing
            returning channel, state
        ),
        run as (
            insert into dispatch_run (alert_id, enqueued_at, recipients, suppressed, unreachable)
            select $1, $2,
                (select count(*) from written where state = 'pending'),
                (select count(*) from written where state = 'suppressed'),
                (select count(*) from (
                    select from recipient group by resident_id having not bool_or(reason in ('', 'duplicate_address'))) as p)
            on conflict do nothing
            returning unreachable
        )
        select
            count(*) filter (where channel = 'sms' and state = 'pending') as "sms!",
            count(*) filter (where channel = 'email' and state = 'pending') as "email!",
            count(*) filter (where state = 'suppressed') as "suppressed!",
            coalesce((select unreachable from run), 0) as "unreachable!"
        from written
        "#,
        alert.0,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    notify(conn, &Event::Outbox).await?;
    let enqueued =
        Enqueued { sms: row.sms, email: row.email, suppressed: row.suppressed, unreachable: row.unreachable.into() };
    metrics::counter!("sentinela_outbox_rows_total", "state" => "pending")
        .increment((row.sms + row.email).unsigned_abs());
    metrics::counter!("sentinela_outbox_rows_total", "state" => "suppressed").increment(row.suppressed.unsigned_abs());
    Ok(enqueued)
}

/// Takes back what has not left yet, when the alert is superseded, cancelled or over. Returns the rows taken back.
pub async fn withdraw(conn: &mut PgConnection, now: Instant, alert: AlertId, reason: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update outbox set state = 'suppressed', reason = $3, final_at = $2 where alert_id = $1 and state = 'pending'",
        alert.0,
        now,
        reason
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        notify(conn, &Event::Delivery { alert_id: alert.0 }).await?;
    }
    Ok(done.rows_affected())
}

/// Rows of the alert by channel and state.
pub async fn progress(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Progress> {
    let rows = sqlx::query!(
        r#"select channel, state, count(*) as "rows!" from outbox where alert_id = $1 group by channel, state"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    let mut progress = Progress::default();
    for row in rows {
        // The column's constraint admits only these words.
        let Ok(state) = row.state.parse::<State>() else { continue };
        let counts: &mut Counts = if row.channel == "sms" { &mut progress.sms } else { &mut progress.email };
        counts.add(state, row.rows);
    }
    Ok(progress)
}

/// Whether the alert left and nothing of it waits to be handed to a provider any more.
pub async fn finished(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from dispatch_run where alert_id = $1)
            and not exists (select from outbox where alert_id = $1 and state in ('pending', 'sending')) as "finished!""#,
        alert.0
    )
    .fetch_one(conn)
    .await
}

/// Proves one alert's accounts, or `None` when it was never enqueued.
pub async fn audit(
    conn: &mut PgConnection,
    now: Instant,
    lease_s: u32,
    alert: AlertId,
) -> sqlx::Result<Option<Accounts>> {
    let overdue = now - chrono::TimeDelta::seconds(lease_s.into());
    let row = sqlx::query!(
        r#"select (run.recipients + run.suppressed)::bigint as "promised!",
            (select count(*) from outbox o where o.alert_id = run.alert_id) as "found!",
            (select count(*) from outbox o
                where o.alert_id = run.alert_id and o.state = 'sending' and o.lease_until < $2) as "stuck!"
        from dispatch_run run where run.alert_id = $1"#,
        alert.0,
        overdue
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Accounts { promised: row.promised, found: row.found, stuck: row.stuck }))
}
