//! How long what is personal is kept. Each rule empties or removes what is older than its days, in batches, once a day; what
//! it did is kept in `retention_run`. Append-only records (audit, timelines, journal) are not touched; what happened to a
//! maintenance task goes with the whole task.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::config::Privacy;
use crate::db::{NIGHT_MAX, within};
use crate::units::vocabulary;

vocabulary! {
    /// One kind of data with a time of its own. Texts are `retention-RULE`.
    Rule, "rule of retention" {
        /// The address in rows of the outbox, in receipts and in what servers answered; the rows themselves stay.
        OutboxAddresses = "outbox_addresses",
        SinkMessages = "sink_messages",
        QuarantinePayloads = "quarantine_payloads",
        Notices = "notices",
        /// Codes, sessions and orders by SMS of residents, ended sessions of staff.
        Sessions = "sessions",
        /// How to ask reporters back.
        ReportContacts = "report_contacts",
        /// Names and notes in closed work at stations; what happened stays.
        MaintenanceTasks = "maintenance_tasks",
        /// And to whom of the staff they went.
        MorningReports = "morning_reports",
        /// The name in ended commands; the commands stay, and the audit names who sent them.
        CommandIssuers = "command_issuers",
        /// Where people in the field were; when they left and arrived stays.
        DeploymentPositions = "deployment_positions",
        /// Records of the vault beyond their own day.
        Vault = "vault",
    }
}

impl Rule {
    /// Days that the configuration gives it. Records of the vault carry their own day.
    pub const fn days(self, config: &Privacy) -> u32 {
        match self {
            Self::OutboxAddresses => config.outbox_address_days,
            Self::SinkMessages => config.sink_message_days,
            Self::QuarantinePayloads => config.quarantine_payload_days,
            Self::Notices => config.notice_days,
            Self::Sessions => config.session_days,
            Self::ReportContacts => config.report_contact_days,
            Self::MaintenanceTasks => config.maintenance_task_days,
            Self::MorningReports => config.morning_report_days,
            Self::CommandIssuers => config.command_issuer_days,
            Self::DeploymentPositions => config.deployment_position_days,
            Self::Vault => 0,
        }
    }

    /// Whether it is about people of the staff, not residents.
    pub const fn is_of_staff(self) -> bool {
        matches!(self, Self::MaintenanceTasks | Self::MorningReports | Self::CommandIssuers | Self::DeploymentPositions)
    }

    pub fn before(self, config: &Privacy, now: Instant) -> Instant {
        now - TimeDelta::days(self.days(config).into())
    }
}

/// What one rule would do, or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub rule: Rule,
    pub before: Instant,
    pub rows: i64,
}

/// How often the task looks whether a day has passed.
const LOOK: Duration = Duration::from_secs(600);
const DAY: TimeDelta = TimeDelta::hours(24);

/// What every rule would do now. Nothing is changed.
///
/// # Errors
/// The database's.
pub async fn look(conn: &mut sqlx::PgConnection, config: &Privacy, now: Instant) -> sqlx::Result<Vec<Done>> {
    let mut all = Vec::new();
    for rule in Rule::ALL {
        let before = rule.before(config, now);
        all.push(Done { rule: *rule, before, rows: store::due(&mut *conn, *rule, before).await? });
    }
    Ok(all)
}

/// Carries every rule out, each batch in a transaction of its own, and writes down what was done and in whose name. A rule
/// that fails does not keep the others from being carried out.
///
/// # Errors
/// The database's first; what was done stays done.
pub async fn carry_out(
    pool: &sqlx::PgPool,
    ids: &crate::ids::Ids,
    config: &Privacy,
    now: Instant,
    actor: &Actor,
) -> sqlx::Result<Vec<Done>> {
    let (mut all, mut failed) = (Vec::new(), None);
    for rule in Rule::ALL {
        match one(pool, ids, *rule, (rule.before(config, now), now)).await {
            Ok(done) => all.push(done),
            Err(error) => {
                tracing::error!(%rule, %error, "a rule of retention could not be carried out");
                failed = failed.or(Some(error));
            }
        }
    }
    let rows: serde_json::Map<_, _> =
        all.iter().filter(|done| done.rows > 0).map(|done| (done.rule.to_string(), done.rows.into())).collect();
    let mut tx = pool.begin().await?;
    let entry = Entry::new(Act::RetentionRun, "retention", "all").to(serde_json::json!({ "rows": rows }));
    audit::record(&mut tx, ids, now, actor, entry).await?;
    tx.commit().await?;
    failed.map_or(Ok(all), Err)
}

async fn one(
    pool: &sqlx::PgPool,
    ids: &crate::ids::Ids,
    rule: Rule,
    (before, now): (Instant, Instant),
) -> sqlx::Result<Done> {
    let mut rows = 0;
    loop {
        let batch = store::batch(&mut *pool.acquire().await?, rule, before).await?;
        rows += batch;
        if batch == 0 {
            break;
        }
    }
    let done = Done { rule, before, rows };
    store::write_run(&mut *pool.acquire().await?, ids.uuid(now), now, &done).await?;
    Ok(done)
}

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = within(NIGHT_MAX, once(&app)).await {
            tracing::warn!(%error, "the rules of retention wait for the database");
        }
    }
}

/// Carries the rules out when a day has passed, as the only process that does: each run is written down and told to the audit.
///
/// # Errors
/// The database's.
pub async fn once(app: &App) -> sqlx::Result<()> {
    let mut one = app.db.dispatch.acquire().await?;
    if !is_due(&mut one, app.clock.now()).await? {
        return Ok(());
    }
    // Whatever ends this early ends the session too, and the lock with it.
    one.close_on_drop();
    if !store::begin_run(&mut one).await? {
        return Ok(());
    }
    // Another may have done it between the look and the lock.
    if is_due(&mut one, app.clock.now()).await? {
        run_rules(app).await?;
    }
    store::end_run(&mut one).await
}

async fn is_due(conn: &mut sqlx::PgConnection, now: Instant) -> sqlx::Result<bool> {
    let last = store::last_run(conn).await?;
    Ok(last.is_none_or(|last| now - last >= DAY))
}

async fn run_rules(app: &App) -> sqlx::Result<()> {
    let now = app.clock.now();
    let done = carry_out(&app.db.dispatch, &app.ids, &app.config.privacy, now, &Actor::service()).await?;
    let rows: i64 = done.iter().map(|done| done.rows).sum();
    tracing::info!(rows, "the rules of retention were carried out");
    Ok(())
}
