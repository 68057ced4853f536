//! Hears the hints of every process (NOTIFY) and passes them on inside this one.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::app::App;
use crate::events::{CHANNEL, Event};

/// Wait between two attempts to listen while the database is away.
const RETRY: Duration = Duration::from_secs(1);
/// What is said when there is nothing to say. Nobody is told of it.
const BEAT: &str = r#"{"kind":"beat"}"#;
const BEAT_EVERY: Duration = Duration::from_secs(15);
const SILENT_MAX: Duration = Duration::from_secs(50);

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
    let mut listener = super::in_time(async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    })
    .await?;
    let any_device = Event::Device { code: String::new() };
    for event in
        [Event::Catalogue, Event::Access, Event::Journal, Event::Levels, Event::Outbox, Event::Warning, any_device]
    {
        app.events.send(event);
    }
    tokio::select! {
        heard = hear(app, &mut listener) => heard,
        () = beat(app) => Ok(()),
    }
}

/// Until the connection ends, or is silent though somebody surely spoke.
async fn hear(app: &App, listener: &mut PgListener) -> sqlx::Result<()> {
    loop {
        // A database that moved to another machine may leave a connection that nothing ever comes over again.
        let Ok(hint) = tokio::time::timeout(SILENT_MAX, listener.try_recv()).await else {
            return Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        };
        let Some(hint) = hint? else { return Ok(()) };
        if hint.payload() == BEAT {
            continue;
        }
        match serde_json::from_str(hint.payload()) {
            Ok(event) => app.events.send(event),
            // Another version of the service may speak of things this one does not know.
            Err(error) => tracing::debug!(%error, payload = hint.payload(), "a hint that this version does not know"),
        }
    }
}

/// Speaks, so that nobody who listens takes silence for an end. A beat that fails is missed, and the connection with it.
async fn beat(app: &App) {
    let mut tick = tokio::time::interval(BEAT_EVERY);
    loop {
        tick.tick().await;
        let told = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(BEAT).execute(&app.db.web).await;
        if let Err(error) = told {
            tracing::debug!(%error, "a beat could not be sent");
        }
    }
}
