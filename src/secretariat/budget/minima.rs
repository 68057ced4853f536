//! Least shares for education and health, as warnings with their law. Pure.

use chrono::NaiveDate;
use serde::Deserialize;

use super::lines::{ExpenseLine, RevenueLine};
use crate::secretariat::kernel::money::{Centavos, Overflow};

const SHIPPED: &str = include_str!("../../../config/secretariat/budget/minima.toml");

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    pub code: String,
    pub name: String,
    pub law_ref: String,
    pub confirmed: bool,
    pub valid_from: NaiveDate,
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    pub basis_points: i64,
    /// Functions that count.
    pub functions: Vec<String>,
    /// Natures of revenue that it is a share of.
    pub of: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    minimum: Vec<Minimum>,
}

/// # Errors
/// None in a release: a test reads the file.
pub fn shipped() -> Result<Vec<Minimum>, toml::de::Error> {
    toml::from_str::<File>(SHIPPED).map(|file| file.minimum)
}

/// What is planned against the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub planned: Centavos,
    pub least: Centavos,
    pub base: Centavos,
}

impl Minimum {
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }

    /// # Errors
    /// A sum beyond the bounds.
    pub fn share(&self, revenue: &[RevenueLine], expense: &[ExpenseLine]) -> Result<Share, Overflow> {
        let counts = |line: &&RevenueLine| self.of.iter().any(|nature| line.is_of(nature));
        let base = Centavos::sum(revenue.iter().filter(counts).map(|line| line.amount))?;
        let spent = expense.iter().filter(|line| self.functions.contains(&line.key.function));
        let planned = Centavos::sum(spent.map(|line| line.amount))?;
        Ok(Share { planned, least: base.share(self.basis_points), base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_minima_are_dated_and_name_their_law() {
        let all = shipped().unwrap();
        assert_eq!(all.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["education", "health"]);
        assert!(!all[1].holds_on(NaiveDate::from_ymd_opt(2011, 1, 1).unwrap()));
        assert_eq!(all[0].basis_points, 2500);
    }
}
