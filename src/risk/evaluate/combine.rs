//! One value out of several stations.

use super::View;
use crate::risk::rule::{Combine, Condition, Subject};
use crate::units::Fixed;

impl View<'_> {
    /// The value of a condition over the fresh stations, as far as it tells whether `from` is reached.
    pub fn combined(self, condition: &Condition, from: Fixed) -> Option<Fixed> {
        let selector = self.selector(condition)?;
        let combine = selector.combine;
        // What nearly every rule asks, nearly every time.
        if combine == Combine::Kth(1) && selector.travel == 0 && matches!(selector.subject, Subject::Measured(_)) {
            return self.worst(condition, selector.suspect, from);
        }
        let fresh = self.sources(condition.selector).filter(|(_, is_fresh)| *is_fresh);
        let values = fresh.filter_map(|(source, _)| Some((source.weight, self.value(source, condition, from)?)));
        match combine {
            Combine::Kth(k) => kth(values.map(|(_, value)| value), k, condition.rises),
            Combine::Mean => weighed(values.map(|(_, value)| (Fixed::from_whole(1), value))),
            Combine::InverseDistance => weighed(values),
            Combine::Thiessen => self.by_cells(condition, |view, index| {
                let (source, is_fresh) = view.sources(condition.selector).nth(index)?;
                is_fresh.then(|| view.value(source, condition, from)).flatten()
            }),
        }
    }

    /// The worst of what the fresh stations measure themselves.
    fn worst(self, condition: &Condition, suspect: bool, from: Fixed) -> Option<Fixed> {
        let mut worst: Option<Fixed> = None;
        for (source, is_fresh) in self.sources(condition.selector) {
            if !is_fresh {
                continue;
            }
            let (Some(spec), Some(state)) = (self.specs.get(source.stream), self.states.get(source.stream)) else {
                continue;
            };
            if let Some(value) = state.track(suspect).measure(spec, &condition.measure, from, condition.rises) {
                let is_worse = worst.is_none_or(|worst| if condition.rises { value > worst } else { value < worst });
                worst = if is_worse { Some(value) } else { worst };
            }
        }
        worst
    }

    /// The mean over the area's points of the value of whoever is nearest and has one.
    fn by_cells(self, condition: &Condition, of: impl Fn(Self, usize) -> Option<Fixed>) -> Option<Fixed> {
        let feed = self.pair.feeds.get(condition.selector)?;
        let values: Vec<Option<Fixed>> = (0..feed.sources.len()).map(|index| of(self, index)).collect();
        let nearest = |order: &[u16]| order.iter().find_map(|index| *values.get(usize::from(*index))?);
        weighed(feed.cells.iter().filter_map(|order| Some((Fixed::from_whole(1), nearest(order)?))))
    }
}

/// The k-th most dangerous of the values, without allocating for the common case.
fn kth(values: impl Iterator<Item = Fixed>, k: usize, rises: bool) -> Option<Fixed> {
    if k == 1 {
        return if rises { values.max() } else { values.min() };
    }
    let mut all: Vec<Fixed> = values.collect();
    all.sort_unstable();
    if rises {
        all.reverse();
    }
    all.get(k - 1).copied()
}

fn weighed(values: impl Iterator<Item = (Fixed, Fixed)>) -> Option<Fixed> {
    let (sum, weights) = values.fold((0_i128, 0_i128), |(sum, weights), (weight, value)| {
        (sum + i128::from(weight.0) * i128::from(value.0), weights + i128::from(weight.0))
    });
    (weights > 0).then(|| i64::try_from(sum / weights).map(Fixed).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[i64]) -> impl Iterator<Item = Fixed> + '_ {
        values.iter().map(|value| Fixed::from_whole(*value))
    }

    #[test]
    fn the_second_most_dangerous_is_the_second_lowest_where_danger_falls() {
        assert_eq!(kth(of(&[30, 12, 20]), 2, false), Some(Fixed::from_whole(20)));
        assert_eq!(kth(of(&[30, 12, 20]), 2, true), Some(Fixed::from_whole(20)));
        assert_eq!(kth(of(&[30, 12, 20]), 1, false), Some(Fixed::from_whole(12)));
        assert_eq!(kth(of(&[30]), 2, true), None);
    }

    #[test]
    fn a_station_that_lies_twice_as_far_counts_a_quarter() {
        let at = |weight: i64, value: i64| (Fixed::from_whole(weight), Fixed::from_whole(value));
        assert_eq!(weighed([at(4, 10), at(1, 20)].into_iter()), Some(Fixed::from_whole(12)));
        assert_eq!(weighed(std::iter::empty()), None);
    }
}
