//! What people do with tasks: take, hand over, finish, leave out, undo. Each act is kept, with its reason.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::PlanError;
use super::desk::reasoned;
use super::store::activations::lock_incident;
use super::store::tasks::{self as store, Task};
use super::tasks::{Standing, TaskAct, TaskWord, waiting};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::ids::{IncidentId, StaffId};
use crate::incidents::store as incidents;
use crate::refused::Refused;

/// The timeline's word for what is done with tasks.
pub const ENTRY: &str = "task";
const MAX_NOTE: usize = 1000;

/// What somebody does with a task.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = IncidentTaskActWanted)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// take, `hand_over`, done, `not_needed` or undo.
    pub act: String,
    /// The revision that was looked at.
    pub revision: i32,
    /// What came of it; of `not_needed` why, which must be said.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
    /// User name of whoever gets it, of `hand_over`.
    #[serde(default)]
    pub to: String,
}

const fn audit_act(act: TaskAct) -> Act {
    match act {
        TaskAct::Take | TaskAct::Make => Act::PlanTaskTake,
        TaskAct::HandOver => Act::PlanTaskHandOver,
        TaskAct::Done => Act::PlanTaskDone,
        TaskAct::NotNeeded => Act::PlanTaskNotNeeded,
        TaskAct::Undo => Act::PlanTaskUndo,
    }
}

/// The act that a word asks for.
///
/// # Errors
/// `Wrong` with the words that are.
pub fn act_of(word: &str) -> Result<TaskAct, Refused> {
    let act = word.parse::<TaskAct>().ok().filter(|act| *act != TaskAct::Make);
    act.ok_or_else(|| Refused::wrong("act", word, "expected take, hand_over, done, not_needed or undo"))
}

/// What is somebody's is undone and handed on by them, and a decision of whoever runs the incident only by such.
fn mine_to_change(by: Acting<'_>, act: TaskAct, task: &Task, may_run: bool) -> Result<(), Refused> {
    if may_run || !matches!(act, TaskAct::Undo | TaskAct::HandOver) {
        return Ok(());
    }
    if act == TaskAct::Undo && task.state == TaskWord::NotNeeded {
        let why = "whoever runs the incident decided that it is not needed, and takes that back";
        return Err(Refused::Forbidden(why.into()));
    }
    let (has, closed) = (task.assignee.map(|StaffId(id)| id), task.closed_by.as_deref());
    let is_theirs = has.is_some() && has == by.actor.id || closed == Some(by.actor.name.as_str());
    let is_nobodys = act == TaskAct::HandOver && has.is_none();
    if is_theirs || is_nobodys {
        return Ok(());
    }
    Err(Refused::Forbidden("the task is somebody else's: they, or whoever runs the incident, do that".into()))
}

/// Does it; `may_run`: whoever acts runs incidents. Whoever does a task while it waits for others is not refused, because a night goes its own ways: the act tells what was undone.
///
/// # Errors
/// `Wrong` names the field; `NotFound`; `Forbidden` to undo or hand on what is another's; `Conflict` when it changed meanwhile, the incident is closed, or its state does not allow it.
pub async fn act(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (incident, id): (IncidentId, Uuid),
    asked: &Asked,
    may_run: bool,
) -> Result<(), PlanError> {
    let act = act_of(&asked.act)?;
    let note = noted(act, &asked.note)?;
    let missing = || Refused::NotFound(format!("task {id}"));
    let (is_open, _) = lock_incident(&mut *conn, incident).await?.ok_or_else(missing)?;
    let task = store::lock(&mut *conn, incident, id).await?.ok_or_else(missing)?;
    if !is_open {
        return Err(Refused::Conflict("the incident is closed".into()).into());
    }
    if task.revision != asked.revision {
        return Err(Refused::Conflict("the task changed meanwhile; look at it again".into()).into());
    }
    mine_to_change(by, act, &task, may_run)?;
    let (who, name) = whom(&mut *conn, by, act, &asked.to).await?;
    let standing = task.standing().after(act, who).map_err(|refused| Refused::Conflict(refused.to_string()))?;
    if act == TaskAct::Undo && has_ended(&mut *conn, incident, &task).await? {
        return Err(Refused::Conflict("the plan of this task has ended; activate it again".into()).into());
    }
    let detail = detail(&mut *conn, incident, &task, (act, &name)).await?;
    let is_closing = matches!(standing, Standing::Done(_) | Standing::NotNeeded(_));
    let kept_note = if is_closing { note.as_str() } else { "" };
    let closed_by = is_closing.then_some(by.actor.name.as_str());
    store::keep(&mut *conn, &task, by.now, standing, (closed_by, kept_note)).await?;
    store::keep_act(&mut *conn, id, (by.now, &by.actor.name), act, (&note, &detail)).await?;
    let text = said(&task, act, &name, &note);
    incidents::add_entry(&mut *conn, incident, by.now, &by.actor.name, ENTRY, &text, &detail).await?;
    let entry = Entry::new(audit_act(act), "incident_task", id).because(&note);
    let entry = entry.from(json!({ "state": task.state })).to(json!({ "state": standing.word(), "detail": detail }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

fn noted(act: TaskAct, note: &str) -> Result<String, Refused> {
    if act == TaskAct::NotNeeded {
        return reasoned("note", note);
    }
    let note = note.trim();
    if note.chars().count() > MAX_NOTE
        || note.contains(|letter: char| letter.is_control() && !"\r\n\t".contains(letter))
    {
        return Err(Refused::wrong("note", note, format!("expected at most {MAX_NOTE} characters")));
    }
    Ok(note.to_owned())
}

/// Who gets it: of a hand-over whoever is named, otherwise who acts.
async fn whom(conn: &mut PgConnection, by: Acting<'_>, act: TaskAct, to: &str) -> Result<(StaffId, String), Refused> {
    if act == TaskAct::HandOver {
        let people = crate::rota::store::people(conn).await?;
        let found = people.into_iter().find(|person| person.username == to.trim());
        let expected = "expected the user name of somebody who works here";
        return found.map(|person| (person.id, person.name)).ok_or_else(|| Refused::wrong("to", to, expected));
    }
    let id = by.actor.id.map(StaffId);
    let nobody = || Refused::Forbidden("only a person does a task".into());
    Ok((id.ok_or_else(nobody)?, by.actor.name.clone()))
}

async fn has_ended(conn: &mut PgConnection, incident: IncidentId, task: &Task) -> sqlx::Result<bool> {
    let all = super::store::activations::list(conn, incident).await?;
    Ok(all.iter().any(|one| one.id == task.activation && one.ended_at.is_some()))
}

async fn detail(
    conn: &mut PgConnection,
    incident: IncidentId,
    task: &Task,
    (act, name): (TaskAct, &str),
) -> sqlx::Result<Value> {
    Ok(match act {
        TaskAct::HandOver => json!({ "task": task.id, "to": name }),
        TaskAct::Done => {
            let facts: Vec<_> = store::list(conn, incident).await?.iter().map(Task::facts).collect();
            let ahead_of: BTreeMap<Uuid, Vec<String>> = waiting(&facts);
            json!({ "task": task.id, "ahead_of": ahead_of.get(&task.id).cloned().unwrap_or_default() })
        }
        _ => json!({ "task": task.id }),
    })
}

/// The timeline's line; the timeline is Portuguese.
fn said(task: &Task, act: TaskAct, name: &str, note: &str) -> String {
    let title = &task.title;
    let what = match act {
        TaskAct::Make => format!("Tarefa criada: {title}"),
        TaskAct::Take => format!("Tarefa assumida: {title}"),
        TaskAct::HandOver => format!("Tarefa passada para {name}: {title}"),
        TaskAct::Done => format!("Tarefa concluída: {title}"),
        TaskAct::NotNeeded => format!("Tarefa dispensada: {title}"),
        TaskAct::Undo if task.state == TaskWord::Taken => format!("Tarefa devolvida: {title}"),
        TaskAct::Undo => format!("Tarefa reaberta: {title}"),
    };
    if note.is_empty() { what } else { format!("{what} ({note})") }
}
