//! What a PPA and an LDO say. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::refused::FieldError;
use crate::secretariat::kernel::money::{Centavos, MOST};
use crate::secretariat::kernel::tree::scheme::is_plain;
use crate::units::vocabulary;

/// Programmes of a PPA, actions of a programme, and indicators of one, at most.
pub const MOST_PROGRAMMES: usize = 300;
pub const MOST_ACTIONS: usize = 200;
pub const MOST_INDICATORS: usize = 20;
/// Priorities of an LDO, at most.
pub const MOST_PRIORITIES: usize = 1000;

/// How an objective is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetIndicator)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    pub name: String,
    pub unit: String,
    pub reference: String,
    pub target: String,
}

/// What an action is to reach in a year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetYearTarget)]
#[serde(deny_unknown_fields)]
pub struct YearTarget {
    pub year: i32,
    pub quantity: i64,
    pub amount: Centavos,
}

/// Project, activity or special operation of a programme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetAction)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub code: String,
    pub name: String,
    pub product: String,
    pub unit: String,
    pub targets: Vec<YearTarget>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetProgramme)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub code: String,
    pub name: String,
    pub objective: String,
    #[serde(default)]
    pub indicators: Vec<Indicator>,
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// The plan of four years.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetPpa)]
#[serde(deny_unknown_fields)]
pub struct Ppa {
    pub programmes: Vec<Programme>,
}

vocabulary! {
    /// A fiscal target (LRF art. 4 §1).
    TargetKind, "fiscal target" {
        Revenue = "revenue",
        Expense = "expense",
        Primary = "primary",
        Nominal = "nominal",
        Debt = "debt",
    }
}

/// An action of the PPA that goes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetPriority)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    pub programme: String,
    pub action: String,
    #[serde(default)]
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetFiscalTarget)]
#[serde(deny_unknown_fields)]
pub struct FiscalTarget {
    #[schema(value_type = String, pattern = "^(revenue|expense|primary|nominal|debt)$")]
    pub kind: TargetKind,
    pub year: i32,
    pub amount: Centavos,
}

/// Goals and priorities of a year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetLdo)]
#[serde(deny_unknown_fields)]
pub struct Ldo {
    pub priorities: Vec<Priority>,
    pub targets: Vec<FiscalTarget>,
}

/// What an LOA says beside its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetLoaHead)]
#[serde(deny_unknown_fields)]
pub struct LoaHead {
    /// How much of the expense may be opened as supplementary credits by decree, in basis points (CF 165 §8).
    #[schema(minimum = 0, maximum = 10000)]
    pub credit_limit: i64,
    /// A word to whoever reads, as that the figures are fictional.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: String,
}

/// Content of a bill by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetContent)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    Ppa(Ppa),
    Ldo(Ldo),
    Loa(LoaHead),
}

/// Finds what is wrong.
pub(super) struct Wrongs(pub Vec<FieldError>);

impl Wrongs {
    pub fn say(&mut self, field: String, value: impl ToString, message: impl Into<String>) {
        let value = value.to_string().chars().take(200).collect();
        self.0.push(FieldError { field, value, message: message.into() });
    }

    pub fn text(&mut self, field: String, value: &str, least: usize, most: usize) {
        if value.trim().chars().count() < least || !is_plain(value, most) {
            self.say(
                field,
                value,
                format!("expected {least} to {most} characters on one line that begins with none of = + - @"),
            );
        }
    }

    fn code(&mut self, field: String, value: &str, seen: &mut BTreeSet<String>) {
        if value.len() != 4 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            self.say(field, value, "expected 4 digits");
        } else if !seen.insert(value.to_owned()) {
            self.say(field, value, "was given before");
        }
    }

    fn amount(&mut self, field: String, amount: Centavos) {
        if !(0..=MOST).contains(&amount.0) {
            self.say(field, amount, format!("expected 0 to {}", Centavos(MOST)));
        }
    }
}

impl Ppa {
    /// Everything that is wrong with it. `years`: first and last.
    pub fn problems(&self, years: (i32, i32)) -> Vec<FieldError> {
        let mut wrongs = Wrongs(Vec::new());
        if self.programmes.len() > MOST_PROGRAMMES {
            wrongs.say("programmes".into(), self.programmes.len(), format!("expected at most {MOST_PROGRAMMES}"));
            return wrongs.0;
        }
        let (mut programmes, mut actions) = (BTreeSet::new(), BTreeSet::new());
        for (at, one) in self.programmes.iter().enumerate() {
            let field = |name: &str| format!("programmes[{at}].{name}");
            wrongs.code(field("code"), &one.code, &mut programmes);
            wrongs.text(field("name"), &one.name, 1, 300);
            wrongs.text(field("objective"), &one.objective, 1, 2000);
            if one.indicators.len() > MOST_INDICATORS || one.actions.len() > MOST_ACTIONS {
                let expected = format!("expected at most {MOST_INDICATORS} indicators and {MOST_ACTIONS} actions");
                wrongs.say(field("actions"), one.actions.len(), expected);
                continue;
            }
            for (of, indicator) in one.indicators.iter().enumerate() {
                let field = |name: &str| format!("programmes[{at}].indicators[{of}].{name}");
                wrongs.text(field("name"), &indicator.name, 1, 300);
                wrongs.text(field("unit"), &indicator.unit, 0, 60);
                wrongs.text(field("reference"), &indicator.reference, 0, 60);
                wrongs.text(field("target"), &indicator.target, 1, 60);
            }
            for (of, action) in one.actions.iter().enumerate() {
                action_problems(&mut wrongs, &format!("programmes[{at}].actions[{of}]"), action, years, &mut actions);
            }
        }
        wrongs.0
    }

    /// Every action with its programme.
    pub fn actions(&self) -> impl Iterator<Item = (&Programme, &Action)> {
        self.programmes.iter().flat_map(|one| one.actions.iter().map(move |action| (one, action)))
    }

    pub fn has(&self, programme: &str, action: &str) -> bool {
        self.actions().any(|(one, of)| (one.code.as_str(), of.code.as_str()) == (programme, action))
    }
}

fn action_problems(wrongs: &mut Wrongs, at: &str, action: &Action, years: (i32, i32), seen: &mut BTreeSet<String>) {
    wrongs.code(format!("{at}.code"), &action.code, seen);
    wrongs.text(format!("{at}.name"), &action.name, 1, 300);
    wrongs.text(format!("{at}.product"), &action.product, 0, 200);
    wrongs.text(format!("{at}.unit"), &action.unit, 0, 60);
    let mut told = BTreeSet::new();
    for (of, target) in action.targets.iter().enumerate().take(8) {
        let field = format!("{at}.targets[{of}]");
        if !(years.0..=years.1).contains(&target.year) || !told.insert(target.year) {
            wrongs.say(
                format!("{field}.year"),
                target.year,
                format!("expected each year of {} to {} once", years.0, years.1),
            );
        }
        if !(0..=1_000_000_000).contains(&target.quantity) {
            wrongs.say(format!("{field}.quantity"), target.quantity, "expected 0 to 1000000000");
        }
        wrongs.amount(format!("{field}.amount"), target.amount);
    }
}

impl Ldo {
    pub fn problems(&self, year: i32) -> Vec<FieldError> {
        let mut wrongs = Wrongs(Vec::new());
        if self.priorities.len() > MOST_PRIORITIES || self.targets.len() > 50 {
            wrongs.say(
                "priorities".into(),
                self.priorities.len(),
                format!("expected at most {MOST_PRIORITIES}, and 50 targets"),
            );
            return wrongs.0;
        }
        let mut seen = BTreeSet::new();
        for (at, one) in self.priorities.iter().enumerate() {
            wrongs.text(format!("priorities[{at}].reason"), &one.reason, 0, 500);
            if !seen.insert((&one.programme, &one.action)) {
                wrongs.say(
                    format!("priorities[{at}]"),
                    format!("{}.{}", one.programme, one.action),
                    "was given before",
                );
            }
        }
        let mut told = BTreeSet::new();
        for (at, one) in self.targets.iter().enumerate() {
            // The annex of targets looks at the year and the two after it (LRF art. 4 §1).
            if !(year..=year + 2).contains(&one.year) || !told.insert((one.kind, one.year)) {
                let expected = format!("expected each target once in {year} to {} (LRF art. 4 §1)", year + 2);
                wrongs.say(format!("targets[{at}].year"), one.year, expected);
            }
            if !(-MOST..=MOST).contains(&one.amount.0) {
                wrongs.say(
                    format!("targets[{at}].amount"),
                    one.amount.0,
                    format!("expected at most {}", Centavos(MOST)),
                );
            }
        }
        wrongs.0
    }
}

impl LoaHead {
    pub fn problems(&self) -> Vec<FieldError> {
        let mut wrongs = Wrongs(Vec::new());
        if !(0..=10_000).contains(&self.credit_limit) {
            wrongs.say("credit_limit".into(), self.credit_limit, "expected 0 to 10000 basis points");
        }
        wrongs.text("note".into(), &self.note, 0, 1000);
        wrongs.0
    }
}
