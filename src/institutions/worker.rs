//! Once a second: institutions that are to be told. Everything is rows with due times, so neither a restart nor a second process tells
//! anybody twice.

use std::time::Duration;

use super::calls::{self, step};
use crate::app::App;
use crate::db::in_time;

/// Steps of one round; the next follows a second later.
const MOST: usize = 200;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        if let Err(error) = in_time(round(&app)).await {
            metrics::counter!("sentinela_institution_failures_total").increment(1);
            tracing::error!(%error, "institutions could not be told; it is tried again");
        }
    }
}

/// Everybody who is due now.
///
/// # Errors
/// What the database says; nothing of the interrupted step is kept.
pub async fn round(app: &App) -> sqlx::Result<()> {
    calls::count(app, app.clock.now()).await?;
    for _ in 0..MOST {
        if !step(app, app.clock.now()).await? {
            break;
        }
    }
    Ok(())
}
