//! Where the private cluster lives, and as whom it runs.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;

use super::{ClusterError, NAME, program};
use crate::hexadecimal::hex;

/// `sun_path` holds 108 bytes with the closing NUL (unix(7)).
const SOCKET_PATH_MAX: usize = 107;
/// PostgreSQL names its socket after the port, which is otherwise unused here.
pub(super) const PORT: u16 = 5432;
/// For a `data_dir` that PostgreSQL's account cannot enter.
const REACHABLE_ROOT: &str = "/var/lib/sentinela";

/// Whom the server runs as when the service itself is root.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Holds the data, the log and the keeper's lock.
    pub home: PathBuf,
    /// Holds the socket.
    pub socket: PathBuf,
    /// `None`: as ourselves.
    pub account: Option<Account>,
}

impl Place {
    /// Makes the folders, with the right owner.
    pub async fn prepare(data_dir: &Path) -> Result<Self, ClusterError> {
        fs::create_dir_all(data_dir).map_err(ClusterError::io("cannot create", data_dir))?;
        let data_dir = data_dir.canonicalize().map_err(ClusterError::io("cannot enter", data_dir))?;
        let account = if own_uid()? == 0 { Some(account()?) } else { None };
        let home = home(&data_dir, account.as_ref()).await?;
        let socket = socket_folder(&home, account.as_ref())?;
        Ok(Self { home, socket, account })
    }

    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// The major version that made the data, or `None` before `initdb`.
    pub fn made_by(&self) -> Result<Option<String>, ClusterError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::io("cannot read", &path)(error)),
        }
    }

    pub fn options(&self) -> PgConnectOptions {
        // Whatever PG… variables say, this is the private server.
        PgConnectOptions::new_without_pgpass()
            .host(&self.socket.to_string_lossy())
            .socket(&self.socket)
            .port(PORT)
            .username(NAME)
            .password("")
            .database(NAME)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }
}

/// The effective user of this process. `/proc/self` belongs to it.
fn own_uid() -> Result<u32, ClusterError> {
    let path = Path::new("/proc/self");
    Ok(fs::metadata(path).map_err(ClusterError::io("cannot read", path))?.uid())
}

fn account() -> Result<Account, ClusterError> {
    let path = Path::new("/etc/passwd");
    let passwd = fs::read_to_string(path).map_err(ClusterError::io("cannot read", path))?;
    ["postgres", "nobody"].iter().find_map(|name| account_in(&passwd, name)).ok_or(ClusterError::NoAccount)
}

/// name:password:uid:gid:… (passwd(5))
fn account_in(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Account { uid, gid })
}

/// `data_dir/postgres`, unless the account cannot reach it.
async fn home(data_dir: &Path, account: Option<&Account>) -> Result<PathBuf, ClusterError> {
    let home = data_dir.join("postgres");
    let pointer = data_dir.join("postgres.location");
    if let Ok(elsewhere) = fs::read_to_string(&pointer) {
        let elsewhere = PathBuf::from(elsewhere.trim());
        own_folder(&elsewhere, account)?;
        return Ok(elsewhere);
    }
    own_folder(&home, account)?;
    let Some(account) = account else { return Ok(home) };
    if can_enter(&home, account).await? {
        return Ok(home);
    }
    let elsewhere = Path::new(REACHABLE_ROOT).join(short_hash(data_dir));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(REACHABLE_ROOT)
        .map_err(ClusterError::io("cannot create", Path::new(REACHABLE_ROOT)))?;
    own_folder(&elsewhere, Some(account))?;
    fs::write(&pointer, format!("{}\n", elsewhere.display())).map_err(ClusterError::io("cannot write", &pointer))?;
    // The folder is empty: it was made above.
    let _ = fs::remove_dir(&home);
    tracing::warn!(
        data_dir = %data_dir.display(), database = %elsewhere.display(), pointer = %pointer.display(),
        "PostgreSQL's user cannot enter data_dir, so the private database is kept elsewhere"
    );
    Ok(elsewhere)
}

async fn can_enter(folder: &Path, account: &Account) -> Result<bool, ClusterError> {
    let mut test = program(Path::new("/usr/bin/test"), Some(account));
    let status = test.arg("-w").arg(folder).status().await;
    Ok(status.map_err(ClusterError::io("cannot run", Path::new("/usr/bin/test")))?.success())
}

/// Makes a folder for the account alone.
fn own_folder(folder: &Path, account: Option<&Account>) -> Result<(), ClusterError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(ClusterError::io("cannot create", folder))?;
    if let Some(account) = account {
        chown(folder, Some(account.uid), Some(account.gid)).map_err(ClusterError::io("cannot give away", folder))?;
    }
    Ok(())
}

/// Beside the data when that path is short enough for a socket, else in the temporary folder.
fn socket_folder(home: &Path, account: Option<&Account>) -> Result<PathBuf, ClusterError> {
    let near = home.join("socket");
    let folder = if fits(&near) { near } else { PathBuf::from(format!("/tmp/sentinela-{}", short_hash(home))) };
    own_folder(&folder, account)?;
    // Anyone may make folders in /tmp: a foreign one would hand our connections to a stranger.
    let found = fs::symlink_metadata(&folder).map_err(ClusterError::io("cannot read", &folder))?;
    let owner = match account {
        Some(account) => account.uid,
        None => own_uid()?,
    };
    let ours = found.is_dir() && found.uid() == owner && found.permissions().mode() & 0o077 == 0;
    if ours { Ok(folder) } else { Err(ClusterError::SocketFolder(folder)) }
}

/// `{folder}/.s.PGSQL.5432` as a socket's address, without letters that mean something to a shell or in a list.
fn fits(folder: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    folder.as_os_str().as_encoded_bytes().iter().all(plain)
        && folder.as_os_str().len() + "/.s.PGSQL.".len() + PORT.to_string().len() <= SOCKET_PATH_MAX
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hex(&digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "postgres-old:x:1:2::/:/bin/sh\npostgres:x:105:113:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        let account = account_in(passwd, "postgres").unwrap();
        assert_eq!((account.uid, account.gid), (105, 113));
        assert!(account_in(passwd, "nobody").is_none());
    }

    #[test]
    fn a_socket_path_holds_107_bytes() {
        let name = "x".repeat(SOCKET_PATH_MAX - "/".len() - "/.s.PGSQL.5432".len());
        assert!(fits(Path::new(&format!("/{name}"))));
        assert!(!fits(Path::new(&format!("/{name}x"))));
    }
}
