//! `sentinela backup FILE|FOLDER`

mod files;
mod write;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::audit::{Act, Actor, Entry, record};
use crate::backup::manifest::{self, FORMAT, Manifest};
use crate::backup::{space, store};
use crate::cli::{Usage, session};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::open::Database;
use crate::db::programs::Programs;
use crate::ids::Ids;
use crate::secret::Secret;

pub use write::words;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The archive that is to be, or a folder that is there, in which it gets a name of its own
    to: PathBuf,
    /// Put the keys of the vault and of second factors in too, sealed under a passphrase. Without them (keep a copy apart) nobody
    /// opens second factors, signing keys or the vault of the restored database
    #[arg(long, requires = "passphrase_file")]
    with_keys: bool,
    /// File with the passphrase, 16 characters or more, that others may not read
    #[arg(long, value_name = "FILE", requires = "with_keys")]
    passphrase_file: Option<PathBuf>,
    /// In a folder: keep so many of our archives, the newest, and remove the others once this one is whole
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

/// Beside a service that goes on: one snapshot, which keeps nobody from writing.
pub async fn run(config: Config, file: Option<&Path>, arguments: Arguments) -> anyhow::Result<()> {
    session::quiet_logs(&config.log)?;
    if arguments.keep.is_some() && !arguments.to.is_dir() {
        bail!(Usage("--keep is for a folder of archives".to_owned()));
    }
    let passphrase = arguments.passphrase_file.as_deref().map(passphrase).transpose()?;
    let database = Database::as_it_is(&config).await?;
    let outcome = take(&config, file, &arguments, passphrase, &database).await;
    database.close().await;
    outcome
}

/// A passphrase from its file, as secrets of the configuration are read.
///
/// # Errors
/// The file is not there, or everybody may read it.
pub fn passphrase(file: &Path) -> anyhow::Result<Secret> {
    Secret::resolve(format!("file:{}", file.display()), None).context("--passphrase-file")
}

async fn take(
    config: &Config,
    file: Option<&Path>,
    arguments: &Arguments,
    passphrase: Option<Secret>,
    database: &Database,
) -> anyhow::Result<()> {
    let (clock, ids) = (Clock::System, Ids::system());
    let owner = database.owner.clone().application_name("sentinela/backup");
    let mut conn = owner.connect().await.context("the database does not answer")?;
    // What the heads' file holds now lies within the snapshot that is taken after; what is noted later may not.
    let mut sources = files::sources(config, file)?;
    let snapshot = Snapshot::take(&mut conn).await?;
    let keys = match passphrase.filter(|_| arguments.with_keys) {
        Some(passphrase) => Some(files::sealed_keys(config, &passphrase, &ids)?),
        None => None,
    };
    sources.keys = keys;
    let path = place(&arguments.to, config, snapshot.taken_at)?;
    write::sweep(&path);
    let spare = spare(config, database, folder_of(&path));
    check_space(&path, snapshot.table_bytes, spare)?;
    let programs = Programs::find(&config.database.postgres_bin_dir, snapshot.postgres_major)?;
    let mut dump = programs.command("pg_dump", database, config)?;
    dump.args(["--format=custom", "--lock-wait-timeout=60s"]).arg(format!("--snapshot={}", snapshot.id));
    let manifest = snapshot.manifest(config);
    let to = path.clone();
    let written = tokio::task::spawn_blocking(move || write::archive(&to, dump, sources, manifest, spare))
        .await
        .context("the writing of the archive broke off")??;
    // The snapshot is not needed any more; a server that ended it meanwhile harmed nobody.
    let _ = conn.execute("rollback").await;
    let taken = store::Taken {
        taken_at: snapshot.taken_at,
        finished_at: clock.now().max(snapshot.taken_at),
        taken_by: Actor::command().name,
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: i64::try_from(written.bytes).unwrap_or(i64::MAX),
        with_keys: arguments.with_keys,
        schema_version: snapshot.schema,
        journal_head: snapshot.journal_head,
        audit_head: snapshot.audit_seq,
        manifest_sha256: written.manifest_sha256.to_vec(),
    };
    // The connection may have been idle for longer than the server allows; the archive is whole all the same.
    drop(conn);
    let mut conn = owner.connect().await.context("the archive is whole, but the database could not be told")?;
    remember(&mut conn, &ids, clock.now(), &taken).await?;
    conn.close().await?;
    let removed = rotate(&path, config, arguments.keep)?;
    tell(&path, &taken, &removed);
    Ok(())
}

async fn remember(conn: &mut PgConnection, ids: &Ids, now: Instant, taken: &store::Taken) -> anyhow::Result<()> {
    let mut tx = conn.begin().await?;
    let id = ids.uuid(now);
    store::add(&mut tx, id, taken).await?;
    let what =
        json!({ "file": taken.file, "bytes": taken.bytes, "with_keys": taken.with_keys, "taken_at": taken.taken_at });
    record(&mut tx, ids, now, &Actor::command(), Entry::new(Act::BackupTake, "backup", id).to(what)).await?;
    Ok(tx.commit().await?)
}

fn tell(path: &Path, taken: &store::Taken, removed: &[String]) {
    let bytes = u64::try_from(taken.bytes).unwrap_or_default();
    println!("{}: {}, the data of {}", path.display(), space::told(bytes), taken.taken_at.to_rfc3339());
    println!("manifest {}", crate::hexadecimal::hex(&taken.manifest_sha256));
    if !taken.with_keys {
        println!(
            "The keys are not in it (--with-keys): without data_dir/keys, of which a copy belongs apart, second factors, signing keys \
             and the vault of the restored database stay shut."
        );
    }
    for name in removed {
        println!("removed {name}");
    }
}

/// What the archive is of: one instant of the database, held until the dump has taken it up.
struct Snapshot {
    id: String,
    taken_at: Instant,
    postgres: String,
    postgres_major: u32,
    postgis: String,
    schema: i64,
    journal_head: i64,
    audit_seq: i64,
    audit_head: String,
    table_bytes: u64,
}

impl Snapshot {
    async fn take(conn: &mut PgConnection) -> anyhow::Result<Self> {
        let known: bool =
            sqlx::query_scalar("select to_regclass('public.backup') is not null").fetch_one(&mut *conn).await?;
        if !known {
            bail!("the schema of this database is older than this program, or it has none yet: sentinela migrate");
        }
        sqlx::query("begin isolation level repeatable read read only").execute(&mut *conn).await?;
        let id = sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut *conn).await?;
        let server = sqlx::query!(
            r#"select clock_timestamp() as "at!", current_setting('server_version') as "version!",
                current_setting('server_version_num')::int / 10000 as "major!",
                (select coalesce(max(seq), 0) from journal) as "journal!",
                (select coalesce(sum(pg_table_size(c.oid)), 0)::bigint from pg_class c
                 where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace) as "tables!""#
        )
        .fetch_one(&mut *conn)
        .await?;
        let postgis: Option<String> =
            sqlx::query_scalar("select extversion from pg_extension where extname = 'postgis'")
                .fetch_optional(&mut *conn)
                .await?;
        // The table is the migrator's own, so it is not among those the macros check.
        let schema = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
            .fetch_one(&mut *conn)
            .await?;
        let head = crate::audit::store::head(&mut *conn).await?;
        Ok(Self {
            id,
            taken_at: server.at,
            postgres: server.version,
            postgres_major: u32::try_from(server.major).unwrap_or_default(),
            postgis: postgis.unwrap_or_default(),
            schema,
            journal_head: server.journal,
            audit_seq: head.as_ref().map_or(0, |head| head.seq),
            audit_head: head.map(|head| head.to_string()).unwrap_or_default(),
            table_bytes: u64::try_from(server.tables).unwrap_or_default(),
        })
    }

    fn manifest(&self, config: &Config) -> Manifest {
        let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
        let mut environment: Vec<String> = names.filter(|name| name.starts_with("SENTINELA__")).collect();
        environment.sort_unstable();
        Manifest {
            format: FORMAT,
            program: format!("sentinela {}", env!("CARGO_PKG_VERSION")),
            taken_at: self.taken_at,
            municipality: config.municipality.name.clone(),
            ibge_code: config.municipality.ibge_code.clone(),
            postgres: self.postgres.clone(),
            postgres_major: self.postgres_major,
            postgis: self.postgis.clone(),
            schema: self.schema,
            journal_head: self.journal_head,
            audit_head: self.audit_head.clone(),
            environment,
            parts: Vec::new(),
        }
    }
}

/// The file that is to be. One that is there is never touched.
fn place(to: &Path, config: &Config, taken_at: Instant) -> anyhow::Result<PathBuf> {
    let path = if to.is_dir() {
        to.join(manifest::file_name(&config.municipality.ibge_code, taken_at))
    } else {
        to.to_owned()
    };
    if path.symlink_metadata().is_ok() {
        bail!("{} is there already, and a backup overwrites nothing", path.display());
    }
    if path.file_name().is_none() || !folder_of(&path).is_dir() {
        bail!(Usage(format!("{}: the folder is not there", path.display())));
    }
    Ok(path)
}

/// The folder a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Bytes that stay free there whatever happens, for the private database where it lies on the same disk.
fn spare(config: &Config, database: &Database, folder: &Path) -> u64 {
    let disk = |path: &Path| std::fs::metadata(path).ok().map(|about| about.dev());
    let is_shared = database.cluster().is_some() && disk(folder).is_some() && disk(folder) == disk(&config.data_dir);
    if is_shared { space::FOR_DATABASE } else { 0 }
}

fn check_space(path: &Path, tables: u64, spare: u64) -> anyhow::Result<()> {
    let folder = folder_of(path);
    let (Some(free), needed) = (free_bytes(folder), space::needed(tables) + spare) else { return Ok(()) };
    if free < needed {
        bail!(
            "{} has {} free, and the backup of tables of {} may need {}, of which {} stay for the database; nothing was written",
            folder.display(),
            space::told(free),
            space::told(tables),
            space::told(needed),
            space::told(spare)
        );
    }
    Ok(())
}

/// Bytes that may still be written there, as `df` says; `None` where it says nothing.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let mut df = std::process::Command::new("df");
    let output = df.args(["--output=avail", "-B1", "--"]).arg(folder).output().ok()?;
    space::available(&String::from_utf8_lossy(&output.stdout))
}

fn rotate(path: &Path, config: &Config, keep: Option<u16>) -> anyhow::Result<Vec<String>> {
    let Some(keep) = keep else { return Ok(Vec::new()) };
    let folder = folder_of(path);
    let listed = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let names: Vec<String> = listed.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let old = manifest::beyond(&names, &config.municipality.ibge_code, keep.into());
    for name in &old {
        std::fs::remove_file(folder.join(name)).with_context(|| format!("{name} cannot be removed"))?;
    }
    Ok(old)
}
