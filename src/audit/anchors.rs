//! Heads of the chain noted outside the database: in `data_dir/audit-heads.log` and in the service's log.
//!
//! Every row of the chain vouches for the one before, and nothing in the database vouches for the last. So the head is noted
//! where whoever rules the database does not write: an end that was cut off, or a chain computed anew, fits the notes no more.
//! Copy the file to another machine now and then; `sentinela audit verify --heads FILE` takes the copy too.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::chain::Anchor;
use super::store::Head;
use crate::clock::Instant;

/// Where the heads are noted.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("audit-heads.log")
}

/// Adds a line `INSTANT SEQ:HASH` and has it on disk before it returns.
///
/// # Errors
/// The file cannot be written.
pub fn note(path: &Path, now: Instant, head: &Head) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let line = format!("{} {head}\n", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    // One write, so that two services with one folder never mix their lines.
    file.write_all(line.as_bytes())?;
    file.sync_data()
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
