//! Takes reports from a maildir, as every mail server can fill one: a message in `new` is read, committed, and moved to `cur`.
//! When the process dies in between it is read again and changes nothing. What is no report lies in quarantine with the
//! reason, and moves too, so that nothing blocks what comes after it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{MAX_BYTES, Mail, read};
use crate::app::App;
use crate::db::{ROUND_MAX, within};
use crate::ingest::{Quarantined, Source};
use crate::media::{self, Picture};
use crate::reports::inbound;

const LOOK: Duration = Duration::from_secs(5);
/// Messages of one look.
const BATCH: usize = 100;
/// Of a message that is no report so much is kept.
const KEPT_BYTES: usize = 64 * 1024;

/// Runs until the service stops.
pub async fn run(app: App) {
    let folder = PathBuf::from(&app.config.reports.maildir);
    loop {
        if let Err(error) = within(ROUND_MAX, once(&app, &folder)).await {
            tracing::warn!(error = format!("{error:#}"), folder = %folder.display(), "reports by e-mail wait");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Everything that lies in `new` now, oldest name first. How many messages were moved.
///
/// # Errors
/// The folder's or the database's; the message at hand stays where it is.
pub async fn once(app: &App, folder: &Path) -> anyhow::Result<usize> {
    let waiting = waiting(folder).await?;
    for path in &waiting {
        match take(app, path).await {
            // Another process was first.
            Err(error) if is_lost(&error) => continue,
            other => other?,
        }
        read_already(path).await?;
    }
    Ok(waiting.len())
}

/// The messages of a maildir that nobody has read, oldest name first; a bounded number of them.
///
/// # Errors
/// The folder's.
pub async fn waiting(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let mut entries = tokio::fs::read_dir(folder.join("new")).await?;
    while let Some(entry) = entries.next_entry().await? {
        // Links lead elsewhere; folders and sockets are no mail.
        if entry.file_type().await?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    paths.truncate(BATCH);
    Ok(paths)
}

/// Moves a message to those that were read.
///
/// # Errors
/// The folder's; one that another process moved is none.
pub async fn read_already(path: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent().and_then(Path::parent), path.file_name()) else { return Ok(()) };
    let mut seen = name.to_owned();
    seen.push(":2,S");
    match tokio::fs::rename(path, folder.join("cur").join(seen)).await {
        Err(error) if is_gone(&error) => Ok(()),
        other => other,
    }
}

/// Whether a message is away because another process was first.
pub fn is_lost(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(is_gone)
}

fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

async fn take(app: &App, path: &Path) -> anyhow::Result<()> {
    let size = tokio::fs::metadata(path).await?.len();
    if size > MAX_BYTES {
        return refuse(app, &[], "message", &format!("larger than {} MiB", MAX_BYTES / 1024 / 1024)).await;
    }
    let bytes = tokio::fs::read(path).await?;
    match read(&bytes) {
        Ok(mail) => {
            let pictures = develop(app, &mail).await?;
            Ok(inbound::mail(app, mail, &pictures).await?)
        }
        Err(refused) => refuse(app, &bytes, refused.field(), &refused.to_string()).await,
    }
}

/// The pictures that are some. What only says so lies in quarantine; the words count without it.
async fn develop(app: &App, mail: &Mail) -> anyhow::Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    for file in &mail.pictures {
        match media::develop(file.clone()).await {
            Ok(picture) => pictures.push(picture),
            Err(refused) => refuse(app, &[], "attachment", &refused.to_string()).await?,
        }
    }
    Ok(pictures)
}

async fn refuse(app: &App, bytes: &[u8], field: &str, reason: &str) -> anyhow::Result<()> {
    metrics::counter!("sentinela_reports_refused_total", "source" => "email").increment(1);
    let row = Quarantined {
        source: Source::Report,
        device: None,
        topic: Some("maildir".into()),
        payload: bytes[..bytes.len().min(KEPT_BYTES)].to_vec(),
        reason: reason.to_owned(),
        field: field.to_owned(),
        value: String::new(),
    };
    app.ingest.submit_when_free(Vec::new(), vec![row]).await?;
    Ok(())
}
