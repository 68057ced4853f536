//! An archive that is read: first whole, to see whether it is what was written, then part by part.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::backup::Manifest;
use crate::backup::manifest::{KEYS, MANIFEST};
use crate::cli::backup::words;
use crate::hexadecimal::hex;

const CHUNK: usize = 256 * 1024;
/// Longest list, and longest file of keys, in bytes: whatever is longer is surely not ours.
const MOST: u64 = 16 * 1024 * 1024;

/// An archive whose parts are all what was written.
pub struct Archive {
    path: PathBuf,
    zip: ZipArchive<File>,
    pub manifest: Manifest,
    /// SHA-256 of the manifest.
    pub sum: [u8; 32],
    pub keys: Option<Vec<u8>>,
}

impl Archive {
    /// Reads all of it once. `own`: the newest migration of this program.
    ///
    /// # Errors
    /// What is no archive of ours, too new, cut off, or changed since it was written.
    pub fn open(path: &Path, own: i64) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let zip = ZipArchive::new(file)
            .with_context(|| format!("{} is no archive of `sentinela backup`, or is cut off", path.display()))?;
        let mut archive = Self::of(path, zip)?;
        archive.manifest.check(own)?;
        let names: Vec<String> = archive.zip.file_names().map(str::to_owned).collect();
        archive.manifest.check_names(&names)?;
        for part in archive.manifest.parts.clone() {
            let (bytes, sum) = archive.sum_of(&part.name)?;
            part.check(bytes, &sum)?;
        }
        if archive.manifest.part(KEYS).is_some() {
            archive.keys = Some(archive.small(KEYS)?);
        }
        Ok(archive)
    }

    fn of(path: &Path, mut zip: ZipArchive<File>) -> anyhow::Result<Self> {
        let list = small(&mut zip, MANIFEST)
            .with_context(|| format!("{} is no archive of `sentinela backup`", path.display()))?;
        let manifest = serde_json::from_slice(&list).with_context(|| format!("{MANIFEST} cannot be understood"))?;
        Ok(Self { path: path.to_owned(), zip, manifest, sum: Sha256::digest(&list).into(), keys: None })
    }

    pub fn manifest_sha256(&self) -> String {
        hex(&self.sum)
    }

    pub fn file_name(&self) -> String {
        let name: String = self.path.file_name().unwrap_or_default().to_string_lossy().chars().take(255).collect();
        if name.is_empty() { "-".to_owned() } else { name }
    }

    fn sum_of(&mut self, name: &str) -> anyhow::Result<(u64, String)> {
        let damaged = || format!("{name:?} in the archive is damaged");
        let part = self.zip.by_name(name).with_context(damaged)?;
        // Whatever is longer than the list says is not what was written, however far it would unfold.
        let listed = self.manifest.part(name).map_or(0, |part| part.bytes);
        let mut part = part.take(listed.saturating_add(1));
        let (mut sum, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0_u8; CHUNK]);
        loop {
            let count = part.read(&mut chunk).with_context(damaged)?;
            if count == 0 {
                break;
            }
            sum.update(&chunk[..count]);
            bytes += count as u64;
        }
        Ok((bytes, hex(&sum.finalize()[..])))
    }

    fn small(&mut self, name: &str) -> anyhow::Result<Vec<u8>> {
        small(&mut self.zip, name)
    }

    /// Writes a part to a new file that only its owner reads.
    ///
    /// # Errors
    /// A file that is there, or a disk that is full.
    pub fn unpack(&mut self, name: &str, to: &Path) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be written", to.display());
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).with_context(cannot)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(cannot)?;
        let mut part = self.zip.by_name(name).with_context(|| format!("{name:?} in the archive is damaged"))?;
        std::io::copy(&mut part, &mut file).with_context(cannot)?;
        file.sync_all().with_context(cannot)
    }

    /// Gives a dump to `pg_restore`: `list` says what is in it, `read` takes it.
    ///
    /// # Errors
    /// What the program says. Nothing is in the database then.
    pub fn restore(&mut self, name: &str, list: Command, mut read: Command) -> anyhow::Result<()> {
        let contents = self.feed(name, list)?;
        let wanted: Vec<&str> = contents.lines().filter(|line| !is_of_extension(line)).collect();
        let file = std::env::temp_dir().join(format!("sentinela-restore-{}.list", std::process::id()));
        let cannot = || format!("{} cannot be written", file.display());
        let _ = fs::remove_file(&file);
        let mut written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).with_context(cannot)?;
        written.write_all(wanted.join("\n").as_bytes()).with_context(cannot)?;
        drop(written);
        read.arg("--use-list").arg(&file);
        let outcome = self.feed(name, read);
        let _ = fs::remove_file(&file);
        outcome.map(drop)
    }

    /// Runs a program over a part. What it writes to its output, in words.
    fn feed(&mut self, name: &str, mut command: Command) -> anyhow::Result<String> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{program} cannot be run"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let out = std::thread::spawn(move || words(out));
        let err = std::thread::spawn(move || words(err));
        let mut part = self.zip.by_name(name).with_context(|| format!("{name:?} in the archive is damaged"))?;
        let fed = match child.stdin.take() {
            Some(mut stdin) => std::io::copy(&mut part, &mut stdin).map(drop),
            None => Ok(()),
        };
        // Its end of the pipe is closed by now, so it comes to an end.
        let status = child.wait().with_context(|| format!("{program} cannot be waited for"))?;
        let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        if !status.success() {
            bail!("{program} failed ({status}): {}", err.trim());
        }
        match fed {
            // A program that has read enough reads no further.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).with_context(|| format!("{name:?} cannot be given to {program}"))
            }
            _ => Ok(out),
        }
    }
}

/// Whether a line of the list is something of PostGIS that the extension brings along: only who made it may comment on it or write its
/// table of reference systems, and that is an administrator where the owner of the database is none.
fn is_of_extension(line: &str) -> bool {
    line.contains(" COMMENT - EXTENSION ") || (line.contains(" TABLE DATA ") && line.contains(" spatial_ref_sys "))
}

fn small(zip: &mut ZipArchive<File>, name: &str) -> anyhow::Result<Vec<u8>> {
    let part = zip.by_name(name).with_context(|| format!("it holds no {name}"))?;
    let mut bytes = Vec::new();
    part.take(MOST + 1).read_to_end(&mut bytes).with_context(|| format!("{name} is damaged"))?;
    if bytes.len() as u64 > MOST {
        bail!("{name} is longer than {MOST} bytes");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::is_of_extension;

    #[test]
    fn what_the_extension_brings_along_is_not_read_back() {
        let ours = [
            "2; 3079 440050 EXTENSION - postgis ",
            "8809; 0 0 COMMENT public COLUMN reading_hour.sum sentinela_owner",
            "8778; 0 447610 TABLE DATA public evaluation_comment sentinela_owner",
        ];
        let theirs =
            ["8805; 0 0 COMMENT - EXTENSION postgis ", "5418; 0 440363 TABLE DATA public spatial_ref_sys postgres"];
        assert!(!ours.iter().any(|line| is_of_extension(line)) && theirs.iter().all(|line| is_of_extension(line)));
    }
}
