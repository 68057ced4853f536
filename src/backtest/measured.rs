//! What was measured, as plots need it: the readings of a stream and the measures that a rule compares, each thinned to the width
//! of a plot. Pure.

use std::collections::BTreeMap;

use super::Case;
use super::bridge;
use super::run::Period;
use crate::ids::DatastreamId;
use crate::risk::network::{Bound, PairKey, StreamSpec};
use crate::risk::rule::{Dial, Subject};
use crate::risk::stream::{StreamState, Windows};
use crate::units::{Fixed, Level, Quality, Quantity, StreamKind};

/// More points than this nobody can tell apart on a page.
const SLOTS: usize = 720;

/// Instants in microseconds with values in the canonical unit; one point for each slot of time that holds any, its extreme.
pub type Points = Vec<(i64, f64)>;

/// One measure of a rule at the station where it came nearest to a threshold, with the thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub station: String,
    pub quantity: Quantity,
    /// Length of the window in minutes; none for the value itself.
    pub window_min: Option<u32>,
    pub kind: crate::risk::reason::MeasureKind,
    pub unit: String,
    pub points: Points,
    /// Points further apart than this, in microseconds, are not joined: in between nobody measured.
    pub apart: i64,
    /// The readings themselves where they are sums of intervals: the hyetograph.
    pub bars: Points,
    /// By level, as the rule has them.
    pub thresholds: Vec<(Level, f64)>,
}

/// Keeps of each slot of time the highest or the lowest value.
#[derive(Clone, Debug)]
struct Thinned {
    from: i64,
    slot: i64,
    highest: bool,
    found: BTreeMap<i64, (i64, Fixed)>,
}

impl Thinned {
    fn new(period: Period, highest: bool) -> Self {
        let slot = (period.length() / SLOTS as i64).max(1);
        Self { from: period.from.timestamp_micros(), slot, highest, found: BTreeMap::new() }
    }

    fn take(&mut self, at: i64, value: Fixed) {
        if at < self.from {
            return;
        }
        let kept = self.found.entry((at - self.from) / self.slot).or_insert((at, value));
        if (self.highest && value > kept.1) || (!self.highest && value < kept.1) {
            *kept = (at, value);
        }
    }

    fn points(&self) -> Points {
        self.found.values().map(|(at, value)| (*at, value.to_f64())).collect()
    }

    fn extreme(&self) -> Option<Fixed> {
        let values = self.found.values().map(|(_, value)| *value);
        if self.highest { values.max() } else { values.min() }
    }
}

/// The dials of a rule that compare the same measure.
struct Group {
    dials: Vec<Dial>,
}

impl Group {
    fn first(&self) -> &Dial {
        // Groups are made of one dial at least.
        &self.dials[0]
    }

    /// How near an extreme value came to the threshold that is reached first, 1 being at it.
    fn nearness(&self, extreme: Fixed) -> f64 {
        let ratios = self.dials.iter().filter(|dial| dial.at.0 != 0).map(|dial| {
            let ratio = extreme.to_f64() / dial.at.to_f64();
            if dial.rises { ratio } else { 1.0 / ratio.max(1e-9) }
        });
        ratios.fold(0.0, f64::max)
    }
}

/// The measures of the rule that judges a pair, one panel each; those that no station of the pair measures are left out.
pub fn panels(case: &Case, bound: &Bound, pair: PairKey) -> Vec<Panel> {
    let Some(index) = bound.pairs.iter().position(|other| other.key == pair) else { return Vec::new() };
    let Some(rule) = bound.pairs.get(index).and_then(|pair| bound.rules.get(pair.rule?)) else { return Vec::new() };
    let mut groups: Vec<Group> = Vec::new();
    // What is computed of several streams is no stream's own.
    for dial in rule.dials().into_iter().filter(|dial| matches!(dial.subject, Subject::Measured(_))) {
        let same = |group: &&mut Group| {
            let first = group.first();
            first.quantity == dial.quantity && first.measure == dial.measure && first.rises == dial.rises
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.dials.push(dial),
            None => groups.push(Group { dials: vec![dial] }),
        }
    }
    let streams = bridge::streams_of(bound).get(index).cloned().unwrap_or_default();
    let none = Windows::default();
    let mut best: Vec<Option<(f64, Panel)>> = groups.iter().map(|_| None).collect();
    for stream in streams {
        let Some(spec) = bound.streams.get(stream) else { continue };
        let windows = bound.windows.get(stream).unwrap_or(&none);
        for ((nearness, panel), slot) in measure(case, spec, windows, &groups).into_iter().zip(&mut best) {
            if panel.points.is_empty() || slot.as_ref().is_some_and(|(nearest, _)| *nearest >= nearness) {
                continue;
            }
            *slot = Some((nearness, panel));
        }
    }
    best.into_iter().flatten().map(|(_, panel)| panel).collect()
}

/// One stream through the case, each measure looked at whenever its newest reading moves on.
fn measure(case: &Case, spec: &StreamSpec, windows: &Windows, groups: &[Group]) -> Vec<(f64, Panel)> {
    let mut state = StreamState::new(spec, windows);
    let mut thinned: Vec<Thinned> = groups.iter().map(|group| Thinned::new(case.period, group.first().rises)).collect();
    let mut bars = Thinned::new(case.period, true);
    for reading in of_stream(case, spec.id) {
        state.take(reading, &spec.limits, reading.quality, reading.why.as_deref());
        let at = reading.observed_at.timestamp_micros();
        let track = state.track(false);
        if reading.quality != Quality::Pass || track.series.newest_at() != Some(at) {
            continue;
        }
        if spec.kind == StreamKind::IntervalSum {
            bars.take(at, reading.value);
        }
        for (group, thinned) in groups.iter().zip(&mut thinned) {
            let dial = group.first();
            if dial.quantity != spec.quantity {
                continue;
            }
            // From the lowest value on, what is certain of a sum; where danger lies below, what it is at most.
            let from = Fixed(if dial.rises { i64::MIN } else { i64::MAX });
            if let Some(value) = track.measure(spec, &dial.measure, from, dial.rises) {
                thinned.take(at, value);
            }
        }
    }
    groups.iter().zip(thinned).map(|(group, thinned)| panel(spec, group, &thinned, &bars)).collect()
}

fn of_stream(case: &Case, id: DatastreamId) -> impl Iterator<Item = &crate::engine::ReadingInput> {
    case.readings.iter().filter(move |reading| reading.datastream == id)
}

fn panel(spec: &StreamSpec, group: &Group, thinned: &Thinned, bars: &Thinned) -> (f64, Panel) {
    let dial = group.first();
    let panel = Panel {
        station: spec.station_name.clone(),
        quantity: dial.quantity,
        window_min: dial.measure.window_min(),
        kind: dial.measure.kind(),
        unit: dial.unit.clone(),
        points: thinned.points(),
        apart: spec.stale_after.max(thinned.slot * 2),
        bars: bars.points(),
        thresholds: group.dials.iter().map(|dial| (dial.level, dial.at.to_f64())).collect(),
    };
    (thinned.extreme().map_or(0.0, |extreme| group.nearness(extreme)), panel)
}
