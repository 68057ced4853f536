//! Recipients that are no residents: addresses of other systems (webhooks), sirens, channels of chats.
//!
//! Who of them an alert is for is decided in [`takes`], with the reason in the row of the outbox. `worker` tells them: one that
//! does not answer keeps no other waiting. Webhooks may hear of incidents and occurrences as well ([`events`]), after the alerts. What is said to them stands in [`message`], signed by [`sign`].

pub mod desk;
pub mod events;
pub mod health;
pub mod message;
pub mod request;
pub mod send;
pub mod settings;
pub mod sign;
pub mod store;
pub mod takes;
pub mod worker;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::ids::EndpointId;
use crate::units::{Level, vocabulary};
use settings::Settings;

/// Endpoints that are not retired, at most.
pub const MOST: i64 = 500;

vocabulary! {
    /// What an endpoint is. Also the word in `outbox.channel`.
    Kind, "kind of endpoint" {
        Webhook = "webhook",
        Siren = "siren",
        Chat = "chat",
    }
}

vocabulary! {
    /// Why an endpoint is not told anything.
    DisabledWhy, "reason" {
        Person = "person",
        /// Every try failed, for long.
        Failing = "failing",
        /// It answered that it is gone for good (HTTP 410).
        Gone = "gone",
    }
}

/// Where an endpoint is, and how far around it it is told of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EndpointPlace)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Degrees, WGS 84.
    pub lat: f64,
    pub lon: f64,
    /// Metres, 0 to 200,000.
    pub reach_m: i32,
}

/// An endpoint as it stands. Its secrets are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Endpoint {
    #[schema(value_type = uuid::Uuid)]
    pub id: EndpointId,
    #[schema(value_type = String)]
    pub kind: Kind,
    pub name: String,
    #[schema(value_type = Object)]
    pub settings: Settings,
    /// None: it is told of everything in the town.
    pub place: Option<Place>,
    #[schema(value_type = String)]
    pub least_level: Level,
    /// COBRADE; empty: all.
    #[schema(value_type = Vec<String>)]
    pub hazards: Vec<Cobrade>,
    /// Statuses of alerts that it takes.
    #[schema(value_type = Vec<String>)]
    pub statuses: Vec<AlertStatus>,
    pub enabled: bool,
    #[schema(value_type = Option<String>)]
    pub disabled_why: Option<DisabledWhy>,
    /// Since when every try has failed.
    #[schema(value_type = Option<String>)]
    pub failing_since: Option<Instant>,
    pub failures: i32,
    #[schema(value_type = Option<String>)]
    pub succeeded_at: Option<Instant>,
    pub revision: i32,
    #[schema(value_type = String)]
    pub created_at: Instant,
    #[schema(value_type = Option<String>)]
    pub retired_at: Option<Instant>,
}

/// The address of its rows in the outbox.
pub fn address(id: EndpointId) -> String {
    format!("endpoint:{id}")
}
