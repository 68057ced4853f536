//! Which open incident an occurrence may belong to: by hazard, distance and time, each with its reasons. Pure. It only proposes: a
//! person puts it there.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::ids::IncidentId;

/// Farther from all that an incident is about, nothing is part of it.
pub const NEAR_M: f64 = 3000.0;
/// Nothing was heard of an incident for so long: it is another event.
pub const SAME_EVENT: TimeDelta = TimeDelta::hours(24);
/// Proposals that are shown.
pub const MOST: usize = 5;

/// An open incident, as an occurrence sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: IncidentId,
    pub number: String,
    pub title: String,
    pub hazard: Option<Cobrade>,
    /// When its last occurrence or alert came.
    pub last_at: Instant,
    /// To the nearest of its occurrences and areas; none when nobody knows where either is.
    pub distance_m: Option<f64>,
}

/// What speaks for it. Texts are `parent-why-WHY`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Because {
    SameHazard,
    /// Another code of the same subgroup, as floods and flash floods are.
    LikeHazard,
    Near {
        metres: i64,
    },
    Lately {
        minutes: i64,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub id: IncidentId,
    pub number: String,
    pub title: String,
    pub because: Vec<Because>,
}

/// The same hazard before a like one, then the nearest, then the one spoken of last, then by number, so that the answer never depends
/// on an order of rows.
pub fn propose(hazard: Option<Cobrade>, at: Instant, open: &[Candidate]) -> Vec<Proposal> {
    let mut fitting: Vec<(&Candidate, Because, TimeDelta)> = open
        .iter()
        .filter_map(|candidate| {
            let like = alike(hazard?, candidate.hazard?)?;
            let apart = (at - candidate.last_at).abs();
            let is_near = candidate.distance_m.is_some_and(|metres| metres <= NEAR_M);
            (apart <= SAME_EVENT && is_near).then_some((candidate, like, apart))
        })
        .collect();
    fitting.sort_by(|(a, like_a, apart_a), (b, like_b, apart_b)| {
        let exact = |because: &Because| *because != Because::SameHazard;
        let metres = |one: &Candidate| one.distance_m.unwrap_or(f64::MAX);
        exact(like_a)
            .cmp(&exact(like_b))
            .then(metres(a).total_cmp(&metres(b)))
            .then(apart_a.cmp(apart_b))
            .then(a.number.cmp(&b.number))
    });
    fitting.truncate(MOST);
    let proposal = |(candidate, like, apart): (&Candidate, Because, TimeDelta)| {
        let mut because = vec![like];
        because.extend(candidate.distance_m.map(|metres| Because::Near { metres: metres.round() as i64 }));
        because.push(Because::Lately { minutes: apart.num_minutes() });
        Proposal { id: candidate.id, number: candidate.number.clone(), title: candidate.title.clone(), because }
    };
    fitting.into_iter().map(proposal).collect()
}

fn alike(a: Cobrade, b: Cobrade) -> Option<Because> {
    if a == b {
        return Some(Because::SameHazard);
    }
    // "1.2." of "1.2.1.0.0": the group of the classification.
    (a.to_string()[..4] == b.to_string()[..4]).then_some(Because::LikeHazard)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::from_micros;

    fn at(minutes: i64) -> Instant {
        from_micros(1_700_000_000_000_000 + minutes * 60_000_000)
    }

    fn open(n: u128, hazard: &str, minutes: i64, distance_m: Option<f64>) -> Candidate {
        Candidate {
            id: IncidentId(Uuid::from_u128(n)),
            number: format!("2026/{n:03}"),
            title: "Chuva".into(),
            hazard: hazard.parse().ok(),
            last_at: at(minutes),
            distance_m,
        }
    }

    fn numbers(hazard: &str, all: &[Candidate]) -> Vec<String> {
        propose(hazard.parse().ok(), at(600), all).into_iter().map(|one| one.number).collect()
    }

    #[test]
    fn the_same_hazard_comes_before_a_like_one_and_the_near_before_the_far() {
        let mut all = vec![
            open(1, "1.2.2.0.0", 590, Some(10.0)),
            open(2, "1.2.1.0.0", 300, Some(900.0)),
            open(3, "1.2.1.0.0", 500, Some(200.0)),
            open(4, "1.1.3.2.1", 600, Some(0.0)),
        ];
        assert_eq!(numbers("1.2.1.0.0", &all), ["2026/003", "2026/002", "2026/001"]);
        all.reverse();
        assert_eq!(numbers("1.2.1.0.0", &all), ["2026/003", "2026/002", "2026/001"]);
    }

    #[test]
    fn far_away_long_ago_or_without_a_place_nothing_is_proposed() {
        let all = [
            open(1, "1.2.1.0.0", 600, Some(3001.0)),
            open(2, "1.2.1.0.0", 600 - 25 * 60, Some(10.0)),
            open(3, "1.2.1.0.0", 600, None),
        ];
        assert!(numbers("1.2.1.0.0", &all).is_empty());
        assert!(propose(None, at(600), &[open(1, "1.2.1.0.0", 600, Some(1.0))]).is_empty());
    }

    #[test]
    fn each_proposal_says_what_speaks_for_it() {
        let found = propose("1.2.1.0.0".parse().ok(), at(600), &[open(1, "1.2.1.0.0", 570, Some(80.4))]);
        let wanted = vec![Because::SameHazard, Because::Near { metres: 80 }, Because::Lately { minutes: 30 }];
        assert_eq!(found[0].because, wanted);
    }
}
