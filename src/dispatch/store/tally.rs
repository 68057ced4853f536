//! The counts of deliveries: sums and the changes that were not folded into them yet.

use sqlx::{Connection as _, PgConnection};

use super::control;
use crate::clock::Instant;
use crate::dispatch::decide::State;
use crate::dispatch::tally::{Cell, Pace, Tally};
use crate::ids::AlertId;

/// Changes folded in one transaction.
const BATCH: i64 = 20_000;
/// One folder at a time, so that none waits for another's sums.
const LOCK: &str = "fold deliveries";

/// How an alert's messages fare now. `None` when there is no such alert. All of it is of one instant.
pub async fn read(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Option<Tally>> {
    let mut tx = conn.begin().await?;
    sqlx::query!("set transaction isolation level repeatable read read only").execute(&mut *tx).await?;
    let tally = read_in(&mut tx, now, alert).await?;
    tx.commit().await?;
    Ok(tally)
}

/// The same within a transaction of the caller's, in which nothing of the alert moves any more.
pub async fn read_in(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Option<Tally>> {
    let run = sqlx::query!(
        r#"select a.expires_at, run.enqueued_at as "left_at?", run.spread_at as "spread_at?",
            (run.recipients + run.suppressed)::bigint as promised, run.unreachable as "unreachable?"
        from alert a left join dispatch_run run on run.alert_id = a.id where a.id = $1"#,
        alert.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(run) = run else { return Ok(None) };
    Ok(Some(Tally {
        at: now,
        left_at: run.left_at,
        expires_at: run.expires_at,
        promised: run.spread_at.and(run.promised),
        unreachable: run.unreachable.unwrap_or_default().into(),
        standing: control::standing(&mut *conn, alert).await?,
        cells: cells(&mut *conn, alert).await?,
        pace: pace(&mut *conn, alert).await?,
        repeats: repeats(conn, alert).await?,
    }))
}

async fn cells(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Cell>> {
    let rows = sqlx::query!(
        r#"with counted as (
            select channel, provider, area_id, danger, state, cause, rows from delivery_tally
            where alert_id = $1 and what = 'state'
            union all
            select channel, provider, area_id, danger, state, cause, rows from delivery_change
            where alert_id = $1 and what = 'state'
        ), summed as (
            select channel, provider, area_id, danger, state, cause, sum(rows)::bigint as rows
            from counted group by 1, 2, 3, 4, 5, 6 having sum(rows) <> 0
        )
        select s.channel as "channel!", s.provider as "provider!", coalesce(r.name, '') as "area!", s.danger as "danger!",
            s.state as "state!", s.cause as "cause!", s.rows as "rows!"
        from summed s left join risk_area r on r.id = s.area_id
        order by s.channel desc, s.provider, r.name, s.danger, s.state, s.cause"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    // The outbox admits only known words.
    let cell = |state, row: (String, String, String, i32, String, i64)| Cell {
        channel: row.0,
        provider: row.1,
        area: row.2,
        danger: row.3,
        state,
        cause: row.4,
        rows: row.5,
    };
    let known = rows.into_iter().filter_map(|row| {
        let state = row.state.parse::<State>().ok()?;
        Some(cell(state, (row.channel, row.provider, row.area, row.danger, row.cause, row.rows)))
    });
    Ok(known.collect())
}

async fn pace(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Pace>> {
    sqlx::query_as!(
        Pace,
        r#"with taken as (
            select channel, provider, at, rows, first_at from delivery_pace where alert_id = $1
            union all
            select channel, provider, at, rows, first_at from delivery_change where alert_id = $1 and what = 'pace'
        )
        select channel as "channel!", provider as "provider!", at as "at!", sum(rows)::bigint as "rows!", min(first_at) as first_at
        from taken group by 1, 2, 3 having sum(rows) <> 0 order by at, 1, 2"#,
        alert.0
    )
    .fetch_all(conn)
    .await
}

async fn repeats(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"with again as (
            select channel, provider, rows from delivery_tally where alert_id = $1 and what = 'repeat'
            union all
            select channel, provider, rows from delivery_change where alert_id = $1 and what = 'repeat'
        )
        select channel as "channel!", provider as "provider!", sum(rows)::bigint as "rows!" from again group by 1, 2 order by 1, 2"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.channel, row.provider, row.rows)).collect())
}

/// Folds changes into the sums, in one transaction of the caller's. Returns how many; none while another process does it.
pub async fn fold(conn: &mut PgConnection) -> sqlx::Result<i64> {
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "mine!""#, LOCK)
        .fetch_one(&mut *conn)
        .await?;
    if !mine {
        return Ok(0);
    }
    sqlx::query_scalar!(
        r#"with gone as (
            delete from delivery_change where id in (select id from delivery_change order by id limit $1)
            returning alert_id, what, channel, provider, area_id, danger, state, cause, at, first_at, rows
        ), sums as (
            insert into delivery_tally as t (alert_id, what, channel, provider, area_id, danger, state, cause, rows)
            select alert_id, what, channel, provider, area_id, danger, state, cause, sum(rows) from gone where what <> 'pace'
            group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(rows) <> 0
            on conflict (alert_id, what, channel, provider, area_id, danger, state, cause) do update set rows = t.rows + excluded.rows
        ), seconds as (
            insert into delivery_pace as p (alert_id, channel, provider, at, rows, first_at)
            select alert_id, channel, provider, at, sum(rows), min(first_at) from gone where what = 'pace'
            group by 1, 2, 3, 4
            on conflict (alert_id, channel, provider, at) do update
                set rows = p.rows + excluded.rows, first_at = least(p.first_at, excluded.first_at)
        )
        select count(*) as "folded!" from gone"#,
        BATCH
    )
    .fetch_one(conn)
    .await
}

/// The counts anew, from the rows themselves: what the sums have to say, too. For the report that stands for good.
pub async fn recount(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Cell>> {
    let rows = sqlx::query!(
        r#"select o.channel, coalesce(o.provider, '') as "provider!", coalesce(r.name, '') as "area!", row_danger(o.danger, o.priority) as "danger!",
            o.state, delivery_cause(o.state, o.reason) as "cause!", count(*) as "rows!"
        from outbox o left join risk_area r on r.id = o.area_id where o.alert_id = $1
        group by 1, 2, 3, 4, 5, 6 order by 1 desc, 2, 3, 4, 5, 6"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(Cell {
            state: row.state.parse().ok()?,
            channel: row.channel,
            provider: row.provider,
            area: row.area,
            danger: row.danger,
            cause: row.cause,
            rows: row.rows,
        })
    });
    Ok(known.collect())
}
