//! Which acts each state allows, and the form of each. Pure.

use super::{Act, Agreement, Kind, State};
use crate::secretariat::kernel::instrument::form::{Cell, Field, Form, Input, form, grave, may, need};

const KINDS: &[&str] = &[
    "fomento",
    "colaboracao",
    "acordo_cooperacao",
    "contrato",
    "concessao",
    "permissao",
    "ppp",
    "doacao_adocao",
    "interesse",
];

pub const OPENING: Form = form(
    "open",
    &[
        need("kind", Input::Choice(KINDS)),
        need("object", Input::Text),
        may("partner.name", Input::Line),
        may("partner.document", Input::Line),
        may("reason", Input::Text),
    ],
);

const MONEY: &[Field] = &[need("centavos", Input::Money), need("on", Input::Day), need("what", Input::Line)];
const REASON: &[Field] = &[need("reason", Input::Text)];
const GOALS: &[(&str, Cell)] = &[("title", Cell::Line), ("indicator", Cell::Line)];
const STAGES: &[(&str, Cell)] = &[("title", Cell::Line), ("starts_on", Cell::Day), ("ends_on", Cell::Day)];
const SCHEDULE: &[(&str, Cell)] = &[("on", Cell::Day), ("centavos", Cell::Money)];

pub const FORMS: &[Form] = &[
    form("open_call", &[need("on", Input::Day), need("closes_on", Input::Day), need("place", Input::Line)]),
    form("waive", &[need("ground", Input::Text), need("law_ref", Input::Line)]),
    form(
        "select",
        &[need("partner.name", Input::Line), need("partner.document", Input::Line), need("reason", Input::Text)],
    ),
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
    form("appoint", &[need("manager", Input::Line), may("commission", Input::Lines)]),
    form(
        "opine",
        &[
            need("kind", Input::Choice(&["technical", "legal"])),
            may("favourable", Input::Yes),
            need("text", Input::Text),
        ],
    ),
    grave("sign", &[need("on", Input::Day)]),
    grave("publish", &[need("on", Input::Day), need("place", Input::Line)]),
    form("begin", &[]),
    form("commit", MONEY),
    grave("release", MONEY),
    form("pay_counterpart", MONEY),
    form("return", MONEY),
    form("reverse", &[need("seq", Input::Whole), need("on", Input::Day), need("reason", Input::Line)]),
    form("hold", REASON),
    form("mend", REASON),
    form(
        "amend",
        &[need("on", Input::Day), may("agreed", Input::Money), may("ends_on", Input::Day), need("reason", Input::Text)],
    ),
    form("mark", &[need("stage", Input::Whole), need("on", Input::Day), need("evidence", Input::Text)]),
    form("monitor", &[need("text", Input::Text)]),
    form("set_bank", &[need("bank", Input::Line), need("branch", Input::Line), need("account", Input::Line)]),
    form("account_interim", &[need("centavos", Input::Money), need("text", Input::Text)]),
    grave("rescind", &[need("on", Input::Day), need("reason", Input::Text)]),
    form("end", &[]),
    form("account", &[need("centavos", Input::Money), need("text", Input::Text)]),
    form("review", &[]),
    form("ask_cure", REASON),
    form("cure", &[need("text", Input::Text)]),
    grave(
        "decide",
        &[need("outcome", Input::Choice(&["regular", "with_reservations", "irregular"])), need("reason", Input::Text)],
    ),
    form(
        "extend",
        &[need("deadline", Input::Choice(&["accounts", "interim", "review", "cure"])), need("reason", Input::Text)],
    ),
    grave("close", REASON),
    grave("cancel", REASON),
    form("answer", &[may("opens", Input::Yes), need("reason", Input::Text)]),
];

/// The word of an act, as its JSON has it.
pub const fn word(act: &Act) -> &'static str {
    match act {
        Act::OpenCall { .. } => "open_call",
        Act::Waive { .. } => "waive",
        Act::Select { .. } => "select",
        Act::WritePlan { .. } => "write_plan",
        Act::Appoint { .. } => "appoint",
        Act::Opine { .. } => "opine",
        Act::Sign { .. } => "sign",
        Act::Publish { .. } => "publish",
        Act::Begin {} => "begin",
        Act::Commit { .. } => "commit",
        Act::Release { .. } => "release",
        Act::PayCounterpart { .. } => "pay_counterpart",
        Act::Return { .. } => "return",
        Act::Reverse { .. } => "reverse",
        Act::Hold { .. } => "hold",
        Act::Mend { .. } => "mend",
        Act::Amend { .. } => "amend",
        Act::Mark { .. } => "mark",
        Act::Monitor { .. } => "monitor",
        Act::SetBank { .. } => "set_bank",
        Act::AccountInterim { .. } => "account_interim",
        Act::Rescind { .. } => "rescind",
        Act::End {} => "end",
        Act::Account { .. } => "account",
        Act::Review {} => "review",
        Act::AskCure { .. } => "ask_cure",
        Act::Cure { .. } => "cure",
        Act::Decide { .. } => "decide",
        Act::Extend { .. } => "extend",
        Act::Close { .. } => "close",
        Act::Cancel { .. } => "cancel",
        Act::Answer { .. } => "answer",
    }
}

/// What a state allows. Release stands also where it is always refused, so that the refusal can say its law.
pub fn allowed(kind: Kind, state: State) -> Vec<&'static str> {
    let running: &[&str] = &[
        "commit",
        "release",
        "pay_counterpart",
        "return",
        "reverse",
        "hold",
        "mend",
        "amend",
        "mark",
        "monitor",
        "appoint",
        "set_bank",
        "rescind",
        "end",
    ];
    let mut all: Vec<&'static str> = match state {
        State::Planning => vec!["open_call", "waive", "cancel"],
        State::Call | State::Waived => vec!["select", "cancel"],
        State::Selection => vec!["write_plan", "appoint", "set_bank", "cancel"],
        State::WorkPlan => vec!["write_plan", "opine", "appoint", "set_bank", "cancel"],
        State::Opinions => vec!["write_plan", "opine", "appoint", "set_bank", "sign", "cancel"],
        State::Signed => vec!["publish", "commit", "release", "appoint", "set_bank", "cancel"],
        State::Published => std::iter::once("begin").chain(running.iter().copied()).collect(),
        State::Execution => running.to_vec(),
        State::AccountsDue => {
            vec!["account", "release", "amend", "return", "reverse", "pay_counterpart", "set_bank", "extend"]
        }
        State::AccountsIn => vec!["review", "return", "reverse", "release", "extend"],
        State::Review => vec!["ask_cure", "decide", "return", "reverse", "release"],
        State::Cure => vec!["cure", "return", "extend"],
        State::Regular | State::WithReservations => vec!["close", "return"],
        State::Irregular => vec!["close", "return", "reverse"],
        State::Received => vec!["answer"],
        State::Closed | State::Cancelled | State::Answered => Vec::new(),
    };
    if kind.is_partnership() {
        if matches!(state, State::Published | State::Execution) {
            all.extend(["account_interim", "extend"]);
        }
        if state == State::Review {
            all.push("extend");
        }
    } else if state == State::Review {
        // Without accounts of its own, what is over is closed.
        all = vec!["close", "return", "reverse", "release"];
    }
    all
}

pub fn of(one: &Agreement) -> Vec<&'static Form> {
    let all = allowed(one.kind, one.state);
    FORMS.iter().filter(|form| all.contains(&form.act)).collect()
}
