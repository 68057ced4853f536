//! Lines added up along a classification: tables, drill-down, and the report of planned against executed. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::execution::Executed;
use super::key::ExpenseKey;
use super::published::Line;
use crate::secretariat::kernel::money::{Centavos, Overflow};
use crate::secretariat::kernel::tree::Sums;
use crate::units::vocabulary;

vocabulary! {
    /// What is measured.
    Phase, "phase of the expense" {
        /// What the law (or the bill) gave.
        Planned = "planned",
        /// With credits.
        Allowed = "allowed",
        Committed = "committed",
        Settled = "settled",
        Paid = "paid",
    }
}

vocabulary! {
    /// How lines are grouped; each way has its levels.
    Way, "way of grouping" {
        Function = "function",
        Unit = "unit",
        Nature = "nature",
    }
}

impl Way {
    /// The codes on the way down; the last one is the line's own key.
    pub fn path(self, key: &ExpenseKey) -> Vec<String> {
        let action = format!("{}.{}", key.programme, key.action);
        match self {
            Self::Function => vec![
                key.function.clone(),
                format!("{}.{}", key.function, key.subfunction),
                key.programme.clone(),
                action,
                key.to_string(),
            ],
            Self::Unit => vec![key.organ.clone(), key.unit_code(), key.programme.clone(), action, key.to_string()],
            Self::Nature => {
                let [category, group, modality, _] = key.nature_parts();
                vec![
                    category.to_owned(),
                    format!("{category}.{group}"),
                    format!("{category}.{group}.{modality}"),
                    key.nature.clone(),
                    key.to_string(),
                ]
            }
        }
    }
}

impl Way {
    /// The word of the level below a path of so many codes, as the names of codes know it.
    pub fn level(self, depth: usize) -> &'static str {
        let levels = match self {
            Self::Function => ["function", "subfunction", "programme", "action", "line"],
            Self::Unit => ["unit", "unit", "programme", "action", "line"],
            Self::Nature => ["nature", "nature", "nature", "nature", "line"],
        };
        levels.get(depth).copied().unwrap_or("line")
    }
}

/// Adds lines up.
///
/// # Errors
/// A sum beyond the bounds.
pub fn sums(lines: &[Line], way: Way) -> Result<Sums<Phase>, Overflow> {
    let mut sums = Sums::default();
    for line in lines {
        let path = way.path(&line.key);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Executed { settled, paid, .. } = line.executed;
        let phases = [
            (Phase::Planned, line.planned),
            (Phase::Allowed, line.allowed),
            (Phase::Committed, line.executed.standing()),
            (Phase::Settled, settled),
            (Phase::Paid, paid),
        ];
        for (phase, amount) in phases {
            sums.add(&path, phase, amount)?;
        }
    }
    Ok(sums)
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetSpendRow)]
pub struct Row {
    pub code: String,
    pub name: String,
    pub planned: Centavos,
    pub allowed: Centavos,
    pub committed: Centavos,
    pub settled: Centavos,
    pub paid: Centavos,
    /// Of the whole that is allowed, in basis points.
    pub share: i64,
}

/// What lies below a path, the largest first. `names` knows codes by level and code.
pub fn below(sums: &Sums<Phase>, way: Way, path: &[&str], names: &BTreeMap<String, String>) -> Option<Vec<Row>> {
    let node = sums.at(path)?;
    let level = way.level(path.len());
    let whole = sums.of(Phase::Allowed);
    let row = |(code, node): (&String, &Sums<Phase>)| Row {
        code: code.clone(),
        name: names.get(&format!("{level}:{code}")).cloned().unwrap_or_default(),
        planned: node.of(Phase::Planned),
        allowed: node.of(Phase::Allowed),
        committed: node.of(Phase::Committed),
        settled: node.of(Phase::Settled),
        paid: node.of(Phase::Paid),
        share: node.of(Phase::Allowed).basis_points_of(whole).unwrap_or_default(),
    };
    let mut rows: Vec<Row> = node.below.iter().map(row).collect();
    rows.sort_by(|a, b| (b.allowed, &a.code).cmp(&(a.allowed, &b.code)));
    Some(rows)
}

/// What civil defense has.
///
/// # Errors
/// A sum beyond the bounds.
pub fn civil_defense(lines: &[Line]) -> Result<Centavos, Overflow> {
    Centavos::sum(lines.iter().filter(|line| line.key.is_civil_defense()).map(|line| line.allowed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Vec<Line>> {
        let one = (1u8..4, 1u8..4, 1u8..3, 0i64..1_000_000, 0i64..1000).prop_map(
            |(unit, function, action, planned, paid)| Line {
                key: format!("02.{unit:02}.{function:02}.182.0012.204{action}.3.3.90.30.1500").parse().unwrap(),
                sphere: crate::secretariat::budget::Sphere::Fiscal,
                words: String::new(),
                planned: Centavos(planned),
                allowed: Centavos(planned + 1000),
                executed: Executed {
                    committed: Centavos(paid),
                    settled: Centavos(paid),
                    paid: Centavos(paid),
                    ..Executed::default()
                },
            },
        );
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn every_way_adds_up_at_every_level_to_the_same_whole(lines in lines()) {
            let whole: i64 = lines.iter().map(|line| line.planned.0).sum();
            for way in Way::ALL {
                let sums = sums(&lines, *way).unwrap();
                prop_assert!(sums.adds_up());
                prop_assert_eq!(sums.of(Phase::Planned), Centavos(whole));
                let rows = below(&sums, *way, &[], &BTreeMap::new()).unwrap();
                prop_assert_eq!(rows.iter().map(|row| row.planned.0).sum::<i64>(), whole);
            }
        }
    }
}
