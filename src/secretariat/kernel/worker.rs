//! Does what the law does by itself when a deadline has run out: silence that sanctions, a request that lapses.

use std::time::Duration;

use serde_json::Map;
use uuid::Uuid;

use super::decide::Asked;
use super::desk::{self, CaseError, Desk};
use super::{SUBJECT, store};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::deadlines;
use crate::refused::Refused;

const LOOK_EVERY: Duration = Duration::from_secs(300);
/// Cases of one look and one transition.
const MOST: i64 = 200;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "deadlines of the secretariat that ran out wait");
        }
        if let Err(error) = within(ROUND_MAX, super::remind::round(&app, app.clock.now())).await {
            tracing::warn!(%error, "reminders of the secretariat wait for the database");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
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
            // Those that are refused stay as they are and are not asked for again in this round, so that they hold up no other.
            let mut refused: Vec<Uuid> = Vec::new();
            loop {
                let mut conn = app.db.web.acquire().await?;
                let of = (kept.def.key(), code.get_ref().as_str());
                let due = store::run_out(&mut conn, of, (&states, &refused), (now, MOST)).await?;
                drop(conn);
                let is_last = i64::try_from(due.len()).unwrap_or(MOST) < MOST || app.stop.is_cancelled();
                for id in due {
                    if advance(app, desk, id, (one.key(), code.get_ref())).await? {
                        done += 1;
                    } else {
                        refused.push(id);
                    }
                }
                if is_last {
                    break;
                }
            }
        }
    }
    Ok(done)
}

/// One case in a transaction of its own, so that one that is refused holds up no other.
async fn advance(app: &App, desk: Desk<'_>, id: Uuid, (transition, code): (&str, &str)) -> Result<bool, CaseError> {
    let mut tx = app.db.web.begin().await?;
    let Some(case) = store::load(&mut tx, id, true).await? else { return Ok(false) };
    // Somebody may have put it off since it was found.
    let running = deadlines::store::list(&mut tx, Some((SUBJECT, id)), true).await?;
    if !running.iter().any(|one| one.code == code && one.is_late(desk.by.now)) {
        return Ok(false);
    }
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
