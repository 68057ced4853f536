//! The database the configuration names, or the private cluster: opened, checked and migrated.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::MIGRATOR;
use super::embedded::{Cluster, ClusterError};
use crate::config::Config;

/// `server_version_num` of PostgreSQL 15.0.
const OLDEST_SERVER: i32 = 150_000;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("configuration key `database.url` is wrong: {0}")]
    Url(sqlx::Error),
    #[error("the database does not answer: {0}")]
    Connect(sqlx::Error),
    #[error("the database server is PostgreSQL {0}; 15 or newer is needed")]
    OldServer(String),
    #[error(
        "PostGIS is not installed on the database server. On Debian: apt-get install postgresql-{0}-postgis-3, then start again"
    )]
    NoPostgis(i32),
    #[error("the schema cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// A database that is ready for use.
#[derive(Debug)]
pub struct Database {
    pub options: PgConnectOptions,
    cluster: Option<Cluster>,
}

impl Database {
    /// Opens and migrates. For the service, which keeps the private cluster to itself.
    ///
    /// # Errors
    /// Says what to install or change.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let cluster = if config.database.url.is_empty() { Some(Cluster::start(config).await?) } else { None };
        Self::ready(config, cluster).await
    }

    /// The same for a command beside a service that may be running: joins its cluster, or starts it for the while.
    pub async fn join(config: &Config) -> Result<Self, OpenError> {
        let cluster = if config.database.url.is_empty() { Some(Cluster::join(config).await?) } else { None };
        Self::ready(config, cluster).await
    }

    async fn ready(config: &Config, cluster: Option<Cluster>) -> Result<Self, OpenError> {
        let options = match &cluster {
            Some(cluster) => cluster.options.clone(),
            None => PgConnectOptions::from_str(&config.database.url).map_err(OpenError::Url)?,
        };
        let database = Self { options, cluster };
        match database.migrate().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn migrate(&self) -> Result<(), OpenError> {
        let mut conn =
            self.options.clone().application_name("sentinela/migrate").connect().await.map_err(OpenError::Connect)?;
        check_server(&mut conn).await?;
        MIGRATOR.run(&mut conn).await?;
        conn.close().await.map_err(OpenError::Connect)
    }

    /// The private cluster, when there is one.
    pub const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Stops the private cluster if this process keeps it. Pools must be closed before.
    pub async fn close(self) {
        if let Some(cluster) = self.cluster
            && let Err(error) = cluster.stop().await
        {
            tracing::error!(%error, "the private database was not stopped cleanly; it recovers at the next start");
        }
    }
}

async fn check_server(conn: &mut PgConnection) -> Result<(), OpenError> {
    let version: i32 = sqlx::query_scalar!(r#"select current_setting('server_version_num')::int as "version!""#)
        .fetch_one(&mut *conn)
        .await
        .map_err(OpenError::Connect)?;
    let major = version / 10_000;
    if version < OLDEST_SERVER {
        return Err(OpenError::OldServer(major.to_string()));
    }
    let postgis = sqlx::query_scalar!(
        r#"select exists (select from pg_available_extensions where name = 'postgis') as "available!""#
    )
    .fetch_one(conn)
    .await
    .map_err(OpenError::Connect)?;
    if postgis { Ok(()) } else { Err(OpenError::NoPostgis(major)) }
}
