//! Lets planned versions take force when their time has come, and forgets imports that nobody took in.

use std::time::Duration;

use chrono::TimeDelta;

use super::store;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::db::{ROUND_MAX, within};
use crate::events::{self, Event};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long an import waits for somebody to take it in.
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(LOOK);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "planned versions of areas could not be looked at; tried again in a second");
        }
    }
}

/// One look. How many versions took force.
///
/// # Errors
/// The database's; then none of them did, and the next look tries again.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let mut tx = app.db.dispatch.begin().await?;
    let released = store::release_due(&mut tx, now).await?;
    let forgotten = store::forget_imports(&mut tx, now - KEPT_FOR).await?;
    if released.is_empty() && forgotten == 0 {
        tx.rollback().await?;
        return Ok(0);
    }
    for (code, after) in &released {
        let entry = Entry::new(Act::AreaTakeForce, "area", code).to(after.clone());
        audit::record(&mut tx, &app.ids, now, &Actor::service(), entry).await?;
        tracing::info!(area = code, "a planned version took force");
    }
    if !released.is_empty() {
        events::notify(&mut tx, &Event::Catalogue).await?;
    }
    tx.commit().await?;
    Ok(released.len())
}
