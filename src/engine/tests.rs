//! Stories of one slope with two gauges, and the property that restarts change nothing.

use std::collections::BTreeMap;

use geo::{LineString, MultiPolygon, Point, Polygon};
use proptest::prelude::*;

use super::*;
use crate::clock::from_micros;
use crate::ids::AreaId;
use crate::risk::network::{AreaSpec, Network, StreamSpec};
use crate::risk::rule::Rule;
use crate::units::{Grade, Quantity, StreamKind};

const MINUTE: Micros = 60_000_000;
const RULE: &str = r#"
id = "slope"
version = 3
title = "Chuva em encosta"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
for_min = 5
clear_after_min = 30
any = [{ stations = "gauges", sum = "1h", at_least = "25 mm", clear_below = "15 mm" }]
[[levels]]
level = "alert"
clear_after_min = 60
any = [{ stations = "gauges", sum = "1h", at_least = "40 mm", clear_below = "20 mm" }]
"#;

fn stream(id: i64, lon: f64) -> StreamSpec {
    StreamSpec {
        id: DatastreamId(id),
        station_code: format!("G{id}"),
        station_name: format!("Pluviômetro {id}"),
        point: Point::new(lon, -21.75),
        quantity: Quantity::Rain,
        kind: StreamKind::IntervalSum,
        interval: None,
        stale_after: 150 * MINUTE,
        counter: Default::default(),
    }
}

fn bound() -> Bound {
    let ring = [(-43.40, -21.76), (-43.38, -21.76), (-43.38, -21.74), (-43.40, -21.74), (-43.40, -21.76)];
    let area = AreaSpec {
        id: AreaId(1),
        code: "slope".into(),
        name: "Encosta".into(),
        polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring.to_vec()), vec![])]),
        hazards: vec![("1.1.3.2.1".parse().unwrap(), Grade::R4)],
    };
    let rules = vec![Rule::parse("slope.toml", RULE).unwrap()];
    Network { streams: vec![stream(1, -43.39), stream(2, -43.37), stream(3, -43.0)], areas: vec![area], rules }
        .bind()
        .unwrap()
}

fn reading(seq: i64, stream: i64, observed_min: i64, received_min: i64, mm: i64) -> ReadingInput {
    ReadingInput {
        seq: Seq(seq),
        datastream: DatastreamId(stream),
        observed_at: from_micros(observed_min * MINUTE),
        received_at: from_micros(received_min * MINUTE),
        value: Fixed::from_whole(mm),
        quality: Quality::Pass,
        revises: None,
    }
}

/// "minute from→to" for every change.
fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|Effect::LevelChanged(t)| format!("{} {}→{}", t.at.timestamp_micros() / MINUTE, t.from, t.to))
        .collect()
}

fn run(readings: &[(i64, i64, i64)], until_min: i64) -> Vec<String> {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    for (index, (stream, minute, mm)) in readings.iter().enumerate() {
        engine.step(&Input::Reading(reading(index as i64 + 1, *stream, *minute, *minute, *mm)), &mut effects);
    }
    engine.step(&Input::Tick(from_micros(until_min * MINUTE)), &mut effects);
    told(&effects)
}

#[test]
fn a_short_burst_waits_for_its_time_and_a_hard_one_does_not() {
    assert_eq!(run(&[(1, 0, 30)], 60), ["0 unknown→normal", "5 normal→attention"]);
    assert_eq!(run(&[(1, 0, 45)], 60), ["0 unknown→alert"]);
}

#[test]
fn the_level_falls_after_the_clear_delay_and_only_below_the_clear_threshold() {
    let storm = [(1, 0, 45), (1, 61, 18), (1, 70, 0), (1, 100, 0), (1, 125, 0)];
    // 18 mm lie under the alert's clear threshold and over attention's: the alert falls to attention after an hour.
    assert_eq!(run(&storm, 126), ["0 unknown→alert", "121 alert→attention"]);
}

#[test]
fn silence_is_unknown_and_never_normal() {
    assert_eq!(run(&[(1, 0, 1)], 24 * 60), ["0 unknown→normal", "150 normal→unknown"]);
}

#[test]
fn silence_forgets_no_warning_and_the_return_of_data_ends_none_early() {
    let storm = [(1, 0, 45), (1, 300, 0), (1, 330, 0), (1, 361, 0)];
    assert_eq!(run(&storm, 362), ["0 unknown→alert", "150 alert→unknown", "300 unknown→alert", "360 alert→normal"]);
}

#[test]
fn the_second_gauge_keeps_the_area_in_sight() {
    let readings: Vec<_> = (0..20).map(|step| (2, step * 30, 0)).chain([(1, 580, 0)]).collect();
    assert_eq!(run(&readings, 590), ["0 unknown→normal"]);
}

#[test]
fn a_gauge_that_fell_silent_at_its_worst_does_not_leave_calm_behind() {
    // Gauge 1 is carried off by the slope it warned of; gauge 2 stands dry beside it.
    let readings: Vec<_> = [(1, 0, 45)].into_iter().chain((0..40).map(|step| (2, 10 + step * 30, 0))).collect();
    let told = run(&readings, 1200);
    assert_eq!(told, ["0 unknown→alert", "150 alert→unknown"]);
}

#[test]
fn an_hourly_gauge_alone_cannot_vouch_for_a_quarter_of_an_hour() {
    let mut network = bound();
    network.streams[0].interval = Some(120 * MINUTE);
    let mut engine = Engine::new(network);
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 0, 0)), &mut effects);
    assert_eq!(told(&effects), Vec::<String>::new());
}

#[test]
fn the_same_interval_told_twice_counts_once() {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 0, 20)), &mut effects);
    engine.step(&Input::Reading(reading(2, 1, 0, 1, 21)), &mut effects);
    assert_eq!(told(&effects), ["0 unknown→normal"]);
}

#[test]
fn a_gauge_too_far_away_says_nothing_about_the_area() {
    assert_eq!(run(&[(3, 0, 90)], 10), Vec::<String>::new());
}

#[test]
fn a_backlog_from_hours_ago_does_not_make_the_present_known() {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 600, 0)), &mut effects);
    assert_eq!(told(&effects), Vec::<String>::new());
    engine.step(&Input::Reading(reading(2, 1, 590, 600, 0)), &mut effects);
    assert_eq!(told(&effects), ["600 unknown→normal"]);
}

#[test]
fn failed_and_suspect_readings_feed_no_rule() {
    for quality in [Quality::Fail, Quality::Suspect] {
        let mut engine = Engine::new(bound());
        let mut effects = Vec::new();
        let mut bad = reading(1, 1, 0, 0, 90);
        bad.quality = quality;
        engine.step(&Input::Reading(bad), &mut effects);
        assert_eq!(told(&effects), Vec::<String>::new(), "{quality}");
    }
}

#[test]
fn a_revision_lowers_what_a_wrong_reading_raised() {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 0, 450)), &mut effects);
    let mut revision = reading(2, 1, 0, 10, 4);
    revision.revises = Some(Seq(1));
    engine.step(&Input::Reading(revision), &mut effects);
    engine.step(&Input::Tick(from_micros(90 * MINUTE)), &mut effects);
    assert_eq!(told(&effects), ["0 unknown→alert", "70 alert→normal"]);
}

#[test]
fn every_change_carries_the_values_the_stations_and_the_rule_version() {
    let mut engine = Engine::new(bound());
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 0, 45)), &mut effects);
    let Some(Effect::LevelChanged(transition)) = effects.first() else { panic!("no change") };
    assert_eq!((transition.rule_id.as_str(), transition.rule_version), ("slope", 3));
    let reason = transition.reasons.first().unwrap();
    assert_eq!(
        (reason.level, reason.value, reason.threshold),
        (Level::Alert, Some(Fixed::from_whole(45)), Fixed::from_whole(40))
    );
    assert_eq!(reason.stations.first().map(|station| station.code.as_str()), Some("G1"));
    assert_eq!((reason.asked, reason.silent), (2, 1));
}

#[test]
fn two_rules_for_one_hazard_are_refused() {
    let rule = Rule::parse("slope.toml", RULE).unwrap();
    let network = Network { rules: vec![rule.clone(), Rule { id: "other".into(), ..rule }], ..Network::default() };
    assert!(network.bind().unwrap_err().to_string().starts_with("rules slope and other both cover"));
}

fn resumed(engine: &Engine, folded: &[ReadingInput], through: Instant) -> Engine {
    let mut memories = BTreeMap::new();
    for index in 0..engine.pairs().len() {
        let pair = engine.explain(index).unwrap();
        let stored = serde_json::to_value(pair.memory).unwrap();
        memories.insert(pair.pair.key, serde_json::from_value(stored).unwrap());
    }
    let mut fresh = Engine::new(bound());
    for reading in folded {
        fresh.recall(reading);
    }
    fresh.resume(&memories, folded.last().map_or(Seq(0), |reading| reading.seq), through);
    fresh
}

proptest! {
    #[test]
    fn restarts_and_ticks_change_nothing(
        steps in proptest::collection::vec((1_i64..4, 0_i64..200, 0_i64..40, 0_i64..60, any::<bool>(), any::<bool>()), 1..60)
    ) {
        let mut now = 0;
        let mut plain = Engine::new(bound());
        let mut broken = Engine::new(bound());
        let (mut one, mut other, mut folded) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (stream, gap, mm, age, restart, tick)) in steps.into_iter().enumerate() {
            now += gap;
            let input = reading(index as i64 + 1, stream, now - age, now, mm);
            plain.step(&Input::Reading(input.clone()), &mut one);
            if tick {
                broken.step(&Input::Tick(from_micros(now * MINUTE - MINUTE / 2)), &mut other);
            }
            broken.step(&Input::Reading(input.clone()), &mut other);
            folded.push(input);
            if restart {
                broken = resumed(&broken, &folded, from_micros(now * MINUTE));
            }
        }
        let end = Input::Tick(from_micros((now + 2000) * MINUTE));
        plain.step(&end, &mut one);
        broken.step(&end, &mut other);
        prop_assert_eq!(told(&one), told(&other));
        prop_assert_eq!(one, other);
    }
}
