//! What awaits the mayor and what is late, read from the database.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MOST, Overdue, Signing, Waiting};
use crate::clock::Instant;
use crate::secretariat::budget::life::Life;
use crate::secretariat::budget::{BillKind, days};
use crate::secretariat::kernel::decide::Who;
use crate::secretariat::kernel::{Access, link};
use crate::secretariat::{agreements, funding, modules};

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

/// On whom an instrument or a bill waits that is late.
fn waits_for(module: &str, state: &str) -> Option<&'static str> {
    match module {
        "agreements" if state == agreements::AWAITS_SIGNATURE.as_str() => Some("mayor"),
        "funding" if state == funding::AWAITS_SIGNATURE.as_str() => Some("mayor"),
        "budget" if state == Life::AWAITS_MAYOR => Some("mayor"),
        "budget" if state == "submitted" => Some("council"),
        _ => None,
    }
}

/// Those, the longest first. What ethics counts stays with ethics.
pub async fn elsewhere(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Overdue>> {
    let rows = sqlx::query!(
        r#"select d.title, d.link, d.due_on, d.due_at, d.code, d.law_ref, d.extended,
               case when b.id is not null then 'budget' else i.module end as "module?", coalesce(b.state, i.state) as "state?"
           from deadline d
               left join instrument i on d.subject_kind = 'instrument' and i.id = d.subject_id
               left join budget_bill b on d.subject_kind = 'budget_bill' and b.id = d.subject_id
           where d.state = 'open' and d.due_at < $1 and d.due_on <= ($1::timestamptz)::date + 1 and d.subject_kind <> 'case'
             and d.link like '/secretaria/%' and d.link not like '/secretaria/painel/etica%'
           order by d.due_at, d.id limit $2"#,
        now,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| Overdue {
        days: row.due_at.map_or(0, |due| (now - due).num_days()),
        waits_for: row
            .module
            .as_deref()
            .zip(row.state.as_deref())
            .and_then(|(module, state)| waits_for(module, state).map(str::to_owned)),
        title: row.title,
        link: row.link,
        due_on: row.due_on,
        code: row.code,
        law_ref: row.law_ref,
        module: row.module,
        state: row.state,
        extended: row.extended,
    });
    Ok(told.collect())
}

/// What waits for the mayor's signature among agreements and funding, and what the mayor has to send among bills of the budget.
pub async fn signing(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Signing>> {
    let rows = sqlx::query!(
        r#"with awaited as (
               select i.id, 'instrument' as subject, i.module, i.kind, i.year, i.number, i.title, i.state, null::integer as year_to,
                   coalesce((select max(a.at) from instrument_act a where a.instrument_id = i.id and a.from_state <> a.to_state),
                       i.opened_at) as since
               from instrument i
               where not i.is_final and (i.module = 'agreements' and i.state = $3 or i.module = 'funding' and i.state = $4)
               union all
               select b.id, 'budget_bill', 'budget', b.kind, b.year_from, null, '', b.state, b.year_to,
                   coalesce((select min(a.at) from budget_act a where a.bill_id = b.id and a.act = 'hear' and a.at > coalesce(
                       (select max(o.at) from budget_act o where o.bill_id = b.id and o.act = 'reopen'), '-infinity')), b.created_at)
               from budget_bill b where b.state = $5)
           select w.id as "id!", w.module as "module!", w.kind as "kind!", w.year, w.number, w.title as "title!", w.state as "state!",
               w.year_to, w.since as "since!", d.due_on as "due_on?", d.due_at as "due_at?", d.code as "code?", d.law_ref as "law_ref?"
           from awaited w left join lateral (
               select due_on, due_at, code, law_ref from deadline
               where subject_kind = w.subject and subject_id = w.id and state = 'open' order by due_at nulls last, code limit 1) d on true
           order by w.since, w.id limit $2"#,
        now,
        MOST,
        agreements::AWAITS_SIGNATURE.as_str(),
        funding::AWAITS_SIGNATURE.as_str(),
        Life::AWAITS_MAYOR
    )
    .fetch_all(conn)
    .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let is_bill = row.module == "budget";
        let years = row.year.zip(row.year_to);
        let title = match (is_bill, years) {
            (true, Some(years)) => {
                row.kind.parse::<BillKind>().map(|kind| days::title(kind, years)).unwrap_or_default()
            }
            _ => row.title,
        };
        let slug = modules::find(&row.module).map_or(row.module.as_str(), |module| module.slug_pt);
        all.push(Signing {
            link: format!("/secretaria/painel/{slug}/{}", row.id),
            number: row.year.zip(row.number).map(|(year, number)| format!("{year}/{number:03}")).unwrap_or_default(),
            act: if is_bill { "submit" } else { "sign" }.to_owned(),
            days: (now - row.since).num_days().max(0),
            late_days: row.due_at.filter(|due| *due < now).map(|due| (now - due).num_days()),
            id: row.id,
            module: row.module,
            kind: row.kind,
            title,
            state: row.state,
            since: row.since,
            due_on: row.due_on,
            code: row.code,
            law_ref: row.law_ref,
        });
    }
    Ok(all)
}
