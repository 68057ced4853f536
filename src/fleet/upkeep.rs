//! Ends commands that nobody answered in time.

use std::time::Duration;

use super::store;
use crate::app::App;
use crate::db::in_time;

/// A command may show as waiting for this much longer than it lives; no device is told of it meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs until the service stops.
pub async fn run(app: App) {
    loop {
        match in_time(store::expire(&app.db.ingest, app.clock.now())).await {
            Ok(0) => {}
            Ok(count) => {
                metrics::counter!("sentinela_device_commands_total", "outcome" => "expired").increment(count);
                tracing::info!(count, "commands of devices ran out unanswered");
            }
            Err(error) => tracing::warn!(%error, "commands that ran out cannot be ended yet"),
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
