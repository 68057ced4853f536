//! An installation that keeps rows, approvals and a clock; every decision in it is the production's own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::*;
use crate::alerts::approval::{Asked, Matter, Needs, Policy, ask};
use crate::alerts::refusal::Refusal;
use crate::alerts::store::RULE;
use crate::ids::StaffId;
use crate::units::Level;

#[derive(Clone, Debug)]
pub(super) enum Command {
    /// By a rule when nobody is named.
    Draft {
        by: Option<u8>,
        status: usize,
        level: usize,
    },
    Answer {
        alert: usize,
        kind: usize,
        by: u8,
    },
    Edit {
        alert: usize,
        by: u8,
        stale: bool,
        blank: bool,
    },
    Widen {
        alert: usize,
    },
    Submit {
        alert: usize,
        stale: bool,
    },
    Return {
        alert: usize,
        stale: bool,
        reason: bool,
    },
    Discard {
        alert: usize,
        stale: bool,
        reason: bool,
    },
    Approve {
        alert: usize,
        by: u8,
        stale: bool,
    },
    Withdraw {
        alert: usize,
        by: u8,
    },
    /// The rules look at what the plan lets out.
    Automatic {
        alert: usize,
    },
    Pass {
        minutes: i64,
    },
    Restart,
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    let (alert, by) = (0_usize..12, 1_u8..5);
    let stale = || proptest::bool::weighted(0.1);
    let good = || proptest::bool::weighted(0.8);
    prop_oneof![
        2 => (proptest::option::of(1_u8..5), 0_usize..4, 0_usize..2)
            .prop_map(|(by, status, level)| Command::Draft { by, status, level }),
        3 => (alert.clone(), 1_usize..4, by.clone()).prop_map(|(alert, kind, by)| Command::Answer { alert, kind, by }),
        2 => (alert.clone(), by.clone(), stale(), proptest::bool::weighted(0.2))
            .prop_map(|(alert, by, stale, blank)| Command::Edit { alert, by, stale, blank }),
        1 => alert.clone().prop_map(|alert| Command::Widen { alert }),
        2 => (alert.clone(), stale()).prop_map(|(alert, stale)| Command::Submit { alert, stale }),
        1 => (alert.clone(), stale(), good()).prop_map(|(alert, stale, reason)| Command::Return { alert, stale, reason }),
        1 => (alert.clone(), stale(), good()).prop_map(|(alert, stale, reason)| Command::Discard { alert, stale, reason }),
        8 => (alert.clone(), by.clone(), stale()).prop_map(|(alert, by, stale)| Command::Approve { alert, by, stale }),
        1 => (alert.clone(), by).prop_map(|(alert, by)| Command::Withdraw { alert, by }),
        1 => alert.prop_map(|alert| Command::Automatic { alert }),
        1 => (1_i64..400).prop_map(|minutes| Command::Pass { minutes }),
        1 => Just(Command::Restart),
    ]
}

fn person(n: u8) -> StaffId {
    StaffId(Uuid::from_u128(u128::from(n)))
}

const STATUSES: [AlertStatus; 4] = [AlertStatus::Actual, AlertStatus::Exercise, AlertStatus::System, AlertStatus::Test];
const LEVELS: [Level; 2] = [Level::Alert, Level::Maximum];
const HAZARD: &str = "1.1.3.2.1";

fn policies() -> Vec<Policy> {
    let policy = |name: &str, level, approvals| Policy {
        name: name.into(),
        hazards: Vec::new(),
        levels: vec![level],
        kinds: Vec::new(),
        people_from: None,
        people_below: None,
        approvals,
        plancon: "PLANCON 4.2".into(),
    };
    vec![policy("plan", Level::Alert, Needs::Automatic), policy("two", Level::Maximum, Needs::Two)]
}

/// What happened when an alert left.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) needs: Needs,
    /// Who stood behind exactly this revision, the last of them last.
    pub(super) stood: Vec<StaffId>,
    pub(super) author: Option<StaffId>,
    pub(super) at: Instant,
    pub(super) row: AlertRow,
}

/// What an installation keeps.
#[derive(Clone, Debug)]
pub(super) struct Town {
    pub(super) now: Instant,
    pub(super) rows: Vec<AlertRow>,
    authors: Vec<Option<StaffId>>,
    /// By alert and revision, in the order in which they were given.
    approvals: BTreeMap<(usize, i32), Vec<StaffId>>,
    pub(super) left: BTreeMap<usize, Left>,
    /// What somebody has submitted, returned or approved.
    pub(super) in_hand: BTreeSet<usize>,
    /// What the program holds in memory of each alert; it must be what its row says.
    memory: Vec<Life>,
}

impl Town {
    pub(super) fn new() -> Self {
        let (rows, authors, memory) = (Vec::new(), Vec::new(), Vec::new());
        let (approvals, left, in_hand) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { now: Instant::default(), rows, authors, approvals, left, in_hand, memory }
    }

    fn pick(&self, alert: usize) -> Option<usize> {
        (!self.rows.is_empty()).then(|| alert % self.rows.len())
    }

    fn life(&self, at: usize) -> Life {
        Life::of(&self.rows[at]).unwrap()
    }

    fn put(&mut self, at: usize, life: Life) {
        let row = &mut self.rows[at];
        row.state = life.state.as_str().into();
        row.revision = life.revision;
        self.memory[at] = life;
    }

    fn revision(&self, at: usize, stale: bool) -> i32 {
        self.rows[at].revision - i32::from(stale)
    }

    pub(super) fn draft(
        &mut self,
        kind: AlertKind,
        status: AlertStatus,
        level: Level,
        by: Option<u8>,
        answers: Option<AlertId>,
    ) {
        let id = AlertId(Uuid::from_u128(1000 + self.rows.len() as u128));
        let text = || "texto".to_owned();
        let row = AlertRow {
            id,
            state: "draft".into(),
            kind: kind.as_str().into(),
            status: status.as_str().into(),
            cobrade: HAZARD.into(),
            level: level.as_str().into(),
            headline: text(),
            description: text(),
            instruction: text(),
            sms_text: text(),
            severity: text(),
            urgency: text(),
            certainty: text(),
            expires_at: self.now + TimeDelta::minutes(360),
            references_alert_id: answers,
            buffer_m: 0,
            leave_out_from_m: None,
            rule_id: None,
            rule_version: None,
            reasons: serde_json::json!([]),
            created_at: self.now,
            created_by: by.map_or_else(|| RULE.to_owned(), |by| format!("p{by}")),
            revision: 1,
            edited: false,
            expiry_chosen: false,
            attribution: None,
            attribution_lines: serde_json::json!({}),
            submitted_at: None,
            submitted_by: None,
            returned_at: None,
            returned_by: None,
            return_reason: None,
            approved_at: None,
            approved_by: None,
            issued_at: None,
            ended_at: None,
            number: None,
            cap_identifier: None,
            cap_sender: None,
            cap_sent: None,
        };
        self.memory.push(Life::of(&row).unwrap());
        self.rows.push(row);
        self.authors.push(by.map(person));
    }

    fn asked(&self, at: usize) -> Asked {
        let row = &self.rows[at];
        let matter = Matter {
            kind: row.kind.parse().unwrap(),
            hazard: row.cobrade.parse().unwrap(),
            level: row.level.parse().unwrap(),
            people: None,
            by_rule: row.created_by == RULE,
            edited: row.edited,
            in_hand: self.in_hand.contains(&at),
        };
        ask(&policies(), &matter)
    }

    /// As the issue does it: the machine first, then what is missing, and all of it or nothing.
    fn leave(&mut self, at: usize, life: Life, actor: &str, needs: Needs) -> Result<(), AlertError> {
        let answered = self.rows[at].references_alert_id;
        let answered = answered.and_then(|id| self.rows.iter().position(|row| row.id == id));
        let leaving = life.leave(answered.map(|other| self.life(other)))?;
        let lacks = missing(&self.rows[at], self.now, actor);
        if !lacks.is_empty() {
            return Err(AlertError::Incomplete(lacks));
        }
        if let (Some(other), Some(answered)) = (answered, leaving.answered) {
            self.put(other, answered);
        }
        self.put(at, leaving.life);
        let number = self.rows.iter().filter(|row| row.number.is_some()).count() + 1;
        let row = &mut self.rows[at];
        row.number = Some(format!("2026/{number:03}"));
        row.issued_at = Some(self.now);
        row.approved_by = Some(actor.to_owned());
        let (row, author) = (row.clone(), self.authors[at]);
        let stood = self.approvals.get(&(at, row.revision)).cloned().unwrap_or_default();
        self.left.insert(at, Left { needs, stood, author, at: self.now, row });
        Ok(())
    }

    pub(super) fn approve(&mut self, at: usize, by: u8, stale: bool) -> Result<(), AlertError> {
        let (revision, asked) = (self.revision(at, stale), self.asked(at));
        let given: BTreeSet<StaffId> =
            self.approvals.get(&(at, self.rows[at].revision)).into_iter().flatten().copied().collect();
        let case =
            Case { persons: asked.needs.persons(), author: self.authors[at], approvals: &given, asks: person(by) };
        let (life, verdict) = self.life(at).approve(revision, case)?;
        self.in_hand.insert(at);
        let kept = self.approvals.entry((at, revision)).or_default();
        if !kept.contains(&person(by)) {
            kept.push(person(by));
        }
        if verdict == Verdict::Issue {
            let needs = if asked.needs == Needs::Two { Needs::Two } else { Needs::One };
            self.leave(at, life, &format!("p{by}"), needs)?;
            self.drop_overtaken()?;
        }
        Ok(())
    }

    fn drop_overtaken(&mut self) -> Result<(), AlertError> {
        for at in 0..self.rows.len() {
            let Some(id) = self.rows[at].references_alert_id.filter(|_| self.life(at).state.is_undecided()) else {
                continue;
            };
            let answered = self.rows.iter().position(|row| row.id == id).unwrap();
            if self.life(answered).state.after(Act::Answered(self.life(at).kind)).is_err() {
                let life = self.life(at).overtaken()?;
                self.put(at, life);
            }
        }
        Ok(())
    }

    fn pass(&mut self, minutes: i64) -> Result<(), AlertError> {
        self.now += TimeDelta::minutes(minutes);
        for at in 0..self.rows.len() {
            let lives = matches!(self.life(at).state, AlertState::Draft | AlertState::Submitted | AlertState::Issued);
            if lives && self.rows[at].expires_at <= self.now {
                let life = self.life(at).run_out(self.now)?;
                self.put(at, life);
            }
        }
        self.drop_overtaken()
    }

    fn answer(&mut self, at: usize, kind: AlertKind, by: u8) -> Result<(), AlertError> {
        let other = self.life(at);
        other.state.after(Act::Answered(kind))?;
        let level = self.rows[at].level.parse().unwrap();
        self.draft(kind, other.status, level, Some(by), Some(other.id));
        Ok(())
    }

    fn edit(&mut self, at: usize, by: u8, stale: bool, blank: bool) -> Result<(), AlertError> {
        let life = self.life(at).edit(self.revision(at, stale))?;
        self.put(at, life);
        let row = &mut self.rows[at];
        row.instruction = if blank { " ".into() } else { format!("texto {}", row.revision) };
        row.edited = true;
        self.authors[at] = Some(person(by));
        Ok(())
    }

    fn automatic(&mut self, at: usize) -> Result<(), AlertError> {
        if self.asked(at).needs != Needs::Automatic {
            return Err(Refusal::NoPerson.into());
        }
        let life = self.life(at).approved(self.rows[at].revision)?;
        self.leave(at, life, "policy: plan", Needs::Automatic)
    }

    fn act(&mut self, command: &Command) -> Result<(), AlertError> {
        let nothing = || AlertError::NotFound;
        match *command {
            Command::Draft { by, status, level } => {
                self.draft(AlertKind::Alert, STATUSES[status], LEVELS[level], by, None);
                Ok(())
            }
            Command::Answer { alert, kind, by } => {
                self.answer(self.pick(alert).ok_or_else(nothing)?, AlertKind::ALL[kind], by)
            }
            Command::Edit { alert, by, stale, blank } => {
                self.edit(self.pick(alert).ok_or_else(nothing)?, by, stale, blank)
            }
            Command::Widen { alert } => {
                let at = self.pick(alert).ok_or_else(nothing)?;
                let life = self.life(at).widen()?;
                self.put(at, life);
                Ok(())
            }
            Command::Submit { alert, stale } => {
                let at = self.pick(alert).ok_or_else(nothing)?;
                let life = self.life(at).submit(self.revision(at, stale))?;
                self.put(at, life);
                self.in_hand.insert(at);
                Ok(())
            }
            Command::Return { alert, stale, reason } => {
                let at = self.pick(alert).ok_or_else(nothing)?;
                let life = self.life(at).send_back(self.revision(at, stale), if reason { "mude" } else { " " })?;
                self.put(at, life);
                self.in_hand.insert(at);
                Ok(())
            }
            Command::Discard { alert, stale, reason } => {
                let at = self.pick(alert).ok_or_else(nothing)?;
                let life = self.life(at).discard(self.revision(at, stale), if reason { "engano" } else { "" })?;
                self.put(at, life);
                Ok(())
            }
            Command::Approve { alert, by, stale } => self.approve(self.pick(alert).ok_or_else(nothing)?, by, stale),
            Command::Withdraw { alert, by } => {
                let at = self.pick(alert).ok_or_else(nothing)?;
                if !self.life(at).state.is_undecided() {
                    return Err(Refusal::Decided(self.life(at).state).into());
                }
                let revision = self.rows[at].revision;
                self.approvals.entry((at, revision)).or_default().retain(|given| *given != person(by));
                Ok(())
            }
            Command::Automatic { alert } => self.automatic(self.pick(alert).ok_or_else(nothing)?),
            Command::Pass { minutes } => self.pass(minutes),
            // Nothing is in memory any more; what the rows say must be what it was.
            Command::Restart => {
                for (row, life) in self.rows.iter().zip(&self.memory) {
                    assert_eq!(&Life::of(row).unwrap(), life);
                }
                Ok(())
            }
        }
    }

    /// One transaction: what is refused leaves nothing behind.
    pub(super) fn run(&mut self, command: &Command) {
        let before = self.clone();
        if self.act(command).is_err() {
            *self = before;
        }
    }
}
