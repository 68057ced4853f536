//! The keeper of the journal's months: makes those ahead, and closes those that the policy keeps no readings of.

use std::time::Duration;

use chrono::NaiveDate;

use super::policy;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::{NIGHT_MAX, in_time, within};
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
        if let Err(error) = in_time(journal::open_months_ahead(&app.db.dispatch, app.clock.now())).await {
            tracing::warn!(%error, "the journal's next months are not there yet; tried again in an hour");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            closed = within(NIGHT_MAX, close_due(&app)) => {
                if let Err(error) = closed {
                    tracing::warn!(error = format!("{error:#}"), "a month of the journal could not be closed; tried again in an hour");
                }
            }
        }
    }
}

async fn close_due(app: &App) -> anyhow::Result<()> {
    let (policy, now) = (&app.config.history, app.clock.now());
    while let Some(closed) = policy::close_one(&app.db.dispatch, &app.ids, policy, now, &Actor::service()).await? {
        tracing::info!(month = %closed.month, readings = closed.contents.readings, doubts = closed.contents.flags, "of a month of the journal only the hours are kept now");
    }
    Ok(())
}

/// The first instant of a day in UTC.
pub fn midnight(day: NaiveDate) -> Instant {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
