//! Whether the simplified regime holds, by the rule in force on the day of signing. Pure.

use chrono::{Months, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::secretariat::kernel::instrument::Term;
use crate::secretariat::kernel::money::Centavos;

const SHIPPED: &str = include_str!("../../../config/secretariat/funding.toml");

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub law_ref: String,
    pub confirmed: bool,
    pub valid_from: NaiveDate,
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    pub ceiling_centavos: Centavos,
    pub months: u32,
}

/// How early something stands in the list of what may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    pub law_ref: String,
    pub clause_days: i64,
    pub ending_days: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub regime: Vec<Rule>,
    pub watch: Watch,
}

/// # Errors
/// None in a release: a test reads them.
pub fn shipped() -> Result<Rules, toml::de::Error> {
    toml::from_str(SHIPPED)
}

/// What the regime is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub simplified: bool,
    pub why: String,
    pub law_ref: String,
}

impl Judged {
    pub const fn word(&self) -> &'static str {
        if self.simplified { "simplified" } else { "general" }
    }
}

impl Rules {
    /// The regime of an instrument signed on a day, with the whole value: what is given and the counterpart.
    pub fn judge(&self, on: NaiveDate, value: Centavos, term: Term) -> Judged {
        let fits = |rule: &&Rule| rule.valid_from <= on && rule.valid_to.is_none_or(|last| on <= last);
        let Some(rule) = self.regime.iter().filter(fits).max_by_key(|rule| rule.valid_from) else {
            let why = format!("no rule of a simplified regime holds on {on}");
            return Judged { simplified: false, why, law_ref: String::new() };
        };
        let longest = term.starts_on.checked_add_months(Months::new(rule.months)).map(|day| day - TimeDelta::days(1));
        let is_low = value <= rule.ceiling_centavos;
        let is_short = longest.is_some_and(|longest| term.ends_on <= longest);
        let (held, limit) = (if is_low { "within" } else { "above" }, rule.ceiling_centavos);
        let lasts = if is_short { "at most" } else { "more than" };
        let why = format!("R$ {value} are {held} R$ {limit}; the term lasts {lasts} {} months", rule.months);
        Judged { simplified: is_low && is_short, why, law_ref: rule.law_ref.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(from: &str, to: &str) -> Term {
        Term { starts_on: from.parse().unwrap(), ends_on: to.parse().unwrap() }
    }

    #[test]
    fn the_simplified_regime_ends_at_a_centavo_and_at_a_day() {
        let rules = shipped().unwrap();
        let on = "2026-03-02".parse().unwrap();
        let three_years = term("2026-03-02", "2029-03-01");
        assert!(rules.judge(on, Centavos(150_000_000), three_years).simplified);
        let above = rules.judge(on, Centavos(150_000_001), three_years);
        assert!(!above.simplified && above.why.contains("above"), "{above:?}");
        assert!(!rules.judge(on, Centavos(1), term("2026-03-02", "2029-03-02")).simplified);
        let before = rules.judge("2023-08-31".parse().unwrap(), Centavos(1), three_years);
        assert!(!before.simplified && before.law_ref.is_empty(), "the law changes by the day of signing");
    }
}
