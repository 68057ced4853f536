//! What the public reads of a bill: a snapshot with the fields named here and no other, made when the bill is submitted and again with
//! every act that changes it. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::change::{Change, ChangeKind, Origin};
use super::classify::{Classes, Which};
use super::dates::first_day;
use super::execution::Executed;
use super::key::ExpenseKey;
use super::life::{Hearing, Law, Submission};
use super::lines::RevenueLine;
use super::plans::{Ldo, Ppa};
use super::{BillKind, Sphere};
use crate::secretariat::kernel::money::Centavos;

/// A line of expense with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetPublishedLine)]
pub struct Line {
    #[schema(value_type = String)]
    pub key: ExpenseKey,
    #[schema(value_type = String)]
    pub sphere: Sphere,
    pub words: String,
    /// As submitted, with the amendments that were taken.
    pub planned: Centavos,
    /// With credits.
    pub allowed: Centavos,
    pub executed: Executed,
}

/// An amendment that was taken, or a credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetPublishedChange)]
pub struct Published {
    pub number: String,
    #[schema(value_type = String)]
    pub kind: ChangeKind,
    #[schema(value_type = String)]
    pub origin: Origin,
    pub on: chrono::NaiveDate,
    pub act: String,
    pub law: String,
    pub reason: String,
    /// What goes up.
    pub amount: Centavos,
}

impl Published {
    pub fn of(number: &str, change: &Change, amount: Centavos) -> Self {
        Self {
            number: number.to_owned(),
            kind: change.kind,
            origin: change.origin,
            on: change.on,
            act: change.act.clone(),
            law: change.law.clone(),
            reason: change.reason.clone(),
            amount,
        }
    }
}

/// The snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetSnapshot)]
pub struct Snapshot {
    #[schema(value_type = String)]
    pub kind: BillKind,
    pub year_from: i32,
    pub year_to: i32,
    pub state: String,
    pub hearing: Option<Hearing>,
    pub submission: Option<Submission>,
    pub law: Option<Law>,
    /// A word of the town, as that the figures are fictional.
    pub note: String,
    /// Basis points.
    pub credit_limit: i64,
    pub revenue: Vec<RevenueLine>,
    pub expense: Vec<Line>,
    pub changes: Vec<Published>,
    pub ppa: Option<Ppa>,
    pub ldo: Option<Ldo>,
    /// Names of codes, as they are called in the first year.
    pub names: BTreeMap<String, String>,
    pub revenue_names: BTreeMap<String, String>,
}

impl Snapshot {
    pub fn taken_in(&self) -> Centavos {
        Centavos::sum(self.revenue.iter().map(|line| line.amount)).unwrap_or_default()
    }

    pub fn planned(&self) -> Centavos {
        Centavos::sum(self.expense.iter().map(|line| line.planned)).unwrap_or_default()
    }

    pub fn allowed(&self) -> Centavos {
        Centavos::sum(self.expense.iter().map(|line| line.allowed)).unwrap_or_default()
    }

    pub fn name(&self, code: &str) -> &str {
        self.names.get(code).map_or("", String::as_str)
    }
}

/// Names of everything that lines are made of, by the level's word and the code: `unit:02.01`.
pub fn names<'a>(
    classes: &Classes,
    ppa: Option<&Ppa>,
    year: i32,
    keys: impl Iterator<Item = &'a ExpenseKey>,
) -> BTreeMap<String, String> {
    let day = first_day(year);
    let mut names = BTreeMap::new();
    for programme in ppa.iter().flat_map(|ppa| &ppa.programmes) {
        names.insert(format!("programme:{}", programme.code), programme.name.clone());
        for action in &programme.actions {
            names.insert(format!("action:{}.{}", programme.code, action.code), action.name.clone());
        }
    }
    let named = |which: Which, code: &str| classes.of(which).name_of(code, day).to_owned();
    for key in keys {
        let [category, group, modality, element] = key.nature_parts();
        let unit = key.unit_code();
        names.insert(format!("unit:{unit}"), named(Which::Unit, &unit));
        names.insert(format!("unit:{}", key.organ), named(Which::Unit, &key.organ));
        names.insert(format!("function:{}", key.function), named(Which::Function, &key.function));
        let subfunction = named(Which::Subfunction, &key.subfunction);
        names.insert(format!("subfunction:{}.{}", key.function, key.subfunction), subfunction);
        names.insert(format!("source:{}", key.source), named(Which::Source, &key.source));
        names.insert(format!("nature:{category}"), named(Which::Category, category));
        names.insert(format!("nature:{category}.{group}"), named(Which::Group, group));
        names.insert(format!("nature:{category}.{group}.{modality}"), named(Which::Modality, modality));
        names.insert(format!("nature:{}", key.nature), named(Which::Element, element));
        if key.is_reserve() {
            for code in [
                format!("programme:{}", key.programme),
                format!("action:{}.{}", key.programme, key.action),
                format!("nature:{}", key.nature),
            ] {
                names.insert(code, "Reserva de contingência".into());
            }
        }
    }
    names
}
