//! Strategic projects (clause 12a): portfolio, project, milestones, risks, the line of the budget, the instruments that pay for it. How a
//! project stands is computed from its milestones and risks and never typed. `life` and `standing` are pure.

pub mod forms;
pub mod life;
pub mod seed;
pub mod standing;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::Role;
use crate::secretariat::kernel::instrument::form::Form;
use crate::secretariat::kernel::instrument::refers::Reference;
use crate::secretariat::kernel::instrument::shown::{Cell, Shown};
use crate::secretariat::kernel::instrument::{Done, Index, Kept, Ledger, Public, Refusal, Seen};
use crate::secretariat::kernel::money::Centavos;
use crate::units::vocabulary;

vocabulary! {
    Kind, "kind of strategic thing" {
        Portfolio = "portfolio",
        Project = "project",
    }
}

vocabulary! {
    /// Where it is in its own life; how it goes is [`standing::Standing`].
    State, "state of a project" {
        Active = "active",
        Finished = "finished",
        Stopped = "stopped",
    }
}

/// A day that a milestone was planned for before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replan {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub reason: String,
    pub on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    pub title: String,
    /// Its part of the whole, beside the others.
    pub weight: u32,
    pub planned_on: NaiveDate,
    #[serde(default)]
    pub replans: Vec<Replan>,
    pub done_on: Option<NaiveDate>,
    #[serde(default)]
    pub evidence: String,
}

impl Milestone {
    /// The day it was planned for at first.
    pub fn first_planned(&self) -> NaiveDate {
        self.replans.first().map_or(self.planned_on, |replan| replan.from)
    }
}

vocabulary! {
    Response, "response to a risk" {
        Avoid = "avoid",
        Mitigate = "mitigate",
        Transfer = "transfer",
        Accept = "accept",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    pub title: String,
    /// 1 to 5.
    pub probability: u8,
    pub impact: u8,
    pub response: Response,
    pub plan: String,
    pub owner: String,
    pub closed_on: Option<NaiveDate>,
}

impl Risk {
    pub fn grade(&self) -> u8 {
        self.probability.saturating_mul(self.impact)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub kind: Kind,
    pub state: State,
    pub title: String,
    pub objective: String,
    pub owner: String,
    /// Of a project.
    pub portfolio: Option<Uuid>,
    #[serde(default)]
    pub milestones: Vec<Milestone>,
    #[serde(default)]
    pub risks: Vec<Risk>,
    /// Programme and action of a PPA; what was written before it was held against the budget is a text.
    #[serde(default)]
    pub budget_key: String,
    #[serde(default)]
    pub budget: Centavos,
    /// Instruments that belong to it.
    #[serde(default)]
    pub links: Vec<Uuid>,
    pub closed_on: Option<NaiveDate>,
    #[serde(default)]
    pub closed_reason: String,
    #[serde(skip)]
    pub ledger: Ledger,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectOpening)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// portfolio or project
    #[schema(value_type = String)]
    pub kind: Kind,
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub title: String,
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S")]
    pub objective: String,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 160, pattern = r"\S")]
    pub owner: String,
    #[serde(default)]
    pub portfolio: Option<Uuid>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectAct)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    AddMilestone {
        title: String,
        planned_on: NaiveDate,
        /// 1 to 100
        #[serde(default = "one")]
        weight: u32,
    },
    Replan {
        milestone: usize,
        planned_on: NaiveDate,
        reason: String,
    },
    Finish {
        milestone: usize,
        on: NaiveDate,
        evidence: String,
    },
    AddRisk {
        title: String,
        probability: u8,
        impact: u8,
        /// avoid, mitigate, transfer or accept
        #[schema(value_type = String)]
        response: Response,
        plan: String,
        owner: String,
    },
    GradeRisk {
        risk: usize,
        probability: u8,
        impact: u8,
        reason: String,
    },
    CloseRisk {
        risk: usize,
        reason: String,
    },
    SetBudget {
        /// Programme and action of a PPA: "0012.2041"
        budget_key: String,
        #[schema(value_type = i64)]
        budget: Centavos,
    },
    Link {
        /// An agreement or funding of the register.
        instrument: Uuid,
    },
    Unlink {
        instrument: Uuid,
        reason: String,
    },
    Close {
        reason: String,
    },
    Stop {
        reason: String,
    },
}

const fn one() -> u32 {
    1
}

impl Kept for Project {
    type Opening = Opening;
    type Act = Act;
    const MODULE: &'static str = "strategic_projects";
    const PAGES: &'static str = "projetos";
    const ROLE: Role = Role::StrategicProjects;
    const LISTED: Option<&'static str> = None;
    const KEPT: Option<&'static str> = None;
    const OPENING: &'static Form = &forms::OPENING;
    const ACCOUNTS: &'static [&'static str] = &[];

    fn open(opening: Opening, seen: &Seen) -> Result<Done<Self>, Refusal> {
        life::open(opening, seen)
    }

    fn act(self, act: Act, seen: &Seen) -> Result<Done<Self>, Refusal> {
        life::act(self, act, seen)
    }

    fn opening_refers(opening: &Opening) -> Vec<Reference> {
        opening.portfolio.map(Reference::Portfolio).into_iter().collect()
    }

    fn act_refers(act: &Act) -> Vec<Reference> {
        match act {
            Act::Link { instrument } => vec![Reference::Paying(*instrument)],
            Act::SetBudget { budget_key, .. } => life::action(budget_key)
                .map(|(programme, action)| Reference::Action(programme.to_owned(), action.to_owned()))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn index(&self) -> Index {
        Index {
            title: self.title.clone(),
            partner: self.owner.clone(),
            partner_document: String::new(),
            starts_on: None,
            ends_on: self.milestones.iter().map(|one| one.planned_on).max(),
            agreed: self.budget,
        }
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn state(&self) -> &'static str {
        self.state.as_str()
    }

    fn is_final(&self) -> bool {
        self.state != State::Active
    }

    fn law(&self, _today: NaiveDate) -> &'static str {
        life::RULE
    }

    fn governed_on(&self, _today: NaiveDate) -> Option<NaiveDate> {
        None
    }

    fn set_ledger(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How it goes is not in it: that moves with the day, so whoever reads it computes it from the milestones.
    fn public(&self, number: &str) -> Option<Public> {
        let milestones: Vec<Value> = self
            .milestones
            .iter()
            .map(|one| {
                json!({ "title": one.title, "weight": one.weight, "planned_on": one.planned_on, "first_planned_on": one.first_planned(),
                    "done_on": one.done_on, "replanned": one.replans.len() })
            })
            .collect();
        let highest =
            self.risks.iter().filter(|risk| risk.closed_on.is_none()).map(Risk::grade).max().unwrap_or_default();
        let snapshot = json!({ "number": number, "kind": self.kind, "state": self.state, "object": self.title, "objective": self.objective,
            "owner": self.owner, "portfolio": self.portfolio, "milestones": milestones, "highest_risk": highest,
            "budget_key": self.budget_key, "budget_centavos": self.budget, "instruments": self.links });
        Some(Public { snapshot, over_on: self.closed_on })
    }

    fn forms(&self) -> Vec<&'static Form> {
        forms::of(self)
    }

    fn shown(&self, today: NaiveDate) -> Shown {
        let mut shown = Shown::default();
        if self.kind == Kind::Project {
            let standing = standing::of(self, today);
            shown.fact("standing", Cell::Word("sec-instrument-standing", standing.word.to_string()));
            shown.fact("standing_why", Cell::text(&standing.why));
            let (planned, done) = standing::parts(self, today);
            shown.fact("planned_share", Cell::text(format!("{planned} %")));
            shown.fact("done_share", Cell::text(format!("{done} %")));
        }
        shown.fact("objective", Cell::text(&self.objective));
        shown.fact("owner", Cell::text(&self.owner));
        shown.fact("portfolio", Cell::text(self.portfolio.map(|id| id.to_string()).unwrap_or_default()));
        shown.fact("budget_key", Cell::text(&self.budget_key));
        if self.budget.0 > 0 {
            shown.fact("budget", Cell::Money(self.budget));
        }
        shown.fact("closed_on", Cell::day(self.closed_on));
        shown.fact("reason", Cell::text(&self.closed_reason));
        let milestones = self.milestones.iter().enumerate().map(|(at, one)| {
            let (first, planned, done) =
                (Cell::Day(one.first_planned()), Cell::Day(one.planned_on), Cell::day(one.done_on));
            let why = one.replans.iter().map(|replan| replan.reason.as_str()).collect::<Vec<_>>().join("; ");
            vec![
                Cell::text(at + 1),
                Cell::text(&one.title),
                first,
                planned,
                Cell::text(why),
                done,
                Cell::text(&one.evidence),
            ]
        });
        let heads = &["milestone", "title", "first_planned_on", "planned_on", "reason", "done_on", "evidence"];
        shown.table("milestones", heads, milestones.collect());
        let risks = self.risks.iter().enumerate().map(|(at, one)| {
            let grade = format!("{} × {} = {}", one.probability, one.impact, one.grade());
            let response = Cell::Word("sec-instrument-word", one.response.to_string());
            vec![
                Cell::text(at + 1),
                Cell::text(&one.title),
                Cell::Text(grade),
                response,
                Cell::text(&one.plan),
                Cell::text(&one.owner),
                Cell::day(one.closed_on),
            ]
        });
        shown.table("risks", &["risk", "title", "grade", "response", "plan", "owner", "closed_on"], risks.collect());
        let curve = standing::curve(self, today);
        let curve = curve.into_iter().map(|point| {
            let done = point.done.map_or(Cell::None, |done| Cell::text(format!("{done} %")));
            vec![Cell::Day(point.until), Cell::text(format!("{} %", point.planned)), done]
        });
        shown.table("curve", &["until", "planned_share", "done_share"], curve.collect());
        let links = self.links.iter().map(|id| vec![Cell::text(id)]);
        shown.table("links", &["instrument"], links.collect());
        shown
    }
}
