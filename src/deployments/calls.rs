//! What becomes of the occurrence that somebody is sent to: it names who drives there, and never somebody who does not.

use std::cmp::Reverse;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Deployment;
use super::store::{self, Which};
use crate::clock::Instant;
use crate::occurrences::MAX_UNIT;
use crate::occurrences::life::Ask;
use crate::occurrences::store as work;
use crate::refused::Refused;
use crate::reports::State;
use crate::reports::acts::{self, ActError, By};
use crate::reports::store as reports;

/// The least that an occurrence takes as a name of who is sent.
const LEAST_UNIT: usize = 2;

/// Who is sent, as an occurrence names them.
fn unit(one: &Deployment) -> String {
    let name = one.name.trim();
    let whole = if name.chars().count() < LEAST_UNIT { format!("{name} ({})", one.code) } else { name.to_owned() };
    whole.chars().take(MAX_UNIT).collect()
}

/// How the occurrence stands, held until the transaction ends: its state, when it was confirmed, and who is named as sent.
struct Call {
    id: Uuid,
    state: State,
    confirmed_at: Option<Instant>,
    unit: String,
    dispatched_at: Option<Instant>,
    /// Everybody who was sent there but the one that is looked at.
    others: Vec<Deployment>,
}

async fn call(conn: &mut PgConnection, one: &Deployment) -> sqlx::Result<Option<Call>> {
    let Some(id) = one.occurrence else { return Ok(None) };
    reports::lock(&mut *conn).await?;
    let Some((state, confirmed_at)) = reports::state(&mut *conn, id).await? else { return Ok(None) };
    let Some(work) = work::work(&mut *conn, id).await? else { return Ok(None) };
    let mut others = store::list(conn, Which { occurrence: Some(id), ..Which::default() }).await?;
    others.retain(|other| other.id != one.id);
    Ok(Some(Call { id, state, confirmed_at, unit: work.unit, dispatched_at: work.dispatched_at, others }))
}

impl Call {
    /// Whether whom it names was one of ours, and none of them is sent any more.
    fn names_nobody(&self) -> bool {
        let mut named = self.others.iter().filter(|one| unit(one) == self.unit).peekable();
        named.peek().is_some() && named.all(|one| !one.state.is_open())
    }
}

/// Somebody is sent: to an occurrence to which nobody was, or in the place of whoever does not come.
pub async fn send(conn: &mut PgConnection, by: By<'_>, one: &Deployment) -> Result<(), Refused> {
    let Some(call) = call(&mut *conn, one).await? else { return Ok(()) };
    let takes = match call.state {
        State::New | State::Confirmed => true,
        State::Dispatched => call.names_nobody(),
        _ => false,
    };
    if takes { decide(conn, by, (&call, by.now), Ask::Dispatch { unit: &unit(one) }).await } else { Ok(()) }
}

/// They are there since `at`, whoever was sent first.
pub async fn arrive(conn: &mut PgConnection, by: By<'_>, one: &Deployment, at: Instant) -> Result<(), Refused> {
    let Some(call) = call(&mut *conn, one).await? else { return Ok(()) };
    if call.state != State::Dispatched {
        return Ok(());
    }
    // Whoever was named after that came no earlier.
    let at = call.dispatched_at.map_or(at, |sent| at.max(sent));
    decide(&mut *conn, by, (&call, at), Ask::Arrive).await?;
    Ok(work::send(conn, call.id, &unit(one)).await?)
}

/// They do not come: another who was sent is named, or it stands as before anybody was.
pub async fn stand_down(conn: &mut PgConnection, by: By<'_>, one: &Deployment, why: &str) -> Result<(), Refused> {
    let Some(call) = call(&mut *conn, one).await? else { return Ok(()) };
    if call.state != State::Dispatched || call.unit != unit(one) {
        return Ok(());
    }
    let left = call.others.iter().filter(|other| other.state.is_open());
    if let Some(next) = left.max_by_key(|other| (other.state, Reverse(other.assigned_at))) {
        return decide(conn, by, (&call, by.now), Ask::Dispatch { unit: &unit(next) }).await;
    }
    let before = if call.confirmed_at.is_some() { State::Confirmed } else { State::New };
    let reason = format!("{}: {why}", one.name);
    decide(conn, by, (&call, by.now), Ask::StandDown { before, reason: &reason }).await
}

async fn decide(
    conn: &mut PgConnection,
    by: By<'_>,
    (call, at): (&Call, Instant),
    ask: Ask<'_>,
) -> Result<(), Refused> {
    match acts::decide_at(conn, by, call.id, ask, at).await {
        Ok(()) => Ok(()),
        Err(ActError::Database(error)) => Err(error.into()),
        Err(other) => Err(Refused::Conflict(other.to_string())),
    }
}
