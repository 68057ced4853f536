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

    /// Held against the raw readings, summed anew each time.
    #[test]
    fn sums_are_those_of_the_readings_in_the_window_whatever_comes_in_which_order(
        readings in proptest::collection::vec((0_i64..300, 0_i64..50), 1..80), kind in 0_usize..3
    ) {
        let kind = StreamKind::ALL[kind];
        let mut series = Series::new(kind, &[HOUR, 24 * HOUR]).silent_after(150 * MINUTE);
        let mut plain = Plain { kind, told: Vec::new() };
        for (index, (slot, value)) in readings.iter().enumerate() {
            let at = slot * 10 * MINUTE;
            // Of a counter's two values at one instant nobody knows which came first.
            if kind == StreamKind::CumulativeCounter && plain.told.iter().any(|(before, _)| *before == at) {
                continue;
            }
            series.push(at, Seq(index as i64), Fixed::from_whole(*value));
            plain.hear(at, *value);
            for length in [HOUR, 24 * HOUR] {
                prop_assert_eq!(series.sum(length), Some(plain.sum(length)));
            }
            if kind == StreamKind::Instantaneous {
                prop_assert_eq!(series.extremes(5 * HOUR), Some(plain.extremes(5 * HOUR)));
                prop_assert_eq!(series.mean(5 * HOUR), Some(plain.mean(5 * HOUR)));
                // Of two values at one instant either may be the oldest.
                if plain.begins_with_one(5 * HOUR) {
                    prop_assert_eq!(series.rate_per_hour(5 * HOUR), plain.rate(5 * HOUR));
                }
            }
        }
    }
}

/// Every reading that was told, in the order of its instants, and of one instant in the order of its coming.
struct Plain {
    kind: StreamKind,
    told: Vec<(Micros, i64)>,
}

impl Plain {
    fn hear(&mut self, at: Micros, value: i64) {
        if self.kind == StreamKind::IntervalSum {
            self.told.retain(|(before, _)| *before != at);
        }
        self.told.push((at, value));
        self.told.sort_by_key(|(at, _)| *at);
    }

    /// Numbers of the readings inside.
    fn inside(&self, length: Micros) -> std::ops::Range<usize> {
        let newest = self.told.last().unwrap().0;
        self.told.iter().position(|(at, _)| *at > newest - length).unwrap()..self.told.len()
    }

    fn values(&self, length: Micros) -> impl Iterator<Item = i64> {
        self.told[self.inside(length)].iter().map(|(_, value)| *value)
    }

    fn sum(&self, length: Micros) -> Sum {
        let (mut sure, mut open, mut untold) = (0, 0, 0);
        let newest = self.told.last().unwrap().0;
        for index in self.inside(length) {
            let (at, value) = self.told[index];
            let before = index.checked_sub(1).map(|before| self.told[before]);
            let gap = before.map_or(0, |(before, _)| at - before);
            if self.kind == StreamKind::CumulativeCounter {
                let step = before.map_or(0, |(_, before)| if value >= before { value - before } else { value });
                if gap > length + length / 10 { open += step } else { sure += step }
            } else {
                sure += value;
                if self.kind == StreamKind::IntervalSum && gap > 150 * MINUTE {
                    untold += gap.min(at - (newest - length));
                }
            }
        }
        let whole = Fixed::from_whole(sure + open);
        Sum { at_least: Fixed::from_whole(sure), at_most: if untold > length / 2 { Fixed(i64::MAX) } else { whole } }
    }

    fn extremes(&self, length: Micros) -> (Fixed, Fixed) {
        let of = |value: Option<i64>| Fixed::from_whole(value.unwrap());
        (of(self.values(length).min()), of(self.values(length).max()))
    }

    fn mean(&self, length: Micros) -> Fixed {
        let count = self.values(length).count() as i64;
        Fixed(Fixed::from_whole(self.values(length).sum::<i64>()).0 / count)
    }

    fn begins_with_one(&self, length: Micros) -> bool {
        let start = self.inside(length).start;
        self.told.get(start + 1).is_none_or(|(next, _)| *next != self.told[start].0)
    }

    fn rate(&self, length: Micros) -> Option<Fixed> {
        let ((first_at, first), (last_at, last)) = (self.told[self.inside(length).start], *self.told.last().unwrap());
        let span = last_at - first_at;
        (span > 0).then(|| {
            Fixed((i128::from(Fixed::from_whole(last - first).0) * i128::from(HOUR) / i128::from(span)) as i64)
        })
    }
}

#[test]
fn a_gauge_that_was_silent_for_most_of_a_window_tells_only_what_fell_at_least() {
    let mut series = Series::new(StreamKind::IntervalSum, &[HOUR, 24 * HOUR]).silent_after(30 * MINUTE);
    for (seq, minute) in [(1, 0), (2, 10), (3, 15 * 60), (4, 15 * 60 + 10)] {
        series.push(minute * MINUTE, Seq(seq), Fixed::from_whole(1));
    }
    let open = |series: &Series, length| series.sum(length).unwrap().at_most == Fixed(i64::MAX);
    assert!(open(&series, HOUR), "fifty minutes of the hour are untold");
    assert!(open(&series, 24 * HOUR), "fifteen hours of the day are untold");
    assert_eq!(series.untold(24 * HOUR), (15 * 60 - 10) * MINUTE + (24 * 60 - (15 * 60 + 10)) * MINUTE);
    for (seq, minute) in [(5, 15 * 60 + 20), (6, 15 * 60 + 30), (7, 15 * 60 + 40)] {
        series.push(minute * MINUTE, Seq(seq), Fixed::from_whole(1));
    }
    assert!(!open(&series, HOUR) && open(&series, 24 * HOUR));
    // The backlog comes.
    for (seq, hour) in (8..).zip(1..15) {
        series.push(hour * HOUR, Seq(seq), Fixed::from_whole(1));
        series.push(hour * HOUR + 30 * MINUTE, Seq(seq + 100), Fixed::from_whole(1));
    }
    assert!(!open(&series, 24 * HOUR));
}

#[test]
fn a_counter_that_speaks_a_second_late_answers_for_its_hour() {
    let mut series = Series::new(StreamKind::CumulativeCounter, &[HOUR]);
    series.push(0, Seq(1), Fixed::from_whole(10));
    series.push(HOUR + SECOND, Seq(2), Fixed::from_whole(70));
    assert_eq!(sum(&series, HOUR), Some(Fixed::from_whole(60)));
}

#[test]
fn a_late_reading_before_a_merged_slot_leaves_its_mean() {
    let mut series = Series::new(StreamKind::Instantaneous, &[]).reaching(24 * HOUR);
    for second in (0..2 * 3600).filter(|second| second / 60 % 2 == 0) {
        series.push(second * SECOND, Seq(second), Fixed::from_whole(30));
    }
    series.push(90 * SECOND, Seq(90_000), Fixed::from_whole(30));
    assert_eq!(series.mean(24 * HOUR), Some(Fixed::from_whole(30)));
}

#[test]
fn the_most_of_a_dense_gauge_is_that_of_one_reading() {
    assert_eq!(every_second(4 * 3600).extremes(3 * HOUR), Some((Fixed(100_000), Fixed(100_000))));
}
