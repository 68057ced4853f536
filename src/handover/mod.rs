//! Hand-over packs: what an issued alert becomes for channels that have no public interface. The service writes the words at each
//! channel's own limit, the area as files and a checklist; a person hands them over, and that is recorded. Nothing is sent anywhere
//! from here: no way to submit to IDAP, to SMS 40199 or to *Defesa Civil Alerta* is published.
//!
//! `limits` and `text` are pure, `files` writes the files, `store` holds the SQL.

pub mod files;
pub mod limits;
pub mod store;
pub mod text;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// A channel that takes a pack.
    PublicChannel, "public channel" {
        /// Interface de Divulgação de Alertas Públicos: the federal desk for SMS, cell broadcast, TV and others.
        Idap = "idap",
        /// The federal SMS service that residents register at by CEP.
        Sms40199 = "sms_40199",
        /// *Defesa Civil Alerta*.
        CellBroadcast = "cell_broadcast",
    }
}

/// Steps of the checklist, in their order. Texts are `handover-step-…`.
pub const STEPS: [Step; 7] = [
    Step { key: "check_text", channel: None },
    Step { key: "check_area", channel: None },
    Step { key: "call", channel: Some(PublicChannel::Idap) },
    Step { key: "idap", channel: Some(PublicChannel::Idap) },
    Step { key: "sms_40199", channel: Some(PublicChannel::Sms40199) },
    Step { key: "cell_broadcast", channel: Some(PublicChannel::CellBroadcast) },
    Step { key: "confirm", channel: None },
];

/// One step of the checklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub key: &'static str,
    /// Whose responsible, telephone and address are shown with it.
    pub channel: Option<PublicChannel>,
}

/// Something that was handed over.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct HandedOver {
    pub id: i64,
    /// idap, `sms_40199` or `cell_broadcast`.
    pub channel: String,
    pub text: String,
    /// Of cell broadcast: extreme or severe.
    pub class: String,
    pub given_to: String,
    pub given_at: DateTime<Utc>,
    pub protocol: String,
    pub note: String,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: String,
}

/// A step that somebody ticked.
#[derive(Clone, Debug, Serialize)]
pub struct Ticked {
    pub step: String,
    pub done: bool,
    pub at: DateTime<Utc>,
    pub by: String,
}

/// What somebody records.
#[derive(Clone, Debug)]
pub struct NewHandOver {
    pub channel: PublicChannel,
    pub text: String,
    pub class: &'static str,
    pub given_to: String,
    pub given_at: DateTime<Utc>,
    pub protocol: String,
    pub note: String,
}
