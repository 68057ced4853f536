//! Which acts are possible, and the form of each. Pure.

use super::{Act, Kind, Project, State};
use crate::secretariat::kernel::instrument::form::{Form, Input, form, grave, may, need};

pub const OPENING: Form = form(
    "open",
    &[
        need("kind", Input::Choice(&["project", "portfolio"])),
        need("title", Input::Line),
        need("objective", Input::Text),
        need("owner", Input::Line),
        may("portfolio", Input::Line),
    ],
);

pub const FORMS: &[Form] = &[
    form("add_milestone", &[need("title", Input::Line), need("planned_on", Input::Day), may("weight", Input::Whole)]),
    form("replan", &[need("milestone", Input::Whole), need("planned_on", Input::Day), need("reason", Input::Text)]),
    form("finish", &[need("milestone", Input::Whole), need("on", Input::Day), need("evidence", Input::Text)]),
    form(
        "add_risk",
        &[
            need("title", Input::Line),
            need("probability", Input::Whole),
            need("impact", Input::Whole),
            need("response", Input::Choice(&["avoid", "mitigate", "transfer", "accept"])),
            need("plan", Input::Text),
            need("owner", Input::Line),
        ],
    ),
    form(
        "grade_risk",
        &[
            need("risk", Input::Whole),
            need("probability", Input::Whole),
            need("impact", Input::Whole),
            need("reason", Input::Text),
        ],
    ),
    form("close_risk", &[need("risk", Input::Whole), need("reason", Input::Text)]),
    form("set_budget", &[need("budget_key", Input::Line), need("budget", Input::Money)]),
    form("link", &[need("instrument", Input::Line)]),
    form("unlink", &[need("instrument", Input::Line), need("reason", Input::Text)]),
    grave("close", &[need("reason", Input::Text)]),
    grave("stop", &[need("reason", Input::Text)]),
];

/// The word of an act, as its JSON has it.
pub const fn word(act: &Act) -> &'static str {
    match act {
        Act::AddMilestone { .. } => "add_milestone",
        Act::Replan { .. } => "replan",
        Act::Finish { .. } => "finish",
        Act::AddRisk { .. } => "add_risk",
        Act::GradeRisk { .. } => "grade_risk",
        Act::CloseRisk { .. } => "close_risk",
        Act::SetBudget { .. } => "set_budget",
        Act::Link { .. } => "link",
        Act::Unlink { .. } => "unlink",
        Act::Close { .. } => "close",
        Act::Stop { .. } => "stop",
    }
}

pub fn allowed(one: &Project) -> Vec<&'static str> {
    match (one.state, one.kind) {
        (State::Active, Kind::Project) => FORMS.iter().map(|form| form.act).collect(),
        (State::Active, Kind::Portfolio) => vec!["set_budget", "close", "stop"],
        _ => Vec::new(),
    }
}

pub fn of(one: &Project) -> Vec<&'static Form> {
    let all = allowed(one);
    FORMS.iter().filter(|form| all.contains(&form.act)).collect()
}
