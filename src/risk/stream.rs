//! What is known of one stream: the readings that are believed, those that are at least possible, and what is doubted.
//!
//! There are two series. The strict one holds what passed; rules read it. The lenient one also holds what is suspect: quality
//! control looks at it, and rules that say `suspect = true`. What failed is in neither. Nearly always the two are the same, and
//! then only one is kept: they part at the first reading in doubt, and are one again when nothing tells them apart any more.

use super::control::{self, Around, Flag, Limits, Run, Why};
use super::measure::Measure;
use super::network::StreamSpec;
use super::rule::Curve;
use super::series::{Micros, Series, Sum};
use crate::clock::from_micros;
use crate::engine::ReadingInput;
use crate::ids::Seq;
use crate::units::{Fixed, Quality, StreamKind};

/// A series with what its receipts tell.
#[derive(Clone, Debug)]
pub struct Track {
    pub series: Series,
    /// Receipt of the newest reading.
    received_at: Option<Micros>,
    /// How old that reading was on receipt. A backlog that ends hours ago does not describe the present.
    lag: Micros,
}

impl Track {
    fn new(spec: &StreamSpec, windows: &[Micros], reach: Micros) -> Self {
        Self {
            series: Series::new(spec.kind, windows)
                .counting(spec.counter)
                .silent_after(spec.stale_after)
                .reaching(reach),
            received_at: None,
            lag: 0,
        }
    }

    /// Returns false where every sum is certainly what it was.
    fn take(&mut self, reading: &ReadingInput) -> bool {
        let (at, received_at) = (reading.observed_at.timestamp_micros(), reading.received_at.timestamp_micros());
        let newest = self.series.newest_at();
        let tells = match reading.revises {
            Some(revised) => {
                self.series.revise(revised, reading.seq, at, reading.value);
                true
            }
            None => self.series.push(at, reading.seq, reading.value),
        };
        // What is sent late about the past says nothing about the present.
        if newest.is_none_or(|newest| at >= newest) {
            self.received_at = Some(received_at);
            self.lag = received_at - at;
        }
        tells
    }

    /// Whether nothing that can be asked of the two, now or later, tells them apart.
    fn is_like(&self, other: &Self) -> bool {
        (self.received_at, self.lag) == (other.received_at, other.lag) && self.series.is_like(&other.series)
    }

    pub const fn received_at(&self) -> Option<Micros> {
        self.received_at
    }

    /// The instant at which the stream falls silent, if it speaks for the present at all.
    pub fn fresh_until(&self, spec: &StreamSpec) -> Option<Micros> {
        if self.lag > spec.stale_after { None } else { self.received_at.map(|received| received + spec.stale_after) }
    }

    /// The value of a measure as far as it tells whether `from` is reached, from below or, where danger does not rise, from above. A sum
    /// of which only a part is sure tells it where that part reaches it, and where all of it does not.
    pub fn measure(&self, spec: &StreamSpec, measure: &Measure, from: Fixed, rises: bool) -> Option<Fixed> {
        match measure {
            Measure::Sum(window) => sure(self.sum(spec, *window)?, from, rises),
            Measure::Latest => self.series.latest(),
            Measure::Rate(window) => self.series.rate_per_hour(*window),
            Measure::Max(window) => self.series.extremes(*window).map(|(_, high)| high),
            Measure::Min(window) => self.series.extremes(*window).map(|(low, _)| low),
            Measure::Mean(window) => self.series.mean(*window),
            Measure::Above(stage) => {
                let (latest, stage) = (self.series.latest()?, spec.stages.get(*stage)?);
                Some(Fixed(latest.0 - stage.0))
            }
            Measure::Curve(curve) => sure(self.on_curve(spec, curve)?, from, rises),
            Measure::Antecedent(index) => {
                let at_least = self.series.weighed(index.reach, &index.weights)?;
                let at_most = if self.series.is_open(index.reach) { Fixed(i64::MAX) } else { at_least };
                sure(Sum { at_least, at_most }, from, rises)
            }
        }
    }

    /// Whether the stream can ever answer for a measure, once it has spoken for a while.
    pub fn can_answer(&self, spec: &StreamSpec, measure: &Measure) -> bool {
        let fits = |window: Micros| spec.interval.is_none_or(|interval| interval <= window);
        match measure {
            Measure::Sum(window) => fits(*window),
            Measure::Curve(curve) => curve.points.iter().any(|(duration, _)| fits(*duration)),
            Measure::Above(stage) => spec.stages.get(*stage).is_some(),
            _ => true,
        }
    }

    /// An hourly total says nothing about the last quarter of an hour.
    fn sum(&self, spec: &StreamSpec, window: Micros) -> Option<Sum> {
        if spec.interval.is_some_and(|interval| interval > window) { None } else { self.series.sum(window) }
    }

    /// The largest share of what the curve allows, over the durations for which the stream can answer.
    fn on_curve(&self, spec: &StreamSpec, curve: &Curve) -> Option<Sum> {
        let share = |part: Fixed, whole: Fixed| {
            let share = i128::from(part.0) * i128::from(Fixed::SCALE) / i128::from(whole.0.max(1));
            i64::try_from(share).map_or(Fixed(i64::MAX), Fixed)
        };
        let shares = curve.points.iter().filter_map(|(duration, depth)| {
            let sum = self.sum(spec, *duration)?;
            Some(Sum { at_least: share(sum.at_least, *depth), at_most: share(sum.at_most, *depth) })
        });
        shares.reduce(|a, b| Sum { at_least: a.at_least.max(b.at_least), at_most: a.at_most.max(b.at_most) })
    }
}

fn sure(sum: Sum, from: Fixed, rises: bool) -> Option<Fixed> {
    let Sum { at_least, at_most } = sum;
    if rises {
        if at_least >= from { Some(at_least) } else { Some(at_most).filter(|most| *most < from) }
    } else if at_most <= from {
        Some(at_most)
    } else {
        Some(at_least).filter(|least| *least > from)
    }
}

#[derive(Clone, Debug)]
pub struct StreamState {
    strict: Track,
    /// With what is in doubt; nothing while that is the same as the strict one.
    lenient: Option<Box<Track>>,
    /// Until when, in event time, they need not be compared.
    apart_until: Micros,
    run: Run,
    /// The newest reading that was not believed: when it was observed, and why.
    doubt: Option<(Micros, Why)>,
}

impl StreamState {
    /// `windows` are those that rules ask for, of what passed and of what is suspect as well.
    pub fn new(spec: &StreamSpec, windows: &Windows) -> Self {
        let mut lengths = windows.strict.clone();
        lengths.extend(&windows.lenient);
        lengths.extend(spec.limits.neighbours.map(|near| hours(near.window_h)));
        lengths.sort_unstable();
        lengths.dedup();
        Self {
            strict: Track::new(spec, &lengths, windows.reach),
            lenient: None,
            apart_until: 0,
            run: Run::default(),
            doubt: None,
        }
    }

    /// What rules may read: with `suspect` also what is in doubt.
    pub fn track(&self, suspect: bool) -> &Track {
        if suspect { self.lenient() } else { &self.strict }
    }

    fn lenient(&self) -> &Track {
        self.lenient.as_deref().unwrap_or(&self.strict)
    }

    /// From a doubt on the two go their own ways.
    fn part(&mut self) -> &mut Track {
        if self.lenient.is_none() {
            self.apart_until = self.strict.series.newest_at().unwrap_or(0) + self.strict.series.retain();
        }
        self.lenient.get_or_insert_with(|| Box::new(self.strict.clone()))
    }

    /// Makes one of the two again. They are compared once what told them apart has had the time to be forgotten.
    fn rejoin(&mut self) {
        let (Some(lenient), Some(newest)) = (&self.lenient, self.strict.series.newest_at()) else { return };
        if newest < self.apart_until {
            return;
        }
        if self.strict.is_like(lenient) {
            self.lenient = None;
        } else {
            self.apart_until = newest + self.strict.series.retain();
        }
    }

    /// Why the newest reading is not believed; `None` when it is.
    pub fn doubt(&self) -> Option<&Why> {
        let (at, why) = self.doubt.as_ref()?;
        self.strict.series.newest_at().is_none_or(|newest| newest < *at).then_some(why)
    }

    /// Takes a reading whose quality is known: a stored one, or one that `judge` has seen. Returns false where every sum is
    /// certainly what it was.
    pub fn take(&mut self, reading: &ReadingInput, limits: &Limits, quality: Quality, why: Option<&Why>) -> bool {
        let at = reading.observed_at.timestamp_micros();
        if quality != Quality::Pass
            && let Some(why) = why.filter(|_| self.doubt.as_ref().is_none_or(|(before, _)| at >= *before))
        {
            self.doubt = Some((at, why.clone()));
        }
        // A correction that is not believed leaves what it would correct.
        if quality == Quality::Fail {
            return true;
        }
        if self.follows(reading) {
            self.run = self.next_run(reading, limits);
        }
        if quality != Quality::Pass {
            self.part().take(reading);
            return true;
        }
        let tells = self.strict.take(reading);
        let Some(lenient) = &mut self.lenient else { return tells };
        lenient.take(reading);
        self.rejoin();
        true
    }

    /// Whether what passed speaks for an instant.
    pub fn speaks(&self, spec: &StreamSpec, now: Micros) -> bool {
        self.strict.fresh_until(spec).is_some_and(|until| now < until)
    }

    /// What was believed and is not any more.
    pub fn take_back(&mut self, seq: Seq, quality: Quality) {
        if quality == Quality::Fail {
            self.strict.series.remove(seq);
            if let Some(lenient) = &mut self.lenient {
                lenient.series.remove(seq);
            }
        } else {
            self.part();
            self.strict.series.remove(seq);
        }
    }

    fn next_run(&self, reading: &ReadingInput, limits: &Limits) -> Run {
        let tolerance = limits.flat.as_ref().map_or(Fixed(0), |flat| flat.tolerance);
        self.run.on(reading.observed_at.timestamp_micros(), reading.value, tolerance)
    }

    /// Whether a reading can be held against its own past at all: it comes in order, and corrects nothing.
    pub fn follows(&self, reading: &ReadingInput) -> bool {
        let newest = self.lenient().series.newest_at();
        reading.revises.is_none() && newest.is_none_or(|newest| reading.observed_at.timestamp_micros() > newest)
    }

    /// What the stream's own past says of a reading that is not taken yet.
    pub fn judge(&self, spec: &StreamSpec, reading: &ReadingInput) -> Option<(Quality, Why)> {
        if !self.follows(reading) {
            return None;
        }
        let before = self.lenient().series.newest().map(|(_, at, value)| (at, value));
        let around = Around { kind: spec.kind, before, run: self.next_run(reading, &spec.limits) };
        control::judge(&spec.limits, &around, reading.observed_at.timestamp_micros(), reading.value)
    }

    /// What a reading that is not taken yet says of the one before it.
    pub fn judge_before(&self, spec: &StreamSpec, reading: &ReadingInput) -> Option<Flag> {
        let limit = spec.limits.spike.filter(|_| spec.kind == StreamKind::Instantaneous && self.follows(reading))?;
        let (seq, at, value) = self.lenient().series.newest()?;
        let (before_at, before) = self.lenient().series.before_newest()?;
        let near =
            reading.observed_at.timestamp_micros() - at <= spec.stale_after && at - before_at <= spec.stale_after;
        let (quality, why) = control::middle(limit, before, value, reading.value).filter(|_| near)?;
        Some(Flag { datastream: spec.id, seq, observed_at: from_micros(at), quality, why })
    }

    /// The sum over a window for the neighbour test, when the stream reaches back over it. With a reading that is not taken yet.
    pub fn whole_sum(&self, window: Micros, reading: &ReadingInput) -> Option<Fixed> {
        if !self.follows(reading) {
            return None;
        }
        let series = &self.lenient().series;
        let sum = series.sum_with(window, reading.observed_at.timestamp_micros(), reading.value);
        sum.filter(|_| series.covers(window) && series.count(window) >= 3)
    }

    /// Whether the stream spoke all through a window. It looks at every reading in it, so it is asked last.
    pub fn spoke_all_through(&self, spec: &StreamSpec, window: Micros) -> bool {
        self.lenient().series.is_without_gap(window, spec.stale_after)
    }

    /// The sum that speaks for the ground around a neighbour at an instant. What is in doubt itself vouches for nothing.
    pub fn sum_beside(&self, spec: &StreamSpec, window: Micros, at: Micros) -> Option<Fixed> {
        let newest = self.strict.series.newest_at()?;
        ((newest - at).abs() <= spec.stale_after)
            .then(|| self.strict.series.sum(window))
            .flatten()
            .map(|sum| sum.at_least)
    }
}

/// Lengths of windows that are asked of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    pub strict: Vec<Micros>,
    pub lenient: Vec<Micros>,
    /// How far back anything looks.
    pub reach: Micros,
}

impl Windows {
    /// How far back the stream is looked at by anything.
    pub fn furthest(&self) -> Micros {
        self.strict.iter().chain(&self.lenient).copied().fold(self.reach, Micros::max)
    }
}

pub const fn hours(count: u32) -> Micros {
    count as Micros * 3_600_000_000
}
