//! How far a level can be trusted: what is silent, what is doubted, what speaks alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::risk::evaluate::{PairMemory, View};
use crate::risk::reason::Outcome;
use crate::risk::series::Micros;
use crate::units::{Level, vocabulary};

vocabulary! {
    Trust, "confidence" {
        /// Nobody can say.
        None = "none",
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

/// A hundred, less what speaks against it. It weighs what is known of the instruments; it is no probability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidence {
    pub trust: Trust,
    pub percent: u8,
    /// Heaviest first.
    pub because: Vec<Cause>,
}

/// One thing that speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Fewer stations speak than the rule asks for.
    Blind {
        speaking: u32,
        asked: u32,
    },
    Silent {
        silent: u32,
        asked: u32,
    },
    /// Their newest readings are not believed.
    Doubted {
        doubted: u32,
        asked: u32,
    },
    /// One station alone raises the level, and others that speak see nothing of it.
    OneAgainst {
        others: u32,
    },
    /// There is no other to compare with.
    OnlyOne,
    /// Of a window that a condition asks for, this much is untold: a station was silent, or began to speak within it.
    Untold {
        untold_min: u32,
        window_min: u32,
    },
    /// The nearest that speaks is so many kilometres from the area.
    Far {
        km: u32,
    },
}

impl Cause {
    /// Points it costs.
    fn weight(self) -> u32 {
        let share = |part: u32, whole: u32, most: u32| part * most / whole.max(1);
        match self {
            Self::Blind { .. } => 100,
            Self::Silent { silent, asked } => share(silent, asked, 40),
            Self::Doubted { doubted, asked } => share(doubted, asked, 40),
            Self::Untold { untold_min, window_min } => share(untold_min, window_min, 40),
            Self::OneAgainst { .. } => 20,
            Self::OnlyOne => 15,
            Self::Far { km } => (km * 3).min(30),
        }
    }
}

/// Nearer than this a station counts as standing in the area, in kilometres.
const NEAR_KM: f64 = 3.0;

impl View<'_> {
    pub fn confidence(self, memory: &PairMemory, _now: Micros) -> Confidence {
        let mut causes = self.causes(memory);
        causes.retain(|cause| cause.weight() > 0);
        causes.sort_by_key(|cause| (std::cmp::Reverse(cause.weight()), *cause));
        let lost: u32 = causes.iter().map(|cause| cause.weight()).sum();
        let percent = u8::try_from(100_u32.saturating_sub(lost)).unwrap_or(0);
        let trust = match percent {
            _ if memory.shown == Level::Unknown => Trust::None,
            0..40 => Trust::Low,
            40..75 => Trust::Medium,
            _ => Trust::High,
        };
        Confidence { trust, percent: if trust == Trust::None { 0 } else { percent }, because: causes }
    }

    fn causes(self, memory: &PairMemory) -> Vec<Cause> {
        let (mut all, mut fresh, mut doubted) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut nearest = f64::INFINITY;
        for selector in 0..self.rule.selectors.len() {
            for (source, is_fresh) in self.sources(selector) {
                all.insert(source.stream);
                if self.states.get(source.stream).is_some_and(|state| state.doubt().is_some()) {
                    doubted.insert(source.stream);
                }
                if is_fresh {
                    fresh.insert(source.stream);
                    nearest = nearest.min(source.distance_km);
                }
            }
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (asked, speaking) = (count(all.len()), count(fresh.len()));
        let mut causes = vec![
            Cause::Silent { silent: asked - speaking, asked },
            Cause::Doubted { doubted: count(doubted.len()), asked },
        ];
        if self.is_blind() {
            causes.push(Cause::Blind { speaking, asked });
        }
        if speaking == 1 {
            causes.push(Cause::OnlyOne);
        }
        if nearest.is_finite() && nearest > NEAR_KM {
            causes.push(Cause::Far { km: nearest as u32 });
        }
        causes.extend(self.one_against(memory));
        causes.extend(self.untold());
        causes
    }

    /// The window of which the largest share is untold at every station that could tell it, where that is a tenth or more.
    fn untold(self) -> Option<Cause> {
        let minutes = |span: Micros| u32::try_from(span / 60_000_000).unwrap_or(u32::MAX);
        let windows = self.rule.conditions().filter_map(|(_, condition)| {
            let window = condition.measure.reach().filter(|_| condition.measure.adds_up())?;
            let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
            let least =
                fresh.filter_map(|(source, _)| Some(self.track(source, condition)?.series.untold(window))).min()?;
            Some((least * 100 / window.max(1), minutes(least), minutes(window)))
        });
        let (share, untold_min, window_min) = windows.max()?;
        (share >= 10).then_some(Cause::Untold { untold_min, window_min })
    }

    /// What raises the level is seen by one station only, while others see nothing of it.
    fn one_against(self, memory: &PairMemory) -> Option<Cause> {
        let level = self.rule.levels.iter().find(|rule| rule.level == memory.known)?;
        let met = level.conditions.iter().filter(|condition| self.judge(condition).0 == Outcome::Met);
        // The condition that most stations agree on speaks for the level.
        let best = met
            .map(|condition| {
                let limit = self.limit(condition);
                let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
                let seen = fresh.map(|(source, _)| {
                    let value = self.value(source, condition, limit.clear);
                    value.is_some_and(|value| condition.reaches(value, limit.clear))
                });
                seen.fold(
                    (0_u32, 0_u32),
                    |(with, against), seen| if seen { (with + 1, against) } else { (with, against + 1) },
                )
            })
            .max()?;
        (best.0 == 1 && best.1 > 0).then_some(Cause::OneAgainst { others: best.1 })
    }
}
