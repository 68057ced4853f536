//! Where the files of an archive go.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::archive::Archive;
use crate::audit::anchors;
use crate::backup::manifest::{DATABASE, HEADS, KEYS};
use crate::backup::seal;
use crate::clock::Instant;
use crate::config::Config;
use crate::vault::boot;

/// Key files by the names they have in an archive.
fn key_files(config: &Config) -> [(&'static str, PathBuf); 2] {
    [("service.key", boot::service_file(config)), ("vault.key", boot::vault_file(config))]
}

/// # Errors
/// Other keys lie where these belong.
pub fn check_keys(config: &Config, keys: &seal::Files) -> anyhow::Result<()> {
    for (name, path) in key_files(config) {
        let Some(text) = keys.get(name) else { bail!("the archive holds no {name}") };
        match fs::read_to_string(&path) {
            Ok(there) if there == *text => {}
            Ok(_) => bail!("{} holds other keys than the archive; move it away first", path.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
    Ok(())
}

/// Puts the keys where they belong, or says which are missing.
///
/// # Errors
/// A file that cannot be written.
pub fn place_keys(config: &Config, keys: Option<&seal::Files>, in_archive: bool) -> anyhow::Result<()> {
    for (name, path) in key_files(config) {
        if path.exists() {
            println!("{}: as it was", path.display());
            continue;
        }
        let Some(text) = keys.and_then(|keys| keys.get(name)) else {
            let how =
                if in_archive { "copy it there, or restore again with --passphrase-file" } else { "copy it there" };
            println!(
                "MISSING {}: {how}. Without it the service does not start, because second factors, signing keys and the vault would stay \
                 shut",
                path.display()
            );
            continue;
        };
        let cannot = || format!("{} cannot be written", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(cannot)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)?;
        println!("{}: put back", path.display());
    }
    Ok(())
}

/// Puts the noted heads in their place, and everything else into a folder for a person to look at: the configuration of one machine is
/// seldom right for another. What was done, in sentences.
///
/// # Errors
/// A file that cannot be written.
pub fn place(data_dir: &Path, mut archive: Archive, at: Instant) -> anyhow::Result<Vec<String>> {
    let stamp = at.format("%Y%m%dT%H%M%SZ");
    let mut told = Vec::new();
    let heads = anchors::path(data_dir);
    if heads.exists() {
        // Noted after the backup: evidence of what is not in it.
        let aside = data_dir.join(format!("audit-heads.before-{stamp}.log"));
        fs::rename(&heads, &aside).with_context(|| format!("{} cannot be moved", heads.display()))?;
        told.push(format!(
            "{}: the heads noted here before, of events that may not be in the archive",
            aside.display()
        ));
    }
    let folder = data_dir.join(format!("restored-{stamp}"));
    let names: Vec<String> = archive.manifest.parts.iter().map(|part| part.name.clone()).collect();
    for name in names.iter().filter(|name| !matches!(name.as_str(), DATABASE | KEYS)) {
        let to = if name == HEADS { heads.clone() } else { folder.join(name) };
        archive.unpack(name, &to)?;
    }
    if folder.exists() {
        told.push(format!(
            "{}: configuration and files of the archive, to be compared with those of this machine",
            folder.display()
        ));
    }
    Ok(told)
}
