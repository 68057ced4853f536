//! Tells webhooks of incidents and occurrences, each in the order in which they happened, on places that alerts leave free.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::message::{Happening, Request};
use super::request::{self, Said};
use super::send::{Sent, send};
use super::settings::Settings;
use super::store::attempt::{self, Cause};
use super::store::event::{self, Claimed, Room};
use super::worker::{judge, lapsed, logged};
use super::{Endpoint, store};
use crate::app::App;
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::dispatch::decide::{Next, Policy, Sending, State};
use crate::dispatch::held::Held;
use crate::outbound::Client;

/// Events under way at once, whatever is free.
pub const AT_ONCE: usize = 8;
/// Of those to endpoints that failed the last time: each may hold its place for the whole of a try.
const FAILING_AT_ONCE: i64 = 4;
/// Longer than any try, and than the writing of its end.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The same by our own clock.
const LEASE_HELD: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_millis(500);
const FORGET_EVERY: TimeDelta = TimeDelta::hours(1);

/// What is under way.
#[derive(Debug, Default)]
pub struct Telling {
    tries: JoinSet<()>,
    forgot_at: Instant,
}

impl Telling {
    pub fn len(&self) -> usize {
        self.tries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tries.is_empty()
    }

    /// Until one try ends.
    pub async fn one(&mut self) {
        self.tries.join_next().await;
    }

    /// Begins as many tries as there are `free` places.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(&mut self, app: &App, client: &Client, free: usize) -> sqlx::Result<()> {
        while self.tries.try_join_next().is_some() {}
        let rows = i64::try_from(free.min(AT_ONCE.saturating_sub(self.tries.len()))).unwrap_or(0);
        if rows == 0 {
            return Ok(());
        }
        let (now, held) = (app.clock.now(), Held::begin(LEASE_HELD));
        let mut tx = app.db.dispatch.begin().await?;
        let claimed = event::claim(&mut tx, now, Room { rows, failing: FAILING_AT_ONCE }, now + LEASE).await?;
        tx.commit().await?;
        for row in claimed {
            self.tries.spawn(deliver(app.clone(), client.clone(), row, held));
        }
        Ok(())
    }

    /// Takes back what a lost worker held, and says what was given up.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sweep(&mut self, app: &App, now: Instant) -> sqlx::Result<()> {
        let mut conn = app.db.dispatch.acquire().await?;
        let swept = event::sweep(&mut conn, now).await?;
        for (reason, count) in [("expired", swept.expired), ("too_many_wait", swept.crowded)] {
            if count > 0 {
                let counted = u64::try_from(count).unwrap_or_default();
                metrics::counter!("sentinela_endpoint_events_given_up_total", "reason" => reason).increment(counted);
                tracing::warn!(count, reason, "events were given up and reach no webhook");
            }
        }
        if now - self.forgot_at >= FORGET_EVERY {
            event::forget(&mut conn, now).await?;
            self.forgot_at = now;
        }
        Ok(())
    }
}

/// The same for every try of an event, and for its repetitions by hand.
pub fn message_id(event: i64) -> String {
    format!("evt_{event}")
}

/// As it is told here: where everything is exercised, as in a demonstration, so is what happens.
pub fn as_told(app: &App, happening: Happening) -> Happening {
    if app.config.alerts.status == AlertStatus::Actual { happening } else { happening.exercised() }
}

/// Why an endpoint does not hear of it, though it once did; nothing when it does.
fn refused(endpoint: &Endpoint, happening: &Happening) -> Option<&'static str> {
    let status = if happening.is_drill() { AlertStatus::Exercise } else { AlertStatus::Actual };
    match &endpoint.settings {
        Settings::Webhook(webhook) if webhook.events.iter().any(|topic| happening.is_of(*topic)) => {
            (!endpoint.statuses.contains(&status)).then_some("status_not_taken")
        }
        _ => Some("not_subscribed"),
    }
}

/// One try from its request to its end in the database.
async fn deliver(app: App, client: Client, row: Claimed, held: Held) {
    let (endpoint, request) = match prepared(&app, &row).await {
        Ok(made) => made,
        Err(error) => {
            tracing::warn!(%error, event = row.id, "an event cannot be made; its lease will tell");
            return;
        }
    };
    if request.is_ok() && !held.is_good() {
        return lapsed(&row.id);
    }
    let at = app.clock.now();
    let sent = match request {
        Ok(request) => Ok(send(&client, request).await),
        Err(why) => Err(why),
    };
    // What was sent is written down, whatever it takes; when the service stops without the database, the lease tells.
    while let Err(error) = ended(&app, &row, endpoint.as_ref(), &sent, at).await {
        if app.stop.is_cancelled() {
            tracing::error!(%error, event = row.id, "stopping without the database");
            return;
        }
        tracing::warn!(%error, event = row.id, "an event cannot be written down; holding it");
        tokio::time::sleep(RETRY).await;
    }
}

async fn prepared(app: &App, row: &Claimed) -> sqlx::Result<(Option<Endpoint>, Result<Request, String>)> {
    let mut conn = app.db.dispatch.acquire().await?;
    let Some(endpoint) = store::find(&mut conn, row.endpoint_id).await? else {
        return Ok((None, Err("it is gone".into())));
    };
    let happening = as_told(app, row.happening.clone());
    if let Some(why) = refused(&endpoint, &happening) {
        return Ok((Some(endpoint), Err(why.into())));
    }
    let id = message_id(row.id);
    let request = request::made(&mut conn, app, app.clock.now(), &endpoint, (Said::Event(&happening), &id)).await?;
    Ok((Some(endpoint), request))
}

async fn ended(
    app: &App,
    row: &Claimed,
    endpoint: Option<&Endpoint>,
    sent: &Result<Sent, String>,
    at: Instant,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let next = match sent {
        Ok(sent) => {
            let policy = Policy::of(&app.config.dispatch);
            // A receiver tells a repetition by its id: rather twice than never.
            let sending = Sending { attempt: row.attempt, expires_at: row.expires_at, life_safety: true };
            let chance = f64::from(u32::from_le_bytes(app.ids.bytes())) / f64::from(u32::MAX);
            sending.end(&sent.outcome, &policy, now, chance)
        }
        Err(why) => Next { state: State::Rejected, reason: why.clone(), next_attempt_at: None },
    };
    let mut tx = app.db.dispatch.begin().await?;
    event::complete(&mut tx, now, row, &next).await?;
    if let (Some(endpoint), Ok(sent)) = (endpoint, sent) {
        let tried = (Cause::Delivery, None, message_id(row.id), String::new());
        attempt::keep(&mut tx, endpoint.id, &logged(sent, tried, at)).await?;
        judge(&mut tx, app, now, endpoint, sent).await?;
    }
    tx.commit().await?;
    metrics::counter!("sentinela_endpoint_event_tries_total", "outcome" => next.state.as_str()).increment(1);
    Ok(())
}
