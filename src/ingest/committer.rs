//! The one task that writes the journal: takes what waits, commits it together, answers everyone.
//!
//! There is no timer: while one batch is being committed the next gathers, so a quiet service answers at once and a busy one
//! commits large batches. Each commit takes live messages before old ones (see [`super::lanes`]). When the database is away the
//! batch is held and tried again; the queue fills meanwhile and the doors push back.

use std::time::Duration;

use super::lanes::{self, Lane, Pace};
use super::{Accepted, IngestError, Lanes, Receiver, Submission, Waiting};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::in_time;
use crate::failpoint::{self, Place};
use crate::ingest::reports;
use crate::ingest::{NewReading, Quarantined};
use crate::journal::{self, Outcome};
use crate::telemetry::trace;

/// Wait after a failed commit; doubles up to `RETRY_MAX`.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// So many looks that find nothing more end a batch; each costs microseconds.
const QUIET_ROUNDS: u32 = 3;

/// Looks again so often whether the backlog is held back no more.
const HELD_BACK: Duration = Duration::from_millis(10);

/// Writes readings, and what devices say of themselves, until the service stops and the queues are empty.
pub async fn run(app: App, receiver: Receiver) {
    let Receiver { lanes, said } = receiver;
    tokio::join!(write_readings(&app, lanes), reports::run(&app, said));
}

async fn write_readings(app: &App, mut lanes: Lanes) {
    let limit = app.config.ingest.batch_readings;
    let mut appender = journal::Appender::new(app.ingest.tail().clone());
    let mut pace = Pace::new(app.clock.now());
    let mut stopping = false;
    loop {
        // A stop waits for nobody's judgement.
        let with_backlog = stopping || !lanes.backlog_waits() || may_take_backlog(app, &mut pace).await;
        let first = tokio::select! {
            biased;
            first = lanes.first(with_backlog) => first,
            () = app.stop.cancelled(), if !stopping => {
                lanes.close();
                stopping = true;
                continue;
            }
            () = tokio::time::sleep(HELD_BACK), if !with_backlog => continue,
        };
        let Some((lane, first)) = first else { return };
        let mut batch = Batch::default();
        batch.add(lane, first);
        batch.gather(&mut lanes, with_backlog, limit).await;
        batch.commit(app, &mut appender).await;
        for lane in [Lane::Live, Lane::Backlog] {
            let queued = app.ingest.queued_in(lane) as f64;
            metrics::gauge!("sentinela_ingest_queued_readings", "lane" => lane.as_str()).set(queued);
        }
    }
}

/// The journal's end after a commit, for whoever follows a reading through the traces. No reading waits for it: where no connection is
/// free at once it is not told.
async fn tell_head(app: &App, span: &tracing::Span) {
    if !trace::is_on() {
        return;
    }
    let Some(mut conn) = app.db.ingest.try_acquire() else { return };
    if let Ok(Some(head)) = journal::head(&mut conn).await {
        span.record("sentinela.journal.head_seq", head.seq.0);
    }
}

/// Without an answer from the database nothing is held back: the commit will tell.
async fn may_take_backlog(app: &App, pace: &mut Pace) -> bool {
    match journal::unjudged(&app.db.ingest, lanes::UNJUDGED_MAX + 1).await {
        Ok((judged, unjudged)) => pace.allows_backlog(judged.0, unjudged, app.clock.now()),
        Err(_) => true,
    }
}

/// Submissions laid end to end, each with where its part ends.
#[derive(Default)]
struct Batch {
    load: lanes::Load,
    readings: Vec<NewReading>,
    quarantined: Vec<Quarantined>,
    waiting: Vec<Waiting>,
}

impl Batch {
    fn add(&mut self, lane: Lane, mut submission: Submission) {
        // A message without anything in it takes a place all the same, or a flood of them would make one endless commit.
        self.load.add(lane, (submission.readings.len() + submission.quarantined.len()).max(1));
        self.waiting.push(submission.waiting);
        self.readings.append(&mut submission.readings);
        self.quarantined.append(&mut submission.quarantined);
    }

    /// Takes what waits, and lets those run who have the next message in their hands already: after a commit everybody who was
    /// answered hands in again, and the first of them should not be committed alone. Nobody is waited for.
    async fn gather(&mut self, lanes: &mut Lanes, with_backlog: bool, limit: usize) {
        let mut quiet = 0;
        while quiet < QUIET_ROUNDS {
            quiet += 1;
            while let Some((lane, next)) = lanes.next(self.load, with_backlog, limit) {
                self.add(lane, next);
                quiet = 0;
            }
            if self.load.total() >= limit {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn commit(self, app: &App, appender: &mut journal::Appender) {
        let watch = Stopwatch::start();
        let span = tracing::info_span!(
            target: trace::TARGET,
            "ingest.commit",
            sentinela.readings = self.readings.len() as u64,
            sentinela.quarantined = self.quarantined.len() as u64,
            sentinela.journal.head_seq = tracing::field::Empty
        );
        let mut wait = RETRY_FIRST;
        loop {
            let appending = appender.append(&app.db.ingest, &app.clock, &self.readings, &self.quarantined);
            match in_time(appending).await {
                Ok(outcomes) => {
                    metrics::histogram!("sentinela_ingest_commit_seconds").record(watch.elapsed().as_secs_f64());
                    metrics::histogram!("sentinela_ingest_commit_readings").record(self.readings.len() as f64);
                    app.ingest.has_committed();
                    failpoint::reach(Place::IngestCommitAfter).await;
                    self.answer(&outcomes);
                    return tell_head(app, &span).await;
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
