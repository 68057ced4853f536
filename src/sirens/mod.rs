//! Sirens: what they do, what they are asked, and that no one person makes one sound by hand.
//!
//! A siren is an endpoint whose messages are commands of a device (`v1/devices/{id}/commands`). [`state`] tells what it does from
//! what it answered and said of itself, [`request`] keeps the rule of two persons; both are pure. The database holds a rule of its
//! own: a command to sound is refused without an alert and without a request that a second person confirmed.

pub mod desk;
pub mod request;
pub mod state;
pub mod store;
pub mod worker;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::EndpointId;
use crate::units::vocabulary;
use request::RequestState;
use state::StateWord;

/// How long a siren may be asked to sound, in seconds. Longer needs another alert, or another two persons.
pub const DURATION_S: std::ops::RangeInclusive<u32> = 5..=600;
/// Sirens in one request.
pub const MOST_AT_ONCE: usize = 100;

vocabulary! {
    /// What it sounds.
    Pattern, "pattern" {
        /// Rising and falling: leave.
        Wail = "wail",
        /// Short tones: attention, listen to the radio.
        Pulse = "pulse",
        /// One tone: the danger is over.
        Steady = "steady",
    }
}

vocabulary! {
    /// What a siren is asked to do. The command's name is `siren_` and the word.
    Act, "act of a siren" {
        Arm = "arm",
        Sound = "sound",
        Test = "test",
        Silence = "silence",
    }
}

vocabulary! {
    /// How a siren is tested.
    TestMode, "test of a siren" {
        /// It checks amplifier and battery and says whether they are well; nobody hears it.
        Silent = "silent",
        /// A tone of a second.
        Chirp = "chirp",
    }
}

/// A siren as pages and API show it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SirenShown)]
pub struct Siren {
    #[schema(value_type = Uuid)]
    pub id: EndpointId,
    pub name: String,
    /// Code of the device.
    pub device: String,
    /// unknown, idle, armed, sounding or silencing.
    #[schema(value_type = String)]
    pub state: StateWord,
    #[schema(value_type = String)]
    pub changed_at: Instant,
    #[schema(value_type = Option<String>)]
    pub sounding_until: Option<Instant>,
    /// Whether it is connected, or was heard lately.
    pub in_contact: bool,
    #[schema(value_type = Option<String>)]
    pub last_seen_at: Option<Instant>,
    /// Percent.
    pub battery_pct: Option<f64>,
    #[schema(value_type = Option<String>)]
    pub tested_at: Option<Instant>,
    pub test_passed: Option<bool>,
    /// Whether its test is overdue.
    pub test_due: bool,
    /// Whether an alert alone makes it sound, and where the contingency plan says so.
    pub automatic: bool,
    pub plancon: String,
    pub least_level: String,
    pub enabled: bool,
    /// The newest command: what it was, its state, and what the siren said.
    pub last_act: Option<String>,
    pub last_state: Option<String>,
    pub last_message: Option<String>,
}

/// One person's wish that sirens sound, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SirenRequest)]
pub struct Request {
    pub id: Uuid,
    /// Names of the sirens.
    pub sirens: Vec<String>,
    #[schema(value_type = String)]
    pub pattern: Pattern,
    pub duration_s: i32,
    pub reason: String,
    /// User names.
    pub asked_by: String,
    #[schema(value_type = String)]
    pub asked_at: Instant,
    #[schema(value_type = String)]
    pub expires_at: Instant,
    /// waiting, confirmed, refused, withdrawn or expired.
    #[schema(value_type = String)]
    pub state: RequestState,
    pub decided_by: Option<String>,
    #[schema(value_type = Option<String>)]
    pub decided_at: Option<Instant>,
}
