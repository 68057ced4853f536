//! The end of an incident, in the transaction of the caller's, with its audit.

use serde_json::json;
use sqlx::PgConnection;

use super::{photographs, store};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::deployments::store::{self as deployments, Which};
use crate::ids::{Ids, IncidentId};
use crate::shelters::life::State;
use crate::shelters::store::of_incident;

#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error("the incident was not found")]
    NotFound,
    #[error("incident {0} is closed")]
    Closed(String),
    /// Whoever comes to the door of these could not be registered any more.
    #[error("shelters are in use for it: {}; close them first", .0.join(", "))]
    Sheltering(Vec<String>),
    /// What they do for it could no longer be told.
    #[error("teams are in the field for it: {}; release them first", .0.join(", "))]
    Deployed(Vec<String>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Closes an open incident for which no shelter is in use and nobody is in the field.
///
/// # Errors
/// What stands in the way.
pub async fn close(
    conn: &mut PgConnection,
    (ids, now): (&Ids, Instant),
    actor: &Actor,
    id: IncidentId,
    reason: &str,
) -> Result<(), CloseError> {
    let (number, state) = photographs::store::lock(&mut *conn, id).await?.ok_or(CloseError::NotFound)?;
    if state != "open" {
        return Err(CloseError::Closed(number));
    }
    let shelters = of_incident(&mut *conn, id).await?;
    let used = shelters.into_iter().filter(|one| one.incident == Some(id.0) && one.state != State::Closed);
    let used: Vec<String> = used.map(|one| one.what.name).collect();
    if !used.is_empty() {
        return Err(CloseError::Sheltering(used));
    }
    let sent = Which { incident: Some(id.0), open: true, ..Which::default() };
    let sent: Vec<String> = deployments::list(&mut *conn, sent).await?.into_iter().map(|one| one.name).collect();
    if !sent.is_empty() {
        return Err(CloseError::Deployed(sent));
    }
    store::close(&mut *conn, id, now, &actor.name, reason).await?;
    let entry = Entry::new(Act::IncidentClose, "incident", id).because(reason);
    let entry = entry.from(json!({ "state": "open" })).to(json!({ "state": "closed" }));
    Ok(audit::record(conn, ids, now, actor, entry).await?)
}
