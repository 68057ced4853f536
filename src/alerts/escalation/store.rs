//! Waits, their steps and their pages in PostgreSQL.

pub mod reply;
mod shown;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

pub use self::shown::{Escalation, Page, TakenStep, of_alert};
use super::{How, Person, Step, Undecided, Wait};
use crate::accounts::Roles;
use crate::alerts::refusal::Refusal;
use crate::alerts::state::AlertError;
use crate::alerts::store as alerts;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, StaffId};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// An escalation that has not ended, with its alert as it stands.
#[derive(Clone, Debug)]
pub struct Open {
    pub id: Uuid,
    pub wait: Wait,
    pub is_acknowledged: bool,
    pub alert: Undecided,
}

/// Every undecided alert that waits (see [`super::wait_of`]) and was not escalated for that wait, oldest first, at most 200: the others
/// follow in the next round.
pub async fn undecided(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Undecided>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertId", a.state, a.kind, a.level, a.created_by, coalesce(last.at, a.created_at) as "open_since!",
                  a.submitted_at, a.returned_at is not null as "is_returned!", null::uuid as "edited_by: StaffId"
           from alert a cross join lateral (
               select max(e.at) as at from alert_event e where e.alert_id = a.id and e.action in ('submitted', 'returned')) as last
           where a.state in ('draft', 'submitted') and a.expires_at > $1
             and (a.state = 'submitted' or (a.created_by = $2 and a.kind in ('alert', 'update')))
             and not exists (select from alert_escalation e where e.alert_id = a.id
                 and case a.state when 'submitted' then e.cause = 'submitted' and e.since_at = a.submitted_at
                                  else e.cause = 'rule' and e.since_at = coalesce(last.at, a.created_at) end)
           order by a.created_at, a.id limit 200"#,
        now,
        alerts::RULE
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Undecided {
                alert: row.id,
                state: row.state.parse().map_err(decode)?,
                kind: row.kind.parse().map_err(decode)?,
                level: row.level.parse().map_err(decode)?,
                created_by: row.created_by,
                open_since: row.open_since,
                submitted_at: row.submitted_at,
                is_returned: row.is_returned,
                edited_by: row.edited_by,
            })
        })
        .collect()
}

/// Opens the escalation of a wait with its steps. False when it was opened before.
pub async fn open(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    (alert, wait): (AlertId, Wait),
    plan: &[(Step, Instant)],
    deadline_at: Instant,
) -> sqlx::Result<bool> {
    let id = ids.uuid(now);
    let frozen: Vec<&Step> = plan.iter().map(|(step, _)| step).collect();
    let opened = sqlx::query!(
        "insert into alert_escalation (id, alert_id, cause, since_at, opened_at, plan, deadline_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        id,
        alert.0,
        wait.cause.as_str(),
        wait.since,
        now,
        json!(frozen),
        deadline_at
    )
    .execute(&mut *conn)
    .await?;
    if opened.rows_affected() == 0 {
        return Ok(false);
    }
    let due: Vec<Instant> = plan.iter().map(|(_, due)| *due).collect();
    sqlx::query!(
        "insert into alert_escalation_step (escalation_id, position, due_at)
         select $1, at::integer, due from unnest($2::timestamptz[]) with ordinality as step (due, at)",
        id,
        &due
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Every escalation that has not ended.
pub async fn opened(conn: &mut PgConnection) -> sqlx::Result<Vec<Open>> {
    let rows = sqlx::query!(
        r#"select e.id, e.cause, e.since_at, e.acknowledged_at is not null as "is_acknowledged!",
                  a.id as "alert: AlertId", a.state, a.kind, a.level, a.created_by, a.submitted_at,
                  coalesce(last.at, a.created_at) as "open_since!", a.returned_at is not null as "is_returned!",
                  (select s.id from alert_event v join staff s on s.username = v.actor
                   where v.alert_id = a.id and v.id > coalesce(last.id, 0) and v.action in
                       ('edited', 'regenerated', 'place added', 'place removed', 'place restored')
                   order by v.id desc limit 1) as "edited_by: StaffId"
           from alert_escalation e join alert a on a.id = e.alert_id cross join lateral (
               select max(v.at) as at, max(v.id) as id from alert_event v
               where v.alert_id = a.id and v.action in ('submitted', 'returned')) as last
           where e.ended_at is null order by e.opened_at, e.id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Open {
                id: row.id,
                wait: Wait { cause: row.cause.parse().map_err(decode)?, since: row.since_at },
                is_acknowledged: row.is_acknowledged,
                alert: Undecided {
                    alert: row.alert,
                    state: row.state.parse().map_err(decode)?,
                    kind: row.kind.parse().map_err(decode)?,
                    level: row.level.parse().map_err(decode)?,
                    created_by: row.created_by,
                    open_since: row.open_since,
                    submitted_at: row.submitted_at,
                    is_returned: row.is_returned,
                    edited_by: row.edited_by,
                },
            })
        })
        .collect()
}

/// Ends an escalation; steps that were not taken stay untaken.
pub async fn end(conn: &mut PgConnection, now: Instant, id: Uuid, ended_as: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert_escalation set ended_at = $2, ended_as = $3 where id = $1 and ended_at is null",
        id,
        now,
        ended_as
    )
    .execute(&mut *conn)
    .await?;
    stop_steps(conn, now, id).await
}

async fn stop_steps(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert_escalation_step set done_at = $2, outcome = 'stopped' where escalation_id = $1 and done_at is null",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A step that is due, of an escalation that is held until the transaction ends.
#[derive(Clone, Debug)]
pub struct Due {
    pub escalation: Uuid,
    pub alert: AlertId,
    pub position: i32,
    pub step: Step,
    pub since: Instant,
}

/// The next due step of a wait that nobody has answered; a wait that another process works on is passed over.
pub async fn next_due(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"select e.id, e.alert_id as "alert: AlertId", s.position, e.since_at,
                  (e.plan -> (s.position - 1)) as "step!: Json<Step>"
           from alert_escalation_step s join alert_escalation e on e.id = s.escalation_id
           join alert a on a.id = e.alert_id and a.state in ('draft', 'submitted')
           where s.done_at is null and s.due_at <= $1 and e.ended_at is null and e.acknowledged_at is null
           order by s.due_at, e.id, s.position limit 1
           for update of e, s skip locked"#,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Due {
        escalation: row.id,
        alert: row.alert,
        position: row.position,
        step: row.step.0,
        since: row.since_at,
    }))
}

pub async fn step_done(conn: &mut PgConnection, now: Instant, due: &Due, outcome: &'static str) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert_escalation_step set done_at = $3, outcome = $4 where escalation_id = $1 and position = $2",
        due.escalation,
        due.position,
        now,
        outcome
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everybody who is not shut out, by user name.
pub async fn people(conn: &mut PgConnection) -> sqlx::Result<Vec<Person>> {
    let rows = sqlx::query!(
        r#"select id as "id: StaffId", username, name, language, roles, phone, email from staff
           where disabled_at is null order by username"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let roles = Roles::parse(&row.roles).map_err(decode)?.as_slice().to_vec();
            let (id, username, name, language) = (row.id, row.username, row.name, row.language);
            Ok(Person { id, username, name, language, roles, phone: row.phone, email: row.email })
        })
        .collect()
}

/// One message, or that there was no address for it.
#[derive(Clone, Debug)]
pub struct NewPage {
    pub id: Uuid,
    pub person: StaffId,
    pub channel: Channel,
    pub notice: Option<Uuid>,
    /// By which it can be answered by SMS.
    pub code: Option<String>,
}

pub async fn keep_page(conn: &mut PgConnection, now: Instant, due: &Due, page: NewPage) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_page (id, escalation_id, position, staff_id, channel, at, notice_id, state, state_at, code)
         values ($1, $2, $3, $4, $5, $6, $7, case when $7::uuid is null then 'no_address' else 'pending' end, $6, $8)",
        page.id,
        due.escalation,
        due.position,
        page.person.0,
        page.channel.as_str(),
        now,
        page.notice,
        page.code
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page whose notice moved on.
#[derive(Clone, Debug)]
pub struct Moved {
    pub id: Uuid,
    pub alert: AlertId,
    pub username: String,
    pub channel: String,
    pub before: String,
    pub state: String,
    pub reason: String,
}

/// Takes the states of notices over into their pages, which outlive them.
pub async fn take_states(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"with moving as (
               select p.id, p.state as before, n.state, n.reason
               from alert_page p join notice n on n.id = p.notice_id
               where p.state in ('pending', 'sending', 'accepted', 'unknown') and n.state <> p.state
               order by p.id limit 500 for update of p skip locked
           )
           update alert_page p set state = m.state, reason = m.reason, state_at = $1
           from moving m, alert_escalation e, staff s
           where p.id = m.id and e.id = p.escalation_id and s.id = p.staff_id
           returning p.id, e.alert_id as "alert: AlertId", s.username, p.channel, m.before as "before!", p.state, p.reason"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// A wait whose deadline passed.
#[derive(Clone, Debug)]
pub struct Overdue {
    pub id: Uuid,
    pub alert: AlertId,
    pub since: Instant,
    /// Who said that they have seen it, and then did not decide.
    pub acknowledged_by: Option<String>,
}

/// Marks every wait whose deadline passed, once.
pub async fn take_overdue(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Overdue>> {
    sqlx::query_as!(
        Overdue,
        r#"update alert_escalation e set overdue_at = $1
           where e.id in (select id from alert_escalation where ended_at is null and overdue_at is null and deadline_at <= $1
                          for update skip locked)
           returning e.id, e.alert_id as "alert: AlertId", e.since_at as since,
                     (select username from staff where id = e.acknowledged_by) as acknowledged_by"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// What came of saying that one has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Acknowledged {
    /// User name of whoever said so first.
    pub by: String,
    pub at: DateTime<Utc>,
    /// False when somebody had said so before.
    pub first: bool,
}

/// What somebody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Whatever the alert waits for now.
    Alert(AlertId),
    /// This wait, and no later one.
    Wait(Uuid),
}

/// A person has seen that the alert waits: nobody is paged any more. Saying it again changes nothing.
///
/// # Errors
/// `Refused` when the alert does not wait for anybody, or the wait is over.
pub async fn acknowledge(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    (by, person): (&Actor, StaffId),
    seen: Seen,
    how: How,
) -> Result<Acknowledged, AlertError> {
    let (alert, wait) = match seen {
        Seen::Alert(alert) => (Some(alert.0), None),
        Seen::Wait(wait) => (None, Some(wait)),
    };
    let open = sqlx::query!(
        r#"select e.id, e.alert_id as "alert: AlertId", e.acknowledged_at,
                  (select username from staff where id = e.acknowledged_by) as "by?"
           from alert_escalation e where (e.alert_id = $1 or e.id = $2) and e.ended_at is null
           order by e.opened_at desc limit 1 for update"#,
        alert,
        wait
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(open) = open else {
        return Err(Refusal::WaitsForNobody.into());
    };
    let alert = open.alert;
    if let (Some(at), Some(by)) = (open.acknowledged_at, open.by) {
        return Ok(Acknowledged { by, at, first: false });
    }
    sqlx::query!(
        "update alert_escalation set acknowledged_at = $2, acknowledged_by = $3, acknowledged_how = $4 where id = $1",
        open.id,
        now,
        person.0,
        how.as_str()
    )
    .execute(&mut *conn)
    .await?;
    stop_steps(&mut *conn, now, open.id).await?;
    alerts::record(&mut *conn, alert, now, &by.name, "acknowledged", &json!({ "how": how })).await?;
    let entry = Entry::new(Act::AlertAcknowledge, "alert", alert).to(json!({ "how": how }));
    audit::record(&mut *conn, ids, now, by, entry).await?;
    notify(conn, &Event::Alert { id: alert.0 }).await?;
    Ok(Acknowledged { by: by.name.clone(), at: now, first: true })
}

/// What a signed link stands for.
#[derive(Clone, Debug)]
pub struct Linked {
    pub alert: AlertId,
    /// The wait it was about.
    pub wait: Uuid,
    pub person: StaffId,
    pub username: String,
    pub name: String,
    pub language: String,
    /// Not shut out since.
    pub is_active: bool,
    /// That wait goes on.
    pub is_open: bool,
    pub since: Instant,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Instant>,
}

pub async fn linked(conn: &mut PgConnection, page: Uuid) -> sqlx::Result<Option<Linked>> {
    sqlx::query_as!(
        Linked,
        r#"select e.alert_id as "alert: AlertId", e.id as wait, s.id as "person: StaffId", s.username, s.name, s.language,
                  s.disabled_at is null as "is_active!", e.ended_at is null as "is_open!", e.since_at as since,
                  e.acknowledged_at, (select name from staff where id = e.acknowledged_by) as acknowledged_by
           from alert_page p join alert_escalation e on e.id = p.escalation_id join staff s on s.id = p.staff_id
           where p.id = $1"#,
        page
    )
    .fetch_optional(conn)
    .await
}
