//! What of a table everybody may read: no cell below five, and nothing from which one could be computed. Pure.
//!
//! Primary suppression hides every cell below [`LEAST`], the empty ones too. Complementary suppression hides the smallest of the others as long
//! as the hidden ones could be got by subtraction from the total. Of a scale the mean and the part that is satisfied are equations too: they
//! are told only where every small cell could still be another number ([`is_open`] tries it exactly), and then the cells are not.

use super::super::kernel::form::SCALE;
use super::super::kernel::form::answer::mean;

/// Cells below it are not shown.
pub const LEAST: i64 = 5;
/// Answers of a scale from here on are satisfied.
const SATISFIED_FROM: i64 = 4;

/// Hides cells. What is shown sums up with the total to nothing but the sum of at least two hidden cells, which is [`LEAST`] or more.
pub fn hide(counts: &[i64]) -> Vec<Option<i64>> {
    let mut shown: Vec<Option<i64>> = counts.iter().map(|count| Some(*count).filter(|count| *count >= LEAST)).collect();
    loop {
        let hidden = counts.iter().zip(&shown).filter(|(_, shown)| shown.is_none());
        let (number, sum) = hidden.fold((0, 0), |(number, sum), (count, _)| (number + 1, sum + *count));
        if number == 0 || (number >= 2 && sum >= LEAST) {
            return shown;
        }
        let Some(next) = shown.iter_mut().filter(|cell| cell.is_some()).min_by_key(|cell| cell.unwrap_or_default())
        else {
            return shown;
        };
        *next = None;
    }
}

/// A total beside cells of which those below [`LEAST`] are hidden and the others stay; none where it would tell what is hidden: one alone, those
/// that sum up to less than [`LEAST`], and those that sum up to the most that small cells can.
pub fn total(counts: &[i64]) -> Option<i64> {
    let small = counts.iter().filter(|count| **count < LEAST);
    let (number, sum) = small.fold((0, 0), |(number, sum), count| (number + 1, sum + *count));
    let stays_hidden = number >= 2 && (LEAST..number * (LEAST - 1)).contains(&sum);
    (number == 0 || stays_hidden).then(|| counts.iter().sum())
}

/// What is told of a scale that at least [`LEAST`] answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// Hundredths.
    pub mean: Option<i64>,
    /// Hundredths of a percent that answered 4 or 5.
    pub satisfied: Option<i64>,
    /// From 1 to 5.
    pub cells: Vec<Option<i64>>,
}

/// Values that stand together, and how many answered one of them.
type Band = (i64, i64, i64);

/// `counts`: from 1 to 5.
pub fn scale(counts: [i64; SCALE as usize]) -> Scale {
    let answered: i64 = counts.iter().sum();
    let none = vec![None; counts.len()];
    if answered < LEAST {
        return Scale { cells: none, ..Scale::default() };
    }
    let sum: i64 = (1..).zip(counts).map(|(value, count): (i64, i64)| value * count).sum();
    let satisfied: i64 = (1..).zip(counts).filter(|(value, _)| *value >= SATISFIED_FROM).map(|(_, count)| count).sum();
    let told_mean = mean(sum * 100, answered);
    let told_satisfied = mean(satisfied * 10_000, answered);
    if counts.iter().all(|count| *count >= LEAST) {
        let cells = counts.iter().map(|count| Some(*count)).collect();
        return Scale { mean: told_mean, satisfied: told_satisfied, cells };
    }
    let unsatisfied = answered - satisfied;
    let two = [(1, SATISFIED_FROM - 1, unsatisfied), (SATISFIED_FROM, i64::from(SCALE), satisfied)];
    // Satisfied and not satisfied are cells of their own.
    if satisfied >= LEAST && unsatisfied >= LEAST && is_open(&two, counts, sum) {
        return Scale { mean: told_mean, satisfied: told_satisfied, cells: none };
    }
    if is_open(&[(1, i64::from(SCALE), answered)], counts, sum) {
        return Scale { mean: told_mean, satisfied: None, cells: none };
    }
    Scale { cells: hide(&counts), ..Scale::default() }
}

/// Whether every small cell could be another number with the same sum in the same bands.
fn is_open(bands: &[Band], counts: [i64; SCALE as usize], sum: i64) -> bool {
    (1..)
        .zip(counts)
        .filter(|(_, count)| *count < LEAST)
        .all(|(value, count)| (0..=2 * LEAST).any(|other| other != count && is_possible(bands, (value, other), sum)))
}

/// Whether answers exist that fill the bands, sum up to `sum`, and among which `value` was given `count` times.
fn is_possible(bands: &[Band], (value, count): (i64, i64), sum: i64) -> bool {
    let (mut least, mut most) = (value * count, value * count);
    let mut around = None;
    for (from, until, size) in bands.iter().copied() {
        if (from..=until).contains(&value) {
            around = Some((from, until, size - count));
        } else {
            least += from * size;
            most += until * size;
        }
    }
    let Some((from, until, rest)) = around.filter(|(_, _, rest)| *rest >= 0) else { return false };
    // The rest of its band lies below the value or above it; in each run of values every sum between its ends is reached.
    let (has_below, has_above) = (from < value, value < until);
    (0..=rest).any(|above| {
        let below = rest - above;
        let fits = (has_above || above == 0) && (has_below || below == 0);
        let low = least + from * below + (value + 1) * above;
        let high = most + (value - 1) * below + until * above;
        fits && (low..=high).contains(&sum)
    })
}

/// A number that is no cell of a survey: told from [`LEAST`] on.
pub fn alone(count: i64) -> Option<i64> {
    Some(count).filter(|count| *count >= LEAST)
}

/// How far a round got, of how many answered each of its services in the round and in the year: of the services whose number of the year is told
/// together, in steps of [`LEAST`], from [`LEAST`] on. Services with fewer add nothing, so that nothing of theirs can be reckoned from it; and
/// the steps keep two looks, or the number of the year less that of the other rounds, from telling of single answers.
pub fn progress(counts: impl IntoIterator<Item = (i64, i64)>) -> Option<i64> {
    let told = counts.into_iter().filter(|(_, of_year)| *of_year >= LEAST);
    let sum: i64 = told.map(|(of_round, _)| of_round).sum();
    alone(sum - sum.rem_euclid(LEAST))
}

/// Places of a ranking, the first being 1; who is equal shares a place, and the next ones are skipped. Biggest first.
pub fn places(values: &[i64]) -> Vec<usize> {
    values.iter().map(|value| 1 + values.iter().filter(|other| *other > value).count()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way to share `total` among `cells`.
    fn ways(total: i64, cells: usize) -> Vec<Vec<i64>> {
        if cells == 1 {
            return vec![vec![total]];
        }
        let first = (0..=total)
            .flat_map(|first| ways(total - first, cells - 1).into_iter().map(move |rest| [vec![first], rest].concat()));
        first.collect()
    }

    /// Cells below five that only one way of those agrees with.
    fn computed(counts: &[i64], agree: &[Vec<i64>]) -> Vec<usize> {
        let is_one = |at: &usize| agree.iter().all(|way| way[*at] == counts[*at]);
        (0..counts.len()).filter(|at| counts[*at] < LEAST).filter(is_one).collect()
    }

    #[test]
    fn small_cells_are_hidden_with_as_many_others_as_it_takes() {
        assert_eq!(hide(&[20, 9, 5]), [Some(20), Some(9), Some(5)]);
        assert_eq!(hide(&[20, 9, 4]), [Some(20), None, None], "the next smallest goes with it");
        assert_eq!(hide(&[20, 1, 4]), [Some(20), None, None]);
        assert_eq!(
            hide(&[20, 9, 1, 1]),
            [Some(20), None, None, None],
            "two that sum up to two tell that they are small"
        );
        assert_eq!(hide(&[20, 0]), [None, None]);
        assert_eq!(
            (total(&[20, 4]), total(&[20, 3, 4]), total(&[7, 8]), total(&[20, 0, 0])),
            (None, Some(27), Some(15), None)
        );
        assert_eq!(total(&[20, 4, 4]), None, "two below five that sum up to eight are four each");
    }

    #[test]
    fn a_mean_is_told_where_it_gives_nothing_away() {
        let all = scale([5, 6, 7, 8, 9]);
        assert_eq!((all.mean, all.satisfied), (Some(329), Some(4857)), "115 of 35; 17 of 35");
        assert_eq!(all.cells, [Some(5), Some(6), Some(7), Some(8), Some(9)]);
        let usual = scale([1, 2, 5, 14, 18]);
        assert_eq!((usual.mean, usual.satisfied), (Some(415), Some(8000)));
        assert!(usual.cells.iter().all(Option::is_none));
        // Not satisfied are four: a cell below five.
        let few = scale([0, 1, 3, 8, 8]);
        assert_eq!((few.mean, few.satisfied), (Some(415), None));
        // A mean of five tells every cell.
        assert_eq!(scale([0, 0, 0, 0, 40]), Scale { cells: vec![None; 5], ..Scale::default() });
        assert_eq!(scale([0, 0, 0, 1, 39]).mean, None, "one answer from the best mean is one answer of four");
        assert_eq!(scale([1, 1, 1, 1, 0]), Scale { cells: vec![None; 5], ..Scale::default() });
    }

    #[test]
    fn a_round_tells_nothing_of_services_that_few_answered() {
        assert_eq!(progress([(20, 20)]), Some(20));
        for hidden in 0..LEAST {
            assert_eq!(progress([(20, 20), (hidden, hidden)]), Some(20), "{hidden}");
            assert_eq!(progress([(hidden, hidden)]), None);
        }
        // Nine in the year, of which this round had seven: what is left for the other one is not two but up to four.
        assert_eq!([progress([(7, 9)]), progress([(2, 9)])], [Some(5), None]);
        assert_eq!(progress([(4, 4), (4, 4)]), None);
        assert_eq!(progress([]), None);
    }

    #[test]
    fn who_is_equal_shares_a_place() {
        assert_eq!(places(&[450, 480, 450, 300]), [2, 1, 2, 4]);
        assert_eq!(places(&[]), [0; 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]

        #[test]
        fn no_table_of_a_choice_lets_a_small_cell_be_computed(counts in prop::collection::vec(0_i64..14, 2..5)) {
            let all: i64 = counts.iter().sum();
            prop_assume!((LEAST..=24).contains(&all));
            let shown = hide(&counts);
            for (count, cell) in counts.iter().zip(&shown) {
                prop_assert!(cell.is_none_or(|cell| cell == *count && cell >= LEAST));
            }
            let agrees = |way: &Vec<i64>| shown.iter().zip(way).all(|(cell, count)| cell.is_none_or(|cell| cell == *count));
            let agree: Vec<Vec<i64>> = ways(all, counts.len()).into_iter().filter(agrees).collect();
            prop_assert_eq!(computed(&counts, &agree), Vec::<usize>::new(), "{:?} as {:?}", counts, shown);
            // Nor can it be told that a hidden cell is small.
            for at in (0..counts.len()).filter(|at| counts[*at] < LEAST) {
                prop_assert!(agree.iter().any(|way| way[at] >= LEAST), "{:?} as {:?}", counts, shown);
            }
        }

        #[test]
        fn nothing_that_is_told_of_a_scale_lets_a_small_cell_be_computed(counts in prop::array::uniform5(0_i64..9)) {
            let all: i64 = counts.iter().sum();
            prop_assume!((LEAST..=20).contains(&all));
            let told = scale(counts);
            let sum = |way: &[i64]| (1..).zip(way).map(|(value, count): (i64, &i64)| value * count).sum::<i64>();
            let agrees = |way: &Vec<i64>| {
                told.mean.is_none_or(|told| mean(100 * sum(way), all) == Some(told))
                    && told.satisfied.is_none_or(|told| mean(10_000 * (way[3] + way[4]), all) == Some(told))
                    && told.cells.iter().zip(way).all(|(cell, count)| cell.is_none_or(|cell| cell == *count))
            };
            let agree: Vec<Vec<i64>> = ways(all, counts.len()).into_iter().filter(agrees).collect();
            prop_assert!(agree.contains(&counts.to_vec()));
            prop_assert_eq!(computed(&counts, &agree), Vec::<usize>::new(), "{:?} as {:?}", counts, told);
            if told.satisfied.is_some() {
                prop_assert!(counts[3] + counts[4] >= LEAST && counts[0] + counts[1] + counts[2] >= LEAST);
            }
        }

        #[test]
        fn a_total_beside_hidden_cells_tells_none_of_them(counts in prop::collection::vec(0_i64..12, 1..5)) {
            if let Some(all) = total(&counts) {
                // Whoever reads it knows that what is hidden is small.
                let agrees = |way: &Vec<i64>| {
                    let fits = |(count, other): (&i64, &i64)| if *count < LEAST { *other < LEAST } else { count == other };
                    counts.iter().zip(way).all(fits)
                };
                let agree: Vec<Vec<i64>> = ways(all, counts.len()).into_iter().filter(agrees).collect();
                prop_assert_eq!(computed(&counts, &agree), Vec::<usize>::new(), "{:?}", counts);
            }
        }
    }
}
