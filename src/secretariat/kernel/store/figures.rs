//! Figures of reports: by state, by age, by choice, in time, by department. A case is in no figure of whoever is recused from it; the reader
//! of figures that leave the house is nobody ("").

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use crate::clock::Instant;

/// How a module stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatStanding)]
pub struct Standing {
    pub module: String,
    pub open: i64,
    pub late: i64,
    pub near: i64,
}

/// Every module that has open cases.
pub async fn standings(
    conn: &mut PgConnection,
    reader: &str,
    (now, today): (Instant, NaiveDate),
) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"with recused as materialized (select case_id from case_recusal where username = $3 and lifted_at is null),
           stands as (
               select module, count(*) as open from case_file
               where not is_final and id not in (select case_id from recused) group by module),
           due as (
               select d.subject_id, min(d.due_at) < $1 as late from deadline d
               where d.subject_kind = 'case' and d.state = 'open' and (d.due_at < $1 or d.due_on - d.warn_days <= $2)
                 and d.subject_id not in (select case_id from recused) group by d.subject_id),
           ripe as (
               select c.module, count(*) filter (where due.late) as late, count(*) filter (where not due.late) as near
               from due join case_file c on c.id = due.subject_id where not c.is_final group by c.module)
           select s.module as "module!", s.open as "open!", coalesce(r.late, 0) as "late!", coalesce(r.near, 0) as "near!"
           from stands s left join ripe r on r.module = s.module order by s.module"#,
        now,
        today,
        reader
    )
    .fetch_all(conn)
    .await
}

/// A count by a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseCount)]
pub struct Count {
    pub key: String,
    pub count: i64,
}

pub async fn by_state(
    conn: &mut PgConnection,
    (type_key, reader): (&str, &str),
    year: i32,
) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as!(
        Count,
        r#"select case when annulled_at is null then state else 'annulled' end as "key!", count(*) as "count!" from case_file c
           where type_key = $1 and counted_year = $2
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $3 and r.lifted_at is null)
           group by 1 order by 1"#,
        type_key,
        year,
        reader
    )
    .fetch_all(conn)
    .await
}

/// By a field of choice; empty: not told.
pub async fn by_choice(
    conn: &mut PgConnection,
    (type_key, reader): (&str, &str),
    year: i32,
    field: &str,
) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as!(
        Count,
        r#"select coalesce(fields ->> $3, '') as "key!", count(*) as "count!" from case_file c
           where type_key = $1 and annulled_at is null and counted_year = $2
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)
           group by 1 order by 2 desc, 1 limit 100"#,
        type_key,
        year,
        field,
        reader
    )
    .fetch_all(conn)
    .await
}

/// By some fields of choice in one reading of the cases: the key of the field and a count of what was told, the greatest of each field first.
pub async fn by_choices(
    conn: &mut PgConnection,
    type_key: &str,
    year: i32,
    fields: &[String],
) -> sqlx::Result<Vec<(String, Count)>> {
    let rows = sqlx::query!(
        r#"select e.key as "field!", c.fields ->> e.key as "key!", count(*) as "count!"
           from case_file c cross join unnest($3::text[]) as e (key)
           where c.type_key = $1 and c.annulled_at is null and c.counted_year = $2 and c.fields ->> e.key <> ''
           group by 1, 2 order by 1, 3 desc, 2"#,
        type_key,
        year,
        fields
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.field, Count { key: row.key, count: row.count })).collect())
}

/// Open cases by how many days they are open: as many numbers as ages and one.
pub async fn by_age(
    conn: &mut PgConnection,
    (type_key, reader): (&str, &str),
    now: Instant,
    ages: &[i64],
) -> sqlx::Result<Vec<i64>> {
    let edges: Vec<f64> = ages.iter().map(|days| i32::try_from(*days).map_or(f64::MAX, f64::from)).collect();
    let rows = sqlx::query!(
        r#"select width_bucket(extract(epoch from ($2::timestamptz - opened_at)) / 86400, $3::float8[]) as "bucket!", count(*) as "count!"
           from case_file c where type_key = $1 and not is_final
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)
           group by 1"#,
        type_key,
        now,
        &edges[..],
        reader
    )
    .fetch_all(conn)
    .await?;
    let mut counts = vec![0; ages.len() + 1];
    for row in rows {
        if let Some(count) = usize::try_from(row.bucket).ok().and_then(|at| counts.get_mut(at)) {
            *count = row.count;
        }
    }
    Ok(counts)
}

/// How the deadlines of a year fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseInTime)]
pub struct InTime {
    /// Of the deadline.
    pub code: String,
    pub met_in_time: i64,
    pub met_late: i64,
    pub open_in_time: i64,
    pub open_late: i64,
}

/// Without the departments; [`fared`] tells both.
pub async fn in_time(
    conn: &mut PgConnection,
    (type_key, reader): (&str, &str),
    year: i32,
    now: Instant,
) -> sqlx::Result<Vec<InTime>> {
    // Ids tell when they were made: between the first and the last of a year the index of deadlines is read as it lies, which takes a
    // quarter of the time of a look for each case.
    sqlx::query_as!(
        InTime,
        r#"with chosen as materialized (
               select c.id from case_file c where c.type_key = $1 and c.counted_year = $2
                 and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null))
           select d.code, count(*) filter (where d.state = 'met' and d.ended_at <= d.due_at) as "met_in_time!",
               count(*) filter (where d.state = 'met' and d.ended_at > d.due_at) as "met_late!",
               count(*) filter (where d.state = 'open' and (d.due_at is null or d.due_at >= $3)) as "open_in_time!",
               count(*) filter (where d.state = 'open' and d.due_at < $3) as "open_late!"
           from deadline d join chosen c on c.id = d.subject_id
           where d.subject_kind = 'case' and d.subject_id between (select id from chosen order by id limit 1)
               and (select id from chosen order by id desc limit 1)
           group by d.code order by d.code"#,
        type_key,
        year,
        now,
        reader
    )
    .fetch_all(conn)
    .await
}

/// How a department fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseScore)]
pub struct Score {
    /// Empty: of none.
    pub department: String,
    pub open: i64,
    pub late: i64,
    pub finished: i64,
    pub finished_in_time: i64,
}

/// What came in a month, and how it fares now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseMonth)]
pub struct Month {
    /// 1 to 12, of the opening as it is in the town. What was opened before the year of its number came in its first month.
    #[schema(minimum = 1, maximum = 12)]
    pub month: i32,
    pub received: i64,
    /// Of those received, how many ended; the next two likewise.
    pub concluded: i64,
    /// Ended, and met every deadline in time.
    pub in_time: i64,
    /// Ended after a deadline, or goes on with one that ran out.
    pub late: i64,
}

/// A year of a type: its deadlines, its departments, and its months.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    pub rules: Vec<InTime>,
    pub departments: Vec<Score>,
    /// All twelve.
    pub months: Vec<Month>,
}

impl Fared {
    fn of_no_case() -> Self {
        let months = (1..=12).map(|month| Month { month, ..Month::default() });
        Self { months: months.collect(), ..Self::default() }
    }

    fn put(&mut self, part: &str, key: String, [first, second, third, fourth]: [i64; 4]) {
        match part {
            "rule" => self.rules.push(InTime {
                code: key,
                met_in_time: first,
                met_late: second,
                open_in_time: third,
                open_late: fourth,
            }),
            "department" => self.departments.push(Score {
                department: key,
                open: first,
                late: second,
                finished: third,
                finished_in_time: fourth,
            }),
            _ => {
                if let Some(month) = self.months.iter_mut().find(|one| one.month.to_string() == key) {
                    (month.received, month.concluded, month.in_time, month.late) = (first, second, third, fourth);
                }
            }
        }
    }
}

/// How the deadlines of a year fared, how the departments do, and its months, of all departments or of one, in one reading of the deadlines
/// (see [`in_time`] for the range).
pub async fn fared(
    conn: &mut PgConnection,
    (type_key, reader): (&str, &str),
    (year, department): (i32, Option<&str>),
    (now, tz): (Instant, chrono_tz::Tz),
) -> sqlx::Result<Fared> {
    let rows = sqlx::query!(
        r#"with chosen as materialized (
               select c.id, c.department, c.is_final, c.annulled_at is null as is_counted,
                   case when extract(year from c.opened_at at time zone $5::text) < $2::int then 1
                       else extract(month from c.opened_at at time zone $5::text)::int end as month
               from case_file c
               where c.type_key = $1 and c.counted_year = $2
                 and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)),
           due as materialized (
               select d.subject_id, d.code, d.state = 'met' as is_met, d.state = 'open' as is_open,
                   coalesce(case d.state when 'met' then d.ended_at > d.due_at when 'open' then d.due_at < $3 end, false) as is_late
               from deadline d join chosen c on c.id = d.subject_id
               where d.subject_kind = 'case' and d.subject_id between (select id from chosen order by id limit 1)
                   and (select id from chosen order by id desc limit 1)),
           fared as (
               select subject_id, bool_or(is_open and is_late) as is_late, bool_or(is_met and is_late) as was_late
               from due group by subject_id),
           stands as materialized (
               select c.department, c.month, c.is_final, coalesce(f.is_late, false) as is_late, coalesce(f.was_late, false) as was_late
               from chosen c left join fared f on f.subject_id = c.id where c.is_counted),
           departments as (
               select department, count(*) filter (where not is_final) as open, count(*) filter (where not is_final and is_late) as late,
                   count(*) filter (where is_final) as finished, count(*) filter (where is_final and not was_late) as finished_in_time
               from stands group by department order by department limit 200)
           select 'rule' as "part!", code as "key!", count(*) filter (where is_met and not is_late) as "first!",
               count(*) filter (where is_met and is_late) as "second!", count(*) filter (where is_open and not is_late) as "third!",
               count(*) filter (where is_open and is_late) as "fourth!"
           from due group by code
           union all
           select 'department', department, open, late, finished, finished_in_time from departments
           union all
           select 'month', month::text, count(*), count(*) filter (where is_final), count(*) filter (where is_final and not was_late),
               count(*) filter (where case when is_final then was_late else is_late end)
           from stands where $6::text is null or department = $6 group by month
           order by 1, 2"#,
        type_key,
        year,
        now,
        reader,
        tz.name(),
        department
    )
    .fetch_all(conn)
    .await?;
    let mut fared = Fared::of_no_case();
    for row in rows {
        fared.put(&row.part, row.key, [row.first, row.second, row.third, row.fourth]);
    }
    Ok(fared)
}
