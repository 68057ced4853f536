//! Drafts reports of open incidents in time. Whether one is due is computed from the rows, so a restart or a second process drafts none twice.

use std::time::Duration;

use chrono::TimeDelta;

use super::{desk, store};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::refused::Refused;

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Incidents of one look.
const AT_ONCE: i64 = 20;

/// Runs until the service stops.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "situation reports wait for the database");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look; gives how many were drafted.
///
/// # Errors
/// What the database says.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let every_h = app.config.situation.draft_every_h;
    if every_h == 0 {
        return Ok(0);
    }
    let before = now - TimeDelta::hours(every_h.into());
    let due = store::due(&mut *app.db.dispatch.acquire().await?, before, AT_ONCE).await?;
    let actor = Actor::service();
    let mut drafted = 0;
    for incident in due {
        let mut tx = app.db.dispatch.begin().await?;
        let by = Acting { ids: &app.ids, now, actor: &actor };
        match desk::draft(&mut tx, by, incident).await {
            Ok(_) => {
                tx.commit().await?;
                drafted += 1;
            }
            Err(Refused::Database(error)) => return Err(error),
            // Somebody was quicker.
            Err(refused) => tracing::debug!(%refused, %incident, "no report is drafted"),
        }
    }
    Ok(drafted)
}
