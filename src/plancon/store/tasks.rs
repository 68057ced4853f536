//! Tasks of incidents.

use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::ids::{IncidentId, StaffId};
use crate::plancon::tasks::{Facts, Standing, TaskAct, TaskWord};

/// Tasks of one incident that are read, at most.
const MOST: i64 = 2000;

/// A task as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = IncidentTask)]
pub struct Task {
    pub id: Uuid,
    #[serde(skip)]
    pub activation: Uuid,
    #[serde(skip)]
    pub incident: Uuid,
    /// Of the action in the plan.
    pub code: String,
    pub title: String,
    /// The level at which it began.
    pub level: String,
    /// Whose it is: a role, or a rota.
    pub role: Option<String>,
    pub rota: Option<String>,
    pub checklist: Vec<String>,
    pub depends_on: Vec<String>,
    /// Part of an exercise.
    pub drill: bool,
    #[schema(value_type = String)]
    pub made_at: Instant,
    #[schema(value_type = String)]
    pub due_at: Instant,
    #[schema(value_type = String)]
    pub state: TaskWord,
    #[serde(skip)]
    pub assignee: Option<StaffId>,
    /// Who has it, or had it when it was closed.
    pub assignee_name: Option<String>,
    #[schema(value_type = Option<String>)]
    pub taken_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub closed_at: Option<Instant>,
    pub closed_by: Option<String>,
    /// What came of it, or why it is not needed.
    pub note: String,
    pub revision: i32,
}

impl Task {
    pub fn facts(&self) -> Facts {
        Facts {
            id: self.id,
            activation: self.activation,
            code: self.code.clone(),
            word: self.state,
            due_at: self.due_at,
            depends_on: self.depends_on.clone(),
        }
    }

    pub fn standing(&self) -> Standing {
        Standing::of(self.state, self.assignee)
    }

    pub fn is_open(&self) -> bool {
        self.facts().is_open()
    }

    pub fn is_late(&self, now: Instant) -> bool {
        self.is_open() && self.due_at < now
    }
}

/// Of an incident, by the time they are due.
pub async fn list(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Task>> {
    let rows = sqlx::query!(
        r#"select t.id, t.activation_id, t.incident_id, t.code, t.title, t.level, t.role, t.rota, t.checklist, t.depends_on, t.drill,
                  t.made_at, t.due_at, t.state, t.assignee as "assignee: StaffId", s.name as "assignee_name?", t.taken_at, t.closed_at,
                  t.closed_by, t.note, t.revision
           from incident_task t left join staff s on s.id = t.assignee
           where t.incident_id = $1 order by t.due_at, t.position, t.id limit $2"#,
        incident.0,
        MOST
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Task {
                id: row.id,
                activation: row.activation_id,
                incident: row.incident_id,
                code: row.code,
                title: row.title,
                level: row.level,
                role: row.role,
                rota: row.rota,
                checklist: row.checklist,
                depends_on: row.depends_on,
                drill: row.drill,
                made_at: row.made_at,
                due_at: row.due_at,
                state: row.state.parse().map_err(decode)?,
                assignee: row.assignee,
                assignee_name: row.assignee_name,
                taken_at: row.taken_at,
                closed_at: row.closed_at,
                closed_by: row.closed_by,
                note: row.note,
                revision: row.revision,
            })
        })
        .collect()
}

/// One task, held until the transaction ends, with its incident held before it.
pub async fn lock(conn: &mut PgConnection, incident: IncidentId, id: Uuid) -> sqlx::Result<Option<Task>> {
    let held = sqlx::query_scalar!(
        "select id from incident_task where id = $1 and incident_id = $2 for update",
        id,
        incident.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if held.is_none() {
        return Ok(None);
    }
    Ok(list(conn, incident).await?.into_iter().find(|task| task.id == id))
}

/// A task that is to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub activation: Uuid,
    pub incident: IncidentId,
    pub drill: bool,
    pub position: i32,
    pub action: &'a crate::plancon::Action,
    pub due_at: Instant,
}

/// Makes a task of an action. False when the activation has it already.
pub async fn insert(conn: &mut PgConnection, now: Instant, new: &New<'_>) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        "insert into incident_task (id, activation_id, incident_id, drill, code, position, title, level, role, rota, checklist, depends_on,
             made_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict on constraint incident_task_once do nothing",
        new.id,
        new.activation,
        new.incident.0,
        new.drill,
        new.action.code,
        new.position,
        new.action.title.trim(),
        new.action.level.as_str(),
        new.action.role,
        new.action.rota,
        &new.action.checklist,
        &new.action.after,
        now,
        new.due_at
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() > 0)
}

/// Writes where a task stands after an act. `closed`: by whom, when that closes it.
pub async fn keep(
    conn: &mut PgConnection,
    task: &Task,
    now: Instant,
    standing: Standing,
    (closed_by, note): (Option<&str>, &str),
) -> sqlx::Result<()> {
    let assignee = standing.assignee();
    let taken_at = assignee.map(|who| if task.assignee == Some(who) { task.taken_at.unwrap_or(now) } else { now });
    sqlx::query!(
        "update incident_task set state = $2, assignee = $3, taken_at = $4, closed_at = $5, closed_by = $6, note = $7,
             revision = revision + 1
         where id = $1",
        task.id,
        standing.word().as_str(),
        assignee.map(|id| id.0),
        taken_at,
        closed_by.map(|_| now),
        closed_by,
        note
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn keep_act(
    conn: &mut PgConnection,
    task: Uuid,
    (now, actor): (Instant, &str),
    act: TaskAct,
    (note, detail): (&str, &Value),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incident_task_act (task_id, at, actor, act, note, detail) values ($1, $2, $3, $4, $5, $6)",
        task,
        now,
        actor,
        act.as_str(),
        note,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Open tasks of open incidents that are late, real ones alone or of exercises alone.
pub async fn count_late(conn: &mut PgConnection, now: Instant, drill: bool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from incident_task t join incident i on i.id = t.incident_id
           where t.state in ('todo', 'taken') and t.due_at < $1 and t.drill = $2 and i.state = 'open'"#,
        now,
        drill
    )
    .fetch_one(conn)
    .await
}
