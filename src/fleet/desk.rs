//! What people do with commands, each with its entry in the audit, for the API, the pages and the command line alike.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::command::{CommandName, CommandState, Happening, MAX_OPEN, Wanted};
use super::{DeviceCommand, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::events::{self, Event};
use crate::ingest::formats::profile::{Profile, Unwritable};
use crate::stations::Device;
use crate::stations::desk::{DeviceError, find};

/// Asks a device to do something. `profiles` are those of the configuration: they say how a command is written for a device
/// that is heard through a LoRaWAN network server.
///
/// # Errors
/// `NotFound`; `Conflict` when the device was revoked, is of those that cannot hear this command, or has [`MAX_OPEN`] commands
/// that wait; `Wrong` when an argument does not fit what its profile writes.
pub async fn issue(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    wanted: &Wanted,
    profiles: &[Profile],
) -> Result<DeviceCommand, DeviceError> {
    let device = find(conn, code).await?;
    if !device.enabled {
        return Err(DeviceError::Conflict(format!("device {code} was revoked; it would never hear the command")));
    }
    hears(&device, wanted, profiles)?;
    is_at_one_place(conn, &device).await?;
    if store::lock_and_count_open(conn, device.id).await? >= MAX_OPEN {
        return Err(DeviceError::Conflict(format!("{MAX_OPEN} commands of device {code} wait already; cancel one")));
    }
    let id = by.ids.uuid(by.now);
    store::insert(conn, id, device.id, wanted, (&by.actor.name, by.now)).await?;
    let after = json!({"id": id, "command": wanted.name, "args": wanted.args, "expires_at": wanted.expires_at(by.now)});
    finish(conn, by, Entry::new(Act::DeviceCommand, "device", code).to(after), code).await?;
    fetch(conn, code, id).await
}

/// Whether it is known which device a network server would tell.
async fn is_at_one_place(conn: &mut PgConnection, device: &Device) -> Result<(), DeviceError> {
    if Way::of(device) != Way::Network {
        return Ok(());
    }
    let Some((first, other)) = store::downlink::conflict(conn, device.id).await? else { return Ok(()) };
    let code = &device.code;
    Err(DeviceError::Conflict(format!(
        "device {code} was heard at {first} and at {other}, which may be two devices of one name; save its profile and \
         hardware id anew when only one is left"
    )))
}

/// Whether this command can reach the device.
fn hears(device: &Device, wanted: &Wanted, profiles: &[Profile]) -> Result<(), DeviceError> {
    let code = &device.code;
    match Way::of(device) {
        Way::Connection => Ok(()),
        Way::None => Err(DeviceError::Conflict(format!(
            "device {code} hears no command: it publishes by HTTP alone, where nothing listens"
        ))),
        Way::Network => match written(device, wanted.name, &wanted.args, profiles) {
            Ok(_) => Ok(()),
            Err(Unwritable::Argument(why)) => {
                let message = format!("the template of {} in profile {:?}: {why}", wanted.name, device.profile);
                Err(DeviceError::Wrong { field: "args", value: wanted.args.to_string(), message })
            }
            Err(Unwritable::NoTemplate) => {
                let name = wanted.name;
                let lacks = if device.profile.is_empty() {
                    "it has no profile; give it one with".to_owned()
                } else {
                    format!("its profile {:?} lacks", device.profile)
                };
                Err(DeviceError::Conflict(format!(
                    "device {code} hears no command {name}: it is heard through a LoRaWAN network server, and {lacks} a \
                     template of the bytes, [ingest.profiles.commands.{name}] in the configuration (docs/devices.md)"
                )))
            }
        },
    }
}

/// The bytes of a command by the device's profile.
fn written(
    device: &Device,
    name: CommandName,
    args: &serde_json::Value,
    profiles: &[Profile],
) -> Result<crate::ingest::formats::template::Encoded, Unwritable> {
    let profile = profiles.iter().find(|profile| profile.name == device.profile);
    profile.ok_or(Unwritable::NoTemplate)?.written(name, args)
}

/// How a command gets to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over its own connection, here or at an external broker; or it was not heard yet and may turn out so.
    Connection,
    /// Through a LoRaWAN network server.
    Network,
    /// Not at all.
    None,
}

impl Way {
    pub fn of(device: &Device) -> Self {
        match device.heard_by.as_str() {
            "network" => Self::Network,
            "http" => Self::None,
            // Known by the name that a network server gives it.
            "" if device.hardware_id.is_some() => Self::Network,
            _ => Self::Connection,
        }
    }
}

/// The commands that can be sent to a device.
pub fn commands_of(device: &Device, profiles: &[Profile]) -> Vec<CommandName> {
    let profile = profiles.iter().find(|profile| profile.name == device.profile);
    let has = |name: &CommandName| profile.is_some_and(|profile| profile.commands.contains_key(name.as_str()));
    match Way::of(device) {
        Way::Connection => CommandName::ALL.iter().copied().filter(|name| name.is_general()).collect(),
        Way::Network => CommandName::ALL.iter().copied().filter(has).collect(),
        Way::None => Vec::new(),
    }
}

/// Takes a command back. One that was handed over may be done all the same; the device's answer then still counts. What a network
/// server has in its queue stays there, and the answer says so (`downlink`).
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
