//! Days of one area, counted by hand.

use super::*;
use crate::backtest::run::Step;
use crate::clock::from_micros;
use crate::ids::AreaId;
use crate::risk::network::PairKey;

const HOUR_US: i64 = 3_600_000_000;

fn hour(hour: i64) -> Instant {
    // 2022-02-01T00:00 in São Paulo.
    from_micros(1_643_684_400_000_000 + hour * HOUR_US)
}

/// A line from "hour known" pairs; `None` is blind with the level it had.
fn line(steps: &[(i64, Option<Level>)]) -> Timeline {
    let mut known = Level::Normal;
    let steps = steps.iter().map(|(at, level)| {
        known = level.unwrap_or(known);
        Step { at: hour(*at), shown: level.unwrap_or(Level::Unknown), known }
    });
    Timeline {
        pair: PairKey { area: AreaId(1), hazard: "1.1.3.2.1".parse().unwrap() },
        area_code: "a".into(),
        area_name: "A".into(),
        rule_id: "r".into(),
        rule_version: 1,
        steps: steps.collect(),
    }
}

/// Ten whole days.
fn watch() -> Watch {
    let period = Period { from: hour(0), to: hour(240) };
    Watch::new(period, chrono_tz::America::Sao_Paulo, LeadMax(TimeDelta::hours(24)))
}

fn tally(steps: &[(i64, Option<Level>)], events: &[i64]) -> Tally {
    let events: Vec<i64> = events.iter().map(|at| hour(*at).timestamp_micros()).collect();
    watch().tally(&line(steps), Level::Alert, &events)
}

const CALM: Option<Level> = Some(Level::Normal);
const ALERT: Option<Level> = Some(Level::Alert);

#[test]
fn the_days_are_those_of_the_town_and_cut_to_the_period() {
    let period = Period { from: hour(20), to: hour(50) };
    let watch = Watch::new(period, chrono_tz::America::Sao_Paulo, LeadMax(TimeDelta::hours(24)));
    let hours: Vec<i64> = watch.days.iter().map(|(from, to)| (to - from) / HOUR_US).collect();
    assert_eq!(hours, [4, 24, 2]);
}

#[test]
fn a_day_on_which_summer_time_begins_at_midnight_has_23_hours() {
    // 4 November 2018 in São Paulo began at one o'clock.
    let at = |text: &str| text.parse::<Instant>().unwrap();
    let period = Period { from: at("2018-11-03T03:00:00Z"), to: at("2018-11-06T02:00:00Z") };
    let hours: Vec<i64> =
        days(period, chrono_tz::America::Sao_Paulo).iter().map(|(from, to)| (to - from) / HOUR_US).collect();
    assert_eq!(hours, [24, 23, 24]);
}

#[test]
fn a_rise_before_the_event_is_a_hit_with_its_lead_and_the_days_around_it_count_for_nothing() {
    // Alert from 23:00 of day 0 to 20:00 of day 1; the event at 02:00 of day 1.
    let told = tally(&[(0, CALM), (23, ALERT), (44, CALM)], &[26]);
    assert_eq!((told.hits, told.misses, told.false_alarms, told.beside_days), (1, 0, 0, 1));
    assert_eq!(told.correct_negatives, 8);
    assert_eq!(told.leads, [3 * HOUR_US]);
    assert_eq!((told.episodes, told.under_alert), (1, 21 * HOUR_US));
}

#[test]
fn a_rise_after_the_event_is_a_miss_and_no_false_alarm() {
    let told = tally(&[(0, CALM), (31, ALERT), (44, CALM)], &[30]);
    assert_eq!((told.hits, told.misses, told.false_alarms), (0, 1, 0));
    assert!(told.leads.is_empty());
}

#[test]
fn a_warning_that_ended_before_the_event_counts_within_the_lead_time_and_not_beyond() {
    assert_eq!(tally(&[(0, CALM), (30, ALERT), (35, CALM)], &[50]).leads, [20 * HOUR_US]);
    let told = tally(&[(0, CALM), (30, ALERT), (35, CALM)], &[60]);
    assert_eq!((told.hits, told.misses, told.false_alarms), (0, 1, 1));
}

#[test]
fn standing_alert_forever_detects_everything_and_is_false_on_every_other_day() {
    let told = tally(&[(0, ALERT)], &[100]);
    assert_eq!(told.leads, [24 * HOUR_US], "the lead is capped");
    // Event at 04:00 of day 4: nearer than 24 hours lie parts of days 3 and 5, whose other parts do not.
    assert_eq!((told.hits, told.false_alarms, told.beside_days, told.correct_negatives), (1, 9, 0, 0));
    let score = Score::of("1.1.3.2.1".parse().unwrap(), Level::Alert, &told);
    assert_eq!((score.pod, score.far, score.pofd, score.csi), (Some(1.0), Some(0.9), Some(1.0), Some(0.1)));
    assert_eq!((score.bias, score.share_under_alert), (Some(10.0), Some(1.0)));
}

#[test]
fn blind_days_are_no_correct_negatives_and_a_disaster_in_the_dark_is_missed() {
    let told = tally(&[(0, CALM), (24, None), (96, CALM)], &[80]);
    assert_eq!((told.blind_days, told.misses, told.correct_negatives), (2, 1, 7));
    assert_eq!(told.blind, 72 * HOUR_US);
}

#[test]
fn a_warning_lasts_while_the_area_is_blind() {
    let told = tally(&[(0, CALM), (30, ALERT), (40, None), (60, CALM)], &[50]);
    assert_eq!((told.hits, told.under_alert), (1, 30 * HOUR_US));
}

#[test]
fn without_events_there_is_no_detection_to_speak_of() {
    let told = tally(&[(0, CALM), (30, ALERT), (31, CALM)], &[]);
    let score = Score::of("1.1.3.2.1".parse().unwrap(), Level::Alert, &told);
    assert_eq!((score.pod, score.bias, score.far), (None, None, Some(1.0)));
    assert_eq!((score.pofd, score.lead_median_s), (Some(0.1), None));
}

#[test]
fn every_area_day_is_counted_once() {
    for (steps, events) in [
        (vec![(0, CALM), (5, ALERT), (9, CALM), (70, ALERT), (130, CALM), (200, None)], vec![7, 75, 180]),
        (vec![(0, None), (120, ALERT)], vec![10, 121]),
    ] {
        let t = tally(&steps, &events);
        assert_eq!(
            t.hits + t.misses + t.false_alarms + t.correct_negatives + t.beside_days + t.blind_days,
            10,
            "{t:?}"
        );
    }
}

#[test]
fn tallies_of_areas_add_up_and_the_median_lies_between_the_middle_two() {
    let mut sum = tally(&[(0, CALM), (20, ALERT), (40, CALM)], &[26]);
    sum.add(&tally(&[(0, CALM), (24, ALERT), (40, CALM)], &[26]));
    let score = Score::of("1.1.3.2.1".parse().unwrap(), Level::Alert, &sum);
    assert_eq!((score.hits, score.events_warned), (2, 2));
    assert_eq!((score.lead_min_s, score.lead_median_s, score.lead_max_s), (Some(7200), Some(14_400), Some(21_600)));
}
