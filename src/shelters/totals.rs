//! Totals over shelters. Each is the sum of parts that are told beside it. Pure.

use serde::Serialize;

/// Persons by age, in one shelter or elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ShelterHeads)]
pub struct Heads {
    pub infants: i64,
    pub children: i64,
    pub adolescents: i64,
    pub adults: i64,
    pub elders: i64,
}

impl Heads {
    pub const fn all(&self) -> i64 {
        self.infants + self.children + self.adolescents + self.adults + self.elders
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            infants: self.infants + other.infants,
            children: self.children + other.children,
            adolescents: self.adolescents + other.adolescents,
            adults: self.adults + other.adults,
            elders: self.elders + other.elders,
        }
    }
}

/// What one shelter counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub code: String,
    pub name: String,
    pub heads: Heads,
    pub families: i64,
    pub arrived: i64,
    pub left: i64,
}

/// Fewer persons than this are not told to the public, because they could be recognised.
pub const LEAST_SHOWN: i64 = 5;

/// A number for the public: none, so many, or `None` for a few.
pub const fn public(number: i64) -> Option<i64> {
    if number == 0 || number >= LEAST_SHOWN { Some(number) } else { None }
}

/// All shelters together.
pub fn sum(counts: &[Count]) -> Heads {
    counts.iter().fold(Heads::default(), |all, count| all.and(count.heads))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_total_is_the_sum_of_its_parts_whichever_way_they_are_added(parts in prop::collection::vec(prop::array::uniform5(0..5000_i64), 0..30)) {
            let counts: Vec<Count> = parts.iter().map(|[infants, children, adolescents, adults, elders]| {
                let heads = Heads { infants: *infants, children: *children, adolescents: *adolescents, adults: *adults, elders: *elders };
                Count { heads, ..Count::default() }
            }).collect();
            let across: i64 = counts.iter().map(|count| count.heads.all()).sum();
            let down: i64 = parts.iter().flatten().sum();
            prop_assert_eq!(sum(&counts).all(), across);
            prop_assert_eq!(across, down);
        }
    }

    #[test]
    fn a_few_persons_are_not_told_to_the_public() {
        assert_eq!([0, 1, 4, 5, 300].map(public), [Some(0), None, None, Some(5), Some(300)]);
    }
}
