//! The catalogue as the engine sees it, and rules bound to it: for every (area × hazard) the streams that feed it.

use std::collections::{BTreeMap, BTreeSet};

mod space;

use chrono_tz::Tz;
use geo::{MultiPolygon, Point};
use serde::{Deserialize, Serialize};

use crate::cobrade::Cobrade;
use crate::ids::{AreaId, DatastreamId};
use crate::risk::control::Limits;
use crate::risk::counter::Counter;
use crate::risk::measure::{Measure, Stage};
use crate::risk::rule::{Condition, Rule, Subject};
use crate::risk::series::Micros;
use crate::risk::stream::{self, Windows};
use crate::units::{Fixed, Grade, Quantity, StreamKind};

pub use space::{Feed, Source, distance_between_km, distance_km};

/// A level is kept for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PairKey {
    pub area: AreaId,
    pub hazard: Cobrade,
}

#[derive(Clone, Debug)]
pub struct StreamSpec {
    pub id: DatastreamId,
    pub station_code: String,
    pub station_name: String,
    /// Its name at the station: "rain".
    pub name: String,
    /// Longitude, latitude (WGS 84).
    pub point: Point<f64>,
    pub quantity: Quantity,
    pub kind: StreamKind,
    pub interval: Option<Micros>,
    pub stale_after: Micros,
    /// What its readings are tested against.
    pub limits: Limits,
    pub counter: Counter,
    pub stages: Stages,
}

/// The stages of a river gauge, in metres over its own zero, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stages {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<Fixed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<Fixed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<Fixed>,
}

impl Stages {
    pub const fn get(&self, stage: Stage) -> Option<Fixed> {
        match stage {
            Stage::Attention => self.attention,
            Stage::Alert => self.alert,
            Stage::Overflow => self.overflow,
        }
    }
}

#[derive(Clone, Debug)]
pub struct AreaSpec {
    pub id: AreaId,
    pub code: String,
    pub name: String,
    pub polygons: MultiPolygon<f64>,
    pub hazards: Vec<(Cobrade, Grade)>,
}

/// Streams, areas and rules, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub streams: Vec<StreamSpec>,
    pub areas: Vec<AreaSpec>,
    pub rules: Vec<Rule>,
}

/// One pair with what it reads.
#[derive(Clone, Debug)]
pub struct BoundPair {
    pub key: PairKey,
    pub area_code: String,
    pub area_name: String,
    pub grade: Grade,
    /// Index into `Bound::rules`; `None` when no rule covers this hazard and grade.
    pub rule: Option<usize>,
    /// For each selector of the rule, what it reads.
    pub feeds: Vec<Feed>,
    /// What its rule says changes with the date.
    pub has_seasons: bool,
}

impl BoundPair {
    /// What a selector reads.
    pub fn sources(&self, selector: usize) -> &[Source] {
        self.feeds.get(selector).map_or(&[][..], |feed| feed.sources.as_slice())
    }

    /// Every stream it reads, each once, in order.
    pub fn streams(&self) -> BTreeSet<usize> {
        let sources = self.feeds.iter().flat_map(|feed| &feed.sources);
        sources.flat_map(|source| source.beside.iter().copied().chain([source.stream])).collect()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Bound {
    pub streams: Vec<StreamSpec>,
    pub stream_index: BTreeMap<DatastreamId, usize>,
    /// As they stand for the areas: a rule whose overrides fit some of them stands here more than once.
    pub rules: Vec<Rule>,
    pub pairs: Vec<BoundPair>,
    /// For each stream, the pairs it feeds.
    pub fed_by: Vec<Vec<usize>>,
    /// For each stream, the window lengths its pairs ask for.
    pub windows: Vec<Windows>,
    /// Streams of which nothing but sums is asked: where a reading leaves them as they were, nobody need look.
    pub only_sums: Vec<bool>,
    /// For each stream that is held against its neighbours, those, nearest first.
    pub neighbours: Vec<Vec<usize>>,
    /// Whose calendar seasons and quiet hours go by.
    pub zone: Tz,
}

/// Two rules that claim the same pair.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("rules {first} and {second} both cover hazard {hazard} at grade {grade}; restrict one with `grades`")]
pub struct RuleClash {
    pub first: String,
    pub second: String,
    pub hazard: Cobrade,
    pub grade: Grade,
}

impl Network {
    /// # Errors
    /// When two rules cover the same hazard and grade: which of them speaks must not depend on file order.
    pub fn bind(self) -> Result<Bound, RuleClash> {
        check_clashes(&self.rules)?;
        let mut bound = Bound {
            stream_index: self.streams.iter().enumerate().map(|(index, stream)| (stream.id, index)).collect(),
            fed_by: vec![Vec::new(); self.streams.len()],
            windows: vec![Windows::default(); self.streams.len()],
            only_sums: vec![true; self.streams.len()],
            neighbours: space::neighbours(&self.streams),
            ..Bound::default()
        };
        for area in &self.areas {
            let distances: Vec<f64> =
                self.streams.iter().map(|stream| distance_km(&area.polygons, stream.point)).collect();
            for &(hazard, grade) in &area.hazards {
                let rule = self.rules.iter().find(|rule| rule.applies_to(hazard, grade));
                let selectors = rule.map_or(&[][..], |rule| &rule.selectors);
                let feeds: Vec<Feed> =
                    selectors.iter().map(|selector| space::select(selector, area, &self.streams, &distances)).collect();
                let fitted = rule.map(|rule| rule.fitted(&area.code, grade));
                let has_seasons = fitted.as_ref().is_some_and(Rule::has_seasons);
                let rule = fitted.map(|rule| bound.place_of(rule));
                bound.pairs.push(BoundPair {
                    key: PairKey { area: area.id, hazard },
                    area_code: area.code.clone(),
                    area_name: area.name.clone(),
                    grade,
                    rule,
                    feeds,
                    has_seasons,
                });
            }
        }
        bound.streams = self.streams;
        bound.link();
        Ok(bound)
    }
}

impl Bound {
    /// Under the calendar of this zone.
    #[must_use]
    pub fn in_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    fn place_of(&mut self, rule: Rule) -> usize {
        self.rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        })
    }

    fn link(&mut self) {
        for (index, pair) in self.pairs.iter().enumerate() {
            let Some(rule) = pair.rule.and_then(|rule| self.rules.get(rule)) else { continue };
            for stream in pair.streams() {
                if let Some(fed) = self.fed_by.get_mut(stream) {
                    fed.push(index);
                }
            }
            for (_, condition) in rule.conditions() {
                ask(&mut self.windows, rule, condition, pair);
                let travels = rule.selectors.get(condition.selector).is_some_and(|selector| selector.travel > 0);
                let measured = matches!(rule.subject(condition), Subject::Measured(_)) && !travels;
                if matches!(condition.measure, Measure::Sum(_)) && measured {
                    continue;
                }
                for source in pair.sources(condition.selector) {
                    for stream in source.beside.iter().copied().chain([source.stream]) {
                        self.only_sums.get_mut(stream).into_iter().for_each(|only| *only = false);
                    }
                }
            }
        }
        // A gauge is held against its neighbours over a window that they must keep as well.
        for (index, near) in self.neighbours.iter().enumerate() {
            let limit = self.streams.get(index).and_then(|spec| spec.limits.neighbours);
            let Some(window) = limit.map(|limit| stream::hours(limit.window_h)) else { continue };
            for &other in near {
                if let Some(windows) = self.windows.get_mut(other).filter(|w| !w.strict.contains(&window)) {
                    windows.strict.push(window);
                }
            }
        }
        for windows in &mut self.windows {
            windows.strict.sort_unstable();
            windows.lenient.sort_unstable();
        }
    }
}

/// Asks the streams that a condition reads for what it needs of them.
fn ask(windows: &mut [Windows], rule: &Rule, condition: &Condition, pair: &BoundPair) {
    let Some(selector) = rule.selectors.get(condition.selector) else { return };
    let reach = condition.measure.reach().unwrap_or(0).max(selector.travel);
    for source in pair.sources(condition.selector) {
        let Some(windows) = windows.get_mut(source.stream) else { continue };
        windows.reach = windows.reach.max(reach);
        let sums = if selector.suspect { &mut windows.lenient } else { &mut windows.strict };
        for window in condition.measure.sums() {
            if !sums.contains(&window) {
                sums.push(window);
            }
        }
    }
}

fn check_clashes(rules: &[Rule]) -> Result<(), RuleClash> {
    for (index, first) in rules.iter().enumerate() {
        for second in rules.iter().skip(index + 1) {
            let shared = Grade::ALL
                .iter()
                .find(|grade| first.applies_to(first.hazard, **grade) && second.applies_to(first.hazard, **grade));
            if let Some(&grade) = shared {
                let (first_id, second_id) = (first.id.clone(), second.id.clone());
                return Err(RuleClash { first: first_id, second: second_id, hazard: first.hazard, grade });
            }
        }
    }
    Ok(())
}
