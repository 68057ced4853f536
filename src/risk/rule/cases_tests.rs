//! What rules say, told in the words of their own tests: each story is a rule file with its expectations.

use chrono_tz::Tz;

use super::*;
use crate::risk::explain::{Branch, Explanation};
use crate::units::{Level, Quantity};

/// Plays the tests of a rule: the stations, the levels, and the tests as they are written in a file.
fn play(stations: &str, levels: &str, tests: &str) -> Vec<cases::CaseOutcome> {
    let text = format!(
        "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.1.3.2.1'\n{}\n{levels}\n{tests}",
        if stations.contains('[') {
            stations.to_owned()
        } else {
            format!("[stations.s]\n{stations}\nwithin_km = 5.0\n")
        }
    );
    let rule = Rule::parse("r", &text).unwrap_or_else(|error| panic!("{error} {:?}\n{text}", error.at));
    rule.try_cases(Tz::America__Sao_Paulo)
}

fn holds(stations: &str, levels: &str, tests: &str) {
    let outcomes = play(stations, levels, tests);
    assert!(!outcomes.is_empty());
    for outcome in outcomes {
        let told: Vec<_> = outcome.rows.iter().map(|row| (row.minutes, row.expected, row.got)).collect();
        assert!(outcome.passed(), "{}: (minutes, expected, got) {told:?}", outcome.name);
    }
}

fn level(word: &str, rest: &str) -> String {
    format!("[[levels]]\nlevel = '{word}'\n{rest}\n")
}

fn test(every: &str, series: &str, expect: &str) -> String {
    format!("[[tests]]\nname = 'x'\nevery = '{every}'\nseries = {{ {series} }}\nexpect = {{ {expect} }}\n")
}

#[test]
fn all_of_several_conditions_must_hold_at_once() {
    let both = level(
        "attention",
        "all = [{ stations = 's', sum = '1h', at_least = '20 mm' }, { stations = 's', sum = '6h', at_least = '50 mm' }]",
    );
    holds(
        "quantity = 'rain'",
        &both,
        &test("1h", "s = '25 10 10 15 25'", "'1h' = 'normal', '4h' = 'normal', '5h' = 'attention'"),
    );
}

#[test]
fn not_and_k_of_n_judge_by_what_is_known() {
    let dry = level(
        "attention",
        "all = [{ stations = 's', sum = '1h', at_least = '5 mm' }, { not = { stations = 's', sum = '24h', at_least = '40 mm' } }]",
    );
    holds(
        "quantity = 'rain'",
        &dry,
        &test("1h", "s = '0 6 30 30'", "'1h' = 'normal', '2h' = 'attention', '3h' = 'attention', '4h' = 'normal'"),
    );
    let two = level(
        "attention",
        "k = 2\nof = [{ stations = 's', sum = '1h', at_least = '20 mm' }, { stations = 's', sum = '3h', at_least = '30 mm' }, { stations = 's', sum = '24h', at_least = '100 mm' }]",
    );
    holds(
        "quantity = 'rain'",
        &two,
        &test("1h", "s = '20 5 20'", "'1h' = 'normal', '2h' = 'normal', '3h' = 'attention'"),
    );
}

#[test]
fn danger_may_lie_below() {
    let dry = level("attention", "any = [{ stations = 's', latest = true, at_most = '20 %', clear_above = '30 %' }]");
    holds(
        "quantity = 'relative_humidity'",
        &dry,
        &test(
            "1h",
            "s = '50 20 28 31', 's.2' = '60x4'",
            "'1h' = 'normal', '2h' = 'attention', '3h' = 'attention', '4h' = 'normal'",
        ),
    );
}

#[test]
fn a_level_stands_for_its_time() {
    let stays = level("attention", "stay_min = 180\nany = [{ stations = 's', sum = '1h', at_least = '20 mm' }]");
    holds(
        "quantity = 'rain'",
        &stays,
        &test("1h", "s = '20 0x6'", "'1h' = 'attention', '3h59min' = 'attention', '4h' = 'normal'"),
    );
}

#[test]
fn out_of_its_season_a_level_says_nothing_and_an_area_without_a_rule_in_force_is_unknown() {
    let winter = level(
        "attention",
        "any = [{ stations = 's', sum = '1h', at_least = '20 mm' }]\nseason = { from = '06-01', to = '08-31' }",
    );
    let at = |start: &str, expect: &str| {
        test("1h", "s = '30x3'", expect).replace("[[tests]]", &format!("[[tests]]\nstart = '{start}'"))
    };
    holds("quantity = 'rain'", &winter, &at("2026-07-01T10:00:00-03:00", "'1h' = 'attention'"));
    holds("quantity = 'rain'", &winter, &at("2026-01-01T10:00:00-03:00", "'1h' = 'unknown'"));
    // The season ends at midnight, local time.
    holds("quantity = 'rain'", &winter, &at("2026-08-31T22:00:00-03:00", "'1h59min' = 'attention', '2h' = 'unknown'"));
}

#[test]
fn a_threshold_of_the_season_replaces_the_years() {
    let level = level("attention", "any = [{ stations = 's', sum = '1h', at_least = '40 mm' }]")
        + "[[overrides]]\nseason = { from = '12-01', to = '03-31' }\nthresholds = { 'attention.1' = '20 mm' }\n";
    let at = |start: &str, expect: &str| {
        test("1h", "s = '25'", expect).replace("[[tests]]", &format!("[[tests]]\nstart = '{start}'"))
    };
    holds("quantity = 'rain'", &level, &at("2026-01-10T00:00:00-03:00", "'1h' = 'attention'"));
    holds("quantity = 'rain'", &level, &at("2026-05-10T00:00:00-03:00", "'1h' = 'normal'"));
}

#[test]
fn water_from_upstream_counts_until_it_has_come_by() {
    let up = "[stations.up]\nquantity = 'water_level'\nnamed = ['UP']\ntravel_min = 180\n";
    let rule = level("alert", "any = [{ stations = 'up', latest = true, at_least = '4 m', clear_below = '3.5 m' }]");
    let tests = test("1h", "up = '2 4.5 2x6'", "'1h' = 'normal', '2h' = 'alert', '4h' = 'alert', '5h' = 'normal'");
    holds(up, &rule, &tests);
    let outcome = play(up, &rule, &test("1h", "up = '2 4.5 2'", "'3h' = 'alert'")).remove(0);
    let found = outcome.rows[0].explanation.clone().unwrap();
    let Branch::Any { of, .. } = &found.levels[0].tree else { panic!() };
    let Branch::Condition(reason) = &of[0] else { panic!() };
    // Measured at the second hour, three hours away.
    assert_eq!(reason.arrives_at.map(|at| (at - found.at).num_minutes()), Some(120));
}

#[test]
fn a_curve_is_reached_by_any_of_its_durations() {
    let curve = level(
        "attention",
        "any = [{ stations = 's', intensity_duration = { a = 20.0, b = 0.5, durations = ['1h', '4h'] }, clear_below = '0.5' }]",
    );
    // 20 mm in one hour, or 40 mm in four.
    holds("quantity = 'rain'", &curve, &test("1h", "s = '19'", "'1h' = 'normal'"));
    holds("quantity = 'rain'", &curve, &test("1h", "s = '20'", "'1h' = 'attention'"));
    holds("quantity = 'rain'", &curve, &test("1h", "s = '10 10 10 10'", "'3h' = 'normal', '4h' = 'attention'"));
}

#[test]
fn antecedent_rain_fades_by_the_day() {
    let index =
        level("attention", "any = [{ stations = 's', antecedent = { days = 10, per_day = 0.8 }, at_least = '50 mm' }]");
    let tests = test("1d", "s = '30 30'", "'1d' = 'normal', '2d' = 'attention'")
        + &test("1d", "s = '30 0 30'", "'3d' = 'normal'");
    holds("quantity = 'rain'", &index, &tests);
    // 30 + 0.8 · 30 = 54; two days apart 30 + 0.64 · 30 = 49.2.
}

#[test]
fn an_index_of_weeks_holds_what_fell_weeks_ago() {
    let index = level(
        "attention",
        "any = [{ stations = 's', antecedent = { days = 30, per_day = 0.95 }, at_least = '30 mm' }]",
    );
    // 100 mm fade to 100 · 0.95^20 = 35.8 in twenty days and to 27.7 in twenty-five, read every ten minutes meanwhile.
    holds("quantity = 'rain'", &index, &test("10min", "s = '100 0x3744'", "'20d' = 'attention', '25d' = 'normal'"));
}

#[test]
fn extremes_and_means_look_at_the_whole_window() {
    let rule = |measure: &str| {
        level("attention", &format!("any = [{{ stations = 's', {measure} = '3h', at_least = '10 m/s' }}]"))
    };
    let wind = "quantity = 'wind_gust'";
    holds(wind, &rule("max"), &test("1h", "s = '12 1 1 1'", "'1h' = 'attention', '3h' = 'attention', '4h' = 'normal'"));
    holds(wind, &rule("min"), &test("1h", "s = '9 12 12 12'", "'3h' = 'normal', '4h' = 'attention'"));
    holds(
        wind,
        &rule("mean"),
        &test("1h", "s = '4 13 13 13'", "'1h' = 'normal', '3h' = 'attention', '4h' = 'attention'"),
    );
}

#[test]
fn a_stage_is_that_of_the_station() {
    let river = "[stations.s]\nquantity = 'water_level'\ninside = true\n";
    let rule = level("alert", "any = [{ stations = 's', above_stage = 'alert', clear_below = '-0.3 m' }]");
    let tests = test("1h", "s = '3 3.2 3 2.8'", "'1h' = 'normal', '2h' = 'alert', '3h' = 'alert', '4h' = 'normal'")
        + "stages = { alert = '3.2 m' }\n";
    holds(river, &rule, &tests);
    // Nobody knows the stage: nobody knows the level.
    holds(river, &rule, &test("1h", "s = '9'", "'1h' = 'unknown'"));
}

#[test]
fn heat_is_felt_with_humidity_and_silence_of_either_blinds() {
    let heat = "[stations.s]\nderived = 'heat_index'\ninside = true\n";
    let rule = level("attention", "any = [{ stations = 's', latest = true, at_least = '40 Cel' }]");
    let tests = test(
        "1h",
        "'s:air_temperature' = '34x6', 's:relative_humidity' = '40 65 _x4'",
        "'1h' = 'normal', '2h' = 'attention', '5h30min' = 'unknown'",
    );
    holds(heat, &rule, &tests);
}

#[test]
fn several_stations_make_one_value_as_the_rule_says() {
    let sum = level("attention", "any = [{ stations = 's', sum = '1h', at_least = '20 mm' }]");
    for (how, expect) in [("k = 1", "attention"), ("k = 2", "normal"), ("combine = 'mean'", "normal")] {
        let stations = format!("quantity = 'rain'\n{how}");
        holds(&stations, &sum, &test("1h", "s = '30', 's.2' = '5'", &format!("'1h' = '{expect}'")));
    }
    for how in ["mean", "inverse_distance", "thiessen"] {
        let stations = format!("quantity = 'rain'\ncombine = '{how}'");
        holds(&stations, &sum, &test("1h", "s = '30', 's.2' = '20'", "'1h' = 'attention'"));
    }
}

#[test]
fn reports_and_warnings_of_others_raise_and_blind_nothing() {
    let stations = "[stations.s]\nquantity = 'rain'\ninside = true\n[stations.people]\nquantity = 'reports'\ninside = true\n\
                    [stations.others]\nquantity = 'warnings'\ninside = true\n";
    let rule = level(
        "attention",
        "any = [{ stations = 's', sum = '1h', at_least = '20 mm' }, { stations = 'people', sum = '1h', at_least = '1.5' }, { stations = 'others', latest = true, at_least = '3' }]",
    );
    holds(stations, &rule, &test("10min", "s = '0x6'", "'1h' = 'normal'"));
    holds(
        stations,
        &rule,
        &test("10min", "s = '0x6', people = '0.8 0.8'", "'10min' = 'normal', '20min' = 'attention'"),
    );
    holds(
        stations,
        &rule,
        &test("10min", "s = '0x6', others = '2 3 0'", "'10min' = 'normal', '20min' = 'attention', '30min' = 'normal'"),
    );
}

fn explained(levels: &str, series: &str) -> Explanation {
    let mut outcome = play("quantity = 'rain'", levels, &test("10min", series, "'2h' = 'normal'")).remove(0);
    outcome.rows.remove(0).explanation.unwrap()
}

#[test]
fn the_margin_counts_what_leaves_the_window_in_the_next_hour() {
    let rule = level("attention", "any = [{ stations = 's', sum = '2h', at_least = '30 mm' }]");
    // 6 mm in the first hour, 12 in the second: in an hour only the 12 are left.
    let found = explained(&rule, "s = '1x6 2x6'");
    let margin = found.margin.unwrap();
    assert_eq!(
        (margin.level, margin.missing[0].amount, margin.missing[0].within_min),
        (Level::Attention, Fixed::from_whole(18), Some(60))
    );
    assert_eq!(margin.missing[0].quantity, Quantity::Rain);
}

#[test]
fn the_margin_takes_the_way_that_needs_least() {
    let rule = level(
        "attention",
        "any = [{ stations = 's', sum = '1h', at_least = '40 mm' }, { stations = 's', sum = '24h', at_least = '30 mm', name = 'dia' }]",
    );
    let margin = explained(&rule, "s = '1x6 2x6'").margin.unwrap();
    assert_eq!(
        (margin.missing[0].address.as_str(), margin.missing[0].amount),
        ("attention.dia", Fixed::from_whole(12))
    );
}

#[test]
fn one_station_against_others_lowers_the_confidence() {
    let rule = level("attention", "any = [{ stations = 's', sum = '1h', at_least = '10 mm' }]");
    let alone = explained(&rule, "s = '2x12', 's.2' = '0x12', 's.3' = '0x12'").confidence;
    let agreed = explained(&rule, "s = '2x12', 's.2' = '2x12', 's.3' = '2x12'").confidence;
    assert_eq!((alone.percent, agreed.percent), (80, 100));
}

#[test]
fn quiet_hours_show_a_low_level_and_tell_it_in_the_morning() {
    use crate::engine::{Effect, Engine, Input};

    let text = "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.1.3.2.1'\nquiet_hours = { from = '22:00', to = '06:00', up_to = 'attention' }\n\
        [stations.s]\nquantity = 'rain'\ninside = true\n\
        [[levels]]\nlevel = 'attention'\nany = [{ stations = 's', sum = '24h', at_least = '20 mm' }]\n\
        [[levels]]\nlevel = 'alert'\nany = [{ stations = 's', sum = '24h', at_least = '60 mm' }]\n\
        [[tests]]\nname = 'x'\nstart = '2026-01-10T22:30:00-03:00'\nevery = '1h'\nseries = { s = '25 0x9' }\nexpect = { '1h' = 'attention' }\n\
        [[tests]]\nname = 'y'\nstart = '2026-01-10T22:30:00-03:00'\nevery = '1h'\nseries = { s = '25 40 0x9' }\nexpect = { '1h' = 'attention' }\n";
    let rule = Rule::parse("r", text).unwrap();
    let told = |case: &Case| -> Vec<(i64, Level, Level)> {
        let (bound, readings) = rule.stage(case, Tz::America__Sao_Paulo).unwrap();
        let (mut engine, mut effects) = (Engine::new(bound), Vec::new());
        let last = readings.last().unwrap().received_at;
        readings.into_iter().for_each(|reading| engine.step(&Input::Reading(reading), &mut effects));
        engine.step(&Input::Tick(last), &mut effects);
        let changes = effects.into_iter().filter_map(|effect| match effect {
            Effect::LevelChanged(t) | Effect::Told(t) => Some(t),
            Effect::Flagged(_) => None,
        });
        let changes = changes.filter(|t| t.known_before != t.known);
        changes.map(|t| ((t.at.timestamp_micros() - case.start) / 60_000_000, t.known_before, t.known)).collect()
    };
    // Shown at 23:30, told at 06:00; an alert is told when it comes.
    assert_eq!(told(&rule.cases[0]), [(450, Level::Normal, Level::Attention)]);
    assert_eq!(told(&rule.cases[1]), [(120, Level::Normal, Level::Alert)]);
}

#[test]
fn what_is_expected_long_after_the_series_or_a_last_word_without_end_is_refused() {
    let found = |last: &str, expect: &str| {
        let level = level("attention", "any = [{ stations = 's', sum = '1h', at_least = '20 mm' }]");
        let text = format!(
            "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.1.3.2.1'\n{last}\n[stations.s]\nquantity = 'rain'\nwithin_km = 5.0\n{level}\n{}",
            test("1h", "s = '0x24'", expect)
        );
        Rule::findings(&text)
    };
    assert_eq!(found("last_word_h = 720", "'31d' = 'unknown'"), []);
    let late = found("", "'1h' = 'normal', '90000000d' = 'unknown'");
    assert!(late.len() == 1 && late[0].message.contains("at most 30 days after the last step"), "{late:?}");
    let long = found("last_word_h = 4294967295", "'1h' = 'normal'");
    assert!(long.len() == 1 && long[0].message.contains("at most 720"), "{long:?}");
}
