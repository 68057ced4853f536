//! What became of what was handed over: window and breaker learn of it, and the writer is told how the row goes on.

use super::Feed;
use crate::dispatch::channels::{Done, Handed, Key};
use crate::dispatch::decide::{Next, Outcome, Sending, State};
use crate::dispatch::notices;
use crate::dispatch::retry::{BOUNDED_ATTEMPTS, Verdict, is_dead_address, is_providers_own, verdict};
use crate::dispatch::store::claim::Ending;
use crate::dispatch::writer::Write;

impl Feed {
    pub(super) async fn came_back(&mut self, handed: Handed) {
        match handed {
            Handed::Ended(done) => self.ended(done).await,
            Handed::LetGo(job) => {
                let weight = job.weight(self.provider().counts_segments);
                self.weight_in_flight = self.weight_in_flight.saturating_sub(weight);
                if !self.breaker.is_healthy() {
                    // A probe that never left says nothing; the next one is due after the same wait.
                    self.breaker = std::mem::take(&mut self.breaker).failed(self.now());
                }
                self.let_go_of(vec![job]).await;
            }
        }
    }

    async fn ended(&mut self, done: Done) {
        let now = self.now();
        self.weight_in_flight = self.weight_in_flight.saturating_sub(done.job.weight(self.provider().counts_segments));
        let breaker = std::mem::take(&mut self.breaker);
        self.breaker = match &done.outcome {
            Outcome::Unknown { .. } | Outcome::NotSent { .. } => breaker.failed(now),
            Outcome::Refused { code, .. } if verdict(*code) == Verdict::Throttled => {
                metrics::counter!("sentinela_dispatch_throttled_total", "provider" => self.provider().name.clone())
                    .increment(1);
                breaker.throttled(now, self.bucket.throttled(now))
            }
            Outcome::Refused { code, .. } if is_providers_own(*code) => breaker.failed(now),
            Outcome::Accepted | Outcome::Delivered | Outcome::Refused { .. } => breaker.answered(),
        };
        self.write_end(done).await;
        if !self.breaker.is_healthy() {
            // Whoever waits here would leave when the provider is back, whatever becomes of the alert meanwhile.
            self.release_queue().await;
        }
    }

    pub(super) async fn write_end(&mut self, done: Done) {
        let Done { job, outcome, parts } = done;
        let row = &job.row;
        let attempt = (row.attempt - row.refusals * BOUNDED_ATTEMPTS).max(1);
        let sending = Sending { attempt, expires_at: row.expires_at, life_safety: job.life_safety };
        let mut next = sending.end(&outcome, &self.policy, self.now(), self.chance());
        let is_passed_on = !row.key.is_notice() && row.refusals < self.lane.others && sending.is_given_up(&outcome);
        if is_passed_on {
            next = Next::by_another(next.reason, self.now());
        }
        let word = next.state.as_str();
        let is_dead_address = next.state == State::Rejected
            && matches!(&outcome, Outcome::Refused { code, detail } if is_dead_address(*code, detail));
        metrics::counter!("sentinela_dispatch_outcomes_total", "provider" => self.provider().name.clone(), "outcome" => word)
            .increment(1);
        if next.state == State::Rejected {
            tracing::info!(row = %row.key, reason = next.reason, provider = self.provider().name, "refused for good");
        }
        self.mine.remove(&row.key);
        let ending = match row.key {
            Key::Outbox(id, _) => {
                let (fence, attempt) = (row.fence, row.attempt);
                let ending = Ending { id, fence, attempt, next, parts, is_dead_address };
                if is_passed_on { Write::PassedOn(ending) } else { Write::Ending(ending) }
            }
            Key::Notice(id) => Write::Notice(notices::Ending { id, fence: row.fence, next }),
        };
        if self.writes.send(ending).await.is_err() {
            tracing::error!(row = %row.key, "the writer is gone; the lease will tell");
        }
    }

    /// A share in 0..1 for the jitter.
    fn chance(&self) -> f64 {
        f64::from(u32::from_le_bytes(self.lane.app.ids.bytes())) / f64::from(u32::MAX)
    }
}
