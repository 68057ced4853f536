//! Stories of one slope with two gauges, and the property that restarts change nothing.

mod reference;
mod trust;

use std::collections::BTreeMap;

use geo::{LineString, MultiPolygon, Point, Polygon};
use proptest::prelude::*;

use super::*;
use crate::clock::from_micros;
use crate::ids::AreaId;
use crate::risk::control::{Defaults, Flag, Limits, Overrides, Test};
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
        name: "rain".into(),
        point: Point::new(lon, -21.75),
        quantity: Quantity::Rain,
        kind: StreamKind::IntervalSum,
        interval: None,
        stale_after: 150 * MINUTE,
        limits: Limits::default(),
        counter: Default::default(),
        stages: Default::default(),
    }
}

fn area() -> AreaSpec {
    let ring = [(-43.40, -21.76), (-43.38, -21.76), (-43.38, -21.74), (-43.40, -21.74), (-43.40, -21.76)];
    AreaSpec {
        id: AreaId(1),
        code: "slope".into(),
        name: "Encosta".into(),
        polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring.to_vec()), vec![])]),
        hazards: vec![("1.1.3.2.1".parse().unwrap(), Grade::R4)],
    }
}

fn bound() -> Bound {
    let area = area();
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
        why: None,
        revises: None,
    }
}

/// "minute from→to" for every change.
fn told(effects: &[Effect]) -> Vec<String> {
    let changes = effects.iter().filter_map(|effect| match effect {
        Effect::LevelChanged(t) => Some(format!("{} {}→{}", t.at.timestamp_micros() / MINUTE, t.from, t.to)),
        Effect::Told(_) | Effect::Flagged(_) => None,
    });
    changes.collect()
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
    // At first its last hour is as good as untold; from the thirtieth minute on it is clear, for an hour.
    assert_eq!(run(&storm, 391), ["0 unknown→alert", "150 alert→unknown", "300 unknown→alert", "390 alert→normal"]);
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
    assert_eq!(told(&effects), Vec::<String>::new(), "one reading is not the whole last hour");
    engine.step(&Input::Reading(reading(3, 1, 620, 620, 0)), &mut effects);
    assert_eq!(told(&effects), ["620 unknown→normal"]);
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

/// An engine that was stopped after `folded` and started again, with what the database gives back: the readings with the
/// quality that they were left with.
fn resumed(net: Bound, engine: &Engine, folded: &[ReadingInput], told: &[Effect], through: Instant) -> Engine {
    let mut memories = BTreeMap::new();
    for index in 0..engine.pairs().len() {
        let pair = engine.explain(index).unwrap();
        let stored = serde_json::to_value(pair.memory).unwrap();
        memories.insert(pair.pair.key, serde_json::from_value(stored).unwrap());
    }
    let flags: Vec<&Flag> = told
        .iter()
        .filter_map(|effect| if let Effect::Flagged(flag) = effect { Some(&**flag) } else { None })
        .collect();
    let mut fresh = Engine::new(net);
    let mut by_stream: Vec<ReadingInput> = folded.to_vec();
    by_stream.sort_by_key(|reading| (reading.datastream, reading.seq));
    for mut reading in by_stream {
        let own = flags.iter().filter(|flag| flag.seq == reading.seq);
        let (back, stood): (Vec<&&Flag>, Vec<&&Flag>) = own.partition(|flag| flag.why.test() == Test::Spike);
        if let Some(flag) = stood.iter().max_by_key(|flag| (flag.quality, std::cmp::Reverse(flag.why.test()))) {
            (reading.quality, reading.why) = (flag.quality, Some(Box::new(flag.why.clone())));
        }
        fresh.recall(&reading, back.first().map(|flag| flag.quality));
    }
    fresh.resume(&memories, folded.last().map_or(Seq(0), |reading| reading.seq), through);
    fresh
}

/// A reading of stream `s` of `net` at each step: the same told straight, and with restarts and ticks in between.
fn straight_and_broken(net: &Bound, steps: &[(ReadingInput, bool, bool)]) -> (Vec<Effect>, Vec<Effect>) {
    let (mut plain, mut broken) = (Engine::new(net.clone()), Engine::new(net.clone()));
    let (mut one, mut other, mut folded) = (Vec::new(), Vec::new(), Vec::new());
    let mut now = Instant::default();
    for (input, restart, tick) in steps {
        now = input.received_at;
        plain.step(&Input::Reading(input.clone()), &mut one);
        if *tick {
            broken.step(&Input::Tick(now - chrono::TimeDelta::seconds(30)), &mut other);
        }
        broken.step(&Input::Reading(input.clone()), &mut other);
        folded.push(input.clone());
        if *restart {
            broken = resumed(net.clone(), &broken, &folded, &other, now);
        }
    }
    let end = Input::Tick(now + chrono::TimeDelta::minutes(2000));
    plain.step(&end, &mut one);
    broken.step(&end, &mut other);
    (one, other)
}

proptest! {
    #[test]
    fn restarts_and_ticks_change_nothing(
        steps in proptest::collection::vec((1_i64..4, 0_i64..200, 0_i64..40, 0_i64..60, any::<bool>(), any::<bool>()), 1..60)
    ) {
        let mut now = 0;
        let steps: Vec<_> = steps.into_iter().enumerate().map(|(index, (stream, gap, mm, age, restart, tick))| {
            now += gap;
            (reading(index as i64 + 1, stream, now - age, now, mm), restart, tick)
        }).collect();
        let (one, other) = straight_and_broken(&bound(), &steps);
        prop_assert_eq!(told(&one), told(&other));
        prop_assert_eq!(one, other);
    }

    /// Readings of a river that jumps, stands still and is told late, and of gauges that are dry among wet ones.
    #[test]
    fn restarts_and_ticks_change_no_flag(
        steps in proptest::collection::vec((1_i64..6, 1_i64..90, 0_i64..4, 0_i64..3, any::<bool>(), any::<bool>()), 1..80)
    ) {
        let mut now = 0;
        let steps: Vec<_> = steps.into_iter().enumerate().map(|(index, (stream, gap, value, age, restart, tick))| {
            now += gap;
            (reading(index as i64 + 1, stream, now - age * 7, now, value * value), restart, tick)
        }).collect();
        let (one, other) = straight_and_broken(&controlled(), &steps);
        prop_assert_eq!(one, other);
    }
}

/// Five streams under tight limits, all feeding one slope: 1 and 2 are rivers, the others gauges.
fn controlled() -> Bound {
    let rule = RULE.replace("within_km = 3.0", "within_km = 9.0").replace("[[levels]]\nlevel = \"attention\"", "[stations.doubtful]\nquantity = \"rain\"\nwithin_km = 9.0\nsuspect = true\n[stations.rivers]\nquantity = \"water_level\"\nwithin_km = 9.0\nmin_fresh = 1\n[[levels]]\nlevel = \"observation\"\nany = [{ stations = \"rivers\", latest = true, at_least = \"3 m\" }, { stations = \"doubtful\", sum = \"1h\", at_least = \"5 mm\" }]\n[[levels]]\nlevel = \"attention\"");
    let limits = Defaults::parse(
        "[water_level]\nspike = { suspect = 2, fail = 6 }\nrate = { suspect = 20, fail = 60 }\nflat = { suspect_h = 2, fail_h = 6 }\n\
         [rain]\nflat = { suspect_h = 1, fail_h = 4, ignore = [0.0] }\n\
         neighbours = { within_km = 9, at_least = 1, window_h = 3, median = 4, share = 0.1 }",
    )
    .unwrap();
    let streams = (1..=5).map(|id| {
        let quantity = if id <= 2 { Quantity::WaterLevel } else { Quantity::Rain };
        let kind = if id <= 2 { StreamKind::Instantaneous } else { StreamKind::IntervalSum };
        let limits = limits.of(quantity, &Overrides::default());
        StreamSpec { quantity, kind, limits, ..stream(id, -43.39 + 0.005 * id as f64) }
    });
    let base = area();
    Network {
        streams: streams.collect(),
        areas: vec![base],
        rules: vec![Rule::parse("controlled.toml", &rule).unwrap()],
    }
    .bind()
    .unwrap()
}

/// "minute stream test quality" for every flag.
fn doubted(effects: &[Effect]) -> Vec<String> {
    let flags = effects.iter().filter_map(|effect| match effect {
        Effect::Flagged(flag) => {
            let minute = flag.observed_at.timestamp_micros() / MINUTE;
            Some(format!("{minute} {} {} {}", flag.datastream, flag.why.test(), flag.quality))
        }
        Effect::LevelChanged(_) | Effect::Told(_) => None,
    });
    flags.collect()
}

fn under_control(readings: &[(i64, i64, i64)]) -> Vec<Effect> {
    let mut engine = Engine::new(controlled());
    let mut effects = Vec::new();
    for (index, (stream, minute, value)) in readings.iter().enumerate() {
        engine.step(&Input::Reading(reading(index as i64 + 1, *stream, *minute, *minute, *value)), &mut effects);
    }
    effects
}

#[test]
fn a_spike_is_taken_back_when_the_next_reading_tells() {
    // Gauge 3 keeps the area in sight.
    let effects = under_control(&[(3, 0, 0), (1, 10, 1), (1, 30, 6), (1, 50, 1)]);
    assert_eq!(doubted(&effects), ["30 1 spike suspect"]);
    assert_eq!(told(&effects), ["10 unknown→normal", "30 normal→observation", "50 observation→normal"]);
}

#[test]
fn a_jump_that_no_river_makes_raises_nothing() {
    let effects = under_control(&[(3, 0, 0), (1, 10, 1), (1, 15, 9)]);
    assert_eq!(doubted(&effects), ["15 1 rate fail"]);
    assert_eq!(told(&effects), ["10 unknown→normal"]);
}

#[test]
fn a_gauge_that_is_dry_among_wet_ones_vouches_for_nothing_and_a_rule_may_read_it_all_the_same() {
    // Gauge 3 stays at nothing; gauge 4 has 4 mm an hour and more.
    let mut readings = vec![(1, 0, 1)];
    for step in 0..20 {
        readings.push((4, step * 20, 4 + step % 3));
        readings.push((3, step * 20 + 1, 0));
    }
    let effects = under_control(&readings);
    let first = doubted(&effects).into_iter().find(|flag| flag.contains("neighbours"));
    assert_eq!(
        first.as_deref(),
        Some("201 3 neighbours suspect"),
        "once it reaches back over the three hours that are compared"
    );
    assert!(!doubted(&effects).iter().any(|flag| flag.contains(" 4 neighbours")), "the wet one is believed");
}

#[test]
fn what_stands_still_is_doubted_and_then_thrown_away() {
    let readings: Vec<_> = (0..=24).map(|step| (1, step * 15, 2)).collect();
    let told = doubted(&under_control(&readings));
    assert_eq!(told.first().map(String::as_str), Some("120 1 flat_line suspect"));
    assert_eq!(told.last().map(String::as_str), Some("360 1 flat_line fail"));
}

/// The network of [`bound`] with counters for gauges.
fn counters() -> Bound {
    let mut net = bound();
    for spec in &mut net.streams {
        (spec.kind, spec.interval) = (StreamKind::CumulativeCounter, None);
        spec.counter = crate::risk::counter::Counter::of(Quantity::Rain, None);
    }
    net
}

fn counted(readings: &[(i64, i64, i64)], until: i64) -> Vec<String> {
    let mut engine = Engine::new(counters());
    let mut effects = Vec::new();
    for (index, (stream, minute, shown)) in readings.iter().enumerate() {
        engine.step(&Input::Reading(reading(index as i64 + 1, *stream, *minute, *minute, *shown)), &mut effects);
    }
    engine.step(&Input::Tick(from_micros(until * MINUTE)), &mut effects);
    told(&effects)
}

#[test]
fn a_counter_that_comes_back_after_ten_hours_raises_nothing_for_the_last_one() {
    // 70 mm in ten hours of silence: nobody can say that they fell in one, nor that they did not.
    assert_eq!(counted(&[(1, 0, 100), (1, 600, 170)], 601), ["0 unknown→normal", "150 normal→unknown"]);
    // 2 mm in the same time are harmless however they fell.
    assert_eq!(
        counted(&[(1, 0, 100), (1, 600, 102)], 601),
        ["0 unknown→normal", "150 normal→unknown", "600 unknown→normal"]
    );
    // What is measured afterwards is danger enough by itself.
    let told = counted(&[(1, 0, 100), (1, 600, 170), (1, 610, 215)], 611);
    assert_eq!(told, ["0 unknown→normal", "150 normal→unknown", "610 unknown→alert"]);
}

proptest! {
    #[test]
    fn restarts_and_ticks_change_nothing_of_counters(
        steps in proptest::collection::vec((1_i64..4, 0_i64..200, 0_i64..9, 0_i64..60, any::<bool>(), any::<bool>()), 1..60)
    ) {
        let (mut now, mut shown) = (0, [0; 4]);
        let steps: Vec<_> = steps.into_iter().enumerate().map(|(index, (stream, gap, mm, age, restart, tick))| {
            now += gap;
            shown[stream as usize] = (shown[stream as usize] + mm * mm) % 500;
            (reading(index as i64 + 1, stream, now - age, now, shown[stream as usize]), restart, tick)
        }).collect();
        let (one, other) = straight_and_broken(&counters(), &steps);
        prop_assert_eq!(one, other);
    }
}
