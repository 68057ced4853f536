//! The lines of FIDE 6 and 7, what each counts, and its columns in the files of S2iD and the atlas. Pure.

use serde::{Deserialize, Serialize};

use crate::refused::FieldError;
use crate::units::vocabulary;

vocabulary! {
    /// A line of FIDE 6 or 7.
    Line, "line of FIDE 6 and 7" {
        // 6.1 human
        Dead = "dead",
        Injured = "injured",
        Ill = "ill",
        /// Desabrigados: they need a shelter that is provided (Lei 14.750/2023). Never summed with the next.
        Homeless = "homeless",
        /// Desalojados: they left their homes and found shelter by own means.
        Displaced = "displaced",
        Missing = "missing",
        OtherAffected = "other_affected",
        // 6.2 material
        Housing = "housing",
        Health = "health",
        Education = "education",
        Services = "services",
        Community = "community",
        Infrastructure = "infrastructure",
        // 6.3 environmental
        Water = "water",
        Air = "air",
        Soil = "soil",
        WaterDepletion = "water_depletion",
        ProtectedFire = "protected_fire",
        // 7.1 public losses
        MedicalCare = "medical_care",
        WaterSupply = "water_supply",
        Sewage = "sewage",
        Waste = "waste",
        Pests = "pests",
        Energy = "energy",
        Telecom = "telecom",
        Transport = "transport",
        Fuel = "fuel",
        Security = "security",
        Teaching = "teaching",
        // 7.2 private losses
        Agriculture = "agriculture",
        Livestock = "livestock",
        Industry = "industry",
        Commerce = "commerce",
        PrivateServices = "private_services",
    }
}

vocabulary! {
    /// A part of FIDE 6 and 7.
    Part, "part of FIDE 6 and 7" {
        Human = "human",
        Material = "material",
        Environmental = "environmental",
        PublicLoss = "public_loss",
        PrivateLoss = "private_loss",
    }
}

impl Part {
    /// Its number in the form.
    pub const fn number(self) -> &'static str {
        match self {
            Self::Human => "6.1",
            Self::Material => "6.2",
            Self::Environmental => "6.3",
            Self::PublicLoss => "7.1",
            Self::PrivateLoss => "7.2",
        }
    }

    pub fn lines(self) -> impl Iterator<Item = Line> {
        Line::ALL.iter().copied().filter(move |line| line.part() == self)
    }
}

impl Line {
    pub const fn part(self) -> Part {
        let place = self as u8;
        if place <= Self::OtherAffected as u8 {
            Part::Human
        } else if place <= Self::Infrastructure as u8 {
            Part::Material
        } else if place <= Self::ProtectedFire as u8 {
            Part::Environmental
        } else if place <= Self::Teaching as u8 {
            Part::PublicLoss
        } else {
            Part::PrivateLoss
        }
    }

    /// Columns of the files: one, or of material damage damaged, destroyed and value.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Dead => &["DH_MORTOS"],
            Self::Injured => &["DH_FERIDOS"],
            Self::Ill => &["DH_ENFERMOS"],
            Self::Homeless => &["DH_DESABRIGADOS"],
            Self::Displaced => &["DH_DESALOJADOS"],
            Self::Missing => &["DH_DESAPARECIDOS"],
            Self::OtherAffected => &["DH_OUTROS AFETADOS"],
            Self::Housing => &["DM_Uni Habita Danificadas", "DM_Uni Habita Destruidas", "DM_Uni Habita Valor"],
            Self::Health => &["DM_Inst Saúde Danificadas", "DM_Inst Saúde Destruidas", "DM_Inst Saúde Valor"],
            Self::Education => &["DM_Inst Ensino Danificadas", "DM_Inst Ensino Destruidas", "DM_Inst Ensino Valor"],
            Self::Services => {
                &["DM_Inst Serviços Danificadas", "DM_Inst Serviços Destruidas", "DM_Inst Serviços Valor"]
            }
            Self::Community => &["DM_Inst Comuni Danificadas", "DM_Inst Comuni Destruidas", "DM_Inst Comuni Valor"],
            Self::Infrastructure => {
                &["DM_Obras de Infra Danificadas", "DM_Obras de Infra Destruidas", "DM_Obras de Infra Valor"]
            }
            Self::Water => &["DA_Polui/cont da água"],
            Self::Air => &["DA_Polui/cont do ar"],
            Self::Soil => &["DA_Polui/cont do solo"],
            Self::WaterDepletion => &["DA_Dimi/exauri hídrico"],
            Self::ProtectedFire => &["DA_Incêndi parques/APA's/APP's"],
            Self::MedicalCare => &["PEPL_Assis_méd e emergên(R$)"],
            Self::WaterSupply => &["PEPL_Abast de água pot(R$)"],
            Self::Sewage => &["PEPL_sist de esgotos sanit(R$)"],
            Self::Waste => &["PEPL_Sis limp e rec lixo (R$)"],
            Self::Pests => &["PEPL_Sis cont pragas (R$)"],
            Self::Energy => &["PEPL_distrib energia (R$)"],
            Self::Telecom => &["PEPL_Telecomunicações (R$)"],
            Self::Transport => &["PEPL_Tran loc/reg/l_curso (R$)"],
            Self::Fuel => &["PEPL_Distrib combustíveis(R$)"],
            Self::Security => &["PEPL_Segurança pública (R$)"],
            Self::Teaching => &["PEPL_Ensino (R$)"],
            Self::Agriculture => &["PEPR_Agricultura (R$)"],
            Self::Livestock => &["PEPR_Pecuária (R$)"],
            Self::Industry => &["PEPR_Indústria (R$)"],
            Self::Commerce => &["PEPR_Comércio (R$)"],
            Self::PrivateServices => &["PEPR_Serviços (R$)"],
        }
    }
}

/// The most of one entry: persons or works, and centavos.
pub const MOST_COUNTED: i64 = 20_000_000;
pub const MOST_CENTAVOS: i64 = 100_000_000_000_000;

/// What an entry or a total says. None is "nobody said", and is not nought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageAmount)]
#[serde(deny_unknown_fields, default)]
pub struct Amount {
    /// Persons: of 6.1 the dead, the injured…; of 6.3 those who are affected by it.
    #[schema(minimum = 0, maximum = 20_000_000)]
    pub persons: Option<i64>,
    /// Works of 6.2.
    #[schema(minimum = 0, maximum = 20_000_000)]
    pub damaged: Option<i64>,
    #[schema(minimum = 0, maximum = 20_000_000)]
    pub destroyed: Option<i64>,
    /// Of 6.2 the cost of repair, of 7 the loss.
    #[schema(minimum = 0, maximum = 100_000_000_000_000_i64)]
    pub centavos: Option<i64>,
}

fn sum(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or_default().saturating_add(b.unwrap_or_default())),
    }
}

fn less(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or_default() - b.unwrap_or_default()),
    }
}

impl Amount {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            persons: sum(self.persons, other.persons),
            damaged: sum(self.damaged, other.damaged),
            destroyed: sum(self.destroyed, other.destroyed),
            centavos: sum(self.centavos, other.centavos),
        }
    }

    /// How much more than the other.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            persons: less(self.persons, other.persons),
            damaged: less(self.damaged, other.damaged),
            destroyed: less(self.destroyed, other.destroyed),
            centavos: less(self.centavos, other.centavos),
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.persons.is_none() && self.damaged.is_none() && self.destroyed.is_none() && self.centavos.is_none()
    }

    /// Says something that is not nought.
    pub fn is_some(&self) -> bool {
        [self.persons, self.damaged, self.destroyed, self.centavos].into_iter().flatten().any(|number| number > 0)
    }

    /// The same without differences of nought.
    #[must_use]
    pub fn without_noughts(self) -> Self {
        let some = |number: Option<i64>| number.filter(|number| *number != 0);
        Self {
            persons: some(self.persons),
            damaged: some(self.damaged),
            destroyed: some(self.destroyed),
            centavos: some(self.centavos),
        }
    }

    /// Holds it against what the line counts.
    pub fn problems(&self, line: Line, at: &str) -> Vec<FieldError> {
        let part = line.part();
        let counts_persons = matches!(part, Part::Human | Part::Environmental);
        let counts_works = part == Part::Material;
        let counts_money = matches!(part, Part::Material | Part::PublicLoss | Part::PrivateLoss);
        let parts = [
            ("persons", self.persons, counts_persons, MOST_COUNTED),
            ("damaged", self.damaged, counts_works, MOST_COUNTED),
            ("destroyed", self.destroyed, counts_works, MOST_COUNTED),
            ("centavos", self.centavos, counts_money, MOST_CENTAVOS),
        ];
        let mut problems = Vec::new();
        let field = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for (name, number, is_counted, most) in parts {
            let Some(number) = number else { continue };
            let message = if !is_counted {
                format!("expected nothing: {line} counts no {name}")
            } else if !(0..=most).contains(&number) {
                format!("expected 0 to {most}")
            } else {
                continue;
            };
            problems.push(FieldError { field: field(name), value: number.to_string(), message });
        }
        if self.is_empty() {
            let expected = match part {
                Part::Human | Part::Environmental => "expected persons",
                Part::Material => "expected damaged, destroyed or centavos",
                Part::PublicLoss | Part::PrivateLoss => "expected centavos",
            };
            problems.push(FieldError { field: field("amount"), value: String::new(), message: expected.into() });
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_has_a_part_and_columns_of_its_own() {
        let counts: Vec<usize> = Part::ALL.iter().map(|part| part.lines().count()).collect();
        assert_eq!(counts, [7, 6, 5, 11, 5]);
        let columns: Vec<&str> = Line::ALL.iter().flat_map(|line| line.columns().iter().copied()).collect();
        assert_eq!(columns.iter().collect::<BTreeSet<_>>().len(), columns.len());
        for line in Line::ALL {
            assert_eq!(line.columns().len(), if line.part() == Part::Material { 3 } else { 1 }, "{line}");
        }
    }

    #[test]
    fn an_amount_says_what_its_line_counts_and_nothing_else() {
        let dead = Amount { persons: Some(2), ..Amount::default() };
        assert_eq!(dead.problems(Line::Dead, ""), []);
        let wrong =
            Amount { persons: Some(-1), centavos: Some(5), ..Amount::default() }.problems(Line::Dead, "lines[0]");
        assert_eq!(
            wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(),
            ["lines[0].persons", "lines[0].centavos"]
        );
        assert_eq!(Amount::default().problems(Line::Transport, "").len(), 1, "nothing is no amount");
        let nought = Amount { centavos: Some(0), ..Amount::default() };
        assert!(nought.problems(Line::Transport, "").is_empty() && !nought.is_some(), "nought is an amount");
    }

    #[test]
    fn nobody_said_is_not_nought() {
        let nought = Amount { persons: Some(0), ..Amount::default() };
        assert_eq!(Amount::default().and(Amount::default()), Amount::default());
        assert_eq!(Amount::default().and(nought), nought);
    }
}
