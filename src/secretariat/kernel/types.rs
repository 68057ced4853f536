//! The types of cases of this installation: those that are compiled in, and those of a folder of the town.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;

use super::check::{self, Fault};
use super::define::CaseType;
use super::{ledger, store};
use crate::clock::Instant;
use crate::deadlines::{rule, store as deadlines};
use crate::ids::Ids;

/// Files and their texts; build.rs lists them.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// Every fault of every file.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// A type with the text it was read from.
#[derive(Debug)]
pub struct Kept {
    pub def: CaseType,
    pub text: String,
    pub sha256: [u8; 32],
}

#[derive(Debug, Default)]
struct Inner {
    current: BTreeMap<String, Arc<Kept>>,
    /// Versions that cases began with and that are no longer the current ones.
    older: Mutex<HashMap<(String, i32), Arc<Kept>>>,
}

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Types(Arc<Inner>);

impl Types {
    /// Reads what is compiled in and the files of a folder; empty: no folder. A file of the folder with the key of a compiled one takes
    /// its place when its version is greater.
    ///
    /// # Errors
    /// Every fault of every file, with line and column.
    pub fn load(folder: &str) -> Result<Self, Faults> {
        let mut files: Vec<(String, String)> =
            SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        if !folder.is_empty() {
            files.extend(of_folder(Path::new(folder))?);
        }
        Self::of_texts(files)
    }

    /// The same from texts, the later before the earlier.
    ///
    /// # Errors
    /// As [`Types::load`].
    pub fn of_texts(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, Faults> {
        let codes: Vec<String> =
            rule::shipped().map(|rules| rules.into_iter().map(|rule| rule.code).collect()).unwrap_or_default();
        let is_code = |code: &str| codes.iter().any(|known| known == code);
        let mut faults = Vec::new();
        let mut all: BTreeMap<String, (String, String, CaseType)> = BTreeMap::new();
        for (file, text) in files {
            match check::read(&file, &text, &is_code) {
                Err(found) => faults.extend(found),
                Ok(def) => {
                    if let Some((other, _, before)) =
                        all.get(def.key()).filter(|(.., before)| before.version() >= def.version())
                    {
                        let message = format!(
                            "{} is defined in {other} at version {}; expected a greater version",
                            def.key(),
                            before.version()
                        );
                        faults.push(Fault { file, line: 1, column: 1, message });
                        continue;
                    }
                    all.insert(def.key().to_owned(), (file, text, def));
                }
            }
        }
        faults.extend(check::across(&all));
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let keep = |(key, (_, text, def)): (String, (String, String, CaseType))| {
            (key, Arc::new(Kept { sha256: ledger::sha256(text.as_bytes()), def, text }))
        };
        Ok(Self(Arc::new(Inner { current: all.into_iter().map(keep).collect(), older: Mutex::default() })))
    }

    pub fn get(&self, key: &str) -> Option<&Arc<Kept>> {
        self.0.current.get(key)
    }

    /// The newest version of a type; the type itself when there is none any more.
    pub fn newest<'a>(&'a self, of: &'a CaseType) -> &'a CaseType {
        self.get(of.key()).map_or(of, |kept| &kept.def)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Kept>> {
        self.0.current.values()
    }

    pub fn of_module<'a>(&'a self, module: &'a str) -> impl Iterator<Item = &'a Arc<Kept>> {
        self.all().filter(move |kept| kept.def.module() == module)
    }

    /// The version that a case began with.
    ///
    /// # Errors
    /// The database's; `RowNotFound` when it was never kept.
    pub async fn version(&self, conn: &mut PgConnection, key: &str, version: i32) -> sqlx::Result<Arc<Kept>> {
        if let Some(kept) = self.get(key).filter(|kept| kept.def.version() == version) {
            return Ok(Arc::clone(kept));
        }
        let at = (key.to_owned(), version);
        if let Some(kept) = self.0.older.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return Ok(Arc::clone(kept));
        }
        let text = store::type_text(conn, key, version).await?.ok_or(sqlx::Error::RowNotFound)?;
        let def: CaseType = toml::from_str(&text).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let kept = Arc::new(Kept { sha256: ledger::sha256(text.as_bytes()), def, text });
        self.0.older.lock().unwrap_or_else(PoisonError::into_inner).insert(at, Arc::clone(&kept));
        Ok(kept)
    }

    /// Keeps every type as it is used from now on, with the rules of deadlines that it brings. Gives how many rules took the place of those
    /// of an earlier version.
    ///
    /// # Errors
    /// Names a type that has another text under a version that was used before.
    pub async fn register(&self, conn: &mut PgConnection, ids: &Ids, now: Instant) -> anyhow::Result<usize> {
        // Two processes that start at once replace a rule once.
        deadlines::lock(&mut *conn).await?;
        let mut replaced = 0;
        for kept in self.all() {
            replaced += keep(&mut *conn, kept, ids, now).await?;
        }
        Ok(replaced)
    }
}

/// Keeps one type, and gives how many of its rules took the place of earlier ones. Once kept, another text of its version is refused.
///
/// # Errors
/// Says so.
pub async fn keep(conn: &mut PgConnection, kept: &Kept, ids: &Ids, now: Instant) -> anyhow::Result<usize> {
    let (key, version) = (kept.def.key(), kept.def.version());
    let stored = store::keep_type(&mut *conn, (key, version), (&kept.sha256, &kept.text), now).await?;
    anyhow::ensure!(
        stored == kept.sha256,
        "the type {key} was used at version {version} with another text; give the changed file a greater version"
    );
    Ok(store::keep_rules(conn, &kept.def.rules, (key, version), ids, now).await?)
}

fn of_folder(folder: &Path) -> Result<Vec<(String, String)>, Faults> {
    let fault = |path: &Path, error: std::io::Error| {
        let (file, message) = (path.display().to_string(), error.to_string());
        Faults(vec![Fault { file, line: 1, column: 1, message }])
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fault(folder, error))? {
        let path = entry.map_err(|error| fault(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| fault(&path, error))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_has_no_fault() {
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        for key in ["assignments.order", "coordination.determination", "advisory.consultation", "legislative.matter"] {
            assert!(types.get(key).is_some(), "{key}");
        }
    }
}
