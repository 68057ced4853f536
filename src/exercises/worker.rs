//! Announces exercises when their time has come, and tells open pages when an inject falls due.

use std::time::Duration;

use super::desk::Desk;
use super::schedule::Announced;
use super::store::read;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::{Event, notify};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(LOOK);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looked_at = app.clock.now();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = app.clock.now();
        if let Err(error) = in_time(round(&app, now)).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "exercises could not be announced; tried again in some seconds"
            );
        }
        match in_time(hint(&app, looked_at, now)).await {
            Ok(()) => looked_at = now,
            Err(error) => tracing::warn!(%error, "due injects could not be looked for; tried again in some seconds"),
        }
    }
}

/// One look. How many exercises were announced.
///
/// # Errors
/// The database's; then none of them was, and the next look tries again.
pub async fn round(app: &App, now: Instant) -> anyhow::Result<usize> {
    let mut tx = app.db.dispatch.begin().await?;
    let actor = Actor::service();
    let desk = Desk { app, now, actor: &actor };
    let mut announced = 0;
    for row in read::waiting(&mut tx, now).await? {
        let waiting = Announced {
            state: row.state.parse()?,
            starts_at: row.starts_at,
            days: row.announce_days,
            hours: row.announce_hours,
            days_at: row.announced_days_at,
            hours_at: row.announced_hours_at,
        };
        let Some(which) = waiting.due(now) else { continue };
        let told = desk.announce_due(&mut tx, row.id, which).await?;
        tracing::info!(exercise = %row.id, told, "an exercise was announced");
        announced += 1;
    }
    tx.commit().await?;
    Ok(announced)
}

/// Pages of the controller show what is due without anybody loading them anew.
async fn hint(app: &App, since: Instant, now: Instant) -> sqlx::Result<()> {
    let mut conn = app.db.dispatch.acquire().await?;
    for id in read::with_new_injects(&mut conn, since, now).await? {
        notify(&mut conn, &Event::Exercise { id: id.0 }).await?;
    }
    Ok(())
}
