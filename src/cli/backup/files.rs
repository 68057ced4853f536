//! What belongs to an installation beside its database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::audit::anchors;
use crate::backup::manifest::{CONFIGURATION, HEADS};
use crate::backup::seal;
use crate::config::Config;
use crate::ids::Ids;
use crate::vault::{boot, file};

/// Parts of the archive beside the dump.
#[derive(Debug, Default)]
pub struct Sources {
    /// Name in the archive, file, and how much of it.
    pub files: Vec<(String, PathBuf, u64)>,
    /// Sealed.
    pub keys: Option<Vec<u8>>,
}

/// The configuration, the files it names, and the heads of the audit that are noted by now.
///
/// # Errors
/// Names what cannot be read.
pub fn sources(config: &Config, file: Option<&Path>) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    if let Some(file) = file {
        sources.add(CONFIGURATION, file)?;
    }
    for (name, given) in [
        ("rules", &config.engine.rules_dir),
        ("quality.toml", &config.engine.quality_file),
        ("templates", &config.alerts.templates_dir),
        ("case_types", &config.secretariat.case_types),
        ("segments.toml", &config.secretariat.segments),
    ] {
        if !given.is_empty() {
            sources.add(name, Path::new(given))?;
        }
    }
    let heads = anchors::path(&config.data_dir);
    if heads.exists() {
        sources.add(HEADS, &heads)?;
    }
    Ok(sources)
}

impl Sources {
    fn add(&mut self, name: &str, path: &Path) -> anyhow::Result<()> {
        let about = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if !about.is_dir() {
            File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            self.files.push((name.to_owned(), path.to_owned(), about.len()));
            return Ok(());
        }
        let listed = fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut inside: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        inside.sort_unstable();
        for path in inside {
            let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.add(&format!("{name}/{own}"), &path)?;
        }
        Ok(())
    }
}

/// The key files under a passphrase.
///
/// # Errors
/// A file that is not there or not right, or a passphrase that is too short.
pub fn sealed_keys(config: &Config, passphrase: &str, ids: &Ids) -> anyhow::Result<Vec<u8>> {
    let mut files = seal::Files::new();
    for (name, path) in [("service.key", boot::service_file(config)), ("vault.key", boot::vault_file(config))] {
        if file::read(&path)?.is_none() {
            bail!("the key file {} is not there", path.display());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        files.insert(name.to_owned(), text);
    }
    Ok(seal::seal(&files, passphrase, ids)?)
}
