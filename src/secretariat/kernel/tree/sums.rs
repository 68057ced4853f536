//! Measures by phase, added along a path of codes: every level holds the sum of what lies below it. Pure.

use std::collections::BTreeMap;

use crate::secretariat::kernel::money::{Centavos, Overflow};

/// A node with its measures and what lies below it. `P` is the phase: planned, committed, paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums<P: Ord> {
    pub by_phase: BTreeMap<P, Centavos>,
    pub below: BTreeMap<String, Sums<P>>,
}

impl<P: Ord> Default for Sums<P> {
    fn default() -> Self {
        Self { by_phase: BTreeMap::new(), below: BTreeMap::new() }
    }
}

impl<P: Ord + Copy> Sums<P> {
    /// Adds to every level of the path, or to none.
    ///
    /// # Errors
    /// The sum of the whole lies beyond the bounds.
    pub fn add(&mut self, path: &[&str], phase: P, amount: Centavos) -> Result<(), Overflow> {
        let sum = self.of(phase).plus(amount)?;
        if let Some((first, rest)) = path.split_first() {
            self.below.entry((*first).to_owned()).or_default().add(rest, phase, amount)?;
        }
        self.by_phase.insert(phase, sum);
        Ok(())
    }

    pub fn of(&self, phase: P) -> Centavos {
        self.by_phase.get(&phase).copied().unwrap_or_default()
    }

    /// What lies at a path.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, part| node.below.get(*part))
    }

    /// True when every level that has something below it is its sum.
    pub fn adds_up(&self) -> bool {
        let is_sum = |phase: &P, amount: &Centavos| {
            Centavos::sum(self.below.values().map(|below| below.of(*phase))) == Ok(*amount)
        };
        self.below.is_empty()
            || (self.by_phase.iter().all(|(phase, amount)| is_sum(phase, amount))
                && self.below.values().all(Self::adds_up))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secretariat::kernel::money::MOST;

    #[test]
    fn a_sum_beyond_the_bounds_leaves_the_whole_as_it_was() {
        let mut sums = Sums::default();
        sums.add(&["a", "b"], 1, Centavos(MOST)).unwrap();
        assert_eq!(sums.add(&["a", "c"], 1, Centavos(1)), Err(Overflow));
        assert_eq!(sums.of(1), Centavos(MOST));
    }

    proptest! {
        #[test]
        fn totals_equal_their_parts_at_every_level(
            rows in prop::collection::vec((prop::collection::vec("[a-d]", 3), 0u8..3, -1_000_000i64..1_000_000), 0..60)
        ) {
            let mut sums = Sums::default();
            for (path, phase, amount) in &rows {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                sums.add(&path, *phase, Centavos(*amount)).unwrap();
            }
            prop_assert!(sums.adds_up());
            for phase in 0..3 {
                let whole: i64 = rows.iter().filter(|row| row.1 == phase).map(|row| row.2).sum();
                prop_assert_eq!(sums.of(phase), Centavos(whole));
            }
        }
    }
}
