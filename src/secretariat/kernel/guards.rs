//! The guards that a definition file may name. Pure: what they need to know was loaded before (`store::facts`).

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::Value;

use super::Fields;
use super::define::Guard;
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

/// All of them.
pub const ALL: &[Known] = &[
    known("before_deadline", &[Arg::Code]),
    known("after_deadline", &[Arg::Code]),
    Known { name: "field_is", args: &[Arg::Field, Arg::Free], repeats: true },
    known("field_when", &[Arg::Field, Arg::Free, Arg::Field]),
    known("not_before", &[Arg::Field, Arg::Field]),
    known("not_future", &[Arg::Field]),
    known("not_past", &[Arg::Field]),
    known("day_reached", &[Arg::Field]),
    known("day_not_passed", &[Arg::Field]),
    known("children_final", &[]),
    known("child_final", &[Arg::Free]),
    Known { name: "parent_state", args: &[Arg::Free], repeats: true },
    known("parent_covers", &[Arg::Field, Arg::Free, Arg::Free]),
    known("done", &[Arg::Act]),
    Known { name: "quiet_period", args: &[Arg::Field, Arg::Free], repeats: true },
    Known { name: "documented", args: &[Arg::Document], repeats: true },
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

/// What is known around a case.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub deadlines: Vec<Deadline>,
    /// Kinds of which there is a document.
    pub documents: BTreeSet<String>,
    /// Acts and who did them, the oldest first.
    pub acts: Vec<(String, String)>,
    pub parents: Vec<Near>,
    /// Opened by an act of this case, or under it.
    pub children: Vec<Near>,
}

/// What a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// As they would be after the act.
    pub fields: &'a Fields,
    pub now: Instant,
    pub today: NaiveDate,
    pub facts: &'a Facts,
}

impl Seen<'_> {
    fn day(&self, field: &str) -> Option<NaiveDate> {
        self.fields.get(field).and_then(Value::as_str).and_then(|text| text.parse().ok())
    }

    fn word(&self, field: &str) -> String {
        match self.fields.get(field) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }
    }

    fn latest(&self, code: &str) -> Option<&Deadline> {
        self.facts.deadlines.iter().filter(|one| one.code == code).max_by_key(|one| (one.is_open(), one.anchor_at))
    }
}

/// Judges one guard.
///
/// # Errors
/// Why the act is not done, in words.
pub fn judge(guard: &Guard, seen: Seen<'_>) -> Result<(), String> {
    let arg = |at: usize| guard.args.get(at).map(|word| word.get_ref().as_str()).unwrap_or_default();
    let all: Vec<&str> = guard.args.iter().map(|word| word.get_ref().as_str()).collect();
    match guard.name.get_ref().as_str() {
        "before_deadline" => match seen.latest(arg(0)) {
            Some(one) if one.is_late(seen.now) => {
                Err(format!("the deadline {} ran out on {} ({})", one.code, told(one.due_on), one.law_ref))
            }
            _ => Ok(()),
        },
        "after_deadline" => match seen.latest(arg(0)) {
            Some(one) if one.is_late(seen.now) => Ok(()),
            Some(one) => Err(format!("the deadline {} runs until {} ({})", one.code, told(one.due_on), one.law_ref)),
            None => Err(format!("the deadline {} has not begun", arg(0))),
        },
        "field_is" if all[1..].contains(&seen.word(arg(0)).as_str()) => Ok(()),
        "field_is" => Err(format!("{} is {:?}; expected {}", arg(0), seen.word(arg(0)), all[1..].join(", "))),
        "field_when" if seen.word(arg(0)) == arg(1) && seen.word(arg(2)).is_empty() => {
            Err(format!("{} is {}, so {} has to be told", arg(0), arg(1), arg(2)))
        }
        "field_when" => Ok(()),
        "done" if seen.facts.acts.iter().any(|(act, _)| act == arg(0)) => Ok(()),
        "done" => Err(format!("the act {} comes first", arg(0))),
        "documented" => match all.iter().find(|kind| !seen.facts.documents.contains(**kind)) {
            Some(kind) => Err(format!("the document {kind} is missing")),
            None => Ok(()),
        },
        "quiet_period" if all[1..].contains(&seen.word(arg(0)).as_str()) => Ok(()),
        "quiet_period" => super::quiet::open_on(seen.today),
        "not_before" | "not_future" | "not_past" | "day_reached" | "day_not_passed" => days(guard, seen),
        _ => around(guard, seen),
    }
}

fn told(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "no day (it is suspended)".to_owned(), |day| day.to_string())
}

fn days(guard: &Guard, seen: Seen<'_>) -> Result<(), String> {
    let arg = |at: usize| guard.args.get(at).map(|word| word.get_ref().as_str()).unwrap_or_default();
    let Some(day) = seen.day(arg(0)) else { return Ok(()) };
    let (first, today) = (arg(0), seen.today);
    let refused = match guard.name.get_ref().as_str() {
        "not_before" => match seen.day(arg(1)) {
            Some(other) if day < other => Some(format!("{first} is {day}, before {} on {other}", arg(1))),
            _ => None,
        },
        "not_future" => (day > today).then(|| format!("{first} is {day}, which has not come; today is {today}")),
        "not_past" => (day < today).then(|| format!("{first} is {day}, which is over; today is {today}")),
        "day_reached" => (day > today).then(|| format!("{first} is {day}, which has not come; today is {today}")),
        _ => (day < today).then(|| format!("{first} was {day}; today is {today}")),
    };
    refused.map_or(Ok(()), Err)
}

/// Guards that look at other cases.
fn around(guard: &Guard, seen: Seen<'_>) -> Result<(), String> {
    let arg = |at: usize| guard.args.get(at).map(|word| word.get_ref().as_str()).unwrap_or_default();
    match guard.name.get_ref().as_str() {
        "children_final" => match seen.facts.children.iter().find(|child| !child.is_final) {
            Some(child) => Err(format!("{} is still open", child.name)),
            None => Ok(()),
        },
        "child_final" => {
            let is_done = seen.facts.children.iter().any(|child| child.type_key == arg(0) && child.is_final);
            if is_done { Ok(()) } else { Err(format!("no case of the type {} below this one is finished", arg(0))) }
        }
        "parent_state" => {
            let wanted: Vec<&str> = guard.args.iter().map(|word| word.get_ref().as_str()).collect();
            match seen.facts.parents.first() {
                Some(parent) if wanted.contains(&parent.state.as_str()) => Ok(()),
                Some(parent) => Err(format!("{} is {}; expected {}", parent.name, parent.state, wanted.join(", "))),
                None => Err("it has no case above it".into()),
            }
        }
        "parent_covers" => {
            let Some(parent) = seen.facts.parents.first() else { return Err("it has no case above it".into()) };
            let day_of = |field: &str| {
                let text = parent.fields.get(field).and_then(Value::as_str);
                text.and_then(|text| text.parse::<NaiveDate>().ok())
            };
            let (Some(day), Some(first)) = (seen.day(arg(0)), day_of(arg(1))) else {
                return Err(format!("{} or the first day of {} is not told", arg(0), parent.name));
            };
            let last = day_of(arg(2)).unwrap_or(NaiveDate::MAX);
            if (first..=last).contains(&day) {
                return Ok(());
            }
            Err(format!(
                "{} is {day}, outside {} ({first} to {})",
                arg(0),
                parent.name,
                day_of(arg(2)).map_or_else(|| "no end".into(), |day| day.to_string())
            ))
        }
        other => Err(format!("the guard {other} is unknown")),
    }
}
