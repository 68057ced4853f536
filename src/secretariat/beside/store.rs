//! Publications of all modules that publish otherwise than by cases, in one question.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Beside, path_of};
use crate::clock::Instant;

/// Which publications.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Key of a module; none: of all.
    pub module: Option<&'a str>,
    /// The last one of the page before.
    pub before: Option<(Instant, Uuid)>,
    /// Instruments are listed until a day.
    pub today: NaiveDate,
    pub most: i64,
}

/// The last word of each, the newest first. It reads what was published, and nothing of the work itself.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, wanted: Wanted<'_>) -> sqlx::Result<Vec<Beside>> {
    let (before_at, before_id) = wanted.before.unzip();
    let rows = sqlx::query!(
        r#"with beside as (
               select 'budget:' || kind || ':' || year_from as key, 'budget' as module, kind,
                   case when max(year_to) = year_from then year_from::text else year_from || '–' || max(year_to) end as name,
                   case when kind = 'loa' then year_from::text else '' end as rest, min(at) as first_at, max(at) as at, kind = 'loa' as has_data
               from budget_publication where $1::text is null or $1 = 'budget' group by kind, year_from
               union all
               select 'instrument:' || i.instrument_id, i.module, coalesce(i.snapshot ->> 'kind', ''),
                   btrim(coalesce(i.snapshot ->> 'number', '') || ' ' || coalesce(i.snapshot ->> 'object', '')),
                   i.instrument_id::text, null::timestamptz, i.published_at, true
               from instrument_publication i
               where ($1::text is null or i.module = $1) and (i.listed_until is null or i.listed_until >= $2) and i.snapshot is not null
                   and not exists (select from instrument_publication n where n.instrument_id = i.instrument_id and n.seq > i.seq)
               union all
               select 'body:' || b.slug || ':' || k.key, 'committees', split_part(k.key, '/', 1),
                   coalesce(c.document ->> 'name', b.slug) || case when k.key = 'card' then '' else ' · ' || coalesce(k.document ->> 'label', '') end,
                   b.slug || case when k.key = 'card' then '' else '/atas/' || split_part(k.key, '/', 2) || '.pdf' end,
                   k.first_at, k.at, k.key = 'card' and coalesce(jsonb_typeof(k.document -> 'popolo') = 'object', false)
               from body b
               cross join lateral (select document from body_snapshot s where s.body_id = b.id and s.key = 'card' order by s.id desc limit 1) c
               cross join lateral (select distinct on (s.key) s.key, s.document, s.at, min(s.at) over (partition by s.key) as first_at
                   from body_snapshot s where s.body_id = b.id and (s.key = 'card' or s.key like 'minutes/%') order by s.key, s.id desc) k
               where $1::text is null or $1 = 'committees'
               union all
               select 'evaluation:' || year, 'service_evaluation', 'report', year::text, 'relatorios/' || year, min(at), max(at), true
               from evaluation_report where $1::text is null or $1 = 'service_evaluation' group by year)
           select md5(key)::uuid as "id!", module as "module!", kind as "kind!", name as "name!", rest as "rest!", first_at as "first_at?", at as "at!",
               has_data as "has_data!"
           from beside where $3::timestamptz is null or (at, md5(key)::uuid) < ($3, $4) order by at desc, 1 desc limit $5"#,
        wanted.module,
        wanted.today,
        before_at,
        before_id,
        wanted.most
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Beside {
        path: path_of(&row.module, &row.rest),
        id: row.id,
        module: row.module,
        kind: row.kind,
        name: row.name,
        first_at: row.first_at,
        published_at: row.at,
        has_data: row.has_data,
    });
    Ok(all.collect())
}
