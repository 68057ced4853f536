//! What everybody reads of instruments: versions that are only added, each with its hash, the last of which is the one that counts.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::kernel::chain::{canonical, hex, sha256, unhex};

/// What makes a version.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// Of the version.
    pub id: Uuid,
    /// The act that was done to the instrument.
    pub act: &'a str,
    pub reason: &'a str,
    pub at: Instant,
    pub by: &'a str,
}

/// A version as everybody reads it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentVersion)]
pub struct PublicVersion {
    pub seq: i32,
    /// The act that made it.
    pub act: String,
    #[schema(value_type = Object)]
    pub view: Value,
    /// Of `view` as JSON with sorted keys and without spaces.
    pub sha256: String,
    #[schema(value_type = String)]
    pub published_at: Instant,
}

/// The place of the last row.
struct Last {
    id: Uuid,
    seq: i32,
    sha256: Option<Vec<u8>>,
    listed_until: Option<NaiveDate>,
}

/// The caller holds the instrument.
async fn last(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Last>> {
    sqlx::query_as!(
        Last,
        "select id, seq, sha256, listed_until from instrument_publication where instrument_id = $1 order by seq desc limit 1",
        id
    )
    .fetch_optional(conn)
    .await
}

async fn insert(
    conn: &mut PgConnection,
    (id, module): (Uuid, &str),
    before: Option<&Last>,
    (public, listed_until): (Option<(&Value, [u8; 32])>, Option<NaiveDate>),
    cause: &Cause<'_>,
) -> sqlx::Result<()> {
    let (snapshot, sum) = public.unzip();
    sqlx::query!(
        "insert into instrument_publication (id, instrument_id, module, seq, corrects, snapshot, sha256, act, reason, published_at, published_by,
             listed_until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        cause.id,
        id,
        module,
        before.map_or(1, |last| last.seq + 1),
        before.map(|last| last.id),
        snapshot,
        sum.as_ref().map(<[u8; 32]>::as_slice),
        cause.act,
        cause.reason,
        cause.at,
        cause.by,
        listed_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a version, unless the last one says the same.
pub async fn publish(
    conn: &mut PgConnection,
    (id, module): (Uuid, &str),
    (snapshot, listed_until): (&Value, Option<NaiveDate>),
    cause: &Cause<'_>,
) -> sqlx::Result<()> {
    let sum = sha256(canonical(snapshot).as_bytes());
    let last = last(&mut *conn, id).await?;
    let is_same = |last: &Last| last.sha256.as_deref() == Some(sum.as_slice()) && last.listed_until == listed_until;
    if last.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    insert(conn, (id, module), last.as_ref(), (Some((snapshot, sum)), listed_until), cause).await
}

/// Withdraws what everybody reads, where there is something; the act tells why where no reason was written.
pub async fn withdraw(conn: &mut PgConnection, (id, module): (Uuid, &str), cause: &Cause<'_>) -> sqlx::Result<()> {
    let Some(last) = last(&mut *conn, id).await?.filter(|last| last.sha256.is_some()) else { return Ok(()) };
    let reason = if cause.reason.trim().is_empty() { cause.act } else { cause.reason };
    insert(conn, (id, module), Some(&last), (None, None), &Cause { reason, ..*cause }).await
}

/// What everybody reads, the newest instrument first, each as its last version has it.
pub async fn published(
    conn: &mut PgConnection,
    module: &str,
    (after, most): (Option<Uuid>, i64),
    today: NaiveDate,
) -> sqlx::Result<Vec<(Uuid, Value)>> {
    let rows = sqlx::query!(
        r#"select p.instrument_id, p.snapshot as "snapshot!" from instrument_publication p
           where p.module = $1 and ($2::uuid is null or p.instrument_id < $2) and (p.listed_until is null or p.listed_until >= $3)
               and p.snapshot is not null
               and not exists (select from instrument_publication n where n.instrument_id = p.instrument_id and n.seq > p.seq)
           order by p.instrument_id desc limit $4"#,
        module,
        after,
        today,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.instrument_id, row.snapshot)).collect())
}

/// The versions of one while it is listed, the last first; none from before it was withdrawn.
pub async fn versions(
    conn: &mut PgConnection,
    (module, id): (&str, Uuid),
    today: NaiveDate,
) -> sqlx::Result<Vec<PublicVersion>> {
    let rows = sqlx::query!(
        r#"select p.seq, p.act, p.snapshot as "snapshot!", p.sha256 as "sha256!", p.published_at, p.listed_until
           from instrument_publication p
           where p.module = $1 and p.instrument_id = $2 and p.snapshot is not null
               and not exists (select from instrument_publication w where w.instrument_id = p.instrument_id and w.seq > p.seq
                   and w.snapshot is null)
           order by p.seq desc limit 100"#,
        module,
        id
    )
    .fetch_all(conn)
    .await?;
    let is_listed = rows.first().is_some_and(|last| last.listed_until.is_none_or(|until| until >= today));
    let all = rows.into_iter().filter(|_| is_listed).map(|row| PublicVersion {
        seq: row.seq,
        act: row.act,
        view: row.snapshot,
        sha256: hex(&row.sha256),
        published_at: row.published_at,
    });
    Ok(all.collect())
}

/// A version as files carry it, or a withdrawal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    pub id: Uuid,
    pub seq: i32,
    /// None: it was withdrawn.
    pub view: Option<Value>,
    pub sha256: Option<String>,
    pub act: String,
    pub reason: String,
    pub published_at: Instant,
    pub published_by: String,
    pub listed_until: Option<NaiveDate>,
}

/// Every version of each of these, the first first.
pub(super) async fn told_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<Told>>> {
    let rows = sqlx::query!(
        "select id, instrument_id, seq, snapshot, sha256, act, reason, published_at, published_by, listed_until
         from instrument_publication where instrument_id = any($1) order by instrument_id, seq",
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<Uuid, Vec<Told>> = BTreeMap::new();
    for row in rows {
        all.entry(row.instrument_id).or_default().push(Told {
            id: row.id,
            seq: row.seq,
            view: row.snapshot,
            sha256: row.sha256.map(|sum| hex(&sum)),
            act: row.act,
            reason: row.reason,
            published_at: row.published_at,
            published_by: row.published_by,
            listed_until: row.listed_until,
        });
    }
    Ok(all)
}

/// Writes versions with the places that they had, marked as imported.
pub async fn restore_versions(
    conn: &mut PgConnection,
    (id, module): (Uuid, &str),
    all: &[Told],
    now: Instant,
) -> sqlx::Result<()> {
    let mut corrects: Option<Uuid> = None;
    for one in all {
        let sum = one.sha256.as_deref().and_then(unhex);
        sqlx::query!(
            "insert into instrument_publication (id, instrument_id, module, seq, corrects, snapshot, sha256, act, reason, published_at,
                 published_by, listed_until, imported_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            one.id,
            id,
            module,
            one.seq,
            corrects,
            one.view.as_ref(),
            sum.as_ref().map(<[u8; 32]>::as_slice),
            one.act,
            one.reason,
            one.published_at,
            one.published_by,
            one.listed_until,
            now
        )
        .execute(&mut *conn)
        .await?;
        corrects = Some(one.id);
    }
    Ok(())
}
