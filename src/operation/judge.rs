//! What a look at the service means. Pure.

use std::fmt;

use crate::config::NodeRole;

/// A part of the service as residents understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Readings and reports are taken in.
    Intake,
    /// Rules judge what came in, and alerts are drafted and escalated.
    Evaluation,
    /// Messages leave.
    Sending,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Intake, Self::Evaluation, Self::Sending];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Evaluation => "evaluation",
            Self::Sending => "sending",
        }
    }
}

/// The evaluation says every ten seconds that it stands at the journal's end; above this, in seconds, warnings are late.
pub const EVALUATION_S: f64 = 60.0;
/// What could leave and did not for so long, in seconds, stands still.
pub const SENDING_S: f64 = 120.0;
/// Readings that waited for their commit through a whole look, in seconds.
pub const INTAKE_S: f64 = 15.0;
/// A process says how it is at each look, every fifteen seconds; one that spoke so long ago, in seconds, still has its word.
const SPOKE_S: f64 = 20.0;
/// One that did not speak for so long, in seconds, is gone: nobody does what it did.
pub const GONE_S: f64 = 60.0;
/// What some process must do, or nobody is warned. Pages alone are no warning.
const NEEDED: [NodeRole; 3] = [NodeRole::Ingest, NodeRole::Evaluate, NodeRole::Dispatch];

/// How one channel stands. Ages are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channel {
    pub name: String,
    /// Age of the oldest message among the first that would leave next; `None` when none waits.
    pub waiting_s: Option<f64>,
    /// For how long one of them could have left.
    pub due_s: Option<f64>,
    /// Since a provider took one of an alert in force.
    pub taken_s: Option<f64>,
    /// Providers of this channel that some process feeds and that answer.
    pub healthy: i64,
    /// Providers that were ever fed.
    pub claimers: i64,
}

impl Channel {
    /// Messages wait, and either nobody carries them or they could have left long ago and none did.
    fn stands_still(&self) -> bool {
        let is_old = |age: Option<f64>| age.is_some_and(|age| age > SENDING_S);
        let nobody = self.healthy == 0;
        let idle = is_old(self.due_s) && self.taken_s.is_none_or(|age| age > SENDING_S);
        is_old(self.waiting_s) && (nobody || idle)
    }
}

/// A process that held readings without a commit when it spoke last. Ages are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holder {
    pub node: String,
    /// For how long, when it spoke.
    pub holding_s: f64,
    /// Since it spoke.
    pub seen_s: f64,
}

impl Holder {
    /// Its readings wait, by its own word. Of one that fell silent in the middle nobody knows whether it still holds them: it counts until it
    /// is gone, unless some process kept a reading since.
    fn waits(&self, kept_s: Option<f64>) -> bool {
        if self.seen_s <= SPOKE_S {
            return self.holding_s >= INTAKE_S;
        }
        let since_s = self.holding_s + self.seen_s;
        self.seen_s <= GONE_S && since_s >= INTAKE_S && kept_s.is_none_or(|kept_s| kept_s >= since_s)
    }
}

/// When a process with this role was last seen, by the database's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Covered {
    pub role: NodeRole,
    /// Seconds; where none ever had it, those since the first of the others came.
    pub unseen_s: f64,
}

impl Covered {
    pub fn is_gone(&self) -> bool {
        self.unseen_s > GONE_S
    }
}

/// What a look found that decides whether the service does what it promises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Seconds since the evaluation stood at the journal's end; `None` when it never did.
    pub evaluated_s: Option<f64>,
    /// Processes that held readings without a commit, and seconds since any process kept one.
    pub holders: Vec<Holder>,
    pub kept_s: Option<f64>,
    /// Who does what.
    pub roles: Vec<Covered>,
    pub channels: Vec<Channel>,
    /// Messages whose recipients are not the sum of their states.
    pub unbalanced: i64,
    /// Pages to staff that should have left two minutes ago.
    pub late_steps: i64,
    /// Alerts that nobody answered in time and of which nobody was told.
    pub stuck: i64,
}

impl Look {
    /// Without what is judged by ages on the service's clock.
    pub fn without_ages(&self) -> Self {
        Self { channels: Vec::new(), kept_s: None, late_steps: 0, stuck: 0, ..self.clone() }
    }
}

/// Why the service does not do what it promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Readings wait for a commit that does not come.
    IntakeStill,
    /// The rules do not judge, or judge late.
    EvaluationStill,
    /// Messages of this channel wait and do not leave.
    SendingStill(String),
    /// So many messages do not account for their recipients.
    Unbalanced(i64),
    /// So many alerts wait for people without a next step.
    EscalationStill(i64),
    /// No process does this part of the work.
    RoleGone(NodeRole),
}

impl Problem {
    pub const fn part(&self) -> Part {
        match self {
            Self::IntakeStill | Self::RoleGone(NodeRole::Ingest | NodeRole::Web) => Part::Intake,
            Self::EvaluationStill | Self::EscalationStill(_) | Self::RoleGone(NodeRole::Evaluate) => Part::Evaluation,
            Self::SendingStill(_) | Self::Unbalanced(_) | Self::RoleGone(NodeRole::Dispatch) => Part::Sending,
        }
    }

    /// The word of logs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IntakeStill => "intake_still",
            Self::EvaluationStill => "evaluation_still",
            Self::SendingStill(_) => "sending_still",
            Self::Unbalanced(_) => "unbalanced",
            Self::EscalationStill(_) => "escalation_still",
            Self::RoleGone(_) => "role_gone",
        }
    }
}

/// The word, with what it is about.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        match self {
            Self::IntakeStill | Self::EvaluationStill => Ok(()),
            Self::SendingStill(channel) => write!(f, " ({channel})"),
            Self::Unbalanced(count) | Self::EscalationStill(count) => write!(f, " ({count})"),
            Self::RoleGone(role) => write!(f, " ({role})"),
        }
    }
}

/// Every problem's word, for metrics that must also say "none".
pub const CODES: [&str; 6] =
    ["intake_still", "evaluation_still", "sending_still", "unbalanced", "escalation_still", "role_gone"];

/// What is wrong, by the look. Nothing: the accounts are proved and everything moves.
pub fn problems(look: &Look) -> Vec<Problem> {
    let mut found = Vec::new();
    if look.holders.iter().any(|holder| holder.waits(look.kept_s)) {
        found.push(Problem::IntakeStill);
    }
    if look.evaluated_s.is_none_or(|age| age > EVALUATION_S) {
        found.push(Problem::EvaluationStill);
    }
    let still = look.channels.iter().filter(|channel| channel.stands_still());
    found.extend(still.map(|channel| Problem::SendingStill(channel.name.clone())));
    if look.unbalanced > 0 {
        found.push(Problem::Unbalanced(look.unbalanced));
    }
    if look.late_steps + look.stuck > 0 {
        found.push(Problem::EscalationStill(look.late_steps + look.stuck));
    }
    let gone = look.roles.iter().filter(|one| NEEDED.contains(&one.role) && one.is_gone());
    found.extend(gone.map(|one| Problem::RoleGone(one.role)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Look {
        Look { evaluated_s: Some(4.0), ..Look::default() }
    }

    fn sms(waiting_s: f64, due_s: f64, taken_s: Option<f64>, healthy: i64) -> Look {
        let (waiting_s, due_s) = (Some(waiting_s), Some(due_s));
        let channel = Channel { name: "sms".into(), waiting_s, due_s, taken_s, healthy, claimers: 1 };
        Look { channels: vec![channel], ..well() }
    }

    #[test]
    fn a_service_that_moves_has_no_problem() {
        assert_eq!(problems(&well()), []);
        assert_eq!(problems(&sms(3600.0, 3500.0, Some(1.0), 1)), [], "a long queue that moves is no standstill");
        assert_eq!(problems(&sms(3600.0, -20.0, None, 1)), [], "what is tried again later waits for its time");
        assert_eq!(problems(&sms(30.0, 30.0, None, 0)), [], "half a minute without a provider is a restart");
    }

    #[test]
    fn what_waits_without_moving_is_a_problem_of_its_part() {
        let of = |look: &Look| problems(look).iter().map(|found| (found.part(), found.code())).collect::<Vec<_>>();
        assert_eq!(of(&sms(600.0, 600.0, None, 1)), [(Part::Sending, "sending_still")]);
        assert_eq!(of(&sms(600.0, -20.0, None, 0)), [(Part::Sending, "sending_still")], "nobody carries it");
        assert_eq!(of(&Look { evaluated_s: None, ..well() }), [(Part::Evaluation, "evaluation_still")]);
        assert_eq!(of(&Look { evaluated_s: Some(61.0), ..well() }), [(Part::Evaluation, "evaluation_still")]);
        assert_eq!(of(&Look { unbalanced: 1, ..well() }), [(Part::Sending, "unbalanced")]);
        assert_eq!(of(&Look { stuck: 1, ..well() }), [(Part::Evaluation, "escalation_still")]);
    }

    fn intake(holders: &[(f64, f64)], kept_s: Option<f64>) -> Vec<Problem> {
        let holder = |&(holding_s, seen_s): &(f64, f64)| Holder { node: "a1".into(), holding_s, seen_s };
        problems(&Look { holders: holders.iter().map(holder).collect(), kept_s, ..well() })
    }

    #[test]
    fn readings_that_wait_at_any_process_are_a_problem_of_the_intake_whoever_looks() {
        assert_eq!(intake(&[(15.0, 0.0)], None), [Problem::IntakeStill]);
        assert_eq!(intake(&[(0.0, 0.0), (3.0, 14.0)], None), [], "a batch that is being written");
        let beside = intake(&[(0.0, 1.0), (40.0, 12.0)], Some(0.5));
        assert_eq!(beside, [Problem::IntakeStill], "that others keep theirs helps none of its devices");
        assert_eq!(intake(&[], Some(9000.0)), [], "devices that say nothing are nothing that waits");
    }

    #[test]
    fn of_a_process_that_fell_silent_with_readings_in_hand_the_last_reading_that_anybody_kept_decides() {
        assert_eq!(intake(&[(5.0, 30.0)], Some(36.0)), [Problem::IntakeStill], "nobody kept one since");
        assert_eq!(intake(&[(5.0, 30.0)], None), [Problem::IntakeStill]);
        assert_eq!(intake(&[(5.0, 30.0)], Some(20.0)), [], "the database takes readings");
        assert_eq!(intake(&[(5.0, 61.0)], Some(900.0)), [], "it is gone, and its devices are elsewhere");
    }

    #[test]
    fn a_part_of_the_work_that_no_process_does_is_a_problem_of_its_part() {
        let look = |role: NodeRole, unseen_s: f64| {
            let others = NodeRole::ALL.iter().map(|other| Covered { role: *other, unseen_s: 3.0 });
            let roles = others.map(|one| if one.role == role { Covered { role, unseen_s } } else { one }).collect();
            problems(&Look { roles, ..well() })
        };
        assert_eq!(look(NodeRole::Dispatch, 60.0), [], "a restart");
        for (role, part) in [
            (NodeRole::Ingest, Part::Intake),
            (NodeRole::Evaluate, Part::Evaluation),
            (NodeRole::Dispatch, Part::Sending),
        ] {
            let found = look(role, 60.5);
            assert_eq!(found, [Problem::RoleGone(role)]);
            assert_eq!((found[0].part(), found[0].to_string()), (part, format!("role_gone ({role})")));
        }
        assert_eq!(look(NodeRole::Web, 600.0), [], "messages leave without a page");
    }

    #[test]
    fn every_word_is_in_the_list() {
        let one_of_each = [
            Problem::IntakeStill,
            Problem::EvaluationStill,
            Problem::SendingStill(String::new()),
            Problem::Unbalanced(1),
            Problem::EscalationStill(1),
            Problem::RoleGone(NodeRole::Dispatch),
        ];
        assert_eq!(one_of_each.map(|problem| problem.code()), CODES);
    }
}
