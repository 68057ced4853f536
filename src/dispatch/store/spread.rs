//! The rest of a large audience: worked out once, then moved into the outbox some thousands at a time, each step a transaction of the
//! dispatcher's own. So messages leave while the rest is being written, and none of the steps holds anything for long.
//!
//! Whoever says no meanwhile, or is erased, is marked where they wait (`residents::store`), and whoever shares their telephone takes
//! their place: what is not sent anyway comes last, so the others are still there.

use sqlx::PgConnection;

use super::enqueue::{compile_nothing, count};
use crate::clock::Instant;
use crate::dispatch::outbox::Enqueued;
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// Rows moved in one step.
const STEP: i64 = 5000;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub alert: AlertId,
    /// The audience is whole, and its account stands.
    pub is_last: bool,
}

/// One step of the large audience that has waited longest, within a transaction of the caller's. `None` when none waits or others are at
/// all of them.
///
/// # Errors
/// The database's; nothing of the step is kept.
pub async fn step(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<Step>> {
    compile_nothing(&mut *conn).await?;
    let next = sqlx::query!(
        r#"select run.alert_id as "alert_id: AlertId", run.enqueued_at, alert_stands(a.state, a.kind) as "stands!",
            exists (select from spread_recipient s where s.alert_id = run.alert_id) as "is_staged!"
        from dispatch_run run join alert a on a.id = run.alert_id
        where run.spread_at is null
        order by run.enqueued_at, run.alert_id limit 1
        for update of run skip locked for share of a"#
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(next) = next else { return Ok(None) };
    let alert = next.alert_id;
    let is_last = if next.stands {
        if !next.is_staged {
            // Quiet hours are those of the instant at which the alert left.
            stage(&mut *conn, next.enqueued_at, alert).await?;
        }
        take_places(&mut *conn, alert).await?;
        count(&move_some(&mut *conn, now, alert).await?);
        is_empty(&mut *conn, alert).await?
    } else {
        // Answered meanwhile: whoever was not told yet need not be.
        sqlx::query!("delete from spread_recipient where alert_id = $1", alert.0).execute(&mut *conn).await?;
        true
    };
    if is_last {
        close(&mut *conn, now, alert).await?;
    }
    notify(&mut *conn, &Event::Outbox).await?;
    notify(conn, &Event::Delivery { alert_id: alert.0 }).await?;
    Ok(Some(Step { alert, is_last }))
}

/// All steps of the large audience that has waited longest, one after the other. Returns its alert, or `None` when none waits.
///
/// # Errors
/// The database's.
pub async fn spread(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<AlertId>> {
    while let Some(done) = step(&mut *conn, now).await? {
        if done.is_last {
            return Ok(Some(done.alert));
        }
    }
    Ok(None)
}

/// Works out who is told, in the order in which they are, and whom nothing reaches.
async fn stage(conn: &mut PgConnection, left_at: Instant, alert: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with recipient as materialized (select * from alert_recipients($1, $2)),
        nowhere as (
            insert into dispatch_unreachable (alert_id, resident_id, area_id)
            select $1, r.resident_id, r.area_id from recipient r where r.channel is null
            on conflict do nothing
        ), run as (
            update dispatch_run set unreachable = (select count(*) from (
                select from recipient group by resident_id having not bool_or(
                    reason in ('', 'duplicate_address', 'below_least_level', 'quiet_hours', 'coarse_place'))) as p)
            where alert_id = $1
        )
        insert into spread_recipient (alert_id, n, resident_id, channel, address, language, area_id, danger, basis, reason, needs)
        select $1, row_number() over (order by r.reason <> '', r.danger, r.needs desc, r.basis <> 'inside', r.basis <> 'within_buffer',
                r.resident_id), r.resident_id, r.channel, r.address, r.language, r.area_id, r.danger, r.basis, r.reason, r.needs
        from recipient r where r.channel is not null"#,
        alert.0,
        left_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whoever shares a telephone or mailbox with somebody whose own row does not stand any more is told in their place, the first of them.
async fn take_places(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with bound as materialized (
            select min(n) + $2 as n from spread_recipient where alert_id = $1
        ), next as materialized (
            select n, channel, address, reason, bool_or(reason = '') over (partition by channel, address) as is_told
            from spread_recipient where alert_id = $1 and n < (select n from bound)
                -- What is sent comes first: only when the last of these is not, are there any such rows.
                and (select s.reason <> '' from spread_recipient s where s.alert_id = $1 and s.n < (select n from bound)
                    order by s.n desc limit 1)
        ), free as materialized (
            select min(d.n) as n from next d
            where d.reason = 'duplicate_address' and not d.is_told
                and not exists (
                    select from outbox o where o.alert_id = $1 and o.channel = d.channel and o.address = d.address and o.meant)
            group by d.channel, d.address
        )
        update spread_recipient s set reason = '' from free where s.alert_id = $1 and s.n = free.n"#,
        alert.0,
        STEP
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn move_some(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Enqueued> {
    let row = sqlx::query!(
        r#"with moved as (
            delete from spread_recipient
            where alert_id = $1 and n < (select min(n) from spread_recipient where alert_id = $1) + $3
            returning *
        ), judged as (
            select m.*, case
                -- Another resident with this telephone may have been among the first.
                when m.reason = '' and exists (
                        select from outbox o where o.alert_id = $1 and o.channel = m.channel and o.address = m.address
                            and o.meant and o.resident_id <> m.resident_id)
                    then 'duplicate_address' else m.reason end as why
            from moved m where m.reason <> 'erased' offset 0
        ), written as (
            insert into outbox (alert_id, resident_id, channel, address, language, area_id, basis, danger, priority, state, reason,
                next_attempt_at, expires_at, final_at, created_at)
            select a.id, r.resident_id, r.channel, r.address, r.language, r.area_id, r.basis,
                r.danger, alert_priority(a.kind, a.level, r.danger, r.needs),
                case when r.why = '' then 'pending' else 'suppressed' end, r.why,
                $2::timestamptz, a.expires_at, case when r.why = '' then null else $2::timestamptz end, $2
            from judged r, alert a where a.id = $1
            order by r.n
            on conflict do nothing
            returning channel, state
        )
        select count(*) filter (where channel = 'sms' and state = 'pending') as "sms!",
            count(*) filter (where channel = 'email' and state = 'pending') as "email!",
            count(*) filter (where state = 'suppressed') as "suppressed!"
        from written"#,
        alert.0,
        now,
        STEP
    )
    .fetch_one(conn)
    .await?;
    Ok(Enqueued { sms: row.sms, email: row.email, suppressed: row.suppressed, unreachable: 0, spreading: true })
}

async fn is_empty(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists (select from spread_recipient where alert_id = $1) as "empty!""#, alert.0)
        .fetch_one(conn)
        .await
}

/// The account, from the rows: what was kept back when it was written, and everything else.
async fn close(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        "update dispatch_run run set spread_at = $2, recipients = o.all_rows - o.kept_back, suppressed = o.kept_back
        from (
            select count(*) as all_rows, count(*) filter (where state = 'suppressed' and final_at = created_at) as kept_back
            from outbox where alert_id = $1) as o
        where run.alert_id = $1 and run.spread_at is null",
        alert.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
