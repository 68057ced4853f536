//! Heads of the chain noted outside the database: in `data_dir/audit-heads.log` and in the service's log.
//!
//! Every row of the chain vouches for the one before, and nothing in the database vouches for the last. So the head is noted
//! where whoever rules the database does not write: an end that was cut off, or a chain computed anew, fits the notes no more.
//! Copy the file to another machine now and then; `sentinela audit verify --heads FILE` takes the copy too.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::chain::Anchor;
use super::store::Head;
use crate::clock::Instant;

/// No line is longer, in bytes.
const LINE_MAX: u64 = 4096;

/// Where the heads are noted.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("audit-heads.log")
}

/// Adds a line `INSTANT SEQ:HASH` and has it on disk before it returns, whole or not at all.
///
/// # Errors
/// The file cannot be written. It then ends with its last whole line, as before.
pub fn note(path: &Path, now: Instant, head: &Head) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
    // Two services with one folder take turns. Where the file system knows no locks each line is still one write.
    let _ = file.lock();
    let whole = whole_lines(&mut file)?;
    if whole < file.metadata()?.len() {
        // The piece of a line that a crash left would spoil the one that comes after it.
        file.set_len(whole)?;
    }
    let line = format!("{} {head}\n", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        // A disk that fills up takes a line in part. What cannot be taken back now is at the next note.
        let _ = file.set_len(whole);
    }
    written
}

/// How long the file is up to the end of its last whole line. One without any line end for longer than a line is left as it is: it is
/// not ours to mend.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LINE_MAX);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.read_to_end(&mut end)?;
    Ok(match end.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => from + at as u64 + 1,
        None if from == 0 => 0,
        None => length,
    })
}

/// All heads that were noted; none when there is no such file. A last line without its end was cut off by a crash.
///
/// # Errors
/// The file cannot be read, or names the line that is no head.
pub fn read(path: &Path) -> anyhow::Result<Vec<Anchor>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let mut anchors = Vec::new();
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if reader.read_line(&mut line).with_context(|| format!("{} cannot be read", path.display()))? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        match parse(line.trim()) {
            Some(anchor) => anchors.push(anchor),
            None if !line.ends_with('\n') => break,
            None => bail!("{}, line {number}: expected `INSTANT SEQ:HASH`", path.display()),
        }
    }
    Ok(anchors)
}

fn parse(line: &str) -> Option<Anchor> {
    let (at, head) = line.split_once(' ')?;
    let at = chrono::DateTime::parse_from_rfc3339(at).ok()?.to_utc();
    let head: Anchor = head.parse().ok()?;
    Some(Anchor { at: Some(at), ..head })
}
