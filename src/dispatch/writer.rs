//! The one task of a provider that writes what happened: ends of tries and receipts, in batches, in the order they came. One
//! writer, so that a receipt that overtakes its submit response is matched when that response lands.

use std::time::Duration;

use rusmpp::pdus::DeliverSmResp;
use rusmppc::Client;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;

use super::notices;
use super::store::claim::{self, Ending};
use super::store::notice;
use super::store::part;
use super::store::passed_on;
use super::store::receipt::{self, Incoming};
use super::worker::Moved;
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::{Event, notify};
use crate::failpoint::{self, Place};
use crate::ids::AlertId;
use crate::reports::inbound;
use crate::telemetry::trace;

/// Most entries in one commit.
const BATCH: usize = 1000;
/// Alerts of one batch that are told in traces.
const TRACED: usize = 16;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Something to write down.
#[derive(Debug)]
pub enum Write {
    Ending(Ending),
    /// A try that ended, of a row that another provider is to take now.
    PassedOn(Ending),
    Receipt(Received),
    Notice(notices::Ending),
    /// Look again at receipts that found no message, and at messages that wait for a part.
    Settle,
}

/// A `deliver_sm` that waits for its answer.
#[derive(Debug)]
pub struct Received {
    pub incoming: Incoming,
    pub sequence: u32,
    pub client: Client,
}

#[derive(Default)]
struct Batch {
    endings: Vec<Ending>,
    passed_on: Vec<i64>,
    receipts: Vec<Received>,
    notices: Vec<notices::Ending>,
    settles: bool,
}

/// Runs until every sender is gone and all is written.
pub(super) async fn run(app: App, provider: String, moved: Moved, mut inbox: mpsc::Receiver<Write>) {
    let mut entries = Vec::with_capacity(BATCH);
    while inbox.recv_many(&mut entries, BATCH).await > 0 {
        let mut batch = Batch::default();
        for entry in entries.drain(..) {
            match entry {
                Write::Ending(ending) => batch.endings.push(ending),
                Write::PassedOn(ending) => {
                    batch.passed_on.push(ending.id.0);
                    batch.endings.push(ending);
                }
                Write::Receipt(received) => batch.receipts.push(received),
                Write::Notice(ending) => batch.notices.push(ending),
                Write::Settle => batch.settles = true,
            }
        }
        if !batch.write(&app, &provider, &moved).await {
            return;
        }
    }
}

impl Batch {
    /// Tries until it is written; false when the service stopped without the database. What was not written is in the
    /// hands of the leases then, and unanswered receipts are sent again by the centre.
    async fn write(self, app: &App, provider: &str, moved: &Moved) -> bool {
        let mut wait = RETRY_FIRST;
        loop {
            match in_time(self.commit(app, provider, moved)).await {
                Ok(()) => break,
                Err(error) if app.stop.is_cancelled() => {
                    tracing::error!(%error, provider, endings = self.endings.len(), "stopping without the database");
                    return false;
                }
                Err(error) => {
                    tracing::warn!(%error, provider, ?wait, "deliveries cannot be written down; holding them")
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
                () = app.stop.cancelled() => {}
            }
        }
        for received in self.receipts {
            failpoint::reach(Place::ReceiptAnswerBefore).await;
            // A session that ended has no use for the answer; the centre will repeat itself, which changes nothing.
            let _ = received.client.deliver_sm_resp(received.sequence, DeliverSmResp::default()).await;
        }
        true
    }

    async fn commit(&self, app: &App, provider: &str, moved: &Moved) -> sqlx::Result<()> {
        let (now, began_us) = (app.clock.now(), trace::now_us());
        let mut tx = app.db.dispatch.begin().await?;
        let completed = claim::complete(&mut tx, now, provider, &self.endings).await?;
        passed_on::record(&mut tx, provider, &self.passed_on).await?;
        if !self.passed_on.is_empty() {
            notify(&mut tx, &Event::Outbox).await?;
        }
        if !self.receipts.is_empty() {
            let incoming: Vec<Incoming> = self.receipts.iter().map(|r| r.incoming.clone()).collect();
            receipt::keep(&mut tx, now, provider, &incoming).await?;
            for message in incoming.iter().filter(|message| !message.words.is_empty()) {
                report(&mut tx, app, (&message.address, &message.words)).await?;
            }
        }
        self.join(&mut tx, app, now).await?;
        let fenced = completed.fenced + notice::complete(&mut tx, now, &self.notices).await?;
        // What found no message is many rows when a centre is confused: those wait for their turn.
        let settled = match self.settles {
            true => receipt::settle(&mut tx, now, provider).await?,
            false => receipt::settle_named(&mut tx, now, provider, self.message_ids()).await?,
        };
        if !self.endings.is_empty() {
            failpoint::try_reach(Place::DispatchCommitBefore).await?;
        }
        tx.commit().await?;
        if !self.endings.is_empty() {
            failpoint::reach(Place::DispatchCommitAfter).await;
        }
        if fenced > 0 {
            tracing::warn!(provider, rows = fenced, "tries ended after others had taken the rows: refused");
            metrics::counter!("sentinela_dispatch_fenced_total", "provider" => provider.to_owned())
                .increment(fenced as u64);
        }
        trace_alerts(began_us, provider, &completed.alerts, &settled);
        moved.add(completed.alerts);
        moved.add(settled);
        Ok(())
    }

    /// The messages that this batch speaks of.
    fn message_ids(&self) -> impl Iterator<Item = &str> {
        let answered = self.endings.iter().flat_map(|ending| &ending.parts);
        let answered = answered.filter_map(|part| part.message_id.as_deref());
        let told = self.receipts.iter().filter_map(|received| received.incoming.receipt.as_ref());
        answered.chain(told.map(|receipt| receipt.message_id.as_str()))
    }

    /// Keeps parts, and reads the messages that are whole or wait no longer.
    async fn join(&self, conn: &mut PgConnection, app: &App, now: Instant) -> sqlx::Result<()> {
        let came = self.receipts.iter().map(|received| &received.incoming);
        let parts: Vec<_> = came.filter_map(|came| Some((came.address.as_str(), came.part.as_ref()?))).collect();
        if !parts.is_empty() {
            part::keep(&mut *conn, now, &parts).await?;
        }
        if parts.is_empty() && !self.settles {
            return Ok(());
        }
        for message in part::take(&mut *conn, now).await? {
            report(&mut *conn, app, (&message.address, &message.words)).await?;
        }
        Ok(())
    }
}

/// Ends of tries and receipts of a batch, in the traces of their alerts.
fn trace_alerts(began_us: i64, provider: &str, ended: &[AlertId], received: &[AlertId]) {
    if !trace::is_on() {
        return;
    }
    for alert in ended.iter().take(TRACED) {
        drop(
            tracing::info_span!(target: trace::TARGET, "dispatch.settle", %alert, began_us, sentinela.provider = provider),
        );
    }
    for alert in received.iter().take(TRACED) {
        drop(
            tracing::info_span!(target: trace::TARGET, "dispatch.receipt", %alert, began_us, sentinela.provider = provider),
        );
    }
}

/// Takes a person's message that is a report. One that can never be filed stays among the messages that came, and holds up no
/// receipt. Where the database is only busy the whole batch is tried again, and the centre gets no answer before.
pub(super) async fn report(conn: &mut PgConnection, app: &App, said: (&str, &str)) -> sqlx::Result<()> {
    let mut inner = conn.begin().await?;
    match inbound::sms(&mut inner, app, app.clock.now(), said).await {
        Ok(_) => inner.commit().await,
        Err(error) if is_about_data(&error) => {
            tracing::error!(%error, "a report by SMS could not be filed");
            metrics::counter!("sentinela_reports_refused_total", "source" => "sms").increment(1);
            inner.rollback().await
        }
        Err(error) => Err(error),
    }
}

/// Whether the database refuses the data themselves, and will the next time too.
pub(super) fn is_about_data(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if !error.code().is_some_and(|code| is_passing(&code)))
}

/// True for an SQLSTATE that speaks of the moment and not of the data: connection, transaction, resources, locks, operator, system.
fn is_passing(code: &str) -> bool {
    ["08", "25", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_database_refuses_no_report_for_ever() {
        for code in ["55P03", "40P01", "40001", "53300", "57014", "58030", "25P03", "08006"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["22001", "22P05", "23505", "23514"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
