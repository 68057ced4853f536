//! What people of the field do with their tasks and occurrences on the telephone: the acts of the desks, once, however often they are sent.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::sent::{self, Begun, Kind, Parcel};
use super::store::today as store;
use super::{Fault, Refusal, check, desk};
use crate::accounts::tokens::desk::Acting;
use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::occurrences::desk as occurrences;
use crate::occurrences::life::{Ask, Refusal as NotSo};
use crate::plancon::{PlanError, hands};
use crate::refused::Refused;
use crate::reports::acts::{self, ActError, By};
use crate::reports::take::Desk;
use crate::units::vocabulary;
use crate::vault::Ring;

vocabulary! {
    /// What may be done in the field. Texts are `field-act-ACT`.
    Word, "act of the field" {
        /// Takes a task of a plan.
        TaskTake = "task_take",
        TaskDone = "task_done",
        /// Is at an occurrence.
        Arrive = "arrive",
        /// An occurrence is over, with what was done.
        Resolve = "resolve",
        /// Writes a note into an occurrence.
        Note = "note",
    }
}

/// An act as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FieldAct)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Made on the device.
    pub key: Uuid,
    /// `task_take`, `task_done`, arrive, resolve, note
    #[schema(value_type = String)]
    pub act: Word,
    /// The task, or the occurrence.
    pub id: Uuid,
    /// When it was done, by the device's clock; otherwise when it comes. No earlier than what was done before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Instant>,
    /// The device's clock when it sent this. No part of the content.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Instant>,
    /// What came of it; needed by resolve (3 to 2,000 characters) and note (1 to 2,000).
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub text: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FieldActDone)]
pub struct Done {
    pub id: Uuid,
    /// taken, done, `on_scene`, resolved or noted
    pub state: String,
}

/// What acting needs beside who acts.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    pub ring: &'a Ring,
    pub desk: Desk<'a>,
    /// The address of the service, for those who are named in a note.
    pub base: &'a str,
    /// Whether they conduct incidents; others act in what is theirs.
    pub runs_incidents: bool,
}

/// Does it. True: it is new.
///
/// # Errors
/// `Wrong` names the field; `Differs`; `NotFound`; `Conflict` when its state does not allow it, or it is somebody else's.
pub async fn act(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tools: Tools<'_>,
    given: &Given,
) -> Result<(Done, bool), Refusal> {
    let content = serde_json::to_value(given).unwrap_or_default();
    let is_task = matches!(given.act, Word::TaskTake | Word::TaskDone);
    let kind = if is_task { Kind::Task } else { Kind::Occurrence };
    let parcel = Parcel { key: given.key, kind, account: desk::account(by)?, content: &content };
    if let Begun::Before(answer) = sent::begin(&mut *conn, tools.ring, parcel).await? {
        return Ok((serde_json::from_value(answer).map_err(|error| sqlx::Error::Decode(error.into()))?, false));
    }
    if given.text.chars().count() > 2000 {
        let shown: String = given.text.chars().take(40).collect();
        return Err(Refusal::wrong("text", shown, "expected at most 2000 characters"));
    }
    if is_task {
        task(&mut *conn, by, tools.desk.tz, given).await?;
    } else {
        occurrence(&mut *conn, by, tools, given).await?;
    }
    let state = match given.act {
        Word::TaskTake => "taken",
        Word::TaskDone => "done",
        Word::Arrive => "on_scene",
        Word::Resolve => "resolved",
        Word::Note => "noted",
    };
    let done = Done { id: given.id, state: state.to_owned() };
    sent::keep(conn, tools.ring, by.now, parcel, &json!(done)).await?;
    Ok((done, true))
}

/// When it was done. A time that cannot be says nothing, and it counts from when it came.
fn done_at(given: &Given, now: Instant) -> Instant {
    let offset = check::offset(given.sent_at, now);
    given.at.and_then(|at| check::by_our_clock(at, offset, now)).unwrap_or(now)
}

/// Its words, with the time where it waited on the telephone: the line itself bears the time at which it came.
fn timed(text: &str, at: Instant, now: Instant, tz: Tz) -> String {
    if now - at <= check::SLACK {
        return text.to_owned();
    }
    let local = at.with_timezone(&tz);
    let same_day = local.date_naive() == now.with_timezone(&tz).date_naive();
    let said = local.format(if same_day { "às %H:%M" } else { "em %d/%m/%Y às %H:%M" });
    let whole = if text.is_empty() { said.to_string() } else { format!("{text} ({said})") };
    if whole.chars().count() > 2000 { text.to_owned() } else { whole }
}

/// Whoever is outside has not seen how the task stands now: what counts is whether it can still be done.
async fn task(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, given: &Given) -> Result<(), Refusal> {
    let (incident, revision) = store::task(&mut *conn, given.id).await?.ok_or(Refusal::NotFound("task"))?;
    let act = if given.act == Word::TaskTake { "take" } else { "done" };
    let note = timed(&given.text, done_at(given, by.now), by.now, tz);
    let asked = hands::Asked { act: act.into(), revision, note, to: String::new() };
    match hands::act(conn, by, (IncidentId(incident), given.id), &asked, false).await {
        Ok(()) => Ok(()),
        Err(PlanError::Refused(refused)) => Err(of_desk(refused)),
        Err(PlanError::Wrong(faults)) => {
            let at = |fault: crate::refused::FieldError| Fault::new(fault.field, fault.value, fault.message);
            Err(Refusal::Wrong(faults.into_iter().map(at).collect()))
        }
        Err(PlanError::Other(error)) => Err(Refusal::Other(error)),
    }
}

async fn occurrence(conn: &mut PgConnection, by: Acting<'_>, tools: Tools<'_>, given: &Given) -> Result<(), Refusal> {
    let text = check::plain(&given.text);
    let at = done_at(given, by.now);
    let by = By { desk: tools.desk, now: by.now, actor: by.actor };
    if given.act == Word::Note {
        if text.is_empty() {
            return Err(Refusal::wrong("text", "", "expected 1 to 2000 characters"));
        }
        let text = timed(&text, at, by.now, tools.desk.tz);
        let note = occurrences::Note { text: &text, ..occurrences::Note::default() };
        let noted = occurrences::note(conn, by, given.id, note, tools.base).await;
        return noted.map(drop).map_err(of_acts);
    }
    let assignee = store::assignee(&mut *conn, given.id).await?.ok_or(Refusal::NotFound("occurrence"))?;
    if !tools.runs_incidents && assignee.as_deref() != Some(by.actor.name.as_str()) {
        return Err(Refusal::Conflict("the occurrence is not yours any more".into()));
    }
    let ask = if given.act == Word::Arrive { Ask::Arrive } else { Ask::Resolve { reason: &text } };
    acts::decide_at(conn, by, given.id, ask, at).await.map_err(of_acts)
}

fn of_desk(refused: Refused) -> Refusal {
    match refused {
        Refused::Wrong { field, value, message } => {
            Refusal::wrong(if field == "note" { "text".into() } else { field }, value, message)
        }
        Refused::NotFound(_) => Refusal::NotFound("task"),
        Refused::Conflict(why) | Refused::Forbidden(why) => Refusal::Conflict(why),
        Refused::Because(reason) => Refusal::Conflict(reason.detail),
        Refused::Database(error) => Refusal::Database(error),
    }
}

fn of_acts(error: ActError) -> Refusal {
    match error {
        ActError::NotFound => Refusal::NotFound("occurrence"),
        ActError::Refused(NotSo::NoReason) => Refusal::wrong("text", "", "expected 3 to 2000 characters"),
        ActError::Database(error) => Refusal::Database(error),
        other => Refusal::Conflict(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone as _, Utc};

    use super::*;

    #[test]
    fn what_waited_on_a_telephone_says_when_it_was_done() {
        let now = Utc.with_ymd_and_hms(2026, 2, 22, 21, 0, 0).unwrap();
        let tz = chrono_tz::America::Sao_Paulo;
        let ago = |hours| now - TimeDelta::hours(hours);
        assert_eq!(timed("Feito", now, now, tz), "Feito");
        assert_eq!(timed("Feito", now - TimeDelta::seconds(90), now, tz), "Feito");
        assert_eq!(timed("Feito", ago(4), now, tz), "Feito (às 14:00)");
        assert_eq!(timed("", ago(28), now, tz), "em 21/02/2026 às 14:00");
        assert_eq!(timed(&"x".repeat(1995), ago(4), now, tz), "x".repeat(1995));
        let given = |at: Option<Instant>, sent_at: Option<Instant>| Given {
            key: Uuid::nil(),
            act: Word::Arrive,
            id: Uuid::nil(),
            at,
            sent_at,
            text: String::new(),
        };
        assert_eq!(done_at(&given(None, None), now), now);
        assert_eq!(done_at(&given(Some(ago(4)), Some(now)), now), ago(4));
        assert_eq!(done_at(&given(Some(ago(5)), Some(ago(1))), now), ago(4), "its clock is an hour behind");
        assert_eq!(done_at(&given(Some(ago(-4)), Some(now)), now), now, "ahead says nothing");
        // What older telephones sent is the same content still.
        assert!(!serde_json::to_string(&given(None, Some(now))).unwrap().contains("at\":\"2026"));
    }
}
