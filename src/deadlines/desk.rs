//! What modules and people do with deadlines, rules and holidays, each act with its entry in the audit.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::calendar::Holiday;
use super::course::{self, NotNow};
use super::norm::Begun;
use super::reckon::Anchor;
use super::store::{self, New};
use super::{Course, Deadline, DeadlineRule, HolidayKind, Reckoned};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::exercises::plan::text;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::{FieldError, Refused};

const KIND: &str = "deadline";

impl From<NotNow> for Refused {
    fn from(why: NotNow) -> Self {
        match why {
            NotNow::NoReason => Self::wrong("reason", "", why.to_string()),
            other => Self::Conflict(format!("the deadline stays as it is: {other}")),
        }
    }
}

fn beyond(code: &str) -> Refused {
    Refused::Conflict(format!("the deadline {code} ends beyond the years of the calendar"))
}

fn missing_rule(code: &str, day: NaiveDate) -> Refused {
    Refused::Conflict(format!("no rule of the deadline {code} holds on {day}"))
}

/// What would be due: the rule that holds and its reckoning.
///
/// # Errors
/// `Conflict` when no rule holds on that day.
pub async fn preview(
    conn: &mut PgConnection,
    code: &str,
    anchor: Anchor,
    course: &Course,
) -> Result<(DeadlineRule, Reckoned), Refused> {
    governed(conn, Begun { code, anchor, governed_on: None }, course).await
}

/// The same by the rule of the day that governs it.
///
/// # Errors
/// `Conflict` when no rule holds.
pub async fn governed(
    conn: &mut PgConnection,
    begun: Begun<'_>,
    course: &Course,
) -> Result<(DeadlineRule, Reckoned), Refused> {
    let rules = store::rules(&mut *conn).await?;
    let rule = begun.rule(&rules).ok_or_else(|| missing_rule(begun.code, begun.anchor.day()))?;
    let calendar = store::calendar(conn).await?;
    let told = begun.due(rule, &calendar, course).ok_or_else(|| beyond(begun.code))?;
    Ok((rule.clone(), told))
}

/// A deadline that is there, as rules are chosen for it.
fn begun(one: &Deadline, tz: Tz) -> Begun<'_> {
    Begun { code: &one.code, anchor: Anchor { at: one.anchor_at, tz }, governed_on: one.governed_on }
}

/// Begins a deadline. One of the same subject and code that is open is reckoned from the new anchor instead.
///
/// # Errors
/// `Conflict` when no rule holds on the day of the anchor.
pub async fn set(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, new: &New<'_>) -> Result<Uuid, Refused> {
    store::lock(&mut *conn).await?;
    let open = store::list(&mut *conn, Some(new.subject), true).await?;
    let before = open.into_iter().find(|one| one.code == new.code);
    let course = before.as_ref().map(|one| one.course.clone()).unwrap_or_default();
    let of_new = Begun { code: new.code, anchor: Anchor { at: new.anchor_at, tz }, governed_on: new.governed_on };
    let (rule, told) = governed(&mut *conn, of_new, &course).await?;
    let begins = (new.anchor_at, new.governed_on);
    let id = match &before {
        Some(one) if (one.anchor_at, one.governed_on) == begins => return Ok(one.id),
        Some(one) => {
            store::set(&mut *conn, one.id, (&rule, &course, &told), begins).await?;
            one.id
        }
        None => {
            let id = by.ids.uuid(by.now);
            store::insert(&mut *conn, id, new, (&rule, &told), (by.now, &by.actor.name)).await?;
            id
        }
    };
    let days = (before.and_then(|one| one.due_on), told.due_on);
    store::keep_act(&mut *conn, id, (by.now, &by.actor.name), ("set", ""), days).await?;
    let after = json!({ "code": new.code, "law_ref": rule.law_ref, "due_on": told.due_on, "subject": new.subject.1 });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::DeadlineSet, KIND, id).to(after)).await?;
    Ok(id)
}

/// Begins a deadline that ran elsewhere, with what happened to it there: it is not extended anew because it came in from a file.
///
/// # Errors
/// As [`set`]; `Conflict` when it was extended more often than its rule allows.
pub async fn restore(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (new, course): (&New<'_>, &Course),
) -> Result<(), Refused> {
    let id = set(&mut *conn, by, tz, new).await?;
    if *course == Course::default() {
        return Ok(());
    }
    let of_new = Begun { code: new.code, anchor: Anchor { at: new.anchor_at, tz }, governed_on: new.governed_on };
    let (rule, told) = governed(&mut *conn, of_new, course).await?;
    if course.extended > rule.extensions.max {
        return Err(NotNow::NoMore(rule.extensions.max).into());
    }
    Ok(store::set(conn, id, (&rule, course, &told), (new.anchor_at, new.governed_on)).await?)
}

/// Ends every open deadline of a subject with this code: it was met, or it matters no more (`void`).
///
/// # Errors
/// The database's.
pub async fn end(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (subject, code): ((&str, Uuid), &str),
    is_met: bool,
    reason: &str,
) -> Result<(), Refused> {
    store::lock(&mut *conn).await?;
    for one in store::list(&mut *conn, Some(subject), true).await?.into_iter().filter(|one| one.code == code) {
        end_one(&mut *conn, by, &one, (is_met, reason)).await?;
    }
    Ok(())
}

async fn end_one(
    conn: &mut PgConnection,
    by: Acting<'_>,
    one: &Deadline,
    (is_met, reason): (bool, &str),
) -> sqlx::Result<()> {
    let (state, word) = if is_met { ("met", "meet") } else { ("void", "void") };
    store::end(&mut *conn, one.id, state, (by.now, &by.actor.name)).await?;
    store::keep_act(&mut *conn, one.id, (by.now, &by.actor.name), (word, reason), (one.due_on, one.due_on)).await?;
    let entry = Entry::new(Act::DeadlineEnd, KIND, one.id).because(reason).to(json!({ "state": state }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await
}

/// Hands the open deadline of a subject over to another of its kind, with its course; false when there is none, or the other has its own.
///
/// # Errors
/// The database's.
pub async fn pass(
    conn: &mut PgConnection,
    by: Acting<'_>,
    ((kind, from), code): ((&str, Uuid), &str),
    (to, link): (Uuid, &str),
) -> Result<bool, Refused> {
    store::lock(&mut *conn).await?;
    let has = |one: &Deadline| one.code == code;
    let theirs = store::list(&mut *conn, Some((kind, to)), true).await?;
    let ours = store::list(&mut *conn, Some((kind, from)), true).await?;
    let (Some(one), false) = (ours.into_iter().find(has), theirs.iter().any(has)) else { return Ok(false) };
    store::pass(&mut *conn, one.id, (to, link)).await?;
    let days = (one.due_on, one.due_on);
    store::keep_act(&mut *conn, one.id, (by.now, &by.actor.name), ("pass", ""), days).await?;
    let entry = Entry::new(Act::DeadlineAct, KIND, one.id).from(json!({ "subject": from }));
    let entry = entry.to(json!({ "act": "pass", "subject": to }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(true)
}

/// Ends what is no task but a time in which something holds, after its last day. Gives how many.
///
/// # Errors
/// The database's.
pub async fn lapse(conn: &mut PgConnection, by: Acting<'_>, tz: Tz) -> Result<usize, Refused> {
    if !store::has_late(&mut *conn, by.now).await? {
        return Ok(0);
    }
    store::lock(&mut *conn).await?;
    let rules = store::rules(&mut *conn).await?;
    let open = store::open(&mut *conn).await?;
    let lapses = |one: &Deadline| one.is_late(by.now) && begun(one, tz).rule(&rules).is_some_and(|rule| rule.lapses);
    let over: Vec<Deadline> = open.into_iter().filter(lapses).collect();
    for one in &over {
        end_one(&mut *conn, by, one, (false, "o último dia passou")).await?;
    }
    Ok(over.len())
}

/// A deadline that an act moved.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = DeadlineMoved)]
pub struct Moved {
    pub id: Uuid,
    pub code: String,
    pub title: String,
    pub due_before: Option<NaiveDate>,
    pub due_after: Option<NaiveDate>,
}

/// The same day, the same way to it, and nothing else that a rule says of it.
fn is_as_reckoned(one: &Deadline, rule: &DeadlineRule, told: &Reckoned) -> bool {
    (told.due_on, told.due_at, &told.trace) == (one.due_on, one.due_at, &one.trace)
        && (&rule.law_ref, &rule.anchor_event, rule.confirmed) == (&one.law_ref, &one.anchor_event, one.confirmed)
        && i32::try_from(rule.warn_days) == Ok(one.warn_days)
}

/// Reckons everything that is open anew, and journals what moved. A deadline whose rule is gone keeps what it has.
async fn reckon_all(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, why: &str) -> Result<Vec<Moved>, Refused> {
    let rules = store::rules(&mut *conn).await?;
    let calendar = store::calendar(&mut *conn).await?;
    let mut moved = Vec::new();
    for one in store::open(&mut *conn).await? {
        let of_one = begun(&one, tz);
        let Some(rule) = of_one.rule(&rules) else { continue };
        let told = of_one.due(rule, &calendar, &one.course).ok_or_else(|| beyond(&one.code))?;
        if is_as_reckoned(&one, rule, &told) {
            continue;
        }
        let begins = (one.anchor_at, one.governed_on);
        store::set(&mut *conn, one.id, (rule, &one.course, &told), begins).await?;
        let days = (one.due_on, told.due_on);
        store::keep_act(&mut *conn, one.id, (by.now, &by.actor.name), ("reckon", why), days).await?;
        let entry = Entry::new(Act::DeadlineReckon, KIND, one.id).because(why);
        let entry = entry.from(json!({ "due_on": days.0 })).to(json!({ "due_on": days.1 }));
        audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
        moved.push(Moved { id: one.id, code: one.code, title: one.title, due_before: days.0, due_after: days.1 });
    }
    Ok(moved)
}

/// Reckons what is open anew after rules changed that came with the service, and journals what moved.
///
/// # Errors
/// The database's.
pub async fn reckon_anew(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, why: &str) -> Result<Vec<Moved>, Refused> {
    store::lock(&mut *conn).await?;
    reckon_all(conn, by, tz, why).await
}

/// A holiday as somebody enters it.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHoliday {
    pub day: NaiveDate,
    #[schema(min_length = 1, max_length = 160, pattern = r"\S")]
    pub name: String,
    #[schema(value_type = String)]
    pub kind: HolidayKind,
    /// Offices are shut: no business day.
    pub shut: bool,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub law_ref: String,
}

fn is_in_calendar(day: NaiveDate) -> bool {
    let bounds = (NaiveDate::from_ymd_opt(2000, 1, 1), NaiveDate::from_ymd_opt(2100, 12, 31));
    matches!(bounds, (Some(first), Some(last)) if (first..=last).contains(&day))
}

/// Enters a holiday and reckons what is open anew.
///
/// # Errors
/// `Wrong` with every field; `Conflict` when that day has one of the kind.
pub async fn add_holiday(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    new: &NewHoliday,
) -> Result<Vec<Moved>, PlanError> {
    let mut problems = Vec::new();
    text(&mut problems, "name", &new.name, 1, 160, true);
    text(&mut problems, "law_ref", &new.law_ref, 0, 300, true);
    if !is_in_calendar(new.day) {
        let message = "expected a day from 2000-01-01 to 2100-12-31".to_owned();
        problems.push(FieldError { field: "day".into(), value: new.day.to_string(), message });
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    store::lock(&mut *conn).await?;
    let calendar = store::calendar(&mut *conn).await?;
    if calendar.entered.iter().any(|one| (one.day, one.kind) == (new.day, new.kind)) {
        return Err(Refused::Conflict(format!("{} has a {} holiday already", new.day, new.kind)).into());
    }
    let id = by.ids.uuid(by.now);
    let (name, law_ref) = (new.name.trim().to_owned(), new.law_ref.trim().to_owned());
    let row = Holiday { id: Some(id), day: new.day, name, kind: new.kind, shut: new.shut, law_ref };
    store::insert_holiday(&mut *conn, &row, id, (by.now, &by.actor.name)).await?;
    let entry =
        Entry::new(Act::HolidayAdd, "holiday", id).to(json!({ "day": row.day, "name": row.name, "shut": row.shut }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let why = format!("feriado incluído: {} {}", row.day.format("%d/%m/%Y"), row.name);
    Ok(reckon_all(conn, by, tz, &why).await?)
}

/// Takes a holiday back and reckons what is open anew.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`.
pub async fn remove_holiday(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    reason: &str,
) -> Result<Vec<Moved>, PlanError> {
    let reason = reasoned("reason", reason)?;
    store::lock(&mut *conn).await?;
    let removed = store::remove_holiday(&mut *conn, id, (by.now, &by.actor.name), &reason).await?;
    let (day, name) = removed.ok_or_else(|| Refused::NotFound(format!("holiday {id}")))?;
    let entry =
        Entry::new(Act::HolidayRemove, "holiday", id).because(&reason).from(json!({ "day": day, "name": name }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let why: String =
        format!("feriado retirado: {} {name}: {reason}", day.format("%d/%m/%Y")).chars().take(1000).collect();
    Ok(reckon_all(conn, by, tz, &why).await?)
}

/// Adds a rule of the town, which goes before what is shipped, and reckons what is open anew.
///
/// # Errors
/// `Wrong` with every field that is.
pub async fn add_rule(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (rule, reason): (&DeadlineRule, &str),
) -> Result<Vec<Moved>, PlanError> {
    let problems = rule.problems();
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let reason = reasoned("reason", reason)?;
    store::lock(&mut *conn).await?;
    let id = by.ids.uuid(by.now);
    store::insert_rule(&mut *conn, id, rule, (by.now, &by.actor.name), &reason).await?;
    let after = serde_json::to_value(rule).map_err(anyhow::Error::from)?;
    let entry = Entry::new(Act::DeadlineRuleAdd, "deadline_rule", id).because(&reason).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let why: String = format!("norma incluída: {}: {reason}", rule.law_ref).chars().take(1000).collect();
    Ok(reckon_all(conn, by, tz, &why).await?)
}

/// Ends a rule of the town, which stays in the history, and reckons what is open anew with the one that was before it.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`, also when it was ended before.
pub async fn end_rule(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, reason): (Uuid, &str),
) -> Result<Vec<Moved>, PlanError> {
    let reason = reasoned("reason", reason)?;
    store::lock(&mut *conn).await?;
    let found = store::rules(&mut *conn).await?.local.into_iter().find(|one| one.id == id);
    let rule = found.ok_or_else(|| Refused::NotFound(format!("rule {id} of the town that holds")))?.rule;
    store::end_rule(&mut *conn, id, (by.now, &by.actor.name), &reason).await?;
    let before = serde_json::to_value(&rule).map_err(anyhow::Error::from)?;
    let entry = Entry::new(Act::DeadlineRuleEnd, "deadline_rule", id).because(&reason).from(before);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let why: String = format!("norma retirada: {}: {reason}", rule.law_ref).chars().take(1000).collect();
    Ok(reckon_all(conn, by, tz, &why).await?)
}

/// What somebody does to a deadline that runs.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = DeadlineAsked)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// extend, suspend, resume or interrupt, as its rule allows; meet: what was due is done; void: it matters no more.
    #[schema(pattern = "^(extend|suspend|resume|interrupt|meet|void)$")]
    pub act: String,
    /// Of suspend, resume and interrupt; none: today.
    #[serde(default)]
    pub on: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Extends, suspends, resumes or interrupts an open deadline, as its rule allows, or ends it as met or void.
///
/// # Errors
/// `Wrong`, `NotFound`, `Conflict` with the reason.
pub async fn act(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    asked: &Asked,
) -> Result<Deadline, PlanError> {
    let reason = reasoned("reason", &asked.reason)?;
    store::lock(&mut *conn).await?;
    let one = store::lock_one(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("deadline {id}")))?;
    if !one.is_open() {
        return Err(Refused::Conflict("the deadline is over".into()).into());
    }
    if matches!(asked.act.as_str(), "meet" | "void") {
        end_one(&mut *conn, by, &one, (asked.act == "meet", &reason)).await?;
    } else {
        move_one(&mut *conn, by, tz, (&one, asked, &reason)).await?;
    }
    let changed = store::lock_one(conn, id).await?;
    changed.ok_or_else(|| Refused::NotFound(format!("deadline {id}")).into())
}

/// The same at the console, where only deadlines of the response are acted on: those of the secretariat move with the acts of their cases
/// and instruments, by whoever works there.
///
/// # Errors
/// As [`act`]; `NotFound` for any other.
pub async fn act_at_console(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    id: Uuid,
    asked: &Asked,
) -> Result<Deadline, PlanError> {
    if !store::is_of_console(&mut *conn, id).await? {
        return Err(Refused::NotFound(format!("deadline {id}")).into());
    }
    act(conn, by, tz, id, asked).await
}

/// Its course changes, and with it the day.
async fn move_one(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (one, asked, reason): (&Deadline, &Asked, &str),
) -> Result<(), Refused> {
    let of_one = begun(one, tz);
    let anchor = of_one.anchor;
    let rules = store::rules(&mut *conn).await?;
    let rule = of_one.rule(&rules).ok_or_else(|| missing_rule(&one.code, anchor.day()))?;
    let today = by.now.with_timezone(&tz).date_naive();
    let on = asked.on.unwrap_or(today);
    // An extension has no day of its own, and its anchor may be a day to come.
    if asked.act != "extend" && (on < anchor.day() || on > today) {
        return Err(Refused::wrong("on", on, format!("expected a day from {} to {today}", anchor.day())));
    }
    let due = (one.due_on, one.due_at, by.now);
    let course = match asked.act.as_str() {
        "extend" => course::extend(rule, &one.course, (one.due_at, by.now), reason),
        "suspend" => course::suspend(rule, &one.course, due, on),
        "resume" => course::resume(&one.course, on),
        "interrupt" => course::interrupt(rule, &one.course, due, on),
        other => return Err(Refused::wrong("act", other, "expected extend, suspend, resume, interrupt, meet or void")),
    };
    let course = course.map_err(Refused::from)?;
    let calendar = store::calendar(&mut *conn).await?;
    let told = of_one.due(rule, &calendar, &course).ok_or_else(|| beyond(&one.code))?;
    store::set(&mut *conn, one.id, (rule, &course, &told), (one.anchor_at, one.governed_on)).await?;
    let days = (one.due_on, told.due_on);
    store::keep_act(&mut *conn, one.id, (by.now, &by.actor.name), (&asked.act, reason), days).await?;
    let entry = Entry::new(Act::DeadlineAct, KIND, one.id).because(reason);
    let entry = entry.from(json!({ "due_on": days.0 })).to(json!({ "act": asked.act, "due_on": days.1 }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
