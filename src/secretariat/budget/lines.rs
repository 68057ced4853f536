//! Lines of revenue and expense, and what they add up to. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Sphere;
use super::key::ExpenseKey;
use crate::secretariat::kernel::money::{Centavos, Overflow};

/// A line of expense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetExpenseLine)]
#[serde(deny_unknown_fields)]
pub struct ExpenseLine {
    /// órgão.unidade.função.subfunção.programa.ação.natureza.fonte.
    #[schema(value_type = String, max_length = 80)]
    pub key: ExpenseKey,
    #[schema(value_type = String, pattern = "^(fiscal|social_security)$")]
    pub sphere: Sphere,
    pub amount: Centavos,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub words: String,
}

/// A line of revenue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetRevenueLine)]
#[serde(deny_unknown_fields)]
pub struct RevenueLine {
    /// Nature: c.o.e.d.dd.d.t, as far as it goes.
    #[schema(max_length = 20, pattern = r"^[0-9]+(\.[0-9]+)*$")]
    pub nature: String,
    #[schema(pattern = "^[0-9]{3,10}$")]
    pub source: String,
    #[schema(value_type = String, pattern = "^(fiscal|social_security)$")]
    pub sphere: Sphere,
    pub amount: Centavos,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub words: String,
}

impl RevenueLine {
    pub fn id(&self) -> (String, String) {
        (self.nature.clone(), self.source.clone())
    }

    /// True when it is of a nature or lies below it.
    pub fn is_of(&self, nature: &str) -> bool {
        self.nature.strip_prefix(nature).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The sum of expense.
///
/// # Errors
/// Beyond the bounds.
pub fn spent(lines: &[ExpenseLine]) -> Result<Centavos, Overflow> {
    Centavos::sum(lines.iter().map(|line| line.amount))
}

/// The sum of revenue.
///
/// # Errors
/// Beyond the bounds.
pub fn taken_in(lines: &[RevenueLine]) -> Result<Centavos, Overflow> {
    Centavos::sum(lines.iter().map(|line| line.amount))
}

/// Expense by unit.
///
/// # Errors
/// Beyond the bounds.
pub fn by_unit(lines: &[ExpenseLine]) -> Result<BTreeMap<String, Centavos>, Overflow> {
    let mut sums: BTreeMap<String, Centavos> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.key.unit_code()).or_default();
        *sum = sum.plus(line.amount)?;
    }
    Ok(sums)
}
