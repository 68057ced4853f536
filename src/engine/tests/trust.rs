//! What is not told is neither nothing nor all clear.

use super::*;

/// A rule for the slope out of its levels.
fn slope(levels: &str) -> String {
    let (head, _) = RULE.split_once("[[levels]]").unwrap();
    format!("{head}{levels}")
}

/// "minute from→to" of every change, and what alerts follow in the end.
fn story(net: Bound, readings: &[(i64, i64, i64)], until_min: i64) -> (Vec<String>, Level) {
    let mut engine = Engine::new(net);
    let mut effects = Vec::new();
    for (index, (stream, minute, value)) in readings.iter().enumerate() {
        engine.step(&Input::Reading(reading(index as i64 + 1, *stream, *minute, *minute, *value)), &mut effects);
    }
    engine.step(&Input::Tick(from_micros(until_min * MINUTE)), &mut effects);
    (told(&effects), engine.memory(0).unwrap().told())
}

fn net(rule: &str, kind: StreamKind) -> Bound {
    let mut gauge = StreamSpec { kind, ..stream(1, -43.39) };
    if kind == StreamKind::Instantaneous {
        gauge.quantity = Quantity::WaterLevel;
    }
    let rules = vec![Rule::parse("trust.toml", rule).unwrap()];
    Network { streams: vec![gauge], areas: vec![area()], rules }.bind().unwrap()
}

#[test]
fn half_a_day_without_readings_is_no_dry_day() {
    let rule =
        slope("[[levels]]\nlevel = \"alert\"\nany = [{ stations = \"gauges\", sum = \"24h\", at_least = \"100 mm\" }]");
    let before = (0..72).map(|step| (1, step * 10, 0));
    // Silent from noon to half past one in the night; what fell meanwhile nobody knows.
    let after = |until: i64| (0..).map(|step| (1, 1530 + step * 10, 0)).take_while(move |(_, at, _)| *at <= until);
    let told: Vec<_> = before.chain(after(1530 + 200)).collect();
    let (changes, _) = story(net(&rule, StreamKind::IntervalSum), &told, 1740);
    // Unknown from its silence on, and from its return until half of the last day is told again.
    assert_eq!(changes, ["0 unknown→normal", "860 normal→unknown"], "{:?}", told.last());
    let told: Vec<_> = (0..72).map(|step| (1, step * 10, 0)).chain(after(1530 + 800)).collect();
    let (changes, _) = story(net(&rule, StreamKind::IntervalSum), &told, 2331);
    assert_eq!(changes.last().map(String::as_str), Some("2250 unknown→normal"));
}

#[test]
fn one_condition_that_cannot_be_told_yet_is_not_hidden_by_another_that_says_no() {
    let rule = slope(
        "[[levels]]\nlevel = \"attention\"\nany = [{ stations = \"gauges\", sum = \"1h\", at_least = \"25 mm\" }, \
         { stations = \"gauges\", sum = \"24h\", at_least = \"50 mm\", clear_below = \"20 mm\" }]",
    );
    // 28 mm in three hours of silence: they may have fallen in the last.
    let (changes, _) = story(net(&rule, StreamKind::CumulativeCounter), &[(1, 0, 0), (1, 10, 0), (1, 190, 28)], 191);
    assert_eq!(changes, ["0 unknown→normal", "160 normal→unknown"]);
    let (changes, _) = story(net(&rule, StreamKind::CumulativeCounter), &[(1, 0, 0), (1, 10, 0), (1, 190, 19)], 191);
    assert_eq!(changes, ["0 unknown→normal", "160 normal→unknown", "190 unknown→normal"]);
}

const RIVER: &str = "id = \"river\"\nversion = 1\ntitle = \"Rio\"\nhazard = \"1.1.3.2.1\"\n[stations.river]\nquantity = \"water_level\"\n\
    within_km = 3.0\n[[levels]]\nlevel = \"observation\"\nany = [{ stations = \"river\", latest = true, at_least = \"2 m\" }]\n";

#[test]
fn a_level_does_not_end_because_its_rate_cannot_be_told_yet() {
    let rule = format!(
        "{RIVER}[[levels]]\nlevel = \"alert\"\nany = [{{ stations = \"river\", rate = \"1h\", at_least = \"1 m/h\" }}]\n"
    );
    let rising = [(1, 0, 1), (1, 30, 2), (1, 60, 3)];
    let back = [(1, 0, 1), (1, 30, 2), (1, 60, 3), (1, 240, 3)];
    let (changes, _) = story(net(&rule, StreamKind::Instantaneous), &rising, 61);
    assert_eq!(changes, ["30 unknown→alert"]);
    let (changes, _) = story(net(&rule, StreamKind::Instantaneous), &back, 241);
    let returned = ["30 unknown→alert", "210 alert→unknown", "240 unknown→alert"];
    assert_eq!(changes, returned, "one reading after hours of silence tells no rate");
    let calm = [(1, 0, 1), (1, 30, 2), (1, 60, 3), (1, 240, 3), (1, 270, 3)];
    let (changes, _) = story(net(&rule, StreamKind::Instantaneous), &calm, 271);
    assert_eq!(changes.last().map(String::as_str), Some("270 alert→observation"));
}

#[test]
fn an_area_whose_higher_level_nobody_can_judge_is_not_normal() {
    let rule = format!(
        "{RIVER}[[levels]]\nlevel = \"alert\"\nany = [{{ stations = \"river\", above_stage = \"alert\", at_least = \"0 m\" }}]\n"
    );
    let (changes, _) = story(net(&rule, StreamKind::Instantaneous), &[(1, 0, 1), (1, 10, 1)], 11);
    assert_eq!(changes, Vec::<String>::new(), "the gauge has no stages");
    let (changes, _) = story(net(&rule, StreamKind::Instantaneous), &[(1, 0, 1), (1, 10, 3)], 11);
    assert_eq!(changes, ["10 unknown→observation"]);
}

#[test]
fn what_quiet_hours_held_back_is_told_when_another_version_has_none() {
    let hours = "quiet_hours = { from = \"00:00\", to = \"23:59\", up_to = \"attention\" }\n[stations.gauges]";
    let quiet = RULE.replace("[stations.gauges]", hours);
    let mut engine = Engine::new(net(&quiet, StreamKind::IntervalSum));
    let mut effects = Vec::new();
    engine.step(&Input::Reading(reading(1, 1, 0, 0, 30)), &mut effects);
    engine.step(&Input::Tick(from_micros(6 * MINUTE)), &mut effects);
    let memory = engine.memory(0).unwrap().clone();
    assert_eq!((memory.known, memory.told()), (Level::Attention, Level::Normal));
    let mut later = Engine::new(net(RULE, StreamKind::IntervalSum));
    let key = later.pairs()[0].key;
    later.recall(&reading(1, 1, 0, 0, 30), None);
    later.resume(&BTreeMap::from([(key, memory)]), Seq(1), from_micros(6 * MINUTE));
    effects.clear();
    later.step(&Input::Tick(from_micros(7 * MINUTE)), &mut effects);
    assert!(matches!(effects.as_slice(), [Effect::Told(told)] if told.known == Level::Attention), "{effects:?}");
}

#[test]
fn a_lower_level_that_takes_longer_to_clear_stands_on() {
    let rule = RULE.replace("clear_after_min = 30", "clear_after_min = 180");
    let storm: Vec<_> = [(1, 0, 45)].into_iter().chain((1..40).map(|step| (1, step * 10, 0))).collect();
    let (changes, _) = story(net(&rule, StreamKind::IntervalSum), &storm, 391);
    assert_eq!(changes, ["0 unknown→alert", "120 alert→attention", "300 attention→normal"]);
}
