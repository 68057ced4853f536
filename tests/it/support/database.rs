//! A fresh database per test: cloned from a template that is migrated once per server and set of migrations.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

/// Advisory locks: for making a template, and for sweeping leftovers.
const TEMPLATE_LOCK: i64 = 0x7453_454e;
const SWEEP_LOCK: i64 = TEMPLATE_LOCK + 1;

/// A database of this test alone. Dropping it drops the database.
pub struct TestDb {
    /// Under the service's role, so that a missing right shows.
    pub pool: PgPool,
    pub url: String,
    pub options: PgConnectOptions,
    pub name: String,
    server: String,
}

/// The server for tests: a superuser's URL of a database that always exists.
pub fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("TEST_DATABASE_URL is not set: run `make test`, or `eval $(scripts/test-db.sh env)` before cargo")
    })
}

/// A fresh, migrated database.
pub async fn db() -> TestDb {
    db_at(&server_url(), "").await
}

/// The same on another server, whose superuser's URL this is, with more words for its making.
pub async fn db_at(server: &str, more: &str) -> TestDb {
    let mut admin = connect(server).await;
    let template = template(&mut admin, server).await;
    make(&mut admin, server, &format!("template {template} strategy file_copy {more}")).await
}

/// A fresh database without any table.
pub async fn empty_db() -> TestDb {
    let server = server_url();
    let mut admin = connect(&server).await;
    make(&mut admin, &server, "").await
}

async fn make(admin: &mut PgConnection, server: &str, from: &str) -> TestDb {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    if count == 0 {
        sweep(&mut *admin).await;
    }
    let name = format!("sentinela_t_{}_{count}", std::process::id());
    run(&mut *admin, format!("drop database if exists {name} with (force)")).await;
    run(&mut *admin, format!("create database {name} {from}")).await;
    let url = with_database(server, &name);
    let options = PgConnectOptions::from_str(&url).unwrap();
    let pool = sentinela::db::pool(&options, "test", 5);
    TestDb { pool, url, options, name, server: server.to_owned() }
}

impl TestDb {
    /// As the owner of the tables, who is a superuser here.
    pub async fn owner(&self) -> PgConnection {
        connect(&self.url).await
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let sql = format!("drop database if exists {} with (force)", self.name);
        let server = self.server.clone();
        // The test's own runtime may be gone or of one thread, so this uses its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect(&server).await {
                    // What cannot be dropped now is swept by a later test.
                    let _ = admin.execute(AssertSqlSafe(sql)).await;
                }
            });
            Ok::<(), std::io::Error>(())
        });
        let _ = dropping.join();
    }
}

async fn connect(url: &str) -> PgConnection {
    match PgConnection::connect(url).await {
        Ok(connection) => connection,
        Err(error) => panic!("the test database server at {url} does not answer ({error}): run `make test`"),
    }
}

async fn run(admin: &mut PgConnection, sql: String) {
    if let Err(error) = admin.execute(AssertSqlSafe(sql.clone())).await {
        panic!("{sql}: {error}");
    }
}

/// The name of the template for the migrations compiled into this test, making it if it is not there.
async fn template(admin: &mut PgConnection, server: &str) -> String {
    let name = template_name();
    if exists(admin, &name).await {
        return name;
    }
    sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    if !exists(admin, &name).await {
        let draft = format!("{name}_draft");
        run(admin, format!("drop database if exists {draft} with (force)")).await;
        run(admin, format!("create database {draft}")).await;
        let mut migrating = connect(&with_database(server, &draft)).await;
        sentinela::db::MIGRATOR.run(&mut migrating).await.unwrap();
        sentinela::db::open::grant(&mut migrating).await.unwrap();
        migrating.close().await.unwrap();
        run(admin, format!("alter database {draft} rename to {name}")).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    name
}

fn template_name() -> String {
    let mut digest = Sha256::new();
    for migration in sentinela::db::MIGRATOR.iter() {
        digest.update(migration.version.to_be_bytes());
        digest.update(&migration.checksum);
    }
    digest.update(include_bytes!("../../../src/db/grants.sql"));
    let bytes = digest.finalize();
    let short: String = bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sentinela_template_{short}")
}

async fn exists(admin: &mut PgConnection, name: &str) -> bool {
    let sql = "select exists (select from pg_database where datname = $1)";
    sqlx::query_scalar(sql).bind(name).fetch_one(admin).await.unwrap()
}

/// Drops the databases of test processes that are gone (killed before they could drop them). One sweeper at a time.
async fn sweep(admin: &mut PgConnection) {
    let lock = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(SWEEP_LOCK).fetch_one(&mut *admin).await;
    if !matches!(lock, Ok(true)) {
        return;
    }
    let sql = r"select datname::text from pg_database where datname like 'sentinela\_t\_%'";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *admin).await.unwrap();
    for name in names {
        let process = name.trim_start_matches("sentinela_t_").split('_').next().unwrap_or_default();
        if !std::path::Path::new("/proc").join(process).exists() {
            run(admin, format!("drop database if exists {name} with (force)")).await;
        }
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(SWEEP_LOCK).execute(&mut *admin).await.unwrap();
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, String::new()), |(a, b)| (a, format!("?{b}")));
    let authority_at = before.find("://").map_or(0, |at| at + 3);
    let path_at = before[authority_at..].find('/').map_or(before.len(), |at| authority_at + at);
    format!("{}/{name}{query}", &before[..path_at])
}
