//! Whether a case that comes in from a file can be what it says: a chain of hashes is no secret, so that whoever writes a file can write one
//! that fits. What the acts could not have made is refused. Pure.

use std::collections::BTreeSet;

use chrono::Datelike as _;
use chrono_tz::Tz;
use serde_json::Value;

use super::{Fault, Line, carried};
use crate::cells;
use crate::clock::Instant;
use crate::secretariat::kernel::check::OWN_ACTS;
use crate::secretariat::kernel::define::CaseType;
use crate::secretariat::kernel::{Access, ActDone, ledger, values};

/// Acts of one case.
const MOST_ACTS: usize = 5000;
/// The greatest number of a series: far beyond any year, and far below where the next number would overflow.
const MOST_NUMBER: i32 = 1_000_000;

/// A cell that no program of tables takes for a formula; [`unplain`] gives back what it was.
pub fn plain(text: &str) -> String {
    if cells::begins_formula(text) || text.starts_with('\'') { format!("'{text}") } else { text.to_owned() }
}

pub fn unplain(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// # Errors
/// The first field that does not fit, and why.
pub fn line(def: &CaseType, line: &Line, (now, tz): (Instant, Tz)) -> Result<(), Fault> {
    if let Some(at) = ledger::broken(line.id, &line.acts) {
        return Err(("acts", format!("the chain is broken at act {at}: it was changed since")));
    }
    if line.acts.last().is_none_or(|last| last.to_state != line.state || last.seq != line.revision) {
        return Err(("acts", "the last act does not lead to the state and the revision of the case".into()));
    }
    acts(def, line, now)?;
    if let Some(field) = ledger::unfounded(def, &line.fields, &line.acts) {
        return Err(("fields", format!("{field} is another than the acts made it")));
    }
    match values::read(def, &line.fields, &|_| true) {
        Ok(read) if read == line.fields => {}
        Ok(_) => return Err(("fields", "a value is not written as the type wants it".into())),
        Err(errors) => {
            let told: Vec<String> = errors.iter().map(|one| format!("{}: {}", one.field, one.message)).collect();
            return Err(("fields", told.join("; ")));
        }
    }
    around(def, line)?;
    number(def, line, (now, tz))?;
    running(def, line)?;
    carried::judge(def, line)
}

fn when(at: Instant) -> String {
    ledger::stamp(at)
}

/// Each act leads on from the one before, as the type has it, and none lies before it or in the future.
fn acts(def: &CaseType, line: &Line, now: Instant) -> Result<(), Fault> {
    let wrong = |act: &ActDone, why: &str| Err(("acts", format!("act {} ({}): {why}", act.seq, act.act)));
    if line.acts.len() > MOST_ACTS {
        return Err(("acts", format!("expected at most {MOST_ACTS}")));
    }
    let mut before: Option<&ActDone> = None;
    for act in &line.acts {
        let is_long = act.actor.chars().count() > 200 || act.actor_kind.chars().count() > 40;
        if is_long || act.actor.is_empty() || act.reason.chars().count() > 1000 {
            return wrong(act, "expected an actor of 1 to 200 characters and a reason of at most 1000");
        }
        if !tells_whom(act) {
            return wrong(act, "expected the user name of who is recused, and a reason");
        }
        if act.at > now || before.is_some_and(|before| act.at < before.at) {
            return wrong(act, "lies in the future, or before the act that it follows");
        }
        let fits = match (before, act.act.as_str()) {
            (None, "open") => {
                act.from_state.is_empty() && def.initial().is_some_and(|first| *first.key.get_ref() == act.to_state)
            }
            (Some(before), word) => {
                let leads = match def.transition(word) {
                    Some(one) => one.is_from(&act.from_state) && one.target(&act.from_state) == act.to_state,
                    None => word != "open" && OWN_ACTS.contains(&word) && act.from_state == act.to_state,
                };
                leads && act.from_state == before.to_state
            }
            (None, _) => false,
        };
        if !fits {
            return wrong(act, &format!("does not lead from {:?} to {:?}", act.from_state, act.to_state));
        }
        before = Some(act);
    }
    let (first, last) = (line.acts.first().map(|act| when(act.at)), line.acts.last().map(|act| when(act.at)));
    if first != Some(when(line.opened_at)) || last != Some(when(line.changed_at)) {
        return Err(("opened_at", "expected the instants of the first and the last act".into()));
    }
    Ok(())
}

/// A recusal, or that it is lifted, names somebody and has its reason, as the table wants both.
fn tells_whom(act: &ActDone) -> bool {
    let place = match act.act.as_str() {
        "recuse" => 1,
        "lift_recusal" => 0,
        _ => return true,
    };
    let name = act.changes.get("recused").and_then(|change| change.get(place)).and_then(Value::as_str);
    name.is_some_and(|name| (1..=64).contains(&name.chars().count())) && !act.reason.trim().is_empty()
}

/// What stands beside the fields.
fn around(def: &CaseType, line: &Line) -> Result<(), Fault> {
    // A case may be closer than its type, never more open.
    if line.access != def.access && line.access != Access::Restricted {
        return Err(("access", format!("expected {}, as the type has it", def.access)));
    }
    let mut problems = Vec::new();
    crate::exercises::plan::text(&mut problems, "title", &line.title, 1, 300, true);
    crate::exercises::plan::text(&mut problems, "department", &line.department, 0, 160, true);
    crate::exercises::plan::text(&mut problems, "assigned", &line.assigned, 0, 64, true);
    crate::exercises::plan::text(&mut problems, "author", &line.author, 0, 64, true);
    if let Some(problem) = problems.pop() {
        return Err(("title", format!("{}: {}", problem.field, problem.message)));
    }
    let annulled = line.acts.iter().find(|act| act.act == "annul");
    let told = line.annulled.as_ref();
    if annulled.map(|act| (when(act.at), &act.reason)) != told.map(|why| (when(why.at), &why.reason)) {
        return Err(("annulled", "expected what the act that annulled it says".into()));
    }
    Ok(())
}

fn number(def: &CaseType, line: &Line, (now, tz): (Instant, Tz)) -> Result<(), Fault> {
    let (series, year, number) = match line.numbered() {
        (None, None, None) => return Ok(()),
        (Some(series), Some(year), Some(number)) => (series, year, number),
        _ => return Err(("number", "expected series, year and number, or none of them".into())),
    };
    if def.series.as_ref().is_none_or(|one| one.prefix.get_ref() != series) {
        return Err(("series", format!("is not the series of {}", def.key())));
    }
    let years = line.opened_at.with_timezone(&tz).year()..=now.with_timezone(&tz).year();
    if !years.contains(&year) || !(1..=MOST_NUMBER).contains(&number) {
        let (first, last) = (years.start(), years.end());
        return Err(("number", format!("expected a year from {first} to {last} and a number from 1 to {MOST_NUMBER}")));
    }
    Ok(())
}

/// Only deadlines that the type begins run, each once, and none of a case that is annulled.
fn running(def: &CaseType, line: &Line) -> Result<(), Fault> {
    let steps = def.opening.deadlines.iter().chain(def.transitions.iter().flat_map(|one| &one.deadlines));
    let codes: BTreeSet<&str> = steps.map(|step| step.code.get_ref().as_str()).collect();
    let mut seen = BTreeSet::new();
    for one in &line.deadlines {
        if !codes.contains(one.code.as_str()) || !seen.insert(&one.code) {
            return Err(("deadlines", format!("{} is no deadline of the type, or stands there twice", one.code)));
        }
    }
    if line.annulled.is_some() && !line.deadlines.is_empty() {
        return Err(("deadlines", "nothing is due of a case that is annulled".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recusal_names_somebody_and_has_its_reason() {
        let act = |word: &str, recused: Value, reason: &str| ActDone {
            seq: 2,
            at: "2026-03-02T12:00:00Z".parse().unwrap(),
            actor: "ana".into(),
            actor_kind: "staff".into(),
            act: word.into(),
            from_state: "a".into(),
            to_state: "a".into(),
            reason: reason.into(),
            changes: serde_json::Map::from_iter([("recused".to_owned(), recused)]),
            prev: None,
            hash: String::new(),
        };
        assert!(tells_whom(&act("recuse", serde_json::json!([null, "davi"]), "Parente")));
        assert!(tells_whom(&act("lift_recusal", serde_json::json!(["davi", null]), "Engano")));
        assert!(!tells_whom(&act("recuse", serde_json::json!([null, "davi"]), " ")));
        assert!(!tells_whom(&act("recuse", serde_json::json!(["davi", null]), "Parente")));
        assert!(!tells_whom(&act("recuse", serde_json::json!([null, "d".repeat(65)]), "Parente")));
        assert!(tells_whom(&act("assign", Value::Null, "")));
    }

    #[test]
    fn no_cell_is_a_formula_and_each_is_read_back() {
        for text in ["=1+1", "+55 32", "-5", "@x", "\tx", "'=x", "'", "Poda", ""] {
            let cell = plain(text);
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            assert_eq!(unplain(&cell), text);
        }
    }
}
