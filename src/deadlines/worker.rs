//! Reminds coordinators of deadlines that are near, and once more on the last day. What was told stands in the row, so neither a restart
//! nor a second process tells twice.

use std::time::Duration;

use chrono::TimeDelta;

use super::{desk, store, words};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::alerts::escalation::store as staff;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::refused::Refused;

const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How long a reminder is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = in_time(round(&app, app.clock.now())).await {
            tracing::warn!(%error, "reminders of deadlines wait for the database");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look. Gives how many deadlines were told of.
///
/// # Errors
/// What the database says; nothing of it is kept then.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    lapse(app, now).await?;
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.dispatch.begin().await?;
    let due = store::take_due(&mut tx, today).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let people = staff::people(&mut tx).await?;
    let coordinators = people.iter().filter(|person| person.roles.contains(&Role::Coordinator));
    let reached: Vec<_> = coordinators.filter_map(|one| Some((one, one.address(Channel::Email)?))).collect();
    if reached.is_empty() {
        // Nothing is kept: they are told as soon as somebody can be.
        tracing::error!(deadlines = due.len(), "no coordinator has an e-mail address: nobody is reminded of deadlines");
        return Ok(0);
    }
    for (code, title, link, day) in &due {
        for (person, address) in &reached {
            let lang = Lang::from_tag(&person.language).unwrap_or_default();
            let key = if *day < today { "deadline-reminder-late" } else { "deadline-reminder" };
            let what = format!("{}: {title}", words::name(lang, code));
            let subject = lang.t2(key, "what", what, "day", day.format("%d/%m/%Y"));
            let body = format!("{subject}\n\n{}{link}\n", app.config.public_url());
            let (channel, expires_at, purpose) = (Channel::Email, now + GOOD_FOR, "deadline");
            let notice = Notice { channel, address, subject: &subject, body: &body, expires_at, purpose };
            notices::queue(&mut tx, &app.ids, now, &notice).await?;
        }
    }
    notify(&mut tx, &Event::Outbox).await?;
    tx.commit().await?;
    Ok(due.len())
}

/// Ends what only held for a time.
async fn lapse(app: &App, now: Instant) -> sqlx::Result<()> {
    let actor = Actor::service();
    let by = Acting { ids: &app.ids, now, actor: &actor };
    let mut tx = app.db.dispatch.begin().await?;
    match desk::lapse(&mut tx, by, app.config.municipality.time_zone).await {
        Ok(_) => tx.commit().await,
        Err(Refused::Database(error)) => Err(error),
        Err(refused) => {
            tracing::error!(%refused, "deadlines that are over stay open");
            Ok(())
        }
    }
}
