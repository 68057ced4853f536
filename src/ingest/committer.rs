//! The one task that writes the journal: takes what waits, commits it together, answers everyone.
//!
//! There is no timer: while one batch is being committed the next gathers, so a quiet service answers at once and a busy one
//! commits large batches. When the database is away the batch is held and tried again; the queue fills meanwhile and the
//! doors push back.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{Accepted, IngestError, Receiver, Submission, Waiting};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::ingest::reports;
use crate::ingest::{NewReading, Quarantined};
use crate::journal::{self, Outcome};

/// Wait after a failed commit; doubles up to `RETRY_MAX`.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Writes readings, and what devices say of themselves, until the service stops and the queues are empty.
pub async fn run(app: App, receiver: Receiver) {
    let Receiver(readings, said) = receiver;
    tokio::join!(write_readings(&app, readings), reports::run(&app, said));
}

async fn write_readings(app: &App, mut queue: mpsc::UnboundedReceiver<Submission>) {
    let limit = app.config.ingest.batch_readings;
    loop {
        let first = tokio::select! {
            biased;
            first = queue.recv() => first,
            () = app.stop.cancelled() => {
                queue.close();
                queue.recv().await
            }
        };
        let Some(first) = first else { return };
        let mut batch = Batch::default();
        batch.add(first);
        while batch.len() < limit {
            let Ok(next) = queue.try_recv() else { break };
            batch.add(next);
        }
        batch.commit(app).await;
        metrics::gauge!("sentinela_ingest_queued_readings").set(app.ingest.queued() as f64);
    }
}

/// Submissions laid end to end, each with where its part ends.
#[derive(Default)]
struct Batch {
    readings: Vec<NewReading>,
    quarantined: Vec<Quarantined>,
    waiting: Vec<Waiting>,
}

impl Batch {
    fn len(&self) -> usize {
        self.readings.len() + self.quarantined.len()
    }

    fn add(&mut self, mut submission: Submission) {
        self.waiting.push(submission.waiting);
        self.readings.append(&mut submission.readings);
        self.quarantined.append(&mut submission.quarantined);
    }

    async fn commit(self, app: &App) {
        let watch = Stopwatch::start();
        let mut wait = RETRY_FIRST;
        loop {
            match journal::append(&app.db.ingest, &app.clock, &self.readings, &self.quarantined).await {
                Ok(outcomes) => {
                    metrics::histogram!("sentinela_ingest_commit_seconds").record(watch.elapsed().as_secs_f64());
                    metrics::histogram!("sentinela_ingest_commit_readings").record(self.readings.len() as f64);
                    return self.answer(&outcomes);
                }
                Err(error) if app.stop.is_cancelled() => {
                    tracing::error!(%error, readings = self.readings.len(), "stopping without the database: not acknowledged");
                    return self.refuse(&IngestError::Journal(error.to_string()));
                }
                Err(error) => {
                    metrics::counter!("sentinela_ingest_commit_failures_total").increment(1);
                    tracing::warn!(%error, readings = self.readings.len(), ?wait, "the journal cannot be written; holding the batch");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_MAX),
                () = app.stop.cancelled() => {}
            }
        }
    }

    fn answer(self, outcomes: &[Outcome]) {
        let mut total = Accepted::default();
        let mut rest = outcomes;
        for waiting in self.waiting {
            let (own, later) = rest.split_at(waiting.readings.min(rest.len()));
            rest = later;
            let accepted = count(own, waiting.quarantined);
            total.appended += accepted.appended;
            total.duplicates += accepted.duplicates;
            total.revisions += accepted.revisions;
            total.quarantined += accepted.quarantined;
            // Whoever asked may be gone; the readings are in the journal all the same.
            let _ = waiting.done.send(Ok(accepted));
        }
        let of = |outcome: &'static str| metrics::counter!("sentinela_ingest_readings_total", "outcome" => outcome);
        of("appended").increment(total.appended.into());
        of("duplicate").increment(total.duplicates.into());
        of("revision").increment(total.revisions.into());
        of("quarantined").increment(total.quarantined.into());
    }

    fn refuse(self, error: &IngestError) {
        for waiting in self.waiting {
            let _ = waiting.done.send(Err(error.clone()));
        }
    }
}

fn count(outcomes: &[Outcome], quarantined: usize) -> Accepted {
    let of = |wanted: Outcome| outcomes.iter().filter(|o| **o == wanted).count() as u32;
    Accepted {
        appended: of(Outcome::Appended),
        duplicates: of(Outcome::Duplicate),
        revisions: of(Outcome::Revision),
        quarantined: of(Outcome::Refused) + quarantined as u32,
    }
}
