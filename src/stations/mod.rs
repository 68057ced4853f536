//! Where instruments stand, what they measure, and with which secret they sign in.

pub mod certificate;
pub mod desk;
pub mod device;
pub mod health;
pub mod quality;
pub mod store;

use serde::Serialize;

use crate::clock::Instant;
use crate::ids::{DatastreamId, DeviceId, StationId};
use crate::units::{Quantity, StreamKind};

/// A place with instruments. Longitude and latitude are WGS84 degrees.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Station {
    #[schema(value_type = i64)]
    pub id: StationId,
    pub code: String,
    pub name: String,
    pub lon: f64,
    pub lat: f64,
    pub elevation_m: Option<f64>,
    /// Whose measurements these are, in words.
    pub source: String,
    pub active: bool,
}

/// One measured quantity at one station (OGC SensorThings "Datastream").
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Datastream {
    #[schema(value_type = i64)]
    pub id: DatastreamId,
    #[schema(value_type = i64)]
    pub station_id: StationId,
    /// The name devices use in their messages: "rain", "level".
    pub name: String,
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// The unit the device is expected to send; readings may name another one that converts.
    pub unit: String,
    #[schema(value_type = String)]
    pub kind: StreamKind,
    /// Seconds one interval sum covers; none when the device varies it or does not say.
    pub interval_s: Option<i32>,
    /// Seconds without a receipt after which the stream is silent.
    pub stale_after_s: i32,
    /// Where a running total begins again at zero, in the unit the service keeps (mm of rain).
    pub counter_wraps_at: Option<f64>,
    /// Rain that tips the bucket once, for streams whose readings count tips.
    pub tip_mm: Option<f64>,
}

/// How a stream counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counting {
    /// As `Datastream::counter_wraps_at`.
    pub wraps_at: Option<f64>,
    pub tip_mm: Option<f64>,
}

/// What signs in and publishes for a station. The secret itself is nowhere stored.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Device {
    #[schema(value_type = i64)]
    pub id: DeviceId,
    pub code: String,
    #[schema(value_type = i64)]
    pub station_id: StationId,
    pub station_code: String,
    pub enabled: bool,
    pub online: bool,
    #[schema(value_type = Option<String>)]
    pub last_seen_at: Option<Instant>,
    /// When its secret was made; null: before this was kept.
    #[schema(value_type = Option<String>)]
    pub secret_made_at: Option<Instant>,
    /// When the device last signed in with its secret, to the minute.
    #[schema(value_type = Option<String>)]
    pub secret_used_at: Option<Instant>,
    /// Whether the secret before the last rotation still works.
    pub has_previous: bool,
    /// When that one ends; null while the new one was never used.
    #[schema(value_type = Option<String>)]
    pub previous_ends_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub previous_used_at: Option<Instant>,
    /// Of the configuration's `[[ingest.profiles]]`; empty for none.
    pub profile: String,
    /// The name a network server knows it by: DevEUI, or the device id of The Things Stack.
    pub hardware_id: Option<String>,
    /// The door it was last heard through: `mqtt` (the built-in endpoint, of which alone the service knows who is connected),
    /// `broker`, `network` (a LoRaWAN server) or `http`; empty when that is not known yet.
    pub heard_by: String,
}

/// A client certificate of a device.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DeviceCertificate {
    /// Code of the device.
    pub device: String,
    /// SHA-256 over the certificate in DER, in hexadecimal.
    pub fingerprint: String,
    pub common_name: String,
    #[schema(value_type = String)]
    pub not_after: Instant,
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub revoked_at: Option<Instant>,
}

/// What an upsert did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Created,
    Updated,
    Unchanged,
}

/// The shape of every code in the catalogue (the same check stands in the schema).
pub fn is_code(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= 64
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// The shape of a name a network server knows a device by, in small letters (the same check stands in the schema).
pub fn is_hardware_id(text: &str) -> bool {
    is_code(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// The shape of a stream's name (the same check stands in the schema).
pub fn is_stream_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && text.len() <= 40
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_take_letters_digits_and_a_few_marks() {
        assert!(is_code("313670207A") && is_code("JF.bairro-12:a_b"));
        assert!(!is_code("") && !is_code("-x") && !is_code("a b") && !is_code("ção") && !is_code(&"x".repeat(65)));
    }

    #[test]
    fn stream_names_are_lower_case_words() {
        assert!(is_stream_name("rain") && is_stream_name("level_2"));
        assert!(!is_stream_name("Rain") && !is_stream_name("2m") && !is_stream_name(""));
    }
}
