//! How a project goes: computed from its milestones and risks, with the reason. Pure.

use chrono::{Datelike as _, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Project, State};
use crate::units::vocabulary;

vocabulary! {
    Word, "standing of a project" {
        OnTime = "on_time",
        AtRisk = "at_risk",
        Late = "late",
        Done = "done",
        Stopped = "stopped",
        /// Without a milestone nothing can be said.
        Unknown = "unknown",
    }
}

const RULES: &str = include_str!("../../../config/secretariat/projects.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub near_days: i64,
    pub risk_grade: u8,
    pub law_ref: String,
}

/// # Errors
/// None in a release: a test reads them.
pub fn rules() -> Result<Rules, toml::de::Error> {
    toml::from_str(RULES)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ProjectStanding)]
pub struct Standing {
    #[schema(value_type = String)]
    pub word: Word,
    /// The milestone or risk that makes it so; empty when nothing does.
    pub why: String,
}

/// How it stands on a day.
pub fn of(project: &Project, today: NaiveDate) -> Standing {
    let told = |word, why: &str| Standing { word, why: why.to_owned() };
    if project.state == State::Stopped {
        return told(Word::Stopped, &project.closed_reason);
    }
    if project.milestones.is_empty() {
        return told(Word::Unknown, "");
    }
    let open = || project.milestones.iter().filter(|one| one.done_on.is_none());
    let Some(next) = open().min_by_key(|one| one.planned_on) else { return told(Word::Done, "") };
    if next.planned_on < today {
        return told(Word::Late, &format!("{} ({})", next.title, next.planned_on.format("%d/%m/%Y")));
    }
    let Ok(rules) = rules() else { return told(Word::Unknown, "") };
    let high = project.risks.iter().filter(|risk| risk.closed_on.is_none()).max_by_key(|risk| risk.grade());
    if let Some(risk) = high.filter(|risk| risk.grade() >= rules.risk_grade) {
        return told(Word::AtRisk, &format!("{} ({})", risk.title, risk.grade()));
    }
    // One that was put off already and is near again.
    let near = open().find(|one| !one.replans.is_empty() && (one.planned_on - today).num_days() <= rules.near_days);
    if let Some(one) = near {
        return told(Word::AtRisk, &format!("{} ({})", one.title, one.planned_on.format("%d/%m/%Y")));
    }
    told(Word::OnTime, "")
}

/// A milestone as the public has it.
#[derive(Deserialize)]
struct Told {
    title: String,
    planned_on: NaiveDate,
    done_on: Option<NaiveDate>,
    replanned: usize,
}

/// The same from what is public; none: it is no project. An open risk counts there by its grade alone.
pub fn of_snapshot(item: &serde_json::Value, today: NaiveDate) -> Option<Standing> {
    if item.get("kind")? != "project" {
        return None;
    }
    let told = |word, why: String| Some(Standing { word, why });
    if item.get("state")? == State::Stopped.as_str() {
        return told(Word::Stopped, String::new());
    }
    let milestones: Vec<Told> = serde_json::from_value(item.get("milestones")?.clone()).ok()?;
    let open = || milestones.iter().filter(|one| one.done_on.is_none());
    if milestones.is_empty() {
        return told(Word::Unknown, String::new());
    }
    let Some(next) = open().min_by_key(|one| one.planned_on) else { return told(Word::Done, String::new()) };
    let named = |one: &Told| format!("{} ({})", one.title, one.planned_on.format("%d/%m/%Y"));
    if next.planned_on < today {
        return told(Word::Late, named(next));
    }
    let rules = rules().ok()?;
    let highest = item.get("highest_risk").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let near = open().find(|one| one.replanned > 0 && (one.planned_on - today).num_days() <= rules.near_days);
    match near {
        _ if highest >= u64::from(rules.risk_grade) => told(Word::AtRisk, String::new()),
        Some(one) => told(Word::AtRisk, named(one)),
        None => told(Word::OnTime, String::new()),
    }
}

fn whole(project: &Project) -> u64 {
    project.milestones.iter().map(|one| u64::from(one.weight)).sum::<u64>().max(1)
}

/// Hundredths planned for, as at first, and done until a day.
pub fn parts(project: &Project, day: NaiveDate) -> (u64, u64) {
    let share = |is_in: &dyn Fn(&super::Milestone) -> bool| {
        let part: u64 = project.milestones.iter().filter(|one| is_in(one)).map(|one| u64::from(one.weight)).sum();
        part * 100 / whole(project)
    };
    (share(&|one| one.first_planned() <= day), share(&|one| one.done_on.is_some_and(|done| done <= day)))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ProjectCurvePoint)]
pub struct Point {
    /// Last day of a month.
    pub until: NaiveDate,
    pub planned: u64,
    /// None in the future.
    pub done: Option<u64>,
}

/// Most months of a curve.
const MOST: usize = 240;

/// Planned and done, month by month.
pub fn curve(project: &Project, today: NaiveDate) -> Vec<Point> {
    let days = || {
        project
            .milestones
            .iter()
            .flat_map(|one| [Some(one.first_planned()), Some(one.planned_on), one.done_on])
            .flatten()
    };
    let Some((first, last)) = days().min().zip(days().max()) else { return Vec::new() };
    let mut points = Vec::new();
    let mut month = first.with_day(1);
    while let Some(from) = month.filter(|from| *from <= last && points.len() < MOST) {
        let next = from.checked_add_months(Months::new(1));
        let until = next.and_then(|next| next.checked_sub_days(Days::new(1))).unwrap_or(from);
        let (planned, done) = parts(project, until);
        points.push(Point { until, planned, done: (from <= today).then_some(done) });
        month = next;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Milestone, Replan, Response, Risk};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn milestone(planned_on: &str, done_on: Option<&str>) -> Milestone {
        let (planned_on, done_on) = (day(planned_on), done_on.map(day));
        Milestone {
            title: "Marco".into(),
            weight: 1,
            planned_on,
            replans: Vec::new(),
            done_on,
            evidence: String::new(),
        }
    }

    fn project(milestones: Vec<Milestone>) -> Project {
        Project {
            kind: Kind::Project,
            state: State::Active,
            title: "Parque".into(),
            objective: "Área verde".into(),
            owner: "Ana".into(),
            portfolio: None,
            milestones,
            risks: Vec::new(),
            budget_key: String::new(),
            budget: crate::secretariat::kernel::money::Centavos::ZERO,
            links: Vec::new(),
            closed_on: None,
            closed_reason: String::new(),
            ledger: Default::default(),
        }
    }

    #[test]
    fn how_it_stands_follows_from_milestones_and_risks() {
        let today = day("2026-06-15");
        let word = |project: &Project| of(project, today).word;
        assert_eq!(word(&project(vec![])), Word::Unknown, "missing is not on time");
        let mut one = project(vec![milestone("2026-05-01", Some("2026-05-20")), milestone("2026-09-01", None)]);
        assert_eq!(word(&one), Word::OnTime);
        let grave = Risk {
            title: "Embargo".into(),
            probability: 4,
            impact: 5,
            response: Response::Mitigate,
            plan: "Licença".into(),
            owner: "Rui".into(),
            closed_on: None,
        };
        one.risks.push(grave);
        assert_eq!(of(&one, today), Standing { word: Word::AtRisk, why: "Embargo (20)".into() });
        one.risks[0].closed_on = Some(today);
        assert_eq!(word(&one), Word::OnTime);
        one.milestones[1].planned_on = day("2026-06-20");
        one.milestones[1].replans.push(Replan {
            from: day("2026-05-30"),
            to: day("2026-06-20"),
            reason: "Chuva".into(),
            on: today,
        });
        assert_eq!(word(&one), Word::AtRisk, "put off once and near again");
        assert_eq!(of(&one, day("2026-06-21")).word, Word::Late);
        one.milestones[1].done_on = Some(day("2026-06-20"));
        assert_eq!(word(&one), Word::Done);
    }

    #[test]
    fn the_curve_is_planned_as_at_first_and_has_no_future() {
        let mut one = project(vec![milestone("2026-01-10", Some("2026-02-05")), milestone("2026-03-10", None)]);
        one.milestones[1].replans.push(Replan {
            from: day("2026-02-10"),
            to: day("2026-03-10"),
            reason: "x".into(),
            on: day("2026-02-01"),
        });
        let curve: Vec<(u64, Option<u64>)> =
            curve(&one, day("2026-02-20")).iter().map(|one| (one.planned, one.done)).collect();
        assert_eq!(curve, [(50, Some(0)), (100, Some(50)), (100, None)]);
    }
}
