//! Who lives at a place with whoever is warned there. Name and relation are sealed in the vault; kinds of help are counted. Pure.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::preferences::Need;
use crate::units::vocabulary;

vocabulary! {
    /// What somebody is to the contact. Texts are `relation-RELATION`.
    Relation, "relation" {
        Partner = "partner",
        Child = "child",
        Parent = "parent",
        Grandparent = "grandparent",
        Sibling = "sibling",
        Relative = "relative",
        Other = "other",
    }
}

/// Companions of one resident, over all their places.
pub const MOST: usize = 20;
/// Longest name, in characters.
pub const NAME_MAX: usize = 120;

/// What of somebody only the vault knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub name: String,
    pub relation: Relation,
}

/// Somebody who lives with a resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Companion {
    pub id: Uuid,
    /// The place's name; of the home `home`.
    pub place: String,
    pub name: String,
    pub relation: Relation,
    pub needs: Vec<Need>,
}

/// What the vault keeps of one belongs to.
pub fn subject(id: Uuid) -> String {
    format!("companion:{id}")
}
