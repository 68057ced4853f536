//! PostgreSQL with PostGIS: pools, the private cluster, and geometry on its way in and out.

pub mod embedded;
pub mod geometry;
pub mod listen;
pub mod open;
pub mod programs;

use std::io;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// Small pools apart, so that a busy console cannot starve the ingest or the dispatch.
#[derive(Clone, Debug)]
pub struct Db {
    pub ingest: PgPool,
    pub dispatch: PgPool,
    pub web: PgPool,
}

/// The migrations of this very binary.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The role the service works under; `grants.sql` makes it and says what it may do.
pub const SERVICE_ROLE: &str = "sentinela_service";

/// No wait for a lock and no idle transaction may hold up readings or warnings for long: whoever waits in vain starts again,
/// and whoever forgets to commit loses the connection. PostgreSQL compiles no query to machine code: for the geographic
/// queries of this service compiling took seconds and running tens of milliseconds. Memory for a sort is that of a year of one
/// station, which the server's own setting would send to the disk.
///
/// A machine that is cut off or dies without a word leaves no connection behind for longer than half a minute: what it holds, above all
/// the lock of the evaluator, is free again then, and not after the hours that the kernel waits by itself.
///
/// Last it gives up what the owner may and the service need not: from here on the session cannot change what is
/// append-only. Where the role does not exist, `open` has said so.
const SESSION: &str = "set jit = off; set work_mem = '16MB'; set lock_timeout = '15s';
    set idle_in_transaction_session_timeout = '60s';
    set tcp_keepalives_idle = '10s'; set tcp_keepalives_interval = '5s'; set tcp_keepalives_count = 3; set tcp_user_timeout = '25s';
    select set_config('role', rolname, false) from pg_roles
    where rolname = 'sentinela_service' and pg_has_role(session_user, oid, 'member')";

/// A pool whose connections have the service's settings and rights. They are made when first needed.
pub fn pool(options: &PgConnectOptions, name: &str, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(10))
        // A statement, not a start-up parameter: poolers between here and the server refuse those.
        .after_connect(|conn, _| Box::pin(async move { sqlx::raw_sql(SESSION).execute(conn).await.map(drop) }))
        .connect_lazy_with(options.clone().application_name(&called(options, name)))
}

/// The longest that a step on the way of a warning waits for the database. Far above what a step takes on a machine that is slow.
const STEP_MAX: Duration = Duration::from_secs(120);

/// The longest that a round of upkeep waits, which may take minutes on a large installation.
pub const ROUND_MAX: Duration = Duration::from_secs(30 * 60);

/// The longest of what may work through a whole database: a night.
pub const NIGHT_MAX: Duration = Duration::from_secs(8 * 3600);

/// A step that ends in an error when the database does not answer. A server that moved to another machine, or a network that drops
/// packets, may leave a connection over which nothing ever comes again: by the kernel's reckoning for a quarter of an hour, and for ever
/// where only the answer is missing. Whoever retries does so over a new one.
///
/// # Errors
/// Those of the step, and that it took too long. Whether what it did was committed is then not known.
pub async fn in_time<T, E: From<sqlx::Error>>(step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    within(STEP_MAX, step).await
}

/// The same with a bound of its own, for what takes longer than a step and must not stand still for ever either.
///
/// # Errors
/// As those of [`in_time`].
pub async fn within<T, E: From<sqlx::Error>>(
    bound: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(bound, step).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()).into()),
    }
}

/// What the server's administrators see: "sentinela/web@node-1", where the options bear the node's name.
fn called(options: &PgConnectOptions, name: &str) -> String {
    let given = options.get_application_name().unwrap_or_default();
    let node = match given.strip_prefix("sentinela/") {
        Some(pool) => pool.split_once('@').map_or("", |(_, node)| node),
        None => given,
    };
    if node.is_empty() { format!("sentinela/{name}") } else { format!("sentinela/{name}@{node}") }
}

/// A small pool whose commits do not wait for the disk, for what can be brought in again after a crash.
pub fn history_pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(|conn, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(&mut *conn).await?;
                sqlx::raw_sql("set synchronous_commit = off").execute(conn).await.map(drop)
            })
        })
        .connect_lazy_with(options.clone().application_name("sentinela/history"))
}

impl Db {
    /// Opens the pools.
    pub fn open(options: &PgConnectOptions, max_connections: u32) -> Self {
        let pool = |name: &str| pool(options, name, max_connections);
        Self { ingest: pool("ingest"), dispatch: pool("dispatch"), web: pool("web") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_without_an_answer_ends_in_an_error_and_one_with_an_answer_in_that() {
        let silent = within(Duration::ZERO, std::future::pending::<sqlx::Result<()>>()).await.unwrap_err();
        assert!(matches!(silent, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut));
        assert_eq!(in_time(async { Ok::<_, sqlx::Error>(7) }).await.unwrap(), 7);
        let refused = in_time(async { Err::<(), _>(anyhow::anyhow!("refused")) }).await.unwrap_err();
        assert_eq!(refused.to_string(), "refused");
    }

    #[test]
    fn a_connection_bears_the_name_of_its_node_however_often_its_options_are_passed_on() {
        let bare = PgConnectOptions::new_without_pgpass();
        let named = bare.clone().application_name("no-1");
        let web = called(&named, "web");
        assert_eq!(web, "sentinela/web@no-1");
        assert_eq!(called(&named.application_name(&web), "listen"), "sentinela/listen@no-1");
        assert_eq!(called(&bare.application_name("sentinela/web"), "listen"), "sentinela/listen");
    }
}
