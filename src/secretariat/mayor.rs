//! The mayor's view: what awaits a decision, and what is late and why, over all modules, the oldest first.

mod store;

use chrono::NaiveDate;
use serde::Serialize;
use uuid::Uuid;

pub use self::store::{awaiting, elsewhere, late, signing};
use crate::clock::Instant;

/// Rows of each part.
pub const MOST: i64 = 100;
/// Days at which an age begins.
pub const AGES: [i64; 3] = [7, 15, 30];

/// A case that waits or is late.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = MayorWaiting)]
pub struct Waiting {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub type_key: String,
    #[serde(skip)]
    pub version: i32,
    pub module: String,
    pub number: String,
    /// Empty: restricted to whoever works on it.
    pub title: String,
    pub state: String,
    /// mayor, owner, citizen or area.
    pub waits_for: Option<String>,
    /// Empty: nobody, or restricted; as the department.
    pub assigned: String,
    pub department: String,
    /// In this state.
    #[schema(value_type = String)]
    pub since: Instant,
    /// Whole days: waiting, or late.
    pub days: i64,
    pub due_on: Option<NaiveDate>,
    /// Of the deadline.
    pub code: Option<String>,
    pub law_ref: Option<String>,
    pub extended: i32,
    /// Page of the case; empty when it is restricted.
    pub link: String,
}

/// How many of each age: as many numbers as ages and one. Pure.
pub fn by_age(all: &[Waiting]) -> [i64; AGES.len() + 1] {
    let mut counts = [0; AGES.len() + 1];
    for one in all {
        let at = AGES.iter().filter(|from| one.days >= **from).count();
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }
    counts
}

/// An agreement, funding or bill of the budget that waits for the mayor.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = MayorSigning)]
pub struct Signing {
    pub id: Uuid,
    /// agreements, funding or budget
    pub module: String,
    /// fomento, convenio, loa
    pub kind: String,
    /// "2026/001"; empty: it gets one when it is signed, or never has one.
    pub number: String,
    pub title: String,
    pub state: String,
    /// sign, or submit to the council.
    pub act: String,
    /// In this state.
    #[schema(value_type = String)]
    pub since: Instant,
    /// Whole days since then.
    pub days: i64,
    /// Of its deadline that runs out first.
    pub due_on: Option<NaiveDate>,
    pub code: Option<String>,
    pub law_ref: Option<String>,
    /// Whole days since that day; none: it has not passed.
    pub late_days: Option<i64>,
    pub link: String,
}

/// A deadline that ran out in a module that works without cases: instruments, bodies, bills.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = MayorOverdue)]
pub struct Overdue {
    pub title: String,
    pub link: String,
    pub due_on: Option<NaiveDate>,
    pub code: String,
    pub law_ref: String,
    /// Whole days.
    pub days: i64,
    /// agreements, funding, strategic_projects or budget; none: of another module.
    pub module: Option<String>,
    /// Where the instrument or the bill stands.
    pub state: Option<String>,
    /// mayor: it waits for a signature; council: it is with the council; none: for whoever works there.
    pub waits_for: Option<String>,
    /// Times the deadline was extended.
    pub extended: i32,
}
