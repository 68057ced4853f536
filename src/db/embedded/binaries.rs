//! Finding PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ClusterError;

/// Each `{root}/{version}/bin` may hold a PostgreSQL (Debian's layout).
pub(in crate::db) const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
const OLDEST: u32 = 15;

/// A folder with `initdb`, `pg_ctl` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// The folder that is configured; else the version that made the data, when it is installed; else the newest that has
    /// PostGIS; else the newest.
    ///
    /// # Errors
    /// Nothing is installed, or only what is too old.
    pub fn find(configured: &str, made_by: Option<&str>) -> Result<Self, ClusterError> {
        if !configured.is_empty() {
            let folder = PathBuf::from(configured);
            return Self::at(&folder).ok_or_else(|| ClusterError::NoBinaries(configured.to_owned()))?.fresh_enough();
        }
        let mut found = Self::installed();
        found.sort_by_key(|binaries| (binaries.has_postgis(), binaries.major));
        let fits = found.iter().position(|binaries| Some(binaries.major.to_string().as_str()) == made_by);
        let chosen = match fits {
            Some(index) => Some(found.swap_remove(index)),
            None => found.pop(),
        };
        chosen.ok_or_else(|| ClusterError::NoBinaries(format!("{DEBIAN_ROOT}/*/bin and PATH")))?.fresh_enough()
    }

    fn installed() -> Vec<Self> {
        let versions = std::fs::read_dir(DEBIAN_ROOT).into_iter().flatten().flatten();
        let debian = versions.map(|entry| entry.path().join("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        debian.chain(std::env::split_paths(&path)).filter_map(|folder| Self::at(&folder)).collect()
    }

    fn at(folder: &Path) -> Option<Self> {
        // Symbolic links are followed: the programs find their libraries beside their true place.
        let folder = folder.join("postgres").canonicalize().ok()?.parent()?.to_owned();
        let whole = ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file());
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok().filter(|_| whole)?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder, major })
    }

    fn has_postgis(&self) -> bool {
        Path::new(&format!("/usr/share/postgresql/{}/extension/postgis.control", self.major)).is_file()
    }

    fn fresh_enough(self) -> Result<Self, ClusterError> {
        if self.major < OLDEST {
            return Err(ClusterError::OldBinaries { found: self.major, folder: self.folder });
        }
        Ok(self)
    }
}

/// "postgres (PostgreSQL) 15.20 (Debian …)" to 15; "17beta1" to 17.
pub(in crate::db) fn major_of(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn a_folder_without_postgresql_is_named() {
        let message = Binaries::find("/nowhere", None).unwrap_err().to_string();
        assert!(message.contains("/nowhere") && message.contains("apt-get install"), "{message}");
    }
}
