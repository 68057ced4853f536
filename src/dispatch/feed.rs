//! Feeds one provider: claims what is due, hands it over within window, rate and breaker, and gives back what cannot leave.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, pending};
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::channels::smpp::{self, LinkEvent};
use super::channels::{Body, Done, Handed, Job, Key, Way, email, http};
use super::decide::{Next, Outcome, Policy, Sending, State};
use super::held::Held;
use super::jobs::{Lease, Which};
use super::maps::Maps;
use super::provider::{Provider, Transport};
use super::rate::{Breaker, Bucket};
use super::retry::{BOUNDED_ATTEMPTS, Code, Verdict, is_dead_address, is_providers_own, verdict};
use super::store::claim::{self, Ending};
use super::store::notice;
use super::worker::{Lane, TICK, woken};
use super::writer::{self, Write};
use super::{jobs, notices};
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::{Event, notify};
use crate::ids::OutboxId;
use crate::telemetry::trace::{self, Sampler};

/// Entries that wait for the database; beyond it nothing more is sent.
const WRITES: usize = 4000;
/// Messages of one provider that are told in traces, in a second.
const TRACED_PER_SECOND: u32 = 20;
const SWEEP_EVERY: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// What was claimed, each most urgent first.
#[derive(Default)]
struct Claimed {
    /// What leaves in this order: institutions, then rows of alerts.
    first: Vec<Job>,
    /// Notices that wait for them.
    notices: Vec<Job>,
}

type Claiming = BoxFuture<'static, sqlx::Result<Claimed>>;

struct Feed {
    lane: Lane,
    policy: Policy,
    bucket: Bucket,
    breaker: Breaker,
    way: Option<Way>,
    /// Claimed and not handed over yet, most urgent first.
    queue: VecDeque<Job>,
    /// Notices, which institutions and every row of an alert overtake.
    notices: VecDeque<Job>,
    in_flight: FuturesUnordered<BoxFuture<'static, Handed>>,
    weight_in_flight: usize,
    /// Rows whose lease we keep, with their fences.
    mine: HashMap<Key, i64>,
    claiming: Option<Claiming>,
    maps: Arc<Maps>,
    /// Rows may be due.
    due: bool,
    /// This process claims for the provider.
    held: bool,
    /// That, by our own clock.
    claimer: Held,
    /// An earlier provider does the work; what it gave up is done here.
    resting: bool,
    swept_at: Instant,
    renewed_at: Instant,
    /// The oldest lease in our hands, by our own clock.
    held_since: Held,
    writes: mpsc::Sender<Write>,
    sampler: Sampler,
}

/// Runs until the service stops.
pub(super) async fn run(lane: Lane) {
    let (writes, inbox) = mpsc::channel(WRITES);
    let writing = tokio::spawn(writer::run(lane.app.clone(), lane.provider.name.clone(), lane.moved.clone(), inbox));
    let closing = CancellationToken::new();
    let (news, link) = mpsc::channel(4);
    let (way, keeping) = connect(&lane, closing.clone(), news, writes.clone());
    let mut feed = Feed::new(lane, way, writes);
    feed.serve(link).await;
    feed.finish(closing, keeping, writing).await;
}

/// SMTP and gateways are there at once (connections are made when needed); SMPP sessions announce themselves.
fn connect(
    lane: &Lane,
    closing: CancellationToken,
    news: mpsc::Sender<LinkEvent>,
    writes: mpsc::Sender<Write>,
) -> (Option<Way>, Vec<JoinHandle<()>>) {
    let way = match &lane.provider.transport {
        Transport::Smpp(config) => {
            let shared = Arc::new((**config).clone());
            let keep = |place| smpp::keep_bound(shared.clone(), place, closing.clone(), news.clone(), writes.clone());
            return (None, (0..config.binds as usize).map(|place| tokio::spawn(keep(place))).collect());
        }
        Transport::Http(config) => {
            let app = &lane.app;
            http::Road::new(config, &app.config.outbound, &app.config.public_url())
                .map(|road| Way::Http(Arc::new(road)))
        }
        Transport::Smtp => email::Mailer::new(&lane.app).map(|mailer| Way::Mail(Arc::new(mailer))),
        Transport::Sink => return (None, Vec::new()),
    };
    let way = way.inspect_err(|error| tracing::error!(error, provider = lane.provider.name, "nothing can leave here"));
    (way.ok(), Vec::new())
}

impl Feed {
    fn new(lane: Lane, way: Option<Way>, writes: mpsc::Sender<Write>) -> Self {
        let now = lane.app.clock.now();
        let dispatch = &lane.app.config.dispatch;
        Self {
            policy: Policy {
                retry_base: Duration::from_secs(dispatch.retry_base_s.into()),
                retry_max: Duration::from_secs(dispatch.retry_max_s.into()),
            },
            bucket: Bucket::new(lane.provider.messages_per_second, now),
            breaker: Breaker::default(),
            way,
            queue: VecDeque::new(),
            notices: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
            weight_in_flight: 0,
            mine: HashMap::new(),
            claiming: None,
            maps: Arc::default(),
            due: true,
            held: false,
            claimer: Held::begin(dispatch.lease()),
            resting: false,
            swept_at: Instant::default(),
            renewed_at: now,
            held_since: Held::begin(dispatch.lease()),
            writes,
            sampler: Sampler::new(TRACED_PER_SECOND),
            lane,
        }
    }

    async fn serve(&mut self, mut link: mpsc::Receiver<LinkEvent>) {
        let app = self.lane.app.clone();
        let mut events = app.events.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut link_lives = true;
        loop {
            self.hand_over().await;
            self.start_claim();
            let tokens = self.until_tokens();
            tokio::select! {
                biased;
                () = app.stop.cancelled() => return,
                _ = tick.tick() => self.maintain().await,
                news = link.recv(), if link_lives => match news {
                    Some(news) => self.link(news).await,
                    None => link_lives = false,
                },
                claimed = claimed(&mut self.claiming) => {
                    self.claimed(claimed);
                    // What was long in coming is renewed before it leaves: where every claim takes so long, nothing would ever leave.
                    if self.held_since.is_aging() {
                        self.maintain().await;
                    }
                    // The way may have ended since they were asked for.
                    if self.is_shut() {
                        self.release_queue().await;
                    }
                }
                Some(handed) = self.in_flight.next(), if !self.in_flight.is_empty() => self.came_back(handed).await,
                () = woken(&mut events) => self.due = true,
                () = tokio::time::sleep(tokens.unwrap_or_default()), if tokens.is_some() => {}
            }
        }
    }

    fn provider(&self) -> &Provider {
        &self.lane.provider
    }

    fn now(&self) -> Instant {
        self.lane.app.clock.now()
    }

    fn room(&self) -> usize {
        self.provider().window.saturating_sub(self.weight_in_flight)
    }

    /// How long until the rate allows the next message; `None` when it is not the rate that holds us up.
    fn until_tokens(&mut self) -> Option<Duration> {
        let now = self.now();
        let weight = self.next_weight()?;
        let ready = self.way.is_some() && self.breaker.allows(now, self.room()) > 0;
        (ready && !self.bucket.allows(now, weight)).then(|| self.bucket.wait(weight))
    }

    /// Of the message that leaves next.
    fn next_weight(&self) -> Option<usize> {
        let next = self.queue.front().or_else(|| self.notices.front())?;
        Some(next.weight(self.provider().counts_segments))
    }

    /// Hands over as much as window, rate and breaker allow. What died while it waited here is given back, and so is what waited for so
    /// long that its lease may be over.
    async fn hand_over(&mut self) {
        let (mut died, mut lapsed) = (Vec::new(), Vec::new());
        while let Some(way) = self.way.clone() {
            let now = self.now();
            let Some(weight) = self.next_weight() else { break };
            if self.breaker.allows(now, self.room()) == 0 || !self.bucket.allows(now, weight) {
                break;
            }
            let Some(job) = self.queue.pop_front().or_else(|| self.notices.pop_front()) else { break };
            if job.row.expires_at <= now {
                died.push(job);
                continue;
            }
            if !job.held.is_good() {
                lapsed.push(job);
                continue;
            }
            if let Body::Impossible(detail) = &job.body {
                let outcome = Outcome::Refused { code: Code::Smpp(0x01), detail: detail.clone() };
                self.write_end(Done { job, outcome, parts: Vec::new() }).await;
                continue;
            }
            self.bucket.take(now, weight);
            self.weight_in_flight += weight;
            self.breaker = std::mem::take(&mut self.breaker).sent();
            let key = job.row.key;
            let sending = self.traced(key, now, way.send(job, now));
            self.in_flight.push(sending);
        }
        self.give_back(died).await;
        self.let_go_of(lapsed).await;
    }

    /// The sending as a span of its alert's trace, where this second has room for one more.
    fn traced(&mut self, key: Key, now: Instant, sending: BoxFuture<'static, Handed>) -> BoxFuture<'static, Handed> {
        let Key::Outbox(row, alert) = key else { return sending };
        if !trace::is_on() || !self.sampler.takes(now.timestamp()) {
            return sending;
        }
        let span = tracing::info_span!(
            target: trace::TARGET,
            "dispatch.send",
            kind = "client",
            %alert,
            sentinela.outbox.id = row.0,
            sentinela.provider = self.provider().name,
            sentinela.outcome = tracing::field::Empty
        );
        let told = async move {
            let handed = sending.await;
            let outcome = match &handed {
                Handed::Ended(done) => done.outcome.word(),
                Handed::LetGo(_) => "let_go",
            };
            tracing::Span::current().record("sentinela.outcome", outcome);
            handed
        };
        Box::pin(told.instrument(span))
    }

    /// Claims about a second's worth, so that a more urgent alert never waits behind a long queue.
    fn start_claim(&mut self) {
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

    fn claimed(&mut self, claimed: sqlx::Result<Claimed>) {
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

    async fn came_back(&mut self, handed: Handed) {
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

    /// Gives back what may not leave from here any more. Where another has taken it meanwhile the fence leaves it alone.
    async fn let_go_of(&mut self, lapsed: Vec<Job>) {
        if lapsed.is_empty() {
            return;
        }
        let provider = self.provider().name.clone();
        tracing::warn!(provider, rows = lapsed.len(), "leases ended before the messages left: let go, not sent");
        metrics::counter!("sentinela_dispatch_lapsed_total", "provider" => provider).increment(lapsed.len() as u64);
        self.give_back(lapsed).await;
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

    async fn write_end(&mut self, done: Done) {
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

    async fn link(&mut self, news: LinkEvent) {
        match news {
            LinkEvent::Up(place, bound) => {
                self.way = Some(Way::Smpp(match self.way.take() {
                    Some(Way::Smpp(binds)) => binds.with(place, bound),
                    _ => smpp::Binds::one(place, bound),
                }));
                self.breaker = Breaker::default();
                self.due = true;
            }
            LinkEvent::Down(place) => {
                self.way = match self.way.take() {
                    Some(Way::Smpp(binds)) => binds.without(place).map(Way::Smpp),
                    other => other,
                };
                if self.way.is_none() {
                    // Another provider may take them; if there is none, we claim them again.
                    self.release_queue().await;
                }
            }
        }
        self.maintain().await;
    }

    /// What must happen again and again: the lease on the provider, the leases on rows, lost rows, late receipts.
    async fn maintain(&mut self) {
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

    /// How the provider stands in this process.
    fn measure(&self, healthy: bool) {
        let name = || self.provider().name.clone();
        let flag = |is: bool| f64::from(u8::from(is));
        metrics::gauge!("sentinela_provider_healthy", "provider" => name()).set(flag(healthy));
        metrics::gauge!("sentinela_provider_held", "provider" => name()).set(flag(self.held));
        metrics::gauge!("sentinela_provider_rate", "provider" => name()).set(self.bucket.rate());
        metrics::gauge!("sentinela_provider_in_flight", "provider" => name()).set(self.weight_in_flight as f64);
        metrics::gauge!("sentinela_provider_queued", "provider" => name())
            .set((self.queue.len() + self.notices.len()) as f64);
    }

    /// Nothing leaves from here for now, and another provider may be able to.
    fn is_shut(&self) -> bool {
        !self.held || self.way.is_none() || self.breaker.allows(self.now(), 1) == 0
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
    async fn release_queue(&mut self) {
        let waiting: Vec<Job> = self.queue.drain(..).chain(self.notices.drain(..)).collect();
        self.give_back(waiting).await;
    }

    async fn give_back(&mut self, waiting: Vec<Job>) {
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

    /// Lets what is on its way come to its end, within half of the time a stop may take, and gives the rest back.
    async fn finish(mut self, closing: CancellationToken, keeping: Vec<JoinHandle<()>>, writing: JoinHandle<()>) {
        if let Some(claiming) = self.claiming.take()
            && let Ok(jobs) = claiming.await
        {
            self.claimed(Ok(jobs));
        }
        self.release_queue().await;
        let bound = Duration::from_secs(self.lane.app.config.shutdown.timeout_s.into()) / 2;
        let draining = async {
            while let Some(done) = self.in_flight.next().await {
                self.came_back(done).await;
            }
        };
        if tokio::time::timeout(bound, draining).await.is_err() {
            tracing::warn!(messages = self.in_flight.len(), "stopping without an answer; their leases will tell");
        }
        closing.cancel();
        let Self { lane, writes, in_flight, .. } = self;
        drop(in_flight);
        for keeping in keeping {
            // Each ends by itself within its own short bound.
            let _ = keeping.await;
        }
        drop(writes);
        if let Err(error) = writing.await {
            tracing::error!(%error, "the writer ended badly");
        }
        lane.let_go().await;
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

/// The end of the claim under way; never when there is none.
async fn claimed(claiming: &mut Option<Claiming>) -> sqlx::Result<Claimed> {
    let jobs = match claiming.as_mut() {
        Some(under_way) => under_way.await,
        None => pending().await,
    };
    *claiming = None;
    jobs
}
