//! Facts and limits to faults.

use chrono::TimeDelta;

use super::{
    Battery, DeviceFacts, Fault, FaultKey, FaultKind, Flags, Limits, Reason, StationFacts, StreamFacts, battery,
};
use crate::clock::Instant;
use crate::ids::{DatastreamId, DeviceId};

const DAY_S: f64 = 86_400.0;

/// Everything wrong with a station at `now`. A fault that is open already stays until its measure is well within the limit
/// (`clear_factor`), so that a station at the edge does not flap.
pub fn judge(facts: &StationFacts, now: Instant, limits: &Limits) -> Vec<Fault> {
    let judge = Judge { open: &facts.open, now, limits };
    let streams = facts.streams.iter().flat_map(|stream| judge.stream(stream));
    streams.chain(facts.devices.iter().flat_map(|device| judge.device(device))).collect()
}

struct Judge<'a> {
    open: &'a [FaultKey],
    now: Instant,
    limits: &'a Limits,
}

impl Judge<'_> {
    fn stream(&self, stream: &StreamFacts) -> Vec<Fault> {
        if let Some(absent) = self.absence(stream) {
            // What a silent station sent before is no new complaint.
            return vec![absent];
        }
        let shares = [
            (FaultKind::Flat, stream.flat),
            (FaultKind::Stuck, stream.stuck),
            (FaultKind::Disagrees, stream.disagrees),
        ];
        let flagged = shares.into_iter().filter_map(|(kind, flags)| self.flagged(stream, kind, flags));
        let failing = self.failing(stream);
        let battery = stream.battery.as_ref().and_then(|held| self.battery(held, Some(stream.id), None));
        let others = [self.late(stream), self.gaps(stream), failing, battery];
        others.into_iter().flatten().chain(flagged).collect()
    }

    fn device(&self, device: &DeviceFacts) -> Vec<Fault> {
        let battery = device.battery.as_ref().and_then(|held| self.battery(held, None, Some(device.id)));
        self.clock(device).into_iter().chain(self.drift(device)).chain(battery).collect()
    }

    fn absence(&self, stream: &StreamFacts) -> Option<Fault> {
        let Some(heard) = stream.received_at else {
            let limit = f64::from(self.limits.never_heard_after_s).max(f64::from(stream.stale_after_s));
            let waited = seconds(self.now - stream.created_at);
            let fault = of_stream(stream, FaultKind::NeverHeard, stream.created_at, waited, limit, 0);
            return (waited > limit).then_some(fault);
        };
        let (waited, limit) = (seconds(self.now - heard), f64::from(stream.stale_after_s));
        (waited > limit).then(|| of_stream(stream, FaultKind::Silent, heard, waited, limit, stream.readings))
    }

    fn late(&self, stream: &StreamFacts) -> Option<Fault> {
        let observed = stream.observed_at?;
        let limit = f64::from(stream.stale_after_s);
        let lag = seconds(self.now - observed);
        self.above(FaultKind::Late, Some(stream.id), None, lag, limit)
            .then(|| of_stream(stream, FaultKind::Late, observed, lag, limit, stream.readings))
    }

    /// Missing intervals, of those since the stream exists and up to its newest reading: what may still come is late or silent, and no
    /// gap. Streams that do not say how often they measure have none.
    fn gaps(&self, stream: &StreamFacts) -> Option<Fault> {
        let interval = f64::from(stream.interval_s?);
        let whole = seconds(self.now - stream.created_at).min(f64::from(stream.span_s));
        let unheard = stream.observed_at.map_or(0.0, |at| seconds(self.now - at).max(0.0));
        let span = whole - unheard;
        let expected = (span / interval).floor();
        if expected < f64::from(self.limits.min_readings) {
            return None;
        }
        let missing = ((expected - stream.readings as f64) / expected).max(0.0);
        let since = self.now - TimeDelta::seconds(whole as i64);
        self.above(FaultKind::Gaps, Some(stream.id), None, missing, self.limits.gaps_share)
            .then(|| of_stream(stream, FaultKind::Gaps, since, missing, self.limits.gaps_share, stream.readings))
    }

    fn failing(&self, stream: &StreamFacts) -> Option<Fault> {
        let flags = Flags { count: stream.failed, first_at: None };
        self.share(stream, FaultKind::Failing, flags, self.limits.failed_share)
    }

    fn flagged(&self, stream: &StreamFacts, kind: FaultKind, flags: Flags) -> Option<Fault> {
        self.share(stream, kind, flags, self.limits.flagged_share)
    }

    fn share(&self, stream: &StreamFacts, kind: FaultKind, flags: Flags, limit: f64) -> Option<Fault> {
        if stream.readings < i64::from(self.limits.min_readings) {
            return None;
        }
        let share = flags.count as f64 / self.readings_of_a_day(stream);
        let since = flags.first_at.unwrap_or(self.now - TimeDelta::hours(24));
        self.above(kind, Some(stream.id), None, share, limit)
            .then(|| of_stream(stream, kind, since, share, limit, flags.count))
    }

    /// Of a stream that was counted over less, as many as that makes.
    fn readings_of_a_day(&self, stream: &StreamFacts) -> f64 {
        let day = seconds(self.now - stream.created_at).min(DAY_S);
        stream.readings as f64 * (day / f64::from(stream.span_s)).max(1.0)
    }

    fn clock(&self, device: &DeviceFacts) -> Option<Fault> {
        let clock = device.clock.as_ref()?;
        let (kind, limit) = if clock.offset_s > 0.0 {
            (FaultKind::ClockAhead, self.limits.clock_ahead_s)
        } else {
            (FaultKind::ClockBehind, self.limits.clock_behind_s)
        };
        let (measured, limit) = (clock.offset_s.abs(), f64::from(limit));
        let reason = Reason { measured, limit, count: i64::from(clock.messages), days_left: None };
        self.above(kind, None, Some(device.id), measured, limit).then(|| Fault {
            kind,
            stream: None,
            device: Some(device.id),
            since: self.now - TimeDelta::hours(24),
            reason,
        })
    }

    /// What the estimates went apart by must be more than they are uncertain by.
    fn drift(&self, device: &DeviceFacts) -> Option<Fault> {
        let drift = device.drift.as_ref().filter(|drift| drift.s_per_day.abs() * drift.over_days > drift.spread_s)?;
        let (kind, limit) = (FaultKind::ClockDrifts, self.limits.clock_drift_s_per_day);
        let measured = drift.s_per_day.abs();
        let reason = Reason { measured, limit, count: drift.days as i64, days_left: None };
        let since = self.now - TimeDelta::seconds((drift.over_days * DAY_S) as i64);
        self.above(kind, None, Some(device.id), measured, limit).then_some(Fault {
            kind,
            stream: None,
            device: Some(device.id),
            since,
            reason,
        })
    }

    /// Low, or falling so fast that it will be empty soon.
    fn battery(&self, held: &Battery, stream: Option<DatastreamId>, device: Option<DeviceId>) -> Option<Fault> {
        let days_left = battery::days_left(&held.days);
        let limit = self.limits.battery_low_pct;
        let clear = limit / self.limits.clear_factor;
        let low = held.pct < limit || (self.is_open(FaultKind::BatteryLow, stream, device) && held.pct < clear);
        let soon = days_left.is_some_and(|days| days < self.limits.battery_days_left);
        let reason = Reason { measured: held.pct, limit, count: held.days.len() as i64, days_left };
        (low || soon).then_some(Fault { kind: FaultKind::BatteryLow, stream, device, since: held.at, reason })
    }

    fn above(
        &self,
        kind: FaultKind,
        stream: Option<DatastreamId>,
        device: Option<DeviceId>,
        measured: f64,
        limit: f64,
    ) -> bool {
        let bar = if self.is_open(kind, stream, device) { limit * self.limits.clear_factor } else { limit };
        measured > bar
    }

    fn is_open(&self, kind: FaultKind, stream: Option<DatastreamId>, device: Option<DeviceId>) -> bool {
        self.open.contains(&FaultKey { kind, stream, device })
    }
}

fn of_stream(stream: &StreamFacts, kind: FaultKind, since: Instant, measured: f64, limit: f64, count: i64) -> Fault {
    let reason = Reason { measured, limit, count, days_left: None };
    Fault { kind, stream: Some(stream.id), device: None, since, reason }
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
