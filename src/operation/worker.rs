//! Looks at the service every few seconds: measures, proves the accounts, writes down what does not work, and beats the heart.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgConnection, PgPool};

use super::heartbeat::Heartbeat;
use super::judge::{self, CODES, Look, Part, Problem};
use super::process;
use super::store::{self, Figures};
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::db::in_time;
use crate::stations::certificate::Certificate;
use crate::units::Level;

const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Between two looks so far apart the service was not there.
const AWAY_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut watcher = Watcher::new(app.clone());
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = watcher.round(app.clock.now()) => {}
        }
    }
}

/// What a round came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another process writes down how the service fares.
    Others,
    /// Everything moves, and every message accounts for its recipients.
    Proved,
    Wrong(Vec<Problem>),
    /// The database could not be asked, so nothing is proved.
    Unknown,
}

/// Remembers between looks.
#[derive(Debug)]
pub struct Watcher {
    app: App,
    heartbeat: Heartbeat,
    /// What it says of itself, by which the others know what is done somewhere.
    process: store::Process,
    /// Commits of the ingest so far, and since when there was none although something waits.
    commits: u64,
    uncommitted: Option<Stopwatch>,
    is_known: bool,
    /// It was restored and nobody has released it.
    is_held: bool,
}

impl Watcher {
    pub fn new(app: App) -> Self {
        metrics::gauge!("sentinela_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Self {
            commits: app.ingest.commits(),
            process: store::Process {
                id: app.ids.uuid(app.clock.now()),
                node: app.config.node(),
                roles: app.config.roles.iter().map(|role| role.as_str().to_owned()).collect(),
                holding_s: 0.0,
            },
            app,
            heartbeat: Heartbeat::default(),
            uncommitted: None,
            is_known: true,
            is_held: false,
        }
    }

    /// One look. The heart beats only where everything was proved.
    pub async fn round(&mut self, now: Instant) -> Round {
        process::measure();
        process::measure_certificates(&self.app.config, now);
        measure_pools(&self.app).await;
        let round = match in_time(self.look(now)).await {
            Ok(round) => {
                self.is_known = true;
                round
            }
            Err(error) => {
                if std::mem::take(&mut self.is_known) {
                    tracing::error!(%error, "the accounts cannot be proved without the database; the heartbeat stays away");
                }
                Round::Unknown
            }
        };
        metrics::gauge!("sentinela_accounts_proved").set(match round {
            Round::Proved | Round::Others => 1.0,
            Round::Wrong(_) | Round::Unknown => 0.0,
        });
        if round == Round::Proved {
            metrics::gauge!("sentinela_accounts_proved_timestamp_seconds").set(now.timestamp() as f64);
            // A restored installation sends nothing yet, and the one it was copied from may beat.
            if !self.is_held {
                self.heartbeat.beat(&self.app).await;
            }
        }
        round
    }

    async fn look(&mut self, now: Instant) -> sqlx::Result<Round> {
        let today = now.with_timezone(&self.app.config.municipality.time_zone).date_naive();
        self.process.holding_s = self.uncommitted_s();
        // By itself, so that the others hear it however long the look takes.
        store::say(&mut *self.app.db.web.acquire().await?, &self.process).await?;
        let mut tx = self.app.db.web.begin().await?;
        let figures = store::figures(&mut tx, now, today).await?;
        let look = Look {
            evaluated_s: figures.evaluated_s,
            holders: store::holders(&mut tx).await?,
            kept_s: store::kept_s(&mut tx, now).await?,
            roles: store::covered(&mut tx).await?,
            channels: store::channels(&mut tx, now).await?,
            unbalanced: store::unbalanced(&mut tx, now).await?,
            late_steps: figures.late_steps,
            stuck: figures.stuck,
        };
        measure_figures(&figures, now);
        measure_look(&look);
        measure_outbox(&store::rows(&mut tx, now).await?);
        measure_levels(&store::levels(&mut tx).await?);
        let problems = judge::problems(&if self.is_played() { look.without_ages() } else { look });
        measure_problems(&problems);
        if !store::take_turn(&mut tx).await? {
            return Ok(if problems.is_empty() { Round::Others } else { Round::Wrong(problems) });
        }
        self.is_held = crate::backup::store::held(&mut tx).await?.is_some();
        self.note(&mut tx, now, &problems).await?;
        store::forget_gone(&mut tx).await?;
        tx.commit().await?;
        Ok(if problems.is_empty() { Round::Proved } else { Round::Wrong(problems) })
    }

    /// A demonstration plays hours in seconds, so ages by its clock say nothing.
    fn is_played(&self) -> bool {
        self.app.clock.is_played()
    }

    /// For how long this process has held readings without a commit.
    fn uncommitted_s(&mut self) -> f64 {
        let commits = self.app.ingest.commits();
        if self.app.ingest.queued() == 0 || commits != self.commits {
            self.commits = commits;
            self.uncommitted = None;
            return 0.0;
        }
        self.uncommitted.get_or_insert_with(Stopwatch::start).elapsed().as_secs_f64()
    }

    /// Writes down what does not work, and what works again.
    async fn note(&self, conn: &mut PgConnection, now: Instant, problems: &[Problem]) -> sqlx::Result<()> {
        if let Some(before) = store::look(&mut *conn, now).await?
            && now - before > AWAY_AFTER
            && !self.is_played()
        {
            tracing::warn!(since = %before, "the service was away");
            store::was_away(&mut *conn, before, now).await?;
        }
        for part in Part::ALL {
            let wrong: Vec<String> =
                problems.iter().filter(|one| one.part() == part).map(ToString::to_string).collect();
            if !store::tell(&mut *conn, now, part, wrong.is_empty()).await? {
                continue;
            }
            let (part, why) = (part.as_str(), wrong.join(", "));
            match wrong.is_empty() {
                true => tracing::warn!(part, "this part of the service works again"),
                false => tracing::error!(part, why, "a part of the service DOES NOT WORK"),
            }
        }
        Ok(())
    }
}

/// How many connections each pool has, and how long one more is waited for now.
async fn measure_pools(app: &App) {
    let pools: [(&'static str, &PgPool); 3] =
        [("ingest", &app.db.ingest), ("dispatch", &app.db.dispatch), ("web", &app.db.web)];
    for (name, pool) in pools {
        let (all, idle) = (f64::from(pool.size()), pool.num_idle() as f64);
        metrics::gauge!("sentinela_database_connections", "pool" => name, "state" => "idle").set(idle);
        metrics::gauge!("sentinela_database_connections", "pool" => name, "state" => "busy").set((all - idle).max(0.0));
        let watch = Stopwatch::start();
        let outcome = if pool.acquire().await.is_ok() { "ok" } else { "failed" };
        metrics::histogram!("sentinela_database_acquire_seconds", "pool" => name).record(watch.elapsed().as_secs_f64());
        metrics::counter!("sentinela_database_probes_total", "pool" => name, "outcome" => outcome).increment(1);
    }
}

/// Ages that nobody knows are left as they were: they begin with what they are ages of.
fn measure_figures(figures: &Figures, now: Instant) {
    metrics::gauge!("sentinela_escalations_waiting").set(figures.escalations as f64);
    metrics::gauge!("sentinela_alerts_unanswered").set(figures.unanswered as f64);
    metrics::gauge!("sentinela_timers_overdue").set((figures.late_steps + figures.stuck) as f64);
    metrics::gauge!("sentinela_deadlines_open", "when" => "late").set(figures.deadlines_late as f64);
    metrics::gauge!("sentinela_deadlines_open", "when" => "near").set(figures.deadlines_near as f64);
    metrics::gauge!("sentinela_receipts_unmatched").set(figures.receipts_unmatched as f64);
    metrics::gauge!("sentinela_receipts_unmatched_age_seconds").set(figures.receipts_unmatched_s.unwrap_or_default());
    if let Some(age) = figures.receipt_s {
        metrics::gauge!("sentinela_receipt_age_seconds").set(age);
    }
    if let Some(age) = figures.audit_verified_s {
        metrics::gauge!("sentinela_audit_verified_age_seconds").set(age);
    }
    metrics::gauge!("sentinela_notices_pending").set(figures.notices as f64);
    metrics::gauge!("sentinela_deliveries_paused").set(figures.paused as f64);
    for (state, count) in [("draft", figures.drafts), ("submitted", figures.submitted), ("in_force", figures.in_force)]
    {
        metrics::gauge!("sentinela_alerts", "state" => state).set(count as f64);
    }
    if let Some(Ok(certificate)) = figures.certificate.as_deref().map(Certificate::from_der) {
        process::measure_certificate("signing", certificate.not_after, now);
    }
}

/// The age of an evaluation that never was, in seconds: no rule and no picture may take it for a young one.
const NEVER_S: f64 = 365.0 * 86_400.0;

fn measure_look(look: &Look) {
    metrics::gauge!("sentinela_evaluation_age_seconds").set(look.evaluated_s.unwrap_or(NEVER_S));
    metrics::gauge!("sentinela_accounts_unbalanced").set(look.unbalanced as f64);
    for channel in &look.channels {
        let name = || channel.name.clone();
        metrics::gauge!("sentinela_outbox_oldest_age_seconds", "channel" => name())
            .set(channel.waiting_s.unwrap_or_default().max(0.0));
        metrics::gauge!("sentinela_outbox_due_age_seconds", "channel" => name())
            .set(channel.due_s.unwrap_or_default().max(0.0));
        metrics::gauge!("sentinela_channel_providers", "channel" => name(), "state" => "healthy")
            .set(channel.healthy as f64);
        let ill = channel.claimers - channel.healthy;
        metrics::gauge!("sentinela_channel_providers", "channel" => name(), "state" => "away").set(ill as f64);
    }
}

/// Every state of every channel, so that one that is over shows none.
fn measure_outbox(rows: &[(String, String, i64)]) {
    const STATES: [&str; 9] =
        ["pending", "sending", "accepted", "unknown", "delivered", "rejected", "undelivered", "expired", "suppressed"];
    for channel in ["sms", "email", "webhook", "siren", "chat"] {
        for state in STATES {
            let of = |row: &&(String, String, i64)| row.0 == channel && row.1 == state;
            let count: i64 = rows.iter().filter(of).map(|row| row.2).sum();
            metrics::gauge!("sentinela_outbox_rows", "channel" => channel, "state" => state).set(count as f64);
        }
    }
}

fn measure_levels(levels: &[(String, i64)]) {
    for level in Level::ALL {
        let areas = levels.iter().find(|(word, _)| word == level.as_str()).map_or(0, |(_, areas)| *areas);
        metrics::gauge!("sentinela_areas", "level" => level.as_str()).set(areas as f64);
    }
}

fn measure_problems(problems: &[Problem]) {
    for code in CODES {
        let is_there = problems.iter().any(|one| one.code() == code);
        metrics::gauge!("sentinela_problem", "problem" => code).set(f64::from(u8::from(is_there)));
    }
    for part in Part::ALL {
        let works = problems.iter().all(|one| one.part() != part);
        metrics::gauge!("sentinela_part_working", "part" => part.as_str()).set(f64::from(u8::from(works)));
    }
}
