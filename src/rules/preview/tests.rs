use chrono::TimeDelta;
use geo::{LineString, MultiPolygon, Point, Polygon};

use super::*;
use crate::clock::from_micros;
use crate::ids::{AreaId, DatastreamId, Seq};
use crate::risk::control::Limits;
use crate::risk::network::{AreaSpec, StreamSpec};
use crate::units::{Fixed, Grade, Quality, Quantity, StreamKind};

const MINUTE: i64 = 60_000_000;
const RULE: &str = r#"
id = "slope"
version = 1
title = "Chuva"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
any = [{ stations = "gauges", sum = "1h", at_least = "20 mm" }]
[[levels]]
level = "alert"
any = [{ stations = "gauges", sum = "1h", at_least = "40 mm" }]
"#;

fn rule(alert_mm: u32) -> Rule {
    Rule::parse("slope", &RULE.replace("40 mm", &format!("{alert_mm} mm"))).unwrap()
}

/// One slope under one gauge; ten millimetres in ten minutes for an hour, then nothing for six.
fn stretch() -> Stretch {
    let ring = [(-43.40, -21.76), (-43.38, -21.76), (-43.38, -21.74), (-43.40, -21.74), (-43.40, -21.76)];
    let area = AreaSpec {
        id: AreaId(1),
        code: "slope".into(),
        name: "Encosta".into(),
        polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring.to_vec()), vec![])]),
        hazards: vec![("1.1.3.2.1".parse().unwrap(), Grade::R4)],
    };
    let stream = StreamSpec {
        id: DatastreamId(1),
        station_code: "G1".into(),
        station_name: "Pluviômetro".into(),
        name: "rain".into(),
        point: Point::new(-43.39, -21.75),
        quantity: Quantity::Rain,
        kind: StreamKind::IntervalSum,
        interval: Some(10 * MINUTE),
        stale_after: 150 * MINUTE,
        limits: Limits::default(),
        counter: Default::default(),
        stages: Default::default(),
    };
    let readings = (0..42).map(|step: i64| {
        let at = from_micros(step * 10 * MINUTE);
        ReadingInput {
            seq: Seq(step + 1),
            datastream: DatastreamId(1),
            observed_at: at,
            received_at: at,
            value: Fixed::from_whole(if (6..12).contains(&step) { 10 } else { 0 }),
            quality: Quality::Pass,
            why: None,
            revises: None,
        }
    });
    Stretch {
        key: "test".into(),
        title: "A night".into(),
        network: Network { streams: vec![stream], areas: vec![area], rules: Vec::new() },
        zone: chrono_tz::America::Sao_Paulo,
        readings: readings.collect(),
        from: from_micros(0),
        to: from_micros(420 * MINUTE),
    }
}

fn compared(candidate: u32, active: Option<u32>) -> Compared {
    let active = active.map(rule);
    compare(&stretch(), &rule(candidate), active.as_ref(), Level::Alert, || true).unwrap().unwrap()
}

#[test]
fn a_lower_threshold_rises_earlier_and_stays_longer_and_makes_the_draft_that_the_other_does_not() {
    let found = compared(30, Some(70));
    let active = found.active.unwrap();
    assert_eq!((found.candidate.drafts, active.drafts), (1, 0));
    let alert = found.candidate.first.iter().find(|rise| rise.level == Level::Alert).unwrap();
    // The third of the six readings brings thirty millimetres.
    assert_eq!((alert.at, alert.area.as_str()), (from_micros(80 * MINUTE), "Encosta"));
    assert!(active.first.iter().all(|rise| rise.level < Level::Alert));
    assert!(found.candidate.area_hours[&Level::Alert] > 0.5 && !active.area_hours.contains_key(&Level::Alert));
    assert_eq!((found.areas, found.different, found.bands.len()), (1, 1, 1));
    assert_eq!(found.candidate.risen[&Level::Alert], 1);
}

#[test]
fn the_hours_of_an_area_are_those_of_the_stretch() {
    let found = compared(40, None);
    let hours: f64 = found.candidate.area_hours.values().sum();
    assert!((hours - 7.0).abs() < 1e-9, "{:?}", found.candidate.area_hours);
    assert!(found.active.is_none());
}

#[test]
fn the_same_rule_differs_nowhere() {
    let found = compared(40, Some(40));
    assert_eq!(found.different, 0);
    assert_eq!(Some(found.candidate), found.active);
}

#[test]
fn what_happens_before_the_stretch_fills_the_windows_and_counts_for_nothing() {
    let later = Stretch { from: from_micros(100 * MINUTE), ..stretch() };
    let found = compare(&later, &rule(40), None, Level::Alert, || true).unwrap().unwrap();
    assert_eq!(found.candidate.drafts, 0, "the draft was made before");
    assert_eq!(found.bands[0].candidate[0], Stand { at: later.from, level: Level::Alert });
    let hours: f64 = found.candidate.area_hours.values().sum();
    assert!((hours - (TimeDelta::minutes(320).num_seconds() as f64 / 3600.0)).abs() < 1e-9);
}

#[test]
fn a_comparison_ends_when_it_is_told_to() {
    assert!(compare(&stretch(), &rule(40), None, Level::Alert, || false).unwrap().is_none());
}
