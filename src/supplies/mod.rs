//! Supplies of shelters and depots: one ledger of appended entries; what lies where is their sum, and never negative.

pub mod desk;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// Why an amount came or went. Texts are `supply-kind-KIND`.
    Kind, "kind of entry" {
        Received = "received",
        Donated = "donated",
        Used = "used",
        MovedIn = "moved_in",
        MovedOut = "moved_out",
        /// In a kit, to a family.
        Delivered = "delivered",
        /// Spoilt, or not there when it was counted.
        Lost = "lost",
        /// More there than the ledger said when it was counted.
        Found = "found",
    }
}

impl Kind {
    /// Whether it adds to what is there.
    pub const fn adds(self) -> bool {
        matches!(self, Self::Received | Self::Donated | Self::MovedIn | Self::Found)
    }

    /// What a person writes by hand; the others follow from acts of their own.
    pub const BY_HAND: [Self; 5] = [Self::Received, Self::Donated, Self::Used, Self::Lost, Self::Found];
}

vocabulary! {
    /// How soon it is needed. Texts are `need-priority-PRIORITY`.
    Priority, "priority" {
        Urgent = "urgent",
        High = "high",
        Usual = "usual",
    }
}

/// Most of one item in one entry, in its unit.
pub const MOST: i32 = 1_000_000;

/// What is still missing of a need: never below none. Pure.
pub const fn missing(wanted: i32, received: i32, promised: i64) -> i64 {
    let left = wanted as i64 - received as i64 - promised;
    if left > 0 { left } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_counts_promises_and_is_never_negative() {
        assert_eq!(missing(100, 30, 20), 50);
        assert_eq!(missing(100, 30, 90), 0);
    }

    #[test]
    fn each_kind_of_entry_adds_or_takes_away() {
        let adds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.adds()).collect();
        assert_eq!(adds, [Kind::Received, Kind::Donated, Kind::MovedIn, Kind::Found]);
    }
}
