//! The leases: on the provider, and on the rows in our hands. They are renewed while the rows wait, and what may not leave is given back.

use std::collections::{HashSet, VecDeque};

use super::Feed;
use crate::clock::Instant;
use crate::db::in_time;
use crate::dispatch::channels::{Job, Key};
use crate::dispatch::held::Held;
use crate::dispatch::store::{claim, notice};
use crate::dispatch::writer::Write;
use crate::events::{Event, notify};
use crate::ids::OutboxId;

const SWEEP_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

impl Feed {
    /// What must happen again and again: the lease on the provider, the leases on rows, lost rows, late receipts.
    pub(super) async fn maintain(&mut self) {
        self.due = true;
        if let Err(error) = in_time(self.try_maintain()).await {
            tracing::warn!(%error, provider = self.provider().name, "deliveries wait for the database");
        }
    }

    async fn try_maintain(&mut self) -> sqlx::Result<()> {
        let now = self.now();
        let lane = &self.lane;
        let fresh = Held::begin(lane.app.config.dispatch.lease());
        let healthy = self.way.is_some() && self.breaker.is_healthy();
        let mut conn = lane.app.db.dispatch.acquire().await?;
        let until = lane.lease_until(now);
        let held = claim::hold(&mut conn, now, &lane.provider, lane.holder, until, healthy).await?;
        let resting = lane.provider.priority > 0 && claim::earlier_is_healthy(&mut conn, now, &lane.provider).await?;
        let is_aging = (now - self.renewed_at) * 3 > until - now || self.held_since.is_aging();
        let mut lost = Vec::new();
        if !self.mine.is_empty() && is_aging {
            let Hands { rows, notices } = Hands::of(self.mine.iter().map(|(key, fence)| (*key, *fence)));
            let rows = claim::renew(&mut conn, &rows.0, &rows.1, until).await?;
            let notices = notice::renew(&mut conn, &notices.0, &notices.1, until).await?;
            lost = keep_renewed([&mut self.queue, &mut self.notices], (rows, notices), fresh);
            (self.renewed_at, self.held_since) = (now, fresh);
        } else if self.mine.is_empty() {
            (self.renewed_at, self.held_since) = (now, fresh);
        }
        drop(conn);
        (self.held, self.resting) = (held, resting);
        if held {
            self.claimer = fresh;
        }
        self.let_go_of(lost).await;
        if held && now - self.swept_at >= SWEEP_EVERY {
            self.lane.sweep(now).await?;
            self.swept_at = now;
            // When the writer is busy it settles with every batch anyway.
            let _ = self.writes.try_send(Write::Settle);
        }
        self.measure(healthy);
        self.weed(now).await?;
        if resting || self.is_shut() {
            self.release_queue().await;
        }
        Ok(())
    }

    /// Gives back what was answered or died since it was claimed: at a slow provider it waits here for a while.
    async fn weed(&mut self, now: Instant) -> sqlx::Result<()> {
        if self.queue.is_empty() && self.notices.is_empty() {
            return Ok(());
        }
        let waiting = self.queue.iter().chain(&self.notices).map(|job| (job.row.key, job.row.fence));
        let Hands { rows, notices } = Hands::of(waiting);
        let mut conn = self.lane.app.db.dispatch.acquire().await?;
        let rows: HashSet<OutboxId> = claim::overtaken(&mut conn, now, &rows.0).await?.into_iter().collect();
        let notices: HashSet<uuid::Uuid> = notice::overtaken(&mut conn, now, &notices.0).await?.into_iter().collect();
        drop(conn);
        if rows.is_empty() && notices.is_empty() {
            return Ok(());
        }
        let is_over = |job: &Job| match job.row.key {
            Key::Outbox(id, _) => rows.contains(&id),
            Key::Notice(id) => notices.contains(&id),
        };
        let mut over = Vec::new();
        for queue in [&mut self.queue, &mut self.notices] {
            let (gone, stays): (Vec<Job>, Vec<Job>) = queue.drain(..).partition(&is_over);
            over.extend(gone);
            queue.extend(stays);
        }
        self.give_back(over).await;
        Ok(())
    }

    /// Gives back what was claimed and did not leave.
    pub(super) async fn release_queue(&mut self) {
        let waiting: Vec<Job> = self.queue.drain(..).chain(self.notices.drain(..)).collect();
        self.give_back(waiting).await;
    }

    pub(super) async fn give_back(&mut self, waiting: Vec<Job>) {
        if waiting.is_empty() {
            return;
        }
        let Hands { rows, notices } = Hands::of(waiting.iter().map(|job| (job.row.key, job.row.fence)));
        let now = self.now();
        let released = async {
            let mut conn = self.lane.app.db.dispatch.acquire().await?;
            claim::release(&mut conn, now, &rows.0, &rows.1).await?;
            notice::release(&mut conn, now, &notices.0, &notices.1).await?;
            // Who shares the work, or is next, need not wait for its own look.
            notify(&mut conn, &Event::Outbox).await
        };
        if let Err(error) = in_time(released).await {
            tracing::warn!(%error, rows = waiting.len(), "claimed rows could not be given back; their leases will end");
        }
        for job in waiting {
            self.mine.remove(&job.row.key);
        }
    }

    /// Gives back what may not leave from here any more. Where another has taken it meanwhile the fence leaves it alone.
    pub(super) async fn let_go_of(&mut self, lapsed: Vec<Job>) {
        if lapsed.is_empty() {
            return;
        }
        let provider = self.provider().name.clone();
        tracing::warn!(provider, rows = lapsed.len(), "leases ended before the messages left: let go, not sent");
        metrics::counter!("sentinela_dispatch_lapsed_total", "provider" => provider).increment(lapsed.len() as u64);
        self.give_back(lapsed).await;
    }
}

/// Renews what waits in these queues, and takes out what could not be renewed: another has it.
fn keep_renewed(
    queues: [&mut VecDeque<Job>; 2],
    (rows, notices): (Vec<OutboxId>, Vec<uuid::Uuid>),
    fresh: Held,
) -> Vec<Job> {
    let rows: HashSet<OutboxId> = rows.into_iter().collect();
    let notices: HashSet<uuid::Uuid> = notices.into_iter().collect();
    let mut lost = Vec::new();
    for queue in queues {
        for mut job in std::mem::take(queue) {
            let is_kept = match job.row.key {
                Key::Outbox(id, _) => rows.contains(&id),
                Key::Notice(id) => notices.contains(&id),
            };
            if is_kept {
                job.held = fresh;
                queue.push_back(job);
            } else {
                lost.push(job);
            }
        }
    }
    lost
}

/// What we hold, by table: ids and fences.
#[derive(Default)]
struct Hands {
    rows: (Vec<i64>, Vec<i64>),
    notices: (Vec<uuid::Uuid>, Vec<i64>),
}

impl Hands {
    fn of(held: impl Iterator<Item = (Key, i64)>) -> Self {
        let mut hands = Self::default();
        for (key, fence) in held {
            match key {
                Key::Outbox(id, _) => {
                    hands.rows.0.push(id.0);
                    hands.rows.1.push(fence);
                }
                Key::Notice(id) => {
                    hands.notices.0.push(id);
                    hands.notices.1.push(fence);
                }
            }
        }
        hands
    }
}
