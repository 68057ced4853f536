//! What speaks against sending something. Pure. Some of it can be overruled by whoever says why; that it is bound elsewhere cannot.

use serde::{Deserialize, Serialize};

use super::shift::Shift;
use super::{Class, Condition, Kind, Skill};
use crate::clock::Instant;

/// Something that speaks against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "conflict", rename_all = "snake_case")]
pub enum Conflict {
    /// It, or somebody of the team, is bound by an open deployment for this request.
    Booked {
        who: String,
        request: String,
        /// By one of an exercise.
        drill: bool,
    },
    Retired {
        who: String,
    },
    /// A team without any person.
    EmptyTeam,
    Maintenance {
        who: String,
        reason: String,
    },
    OffShift {
        who: String,
        next: Option<Instant>,
    },
    MissingSkill {
        skill: Skill,
        /// Of one person, and not of a team.
        alone: bool,
    },
    NoLeader,
    /// It belongs to a team that would be without it.
    InTeam {
        team: String,
    },
    /// It is of a lower type than was asked for, or of none.
    LessAble {
        asked: i16,
        has: Option<i16>,
    },
}

impl Conflict {
    /// Whether a reason overrules it.
    pub const fn can_be_overruled(&self) -> bool {
        !matches!(self, Self::Booked { .. } | Self::Retired { .. } | Self::EmptyTeam)
    }

    /// The word that is kept and translated: `fit-WORD`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Booked { .. } => "booked",
            Self::Retired { .. } => "retired",
            Self::EmptyTeam => "empty_team",
            Self::Maintenance { .. } => "maintenance",
            Self::OffShift { .. } => "off_shift",
            Self::MissingSkill { .. } => "missing_skill",
            Self::NoLeader => "no_leader",
            Self::InTeam { .. } => "in_team",
            Self::LessAble { .. } => "less_able",
        }
    }

    /// In English, for programs.
    pub fn told(&self) -> String {
        match self {
            Self::Booked { who, request, drill: true } => format!("{who} is bound by request {request} of an exercise"),
            Self::Booked { who, request, .. } => format!("{who} is bound by request {request}"),
            Self::Retired { who } => format!("{who} is retired"),
            Self::EmptyTeam => "nobody belongs to the team".into(),
            Self::Maintenance { who, reason } => format!("{who} is in maintenance: {reason}"),
            Self::OffShift { who, .. } => format!("{who} is outside their shift"),
            Self::MissingSkill { skill, alone: true } => format!("they cannot do `{skill}`"),
            Self::MissingSkill { skill, .. } => format!("nobody of them can do `{skill}`"),
            Self::NoLeader => "the team has no leader".into(),
            Self::InTeam { team } => format!("it belongs to the team {team}"),
            Self::LessAble { asked, .. } => format!("it is less able than type {asked}"),
        }
    }
}

/// The resource itself, or one of what belongs to a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub class: Class,
    pub condition: Condition,
    pub reason: String,
    /// Number of the request that binds it, and whether that is of an exercise.
    pub booked: Option<(String, bool)>,
    pub shift: Shift,
    pub skills: Vec<Skill>,
    pub leads: bool,
}

/// What would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub kind: Kind,
    pub typing: Option<i16>,
    /// The team that it belongs to.
    pub team: Option<String>,
    pub own: Part,
    /// Of a team.
    pub members: Vec<Part>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub skills: Vec<Skill>,
    pub typing: Option<i16>,
}

/// Everything that speaks against it, what cannot be overruled first.
pub fn judge(candidate: &Candidate, wanted: &Wanted) -> Vec<Conflict> {
    let is_team = candidate.own.class == Class::Team;
    let mut found = part(&candidate.own);
    for member in &candidate.members {
        found.extend(part(member));
    }
    let people = candidate.members.iter().chain([&candidate.own]).filter(|one| one.class == Class::Person);
    // A car drives nowhere by itself.
    if is_team && people.clone().next().is_none() {
        found.push(Conflict::EmptyTeam);
    } else if is_team && !people.clone().any(|one| one.leads) {
        found.push(Conflict::NoLeader);
    }
    if is_team || candidate.own.class == Class::Person {
        let mut asked: Vec<Skill> = wanted.skills.iter().chain(candidate.kind.needs()).copied().collect();
        asked.sort_unstable();
        asked.dedup();
        let lacks = |skill: &Skill| !people.clone().any(|one| one.skills.contains(skill));
        found.extend(asked.into_iter().filter(lacks).map(|skill| Conflict::MissingSkill { skill, alone: !is_team }));
    }
    if let Some(team) = &candidate.team {
        found.push(Conflict::InTeam { team: team.clone() });
    }
    if let Some(asked) = wanted.typing
        && candidate.typing.is_none_or(|has| has > asked)
    {
        found.push(Conflict::LessAble { asked, has: candidate.typing });
    }
    found.sort_by_key(Conflict::can_be_overruled);
    found
}

fn part(one: &Part) -> Vec<Conflict> {
    let who = || one.name.clone();
    let mut found = Vec::new();
    if let Some((request, drill)) = &one.booked {
        found.push(Conflict::Booked { who: who(), request: request.clone(), drill: *drill });
    }
    match one.condition {
        Condition::InService => {}
        Condition::Maintenance => found.push(Conflict::Maintenance { who: who(), reason: one.reason.clone() }),
        Condition::Retired => found.push(Conflict::Retired { who: who() }),
    }
    if let Shift::Off { next } = one.shift {
        found.push(Conflict::OffShift { who: who(), next });
    }
    found
}

/// Why it is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("{}", told(.0))]
    Never(Vec<Conflict>),
    #[error("{}: send it anyway by saying why", told(.0))]
    Unless(Vec<Conflict>),
}

fn told(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(Conflict::told).collect::<Vec<_>>().join("; ")
}

/// What is overruled by this reason; nothing when nothing speaks against it.
///
/// # Errors
/// What cannot be overruled, or what has to be with a reason.
pub fn decide(conflicts: Vec<Conflict>, reason: &str) -> Result<Vec<Conflict>, NotSent> {
    let (soft, hard): (Vec<_>, Vec<_>) = conflicts.into_iter().partition(Conflict::can_be_overruled);
    if !hard.is_empty() {
        return Err(NotSent::Never(hard));
    }
    if !soft.is_empty() && reason.trim().is_empty() {
        return Err(NotSent::Unless(soft));
    }
    Ok(soft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, skills: &[Skill]) -> Part {
        Part {
            name: name.into(),
            class: Class::Person,
            condition: Condition::InService,
            reason: String::new(),
            booked: None,
            shift: Shift::Unknown,
            skills: skills.to_vec(),
            leads: false,
        }
    }

    fn alone(own: Part) -> Candidate {
        Candidate { kind: Kind::FieldAgent, typing: None, team: None, own, members: Vec::new() }
    }

    fn team(members: Vec<Part>) -> Candidate {
        let own = Part { class: Class::Team, ..person("Alfa", &[]) };
        Candidate { kind: Kind::SearchRescue, typing: Some(2), team: None, own, members }
    }

    #[test]
    fn nothing_overrules_that_it_is_bound_and_a_reason_overrules_the_rest() {
        let bound = Part { booked: Some(("2026/007".into(), false)), ..person("Ana", &[]) };
        let found = judge(&alone(bound), &Wanted::default());
        assert!(matches!(decide(found, "urgente"), Err(NotSent::Never(hard)) if hard.len() == 1));
        let off = Part { shift: Shift::Off { next: None }, ..person("Ana", &[]) };
        let found = judge(&alone(off), &Wanted { skills: vec![Skill::Boat], typing: Some(1) });
        let words: Vec<_> = found.iter().map(Conflict::word).collect();
        assert_eq!(words, ["off_shift", "missing_skill", "less_able"]);
        assert!(matches!(decide(found.clone(), " "), Err(NotSent::Unless(soft)) if soft == found));
        assert_eq!(decide(found.clone(), "não há outro"), Ok(found));
        assert_eq!(decide(judge(&alone(person("Ana", &[])), &Wanted::default()), ""), Ok(Vec::new()));
    }

    #[test]
    fn a_team_is_judged_by_what_belongs_to_it() {
        let words = |candidate: &Candidate| -> Vec<&str> {
            judge(candidate, &Wanted::default()).iter().map(Conflict::word).collect()
        };
        assert_eq!(words(&team(Vec::new())), ["empty_team", "missing_skill"]);
        let leader = Part { leads: true, ..person("Ana", &[]) };
        assert_eq!(words(&team(vec![leader.clone(), person("Bia", &[Skill::Rescue])])), [] as [&str; 0]);
        assert_eq!(words(&team(vec![person("Bia", &[Skill::Rescue])])), ["no_leader"]);
        let lorry = Part {
            class: Class::Vehicle,
            condition: Condition::Maintenance,
            booked: Some(("2026/001".into(), true)),
            ..person("VTR 02", &[Skill::Rescue])
        };
        let parked = Part { class: Class::Vehicle, ..person("VTR 03", &[]) };
        assert_eq!(words(&team(vec![parked])), ["empty_team", "missing_skill"]);
        // What a vehicle would be able to do is nobody's skill.
        assert_eq!(words(&team(vec![leader, lorry])), ["booked", "maintenance", "missing_skill"]);
    }

    #[test]
    fn a_vehicle_is_asked_for_no_skill_and_a_lower_type_is_told() {
        let own = Part { class: Class::Vehicle, ..person("VTR 02", &[]) };
        let truck = Candidate { kind: Kind::Truck, typing: Some(3), ..alone(own) };
        let wanted = Wanted { skills: vec![Skill::Driving], typing: Some(2) };
        assert_eq!(judge(&truck, &wanted), [Conflict::LessAble { asked: 2, has: Some(3) }]);
        assert_eq!(judge(&Candidate { typing: Some(1), ..truck }, &wanted), []);
    }
}
