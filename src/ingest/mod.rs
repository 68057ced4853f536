//! Bytes into readings, or into quarantine; an acknowledgement means committed.

pub mod broker;
pub mod committer;
pub mod decode;
pub mod devices;
pub mod formats;
pub mod limit;
pub mod mqtt;
pub mod presence;
pub mod quality;
pub mod reports;
pub mod sessions;
pub mod tls;
pub mod topic;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::clock::Instant;
use crate::config::Config;
use crate::ids::{DatastreamId, DeviceId};
use crate::ingest::devices::Devices;
use crate::ingest::limit::{MessageRate, Strangers};
use crate::ingest::reports::Reports;
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

/// The way into the journal for every door (MQTT, HTTP, brokers, imports). The queue behind it is bounded in readings,
/// not in messages, because messages carry from one to a thousand.
#[derive(Clone, Debug)]
pub struct IngestHandle {
    queue: mpsc::UnboundedSender<Submission>,
    room: Arc<Semaphore>,
    /// Readings the queue holds at most.
    capacity: u32,
    devices: Devices,
    reports: Reports,
    rate: Arc<MessageRate>,
    strangers: Arc<Strangers>,
}

/// The committer's end of the queue, and of what devices say of themselves.
#[derive(Debug)]
pub struct Receiver(mpsc::UnboundedReceiver<Submission>, reports::Queue);

/// The queue between the doors and the committer. The semaphore bounds it, so the channel itself need not.
pub fn channel(config: &Config) -> (IngestHandle, Receiver) {
    let (queue, receiver) = mpsc::unbounded_channel();
    let capacity = u32::try_from(config.ingest.queue_readings).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
    let room = Arc::new(Semaphore::new(capacity as usize));
    let rate = Arc::new(MessageRate::new(&config.ingest));
    let (devices, strangers) = (Devices::default(), Arc::default());
    let (reports, said) = reports::channel();
    (IngestHandle { queue, room, capacity, devices, reports, rate, strangers }, Receiver(receiver, said))
}

impl IngestHandle {
    /// Resolves after the commit. For doors that can tell their client to come back later.
    ///
    /// # Errors
    /// `Busy` at once when the queue has no room; nothing was stored.
    pub async fn submit(
        &self,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<Accepted, IngestError> {
        let cost = self.cost(&readings, &quarantined);
        let room = Arc::clone(&self.room).try_acquire_many_owned(cost).map_err(|_| IngestError::Busy)?;
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

    /// Takes a place in the queue, waiting for room; the answer is awaited apart. For doors that keep many messages under
    /// way and must hand them in in order.
    pub async fn enqueue_when_free(
        &self,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<oneshot::Receiver<Result<Accepted, IngestError>>, IngestError> {
        let cost = self.cost(&readings, &quarantined);
        let room = Arc::clone(&self.room).acquire_many_owned(cost).await.map_err(|_| IngestError::Stopping)?;
        self.enqueue(room, readings, quarantined)
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

    /// Readings waiting for their commit.
    pub fn queued(&self) -> usize {
        (self.capacity as usize).saturating_sub(self.room.available_permits())
    }

    /// A message larger than the whole queue takes all of it.
    fn cost(&self, readings: &[NewReading], quarantined: &[Quarantined]) -> u32 {
        u32::try_from(readings.len() + quarantined.len()).unwrap_or(u32::MAX).clamp(1, self.capacity)
    }

    fn enqueue(
        &self,
        room: OwnedSemaphorePermit,
        readings: Vec<NewReading>,
        quarantined: Vec<Quarantined>,
    ) -> Result<oneshot::Receiver<Result<Accepted, IngestError>>, IngestError> {
        let (done, answer) = oneshot::channel();
        let waiting = Waiting { readings: readings.len(), quarantined: quarantined.len(), done, _room: room };
        self.queue.send(Submission { readings, quarantined, waiting }).map_err(|_| IngestError::Stopping)?;
        Ok(answer)
    }
}
