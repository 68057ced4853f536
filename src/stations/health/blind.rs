//! Areas that no gauge speaks for, and why. Pure: level and reasons of a pair of area and hazard in, a word with numbers out.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::risk::reason::{Outcome, Reason};
use crate::units::{Level, vocabulary};

vocabulary! {
    /// Why nothing is known.
    Why, "reason of blindness" {
        /// The rule finds no gauge in its reach.
        NoGauge = "no_gauge",
        AllSilent = "all_silent",
        /// They speak, but nothing that counts: failed, flagged, or too old.
        NoneValid = "none_valid",
        /// Some speak, fewer than the rule asks for.
        TooFew = "too_few",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Blindness {
    #[schema(value_type = String)]
    pub why: Why,
    /// Gauges that the rule asks, and how many of them are silent.
    pub asked: u32,
    pub silent: u32,
    /// The last instant that any of the silent ones measured.
    #[schema(value_type = Option<String>)]
    pub since: Option<Instant>,
}

/// None when some gauge speaks for the pair: it is at a level that data support, and at least one condition could be asked.
pub fn blindness(level: Level, reasons: &[Reason]) -> Option<Blindness> {
    let is_mute = !reasons.is_empty() && reasons.iter().all(|reason| reason.outcome == Outcome::NoData);
    if level != Level::Unknown && !is_mute {
        return None;
    }
    // The condition that the most gauges could have answered tells best what is missing.
    let mute = reasons.iter().filter(|reason| reason.outcome == Outcome::NoData).max_by_key(|reason| reason.asked);
    let Some(reason) = mute else {
        return Some(Blindness { why: Why::NoGauge, asked: 0, silent: 0, since: None });
    };
    let has_value = reason.stations.iter().any(|station| station.fresh && station.value.is_some());
    let why = match (reason.asked, reason.silent) {
        (0, _) => Why::NoGauge,
        (asked, silent) if silent >= asked => Why::AllSilent,
        _ if has_value => Why::TooFew,
        _ => Why::NoneValid,
    };
    let last = reason.stations.iter().filter(|station| !station.fresh).filter_map(|station| station.observed_at).max();
    Some(Blindness { why, asked: reason.asked, silent: reason.silent, since: last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::reason::{MeasureKind, Measured};
    use crate::units::{Fixed, Quantity};

    fn measured(fresh: bool, at: i64) -> Measured {
        let observed_at = Instant::from_timestamp(at, 0);
        Measured {
            code: "a".into(),
            name: "A".into(),
            value: fresh.then_some(Fixed(1)),
            observed_at,
            fresh,
            doubt: None,
        }
    }

    fn reason(outcome: Outcome, stations: Vec<Measured>) -> Reason {
        let silent = stations.iter().filter(|station| !station.fresh).count() as u32;
        Reason {
            level: Level::Attention,
            quantity: Quantity::Rain,
            measure: MeasureKind::Sum,
            window_min: Some(60),
            unit: "mm".into(),
            value: None,
            threshold: Fixed::from_whole(1),
            clear_below: Fixed::from_whole(1),
            outcome,
            rises: true,
            address: String::new(),
            derived: None,
            stage: None,
            joined: Default::default(),
            arrives_at: None,
            asked: stations.len() as u32,
            silent,
            stations,
        }
    }

    fn why(level: Level, reasons: &[Reason]) -> Option<Why> {
        blindness(level, reasons).map(|blind| blind.why)
    }

    #[test]
    fn an_area_with_a_gauge_that_speaks_is_not_blind() {
        assert_eq!(why(Level::Normal, &[reason(Outcome::NotMet, vec![measured(true, 1)])]), None);
        assert_eq!(why(Level::Normal, &[]), None);
    }

    #[test]
    fn each_kind_of_blindness_has_its_word() {
        let blind = |stations| why(Level::Unknown, &[reason(Outcome::NoData, stations)]);
        assert_eq!(why(Level::Unknown, &[]), Some(Why::NoGauge));
        assert_eq!(blind(vec![]), Some(Why::NoGauge));
        assert_eq!(blind(vec![measured(false, 1), measured(false, 2)]), Some(Why::AllSilent));
        assert_eq!(blind(vec![measured(true, 1), measured(false, 2)]), Some(Why::TooFew));
    }

    #[test]
    fn a_level_kept_from_before_the_silence_is_blind_all_the_same() {
        let told = blindness(Level::Alert, &[reason(Outcome::NoData, vec![measured(false, 5), measured(false, 9)])]);
        let told = told.unwrap();
        assert_eq!((told.why, told.asked, told.silent), (Why::AllSilent, 2, 2));
        assert_eq!(told.since, Instant::from_timestamp(9, 0));
    }
}
