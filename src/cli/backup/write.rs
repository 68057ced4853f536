//! The archive on its way to the disk: part after part through a small buffer, under a name of its own until it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, IsTerminal as _, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::files::Sources;
use super::{folder_of, free_bytes};
use crate::backup::manifest::{DATABASE, KEYS, MANIFEST, draft_name, is_draft};
use crate::backup::{Manifest, Part, space};
use crate::hexadecimal::hex;

/// Read and written at a time.
const CHUNK: usize = 256 * 1024;
/// Bytes between two words about the progress.
const TELL_EVERY: u64 = 16 * 1024 * 1024;

/// An archive that is whole and on the disk.
#[derive(Debug)]
pub struct Written {
    pub bytes: u64,
    pub manifest_sha256: [u8; 32],
}

/// Writes it beside its place and puts it there when it is whole. What was begun is removed when it cannot be ended. `spare`: bytes that
/// stay free on the disk, 0 for none.
///
/// # Errors
/// A disk that is full, a program that failed, or a file that came there meanwhile.
pub fn archive(to: &Path, dump: Command, sources: Sources, manifest: Manifest, spare: u64) -> anyhow::Result<Written> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder_of(to).join(draft_name(&name, std::process::id()));
    let outcome = fill(&draft, dump, sources, manifest, spare).and_then(|written| put(&draft, to).map(|()| written));
    if outcome.is_err() {
        // Nothing to do about a file that does not go away either.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

/// Removes what backups that were killed have left beside this one, before it is asked how much room there is. One that is at work keeps
/// its draft locked.
pub fn sweep(to: &Path) {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let Ok(listed) = fs::read_dir(folder_of(to)) else { return };
    for path in listed.flatten().map(|entry| entry.path()) {
        let is_draft = path.file_name().is_some_and(|file| is_draft(&file.to_string_lossy(), &name));
        // Over a network a lock that others respect needs the right to write.
        let is_left = || OpenOptions::new().write(true).open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_draft && is_left() {
            // One that does not go away takes room and nothing else.
            let _ = fs::remove_file(&path);
        }
    }
}

fn fill(draft: &Path, dump: Command, sources: Sources, mut manifest: Manifest, spare: u64) -> anyhow::Result<Written> {
    let cannot = || format!("the archive cannot be written to {}", folder_of(draft).display());
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft).with_context(cannot)?;
    // A file system without locks has none that `sweep` could take either.
    let _ = file.try_lock();
    let mut writer = Writer {
        zip: ZipWriter::new(file),
        parts: Vec::new(),
        of: cannot(),
        room: (folder_of(draft).to_owned(), spare),
    };
    writer.dump(dump)?;
    for (name, path, bytes) in &sources.files {
        let source = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        writer.part(name, source.take(*bytes))?;
    }
    if let Some(keys) = &sources.keys {
        writer.part(KEYS, keys.as_slice())?;
    }
    manifest.parts = std::mem::take(&mut writer.parts);
    let list = serde_json::to_vec_pretty(&manifest).context("the manifest is data")?;
    writer.part(MANIFEST, list.as_slice())?;
    let file = writer.zip.finish().with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    let bytes = file.metadata().with_context(cannot)?.len();
    Ok(Written { bytes, manifest_sha256: Sha256::digest(&list).into() })
}

/// Gives the file its name, unless another one has it by now, and has that on the disk as well.
fn put(draft: &Path, to: &Path) -> anyhow::Result<()> {
    match fs::hard_link(draft, to) {
        Ok(()) => fs::remove_file(draft).with_context(|| format!("{} cannot be removed", draft.display()))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there by now, and a backup overwrites nothing", to.display())
        }
        // Not every file system knows a second name.
        Err(_) => fs::rename(draft, to).with_context(|| format!("{} cannot be written", to.display()))?,
    }
    let folder: PathBuf = folder_of(to).to_owned();
    let synced = File::open(&folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("{} cannot be written", folder.display()))
}

struct Writer {
    zip: ZipWriter<File>,
    parts: Vec<Part>,
    /// What to say when it cannot be written.
    of: String,
    /// Where it is written, and how many bytes stay free there.
    room: (PathBuf, u64),
}

impl Writer {
    fn part(&mut self, name: &str, mut source: impl Read) -> anyhow::Result<()> {
        // Stored, for what is large is compressed already; with room for more than 4 GiB, for nobody knows how much comes.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        self.zip.start_file(name, options).with_context(|| self.of.clone())?;
        let (mut sum, mut bytes, mut told) = (Sha256::new(), 0_u64, 0_u64);
        let mut chunk = vec![0_u8; CHUNK];
        loop {
            let count = match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).with_context(|| format!("{name} cannot be read to its end")),
            };
            self.zip.write_all(&chunk[..count]).with_context(|| self.of.clone())?;
            sum.update(&chunk[..count]);
            bytes += count as u64;
            if bytes - told >= TELL_EVERY {
                told = bytes;
                self.keep_room()?;
                progress(name, bytes);
            }
        }
        if told > 0 {
            progress(name, bytes);
            if std::io::stderr().is_terminal() {
                eprintln!();
            }
        }
        let sha256 = hex(&sum.finalize()[..]);
        self.parts.push(Part { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Ends the backup before the database beside it runs out of room.
    fn keep_room(&self) -> anyhow::Result<()> {
        let (folder, spare) = &self.room;
        match free_bytes(folder).filter(|free| free < spare) {
            Some(free) => bail!("{}: only {} are left, which the database needs", self.of, space::told(free)),
            None => Ok(()),
        }
    }

    /// What `pg_dump` says goes into the archive as it comes.
    fn dump(&mut self, mut command: Command) -> anyhow::Result<()> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| format!("{program} cannot be run"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        // Both are piped, so both are there. Its words are read beside, or it would wait for somebody to read them.
        let said = std::thread::spawn(move || words(err));
        let copied = match out {
            Some(out) => self.part(DATABASE, out),
            None => Err(anyhow::anyhow!("{program} has no output")),
        };
        if copied.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().with_context(|| format!("{program} cannot be waited for"))?;
        let said = said.join().unwrap_or_default();
        copied?;
        if !status.success() {
            bail!("{program} failed ({status}): {}", said.trim());
        }
        Ok(())
    }
}

/// All that a program says on a pipe, in words.
pub fn words(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was said before a pipe broke is worth telling.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One line that is written over, for people only.
fn progress(name: &str, bytes: u64) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Nobody is harmed when a terminal is gone.
        let _ = write!(stderr, "\r{name}: {}   ", space::told(bytes));
    }
}
