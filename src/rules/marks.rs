//! What a trial would have shown beside what the active rule did show. Pure.

use chrono::TimeDelta;

use super::store::trials::Shown;
use crate::clock::Instant;
use crate::units::Level;

/// The same change within this time counts as the same.
const TOGETHER: TimeDelta = TimeDelta::minutes(10);

/// One change of level of one area. What only one of the two has is a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub at: Instant,
    pub area_code: String,
    pub area: String,
    /// From and to, as the trial would have shown it.
    pub trial: Option<(Level, Level)>,
    /// From and to, as it was shown.
    pub active: Option<(Level, Level)>,
}

impl Row {
    pub const fn differs(&self) -> bool {
        self.trial.is_none() || self.active.is_none()
    }
}

/// Pairs the changes of both, newest first. A change is paired once, with the nearest of the same area to the same level.
pub fn side_by_side(trial: &[Shown], active: &[Shown]) -> Vec<Row> {
    let mut left: Vec<&Shown> = active.iter().collect();
    let mut rows: Vec<Row> = trial
        .iter()
        .map(|would| {
            let fits =
                |did: &&Shown| did.area_code == would.area_code && did.cobrade == would.cobrade && did.to == would.to;
            let apart = |did: &Shown| (did.at - would.at).abs();
            let near = left.iter().enumerate().filter(|(_, did)| fits(did) && apart(did) <= TOGETHER);
            let nearest = near.min_by_key(|(_, did)| apart(did)).map(|(at, _)| at);
            let did = nearest.map(|at| left.remove(at));
            Row {
                at: would.at,
                area_code: would.area_code.clone(),
                area: would.area.clone(),
                trial: Some((would.from, would.to)),
                active: did.map(|did| (did.from, did.to)),
            }
        })
        .collect();
    rows.extend(left.into_iter().map(|did| Row {
        at: did.at,
        area_code: did.area_code.clone(),
        area: did.area.clone(),
        trial: None,
        active: Some((did.from, did.to)),
    }));
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.area_code.cmp(&b.area_code)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn shown(area: &str, minute: i64, to: Level) -> Shown {
        let at = from_micros(minute * 60_000_000);
        Shown { area_code: area.into(), area: area.into(), cobrade: "1.1.3.2.1".into(), from: Level::Normal, to, at }
    }

    #[test]
    fn what_only_one_of_them_shows_is_a_difference_and_nothing_is_paired_twice() {
        let trial = [shown("a", 0, Level::Alert), shown("a", 200, Level::Alert), shown("b", 5, Level::Attention)];
        let active = [shown("a", 8, Level::Alert), shown("b", 6, Level::Alert)];
        let rows = side_by_side(&trial, &active);
        let told: Vec<_> =
            rows.iter().map(|row| (row.area.as_str(), row.trial.is_some(), row.active.is_some())).collect();
        assert_eq!(told, [("a", true, false), ("b", false, true), ("b", true, false), ("a", true, true)]);
        assert_eq!(rows.iter().filter(|row| row.differs()).count(), 3);
    }
}
