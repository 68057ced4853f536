//! Who may publish what, in memory: devices by code with the streams of their station. Read for every message, so a reader
//! takes a reference and never waits; the whole index is replaced when the catalogue changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Mutex, broadcast, watch};

use crate::app::App;
use crate::clock::Stopwatch;
use crate::events::Event;
use crate::ids::{DatastreamId, DeviceId, StationId};
use crate::stations::device::secret_sha256;
use crate::units::{Quantity, StreamKind, UnknownWord};

/// One stream a device may publish.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamEntry {
    pub id: DatastreamId,
    pub quantity: Quantity,
    /// The unit of readings that name none.
    pub unit: String,
    pub kind: StreamKind,
    pub interval_s: Option<i32>,
}

/// One device, with what it may publish.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceEntry {
    pub id: DeviceId,
    pub code: String,
    pub enabled: bool,
    pub secret_sha256: [u8; 32],
    /// The streams of its station by name.
    pub streams: Arc<HashMap<String, StreamEntry>>,
}

impl DeviceEntry {
    /// Takes the same time wherever the secret differs.
    pub fn accepts(&self, secret: &str) -> bool {
        let same = secret_sha256(&self.code, secret).ct_eq(&self.secret_sha256);
        bool::from(same) && self.enabled
    }

    /// "level, rain", for messages to people.
    pub fn stream_names(&self) -> String {
        let mut names: Vec<&str> = self.streams.keys().map(String::as_str).collect();
        names.sort_unstable();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }
}

type Index = HashMap<String, Arc<DeviceEntry>>;

/// Wait between two reloads that were caused by a stranger at the door.
const STRANGER_PAUSE: Duration = Duration::from_secs(1);
/// Reloads even without a hint, because hints may be lost while the connection that listens is re-made.
const RELOAD_EVERY: Duration = Duration::from_secs(60);

/// The current index; cheap to clone.
#[derive(Clone, Debug)]
pub struct Devices {
    index: Arc<watch::Sender<Option<Arc<Index>>>>,
    last_reload: Arc<Mutex<Option<Stopwatch>>>,
}

impl Default for Devices {
    fn default() -> Self {
        Self { index: Arc::new(watch::Sender::new(None)), last_reload: Arc::default() }
    }
}

impl Devices {
    /// The device with this code, as of the last reload.
    pub fn get(&self, code: &str) -> Option<Arc<DeviceEntry>> {
        self.index.borrow().as_ref()?.get(code).cloned()
    }

    /// The device with this code and secret. Somebody who is not known may have been added a moment ago, so the index is
    /// read again before the answer is no; such reloads are spaced, which also slows down guessing.
    ///
    /// # Errors
    /// When the database cannot be read: nobody is turned away for that reason.
    pub async fn authenticate(
        &self,
        pool: &PgPool,
        code: &str,
        secret: &str,
    ) -> sqlx::Result<Option<Arc<DeviceEntry>>> {
        if let Some(device) = self.get(code).filter(|device| device.accepts(secret)) {
            return Ok(Some(device));
        }
        self.reload_spaced(pool).await?;
        Ok(self.get(code).filter(|device| device.accepts(secret)))
    }

    /// Reads the index from the database.
    pub async fn reload(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut last = self.last_reload.lock().await;
        self.read(pool).await?;
        *last = Some(Stopwatch::start());
        Ok(())
    }

    async fn reload_spaced(&self, pool: &PgPool) -> sqlx::Result<()> {
        let asked = Stopwatch::start();
        let mut last = self.last_reload.lock().await;
        if let Some(watch) = *last {
            // Somebody reloaded while this caller waited for the lock.
            if watch.elapsed() < asked.elapsed() {
                return Ok(());
            }
            tokio::time::sleep(STRANGER_PAUSE.saturating_sub(watch.elapsed())).await;
        }
        self.read(pool).await?;
        *last = Some(Stopwatch::start());
        Ok(())
    }

    async fn read(&self, pool: &PgPool) -> sqlx::Result<()> {
        let index = load(pool).await?;
        self.index.send_replace(Some(Arc::new(index)));
        Ok(())
    }
}

/// Keeps the index true until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    loop {
        let wait = match app.ingest.devices().reload(&app.db.ingest).await {
            Ok(()) => RELOAD_EVERY,
            Err(error) => {
                tracing::warn!(%error, "the device index cannot be read; keeping the one at hand");
                STRANGER_PAUSE
            }
        };
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = catalogue_changed(&mut events) => {}
        }
    }
}

async fn catalogue_changed(events: &mut broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Catalogue) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn load(pool: &PgPool) -> sqlx::Result<Index> {
    let decode = |error: UnknownWord| sqlx::Error::Decode(error.into());
    let streams = sqlx::query!(
        r#"select id as "id: DatastreamId", station_id as "station_id: StationId", name, quantity, unit, kind, interval_s
           from datastream"#
    )
    .fetch_all(pool)
    .await?;
    let mut stations: HashMap<StationId, HashMap<String, StreamEntry>> = HashMap::new();
    for row in streams {
        let entry = StreamEntry {
            id: row.id,
            quantity: row.quantity.parse().map_err(decode)?,
            unit: row.unit,
            kind: row.kind.parse().map_err(decode)?,
            interval_s: row.interval_s,
        };
        stations.entry(row.station_id).or_default().insert(row.name, entry);
    }
    let stations: HashMap<StationId, Arc<HashMap<String, StreamEntry>>> =
        stations.into_iter().map(|(id, streams)| (id, Arc::new(streams))).collect();
    let devices = sqlx::query!(
        r#"select id as "id: DeviceId", code, station_id as "station_id: StationId", secret_sha256, enabled from device"#
    )
    .fetch_all(pool)
    .await?;
    let mut index = Index::with_capacity(devices.len());
    for row in devices {
        let streams = stations.get(&row.station_id).cloned().unwrap_or_default();
        let secret_sha256 = row.secret_sha256.try_into().unwrap_or([0; 32]);
        let entry = DeviceEntry { id: row.id, code: row.code, enabled: row.enabled, secret_sha256, streams };
        index.insert(entry.code.clone(), Arc::new(entry));
    }
    Ok(index)
}
