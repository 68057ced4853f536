//! How well levels told of recorded disasters.
//!
//! The unit is the area-day: one area on one day of the town's own calendar. With a = hits, b = false alarms, c = misses and
//! d = correct negatives, after D. S. Wilks, "Statistical Methods in the Atmospheric Sciences", chapter "Forecast Verification"
//! (4th ed., Elsevier, 2019), and the WWRP/WGNE Joint Working Group on Forecast Verification Research, "Forecast Verification:
//! Issues, Methods and FAQ":
//!
//! - POD (probability of detection, hit rate) = a / (a + c)
//! - FAR (false alarm *ratio*) = b / (a + b)
//! - POFD (probability of false detection, false alarm *rate*) = b / (b + d)
//! - CSI (critical success index, threat score) = a / (a + b + c)
//! - bias (frequency bias) = (a + b) / (a + c)
//!
//! What those works leave open is settled so:
//!
//! - An event is warned of when its area stood at the level or above at some time in the `lead_max` before it, up to its very
//!   instant. Its lead time runs from the first such time; a level that stood all through `lead_max` counts as `lead_max`.
//! - A day with events is a hit when one of them was warned of, else a miss. A level that rose only afterwards is no hit.
//! - A day without events is a false alarm when the area stood at the level at a time further than `lead_max` from every event of
//!   it. Nearer than that the day belongs to the warning of the event and counts as nothing (`beside_days`).
//! - A day without events on which the area was blind throughout is no correct negative (`blind_days`). An event on such a day is missed.

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::Serialize;

use super::LeadMax;
use super::run::{Period, Stretches, Timeline};
use crate::clock::Instant;
use crate::units::Level;

const HOUR: f64 = 3_600_000_000.0;

/// What is counted; tallies of areas and cases add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub hits: u64,
    pub misses: u64,
    pub false_alarms: u64,
    pub correct_negatives: u64,
    pub beside_days: u64,
    pub blind_days: u64,
    pub events: u64,
    /// Microseconds from the first rise to each event that was warned of.
    pub leads: Vec<i64>,
    pub episodes: u64,
    /// Microseconds × areas.
    pub under_alert: i64,
    pub blind: i64,
    pub watched: i64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.false_alarms += other.false_alarms;
        self.correct_negatives += other.correct_negatives;
        self.beside_days += other.beside_days;
        self.blind_days += other.blind_days;
        self.events += other.events;
        self.leads.extend(&other.leads);
        self.episodes += other.episodes;
        self.under_alert += other.under_alert;
        self.blind += other.blind;
        self.watched += other.watched;
    }
}

/// A tally as people read it. Shares are from 0 to 1; what has no denominator is nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    pub hazard: crate::cobrade::Cobrade,
    pub level: Level,
    pub hits: u64,
    pub misses: u64,
    pub false_alarms: u64,
    pub correct_negatives: u64,
    pub beside_days: u64,
    pub blind_days: u64,
    pub pod: Option<f64>,
    pub far: Option<f64>,
    pub pofd: Option<f64>,
    pub csi: Option<f64>,
    pub bias: Option<f64>,
    pub events: u64,
    pub events_warned: u64,
    pub lead_min_s: Option<i64>,
    pub lead_median_s: Option<i64>,
    pub lead_max_s: Option<i64>,
    pub episodes: u64,
    pub hours_under_alert: f64,
    pub share_under_alert: Option<f64>,
    pub share_blind: Option<f64>,
}

impl Score {
    pub fn of(hazard: crate::cobrade::Cobrade, level: Level, tally: &Tally) -> Self {
        let (a, b, c, d) = (tally.hits, tally.false_alarms, tally.misses, tally.correct_negatives);
        let mut leads = tally.leads.clone();
        leads.sort_unstable();
        let seconds = |micros: i64| micros / 1_000_000;
        Self {
            hazard,
            level,
            hits: a,
            misses: c,
            false_alarms: b,
            correct_negatives: d,
            beside_days: tally.beside_days,
            blind_days: tally.blind_days,
            pod: share(a, a + c),
            far: share(b, a + b),
            pofd: share(b, b + d),
            csi: share(a, a + b + c),
            bias: share(a + b, a + c),
            events: tally.events,
            events_warned: leads.len() as u64,
            lead_min_s: leads.first().copied().map(seconds),
            lead_median_s: median(&leads).map(seconds),
            lead_max_s: leads.last().copied().map(seconds),
            episodes: tally.episodes,
            hours_under_alert: tally.under_alert as f64 / HOUR,
            share_under_alert: (tally.watched > 0).then(|| tally.under_alert as f64 / tally.watched as f64),
            share_blind: (tally.watched > 0).then(|| tally.blind as f64 / tally.watched as f64),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Of an even number the mean of the middle two.
fn median(sorted: &[i64]) -> Option<i64> {
    let upper = sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(*upper);
    }
    sorted.get(sorted.len() / 2 - 1).map(|lower| lower + (upper - lower) / 2)
}

/// The days of a period and how events are held against it. Made once for a case, used for every set of thresholds.
#[derive(Clone, Debug)]
pub struct Watch {
    period: Period,
    /// Bounds of the town's days in microseconds; the first and the last are cut to the period.
    days: Vec<(i64, i64)>,
    lead_max: i64,
}

impl Watch {
    pub fn new(period: Period, zone: Tz, lead_max: LeadMax) -> Self {
        let lead_max = lead_max.0.num_microseconds().unwrap_or(0);
        Self { period, days: days(period, zone), lead_max }
    }

    pub const fn period(&self) -> Period {
        self.period
    }

    /// Since when the level stood before an event, within the lead time that counts.
    fn warned_at(&self, stretches: &Stretches, event: i64) -> Option<i64> {
        let from = event - self.lead_max;
        let first = stretches.partition_point(|(_, end)| *end <= from);
        stretches.get(first).filter(|(start, _)| *start <= event).map(|(start, _)| (*start).max(from))
    }

    /// How long before an event (an instant) the level first stood, in microseconds.
    pub fn lead(&self, line: &Timeline, level: Level, event: Instant) -> Option<i64> {
        let event = event.timestamp_micros();
        let stretches = line.stretches(self.period, |step| step.known >= level);
        self.warned_at(&stretches, event).map(|at| event - at)
    }

    /// Counts one area and hazard at a level. `events` are instants in order, those outside the period left out.
    pub fn tally(&self, line: &Timeline, level: Level, events: &[i64]) -> Tally {
        let stretches = line.stretches(self.period, |step| step.known >= level);
        let blind = line.stretches(self.period, |step| step.shown == Level::Unknown);
        let length = |stretches: &Stretches| stretches.iter().map(|(from, to)| to - from).sum::<i64>();
        let mut tally = Tally {
            episodes: stretches.len() as u64,
            under_alert: length(&stretches),
            blind: length(&blind),
            watched: self.period.length(),
            events: events.len() as u64,
            ..Tally::default()
        };
        let warned: Vec<Option<i64>> = events.iter().map(|event| self.warned_at(&stretches, *event)).collect();
        tally.leads = warned.iter().zip(events).filter_map(|(at, event)| at.map(|at| event - at)).collect();
        let alone = self.far_from(&stretches, events);
        for &(from, to) in &self.days {
            let first = events.partition_point(|event| *event < from);
            let today = events.iter().skip(first).take_while(|event| **event < to).count();
            if today > 0 {
                let is_hit = warned.iter().skip(first).take(today).any(Option::is_some);
                *(if is_hit { &mut tally.hits } else { &mut tally.misses }) += 1;
            } else if touches(&alone, from, to) {
                tally.false_alarms += 1;
            } else if touches(&stretches, from, to) {
                tally.beside_days += 1;
            } else if covers(&blind, from, to) {
                tally.blind_days += 1;
            } else {
                tally.correct_negatives += 1;
            }
        }
        tally
    }

    /// What of the stretches lies further than the lead time from every event.
    fn far_from(&self, stretches: &Stretches, events: &[i64]) -> Stretches {
        let mut left = Stretches::new();
        for &(from, to) in stretches {
            let mut start = from;
            for event in events.iter().skip(events.partition_point(|event| event + self.lead_max < from)) {
                if event - self.lead_max >= to {
                    break;
                }
                if event - self.lead_max > start {
                    left.push((start, event - self.lead_max));
                }
                start = start.max(event + self.lead_max);
            }
            if start < to {
                left.push((start, to));
            }
        }
        left
    }
}

fn touches(stretches: &Stretches, from: i64, to: i64) -> bool {
    stretches.get(stretches.partition_point(|(_, end)| *end <= from)).is_some_and(|(start, _)| *start < to)
}

fn covers(stretches: &Stretches, from: i64, to: i64) -> bool {
    stretches.iter().any(|(start, end)| *start <= from && *end >= to)
}

fn days(period: Period, zone: Tz) -> Vec<(i64, i64)> {
    let (from, to) = (period.from.timestamp_micros(), period.to.timestamp_micros());
    let mut date = period.from.with_timezone(&zone).date_naive();
    let mut days = Vec::new();
    let mut start = from;
    while start < to {
        let Some(next) = date.checked_add_days(Days::new(1)) else { break };
        let end = midnight(next, zone).map_or(to, |midnight| midnight.timestamp_micros()).min(to);
        if end > start {
            days.push((start, end));
        }
        (date, start) = (next, end.max(start));
    }
    days
}

/// The first instant of a day: where summer time begins at midnight that is one o'clock.
fn midnight(date: NaiveDate, zone: Tz) -> Option<Instant> {
    let naive = date.and_hms_opt(0, 0, 0)?;
    let first = naive.and_local_timezone(zone).earliest();
    first.or_else(|| (naive + TimeDelta::hours(1)).and_local_timezone(zone).earliest()).map(|at| at.to_utc())
}

#[cfg(test)]
mod tests;
