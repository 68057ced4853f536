//! Which devices are connected here, and when and how each was last heard, written to the device table in batches.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::ids::DeviceId;
use crate::units::vocabulary;

vocabulary! {
    /// The door a device was last heard through.
    HeardBy, "way" {
        /// The built-in endpoint: who is connected is known here alone.
        Mqtt = "mqtt",
        /// An external broker.
        Broker = "broker",
        /// A LoRaWAN network server, by way of a broker.
        Network = "network",
        Http = "http",
    }
}

/// Who was heard through doors that keep no connection; written with the uses of credentials.
#[derive(Debug, Default)]
pub struct Heard(Mutex<HashMap<DeviceId, (HeardBy, Instant)>>);

impl Heard {
    pub fn note(&self, device: DeviceId, way: HeardBy, at: Instant) {
        self.pending().insert(device, (way, at));
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<DeviceId, (HeardBy, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes who was heard. What cannot be written waits for the next time, one entry a device.
    pub async fn flush(&self, pool: &PgPool) {
        let pending = std::mem::take(&mut *self.pending());
        if pending.is_empty() {
            return;
        }
        if let Err(error) = write_heard(pool, &pending).await {
            tracing::warn!(%error, devices = pending.len(), "when devices were heard could not be stored yet");
            let mut newer = self.pending();
            for (device, heard) in pending {
                newer.entry(device).or_insert(heard);
            }
        }
    }
}

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
    /// Whose each open connection is, and from where.
    open: HashMap<ConnectionKey, (DeviceId, Option<IpAddr>)>,
    /// How many each device has: it is gone when the last of them ends.
    of_device: HashMap<DeviceId, usize>,
    from: HashMap<IpAddr, usize>,
    pending: HashMap<DeviceId, Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    online: bool,
    seen_at: Instant,
}

impl Presence {
    /// `from` is a neighbourhood (`web::client::neighbourhood`), not a single address of IPv6.
    pub fn connected(&self, device: DeviceId, from: Option<IpAddr>, connection: ConnectionKey, at: Instant) {
        let mut state = self.state();
        if state.open.insert(connection, (device, from)).is_none() {
            *state.of_device.entry(device).or_default() += 1;
            if let Some(from) = from {
                *state.from.entry(from).or_default() += 1;
            }
        }
        state.pending.insert(device, Mark { online: true, seen_at: at });
        measure(&state);
        drop(state);
        self.wake.notify_one();
    }

    /// True when the device has no connection any more.
    pub fn disconnected(&self, connection: &ConnectionKey, at: Instant) -> bool {
        let mut state = self.state();
        let Some((device, from)) = state.open.remove(connection) else { return false };
        if let Some(from) = from {
            one_less(&mut state.from, from);
        }
        measure(&state);
        if one_less(&mut state.of_device, device) > 0 {
            return false;
        }
        state.pending.insert(device, Mark { online: false, seen_at: at });
        drop(state);
        self.wake.notify_one();
        true
    }

    /// How many connections this device has, and how many there are from there.
    pub fn connections(&self, device: DeviceId, from: Option<IpAddr>) -> (usize, usize) {
        let state = self.state();
        let count = |from| state.from.get(&from).copied().unwrap_or_default();
        (state.of_device.get(&device).copied().unwrap_or_default(), from.map_or(0, count))
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
        let node = app.config.node();
        loop {
            tokio::select! {
                () = app.stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(FLUSH_EVERY) => {}
            }
            self.flush(&app.db.ingest, &node).await;
        }
        self.flush(&app.db.ingest, &node).await;
    }

    async fn flush(&self, pool: &PgPool, node: &str) {
        let pending = std::mem::take(&mut self.state().pending);
        if pending.is_empty() {
            return;
        }
        if let Err(error) = in_time(write(pool, node, &pending)).await {
            tracing::warn!(%error, devices = pending.len(), "who is online could not be stored");
        }
    }
}

fn measure(state: &State) {
    metrics::gauge!("sentinela_mqtt_connections").set(state.open.len() as f64);
}

/// Takes one from a count, and the count away when it is nothing. Returns what is left.
fn one_less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) -> usize {
    let Entry::Occupied(mut count) = counts.entry(key) else { return 0 };
    *count.get_mut() -= 1;
    let left = *count.get();
    if left == 0 {
        count.remove();
    }
    left
}

/// What ended here ends nothing for a device that is connected to another node by now.
async fn write(pool: &PgPool, node: &str, pending: &HashMap<DeviceId, Mark>) -> sqlx::Result<()> {
    let ids: Vec<i64> = pending.keys().map(|id| id.0).collect();
    let online: Vec<bool> = pending.values().map(|mark| mark.online).collect();
    let seen: Vec<Instant> = pending.values().map(|mark| mark.seen_at).collect();
    sqlx::query!(
        "update device set online = mark.online, online_node = case when mark.online then $4 else '' end,
             last_seen_at = greatest(device.last_seen_at, mark.seen_at), heard_by = 'mqtt'
         from unnest($1::int8[], $2::bool[], $3::timestamptz[]) as mark (id, online, seen_at)
         where device.id = mark.id and (mark.online or device.online_node in ('', $4))",
        &ids,
        &online,
        &seen,
        node
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A device that also connects somewhere may send its readings by HTTP: it is still one that hears. One that was heard
/// through a network server and now speaks by HTTP has left that.
async fn write_heard(pool: &PgPool, pending: &HashMap<DeviceId, (HeardBy, Instant)>) -> sqlx::Result<()> {
    let ids: Vec<i64> = pending.keys().map(|id| id.0).collect();
    let ways: Vec<String> = pending.values().map(|(way, _)| way.as_str().to_owned()).collect();
    let at: Vec<Instant> = pending.values().map(|(_, at)| *at).collect();
    sqlx::query!(
        "update device d set last_seen_at = greatest(d.last_seen_at, heard.at),
             heard_by = case when heard.way = 'http' and d.heard_by in ('mqtt', 'broker') then d.heard_by else heard.way end
         from unnest($1::int8[], $2::text[], $3::timestamptz[]) as heard (id, way, at) where d.id = heard.id",
        &ids,
        &ways,
        &at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// After a crash nobody is known to be connected here.
pub async fn forget_all(pool: &PgPool, node: &str) -> sqlx::Result<()> {
    sqlx::query!("update device set online = false, online_node = '' where online and online_node in ('', $1)", node)
        .execute(pool)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn a_device_is_gone_when_its_last_connection_ends_whichever_that_is() {
        let device = DeviceId(1);
        for ends in [[1, 2], [2, 1]] {
            let presence = Presence::default();
            let connection = |number| ("a".to_owned(), number);
            let from = Some(IpAddr::from([203, 0, 113, 7]));
            presence.connected(device, from, connection(1), from_micros(1));
            presence.connected(device, from, connection(2), from_micros(2));
            assert_eq!(presence.connections(device, from), (2, 2));
            presence.disconnected(&connection(ends[0]), from_micros(3));
            presence.disconnected(&connection(ends[0]), from_micros(3));
            assert!(presence.state().pending[&device].online, "{ends:?}");
            assert_eq!(presence.connections(device, from), (1, 1));
            presence.disconnected(&connection(ends[1]), from_micros(4));
            assert!(!presence.state().pending[&device].online, "{ends:?}");
            assert_eq!(presence.connections(device, from), (0, 0));
            assert!(presence.state().from.is_empty() && presence.state().of_device.is_empty());
        }
    }
}
