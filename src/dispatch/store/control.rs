//! Paused, cancelled and going on: `dispatch_control`, and the rows that wait because of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::control::{Act, CANCELLED, Control, Standing};
use crate::ids::AlertId;

/// Rows held, let go or taken back in one transaction.
const BATCH: i64 = 10_000;

/// How an alert's dispatch stands.
pub async fn standing(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Standing> {
    let row = sqlx::query!("select control, since, by, reason from dispatch_control where alert_id = $1", alert.0)
        .fetch_optional(conn)
        .await?;
    // The column's constraint admits only known words.
    let known = row.and_then(|row| Some((row.control.parse::<Control>().ok()?, row)));
    Ok(known.map_or_else(Standing::untouched, |(control, row)| Standing {
        control,
        since: Some(row.since),
        by: row.by,
        reason: row.reason,
    }))
}

/// The same, and nobody else changes it until the transaction ends. `None` when the alert never left.
pub async fn lock(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Option<Standing>> {
    let kept = sqlx::query!(
        "insert into dispatch_control (alert_id, control, since, by, reason)
        select alert_id, 'running', $2, '', '' from dispatch_run where alert_id = $1
        on conflict (alert_id) do update set control = dispatch_control.control",
        alert.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    if kept.rows_affected() == 0 { Ok(None) } else { Ok(Some(standing(conn, alert).await?)) }
}

/// Rows that wait, and rows that are on their way; the first also counts as one what is still to be written.
pub async fn open_rows(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<(i64, i64, bool)> {
    let row = sqlx::query!(
        r#"select coalesce(sum(rows) filter (where state = 'pending'), 0)::bigint as "waiting!",
            coalesce(sum(rows) filter (where state = 'sending'), 0)::bigint as "under_way!",
            exists (select from dispatch_run where alert_id = $1 and spread_at is null) as "spreading!"
        from (
            select state, rows from delivery_tally where alert_id = $1 and what = 'state' and state in ('pending', 'sending')
            union all
            select state, rows from delivery_change where alert_id = $1 and what = 'state' and state in ('pending', 'sending'))
            as counted"#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    Ok((row.waiting, row.under_way, row.spreading))
}

/// Writes the act down and makes it so. `rows`: what waited and what was on its way.
pub async fn set(
    conn: &mut PgConnection,
    now: Instant,
    alert: AlertId,
    (act, control): (Act, Control),
    (by, reason): (&str, &str),
    rows: (i64, i64),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update dispatch_control set control = $2, since = $3, by = $4, reason = $5, paged_at = null, holding = true
        where alert_id = $1",
        alert.0,
        control.as_str(),
        now,
        by,
        reason
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into dispatch_act (alert_id, at, act, actor, reason, waiting, under_way) values ($1, $2, $3, $4, $5, $6, $7)",
        alert.0,
        now,
        act.as_str(),
        by,
        reason,
        rows.0,
        rows.1
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves rows that wait to where the control wants them, at most some thousands. Returns how many.
pub async fn carry_out(conn: &mut PgConnection, now: Instant, alert: AlertId, control: Control) -> sqlx::Result<u64> {
    if control == Control::Cancelled {
        return cancel(conn, now, alert).await;
    }
    let done = sqlx::query!(
        "with batch as (
            select o.id from outbox_queue q join outbox o on o.id = q.id
            where q.alert_id = $1 and q.held <> $2 and o.state = 'pending' and o.held <> $2 limit $3
            for update of o skip locked
        )
        update outbox o set held = $2 from batch where o.id = batch.id",
        alert.0,
        control == Control::Paused,
        BATCH
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

async fn cancel(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with batch as (
            select o.id from outbox_queue q join outbox o on o.id = q.id
            where q.alert_id = $1 and o.state = 'pending' limit $3 for update of o skip locked
        )
        update outbox o set state = 'suppressed', reason = $4, final_at = $2, held = false from batch where o.id = batch.id",
        alert.0,
        now,
        BATCH,
        CANCELLED
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The alerts whose rows do not all lie where they belong, or may come back from a provider and have to be moved then.
pub async fn unsettled(conn: &mut PgConnection) -> sqlx::Result<Vec<(AlertId, Control)>> {
    let rows = sqlx::query!(
        r#"select alert_id as "id: AlertId", control from dispatch_control
        where closed_at is null and (control <> 'running' or holding) order by alert_id limit 100"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.control.parse().ok()?))).collect())
}

/// The control of an alert, which stays so until the transaction ends.
pub async fn keep_still(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Option<Control>> {
    let word = sqlx::query_scalar!("select control from dispatch_control where alert_id = $1 for share", alert.0)
        .fetch_optional(conn)
        .await?;
    Ok(word.and_then(|word| word.parse().ok()))
}

/// Notes that everything that was held goes again, if nothing is held any more: a row that somebody else had in hand is still.
pub async fn let_go(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        "update dispatch_control set holding = false where alert_id = $1 and control = 'running' and holding
            and not exists (select from outbox_queue where alert_id = $1 and held)",
        alert.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes what belongs to alerts that ran out: nothing of them is sent any more, paused or not.
pub async fn close(conn: &mut PgConnection, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update dispatch_control c set closed_at = $1 from alert a
        where c.closed_at is null and a.id = c.alert_id and a.expires_at <= $1",
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A dispatch that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub alert: AlertId,
    pub number: String,
    pub headline: String,
    pub status: String,
    pub since: Instant,
    pub by: String,
    pub reason: String,
    pub paged_at: Option<Instant>,
}

/// What stands still, longest first.
pub async fn paused(conn: &mut PgConnection) -> sqlx::Result<Vec<Paused>> {
    sqlx::query_as!(
        Paused,
        r#"select c.alert_id as "alert: AlertId", coalesce(a.number, '') as "number!", a.headline, a.status, c.since, c.by, c.reason,
            c.paged_at
        from dispatch_control c join alert a on a.id = c.alert_id
        where c.control = 'paused' and c.closed_at is null order by c.since, c.alert_id limit 20"#
    )
    .fetch_all(conn)
    .await
}

/// Notes that staff were told. False when another process just did.
pub async fn paged(
    conn: &mut PgConnection,
    now: Instant,
    alert: AlertId,
    before: Option<Instant>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update dispatch_control set paged_at = $2 where alert_id = $1 and control = 'paused' and paged_at is not distinct from $3",
        alert.0,
        now,
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One act as it was written down.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DispatchAct)]
pub struct Acted {
    pub at: DateTime<Utc>,
    pub act: String,
    pub actor: String,
    pub reason: String,
    pub waiting: i64,
    pub under_way: i64,
}

/// What was done to it, oldest first.
pub async fn acts(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Acted>> {
    sqlx::query_as!(
        Acted,
        "select at, act, actor, reason, waiting, under_way from dispatch_act where alert_id = $1 order by id limit 200",
        alert.0
    )
    .fetch_all(conn)
    .await
}
