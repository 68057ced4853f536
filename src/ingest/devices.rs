//! Who may publish what, in memory: devices by code with the streams of their station. Read for every message, so a reader
//! takes a reference and never waits; the whole index is replaced when the catalogue changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Mutex, broadcast, watch};

use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::db::in_time;
use crate::events::{self, Event};
use crate::ids::{DatastreamId, DeviceId, StationId};
use crate::ingest::presence::{Heard, HeardBy};
use crate::risk::control::{Overrides, Range};
use crate::stations::certificate::{Certificate, Fingerprint};
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
    /// What it may measure, where it has limits of its own.
    pub range: Option<Range>,
    /// Rain that tips the bucket once.
    pub tip_mm: Option<f64>,
}

/// The secret before the last rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreviousSecret {
    pub sha256: [u8; 32],
    /// `None` until the new one is used.
    pub ends_at: Option<Instant>,
}

/// By what a device signed in. What it opened ends when this is accepted no more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Credential {
    Secret([u8; 32]),
    Certificate { fingerprint: Fingerprint, not_after: Instant },
}

/// How far certificates go.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Live,
    Revoked,
}

/// One device, with what it may publish.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceEntry {
    pub id: DeviceId,
    pub code: String,
    pub enabled: bool,
    pub secret_sha256: [u8; 32],
    /// Whether the device has shown that secret yet.
    pub secret_was_used: bool,
    pub previous: Option<PreviousSecret>,
    /// The registered certificates.
    pub certificates: Vec<(Fingerprint, Shown)>,
    /// The streams of its station by name.
    pub streams: Arc<HashMap<String, StreamEntry>>,
    /// Name of its profile in the configuration; empty for none.
    pub profile: String,
}

impl DeviceEntry {
    /// Takes the same time wherever the secret differs.
    pub fn accepts(&self, secret: &str, now: Instant) -> Option<Credential> {
        let given = secret_sha256(&self.code, secret);
        self.is_live(&given, now).then_some(Credential::Secret(given))
    }

    fn is_live(&self, given: &[u8; 32], now: Instant) -> bool {
        let newest = bool::from(given.ct_eq(&self.secret_sha256));
        let previous = self.previous.is_some_and(|previous| {
            bool::from(given.ct_eq(&previous.sha256)) && previous.ends_at.is_none_or(|ends_at| ends_at > now)
        });
        self.enabled && (newest || previous)
    }

    /// Whether what was opened with this may stay open. A certificate that names the device without being registered
    /// counts as long as it is not revoked; whether it may sign in at all is decided when it is shown.
    pub fn still_accepts(&self, credential: &Credential, now: Instant) -> bool {
        match credential {
            Credential::Secret(sha256) => self.is_live(sha256, now),
            Credential::Certificate { fingerprint, not_after } => {
                self.enabled && *not_after > now && !self.certificates.contains(&(*fingerprint, Shown::Revoked))
            }
        }
    }

    /// "level, rain", for messages to people.
    pub fn stream_names(&self) -> String {
        let mut names: Vec<&str> = self.streams.keys().map(String::as_str).collect();
        names.sort_unstable();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    by_code: HashMap<String, Arc<DeviceEntry>>,
    /// In small letters.
    by_hardware: HashMap<String, Arc<DeviceEntry>>,
    by_certificate: HashMap<Fingerprint, Arc<DeviceEntry>>,
}

/// Wait between two reloads that were caused by a stranger at the door.
const STRANGER_PAUSE: Duration = Duration::from_secs(1);
/// Uses of secrets and certificates are written together this often.
const FLUSH_EVERY: Duration = Duration::from_secs(15);
/// The use of one credential is noted this often at most.
const NOTE_EVERY_S: i64 = 60;
/// Reloads even without a hint, because hints may be lost while the connection that listens is re-made.
const RELOAD_EVERY: Duration = Duration::from_secs(60);

/// Hints that come within this time are answered by one reading: each makes every connection look again whether it may stay. What is
/// revoked ends within a second all the same.
const GATHER: Duration = Duration::from_millis(250);

/// When a credential of a device was last used, as far as it is not written yet.
#[derive(Debug, Default)]
struct Uses {
    noted: HashMap<(DeviceId, [u8; 32]), Instant>,
    pending: HashMap<(DeviceId, [u8; 32]), Instant>,
}

/// The current index; cheap to clone.
#[derive(Clone, Debug)]
pub struct Devices {
    index: Arc<watch::Sender<Option<Arc<Index>>>>,
    last_reload: Arc<Mutex<Option<Stopwatch>>>,
    uses: Arc<std::sync::Mutex<Uses>>,
    heard: Arc<Heard>,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            index: Arc::new(watch::Sender::new(None)),
            last_reload: Arc::default(),
            uses: Arc::default(),
            heard: Arc::default(),
        }
    }
}

impl Devices {
    /// The device with this code, as of the last reload.
    pub fn get(&self, code: &str) -> Option<Arc<DeviceEntry>> {
        self.index.borrow().as_ref()?.by_code.get(code).cloned()
    }

    /// The device a network server knows by this name: its hardware's, or the code here.
    pub fn of_network(&self, name: &str) -> Option<Arc<DeviceEntry>> {
        let index = self.index.borrow().clone()?;
        index.by_hardware.get(&name.to_lowercase()).or_else(|| index.by_code.get(name)).cloned()
    }

    /// Wakes whenever the index was read anew.
    pub(super) fn changes(&self) -> watch::Receiver<Option<Arc<Index>>> {
        self.index.subscribe()
    }

    /// The device with this code that accepts this secret, as of the last reload.
    pub fn known(&self, code: &str, secret: &str, now: Instant) -> Option<(Arc<DeviceEntry>, Credential)> {
        let device = self.get(code)?;
        let credential = device.accepts(secret, now)?;
        Some((device, credential))
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
        now: Instant,
    ) -> sqlx::Result<Option<(Arc<DeviceEntry>, Credential)>> {
        if let Some(known) = self.known(code, secret, now) {
            return Ok(Some(known));
        }
        self.reload_spaced(pool).await?;
        Ok(self.known(code, secret, now))
    }

    /// The device whose certificate this is: the one it is registered for, or, where names count, the one it names. That
    /// a trusted authority signed it was decided by TLS.
    pub fn of_certificate(
        &self,
        certificate: &Certificate,
        names_count: bool,
        now: Instant,
    ) -> Option<(Arc<DeviceEntry>, Credential)> {
        let index = self.index.borrow().clone()?;
        let registered = index.by_certificate.get(&certificate.fingerprint);
        let named = || certificate.names().find_map(|name| index.by_code.get(name)).filter(|_| names_count);
        let device = registered.or_else(named)?;
        let credential =
            Credential::Certificate { fingerprint: certificate.fingerprint, not_after: certificate.not_after };
        device.still_accepts(&credential, now).then(|| (Arc::clone(device), credential))
    }

    /// Notes that a device used a credential. The first use of a new secret is written at once, because it starts the end of
    /// the secret before; what else there is goes with the next batch.
    pub async fn used(&self, pool: &PgPool, device: &DeviceEntry, credential: &Credential, now: Instant) {
        let (Credential::Secret(which) | Credential::Certificate { fingerprint: which, .. }) = *credential;
        let key = (device.id, which);
        {
            let mut uses = self.uses();
            let fresh = uses.noted.get(&key).is_some_and(|at| now - *at < TimeDelta::seconds(NOTE_EVERY_S));
            if fresh {
                return;
            }
            uses.noted.insert(key, now);
            uses.pending.insert(key, now);
        }
        if matches!(credential, Credential::Secret(_))
            && which == device.secret_sha256
            && !device.secret_was_used
            && let Err(error) = in_time(first_use(pool, device, &which, now)).await
        {
            tracing::warn!(%error, device = device.code, "the first use of a new secret could not be stored");
            self.uses().noted.remove(&key);
        }
    }

    /// Notes that a device was heard through a door that keeps no connection.
    pub fn heard(&self, device: DeviceId, way: HeardBy, now: Instant) {
        self.heard.note(device, way, now);
    }

    fn uses(&self) -> std::sync::MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes what was noted. A convenience for people: uses that cannot be written are dropped.
    pub async fn flush_uses(&self, pool: &PgPool, now: Instant) {
        self.heard.flush(pool).await;
        let pending = {
            let mut uses = self.uses();
            uses.noted.retain(|_, at| now - *at < TimeDelta::seconds(NOTE_EVERY_S));
            std::mem::take(&mut uses.pending)
        };
        if pending.is_empty() {
            return;
        }
        if let Err(error) = in_time(write_uses(pool, &pending)).await {
            tracing::warn!(%error, credentials = pending.len(), "which credentials are used could not be stored");
        }
    }

    /// Reads the index from the database.
    pub async fn reload(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut last = self.last_reload.lock().await;
        self.read(pool).await?;
        *last = Some(Stopwatch::start());
        Ok(())
    }

    /// The same, but not right after another reload, and once for all who wait.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reload_spaced(&self, pool: &PgPool) -> sqlx::Result<()> {
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
        // Under the lock of whoever asks: without an end nobody would ask again.
        let index = in_time(load(pool)).await?;
        self.index.send_replace(Some(Arc::new(index)));
        Ok(())
    }
}

/// Keeps the index true until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    tokio::spawn(write_uses_of(app.clone()));
    loop {
        // What is told from here on may be missing in what is read now; what was told before is in it.
        drain(&mut events);
        let wait = match app.ingest.devices().reload(&app.db.ingest).await {
            Ok(()) => RELOAD_EVERY,
            Err(error) => {
                tracing::warn!(%error, "the device index cannot be read; keeping the one at hand");
                STRANGER_PAUSE
            }
        };
        let woken = async {
            tokio::time::sleep(GATHER).await;
            let _ = tokio::time::timeout(wait, catalogue_changed(&mut events)).await;
        };
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = woken => {}
        }
    }
}

async fn write_uses_of(app: App) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => break,
            () = tokio::time::sleep(FLUSH_EVERY) => {}
        }
        app.ingest.devices().flush_uses(&app.db.ingest, app.clock.now()).await;
    }
    app.ingest.devices().flush_uses(&app.db.ingest, app.clock.now()).await;
}

/// The index need not know of it, but where it starts the end of the secret before. Ten thousand devices that sign in for the first time
/// would have it read ten thousand times.
async fn first_use(pool: &PgPool, device: &DeviceEntry, secret_sha256: &[u8; 32], now: Instant) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let ends_another = sqlx::query_scalar!(
        r#"update device set secret_first_used_at = $3::timestamptz, secret_used_at = $3::timestamptz,
             previous_ends_at = case when previous_sha256 is not null
                                     then $3::timestamptz + make_interval(secs => previous_grace_s) end
         where id = $1 and secret_sha256 = $2 and secret_first_used_at is null
         returning previous_sha256 is not null as "ends_another!""#,
        device.id.0,
        secret_sha256.as_slice(),
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    match ends_another {
        Some(true) => events::notify(&mut tx, &Event::Devices).await?,
        Some(false) => events::notify(&mut tx, &Event::Device { code: device.code.clone() }).await?,
        None => {}
    }
    tx.commit().await
}

async fn write_uses(pool: &PgPool, pending: &HashMap<(DeviceId, [u8; 32]), Instant>) -> sqlx::Result<()> {
    let ids: Vec<i64> = pending.keys().map(|(id, _)| id.0).collect();
    let which: Vec<Vec<u8>> = pending.keys().map(|(_, which)| which.to_vec()).collect();
    let at: Vec<Instant> = pending.values().copied().collect();
    sqlx::query!(
        "update device d set last_seen_at = greatest(d.last_seen_at, used.at),
             secret_used_at = case when d.secret_sha256 = used.which then used.at else d.secret_used_at end,
             previous_used_at = case when d.previous_sha256 = used.which then used.at else d.previous_used_at end
         from unnest($1::int8[], $2::bytea[], $3::timestamptz[]) as used (id, which, at) where d.id = used.id",
        &ids,
        &which,
        &at
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        "update device_certificate c set last_used_at = used.at
         from unnest($1::bytea[], $2::timestamptz[]) as used (which, at) where c.sha256 = used.which",
        &which,
        &at
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn catalogue_changed(events: &mut broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Catalogue | Event::Devices) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn drain(events: &mut broadcast::Receiver<Event>) {
    use broadcast::error::TryRecvError;
    while matches!(events.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
}

async fn load(pool: &PgPool) -> sqlx::Result<Index> {
    let decode = |error: UnknownWord| sqlx::Error::Decode(error.into());
    // Devices first: what a device that is found here may publish was there before it, and is found after it.
    let devices = sqlx::query!(
        r#"select id as "id: DeviceId", code, station_id as "station_id: StationId", secret_sha256, enabled,
               secret_first_used_at is not null as "secret_was_used!", previous_sha256, previous_ends_at,
               profile, hardware_id
           from device"#
    )
    .fetch_all(pool)
    .await?;
    let streams = sqlx::query!(
        r#"select id as "id: DatastreamId", station_id as "station_id: StationId", name, quantity, unit, kind, interval_s,
               tip_mm, limits as "limits: sqlx::types::Json<Overrides>"
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
            range: row.limits.0.range,
            tip_mm: row.tip_mm,
        };
        stations.entry(row.station_id).or_default().insert(row.name, entry);
    }
    let stations: HashMap<StationId, Arc<HashMap<String, StreamEntry>>> =
        stations.into_iter().map(|(id, streams)| (id, Arc::new(streams))).collect();
    let mut certificates = certificates(pool).await?;
    let mut index = Index::default();
    for row in devices {
        let previous = row.previous_sha256.and_then(|sha256| sha256.try_into().ok());
        let entry = Arc::new(DeviceEntry {
            id: row.id,
            code: row.code,
            enabled: row.enabled,
            secret_sha256: row.secret_sha256.try_into().unwrap_or([0; 32]),
            secret_was_used: row.secret_was_used,
            previous: previous.map(|sha256| PreviousSecret { sha256, ends_at: row.previous_ends_at }),
            certificates: certificates.remove(&row.id).unwrap_or_default(),
            streams: stations.get(&row.station_id).cloned().unwrap_or_default(),
            profile: row.profile,
        });
        for (fingerprint, _) in &entry.certificates {
            index.by_certificate.insert(*fingerprint, Arc::clone(&entry));
        }
        if let Some(id) = row.hardware_id {
            index.by_hardware.insert(id, Arc::clone(&entry));
        }
        index.by_code.insert(entry.code.clone(), entry);
    }
    Ok(index)
}

async fn certificates(pool: &PgPool) -> sqlx::Result<HashMap<DeviceId, Vec<(Fingerprint, Shown)>>> {
    let rows = sqlx::query!(
        r#"select device_id as "device_id: DeviceId", sha256, revoked_at is not null as "revoked!" from device_certificate"#
    )
    .fetch_all(pool)
    .await?;
    let mut found: HashMap<DeviceId, Vec<(Fingerprint, Shown)>> = HashMap::new();
    for row in rows {
        let shown = if row.revoked { Shown::Revoked } else { Shown::Live };
        if let Ok(fingerprint) = row.sha256.try_into() {
            found.entry(row.device_id).or_default().push((fingerprint, shown));
        }
    }
    Ok(found)
}
