//! Orçamento Anual e Plurianual (clause 20): PPA, LDO and LOA from the units' proposals to the law, its credits, and its execution.
//!
//! Pure: `key` and `classify` (codes), `plans` (PPA, LDO), `lines` (revenue and expense), `life`, `check` (consistency), `change` (amendments
//! and credits), `execution` (import), `dates`, `minima`, `table` and `files` (CSV), `package` (Fiscal Data Package), `published` (what the
//! public reads). `desk` and `acts` act in the caller's transaction, `days` keeps the deadlines of bills, `view` reads a bill whole, `in_force` gives the plan that is law, `print` makes the QDD, `store` holds the SQL.

pub mod acts;
pub mod change;
pub mod check;
pub mod classify;
pub mod dates;
pub mod days;
pub mod desk;
pub mod execution;
pub mod files;
pub mod in_force;
pub mod key;
pub mod life;
pub mod lines;
pub mod minima;
pub mod package;
pub mod plans;
pub mod print;
pub mod published;
pub mod spend;
pub mod store;
pub mod table;
pub mod view;

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

/// Whose audit entries they are.
pub const KIND: &str = "budget_bill";
/// Lines of expense in one LOA, at most.
pub const MOST_LINES: usize = 20_000;
/// Lines of revenue in one LOA, at most.
pub const MOST_REVENUES: usize = 2_000;

vocabulary! {
    /// Which law.
    BillKind, "kind of budget bill" {
        Ppa = "ppa",
        Ldo = "ldo",
        Loa = "loa",
    }
}

impl BillKind {
    /// Years that it holds for.
    pub const fn years(self) -> i32 {
        match self {
            Self::Ppa => 4,
            Self::Ldo | Self::Loa => 1,
        }
    }
}

vocabulary! {
    /// Which of the budgets inside the LOA (CF 165 §5).
    Sphere, "sphere of the budget" {
        Fiscal = "fiscal",
        SocialSecurity = "social_security",
    }
}
