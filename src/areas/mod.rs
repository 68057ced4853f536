//! Risk areas over time: every change of one is a version with its reason, in force from an instant until the next, and the areas
//! the rest of the service reads are those in force.
//!
//! A version says all of an area (shape, name, grades), so that it can be restored bit by bit. It is a draft, planned for a day to
//! come, in force or past; or it was withdrawn before it ever was. An area that goes out of service is retired by a version too, and
//! comes back by one. [`desk`] carries changes out, [`store`] keeps them, [`worker`] lets planned ones take force.

pub mod desk;
pub mod import;
pub mod service;
pub mod store;
pub mod text;
pub mod worker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::units::{Grade, vocabulary};

vocabulary! {
    /// Where a version stands.
    State, "state of a version" {
        Draft = "draft",
        Planned = "planned",
        /// In force, or was.
        Effective = "effective",
        /// Given up before it took force.
        Withdrawn = "withdrawn",
    }
}

vocabulary! {
    /// How a version came about.
    Origin, "origin of a version" {
        /// The area stood before versions were kept, or was written past them.
        Before = "before",
        Import = "import",
        /// Read from an OGC service.
        Service = "service",
        Drawing = "drawing",
        /// As an earlier version.
        Restore = "restore",
        Retire = "retire",
    }
}

/// The grade of each hazard.
pub type Hazards = BTreeMap<Cobrade, Grade>;

/// All that an area is.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub name: String,
    /// Whose area it is, in words.
    pub source: String,
    /// MultiPolygon on WGS84 as WKB: kept and given back bit by bit.
    pub wkb: Vec<u8>,
    pub hazards: Hazards,
    /// What the source says beside; an object.
    pub details: Value,
    /// Out of service.
    pub retired: bool,
}

/// When a change is meant to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Now,
    At(Instant),
    /// Not before somebody says so.
    Draft,
}

/// A change that somebody asks for.
#[derive(Clone, Debug)]
pub struct Change {
    pub code: String,
    pub content: Content,
    pub origin: Origin,
    pub origin_detail: Value,
    pub reason: String,
    pub when: When,
}

/// A version without its shape.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Version {
    pub code: String,
    pub number: i32,
    #[schema(value_type = String)]
    pub state: State,
    pub name: String,
    pub source: String,
    /// Grade by COBRADE.
    #[schema(value_type = Object)]
    pub hazards: Hazards,
    #[schema(value_type = Object)]
    pub details: Value,
    /// While it is in force the area is out of service.
    pub retired: bool,
    pub area_km2: f64,
    #[schema(value_type = String)]
    pub origin: Origin,
    #[schema(value_type = Object)]
    pub origin_detail: Value,
    pub reason: String,
    pub author: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub planned_for: Option<Instant>,
    /// In force since then (inclusive) …
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Instant>,
    /// … until then (exclusive); none while it is in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Instant>,
}

impl Version {
    pub fn is_in_force(&self) -> bool {
        self.state == State::Effective && self.valid_until.is_none()
    }

    /// Whether it can still take force.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Draft | State::Planned)
    }
}

/// What lies between two versions of an area. A retired one covers nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Difference {
    pub before_km2: f64,
    pub after_km2: f64,
    pub gained_km2: f64,
    pub lost_km2: f64,
    /// Residents with a place inside, as they are registered now.
    pub residents_before: i64,
    pub residents_after: i64,
    pub hazards: Vec<HazardChange>,
    /// True when the shape is the same, bit by bit.
    pub same_shape: bool,
}

/// A hazard that came, went, or changed its grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HazardChange {
    pub cobrade: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Which hazards differ, in the order of their codes.
pub fn hazard_changes(before: &Hazards, after: &Hazards) -> Vec<HazardChange> {
    let mut codes: Vec<Cobrade> = before.keys().chain(after.keys()).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    let word = |hazards: &Hazards, code| hazards.get(code).map(ToString::to_string);
    codes
        .iter()
        .filter(|code| before.get(code) != after.get(code))
        .map(|code| HazardChange { cobrade: code.to_string(), before: word(before, code), after: word(after, code) })
        .collect()
}

/// Why a change of an area wants a second look: something stands on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Standing {
    pub code: String,
    pub name: String,
    /// `alert`, `incident`, or `planned` for a version that waits for its day.
    pub kind: String,
    /// Number of the alert or incident, or of the version.
    pub number: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hazards(pairs: &[(&str, &str)]) -> Hazards {
        pairs.iter().map(|(cobrade, grade)| (cobrade.parse().unwrap(), grade.parse().unwrap())).collect()
    }

    #[test]
    fn what_came_went_and_changed_is_told_and_what_stayed_is_not() {
        let before = hazards(&[("1.1.3.2.1", "R2"), ("1.2.1.0.0", "R3"), ("1.2.3.0.0", "R1")]);
        let after = hazards(&[("1.1.3.2.1", "R4"), ("1.2.1.0.0", "R3"), ("1.2.2.0.0", "R2")]);
        let told: Vec<(String, Option<String>, Option<String>)> =
            hazard_changes(&before, &after).into_iter().map(|one| (one.cobrade, one.before, one.after)).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("1.1.3.2.1".to_owned(), some("R2"), some("R4")),
                ("1.2.2.0.0".to_owned(), None, some("R2")),
                ("1.2.3.0.0".to_owned(), some("R1"), None),
            ]
        );
        assert_eq!(hazard_changes(&after, &after), []);
    }
}
