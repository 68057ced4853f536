//! What awaits the mayor and what is late, read from the database.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MOST, Overdue, Waiting};
use crate::clock::Instant;
use crate::secretariat::kernel::decide::Who;
use crate::secretariat::kernel::{Access, link};

struct Row {
    id: Uuid,
    type_key: String,
    type_version: i32,
    module: String,
    series: Option<String>,
    year: Option<i32>,
    number: Option<i32>,
    title: String,
    state: String,
    access: String,
    author: String,
    waits_for: Option<String>,
    assigned: String,
    department: String,
    since: Instant,
    due_on: Option<NaiveDate>,
    due_at: Option<Instant>,
    code: Option<String>,
    law_ref: Option<String>,
    extended: Option<i32>,
}

impl Row {
    fn told(self, who: &Who, now: Instant, is_late: bool) -> Waiting {
        let is_theirs = !who.name.is_empty() && (self.author == who.name || self.assigned == who.name);
        let may = self.access != Access::Restricted.as_str() || who.has(&self.module) || is_theirs;
        let number = match (self.series, self.year, self.number) {
            (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
            _ => String::new(),
        };
        let from = if is_late { self.due_at.unwrap_or(now) } else { self.since };
        Waiting {
            link: if may { link(&self.module, self.id) } else { String::new() },
            title: if may { self.title } else { String::new() },
            id: self.id,
            type_key: self.type_key,
            version: self.type_version,
            module: self.module,
            number,
            state: self.state,
            waits_for: self.waits_for,
            // The department that a complaint is with says of whom it is.
            assigned: if may { self.assigned } else { String::new() },
            department: if may { self.department } else { String::new() },
            since: self.since,
            days: (now - from).num_days().max(0),
            due_on: self.due_on,
            code: self.code,
            law_ref: self.law_ref,
            extended: self.extended.unwrap_or_default(),
        }
    }
}

/// What awaits the mayor's decision.
pub async fn awaiting(conn: &mut PgConnection, who: &Who, now: Instant) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query_as!(
        Row,
        r#"with first as materialized (
               select c.id, coalesce((select max(a.at) from case_act a where a.case_id = c.id and a.from_state <> a.to_state),
                   c.opened_at) as since
               from case_file c where c.waits_for = 'mayor' and not c.is_final
                 and not exists (select from case_recusal r where r.case_id = c.id and r.username = $2 and r.lifted_at is null)
               order by since, c.id limit $1)
           select c.id, c.type_key, c.type_version, c.module, c.series, c.year, c.number, c.title, c.state, c.access, c.author,
               c.waits_for, c.assigned, c.department, f.since as "since!",
               d.due_on as "due_on?", d.due_at as "due_at?", d.code as "code?", d.law_ref as "law_ref?", d.extended as "extended?"
           from first f join case_file c on c.id = f.id left join lateral (
               select due_on, due_at, code, law_ref, extended from deadline
               where subject_kind = 'case' and subject_id = c.id and state = 'open' order by due_at nulls last, code limit 1) d on true
           order by f.since, f.id"#,
        MOST,
        who.name
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.told(who, now, false)).collect())
}

/// What is late, each case once with the deadline that ran out first.
pub async fn late(conn: &mut PgConnection, who: &Who, now: Instant) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query_as!(
        Row,
        r#"with first as materialized (
               select d.id, d.subject_id, d.due_at from deadline d join case_file c on c.id = d.subject_id
               where d.subject_kind = 'case' and d.state = 'open' and d.due_at < $1 and not c.is_final
                 and not exists (select from deadline e where e.subject_kind = 'case' and e.state = 'open'
                     and e.subject_id = d.subject_id and (e.due_at, e.id) < (d.due_at, d.id))
                 and not exists (select from case_recusal r where r.case_id = c.id and r.username = $3 and r.lifted_at is null)
               order by d.due_at, d.subject_id limit $2)
           select c.id, c.type_key, c.type_version, c.module, c.series, c.year, c.number, c.title, c.state, c.access, c.author,
               c.waits_for, c.assigned, c.department,
               coalesce((select max(a.at) from case_act a where a.case_id = c.id and a.from_state <> a.to_state), c.opened_at) as "since!",
               d.due_on as "due_on?", d.due_at as "due_at?", d.code as "code?", d.law_ref as "law_ref?", d.extended as "extended?"
           from first f join deadline d on d.id = f.id join case_file c on c.id = f.subject_id order by d.due_at, c.id"#,
        now,
        MOST,
        who.name
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.told(who, now, true)).collect())
}

/// Those, the longest first. What ethics counts stays with ethics.
pub async fn elsewhere(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Overdue>> {
    let rows = sqlx::query!(
        "select title, link, due_on, due_at, code, law_ref from deadline
         where state = 'open' and due_at < $1 and due_on <= ($1::timestamptz)::date + 1 and subject_kind <> 'case' and link like '/secretaria/%'
           and link not like '/secretaria/painel/etica%'
         order by due_at, id limit $2",
        now,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| Overdue {
        days: row.due_at.map_or(0, |due| (now - due).num_days()),
        title: row.title,
        link: row.link,
        due_on: row.due_on,
        code: row.code,
        law_ref: row.law_ref,
    });
    Ok(told.collect())
}
