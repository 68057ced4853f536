//! Events of incidents and occurrences that wait for webhooks. Triggers write them, in the transaction of what happened.

use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::decide::{Next, State};
use crate::endpoints::message::Happening;
use crate::ids::EndpointId;

/// Events of one endpoint that may wait; beyond them the oldest is given up.
pub const MOST_WAITING: i64 = 10_000;
/// Days for which one that ended is kept.
const KEPT_DAYS: i32 = 30;
/// Rows that one look gives up or forgets.
const AT_A_TIME: i64 = 10_000;

/// An event in our hands until its lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub id: i64,
    pub endpoint_id: EndpointId,
    /// This try, from 1.
    pub attempt: i32,
    pub expires_at: Instant,
    pub happening: Happening,
}

/// How many tries may begin.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub rows: i64,
    /// Of endpoints that failed the last time, with those under way.
    pub failing: i64,
}

/// Claims the oldest event of each endpoint that is due, and no second one of an endpoint while the first is under way or waits to be
/// tried again: they arrive in the order in which they happened. An endpoint hears what an alert says first: while one is due for it or
/// on its way, its events wait. One that failed goes after all others.
pub async fn claim(
    conn: &mut PgConnection,
    now: Instant,
    room: Room,
    lease_until: Instant,
) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        r#"
        with alerted as materialized (
            select o.endpoint_id from outbox_queue q join outbox o on o.id = q.id
            where q.channel = 'webhook' and o.state = 'pending' and o.next_attempt_at <= $1 and o.expires_at > $1
            union
            select o.endpoint_id from outbox o
            where o.id in (select unnest(l.ids) from outbox_lease l where l.channel = 'webhook') and o.state = 'sending'
        ), first as materialized (
            select w.id, e.failures > 0 as failing, w.next_attempt_at, w.leased_until
            from endpoint e cross join lateral (
                -- Both bounds are the endpoint, so that the order is that of the index and no ended row is read.
                select v.id, v.next_attempt_at, v.leased_until from endpoint_event v
                where v.endpoint_id >= e.id and v.endpoint_id <= e.id and v.state = 'waiting' order by v.endpoint_id, v.id limit 1) as w
            where e.kind = 'webhook' and e.enabled and e.retired_at is null and not exists (select from alerted a where a.endpoint_id = e.id)
        ), fitting as (
            select f.id, row_number() over (partition by f.failing order by f.id) as place, f.failing
            from first f where f.leased_until is null and coalesce(f.next_attempt_at <= $1, true)
        ), due as (
            select v.id from endpoint_event v join fitting f on f.id = v.id
            where v.state = 'waiting' and v.leased_until is null and v.expires_at > $1
                and (not f.failing or f.place + (select count(*) from first u where u.failing and u.leased_until is not null) <= $4::bigint)
            order by f.failing, v.id limit $2
            for update of v skip locked
        )
        update endpoint_event v set leased_until = $3, attempt = v.attempt + 1, next_attempt_at = null
        from due where v.id = due.id
        returning v.id, v.endpoint_id as "endpoint_id: EndpointId", v.attempt, v.expires_at, v.event, v.at, v.payload
        "#,
        now,
        room.rows,
        lease_until,
        room.failing
    )
    .fetch_all(conn)
    .await?;
    let claimed = rows.into_iter().map(|row| Claimed {
        id: row.id,
        endpoint_id: row.endpoint_id,
        attempt: row.attempt,
        expires_at: row.expires_at,
        happening: Happening { event: row.event, at: row.at, told: row.payload },
    });
    Ok(claimed.collect())
}

/// Writes down what came of a try. What arrived counts as delivered whatever was said of it meanwhile.
pub async fn complete(conn: &mut PgConnection, now: Instant, row: &Claimed, next: &Next) -> sqlx::Result<bool> {
    let state = match next.state {
        State::Delivered | State::Accepted => "delivered",
        State::Pending => "waiting",
        _ => "given_up",
    };
    let reason: String = next.reason.chars().take(400).collect();
    let done = sqlx::query!(
        "update endpoint_event set state = $3, reason = $4, next_attempt_at = $5, leased_until = null,
             ended_at = case when $3 = 'waiting' then null else greatest($6::timestamptz, at) end
         where id = $1 and attempt = $2 and (state = 'waiting' or $3 = 'delivered')",
        row.id,
        row.attempt,
        state,
        reason,
        next.next_attempt_at,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a look over the queue ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub expired: i64,
    /// Given up because too many waited.
    pub crowded: i64,
}

/// Takes back what a lost worker held, and ends what died or stands beyond the bound.
pub async fn sweep(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Swept> {
    sqlx::query!("update endpoint_event set leased_until = null where leased_until <= $1", now)
        .execute(&mut *conn)
        .await?;
    let expired = sqlx::query!(
        "update endpoint_event set state = 'given_up', reason = left('expired ' || reason, 400), next_attempt_at = null,
             ended_at = greatest($1::timestamptz, at)
         where id in (select v.id from endpoint_event v where v.state = 'waiting' and v.leased_until is null and v.expires_at <= $1
             limit $2 for update skip locked)",
        now,
        AT_A_TIME
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let crowded = sqlx::query!(
        "update endpoint_event set state = 'given_up', reason = 'too_many_wait', next_attempt_at = null,
             ended_at = greatest($1::timestamptz, at)
         where id in (select v.id from (
                 select w.endpoint_id from endpoint_event w where w.state = 'waiting' group by w.endpoint_id having count(*) > $2::bigint
             ) as crowd cross join lateral (
                 select w.id from endpoint_event w where w.endpoint_id = crowd.endpoint_id and w.state = 'waiting'
                 order by w.id desc offset $2 limit 1
             ) as last join endpoint_event v on v.endpoint_id = crowd.endpoint_id and v.state = 'waiting' and v.id <= last.id
             where v.leased_until is null order by v.id limit $3 for update of v skip locked)",
        now,
        MOST_WAITING,
        AT_A_TIME
    )
    .execute(conn)
    .await?
    .rows_affected();
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    Ok(Swept { expired: count(expired), crowded: count(crowded) })
}

/// Forgets what ended long ago.
pub async fn forget(conn: &mut PgConnection, now: Instant) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from endpoint_event where id in (
             select v.id from endpoint_event v where v.ended_at < $1::timestamptz - make_interval(days => $2) order by v.ended_at limit $3)",
        now,
        KEPT_DAYS,
        AT_A_TIME
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// An event, for the endpoint's own page.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = EndpointEvent)]
pub struct Told {
    pub id: i64,
    /// `incident.opened`, `incident.changed`, `incident.closed`, `incident.reopened`, `occurrence.received` or `occurrence.changed`.
    pub event: String,
    /// The incident or the occurrence.
    pub subject_id: uuid::Uuid,
    pub number: String,
    /// Whether it is of an exercise.
    pub drill: bool,
    /// `waiting`, `delivered`, `given_up` or `endpoint_off`.
    pub state: String,
    pub reason: String,
    pub attempts: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    #[schema(value_type = Option<String>)]
    pub next_attempt_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Instant>,
}

/// The newest events of an endpoint.
pub async fn list(conn: &mut PgConnection, id: EndpointId, limit: i64) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select id, event, subject_id, coalesce(payload ->> 'number', '') as "number!", (payload ->> 'drill')::boolean as "drill!", state,
                  reason, attempt as attempts, at, next_attempt_at, ended_at
           from endpoint_event where endpoint_id = $1 order by id desc limit $2"#,
        id.0,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many wait for an endpoint.
pub async fn waiting(conn: &mut PgConnection, id: EndpointId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from endpoint_event where endpoint_id = $1 and state = 'waiting'"#,
        id.0
    )
    .fetch_one(conn)
    .await
}

/// What an event says, and whether it still waits; none when it is not of this endpoint.
pub async fn find(conn: &mut PgConnection, endpoint: EndpointId, id: i64) -> sqlx::Result<Option<(Happening, bool)>> {
    let row = sqlx::query!(
        r#"select event, at, payload as "payload: Value", state from endpoint_event where id = $1 and endpoint_id = $2"#,
        id,
        endpoint.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (Happening { event: row.event, at: row.at, told: row.payload }, row.state == "waiting")))
}
