//! The way of a bill: consolidated, heard, submitted, amended, enacted, and what changes and executes it during the year.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::change::{Change, ChangeKind, NotSo, apply};
use super::check::Problem;
use super::desk::{cells, done, publish};
use super::execution::{self, Before, Mapping};
use super::life::{Hearing, Law, Life, Submission};
use super::plans::Wrongs;
use super::store::execution::{Import, MOST_BAD};
use super::store::{self, changes, execution as executed};
use super::view::{self, Whole};
use super::{BillKind, days};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::store::next_number;
use crate::audit::Act;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

impl From<NotSo> for Refused {
    fn from(why: NotSo) -> Self {
        Self::Conflict(why.to_string())
    }
}

fn today(by: Acting<'_>, tz: Tz) -> NaiveDate {
    by.now.with_timezone(&tz).date_naive()
}

/// Takes the next state of a bill, and publishes what the public reads.
async fn step(
    conn: &mut PgConnection,
    by: Acting<'_>,
    whole: &Whole,
    (life, act, reason): (Life, &str, &str),
) -> Result<(), Refused> {
    let id = whole.bill.id;
    store::set(&mut *conn, id, (&life, &whole.bill.content), by.now).await?;
    let detail = serde_json::to_value(&life).unwrap_or_default();
    done(&mut *conn, by, id, (Act::BudgetStep, act, reason), detail).await?;
    publish(conn, by, id).await
}

/// Closes the collection: every proposal was sent, and nothing that blocks is wrong.
///
/// # Errors
/// `NotFound`; `Conflict` with every problem.
pub async fn consolidate(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    let whole = view::held(&mut *conn, id).await?;
    let waiting: Vec<&str> = whole
        .proposals
        .iter()
        .filter(|one| one.state != "sent" && one.lines > 0)
        .map(|one| one.unit.as_str())
        .collect();
    if !waiting.is_empty() {
        return Err(Refused::Conflict(format!("proposals were not sent yet: {}", waiting.join(", "))));
    }
    let life = whole.bill.life.clone().consolidate(whole.problems(false))?;
    step(conn, by, &whole, (life, "consolidate", "")).await
}

/// Opens a consolidated bill again.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict`.
pub async fn reopen(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, reason: &str) -> Result<(), Refused> {
    let reason = reasoned("reason", reason)?;
    let whole = view::held(&mut *conn, id).await?;
    let life = whole.bill.life.clone().reopen()?;
    step(conn, by, &whole, (life, "reopen", &reason)).await
}

fn words(all: &[(&str, &str, usize)]) -> Result<(), PlanError> {
    let mut wrongs = Wrongs(Vec::new());
    for (field, text, most) in all {
        wrongs.text((*field).to_owned(), text, 1, *most);
    }
    if wrongs.0.is_empty() { Ok(()) } else { Err(PlanError::Wrong(wrongs.0)) }
}

/// Writes down the hearing that was held.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict`.
pub async fn hear(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, hearing): (Uuid, &Hearing),
) -> Result<(), PlanError> {
    words(&[("place", &hearing.place, 200), ("minutes", &hearing.minutes, 300)])?;
    let whole = view::held(&mut *conn, id).await?;
    let life = whole.bill.life.clone().hear(hearing.clone(), today(by, tz)).map_err(Refused::from)?;
    Ok(step(conn, by, &whole, (life, "hear", "")).await?)
}

/// Sends the bill to the council. The public reads it from then on.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` without a hearing.
pub async fn submit(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, submission): (Uuid, &Submission),
) -> Result<(), PlanError> {
    words(&[("number", &submission.number, 60)])?;
    let whole = view::held(&mut *conn, id).await?;
    let life = whole.bill.life.clone().submit(submission.clone(), today(by, tz)).map_err(Refused::from)?;
    days::keep(&mut *conn, by, tz, (&whole.bill, &life)).await?;
    Ok(step(conn, by, &whole, (life, "submit", "")).await?)
}

/// Writes down the law.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` with open amendments or what is not consistent.
pub async fn enact(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, (id, law): (Uuid, &Law)) -> Result<(), PlanError> {
    words(&[("number", &law.number, 60)])?;
    let whole = view::held(&mut *conn, id).await?;
    let (open, problems) = (whole.open(), whole.problems(whole.bill.kind != BillKind::Ppa));
    let life = whole.bill.life.clone().enact(law.clone(), (open, problems), today(by, tz)).map_err(Refused::from)?;
    days::keep(&mut *conn, by, tz, (&whole.bill, &life)).await?;
    Ok(step(conn, by, &whole, (life, "enact", "")).await?)
}

fn change_words(change: &Change) -> Result<(), PlanError> {
    words(&[("act", &change.act, 120), ("reason", &change.reason, 1000)])?;
    let mut wrongs = Wrongs(Vec::new());
    wrongs.text("law".into(), &change.law, 0, 120);
    if wrongs.0.is_empty() { Ok(()) } else { Err(PlanError::Wrong(wrongs.0)) }
}

/// What a change would make wrong that was not wrong before.
fn new_problem(whole: &Whole, change: &Change) -> Result<Option<Problem>, Refused> {
    let before = if change.kind == ChangeKind::Amendment { &whole.planned } else { &whole.allowed };
    let mut after = before.clone();
    apply((&mut after.expense, &mut after.revenue), change).map_err(|error| Refused::Conflict(error.to_string()))?;
    let old = whole.judged(before, false);
    // Credits open expense beyond the revenue of the law, and one for a calamity need not be in the plan.
    let counts = |one: &Problem| match change.kind {
        ChangeKind::Amendment => true,
        ChangeKind::Supplementary | ChangeKind::Special => one.rule != "balance",
        ChangeKind::Extraordinary => !["balance", "action"].contains(&one.rule.as_str()),
    };
    let fresh = whole.judged(&after, false).into_iter();
    Ok(fresh.filter(|one| one.blocks && counts(one)).find(|one| !old.iter().any(|before| before == one)))
}

fn judged(whole: &Whole, change: &Change) -> Result<crate::secretariat::kernel::money::Centavos, Refused> {
    let committed = whole.committed();
    let amount = change.judge(&whole.standing(change.kind == ChangeKind::Amendment, &committed))?;
    match new_problem(whole, change)? {
        Some(problem) => Err(problem.refusal()),
        None => Ok(amount),
    }
}

async fn room(conn: &mut PgConnection, whole: &Whole) -> Result<(), Refused> {
    if whole.bill.kind != BillKind::Loa {
        return Err(Refused::Conflict(format!("a {} has no lines", whole.bill.kind)));
    }
    let count = changes::list(conn, whole.bill.id).await?.len();
    if i64::try_from(count).unwrap_or(i64::MAX) >= changes::MOST {
        return Err(Refused::Conflict(format!("a budget holds at most {} changes", changes::MOST)));
    }
    Ok(())
}

/// Files an amendment, or opens a credit: that is open with its decree. Gives the number.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` with the law that refuses it.
pub async fn change(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, change): (Uuid, &Change),
) -> Result<String, PlanError> {
    change_words(change)?;
    let whole = view::held(&mut *conn, id).await?;
    room(&mut *conn, &whole).await?;
    let (is_amendment, life) = (change.kind == ChangeKind::Amendment, &whole.bill.life);
    if is_amendment && !matches!(life, Life::Submitted { .. }) {
        return Err(
            Refused::Conflict(format!("the bill is {}: an amendment needs a submitted bill", life.word())).into()
        );
    }
    let opens_on = match life {
        Life::Enacted { law, .. } => Some(law.on),
        _ => None,
    };
    if !is_amendment && opens_on.is_none() {
        return Err(Refused::Conflict(format!("the bill is {}: a credit needs an enacted budget", life.word())).into());
    }
    if change.on > today(by, tz) || opens_on.is_some_and(|law| change.on < law) {
        return Err(Refused::wrong("on", change.on, "expected a day after the law that is not in the future").into());
    }
    let amount = judged(&whole, change)?;
    let series = if is_amendment { "budget_amendment" } else { "budget_credit" };
    let year = if is_amendment { whole.bill.year_from } else { change.on.year() };
    let (number, _) = next_number(&mut *conn, series, year).await?;
    let new = by.ids.uuid(by.now);
    let who = (by.now, by.actor.name.as_str());
    changes::insert(&mut *conn, (id, new, &number), (change, amount), who).await?;
    if !is_amendment {
        changes::decide(&mut *conn, new, (true, &change.act), who).await?;
    }
    let detail = json!({ "number": number, "kind": change.kind, "origin": change.origin, "amount": amount });
    done(&mut *conn, by, id, (Act::BudgetChange, change.kind.as_str(), &change.reason), detail).await?;
    publish(conn, by, id).await?;
    Ok(number)
}

/// Takes an amendment, or turns it down.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict` when it was decided, or no longer fits.
pub async fn decide(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, amendment): (Uuid, Uuid),
    (taken, reason): (bool, &str),
) -> Result<(), Refused> {
    let reason = reasoned("reason", reason)?;
    let whole = view::held(&mut *conn, id).await?;
    let found = whole.changes.iter().find(|one| one.id == amendment && one.is_amendment());
    let found = found.ok_or_else(|| Refused::NotFound(format!("amendment {amendment}")))?;
    if found.taken.is_some() {
        return Err(Refused::Conflict(format!("the amendment {} was decided already", found.number)));
    }
    if taken {
        judged(&whole, &found.change)?;
    }
    changes::decide(&mut *conn, amendment, (taken, &reason), (by.now, &by.actor.name)).await?;
    let act = if taken { "take" } else { "turn_down" };
    done(&mut *conn, by, id, (Act::BudgetChange, act, &reason), json!({ "number": found.number })).await?;
    publish(conn, by, id).await
}

/// Takes in a table of what was executed: good rows are kept, bad ones are told with line and column.
///
/// # Errors
/// `Wrong` when the table as a whole cannot be read; `NotFound`; `Conflict` when there is no law yet.
pub async fn import(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, table, mapping): (Uuid, &[u8], &Mapping),
) -> Result<Import, PlanError> {
    let (good, bad) = execution::read(table, mapping).map_err(|bad| cells(vec![bad]))?;
    let whole = view::held(&mut *conn, id).await?;
    if whole.bill.kind != BillKind::Loa || whole.bill.life.law().is_none() {
        let text = format!("the {} is {}: only an enacted budget is executed", whole.bill.kind, whole.bill.life.word());
        return Err(Refused::Conflict(text).into());
    }
    let entries: Vec<_> = good.iter().map(|(_, one)| one.clone()).collect();
    let rows = executed::known(&mut *conn, id, &entries).await?;
    let allowed = whole.allowed.expense.iter().map(|line| (line.key.to_string(), line.amount)).collect();
    let before = Before {
        year: whole.bill.year_from,
        today: today(by, tz),
        allowed: &allowed,
        executed: &whole.executed,
        rows: &rows,
    };
    let sorted = execution::sort(good, bad, mapping, &before);
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let import = Import {
        id: by.ids.uuid(by.now),
        good: count(sorted.good.len()),
        known: count(sorted.known),
        bad_count: count(sorted.bad.len()),
        bad: sorted.bad.into_iter().take(MOST_BAD).collect(),
        at: by.now,
        by: by.actor.name.clone(),
    };
    executed::insert_import(&mut *conn, (id, &import), (Sha256::digest(table).as_slice(), mapping)).await?;
    if !sorted.good.is_empty() {
        executed::insert(&mut *conn, (id, import.id), &sorted.good).await?;
    }
    let detail = json!({ "import": import.id, "good": import.good, "known": import.known, "bad": import.bad_count });
    done(&mut *conn, by, id, (Act::BudgetImport, "import", ""), detail).await?;
    if !sorted.good.is_empty() {
        publish(conn, by, id).await?;
    }
    Ok(import)
}
