//! `sentinela restore FILE` and `sentinela take-over`

mod archive;
mod files;
pub mod take_over;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sqlx::migrate::Migrate as _;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use self::archive::Archive;
use crate::audit::chain::Anchor;
use crate::audit::{Actor, anchors, check, verify};
use crate::backup::manifest::DATABASE;
use crate::backup::{Manifest, Proof, seal, settle, store};
use crate::cli::{Usage, backup, session};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::MIGRATOR;
use crate::db::open::Database;
use crate::db::programs::Programs;
use crate::ids::Ids;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An archive of `sentinela backup`
    file: PathBuf,
    /// Only say whether the archive is whole and what is in it
    #[arg(long)]
    check: bool,
    /// The sum of the manifest as `backup` printed it: an archive whose list was changed as well is refused
    #[arg(long, value_name = "HEX")]
    manifest: Option<String>,
    /// File with the passphrase of the keys in the archive. Without it the key files must be there, or be put there
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Into an empty place only: the database of the configuration, and `data_dir`.
pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<()> {
    session::quiet_logs(&config.log)?;
    let own = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    let file = arguments.file.clone();
    let archive = blocking(move || Archive::open(&file, own)).await?;
    if let Some(given) = &arguments.manifest
        && !given.trim().eq_ignore_ascii_case(&archive.manifest_sha256())
    {
        bail!(
            "the manifest's sum is {}, not the one that was noted: the archive was changed",
            archive.manifest_sha256()
        );
    }
    describe(&archive.manifest, &arguments.file);
    if arguments.check {
        return Ok(());
    }
    let keys = keys(&config, &arguments, &archive).await?;
    let database = Database::alone(&config).await?;
    let outcome = restore(&config, &database, archive, keys).await;
    database.close().await;
    outcome
}

/// Reading a large archive keeps no other task waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the work with the archive broke off")?
}

fn describe(manifest: &Manifest, file: &Path) {
    println!("{}: whole, {} parts, each with the sum it was written with", file.display(), manifest.parts.len());
    println!(
        "{} ({}), the data of {}, written by {}, PostgreSQL {}, PostGIS {}, schema {}",
        manifest.municipality,
        manifest.ibge_code,
        manifest.taken_at.to_rfc3339(),
        manifest.program,
        manifest.postgres,
        manifest.postgis,
        manifest.schema
    );
    if !manifest.environment.is_empty() {
        println!("configured in its environment besides: {}", manifest.environment.join(", "));
    }
}

/// The keys in the archive, opened before anything is written: a wrong passphrase is told at once.
async fn keys(config: &Config, arguments: &Arguments, archive: &Archive) -> anyhow::Result<Option<seal::Files>> {
    let Some(sealed) = archive.keys.clone() else {
        if arguments.passphrase_file.is_some() {
            bail!(Usage("the archive holds no keys, so there is nothing for a passphrase to open".to_owned()));
        }
        return Ok(None);
    };
    let Some(file) = &arguments.passphrase_file else { return Ok(None) };
    let passphrase = backup::passphrase(file)?;
    let keys = blocking(move || Ok(seal::open(&sealed, &passphrase)?)).await?;
    files::check_keys(config, &keys)?;
    Ok(Some(keys))
}

async fn restore(
    config: &Config,
    database: &Database,
    archive: Archive,
    keys: Option<seal::Files>,
) -> anyhow::Result<()> {
    let (clock, ids) = (Clock::System, Ids::system());
    let owner = database.owner.clone().application_name("sentinela/restore");
    let mut conn = owner.connect().await.context("the database does not answer")?;
    check_empty(&mut conn).await?;
    // Whoever opens this database to migrate it waits here, and then finds that what it would send is held.
    conn.lock().await.context("the database cannot be kept for this alone")?;
    check_empty(&mut conn).await?;
    let manifest = archive.manifest.clone();
    let (file, sum) = (archive.file_name(), archive.sum);
    store::mark(&mut conn).await.context("the database cannot be marked as being restored")?;
    let archive = read_back(config, database, &mut conn, archive).await?;
    let (id, restored_at, by) = (ids.uuid(clock.now()), clock.now(), Actor::command().name);
    let restored = store::Restored {
        id,
        restored_at,
        restored_by: &by,
        taken_at: manifest.taken_at,
        file: &file,
        manifest_sha256: &sum,
    };
    let mut tx = conn.begin().await?;
    store::hold(&mut tx, &restored).await?;
    store::unmark(&mut tx).await?;
    tx.commit().await?;
    conn.unlock().await?;
    database.bring_up().await?;
    let mut tx = conn.begin().await?;
    let settled = settle::settle(&mut tx, &ids, clock.now(), (id, manifest.taken_at)).await?;
    tx.commit().await?;
    println!("restored; what may have left already was settled: {settled}");
    let data_dir = config.data_dir.clone();
    let stamp = restored_at;
    let placed = blocking(move || files::place(&data_dir, archive, stamp)).await?;
    placed.iter().for_each(|line| println!("{line}"));
    files::place_keys(config, keys.as_ref(), archive_has_keys(&manifest))?;
    let proof = prove(config, &mut conn, &ids, &clock, &manifest).await?;
    store::proved(&mut conn, id, proof).await?;
    conn.close().await?;
    if !proof.passed() {
        bail!("what was restored is not what was there; it stays held, for somebody to look at");
    }
    println!(
        "HELD: readings are taken and judged, and nothing is sent until somebody says that the installation this was copied from is \
         stopped for good: sentinela take-over --help"
    );
    Ok(())
}

fn archive_has_keys(manifest: &Manifest) -> bool {
    manifest.part(crate::backup::manifest::KEYS).is_some()
}

/// Reads the dump into the empty database, all of it or nothing.
async fn read_back(
    config: &Config,
    database: &Database,
    conn: &mut PgConnection,
    archive: Archive,
) -> anyhow::Result<Archive> {
    let server: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::int / 10000").fetch_one(&mut *conn).await?;
    let wrote = archive.manifest.postgres_major;
    let programs = Programs::find(&config.database.postgres_bin_dir, wrote.max(u32::try_from(server).unwrap_or(0)))?;
    // Rights of the dump name the service's role, so it must be there; where it may not be made, rights are left out.
    let has_role = match crate::db::open::grant(&mut *conn).await {
        Ok(()) => true,
        Err(_) => {
            sqlx::query_scalar("select exists (select from pg_roles where rolname = 'sentinela_service')")
                .fetch_one(&mut *conn)
                .await?
        }
    };
    let mut read = programs.command("pg_restore", database, config)?;
    // Lists what is in it; a database given as well would be written to.
    let mut list = std::process::Command::new(programs.folder.join("pg_restore"));
    list.env("LC_ALL", "C.UTF-8").arg("--list");
    read.args(["--exit-on-error", "--single-transaction", "--no-owner"]);
    if !has_role {
        read.arg("--no-privileges");
    }
    blocking(move || {
        let mut archive = archive;
        archive.restore(DATABASE, list, read)?;
        Ok(archive)
    })
    .await
}

/// # Errors
/// Says what to do with a database that is not empty.
async fn check_empty(conn: &mut PgConnection) -> anyhow::Result<()> {
    let (relations, some): (i64, Option<String>) = sqlx::query_as(
        "select count(*), min(n.nspname || '.' || c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')",
    )
    .fetch_one(conn)
    .await?;
    match some {
        None => Ok(()),
        Some(some) => bail!(
            "the database is not empty ({relations} tables and the like, {some} among them), and a restore overwrites nothing. Name an \
             empty one in `database.url`, or another `data_dir`"
        ),
    }
}

/// Looks whether what was read back is what was there: the chain of the audit, and the accounts of every alert.
async fn prove(
    config: &Config,
    conn: &mut PgConnection,
    ids: &Ids,
    clock: &Clock,
    manifest: &Manifest,
) -> anyhow::Result<Proof> {
    let heads: Vec<Anchor> = match manifest.audit_head.is_empty() {
        true => Vec::new(),
        false => vec![manifest.audit_head.parse().map_err(anyhow::Error::msg)?],
    };
    let path = anchors::path(&config.data_dir);
    let outcome = verify::verify(&mut *conn, &path, heads, |_| std::future::ready(Ok(()))).await?;
    let now: Instant = clock.now();
    let mut tx = conn.begin().await?;
    check::remember(&mut tx, ids, now, &Actor::command(), &outcome).await?;
    tx.commit().await?;
    for finding in &outcome.findings {
        println!("{finding}");
    }
    println!("audit: {} events, {} noted heads, {} findings", outcome.checked, outcome.anchors, outcome.found);
    let (alerts, wrong) = store::accounts(&mut *conn, now).await?;
    for one in &wrong {
        println!(
            "alert {}: {} messages promised, {} counted, {} there",
            one.alert, one.promised, one.counted, one.rows
        );
    }
    println!("accounts: {alerts} alerts that left, {} that do not add up", wrong.len());
    let journal: i64 = sqlx::query_scalar("select coalesce(max(seq), 0) from journal").fetch_one(conn).await?;
    println!("journal: newest reading {journal}, expected {}", manifest.journal_head);
    Ok(Proof { findings: outcome.found, unbalanced: wrong.len() as u64, journal, expected: manifest.journal_head })
}
