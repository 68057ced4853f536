//! Which acts each state allows, and the form of each. Pure.

use super::{Act, Funding, State};
use crate::secretariat::kernel::instrument::form::{Cell, Field, Form, Input, form, grave, may, need};

pub const OPENING: Form = form(
    "open",
    &[
        need("kind", Input::Choice(&["convenio", "contrato_de_repasse", "transferencia"])),
        need("object", Input::Text),
        need("grantor.name", Input::Line),
        need("grantor.document", Input::Line),
        may("source", Input::Line),
        may("proposals_until", Input::Day),
        may("outside_key", Input::Line),
    ],
);

const MONEY: &[Field] = &[need("centavos", Input::Money), need("on", Input::Day), need("what", Input::Line)];
const REASON: &[Field] = &[need("reason", Input::Text)];
const GOALS: &[(&str, Cell)] = &[("title", Cell::Line), ("indicator", Cell::Line)];
const STAGES: &[(&str, Cell)] = &[("title", Cell::Line), ("starts_on", Cell::Day), ("ends_on", Cell::Day)];
const SCHEDULE: &[(&str, Cell)] = &[("on", Cell::Day), ("centavos", Cell::Money)];

pub const FORMS: &[Form] = &[
    form("propose", &[need("on", Input::Day), need("text", Input::Text)]),
    form(
        "write_plan",
        &[
            need("agreed", Input::Money),
            may("counterpart", Input::Money),
            need("starts_on", Input::Day),
            need("ends_on", Input::Day),
            need("plan.goals", Input::Rows(GOALS)),
            need("plan.stages", Input::Rows(STAGES)),
            may("plan.schedule", Input::Rows(SCHEDULE)),
        ],
    ),
    grave("sign", &[need("on", Input::Day), may("clause", Input::Text), may("clause_on", Input::Day)]),
    form("publish", &[need("on", Input::Day), need("place", Input::Line)]),
    form("meet_clause", &[need("on", Input::Day), need("evidence", Input::Text)]),
    form("put_off_clause", &[need("due_on", Input::Day), need("reason", Input::Text)]),
    form("tender", &[need("text", Input::Text)]),
    form("begin", &[need("text", Input::Text)]),
    form("commit", MONEY),
    form("release", MONEY),
    form("pay_counterpart", MONEY),
    form("spend", MONEY),
    form("return", MONEY),
    form("reverse", &[need("seq", Input::Whole), need("on", Input::Day), need("reason", Input::Line)]),
    form("measure", &[need("on", Input::Day), need("centavos", Input::Money), need("text", Input::Text)]),
    form(
        "amend",
        &[need("on", Input::Day), may("agreed", Input::Money), may("ends_on", Input::Day), need("reason", Input::Text)],
    ),
    form("mark", &[need("stage", Input::Whole), need("on", Input::Day), need("evidence", Input::Text)]),
    form("end", &[]),
    form("account", &[need("text", Input::Text)]),
    grave("approve", REASON),
    grave("open_special_accounts", REASON),
    grave("extinguish", REASON),
    grave("close", REASON),
    grave("withdraw", REASON),
];

/// The word of an act, as its JSON has it.
pub const fn word(act: &Act) -> &'static str {
    match act {
        Act::Propose { .. } => "propose",
        Act::WritePlan { .. } => "write_plan",
        Act::Sign { .. } => "sign",
        Act::Publish { .. } => "publish",
        Act::MeetClause { .. } => "meet_clause",
        Act::PutOffClause { .. } => "put_off_clause",
        Act::Tender { .. } => "tender",
        Act::Begin { .. } => "begin",
        Act::Commit { .. } => "commit",
        Act::Release { .. } => "release",
        Act::PayCounterpart { .. } => "pay_counterpart",
        Act::Spend { .. } => "spend",
        Act::Return { .. } => "return",
        Act::Reverse { .. } => "reverse",
        Act::Measure { .. } => "measure",
        Act::Amend { .. } => "amend",
        Act::Mark { .. } => "mark",
        Act::End {} => "end",
        Act::Account { .. } => "account",
        Act::Approve { .. } => "approve",
        Act::OpenSpecialAccounts { .. } => "open_special_accounts",
        Act::Extinguish { .. } => "extinguish",
        Act::Close { .. } => "close",
        Act::Withdraw { .. } => "withdraw",
        Act::Sync { .. } => "sync",
    }
}

/// What a state allows. Release stands also where it is always refused, so that the refusal can say its law.
pub fn allowed(state: State) -> Vec<&'static str> {
    let money = ["commit", "release", "pay_counterpart", "reverse", "amend", "publish"];
    let mut all: Vec<&'static str> = match state {
        State::Opportunity => vec!["propose", "withdraw"],
        State::Proposal => vec!["write_plan", "withdraw"],
        State::WorkPlan => vec!["write_plan", "sign", "withdraw"],
        State::Suspended => vec!["meet_clause", "put_off_clause", "extinguish"],
        State::Signed => vec!["tender", "extinguish"],
        State::Tender => vec!["begin", "extinguish"],
        State::Execution => vec!["spend", "measure", "mark", "return", "end", "extinguish"],
        State::AccountsDue => vec!["account", "spend", "return", "reverse", "release", "open_special_accounts"],
        State::AccountsIn => vec!["approve", "open_special_accounts", "return", "release"],
        State::Approved | State::Extinct => vec!["return", "close"],
        State::SpecialAccounts => vec!["return", "approve", "close"],
        State::Closed | State::Withdrawn => Vec::new(),
    };
    if matches!(state, State::Suspended | State::Signed | State::Tender | State::Execution) {
        all.extend(money);
    }
    all
}

pub fn of(one: &Funding) -> Vec<&'static Form> {
    let all = allowed(one.state);
    FORMS.iter().filter(|form| all.contains(&form.act)).collect()
}
