//! A slope with two gauges and six days of showers, some of them with landslides.

use geo::{LineString, MultiPolygon, Point, Polygon};

use super::*;
use crate::backtest::events::{Event, Place};
use crate::backtest::run::{Period, run};
use crate::clock::from_micros;
use crate::engine::ReadingInput;
use crate::ids::{DatastreamId, Seq};
use crate::risk::control::Limits;
use crate::risk::network::{AreaSpec, Network, StreamSpec};
use crate::units::{Grade, Quality, Quantity, StreamKind};

const MINUTE: i64 = 60_000_000;
const RULE: &str = r#"
id = "slope"
version = 1
title = "Chuva"
hazard = "1.1.3.2.1"
[stations.gauges]
quantity = "rain"
within_km = 9.0
[[levels]]
level = "attention"
for_min = 20
clear_after_min = 60
any = [{ stations = "gauges", sum = "1h", at_least = "10 mm", clear_below = "5 mm" }]
[[levels]]
level = "alert"
clear_after_min = 120
any = [
  { stations = "gauges", sum = "1h", at_least = "30 mm", clear_below = "20 mm" },
  { stations = "gauges", sum = "24h", at_least = "80 mm", clear_below = "60 mm" },
]
"#;

fn stream(id: i64) -> StreamSpec {
    StreamSpec {
        id: DatastreamId(id),
        station_code: format!("G{id}"),
        station_name: format!("G{id}"),
        name: "rain".into(),
        point: Point::new(0.03f64.mul_add(id as f64, -43.4), -21.75),
        quantity: Quantity::Rain,
        kind: StreamKind::IntervalSum,
        interval: None,
        stale_after: 90 * MINUTE,
        limits: Limits::default(),
        counter: Default::default(),
        stages: Default::default(),
    }
}

fn area(id: i64) -> AreaSpec {
    let west = 0.03f64.mul_add(id as f64, -43.41);
    let ring = vec![(west, -21.76), (west + 0.02, -21.76), (west + 0.02, -21.74), (west, -21.74), (west, -21.76)];
    AreaSpec {
        id: AreaId(id),
        code: format!("a{id}"),
        name: format!("Área {id}"),
        polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])]),
        hazards: vec![("1.1.3.2.1".parse().unwrap(), Grade::R4)],
    }
}

/// Every half hour each gauge shows the shower of its day: the third is the hardest. Gauge 2 is away on the fifth day.
pub(crate) fn slope() -> Case {
    let mut readings = Vec::new();
    for step in 0..(6 * 48) {
        for gauge in 1..=2_i64 {
            let (day, of_day) = (step / 48, step % 48);
            if gauge == 2 && day == 4 {
                continue;
            }
            let peak = [4, 9, 30, 14, 20, 2][day as usize] + gauge;
            let mm = (peak - (of_day - 30_i64).abs() * 3).max(0);
            let at = from_micros((step * 30 + gauge) * MINUTE);
            readings.push(ReadingInput {
                seq: Seq(readings.len() as i64 + 1),
                datastream: DatastreamId(gauge),
                observed_at: at,
                received_at: at + chrono::TimeDelta::minutes(2),
                value: Fixed::from_whole(mm),
                quality: Quality::Pass,
                why: None,
                revises: None,
            });
        }
    }
    let event = |day: i64, half_hour: i64, area: i64| Event {
        at: from_micros((day * 48 + half_hour) * 30 * MINUTE),
        place: Place::Area(format!("a{area}")),
        cobrade: "1.1.3.2.1".parse().unwrap(),
        what: "deslizamento".into(),
        source: "teste".into(),
    };
    Case {
        title: "Encosta".into(),
        source: "teste".into(),
        time_zone: chrono_tz::UTC,
        network: Network {
            streams: vec![stream(1), stream(2)],
            areas: vec![area(1), area(2)],
            rules: vec![Rule::parse("slope.toml", RULE).unwrap()],
        },
        period: Period::of(&readings),
        readings,
        events: vec![event(2, 31, 1), event(2, 33, 2), event(3, 31, 1), event(0, 10, 2)],
    }
}

fn lead_max() -> LeadMax {
    LeadMax(chrono::TimeDelta::hours(12))
}

fn axes() -> Vec<Axis> {
    ["alert.1=10..60/6", "attention.1=5..20/4"].iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn an_axis_is_read_and_says_what_is_wrong_with_it() {
    let axis: Axis = "slope/alert.1=20..60/9".parse().unwrap();
    assert_eq!((axis.rule.as_str(), axis.address.as_str(), axis.steps), ("slope", "alert.1", 9));
    assert_eq!((axis.from, axis.to), (Fixed::from_whole(20), Fixed::from_whole(60)));
    assert_eq!("alert.1=0.5..2".parse::<Axis>().unwrap().steps, 10);
    for (text, told) in [
        ("alert.1", "there is no ="),
        ("alert.1=20", "has no .."),
        ("alert.1=60..20", "does not rise"),
        ("alert.1=a..b", "no number"),
        ("alert.1=1..2/1", "from 2 to 1000"),
    ] {
        let error = text.parse::<Axis>().unwrap_err().to_string();
        assert!(error.contains(told) && error.contains(text), "{error}");
    }
}

#[test]
fn a_threshold_that_is_not_there_is_told_with_those_that_are() {
    let rules = slope().network.rules;
    let axis: Axis = "maximum.1=20..60/9".parse().unwrap();
    let told = axis.find(&rules).unwrap_err().to_string();
    assert!(told.contains("slope/alert.1, slope/alert.2") && told.contains("maximum.1"), "{told}");
    let twice = vec![rules[0].clone(), Rule { id: "other".into(), ..rules[0].clone() }];
    let axis: Axis = "alert.1=20..60/9".parse().unwrap();
    assert!(axis.find(&twice).unwrap_err().to_string().contains("say which"));
}

#[test]
fn a_grid_holds_every_combination_and_both_ends() {
    let sets = grid(&axes()).unwrap();
    assert_eq!(sets.len(), 24);
    assert_eq!(sets[0], [Fixed::from_whole(10), Fixed::from_whole(5)]);
    assert_eq!(sets[1], [Fixed::from_whole(10), Fixed::from_whole(10)]);
    assert_eq!(sets[23], [Fixed::from_whole(60), Fixed::from_whole(20)]);
    let huge: Vec<Axis> = (1..=3).map(|n| format!("alert.{n}=1..2/100").parse().unwrap()).collect();
    assert!(grid(&huge).unwrap_err().to_string().contains("more than 100000"));
}

#[test]
fn a_draw_lies_within_its_ranges_and_depends_on_the_seed_alone() {
    let sets = random(&axes(), 200, 7);
    assert_eq!(sets, random(&axes(), 200, 7));
    assert_ne!(sets, random(&axes(), 200, 8));
    assert!(sets.iter().all(|set| axes().iter().zip(set).all(|(axis, value)| (axis.from..=axis.to).contains(value))));
}

#[test]
fn sets_side_by_side_in_one_engine_give_what_each_gives_alone() {
    let case = slope();
    let bound = case.network.clone().bind().unwrap().in_zone(case.time_zone);
    let axes = axes();
    let sets: Vec<Vec<Rule>> =
        grid(&axes).unwrap().iter().map(|set| rules_with(&case.network.rules, &axes, set).unwrap()).collect();
    let together = bridge::run_sets(&bound, &sets, &case.readings, case.period);
    let mut changes = 0;
    for (rules, lines) in sets.iter().zip(&together) {
        let network = Network { rules: rules.clone(), ..case.network.clone() };
        let alone = run(network.bind().unwrap().in_zone(case.time_zone), &case.readings, case.period);
        changes += alone.iter().map(|line| line.steps.len()).sum::<usize>();
        assert_eq!(*lines, alone);
    }
    assert!(changes > sets.len() * 6, "the storms move levels");
}

#[test]
fn a_sweep_gives_the_same_on_any_number_of_threads_and_in_the_order_of_its_sets() {
    let case = slope();
    let prepared = [Prepared::new(&case, lead_max()).unwrap()];
    let sets = grid(&axes()).unwrap();
    let mut told = Vec::new();
    let one = sweep(&prepared, &axes(), &sets, 1, |done| told.push(done)).unwrap();
    assert_eq!(told.last(), Some(&24));
    assert!(told.is_sorted());
    let four = sweep(&prepared, &axes(), &sets, 4, |_| ()).unwrap();
    assert_eq!(one, four);
    assert_eq!(one.iter().map(|result| result.values.clone()).collect::<Vec<_>>(), sets);
}

#[test]
fn a_higher_threshold_never_detects_more_and_never_alarms_more_falsely() {
    let case = slope();
    let prepared = [Prepared::new(&case, lead_max()).unwrap()];
    let axes = ["alert.1=4..60/15".parse().unwrap(), "alert.2=200..900/2".parse().unwrap()];
    let sets: Vec<Vec<Fixed>> = grid(&axes).unwrap().into_iter().filter(|set| set[1] == axes[1].to).collect();
    let results = sweep(&prepared, &axes, &sets, 2, |_| ()).unwrap();
    let alert = |result: &SetResult| result.scores.iter().find(|s| s.level == Level::Alert).cloned().unwrap();
    let scores: Vec<Score> = results.iter().map(alert).collect();
    assert!(scores.windows(2).all(|pair| pair[0].hits >= pair[1].hits));
    assert!(scores.windows(2).all(|pair| pair[0].false_alarms >= pair[1].false_alarms));
    assert!(scores[0].hits == 3 && scores[0].false_alarms > 0, "{:?}", scores[0]);
    assert_eq!((scores[14].hits, scores[14].misses), (2, 2), "only the hardest shower");
    let best_of_all = best(&results, "1.1.3.2.1".parse().unwrap(), Level::Alert, 0.0).unwrap();
    assert!(scores.iter().all(|score| score.csi <= scores[best_of_all].csi));
    assert_eq!(best(&results, "1.1.3.2.1".parse().unwrap(), Level::Alert, 1.0), None);
}
