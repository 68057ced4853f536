//! Deadlines of the secretariat of which people are told.

use chrono::NaiveDate;
use sqlx::PgConnection;

/// Deadlines of one round.
const MOST: i64 = 500;

/// A deadline that is near its end or past it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub code: String,
    pub title: String,
    pub link: String,
    pub due_on: NaiveDate,
    /// User name of whoever works on its case; empty: nobody, or it is no case's.
    pub assigned: String,
    /// User names of whoever is recused from its case: for them it does not exist.
    pub recused: Vec<String>,
}

/// What was not told of since it is near, or since its last day has come, the first due first. What stands here was told of.
pub async fn take(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"with wanted as (
               select id from deadline
               where state = 'open' and link like '/secretaria/%' and due_on - warn_days <= $1
                 and (reminded_on is null or (due_on <= $1 and reminded_on < due_on))
               order by due_on, id limit $2 for update skip locked),
           told as (
               update deadline set reminded_on = $1 where id in (select id from wanted)
               returning subject_kind, subject_id, code, title, link, due_on)
           select t.code as "code!", t.title as "title!", t.link as "link!", t.due_on as "due_on!", coalesce(c.assigned, '') as "assigned!",
               coalesce((select array_agg(r.username) from case_recusal r
                   where t.subject_kind = 'case' and r.case_id = t.subject_id and r.lifted_at is null), '{}') as "recused!"
           from told t left join case_file c on t.subject_kind = 'case' and c.id = t.subject_id order by t.due_on, t.link, t.code"#,
        today,
        MOST
    )
    .fetch_all(conn)
    .await
}
