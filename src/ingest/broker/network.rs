//! Commands to devices that are heard through a LoRaWAN network server, handed to the server over the broker it is heard on.
//!
//! Each is handed over once. It is marked before it is published; when the process or the connection ends between the two, the
//! mark stays, nobody publishes it again, and what the server says of it later (`fleet::downlink::word`) settles whether it has
//! it. Several processes on one broker share the work by that mark.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::courier::{Courier, Handed, Open};
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::Event;
use crate::fleet::command::CommandName;
use crate::fleet::downlink::{Address, Stage};
use crate::fleet::store::downlink::{self as store, Due};
use crate::ids::DeviceId;
use crate::ingest::formats::profile::Unwritable;
use crate::ingest::formats::template::Encoded;

/// Commands are looked for this often without a hint, which is also how often what did not get through is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What was written is written anew after so long, because another broker may have heard the device meanwhile, or somebody
/// gave it another hardware id.
const REFRESHED_AFTER: TimeDelta = TimeDelta::minutes(3);
/// Before an outcome is written anew that the database did not take.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Where downlinks of devices go, and when that was written.
type Known = HashMap<DeviceId, (Address, Instant)>;

/// A device transmitted; its network server takes downlinks there.
#[derive(Debug)]
pub struct Heard {
    pub device: DeviceId,
    pub address: Address,
    /// When the uplink was made.
    pub at: Instant,
}

/// Hands over until the service stops.
pub async fn run(app: App, broker: String, courier: Courier, mut devices: mpsc::Receiver<Heard>) {
    let mut events = app.events.subscribe();
    let mut known: Known = HashMap::new();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let is_hint = tokio::select! {
            () = app.stop.cancelled() => return,
            heard = devices.recv() => match heard {
                Some(heard) => note(&app, &broker, &mut known, heard).await,
                None => return,
            },
            event = events.recv() => matches!(event, Ok(Event::Device { .. }) | Err(RecvError::Lagged(_))),
            _ = look.tick() => true,
        };
        if is_hint && let Err(error) = hand_over(&app, &broker, &courier).await {
            tracing::warn!(%error, broker, "downlinks cannot be read or noted yet");
        }
    }
}

/// Writes where the device's downlinks go, when that is news. True when it is.
async fn note(app: &App, broker: &str, known: &mut Known, heard: Heard) -> bool {
    let Heard { device, address, at } = heard;
    let now = app.clock.now();
    if known.get(&device).is_some_and(|(old, since)| *old == address && now - *since < REFRESHED_AFTER) {
        return false;
    }
    if let Err(error) = in_time(store::heard(&app.db.ingest, device, broker, &address, at)).await {
        tracing::warn!(%error, broker, "where downlinks of a device go could not be written; at its next uplink again");
        return false;
    }
    known.insert(device, (address, now));
    true
}

async fn hand_over(app: &App, broker: &str, courier: &Courier) -> sqlx::Result<()> {
    let due = in_time(store::due(&app.db.ingest, broker, app.clock.now())).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut open = match courier.open().await {
        Ok(open) => open,
        Err(why) => {
            tracing::warn!(broker, %why, waiting = due.len(), "downlinks wait for the broker");
            return in_time(store::waits(&app.db.ingest, &due, &unreached(broker, &why))).await;
        }
    };
    for due in due {
        if app.stop.is_cancelled() {
            break;
        }
        match in_time(one(app, &mut open, &due)).await? {
            Some(Handed::Kept(why) | Handed::Unknown(why)) => {
                tracing::warn!(broker, why, device = due.code, "the broker's connection ended under a downlink");
                return Ok(());
            }
            Some(Handed::Taken) => {
                metrics::counter!("sentinela_device_commands_total", "outcome" => "sent").increment(1);
            }
            Some(Handed::Unlistened | Handed::Barred(_)) | None => {}
        }
    }
    open.close().await;
    Ok(())
}

/// For whoever asks why a command waits.
fn unreached(broker: &str, why: &str) -> String {
    format!("the broker {broker} cannot be reached: {why}; tried again")
}

/// What became of one; nothing when it needed no publishing.
async fn one(app: &App, open: &mut Open, due: &Due) -> sqlx::Result<Option<Handed>> {
    let (pool, now) = (&app.db.ingest, app.clock.now());
    let downlink = match written(app, &due.profile, due.name, &due.args) {
        Ok(downlink) => downlink,
        Err(why) => {
            store::settle(pool, due, Stage::Unwritable, &why, now).await?;
            return Ok(None);
        }
    };
    if !store::offer(pool, due, &downlink, now).await? {
        return Ok(None);
    }
    let handed = open.publish(due.address.topic(), due.address.message(due.id, &downlink)).await;
    // The broker's answer comes once, so it is held until the database has it.
    while let Err(error) = outcome(pool, due, &handed, now).await {
        tracing::warn!(%error, device = due.code, "what became of a downlink cannot be written yet");
        tokio::select! {
            () = app.stop.cancelled() => return Err(error),
            () = tokio::time::sleep(AGAIN_AFTER) => {}
        }
    }
    Ok(Some(handed))
}

async fn outcome(pool: &PgPool, due: &Due, handed: &Handed, now: Instant) -> sqlx::Result<()> {
    match handed {
        Handed::Taken => store::settle(pool, due, due.address.confirmed(), "", now).await,
        Handed::Unlistened => {
            let why = format!("nobody subscribes {} at the broker, as it says", due.address.topic());
            store::settle(pool, due, Stage::Unlistened, &why, now).await
        }
        Handed::Barred(reason) => {
            let why = format!("the broker refuses {}: {reason}", due.address.topic());
            store::take_back(pool, due, Some((Stage::Barred, &why)), now).await
        }
        Handed::Kept(why) => {
            store::take_back(pool, due, None, now).await?;
            store::waits(pool, std::slice::from_ref(due), &unreached(&due.broker, why)).await
        }
        Handed::Unknown(_) => Ok(()),
    }
}

/// By the configuration of now, which may have changed since the command was issued.
fn written(app: &App, profile: &str, name: CommandName, args: &serde_json::Value) -> Result<Encoded, String> {
    let found = app.config.ingest.profiles.iter().find(|known| known.name == profile);
    let written = found.ok_or(Unwritable::NoTemplate).and_then(|profile| profile.written(name, args));
    written.map_err(|unwritable| match unwritable {
        Unwritable::NoTemplate => format!("profile {profile:?} has no [ingest.profiles.commands.{name}]"),
        Unwritable::Argument(why) => why,
    })
}
