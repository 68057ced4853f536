//! All schemes of codes that a line is held against. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::key::{ExpenseKey, RESERVE_NATURE};
use crate::secretariat::kernel::tree::scheme::Unfit;
use crate::secretariat::kernel::tree::{Node, Scheme, Unknown};
use crate::units::vocabulary;

vocabulary! {
    /// A scheme of codes.
    Which, "classification" {
        Unit = "unit",
        Function = "function",
        Subfunction = "subfunction",
        Category = "category",
        Group = "group",
        Modality = "modality",
        Element = "element",
        Source = "source",
        Revenue = "revenue",
    }
}

impl Which {
    const fn shipped(self) -> &'static str {
        match self {
            Self::Unit => include_str!("../../../config/secretariat/budget/units.toml"),
            Self::Function => include_str!("../../../config/secretariat/budget/functions.toml"),
            Self::Subfunction => include_str!("../../../config/secretariat/budget/subfunctions.toml"),
            Self::Category => include_str!("../../../config/secretariat/budget/categories.toml"),
            Self::Group => include_str!("../../../config/secretariat/budget/groups.toml"),
            Self::Modality => include_str!("../../../config/secretariat/budget/modalities.toml"),
            Self::Element => include_str!("../../../config/secretariat/budget/elements.toml"),
            Self::Source => include_str!("../../../config/secretariat/budget/sources.toml"),
            Self::Revenue => include_str!("../../../config/secretariat/budget/revenues.toml"),
        }
    }

    /// Name in the table of nodes.
    pub fn scheme(self) -> String {
        format!("budget.{self}")
    }

    /// What a town may add: functions, categories and groups are those of the law.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Unit | Self::Source | Self::Revenue | Self::Element | Self::Modality)
    }
}

/// Every scheme, shipped and local.
#[derive(Clone, Debug)]
pub struct Classes {
    all: Vec<Scheme>,
}

impl Classes {
    /// What is shipped, with what the town added, in its order.
    ///
    /// # Errors
    /// Says which node does not fit.
    pub fn new(local: &[(Which, Vec<Node>)]) -> Result<Self, Unfit> {
        let mut all = Vec::with_capacity(Which::ALL.len());
        for which in Which::ALL {
            let mut scheme = Scheme::read(which.shipped())?;
            for node in local.iter().filter(|(of, _)| of == which).flat_map(|(_, nodes)| nodes) {
                scheme.add(node.clone())?;
            }
            all.push(scheme);
        }
        Ok(Self { all })
    }

    /// The scheme; there is one for each word.
    pub fn of(&self, which: Which) -> &Scheme {
        &self.all[which as usize]
    }

    pub fn of_mut(&mut self, which: Which) -> &mut Scheme {
        &mut self.all[which as usize]
    }

    /// Every part of a key that is no code on this day. Programme and action are the PPA's to know.
    pub fn wrong(&self, key: &ExpenseKey, day: NaiveDate) -> Vec<(&'static str, Unknown)> {
        let unit = key.unit_code();
        let [category, group, modality, element] = key.nature_parts();
        let mut wanted = vec![
            ("unidade", Which::Unit, unit.as_str()),
            ("funcao", Which::Function, key.function.as_str()),
            ("subfuncao", Which::Subfunction, key.subfunction.as_str()),
            ("fonte", Which::Source, key.source.as_str()),
        ];
        if key.nature != RESERVE_NATURE {
            wanted.extend([
                ("natureza", Which::Category, category),
                ("natureza", Which::Group, group),
                ("natureza", Which::Modality, modality),
                ("natureza", Which::Element, element),
            ]);
        }
        wanted
            .into_iter()
            .filter_map(|(field, which, code)| Some((field, self.of(which).find(code, day).err()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_codes_are_whole() {
        let classes = Classes::new(&[]).unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        assert_eq!(classes.of(Which::Function).on(day).filter(|node| node.code != "99").count(), 28);
        assert_eq!(classes.of(Which::Function).name_of("06", day), "Segurança Pública");
        assert_eq!(classes.of(Which::Subfunction).name_of("182", day), "Defesa Civil");
        for which in Which::ALL {
            assert!(!classes.of(*which).law_ref.is_empty(), "{which}");
        }
    }

    #[test]
    fn an_unknown_function_is_refused_with_the_portaria() {
        let classes = Classes::new(&[]).unwrap();
        let key: ExpenseKey = "02.01.77.182.0012.2041.3.3.90.30.1500".parse().unwrap();
        let wrong = classes.wrong(&key, NaiveDate::from_ymd_opt(2026, 1, 1).unwrap());
        let function = wrong.iter().find(|(field, _)| *field == "funcao").unwrap();
        assert_eq!(function.1.to_string(), "function 77 is unknown (Portaria MOG 42/1999, anexo)");
    }

    #[test]
    fn a_subfunction_combines_with_any_function() {
        let classes = Classes::new(&[]).unwrap();
        let key: ExpenseKey = "02.01.18.182.0012.2041.3.3.90.30.1500".parse().unwrap();
        let wrong = classes.wrong(&key, NaiveDate::from_ymd_opt(2026, 1, 1).unwrap());
        assert!(!wrong.iter().any(|(field, _)| ["funcao", "subfuncao", "natureza"].contains(field)));
    }
}
