//! Secrets of the configuration: given outright, or as the place where they lie. They are never printed.
//!
//! - `"file:/run/secrets/mail"`: the content of that file, without the line end that editors add.
//! - `"credential:mail"`: the file of that name in `$CREDENTIALS_DIRECTORY`, as systemd's `LoadCredential=` puts it there.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Longest secret taken from a file, in bytes: a larger file is surely the wrong one.
const MAX_BYTES: u64 = 16 * 1024;

/// A text that `Debug` and `Display` show as `***`. Whoever needs it takes it as `&str`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the secret's file {0} cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("the secret's file {0} is larger than {MAX_BYTES} bytes; expected a password, an address or a token")]
    Large(PathBuf),
    #[error("the secret's file {0} is empty")]
    Empty(PathBuf),
    #[error("the secret's file {0} may be read by everyone on this machine; chmod 600 it")]
    Open(PathBuf),
    #[error("credential:{0} needs systemd: $CREDENTIALS_DIRECTORY is not set")]
    NoCredentials(String),
    #[error("credential:{0} is not a name of a credential")]
    Name(String),
}

impl Secret {
    /// Follows `file:` and `credential:`; any other text is the secret itself.
    ///
    /// # Errors
    /// Names the file, never what is in it.
    pub fn resolve(given: String, credentials: Option<&Path>) -> Result<Self, SecretError> {
        if let Some(path) = given.strip_prefix("file:") {
            return read(Path::new(path)).map(Self);
        }
        let Some(name) = given.strip_prefix("credential:") else { return Ok(Self(given)) };
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(SecretError::Name(name.to_owned()));
        }
        let folder = credentials.ok_or_else(|| SecretError::NoCredentials(name.to_owned()))?;
        read(&folder.join(name)).map(Self)
    }
}

fn read(path: &Path) -> Result<String, SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error| SecretError::Read(path.to_owned(), error);
    let about = std::fs::metadata(path).map_err(failed)?;
    if about.len() > MAX_BYTES {
        return Err(SecretError::Large(path.to_owned()));
    }
    // A group may be meant (a container's, a service's); everybody never is.
    if about.permissions().mode() & 0o004 != 0 {
        return Err(SecretError::Open(path.to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(SecretError::Empty(path.to_owned())) } else { Ok(text.to_owned()) }
}

impl TryFrom<String> for Secret {
    type Error = SecretError;

    fn try_from(given: String) -> Result<Self, SecretError> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self::resolve(given, credentials.as_deref())
    }
}

/// For what the program itself makes up; nothing is looked up.
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "***" })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sentinela-secret-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end_and_is_never_printed() {
        let path = file("mail", "segredo\n", 0o600);
        let secret = Secret::resolve(format!("file:{}", path.display()), None).unwrap();
        assert_eq!(&*secret, "segredo");
        assert_eq!(format!("{secret:?} {secret}"), "*** ***");
        let secret = Secret::resolve("credential:mail".into(), path.parent()).unwrap();
        assert_eq!(&*secret, "segredo");
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_by_the_name_of_its_file() {
        let open = file("open", "segredo", 0o644);
        let refused = Secret::resolve(format!("file:{}", open.display()), None).unwrap_err().to_string();
        assert!(refused.contains("everyone") && !refused.contains("segredo"), "{refused}");
        let empty = file("empty", "\n", 0o600);
        assert!(matches!(Secret::resolve(format!("file:{}", empty.display()), None), Err(SecretError::Empty(_))));
        assert!(matches!(Secret::resolve("file:/nowhere/at/all".into(), None), Err(SecretError::Read(..))));
        assert!(matches!(Secret::resolve("credential:../x".into(), empty.parent()), Err(SecretError::Name(_))));
        assert!(matches!(Secret::resolve("credential:x".into(), None), Err(SecretError::NoCredentials(_))));
    }
}
