//! What is claimed: about as much as leaves in a second, so that a more urgent alert never waits behind a long queue.

use std::sync::Arc;

use futures_util::future::{BoxFuture, pending};

use super::Feed;
use crate::db::in_time;
use crate::dispatch::channels::Job;
use crate::dispatch::held::Held;
use crate::dispatch::jobs::{self, Lease, Which};

/// What was claimed, each most urgent first.
#[derive(Default)]
pub(super) struct Claimed {
    /// What leaves in this order: institutions, then rows of alerts.
    first: Vec<Job>,
    /// Notices that wait for them.
    notices: Vec<Job>,
}

pub(super) type Claiming = BoxFuture<'static, sqlx::Result<Claimed>>;

impl Feed {
    /// Claims about a second's worth, so that a more urgent alert never waits behind a long queue.
    pub(super) fn start_claim(&mut self) {
        let limit = self.claim_limit();
        let able = self.held && self.claimer.is_good() && self.way.is_some() && self.claiming.is_none();
        let now = self.now();
        if !able || !self.due || self.queue.len() > self.ahead(limit) || self.breaker.allows(now, 1) == 0 {
            return;
        }
        self.due = false;
        let limit = if self.breaker.is_healthy() { limit } else { 1 };
        let held = Held::begin(self.lane.app.config.dispatch.lease());
        let lease = Lease { held, until: self.lane.lease_until(self.now()) };
        let (app, provider, maps) = (self.lane.app.clone(), self.lane.provider.clone(), Arc::clone(&self.maps));
        let quiet = self.queue.is_empty() && self.notices.is_empty();
        let which = if self.resting { Which::GivenUp } else { Which::Due };
        self.claiming = Some(Box::pin(in_time(async move {
            // Whoever rests takes up only what another gave up.
            let mut first = match which {
                Which::Due => jobs::institutions(&app, &provider, limit, lease).await?,
                Which::GivenUp => Vec::new(),
            };
            let rest = limit.saturating_sub(first.len());
            if rest > 0 {
                match jobs::alerts(&app, &provider, &maps, which, rest, lease).await {
                    Ok(alerts) => first.extend(alerts),
                    Err(error) if first.is_empty() => return Err(error),
                    // What is in our hands already leaves.
                    Err(error) => tracing::warn!(%error, provider = provider.name, "deliveries wait for the database"),
                }
            }
            let is_idle = which == Which::Due && first.is_empty() && quiet;
            let notices = if is_idle { jobs::notices(&app, &provider, lease).await? } else { Vec::new() };
            Ok(Claimed { first, notices })
        })));
    }

    /// With how many in hand the next are claimed: half of a claim; or a whole one where that lasts less than half of a second, so that
    /// they are there before these have left.
    fn ahead(&self, limit: usize) -> usize {
        let lasts_long = self.bucket.rate() < limit as f64 * 2.0;
        if lasts_long { limit / 2 } else { limit }
    }

    fn claim_limit(&self) -> usize {
        let second = (self.bucket.rate() as usize).max(self.provider().window);
        second.min(self.lane.app.config.dispatch.claim_rows as usize).max(1)
    }

    pub(super) fn claimed(&mut self, claimed: sqlx::Result<Claimed>) {
        match claimed {
            Ok(Claimed { first, notices }) => {
                // There may be more; an empty claim waits for a signal or the tick.
                self.due |= !(first.is_empty() && notices.is_empty());
                let count = (first.len() + notices.len()) as u64;
                metrics::counter!("sentinela_dispatch_claimed_total", "provider" => self.provider().name.clone())
                    .increment(count);
                if let Some(job) = first.first().or(notices.first()) {
                    self.held_since = self.held_since.older(job.held);
                }
                self.mine.extend(first.iter().chain(&notices).map(|job| (job.row.key, job.row.fence)));
                self.queue.extend(first);
                self.notices.extend(notices);
            }
            Err(error) => {
                tracing::warn!(%error, provider = self.provider().name, "deliveries wait for the database");
            }
        }
    }
}

/// The end of the claim under way; never when there is none.
pub(super) async fn claimed(claiming: &mut Option<Claiming>) -> sqlx::Result<Claimed> {
    let jobs = match claiming.as_mut() {
        Some(under_way) => under_way.await,
        None => pending().await,
    };
    *claiming = None;
    jobs
}
