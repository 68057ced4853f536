//! Carries comparisons out, one after the other, beside everything else: on a thread of its own, with its progress kept, and
//! ended within a second when somebody cancels it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::broadcast::error::RecvError;

use super::desk::{At, Desk, RuleError};
use super::job::{self, BackTest, Progress, Work};
use super::life::State;
use super::preview::{Compared, Stretch, reach};
use super::store::previews::{self, Doing, MOST_READINGS, Preview};
use super::{store, sync, town};
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::db::{NIGHT_MAX, within};
use crate::engine::ReadingInput;
use crate::events::{Event, notify};
use crate::risk::network::Network;
use crate::risk::store::load_limits;

/// How often each process looks for work without a hint.
const LOOK: Duration = Duration::from_secs(10);
/// How often it says how far it is, and asks whether to go on.
const BEAT: Duration = Duration::from_millis(500);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
            heard = events.recv() => match heard {
                Ok(Event::Rules) | Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => return,
            },
        }
        loop {
            match within(NIGHT_MAX, carry_out_next(&app)).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "comparisons of rules wait for the database");
                    break;
                }
            }
        }
    }
}

/// Carries out the next comparison that waits. False when none does.
///
/// # Errors
/// What the database says; what is wrong with the comparison itself is kept with it.
pub async fn carry_out_next(app: &App) -> anyhow::Result<bool> {
    let steps = i32::try_from(job::steps())?;
    let mut conn = app.db.dispatch.acquire().await?;
    let Some(preview) = previews::take(&mut conn, app.clock.now(), steps).await? else { return Ok(false) };
    notify(&mut conn, &Event::Rules).await?;
    drop(conn);
    let outcome = compare(app, &preview).await;
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let (ended, failure) = match outcome {
        Ok(Some(stretches)) => match keep(app, &mut tx, &preview, stretches).await {
            Ok(()) => (Doing::Done, String::new()),
            Err(RuleError::Database(error)) => return Err(error.into()),
            Err(refused) => (Doing::Failed, refused.to_string()),
        },
        Ok(None) => (Doing::Cancelled, String::new()),
        Err(error) => (Doing::Failed, format!("{error:#}")),
    };
    if !previews::end(&mut tx, now, preview.id, ended, &failure).await? {
        // Cancelled in the last moment: nothing of it is kept.
        tx.rollback().await?;
        return Ok(true);
    }
    notify(&mut tx, &Event::Rules).await?;
    tx.commit().await?;
    Ok(true)
}

async fn keep(
    app: &App,
    conn: &mut sqlx::PgConnection,
    preview: &Preview,
    stretches: Vec<Compared>,
) -> Result<(), RuleError> {
    let now = app.clock.now();
    let versions = store::versions(&mut *conn, Some(&preview.rule_id)).await?;
    let active_version = versions.iter().find(|version| version.state == State::Active).map(|version| version.version);
    let result = BackTest { at: now, days: preview.days, active_version, stretches };
    let result = serde_json::to_value(result).map_err(anyhow::Error::from)?;
    let service = Actor::service();
    let (engine, zone) = (&app.config.engine, app.config.municipality.time_zone);
    let desk = Desk { engine, zone, ids: &app.ids, now, by: &service };
    let at = At { rule: &preview.rule_id, version: preview.version, revision: Some(preview.revision) };
    desk.back_tested(conn, at, &result).await
}

/// None when it was cancelled.
async fn compare(app: &App, preview: &Preview) -> anyhow::Result<Option<Vec<Compared>>> {
    let work = gather(app, preview).await?;
    let progress = Arc::new(Progress::default());
    let (own, id) = (Arc::clone(&progress), preview.id);
    let mut task = tokio::task::spawn_blocking(move || job::carry_out(&work, &own));
    let mut beat = tokio::time::interval(BEAT);
    let mut told = 0;
    loop {
        tokio::select! {
            done = &mut task => return done?,
            () = app.stop.cancelled() => progress.stop.store(true, Ordering::Relaxed),
            _ = beat.tick() => {}
        }
        let done = progress.done.load(Ordering::Relaxed);
        let mut conn = app.db.dispatch.acquire().await?;
        if !previews::progress(&mut conn, app.clock.now(), id, i32::try_from(done)?).await? {
            progress.stop.store(true, Ordering::Relaxed);
        }
        if done != told {
            told = done;
            notify(&mut conn, &Event::Rules).await?;
        }
        if progress.stop.load(Ordering::Relaxed) {
            return task.await?;
        }
    }
}

async fn gather(app: &App, preview: &Preview) -> anyhow::Result<Work> {
    let now = app.clock.now();
    let limits = load_limits(&app.config.engine.quality_file)?;
    let mut conn = app.db.dispatch.acquire().await?;
    let version = store::find(&mut conn, &preview.rule_id, preview.version).await?;
    let version = version.ok_or_else(|| anyhow::anyhow!("the version is gone"))?;
    let candidate = sync::parse(&version)?;
    let network = town::read(&mut conn, &app.config.engine).await?;
    let active = network.rules.iter().find(|rule| rule.id == candidate.id).cloned();
    let from = now - TimeDelta::days(preview.days.into());
    let reach = reach(&network, std::iter::once(&candidate).chain(&active))?;
    let readings = previews::readings(&mut conn, (from, now), reach, MOST_READINGS).await?;
    let readings = readings.ok_or_else(|| {
        anyhow::anyhow!("the journal holds more than {MOST_READINGS} readings of that time; choose fewer days")
    })?;
    let journal = last_days(app, network, readings, (from, now));
    Ok(Work { candidate, active, journal, limits, draft_from: app.config.alerts.draft_from })
}

/// The journal's last days, as far back as it has any; none where it has none.
pub fn last_days(
    app: &App,
    network: Network,
    readings: Vec<ReadingInput>,
    (from, to): (Instant, Instant),
) -> Option<Stretch> {
    let first = readings.iter().map(|reading| reading.received_at).min()?;
    let from = from.max(first - TimeDelta::microseconds(1));
    let zone = app.config.municipality.time_zone;
    Some(Stretch { key: "journal".into(), title: String::new(), network, zone, readings, from, to })
}
