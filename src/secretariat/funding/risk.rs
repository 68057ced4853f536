//! What may be lost, and why: computed from days, never typed. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Funding, State, life, regime};
use crate::deadlines::Deadline;
use crate::secretariat::kernel::instrument::shown::Cell;
use crate::units::vocabulary;

vocabulary! {
    Why, "reason of a risk" {
        ClauseMissed = "clause_missed",
        ClauseNear = "clause_near",
        Stalled = "stalled",
        AccountsOverdue = "accounts_overdue",
        AccountsNear = "accounts_near",
        RefundOverdue = "refund_overdue",
        TermEnded = "term_ended",
        TermEnding = "term_ending",
        CounterpartLate = "counterpart_late",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FundingRisk)]
pub struct Risk {
    #[schema(value_type = String)]
    pub why: Why,
    /// The day that makes it one.
    pub on: NaiveDate,
    pub law_ref: String,
}

impl Risk {
    pub fn cell(&self) -> Cell {
        Cell::Word("sec-instrument-risk", self.why.to_string())
    }

    /// Lost already, or past its day.
    pub const fn is_past(&self) -> bool {
        matches!(
            self.why,
            Why::ClauseMissed | Why::Stalled | Why::AccountsOverdue | Why::RefundOverdue | Why::TermEnded
        )
    }
}

/// Every reason, the earliest day first.
pub fn of(one: &Funding, deadlines: &[Deadline], today: NaiveDate) -> Vec<Risk> {
    let Ok(rules) = regime::shipped() else { return Vec::new() };
    let mut risks = Vec::new();
    let mut add = |why: Why, on: NaiveDate, law_ref: &str| risks.push(Risk { why, on, law_ref: law_ref.to_owned() });
    let is_running = matches!(one.state, State::Suspended | State::Signed | State::Tender | State::Execution);
    if let Some(clause) = one.clause.as_ref().filter(|clause| clause.met_on.is_none() && is_running) {
        let law = format!("{} (cláusula suspensiva não cumprida: extinção)", life::law(one, today));
        if clause.is_missed(today) {
            add(Why::ClauseMissed, clause.due_on, &law);
        } else if (clause.due_on - today).num_days() <= rules.watch.clause_days {
            add(Why::ClauseNear, clause.due_on, &law);
        }
    }
    for deadline in deadlines.iter().filter(|deadline| deadline.is_open()) {
        let Some(due_on) = deadline.due_on else { continue };
        let (is_late, is_near) = (due_on < today, deadline.is_near(today));
        let why = match deadline.code.as_str() {
            "funding.stalled" if is_late => Why::Stalled,
            "funding.accounts" if is_late => Why::AccountsOverdue,
            "funding.accounts" if is_near => Why::AccountsNear,
            "funding.refund" if is_late => Why::RefundOverdue,
            _ => continue,
        };
        add(why, due_on, &deadline.law_ref);
    }
    if let Some(last) = one.core.ends_on().filter(|_| is_running) {
        if last < today {
            add(Why::TermEnded, last, &rules.watch.law_ref);
        } else if (last - today).num_days() <= rules.watch.ending_days {
            add(Why::TermEnding, last, &rules.watch.law_ref);
        }
        let totals = one.core.ledger.totals();
        if totals.counterpart_paid < totals.counterpart_due && totals.released.0 > 0 && last < today {
            add(Why::CounterpartLate, last, &rules.watch.law_ref);
        }
    }
    risks.sort_by_key(|risk| (risk.on, risk.why));
    risks
}
