//! Sections 1, 4, 5, 8 and 9 of FIDE, and the words beside the figures of 6 and 7: typed, and judged. Pure.

use serde::{Deserialize, Serialize};

use crate::exercises::plan::text;
use crate::refused::FieldError;
use crate::units::vocabulary;

vocabulary! {
    /// Where a kind of occupation was hit (FIDE 4).
    Hit, "affected area" {
        Absent = "absent",
        NotHit = "not_hit",
        Urban = "urban",
        Rural = "rural",
        Both = "both",
    }
}

/// Kinds of occupation of FIDE 4, in its order. Texts are `damage-occupation-WORD`.
pub const OCCUPATIONS: [&str; 9] = [
    "residential",
    "commercial",
    "industrial",
    "agricultural",
    "livestock",
    "extraction",
    "forest_reserve",
    "mining",
    "tourism",
];

/// Everything of FIDE that is written and not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageSections)]
#[serde(deny_unknown_fields, default)]
pub struct Sections {
    /// 1: inhabitants.
    #[schema(minimum = 0, maximum = 30_000_000)]
    pub population: Option<i64>,
    /// 1: gross product, budget and revenue of a year, and the net current revenue of a year and a month, in centavos.
    #[schema(minimum = 0, maximum = 900_000_000_000_000_000_i64)]
    pub product_centavos: Option<i64>,
    #[schema(minimum = 0, maximum = 900_000_000_000_000_000_i64)]
    pub budget_centavos: Option<i64>,
    #[schema(minimum = 0, maximum = 900_000_000_000_000_000_i64)]
    pub revenue_centavos: Option<i64>,
    #[schema(minimum = 0, maximum = 900_000_000_000_000_000_i64)]
    pub net_year_centavos: Option<i64>,
    #[schema(minimum = 0, maximum = 900_000_000_000_000_000_i64)]
    pub net_month_centavos: Option<i64>,
    /// 4: for each kind of occupation in the order of the form: absent, not_hit, urban, rural or both; empty: nobody said.
    #[schema(value_type = Vec<String>, max_items = 9)]
    pub occupation: Vec<Option<Hit>>,
    /// 4: which areas.
    #[schema(max_length = 4000)]
    pub areas: String,
    /// 5: what caused it, and what it did.
    #[schema(max_length = 8000)]
    pub causes: String,
    /// 5: rain in millimetres, stage of a river in centimetres, wind in km/h.
    #[schema(minimum = 0, maximum = 5000)]
    pub rain_24h_mm: Option<i64>,
    #[schema(minimum = 0, maximum = 5000)]
    pub rain_72h_mm: Option<i64>,
    #[schema(minimum = -1000, maximum = 10_000)]
    pub stage_cm: Option<i64>,
    #[schema(minimum = 0, maximum = 500)]
    pub wind_kmh: Option<i64>,
    /// 6 and 7: the words beside the figures.
    #[schema(max_length = 4000)]
    pub human: String,
    #[schema(max_length = 4000)]
    pub material: String,
    #[schema(max_length = 4000)]
    pub environmental: String,
    #[schema(max_length = 4000)]
    pub public_loss: String,
    #[schema(max_length = 4000)]
    pub private_loss: String,
    /// 8: who informs.
    #[schema(max_length = 160)]
    pub institution: String,
    #[schema(max_length = 300)]
    pub address: String,
    #[schema(max_length = 160)]
    pub informant: String,
    #[schema(max_length = 160)]
    pub function: String,
    #[schema(max_length = 40)]
    pub telephone: String,
    #[schema(max_length = 160)]
    pub email: String,
    /// 9: whom it was told: the State's and the Union's civil defense.
    pub state_told: bool,
    pub union_told: bool,
    #[schema(max_length = 1000)]
    pub told: String,
}

const MOST_MONEY: i64 = 900_000_000_000_000_000;

impl Sections {
    /// Everything that is wrong with them. What is empty is missing and not wrong.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let numbers = [
            ("population", self.population, 0, 30_000_000),
            ("product_centavos", self.product_centavos, 0, MOST_MONEY),
            ("budget_centavos", self.budget_centavos, 0, MOST_MONEY),
            ("revenue_centavos", self.revenue_centavos, 0, MOST_MONEY),
            ("net_year_centavos", self.net_year_centavos, 0, MOST_MONEY),
            ("net_month_centavos", self.net_month_centavos, 0, MOST_MONEY),
            ("rain_24h_mm", self.rain_24h_mm, 0, 5000),
            ("rain_72h_mm", self.rain_72h_mm, 0, 5000),
            ("stage_cm", self.stage_cm, -1000, 10_000),
            ("wind_kmh", self.wind_kmh, 0, 500),
        ];
        for (field, number, least, most) in numbers {
            let Some(number) = number.filter(|number| !(least..=most).contains(number)) else { continue };
            let message = format!("expected {least} to {most}");
            problems.push(FieldError { field: field.into(), value: number.to_string(), message });
        }
        if self.occupation.len() > OCCUPATIONS.len() {
            let message = format!("expected at most {} of them", OCCUPATIONS.len());
            problems.push(FieldError { field: "occupation".into(), value: self.occupation.len().to_string(), message });
        }
        let long = [
            ("areas", &self.areas, 4000),
            ("causes", &self.causes, 8000),
            ("human", &self.human, 4000),
            ("material", &self.material, 4000),
            ("environmental", &self.environmental, 4000),
            ("public_loss", &self.public_loss, 4000),
            ("private_loss", &self.private_loss, 4000),
            ("told", &self.told, 1000),
        ];
        for (field, value, most) in long {
            text(&mut problems, field, value, 0, most, false);
        }
        let short = [
            ("institution", &self.institution, 160),
            ("address", &self.address, 300),
            ("informant", &self.informant, 160),
            ("function", &self.function, 160),
            ("telephone", &self.telephone, 40),
            ("email", &self.email, 160),
        ];
        for (field, value, most) in short {
            text(&mut problems, field, value, 0, most, true);
        }
        problems
    }

    /// What of an occupation is known.
    pub fn hit(&self, at: usize) -> Option<Hit> {
        self.occupation.get(at).copied().flatten()
    }

    /// Fields that FIDE asks for and nobody filled, by name.
    pub fn missing(&self) -> Vec<&'static str> {
        let is_empty = |text: &str| text.trim().is_empty();
        let parts = [
            ("population", self.population.is_none()),
            ("areas", is_empty(&self.areas)),
            ("causes", is_empty(&self.causes)),
            ("institution", is_empty(&self.institution)),
            ("informant", is_empty(&self.informant)),
            ("function", is_empty(&self.function)),
            ("telephone", is_empty(&self.telephone)),
        ];
        parts.into_iter().filter(|(_, missing)| *missing).map(|(field, _)| field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named_and_what_is_empty_is_missing() {
        let empty = Sections::default();
        assert_eq!(empty.problems(), []);
        assert!(empty.missing().contains(&"causes"));
        let wrong =
            Sections { population: Some(-1), wind_kmh: Some(900), areas: "a".repeat(4001), ..Sections::default() };
        let fields: Vec<String> = wrong.problems().into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["population", "wind_kmh", "areas"]);
    }
}
