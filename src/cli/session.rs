//! What a command needs that works beside a service: the database, which may be the service's own private one.

use sqlx::postgres::Postgres;
use sqlx::{PgPool, Transaction};

use crate::clock::Clock;
use crate::config::{Config, Log};
use crate::db::open::Database;
use crate::ids::Ids;
use crate::telemetry;

/// An open, migrated database for one command.
pub struct Session {
    pub config: Config,
    pub clock: Clock,
    pub ids: Ids,
    pub pool: PgPool,
    database: Database,
}

impl Session {
    /// # Errors
    /// The database is missing something; the message says what to do.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        quiet_logs(&config.log)?;
        let database = Database::join(&config).await?;
        let pool = crate::db::pool(&database.options, "command", 2);
        Ok(Self { config, clock: Clock::System, ids: Ids::system(), pool, database })
    }

    /// For filling in the past: commits without waiting for the disk. Whatever commits on `pool` afterwards says that all of
    /// it is safe, because the log is written in order.
    pub fn history_pool(&self) -> PgPool {
        crate::db::history_pool(&self.database.options)
    }

    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.pool.begin().await
    }

    /// Closes the database, and passes on how the work went. The private cluster, when this command started it, must be
    /// stopped either way.
    pub async fn close<T>(self, outcome: anyhow::Result<T>) -> anyhow::Result<T> {
        self.pool.close().await;
        self.database.close().await;
        outcome
    }
}

/// What a command has to say goes to standard output; how the database starts is of no interest there.
pub fn quiet_logs(log: &Log) -> Result<(), telemetry::TelemetryError> {
    let level = if log.level == "info" { "warn".to_owned() } else { log.level.clone() };
    telemetry::start_logs(&Log { level, ..log.clone() })
}
