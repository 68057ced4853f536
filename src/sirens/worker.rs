//! Once a second: what sirens answered and said, sounds that are over, requests that ran out, tests that are due. Everything is rows
//! with times, so neither a restart nor a second process does anything twice.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgConnection;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::state::{Happening, Owed, Said, State};
use super::store::{self, Facts, Moved};
use super::{Act, desk};
use crate::accounts::Role;
use crate::alerts::escalation::store as staff;
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::stations::health::tasks::{self, TaskAct};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A connection may break and come back within this without anybody's worry.
const BLINK: TimeDelta = TimeDelta::minutes(2);
/// A silence that was asked within this may be answered still.
const ANSWERS_WITHIN: TimeDelta = TimeDelta::minutes(1);
/// How long it is worth a call that a siren may sound on.
const PAGE_FOR: TimeDelta = TimeDelta::hours(1);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    while !app.stop.is_cancelled() {
        if let Err(error) = in_time(round(&app, app.clock.now())).await {
            tracing::warn!(%error, "sirens cannot be looked at yet");
        }
        tokio::select! {
            () = heard(&mut events) => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Resolves when a device said something.
async fn heard(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Device { .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}

/// One look at everything.
///
/// # Errors
/// What the database says; nothing of it is kept then.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<()> {
    let mut tx = app.db.dispatch.begin().await?;
    let mut silenced = BTreeSet::new();
    for due in store::due_silences(&mut tx, now).await? {
        // Of several sounds that are over one silence is enough.
        if silenced.insert(due.siren) {
            desk::silence_in_time(&mut tx, &app.ids, now, &due).await?;
        } else {
            desk::over(&mut tx, now, &due).await?;
        }
    }
    let expired = store::request::expire(&mut tx, now).await?;
    let sirens = store::facts(&mut tx).await?;
    let ids: Vec<uuid::Uuid> = sirens.iter().map(|siren| siren.id.0).collect();
    let moved = store::take_moved(&mut tx, &ids).await?;
    for siren in &sirens {
        let of_it: Vec<&Moved> = moved.iter().filter(|moved| moved.siren == siren.id).collect();
        follow(&mut tx, app, now, siren, &of_it).await?;
    }
    if expired > 0 {
        notify(&mut tx, &Event::Device { code: String::new() }).await?;
    }
    tx.commit().await
}

/// What became of one siren, from what moved and what it says.
async fn follow(conn: &mut PgConnection, app: &App, now: Instant, siren: &Facts, moved: &[&Moved]) -> sqlx::Result<()> {
    let mut happenings: Vec<(Instant, Happening)> = moved.iter().filter_map(|moved| happened(moved)).collect();
    let said = siren.said.as_deref().and_then(word).zip(siren.said_at);
    let is_news = siren.said_at.is_some_and(|at| siren.reported_at.is_none_or(|before| at > before));
    if let Some((said, at)) = said.filter(|_| is_news) {
        happenings.push((at, Happening::Said { said, at }));
    }
    happenings.sort_by_key(|(at, _)| *at);
    let (mut state, owed) = happenings.into_iter().fold((siren.state, siren.owed), |(state, owed), (at, happening)| {
        (state.after(happening), owed.after(state, at, happening))
    });
    if is_away(siren, now, silent_after(app)) {
        state = state.after(Happening::OutOfContact);
    }
    state = state.after(Happening::Time(now));
    for moved in moved {
        settle(&mut *conn, now, moved).await?;
        if moved.act == Act::Test && matches!(moved.state.as_str(), "acknowledged" | "failed") {
            tested(&mut *conn, now, siren, moved).await?;
        }
    }
    if is_news && let Some(at) = siren.said_at {
        store::reported(&mut *conn, siren.id, at).await?;
    }
    if state != siren.state {
        store::keep(&mut *conn, now, siren.id, state).await?;
        notify(&mut *conn, &Event::Device { code: siren.code.clone() }).await?;
    }
    pay(&mut *conn, app, now, siren, (state, owed)).await?;
    remind(conn, app, now, siren).await
}

/// Sends the silence that is owed when it is due, and pages staff when silence failed for the first time.
async fn pay(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    siren: &Facts,
    (state, mut owed): (State, Owed),
) -> sqlx::Result<()> {
    if owed.is_due(now) {
        let busy = store::owed::busy(&mut *conn, siren.id, (now, now - ANSWERS_WITHIN)).await?;
        if busy.is_sounding {
            owed.at = None;
        } else if !busy.is_asked {
            // It says that it sounds on though silence was asked.
            let was_asked = siren.state == State::Silencing && state == State::Silencing;
            owed = Owed { at: None, failures: owed.failures.saturating_add(u32::from(was_asked)) };
            desk::silence(&mut *conn, &app.ids, now, siren.id).await?;
        }
    }
    if owed.failures > 0 && siren.owed.failures == 0 {
        metrics::counter!("sentinela_sirens_not_silenced_total").increment(1);
        tracing::error!(siren = siren.name, "a siren was told to be silent and MAY SOUND ON; it is told again");
        page(&mut *conn, app, now, siren).await?;
    }
    if owed != siren.owed {
        store::owed::keep(conn, siren.id, owed).await?;
    }
    Ok(())
}

/// Somebody has to go there: everybody who looks after the service, by every address they have.
async fn page(conn: &mut PgConnection, app: &App, now: Instant, siren: &Facts) -> sqlx::Result<()> {
    let keeps = |role: &Role| matches!(role, Role::Administrator | Role::Coordinator);
    let people = staff::people(&mut *conn).await?;
    for person in people.iter().filter(|person| person.roles.iter().any(keeps)) {
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let subject = lang.t1("siren-not-silent-subject", "name", &siren.name);
        let words = lang.t1("siren-not-silent", "name", &siren.name);
        let body = format!("{words}\n\n{}/console/sirens", app.config.public_url());
        for channel in [Channel::Sms, Channel::Email] {
            let Some(address) = person.address(channel) else { continue };
            let subject = if channel == Channel::Email { subject.as_str() } else { "" };
            let (body, expires_at) = (body.as_str(), now + PAGE_FOR);
            let notice = Notice { channel, address, subject, body, expires_at, purpose: notices::SIREN };
            notices::queue(&mut *conn, &app.ids, now, &notice).await?;
        }
    }
    Ok(())
}

fn word(said: &str) -> Option<Said> {
    match said {
        "idle" => Some(Said::Idle),
        "armed" => Some(Said::Armed),
        "sounding" => Some(Said::Sounding),
        _ => None,
    }
}

fn happened(moved: &Moved) -> Option<(Instant, Happening)> {
    let happening = match (moved.state.as_str(), moved.act) {
        ("sent", Act::Silence) => Happening::AskedForSilence,
        ("acknowledged", act) => Happening::Did { act, at: moved.at, duration_s: moved.duration_s },
        ("failed", act) => Happening::Failed(act),
        // It was told to be silent for an hour, and said nothing.
        ("expired", Act::Silence) => Happening::Failed(Act::Silence),
        _ => return None,
    };
    Some((moved.at, happening))
}

fn silent_after(app: &App) -> TimeDelta {
    TimeDelta::minutes(app.config.sirens.silent_after_min.into())
}

/// Whether nobody knows what it does.
fn is_away(siren: &Facts, now: Instant, silent_after: TimeDelta) -> bool {
    // Its own word may be written before its connection is.
    let heard_at = siren.last_seen_at.max(siren.said_at);
    let quiet_for = heard_at.map_or(TimeDelta::MAX, |at| now - at);
    match (siren.enabled, siren.online, siren.heard_by.as_str()) {
        (false, _, _) => true,
        (true, true, _) => false,
        (true, false, "mqtt") => quiet_for > BLINK,
        (true, false, _) => quiet_for > silent_after,
    }
}

/// The row of the alert that asked for it ends as the siren did.
async fn settle(conn: &mut PgConnection, now: Instant, moved: &Moved) -> sqlx::Result<()> {
    let Some(row) = moved.outbox else { return Ok(()) };
    let end = match moved.state.as_str() {
        "acknowledged" => (true, String::new()),
        "failed" => (false, format!("the siren: {}", moved.message)),
        "expired" => (false, "the siren did not answer".to_owned()),
        "cancelled" => (false, "taken back before the siren answered".to_owned()),
        _ => return Ok(()),
    };
    if let Some(alert) = store::settle(&mut *conn, now, row, (end.0, &end.1)).await? {
        notify(conn, &Event::Delivery { alert_id: alert.0 }).await?;
    }
    Ok(())
}

/// A test is a line of the station's maintenance: one that passed ends the reminder, one that failed asks for somebody.
async fn tested(conn: &mut PgConnection, now: Instant, siren: &Facts, moved: &Moved) -> sqlx::Result<()> {
    let passed = moved.state == "acknowledged";
    store::tested(&mut *conn, siren.id, moved.at, passed).await?;
    let told = if passed {
        tasks::settle(&mut *conn, now, siren.station, (TaskAct::SirenTestPassed, &siren.name)).await?
    } else {
        let detail = format!("{}: {}", siren.name, moved.message);
        tasks::remind(&mut *conn, now, siren.station, (TaskAct::SirenTestFailed, &detail)).await?;
        true
    };
    if told {
        notify(conn, &Event::Maintenance).await?;
    }
    Ok(())
}

/// Once for each time that a test is overdue.
async fn remind(conn: &mut PgConnection, app: &App, now: Instant, siren: &Facts) -> sqlx::Result<()> {
    let every = TimeDelta::days(app.config.sirens.test_every_days.into());
    let since = siren.tested_at.unwrap_or(siren.created_at);
    let is_due = now - since >= every && siren.reminded_at.is_none_or(|at| at < since);
    if every.is_zero() || !is_due {
        return Ok(());
    }
    store::reminded(&mut *conn, siren.id, now).await?;
    let days = (now - since).num_days();
    let detail = format!("{} ({days} d)", siren.name);
    tasks::remind(&mut *conn, now, siren.station, (TaskAct::SirenTestDue, &detail)).await?;
    notify(conn, &Event::Maintenance).await
}
