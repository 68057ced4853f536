//! Reminds coordinators of plans whose review is near, and once more when it is due. What was told stands in the row, so neither a restart
//! nor a second process tells twice.

use std::time::Duration;

use chrono::TimeDelta;

use super::REMIND_DAYS;
use super::store::plans as store;
use crate::accounts::Role;
use crate::alerts::escalation::store as staff;
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;

const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How long a reminder is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut rest = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = in_time(round(&app, app.clock.now())).await {
            tracing::warn!(%error, "reviews of plans wait for the database");
        }
        tokio::select! {
            () = rest.wait(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// One look. Gives how many plans were told of.
///
/// # Errors
/// What the database says; nothing of it is kept then.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.dispatch.begin().await?;
    let due = store::take_due_reviews(&mut tx, today, today + TimeDelta::days(REMIND_DAYS)).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let people = staff::people(&mut tx).await?;
    for (code, title, review_on) in &due {
        for person in people.iter().filter(|person| person.roles.contains(&Role::Coordinator)) {
            let Some(address) = person.address(Channel::Email) else { continue };
            let lang = Lang::from_tag(&person.language).unwrap_or_default();
            let subject = lang.t2("plan-review-subject", "title", title, "day", review_on.format("%d/%m/%Y"));
            let body = format!("{subject}\n\n{}/console/plans/{code}\n", app.config.public_url());
            let (channel, expires_at, purpose) = (Channel::Email, now + GOOD_FOR, "plan_review");
            let notice = Notice { channel, address, subject: &subject, body: &body, expires_at, purpose };
            notices::queue(&mut tx, &app.ids, now, &notice).await?;
        }
    }
    notify(&mut tx, &Event::Outbox).await?;
    tx.commit().await?;
    Ok(due.len())
}
