//! Judges how urgent occurrences are when something about them changed, and when waiting counts for more. Rows with due times, so neither
//! a restart nor a second process does anything twice.

use std::time::Duration;

use super::{desk, store};
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(2);
/// Occurrences of one transaction.
const BATCH: i64 = 100;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(LOOK);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        if let Err(error) = in_time(once(&app, app.clock.now())).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the urgency of occurrences could not be judged; it is tried again"
            );
        }
    }
}

/// Judges what is due. Returns how many.
///
/// # Errors
/// What the database says; what was judged before stays.
pub async fn once(app: &App, now: Instant) -> anyhow::Result<usize> {
    let mut tx = app.db.dispatch.begin().await?;
    let due = store::due(&mut tx, now, BATCH).await?;
    for id in &due {
        desk::judge(&mut tx, *id, now).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}
