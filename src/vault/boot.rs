//! Opens the key rings when the service or a command starts, and holds them against what the database needs.

use std::path::{Path, PathBuf};

use sqlx::PgConnection;

use super::file::{self, KeyFileError};
use super::{KEY_LEN, KeyId, Keyring, Ring, store};
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::Ids;

/// What a key seals when it is first seen; opening it again proves that it is the same key.
const CHECK: &[u8] = b"sentinela key check";

#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error(
        "the key file {} is missing, but the database holds data sealed under it (key {key}). Put it back from its copy; \
         the service makes no new one, because what is sealed would be lost",
        path.display()
    )]
    Missing { path: PathBuf, key: KeyId },
    #[error("the key file {} does not hold key {key}, under which the database holds sealed data. Put \
         that key back from its copy, as a further line of the file", path.display())]
    Lacks { path: PathBuf, key: KeyId },
    #[error("the check value of key {key} in the database does not open: {source}")]
    Check { key: KeyId, source: super::SealError },
    #[error("the keys cannot be held against the database: {0}")]
    Database(#[from] sqlx::Error),
}

impl Keyring {
    /// Opens both rings. A file that is missing is made, but only while the database needs none.
    ///
    /// # Errors
    /// Says which file or key is missing or wrong.
    pub async fn open_or_create(
        conn: &mut PgConnection,
        config: &Config,
        ids: &Ids,
        now: Instant,
    ) -> Result<Self, BootError> {
        let service = ring(&mut *conn, "service", service_file(config), ids, now).await?;
        let vault = ring(&mut *conn, "vault", vault_file(config), ids, now).await?;
        Ok(Self { service, vault })
    }
}

/// Where the keys of this ring are.
pub fn service_file(config: &Config) -> PathBuf {
    place(config, &config.keys.service_file, "service.key")
}

/// Where the keys of the vault are.
pub fn vault_file(config: &Config) -> PathBuf {
    place(config, &config.keys.vault_file, "vault.key")
}

fn place(config: &Config, given: &str, name: &str) -> PathBuf {
    if given.is_empty() { config.data_dir.join("keys").join(name) } else { PathBuf::from(given) }
}

async fn ring(
    conn: &mut PgConnection,
    name: &'static str,
    path: PathBuf,
    ids: &Ids,
    now: Instant,
) -> Result<Ring, BootError> {
    let needed = store::checks(&mut *conn, name).await?;
    let keys = match file::read(&path)? {
        Some(keys) => keys,
        None => match needed.first() {
            Some((key, _)) => return Err(BootError::Missing { path, key: *key }),
            None => file::create(&path, ids.bytes::<KEY_LEN>())?,
        },
    };
    let ring = Ring::new(name, &keys, ids);
    check(&ring, &path, &needed)?;
    if let Some(newest) = ring.newest() {
        let sealed = ring.seal(&context(name), CHECK);
        store::add_check(conn, name, newest, &sealed, now).await?;
    }
    Ok(ring)
}

/// Whether a ring opens all that the database has sealed under its keys.
fn check(ring: &Ring, path: &Path, needed: &[(KeyId, Vec<u8>)]) -> Result<(), BootError> {
    for (key, sealed) in needed {
        if !ring.has(*key) {
            return Err(BootError::Lacks { path: path.to_owned(), key: *key });
        }
        let opened =
            ring.open(&context(ring.name()), sealed).map_err(|source| BootError::Check { key: *key, source })?;
        if opened != CHECK {
            return Err(BootError::Check { key: *key, source: super::SealError::Tampered });
        }
    }
    Ok(())
}

/// How many keys each ring has, held against what the database needs; nothing is made or written. 0: neither file nor need yet.
pub async fn probe(
    conn: &mut PgConnection,
    config: &Config,
    ids: &Ids,
) -> [(&'static str, Result<usize, BootError>); 2] {
    let service = probe_ring(&mut *conn, "service", service_file(config), ids).await;
    let vault = probe_ring(conn, "vault", vault_file(config), ids).await;
    [("service", service), ("vault", vault)]
}

async fn probe_ring(conn: &mut PgConnection, name: &'static str, path: PathBuf, ids: &Ids) -> Result<usize, BootError> {
    let needed = store::checks(conn, name).await?;
    let Some(keys) = file::read(&path)? else {
        return match needed.first() {
            Some((key, _)) => Err(BootError::Missing { path, key: *key }),
            None => Ok(0),
        };
    };
    check(&Ring::new(name, &keys, ids), &path, &needed)?;
    Ok(keys.len())
}

fn context(name: &str) -> String {
    format!("key_check:{name}")
}
