//! What was published of obligations, in PostgreSQL.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{Last, catalogue};

/// From the snapshots that everybody may read.
pub async fn last(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, Last>> {
    let keys: Vec<String> = catalogue().iter().map(|item| item.key.clone()).collect();
    let rows = sqlx::query!(
        r#"select k.key as "key!", l.covers_until as "covers_until!", l.published_on as "published_on!", l.url as "url!", l.format as "format!"
           from unnest($1::text[]) k (key) cross join lateral (
               select (p.snapshot -> 'fields' ->> 'covers_until')::date as covers_until,
                   (p.snapshot -> 'fields' ->> 'published_on')::date as published_on,
                   p.snapshot -> 'fields' ->> 'url' as url, coalesce(p.snapshot -> 'fields' ->> 'format', '') as format
               from case_publication p
               where p.type_key = 'transparency.publication' and p.withdrawn_at is null and p.snapshot -> 'fields' ->> 'item' = k.key
               order by p.snapshot -> 'fields' ->> 'covers_until' desc, p.id desc limit 1) l"#,
        &keys
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let last = Last {
                covers_until: row.covers_until,
                published_on: row.published_on,
                url: row.url,
                format: row.format,
            };
            (row.key, last)
        })
        .collect())
}
