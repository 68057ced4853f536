//! Which devices are connected and when each was last heard, written to the device table in batches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::app::App;
use crate::clock::Instant;
use crate::ids::DeviceId;

/// A device that only publishes readings has its row touched this often at most.
const FLUSH_EVERY: Duration = Duration::from_secs(15);

/// One connection of one device, as far as telling it from another needs.
pub type ConnectionKey = (String, i64);

#[derive(Debug, Default)]
pub struct Presence {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The newest connection of each device: the end of an older one does not mean that the device is gone.
    newest: HashMap<DeviceId, ConnectionKey>,
    pending: HashMap<DeviceId, Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    online: bool,
    seen_at: Instant,
}

impl Presence {
    pub fn connected(&self, device: DeviceId, connection: ConnectionKey, at: Instant) {
        let mut state = self.state();
        state.newest.insert(device, connection);
        state.pending.insert(device, Mark { online: true, seen_at: at });
        drop(state);
        self.wake.notify_one();
    }

    pub fn disconnected(&self, device: DeviceId, connection: &ConnectionKey, at: Instant) {
        let mut state = self.state();
        if state.newest.get(&device) != Some(connection) {
            return;
        }
        state.newest.remove(&device);
        state.pending.insert(device, Mark { online: false, seen_at: at });
        drop(state);
        self.wake.notify_one();
    }

    /// What the device says about itself on its status topic.
    pub fn reported(&self, device: DeviceId, online: bool, at: Instant) {
        self.state().pending.insert(device, Mark { online, seen_at: at });
        self.wake.notify_one();
    }

    /// A message came in; written with the next flush.
    pub fn seen(&self, device: DeviceId, at: Instant) {
        self.state().pending.insert(device, Mark { online: true, seen_at: at });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what changed until the service stops. Presence is a convenience: what cannot be written is dropped.
    pub async fn run(&self, app: &App) {
        loop {
            tokio::select! {
                () = app.stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(FLUSH_EVERY) => {}
            }
            self.flush(&app.db.ingest).await;
        }
        self.flush(&app.db.ingest).await;
    }

    async fn flush(&self, pool: &PgPool) {
        let pending = std::mem::take(&mut self.state().pending);
        if pending.is_empty() {
            return;
        }
        if let Err(error) = write(pool, &pending).await {
            tracing::warn!(%error, devices = pending.len(), "who is online could not be stored");
        }
    }
}

async fn write(pool: &PgPool, pending: &HashMap<DeviceId, Mark>) -> sqlx::Result<()> {
    let ids: Vec<i64> = pending.keys().map(|id| id.0).collect();
    let online: Vec<bool> = pending.values().map(|mark| mark.online).collect();
    let seen: Vec<Instant> = pending.values().map(|mark| mark.seen_at).collect();
    sqlx::query!(
        "update device set online = mark.online, last_seen_at = greatest(device.last_seen_at, mark.seen_at)
         from unnest($1::int8[], $2::bool[], $3::timestamptz[]) as mark (id, online, seen_at) where device.id = mark.id",
        &ids,
        &online,
        &seen,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// After a crash nobody is known to be connected.
pub async fn forget_all(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!("update device set online = false where online").execute(pool).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn the_end_of_an_older_connection_leaves_the_device_online() {
        let presence = Presence::default();
        let (first, second) = (("a".to_owned(), 1), ("a".to_owned(), 2));
        let device = DeviceId(1);
        presence.connected(device, first.clone(), from_micros(1));
        presence.connected(device, second.clone(), from_micros(2));
        presence.disconnected(device, &first, from_micros(3));
        assert!(presence.state().pending[&device].online);
        presence.disconnected(device, &second, from_micros(4));
        assert!(!presence.state().pending[&device].online);
    }
}
