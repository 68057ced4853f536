//! A key file: one key a line, newest first, readable by its owner only.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::KEY_LEN;

const HEAD: &str =
    "# Keys of Sentinela, newest first. Keep a copy apart from the database: without them what is sealed is lost.\n";

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file {} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the key file {} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the key file {}, line {line}: expected 32 bytes as base64", path.display())]
    Shape { path: PathBuf, line: usize },
    #[error("the key file {} holds no key", path.display())]
    Empty { path: PathBuf },
    #[error("the key file {} may be read by others (mode {mode:03o}); do: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
}

/// The keys, or `None` when there is no such file.
///
/// # Errors
/// Names the file, and what is wrong with it.
pub fn read(path: &Path) -> Result<Option<Vec<[u8; KEY_LEN]>>, KeyFileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyFileError::Read { path: path.to_owned(), source }),
    };
    let about = |source| KeyFileError::Read { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(about)?.permissions().mode() & 0o777;
    // A secret store may hand it over readable by a group; the world never.
    if mode & 0o007 != 0 {
        return Err(KeyFileError::Open { path: path.to_owned(), mode });
    }
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let bytes = STANDARD.decode(line.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        keys.push(bytes.ok_or_else(|| KeyFileError::Shape { path: path.to_owned(), line: number + 1 })?);
    }
    if keys.is_empty() { Err(KeyFileError::Empty { path: path.to_owned() }) } else { Ok(Some(keys)) }
}

/// Makes the file, unless somebody else just did; returns the keys that are in it then.
///
/// # Errors
/// Names the file that cannot be written.
pub fn create(path: &Path, key: [u8; KEY_LEN]) -> Result<Vec<[u8; KEY_LEN]>, KeyFileError> {
    let draft = draft(path, &[key])?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(KeyFileError::Write { path: path.to_owned(), source: error });
        }
        _ => {}
    }
    read(path)?.ok_or_else(|| KeyFileError::Empty { path: path.to_owned() })
}

/// Puts other keys in its place, at once or not at all.
///
/// # Errors
/// Names the file that cannot be written.
pub fn replace(path: &Path, keys: &[[u8; KEY_LEN]]) -> Result<(), KeyFileError> {
    let draft = draft(path, keys)?;
    fs::rename(&draft, path).map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
}

/// A file beside it with these keys, on disk.
fn draft(path: &Path, keys: &[[u8; KEY_LEN]]) -> Result<PathBuf, KeyFileError> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            // A folder of the keys' own is closed to others; one that was there belongs to somebody else.
            if !folder.as_os_str().is_empty() && !folder.exists() {
                fs::create_dir_all(folder)?;
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            }
        }
        let _ = fs::remove_file(&draft);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(HEAD.as_bytes())?;
        for key in keys {
            writeln!(file, "{}", STANDARD.encode(key))?;
        }
        file.sync_all()
    };
    if let Err(source) = written() {
        // On a disk that is full part of a key would lie about for ever.
        let _ = fs::remove_file(&draft);
        return Err(KeyFileError::Write { path: path.to_owned(), source });
    }
    Ok(draft)
}
