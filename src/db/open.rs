//! The database the configuration names, or the private cluster: opened, checked and migrated.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::embedded::{Cluster, ClusterError};
use super::{MIGRATOR, SERVICE_ROLE, in_time};
use crate::config::Config;

/// `server_version_num` of PostgreSQL 15.0.
const OLDEST_SERVER: i32 = 150_000;
/// After this a start says what it waits for.
const TELL_AFTER: Duration = Duration::from_secs(10);

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
    #[error(
        "`database.url` signs in as {user}, who may not act as sentinela_service ({source}). As the owner of the database run: \
         grant sentinela_service to \"{user}\""
    )]
    NotMember { user: String, source: sqlx::Error },
    #[error("the rights of the service cannot be set: {0}")]
    Grants(sqlx::Error),
    #[error(
        "the database was migrated to {newest} by a newer release; this one knows the schema up to {known}. Start that release here \
         too. (A process of this release that runs already goes on.)"
    )]
    NewerSchema { newest: i64, known: i64 },
    #[error("the schema cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// A database that is ready for use.
#[derive(Debug)]
pub struct Database {
    /// How the service connects. Pools made by [`super::pool`] work under [`super::SERVICE_ROLE`].
    pub options: PgConnectOptions,
    /// How the owner of the tables connects: for migrations, and for whoever makes tables of its own.
    pub owner: PgConnectOptions,
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

    /// The database as it is, neither checked nor migrated, beside a service that may be running another version of this program.
    ///
    /// # Errors
    /// The private cluster does not start, or an address is none.
    pub async fn as_it_is(config: &Config) -> Result<Self, OpenError> {
        let cluster = if config.database.url.is_empty() { Some(Cluster::join(config).await?) } else { None };
        Self::at(config, cluster)
    }

    /// The same, kept from every other process where the cluster is our own.
    ///
    /// # Errors
    /// As `as_it_is`, and somebody else keeps it.
    pub async fn alone(config: &Config) -> Result<Self, OpenError> {
        let cluster = if config.database.url.is_empty() { Some(Cluster::start(config).await?) } else { None };
        Self::at(config, cluster)
    }

    /// Checks and migrates what was opened as it is.
    ///
    /// # Errors
    /// Says what to install or change.
    pub async fn bring_up(&self) -> Result<(), OpenError> {
        self.migrate().await
    }

    fn at(config: &Config, cluster: Option<Cluster>) -> Result<Self, OpenError> {
        let parse = |url: &str| PgConnectOptions::from_str(url).map_err(OpenError::Url);
        let (options, owner) = match &cluster {
            Some(cluster) => (cluster.options.clone().username(SERVICE_ROLE), cluster.options.clone()),
            None if config.database.owner_url.is_empty() => {
                (parse(&config.database.url)?, parse(&config.database.url)?)
            }
            None => (parse(&config.database.url)?, parse(&config.database.owner_url)?),
        };
        Ok(Self { options, owner, cluster })
    }

    async fn ready(config: &Config, cluster: Option<Cluster>) -> Result<Self, OpenError> {
        let database = Self::at(config, cluster)?;
        match database.migrate().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn migrate(&self) -> Result<(), OpenError> {
        let owner = self.owner.clone().application_name("sentinela/migrate");
        let mut conn = in_time(owner.connect()).await.map_err(OpenError::Connect)?;
        check_server(&mut conn).await?;
        check_schema(&mut conn).await?;
        // What waits for a table holds up everybody behind it, so the wait has an end. So has that for another node or a restore that brings
        // the schema up; whoever starts this process starts it again.
        conn.execute("set lock_timeout = '10min'").await.map_err(OpenError::Connect)?;
        told_when_slow(MIGRATOR.run(&mut conn)).await?;
        let granted = grant(&mut conn).await;
        if self.cluster.is_some() {
            allow_sign_in(&mut conn).await.map_err(OpenError::Grants)?;
        }
        match granted {
            Ok(()) if self.is_separate() => self.check_service(&mut conn).await?,
            Ok(()) => tracing::warn!(
                "the database knows one user, who owns the tables; the service works as {SERVICE_ROLE} after `set role`. To \
                 separate them, make a user who owns nothing, name it in `database.url`, and the owner in `database.owner_url`"
            ),
            Err(error) if is_refusal(&error) => tracing::warn!(
                %error,
                "the owner of the database may not make the role {SERVICE_ROLE}, so the service works with the owner's rights; \
                 triggers still refuse changes of what is append-only. An administrator of the server can run: \
                 create role {SERVICE_ROLE}; grant {SERVICE_ROLE} to \"{}\" with admin option",
                self.owner.get_username()
            ),
            Err(error) => return Err(OpenError::Grants(error)),
        }
        conn.close().await.map_err(OpenError::Connect)
    }

    /// Whether the service signs in as somebody else than the owner.
    fn is_separate(&self) -> bool {
        self.options.get_username() != self.owner.get_username()
    }

    /// Lets the service's user act under the role, and looks whether that works.
    async fn check_service(&self, owner: &mut PgConnection) -> Result<(), OpenError> {
        let user = self.options.get_username();
        let member = r#"select pg_has_role($1::text::name, 'sentinela_service', 'member') as "member!""#;
        let is_member = sqlx::query_scalar::<_, bool>(member).bind(user).fetch_one(&mut *owner).await;
        if !is_member.map_err(OpenError::Grants)? {
            let grant = "select format('grant %I to %I', 'sentinela_service', $1::text)";
            let grant: String =
                sqlx::query_scalar(grant).bind(user).fetch_one(&mut *owner).await.map_err(OpenError::Grants)?;
            owner
                .execute(AssertSqlSafe(grant))
                .await
                .map_err(|source| OpenError::NotMember { user: user.to_owned(), source })?;
        }
        let service = self.options.clone().application_name("sentinela/check");
        let conn = service.connect().await.map_err(OpenError::Connect)?;
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

/// Work with the schema, with a word in the log when it takes long: whoever starts a node sees what it waits for.
async fn told_when_slow<T>(work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(TELL_AFTER, &mut work).await {
        return done;
    }
    tracing::warn!(
        "the schema is being brought up, by this process or by another that it waits for (another node, a restore)"
    );
    work.await
}

/// Makes the service's role and gives it what it needs and no more. Says the same every time, and may run beside itself.
///
/// # Errors
/// Code 42501 when the user may not make roles; then nothing has changed.
pub async fn grant(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(include_str!("grants.sql")).execute(conn).await.map(drop)
}

fn is_refusal(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some("42501")
}

/// In the private cluster the service signs in as the role itself.
async fn allow_sign_in(conn: &mut PgConnection) -> sqlx::Result<()> {
    let asleep = "select exists (select from pg_roles where rolname = 'sentinela_service' and not rolcanlogin)";
    if sqlx::query_scalar::<_, bool>(asleep).fetch_one(&mut *conn).await? {
        conn.execute("alter role sentinela_service login").await?;
    }
    Ok(())
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

/// A schema of a later release may lack what this one writes. The table is the migrator's own, so it is not among those the macros check.
async fn check_schema(conn: &mut PgConnection) -> Result<(), OpenError> {
    let exists = sqlx::query_scalar::<_, bool>("select to_regclass('_sqlx_migrations') is not null");
    if !exists.fetch_one(&mut *conn).await.map_err(OpenError::Connect)? {
        return Ok(());
    }
    let newest = sqlx::query_scalar::<_, i64>("select coalesce(max(version), 0) from _sqlx_migrations where success");
    let newest = newest.fetch_one(conn).await.map_err(OpenError::Connect)?;
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    if newest > known { Err(OpenError::NewerSchema { newest, known }) } else { Ok(()) }
}
