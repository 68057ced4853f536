use proptest::prelude::*;

use super::super::drift::{Drift, Estimate};
use super::*;

fn at(hours: f64) -> Instant {
    Instant::default() + TimeDelta::days(1000) + TimeDelta::seconds((hours * 3600.0) as i64)
}

fn limits() -> Limits {
    Limits {
        never_heard_after_s: 3600,
        gaps_share: 0.2,
        failed_share: 0.1,
        flagged_share: 0.25,
        min_readings: 6,
        clock_ahead_s: 60,
        clock_behind_s: 600,
        clock_drift_s_per_day: 10.0,
        clock_min_messages: 12,
        battery_low_pct: 20.0,
        battery_days_left: 3.0,
        clear_factor: 0.8,
        close_after_s: 600,
    }
}

/// A gauge that says something every ten minutes, heard five minutes ago.
fn well() -> StreamFacts {
    StreamFacts {
        id: DatastreamId(1),
        created_at: at(-1000.0),
        interval_s: Some(600),
        stale_after_s: 3600,
        observed_at: Some(at(-0.1)),
        received_at: Some(at(-0.08)),
        span_s: 86_400,
        readings: 144,
        failed: 0,
        flat: Flags::default(),
        stuck: Flags::default(),
        disagrees: Flags::default(),
        battery: None,
    }
}

fn kinds_of(stream: StreamFacts, open: Vec<FaultKey>) -> Vec<FaultKind> {
    let facts = StationFacts { streams: vec![stream], devices: vec![], open };
    judge(&facts, at(0.0), &limits()).into_iter().map(|fault| fault.kind).collect()
}

fn open(kind: FaultKind) -> Vec<FaultKey> {
    vec![FaultKey { kind, stream: Some(DatastreamId(1)), device: None }]
}

#[test]
fn a_gauge_that_does_its_work_has_no_fault() {
    assert_eq!(kinds_of(well(), vec![]), []);
}

#[test]
fn silence_is_told_with_since_when_and_hides_what_it_explains() {
    let stream = StreamFacts { received_at: Some(at(-46.0)), observed_at: Some(at(-46.0)), readings: 0, ..well() };
    let facts = StationFacts { streams: vec![stream], ..Default::default() };
    let faults = judge(&facts, at(0.0), &limits());
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].kind, faults[0].since), (FaultKind::Silent, at(-46.0)));
    assert_eq!((faults[0].reason.measured, faults[0].reason.limit), (46.0 * 3600.0, 3600.0));
}

#[test]
fn a_station_gets_time_for_its_first_word() {
    let quiet = StreamFacts { received_at: None, observed_at: None, readings: 0, ..well() };
    let new = StreamFacts { created_at: at(-0.5), ..quiet.clone() };
    assert_eq!(kinds_of(new, vec![]), []);
    assert_eq!(kinds_of(quiet, vec![]), [FaultKind::NeverHeard]);
}

#[test]
fn receipts_that_tell_of_the_past_are_late() {
    let stream = StreamFacts { observed_at: Some(at(-3.0)), ..well() };
    assert_eq!(kinds_of(stream, vec![]), [FaultKind::Late]);
}

#[test]
fn gaps_open_above_the_limit_and_close_well_below_it() {
    let with = |readings| StreamFacts { readings, ..well() };
    assert_eq!(kinds_of(with(116), vec![]), []);
    assert_eq!(kinds_of(with(114), vec![]), [FaultKind::Gaps]);
    assert_eq!(kinds_of(with(116), open(FaultKind::Gaps)), [FaultKind::Gaps]);
    assert_eq!(kinds_of(with(122), open(FaultKind::Gaps)), []);
}

#[test]
fn a_dense_stream_is_counted_over_its_own_span_and_its_flags_over_the_day() {
    let dense =
        |readings| StreamFacts { interval_s: Some(1), span_s: 900, observed_at: Some(at(0.0)), readings, ..well() };
    assert_eq!(kinds_of(dense(880), vec![]), []);
    assert_eq!(kinds_of(dense(600), vec![]), [FaultKind::Gaps]);
    let buffers = StreamFacts { observed_at: Some(at(-1.0 / 12.0)), ..dense(590) };
    assert_eq!(kinds_of(buffers, vec![]), [], "what was measured in the last five minutes is still to come");
    // An hour of 86,400 seconds is no quarter of the day.
    let cell = Flags { count: 3600, first_at: Some(at(-1.0)) };
    assert_eq!(kinds_of(StreamFacts { disagrees: cell, ..dense(900) }, vec![]), []);
    let broken = Flags { count: 36_000, first_at: Some(at(-10.0)) };
    assert_eq!(kinds_of(StreamFacts { disagrees: broken, ..dense(900) }, vec![]), [FaultKind::Disagrees]);
}

#[test]
fn flags_of_the_tests_become_faults_above_their_share() {
    let flags = Flags { count: 40, first_at: Some(at(-20.0)) };
    assert_eq!(kinds_of(StreamFacts { flat: flags, ..well() }, vec![]), [FaultKind::Flat]);
    assert_eq!(kinds_of(StreamFacts { stuck: flags, ..well() }, vec![]), [FaultKind::Stuck]);
    assert_eq!(kinds_of(StreamFacts { disagrees: flags, ..well() }, vec![]), [FaultKind::Disagrees]);
    assert_eq!(kinds_of(StreamFacts { failed: 20, ..well() }, vec![]), [FaultKind::Failing]);
    assert_eq!(kinds_of(StreamFacts { failed: 2, ..well() }, vec![]), []);
}

#[test]
fn a_clock_ahead_and_one_behind_are_told_apart() {
    let device = |offset_s| DeviceFacts {
        id: DeviceId(7),
        clock: Some(Estimate { offset_s, spread_s: 1.0, messages: 100, told: false }),
        drift: None,
        battery: None,
    };
    let kinds = |offset| {
        let facts = StationFacts { devices: vec![device(offset)], ..Default::default() };
        judge(&facts, at(0.0), &limits()).into_iter().map(|fault| fault.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(30.0), []);
    assert_eq!(kinds(61.0), [FaultKind::ClockAhead]);
    assert_eq!(kinds(-300.0), []);
    assert_eq!(kinds(-601.0), [FaultKind::ClockBehind]);
}

#[test]
fn a_drifting_clock_is_told_above_the_limit_and_until_well_below_it() {
    let kinds = |s_per_day, spread_s, is_open: bool| {
        let drift = Some(Drift { s_per_day, over_days: 5.0, spread_s, days: 6 });
        let key = FaultKey { kind: FaultKind::ClockDrifts, stream: None, device: Some(DeviceId(7)) };
        let devices = vec![DeviceFacts { id: DeviceId(7), clock: None, drift, battery: None }];
        let facts = StationFacts { devices, open: is_open.then_some(key).into_iter().collect(), ..Default::default() };
        judge(&facts, at(0.0), &limits()).into_iter().map(|fault| fault.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(9.0, 1.0, false), []);
    assert_eq!(kinds(-11.0, 1.0, false), [FaultKind::ClockDrifts]);
    assert_eq!(kinds(9.0, 1.0, true), [FaultKind::ClockDrifts]);
    assert_eq!(kinds(7.9, 1.0, true), []);
    // Less than the way of the messages varies by.
    assert_eq!(kinds(11.0, 60.0, false), []);
}

#[test]
fn a_battery_that_will_be_empty_soon_is_told_before_it_is_low() {
    let battery = |pct, days| Some(Battery { at: at(-0.1), pct, days });
    let falling = vec![(-3.0, 80.0), (-2.0, 65.0), (-1.0, 50.0), (0.0, 35.0)];
    let steady = vec![(-3.0, 36.0), (-2.0, 35.0), (-1.0, 36.0), (0.0, 35.0)];
    assert_eq!(kinds_of(StreamFacts { battery: battery(35.0, falling), ..well() }, vec![]), [FaultKind::BatteryLow]);
    assert_eq!(kinds_of(StreamFacts { battery: battery(35.0, steady), ..well() }, vec![]), []);
    assert_eq!(kinds_of(StreamFacts { battery: battery(19.0, vec![]), ..well() }, vec![]), [FaultKind::BatteryLow]);
    let still = StreamFacts { battery: battery(22.0, vec![]), ..well() };
    assert_eq!(kinds_of(still, open(FaultKind::BatteryLow)), [FaultKind::BatteryLow]);
}

proptest! {
    #[test]
    fn what_is_open_never_closes_at_a_measure_that_would_open_it(readings in 0_i64..200, failed in 0_i64..200) {
        let stream = StreamFacts { readings, failed: failed.min(readings), ..well() };
        let fresh = kinds_of(stream.clone(), vec![]);
        for kind in fresh {
            prop_assert!(kinds_of(stream.clone(), open(kind)).contains(&kind));
        }
    }

    #[test]
    fn more_missing_never_mends_a_gap(few in 0_i64..140, more in 0_i64..10) {
        let has = |readings| kinds_of(StreamFacts { readings, ..well() }, vec![]).contains(&FaultKind::Gaps);
        prop_assert!(!has(few + more) || has(few));
    }
}
