//! What people report, in the words of a form, and what each of it means: its code, its family, and how far apart in place and
//! time two reports of it may lie and still speak of one thing.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// What somebody saw. Texts are `report-kind-KIND`.
    Kind, "kind of report" {
        Landslide = "landslide",
        /// In the ground or in walls: what comes before a landslide.
        Cracks = "cracks",
        /// A river over its banks.
        Flooding = "flooding",
        FlashFlood = "flash_flood",
        /// Rain that does not run off.
        Waterlogging = "waterlogging",
        FallenTree = "fallen_tree",
        RoofOff = "roof_off",
        WireDown = "wire_down",
        Hail = "hail",
        /// A house or a wall came down, or is about to.
        Collapse = "collapse",
        Fire = "fire",
        VegetationFire = "vegetation_fire",
        Other = "other",
    }
}

vocabulary! {
    /// Kinds that may be words of different people for one thing. Each has a stream of its own at a risk area.
    Family, "family of reports" {
        Ground = "ground",
        Water = "water",
        Wind = "wind",
        Building = "building",
        Fire = "fire",
        Other = "other",
    }
}

impl Kind {
    /// COBRADE; nothing for what has no kind yet.
    pub const fn cobrade(self) -> Option<&'static str> {
        match self {
            Self::Landslide | Self::Cracks => Some("1.1.3.2.1"),
            Self::Flooding => Some("1.2.1.0.0"),
            Self::FlashFlood => Some("1.2.2.0.0"),
            Self::Waterlogging => Some("1.2.3.0.0"),
            Self::FallenTree | Self::RoofOff | Self::WireDown => Some("1.3.2.1.5"),
            Self::Hail => Some("1.3.2.1.3"),
            Self::Collapse => Some("2.4.1.0.0"),
            Self::Fire => Some("2.3.1.2.0"),
            Self::VegetationFire => Some("1.4.1.3.2"),
            Self::Other => None,
        }
    }

    pub const fn family(self) -> Family {
        match self {
            Self::Landslide | Self::Cracks => Family::Ground,
            Self::Flooding | Self::FlashFlood | Self::Waterlogging => Family::Water,
            Self::FallenTree | Self::RoofOff | Self::WireDown | Self::Hail => Family::Wind,
            Self::Collapse => Family::Building,
            Self::Fire | Self::VegetationFire => Family::Fire,
            Self::Other => Family::Other,
        }
    }

    /// How much waits on it, from 1 (a street that is blocked) to 5 (somebody may lie under it). Orders the queue.
    pub const fn danger(self) -> i32 {
        match self {
            Self::Landslide | Self::Collapse | Self::FlashFlood => 5,
            Self::Cracks | Self::Flooding | Self::Fire => 4,
            Self::WireDown | Self::VegetationFire | Self::Other => 3,
            Self::Waterlogging | Self::RoofOff => 2,
            Self::FallenTree | Self::Hail => 1,
        }
    }
}

impl Family {
    /// Metres between the places of two reports of one thing, beside what each place itself is uncertain by.
    pub const fn radius_m(self) -> f64 {
        match self {
            Self::Building => 50.0,
            Self::Wind | Self::Other => 60.0,
            Self::Ground => 100.0,
            Self::Water | Self::Fire => 150.0,
        }
    }

    /// Time between two reports of one thing.
    pub const fn lasts(self) -> TimeDelta {
        match self {
            Self::Ground | Self::Building => TimeDelta::hours(12),
            Self::Water | Self::Wind | Self::Fire => TimeDelta::hours(6),
            Self::Other => TimeDelta::hours(1),
        }
    }

    /// Name of its stream at the virtual station of a risk area.
    pub fn stream(self) -> String {
        format!("{self}_reports")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cobrade::Cobrade;
    use crate::i18n::Lang;

    #[test]
    fn every_kind_has_words_in_both_languages_and_a_code_of_the_table() {
        for kind in Kind::ALL {
            for lang in [Lang::Pt, Lang::En] {
                let key = format!("report-kind-{}", kind.as_str().replace('_', "-"));
                assert!(lang.knows(&key), "{key} in {}", lang.tag());
            }
            if let Some(code) = kind.cobrade() {
                assert!(code.parse::<Cobrade>().is_ok(), "{kind}: {code}");
            }
        }
    }

    #[test]
    fn names_of_streams_are_such_as_the_catalogue_takes() {
        for family in Family::ALL {
            assert!(family.stream().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{family}");
        }
    }
}
