//! Who of the staff is on call when.
//!
//! A rota has layers: the first is called first, the next when nobody stands in it. Turns are written by hand, read from a calendar
//! file, or from a calendar address again and again; a swap lays another person over a turn. [`turns`] says who is on call and where
//! nobody is; [`read`] and [`write`] speak iCalendar. All three are pure.

pub mod calendar;
pub mod desk;
pub mod fill;
pub mod read;
pub mod store;
pub mod token;
pub mod turns;
pub mod worker;
pub mod write;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::clock::Instant;
use crate::ids::{RotaId, StaffId};
use crate::units::vocabulary;

/// Rotas in use, at most.
pub const MOST: i64 = 50;
/// Layers of a rota, at most.
pub const MOST_LAYERS: i16 = 5;
/// Turns of one rota that are still to come, at most.
pub const MOST_TURNS: usize = 5000;
/// The longest turn, in days.
pub const LONGEST_DAYS: i64 = 31;
/// How far ahead calendars are read, in days.
pub const AHEAD_DAYS: i64 = 400;

vocabulary! {
    /// Where a turn comes from.
    Source, "source of a turn" {
        Hand = "hand",
        /// A calendar file.
        Import = "import",
        /// A calendar address that is read again and again.
        Feed = "feed",
    }
}

/// A rota as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Rota {
    #[schema(value_type = uuid::Uuid)]
    pub id: RotaId,
    /// By which plans of escalation name it.
    pub code: String,
    pub name: String,
    /// Layers that shall never be empty.
    pub layers: i16,
    /// Address of the calendar that it follows; empty: none.
    pub feed_url: String,
    /// The layer of its events that name none.
    pub feed_layer: i16,
    #[schema(value_type = Option<String>)]
    pub feed_read_at: Option<Instant>,
    /// What was wrong with it the last time, in English; empty: nothing.
    pub feed_problem: String,
    /// The same for people who read.
    #[serde(skip)]
    pub feed_problems: Json<Vec<read::Problem>>,
}

/// A turn, or a swap that is laid over one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RotaTurn)]
pub struct Turn {
    pub id: i64,
    pub layer: i16,
    #[serde(skip)]
    pub person: StaffId,
    pub username: String,
    pub name: String,
    #[schema(value_type = String)]
    pub from: Instant,
    #[schema(value_type = String)]
    pub until: Instant,
    #[serde(skip)]
    pub instead_of: Option<StaffId>,
    /// Of a swap: user name of whoever is relieved.
    pub instead_of_username: Option<String>,
    #[schema(value_type = String)]
    pub source: Source,
    #[serde(skip)]
    pub uid: String,
    pub reason: String,
    /// Whether the account is disabled: then only a stand-in is on call.
    pub is_shut_out: bool,
}
