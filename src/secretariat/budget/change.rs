//! What changes the lines of an LOA after they were submitted: amendments of the council, and credits during the year. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Sphere;
use super::dates::is_in;
use super::key::ExpenseKey;
use super::lines::{ExpenseLine, RevenueLine};
use crate::secretariat::kernel::money::{Centavos, MOST, Overflow};
use crate::units::vocabulary;

/// Lines that one amendment or credit changes, at most.
pub const MOST_CHANGES: usize = 500;

vocabulary! {
    /// What changes the lines.
    ChangeKind, "kind of change" {
        Amendment = "amendment",
        Supplementary = "supplementary",
        Special = "special",
        Extraordinary = "extraordinary",
    }
}

vocabulary! {
    /// Where the money comes from (Lei 4.320 art. 43 §1); of an amendment: annulled expense, or revenue that was reckoned wrongly.
    Origin, "source of a change" {
        Annulment = "annulment",
        Revenue = "revenue",
        Surplus = "surplus",
        CreditOperation = "credit_operation",
        None = "none",
    }
}

/// So much more or less on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetDelta)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    #[schema(value_type = String, max_length = 80)]
    pub key: ExpenseKey,
    /// Centavos; negative where something is taken.
    pub amount: Centavos,
}

/// So much more or less of a revenue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetRevenueDelta)]
#[serde(deny_unknown_fields)]
pub struct RevenueDelta {
    pub nature: String,
    pub source: String,
    pub amount: Centavos,
}

/// An amendment or a credit as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetChange)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[schema(value_type = String, pattern = "^(amendment|supplementary|special|extraordinary)$")]
    pub kind: ChangeKind,
    #[schema(value_type = String, pattern = "^(annulment|revenue|surplus|credit_operation|none)$")]
    pub origin: Origin,
    /// The day of the decree; of an amendment the day on which it was filed.
    pub on: NaiveDate,
    /// Of a credit: its decree; of an amendment: who filed it.
    #[schema(min_length = 1, max_length = 120, pattern = r"\S")]
    pub act: String,
    /// The law that authorises a special credit, or a supplementary one beyond the limit.
    #[serde(default)]
    #[schema(max_length = 120)]
    pub law: String,
    /// Why. Of an extraordinary credit: the calamity, war or commotion.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
    pub expense: Vec<Delta>,
    #[serde(default)]
    pub revenue: Vec<RevenueDelta>,
}

/// What stands when it is asked for.
#[derive(Debug)]
pub struct Standing<'a> {
    pub year: i32,
    pub expense: &'a [ExpenseLine],
    pub revenue: &'a [RevenueLine],
    /// The sum of the law, and what supplementary credits within its limit took of it already.
    pub enacted: Centavos,
    pub used: Centavos,
    /// Basis points that the law allows.
    pub limit: i64,
    /// Committed and not annulled, by key.
    pub committed: &'a BTreeMap<String, Centavos>,
}

/// Why it is not made, with the law.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} ({law_ref})")]
pub struct NotSo {
    pub rule: &'static str,
    pub text: String,
    pub law_ref: &'static str,
}

fn not(rule: &'static str, text: impl Into<String>, law_ref: &'static str) -> NotSo {
    NotSo { rule, text: text.into(), law_ref }
}

fn beyond(_: Overflow) -> NotSo {
    not("size", format!("a sum lies beyond R$ {}", Centavos(MOST)), "bound of the service")
}

const CREDITS: &str = "Lei 4.320/1964, art. 43; CF art. 167 V";

/// What goes up and what goes down, and how much revenue changes.
fn sums(change: &Change) -> Result<(Centavos, Centavos, Centavos), NotSo> {
    let of =
        |sign: i64| Centavos::sum(change.expense.iter().map(|one| one.amount).filter(|one| one.0.signum() == sign));
    let more = of(1).map_err(beyond)?;
    let less = of(-1).map_err(beyond)?;
    let revenue = Centavos::sum(change.revenue.iter().map(|one| one.amount)).map_err(beyond)?;
    Ok((more, Centavos(-less.0), revenue))
}

impl Change {
    /// Holds it against what stands. Gives the whole of what goes up.
    ///
    /// # Errors
    /// The first reason why it is not made.
    pub fn judge(&self, standing: &Standing<'_>) -> Result<Centavos, NotSo> {
        self.shape()?;
        let (more, less, revenue) = sums(self)?;
        self.lines(standing)?;
        if self.kind == ChangeKind::Amendment {
            self.amendment(more, less, revenue)?;
            return Ok(more);
        }
        if !is_in(self.on, standing.year, standing.year) {
            let text = format!("the day {} lies outside of the year {}", self.on, standing.year);
            return Err(not("year", text, "CF art. 167 §2; Lei 4.320/1964, art. 45"));
        }
        self.funded(more, less, revenue)?;
        match self.kind {
            ChangeKind::Supplementary => self.supplementary(more, standing)?,
            ChangeKind::Special if self.law.trim().is_empty() => {
                return Err(not(
                    "law",
                    "a special credit needs a law that authorises it",
                    "CF art. 167 V; Lei 4.320/1964, art. 42",
                ));
            }
            ChangeKind::Special | ChangeKind::Extraordinary | ChangeKind::Amendment => {}
        }
        Ok(more)
    }

    fn shape(&self) -> Result<(), NotSo> {
        if self.expense.is_empty() || self.expense.len() + self.revenue.len() > MOST_CHANGES {
            return Err(not("size", format!("expected 1 to {MOST_CHANGES} lines"), "bound of the service"));
        }
        if self.expense.iter().any(|one| one.amount.0 == 0) || self.revenue.iter().any(|one| one.amount.0 == 0) {
            return Err(not("size", "a line that changes by nothing", CREDITS));
        }
        let mut keys: Vec<&ExpenseKey> = self.expense.iter().map(|one| &one.key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(not("twice", "a line stands there twice", CREDITS));
        }
        Ok(())
    }

    /// No line below nought, none below what is committed, and lines that are or are not there already as the kind wants it.
    fn lines(&self, standing: &Standing<'_>) -> Result<(), NotSo> {
        for one in &self.expense {
            let now = standing.expense.iter().find(|line| line.key == one.key).map(|line| line.amount);
            let after = now.unwrap_or_default().plus(one.amount).map_err(beyond)?;
            let key = &one.key;
            if after.is_negative() {
                let text = format!(
                    "{key}: R$ {} less R$ {} is below nought",
                    now.unwrap_or_default(),
                    Centavos(-one.amount.0)
                );
                return Err(not("negative", text, "Lei 4.320/1964, art. 6"));
            }
            let committed = standing.committed.get(&key.to_string()).copied().unwrap_or_default();
            if after < committed {
                let text = format!("{key}: R$ {after} would be left, and R$ {committed} is committed");
                return Err(not("committed", text, "Lei 4.320/1964, art. 59"));
            }
            let is_new = now.is_none() && one.amount.0 > 0;
            if self.kind == ChangeKind::Supplementary && is_new {
                let text = format!("{key} is no line of the budget: what is new is a special credit");
                return Err(not("line", text, "Lei 4.320/1964, art. 41 I e II"));
            }
            if self.kind == ChangeKind::Special && now.is_some() && one.amount.0 > 0 {
                let text = format!("{key} is a line of the budget already: what is more is a supplementary credit");
                return Err(not("line", text, "Lei 4.320/1964, art. 41 I e II"));
            }
        }
        for one in &self.revenue {
            let now = standing.revenue.iter().find(|line| (&line.nature, &line.source) == (&one.nature, &one.source));
            let after = now.map(|line| line.amount).unwrap_or_default().plus(one.amount).map_err(beyond)?;
            if after.is_negative() {
                return Err(not(
                    "negative",
                    format!("revenue {} would be below nought", one.nature),
                    "Lei 4.320/1964, art. 6",
                ));
            }
        }
        Ok(())
    }

    fn amendment(&self, more: Centavos, less: Centavos, revenue: Centavos) -> Result<(), NotSo> {
        let law = "CF art. 166 §3 II e III";
        if let Some(one) = self.expense.iter().find(|one| one.amount.is_negative() && one.key.is_shielded()) {
            return Err(not("shielded", format!("{}: nothing is taken from personnel or debt", one.key), law));
        }
        let is_named = self.origin == Origin::Revenue;
        if !self.revenue.is_empty() && !is_named {
            return Err(not(
                "origin",
                "revenue changes only where its reckoning was wrong: name the source revenue",
                law,
            ));
        }
        if !matches!(self.origin, Origin::Annulment | Origin::Revenue) {
            return Err(not(
                "origin",
                "an amendment takes from other lines, or from revenue that was reckoned wrongly",
                law,
            ));
        }
        balanced(more, less, revenue, law)
    }

    fn funded(&self, more: Centavos, less: Centavos, revenue: Centavos) -> Result<(), NotSo> {
        match self.origin {
            Origin::None if self.kind == ChangeKind::Extraordinary && less.0 == 0 && revenue.0 == 0 => Ok(()),
            Origin::None if self.kind == ChangeKind::Extraordinary => {
                Err(not("origin", "name the source that the other lines are", CREDITS))
            }
            Origin::None => Err(not("origin", "only an extraordinary credit is opened without a source", CREDITS)),
            Origin::Annulment if revenue.0 != 0 => Err(not("origin", "annulled expense changes no revenue", CREDITS)),
            Origin::Annulment => balanced(more, less, Centavos::ZERO, CREDITS),
            // The revenue of the law stands as it is: these are receipts beyond it.
            Origin::Revenue | Origin::Surplus | Origin::CreditOperation if less.0 == 0 => {
                if revenue.0 == 0 {
                    Ok(())
                } else {
                    balanced(more, less, revenue, CREDITS)
                }
            }
            Origin::Revenue | Origin::Surplus | Origin::CreditOperation => {
                Err(not("origin", "lines that give go with the source annulment, in a credit of its own", CREDITS))
            }
        }
    }

    fn supplementary(&self, more: Centavos, standing: &Standing<'_>) -> Result<(), NotSo> {
        if !self.law.trim().is_empty() {
            return Ok(());
        }
        let most = standing.enacted.share(standing.limit);
        let after = standing.used.plus(more).map_err(beyond)?;
        if after > most {
            let text =
                format!("R$ {after} by decree with this one; the law allows R$ {most}: a law of its own is needed");
            return Err(not("limit", text, "CF art. 165 §8 e art. 167 V; Lei 4.320/1964, art. 7 I"));
        }
        Ok(())
    }

    /// True when it counts towards the limit of the law.
    pub fn counts(&self) -> bool {
        self.kind == ChangeKind::Supplementary && self.law.trim().is_empty()
    }
}

fn balanced(more: Centavos, less: Centavos, revenue: Centavos, law: &'static str) -> Result<(), NotSo> {
    let difference = Centavos(more.0 - less.0 - revenue.0);
    if difference.0 == 0 {
        return Ok(());
    }
    let text = format!("R$ {more} more, R$ {less} less and R$ {revenue} of revenue: the difference is R$ {difference}");
    Err(not("balance", text, law))
}

/// The lines after a change, in the order of their keys.
///
/// # Errors
/// A sum beyond the bounds.
pub fn apply(
    (expense, revenue): (&mut Vec<ExpenseLine>, &mut Vec<RevenueLine>),
    change: &Change,
) -> Result<(), Overflow> {
    for one in &change.expense {
        if let Some(line) = expense.iter_mut().find(|line| line.key == one.key) {
            line.amount = line.amount.plus(one.amount)?;
        } else {
            let is_social = matches!(one.key.function.as_str(), "08" | "09" | "10");
            let sphere = if is_social { Sphere::SocialSecurity } else { Sphere::Fiscal };
            expense.push(ExpenseLine { key: one.key.clone(), sphere, amount: one.amount, words: String::new() });
        }
    }
    for one in &change.revenue {
        match revenue.iter_mut().find(|line| (&line.nature, &line.source) == (&one.nature, &one.source)) {
            Some(line) => line.amount = line.amount.plus(one.amount)?,
            None => revenue.push(RevenueLine {
                nature: one.nature.clone(),
                source: one.source.clone(),
                sphere: Sphere::Fiscal,
                amount: one.amount,
                words: String::new(),
            }),
        }
    }
    expense.sort_by(|a, b| a.key.cmp(&b.key));
    revenue.sort_by_key(RevenueLine::id);
    Ok(())
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
