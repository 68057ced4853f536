//! A restored installation sends nothing until a person says that the one it was copied from stands still.
//!
//! Readings are taken, levels judged, alerts written and approved meanwhile. What would leave (messages, webhooks, sirens, pages to
//! staff) and what would be taken away from the other one (subscriptions at a shared broker, letters in a maildir) waits.

use std::time::Duration;

use super::store;
use crate::app::App;
use crate::db::in_time;

/// How soon a release is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Rounds between two reminders in the log.
const REMIND: u32 = 600;

/// Resolves with true when nothing is held, and with false when the service stops before. While the database does not answer nobody
/// knows, so nothing leaves.
pub async fn released(app: &App, what: &str) -> bool {
    let mut rounds = 0_u32;
    loop {
        match look(app).await {
            Ok(None) => return true,
            Ok(Some(held)) if rounds.is_multiple_of(REMIND) => {
                tracing::error!(
                    file = held.file, taken_at = %held.taken_at, what,
                    "HELD: this installation was restored from a backup and sends nothing. When the one it was copied from is stopped for \
                     good: sentinela take-over"
                );
                rounds = rounds.wrapping_add(1);
            }
            Ok(Some(_)) => rounds = rounds.wrapping_add(1),
            Err(error) => tracing::debug!(%error, what, "whether this installation is held is not known yet"),
        }
        tokio::select! {
            () = app.stop.cancelled() => return false,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// By the connections of what leaves: a crowd on the pages holds up no warning.
async fn look(app: &App) -> sqlx::Result<Option<store::Held>> {
    in_time(async { store::held(&mut *app.db.dispatch.acquire().await?).await }).await
}

/// A task that begins once nothing is held.
pub async fn then(app: App, what: &'static str, task: impl Future<Output = ()>) {
    if released(&app, what).await {
        task.await;
    }
}
