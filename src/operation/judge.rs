//! What a look at the service means. Pure.

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

/// What a look found that decides whether the service does what it promises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Seconds since the evaluation stood at the journal's end; `None` when it never did.
    pub evaluated_s: Option<f64>,
    /// Seconds that this process has held readings without a commit.
    pub uncommitted_s: f64,
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
        Self { channels: Vec::new(), late_steps: 0, stuck: 0, ..self.clone() }
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
}

impl Problem {
    pub const fn part(&self) -> Part {
        match self {
            Self::IntakeStill => Part::Intake,
            Self::EvaluationStill | Self::EscalationStill(_) => Part::Evaluation,
            Self::SendingStill(_) | Self::Unbalanced(_) => Part::Sending,
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
        }
    }
}

/// Every problem's word, for metrics that must also say "none".
pub const CODES: [&str; 5] = ["intake_still", "evaluation_still", "sending_still", "unbalanced", "escalation_still"];

/// What is wrong, by the look. Nothing: the accounts are proved and everything moves.
pub fn problems(look: &Look) -> Vec<Problem> {
    let mut found = Vec::new();
    if look.uncommitted_s >= INTAKE_S {
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
        assert_eq!(of(&Look { uncommitted_s: 15.0, ..well() }), [(Part::Intake, "intake_still")]);
        assert_eq!(of(&Look { unbalanced: 1, ..well() }), [(Part::Sending, "unbalanced")]);
        assert_eq!(of(&Look { stuck: 1, ..well() }), [(Part::Evaluation, "escalation_still")]);
    }

    #[test]
    fn every_word_is_in_the_list() {
        let one_of_each = [
            Problem::IntakeStill,
            Problem::EvaluationStill,
            Problem::SendingStill(String::new()),
            Problem::Unbalanced(1),
            Problem::EscalationStill(1),
        ];
        assert_eq!(one_of_each.map(|problem| problem.code()), CODES);
    }
}
