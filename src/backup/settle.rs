//! What a restored database holds that may have left already: paused where a person can decide, ended as of unknown outcome where not.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::dispatch::control::{self, ControlError};
use crate::dispatch::desk::Desk;
use crate::ids::Ids;

/// Column `reason` of what was ended.
pub const WHY: &str = "restored";

#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Dispatch(#[from] ControlError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Settles everything in one transaction of the caller's, with its entry in the audit. `about`: the restoration, and the instant of the
/// copy.
///
/// Messages to residents of an alert are paused: whoever may issue alerts reads on its page how many went, and resumes (some may come
/// twice) or cancels (some may come never). No machine can know which.
///
/// # Errors
/// The database's.
pub async fn settle(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    about: (Uuid, Instant),
) -> Result<Value, SettleError> {
    let actor = Actor::command();
    let (id, taken_at) = about;
    let ended = store::end_what_may_have_left(&mut *conn, now, WHY).await?;
    let desk = Desk { ids, now, actor: &actor };
    let reason = format!("restaurado da cópia de {}: o que faltava pode já ter saído", taken_at.to_rfc3339());
    let mut paused = 0;
    for alert in store::unfinished(&mut *conn).await? {
        match desk.act(&mut *conn, alert, control::Act::Pause, &reason).await {
            Ok(done) if done.changed => paused += 1,
            // Paused or cancelled before, or nothing of it waits any more: it sends nothing either way.
            Ok(_) | Err(ControlError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let what = json!({ "paused_alerts": paused, "ended": ended, "taken_at": taken_at });
    store::settled(&mut *conn, id, &what).await?;
    let entry = Entry::new(Act::BackupRestore, "restoration", id).to(what.clone());
    audit::record(conn, ids, now, &actor, entry).await?;
    Ok(what)
}
