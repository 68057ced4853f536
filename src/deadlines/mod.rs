//! Deadlines: until which day something has to be done, and how that day was reckoned.
//!
//! `rule` reads rules and chooses the one that holds on the day of the anchor, `calendar` knows the days without business, `reckon`
//! counts and leaves a trace, `norm` says which rule governs, `course` says what may happen to a deadline, `town` where days begin, `words` says all of it (pure). `desk` acts in the caller's
//! transaction for every module, `worker` reminds. What a new holiday or rule moves is journalled with the day before and after.

pub mod calendar;
pub mod course;
pub mod desk;
pub mod norm;
pub mod reckon;
pub mod rule;
pub mod store;
pub mod town;
pub mod words;
pub mod worker;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;
pub use calendar::{Calendar, Shut};
pub use reckon::{Course, Reckoned, Step};
pub use rule::DeadlineRule;

vocabulary! {
    /// What is counted.
    Unit, "unit of a deadline" {
        Calendar = "calendar",
        Business = "business",
        Month = "month",
        Hour = "hour",
    }
}

vocabulary! {
    /// What a pause does to what was counted already.
    Pause, "pause of a deadline" {
        Never = "never",
        /// It goes on after.
        Suspend = "suspend",
        /// It begins anew.
        Interrupt = "interrupt",
    }
}

vocabulary! {
    /// Whose holiday it is.
    HolidayKind, "kind of holiday" {
        National = "national",
        State = "state",
        Municipal = "municipal",
        /// Ponto facultativo.
        Optional = "optional",
    }
}

/// A deadline as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Deadline {
    pub id: Uuid,
    /// Whose it is, e.g. "disaster".
    pub subject_kind: String,
    pub subject_id: Uuid,
    pub title: String,
    /// Page to read of it.
    pub link: String,
    /// Of its rule.
    pub code: String,
    pub law_ref: String,
    pub anchor_event: String,
    #[schema(value_type = String)]
    pub anchor_at: Instant,
    /// The day whose norm governs it, where it is not that of the anchor: the signing of an instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governed_on: Option<NaiveDate>,
    /// Times it was extended.
    pub extended: i32,
    #[serde(skip)]
    pub course: Course,
    /// None while a pause without an end runs.
    pub due_on: Option<NaiveDate>,
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Instant>,
    /// Days before the last at which staff are told.
    pub warn_days: i32,
    /// Somebody held the rule against its law.
    pub confirmed: bool,
    /// Each step of the reckoning.
    #[schema(value_type = Vec<Object>)]
    pub trace: Vec<Step>,
    /// open, met or void.
    pub state: String,
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Instant>,
}

impl Deadline {
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    pub fn is_late(&self, now: Instant) -> bool {
        self.is_open() && self.due_at.is_some_and(|due| due < now)
    }

    /// Its end is near: within the days of its rule.
    pub fn is_near(&self, today: NaiveDate) -> bool {
        self.is_open() && self.due_on.is_some_and(|due| (due - today).num_days() <= i64::from(self.warn_days))
    }
}
