//! Deadlines, holidays and local rules in PostgreSQL.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::calendar::{self, Holiday};
use super::rule::{self, Local, Rules};
use super::{Calendar, Course, Deadline, DeadlineRule, Reckoned, Step};
use crate::clock::Instant;

/// Deadlines that a list gives.
const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// What is shipped and what was entered.
pub async fn calendar(conn: &mut PgConnection) -> sqlx::Result<Calendar> {
    let rows = sqlx::query!(
        "select id, day, name, kind, shut, law_ref from holiday where removed_at is null order by day, kind"
    )
    .fetch_all(conn)
    .await?;
    let mut calendar = calendar::shipped().map_err(decode)?;
    for row in rows {
        let kind = row.kind.parse().map_err(decode)?;
        calendar.entered.push(Holiday {
            id: Some(row.id),
            day: row.day,
            name: row.name,
            kind,
            shut: row.shut,
            law_ref: row.law_ref,
        });
    }
    Ok(calendar)
}

/// What is shipped, and what the town added and did not end.
pub async fn rules(conn: &mut PgConnection) -> sqlx::Result<Rules> {
    let rows = sqlx::query!(
        r#"select id, document as "document: Json<DeadlineRule>" from deadline_rule r
           where not exists (select from deadline_rule_end e where e.rule_id = r.id) order by added_at, id"#
    )
    .fetch_all(conn)
    .await?;
    let local = rows.into_iter().map(|row| Local { id: row.id, rule: row.document.0 }).collect();
    Ok(Rules { shipped: rule::shipped().map_err(decode)?, local })
}

pub async fn end_rule(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str), reason: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deadline_rule_end (rule_id, at, actor, reason) values ($1, $2, $3, $4)",
        id,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody else reckons until the transaction ends.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('deadlines', 0))").fetch_one(conn).await?;
    Ok(())
}

pub async fn insert_holiday(
    conn: &mut PgConnection,
    new: &Holiday,
    id: Uuid,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into holiday (id, day, name, kind, shut, law_ref, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        new.day,
        new.name,
        new.kind.as_str(),
        new.shut,
        new.law_ref,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The day and name of what was removed; none: there is no such row, or it was removed before.
pub async fn remove_holiday(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<Option<(NaiveDate, String)>> {
    let row = sqlx::query!(
        "update holiday set removed_at = $2, removed_by = $3, removed_reason = $4 where id = $1 and removed_at is null returning day, name",
        id,
        now,
        by,
        reason
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.day, row.name)))
}

pub async fn insert_rule(
    conn: &mut PgConnection,
    id: Uuid,
    rule: &DeadlineRule,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deadline_rule (id, code, valid_from, document, reason, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        rule.code,
        rule.valid_from,
        Json(rule) as _,
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    subject_kind: String,
    subject_id: Uuid,
    title: String,
    link: String,
    code: String,
    law_ref: String,
    anchor_event: String,
    anchor_at: Instant,
    governed_on: Option<NaiveDate>,
    extended: i32,
    paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>,
    restarted_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    due_at: Option<Instant>,
    warn_days: i32,
    confirmed: bool,
    trace: Json<Vec<Step>>,
    state: String,
    ended_at: Option<Instant>,
}

impl From<Row> for Deadline {
    fn from(row: Row) -> Self {
        let extended = u32::try_from(row.extended).unwrap_or_default();
        Self {
            id: row.id,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            title: row.title,
            link: row.link,
            code: row.code,
            law_ref: row.law_ref,
            anchor_event: row.anchor_event,
            anchor_at: row.anchor_at,
            governed_on: row.governed_on,
            extended: row.extended,
            course: Course { extended, paused: row.paused.0, restarted: row.restarted_on },
            due_on: row.due_on,
            due_at: row.due_at,
            warn_days: row.warn_days,
            confirmed: row.confirmed,
            trace: row.trace.0,
            state: row.state,
            ended_at: row.ended_at,
        }
    }
}

/// Of a subject, or of everything; only what is open, or all. By the day it is due, what is suspended last.
pub async fn list(
    conn: &mut PgConnection,
    subject: Option<(&str, Uuid)>,
    only_open: bool,
) -> sqlx::Result<Vec<Deadline>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, governed_on, extended,
               paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on, due_on, due_at, warn_days, confirmed,
               trace as "trace: Json<Vec<Step>>", state, ended_at
           from deadline where ($1::text is null or (subject_kind = $1 and subject_id = $2)) and (not $3 or state = 'open')
           order by state = 'open' desc, due_at, id limit $4"#,
        subject.map(|(kind, _)| kind),
        subject.map(|(_, id)| id),
        only_open,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Deadline::from).collect())
}

/// What is open of the response, whose pages lie below /console, at most 500. Deadlines of the secretariat are shown with their cases and
/// instruments, to whoever may read those, and never crowd out these.
pub async fn of_console(conn: &mut PgConnection) -> sqlx::Result<Vec<Deadline>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, governed_on, extended,
               paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on, due_on, due_at, warn_days, confirmed,
               trace as "trace: Json<Vec<Step>>", state, ended_at
           from deadline where state = 'open' and link like '/console/%' order by due_at, id limit $1"#,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Deadline::from).collect())
}

/// True for a deadline of the response.
pub async fn is_of_console(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deadline where id = $1 and link like '/console/%') as "known!""#,
        id
    )
    .fetch_one(conn)
    .await
}

/// Every open one, however many there are: what a holiday moves.
pub async fn open(conn: &mut PgConnection) -> sqlx::Result<Vec<Deadline>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, governed_on, extended,
               paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on, due_on, due_at, warn_days, confirmed,
               trace as "trace: Json<Vec<Step>>", state, ended_at
           from deadline where state = 'open' order by id for update"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Deadline::from).collect())
}

/// One, held until the transaction ends.
pub async fn lock_one(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Deadline>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, governed_on, extended,
               paused as "paused: Json<Vec<(NaiveDate, Option<NaiveDate>)>>", restarted_on, due_on, due_at, warn_days, confirmed,
               trace as "trace: Json<Vec<Step>>", state, ended_at
           from deadline where id = $1 for update"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Deadline::from))
}

/// A deadline to begin.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub subject: (&'a str, Uuid),
    pub title: &'a str,
    /// Below /console.
    pub link: &'a str,
    pub code: &'a str,
    pub anchor_at: Instant,
    /// The day whose norm governs it; none: that of the anchor.
    pub governed_on: Option<NaiveDate>,
}

pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    new: &New<'_>,
    (rule, told): (&DeadlineRule, &Reckoned),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deadline (id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, due_on, due_at,
             warn_days, confirmed, trace, set_at, set_by, governed_on)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        id,
        new.subject.0,
        new.subject.1,
        new.title,
        new.link,
        new.code,
        rule.law_ref,
        rule.anchor_event,
        new.anchor_at,
        told.due_on,
        told.due_at,
        i32::try_from(rule.warn_days).unwrap_or(i32::MAX),
        rule.confirmed,
        Json(&told.trace) as _,
        now,
        by,
        new.governed_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what was reckoned anew. A moved day is told of anew.
pub async fn set(
    conn: &mut PgConnection,
    id: Uuid,
    (rule, course, told): (&DeadlineRule, &Course, &Reckoned),
    (anchor_at, governed_on): (Instant, Option<NaiveDate>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update deadline set law_ref = $2, anchor_event = $3, extended = $4, paused = $5, restarted_on = $6,
             reminded_on = case when due_on is distinct from $7 then null else reminded_on end, due_on = $7, due_at = $8, warn_days = $9,
             confirmed = $10, trace = $11, anchor_at = $12, governed_on = $13
         where id = $1",
        id,
        rule.law_ref,
        rule.anchor_event,
        i32::try_from(course.extended).unwrap_or(i32::MAX),
        Json(&course.paused) as _,
        course.restarted,
        told.due_on,
        told.due_at,
        i32::try_from(rule.warn_days).unwrap_or(i32::MAX),
        rule.confirmed,
        Json(&told.trace) as _,
        anchor_at,
        governed_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, id: Uuid, state: &str, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!("update deadline set state = $2, ended_at = $3, ended_by = $4 where id = $1", id, state, now, by)
        .execute(conn)
        .await?;
    Ok(())
}

/// Goes over to another subject.
pub async fn pass(conn: &mut PgConnection, id: Uuid, (subject, link): (Uuid, &str)) -> sqlx::Result<()> {
    sqlx::query!("update deadline set subject_id = $2, link = $3 where id = $1", id, subject, link)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether anything open ran out.
pub async fn has_late(conn: &mut PgConnection, now: Instant) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from deadline where state = 'open' and due_at < $1) as "late!""#, now)
        .fetch_one(conn)
        .await
}

/// What was done to a deadline.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DeadlineAct {
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    /// set, reckon, extend, suspend, resume, interrupt, meet, void or pass.
    pub act: String,
    pub due_before: Option<NaiveDate>,
    pub due_after: Option<NaiveDate>,
    pub reason: String,
}

pub async fn keep_act(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    (act, reason): (&str, &str),
    (before, after): (Option<NaiveDate>, Option<NaiveDate>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into deadline_act (deadline_id, at, actor, act, due_before, due_after, reason) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        now,
        by,
        act,
        before,
        after,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of one deadline, the oldest first, at most 200.
pub async fn acts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<DeadlineAct>> {
    sqlx::query_as!(
        DeadlineAct,
        "select at, actor, act, due_before, due_after, reason from deadline_act where deadline_id = $1 order by id limit 200",
        id
    )
    .fetch_all(conn)
    .await
}

/// Of several at once, by deadline, as [`acts`] gives those of one.
pub async fn acts_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<DeadlineAct>>> {
    let rows = sqlx::query!(
        r#"select deadline_id as "deadline_id!", at as "at!", actor as "actor!", act as "act!", due_before, due_after, reason as "reason!"
           from (select a.*, row_number() over (partition by deadline_id order by id) as place from deadline_act a where deadline_id = any($1)) a
           where place <= 200 order by id"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut acts: BTreeMap<Uuid, Vec<DeadlineAct>> = BTreeMap::new();
    for row in rows {
        let (at, actor, act, due_before, due_after) = (row.at, row.actor, row.act, row.due_before, row.due_after);
        let one = DeadlineAct { at, actor, act, due_before, due_after, reason: row.reason };
        acts.entry(row.deadline_id).or_default().push(one);
    }
    Ok(acts)
}

/// What of the response is near its end or past it and was not told of since, each once: near, and when the last day has come. Code, title,
/// link and day. Of the secretariat's its own worker tells its own people.
pub async fn take_due(
    conn: &mut PgConnection,
    today: NaiveDate,
) -> sqlx::Result<Vec<(String, String, String, NaiveDate)>> {
    let rows = sqlx::query!(
        r#"update deadline set reminded_on = $1
           where state = 'open' and link like '/console/%' and due_on - warn_days <= $1
             and (reminded_on is null or (due_on <= $1 and reminded_on < due_on))
           returning code, title, link, due_on as "due_on!""#,
        today
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.title, row.link, row.due_on)).collect())
}
