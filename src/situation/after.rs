//! Looking back: what was done against what was planned, and how long the first steps took. Pure.

use chrono::TimeDelta;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Instant;
use crate::plancon::store::activations::Activation;
use crate::plancon::store::tasks::Task;
use crate::plancon::tasks::TaskWord;

/// An action of the plan, as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AfterActionLine)]
pub struct Line {
    pub task: Uuid,
    pub title: String,
    /// Title of the scenario.
    pub scenario: String,
    pub who: Option<String>,
    #[schema(value_type = String)]
    pub state: TaskWord,
    /// Minutes from the activation of the scenario by which it was to be done.
    pub planned_min: i64,
    /// Minutes after which it was done; none: it was not, or was not needed.
    pub real_min: Option<i64>,
    /// It was done late, or is late still.
    pub is_late: bool,
    pub note: String,
}

impl Line {
    /// Minutes that it was done after (or before, negative) its time.
    pub fn delay_min(&self) -> Option<i64> {
        self.real_min.map(|real| real - self.planned_min)
    }
}

/// Every action in the order of its time.
pub fn lines(activations: &[Activation], tasks: &[Task], now: Instant) -> Vec<Line> {
    let of = |task: &Task| {
        let activation = activations.iter().find(|one| one.id == task.activation)?;
        let since = |at: Instant| minutes(at - activation.activated_at);
        let done_at = task.closed_at.filter(|_| task.state == TaskWord::Done);
        Some(Line {
            task: task.id,
            title: task.title.clone(),
            scenario: activation.title.clone(),
            who: task.assignee_name.clone(),
            state: task.state,
            planned_min: since(task.due_at),
            real_min: done_at.map(since),
            is_late: done_at.map_or_else(|| task.is_late(now), |at| at > task.due_at),
            note: task.note.clone(),
        })
    };
    tasks.iter().filter_map(of).collect()
}

fn minutes(time: TimeDelta) -> i64 {
    time.num_minutes()
}

/// The instants that the first steps are measured from and by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Firsts {
    /// The first sign: the first draft of an alert of it, or its opening where that is earlier.
    pub began_at: Option<Instant>,
    pub alert_at: Option<Instant>,
    /// When a provider took the first message.
    pub message_at: Option<Instant>,
    pub activated_at: Option<Instant>,
    pub taken_at: Option<Instant>,
    pub done_at: Option<Instant>,
    /// The first request for a team, and the first that was given to one.
    pub team_asked_at: Option<Instant>,
    pub team_assigned_at: Option<Instant>,
    /// The first team at the place.
    pub on_scene_at: Option<Instant>,
    /// The first shelter that took people in.
    pub shelter_at: Option<Instant>,
}

/// Seconds from the first sign to each first step; none: it never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AfterActionTimes)]
pub struct Times {
    pub first_alert_s: Option<i64>,
    pub first_message_s: Option<i64>,
    pub plan_activated_s: Option<i64>,
    pub first_task_taken_s: Option<i64>,
    pub first_task_done_s: Option<i64>,
    pub first_team_asked_s: Option<i64>,
    pub first_team_assigned_s: Option<i64>,
    pub first_team_on_scene_s: Option<i64>,
    pub first_shelter_open_s: Option<i64>,
}

/// How long each first step took.
pub fn times(firsts: &Firsts) -> Times {
    let since = |at: Option<Instant>| Some((at? - firsts.began_at?).num_seconds().max(0));
    Times {
        first_alert_s: since(firsts.alert_at),
        first_message_s: since(firsts.message_at),
        plan_activated_s: since(firsts.activated_at),
        first_task_taken_s: since(firsts.taken_at),
        first_task_done_s: since(firsts.done_at),
        first_team_asked_s: since(firsts.team_asked_at),
        first_team_assigned_s: since(firsts.team_assigned_at),
        first_team_on_scene_s: since(firsts.on_scene_at),
        first_shelter_open_s: since(firsts.shelter_at),
    }
}

/// How long it took to give somebody to each request, and until they were there: the medians, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = AfterActionReaction)]
pub struct Reaction {
    /// Deployments that were neither declined nor cancelled.
    pub sent: i64,
    /// Of them, who was there.
    pub arrived: i64,
    /// Seconds from the request; none: nobody was.
    pub median_to_assigned_s: Option<i64>,
    pub median_to_on_site_s: Option<i64>,
}

/// When somebody was asked for, assigned, and on site.
pub type Reacted = (Instant, Instant, Option<Instant>);

/// Sums up how quickly people came.
pub fn reaction(all: &[Reacted]) -> Reaction {
    let assigned: Vec<i64> = all.iter().map(|(asked, assigned, _)| (*assigned - *asked).num_seconds()).collect();
    let there: Vec<i64> =
        all.iter().filter_map(|(asked, _, there)| Some((there.as_ref()?.to_owned() - *asked).num_seconds())).collect();
    Reaction {
        sent: i64::try_from(all.len()).unwrap_or(i64::MAX),
        arrived: i64::try_from(there.len()).unwrap_or(i64::MAX),
        median_to_assigned_s: median(assigned),
        median_to_on_site_s: median(there),
    }
}

/// The middle one; of two the lesser, so that it is a time that was.
fn median(mut all: Vec<i64>) -> Option<i64> {
    all.sort_unstable();
    all.get(all.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Level;

    fn at(minutes: i64) -> Instant {
        Instant::default() + TimeDelta::minutes(minutes)
    }

    fn activation() -> Activation {
        Activation {
            id: Uuid::nil(),
            plan: "geral".into(),
            version: 1,
            version_id: Uuid::nil(),
            scenario: "x".into(),
            title: "Deslizamento".into(),
            level: Level::Alert,
            drill: false,
            activated_at: at(10),
            activated_by: "ana".into(),
            reason: "alerta".into(),
            raised_at: None,
            ended_at: None,
            ended_by: None,
            end_reason: String::new(),
        }
    }

    fn task(state: TaskWord, due: i64, closed: Option<i64>) -> Task {
        Task {
            id: Uuid::nil(),
            activation: Uuid::nil(),
            incident: Uuid::nil(),
            code: "a".into(),
            title: "Abrir".into(),
            level: "alert".into(),
            role: Some("operator".into()),
            rota: None,
            checklist: Vec::new(),
            depends_on: Vec::new(),
            drill: false,
            made_at: at(10),
            due_at: at(due),
            state,
            assignee: None,
            assignee_name: None,
            taken_at: None,
            closed_at: closed.map(at),
            closed_by: None,
            note: String::new(),
            revision: 1,
        }
    }

    #[test]
    fn each_action_is_held_against_its_planned_minute() {
        let tasks = [
            task(TaskWord::Done, 40, Some(35)),
            task(TaskWord::Done, 40, Some(52)),
            task(TaskWord::NotNeeded, 40, Some(60)),
            task(TaskWord::Todo, 40, None),
        ];
        let told: Vec<_> = lines(&[activation()], &tasks, at(50))
            .into_iter()
            .map(|line| (line.planned_min, line.real_min, line.delay_min(), line.is_late))
            .collect();
        let wanted = [
            (30, Some(25), Some(-5), false),
            (30, Some(42), Some(12), true),
            (30, None, None, false),
            (30, None, None, true),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn how_quickly_people_came_is_told_by_medians_of_those_who_did() {
        assert_eq!(reaction(&[]), Reaction::default());
        let all = [(at(0), at(2), Some(at(20))), (at(5), at(11), None), (at(0), at(4), Some(at(40)))];
        let told = reaction(&all);
        assert_eq!((told.sent, told.arrived), (3, 2));
        assert_eq!((told.median_to_assigned_s, told.median_to_on_site_s), (Some(240), Some(1200)));
    }

    #[test]
    fn what_never_came_has_no_time() {
        let firsts = Firsts { began_at: Some(at(0)), alert_at: Some(at(3)), ..Firsts::default() };
        assert_eq!(times(&firsts), Times { first_alert_s: Some(180), ..Times::default() });
        assert_eq!(times(&Firsts { began_at: None, ..firsts }), Times::default());
    }
}
