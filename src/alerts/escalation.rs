//! What happens while an alert waits and nobody answers: staff are paged along a plan, which is frozen when the wait begins.
//! Pure; `store` keeps it and `worker` carries it out.

pub mod reply;
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
use crate::rota::desk::is_rota_code;
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
    /// Codes of rotas: whoever is on call in them.
    #[serde(default)]
    pub rotas: Vec<String>,
    pub channels: Vec<Channel>,
    /// Only for alerts of these levels; empty: for all.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Of a frozen plan: who was on call in its rotas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<String>,
    /// Of a frozen plan: those of its rotas in which nobody was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// A day: whoever waits longer than that for an answer has another trouble.
const LONGEST_MIN: u32 = 1440;

impl Step {
    /// What is wrong with it, as the key and what is expected.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.after_min > LONGEST_MIN {
            Some(("after_min", "at most 1440 minutes"))
        } else if self.roles.is_empty() && self.usernames.is_empty() && self.rotas.is_empty() {
            Some(("roles", "somebody: roles, usernames, or rotas"))
        } else if !self.rotas.iter().all(|code| is_rota_code(code)) {
            Some(("rotas", "codes of rotas: small letters, digits and -"))
        } else if !self.on_call.is_empty() || !self.gaps.is_empty() {
            Some(("rotas", "no `on_call` and no `gaps`: who is on call stands in the rota"))
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
        /// They answered the SMS with its code.
        Sms = "sms",
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
    /// Since when it lies as a draft: since it was written, or since a decision upon it was last asked for or refused.
    pub open_since: Instant,
    pub submitted_at: Option<Instant>,
    pub is_returned: bool,
    /// The last person who changed it since then.
    pub edited_by: Option<StaffId>,
}

/// One wait: it is escalated once, whatever is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub cause: Cause,
    pub since: Instant,
}

/// What the alert waits for, if it waits. The end of a danger that a rule drafted waits without a hurry, and what a person wrote and
/// somebody gave back is in that person's hands. What a rule wrote is in nobody's: given back, it waits anew.
pub fn wait_of(alert: &Undecided) -> Option<Wait> {
    match (alert.state, alert.submitted_at) {
        (AlertState::Submitted, Some(since)) => Some(Wait { cause: Cause::Submitted, since }),
        (AlertState::Draft, _) if alert.created_by == RULE && warns(alert.kind) => {
            Some(Wait { cause: Cause::Rule, since: alert.open_since })
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

/// Whether a step would page somebody by what it names.
const fn names_somebody(step: &Step) -> bool {
    !step.roles.is_empty() || !step.usernames.is_empty() || !step.on_call.is_empty()
}

/// Freezes who is on call into a plan: `who` tells it of a rota at an instant. A step that would page nobody because nobody is on call
/// says so and is taken at once by the next: that one is due when the empty one would have been. A plan whose rotas are all empty pages
/// the coordinators.
pub fn frozen(plan: Vec<(Step, Instant)>, who: &impl Fn(&str, Instant) -> Vec<String>) -> Vec<(Step, Instant)> {
    let mut frozen = Vec::with_capacity(plan.len());
    // The due time of the empty steps before.
    let mut waiting: Option<Instant> = None;
    for (mut step, due) in plan {
        let due = waiting.map_or(due, |earlier| due.min(earlier));
        for code in &step.rotas {
            let people = who(code, due);
            if people.is_empty() {
                step.gaps.push(code.clone());
            }
            step.on_call.extend(people.into_iter().filter(|name| !step.usernames.contains(name)));
        }
        step.on_call.dedup();
        waiting = if names_somebody(&step) { None } else { Some(due) };
        frozen.push((step, due));
    }
    // When nobody at all would be paged, the coordinators are.
    if let Some(((last, _), before)) = frozen.split_last_mut()
        && !names_somebody(last)
        && !before.iter().any(|(step, _)| names_somebody(step))
    {
        last.roles.push(Role::Coordinator);
    }
    frozen
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
        step.usernames.contains(&person.username)
            || step.on_call.contains(&person.username)
            || person.roles.iter().any(|role| step.roles.contains(role))
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
            open_since: at(0),
            submitted_at: None,
            is_returned: false,
            edited_by: None,
        }
    }

    fn step(after_min: u32) -> Step {
        let (usernames, levels) = (vec!["ana".into()], Vec::new());
        Step { after_min, usernames, levels, ..bare(vec![Role::Coordinator], &[]) }
    }

    fn bare(roles: Vec<Role>, rotas: &[&str]) -> Step {
        Step {
            after_min: 5,
            roles,
            usernames: Vec::new(),
            rotas: rotas.iter().map(|code| (*code).to_owned()).collect(),
            channels: vec![Channel::Sms],
            levels: Vec::new(),
            on_call: Vec::new(),
            gaps: Vec::new(),
        }
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
        let returned = Undecided { is_returned: true, open_since: at(7), ..undecided() };
        assert_eq!(wait_of(&returned), Some(Wait { cause: Cause::Rule, since: at(7) }), "nobody else has it");
        assert_eq!(wait_of(&Undecided { created_by: "ana".into(), ..returned }), None);
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

    #[test]
    fn whoever_is_on_call_when_a_step_is_due_is_frozen_into_it() {
        let who = |code: &str, when: Instant| match code {
            "plantao" if when < at(10) => vec!["ana".to_owned()],
            "plantao" => vec!["bruno".to_owned()],
            _ => Vec::new(),
        };
        let plan = vec![(bare(Vec::new(), &["plantao"]), at(5)), (bare(Vec::new(), &["plantao"]), at(15))];
        let frozen = frozen(plan, &who);
        assert_eq!([&frozen[0].0.on_call, &frozen[1].0.on_call], [&["ana"], &["bruno"]]);
        let people = [person(1, "ana", Role::Viewer), person(2, "bruno", Role::Viewer)];
        assert_eq!(paged(&frozen[1].0, &people, &[])[0].username, "bruno");
    }

    #[test]
    fn a_plan_of_empty_rotas_falls_back_to_the_coordinators() {
        let plan = vec![(bare(Vec::new(), &["plantao"]), at(5)), (bare(Vec::new(), &["reserva"]), at(15))];
        let people = [person(1, "ana", Role::Coordinator), person(2, "bruno", Role::Viewer)];
        let called = |plan: &[(Step, Instant)]| -> Vec<(String, Instant)> {
            let of = |(step, due): &(Step, Instant)| {
                paged(step, &people, &[]).into_iter().map(|person| (person.username.clone(), *due)).collect::<Vec<_>>()
            };
            plan.iter().flat_map(of).collect()
        };
        let empty = frozen(plan.clone(), &|_, _| Vec::new());
        assert_eq!(called(&empty), [("ana".to_owned(), at(5))]);
        let kept = frozen(plan, &|code, _| if code == "plantao" { vec!["bruno".to_owned()] } else { Vec::new() });
        assert_eq!(called(&kept), [("bruno".to_owned(), at(5))], "somebody is on call: nobody else is woken");
    }

    #[test]
    fn a_gap_in_the_rota_says_so_and_the_next_step_takes_its_time() {
        let nobody = |_: &str, _: Instant| Vec::new();
        let plan = vec![
            (bare(Vec::new(), &["plantao"]), at(5)),
            (bare(Vec::new(), &["reserva"]), at(15)),
            (bare(vec![Role::Coordinator], &["plantao"]), at(30)),
            (bare(vec![Role::Approver], &[]), at(45)),
        ];
        let frozen = frozen(plan, &nobody);
        let due: Vec<Instant> = frozen.iter().map(|(_, due)| *due).collect();
        assert_eq!(due, [at(5), at(5), at(5), at(45)]);
        let gaps: Vec<usize> = frozen.iter().map(|(step, _)| step.gaps.len()).collect();
        assert_eq!(gaps, [1, 1, 1, 0]);
    }
}
