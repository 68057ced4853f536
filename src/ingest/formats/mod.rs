//! Bytes into what they say; pure, so that a stored payload can be read again and a test needs no socket.

pub mod lorawan;
pub mod native;
pub mod profile;
pub mod senml;
pub mod senml_cbor;
pub mod status;
pub mod template;

use profile::Profile;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Instant;
use crate::units::vocabulary;

/// Most readings one message may carry.
pub const MAX_READINGS: usize = 1000;
/// Longest message identifier, in bytes.
pub const MAX_MESSAGE_ID: usize = 128;

vocabulary! {
    /// How a message is written.
    Format, "format" {
        /// Of this service.
        Native = "native",
        /// RFC 8428 in JSON.
        Senml = "senml",
        /// RFC 8428 in CBOR.
        SenmlCbor = "senml_cbor",
        /// Integration events of ChirpStack v4 in JSON.
        Chirpstack = "chirpstack",
        /// Webhook and MQTT events of The Things Stack v3.
        Ttn = "ttn",
    }
}

impl Format {
    /// Of a `Content-Type` without parameters. `application/json` may be any of the formats in JSON.
    pub fn of_media_type(media_type: &str) -> Option<Option<Self>> {
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => Some(None),
            "application/senml+json" => Some(Some(Self::Senml)),
            "application/senml+cbor" | "application/cbor" => Some(Some(Self::SenmlCbor)),
            _ => None,
        }
    }

    /// What a payload looks like. A pack of SenML is an array: in JSON `[`, in CBOR major type 4.
    fn recognised(payload: &[u8]) -> Option<Self> {
        match payload.iter().find(|byte| !byte.is_ascii_whitespace())? {
            b'[' => Some(Self::Senml),
            0x80..=0x9f => Some(Self::SenmlCbor),
            _ => None,
        }
    }
}

/// What is known of a message beside its bytes.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub now: Instant,
    /// What the sender says it is.
    pub format: Option<Format>,
    /// Of the device.
    pub profile: Option<&'a Profile>,
    /// The station's streams.
    pub knows: &'a dyn Fn(&str) -> bool,
}

impl Given<'_> {
    pub fn has_stream(&self, name: &str) -> bool {
        (self.knows)(name)
    }
}

/// Reads a message in whichever format it is: the profile's, else the one the sender names, else what it looks like.
///
/// # Errors
/// When the message as a whole cannot be read.
pub fn read(payload: &[u8], given: &Given<'_>) -> Result<Message, Problem> {
    let wanted = given.profile.and_then(|profile| profile.format).or(given.format);
    let mut message = match wanted.or_else(|| Format::recognised(payload)) {
        Some(Format::Senml) => senml::parse_json(payload, given.now)?,
        Some(Format::SenmlCbor) => senml_cbor::parse(payload, given.now)?,
        Some(Format::Chirpstack) => return lorawan::chirpstack(&json(payload)?, given),
        Some(Format::Ttn) => return lorawan::ttn(&json(payload)?, given),
        Some(Format::Native) => native::parse(payload)?,
        None => match event(payload) {
            Some((Format::Ttn, event)) => return lorawan::ttn(&event, given),
            Some((_, event)) => return lorawan::chirpstack(&event, given),
            None => native::parse(payload)?,
        },
    };
    if let Some(profile) = given.profile {
        renamed(&mut message, profile);
    }
    Ok(message)
}

fn json(payload: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(payload).map_err(|error| native::malformed(payload, &error))
}

/// An event of a LoRaWAN network server, known by what only they have.
fn event(payload: &[u8]) -> Option<(Format, Value)> {
    let text = std::str::from_utf8(payload).ok()?;
    let format = if text.contains("\"deviceInfo\"") {
        Format::Chirpstack
    } else if text.contains("\"end_device_ids\"") {
        Format::Ttn
    } else {
        return None;
    };
    let value: Value = serde_json::from_str(text).ok()?;
    let key = if format == Format::Ttn { "end_device_ids" } else { "deviceInfo" };
    value.get(key).is_some().then_some((format, value))
}

/// Names, units and scales of a profile on readings that have names already.
fn renamed(message: &mut Message, profile: &Profile) {
    message.readings.retain_mut(|reading| {
        let Ok(reading) = reading else { return true };
        let Some(field) = profile.fields.iter().find(|field| field.from == reading.stream) else { return true };
        let Some(value) = field.scale(reading.value) else { return false };
        reading.value = value;
        reading.stream.clone_from(&field.stream);
        if let Some(unit) = &field.unit {
            reading.unit = Some(unit.clone());
        }
        true
    });
}

/// A message as its sender wrote it, before it is held against the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: Option<String>,
    /// Each reading stands or falls alone.
    pub readings: Vec<Result<RawReading, Refused>>,
}

/// One reading in the sender's words.
#[derive(Clone, Debug, PartialEq)]
pub struct RawReading {
    /// Where it stood: "readings[3]", or empty for a message that is one reading.
    pub path: String,
    pub stream: String,
    pub at: Instant,
    /// Whether the message gave no instant of its own, so that it would be another one if it came again.
    pub is_from_now: bool,
    pub value: f64,
    pub unit: Option<String>,
    /// The reading's own bytes, should it go to quarantine later.
    pub raw: Vec<u8>,
}

/// One thing wrong, in terms the sender can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {message}: {value:?}")]
pub struct Problem {
    /// Where: "readings[3].value", "id", "payload".
    pub field: String,
    /// What stood there, at most 80 characters of it.
    pub value: String,
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, value: &str, message: impl Into<String>) -> Self {
        let mut short: String = value.chars().take(80).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        Self { field: field.into(), value: short, message: message.into() }
    }
}

/// A reading or message that was not understood, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub problem: Problem,
    pub raw: Vec<u8>,
}

/// "readings[3]" and "value" make "readings[3].value"; an empty path leaves the key alone.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() || key.is_empty() { format!("{path}{key}") } else { format!("{path}.{key}") }
}
