//! Who lives where, and how they are reached.

pub mod answers;
pub mod codes;
pub mod companions;
pub mod desk;
pub mod grammar;
pub mod locate;
pub mod own;
pub mod preferences;
pub mod record;
pub mod signup;
pub mod store;
pub mod telephone;
pub mod unsubscribe;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::ids::ResidentId;

/// One way to reach a resident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Channel {
    /// "sms" or "email".
    pub kind: String,
    /// E.164, or an e-mail address.
    pub address: String,
    pub opted_out: bool,
}

/// A resident with the home point (WGS84 degrees) and the channels.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Resident {
    #[schema(value_type = String)]
    pub id: ResidentId,
    pub external_ref: Option<String>,
    pub name: String,
    pub language: String,
    /// Invented, for a demonstration or a test.
    pub fictional: bool,
    #[schema(value_type = String)]
    pub consent_at: Instant,
    pub consent_source: String,
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub precision_m: Option<i32>,
    pub channels: Vec<Channel>,
}
