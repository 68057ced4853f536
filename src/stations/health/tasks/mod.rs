//! Maintenance tasks: one at a time for each station. The first fault opens it, the last one's end closes it, a fault that
//! comes back within a day opens the same task again. What a person closed by hand stays closed until a new fault.

mod store;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::reconcile::Change;
use crate::clock::Instant;
use crate::ids::{StaffId, StationId};
use crate::units::vocabulary;

pub use store::{Event, Task, count_open, events, find, list, staff_by_username};

/// A fault that comes back within this is the same work.
const SAME_WORK: TimeDelta = TimeDelta::hours(24);
/// The longest that a task can be put off.
pub const MOST_SNOOZE: TimeDelta = TimeDelta::days(365);
/// Letters of a note or reason.
pub const MOST_LETTERS: usize = 1000;

vocabulary! {
    /// What happened to a task.
    TaskAct, "act on a task" {
        Opened = "opened",
        Reopened = "reopened",
        Fault = "fault",
        Mended = "mended",
        Assigned = "assigned",
        Noted = "noted",
        Snoozed = "snoozed",
        Woken = "woken",
        Closed = "closed",
        /// Of a siren; the detail names it.
        SirenTestDue = "siren_test_due",
        SirenTestPassed = "siren_test_passed",
        SirenTestFailed = "siren_test_failed",
    }
}

/// Carries changes of faults over to the tasks. Answers whether any task moved.
pub async fn follow(conn: &mut PgConnection, now: Instant, changes: &[Change]) -> sqlx::Result<bool> {
    let mut touched: BTreeSet<StationId> = BTreeSet::new();
    for change in changes {
        match change {
            Change::Open(station, fault) => {
                let task = ensure(&mut *conn, now, *station).await?;
                store::note(&mut *conn, task, now, "service", TaskAct::Fault, fault.kind.as_str()).await?;
                touched.insert(*station);
            }
            Change::Close(station, key, _) => {
                if let Some(task) = store::open_of(&mut *conn, *station).await? {
                    store::note(&mut *conn, task, now, "service", TaskAct::Mended, key.kind.as_str()).await?;
                }
                touched.insert(*station);
            }
            Change::Keep(..) => {}
        }
    }
    for station in &touched {
        finish(&mut *conn, now, *station).await?;
    }
    Ok(!touched.is_empty())
}

/// The open task of a station; opened, or opened again, when there is none.
async fn ensure(conn: &mut PgConnection, now: Instant, station: StationId) -> sqlx::Result<i64> {
    if let Some(task) = store::open_of(&mut *conn, station).await? {
        return Ok(task);
    }
    if let Some(task) = store::reopen(&mut *conn, station, now - SAME_WORK).await? {
        store::note(conn, task, now, "service", TaskAct::Reopened, "").await?;
        return Ok(task);
    }
    let task = store::insert(&mut *conn, station, now).await?;
    store::note(conn, task, now, "service", TaskAct::Opened, "").await?;
    Ok(task)
}

/// Closes the task of a station without faults.
async fn finish(conn: &mut PgConnection, now: Instant, station: StationId) -> sqlx::Result<()> {
    if store::open_faults(&mut *conn, station).await? > 0 {
        return Ok(());
    }
    let Some(task) = store::open_of(&mut *conn, station).await? else { return Ok(()) };
    store::close(&mut *conn, task, now, "service").await?;
    store::note(conn, task, now, "service", TaskAct::Closed, "").await
}

/// Work that no fault asks for, such as a test that is due: into the open task of the station, or a new one.
pub async fn remind(
    conn: &mut PgConnection,
    now: Instant,
    station: StationId,
    (act, detail): (TaskAct, &str),
) -> sqlx::Result<()> {
    let task = ensure(&mut *conn, now, station).await?;
    store::note(conn, task, now, "service", act, detail).await
}

/// That work is done: said in the open task, which ends when no fault is left in it. Answers whether there was one.
pub async fn settle(
    conn: &mut PgConnection,
    now: Instant,
    station: StationId,
    (act, detail): (TaskAct, &str),
) -> sqlx::Result<bool> {
    let Some(task) = store::open_of(&mut *conn, station).await? else { return Ok(false) };
    store::note(&mut *conn, task, now, "service", act, detail).await?;
    finish(conn, now, station).await?;
    Ok(true)
}

/// Tasks that were put off until now come back. Answers whether there were any.
pub async fn wake(conn: &mut PgConnection, now: Instant) -> sqlx::Result<bool> {
    let woken = store::wake(&mut *conn, now).await?;
    for task in &woken {
        store::note(&mut *conn, *task, now, "service", TaskAct::Woken, "").await?;
    }
    Ok(!woken.is_empty())
}

/// What a person does with an open task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Note(String),
    /// Nobody: back to the queue.
    Assign(Option<(StaffId, String)>),
    Snooze(Instant, String),
    Close(String),
}

/// Does it. False when the task is not open (any more); a note can be added to a closed one too.
pub async fn act(conn: &mut PgConnection, now: Instant, task: i64, who: &str, wish: &Wish) -> sqlx::Result<bool> {
    let (is_open, act, detail) = match wish {
        Wish::Note(text) => (true, TaskAct::Noted, text.as_str()),
        Wish::Assign(to) => {
            let id = to.as_ref().map(|(id, _)| *id);
            let done = store::assign(&mut *conn, task, id).await?;
            (done, TaskAct::Assigned, to.as_ref().map_or("", |(_, name)| name.as_str()))
        }
        Wish::Snooze(until, reason) => {
            (store::snooze(&mut *conn, task, *until).await?, TaskAct::Snoozed, reason.as_str())
        }
        Wish::Close(reason) => (store::close(&mut *conn, task, now, who).await?, TaskAct::Closed, reason.as_str()),
    };
    if is_open {
        store::note(conn, task, now, who, act, detail).await?;
    }
    Ok(is_open)
}
