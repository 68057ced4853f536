//! What people do with commands, each with its entry in the audit, for the API, the pages and the command line alike.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::command::{CommandState, Happening, MAX_OPEN, Wanted};
use super::{DeviceCommand, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::events::{self, Event};
use crate::stations::Device;
use crate::stations::desk::{DeviceError, find};

/// Asks a device to do something.
///
/// # Errors
/// `NotFound`; `Conflict` when the device was revoked, is of those that hear no command, or has [`MAX_OPEN`] commands that
/// wait.
pub async fn issue(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    wanted: &Wanted,
) -> Result<DeviceCommand, DeviceError> {
    let device = find(conn, code).await?;
    if !device.enabled {
        return Err(DeviceError::Conflict(format!("device {code} was revoked; it would never hear the command")));
    }
    if let Some(why) = deaf(&device) {
        return Err(DeviceError::Conflict(format!("device {code} hears no command: {why}")));
    }
    if store::lock_and_count_open(conn, device.id).await? >= MAX_OPEN {
        return Err(DeviceError::Conflict(format!("{MAX_OPEN} commands of device {code} wait already; cancel one")));
    }
    let id = by.ids.uuid(by.now);
    store::insert(conn, id, device.id, wanted, (&by.actor.name, by.now)).await?;
    let after = json!({"id": id, "command": wanted.name, "args": wanted.args, "expires_at": wanted.expires_at(by.now)});
    finish(conn, by, Entry::new(Act::DeviceCommand, "device", code).to(after), code).await?;
    fetch(conn, code, id).await
}

/// Why no command can reach a device; nothing when one can, or when it was not heard yet and may turn out to.
pub fn deaf(device: &Device) -> Option<&'static str> {
    match device.heard_by.as_str() {
        "network" => Some("it is heard through a LoRaWAN network server, and downlinks are not made"),
        "http" => Some("it publishes by HTTP alone, where nothing listens"),
        "" if device.hardware_id.is_some() => {
            Some("it is known by the name of a LoRaWAN network server, and downlinks are not made")
        }
        _ => None,
    }
}

/// Takes a command back. One that was handed over may be done all the same; the device's answer then still counts.
///
/// # Errors
/// `NotFound`; `Conflict` when it ended already.
pub async fn cancel(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    id: Uuid,
) -> Result<DeviceCommand, DeviceError> {
    let device = find(conn, code).await?;
    let gone = || DeviceError::NotFound(format!("command {id} of device {code}"));
    let state = store::lock(conn, device.id, id).await?.ok_or_else(gone)?;
    let after = state.after(Happening::Cancel).map_err(|refused| DeviceError::Conflict(refused.to_string()))?;
    store::end(conn, id, after, by.now).await?;
    let entry = Entry::new(Act::CommandCancel, "device", code);
    let entry = entry.from(json!({"id": id, "state": state})).to(json!({"id": id, "state": CommandState::Cancelled}));
    finish(conn, by, entry, code).await?;
    fetch(conn, code, id).await
}

async fn fetch(conn: &mut PgConnection, code: &str, id: Uuid) -> Result<DeviceCommand, DeviceError> {
    let found = store::command(conn, code, id).await?;
    found.ok_or_else(|| DeviceError::NotFound(format!("command {id} of device {code}")))
}

async fn finish(conn: &mut PgConnection, by: Acting<'_>, entry: Entry, code: &str) -> Result<(), DeviceError> {
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    events::notify(conn, &Event::Device { code: code.to_owned() }).await?;
    Ok(())
}
