//! The guards that a definition file may name. Pure: what they need to know was loaded before (`store::facts`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::Value;

use super::Fields;
use super::define::Guard;
use super::quiet::Period;
use crate::clock::Instant;
use crate::deadlines::Deadline;

/// What an argument of a guard points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    Field,
    State,
    Code,
    Document,
    Act,
    Free,
}

/// A guard by name; the last argument may repeat when it says so.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub name: &'static str,
    args: &'static [Arg],
    repeats: bool,
}

impl Known {
    pub const fn fits(&self, count: usize) -> bool {
        count == self.args.len() || (self.repeats && count > self.args.len())
    }

    pub fn takes(&self) -> String {
        let more = if self.repeats { " or more" } else { "" };
        format!("{} arguments{more}", self.args.len())
    }

    pub fn arg(&self, at: usize) -> Arg {
        self.args.get(at).or(self.args.last()).copied().unwrap_or(Arg::Free)
    }
}

const fn known(name: &'static str, args: &'static [Arg]) -> Known {
    Known { name, args, repeats: false }
}

/// A type and the states in which the case of it is that lies above, however far.
const ABOVE_STATE: &str = "above_state";

/// True when a guard asks for cases farther above than the next: they are loaded only then.
pub fn look_far_above(guards: &[Guard]) -> bool {
    guards.iter().any(|guard| guard.name.get_ref() == ABOVE_STATE)
}

/// All of them.
pub const ALL: &[Known] = &[
    known("before_deadline", &[Arg::Code]),
    known("after_deadline", &[Arg::Code]),
    Known { name: "field_is", args: &[Arg::Field, Arg::Free], repeats: true },
    known("field_when", &[Arg::Field, Arg::Free, Arg::Field]),
    known("not_before", &[Arg::Field, Arg::Field]),
    known("not_before_act", &[Arg::Field, Arg::Act]),
    known("not_future", &[Arg::Field]),
    known("not_past", &[Arg::Field]),
    known("day_reached", &[Arg::Field]),
    known("day_not_passed", &[Arg::Field]),
    known("children_final", &[]),
    known("child_final", &[Arg::Free]),
    Known { name: "parent_state", args: &[Arg::Free], repeats: true },
    known("parent_covers", &[Arg::Field, Arg::Free, Arg::Free]),
    Known { name: ABOVE_STATE, args: &[Arg::Free, Arg::Free], repeats: true },
    known("done", &[Arg::Act]),
    Known { name: "quiet_period", args: &[Arg::Field, Arg::Free], repeats: true },
    known("only_later", &[Arg::Field]),
    known("kept_when", &[Arg::Field, Arg::Free, Arg::Field, Arg::Free]),
    Known { name: "value_when", args: &[Arg::Field, Arg::Free, Arg::Field, Arg::Free], repeats: true },
    Known { name: "documented", args: &[Arg::Document], repeats: true },
    known("in_plan", &[Arg::Field]),
];

pub fn find(name: &str) -> Option<&'static Known> {
    ALL.iter().find(|known| known.name == name)
}

/// A case beside the one that is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    pub type_key: String,
    pub name: String,
    pub state: String,
    pub is_final: bool,
    pub fields: Fields,
}

/// The plan that is law: what a programme is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// First and last.
    pub years: (i32, i32),
    /// As "Lei 15.012".
    pub law: String,
    /// Codes of its programmes.
    pub programmes: Vec<String>,
}

impl Plan {
    /// True when a text begins with the code of one of its programmes, as "0042 Encosta segura".
    pub fn has(&self, text: &str) -> bool {
        let code = text.trim().split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        self.programmes.iter().any(|one| one == code)
    }
}

/// What is known around a case.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub deadlines: Vec<Deadline>,
    /// Kinds of which there is a document.
    pub documents: BTreeSet<String>,
    /// Acts and who did them, the oldest first.
    pub acts: Vec<(String, String)>,
    /// When each act was done last.
    pub done_at: BTreeMap<String, Instant>,
    pub parents: Vec<Near>,
    /// All that lie above it by being opened one under the other, the nearest first; loaded where a guard asks for it.
    pub above: Vec<Near>,
    /// Opened by an act of this case, by its order, or under it.
    pub children: Vec<Near>,
    /// Loaded for types that ask for it; none: no plan is law today.
    pub plan: Option<Plan>,
}

/// What a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// As they would be after the act.
    pub fields: &'a Fields,
    /// As they stand; empty when a case is opened.
    pub before: &'a Fields,
    pub now: Instant,
    /// The town's.
    pub tz: Tz,
    pub today: NaiveDate,
    pub facts: &'a Facts,
}

fn day_of(fields: &Fields, field: &str) -> Option<NaiveDate> {
    fields.get(field).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

fn word_of(fields: &Fields, field: &str) -> String {
    match fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

impl Seen<'_> {
    fn day(&self, field: &str) -> Option<NaiveDate> {
        day_of(self.fields, field)
    }

    /// The day in the town on which an act was done last.
    fn done_on(&self, act: &str) -> Option<NaiveDate> {
        self.facts.done_at.get(act).map(|at| at.with_timezone(&self.tz).date_naive())
    }

    fn word(&self, field: &str) -> String {
        word_of(self.fields, field)
    }

    fn latest(&self, code: &str) -> Option<&Deadline> {
        self.facts.deadlines.iter().filter(|one| one.code == code).max_by_key(|one| (one.is_open(), one.anchor_at))
    }
}

/// Why a guard does not let an act through. The sentences are for programs; those for people are made in `words`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("the deadline {code} ran out on {} ({law})", told(.on.as_ref()))]
    RanOut { code: String, on: Option<NaiveDate>, law: String },
    #[error("the deadline {code} runs until {} ({law})", told(.until.as_ref()))]
    Runs { code: String, until: Option<NaiveDate>, law: String },
    #[error("the deadline {0} has not begun")]
    NotBegun(String),
    #[error("{field} is {value:?}; expected {}", .expected.join(", "))]
    FieldIs { field: String, value: String, expected: Vec<String> },
    #[error("{field} is {value}, so {needed} has to be told")]
    FieldWhen { field: String, value: String, needed: String },
    #[error("the act {0} comes first")]
    First(String),
    #[error("the document {0} is missing")]
    Document(String),
    #[error("{}", quiet(.0, .1))]
    Quiet(NaiveDate, &'static Period),
    #[error("{field} is {day}, before {other} on {other_day}")]
    Before { field: String, day: NaiveDate, other: String, other_day: NaiveDate },
    #[error("{field} is {day}, not later than {was}, which it is now")]
    NotLater { field: String, day: NaiveDate, was: NaiveDate },
    #[error("{field} stays {kept:?} while {other} is {value:?}")]
    Stays { field: String, kept: String, other: String, value: String },
    #[error("while {other} is {value:?}, {field} is one of {}", .expected.join(", "))]
    ValueWhen { field: String, other: String, value: String, expected: Vec<String> },
    #[error("{field} is {day}, before the act {act} of {act_day}")]
    BeforeAct { field: String, day: NaiveDate, act: String, act_day: NaiveDate },
    #[error("{field} is {day}, which has not come; today is {today}")]
    NotCome { field: String, day: NaiveDate, today: NaiveDate },
    #[error("{field} is {day}, which is over; today is {today}")]
    Over { field: String, day: NaiveDate, today: NaiveDate },
    #[error("{0} is still open")]
    ChildOpen(String),
    #[error("no case of the type {0} below this one is finished")]
    ChildMissing(String),
    #[error("{name} is {state}; expected {}", .wanted.join(", "))]
    ParentState { name: String, state: String, wanted: Vec<String> },
    #[error("it has no case above it")]
    NoParent,
    #[error("it is opened under a case of the type {0}")]
    ParentType(String),
    #[error("{field} or the first day of {name} is not told")]
    NotTold { field: String, name: String },
    #[error("{field} is {day}, outside {name} ({first} to {})", .last.map_or_else(|| "no end".to_owned(), |day| day.to_string()))]
    Outside { field: String, day: NaiveDate, name: String, first: NaiveDate, last: Option<NaiveDate> },
    #[error("{field} is {value:?}; the plan of {} to {} ({law}) has no such programme", .years.0, .years.1)]
    NoProgramme { field: String, value: String, years: (i32, i32), law: String },
    #[error("the guard {0} is unknown")]
    Unknown(String),
}

impl Why {
    /// Of the deadline or the period that it cites itself, beside the law of the guard.
    pub fn law(&self) -> Option<&str> {
        match self {
            Self::RanOut { law, .. } | Self::Runs { law, .. } => Some(law),
            Self::Quiet(_, period) => Some(&period.law_ref),
            _ => None,
        }
    }
}

fn told(day: Option<&NaiveDate>) -> String {
    day.map_or_else(|| "no day (it is suspended)".to_owned(), |day| day.to_string())
}

fn quiet(day: &NaiveDate, period: &Period) -> String {
    format!(
        "{day} lies in the quiet period of the election of {}, {} to {}: no institutional publicity but by a decision of the electoral \
         court; {}",
        period.election, period.from, period.until, period.law_ref
    )
}

/// Judges one guard.
///
/// # Errors
/// Why the act is not done.
pub fn judge(guard: &Guard, seen: Seen<'_>) -> Result<(), Why> {
    let all: Vec<&str> = guard.args.iter().map(|word| word.get_ref().as_str()).collect();
    let arg = |at: usize| all.get(at).copied().unwrap_or_default().to_owned();
    let rest = || all.iter().skip(1).copied();
    match guard.name.get_ref().as_str() {
        "before_deadline" => match seen.latest(&arg(0)) {
            Some(one) if one.is_late(seen.now) => {
                Err(Why::RanOut { code: one.code.clone(), on: one.due_on, law: one.law_ref.clone() })
            }
            _ => Ok(()),
        },
        "after_deadline" => match seen.latest(&arg(0)) {
            Some(one) if one.is_late(seen.now) => Ok(()),
            Some(one) => Err(Why::Runs { code: one.code.clone(), until: one.due_on, law: one.law_ref.clone() }),
            None => Err(Why::NotBegun(arg(0))),
        },
        "field_is" if rest().any(|word| word == seen.word(&arg(0))) => Ok(()),
        "field_is" => Err(Why::FieldIs {
            field: arg(0),
            value: seen.word(&arg(0)),
            expected: rest().map(str::to_owned).collect(),
        }),
        "field_when" if seen.word(&arg(0)) == arg(1) && seen.word(&arg(2)).is_empty() => {
            Err(Why::FieldWhen { field: arg(0), value: arg(1), needed: arg(2) })
        }
        "field_when" => Ok(()),
        "done" if seen.facts.acts.iter().any(|(act, _)| *act == arg(0)) => Ok(()),
        "done" => Err(Why::First(arg(0))),
        "documented" => match all.iter().find(|kind| !seen.facts.documents.contains(**kind)) {
            Some(kind) => Err(Why::Document((*kind).to_owned())),
            None => Ok(()),
        },
        "in_plan" => in_plan(arg(0), seen),
        "quiet_period" if rest().any(|word| word == seen.word(&arg(0))) => Ok(()),
        "quiet_period" => super::quiet::on(seen.today).map_or(Ok(()), |period| Err(Why::Quiet(seen.today, period))),
        "kept_when" | "value_when" => together(guard, seen),
        "not_before" | "not_before_act" | "not_future" | "not_past" | "day_reached" | "day_not_passed"
        | "only_later" => days(guard, seen),
        _ => around(guard, seen),
    }
}

/// A programme is one of the plan that is law. Without a plan there is nothing to hold it against.
fn in_plan(field: String, seen: Seen<'_>) -> Result<(), Why> {
    let value = seen.word(&field);
    match &seen.facts.plan {
        Some(plan) if !value.is_empty() && !plan.has(&value) => {
            Err(Why::NoProgramme { field, value, years: plan.years, law: plan.law.clone() })
        }
        _ => Ok(()),
    }
}

/// Guards of a field that hangs on what another holds.
fn together(guard: &Guard, seen: Seen<'_>) -> Result<(), Why> {
    let all: Vec<&str> = guard.args.iter().map(|word| word.get_ref().as_str()).collect();
    let [other, value, field, words @ ..] = all.as_slice() else { return Ok(()) };
    if seen.word(other) != *value {
        return Ok(());
    }
    let now = seen.word(field);
    let (other, value, field) = ((*other).to_owned(), (*value).to_owned(), (*field).to_owned());
    if guard.name.get_ref() == "value_when" {
        let expected: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        return if expected.contains(&now) { Ok(()) } else { Err(Why::ValueWhen { field, other, value, expected }) };
    }
    match words.first().map(|kept| (*kept).to_owned()) {
        Some(kept) if word_of(seen.before, &field) == kept && now != kept => {
            Err(Why::Stays { field, kept, other, value })
        }
        _ => Ok(()),
    }
}

fn days(guard: &Guard, seen: Seen<'_>) -> Result<(), Why> {
    let arg = |at: usize| guard.args.get(at).map(|word| word.get_ref().clone()).unwrap_or_default();
    let Some(day) = seen.day(&arg(0)) else { return Ok(()) };
    let (field, today) = (arg(0), seen.today);
    let is_to_come = day > today;
    match guard.name.get_ref().as_str() {
        "not_before" => match seen.day(&arg(1)) {
            Some(other_day) if day < other_day => Err(Why::Before { field, day, other: arg(1), other_day }),
            _ => Ok(()),
        },
        "only_later" => match day_of(seen.before, &field) {
            Some(was) if day <= was => Err(Why::NotLater { field, day, was }),
            _ => Ok(()),
        },
        "not_before_act" => match seen.done_on(&arg(1)) {
            Some(act_day) if day < act_day => Err(Why::BeforeAct { field, day, act: arg(1), act_day }),
            _ => Ok(()),
        },
        "not_future" | "day_reached" if is_to_come => Err(Why::NotCome { field, day, today }),
        "not_past" | "day_not_passed" if day < today => Err(Why::Over { field, day, today }),
        _ => Ok(()),
    }
}

fn in_state(near: Option<&Near>, wanted: Vec<String>, missing: Why) -> Result<(), Why> {
    match near {
        Some(near) if wanted.contains(&near.state) => Ok(()),
        Some(near) => Err(Why::ParentState { name: near.name.clone(), state: near.state.clone(), wanted }),
        None => Err(missing),
    }
}

/// Guards that look at other cases.
fn around(guard: &Guard, seen: Seen<'_>) -> Result<(), Why> {
    let arg = |at: usize| guard.args.get(at).map(|word| word.get_ref().clone()).unwrap_or_default();
    match guard.name.get_ref().as_str() {
        "children_final" => match seen.facts.children.iter().find(|child| !child.is_final) {
            Some(child) => Err(Why::ChildOpen(child.name.clone())),
            None => Ok(()),
        },
        "child_final" => {
            let is_done = seen.facts.children.iter().any(|child| child.type_key == arg(0) && child.is_final);
            if is_done { Ok(()) } else { Err(Why::ChildMissing(arg(0))) }
        }
        "parent_state" => {
            let wanted: Vec<String> = guard.args.iter().map(|word| word.get_ref().clone()).collect();
            in_state(seen.facts.parents.first(), wanted, Why::NoParent)
        }
        ABOVE_STATE => {
            let (kind, wanted) = (arg(0), guard.args.iter().skip(1).map(|word| word.get_ref().clone()).collect());
            in_state(seen.facts.above.iter().find(|near| near.type_key == kind), wanted, Why::ParentType(kind.clone()))
        }
        "parent_covers" => {
            let Some(parent) = seen.facts.parents.first() else { return Err(Why::NoParent) };
            let day_of = |field: &str| {
                let text = parent.fields.get(field).and_then(Value::as_str);
                text.and_then(|text| text.parse::<NaiveDate>().ok())
            };
            let (Some(day), Some(first)) = (seen.day(&arg(0)), day_of(&arg(1))) else {
                return Err(Why::NotTold { field: arg(0), name: parent.name.clone() });
            };
            let last = day_of(&arg(2));
            if day >= first && last.is_none_or(|last| day <= last) {
                return Ok(());
            }
            Err(Why::Outside { field: arg(0), day, name: parent.name.clone(), first, last })
        }
        other => Err(Why::Unknown(other.to_owned())),
    }
}
