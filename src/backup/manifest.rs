//! The list of what an archive holds, and whether this program may restore it. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The form described here. A later one is refused by name.
pub const FORMAT: u32 = 1;

/// Name of the list in the archive.
pub const MANIFEST: &str = "manifest.json";
/// The dump of the database, in the custom format of `pg_dump`.
pub const DATABASE: &str = "database.dump";
/// The configuration file that was given.
pub const CONFIGURATION: &str = "configuration.toml";
/// `data_dir/audit-heads.log`
pub const HEADS: &str = "audit-heads.log";
/// The key files, sealed under a passphrase.
pub const KEYS: &str = "keys.sealed";

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// "sentinela 0.1.0"
    pub program: String,
    /// The instant whose data it holds.
    pub taken_at: DateTime<Utc>,
    pub municipality: String,
    /// IBGE's code of the municipality.
    pub ibge_code: String,
    /// Version of the server, as it writes it, and its major version.
    pub postgres: String,
    pub postgres_major: u32,
    pub postgis: String,
    /// Newest migration in it.
    pub schema: i64,
    /// `journal.seq` of the newest reading, 0 for none.
    pub journal_head: i64,
    /// Newest place of the audit as SEQ:HASH, empty for none.
    pub audit_head: String,
    /// Names, not values, of the environment variables that were part of the configuration.
    pub environment: Vec<String>,
    pub parts: Vec<Part>,
}

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// Why an archive is not restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the archive is of form {0}, and this program knows form {FORMAT}; use a newer program")]
    Format(u32),
    #[error(
        "the archive's schema {archive} is newer than this program's {own}; restore it with the program that wrote it ({program}), \
         or a newer one"
    )]
    Newer { archive: i64, own: i64, program: String },
    #[error("the archive holds no {0}")]
    Lacks(&'static str),
    #[error("the archive holds {0:?}, which is not in its list: somebody put it in")]
    Unlisted(String),
    #[error("{0:?} is listed and not in the archive: somebody took it out, or the file is cut off")]
    Missing(String),
    #[error("{0:?} stands twice in the list or in the archive")]
    Twice(String),
    #[error("{name:?} is not what was written: expected {expected}, found {found}. The archive was changed or damaged")]
    Changed { name: String, expected: String, found: String },
    #[error("{0:?} is no name of a part")]
    Name(String),
}

impl Manifest {
    /// Whether this program can restore it; `own` is its newest migration.
    ///
    /// # Errors
    /// Says what to use instead.
    pub fn check(&self, own: i64) -> Result<(), Refusal> {
        if self.format != FORMAT {
            return Err(Refusal::Format(self.format));
        }
        if self.schema > own {
            return Err(Refusal::Newer { archive: self.schema, own, program: self.program.clone() });
        }
        if self.part(DATABASE).is_none() {
            return Err(Refusal::Lacks(DATABASE));
        }
        for (index, part) in self.parts.iter().enumerate() {
            if !is_name(&part.name) {
                return Err(Refusal::Name(part.name.clone()));
            }
            if self.parts[..index].iter().any(|other| other.name == part.name) {
                return Err(Refusal::Twice(part.name.clone()));
            }
        }
        Ok(())
    }

    /// Whether these names are those that are listed, each once.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check_names(&self, found: &[String]) -> Result<(), Refusal> {
        for (index, name) in found.iter().enumerate() {
            if found[..index].contains(name) {
                return Err(Refusal::Twice(name.clone()));
            }
            if name != MANIFEST && self.part(name).is_none() {
                return Err(Refusal::Unlisted(name.clone()));
            }
        }
        match self.parts.iter().find(|part| !found.contains(&part.name)) {
            Some(part) => Err(Refusal::Missing(part.name.clone())),
            None => Ok(()),
        }
    }

    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

impl Part {
    /// Whether what was read is what was written.
    ///
    /// # Errors
    /// Both sums.
    pub fn check(&self, bytes: u64, sha256: &str) -> Result<(), Refusal> {
        if self.bytes == bytes && self.sha256.eq_ignore_ascii_case(sha256) {
            return Ok(());
        }
        let told = |bytes: u64, sum: &str| format!("{bytes} bytes, SHA-256 {sum}");
        Err(Refusal::Changed {
            name: self.name.clone(),
            expected: told(self.bytes, &self.sha256),
            found: told(bytes, sha256),
        })
    }
}

/// A relative path of plain parts: nothing may be written outside the folder it is unpacked into.
fn is_name(name: &str) -> bool {
    let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']);
    name.len() <= 255 && name.split('/').all(good)
}

/// "sentinela-3136702-20260222T120000Z.zip"
pub fn file_name(ibge_code: &str, taken_at: DateTime<Utc>) -> String {
    format!("sentinela-{ibge_code}-{}.zip", taken_at.format("%Y%m%dT%H%M%SZ"))
}

/// Name of an archive on its way, in the folder it is to be in. `process`: who writes it.
pub fn draft_name(name: &str, process: u32) -> String {
    format!(".{name}.partial-{process}")
}

/// Whether a file is what somebody began of an archive of this name, or of another instant of the same municipality.
pub fn is_draft(file: &str, name: &str) -> bool {
    let Some((of, process)) = file.strip_prefix('.').and_then(|file| file.rsplit_once(".partial-")) else {
        return false;
    };
    let is_process = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    is_process && (of == name || series(of).is_some_and(|of| series(name) == Some(of)))
}

/// What stands before the instant in a name of `file_name`.
fn series(name: &str) -> Option<&str> {
    let (series, _) = name.strip_suffix("Z.zip")?.rsplit_once('-')?;
    series.starts_with("sentinela-").then_some(series)
}

/// Of the names in a folder those of older archives of this municipality, beyond the newest `keep`.
pub fn beyond(names: &[String], ibge_code: &str, keep: usize) -> Vec<String> {
    let start = format!("sentinela-{ibge_code}-");
    let is_ours = |name: &&String| {
        let stamp = name.strip_prefix(&start).and_then(|rest| rest.strip_suffix(".zip"));
        stamp.is_some_and(|stamp| {
            stamp.len() == 16 && stamp.ends_with('Z') && stamp.chars().filter(char::is_ascii_digit).count() == 14
        })
    };
    let mut ours: Vec<String> = names.iter().filter(is_ours).cloned().collect();
    // The instant stands in the name, so the order of names is that of time.
    ours.sort_unstable_by(|a, b| b.cmp(a));
    ours.split_off(ours.len().min(keep))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn manifest(parts: &[&str]) -> Manifest {
        let part = |name: &&str| Part { name: (*name).to_owned(), bytes: 3, sha256: "ab".repeat(32) };
        Manifest {
            format: FORMAT,
            program: "sentinela 0.1.0".into(),
            taken_at: from_micros(0),
            municipality: "Juiz de Fora".into(),
            ibge_code: "3136702".into(),
            postgres: "15.20".into(),
            postgres_major: 15,
            postgis: "3.3".into(),
            schema: 20,
            journal_head: 0,
            audit_head: String::new(),
            environment: Vec::new(),
            parts: parts.iter().map(part).collect(),
        }
    }

    #[test]
    fn what_a_newer_program_wrote_is_refused_with_its_name() {
        assert_eq!(manifest(&[DATABASE]).check(20), Ok(()));
        let newer = manifest(&[DATABASE]).check(19).unwrap_err();
        assert!(newer.to_string().contains("sentinela 0.1.0"), "{newer}");
        let later = Manifest { format: 2, ..manifest(&[DATABASE]) };
        assert_eq!(later.check(20), Err(Refusal::Format(2)));
    }

    #[test]
    fn a_list_without_a_database_or_with_a_name_that_leads_out_is_refused() {
        assert_eq!(manifest(&[CONFIGURATION]).check(20), Err(Refusal::Lacks(DATABASE)));
        for name in ["../x", "/etc/passwd", "a/../b", "", "a\\b", "a//b"] {
            assert_eq!(manifest(&[DATABASE, name]).check(20), Err(Refusal::Name(name.into())), "{name}");
        }
        assert_eq!(manifest(&[DATABASE, DATABASE]).check(20), Err(Refusal::Twice(DATABASE.into())));
    }

    #[test]
    fn the_archive_holds_what_is_listed_and_nothing_else() {
        let listed = manifest(&[DATABASE, "rules/a.toml"]);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(listed.check_names(&names(&[DATABASE, "rules/a.toml", MANIFEST])), Ok(()));
        let put_in = listed.check_names(&names(&[DATABASE, "rules/a.toml", "rules/b.toml", MANIFEST]));
        assert_eq!(put_in, Err(Refusal::Unlisted("rules/b.toml".into())));
        assert_eq!(listed.check_names(&names(&[DATABASE, MANIFEST])), Err(Refusal::Missing("rules/a.toml".into())));
        let twice = listed.check_names(&names(&[DATABASE, DATABASE, "rules/a.toml"]));
        assert_eq!(twice, Err(Refusal::Twice(DATABASE.into())));
    }

    #[test]
    fn a_changed_part_is_told_with_both_sums() {
        let listed = manifest(&[DATABASE]);
        let part = listed.part(DATABASE).unwrap();
        assert_eq!(part.check(3, &"AB".repeat(32)), Ok(()));
        assert!(part.check(4, &"ab".repeat(32)).is_err() && part.check(3, &"ac".repeat(32)).is_err());
    }

    #[test]
    fn what_was_begun_is_known_by_its_name() {
        let (own, before) = (file_name("3136702", from_micros(0)), file_name("3136702", from_micros(9_000_000)));
        for name in [&own, &before] {
            assert!(is_draft(&draft_name(name, 12), &own), "{name}");
        }
        assert!(is_draft(&draft_name("saturday.zip", 12), "saturday.zip"));
        let other = file_name("3136703", from_micros(0));
        let others = [
            draft_name(&other, 12),
            draft_name("sunday.zip", 12),
            own.clone(),
            format!(".{own}.partial-"),
            ".x".into(),
        ];
        assert!(!others.iter().any(|file| is_draft(file, &own)), "{others:?}");
        assert!(!is_draft(&draft_name(&own, 12), "saturday.zip"));
    }

    #[test]
    fn rotation_takes_the_oldest_of_our_own_and_touches_nothing_else() {
        let made = |seconds: i64| file_name("3136702", from_micros(seconds * 1_000_000));
        let mut names = vec![made(0), made(200), made(100), made(300)];
        names.extend(["sentinela-3136702-notes.zip", "sentinela-3106200-19700101T000000Z.zip", "x"].map(str::to_owned));
        assert_eq!(beyond(&names, "3136702", 2), [made(100), made(0)]);
        assert!(beyond(&names, "3136702", 9).is_empty());
    }
}
