//! Rows into the outbox.
//!
//! A small audience is written whole in the transaction that issues the alert. Of a large one (a city of a million takes ten
//! seconds and more) that transaction writes only the first and most endangered, and `dispatch_run.spread_at` stays null:
//! the promise that the dispatcher's own transactions (`spread`) write the rest. So the first message leaves at once.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::outbox::Enqueued;
use crate::events::{Event, notify};
use crate::ids::AlertId;
use crate::telemetry::trace::TARGET;

/// Places near the alert up to which the audience is written at once.
const SMALL: i64 = 5000;
/// Places of a large audience that are written at once.
const FIRST: i64 = 1500;

/// Writes one row for each endpoint, recipient and channel, in the transaction that issues the alert, and wakes the dispatchers at its
/// commit. Doing it twice adds nothing.
pub async fn enqueue(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Enqueued> {
    let traced = tracing::info_span!(
        target: TARGET,
        "outbox.enqueue",
        %alert,
        sentinela.endpoints = tracing::field::Empty,
        sentinela.sms = tracing::field::Empty,
        sentinela.email = tracing::field::Empty,
        sentinela.suppressed = tracing::field::Empty
    );
    compile_nothing(&mut *conn).await?;
    let endpoints = crate::endpoints::store::enqueue::enqueue(&mut *conn, now, alert).await?;
    traced.record("sentinela.endpoints", endpoints);
    if endpoints > 0 {
        metrics::counter!("sentinela_outbox_rows_total", "state" => "pending").increment(endpoints.unsigned_abs());
        notify(&mut *conn, &Event::Outbox).await?;
    }
    if is_between_systems(&mut *conn, now, alert).await? {
        return Ok(Enqueued::default());
    }
    let enqueued = if is_small(&mut *conn, alert).await? {
        fill(&mut *conn, now, alert).await?
    } else {
        first(&mut *conn, now, alert).await?
    };
    notify(conn, &Event::Outbox).await?;
    count(&enqueued);
    traced.record("sentinela.sms", enqueued.sms);
    traced.record("sentinela.email", enqueued.email);
    traced.record("sentinela.suppressed", enqueued.suppressed);
    Ok(enqueued)
}

/// What systems say to systems goes to no resident: its account is closed with nobody in it but endpoints.
async fn is_between_systems(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<bool> {
    let closed = sqlx::query!(
        "insert into dispatch_run (alert_id, enqueued_at, spread_at, recipients, suppressed, unreachable)
         select a.id, $2, $2, o.recipients, o.suppressed, 0
         from alert a cross join lateral (
             select count(*) filter (where state <> 'suppressed') as recipients, count(*) filter (where state = 'suppressed') as suppressed
             from outbox where alert_id = a.id) as o
         where a.id = $1 and a.status = 'system'
         on conflict (alert_id) do update set spread_at = dispatch_run.spread_at",
        alert.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(closed.rows_affected() > 0)
}

/// Compiling a plan to machine code takes longer than these queries; for this transaction only.
pub(super) async fn compile_nothing(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select set_config('jit', 'off', true)").fetch_one(conn).await?;
    Ok(())
}

pub(super) fn count(enqueued: &Enqueued) {
    let rows = |state: &'static str| metrics::counter!("sentinela_outbox_rows_total", "state" => state);
    rows("pending").increment((enqueued.sms + enqueued.email).unsigned_abs());
    rows("suppressed").increment(enqueued.suppressed.unsigned_abs());
}

/// Whom an exercise reaches is a list of those who joined: it is written whole, by the one way that knows of it.
async fn is_small(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    let near = sqlx::query_scalar!(
        r#"select count(*) as "near!" from (
            select from alert_pieces($1) as piece
                join resident_place p on st_expand(p.geom, p.precision_m / 78000.0) && piece.geom
            union all
            select from alert_chain($1) c join outbox o on o.alert_id = c.alert_id
            limit $2) as nearby
        where exists (select from alert where id = $1 and status = 'actual')"#,
        alert.0,
        SMALL + 1
    )
    .fetch_one(conn)
    .await?;
    Ok(near <= SMALL)
}

/// The first rows of a large audience, the worst places first.
async fn first(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Enqueued> {
    let row = sqlx::query!(
        r#"
        with hit as (
            select p.resident_id, piece.area_id, piece.danger, p.inside, piece.around
            from (select * from alert_pieces($1) offset 0) as piece cross join lateral (
                select p.resident_id, st_intersects(piece.geom, p.geom) as inside
                from resident_place p
                where st_expand(p.geom, p.precision_m / 78000.0) && piece.geom
                    and place_in_piece(p.geom, p.precision_m, piece.geom, piece.plane, piece.x, piece.y)
                    and not coalesce(p.precision_m >= (select leave_out_from_m from alert where id = $1), false)
                offset 0) as p
            limit $3
        ), person as (
            select distinct on (resident_id) * from hit
            order by resident_id, danger, around, inside desc, area_id
        ), written as (
            insert into outbox (alert_id, resident_id, channel, address, language, area_id, basis, danger, priority, state,
                next_attempt_at, expires_at, created_at)
            select a.id, r.id, c.kind, c.address, r.language, p.area_id,
                case when not p.inside then 'within_precision' when p.around then 'within_buffer' else 'inside' end,
                p.danger, alert_priority(a.kind, a.level, p.danger, r.needs <> '{}' or r.household_needs), 'pending', $2, a.expires_at, $2
            from person p join resident r on r.id = p.resident_id and r.deleted_at is null and r.alerts_withdrawn_at is null
                join resident_channel c on c.resident_id = r.id and c.verified_at is not null and c.opted_out_at is null
                    and c.blocked_at is null,
                alert a, (select alert_heard($1) as heard offset 0) as meaning
            where a.id = $1
                and preference_against(meaning.heard, r.least_level, r.quiet_from, r.quiet_until, r.quiet_zone, $2) = ''
            order by p.danger, r.needs <> '{}' or r.household_needs desc, p.around, p.inside desc, r.id
            on conflict do nothing
            returning channel
        ), run as (
            insert into dispatch_run (alert_id, enqueued_at, recipients, suppressed, unreachable)
            values ($1, $2, 0, 0, 0) on conflict do nothing
        )
        select count(*) filter (where channel = 'sms') as "sms!", count(*) filter (where channel = 'email') as "email!"
        from written
        "#,
        alert.0,
        now,
        FIRST
    )
    .fetch_one(conn)
    .await?;
    Ok(Enqueued { sms: row.sms, email: row.email, spreading: true, ..Enqueued::default() })
}

/// Every row that is not there yet, and the accounts.
async fn fill(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Enqueued> {
    let row = sqlx::query!(
        r#"
        with recipient as materialized (
            select r.resident_id, r.channel, r.address, r.language, r.area_id, r.danger, r.basis, r.needs,
                -- Another resident with this telephone may have been among the first, when it was a large audience before.
                case when r.reason = '' and exists (
                        select from outbox o where o.alert_id = $1 and o.channel = r.channel and o.address = r.address
                            and o.state <> 'suppressed' and o.resident_id <> r.resident_id)
                    then 'duplicate_address' else r.reason end as reason
            from alert_recipients($1, coalesce((select enqueued_at from dispatch_run where alert_id = $1), $2)) r
        ),
        before as (
            select count(*) as total, count(*) filter (where state = 'suppressed') as suppressed
            from outbox where alert_id = $1
        ),
        written as (
            insert into outbox (alert_id, resident_id, channel, address, language, area_id, basis, danger, priority, state, reason,
                next_attempt_at, expires_at, final_at, created_at)
            select a.id, r.resident_id, r.channel, r.address, r.language, r.area_id, r.basis,
                r.danger, alert_priority(a.kind, a.level, r.danger, r.needs),
                case when r.reason = '' then 'pending' else 'suppressed' end, r.reason,
                $2::timestamptz, a.expires_at, case when r.reason = '' then null else $2::timestamptz end, $2
            from recipient r, alert a
            where a.id = $1 and r.channel is not null
            order by r.danger, r.needs desc, r.basis <> 'inside', r.basis <> 'within_buffer', r.resident_id
            on conflict do nothing
            returning channel, state
        ),
        nowhere as (
            insert into dispatch_unreachable (alert_id, resident_id, area_id)
            select $1, r.resident_id, r.area_id from recipient r where r.channel is null
            on conflict do nothing
        ),
        -- Nobody is to be written twice, should it have been a large audience before.
        unstaged as (delete from spread_recipient where alert_id = $1),
        counted as (
            select count(*) filter (where channel = 'sms' and state = 'pending') as sms,
                count(*) filter (where channel = 'email' and state = 'pending') as email,
                count(*) filter (where state = 'suppressed') as suppressed,
                (select count(*) from (
                    select from recipient group by resident_id having not bool_or(
                        reason in ('', 'duplicate_address', 'below_least_level', 'quiet_hours', 'coarse_place'))) as p)
                    as unreachable
            from written
        ),
        run as (
            insert into dispatch_run as run (alert_id, enqueued_at, spread_at, recipients, suppressed, unreachable)
            select $1, $2, $2, c.sms + c.email + before.total - before.suppressed, c.suppressed + before.suppressed, c.unreachable
            from counted c, before
            on conflict (alert_id) do update set spread_at = excluded.spread_at, recipients = excluded.recipients,
                suppressed = excluded.suppressed, unreachable = excluded.unreachable
                where run.spread_at is null
        )
        select sms as "sms!", email as "email!", suppressed as "suppressed!", unreachable as "unreachable!" from counted
        "#,
        alert.0,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(Enqueued {
        sms: row.sms,
        email: row.email,
        suppressed: row.suppressed,
        unreachable: row.unreachable,
        spreading: false,
    })
}
