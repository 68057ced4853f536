//! Receipts: kept raw, matched when both sides are there, and then folded into the row's state.

use std::collections::BTreeSet;

use sqlx::{Connection as _, PgConnection};

use crate::clock::Instant;
use crate::dispatch::decide::{Fate, State};
use crate::dispatch::parts::Part;
use crate::dispatch::receipts::{self, Receipt};
use crate::dispatch::writer::is_about_data;
use crate::ids::{AlertId, OutboxId};
use crate::residents::store::blocked::{self, Failure};

/// Receipts looked at in one go.
const BATCH: i64 = 1000;
/// Of those at most so many each time.
const MOST_BATCHES: usize = 20;
/// How long an unmatched receipt is looked at again.
const PATIENCE: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// A receipt that names the very id but another telephone is believed after this, when no better match came and the centre marked it.
const DOUBT: chrono::TimeDelta = chrono::TimeDelta::seconds(10);

/// A `deliver_sm` as it came.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub raw: Vec<u8>,
    pub address: String,
    /// `None` when it is a message of a person's, or unreadable: kept all the same.
    pub receipt: Option<Receipt>,
    /// What a person wrote; empty for receipts, and for parts.
    pub words: String,
    /// When it is one of several.
    pub part: Option<Part>,
}

/// Keeps receipts, within the caller's transaction. They may be acknowledged once that is committed. One that the database can never
/// take as it was read is kept as its bytes alone, so that it holds up none of the others.
pub async fn keep(conn: &mut PgConnection, now: Instant, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    match try_keep(&mut *conn, now, provider, incoming).await {
        Err(error) if is_about_data(&error) => {}
        other => return other,
    }
    for one in incoming {
        match try_keep(&mut *conn, now, provider, std::slice::from_ref(one)).await {
            Err(error) if is_about_data(&error) => {
                tracing::error!(%error, provider, "a receipt could not be kept as it was read");
                metrics::counter!("sentinela_dispatch_receipts_total", "result" => "odd").increment(1);
                let (raw, nothing) = (one.raw.clone(), String::new());
                let bare = Incoming { raw, address: nothing.clone(), receipt: None, words: nothing, part: None };
                try_keep(&mut *conn, now, provider, &[bare]).await?;
            }
            other => other?,
        }
    }
    Ok(())
}

/// All of them or none; the transaction goes on either way.
async fn try_keep(conn: &mut PgConnection, now: Instant, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    let mut inner = conn.begin().await?;
    insert(&mut inner, now, provider, incoming).await?;
    inner.commit().await
}

async fn insert(conn: &mut PgConnection, now: Instant, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    let raws: Vec<Vec<u8>> = incoming.iter().map(|i| i.raw.clone()).collect();
    let id = |i: &Incoming| i.receipt.as_ref().map_or(String::new(), |r| r.message_id.clone());
    let ids: Vec<String> = incoming.iter().map(id).collect();
    let status = |i: &Incoming| i.receipt.as_ref().map_or("not_a_receipt", |r| r.fate.as_str()).to_owned();
    let statuses: Vec<String> = incoming.iter().map(status).collect();
    let addresses: Vec<String> = incoming.iter().map(|i| i.address.clone()).collect();
    let error = |i: &Incoming| i.receipt.as_ref().map_or(String::new(), |r| r.error.chars().take(200).collect());
    let errors: Vec<String> = incoming.iter().map(error).collect();
    let dead: Vec<bool> = incoming.iter().map(|i| i.receipt.as_ref().is_some_and(|r| r.is_dead)).collect();
    let unmarked: Vec<bool> = incoming.iter().map(|i| i.receipt.as_ref().is_some_and(|r| r.is_unmarked)).collect();
    sqlx::query!(
        "insert into delivery_receipt (provider, received_at, raw, provider_message_id, status, address, error, is_dead_address,
            is_unmarked)
        select $1, $2, r.raw, r.id, r.status, r.address, r.error, r.is_dead, r.is_unmarked
        from unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::boolean[])
            as r (raw, id, status, address, error, is_dead, is_unmarked)",
        provider,
        now,
        &raws,
        &ids,
        &statuses,
        &addresses,
        &errors,
        &dead,
        &unmarked
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A letter that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// As receipts name it.
    pub message_id: String,
    /// Where it went.
    pub address: String,
}

/// The letter of a row as it was last handed over.
pub async fn letter_of(conn: &mut PgConnection, provider: &str, row: OutboxId) -> sqlx::Result<Option<Letter>> {
    sqlx::query_as!(
        Letter,
        r#"select a.provider_message_id as "message_id!", o.address
        from outbox_attempt a join outbox o on o.id = a.outbox_id
        where a.outbox_id = $1 and a.provider = $2 and a.provider_message_id is not null order by a.at desc limit 1"#,
        row.0,
        provider
    )
    .fetch_optional(conn)
    .await
}

/// Matches receipts that name one of these messages, in whatever spelling: what has just come in, and what has just been answered.
/// Everything else waits for [`settle`]. Returns the alerts that moved.
pub async fn settle_named(
    conn: &mut PgConnection,
    now: Instant,
    provider: &str,
    message_ids: impl Iterator<Item = &str>,
) -> sqlx::Result<Vec<AlertId>> {
    // Spelling out what was just answered, to find nothing, costs as much as writing it down; while a burst leaves, few receipts wait.
    if !any_waiting(&mut *conn, now, provider).await? {
        return Ok(Vec::new());
    }
    let named: BTreeSet<String> = message_ids.filter(|id| !id.is_empty()).flat_map(receipts::spellings).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<String> = named.into_iter().collect();
    let waiting = sqlx::query_as!(
        Waiting,
        "select id, provider_message_id, address, received_at, is_unmarked from delivery_receipt
        where outbox_id is null and provider = $1 and received_at > $2 and provider_message_id = any($3)",
        provider,
        now - PATIENCE,
        &named
    )
    .fetch_all(&mut *conn)
    .await?;
    let touched = pair(&mut *conn, now, provider, &waiting).await?;
    if touched.is_empty() { Ok(Vec::new()) } else { fold(conn, now, &touched).await }
}

async fn any_waiting(conn: &mut PgConnection, now: Instant, provider: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from delivery_receipt
            where outbox_id is null and provider_message_id <> '' and provider = $1 and received_at > $2) as "any!""#,
        provider,
        now - PATIENCE
    )
    .fetch_one(conn)
    .await
}

/// Matches what can be matched now and moves the rows. Returns the alerts that moved.
pub async fn settle(conn: &mut PgConnection, now: Instant, provider: &str) -> sqlx::Result<Vec<AlertId>> {
    let mut alerts = Vec::new();
    let mut after = 0;
    // What finds no message must not stand before what would.
    for _ in 0..MOST_BATCHES {
        let waiting = waiting(&mut *conn, now, provider, after).await?;
        let touched = pair(&mut *conn, now, provider, &waiting).await?;
        if !touched.is_empty() {
            alerts.extend(fold(&mut *conn, now, &touched).await?);
        }
        let Some(last) = waiting.last().filter(|_| waiting.len() >= BATCH as usize) else { break };
        after = last.id;
    }
    Ok(alerts)
}

/// A receipt that found no message yet.
struct Waiting {
    id: i64,
    provider_message_id: String,
    address: String,
    received_at: Instant,
    is_unmarked: bool,
}

/// The next of them after `after`.
async fn waiting(conn: &mut PgConnection, now: Instant, provider: &str, after: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        "select id, provider_message_id, address, received_at, is_unmarked from delivery_receipt
        where outbox_id is null and provider = $1 and received_at > $2 and provider_message_id <> '' and id > $4
        order by id limit $3",
        provider,
        now - PATIENCE,
        BATCH,
        after
    )
    .fetch_all(conn)
    .await
}

/// The rows that these receipts speak of.
async fn pair(conn: &mut PgConnection, now: Instant, provider: &str, waiting: &[Waiting]) -> sqlx::Result<Vec<i64>> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let (mut ids, mut spellings, mut ranks, mut phones, mut believed) = (vec![], vec![], vec![], vec![], vec![]);
    for row in waiting {
        for (rank, spelling) in (0_i32..).zip(receipts::spellings(&row.provider_message_id)) {
            ids.push(row.id);
            spellings.push(spelling);
            ranks.push(rank);
            phones.push(receipts::telephone_key(&row.address));
            let is_old = row.address.is_empty() || row.received_at < now - DOUBT;
            believed.push(rank == 0 && !row.is_unmarked && is_old);
        }
    }
    sqlx::query_scalar!(
        r#"
        with candidate as (
            select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::boolean[])
                as c (receipt_id, message_id, rank, phone, believed)
        ), hit as (
            select distinct on (c.receipt_id) c.receipt_id, a.outbox_id, a.part
            from candidate c
                join outbox_attempt a on a.provider = $6 and a.provider_message_id = c.message_id
                join outbox o on o.id = a.outbox_id
                cross join lateral (select right(regexp_replace(o.address, '\D', '', 'g'), 8) = c.phone as agrees) as p
            where p.agrees or c.believed
            order by c.receipt_id, p.agrees desc, c.rank, a.at desc
        )
        update delivery_receipt d set outbox_id = hit.outbox_id, part = hit.part, matched_at = $7,
            -- Somebody who was erased meanwhile leaves no telephone number here either.
            address = case when o.address like 'erased:%' then '' else d.address end,
            raw = case when o.address like 'erased:%' then '' else d.raw end,
            error = case when o.address like 'erased:%' then '' else d.error end
        from hit join outbox o on o.id = hit.outbox_id where d.id = hit.receipt_id
        returning d.outbox_id as "outbox_id!"
        "#,
        &ids,
        &spellings,
        &ranks,
        &phones,
        &believed,
        provider,
        now
    )
    .fetch_all(conn)
    .await
}

/// In the receipt's own words.
fn not_delivered(error: &str) -> String {
    if error.is_empty() { "receipt: not delivered".to_owned() } else { format!("receipt: not delivered ({error})") }
}

/// A message of several parts is delivered when each part is, and lost when one is.
async fn fold(conn: &mut PgConnection, now: Instant, touched: &[i64]) -> sqlx::Result<Vec<AlertId>> {
    let rows = sqlx::query!(
        r#"
        select o.id as "id: OutboxId", o.state,
            (select count(distinct a.part) from outbox_attempt a where a.outbox_id = o.id and a.outcome = 'accepted') as "parts!",
            count(distinct d.part) filter (where d.status = 'delivered') as "delivered!",
            count(*) filter (where d.status = 'undelivered') as "lost!",
            coalesce(min(d.error) filter (where d.status = 'undelivered'), '') as "error!",
            coalesce(bool_or(d.is_dead_address) filter (where d.status = 'undelivered'), false) as "is_dead!"
        from outbox o join delivery_receipt d on d.outbox_id = o.id
        where o.id = any($1) group by o.id
        "#,
        touched
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut ids, mut from, mut to, mut why) = (vec![], vec![], vec![], vec![]);
    let (mut dead, mut arrived) = (vec![], vec![]);
    for row in rows {
        let fate = match (row.delivered >= row.parts.max(1), row.lost > 0) {
            (true, _) => Fate::Delivered,
            (false, true) => Fate::Undelivered,
            (false, false) => Fate::OnItsWay,
        };
        // The column's constraint admits only known words.
        let next = row.state.parse::<State>().ok().and_then(|state| state.after_receipt(fate));
        let Some(next) = next else { continue };
        let reason = if next == State::Undelivered { not_delivered(&row.error) } else { String::new() };
        match next {
            State::Undelivered if row.is_dead => dead.push(Failure { row: row.id, reason: reason.clone() }),
            State::Delivered => arrived.push(row.id.0),
            _ => {}
        }
        ids.push(row.id.0);
        from.push(row.state);
        to.push(next.to_string());
        why.push(reason);
    }
    let moved = sqlx::query!(
        r#"update outbox o set state = e.after, final_at = $4, reason = e.reason
        from unnest($1::bigint[], $2::text[], $3::text[], $5::text[]) as e (id, before, after, reason)
        where o.id = e.id and o.state = e.before
        returning o.id as "id: OutboxId", o.alert_id as "alert_id: AlertId""#,
        &ids,
        &from,
        &to,
        now,
        &why
    )
    .fetch_all(&mut *conn)
    .await?;
    dead.retain(|failure| moved.iter().any(|row| row.id == failure.row));
    blocked::failed(&mut *conn, now, &dead).await?;
    blocked::arrived(&mut *conn, &arrived).await?;
    let mut alerts: Vec<AlertId> = moved.into_iter().map(|row| row.alert_id).collect();
    metrics::counter!("sentinela_dispatch_receipts_total", "result" => "matched").increment(touched.len() as u64);
    alerts.sort_unstable();
    alerts.dedup();
    Ok(alerts)
}
