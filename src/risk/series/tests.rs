//! Windows, gaps, counters and slots of one series.

use proptest::prelude::*;

use super::*;

const HOUR: Micros = 60 * MINUTE;

fn filled(kind: StreamKind, readings: &[(i64, i64)]) -> Series {
    let mut series = Series::new(kind, &[HOUR, 24 * HOUR]);
    for (index, (minute, value)) in readings.iter().enumerate() {
        series.push(minute * MINUTE, Seq(index as i64), Fixed::from_whole(*value));
    }
    series
}

fn sum(series: &Series, length: Micros) -> Option<Fixed> {
    series.sum(length).map(|sum| sum.at_least)
}

#[test]
fn a_window_is_open_at_its_start_and_closed_at_its_end() {
    let series = filled(StreamKind::IntervalSum, &[(0, 5), (10, 7), (60, 1)]);
    assert_eq!(sum(&series, HOUR), Some(Fixed::from_whole(8)));
    assert_eq!(sum(&series, 24 * HOUR), Some(Fixed::from_whole(13)));
}

#[test]
fn a_counter_that_resets_loses_nothing_it_showed() {
    let series = filled(StreamKind::CumulativeCounter, &[(0, 100), (10, 104), (20, 3), (30, 5)]);
    assert_eq!(sum(&series, 24 * HOUR), Some(Fixed::from_whole(4 + 3 + 2)));
}

#[test]
fn a_late_counter_reading_splits_the_step() {
    let late = filled(StreamKind::CumulativeCounter, &[(0, 10), (20, 16), (10, 12)]);
    assert_eq!(sum(&late, HOUR), Some(Fixed::from_whole(6)));
}

#[test]
fn a_counter_that_runs_over_goes_on() {
    let counter = Counter::of(crate::units::Quantity::Rain, Some(Fixed::from_whole(1000)));
    let mut series = Series::new(StreamKind::CumulativeCounter, &[HOUR]).counting(counter);
    for (seq, minute, shown) in [(1, 0, 996), (2, 10, 999), (3, 30, 6), (4, 20, 2)] {
        series.push(minute * MINUTE, Seq(seq), Fixed::from_whole(shown));
    }
    assert_eq!(sum(&series, HOUR), Some(Fixed::from_whole(10)));
}

#[test]
fn what_a_counter_gathered_in_ten_hours_did_not_fall_in_the_last() {
    let mut series = filled(StreamKind::CumulativeCounter, &[(0, 100), (600, 170), (610, 172)]);
    assert_eq!(series.sum(HOUR), Some(Sum { at_least: Fixed::from_whole(2), at_most: Fixed::from_whole(72) }));
    assert_eq!(series.sum(24 * HOUR), Some(Sum { at_least: Fixed::from_whole(72), at_most: Fixed::from_whole(72) }));
    // The backlog tells: the rain had fallen by the sixth hour.
    for (seq, minute, shown) in [(11, 590, 170), (10, 360, 169)] {
        series.push(minute * MINUTE, Seq(seq), Fixed::from_whole(shown));
    }
    assert_eq!(series.sum(HOUR), Some(Sum { at_least: Fixed::from_whole(2), at_most: Fixed::from_whole(3) }));
    series.push(545 * MINUTE, Seq(12), Fixed::from_whole(170));
    assert_eq!(series.sum(HOUR), Some(Sum { at_least: Fixed::from_whole(2), at_most: Fixed::from_whole(2) }));
}

/// A reading of 0.1 a second.
fn every_second(seconds: i64) -> Series {
    let mut series = Series::new(StreamKind::IntervalSum, &[HOUR / 4, HOUR, 96 * HOUR]);
    for second in 0..seconds {
        series.push(second * SECOND, Seq(second), Fixed(100_000));
    }
    series
}

#[test]
fn a_reading_a_second_for_days_takes_a_few_thousand_entries() {
    let series = every_second(110 * 3600);
    assert!(series.entries.len() < 2500, "{}", series.entries.len());
    assert!(series.entries.capacity() < 5000, "{}", series.entries.capacity());
    let sum = |length| sum(&series, length).unwrap().0;
    assert_eq!(sum(HOUR / 4), 900 * 100_000);
    let within = |length: Micros, slot: Micros| {
        let exact = length / SECOND * 100_000;
        (exact..=exact + slot / SECOND * 100_000).contains(&sum(length))
    };
    assert!(within(HOUR, FINE), "{}", sum(HOUR));
    assert!(within(96 * HOUR, COARSE), "{}", sum(96 * HOUR));
    assert!(series.is_without_gap(96 * HOUR, COARSE));
}

#[test]
fn merging_begins_anew_where_a_restart_does() {
    let whole = every_second(30 * 3600 + 17);
    let mut later = Series::new(StreamKind::IntervalSum, &[HOUR / 4, HOUR]);
    let mut longer = Series::new(StreamKind::IntervalSum, &[HOUR / 4, HOUR]);
    for second in 0..30 * 3600 + 17 {
        longer.push(second * SECOND, Seq(second), Fixed(100_000));
        if second > 6 * 3600 + 11 {
            later.push(second * SECOND, Seq(second), Fixed(100_000));
        }
    }
    assert_eq!(later.entries, longer.entries);
    assert_eq!([HOUR / 4, HOUR].map(|length| sum(&later, length)), [HOUR / 4, HOUR].map(|length| sum(&whole, length)));
}

#[test]
fn what_is_merged_takes_late_readings_and_no_second_word() {
    let mut series = every_second(4 * 3600);
    let before = sum(&series, 96 * HOUR).unwrap().0;
    // The last reading of a slot again, and a correction of one inside it.
    series.push(599 * SECOND, Seq(90_000), Fixed::from_whole(5));
    series.revise(Seq(300), Seq(90_001), 300 * SECOND, Fixed::from_whole(5));
    assert_eq!(sum(&series, 96 * HOUR).unwrap().0, before);
    series.push(300 * SECOND + 1, Seq(90_002), Fixed::from_whole(5));
    assert_eq!(sum(&series, 96 * HOUR).unwrap().0, before + 5_000_000);
}

#[test]
fn a_gap_is_found_in_the_window_and_at_its_edge() {
    let series = filled(StreamKind::IntervalSum, &[(0, 0), (10, 0), (50, 0), (60, 0), (90, 0)]);
    assert!(series.is_without_gap(HOUR, 40 * MINUTE));
    assert!(!series.is_without_gap(HOUR, 30 * MINUTE), "from the tenth minute to the fiftieth");
    assert!(!series.is_without_gap(24 * HOUR, 40 * MINUTE), "it does not reach back so far");
    assert!(series.is_without_gap(30 * MINUTE, 30 * MINUTE));
}

#[test]
fn a_revision_replaces_the_value() {
    let mut series = filled(StreamKind::IntervalSum, &[(0, 5), (10, 7)]);
    series.revise(Seq(1), Seq(9), 10 * MINUTE, Fixed::from_whole(70));
    assert_eq!(sum(&series, HOUR), Some(Fixed::from_whole(75)));
}

#[test]
fn a_reading_taken_back_leaves_the_sums_of_the_others() {
    let mut series = filled(StreamKind::IntervalSum, &[(0, 5), (10, 7), (20, 1)]);
    series.remove(Seq(1));
    assert_eq!((sum(&series, HOUR), series.count(HOUR)), (Some(Fixed::from_whole(6)), 2));
    let mut counter = filled(StreamKind::CumulativeCounter, &[(0, 10), (10, 90), (20, 12)]);
    counter.remove(Seq(1));
    assert_eq!(sum(&counter, HOUR), Some(Fixed::from_whole(2)));
    let mut only = filled(StreamKind::Instantaneous, &[(0, 10)]);
    only.remove(Seq(0));
    assert_eq!((sum(&only, HOUR), only.latest()), (None, None));
    only.push(MINUTE, Seq(1), Fixed::from_whole(3));
    assert_eq!(sum(&only, HOUR), Some(Fixed::from_whole(3)));
}

#[test]
fn the_rate_needs_two_readings() {
    assert_eq!(filled(StreamKind::Instantaneous, &[(0, 3)]).rate_per_hour(HOUR), None);
    let rising = filled(StreamKind::Instantaneous, &[(0, 3), (30, 4)]);
    assert_eq!(rising.rate_per_hour(HOUR), Some(Fixed::from_whole(2)));
}

proptest! {
    #[test]
    fn arrival_order_does_not_change_sums(mut readings in proptest::collection::vec((0_i64..300, 0_i64..50), 1..80)) {
        readings.iter_mut().for_each(|reading| reading.0 *= 10);
        readings.sort_unstable();
        readings.dedup_by_key(|reading| reading.0);
        let on_time = filled(StreamKind::IntervalSum, &readings);
        let newest = readings.pop().unwrap();
        readings.reverse();
        readings.insert(0, newest);
        let late = filled(StreamKind::IntervalSum, &readings);
        prop_assert_eq!(sum(&on_time, HOUR), sum(&late, HOUR));
        prop_assert_eq!(sum(&on_time, 24 * HOUR), sum(&late, 24 * HOUR));
    }

    #[test]
    fn sums_are_those_of_the_readings_in_the_window_whatever_comes_in_which_order(
        readings in proptest::collection::vec((0_i64..3000, 0_i64..50), 1..80), counter in any::<bool>()
    ) {
        let kind = if counter { StreamKind::CumulativeCounter } else { StreamKind::IntervalSum };
        let mut series = Series::new(kind, &[HOUR, 24 * HOUR]);
        for (index, (minute, value)) in readings.iter().enumerate() {
            series.push(minute * MINUTE, Seq(index as i64), Fixed::from_whole(*value));
            let newest = series.newest_at().unwrap();
            for length in [HOUR, 24 * HOUR] {
                let inside = series.entries.iter().filter(|entry| entry.at > newest - length);
                let sum = series.sum(length).unwrap();
                let (sure, blurred): (Vec<&Entry>, Vec<&Entry>) = inside.partition(|entry| !entry.is_blurred(length));
                prop_assert_eq!(sum.at_least, Fixed(sure.iter().map(|entry| entry.increment.0).sum()));
                let unsure: i64 = blurred.iter().map(|entry| entry.increment.0).sum();
                prop_assert_eq!(sum.at_most.0 - sum.at_least.0, unsure);
            }
        }
    }
}
