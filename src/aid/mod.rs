//! Humanitarian aid: kits of things from the ledger, given to families against a signature, once within their days.

pub mod desk;
pub mod signature;
pub mod store;

use serde::Serialize;
use uuid::Uuid;

/// Things of one kit.
pub const MOST_ITEMS: usize = 20;

/// A part of a kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AidPart)]
pub struct Part {
    pub item: Uuid,
    pub item_name: String,
    pub unit: String,
    /// In the item's unit.
    pub amount: i32,
}

/// A kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AidKit)]
pub struct Kit {
    pub id: Uuid,
    pub name: String,
    /// A household gets it once within so many days.
    pub every_days: i32,
    pub parts: Vec<Part>,
}
