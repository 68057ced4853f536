//! The diary, read from missions under delegations and from commitments under missions.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{COMMITMENT, DELEGATION, Entry, EntryKind, MISSION, Wanted};
use crate::clock::Instant;

/// Entries of a diary, and delegates that it is asked of.
pub const MOST: i64 = 1000;

struct Row {
    id: Uuid,
    type_key: String,
    type_version: i32,
    series: Option<String>,
    year: Option<i32>,
    number: Option<i32>,
    title: String,
    state: String,
    is_final: bool,
    assigned: String,
    revision: i32,
    changed_at: Instant,
    day: String,
    delegate: String,
    counterpart: String,
    place: String,
    text: String,
    side: Option<String>,
    late: bool,
}

impl TryFrom<Row> for Entry {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let number = match (row.series, row.year, row.number) {
            (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
            _ => String::new(),
        };
        Ok(Self {
            id: row.id,
            kind: if row.type_key == MISSION { EntryKind::Mission } else { EntryKind::Commitment },
            day: row.day.parse::<NaiveDate>().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            number,
            title: row.title,
            delegate: row.delegate,
            counterpart: row.counterpart,
            place: row.place,
            text: row.text,
            side: row.side,
            type_key: row.type_key,
            version: row.type_version,
            state: row.state,
            is_final: row.is_final,
            late: row.late,
            assigned: row.assigned,
            revision: row.revision,
            changed_at: row.changed_at,
        })
    }
}

/// What a reader may read of it, by day. Days are words of a form that sorts as days do.
pub async fn diary(
    conn: &mut PgConnection,
    wanted: &Wanted,
    (reader, works_in): (&str, &[String]),
    now: Instant,
) -> sqlx::Result<Vec<Entry>> {
    let (from, to) = (wanted.from.to_string(), wanted.to.to_string());
    let rows = sqlx::query_as!(
        Row,
        r#"with missions as (
               select m.id, d.fields ->> 'delegate' as delegate, m.fields ->> 'counterpart' as counterpart
               from case_file d join case_link l on l.to_case = d.id and l.kind = 'parent' join case_file m on m.id = l.from_case
               where d.type_key = $1 and m.type_key = $2 and d.annulled_at is null
                 and ($4 = '' or lower(btrim(d.fields ->> 'delegate')) = lower($4))
                 and not exists (select from case_recusal r where r.case_id in (d.id, m.id) and r.username = $7 and r.lifted_at is null)),
           entries as (
               select id, delegate, counterpart from missions
               union all
               select l.from_case, m.delegate, m.counterpart from missions m join case_link l on l.to_case = m.id and l.kind = 'parent')
           select c.id, c.type_key, c.type_version, c.series, c.year, c.number, c.title, c.state, c.is_final, c.assigned, c.revision,
               c.changed_at, coalesce(c.fields ->> 'day', c.fields ->> 'due_on') as "day!", coalesce(e.delegate, '') as "delegate!",
               coalesce(e.counterpart, '') as "counterpart!", coalesce(c.fields ->> 'place', '') as "place!",
               coalesce(c.fields ->> 'purpose', c.fields ->> 'text', '') as "text!", c.fields ->> 'side' as side,
               exists (select from deadline d where d.subject_kind = 'case' and d.subject_id = c.id and d.state = 'open'
                   and d.due_at < $9) as "late!"
           from entries e join case_file c on c.id = e.id
           where c.type_key in ($2, $3) and c.annulled_at is null
             and coalesce(c.fields ->> 'day', c.fields ->> 'due_on') collate "C" between $5 and $6
             and (c.access <> 'restricted' or c.module = any($8) or ($7 <> '' and $7 in (c.assigned, c.author)))
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $7 and r.lifted_at is null)
           order by 13, c.id limit $10"#,
        DELEGATION,
        MISSION,
        COMMITMENT,
        wanted.delegate,
        from,
        to,
        reader,
        works_in,
        now,
        MOST
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// Whoever received a delegation, by name.
pub async fn delegates(conn: &mut PgConnection, (reader, works_in): (&str, &[String])) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct btrim(d.fields ->> 'delegate') as "name!" from case_file d
           where d.type_key = $1 and d.annulled_at is null and d.fields ->> 'delegate' is not null
             and (d.access <> 'restricted' or d.module = any($3) or ($2 <> '' and $2 in (d.assigned, d.author)))
             and not exists (select from case_recusal r where r.case_id = d.id and r.username = $2 and r.lifted_at is null)
           order by 1 limit $4"#,
        DELEGATION,
        reader,
        works_in,
        MOST
    )
    .fetch_all(conn)
    .await
}
