//! Bytes into readings, or into quarantine; an acknowledgement means committed.

pub mod broker;
pub mod committer;
pub mod decode;
pub mod devices;
pub mod formats;
pub mod lanes;
pub mod limit;
pub mod mqtt;
pub mod presence;
pub mod quality;
pub mod reports;
pub mod sessions;
pub mod tls;
pub mod topic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::ids::{DatastreamId, DeviceId};
use crate::ingest::devices::Devices;
use crate::ingest::lanes::Lane;
use crate::ingest::limit::{MessageRate, Strangers};
use crate::ingest::reports::Reports;
use crate::journal::Tail;
use crate::units::{Fixed, Quality};

/// Where a reading came in. Stored in `journal.source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Mqtt,
    Http,
    Broker,
    Import,
    Feed,
    /// The past, filled in later. It is never judged by rules.
    History,
    /// A person.
    Report,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Broker => "broker",
            Self::Import => "import",
            Self::Feed => "feed",
            Self::History => "history",
            Self::Report => "report",
        }
    }
}

/// A reading that was understood: known stream, canonical unit, plausible instant.
#[derive(Clone, Debug, PartialEq)]
pub struct NewReading {
    pub datastream_id: DatastreamId,
    pub device_id: Option<DeviceId>,
    pub message_id: Option<String>,
    pub observed_at: Instant,
    /// In `Quantity::canonical_unit`.
    pub value: Fixed,
    pub quality: Quality,
    pub quality_reason: String,
    pub source: Source,
}

/// What could not be understood, kept with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    pub source: Source,
    pub device: Option<String>,
    pub topic: Option<String>,
    pub payload: Vec<u8>,
    pub reason: String,
    pub field: String,
    pub value: String,
}

/// One message's worth of work, answered after its commit.
#[derive(Debug)]
pub struct Submission {
    readings: Vec<NewReading>,
    quarantined: Vec<Quarantined>,
    waiting: Waiting,
}

/// Who waits for the commit of a submission.
#[derive(Debug)]
struct Waiting {
    readings: usize,
    quarantined: usize,
    done: oneshot::Sender<Result<Accepted, IngestError>>,
    /// The room taken in the queue; dropping it, with the answer, gives the room back.
    _room: OwnedSemaphorePermit,
}

/// What the commit did with a submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Accepted {
    pub appended: u32,
    /// Known already with the same value: nothing changed.
    pub duplicates: u32,
    /// Known already with another value: both are kept.
    pub revisions: u32,
    pub quarantined: u32,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum IngestError {
    #[error("the ingest queue is full; try again shortly")]
    Busy,
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    #[error("the service is stopping")]
    Stopping,
}

/// The way into the journal for every door (MQTT, HTTP, brokers, imports). Behind it are two lanes (see [`lanes`]), each
/// bounded in readings, not in messages, because messages carry from one to a thousand.
#[derive(Clone, Debug)]
pub struct IngestHandle {
    live: Way,
    backlog: Way,
    /// Readings a lane holds at most.
    capacity: u32,
    live_within: TimeDelta,
    clock: Clock,
    devices: Devices,
    reports: Reports,
    rate: Arc<MessageRate>,
    strangers: Arc<Strangers>,
    tail: Tail,
    commits: Arc<AtomicU64>,
}

/// Into one lane. The semaphore bounds it, so the channel itself need not.
#[derive(Clone, Debug)]
struct Way {
    queue: mpsc::UnboundedSender<Submission>,
    room: Arc<Semaphore>,
}

/// The committer's end of the lanes, and of what devices say of themselves.
#[derive(Debug)]
pub struct Receiver {
    lanes: Lanes,
    said: reports::Queue,
}

#[derive(Debug)]
struct Lanes {
    live: mpsc::UnboundedReceiver<Submission>,
    backlog: mpsc::UnboundedReceiver<Submission>,
}

/// Room for a message in its lane. What it was asked for may be handed in at once.
#[derive(Debug)]
pub struct Room {
    permit: OwnedSemaphorePermit,
    lane: Lane,
}

/// The lanes between the doors and the committer.
pub fn channel(config: &Config, clock: &Clock) -> (IngestHandle, Receiver) {
    let capacity = u32::try_from(config.ingest.queue_readings).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
    let lane = || {
        let (queue, receiver) = mpsc::unbounded_channel();
        (Way { queue, room: Arc::new(Semaphore::new(capacity as usize)) }, receiver)
    };
    let ((live, live_receiver), (backlog, backlog_receiver)) = (lane(), lane());
    let (reports, said) = reports::channel();
    let handle = IngestHandle {
        live,
        backlog,
        capacity,
        live_within: TimeDelta::seconds(config.ingest.live_within_s.into()),
        clock: clock.clone(),
        devices: Devices::default(),
        reports,
        rate: Arc::new(MessageRate::new(&config.ingest)),
        strangers: Arc::default(),
        tail: Tail::default(),
        commits: Arc::default(),
    };
    (handle, Receiver { lanes: Lanes { live: live_receiver, backlog: backlog_receiver }, said })
}

impl IngestHandle {
    /// Resolves after the commit. For doors that can tell their client to come back later.
    ///
    /// # Errors
    /// `Busy` at once when the lane has no room; nothing was stored.
    pub async fn submit(
        &self,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<Accepted, IngestError> {
        let room = self.try_room(&readings, &quarantined).ok_or(IngestError::Busy)?;
        self.enqueue(room, readings, quarantined)?.await.map_err(|_| IngestError::Stopping)?
    }

    /// The same for doors that push back by not reading on: waits for room.
    pub async fn submit_when_free(
        &self,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<Accepted, IngestError> {
        self.enqueue_when_free(readings, quarantined).await?.await.map_err(|_| IngestError::Stopping)?
    }

    /// Takes a place in its lane, waiting for room; the answer is awaited apart. For doors that keep many messages under
    /// way and must hand them in in order.
    pub async fn enqueue_when_free(
        &self,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<oneshot::Receiver<Result<Accepted, IngestError>>, IngestError> {
        let room = self.room(self.lane(&readings), self.cost(&readings, &quarantined)).await?;
        self.enqueue(room, readings, quarantined)
    }

    /// Room for a message, if its lane has any.
    pub fn try_room(&self, readings: &[NewReading], quarantined: &[Quarantined]) -> Option<Room> {
        let (lane, cost) = (self.lane(readings), self.cost(readings, quarantined));
        let permit = Arc::clone(&self.way(lane).room).try_acquire_many_owned(cost).ok()?;
        Some(Room { permit, lane })
    }

    /// Waits for room for so many readings of a lane, in the order of asking.
    pub async fn room(&self, lane: Lane, readings: u32) -> Result<Room, IngestError> {
        let room = Arc::clone(&self.way(lane).room);
        let permit = room.acquire_many_owned(readings).await.map_err(|_| IngestError::Stopping)?;
        Ok(Room { permit, lane })
    }

    /// Hands a message in that has its room.
    pub fn enqueue(
        &self,
        room: Room,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<oneshot::Receiver<Result<Accepted, IngestError>>, IngestError> {
        let (done, answer) = oneshot::channel();
        let waiting = Waiting { readings: readings.len(), quarantined: quarantined.len(), done, _room: room.permit };
        let submission = Submission { readings, quarantined, waiting };
        self.way(room.lane).queue.send(submission).map_err(|_| IngestError::Stopping)?;
        Ok(answer)
    }

    /// Who may publish what.
    pub const fn devices(&self) -> &Devices {
        &self.devices
    }

    /// What devices say of themselves.
    pub const fn reports(&self) -> &Reports {
        &self.reports
    }

    /// How much each device may send.
    pub fn rate(&self) -> &MessageRate {
        &self.rate
    }

    /// Where failed sign-ins come from.
    pub fn strangers(&self) -> &Strangers {
        &self.strangers
    }

    /// Commits of readings so far. Whoever waits sees by it that the journal is being written.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn has_committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// What was committed lately.
    pub const fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Readings waiting for their commit.
    pub fn queued(&self) -> usize {
        self.queued_in(Lane::Live) + self.queued_in(Lane::Backlog)
    }

    /// The same of one lane.
    pub fn queued_in(&self, lane: Lane) -> usize {
        (self.capacity as usize).saturating_sub(self.way(lane).room.available_permits())
    }

    /// Where these readings would wait.
    pub fn lane(&self, readings: &[NewReading]) -> Lane {
        Lane::of(readings, self.clock.now(), self.live_within)
    }

    /// The room that a message takes. One that is larger than its whole lane takes all of it.
    pub fn cost(&self, readings: &[NewReading], quarantined: &[Quarantined]) -> u32 {
        u32::try_from(readings.len() + quarantined.len()).unwrap_or(u32::MAX).clamp(1, self.capacity)
    }

    const fn way(&self, lane: Lane) -> &Way {
        match lane {
            Lane::Live => &self.live,
            Lane::Backlog => &self.backlog,
        }
    }
}

impl Lanes {
    /// The next message of either lane, live first; of the live lane alone when the backlog is held back. `None` once the
    /// lanes are closed and empty.
    async fn first(&mut self, with_backlog: bool) -> Option<(Lane, Submission)> {
        tokio::select! {
            biased;
            Some(first) = self.live.recv() => Some((Lane::Live, first)),
            Some(first) = self.backlog.recv(), if with_backlog => Some((Lane::Backlog, first)),
            else => None,
        }
    }

    /// The next message for a commit that holds `taken` already.
    fn next(&mut self, taken: lanes::Load, with_backlog: bool, limit: usize) -> Option<(Lane, Submission)> {
        let backlog = with_backlog && self.backlog_waits();
        let lane = lanes::next(taken, lanes::Waiting { live: !self.live.is_empty(), backlog }, limit)?;
        let queue = match lane {
            Lane::Live => &mut self.live,
            Lane::Backlog => &mut self.backlog,
        };
        queue.try_recv().ok().map(|next| (lane, next))
    }

    fn backlog_waits(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Nothing more is taken in; what waits is still given out.
    fn close(&mut self) {
        self.live.close();
        self.backlog.close();
    }
}
