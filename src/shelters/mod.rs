//! Shelters: who opens them, who is in them, and who lost their home and stays elsewhere.
//!
//! Lei 14.750/2023 tells *desabrigado* (needs a shelter that is provided) from *desalojado* (stays elsewhere by own means). Both are
//! stays of persons, and a person has one at a time: the database has a unique index on it. So nobody is counted twice, and the two are
//! counted apart. Names and documents lie in the vault; whoever reads them is written down.

pub mod admit;
pub mod code;
pub mod desk;
pub mod file;
pub mod find;
pub mod life;
pub mod people;
pub mod store;
pub mod totals;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::reports::Spot;
use crate::units::vocabulary;

vocabulary! {
    /// Age of a person, as the federal form and supplies need it. Texts are `displaced-age-AGE`.
    Age, "age" {
        /// Below 2 years.
        Infant = "infant",
        /// 2 to 11.
        Child = "child",
        /// 12 to 17.
        Adolescent = "adolescent",
        Adult = "adult",
        /// From 60 (Lei 10.741/2003).
        Elder = "elder",
    }
}

vocabulary! {
    /// A kind of help somebody needs. It says something of health: written down only by consent. Texts are `shelter-need-NEED`.
    Need, "kind of help" {
        Mobility = "mobility",
        Medication = "medication",
        Oxygen = "oxygen",
        Pregnant = "pregnant",
        Nursing = "nursing",
        Hearing = "hearing",
        Sight = "sight",
        Mental = "mental",
        Diet = "diet",
        Other = "other",
    }
}

vocabulary! {
    /// What is looked at before a shelter opens. Texts are `shelter-check-ITEM`.
    CheckItem, "item of the checklist" {
        Water = "water",
        Light = "light",
        Bathrooms = "bathrooms",
        Kitchen = "kitchen",
        Team = "team",
        Safety = "safety",
    }
}

vocabulary! {
    /// With whom somebody stays who needs no shelter. Texts are `stay-host-HOST`.
    Host, "host" {
        Relatives = "relatives",
        Friends = "friends",
        Rented = "rented",
        Other = "other",
    }
}

vocabulary! {
    /// Where somebody went. Texts are `stay-destination-DESTINATION`.
    Destination, "destination" {
        Home = "home",
        Relatives = "relatives",
        Rented = "rented",
        Hospital = "hospital",
        OtherTown = "other_town",
        Unknown = "unknown",
        Other = "other",
    }
}

/// The wording of consent that the form shows. It rises when the wording changes.
pub const CONSENT_TEXT: &str = "abrigo 2026-12";
/// Persons of one form; more are added to the family afterwards.
pub const MOST_PERSONS: usize = 12;

/// A shelter as somebody describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewShelter {
    /// The town's own key.
    pub code: String,
    pub name: String,
    pub spot: Spot,
    pub address: String,
    /// Persons.
    pub capacity: i32,
    pub rooms: i32,
    pub accessible: bool,
    pub pets: bool,
    pub kitchen: bool,
    /// Whom to call there.
    pub contact: String,
    /// Who has the keys.
    pub keys: String,
}

/// One that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Shelter {
    pub id: Uuid,
    pub what: NewShelter,
    pub state: life::State,
    pub changed_at: Instant,
    /// Persons in it now.
    pub sheltered: i64,
    /// Pets of their families.
    pub pets: i64,
    pub incident: Option<Uuid>,
    pub incident_number: Option<String>,
    pub begun_at: Option<Instant>,
    pub opened_at: Option<Instant>,
    /// It is opened for an exercise.
    pub drill: bool,
}

impl Shelter {
    /// Whether residents may be told to go there: one that is opened for an exercise is none, unless the whole service is one.
    pub fn is_open_to_all(&self, status: AlertStatus) -> bool {
        self.state.takes_people() && (!self.drill || status != AlertStatus::Actual)
    }

    /// Whether more persons are in it than it is made for.
    pub fn is_over(&self) -> bool {
        self.sheltered > i64::from(self.what.capacity)
    }

    /// Places that are left; never below none.
    pub fn free(&self) -> i64 {
        (i64::from(self.what.capacity) - self.sheltered).max(0)
    }
}

/// What is sealed of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub name: String,
    /// Number of a document, as it was read; empty when there is none.
    #[serde(default)]
    pub document: String,
}

/// A person as a form brings them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    pub identity: Identity,
    pub age: Age,
    pub needs: Vec<Need>,
}

/// A family as a form brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHousehold {
    /// Neighbourhood; no street and no number.
    pub district: String,
    pub pets: i32,
    /// To being registered. Without it nobody is.
    pub consent: bool,
    /// To kinds of help being written down.
    pub needs_consent: bool,
    pub persons: Vec<NewPerson>,
}
