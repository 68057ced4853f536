//! What is done to portfolios and projects. Pure.

use chrono::NaiveDate;

use super::{Act, Kind, Milestone, Opening, Project, Replan, Response, Risk, State, forms};
use crate::secretariat::kernel::instrument::{Done, Ledger, Refusal, Seen, room, said};
use crate::secretariat::kernel::money::{Centavos, MOST};

pub const RULE: &str = "Regra da Secretaria de Planejamento";

/// Programme and action of a key: "0012.2041".
pub fn action(key: &str) -> Option<(&str, &str)> {
    let is_code = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    key.trim().split_once('.').filter(|(programme, action)| is_code(programme) && is_code(action))
}

type Outcomes = Result<Done<Project>, Refusal>;

/// # Errors
/// Names the field.
pub fn open(opening: Opening, _seen: &Seen) -> Outcomes {
    if opening.kind == Kind::Portfolio && opening.portfolio.is_some() {
        return Err(Refusal::wrong("portfolio", "", "a portfolio belongs to no other"));
    }
    let mut done = Done::of(Project {
        kind: opening.kind,
        state: State::Active,
        title: said("title", &opening.title, 300)?,
        objective: said("objective", &opening.objective, 4000)?,
        owner: said("owner", &opening.owner, 160)?,
        portfolio: opening.portfolio,
        milestones: Vec::new(),
        risks: Vec::new(),
        budget_key: String::new(),
        budget: Centavos::ZERO,
        links: Vec::new(),
        closed_on: None,
        closed_reason: String::new(),
        ledger: Ledger::default(),
    });
    done.numbers = Some(format!("strategic_projects.{}", opening.kind));
    Ok(done)
}

/// # Errors
/// Why not.
pub fn act(mut one: Project, act: Act, seen: &Seen) -> Outcomes {
    let word = forms::word(&act);
    if !forms::allowed(&one).contains(&word) {
        let (state, possible) = (one.state.to_string(), forms::allowed(&one));
        return Err(Refusal::Illegal { act: word.to_owned(), state, possible, law: RULE });
    }
    let mut reason = String::new();
    match act {
        Act::AddMilestone { title, planned_on, weight } => add_milestone(&mut one, &title, planned_on, weight)?,
        Act::Replan { milestone, planned_on, reason: why } => {
            reason = said("reason", &why, 1000)?;
            replan(&mut one, milestone, planned_on, &reason, seen)?;
        }
        Act::Finish { milestone, on, evidence } => finish(&mut one, milestone, on, &evidence, seen)?,
        Act::AddRisk { title, probability, impact, response, plan, owner } => {
            add_risk(&mut one, (&title, &plan, &owner), (probability, impact), response)?;
        }
        Act::GradeRisk { risk, probability, impact, reason: why } => {
            reason = said("reason", &why, 1000)?;
            graded(probability, impact)?;
            let risk = open_risk(&mut one, risk)?;
            (risk.probability, risk.impact) = (probability, impact);
        }
        Act::CloseRisk { risk, reason: why } => {
            reason = said("reason", &why, 1000)?;
            open_risk(&mut one, risk)?.closed_on = Some(seen.today);
        }
        Act::SetBudget { budget_key, budget } => set_budget(&mut one, &budget_key, budget)?,
        Act::Link { instrument } => {
            room("links", one.links.len())?;
            if one.links.contains(&instrument) {
                return Err(Refusal::wrong("instrument", instrument, "it is linked already"));
            }
            one.links.push(instrument);
        }
        Act::Unlink { instrument, reason: why } => {
            reason = said("reason", &why, 1000)?;
            let before = one.links.len();
            one.links.retain(|link| *link != instrument);
            if one.links.len() == before {
                return Err(Refusal::wrong("instrument", instrument, "expected one that is linked"));
            }
        }
        Act::Close { reason: why } => {
            reason = said("reason", &why, 1000)?;
            finished(&one)?;
            (one.state, one.closed_on, one.closed_reason) = (State::Finished, Some(seen.today), reason.clone());
        }
        Act::Stop { reason: why } => {
            reason = said("reason", &why, 1000)?;
            (one.state, one.closed_on, one.closed_reason) = (State::Stopped, Some(seen.today), reason.clone());
        }
    }
    Ok(Done::of(one).because(reason))
}

fn set_budget(one: &mut Project, key: &str, budget: Centavos) -> Result<(), Refusal> {
    if !(0..=MOST).contains(&budget.0) {
        let expected = format!("expected nought to R$ {}", Centavos(MOST));
        return Err(Refusal::wrong("budget", budget, expected));
    }
    let Some((programme, action)) = action(key) else {
        return Err(Refusal::wrong("budget_key", key, "expected programme and action of a PPA, as 0012.2041"));
    };
    (one.budget_key, one.budget) = (format!("{programme}.{action}"), budget);
    Ok(())
}

/// Each milestone of it is done, and there is one: without any, nothing tells that a project was done.
fn finished(one: &Project) -> Result<(), Refusal> {
    if one.kind == Kind::Project && one.milestones.is_empty() {
        let why = "a project without milestones is not finished, for nothing tells that it was done: it is stopped";
        return Err(Refusal::law(why, RULE));
    }
    match one.milestones.iter().find(|milestone| milestone.done_on.is_none()) {
        Some(open) => Err(Refusal::law(format!("the milestone {:?} is not done", open.title), RULE)),
        None => Ok(()),
    }
}

fn add_milestone(one: &mut Project, title: &str, planned_on: NaiveDate, weight: u32) -> Result<(), Refusal> {
    room("milestones", one.milestones.len())?;
    let title = said("title", title, 300)?;
    if weight == 0 || weight > 100 {
        return Err(Refusal::wrong("weight", weight, "expected 1 to 100"));
    }
    let (replans, evidence) = (Vec::new(), String::new());
    one.milestones.push(Milestone { title, weight, planned_on, replans, done_on: None, evidence });
    Ok(())
}

fn open_milestone(one: &mut Project, number: usize) -> Result<&mut Milestone, Refusal> {
    let count = one.milestones.len();
    let found = number.checked_sub(1).and_then(|at| one.milestones.get_mut(at));
    let found = found.ok_or_else(|| Refusal::wrong("milestone", number, format!("expected 1 to {count}")))?;
    match found.done_on {
        Some(done) => Err(Refusal::wrong("milestone", number, format!("it was done on {done}"))),
        None => Ok(found),
    }
}

fn replan(one: &mut Project, number: usize, planned_on: NaiveDate, reason: &str, seen: &Seen) -> Result<(), Refusal> {
    let milestone = open_milestone(one, number)?;
    room("replans", milestone.replans.len())?;
    if planned_on == milestone.planned_on {
        return Err(Refusal::wrong("planned_on", planned_on, "expected another day"));
    }
    let (from, to) = (milestone.planned_on, planned_on);
    milestone.replans.push(Replan { from, to, reason: reason.to_owned(), on: seen.today });
    milestone.planned_on = planned_on;
    Ok(())
}

fn finish(one: &mut Project, number: usize, on: NaiveDate, evidence: &str, seen: &Seen) -> Result<(), Refusal> {
    if on > seen.today {
        return Err(Refusal::wrong("on", on, format!("expected {} or earlier", seen.today)));
    }
    let evidence = said("evidence", evidence, 1000)?;
    let milestone = open_milestone(one, number)?;
    (milestone.done_on, milestone.evidence) = (Some(on), evidence);
    Ok(())
}

fn graded(probability: u8, impact: u8) -> Result<(), Refusal> {
    for (field, value) in [("probability", probability), ("impact", impact)] {
        if !(1..=5).contains(&value) {
            return Err(Refusal::wrong(field, value, "expected 1 to 5"));
        }
    }
    Ok(())
}

fn add_risk(
    one: &mut Project,
    (title, plan, owner): (&str, &str, &str),
    (probability, impact): (u8, u8),
    response: Response,
) -> Result<(), Refusal> {
    room("risks", one.risks.len())?;
    graded(probability, impact)?;
    let (title, plan, owner) = (said("title", title, 300)?, said("plan", plan, 1000)?, said("owner", owner, 160)?);
    one.risks.push(Risk { title, probability, impact, response, plan, owner, closed_on: None });
    Ok(())
}

fn open_risk(one: &mut Project, number: usize) -> Result<&mut Risk, Refusal> {
    let count = one.risks.len();
    let found = number.checked_sub(1).and_then(|at| one.risks.get_mut(at)).filter(|risk| risk.closed_on.is_none());
    found.ok_or_else(|| Refusal::wrong("risk", number, format!("expected an open one of 1 to {count}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        let today = "2026-12-01".parse().unwrap();
        Seen { today, by: "rui".into(), late: Vec::new(), due: Vec::new(), elsewhere: None }
    }

    fn opened(kind: Kind) -> Project {
        let (title, objective, owner) = ("Cidade resiliente".into(), "Menos risco".into(), "Rui".into());
        open(Opening { kind, title, objective, owner, portfolio: None }, &seen()).unwrap().next
    }

    #[test]
    fn a_project_without_a_milestone_is_stopped_and_not_finished() {
        let close = || Act::Close { reason: "Entregue".into() };
        let refused = act(opened(Kind::Project), close(), &seen()).unwrap_err().to_string();
        assert!(refused.contains("without milestones") && refused.contains(RULE), "{refused}");
        let stopped = act(opened(Kind::Project), Act::Stop { reason: "Desistência".into() }, &seen()).unwrap();
        assert_eq!(stopped.next.state, State::Stopped);
        let closed = act(opened(Kind::Portfolio), close(), &seen()).unwrap();
        assert_eq!(closed.next.state, State::Finished, "a portfolio has none of its own");
    }

    #[test]
    fn the_key_of_the_budget_is_programme_and_action() {
        assert_eq!(action(" 0012.2041 "), Some(("0012", "2041")));
        for wrong in ["0012", "12.2041", "0012.2041.3", "0012.204a", ""] {
            assert_eq!(action(wrong), None, "{wrong}");
            let set = Act::SetBudget { budget_key: wrong.into(), budget: Centavos(1) };
            assert!(act(opened(Kind::Project), set, &seen()).is_err(), "{wrong}");
        }
    }
}
