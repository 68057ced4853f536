//! The life of a task and the progress of many. Pure: late and waiting are computed from the instant and from the other tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::file::Action;
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::units::{Level, vocabulary};

vocabulary! {
    /// Where a task stands, as `incident_task.state` holds it.
    TaskWord, "state of a task" {
        Todo = "todo",
        Taken = "taken",
        Done = "done",
        NotNeeded = "not_needed",
    }
}

vocabulary! {
    /// What people do with a task, as `incident_task_act.act` holds it.
    TaskAct, "act on a task" {
        Make = "make",
        Take = "take",
        HandOver = "hand_over",
        Done = "done",
        NotNeeded = "not_needed",
        Undo = "undo",
    }
}

/// Where a task stands, with whoever has it. Each act consumes it and gives what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Todo,
    Taken(StaffId),
    /// Keeps whoever had it, so that an undo gives it back.
    Done(Option<StaffId>),
    NotNeeded(Option<StaffId>),
}

/// The act is not possible now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {0} is not asked to {1}")]
pub struct NotNow(pub TaskWord, pub TaskAct);

impl Standing {
    pub const fn word(self) -> TaskWord {
        match self {
            Self::Todo => TaskWord::Todo,
            Self::Taken(_) => TaskWord::Taken,
            Self::Done(_) => TaskWord::Done,
            Self::NotNeeded(_) => TaskWord::NotNeeded,
        }
    }

    pub const fn assignee(self) -> Option<StaffId> {
        match self {
            Self::Todo => None,
            Self::Taken(who) => Some(who),
            Self::Done(who) | Self::NotNeeded(who) => who,
        }
    }

    /// As the row says it.
    pub fn of(word: TaskWord, assignee: Option<StaffId>) -> Self {
        match (word, assignee) {
            (TaskWord::Taken, Some(who)) => Self::Taken(who),
            (TaskWord::Todo | TaskWord::Taken, _) => Self::Todo,
            (TaskWord::Done, who) => Self::Done(who),
            (TaskWord::NotNeeded, who) => Self::NotNeeded(who),
        }
    }

    /// What becomes of it when `who` does `act`; of a hand-over `who` is whoever gets it.
    ///
    /// # Errors
    /// `NotNow` with the state and the act.
    pub fn after(self, act: TaskAct, who: StaffId) -> Result<Self, NotNow> {
        match (self, act) {
            (Self::Todo, TaskAct::Take) => Ok(Self::Taken(who)),
            (Self::Todo | Self::Taken(_), TaskAct::HandOver) if self.assignee() != Some(who) => Ok(Self::Taken(who)),
            // Whoever does it without having taken it has it.
            (Self::Todo, TaskAct::Done) => Ok(Self::Done(Some(who))),
            (Self::Taken(has), TaskAct::Done) => Ok(Self::Done(Some(has))),
            (Self::Todo | Self::Taken(_), TaskAct::NotNeeded) => Ok(Self::NotNeeded(self.assignee())),
            (Self::Taken(_), TaskAct::Undo) => Ok(Self::Todo),
            (Self::Done(has) | Self::NotNeeded(has), TaskAct::Undo) => Ok(has.map_or(Self::Todo, Self::Taken)),
            (standing, act) => Err(NotNow(standing.word(), act)),
        }
    }
}

/// The actions that begin when a scenario rises from one level to another, in the plan's order; `from` none: it begins.
pub fn begin(actions: &[Action], from: Option<Level>, to: Level) -> Vec<&Action> {
    let begins = |action: &&Action| action.level <= to && from.is_none_or(|from| action.level > from);
    actions.iter().filter(begins).collect()
}

/// What of a task the computations need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub id: Uuid,
    pub activation: Uuid,
    pub code: String,
    pub word: TaskWord,
    pub due_at: Instant,
    pub depends_on: Vec<String>,
}

impl Facts {
    pub const fn is_open(&self) -> bool {
        matches!(self.word, TaskWord::Todo | TaskWord::Taken)
    }

    pub fn is_late(&self, now: Instant) -> bool {
        self.is_open() && self.due_at < now
    }
}

/// Codes of the tasks that each open task still waits for, by its id. A task that nobody made holds nothing up.
pub fn waiting(tasks: &[Facts]) -> BTreeMap<Uuid, Vec<String>> {
    let open: BTreeMap<(Uuid, &str), bool> =
        tasks.iter().map(|task| ((task.activation, task.code.as_str()), task.is_open())).collect();
    let of = |task: &Facts| {
        let waits = |code: &&String| open.get(&(task.activation, code.as_str())).copied().unwrap_or(false);
        task.depends_on.iter().filter(waits).cloned().collect::<Vec<String>>()
    };
    let found = tasks.iter().filter(|task| task.is_open()).map(|task| (task.id, of(task)));
    found.filter(|(_, codes)| !codes.is_empty()).collect()
}

/// How far an incident is with its plan. The first four add up to `total`; late and waiting are among the open ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PlanProgress)]
pub struct Progress {
    pub total: usize,
    pub todo: usize,
    pub taken: usize,
    pub done: usize,
    pub not_needed: usize,
    pub late: usize,
    pub waiting: usize,
}

impl Progress {
    /// What nobody has to do any more.
    pub const fn closed(&self) -> usize {
        self.done + self.not_needed
    }
}

/// Counts tasks.
pub fn progress(tasks: &[Facts], now: Instant) -> Progress {
    let count = |word: TaskWord| tasks.iter().filter(|task| task.word == word).count();
    Progress {
        total: tasks.len(),
        todo: count(TaskWord::Todo),
        taken: count(TaskWord::Taken),
        done: count(TaskWord::Done),
        not_needed: count(TaskWord::NotNeeded),
        late: tasks.iter().filter(|task| task.is_late(now)).count(),
        waiting: waiting(tasks).len(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    const ANA: StaffId = StaffId(Uuid::from_u128(1));
    const BRUNO: StaffId = StaffId(Uuid::from_u128(2));

    fn walk(acts: &[(TaskAct, StaffId)]) -> Result<Standing, NotNow> {
        acts.iter().try_fold(Standing::Todo, |standing, (act, who)| standing.after(*act, *who))
    }

    #[test]
    fn a_task_is_taken_handed_over_and_done_by_whoever_has_it() {
        assert_eq!(
            walk(&[(TaskAct::Take, ANA), (TaskAct::HandOver, BRUNO), (TaskAct::Done, ANA)]),
            Ok(Standing::Done(Some(BRUNO)))
        );
        assert_eq!(walk(&[(TaskAct::Done, ANA)]), Ok(Standing::Done(Some(ANA))), "done without having been taken");
        assert_eq!(walk(&[(TaskAct::Take, ANA), (TaskAct::Take, BRUNO)]), Err(NotNow(TaskWord::Taken, TaskAct::Take)));
        assert_eq!(
            walk(&[(TaskAct::Take, ANA), (TaskAct::HandOver, ANA)]),
            Err(NotNow(TaskWord::Taken, TaskAct::HandOver))
        );
    }

    #[test]
    fn an_undo_gives_back_what_was_and_a_closed_task_does_nothing_else() {
        assert_eq!(walk(&[(TaskAct::Take, ANA), (TaskAct::Undo, BRUNO)]), Ok(Standing::Todo));
        assert_eq!(
            walk(&[(TaskAct::Take, ANA), (TaskAct::Done, ANA), (TaskAct::Undo, BRUNO)]),
            Ok(Standing::Taken(ANA))
        );
        assert_eq!(walk(&[(TaskAct::NotNeeded, ANA), (TaskAct::Undo, ANA)]), Ok(Standing::Todo));
        for act in [TaskAct::Take, TaskAct::HandOver, TaskAct::Done, TaskAct::NotNeeded, TaskAct::Make] {
            assert_eq!(walk(&[(TaskAct::Done, ANA), (act, BRUNO)]), Err(NotNow(TaskWord::Done, act)));
        }
    }

    fn word(number: u8) -> TaskWord {
        TaskWord::ALL[usize::from(number) % TaskWord::ALL.len()]
    }

    fn facts(rows: &[(u8, i64, Vec<u8>)]) -> Vec<Facts> {
        let of = |(at, (state, due, after)): (usize, &(u8, i64, Vec<u8>))| Facts {
            id: Uuid::from_u128(at as u128),
            activation: Uuid::nil(),
            code: at.to_string(),
            word: word(*state),
            due_at: Instant::default() + TimeDelta::minutes(*due),
            depends_on: after.iter().map(ToString::to_string).collect(),
        };
        rows.iter().enumerate().map(of).collect()
    }

    #[test]
    fn a_task_waits_for_what_is_open_and_not_for_what_was_never_made() {
        let tasks = facts(&[(0, 5, vec![1, 2, 9]), (1, 5, vec![]), (2, 5, vec![])]);
        assert_eq!(waiting(&tasks).into_values().collect::<Vec<_>>(), [["1"]]);
    }

    proptest! {
        #[test]
        fn progress_is_the_sum_of_its_parts(
            rows in proptest::collection::vec((any::<u8>(), -60..60i64, proptest::collection::vec(0..20u8, 0..4)), 0..20)
        ) {
            let tasks = facts(&rows);
            let all = progress(&tasks, Instant::default());
            prop_assert_eq!(all.todo + all.taken + all.closed(), all.total);
            prop_assert!(all.late <= all.todo + all.taken && all.waiting <= all.todo + all.taken);
            let halves = tasks.split_at(tasks.len() / 2);
            let (one, two) = (progress(halves.0, Instant::default()), progress(halves.1, Instant::default()));
            prop_assert_eq!((one.total + two.total, one.late + two.late, one.done + two.done), (all.total, all.late, all.done));
        }

        /// Rising step by step begins what rising at once does, each action once.
        #[test]
        fn whatever_the_steps_each_action_begins_once(
            levels in proptest::collection::vec(2..6usize, 0..30), steps in proptest::collection::vec(2..6usize, 1..5)
        ) {
            let action = |(at, level): (usize, &usize)| Action {
                code: at.to_string(), title: String::new(), level: Level::ALL[*level], role: None, rota: None, due_min: 0,
                after: Vec::new(), checklist: Vec::new(),
            };
            let actions: Vec<Action> = levels.iter().enumerate().map(action).collect();
            let (mut from, mut made) = (None, Vec::new());
            for step in &steps {
                let to = Level::ALL[*step];
                if from.is_some_and(|from| to <= from) { continue }
                made.extend(begin(&actions, from, to).into_iter().map(|action| action.code.clone()));
                from = Some(to);
            }
            let mut at_once: Vec<String> = begin(&actions, None, from.unwrap()).into_iter().map(|action| action.code.clone()).collect();
            made.sort();
            at_once.sort();
            prop_assert_eq!(made, at_once);
        }
    }
}
