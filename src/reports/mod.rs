//! Reports from people: what somebody saw, where, and how far that is believed. Reports of one thing make one occurrence, which
//! staff judges; what they say together can feed a rule.
//!
//! Nothing that comes in is dropped: what is doubtful waits in the same queue with little trust.

pub mod acts;
pub mod cluster;
pub mod feed;
pub mod inbound;
pub mod kind;
pub mod locate;
pub mod mail;
pub mod place;
pub mod sms;
pub mod stamp;
pub mod store;
pub mod take;
pub mod trust;
pub mod words;
pub mod worker;

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

pub use cluster::Spot;
pub use kind::{Family, Kind};
pub use take::{NewReport, Reporter, Taken};
pub use trust::{Doubt, Standing};

/// Longest words of a report, and of its place, in characters.
pub const MAX_WORDS: usize = 4000;
pub const MAX_PLACE: usize = 500;
pub const MAX_CONTACT: usize = 254;
/// Photographs that come with one report.
pub const MAX_PHOTOGRAPHS: usize = 4;
/// How long before it arrives something may have been seen: a form that was filled in where there is no network.
pub const OLDEST: chrono::TimeDelta = chrono::TimeDelta::hours(72);

vocabulary! {
    /// The door a report came through. Texts are `report-source-SOURCE`.
    Source, "source of a report" {
        Web = "web",
        Field = "field",
        Api = "api",
        Sms = "sms",
        Email = "email",
        /// Taken by hand: a call, a radio message, what an alert or a gauge showed.
        Desk = "desk",
    }
}

vocabulary! {
    /// How its point is known. Texts are `report-place-FROM`.
    PlaceFrom, "source of a place" {
        Gps = "gps",
        Pin = "pin",
        /// Typed, or copied from a map.
        Coordinates = "coordinates",
        /// A written address that the register knows.
        Address = "address",
        /// The middle of a risk area that the words name.
        Area = "area",
        /// Where the resident who writes lives.
        Resident = "resident",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Where an occurrence stands. Texts are `occurrence-state-STATE`.
    State, "state of an occurrence" {
        New = "new",
        Confirmed = "confirmed",
        /// Somebody was sent.
        Dispatched = "dispatched",
        OnScene = "on_scene",
        /// The work is done; it waits to be closed.
        Resolved = "resolved",
        Dismissed = "dismissed",
        Closed = "closed",
        /// It is told under another.
        Merged = "merged",
    }
}

impl State {
    /// What is reported there still belongs to it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Confirmed | Self::Dispatched | Self::OnScene)
    }
}

/// The states that `State::is_open` names.
pub const OPEN: [State; 4] = [State::New, State::Confirmed, State::Dispatched, State::OnScene];
