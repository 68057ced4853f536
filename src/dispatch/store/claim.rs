//! Who claims, what is claimed, and how tries end. Every change of a claimed row names the fence it was claimed with, so
//! that a worker that slept past its lease changes nothing.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::dispatch::channels::{Key, Row};
use crate::dispatch::decide::Next;
use crate::dispatch::provider::Provider;
use crate::ids::{AlertId, OutboxId};
use crate::residents::store::blocked::{self, Failure};

pub use super::late::{bury, take_back};

/// A row in our hands until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub id: OutboxId,
    pub alert_id: AlertId,
    pub address: String,
    /// Of the reader.
    pub language: String,
    /// This try, from 1.
    pub attempt: i32,
    pub fence: i64,
    pub expires_at: Instant,
    /// Providers that gave it up before.
    pub refusals: i32,
}

impl Claimed {
    pub fn into_row(self) -> Row {
        Row {
            key: Key::Outbox(self.id, self.alert_id),
            address: self.address,
            attempt: self.attempt,
            fence: self.fence,
            expires_at: self.expires_at,
            refusals: self.refusals,
        }
    }
}

/// How one part (SMS segment) of a try ended; an e-mail has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEnd {
    pub part: i32,
    pub outcome: &'static str,
    pub code: String,
    pub detail: String,
    /// Normalised (`receipts::normal_id`).
    pub message_id: Option<String>,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub id: OutboxId,
    pub fence: i64,
    pub attempt: i32,
    pub next: Next,
    pub parts: Vec<PartEnd>,
    /// It was refused because its address leads nowhere.
    pub is_dead_address: bool,
}

/// Takes or keeps the provider for `holder` until `lease_until`. False while another process holds it.
pub async fn hold(
    conn: &mut PgConnection,
    now: Instant,
    provider: &Provider,
    holder: Uuid,
    lease_until: Instant,
    healthy: bool,
) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        r#"insert into dispatch_claimer as c (provider, channel, place, holder, lease_until, healthy)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (provider) do update
            set channel = $2, place = $3, holder = $4, lease_until = $5, healthy = $6
            where c.holder = $4 or c.lease_until < $7
        returning 1 as "held!""#,
        provider.name,
        provider.channel.as_str(),
        provider.priority,
        holder,
        lease_until,
        healthy,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// Lets the provider go, so that a standby need not wait for the lease to end.
pub async fn let_go(conn: &mut PgConnection, provider: &Provider, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from dispatch_claimer where provider = $1 and holder = $2", provider.name, holder)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether an earlier provider of the channel is at work, so that this one should rest.
pub async fn earlier_is_healthy(conn: &mut PgConnection, now: Instant, provider: &Provider) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from dispatch_claimer
            where channel = $1 and place < $2 and healthy and lease_until >= $3) as "exists!""#,
        provider.channel.as_str(),
        provider.priority,
        now
    )
    .fetch_one(conn)
    .await
}

/// What follows in this transaction finds its rows by their indexes. The queue grows from nothing to a city within a second, of which
/// the planner's statistics know nothing: it would read all of it and sort it, batch after batch, to take a few.
pub(super) async fn by_index(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('enable_seqscan', 'off', true) as scan, set_config('enable_bitmapscan', 'off', true) as bitmap,
            set_config('enable_hashjoin', 'off', true) as hash, set_config('enable_mergejoin', 'off', true) as merge,
            set_config('enable_sort', 'off', true) as sort"
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Claims what is due, most urgent first, and writes down the intent to send it. Nothing may leave before the commit.
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
            where q.channel = $1 and not q.held and q.next_attempt_at <= $2
                -- What was just paused or cancelled, until its rows are moved out of the queue.
                -- (`not in` and not an array: of an array the planner thinks that it leaves nothing, and sorts the whole queue.)
                and q.alert_id not in (
                    select c.alert_id from dispatch_control c where c.control <> 'running' and c.closed_at is null)
                -- Somebody may have had the row in hand since the queue was read.
                and o.state = 'pending' and not o.held and o.next_attempt_at <= $2 and o.expires_at > $2
                and not ($4 = any(o.refused_by))
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
        lease_until
    )
    .fetch_all(conn)
    .await
}

/// Keeps claimed rows, and gives back which were kept. Rows that are no longer ours are left alone.
pub async fn renew(
    conn: &mut PgConnection,
    ids: &[i64],
    fences: &[i64],
    lease_until: Instant,
) -> sqlx::Result<Vec<OutboxId>> {
    sqlx::query_scalar!(
        r#"update outbox o set lease_until = $3 from unnest($1::bigint[], $2::bigint[]) as mine (id, fence)
        where o.id = mine.id and o.fence = mine.fence and o.state = 'sending' returning o.id as "id: OutboxId""#,
        ids,
        fences,
        lease_until
    )
    .fetch_all(conn)
    .await
}

/// Ends tries, in one transaction of the caller's. Returns the alerts that moved and how many rows the fence refused.
/// What happened is recorded either way.
pub async fn complete(
    conn: &mut PgConnection,
    now: Instant,
    provider: &str,
    endings: &[Ending],
) -> sqlx::Result<Completed> {
    let ids: Vec<i64> = endings.iter().map(|e| e.id.0).collect();
    let fences: Vec<i64> = endings.iter().map(|e| e.fence).collect();
    let states: Vec<String> = endings.iter().map(|e| e.next.state.to_string()).collect();
    let reasons: Vec<String> = endings.iter().map(|e| e.next.reason.clone()).collect();
    let next_at: Vec<Option<Instant>> = endings.iter().map(|e| e.next.next_attempt_at).collect();
    let first_id = |e: &Ending| e.parts.iter().find_map(|part| part.message_id.clone());
    let message_ids: Vec<Option<String>> = endings.iter().map(first_id).collect();
    by_index(&mut *conn).await?;
    let moved = sqlx::query!(
        r#"
        update outbox o set
            state = case when e.not_sent is not null then 'suppressed' else e.state end,
            reason = coalesce(e.not_sent, e.reason),
            next_attempt_at = coalesce(e.next_at, o.next_attempt_at),
            provider_message_id = coalesce(e.message_id, o.provider_message_id),
            accepted_at = case when e.state in ('accepted', 'delivered') then $1 else o.accepted_at end,
            final_at = case when e.state in ('delivered', 'rejected', 'expired') or e.not_sent is not null then $1 end,
            lease_until = null
        from (
            -- Only of what is to be tried again it is asked whether it still may be: that is one in thousands.
            select given.*, case when given.state = 'pending' then (
                    select why_not_sent(a.state, a.kind, a.exercise_id, r.resident_id)
                    from outbox r join alert a on a.id = r.alert_id where r.id = given.id) end as not_sent
            from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
                as given (id, fence, state, reason, next_at, message_id)
            offset 0) as e
        where o.id = e.id and o.fence = e.fence and o.state = 'sending'
        returning o.id as "id: OutboxId", o.alert_id as "alert_id: AlertId"
        "#,
        now,
        &ids,
        &fences,
        &states,
        &reasons,
        &next_at as &[Option<Instant>],
        &message_ids as &[Option<String>]
    )
    .fetch_all(&mut *conn)
    .await?;
    record(&mut *conn, now, provider, endings).await?;
    let fenced = endings.len() - moved.len();
    let dead = endings.iter().filter(|e| e.is_dead_address && moved.iter().any(|row| row.id == e.id));
    let dead: Vec<Failure> = dead.map(|e| Failure { row: e.id, reason: e.next.reason.clone() }).collect();
    blocked::failed(&mut *conn, now, &dead).await?;
    let mut alerts: Vec<AlertId> = moved.into_iter().map(|row| row.alert_id).collect();
    alerts.sort_unstable();
    alerts.dedup();
    Ok(Completed { alerts, fenced })
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    pub alerts: Vec<AlertId>,
    /// Rows that were no longer ours.
    pub fenced: usize,
}

async fn record(conn: &mut PgConnection, now: Instant, provider: &str, endings: &[Ending]) -> sqlx::Result<()> {
    let parts: Vec<(&Ending, &PartEnd)> = endings.iter().flat_map(|e| e.parts.iter().map(move |p| (e, p))).collect();
    let ids: Vec<i64> = parts.iter().map(|(e, _)| e.id.0).collect();
    let attempts: Vec<i32> = parts.iter().map(|(e, _)| e.attempt).collect();
    let numbers: Vec<i32> = parts.iter().map(|(_, p)| p.part).collect();
    let outcomes: Vec<String> = parts.iter().map(|(_, p)| p.outcome.to_owned()).collect();
    let codes: Vec<String> = parts.iter().map(|(_, p)| p.code.clone()).collect();
    let details: Vec<String> = parts.iter().map(|(_, p)| p.detail.clone()).collect();
    let message_ids: Vec<Option<String>> = parts.iter().map(|(_, p)| p.message_id.clone()).collect();
    sqlx::query!(
        "insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, code, detail, provider_message_id)
        select e.id, e.attempt, e.part, $1, $2, e.outcome, e.code,
            -- What a server says of somebody who was erased meanwhile may hold their address.
            case when e.detail <> '' and exists (select from outbox o where o.id = e.id and o.address like 'erased:%')
                then '' else e.detail end,
            e.message_id
        from unnest($3::bigint[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::text[])
            as e (id, attempt, part, outcome, code, detail, message_id)",
        now,
        provider,
        &ids,
        &attempts,
        &numbers,
        &outcomes,
        &codes,
        &details,
        &message_ids as &[Option<String>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Parts of these rows that the provider took in earlier tries, so that only the rest is sent again.
pub async fn accepted_parts(
    conn: &mut PgConnection,
    provider: &str,
    ids: &[i64],
) -> sqlx::Result<Vec<(OutboxId, i32)>> {
    let rows = sqlx::query!(
        r#"select distinct outbox_id as "id: OutboxId", part from outbox_attempt
        where outbox_id = any($1) and provider = $2 and outcome = 'accepted'"#,
        ids,
        provider
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.part)).collect())
}

/// Gives back rows that were claimed and did not leave. The try does not count. What was answered meanwhile stays
/// here, and so does what somebody was to hear who has left the exercise.
pub async fn release(conn: &mut PgConnection, now: Instant, ids: &[i64], fences: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update outbox o set lease_until = null, next_attempt_at = $3, attempts = o.attempts - 1,
            state = case when why.not_sent is null then 'pending' else 'suppressed' end,
            reason = coalesce(why.not_sent, o.reason),
            final_at = case when why.not_sent is null then o.final_at else $3 end
        from unnest($1::bigint[], $2::bigint[]) as mine (id, fence)
            join outbox r on r.id = mine.id join alert a on a.id = r.alert_id
            cross join lateral (select why_not_sent(a.state, a.kind, a.exercise_id, r.resident_id) as not_sent) as why
        where o.id = mine.id and o.fence = mine.fence and o.state = 'sending'",
        ids,
        fences,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Which of these claimed rows are not to be sent any more, or not now: their alert was answered, died, was paused or cancelled, or
/// the person left its exercise.
pub async fn overtaken(conn: &mut PgConnection, now: Instant, ids: &[i64]) -> sqlx::Result<Vec<OutboxId>> {
    sqlx::query_scalar!(
        r#"select o.id as "id: OutboxId" from outbox o join alert a on a.id = o.alert_id
        where o.id = any($1)
            and (o.expires_at <= $2 or not alert_stands(a.state, a.kind) or (a.exercise_id is not null and o.resident_id is not null and not exists (
                select from exercise_participant p
                where p.exercise_id = a.exercise_id and p.resident_id = o.resident_id and p.left_at is null))
                or exists (select from dispatch_control c where c.alert_id = o.alert_id and c.control <> 'running'))"#,
        ids,
        now
    )
    .fetch_all(conn)
    .await
}
