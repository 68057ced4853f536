//! Feeds one provider: claims what is due, hands it over within window, rate and breaker, and gives back what cannot leave.

mod claiming;
mod ends;
mod leases;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::claiming::{Claiming, claimed};
use super::channels::smpp::{self, LinkEvent};
use super::channels::{Body, Done, Handed, Job, Key, Way, email, http};
use super::decide::{Outcome, Policy};
use super::held::Held;
use super::maps::Maps;
use super::provider::{Provider, Transport};
use super::rate::{Breaker, Bucket};
use super::retry::Code;
use super::worker::{Lane, TICK, woken};
use super::writer::{self, Write};
use crate::clock::Instant;
use crate::telemetry::trace::{self, Sampler};

/// Entries that wait for the database; beyond it nothing more is sent.
const WRITES: usize = 4000;
/// Messages of one provider that are told in traces, in a second.
const TRACED_PER_SECOND: u32 = 20;

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
