//! Rule files read, refused and fitted.

use std::collections::BTreeMap;

use super::*;
use crate::risk::reason::MeasureKind;

const GOOD: &str = r#"
id = "slope"
version = 1
title = "Chuva"
hazard = "1.1.3.2.1"
grades = ["R3", "R4"]
[stations.gauges]
quantity = "rain"
within_km = 3.0
[[levels]]
level = "attention"
clear_after_min = 60
any = [{ stations = "gauges", sum = "1h", at_least = "2.5 cm", clear_below = "15 mm" }]
"#;

fn error_with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    Rule::parse("slope.toml", &GOOD.replace(from, to)).unwrap_err().to_string()
}

fn rule(text: &str) -> Rule {
    Rule::parse("rule.toml", text).unwrap_or_else(|error| panic!("{error} {:?}", error.at))
}

#[test]
fn thresholds_are_converted_to_the_canonical_unit() {
    let rule = rule(GOOD);
    let condition = &rule.levels[0].conditions[0];
    assert_eq!(condition.limit.at, Fixed::from_whole(25));
    assert_eq!((condition.measure.kind(), condition.measure.window_min()), (MeasureKind::Sum, Some(60)));
}

#[test]
fn errors_name_the_rule_the_key_and_what_was_expected() {
    assert_eq!(
        error_with("2.5 cm", "25 kg"),
        "rule slope: levels[0].any[0].at_least: \"25 kg\" does not fit rain; expected such as \"25 mm\""
    );
    assert!(error_with("sum = \"1h\"", "sum = \"97h\"").contains("expected 5min to 96h"));
    assert!(error_with("stations = \"gauges\"", "stations = \"rivers\"").contains("[stations] has gauges"));
    assert!(error_with("15 mm", "45 mm").contains("lies above at_least"));
    assert!(error_with("hazard = \"1.1.3.2.1\"", "hazard = \"9\"").contains("no COBRADE code"));
    assert!(error_with("clear_after_min", "clear_after").contains("clear_after"));
}

#[test]
fn every_mistake_is_told_with_its_line_and_column() {
    let text = GOOD
        .replace("2.5 cm", "25 kg")
        .replace("version = 1", "version = 0")
        .replace("within_km = 3.0", "within_km = 300.0");
    let told: Vec<(usize, usize, String)> =
        Rule::findings(&text).into_iter().map(|found| (found.line, found.column, found.place)).collect();
    assert_eq!(
        told,
        [
            (3, 11, "version".to_owned()),
            (9, 13, "stations.gauges.within_km".to_owned()),
            (13, 54, "levels[0].any[0].at_least".to_owned())
        ]
    );
    assert_eq!(Rule::findings("id = \n")[0].line, 1);
}

/// One level with these conditions over rain, a river, and the air.
fn with_level(level: &str) -> String {
    format!(
        "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.1.3.2.1'\n\
         [stations.rain]\nquantity = 'rain'\nwithin_km = 3.0\n\
         [stations.river]\nquantity = 'water_level'\nnamed = ['UP']\ntravel_min = 120\n\
         [stations.heat]\nderived = 'heat_index'\nwithin_km = 9.0\n\
         [[levels]]\nlevel = 'attention'\n{level}\n"
    )
}

#[test]
fn conditions_form_trees_and_what_stands_under_not_is_marked() {
    let text = with_level(
        "all = [{ any = [{ stations = 'rain', sum = '1h', at_least = '10 mm' }, { stations = 'rain', sum = '24h', at_least = '50 mm', name = 'dia' }] },\
         { not = { stations = 'river', latest = true, at_most = '1 m' } }]",
    );
    let rule = rule(&text);
    let level = &rule.levels[0];
    let Node::All(of) = &level.when else { panic!("{:?}", level.when) };
    assert_eq!(of[0], Node::Any(vec![Node::Leaf(0), Node::Leaf(1)]));
    assert_eq!(of[1], Node::Not(Box::new(Node::Leaf(2))));
    let negated: Vec<bool> = level.conditions.iter().map(|condition| condition.negated).collect();
    assert_eq!(negated, [false, false, true]);
    let addresses: Vec<String> = rule.dials().into_iter().map(|dial| dial.address).collect();
    assert_eq!(addresses, ["attention.1", "attention.dia", "attention.3"]);
}

#[test]
fn measures_that_make_no_sense_of_their_stations_are_refused() {
    for (condition, why) in [
        ("stations = 'river', sum = '1h', at_least = '1 m'", "does not add up"),
        ("stations = 'rain', above_stage = 'alert'", "stages are of water_level only"),
        ("stations = 'heat', max = '3h', at_least = '40 Cel'", "only the latest value is known"),
        ("stations = 'river', rate = '1h', at_least = '1 m/h'", "travel_min answer for latest"),
        ("stations = 'rain', sum = '1h', latest = true, at_least = '1 mm'", "exactly one of sum, latest"),
        ("stations = 'rain', sum = '1h', at_least = '1 mm', at_most = '2 mm'", "exactly one of at_least, at_most"),
        ("stations = 'rain', sum = '1h', at_most = '5 mm', clear_above = '4 mm'", "lies below at_most"),
        ("stations = 'rain', intensity_duration = { a = 20.0, b = 1.5, durations = ['1h'] }", "0 < b < 1"),
        ("stations = 'rain', antecedent = { days = 45, per_day = 0.85 }, at_least = '1 mm'", "expected 1 to 30"),
        ("stations = 'rain', sum = '1h', at_least = '1 mm', name = '2'", "is no name"),
    ] {
        let findings = Rule::findings(&with_level(&format!("any = [{{ {condition} }}]")));
        assert!(findings.iter().any(|found| found.message.contains(why)), "{condition}: {findings:?}");
    }
}

#[test]
fn the_curve_knows_the_depth_it_allows() {
    let text = with_level(
        "any = [{ stations = 'rain', intensity_duration = { a = 20.0, b = 0.5, durations = ['1h', '4h'] } }]",
    );
    let Measure::Curve(curve) = &rule(&text).levels[0].conditions[0].measure else { panic!() };
    let depths: Vec<i64> = curve.points.iter().map(|(_, depth)| depth.0).collect();
    assert_eq!(depths, [20_000_000, 40_000_000]);
}

#[test]
fn overrides_fit_by_grade_area_and_season_and_the_last_one_counts() {
    let text = GOOD.to_owned()
        + "[[overrides]]\ngrades = ['R4']\nfactor = 0.8\n\
           [[overrides]]\nareas = ['A1']\nthresholds = { 'attention.1' = '10 mm' }\n\
           [[overrides]]\nseason = { from = '12-01', to = '03-31' }\nfactor = 0.5\n";
    let rule = rule(&text);
    let limits = |area: &str, grade| {
        let fitted = rule.fitted(area, grade);
        let condition = fitted.levels[0].conditions[0].clone();
        (condition.limit.at.to_f64(), condition.limit.clear.to_f64(), condition.seasonal[0].1.at.to_f64())
    };
    assert_eq!(limits("A2", Grade::R3), (25.0, 15.0, 12.5));
    assert_eq!(limits("A2", Grade::R4), (20.0, 12.0, 10.0));
    assert_eq!(limits("A1", Grade::R4), (10.0, 6.0, 5.0));
}

#[test]
fn an_override_of_a_threshold_that_is_not_there_names_those_that_are() {
    let text = GOOD.to_owned() + "[[overrides]]\nareas = ['A1']\nthresholds = { 'alert.1' = '10 mm' }\n";
    assert!(Rule::findings(&text)[0].message.ends_with("it has attention.1"));
}

#[test]
fn turning_a_dial_moves_its_clear_threshold_in_proportion() {
    let rule = rule(GOOD);
    let turned = rule.turned(&BTreeMap::from([("attention.1".to_owned(), Fixed::from_whole(50))])).unwrap();
    assert_eq!(turned.levels[0].conditions[0].limit, Limit { at: Fixed::from_whole(50), clear: Fixed::from_whole(30) });
    assert!(rule.turned(&BTreeMap::from([("alert.9".to_owned(), Fixed(1))])).is_err());
}

#[test]
fn tests_of_a_rule_are_bounded_together() {
    let test =
        "[[tests]]\nname = 'x'\nevery = '10min'\nseries = { gauges = '0x20000' }\nexpect = { '1h' = 'normal' }\n";
    assert!(Rule::findings(&(GOOD.to_owned() + &test.repeat(2))).is_empty());
    let findings = Rule::findings(&(GOOD.to_owned() + &test.repeat(3)));
    assert!(findings[0].message.contains("60000 steps together"), "{findings:?}");
}
