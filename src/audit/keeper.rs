//! The task that keeps the audit honest: notes the head of the chain outside the database, and carries out the checks that
//! somebody asked for.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::store::Head;
use super::{anchors, check, store};
use crate::app::App;
use crate::db::{NIGHT_MAX, in_time, within};
use crate::events::Event;

/// The head is noted this often when it moved.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// Runs until the service stops, and notes the head a last time then.
pub async fn run(app: App) {
    let mut keeper = Keeper::new(app.clone());
    let mut beat = tokio::time::interval(NOTE_EVERY);
    let mut events = app.events.subscribe();
    loop {
        let asked = tokio::select! {
            () = app.stop.cancelled() => break,
            _ = beat.tick() => {
                keeper.note().await;
                true
            }
            event = events.recv() => match event {
                Ok(event) => event == Event::AuditCheck,
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => break,
            },
        };
        if asked {
            tokio::select! {
                () = app.stop.cancelled() => break,
                done = within(NIGHT_MAX, check::carry_out(&app)) => {
                    if let Err(error) = done {
                        tracing::error!(error = format!("{error:#}"), "the check of the audit was interrupted; it begins again");
                    }
                }
            }
        }
    }
    keeper.note().await;
}

/// Remembers what it noted last.
#[derive(Debug)]
pub struct Keeper {
    app: App,
    noted: Option<Head>,
}

impl Keeper {
    pub const fn new(app: App) -> Self {
        Self { app, noted: None }
    }

    /// Notes the head if it moved. A failure is logged and tried again at the next beat: the acts go on.
    pub async fn note(&mut self) {
        if let Err(error) = in_time(self.try_note()).await {
            tracing::error!(error = format!("{error:#}"), "the head of the audit could not be noted");
            metrics::counter!("sentinela_audit_anchor_failures_total").increment(1);
        }
    }

    async fn try_note(&mut self) -> anyhow::Result<()> {
        let mut conn = self.app.db.web.acquire().await?;
        let Some(head) = store::head(&mut conn).await? else { return Ok(()) };
        drop(conn);
        if self.noted.as_ref() == Some(&head) {
            return Ok(());
        }
        let path = anchors::path(&self.app.config.data_dir);
        if self.noted.is_none()
            && anchors::read(&path)?.last().is_some_and(|last| last.seq == head.seq && last.hash[..] == head.hash[..])
        {
            self.noted = Some(head);
            return Ok(());
        }
        anchors::note(&path, self.app.clock.now(), &head)?;
        tracing::info!(%head, "audit");
        self.noted = Some(head);
        Ok(())
    }
}
