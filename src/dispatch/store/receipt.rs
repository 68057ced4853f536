//! Receipts: kept raw, matched when both sides are there, and then folded into the row's state.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::decide::{Fate, State};
use crate::dispatch::parts::Part;
use crate::dispatch::receipts::{self, Receipt};
use crate::ids::{AlertId, OutboxId};

/// Receipts looked at in one go.
const BATCH: i64 = 1000;
/// How long an unmatched receipt is looked at again.
const PATIENCE: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// A receipt that names the very id but another telephone is believed after this, when no better match came.
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

/// Keeps receipts. They may be acknowledged once this is committed.
pub async fn keep(conn: &mut PgConnection, now: Instant, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    let raws: Vec<Vec<u8>> = incoming.iter().map(|i| i.raw.clone()).collect();
    let id = |i: &Incoming| i.receipt.as_ref().map_or(String::new(), |r| r.message_id.clone());
    let ids: Vec<String> = incoming.iter().map(id).collect();
    let status = |i: &Incoming| i.receipt.as_ref().map_or("not_a_receipt", |r| r.fate.as_str()).to_owned();
    let statuses: Vec<String> = incoming.iter().map(status).collect();
    let addresses: Vec<String> = incoming.iter().map(|i| i.address.clone()).collect();
    sqlx::query!(
        "insert into delivery_receipt (provider, received_at, raw, provider_message_id, status, address)
        select $1, $2, r.raw, r.id, r.status, r.address
        from unnest($3::bytea[], $4::text[], $5::text[], $6::text[]) as r (raw, id, status, address)",
        provider,
        now,
        &raws,
        &ids,
        &statuses,
        &addresses
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Matches what can be matched now and moves the rows. Returns the alerts that moved.
pub async fn settle(conn: &mut PgConnection, now: Instant, provider: &str) -> sqlx::Result<Vec<AlertId>> {
    let touched = pair(&mut *conn, now, provider).await?;
    if touched.is_empty() { Ok(Vec::new()) } else { fold(conn, now, &touched).await }
}

async fn pair(conn: &mut PgConnection, now: Instant, provider: &str) -> sqlx::Result<Vec<i64>> {
    let waiting = sqlx::query!(
        "select id, provider_message_id, address, received_at from delivery_receipt
        where outbox_id is null and provider = $1 and received_at > $2 and provider_message_id <> '' order by id limit $3",
        provider,
        now - PATIENCE,
        BATCH
    )
    .fetch_all(&mut *conn)
    .await?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let (mut ids, mut spellings, mut ranks, mut phones, mut believed) = (vec![], vec![], vec![], vec![], vec![]);
    for row in &waiting {
        for (rank, spelling) in (0_i32..).zip(receipts::spellings(&row.provider_message_id)) {
            ids.push(row.id);
            spellings.push(spelling);
            ranks.push(rank);
            phones.push(receipts::telephone_key(&row.address));
            believed.push(rank == 0 && (row.address.is_empty() || row.received_at < now - DOUBT));
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
            raw = case when o.address like 'erased:%' then '' else d.raw end
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

/// A message of several parts is delivered when each part is, and lost when one is.
async fn fold(conn: &mut PgConnection, now: Instant, touched: &[i64]) -> sqlx::Result<Vec<AlertId>> {
    let rows = sqlx::query!(
        r#"
        select o.id as "id: OutboxId", o.state,
            (select count(distinct a.part) from outbox_attempt a where a.outbox_id = o.id and a.outcome = 'accepted') as "parts!",
            count(distinct d.part) filter (where d.status = 'delivered') as "delivered!",
            count(*) filter (where d.status = 'undelivered') as "lost!"
        from outbox o join delivery_receipt d on d.outbox_id = o.id
        where o.id = any($1) group by o.id
        "#,
        touched
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut ids, mut from, mut to) = (vec![], vec![], vec![]);
    for row in rows {
        let fate = match (row.delivered >= row.parts.max(1), row.lost > 0) {
            (true, _) => Fate::Delivered,
            (false, true) => Fate::Undelivered,
            (false, false) => Fate::OnItsWay,
        };
        // The column's constraint admits only known words.
        let next = row.state.parse::<State>().ok().and_then(|state| state.after_receipt(fate));
        if let Some(next) = next {
            ids.push(row.id.0);
            from.push(row.state);
            to.push(next.to_string());
        }
    }
    let mut alerts = sqlx::query_scalar!(
        r#"update outbox o set state = e.after, final_at = $4,
            reason = case e.after when 'undelivered' then 'receipt: not delivered' else '' end
        from unnest($1::bigint[], $2::text[], $3::text[]) as e (id, before, after)
        where o.id = e.id and o.state = e.before
        returning o.alert_id as "alert_id: AlertId""#,
        &ids,
        &from,
        &to,
        now
    )
    .fetch_all(conn)
    .await?;
    metrics::counter!("sentinela_dispatch_receipts_total", "result" => "matched").increment(touched.len() as u64);
    alerts.sort_unstable();
    alerts.dedup();
    Ok(alerts)
}
