//! What changes while the service runs, when it is asked to by SIGHUP (`systemctl reload`). What cannot is named in the log; a restart
//! takes it up and loses nothing, because nothing that was accepted lives in memory alone.

use tokio::signal::unix::Signal;

use crate::app::App;
use crate::db::in_time;
use crate::events::{Event, notify};
use crate::telemetry;

/// Keys that take effect at once.
pub const AT_ONCE: &[&str] = &["log.level"];

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys that changed since the start and hold now.
    pub taken_up: Vec<String>,
    /// Keys that changed and wait for a restart.
    pub waiting: Vec<String>,
}

/// Reloads at each signal until the service stops.
pub async fn run(app: App, mut hangups: Signal) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            asked = hangups.recv() => if asked.is_none() { return app.stop.cancelled().await },
        }
        if let Err(error) = reload(&app).await {
            tracing::error!(error = format!("{error:#}"), "what was asked for cannot be taken up; all stays as it was");
        }
    }
}

/// Reads the configuration anew and takes up what may change, then has catalogue, rules and limits of quality read anew, those of
/// folders and files too.
///
/// # Errors
/// The configuration cannot be understood (then nothing changes), or the database is away (then the rules are read when they change).
pub async fn reload(app: &App) -> anyhow::Result<Reloaded> {
    let fresh = app.config.reread()?;
    telemetry::set_level(&fresh.log.level)?;
    let (taken_up, waiting) = app.config.changed(&fresh).into_iter().partition(|key| AT_ONCE.contains(&key.as_str()));
    let done = Reloaded { taken_up, waiting };
    tracing::info!(keys = done.taken_up.join(", "), "the configuration was read anew");
    if !done.waiting.is_empty() {
        tracing::warn!(keys = done.waiting.join(", "), "these keys changed and hold after a restart");
    }
    in_time(async { notify(&mut *app.db.web.acquire().await?, &Event::Catalogue).await }).await?;
    Ok(done)
}
