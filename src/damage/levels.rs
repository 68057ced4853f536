//! Levels I, II and III of a disaster, and what may be declared. Pure.
//!
//! Only level III may be estado de calamidade pública (ECP): [`Verdict`] has no place for anything else, and the table refuses it too.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::figures::sums;
use super::lines::{Amount, Line, Part};
use crate::units::vocabulary;

const SHIPPED: &str = include_str!("../../config/secretariat/levels.toml");

vocabulary! {
    /// Intensity of a disaster.
    Level, "level of a disaster" {
        I = "i",
        II = "ii",
        III = "iii",
    }
}

vocabulary! {
    /// What the town declares.
    Declared, "declaration" {
        /// Situação de emergência.
        Emergency = "se",
        /// Estado de calamidade pública.
        Calamity = "ecp",
    }
}

/// A level with what is declared: I and II are a situação de emergência, III is one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub enum Verdict {
    I,
    II,
    III(Declared),
}

/// A verdict in words, as forms, files and rows hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageVerdict)]
#[serde(deny_unknown_fields)]
pub struct Said {
    #[schema(value_type = String, pattern = "^(i|ii|iii)$")]
    pub level: Level,
    #[schema(value_type = String, pattern = "^(se|ecp)$")]
    pub declared: Declared,
}

/// A level that is not III was to be ECP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a disaster of level {0} is declared as situação de emergência, never as estado de calamidade pública")]
pub struct NoCalamity(pub Level);

impl TryFrom<Said> for Verdict {
    type Error = NoCalamity;

    fn try_from(said: Said) -> Result<Self, NoCalamity> {
        match (said.level, said.declared) {
            (Level::III, declared) => Ok(Self::III(declared)),
            (Level::I, Declared::Emergency) => Ok(Self::I),
            (Level::II, Declared::Emergency) => Ok(Self::II),
            (level, Declared::Calamity) => Err(NoCalamity(level)),
        }
    }
}

impl From<Verdict> for Said {
    fn from(verdict: Verdict) -> Self {
        Self { level: verdict.level(), declared: verdict.declared() }
    }
}

impl Verdict {
    pub const fn level(self) -> Level {
        match self {
            Self::I => Level::I,
            Self::II => Level::II,
            Self::III(_) => Level::III,
        }
    }

    pub const fn declared(self) -> Declared {
        match self {
            Self::I | Self::II => Declared::Emergency,
            Self::III(declared) => declared,
        }
    }
}

/// The words of a norm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    pub code: String,
    pub law_ref: String,
    #[serde(default)]
    pub confirmed: bool,
    pub valid_from: NaiveDate,
    #[serde(default)]
    pub valid_to: Option<NaiveDate>,
    pub i: String,
    pub ii: String,
    pub iii: String,
    /// What the norm says marks each level, beside its words.
    #[serde(default)]
    pub marks: String,
}

impl Criteria {
    pub fn of(&self, level: Level) -> &str {
        match level {
            Level::I => &self.i,
            Level::II => &self.ii,
            Level::III => &self.iii,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    criteria: Vec<Criteria>,
}

/// The criteria that hold for a disaster of this day.
pub fn criteria(day: NaiveDate) -> Option<Criteria> {
    let file: File = toml::from_str(SHIPPED).ok()?;
    let holds = |one: &Criteria| one.valid_from <= day && one.valid_to.is_none_or(|last| day <= last);
    file.criteria.into_iter().filter(holds).max_by_key(|one| one.valid_from)
}

/// What a person answers: figures cannot say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageAnswers)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// The town can bear and overcome damage and losses, also with what the State and the Union add.
    pub bearable: bool,
    /// Normality depends on the coordinated action of the three spheres.
    pub needs_three_spheres: bool,
}

/// What speaks for a level, as a word: the texts are `damage-why-WORD`.
pub type Why = &'static str;

/// The level that the criteria lead to, and why; none while the figures show no damage.
pub fn propose(totals: &BTreeMap<Line, Amount>, answers: Answers) -> Option<(Level, Vec<Why>)> {
    if !answers.bearable || answers.needs_three_spheres {
        let mut why = Vec::new();
        if !answers.bearable {
            why.push("not-bearable");
        }
        if answers.needs_three_spheres {
            why.push("three-spheres");
        }
        return totals.values().any(Amount::is_some).then_some((Level::III, why));
    }
    let sums = sums(totals);
    let is_some = |number: Option<i64>| number.is_some_and(|number| number > 0);
    let of = |part: Part| totals.iter().any(|(line, amount)| line.part() == part && amount.is_some());
    let mut why = Vec::new();
    if of(Part::Material) {
        why.push("material");
    }
    if of(Part::Environmental) {
        why.push("environmental");
    }
    if is_some(sums.loss_centavos) {
        why.push("losses");
    }
    if !why.is_empty() {
        // The norm marks level II by at least two damages, one of them human: whoever decides is told that none is entered.
        if !of(Part::Human) {
            why.push("no-human");
        }
        return Some((Level::II, why));
    }
    of(Part::Human).then(|| (Level::I, vec!["only-human"]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEARABLE: Answers = Answers { bearable: true, needs_three_spheres: false };

    fn totals(line: Line, amount: Amount) -> BTreeMap<Line, Amount> {
        BTreeMap::from([(line, amount)])
    }

    proptest! {
        #[test]
        fn level_one_or_two_is_never_a_calamity(level in 0..3_usize, declared in 0..2_usize) {
            let said = Said { level: Level::ALL[level], declared: Declared::ALL[declared] };
            match Verdict::try_from(said) {
                Ok(verdict) => {
                    prop_assert!(verdict.declared() == Declared::Emergency || verdict.level() == Level::III);
                    prop_assert_eq!(Said::from(verdict), said);
                    let json = serde_json::to_string(&verdict).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
                }
                Err(NoCalamity(level)) => {
                    prop_assert!(level != Level::III && said.declared == Declared::Calamity);
                    prop_assert!(serde_json::from_value::<Verdict>(serde_json::to_value(said).unwrap()).is_err());
                }
            }
        }

        #[test]
        fn whatever_is_proposed_can_be_declared_as_an_emergency(line in 0..34_usize, number in 0..5_i64, bearable: bool, spheres: bool) {
            let line = Line::ALL[line];
            let amount = match line.part() {
                Part::Human | Part::Environmental => Amount { persons: Some(number), ..Amount::default() },
                Part::Material => Amount { damaged: Some(number), ..Amount::default() },
                _ => Amount { centavos: Some(number), ..Amount::default() },
            };
            let proposed = propose(&totals(line, amount), Answers { bearable, needs_three_spheres: spheres });
            prop_assert_eq!(proposed.is_some(), number > 0);
            if let Some((level, why)) = proposed {
                prop_assert!(!why.is_empty());
                let said = Said { level, declared: Declared::Emergency };
                prop_assert!(Verdict::try_from(said).is_ok());
                prop_assert_eq!(level == Level::III, !bearable || spheres);
            }
        }
    }

    #[test]
    fn only_persons_are_level_one_and_works_or_losses_level_two() {
        let persons = Amount { persons: Some(3), ..Amount::default() };
        assert_eq!(propose(&totals(Line::Displaced, persons), BEARABLE), Some((Level::I, vec!["only-human"])));
        let money = Amount { centavos: Some(1), ..Amount::default() };
        assert_eq!(propose(&totals(Line::Agriculture, money), BEARABLE), Some((Level::II, vec!["losses", "no-human"])));
        let mut both = totals(Line::Displaced, persons);
        both.insert(Line::Agriculture, money);
        assert_eq!(propose(&both, BEARABLE), Some((Level::II, vec!["losses"])));
        assert_eq!(propose(&BTreeMap::new(), BEARABLE), None);
    }

    #[test]
    fn the_words_of_the_norm_go_by_the_day_of_the_disaster() {
        let code = |day: &str| criteria(day.parse().unwrap()).map(|one| one.code);
        assert_eq!(code("2026-02-22").as_deref(), Some("portaria-260-2022"));
        assert_eq!(code("2020-01-10").as_deref(), Some("in-2-2016"));
        assert_eq!(code("2020-12-06").as_deref(), Some("in-2-2016"));
        assert_eq!(code("2020-12-07").as_deref(), Some("in-36-2020"));
        assert_eq!(code("2022-02-02").as_deref(), Some("in-36-2020"));
        assert_eq!(code("2010-01-10"), None);
    }
}
