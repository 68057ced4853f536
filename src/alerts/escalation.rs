//! What happens while an alert waits and nobody answers: staff are paged along a plan, which is frozen when the wait begins.
//! Pure; `store` keeps it and `worker` carries it out.

pub mod store;
pub mod token;
pub mod words;
pub mod worker;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::accounts::{Role, manage};
use crate::alerts::kind::AlertKind;
use crate::alerts::state::AlertState;
use crate::alerts::store::RULE;
use crate::clock::Instant;
use crate::dispatch::provider::Channel;
use crate::ids::{AlertId, StaffId};
use crate::units::{Level, vocabulary};

/// One `[[alerts.escalation]]`: whom to page after how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Minutes of waiting.
    pub after_min: u32,
    /// Everybody who has one of these roles.
    #[serde(default)]
    pub roles: Vec<Role>,
    #[serde(default)]
    pub usernames: Vec<String>,
    pub channels: Vec<Channel>,
    /// Only for alerts of these levels; empty: for all.
    #[serde(default)]
    pub levels: Vec<Level>,
}

/// A day: whoever waits longer than that for an answer has another trouble.
const LONGEST_MIN: u32 = 1440;

impl Step {
    /// What is wrong with it, as the key and what is expected.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.after_min > LONGEST_MIN {
            Some(("after_min", "at most 1440 minutes"))
        } else if self.roles.is_empty() && self.usernames.is_empty() {
            Some(("roles", "somebody: roles, or usernames"))
        } else if !self.usernames.iter().all(|name| manage::is_username(name)) {
            Some(("usernames", "names that people sign in with"))
        } else if self.channels.is_empty() {
            Some(("channels", "\"sms\", \"email\", or both"))
        } else {
            None
        }
    }
}

vocabulary! {
    /// What waits.
    Cause, "cause of a wait" {
        /// A draft that a rule wrote.
        Rule = "rule",
        /// A draft that a person submitted.
        Submitted = "submitted",
    }
}

vocabulary! {
    /// How somebody said that they have seen it.
    How, "way to acknowledge" {
        /// By the link in the message.
        Link = "link",
        Page = "page",
        Api = "api",
        /// They changed the draft.
        Edit = "edit",
    }
}

/// An undecided alert, as far as it matters who waits for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    pub alert: AlertId,
    pub state: AlertState,
    pub kind: AlertKind,
    pub level: Level,
    pub created_by: String,
    pub created_at: Instant,
    pub submitted_at: Option<Instant>,
    pub is_returned: bool,
    /// Whose words it has, once a person changed them.
    pub edited_by: Option<StaffId>,
}

/// One wait: it is escalated once, whatever is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub cause: Cause,
    pub since: Instant,
}

/// What the alert waits for, if it waits. The end of a danger that a rule drafted waits without a hurry, and what somebody gave
/// back is in the hands of who wrote it.
pub fn wait_of(alert: &Undecided) -> Option<Wait> {
    match (alert.state, alert.submitted_at) {
        (AlertState::Submitted, Some(since)) => Some(Wait { cause: Cause::Submitted, since }),
        (AlertState::Draft, _) if alert.created_by == RULE && !alert.is_returned && warns(alert.kind) => {
            Some(Wait { cause: Cause::Rule, since: alert.created_at })
        }
        _ => None,
    }
}

const fn warns(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::Alert | AlertKind::Update)
}

/// The plan that holds for an alert of this level, each step with its due time. Counted from when the wait began: what
/// happened while the service stood is due at once, and nothing is due later because of it.
pub fn plan_for(steps: &[Step], level: Level, since: Instant) -> Vec<(Step, Instant)> {
    let holds = |step: &&Step| step.levels.is_empty() || step.levels.contains(&level);
    let due = |step: &Step| since + TimeDelta::minutes(i64::from(step.after_min));
    steps.iter().filter(holds).map(|step| (step.clone(), due(step))).collect()
}

/// What ended a wait, as the alert stands now.
pub fn ended_as(state: AlertState, is_returned: bool) -> String {
    match state {
        AlertState::Draft if is_returned => "returned".into(),
        AlertState::Draft => "edited".into(),
        other => other.as_str().to_owned(),
    }
}

/// Somebody of the staff whom a step may page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: StaffId,
    pub username: String,
    pub name: String,
    pub language: String,
    pub roles: Vec<Role>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

impl Person {
    pub fn address(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Sms => self.phone.as_deref(),
            Channel::Email => self.email.as_deref(),
        }
    }
}

/// Whom this step pages, each once: those whom it names, without those who have approved already.
pub fn paged<'a>(step: &Step, people: &'a [Person], approved: &[StaffId]) -> Vec<&'a Person> {
    let named = |person: &&Person| {
        step.usernames.contains(&person.username) || person.roles.iter().any(|role| step.roles.contains(role))
    };
    people.iter().filter(named).filter(|person| !approved.contains(&person.id)).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::default() + TimeDelta::minutes(minutes)
    }

    fn undecided() -> Undecided {
        Undecided {
            alert: AlertId(Uuid::from_u128(1)),
            state: AlertState::Draft,
            kind: AlertKind::Alert,
            level: Level::Maximum,
            created_by: RULE.into(),
            created_at: at(0),
            submitted_at: None,
            is_returned: false,
            edited_by: None,
        }
    }

    fn step(after_min: u32) -> Step {
        let (usernames, levels) = (vec!["ana".into()], Vec::new());
        Step { after_min, roles: vec![Role::Coordinator], usernames, channels: vec![Channel::Sms], levels }
    }

    fn person(id: u128, username: &str, role: Role) -> Person {
        let (phone, email) = (None, None);
        let (name, language) = (username.to_owned(), "pt-BR".to_owned());
        Person {
            id: StaffId(Uuid::from_u128(id)),
            username: username.into(),
            name,
            language,
            roles: vec![role],
            phone,
            email,
        }
    }

    #[test]
    fn a_warning_by_rule_waits_and_a_persons_draft_waits_once_it_is_submitted() {
        assert_eq!(wait_of(&undecided()), Some(Wait { cause: Cause::Rule, since: at(0) }));
        assert_eq!(wait_of(&Undecided { kind: AlertKind::AllClear, ..undecided() }), None);
        assert_eq!(wait_of(&Undecided { is_returned: true, ..undecided() }), None);
        let by_hand = Undecided { created_by: "ana".into(), ..undecided() };
        assert_eq!(wait_of(&by_hand), None);
        let submitted = Undecided { state: AlertState::Submitted, submitted_at: Some(at(9)), ..by_hand };
        assert_eq!(wait_of(&submitted), Some(Wait { cause: Cause::Submitted, since: at(9) }));
    }

    #[test]
    fn steps_are_due_from_when_the_wait_began_and_only_for_their_levels() {
        let severe = Step { levels: vec![Level::Maximum], ..step(15) };
        let plan = [step(5), severe];
        let due = |level| plan_for(&plan, level, at(100)).into_iter().map(|(_, due)| due).collect::<Vec<_>>();
        assert_eq!(due(Level::Maximum), [at(105), at(115)]);
        assert_eq!(due(Level::Alert), [at(105)]);
    }

    #[test]
    fn a_step_pages_each_person_once_and_nobody_who_has_approved() {
        let people = [
            person(1, "ana", Role::Coordinator),
            person(2, "bruno", Role::Coordinator),
            person(3, "carla", Role::Viewer),
        ];
        let names = |approved: &[StaffId]| {
            paged(&step(5), &people, approved).into_iter().map(|person| person.username.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["ana", "bruno"]);
        assert_eq!(names(&[people[0].id]), ["bruno"]);
    }
}
