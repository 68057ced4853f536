//! Takes letters that came back from a maildir, in the way reports by e-mail are taken: read, committed, moved. What reports no delivery
//! of ours is counted and moved too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Bounce, read};
use crate::app::App;
use crate::db::{ROUND_MAX, within};
use crate::dispatch::decide::Fate;
use crate::dispatch::receipts::Receipt;
use crate::dispatch::store::receipt::{self, Incoming};
use crate::dispatch::writer::is_about_data;
use crate::reports::mail::worker::{is_lost, read_already, waiting};

const LOOK: Duration = Duration::from_secs(5);
/// A report with the letter it returns; more is no report.
const MAX_BYTES: u64 = 10 * 1024 * 1024;
/// Of a report so much is kept.
const KEPT_BYTES: usize = 16 * 1024;
/// The provider whose letters they are.
const PROVIDER: &str = "smtp";

/// Runs until the service stops.
pub async fn run(app: App) {
    let folder = PathBuf::from(&app.config.mail.bounces.maildir);
    loop {
        if let Err(error) = within(ROUND_MAX, once(&app, &folder)).await {
            tracing::warn!(error = format!("{error:#}"), folder = %folder.display(), "letters that came back wait");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Everything that lies in `new` now. How many messages were moved.
///
/// # Errors
/// The folder's or the database's; the message at hand stays where it is.
pub async fn once(app: &App, folder: &Path) -> anyhow::Result<usize> {
    let waiting = waiting(folder).await?;
    for path in &waiting {
        match take(app, path).await {
            Err(error) if is_lost(&error) => continue,
            // It would be so the next time too, and nothing behind it would ever be read.
            Err(error) if error.downcast_ref().is_some_and(is_about_data) => pass_over(&error),
            other => other?,
        }
        read_already(path).await?;
    }
    Ok(waiting.len())
}

async fn take(app: &App, path: &Path) -> anyhow::Result<()> {
    let address = &app.config.mail.bounces.address;
    let base = address.split_once('@').map_or(address.as_str(), |(local, _)| local);
    let size = tokio::fs::metadata(path).await?.len();
    let bytes = if size > MAX_BYTES { Vec::new() } else { tokio::fs::read(path).await? };
    match read(&bytes, base, &app.keys.service) {
        Ok(bounce) => keep(app, &bytes, &bounce).await,
        Err(refused) => {
            pass_over(&refused);
            Ok(())
        }
    }
}

fn pass_over(reason: &dyn std::fmt::Display) {
    metrics::counter!("sentinela_mail_bounces_odd_total").increment(1);
    tracing::info!(%reason, "a letter to the address for returns is passed over");
}

/// Keeps it as a receipt, and ends the row.
async fn keep(app: &App, bytes: &[u8], bounce: &Bounce) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let Some(letter) = receipt::letter_of(&mut tx, PROVIDER, bounce.row).await? else {
        pass_over(&"its letter never left");
        return Ok(());
    };
    let Some(told) = bounce.about(&letter.address) else {
        pass_over(&"it speaks of another address");
        return Ok(());
    };
    if told.fate == Fate::Undelivered {
        let cause = if told.is_dead { "address" } else { "other" };
        metrics::counter!("sentinela_mail_bounces_total", "cause" => cause).increment(1);
    }
    let (message_id, error) = (letter.message_id, told.error.clone());
    let receipt = Receipt { message_id, fate: told.fate, error, is_dead: told.is_dead, is_unmarked: false };
    let raw = bytes[..bytes.len().min(KEPT_BYTES)].to_vec();
    let incoming = Incoming { raw, address: String::new(), receipt: Some(receipt), words: String::new(), part: None };
    receipt::keep(&mut tx, now, PROVIDER, &[incoming]).await?;
    let moved = receipt::settle(&mut tx, now, PROVIDER).await?;
    for alert in &moved {
        crate::events::notify(&mut tx, &crate::events::Event::Delivery { alert_id: alert.0 }).await?;
    }
    tx.commit().await?;
    Ok(())
}
