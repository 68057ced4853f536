//! The audit in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::chain::{self, Event, Link};
use super::check::Check;
use super::search::{Found, Search};
use super::{Act, Actor, Entry};
use crate::clock::Instant;
use crate::hexadecimal::hex;
use crate::ids::Ids;

/// Writes one event in the transaction of the act. It joins the chain when that transaction commits.
///
/// # Errors
/// What the database says; the act then does not happen either.
pub async fn record(conn: &mut PgConnection, ids: &Ids, now: Instant, actor: &Actor, entry: Entry) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_event (id, at, actor_kind, actor, actor_id, via, address, act, object_kind, object, reason,
                                  before, after)
         values ($1, $2, $3, $4, $5, $6, $7::text::inet, $8, $9, $10, $11, $12, $13)",
        ids.uuid(now),
        now,
        actor.kind.as_str(),
        actor.name,
        actor.id,
        actor.via.as_str(),
        actor.address.map(|address| address.to_string()),
        entry.act.as_str(),
        entry.object_kind,
        entry.object,
        entry.reason,
        entry.before,
        entry.after
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an act was done to this already.
pub async fn has(conn: &mut PgConnection, act: Act, object_kind: &str, object: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from audit_event where object_kind = $1 and object = $2 and act = $3) as "known!""#,
        object_kind,
        object,
        act.as_str()
    )
    .fetch_one(conn)
    .await
}

/// The newest row of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, hex(&self.hash))
    }
}

/// `None` before the first event.
pub async fn head(conn: &mut PgConnection) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(Head, "select seq, hash from audit_chain order by seq desc limit 1").fetch_optional(conn).await
}

/// About how many rows the chain has: for progress, not for proof.
pub async fn estimate(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select coalesce(max(seq), 0) as "rows!" from audit_chain"#).fetch_one(conn).await
}

/// The rows after a place, in order, each with its event if that is there.
pub async fn links(conn: &mut PgConnection, after: i64, most: i64) -> sqlx::Result<Vec<Link>> {
    let rows = sqlx::query!(
        r#"select c.seq, c.event_id, c.previous, c.hash, e.id as "id?", e.at as "at?", e.actor_kind as "actor_kind?",
                  e.actor as "actor?", e.actor_id, e.via as "via?", host(e.address) as address, e.act as "act?",
                  e.object_kind as "object_kind?", e.object as "object?", e.reason as "reason?",
                  e.before::text as before, e.after::text as after
           from audit_chain c left join audit_event e on e.id = c.event_id
           where $1 < c.seq order by c.seq limit $2"#,
        after,
        most
    )
    .fetch_all(conn)
    .await?;
    let links = rows.into_iter().map(|row| {
        let event = row.id.zip(row.at).map(|(id, at)| Event {
            id,
            at,
            actor_kind: row.actor_kind.unwrap_or_default(),
            actor: row.actor.unwrap_or_default(),
            actor_id: row.actor_id,
            via: row.via.unwrap_or_default(),
            address: row.address,
            act: row.act.unwrap_or_default(),
            object_kind: row.object_kind.unwrap_or_default(),
            object: row.object.unwrap_or_default(),
            reason: row.reason.unwrap_or_default(),
            before: row.before,
            after: row.after,
        });
        Link { seq: row.seq, event_id: row.event_id, previous: row.previous, hash: row.hash, event }
    });
    Ok(links.collect())
}

/// Events that no row of the chain holds. Every committed one is held by one, so there should be none.
pub async fn strays(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"select id, at, actor_kind, actor, actor_id, via, host(address) as address, act, object_kind, object, reason,
                  before::text as before, after::text as after
           from audit_event e where not exists (select from audit_chain c where c.event_id = e.id) order by at, id limit $1"#,
        most
    )
    .fetch_all(conn)
    .await
}

/// Places where an event stands that stood before already. A constraint forbids it, and a superuser can drop that.
pub async fn doubled(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<(i64, Uuid)>> {
    let rows = sqlx::query!(
        r#"select max(seq) as "seq!", event_id from audit_chain group by event_id having count(*) > 1 order by 1 limit $1"#,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.event_id)).collect())
}

/// Advisory session lock of whoever carries checks out ("AUDV").
const CHECK_LOCK: i64 = 0x4155_4456;

/// True when this connection may carry checks out.
pub async fn claim_checks(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "held!""#, CHECK_LOCK).fetch_one(conn).await
}

pub async fn release_checks(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query_scalar!(r#"select pg_advisory_unlock($1) as "held!""#, CHECK_LOCK).fetch_one(conn).await?;
    Ok(())
}

/// The oldest check that is not finished, with who asked for it.
pub async fn waiting_check(conn: &mut PgConnection) -> sqlx::Result<Option<(Uuid, String)>> {
    let row =
        sqlx::query!("select id, asked_by from audit_check where finished_at is null order by asked_at, id limit 1")
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| (row.id, row.asked_by)))
}

pub async fn add_check(conn: &mut PgConnection, id: Uuid, now: Instant, by: &str, total: i64) -> sqlx::Result<()> {
    sqlx::query!("insert into audit_check (id, asked_at, asked_by, total) values ($1, $2, $3, $4)", id, now, by, total)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn progress_check(conn: &mut PgConnection, id: Uuid, checked: i64) -> sqlx::Result<()> {
    sqlx::query!("update audit_check set checked = $2 where id = $1", id, checked).execute(conn).await?;
    Ok(())
}

pub async fn finish_check(
    conn: &mut PgConnection,
    id: Uuid,
    now: Instant,
    outcome: &chain::Outcome,
    detail: &serde_json::Value,
) -> sqlx::Result<()> {
    let (seq, hash) = outcome.head.clone().unwrap_or_default();
    sqlx::query!(
        "update audit_check set finished_at = $2, checked = $3, head_seq = $4, head_hash = $5, findings = $6, detail = $7
         where id = $1",
        id,
        now,
        i64::try_from(outcome.checked).unwrap_or(i64::MAX),
        seq,
        hash,
        i64::try_from(outcome.found).unwrap_or(i64::MAX),
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn fail_check(conn: &mut PgConnection, id: Uuid, now: Instant, why: &str) -> sqlx::Result<()> {
    sqlx::query!("update audit_check set finished_at = $2, failure = $3 where id = $1", id, now, why)
        .execute(conn)
        .await?;
    Ok(())
}

/// The newest check, finished or not.
pub async fn last_check(conn: &mut PgConnection) -> sqlx::Result<Option<Check>> {
    let row = sqlx::query!(
        r#"select id, asked_at, asked_by, finished_at, checked, total, head_seq, head_hash, findings,
                  detail as "detail: sqlx::types::Json<Vec<chain::Finding>>", failure
           from audit_check order by asked_at desc, id desc limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Check {
        id: row.id,
        asked_at: row.asked_at,
        asked_by: row.asked_by,
        finished_at: row.finished_at,
        checked: row.checked,
        total: row.total,
        head_seq: row.head_seq,
        head_hash: row.head_hash,
        findings: row.findings,
        detail: row.detail.0,
        failure: row.failure,
    }))
}

/// Events that fit a search, newest first.
pub async fn search(conn: &mut PgConnection, search: &Search, most: i64) -> sqlx::Result<Vec<Found>> {
    // "kind identifier", a kind alone, or an identifier alone.
    let (kind, object) = search.object.split_once(' ').unwrap_or(("", &search.object));
    let (before, before_id) = search.before.unzip();
    let rows = sqlx::query!(
        r#"select c.seq as "seq?", e.id, e.at, e.actor_kind, e.actor, e.actor_id, e.via, host(e.address) as address, e.act,
                  e.object_kind, e.object, e.reason, e.before, e.after, c.hash as "hash?"
           from audit_event e left join audit_chain c on c.event_id = e.id
           where e.at >= coalesce($1, '-infinity'::timestamptz) and e.at < coalesce($2, 'infinity'::timestamptz)
             and ($3 = '' or e.actor = $3) and ($4 = '' or e.act = $4)
             and ($5 = '' or e.object_kind = $5) and ($6 = '' or e.object = $6 or ($5 = '' and e.object_kind = $6))
             and ($7 = '' or position(lower($7) in lower(e.reason)) > 0)
             and e.at <= coalesce($8, 'infinity'::timestamptz)
             and ($8::timestamptz is null or (e.at, e.id) < ($8, $9::uuid))
           order by e.at desc, e.id desc limit $10"#,
        search.from,
        search.to,
        search.actor,
        search.act,
        kind,
        object,
        search.text,
        before,
        before_id,
        most
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        seq: row.seq,
        id: row.id,
        at: row.at,
        actor_kind: row.actor_kind,
        actor: row.actor,
        actor_id: row.actor_id,
        via: row.via,
        address: row.address,
        act: row.act,
        object_kind: row.object_kind,
        object: row.object,
        reason: row.reason,
        before: row.before,
        after: row.after,
        hash: super::search::digits(row.hash),
    });
    Ok(found.collect())
}
