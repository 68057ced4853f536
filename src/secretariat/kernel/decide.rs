//! Whether an act may be done to a case, and what comes of it. Pure.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::define::{CaseType, Computed, DeadlineStep, Field, Guard, Transition, Word};
use super::guards::{self, Facts, Plan, Seen, Why};
use super::{ActDone, CaseFile, Counting, Fields, Source, values};
use crate::accounts::Role;
use crate::clock::Instant;
use crate::refused::{FieldError, shorten};

/// What the ledger says of a restricted field that changed.
pub const RESTRICTED: &str = "restricted";

/// Whoever acts, as far as a case asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// User name; empty for citizens.
    pub name: String,
    pub roles: Vec<Role>,
    /// The citizen who opened it and has its code.
    pub is_citizen: bool,
    /// The service by its own clock.
    pub is_service: bool,
}

impl Who {
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.as_str() == role)
    }

    /// Keys of the modules this person works in.
    pub fn modules(&self) -> Vec<String> {
        self.roles.iter().filter(|role| role.is_module()).map(|role| role.as_str().to_owned()).collect()
    }

    pub const fn source(&self) -> Source {
        match (self.is_service, self.is_citizen) {
            (true, _) => Source::Service,
            (_, true) => Source::Citizen,
            _ => Source::Staff,
        }
    }

    /// Reads what is personal in a case: whoever works in its module, and whose it is.
    pub fn reads_personal(&self, case: &CaseFile) -> bool {
        let is_theirs = !self.name.is_empty() && (case.author == self.name || case.assigned == self.name);
        self.is_service || self.is_citizen || self.has(&case.module) || is_theirs
    }

    /// Works in the module of a type.
    pub fn works_in(&self, of: &CaseType) -> bool {
        self.has(of.module())
    }
}

/// What somebody wants to do.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub transition: String,
    /// Of the case as they saw it.
    pub revision: i32,
    pub reason: String,
    pub fields: Map<String, Value>,
}

/// A type at the version that a case began with, and at its newest: what either closes is closed.
pub type Versions<'a> = (&'a CaseType, &'a CaseType);

fn is_closed((of, newest): Versions<'_>, key: &str) -> bool {
    [of, newest].iter().any(|one| one.field(key).is_some_and(Field::is_closed))
}

/// Takes out of a case what is personal or restricted, for whoever only sees the secretariat (Lei 13.709/2018, art. 6, III).
pub fn veil(versions: Versions<'_>, case: &mut CaseFile, who: &Who) {
    if !who.reads_personal(case) {
        case.fields.retain(|key, _| versions.0.field(key).is_some() && !is_closed(versions, key));
    }
}

/// Takes the same out of the acts of a case: those from before a field was closed have it in clear.
pub fn veil_acts(versions: Versions<'_>, acts: &mut [ActDone], (case, who): (&CaseFile, &Who)) {
    if who.reads_personal(case) {
        return;
    }
    for act in acts {
        for (key, change) in &mut act.changes {
            if change.is_array() && is_closed(versions, key) {
                *change = Value::from(RESTRICTED);
            }
        }
    }
}

/// Why an act is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no act {asked:?}; in the state {state} there are: {} ({law})", .possible.join(", "))]
    Illegal { asked: String, state: String, possible: Vec<String>, law: String },
    #[error("the act {act} needs one of the roles {}", .roles.join(", "))]
    Role { act: String, roles: Vec<String> },
    #[error("whoever did {other} does not do {act}: it takes two persons ({law})")]
    SamePerson { act: String, other: String, law: String },
    #[error("the case was changed meanwhile; it is at revision {0} now")]
    Revision(i32),
    #[error("{why} ({law})")]
    Guard { guard: String, why: Box<Why>, law: String },
    #[error("the document {0} is missing")]
    Document(String),
    #[error("the case is annulled")]
    Annulled,
    #[error("{}", .0.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.message)).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldError>),
}

/// A deadline that an act begins, ends or moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineAct {
    pub what: Counting,
    pub code: String,
    pub anchor_at: Instant,
}

/// What an act does.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub to: String,
    pub is_final: bool,
    /// All fields after it.
    pub fields: Fields,
    /// Field to [before, after].
    pub changes: Map<String, Value>,
    pub deadlines: Vec<DeadlineAct>,
    pub numbers: bool,
    pub publishes: bool,
    pub reason: String,
}

/// The instant at which somebody acts and the day it is in the town.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub now: Instant,
    pub tz: Tz,
}

impl At {
    pub fn today(self) -> NaiveDate {
        self.now.with_timezone(&self.tz).date_naive()
    }
}

/// Why this person does not do this; none: they may.
fn not_by(of: &CaseType, case: Option<&CaseFile>, (act, roles): (&str, &[Word]), who: &Who) -> Option<Refusal> {
    let is_part = |role: &str| match role {
        "owner" => case.is_some_and(|case| !case.assigned.is_empty() && case.assigned == who.name),
        "author" => case.is_some_and(|case| !who.name.is_empty() && case.author == who.name),
        "citizen" => who.is_citizen,
        "service" => who.is_service,
        role => who.has(role),
    };
    let may = if roles.is_empty() { who.works_in(of) } else { roles.iter().any(|role| is_part(role.get_ref())) };
    if may {
        return None;
    }
    let mut roles: Vec<String> = roles.iter().map(|role| role.get_ref().clone()).collect();
    if roles.is_empty() {
        roles.push(of.module().to_owned());
    }
    Some(Refusal::Role { act: act.to_owned(), roles })
}

/// True when this person may do it as far as roles go; the other questions need more than a page knows.
pub fn may(of: &CaseType, case: &CaseFile, transition: &Transition, who: &Who) -> bool {
    not_by(of, Some(case), (transition.key(), &transition.roles), who).is_none()
}

/// True when this person may open cases of a type by themselves, as far as roles go.
pub fn may_open(of: &CaseType, who: &Who) -> bool {
    not_by(of, None, ("open", &of.opening.roles), who).is_none()
}

/// What leads on from the state of a case and is this person's to do.
pub fn possible<'a>(of: &'a CaseType, case: &'a CaseFile, who: &Who) -> Vec<&'a Transition> {
    if case.annulled.is_some() {
        return Vec::new();
    }
    of.leads_from(&case.state).filter(|one| one.automatic.is_none() && may(of, case, one, who)).collect()
}

fn law<'a>(of: &'a CaseType, transition: Option<&'a Transition>) -> &'a str {
    transition.and_then(|one| one.law_ref.as_deref()).unwrap_or(&of.law_ref)
}

fn guarded(of: &CaseType, one: Option<&Transition>, list: &[Guard], seen: Seen<'_>) -> Result<(), Refusal> {
    for guard in list {
        guards::judge(guard, seen).map_err(|why| Refusal::Guard {
            guard: guard.name.get_ref().clone(),
            why: Box::new(why),
            law: guard.law_ref.clone().unwrap_or_else(|| law(of, one).to_owned()),
        })?;
    }
    Ok(())
}

fn anchored(steps: &[DeadlineStep], fields: &Fields, at: At) -> Vec<DeadlineAct> {
    let anchor = |step: &DeadlineStep| {
        let field = step.anchor.as_ref().and_then(|anchor| anchor.get_ref().strip_prefix("field:"));
        let day = field.and_then(|field| fields.get(field)).and_then(Value::as_str).and_then(|text| text.parse().ok());
        match (field, day) {
            (Some(_), Some(day)) => Some(crate::deadlines::reckon::end_of(day, at.tz)),
            // A day that is not told begins nothing.
            (Some(_), None) => None,
            (None, _) => Some(at.now),
        }
    };
    let all = steps.iter().filter_map(|step| {
        let anchor_at = anchor(step)?;
        Some(DeadlineAct { what: step.what, code: step.code.get_ref().clone(), anchor_at })
    });
    all.collect()
}

fn missing(field: &Field) -> FieldError {
    let message = format!("expected {}", field.label.pt);
    FieldError { field: format!("fields.{}", field.key()), value: String::new(), message }
}

fn has(fields: &Fields, key: &str) -> bool {
    fields.get(key).is_some_and(|value| !value.is_null())
}

/// What became of the fields: all of them, and each that changed.
fn changed(of: &CaseType, before: &Fields, given: Fields, plan: Option<&Plan>) -> (Fields, Map<String, Value>) {
    let (mut fields, mut changes) = (before.clone(), Map::new());
    let told: Vec<String> = given.keys().cloned().collect();
    let mut put = |fields: &mut Fields, key: String, value: Value| {
        let was = fields.get(&key).cloned().unwrap_or(Value::Null);
        if was == value {
            return;
        }
        let told = match of.field(&key) {
            Some(field) if field.personal => Value::from("personal"),
            Some(field) if field.restricted => Value::from(RESTRICTED),
            _ => Value::from(vec![was, value.clone()]),
        };
        changes.insert(key.clone(), told);
        if value.is_null() {
            fields.remove(&key);
        } else {
            fields.insert(key, value);
        }
    };
    for (key, value) in given {
        put(&mut fields, key, value);
    }
    for field in &of.fields {
        let Some(computed) = &field.computed else { continue };
        let value = match &computed.plan {
            // Held against the plan of the day on which it is told, and not against a later one.
            Some(programme) if !told.contains(programme.get_ref()) => continue,
            Some(programme) => in_plan(fields.get(programme.get_ref()), plan),
            None => reckoned(computed, &fields),
        };
        put(&mut fields, field.key().to_owned(), value);
    }
    (fields, changes)
}

/// Whether a programme is one of the plan, or there is no plan to hold it against. One that is none of it a guard refuses.
fn in_plan(programme: Option<&Value>, plan: Option<&Plan>) -> Value {
    let Some(text) = programme.and_then(Value::as_str) else { return Value::Null };
    match plan {
        None => "no_plan".into(),
        Some(plan) if plan.has(text) => "in_plan".into(),
        Some(_) => Value::Null,
    }
}

/// The product of the fields, or the key of its band; nothing while one of them is empty.
fn reckoned(computed: &Computed, fields: &Fields) -> Value {
    let number = |word: &Word| fields.get(word.get_ref()).and_then(Value::as_i64);
    let product = computed.product.iter().try_fold(1_i64, |product, word| product.checked_mul(number(word)?));
    match product {
        None => Value::Null,
        Some(product) if computed.bands.is_empty() => product.into(),
        Some(product) => {
            let band = computed.bands.iter().rev().find(|band| band.from <= product);
            band.map_or(Value::Null, |band| band.key.get_ref().as_str().into())
        }
    }
}

fn reasoned(reason: &str, is_needed: bool) -> Result<String, FieldError> {
    let reason = reason.trim();
    let is_good = reason.chars().count() <= 1000
        && !reason.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\r' && letter != '\t');
    if is_good && !(is_needed && reason.is_empty()) {
        return Ok(reason.to_owned());
    }
    let least = usize::from(is_needed);
    Err(FieldError {
        field: "reason".into(),
        value: shorten(reason),
        message: format!("expected {least} to 1000 characters"),
    })
}

/// Judges an act.
///
/// # Errors
/// Why not: the first of state, revision, role, second person, fields, documents, guards.
pub fn decide(
    of: &CaseType,
    case: &CaseFile,
    asked: &Asked,
    (who, at): (&Who, At),
    facts: &Facts,
) -> Result<Outcome, Refusal> {
    if case.annulled.is_some() {
        return Err(Refusal::Annulled);
    }
    let one = of.transition(&asked.transition).filter(|one| one.is_from(&case.state)).ok_or_else(|| {
        let possible = of.leads_from(&case.state).map(|one| one.key().to_owned()).collect();
        let (asked, state, law) = (asked.transition.clone(), case.state.clone(), of.law_ref.clone());
        Refusal::Illegal { asked, state, possible, law }
    })?;
    if let Some(refusal) = not_by(of, Some(case), (one.key(), &one.roles), who) {
        return Err(refusal);
    }
    if asked.revision != case.revision {
        return Err(Refusal::Revision(case.revision));
    }
    second_person(of, case, one, who, facts)?;
    let is_asked = |field: &Field| one.asks.iter().any(|word| word.get_ref() == field.key());
    let mut problems = Vec::new();
    let given = values::read(of, &asked.fields, &is_asked).unwrap_or_else(|errors| {
        problems.extend(errors);
        Fields::new()
    });
    let reason = reasoned(&asked.reason, one.needs.reason).unwrap_or_else(|error| {
        problems.push(error);
        String::new()
    });
    let (fields, changes) = changed(of, &case.fields, given, facts.plan.as_ref());
    let needed = one.needs.fields.iter().filter_map(|word| of.field(word.get_ref()));
    let lost = of.fields.iter().filter(|field| field.required && is_asked(field));
    if problems.is_empty() {
        problems.extend(needed.chain(lost).filter(|field| !has(&fields, field.key())).map(missing));
    }
    if !problems.is_empty() {
        return Err(Refusal::Fields(problems));
    }
    if let Some(kind) = one.needs.documents.iter().find(|kind| !facts.documents.contains(kind.get_ref())) {
        return Err(Refusal::Document(kind.get_ref().clone()));
    }
    let seen = Seen { fields: &fields, before: &case.fields, now: at.now, tz: at.tz, today: at.today(), facts };
    guarded(of, Some(one), &one.guards, seen)?;
    let to = one.target(&case.state).to_owned();
    let numbers = case.number.is_none()
        && of
            .series
            .as_ref()
            .and_then(|series| series.numbered_at.as_ref())
            .is_some_and(|word| word.get_ref() == one.key());
    Ok(Outcome {
        is_final: of.state(&to).is_some_and(|state| state.is_final),
        deadlines: anchored(&one.deadlines, &fields, at),
        publishes: one.publishes,
        to,
        fields,
        changes,
        numbers,
        reason,
    })
}

fn second_person(of: &CaseType, case: &CaseFile, one: &Transition, who: &Who, facts: &Facts) -> Result<(), Refusal> {
    for other in &one.who_not {
        let other = other.get_ref().as_str();
        let did = if other == "author" {
            case.author == who.name
        } else {
            facts.acts.iter().any(|(act, by)| act == other && *by == who.name)
        };
        if did && !who.is_service {
            let law = law(of, Some(one)).to_owned();
            return Err(Refusal::SamePerson { act: one.key().to_owned(), other: other.to_owned(), law });
        }
    }
    Ok(())
}

/// A case that is to be.
#[derive(Clone, Debug, Default)]
pub struct New {
    pub title: String,
    pub department: String,
    /// User name of whoever is to work on it.
    pub assigned: String,
    pub fields: Map<String, Value>,
}

/// Judges the opening of a case.
///
/// # Errors
/// Why not.
pub fn open(of: &CaseType, new: &New, (who, at): (&Who, At), facts: &Facts) -> Result<Outcome, Refusal> {
    let opening = &of.opening;
    // What an act of another case opens was allowed there.
    if !who.is_service
        && let Some(refusal) = not_by(of, None, ("open", &opening.roles), who)
    {
        return Err(refusal);
    }
    let mut problems = Vec::new();
    crate::exercises::plan::text(&mut problems, "title", &new.title, 1, 300, true);
    let least = usize::from(opening.department);
    crate::exercises::plan::text(&mut problems, "department", &new.department, least, 160, true);
    let given = values::read(of, &new.fields, &|field| !field.later).unwrap_or_else(|errors| {
        problems.extend(errors);
        Fields::new()
    });
    let (fields, changes) = changed(of, &Fields::new(), given, facts.plan.as_ref());
    if problems.is_empty() {
        problems.extend(of.fields.iter().filter(|field| field.required && !has(&fields, field.key())).map(missing));
    }
    if !problems.is_empty() {
        return Err(Refusal::Fields(problems));
    }
    if let Some(parent) = &opening.parent
        && !facts.parents.iter().any(|near| near.type_key == *parent.get_ref())
    {
        let why = Box::new(Why::ParentType(parent.get_ref().clone()));
        return Err(Refusal::Guard { guard: "parent".into(), why, law: of.law_ref.clone() });
    }
    let none = Fields::new();
    let seen = Seen { fields: &fields, before: &none, now: at.now, tz: at.tz, today: at.today(), facts };
    guarded(of, None, &opening.guards, seen)?;
    Ok(Outcome {
        to: of.initial().map(|state| state.key.get_ref().clone()).unwrap_or_default(),
        is_final: of.initial().is_some_and(|state| state.is_final),
        deadlines: anchored(&opening.deadlines, &fields, at),
        numbers: of.series.as_ref().is_some_and(|series| series.numbered_at.is_none()),
        publishes: opening.publishes,
        reason: String::new(),
        fields,
        changes,
    })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
