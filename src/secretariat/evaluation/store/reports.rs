//! Reports as they went out, and what they are made of besides answers.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::report::Improvement;
use super::super::{Counted, Published, PublishedHead};
use super::{MOST, decode};
use crate::clock::Instant;
use crate::secretariat::kernel::ledger::hex;

pub async fn insert_count(
    conn: &mut PgConnection,
    service: Uuid,
    new: &Counted,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_manifestation (service_id, year, manifestations, source, at, by) values ($1, $2, $3, $4, $5, $6)",
        service,
        new.year,
        new.manifestations,
        new.source.trim(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Manifestations by service: what was told of last, else the ombudsman's cases of its unit where they know it.
pub async fn manifestations(conn: &mut PgConnection, year: i32) -> sqlx::Result<BTreeMap<Uuid, (String, i64)>> {
    let rows = sqlx::query!(
        r#"select s.id, last.source as "source?", last.manifestations::int8 as "told?",
               (select count(*) from case_file c where c.type_key = 'ombudsman.manifestation' and c.year = $1
                   and c.annulled_at is null and lower(c.department) = lower(s.department)) as "cases!",
               (s.department <> '') as "is_known!"
           from evaluation_service s left join lateral (select m.source, m.manifestations from evaluation_manifestation m
               where m.service_id = s.id and m.year = $1 order by m.id desc limit 1) last on true"#,
        year
    )
    .fetch_all(conn)
    .await?;
    let counted = rows.into_iter().filter_map(|row| match (row.source, row.told) {
        (Some(source), Some(told)) => Some((row.id, (source, told))),
        _ => row.is_known.then_some((row.id, ("ombudsman".to_owned(), row.cases))),
    });
    Ok(counted.collect())
}

/// What providers did after a follow-up of a year, by code of the service: what is published of it, and nothing else.
pub async fn improvements(conn: &mut PgConnection, year: i32) -> sqlx::Result<BTreeMap<String, Vec<Improvement>>> {
    let rows = sqlx::query!(
        r#"select p.snapshot -> 'fields' ->> 'service' as "service!", coalesce(p.snapshot ->> 'number', '') as "number!",
               p.snapshot -> 'fields' ->> 'measures' as "measures!"
           from case_publication p join case_file c on c.id = p.case_id
           where c.type_key = 'service_evaluation.follow_up' and c.annulled_at is null and p.withdrawn_at is null
             and p.snapshot -> 'fields' ->> 'year' = $1::int::text and p.snapshot -> 'fields' ->> 'service' is not null
             and coalesce(p.snapshot -> 'fields' ->> 'measures', '') <> ''
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq and n.withdrawn_at is null)
           order by 1, 2 limit $2"#,
        year,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<String, Vec<Improvement>> = BTreeMap::new();
    for row in rows {
        let one = Improvement { number: row.number, measures: row.measures };
        all.entry(row.service.trim().to_lowercase()).or_default().push(one);
    }
    Ok(all)
}

/// The last report of each year, without its tables: they are read one year at a time.
pub async fn report_heads(conn: &mut PgConnection) -> sqlx::Result<Vec<PublishedHead>> {
    let rows = sqlx::query!(
        "select distinct on (year) year, seq, reason, at, hash, prev from evaluation_report order by year desc, seq desc limit 100"
    )
    .fetch_all(conn)
    .await?;
    let heads = rows.into_iter().map(|row| PublishedHead {
        year: row.year,
        seq: row.seq,
        reason: row.reason,
        at: row.at,
        hash: hex(&row.hash),
        prev: row.prev.map(|prev| hex(&prev)),
    });
    Ok(heads.collect())
}

/// Reports of a year, the newest first, at most so many.
pub async fn reports(conn: &mut PgConnection, year: i32, most: i64) -> sqlx::Result<Vec<Published>> {
    let rows = sqlx::query!(
        "select year, seq, document, reason, prev, hash, at from evaluation_report where year = $1 order by seq desc limit $2",
        year,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Published {
                year: row.year,
                seq: row.seq,
                reason: row.reason,
                at: row.at,
                hash: hex(&row.hash),
                prev: row.prev.map(|prev| hex(&prev)),
                report: serde_json::from_value(row.document.clone()).map_err(decode)?,
                document: row.document,
            })
        })
        .collect()
}

/// Place and hash of the last report of a year.
pub async fn last_report(conn: &mut PgConnection, year: i32) -> sqlx::Result<Option<(i32, Vec<u8>)>> {
    let row = sqlx::query!("select seq, hash from evaluation_report where year = $1 order by seq desc limit 1", year)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.seq, row.hash)))
}

/// A report that is to be kept for ever.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    pub id: Uuid,
    pub year: i32,
    pub seq: i32,
    pub document: &'a Value,
    pub reason: &'a str,
    pub prev: Option<&'a [u8]>,
    pub hash: &'a [u8],
}

pub async fn insert_report(
    conn: &mut PgConnection,
    new: &NewReport<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_report (id, year, seq, document, reason, prev, hash, at, by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.year,
        new.seq,
        new.document,
        new.reason,
        new.prev,
        new.hash,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}
