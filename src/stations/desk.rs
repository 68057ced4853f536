//! Acts on devices, each with its entry in the audit and the hint that makes every node look again, for the API, the pages
//! and the command line alike.

use serde_json::json;
use sqlx::PgConnection;

use super::certificate::{Certificate, Fingerprint};
use super::device::secret_sha256;
use super::{Device, is_code, is_hardware_id, store};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::events::{self, Event};
use crate::hexadecimal::hex;
use crate::ingest::formats::profile::Profile;

/// How long the secret before still works after the first use of the new one, unless somebody says otherwise, in seconds.
pub const GRACE_S: u32 = 3600;
/// The longest it may, in seconds.
pub const MAX_GRACE_S: u32 = 30 * 24 * 3600;

#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The field that is wrong, its value, and what was expected.
    #[error("{field} = {value:?}: {message}")]
    Wrong { field: &'static str, value: String, message: String },
    #[error("there is no {0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn wrong(field: &'static str, value: impl ToString, message: impl Into<String>) -> DeviceError {
    DeviceError::Wrong { field, value: value.to_string(), message: message.into() }
}

/// # Errors
/// `NotFound`.
pub async fn find(conn: &mut PgConnection, code: &str) -> Result<Device, DeviceError> {
    let found = if is_code(code) { store::device_by_code(conn, code).await? } else { None };
    found.ok_or_else(|| DeviceError::NotFound(format!("device {code}")))
}

/// Registers a device at a station and gives back its secret, which is told this once. One that exists is given another
/// station and secret when `replace`; its old secret ends at once.
///
/// # Errors
/// `Wrong` names the field; `Conflict` when the code is taken.
pub async fn add(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    station: &str,
    replace: bool,
) -> Result<String, DeviceError> {
    if !is_code(code) {
        let message = "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`, beginning with a letter or digit";
        return Err(wrong("code", code, message));
    }
    let Some(found) = store::station_by_code(conn, station).await? else {
        return Err(wrong("station", station, "there is no station with this code"));
    };
    let before = store::device_by_code(conn, code).await?;
    if before.is_some() && !replace {
        return Err(DeviceError::Conflict(format!("a device {code} exists already")));
    }
    let secret = by.ids.secret();
    store::upsert_device(conn, by.now, code, found.id, &secret_sha256(code, &secret)).await?;
    let mut entry = Entry::new(Act::DeviceAdd, "device", code).to(json!({"station": station}));
    if let Some(before) = before {
        entry = entry.from(json!({"station": before.station_code, "enabled": before.enabled}));
    }
    finish(conn, by, entry).await?;
    Ok(secret)
}

/// Gives a device a new secret, told this once; see [`store::rotate_secret`].
///
/// # Errors
/// `Wrong` names the field; `NotFound`.
pub async fn rotate(conn: &mut PgConnection, by: Acting<'_>, code: &str, grace_s: u32) -> Result<String, DeviceError> {
    let grace = i32::try_from(grace_s).ok().filter(|_| grace_s <= MAX_GRACE_S);
    let grace = grace.ok_or_else(|| wrong("grace_s", grace_s, format!("expected 0 to {MAX_GRACE_S} seconds")))?;
    let secret = by.ids.secret();
    if !store::rotate_secret(conn, by.now, code, &secret_sha256(code, &secret), grace).await? {
        return Err(DeviceError::NotFound(format!("device {code}")));
    }
    finish(conn, by, Entry::new(Act::DeviceRotate, "device", code).to(json!({"grace_s": grace_s}))).await?;
    Ok(secret)
}

/// Says how a device writes, and what a network server calls it (empty for nothing). `profiles` are those of the
/// configuration.
///
/// # Errors
/// `Wrong` names the field; `Conflict` when another device is called so; `NotFound`.
pub async fn configure(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    (profile, hardware_id): (&str, &str),
    profiles: &[Profile],
) -> Result<(), DeviceError> {
    let before = find(conn, code).await?;
    if !profile.is_empty() && !profiles.iter().any(|known| known.name == profile) {
        let known: Vec<&str> = profiles.iter().map(|known| known.name.as_str()).collect();
        let message = format!("the configuration has no such profile; it has: {}", known.join(", "));
        return Err(wrong("profile", profile, message));
    }
    let hardware_id = hardware_id.to_lowercase();
    if !hardware_id.is_empty() && !is_hardware_id(&hardware_id) {
        let message = "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`, such as the DevEUI";
        return Err(wrong("hardware_id", hardware_id, message));
    }
    let hardware_id = (!hardware_id.is_empty()).then_some(hardware_id.as_str());
    store::configure_device(conn, code, profile, hardware_id).await.map_err(|error| match &error {
        sqlx::Error::Database(refused) if refused.constraint() == Some("device_hardware_unique") => {
            DeviceError::Conflict("another device has this hardware id".to_owned())
        }
        _ => error.into(),
    })?;
    let entry = Entry::new(Act::DeviceConfigure, "device", code);
    let before = json!({"profile": before.profile, "hardware_id": before.hardware_id});
    finish(conn, by, entry.from(before).to(json!({"profile": profile, "hardware_id": hardware_id}))).await
}

/// Ends the secret before the last rotation at once.
///
/// # Errors
/// `NotFound` when the device has none.
pub async fn retire(conn: &mut PgConnection, by: Acting<'_>, code: &str) -> Result<(), DeviceError> {
    if !store::retire_previous(conn, code).await? {
        return Err(DeviceError::NotFound(format!("second secret of a device {code}")));
    }
    finish(conn, by, Entry::new(Act::DeviceRetire, "device", code)).await
}

/// Forgets at which network server the device was heard; its next uplink tells anew. Gives back what it was.
///
/// # Errors
/// `NotFound` when none is remembered.
pub async fn forget_network(conn: &mut PgConnection, by: Acting<'_>, code: &str) -> Result<String, DeviceError> {
    find(conn, code).await?;
    let was = store::forget_network(conn, code).await?;
    let was = was.ok_or_else(|| DeviceError::NotFound(format!("remembered network address of device {code}")))?;
    finish(conn, by, Entry::new(Act::DeviceForgetNetwork, "device", code).from(json!({ "address": was }))).await?;
    Ok(was)
}

/// Turns a device away and ends its connections.
///
/// # Errors
/// `NotFound`.
pub async fn revoke(conn: &mut PgConnection, by: Acting<'_>, code: &str) -> Result<(), DeviceError> {
    let before = find(conn, code).await?;
    store::disable_device(conn, code).await?;
    let entry = Entry::new(Act::DeviceRevoke, "device", code);
    finish(conn, by, entry.from(json!({"enabled": before.enabled})).to(json!({"enabled": false}))).await
}

/// Takes it in again.
///
/// # Errors
/// `NotFound` when there is none that was turned away.
pub async fn enable(conn: &mut PgConnection, by: Acting<'_>, code: &str) -> Result<(), DeviceError> {
    if !store::enable_device(conn, code).await? {
        return Err(DeviceError::NotFound(format!("device {code} that was revoked")));
    }
    let entry = Entry::new(Act::DeviceEnable, "device", code);
    finish(conn, by, entry.from(json!({"enabled": false})).to(json!({"enabled": true}))).await
}

/// Registers a certificate with which the device signs in over TLS, and gives back its fingerprint in hexadecimal.
///
/// # Errors
/// `Wrong` when it is none or has ended; `Conflict` when it is registered; `NotFound`.
pub async fn add_certificate(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    pem: &str,
) -> Result<String, DeviceError> {
    let certificate = Certificate::from_pem(pem).map_err(|error| wrong("certificate", "", error.to_string()))?;
    if certificate.not_after <= by.now {
        return Err(wrong("certificate", certificate.not_after, "it has ended"));
    }
    let device = find(conn, code).await?;
    let fingerprint = hex(&certificate.fingerprint);
    if !store::add_certificate(conn, by.ids.uuid(by.now), by.now, device.id, &certificate).await? {
        return Err(DeviceError::Conflict(format!("the certificate {fingerprint} is registered already")));
    }
    let after =
        json!({"fingerprint": fingerprint, "common_name": certificate.common_name, "not_after": certificate.not_after});
    finish(conn, by, Entry::new(Act::CertificateAdd, "device", code).to(after)).await?;
    Ok(fingerprint)
}

/// Refuses a certificate, and ends the connections that were opened with it. Gives back the code of its device.
///
/// # Errors
/// `NotFound`.
pub async fn revoke_certificate(
    conn: &mut PgConnection,
    by: Acting<'_>,
    fingerprint: &Fingerprint,
) -> Result<String, DeviceError> {
    let hex = hex(fingerprint);
    let Some(code) = store::revoke_certificate(conn, by.now, fingerprint).await? else {
        return Err(DeviceError::NotFound(format!("live certificate {hex}")));
    };
    finish(conn, by, Entry::new(Act::CertificateRevoke, "device", &code).from(json!({"fingerprint": hex}))).await?;
    Ok(code)
}

async fn finish(conn: &mut PgConnection, by: Acting<'_>, entry: Entry) -> Result<(), DeviceError> {
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    events::notify(conn, &Event::Devices).await?;
    Ok(())
}
