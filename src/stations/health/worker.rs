//! Judges every station each minute and keeps what came of it: faults, tasks, clocks. The due time is a row, so that one of
//! several processes does the round and a restart repeats nothing.

use std::time::Duration;

use chrono::TimeDelta;

use super::reconcile::{Change, reconcile};
use super::{FaultKind, judge, store, tasks};
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::db::{ROUND_MAX, in_time, within};
use crate::events::{self, Event};

/// How often each process looks whether a round is due.
const LOOK: Duration = Duration::from_secs(5);
const EVERY: TimeDelta = TimeDelta::minutes(1);
const CLOCKS_EVERY: TimeDelta = TimeDelta::minutes(15);
/// A round is followed by this many times its own length without one, so that ten thousand gauges are not judged all the time.
const REST: u32 = 20;
const LONGEST_REST: TimeDelta = TimeDelta::minutes(15);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = within(ROUND_MAX, round(&app, app.clock.now())).await {
            tracing::warn!(%error, "the stations' health waits for the database");
        }
        if let Err(error) = within(ROUND_MAX, crate::morning::desk::round(&app, app.clock.now())).await {
            tracing::warn!(%error, "the morning report waits for the database");
        }
        if let Err(error) = in_time(measure(&app)).await {
            tracing::warn!(%error, "the faults of stations could not be counted");
        }
    }
}

/// One round, if it is due: everything it changes commits together. Answers whether it was done.
///
/// # Errors
/// What the database says.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<bool> {
    let limits = &app.config.health;
    let mut tx = app.db.dispatch.begin().await?;
    if !store::take(&mut tx, "health", now, now + EVERY).await? {
        return Ok(false);
    }
    let watch = Stopwatch::start();
    if store::take(&mut tx, "clock", now, now + CLOCKS_EVERY).await? {
        store::estimate_clocks(&mut tx, now, limits.clock_min_messages).await?;
    }
    let facts = store::facts(&mut tx, now, store::READINGS_A_ROUND).await?;
    let found: Vec<_> = facts
        .iter()
        .flat_map(|(station, facts)| judge(facts, now, limits).into_iter().map(move |fault| (*station, fault)))
        .collect();
    let open = store::open(&mut tx).await?;
    let changes = reconcile(&open, &found, now, limits);
    for change in &changes {
        store::write(&mut tx, now, change).await?;
    }
    store::put_off(&mut tx, "health", now + rest_after(watch.elapsed())).await?;
    let woken = tasks::wake(&mut tx, now).await?;
    let moved = tasks::follow(&mut tx, now, &changes).await?;
    if woken || moved {
        events::notify(&mut tx, &Event::Maintenance).await?;
    }
    tx.commit().await?;
    let opened = changes.iter().filter(|change| matches!(change, Change::Open(..))).count();
    if opened > 0 {
        tracing::info!(opened, "faults of stations opened");
    }
    Ok(true)
}

/// How long after its beginning a round of that length is followed by the next.
fn rest_after(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length * REST).map_or(LONGEST_REST, |rest| rest.clamp(EVERY, LONGEST_REST))
}

/// Open faults by kind, for `/metrics`.
async fn measure(app: &App) -> sqlx::Result<()> {
    let counts = store::counts(&mut *app.db.dispatch.acquire().await?).await?;
    for kind in FaultKind::ALL {
        let open = counts.iter().find(|(word, _)| word == kind.as_str()).map_or(0, |(_, open)| *open);
        metrics::gauge!("sentinela_station_faults", "kind" => kind.as_str()).set(open as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_takes_long_comes_seldom() {
        assert_eq!(rest_after(Duration::from_millis(40)), EVERY);
        assert_eq!(rest_after(Duration::from_secs(13)), TimeDelta::seconds(260));
        assert_eq!(rest_after(Duration::from_secs(180)), LONGEST_REST);
    }
}
