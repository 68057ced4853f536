//! Bytes into readings, or into quarantine; an acknowledgement means committed.

use tokio::sync::{mpsc, oneshot};

use crate::clock::Instant;
use crate::ids::{DatastreamId, DeviceId};
use crate::units::{Fixed, Quality};

/// Where a reading came in. Stored in `journal.source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Mqtt,
    Http,
    Broker,
    Import,
    Feed,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Broker => "broker",
            Self::Import => "import",
            Self::Feed => "feed",
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
    pub readings: Vec<NewReading>,
    pub quarantined: Vec<Quarantined>,
    pub done: oneshot::Sender<Result<Accepted, IngestError>>,
}

/// What the commit did with a submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Accepted {
    pub appended: u32,
    pub duplicates: u32,
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

/// The way into the journal for every door (MQTT, HTTP, brokers, imports).
#[derive(Clone, Debug)]
pub struct IngestHandle {
    pub queue: mpsc::Sender<Submission>,
}
