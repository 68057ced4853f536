//! Does what the law does by itself when a deadline has run out: silence that sanctions, a request that lapses.

use std::time::Duration;

use serde_json::Map;

use super::decide::Asked;
use super::desk::{self, CaseError, Desk};
use super::store;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::refused::Refused;

const LOOK_EVERY: Duration = Duration::from_secs(300);
/// Cases of one look and one transition.
const MOST: i64 = 200;

/// Runs until the service stops.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        if let Err(error) = round(&app, app.clock.now()).await {
            tracing::warn!(%error, "deadlines of the secretariat that ran out wait");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look. Gives how many cases went on.
///
/// # Errors
/// What the database says; what was done before it stays.
pub async fn round(app: &App, now: Instant) -> Result<usize, CaseError> {
    let (actor, who) = (Actor::service(), desk::service());
    let by = Acting { ids: &app.ids, now, actor: &actor };
    let tz = app.config.municipality.time_zone;
    let desk = Desk { types: &app.cases, by, tz, who: &who, config: &app.config, vault: &app.keys.vault };
    let mut done = 0;
    for kept in app.cases.all() {
        for one in &kept.def.transitions {
            let Some(code) = &one.automatic else { continue };
            let states: Vec<String> = one.from.iter().map(|from| from.get_ref().clone()).collect();
            let mut conn = app.db.web.acquire().await?;
            let due = store::run_out(&mut conn, (kept.def.key(), code.get_ref()), &states, (now, MOST)).await?;
            drop(conn);
            for id in due {
                done += usize::from(advance(app, desk, id, one.key()).await?);
            }
        }
    }
    Ok(done)
}

/// One case in a transaction of its own, so that one that is refused holds up no other.
async fn advance(app: &App, desk: Desk<'_>, id: uuid::Uuid, transition: &str) -> Result<bool, CaseError> {
    let mut tx = app.db.web.begin().await?;
    let Some(case) = store::load(&mut tx, id, true).await? else { return Ok(false) };
    let asked =
        Asked { transition: transition.to_owned(), revision: case.revision, reason: String::new(), fields: Map::new() };
    match desk::act(&mut tx, desk, id, &asked).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(true)
        }
        Err(CaseError::Refused(why @ (Refused::Conflict(_) | Refused::Forbidden(_) | Refused::Because(_)))) => {
            tracing::warn!(case = %id, transition, %why, "a case does not go on by itself");
            Ok(false)
        }
        Err(CaseError::Wrong(errors)) => {
            tracing::warn!(case = %id, transition, ?errors, "a case does not go on by itself");
            Ok(false)
        }
        Err(other) => Err(other),
    }
}
