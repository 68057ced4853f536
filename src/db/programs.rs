//! PostgreSQL's client programs, which write and read dumps, and how they reach the database without its password on a command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use url::Url;

use super::embedded::{DEBIAN_ROOT, major_of};
use super::open::Database;
use crate::config::Config;

#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error(
        "pg_dump and pg_restore of PostgreSQL {needed} or newer are not installed here (looked in {looked}{found}). On Debian: \
         apt-get install postgresql-client-{needed}; or name their folder in `database.postgres_bin_dir`"
    )]
    Missing { needed: u32, looked: String, found: String },
    #[error("configuration key `{key}` is wrong: {source}")]
    Url { key: &'static str, source: url::ParseError },
}

/// A folder with `pg_dump` and `pg_restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    pub folder: PathBuf,
    pub major: u32,
}

impl Programs {
    /// The oldest that are new enough: a dump is read by no older program than wrote it, and a server is dumped by no older one. Only the
    /// folder that is configured, if one is.
    ///
    /// # Errors
    /// Nothing is installed, or only what is too old.
    pub fn find(configured: &str, needed: u32) -> Result<Self, ProgramError> {
        let folders: Vec<PathBuf> = if configured.is_empty() {
            let debian = std::fs::read_dir(DEBIAN_ROOT).into_iter().flatten().flatten();
            let path = std::env::var_os("PATH").unwrap_or_default();
            debian.map(|entry| entry.path().join("bin")).chain(std::env::split_paths(&path)).collect()
        } else {
            vec![PathBuf::from(configured)]
        };
        let mut found: Vec<Self> = folders.iter().filter_map(|folder| Self::at(folder)).collect();
        found.sort_by_key(|programs| programs.major);
        if let Some(programs) = found.iter().find(|programs| programs.major >= needed) {
            return Ok(programs.clone());
        }
        let looked =
            if configured.is_empty() { format!("{DEBIAN_ROOT}/*/bin and PATH") } else { configured.to_owned() };
        let found = found.last().map(|newest| format!("; found only {}", newest.major)).unwrap_or_default();
        Err(ProgramError::Missing { needed, looked, found })
    }

    fn at(folder: &Path) -> Option<Self> {
        let whole = ["pg_dump", "pg_restore"].iter().all(|program| folder.join(program).is_file());
        let output = Command::new(folder.join("pg_dump")).arg("--version").output().ok().filter(|_| whole)?;
        Some(Self { folder: folder.to_owned(), major: major_of(&String::from_utf8_lossy(&output.stdout))? })
    }

    /// One of them, on its way to this database. What it says comes through a pipe, and it never asks for a password.
    ///
    /// # Errors
    /// An address that is none.
    pub fn command(&self, program: &str, database: &Database, config: &Config) -> Result<Command, ProgramError> {
        let mut command = Command::new(self.folder.join(program));
        command.env("LC_ALL", "C.UTF-8").env("PGAPPNAME", format!("sentinela/{program}")).arg("--no-password");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if database.cluster().is_some() {
            let options = &database.owner;
            let host = options.get_socket().map_or_else(|| PathBuf::from(options.get_host()), Clone::clone);
            command.env("PGHOST", host).env("PGPORT", options.get_port().to_string());
            command.env("PGUSER", options.get_username()).env("PGSSLMODE", "disable");
            command.arg("--dbname").arg(options.get_database().unwrap_or_default());
            return Ok(command);
        }
        let (key, url) = match config.database.owner_url.is_empty() {
            true => ("database.url", &*config.database.url),
            false => ("database.owner_url", &*config.database.owner_url),
        };
        let target = Target::of(url).map_err(|source| ProgramError::Url { key, source })?;
        if let Some(password) = target.password {
            command.env("PGPASSWORD", password);
        }
        command.arg("--dbname").arg(target.url);
        Ok(command)
    }
}

/// An address for libpq, and the password apart.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    url: String,
    password: Option<String>,
}

/// Parameters both know, by the names of ours.
const SHARED: &[(&str, &str)] = &[
    ("host", "host"),
    ("hostaddr", "hostaddr"),
    ("port", "port"),
    ("dbname", "dbname"),
    ("user", "user"),
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("ssl-cert", "sslcert"),
    ("sslkey", "sslkey"),
    ("ssl-key", "sslkey"),
];

impl Target {
    fn of(url: &str) -> Result<Self, url::ParseError> {
        let mut parsed = Url::parse(url)?;
        let mut password = parsed.password().map(decoded);
        // Fails only where there is no host, and then there is no password either.
        let _ = parsed.set_password(None);
        let given: Vec<(String, String)> =
            parsed.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        if let Some((_, value)) = given.iter().find(|(key, _)| key == "password") {
            password = Some(value.clone());
        }
        let mut query = Vec::new();
        for (key, value) in &given {
            if let Some((_, theirs)) = SHARED.iter().find(|(ours, _)| ours == key) {
                query.push(format!("{theirs}={}", encoded(value)));
            }
        }
        parsed.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        Ok(Self { url: parsed.into(), password })
    }
}

/// RFC 3986, section 2.1. libpq takes `+` for itself, so spaces are written as `%20`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_never_stands_on_a_command_line() {
        let target = Target::of("postgres://ana:a%2Fb+c%25@db.example:5433/sentinela?sslmode=require").unwrap();
        assert_eq!(target.url, "postgres://ana@db.example:5433/sentinela?sslmode=require");
        assert_eq!(target.password.as_deref(), Some("a/b+c%"));
        let target = Target::of("postgres://db.example/x?password=segredo&user=ana").unwrap();
        assert_eq!(
            (target.url.as_str(), target.password.as_deref()),
            ("postgres://db.example/x?user=ana", Some("segredo"))
        );
    }

    #[test]
    fn what_libpq_does_not_know_is_left_out() {
        let target =
            Target::of("postgres://a@localhost/x?host=/tmp/a b&statement-cache-capacity=0&ssl-mode=disable").unwrap();
        assert_eq!(target.url, "postgres://a@localhost/x?host=/tmp/a%20b&sslmode=disable");
        assert_eq!(target.password, None);
    }

    #[test]
    fn a_folder_without_the_programs_is_named_with_what_to_install() {
        let message = Programs::find("/nowhere", 15).unwrap_err().to_string();
        assert!(message.contains("/nowhere") && message.contains("postgresql-client-15"), "{message}");
    }
}
