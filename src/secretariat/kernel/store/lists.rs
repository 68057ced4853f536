//! Queues: by filters, by words, paged by key.

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::{CaseFile, Fields};
use super::Row;
use crate::clock::Instant;
use crate::deadlines::Course;
use crate::deadlines::town::Year;

/// Rows of one page.
pub const PAGE: i64 = 50;
/// Of the newest cases that fit the other filters, how many are looked through for words before the index of words is asked.
const SEEN: i64 = 2000;

/// Which cases, newest first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// None: of every module.
    pub module: Option<String>,
    pub type_key: Option<String>,
    pub state: Option<String>,
    /// Only those that go on, or only those that ended.
    pub open: Option<bool>,
    /// A deadline ran out.
    pub late: bool,
    /// A deadline is near its end.
    pub near: bool,
    /// Opened by or given to this user name.
    pub mine: Option<String>,
    pub waits_for: Option<String>,
    /// Of the number, or of the opening when there is none.
    pub year: Option<Year>,
    /// Words, as people search.
    pub words: Option<String>,
    /// After this one.
    pub before: Option<Uuid>,
    pub limit: i64,
    /// Sees what is restricted in these modules.
    pub works_in: Vec<String>,
    /// Sees what is restricted and theirs, and nothing that they are recused from.
    pub reader: String,
}

/// A row of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub case: CaseFile,
    /// Of the first deadline that is open.
    pub due_on: Option<NaiveDate>,
    pub due_at: Option<Instant>,
    pub due_code: Option<String>,
}

impl Listed {
    pub fn is_late(&self, now: Instant) -> bool {
        self.due_at.is_some_and(|due| due < now)
    }
}

struct Due {
    subject_id: Uuid,
    due_on: Option<NaiveDate>,
    due_at: Option<Instant>,
    code: String,
}

/// One page.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    (now, today): (Instant, NaiveDate),
) -> sqlx::Result<Vec<Listed>> {
    let rows = match filter.words.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => found(&mut *conn, filter, words, (now, today)).await?,
        None => walked(&mut *conn, filter, (now, today)).await?,
    };
    with_dues(conn, rows).await
}

/// Each with the first of its deadlines that is open.
pub(super) async fn with_dues(conn: &mut PgConnection, rows: Vec<Row>) -> sqlx::Result<Vec<Listed>> {
    let cases: Vec<CaseFile> = rows.into_iter().map(CaseFile::try_from).collect::<sqlx::Result<_>>()?;
    let ids: Vec<Uuid> = cases.iter().map(|case| case.id).collect();
    let dues = sqlx::query_as!(
        Due,
        "select distinct on (subject_id) subject_id, due_on, due_at, code from deadline
         where subject_kind = 'case' and subject_id = any($1) and state = 'open' order by subject_id, due_at nulls last, code",
        &ids[..]
    )
    .fetch_all(conn)
    .await?;
    let all = cases.into_iter().map(|case| {
        let due = dues.iter().find(|due| due.subject_id == case.id);
        Listed {
            due_on: due.and_then(|due| due.due_on),
            due_at: due.and_then(|due| due.due_at),
            due_code: due.map(|due| due.code.clone()),
            case,
        }
    });
    Ok(all.collect())
}

async fn walked(conn: &mut PgConnection, f: &Filter, (now, today): (Instant, NaiveDate)) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for,
               fields as "fields: Json<Fields>", department, assigned, access, author, source, code_hash, opened_at, changed_at,
               revision, annulled_at, annulled_by, annulled_reason
           from case_file c
           where ($1::text is null or module = $1) and ($2::text is null or type_key = $2) and ($3::text is null or state = $3)
             and ($4::bool is null or is_final <> $4) and ($5::text is null or assigned = $5 or author = $5)
             and ($6::text is null or waits_for = $6) and ($7::uuid is null or id < $7)
             and ($8::int is null or counted_year = $8)
             and (access <> 'restricted' or module = any($9) or assigned = $10 or author = $10)
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $10 and r.lifted_at is null)
             and (not $11::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open' and due_at < $13))
             and (not $12::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open'
                      and due_at >= $13 and due_on - warn_days <= $14))
           order by id desc limit $15"#,
        f.module,
        f.type_key,
        f.state,
        f.open,
        f.mine,
        f.waits_for,
        f.before,
        f.year.map(|year| year.number),
        &f.works_in[..],
        f.reader,
        f.late,
        f.near,
        now,
        today,
        f.limit,
    )
    .fetch_all(conn)
    .await
}

/// By words. Common words are among the newest cases, which are looked through in the order of the queue and no further than needed; when
/// those do not fill the page the words are rare, and the index of words finds all that have them. Neither way reads every case; `offset 0`
/// has the cases looked up one by one, where the planner would walk them all in their order to meet a few.
async fn found(
    conn: &mut PgConnection,
    f: &Filter,
    words: &str,
    (now, today): (Instant, NaiveDate),
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"with seen as materialized (
               select id, search from case_file c
               where ($1::text is null or module = $1) and ($2::text is null or type_key = $2)
                 and ($3::text is null or state = $3) and ($4::bool is null or is_final <> $4)
                 and ($5::text is null or assigned = $5 or author = $5) and ($6::text is null or waits_for = $6)
                 and ($7::uuid is null or id < $7) and ($8::int is null or counted_year = $8)
                 and (access <> 'restricted' or module = any($9) or assigned = $10 or author = $10)
                 and not exists (select from case_recusal r where r.case_id = c.id and r.username = $10 and r.lifted_at is null)
                 and (not $11::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open' and due_at < $13))
                 and (not $12::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open'
                          and due_at >= $13 and due_on - warn_days <= $14))
               order by id desc limit $17),
           near as materialized (select id from seen where search @@ (select case_query($16, $1)) limit $15),
           far as materialized (
               select hit.id from case_hits(case_query($16, $1)) as hit (id)
               where (select count(*) from near) < $15 and (select count(*) from seen) = $17 and ($7::uuid is null or hit.id < $7))
           select id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for,
               fields as "fields: Json<Fields>", department, assigned, access, author, source, code_hash, opened_at, changed_at,
               revision, annulled_at, annulled_by, annulled_reason
           from (select id as hit_id from near union select id from far) hit
               cross join lateral (select * from case_file one where one.id = hit_id offset 0) c
           where ($1::text is null or module = $1) and ($2::text is null or type_key = $2)
             and ($3::text is null or state = $3) and ($4::bool is null or is_final <> $4)
             and ($5::text is null or assigned = $5 or author = $5) and ($6::text is null or waits_for = $6)
             and ($7::uuid is null or id < $7) and ($8::int is null or counted_year = $8)
             and (access <> 'restricted' or module = any($9) or assigned = $10 or author = $10)
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $10 and r.lifted_at is null)
             and (not $11::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open' and due_at < $13))
             and (not $12::bool or id in (select subject_id from deadline where subject_kind = 'case' and state = 'open'
                      and due_at >= $13 and due_on - warn_days <= $14))
           order by id desc limit $15"#,
        f.module,
        f.type_key,
        f.state,
        f.open,
        f.mine,
        f.waits_for,
        f.before,
        f.year.map(|year| year.number),
        &f.works_in[..],
        f.reader,
        f.late,
        f.near,
        now,
        today,
        f.limit,
        words,
        SEEN
    )
    .fetch_all(conn)
    .await
}

/// What runs of some cases: the case, the code, the anchor, and what happened since.
pub async fn running(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<Vec<(Uuid, String, Instant, Course)>> {
    let rows = sqlx::query!(
        r#"select subject_id, code, anchor_at, extended, paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on
           from deadline where subject_kind = 'case' and subject_id = any($1) and state = 'open' order by subject_id, code"#,
        cases
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let extended = u32::try_from(row.extended).unwrap_or_default();
        let course = Course { extended, paused: row.paused.0, restarted: row.restarted_on };
        (row.subject_id, row.code, row.anchor_at, course)
    });
    Ok(all.collect())
}
