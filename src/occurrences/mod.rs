//! Occurrences as the desk works them: taken by hand, judged for how urgent they are, sent to, resolved, joined and put under an
//! incident. What people say of them is in `reports`, whose words make them; this is what is done about it.

pub mod csv;
pub mod desk;
pub mod intake;
pub mod life;
pub mod parent;
pub mod photographs;
pub mod priority;
pub mod store;
pub mod worker;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::reports::State;
use crate::units::vocabulary;

pub use priority::Priority;

/// Letters of the name of who was sent.
pub const MAX_UNIT: usize = 120;
/// Letters of a reason, and of a note.
pub const REASON: std::ops::RangeInclusive<usize> = 3..=2000;
/// People in danger that one occurrence may tell of.
pub const MOST_PEOPLE: i32 = 100_000;

vocabulary! {
    /// How something came to the desk. Texts are `origin-KIND`.
    Origin, "origin of an occurrence" {
        Call = "call",
        Radio = "radio",
        InPerson = "in_person",
        /// Fire brigade, police, health, another office.
        Agency = "agency",
        Alert = "alert",
        /// A rule's rise of an area's level.
        Level = "level",
        /// What a gauge measured.
        Reading = "reading",
        /// What the press says, or what goes round: to be checked, and opened from the item itself.
        Media = "media",
    }
}

impl Origin {
    /// What the service measured itself, and what is but said of others' saying. It never counts as a witness for the rules: a rule would
    /// hear its own echo, or a rumour.
    pub const fn is_echo(self) -> bool {
        matches!(self, Self::Alert | Self::Level | Self::Reading | Self::Media)
    }
}

vocabulary! {
    /// What somebody there needs. Texts are `need-NEED`.
    Need, "need" {
        /// Cannot leave without help: bedridden, in a wheelchair.
        Carried = "carried",
        Oxygen = "oxygen",
        Injured = "injured",
        Children = "children",
        Elderly = "elderly",
        Animals = "animals",
    }
}

vocabulary! {
    /// How the page shows them. Texts are `cases-view-VIEW`.
    Show, "view" {
        List = "list",
        Map = "map",
        Board = "board",
    }
}

vocabulary! {
    /// Since when it is known. Texts are `cases-age-AGE`.
    Age, "age" {
        Hour = "1h",
        Shift = "12h",
        Day = "24h",
        Week = "7d",
        /// Longer than a day, and still here.
        Old = "old",
    }
}

impl Age {
    /// Opened from the first instant on and before the second.
    pub fn span(self, now: Instant) -> (Option<Instant>, Option<Instant>) {
        match self {
            Self::Hour => (Some(now - TimeDelta::hours(1)), None),
            Self::Shift => (Some(now - TimeDelta::hours(12)), None),
            Self::Day => (Some(now - TimeDelta::hours(24)), None),
            Self::Week => (Some(now - TimeDelta::days(7)), None),
            Self::Old => (None, Some(now - TimeDelta::hours(24))),
        }
    }
}

/// The states whose work is not over, as the columns of the board.
pub const AT_WORK: [State; 5] = [State::New, State::Confirmed, State::Dispatched, State::OnScene, State::Resolved];

/// Everything but what is told under another.
pub const EVERY: [State; 7] =
    [State::New, State::Confirmed, State::Dispatched, State::OnScene, State::Resolved, State::Closed, State::Dismissed];
