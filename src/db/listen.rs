//! Hears the hints of every process (NOTIFY) and passes them on inside this one.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::app::App;
use crate::events::{CHANNEL, Event};

/// Wait between two attempts to listen while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the service stops. Hints that were sent while the connection was down are lost, so after each new
/// connection everyone is told to look again.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        let heard = tokio::select! {
            () = app.stop.cancelled() => return,
            heard = listen(&app) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "hints from the database are interrupted");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn listen(app: &App) -> sqlx::Result<()> {
    // A pool of its own: the connection is held for good and must not be missing from the others.
    let pool = super::pool(&app.db.web.connect_options(), "listen", 1);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let any_device = Event::Device { code: String::new() };
    for event in
        [Event::Catalogue, Event::Access, Event::Journal, Event::Levels, Event::Outbox, Event::Warning, any_device]
    {
        app.events.send(event);
    }
    while let Some(hint) = listener.try_recv().await? {
        match serde_json::from_str(hint.payload()) {
            Ok(event) => app.events.send(event),
            // Another version of the service may speak of things this one does not know.
            Err(error) => tracing::debug!(%error, payload = hint.payload(), "a hint that this version does not know"),
        }
    }
    Ok(())
}
