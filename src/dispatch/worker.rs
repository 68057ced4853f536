//! One task for each provider, so that none waits for another. Each wakes when rows are due (`Event::Outbox`) and once a second
//! in any case: a lost signal costs a second, never a message.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::channels::sink;
use super::feed;
use super::keeper;
use super::provider::{Provider, Transport, providers};
use super::store::{claim, notice, spread};
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::db::in_time;
use crate::events::{Event, notify};
use crate::ids::AlertId;
use crate::telemetry::trace;

/// Longest sleep of a task that nobody wakes.
pub(crate) const TICK: Duration = Duration::from_millis(500);
/// Least time between two notices of delivery for one alert.
const NOTICE_EVERY: Duration = Duration::from_millis(500);

/// Runs until the service stops; then what is on its way is finished and the rest is given back.
pub async fn run(app: App) {
    let holder = app.ids.uuid(app.clock.now());
    let moved = Moved::default();
    let mut tasks = JoinSet::new();
    let all = providers(&app.config);
    for provider in all.clone() {
        let of_channel = all.iter().filter(|other| other.channel == provider.channel).count();
        let others = i32::try_from(of_channel).unwrap_or(i32::MAX) - 1;
        let lane = Lane { app: app.clone(), provider, others, holder, moved: moved.clone() };
        tasks.spawn(lane.run());
    }
    tasks.spawn(spread_all(app.clone()));
    tasks.spawn(keeper::run(app.clone()));
    let mut every = tokio::time::interval(NOTICE_EVERY);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(Err(error)) => tracing::error!(%error, "a dispatch task ended badly"),
                Some(Ok(())) => {}
                None => break,
            },
            _ = every.tick() => moved.tell(&app).await,
        }
    }
    moved.tell(&app).await;
}

/// Writes the rest of large audiences.
async fn spread_all(app: App) {
    let mut events = app.events.subscribe();
    let mut watch = Stopwatch::start();
    while !app.stop.is_cancelled() {
        match in_time(spread_some(&app)).await {
            Ok(Some(step)) => {
                if step.is_last {
                    tracing::info!(alert = %step.alert, took = ?watch.elapsed(), "a large audience is written");
                    watch = Stopwatch::start();
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the rest of an audience waits for the database"),
        }
        tokio::select! {
            () = woken(&mut events) => {}
            () = tokio::time::sleep(TICK) => {}
            () = app.stop.cancelled() => {}
        }
        watch = Stopwatch::start();
    }
}

/// One step, if any audience waits for one.
async fn spread_some(app: &App) -> sqlx::Result<Option<spread::Step>> {
    let began_us = trace::now_us();
    let mut tx = app.db.dispatch.begin().await?;
    let Some(step) = spread::step(&mut tx, app.clock.now()).await? else { return Ok(None) };
    tx.commit().await?;
    drop(tracing::info_span!(target: trace::TARGET, "outbox.spread", alert = %step.alert, began_us));
    Ok(Some(step))
}

/// Alerts with delivery states that moved since the watchers were last told.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved(Arc<Mutex<BTreeSet<AlertId>>>);

impl Moved {
    pub fn add(&self, alerts: impl IntoIterator<Item = AlertId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(alerts);
    }

    async fn tell(&self, app: &App) {
        let alerts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if alerts.is_empty() {
            return;
        }
        let told = async {
            let mut conn = app.db.dispatch.acquire().await?;
            for alert in &alerts {
                notify(&mut conn, &Event::Delivery { alert_id: alert.0 }).await?;
            }
            Ok::<(), sqlx::Error>(())
        };
        if let Err(error) = in_time(told).await {
            tracing::warn!(%error, "watchers of deliveries were not told; they will be");
            self.add(alerts);
        }
    }
}

/// What every provider's task has.
pub(super) struct Lane {
    pub app: App,
    pub provider: Provider,
    /// How many more carry its channel.
    pub others: i32,
    pub holder: Uuid,
    pub moved: Moved,
}

impl Lane {
    async fn run(self) {
        match &self.provider.transport {
            Transport::Sink => self.run_sink().await,
            Transport::Smpp(_) | Transport::Http(_) | Transport::Smtp => feed::run(self).await,
        }
    }

    pub fn lease_until(&self, now: Instant) -> Instant {
        now + chrono::TimeDelta::seconds(self.app.config.dispatch.lease_s.into())
    }

    async fn run_sink(self) {
        let mut events = self.app.events.subscribe();
        let mut healthy = true;
        let mut passed = Stopwatch::start();
        while !self.app.stop.is_cancelled() {
            match self.drain_sink(&mut passed).await {
                Ok(()) => healthy = true,
                Err(error) if healthy => {
                    tracing::warn!(%error, provider = self.provider.name, "deliveries wait for the database");
                    healthy = false;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = woken(&mut events) => {}
                () = tokio::time::sleep(TICK) => {}
                () = self.app.stop.cancelled() => {}
            }
        }
        self.let_go().await;
    }

    /// How many messages the sink takes in one go: as many as a claim may have, or at its pace as many as the time that passed allows,
    /// a second's worth at most.
    fn sink_room(&self, passed: &Stopwatch) -> i64 {
        let dispatch = &self.app.config.dispatch;
        let rate = dispatch.sink_messages_per_second;
        if rate == 0 {
            return dispatch.claim_rows.into();
        }
        ((passed.elapsed().as_secs_f64().min(1.0) * f64::from(rate)) as i64).min(dispatch.claim_rows.into())
    }

    async fn drain_sink(&self, passed: &mut Stopwatch) -> sqlx::Result<()> {
        let now = self.app.clock.now();
        let held = in_time(async {
            let mut conn = self.app.db.dispatch.acquire().await?;
            let until = self.lease_until(now);
            if !claim::hold(&mut conn, now, &self.provider, self.holder, until, true).await? {
                return Ok::<_, sqlx::Error>(false);
            }
            drop(conn);
            self.sweep(now).await?;
            Ok(true)
        });
        if !held.await? {
            return Ok(());
        }
        while !self.app.stop.is_cancelled() {
            let room = self.sink_room(passed);
            if room == 0 {
                break;
            }
            in_time(sink::deliver_first(&self.app, &self.provider)).await?;
            let until = self.lease_until(self.app.clock.now());
            let moved = in_time(sink::deliver(&self.app, &self.provider, until, room)).await?;
            if moved.is_empty() {
                break;
            }
            *passed = Stopwatch::start();
            self.moved.add(moved);
        }
        while !self.app.stop.is_cancelled() && in_time(sink::deliver_notices(&self.app, &self.provider)).await? {}
        Ok(())
    }

    /// Takes back what a lost worker held, and ends what died.
    pub async fn sweep(&self, now: Instant) -> sqlx::Result<()> {
        let mut conn = self.app.db.dispatch.acquire().await?;
        let back = claim::take_back(&mut conn, now, self.provider.channel.as_str()).await?;
        if back > 0 {
            tracing::warn!(rows = back, provider = self.provider.name, "leases ended without an answer; sending again");
            metrics::counter!("sentinela_dispatch_leases_lost_total", "provider" => self.provider.name.clone())
                .increment(back);
        }
        self.moved.add(claim::bury(&mut conn, now, self.provider.channel.as_str()).await?);
        notice::sweep(&mut conn, now, self.provider.channel).await?;
        Ok(())
    }

    pub async fn let_go(&self) {
        let gone = async {
            let mut conn = self.app.db.dispatch.acquire().await?;
            claim::let_go(&mut conn, &self.provider, self.holder).await
        };
        if let Err(error) = in_time(gone).await {
            tracing::debug!(%error, provider = self.provider.name, "the provider's lease ends by itself");
        }
    }
}

/// Resolves when rows may be due.
pub(crate) async fn woken(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Outbox) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Nobody can wake us any more; the tick remains.
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}
