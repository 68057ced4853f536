//! The tests that stand beside a rule: what is measured, and which level is expected when. Read and folded by the same core as live.

use std::collections::BTreeMap;

use chrono::DateTime;
use chrono_tz::Tz;
use geo::{MultiPolygon, Point, Rect};
use serde::Serialize;

use super::amount::{HOUR, MINUTE, span};
use super::file::CaseFile;
use super::read::{Reader, key};
use super::{Place, Rule, Subject};
use crate::clock::from_micros;
use crate::engine::{Engine, Input, ReadingInput};
use crate::ids::{AreaId, DatastreamId, Seq};
use crate::reports;
use crate::risk::control::Limits;
use crate::risk::explain::Explanation;
use crate::risk::measure::Stage;
use crate::risk::network::{AreaSpec, Bound, Network, RuleClash, Stages, StreamSpec};
use crate::risk::series::Micros;
use crate::units::{Fixed, Grade, Level, Quality, Quantity, StreamKind};

/// Steps of one series, and of all tests of a rule together: a rule is checked while somebody waits.
const MAX_STEPS: usize = 20_000;
pub const MAX_STEPS_OF_ALL: usize = 50_000;
const MAX_STATIONS: usize = 50;
/// How many days after the last step of its series a test may still expect something: each day that is played takes its time.
const MAX_DAYS_AFTER: i64 = 30;
/// A station of a test is silent after this, or after three of its steps where they are longer.
const STALE: Micros = 150 * MINUTE;
/// 1 January 2026, 00:00 in Brasília.
const START: Micros = 1_767_236_400_000_000;

/// One test of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    pub grade: Grade,
    /// Code of the area it plays in, for overrides by area.
    pub area: String,
    pub start: Micros,
    pub every: Micros,
    pub series: Vec<Line>,
    pub stages: Stages,
    /// Level at so long after the start.
    pub expect: Vec<(Micros, Level)>,
}

/// What one station measures, step by step; `None` is a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Index into `Rule::selectors`.
    pub selector: usize,
    /// Which of its stations, from 1.
    pub station: usize,
    pub quantity: Quantity,
    pub values: Vec<Option<Fixed>>,
}

/// What came of a test.
#[derive(Clone, Debug, Serialize)]
pub struct CaseOutcome {
    pub name: String,
    pub rows: Vec<Row>,
}

impl CaseOutcome {
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.expected == row.got)
    }
}

/// One expectation beside what came.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Minutes after the start.
    pub minutes: i64,
    pub expected: Level,
    pub got: Level,
    /// Why, as of then.
    pub explanation: Option<Explanation>,
}

pub(super) fn read(raw: &CaseFile, rule: &Rule, place: &str, reader: &mut Reader<'_>) -> Option<Case> {
    let every = span(&raw.every).filter(|every| (MINUTE..=24 * HOUR).contains(every));
    if every.is_none() {
        reader.wrong(
            format!("{place}.every"),
            format!("{:?} is no step; expected 1min to 24h, such as \"10min\"", raw.every),
        );
    }
    let start = match &raw.start {
        None => Some(START),
        Some(text) => {
            let told = || format!("{text:?} is no instant; expected such as \"2026-01-15T18:00:00-03:00\"");
            let read = DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_micros()).map_err(|_| told());
            reader.take(|| format!("{place}.start"), read)
        }
    };
    let mut series = Vec::new();
    for (name, text) in &raw.series {
        let at = || format!("{place}.series.{}", key(name));
        let Some((selector, station, quantity)) = reader.take(at, who(name, rule)) else { continue };
        let Some(values) = reader.take(at, steps(text)) else { continue };
        series.push(Line { selector, station, quantity, values });
    }
    let mut expect = Vec::new();
    let steps = series.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let last = every.unwrap_or(0).saturating_mul(steps as Micros).saturating_add(MAX_DAYS_AFTER * 24 * HOUR);
    for (when, level) in &raw.expect {
        match span(when) {
            // How long the steps are is not known, and told already.
            Some(at) if at <= last || every.is_none() => expect.push((at, *level)),
            Some(_) => reader.wrong(
                format!("{place}.expect.{}", key(when)),
                format!(
                    "{when:?} is too late; expected at most {MAX_DAYS_AFTER} days after the last step of the series"
                ),
            ),
            None => reader.wrong(
                format!("{place}.expect.{}", key(when)),
                format!("{when:?} is no time after the start; expected such as \"1h30min\""),
            ),
        }
    }
    expect.sort_unstable_by_key(|(at, _)| *at);
    if expect.is_empty() {
        reader.wrong(format!("{place}.expect"), "expects nothing; give at least one level with its time");
    }
    let grade = raw.grade.or_else(|| rule.grades.first().copied()).unwrap_or(Grade::R3);
    if !rule.grades.is_empty() && !rule.grades.contains(&grade) {
        reader.wrong(format!("{place}.grade"), format!("the rule does not hold for grade {grade}"));
    }
    let mut stages = Stages::default();
    for (stage, text) in &raw.stages {
        let metres = text.strip_suffix(" m").and_then(|number| number.trim().parse::<f64>().ok());
        let value = metres.and_then(|metres| Fixed::try_from(metres).ok());
        let told = || format!("{text:?} is no stage; expected such as \"3.2 m\"");
        let value = reader.take(|| format!("{place}.stages.{stage}"), value.ok_or_else(told));
        match stage {
            Stage::Attention => stages.attention = value,
            Stage::Alert => stages.alert = value,
            Stage::Overflow => stages.overflow = value,
        }
    }
    let area = if raw.area.is_empty() { "test".to_owned() } else { raw.area.clone() };
    Some(Case { name: raw.name.clone(), grade, area, start: start?, every: every?, series, stages, expect })
}

/// "gauges", "gauges.2", "heat:relative_humidity", "heat.2:relative_humidity".
fn who(name: &str, rule: &Rule) -> Result<(usize, usize, Quantity), String> {
    let (whole, quantity) = match name.split_once(':') {
        Some((whole, quantity)) => (whole, Some(quantity.parse::<Quantity>().map_err(|error| error.to_string())?)),
        None => (name, None),
    };
    let known = |wanted: &str| rule.selectors.iter().position(|selector| selector.name == wanted);
    let numbered = || {
        let (selector, station) = whole.rsplit_once('.')?;
        Some((known(selector)?, station.parse().ok()?))
    };
    let (index, station) = known(whole).map(|index| (index, 1)).or_else(numbered).ok_or_else(|| {
        let names: Vec<&str> = rule.selectors.iter().map(|selector| selector.name.as_str()).collect();
        format!("{whole:?} is not defined; [stations] has {}", names.join(", "))
    })?;
    if !(1..=MAX_STATIONS).contains(&station) {
        return Err(format!("station {station}; expected 1 to {MAX_STATIONS}"));
    }
    let subject = rule.selectors.get(index).map_or(Subject::Measured(Quantity::Rain), |selector| selector.subject);
    let needs = match subject {
        Subject::Measured(quantity) => vec![quantity],
        Subject::Derived(derived) => derived.needs().to_vec(),
    };
    match quantity {
        None if needs.len() == 1 => Ok((index, station, subject.quantity())),
        Some(quantity) if needs.contains(&quantity) => Ok((index, station, quantity)),
        _ => {
            let words: Vec<String> = needs.iter().map(|quantity| format!("{whole}:{quantity}")).collect();
            Err(format!("say what is measured: {}", words.join(", ")))
        }
    }
}

/// "0 5x3 _ _x2 2.0+0.1x12": values, values repeated, gaps, ramps.
fn steps(text: &str) -> Result<Vec<Option<Fixed>>, String> {
    let mut values = Vec::new();
    for word in text.split_whitespace() {
        let wrong = || {
            format!(
                "{word:?} is no step; expected a value (5), repeated (5x3), a gap (_ or _x3) or a ramp (2.0+0.1x12, 4-0.2x5)"
            )
        };
        let (what, count) = match word.rsplit_once('x') {
            Some((what, count)) => (what, count.parse::<usize>().map_err(|_| wrong())?),
            None => (word, 1),
        };
        if values.len().saturating_add(count) > MAX_STEPS {
            return Err(format!("more than {MAX_STEPS} steps"));
        }
        if what == "_" {
            values.extend(std::iter::repeat_n(None, count));
            continue;
        }
        // A sign at the very beginning belongs to the number.
        let ramp = what.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| what.split_at(at));
        let (first, step) = ramp.map_or((what, "0"), |(first, step)| (first, step));
        let (first, step): (f64, f64) = (first.parse().map_err(|_| wrong())?, step.parse().map_err(|_| wrong())?);
        for index in 0..count {
            let value = step.mul_add(index as f64, first);
            let tidy = (value * 1e6).round() / 1e6;
            values.push(Some(Fixed::try_from(tidy).map_err(|error| error.to_string())?));
        }
    }
    if values.is_empty() { Err("no steps".into()) } else { Ok(values) }
}

impl Rule {
    /// Plays every test that stands beside the rule.
    pub fn try_cases(&self, zone: Tz) -> Vec<CaseOutcome> {
        self.cases.iter().map(|case| self.try_case(case, zone)).collect()
    }

    fn try_case(&self, case: &Case, zone: Tz) -> CaseOutcome {
        let mut rows = Vec::new();
        if let Ok((bound, readings)) = self.stage(case, zone) {
            let mut engine = Engine::new(bound);
            let mut inputs = readings.into_iter().peekable();
            let mut effects = Vec::new();
            for (after, expected) in &case.expect {
                let until = from_micros(case.start + after);
                while let Some(reading) = inputs.next_if(|reading| reading.received_at <= until) {
                    engine.step(&Input::Reading(reading), &mut effects);
                }
                engine.step(&Input::Tick(until), &mut effects);
                let got = engine.memory(0).map_or(Level::Unknown, |memory| memory.shown);
                let explanation = engine.explanation(0);
                rows.push(Row { minutes: after / MINUTE, expected: *expected, got, explanation });
            }
        }
        CaseOutcome { name: case.name.clone(), rows }
    }

    /// What a test plays in: its stations about one area, and what they measure, in order.
    pub fn stage(&self, case: &Case, zone: Tz) -> Result<(Bound, Vec<ReadingInput>), RuleClash> {
        let (network, ids) = self.stage_set(case);
        Ok((network.bind()?.in_zone(zone), case.readings(&ids)))
    }

    /// One square area, and the stations of each selector where it looks for them.
    fn stage_set(&self, case: &Case) -> (Network, BTreeMap<(usize, usize, Quantity), DatastreamId>) {
        let square = Rect::new((-43.01, -22.01), (-42.99, -21.99)).to_polygon();
        let area = AreaSpec {
            id: AreaId(1),
            code: case.area.clone(),
            name: case.area.clone(),
            polygons: MultiPolygon(vec![square]),
            hazards: vec![(self.hazard, case.grade)],
        };
        let (mut streams, mut ids) = (Vec::new(), BTreeMap::new());
        for line in &case.series {
            let Some(selector) = self.selectors.get(line.selector) else { continue };
            let code = match &selector.place {
                Place::Named(codes) => {
                    codes.get(line.station - 1).or_else(|| codes.first()).cloned().unwrap_or_default()
                }
                _ if matches!(line.quantity, Quantity::Reports | Quantity::Warnings) => {
                    reports::feed::station_code(area.id, &area.code)
                }
                _ => format!("{}-{}", selector.name, line.station),
            };
            let id = DatastreamId(streams.len() as i64 + 1);
            let sums = matches!(line.quantity, Quantity::Rain | Quantity::Reports);
            streams.push(StreamSpec {
                id,
                station_name: code.clone(),
                station_code: code,
                name: selector.stream.clone(),
                // Side by side in the middle: they can be told apart, and none is nearer by chance.
                point: Point::new(-43.0 + 1e-5 * streams.len() as f64, -22.0),
                quantity: line.quantity,
                kind: if sums { StreamKind::IntervalSum } else { StreamKind::Instantaneous },
                interval: (line.quantity == Quantity::Rain).then_some(case.every),
                stale_after: STALE.max(case.every * 3),
                limits: Limits::default(),
                counter: Default::default(),
                stages: case.stages,
            });
            ids.insert((line.selector, line.station, line.quantity), id);
        }
        (Network { streams, areas: vec![area], rules: vec![self.clone()] }, ids)
    }
}

impl Case {
    /// What is measured, in order: the first step ends one step after the start.
    fn readings(&self, ids: &BTreeMap<(usize, usize, Quantity), DatastreamId>) -> Vec<ReadingInput> {
        let mut readings: Vec<(Micros, DatastreamId, Fixed)> = Vec::new();
        for line in &self.series {
            let Some(id) = ids.get(&(line.selector, line.station, line.quantity)) else { continue };
            for (step, value) in line.values.iter().enumerate() {
                let at = self.start + self.every * (step as i64 + 1);
                readings.extend(value.map(|value| (at, *id, value)));
            }
        }
        readings.sort_unstable_by_key(|(at, id, _)| (*at, *id));
        let numbered = readings.into_iter().zip(1..);
        let reading = |((at, datastream, value), seq)| ReadingInput {
            seq: Seq(seq),
            datastream,
            observed_at: from_micros(at),
            received_at: from_micros(at),
            value,
            quality: Quality::Pass,
            why: None,
            revises: None,
        };
        numbered.map(reading).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Vec<Option<f64>> {
        steps(text).unwrap().into_iter().map(|value| value.map(Fixed::to_f64)).collect()
    }

    #[test]
    fn steps_repeat_ramp_and_pause() {
        assert_eq!(
            whole("0 5x2 _ _x2 2.0+0.1x3"),
            [Some(0.0), Some(5.0), Some(5.0), None, None, None, Some(2.0), Some(2.1), Some(2.2)]
        );
        assert_eq!(whole("4-0.5x3 -2"), [Some(4.0), Some(3.5), Some(3.0), Some(-2.0)]);
    }

    #[test]
    fn a_step_that_is_none_is_told_with_what_would_be_one() {
        for wrong in ["", "5y", "x3", "5x", "_y", "1e400", "5x99999999"] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}
