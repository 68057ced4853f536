//! The keeper of the journal's months.

use std::time::Duration;

use crate::app::App;
use crate::journal;

/// How often the keeper looks.
const LOOK: Duration = Duration::from_hours(1);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut beat = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        // Appends make what they lack; ahead of time nobody waits for it.
        if let Err(error) = journal::open_months_ahead(&app.db.dispatch, app.clock.now()).await {
            tracing::warn!(%error, "the journal's next months are not there yet; tried again in an hour");
        }
    }
}
