//! The devices as a fleet: what each last said of itself, what people ask them to do, and how many are taken in at once.
//!
//! A command is a row first. Whoever holds the device's connection hands it over (`ingest::mqtt`, `ingest::broker`), again at
//! each connect until the device answers or the command ends, so devices must act once on each id. To a LoRaWAN network server
//! it is handed once ([`downlink`]).

pub mod command;
pub mod desk;
pub mod downlink;
pub mod label;
pub mod provision;
pub mod store;
pub mod upkeep;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use chrono::TimeDelta;

use crate::clock::Instant;
use crate::stations::Device;
use crate::units::vocabulary;
use command::{CommandName, CommandResult, CommandState};

/// Below this a battery is low, in percent.
pub const LOW_BATTERY_PCT: f64 = 20.0;

/// A device without a connection here that was not heard for so long is out of contact, in hours.
pub const QUIET_AFTER_H: i64 = 24;

vocabulary! {
    /// How a device stands with the service.
    Contact, "contact" {
        Revoked = "revoked",
        /// To the built-in endpoint.
        Connected = "online",
        /// It connects to the built-in endpoint, and is not there now.
        Disconnected = "offline",
        /// Through a broker, a network server or HTTP, within [`QUIET_AFTER_H`].
        Heard = "heard",
        /// The same, but longer ago.
        Quiet = "quiet",
        NeverHeard = "unheard",
    }
}

impl Contact {
    /// Only of a device that connects to the built-in endpoint can be said whether it is connected.
    pub fn of(device: &Device, now: Instant) -> Self {
        match (device.enabled, device.online, device.last_seen_at) {
            (false, _, _) => Self::Revoked,
            (true, true, _) => Self::Connected,
            (true, false, _) if device.heard_by == "mqtt" => Self::Disconnected,
            (true, false, None) => Self::NeverHeard,
            (true, false, Some(at)) if at > quiet_since(now) => Self::Heard,
            (true, false, Some(_)) => Self::Quiet,
        }
    }
}

/// Whoever was not heard since then is out of contact.
pub fn quiet_since(now: Instant) -> Instant {
    now - TimeDelta::hours(QUIET_AFTER_H)
}

/// The last word of a device on itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = DeviceReport)]
pub struct Report {
    #[schema(value_type = Option<String>)]
    pub received_at: Option<Instant>,
    /// By the device's own clock.
    #[schema(value_type = Option<String>)]
    pub reported_at: Option<Instant>,
    /// Received minus reported, in milliseconds; the way of the message is in it. Null when that is not known.
    pub clock_offset_ms: Option<i64>,
    /// When that was measured: other messages say nothing about the clock.
    #[schema(value_type = Option<String>)]
    pub clock_at: Option<Instant>,
    pub firmware: Option<String>,
    /// Percent.
    pub battery_pct: Option<f64>,
    pub signal_dbm: Option<f64>,
    /// Link margin, as a LoRaWAN network server tells it.
    pub margin_db: Option<f64>,
    /// How often it means to send, in seconds.
    pub interval_s: Option<i32>,
    /// Whether a device of the same profile runs a newer firmware.
    pub is_old_firmware: bool,
}

/// A device with its last word on itself.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FleetDevice {
    #[serde(flatten)]
    pub device: crate::stations::Device,
    pub report: Report,
}

/// What somebody asked a device to do, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DeviceCommand {
    pub id: Uuid,
    /// Code of the device.
    pub device: String,
    #[schema(value_type = String)]
    pub command: CommandName,
    #[schema(value_type = Object)]
    pub args: serde_json::Value,
    /// queued, sent, acknowledged, failed, expired or cancelled.
    #[schema(value_type = String)]
    pub state: CommandState,
    /// Empty when it was removed after its term.
    pub issued_by: String,
    #[schema(value_type = String)]
    pub issued_at: Instant,
    #[schema(value_type = String)]
    pub expires_at: Instant,
    /// How often it was handed to the device's connection.
    pub times_sent: i32,
    #[schema(value_type = Option<String>)]
    pub sent_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Instant>,
    /// The device's word: done, failed or rejected; or the network server's: received by the radio, or undelivered.
    #[schema(value_type = Option<String>)]
    pub result: Option<CommandResult>,
    pub message: String,
    /// Its way through a LoRaWAN network server, when it went there.
    pub downlink: Option<downlink::Downlink>,
}
