//! Representation (clause 1): the diary of a delegate, which is made of missions and of what was promised in them.
//!
//! The cases themselves are of the engine. Pure: `calendar` writes the diary as iCalendar. `store` reads it.

pub mod calendar;
pub mod store;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::kernel;
use crate::units::vocabulary;

pub const MODULE: &str = "representation";
pub const DELEGATION: &str = "representation.delegation";
pub const MISSION: &str = "representation.mission";
pub const COMMITMENT: &str = "representation.commitment";

/// Days behind and ahead that a diary shows when nobody says which.
const BEHIND: Days = Days::new(30);
const AHEAD: Days = Days::new(366);
/// Days of a diary, at most.
pub const MOST_DAYS: i64 = 3660;

vocabulary! {
    /// What stands in a diary.
    EntryKind, "kind of entry" {
        /// On its day.
        Mission = "mission",
        /// To be kept until its day.
        Commitment = "commitment",
    }
}

/// A mission, or what was promised in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DiaryEntry)]
pub struct Entry {
    pub id: Uuid,
    #[schema(value_type = String, pattern = "^(mission|commitment)$")]
    pub kind: EntryKind,
    /// Of the mission, or the last one of the commitment.
    pub day: NaiveDate,
    /// "MIS 2026/001"
    pub number: String,
    pub title: String,
    /// Whose delegation it is under.
    pub delegate: String,
    pub counterpart: String,
    /// Of a mission.
    pub place: String,
    /// What for, or what was promised.
    pub text: String,
    /// Who keeps a commitment: town or counterpart.
    pub side: Option<String>,
    #[serde(skip)]
    pub type_key: String,
    #[serde(skip)]
    pub version: i32,
    pub state: String,
    pub is_final: bool,
    /// A deadline of it ran out.
    pub late: bool,
    /// User name of whoever works on it.
    pub assigned: String,
    pub revision: i32,
    #[schema(value_type = String)]
    pub changed_at: Instant,
}

impl Entry {
    /// Path of its page.
    pub fn link(&self) -> String {
        kernel::link(MODULE, self.id)
    }

    /// It does not take place, or binds nobody any more.
    pub fn is_off(&self) -> bool {
        matches!(self.state.as_str(), "cancelled" | "dropped")
    }
}

/// Of whom, and from when until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As delegations name them; empty: of all.
    pub delegate: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Wanted {
    /// # Errors
    /// The name of the parameter that is wrong, and what was expected.
    pub fn new(
        delegate: Option<&str>,
        (from, to): (Option<NaiveDate>, Option<NaiveDate>),
        today: NaiveDate,
    ) -> Result<Self, (&'static str, String)> {
        let delegate = delegate.unwrap_or_default().trim();
        if delegate.chars().count() > 300 || delegate.contains('\0') {
            return Err(("delegate", "expected at most 300 characters".into()));
        }
        let from = from.or_else(|| today.checked_sub_days(BEHIND)).unwrap_or(today);
        let to = to.or_else(|| from.max(today).checked_add_days(AHEAD)).unwrap_or(from);
        if !(0..=MOST_DAYS).contains(&(to - from).num_days()) {
            return Err(("to", format!("expected {from} or at most {MOST_DAYS} days later")));
        }
        Ok(Self { delegate: delegate.to_owned(), from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diary_has_a_month_behind_and_a_year_ahead_and_never_ends_before_it_begins() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let usual = Wanted::new(None, (None, None), day("2026-03-31")).unwrap();
        assert_eq!((usual.from, usual.to), (day("2026-03-01"), day("2027-04-01")));
        let wrong = Wanted::new(None, (Some(day("2026-03-02")), Some(day("2026-03-01"))), day("2026-03-31"));
        assert_eq!(wrong.unwrap_err().0, "to");
        let long = Wanted::new(None, (Some(day("2000-01-01")), Some(day("2026-01-01"))), day("2026-03-31"));
        assert_eq!(long.unwrap_err().0, "to");
    }
}
