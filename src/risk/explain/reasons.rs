//! Conditions with what was measured.

use crate::clock::from_micros;
use crate::risk::evaluate::PairMemory;
use crate::risk::evaluate::View;
use crate::risk::measure::Measure;
use crate::risk::network::Source;
use crate::risk::reason::{Joined, Measured, Outcome, Reason};
use crate::risk::rule::{Combine, Condition, Subject, dials};
use crate::risk::series::Micros;
use crate::units::Level;

const STATIONS_SHOWN: usize = 8;

impl View<'_> {
    /// The conditions that matter for the level shown: those met or holding, else those of the lowest level.
    pub fn reasons(self, memory: &PairMemory, now: Micros) -> Vec<Reason> {
        let in_force = || self.rule.levels.iter().filter(|rule| self.is_in_force(rule));
        let lowest = in_force().next().map(|rule| rule.level);
        let speaking = in_force().filter(|rule| rule.level <= memory.known || Some(rule.level) == lowest);
        let strongest = speaking.clone().filter(|rule| self.outcome(rule) == Outcome::Met).map(|rule| rule.level).max();
        let mut reasons: Vec<Reason> = speaking
            .flat_map(|rule| rule.conditions.iter().enumerate().map(move |(index, leaf)| (rule.level, index, leaf)))
            .map(|(level, index, condition)| self.reason(level, index, condition, now))
            .collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse((reason.outcome == Outcome::Met, reason.level)));
        match strongest {
            Some(level) => reasons.retain(|reason| reason.level == level || reason.outcome == Outcome::Holding),
            None => {
                if memory.known <= Level::Normal {
                    reasons.retain(|reason| Some(reason.level) == lowest);
                }
            }
        }
        reasons
    }

    pub fn reason(self, level: Level, index: usize, condition: &Condition, now: Micros) -> Reason {
        let (outcome, value) = self.judge(condition);
        let limit = self.limit(condition);
        let subject = self.rule.subject(condition);
        let mut stations: Vec<Measured> = self
            .sources(condition.selector)
            .filter_map(|(source, is_fresh)| self.measured(source, is_fresh, condition))
            .collect();
        let danger =
            |station: &Measured| station.value.map(|v| if condition.rises { v.0 } else { v.0.saturating_neg() });
        stations.sort_by(|a, b| (b.fresh, danger(b)).cmp(&(a.fresh, danger(a))).then_with(|| a.code.cmp(&b.code)));
        let silent = stations.iter().filter(|station| !station.fresh).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (asked, silent) = (count(stations.len()), count(silent));
        stations.truncate(STATIONS_SHOWN);
        Reason {
            level,
            quantity: subject.quantity(),
            measure: condition.measure.kind(),
            window_min: condition.measure.window_min(),
            unit: condition.measure.unit(subject),
            value,
            threshold: limit.at,
            clear_below: limit.clear,
            outcome,
            rises: condition.rises,
            address: dials::address(level, index, condition),
            derived: if let Subject::Derived(derived) = subject { Some(derived) } else { None },
            stage: if let Measure::Above(stage) = condition.measure { Some(stage) } else { None },
            joined: Joined::from(self.selector(condition).map_or(Combine::Kth(1), |selector| selector.combine)),
            arrives_at: self.arrives_at(condition, outcome, now),
            stations,
            asked,
            silent,
        }
    }

    /// When the worst of the water that is on its way comes by.
    fn arrives_at(self, condition: &Condition, outcome: Outcome, now: Micros) -> Option<crate::clock::Instant> {
        let travel = self.selector(condition).map(|selector| selector.travel).filter(|travel| *travel > 0)?;
        if !matches!(outcome, Outcome::Met | Outcome::Holding) {
            return None;
        }
        let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
        let worst = fresh.max_by_key(|(source, _)| self.value(source, condition, condition.limit.clear));
        let at = self.track(worst?.0, condition)?.series.highest_at(travel)? + travel;
        (at > now).then(|| from_micros(at))
    }

    fn measured(self, source: &Source, is_fresh: bool, condition: &Condition) -> Option<Measured> {
        let (spec, state) = (self.specs.get(source.stream)?, self.states.get(source.stream)?);
        let limit = self.limit(condition);
        Some(Measured {
            code: spec.station_code.clone(),
            name: spec.station_name.clone(),
            value: self.value(source, condition, limit.clear),
            observed_at: self.track(source, condition)?.series.newest_at().map(from_micros),
            fresh: is_fresh,
            doubt: state.doubt().cloned(),
        })
    }
}
