//! The private PostgreSQL cluster under `data_dir`, run from the machine's own PostgreSQL binaries.
//!
//! - It listens on a unix socket only, in a folder that nobody else can enter; so it asks for no password.
//! - PostgreSQL refuses to run as root, so as root it runs as `postgres` (or `nobody`).
//! - One process keeps a cluster at a time (a lock on `keeper.lock`). Others may join it for a while.
//! - After kill -9 of the keeper the server runs on; the next keeper adopts it.

mod binaries;
mod place;
mod server;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::process::Command;

pub use binaries::Binaries;
pub(in crate::db) use binaries::{DEBIAN_ROOT, major_of};
use place::{Account, Place};
pub use server::shared_buffers_mib;

use crate::config::Config;

/// The superuser and the database of the service inside its own cluster.
const NAME: &str = "sentinela";
/// How long another keeper may take to let go, and a server to come up or go down.
const PATIENCE: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Wait after a lost server could not be started again; doubles up to `START_AGAIN_MAX`.
const START_AGAIN_FIRST: Duration = Duration::from_secs(1);
const START_AGAIN_MAX: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "PostgreSQL is not installed here (looked in {0}). On Debian: apt-get install postgresql postgresql-postgis. \
         Or name a server in `database.url`, or the folder with `initdb` in `database.postgres_bin_dir`"
    )]
    NoBinaries(String),
    #[error("PostgreSQL {found} in {folder} is too old; 15 or newer is needed")]
    OldBinaries { found: u32, folder: PathBuf },
    #[error(
        "the database in {data} was made by PostgreSQL {made}, but this machine has PostgreSQL {found} ({folder}). \
         Either install the old one beside it (Debian: apt-get install postgresql-{made} postgresql-{made}-postgis-3), \
         with which the service then runs on; or upgrade the data with both installed: pg_upgrade -b /usr/lib/postgresql/{made}/bin \
         -B {folder} -d {data} -D NEW, then put NEW in its place; or dump it with the old version (pg_dump) and restore it into a new one"
    )]
    OtherVersion { data: PathBuf, made: String, found: u32, folder: PathBuf },
    #[error("{what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("PostgreSQL cannot run as root, and this machine has neither a user `postgres` nor `nobody` to run it as")]
    NoAccount,
    #[error("the folder {0} belongs to someone else or is open to others; remove it, then start again")]
    SocketFolder(PathBuf),
    #[error("another process keeps the database in {0}; stop it first, or give this one another `data_dir`")]
    Kept(PathBuf),
    #[error("{program} failed ({status}): {output}")]
    Program { program: String, status: String, output: String },
    #[error("the private database does not answer: {0}")]
    Connect(sqlx::Error),
}

impl ClusterError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// A running private cluster.
#[derive(Debug)]
pub struct Cluster {
    pub options: PgConnectOptions,
    binaries: Binaries,
    place: Place,
    /// Held by the keeper; the lock goes with the process, however it ends.
    keeper: Option<File>,
    /// Of each pool, for a server that is started again.
    pool_connections: u32,
}

impl Cluster {
    /// Creates the cluster when there is none, starts or adopts it, and keeps it until [`Cluster::stop`].
    ///
    /// # Errors
    /// Says what is missing on the machine, and the command that installs it.
    pub async fn start(config: &Config) -> Result<Self, ClusterError> {
        let place = Place::prepare(&config.data_dir).await?;
        let Some(keeper) = keep(&place, PATIENCE / 4).await? else {
            return Err(ClusterError::Kept(place.home));
        };
        Self::run(config, place, Some(keeper)).await
    }

    /// Whether there is one under this `data_dir`. Makes nothing.
    pub fn is_made(data_dir: &Path) -> bool {
        data_dir.join("postgres/data/PG_VERSION").is_file() || data_dir.join("postgres.location").is_file()
    }

    /// Joins the cluster another process keeps, or keeps it for the while when nobody does.
    pub async fn join(config: &Config) -> Result<Self, ClusterError> {
        let place = Place::prepare(&config.data_dir).await?;
        let keeper = keep(&place, Duration::ZERO).await?;
        Self::run(config, place, keeper).await
    }

    async fn run(config: &Config, mut place: Place, keeper: Option<File>) -> Result<Self, ClusterError> {
        let binaries = Binaries::find(&config.database.postgres_bin_dir, place.made_by()?.as_deref())?;
        if let Some(made) = place.made_by()?
            && made != binaries.major.to_string()
        {
            let (data, folder) = (place.data(), binaries.folder);
            return Err(ClusterError::OtherVersion { data, made, found: binaries.major, folder });
        }
        if keeper.is_some() {
            if place.made_by()?.is_none() {
                initdb(&binaries, &place).await?;
            }
            server::start(&binaries, &mut place, config.database.max_connections).await?;
        } else {
            server::await_other(&mut place).await?;
        }
        let (options, pool_connections) = (place.options(), config.database.max_connections);
        let cluster = Self { options, binaries, place, keeper, pool_connections };
        cluster.create_database().await?;
        Ok(cluster)
    }

    /// Stops the server if this process keeps it: waits for running transactions to end, then for the files to be whole.
    pub async fn stop(self) -> Result<(), ClusterError> {
        if self.keeper.is_none() {
            return Ok(());
        }
        tracing::info!("stopping the private database");
        server::stop(&self.binaries, &self.place, &["-m", "fast", "-w", "-t", "60"]).await
    }

    /// Tells the server to stop and does not wait. For an end in a hurry.
    pub async fn stop_without_waiting(&self) {
        if self.keeper.is_some() {
            let _ = server::stop(&self.binaries, &self.place, &["-m", "fast", "-W"]).await;
        }
    }

    /// Starts the server again whenever it is gone, and tries until it runs: what keeps it down, above all a disk that is full, is mended
    /// by people, and until then the service says that it is not ready, acknowledges nothing, and goes on by itself. Runs until it is
    /// dropped.
    pub async fn guard(&self) {
        loop {
            server::gone(&self.place).await;
            tracing::error!("the private database is gone; starting it again");
            let mut wait = START_AGAIN_FIRST;
            while let Err(error) = server::start(&self.binaries, &mut self.place.clone(), self.pool_connections).await {
                tracing::error!(%error, ?wait, "the private database does not start; it is tried again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(START_AGAIN_MAX);
            }
        }
    }

    /// Where the data lives.
    pub fn data(&self) -> PathBuf {
        self.place.data()
    }

    async fn create_database(&self) -> Result<(), ClusterError> {
        let maintenance = self.options.clone().database("postgres");
        let mut conn: PgConnection = maintenance.connect().await.map_err(ClusterError::Connect)?;
        let exists =
            sqlx::query_scalar!(r#"select exists (select from pg_database where datname = 'sentinela') as "exists!""#);
        if !exists.fetch_one(&mut conn).await.map_err(ClusterError::Connect)? {
            // Two processes may be here at once; the second one's failure means that it is there.
            if let Err(error) = sqlx::query("create database sentinela").execute(&mut conn).await
                && error.as_database_error().and_then(|e| e.code()).as_deref() != Some("42P04")
            {
                return Err(ClusterError::Connect(error));
            }
        }
        conn.close().await.map_err(ClusterError::Connect)
    }
}

/// Becomes the keeper, or gives up after `patience`.
async fn keep(place: &Place, patience: Duration) -> Result<Option<File>, ClusterError> {
    let path = place.home.join("keeper.lock");
    let file = File::options().create(true).append(true).open(&path).map_err(ClusterError::io("cannot open", &path))?;
    let mut left = patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if left.is_zero() => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(ASK_AGAIN).await;
                left = left.saturating_sub(ASK_AGAIN);
            }
            Err(TryLockError::Error(error)) => return Err(ClusterError::io("cannot lock", &path)(error)),
        }
    }
}

async fn initdb(binaries: &Binaries, place: &Place) -> Result<(), ClusterError> {
    let data = place.data();
    tracing::info!(data = %data.display(), postgres = binaries.major, "creating the private database");
    let mut command = program(&binaries.folder.join("initdb"), place.account.as_ref());
    command.arg("--pgdata").arg(&data).args(["--username", NAME, "--encoding", "UTF8", "--locale", "C.UTF-8"]).args([
        "--auth",
        "trust",
        "--data-checksums",
    ]);
    let done = run(&mut command).await;
    if done.is_err() {
        // Half a cluster would be taken for a whole one at the next start.
        let _ = std::fs::remove_dir_all(&data);
    }
    done.map(drop)
}

/// A program of PostgreSQL, away from the caller's folder and `PG…` variables, and not as root.
fn program(path: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/");
    command.stdin(std::process::Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

async fn run(command: &mut Command) -> Result<Output, ClusterError> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.output().await.map_err(ClusterError::io("cannot run", Path::new(&program)))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&text).trim().to_owned();
    Err(ClusterError::Program { program, status: output.status.to_string(), output: output_text })
}
