//! A case through the engine: the level of every area and hazard over time.

use serde::Serialize;

use crate::clock::Instant;
use crate::engine::{Effect, Engine, Input, ReadingInput};
use crate::risk::network::{Bound, PairKey};
use crate::units::Level;

/// From, inclusive, to, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    pub from: Instant,
    pub to: Instant,
}

impl Period {
    /// From the first receipt to the last one.
    pub fn of(readings: &[ReadingInput]) -> Self {
        let at = |reading: Option<&ReadingInput>| reading.map_or_else(Instant::default, |reading| reading.received_at);
        Self { from: at(readings.first()), to: at(readings.last()) }
    }

    /// Length in microseconds, never below zero.
    pub fn length(&self) -> i64 {
        (self.to.timestamp_micros() - self.from.timestamp_micros()).max(0)
    }
}

/// From `at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub at: Instant,
    /// What the map shows; unknown where the area is blind.
    pub shown: Level,
    /// What alerts follow: the last level that data supported, also while the area is blind; in quiet hours the one before.
    pub known: Level,
}

/// One area and hazard through a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    #[serde(skip)]
    pub pair: PairKey,
    pub area_code: String,
    pub area_name: String,
    pub rule_id: String,
    pub rule_version: i32,
    /// In order of time; the first stands at the beginning of the period.
    pub steps: Vec<Step>,
}

/// Half-open stretches of time in microseconds, apart and in order.
pub type Stretches = Vec<(i64, i64)>;

impl Timeline {
    /// When `test` held, up to the end of the period.
    pub fn stretches(&self, period: Period, test: impl Fn(&Step) -> bool) -> Stretches {
        let mut found = Stretches::new();
        let end = period.to.timestamp_micros();
        for (index, step) in self.steps.iter().enumerate() {
            let from = step.at.timestamp_micros();
            let to = self.steps.get(index + 1).map_or(end, |next| next.at.timestamp_micros()).min(end);
            if from >= to || !test(step) {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => found.push((from, to)),
            }
        }
        found
    }
}

/// Folds the readings as the service does, and keeps what the levels of the pairs were within the period. Pairs without a rule
/// are left out.
pub fn run(bound: Bound, readings: &[ReadingInput], period: Period) -> Vec<Timeline> {
    let mut lines = blank(&bound, period);
    let mut place = std::collections::BTreeMap::new();
    for (index, pair) in bound.pairs.iter().enumerate() {
        place.insert(pair.key, index);
    }
    let mut engine = Engine::new(bound);
    let mut effects = Vec::new();
    for reading in readings {
        engine.step(&Input::Reading(reading.clone()), &mut effects);
        note(&mut effects, &place, period, &mut lines);
    }
    engine.step(&Input::Tick(period.to), &mut effects);
    note(&mut effects, &place, period, &mut lines);
    lines.into_iter().flatten().collect()
}

/// One line for each pair of the network, in its order.
fn blank(bound: &Bound, period: Period) -> Vec<Option<Timeline>> {
    let line = |pair: &crate::risk::network::BoundPair| {
        let rule = bound.rules.get(pair.rule?)?;
        Some(Timeline {
            pair: pair.key,
            area_code: pair.area_code.clone(),
            area_name: pair.area_name.clone(),
            rule_id: rule.id.clone(),
            rule_version: rule.version,
            steps: vec![Step { at: period.from, shown: Level::Unknown, known: Level::Normal }],
        })
    };
    bound.pairs.iter().map(line).collect()
}

fn note(
    effects: &mut Vec<Effect>,
    place: &std::collections::BTreeMap<PairKey, usize>,
    period: Period,
    lines: &mut [Option<Timeline>],
) {
    for effect in effects.drain(..) {
        let (Effect::LevelChanged(change) | Effect::Told(change)) = effect else { continue };
        let line = place.get(&change.pair).and_then(|index| lines.get_mut(*index)).and_then(Option::as_mut);
        let Some(line) = line.filter(|_| change.at < period.to) else { continue };
        let step = Step { at: change.at.max(period.from), shown: change.to, known: change.known };
        match line.steps.last_mut() {
            // Of what happens at one instant the last word counts; so does what stood at the beginning.
            Some(last) if last.at == step.at => *last = step,
            _ => line.steps.push(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::ids::AreaId;

    #[test]
    fn stretches_join_what_touches_and_end_with_the_period() {
        let step = |at, known| Step { at: from_micros(at), shown: known, known };
        let line = Timeline {
            pair: PairKey { area: AreaId(1), hazard: "1.1.3.2.1".parse().unwrap() },
            area_code: String::new(),
            area_name: String::new(),
            rule_id: String::new(),
            rule_version: 1,
            steps: vec![
                step(0, Level::Normal),
                step(10, Level::Attention),
                step(20, Level::Alert),
                step(30, Level::Normal),
                step(40, Level::Maximum),
            ],
        };
        let period = Period { from: from_micros(0), to: from_micros(50) };
        assert_eq!(line.stretches(period, |step| step.known >= Level::Attention), [(10, 30), (40, 50)]);
        assert_eq!(line.stretches(period, |step| step.known >= Level::Alert), [(20, 30), (40, 50)]);
    }
}
