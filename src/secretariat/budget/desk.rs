//! What people write: bills, their content, ceilings, proposals of units, revenue, codes, days. Each act with its entry in the audit.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::check::Problem;
use super::classify::Which;
use super::dates::DateRule;
use super::life::{Life, NotNow};
use super::lines::{self, ExpenseLine, RevenueLine};
use super::plans::{Content, Ldo, LoaHead, Ppa, Wrongs};
use super::store::{self, Bill, lines as rows};
use super::table::Bad;
use super::view::{self, missing};
use super::{BillKind, KIND, MOST_LINES, MOST_REVENUES, check, days};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::{FieldError, Reason, Refused, Said};
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::tree::scheme::is_plain;
use crate::secretariat::kernel::tree::{Node, store as nodes};

impl From<NotNow> for Refused {
    fn from(why: NotNow) -> Self {
        match why {
            NotNow::Day { field, day, expected } => Self::wrong(field, day, format!("expected a day {expected}")),
            NotNow::Inconsistent(all) => {
                let args = vec![("why", Said::All(all.iter().map(Problem::said_with_law).collect()))];
                let (code, law, detail) = ("budget-inconsistent", String::new(), NotNow::Inconsistent(all).to_string());
                Self::Because(Box::new(Reason { code, detail, args, law, is_forbidden: false }))
            }
            other => Self::Conflict(other.to_string()),
        }
    }
}

/// Cells that are wrong, as fields: "line 3, valor".
pub fn cells(bad: Vec<Bad>) -> PlanError {
    let field = |bad: &Bad| match bad.column.as_str() {
        "" => format!("line {}", bad.line),
        column => format!("line {}, {column}", bad.line),
    };
    let bad = bad.into_iter().take(100);
    PlanError::Wrong(bad.map(|bad| FieldError { field: field(&bad), value: bad.value, message: bad.message }).collect())
}

/// The act, in the bill's own record and in the audit.
pub(super) async fn done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (kind, act, reason): (Act, &str, &str),
    detail: Value,
) -> sqlx::Result<()> {
    store::keep_act(&mut *conn, id, (by.now, &by.actor.name), (act, reason), &detail).await?;
    let entry = Entry::new(kind, KIND, id).because(reason).to(detail);
    audit::record(conn, by.ids, by.now, by.actor, entry).await
}

/// A bill to begin.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetNewBill)]
#[serde(deny_unknown_fields)]
pub struct NewBill {
    #[schema(value_type = String, pattern = "^(ppa|ldo|loa)$")]
    pub kind: BillKind,
    /// The first year that it holds for.
    #[schema(minimum = 2000, maximum = 2097)]
    pub year: i32,
}

/// Begins a bill.
///
/// # Errors
/// `Wrong`; `Conflict` when one of the kind holds for any of its years.
pub async fn open(conn: &mut PgConnection, by: Acting<'_>, tz: Tz, new: &NewBill) -> Result<Uuid, Refused> {
    if !(2000..=2097).contains(&new.year) {
        return Err(Refused::wrong("year", new.year, "expected a year from 2000 to 2097"));
    }
    let years = (new.year, new.year + new.kind.years() - 1);
    if store::overlaps(&mut *conn, new.kind, years).await? {
        return Err(Refused::Conflict(format!("there is a {} for {} to {} already", new.kind, years.0, years.1)));
    }
    let content = match new.kind {
        BillKind::Ppa => Content::Ppa(Ppa::default()),
        BillKind::Ldo => Content::Ldo(Ldo::default()),
        BillKind::Loa => Content::Loa(LoaHead::default()),
    };
    let id = by.ids.uuid(by.now);
    let (kind, year_from, year_to) = (new.kind, years.0, years.1);
    let bill = Bill { id, kind, year_from, year_to, life: Life::Collecting, content, revision: 1, changed_at: by.now };
    store::insert(&mut *conn, &bill, &by.actor.name).await?;
    let detail = json!({ "kind": kind, "year_from": year_from, "year_to": year_to });
    done(&mut *conn, by, id, (Act::BudgetOpen, "open", ""), detail).await?;
    days::keep(conn, by, tz, (&bill, &bill.life)).await?;
    Ok(id)
}

/// Held, and collected; `revision`: the one that was looked at.
async fn collecting(conn: &mut PgConnection, id: Uuid, revision: Option<i32>) -> Result<Bill, Refused> {
    let bill = store::lock(conn, id).await?.ok_or_else(|| missing(id))?;
    if bill.life != Life::Collecting {
        return Err(Refused::Conflict(format!("the bill is {}: its content stands", bill.life.word())));
    }
    if revision.is_some_and(|revision| revision != bill.revision) {
        return Err(Refused::Conflict("the bill changed meanwhile; look at it again".into()));
    }
    Ok(bill)
}

async fn loa(conn: &mut PgConnection, id: Uuid, revision: Option<i32>) -> Result<Bill, Refused> {
    let bill = collecting(conn, id, revision).await?;
    if bill.kind != BillKind::Loa {
        return Err(Refused::Conflict(format!("a {} has no lines", bill.kind)));
    }
    Ok(bill)
}

/// Writes the content.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict`.
pub async fn write(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, revision): (Uuid, i32),
    content: &Content,
) -> Result<(), PlanError> {
    let bill = collecting(&mut *conn, id, Some(revision)).await?;
    let problems = match (bill.kind, content) {
        (BillKind::Ppa, Content::Ppa(ppa)) => ppa.problems((bill.year_from, bill.year_to)),
        (BillKind::Ldo, Content::Ldo(ldo)) => ldo.problems(bill.year_from),
        (BillKind::Loa, Content::Loa(head)) => head.problems(),
        (kind, _) => return Err(Refused::wrong("kind", "", format!("expected the content of a {kind}")).into()),
    };
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    store::set(&mut *conn, id, (&bill.life, content), by.now).await?;
    Ok(done(conn, by, id, (Act::BudgetEdit, "write", ""), json!({ "revision": revision + 1 })).await?)
}

/// Sets ceilings of units. A proposal that was sent and is over its new one goes back.
///
/// # Errors
/// `Wrong` with every unit that is none; `NotFound`; `Conflict`.
pub async fn set_ceilings(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    all: &[(String, Centavos)],
) -> Result<(), PlanError> {
    let bill = loa(&mut *conn, id, None).await?;
    let classes = store::classes(&mut *conn).await?;
    let mut wrongs = Wrongs(Vec::new());
    let day = super::dates::first_day(bill.year_from);
    for (unit, most) in all.iter().take(2000) {
        match classes.of(Which::Unit).find(unit, day) {
            Err(unknown) => wrongs.say("unidade".into(), unit, unknown.to_string()),
            Ok(_) if !unit.contains('.') => wrongs.say("unidade".into(), unit, "expected órgão and unidade"),
            Ok(_) => {}
        }
        if !(0..=crate::secretariat::kernel::money::MOST).contains(&most.0) {
            wrongs.say("teto".into(), most, "expected no negative amount and at most R$ 10 trillion");
        }
    }
    if !wrongs.0.is_empty() {
        return Err(PlanError::Wrong(wrongs.0));
    }
    let proposals = store::proposals(&mut *conn, id).await?;
    for (unit, most) in all.iter().take(2000) {
        store::set_ceiling(&mut *conn, (id, unit), *most, (by.now, &by.actor.name)).await?;
        let sent = proposals.iter().find(|one| one.unit == *unit && one.state == "sent");
        if let Some(Err(over)) = sent.map(|one| check::ceiling(unit, one.asked, Some(*most))) {
            let reason: String = over.text.chars().take(1000).collect();
            store::set_proposal(&mut *conn, (id, unit), ("returned", &reason), (by.now, &by.actor.name)).await?;
        }
    }
    let detail: Vec<Value> = all.iter().map(|(unit, most)| json!({ "unit": unit, "ceiling": most })).collect();
    Ok(done(conn, by, id, (Act::BudgetEdit, "ceilings", ""), json!(detail)).await?)
}

/// Writes the lines of a unit, as a draft.
///
/// # Errors
/// `Wrong` with every line that is wrong; `NotFound`; `Conflict`.
pub async fn propose(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, unit): (Uuid, &str),
    proposed: &[ExpenseLine],
) -> Result<(), PlanError> {
    let bill = loa(&mut *conn, id, None).await?;
    let classes = store::classes(&mut *conn).await?;
    let day = super::dates::first_day(bill.year_from);
    classes.of(Which::Unit).find(unit, day).map_err(|unknown| Refused::wrong("unit", unit, unknown.to_string()))?;
    let mut wrongs = Wrongs(Vec::new());
    let mut seen = BTreeSet::new();
    for (at, line) in proposed.iter().enumerate() {
        let field = format!("lines[{at}]");
        if line.key.unit_code() != unit {
            wrongs.say(field.clone(), &line.key, format!("expected a line of the unit {unit}"));
        }
        if !seen.insert(&line.key) {
            wrongs.say(field.clone(), &line.key, "was given before");
        }
        if line.amount.is_negative() || line.amount.0 > crate::secretariat::kernel::money::MOST {
            wrongs.say(
                format!("{field}.amount"),
                line.amount,
                "expected no negative amount and at most R$ 10 trillion",
            );
        }
        if !is_plain(&line.words, 300) {
            wrongs.say(
                format!("{field}.words"),
                &line.words,
                "expected at most 300 characters on one line that begins with none of = + - @",
            );
        }
        for (_, unknown) in classes.wrong(&line.key, day) {
            wrongs.say(field.clone(), &line.key, unknown.to_string());
        }
    }
    if lines::spent(proposed).is_err() {
        wrongs.say("lines".into(), "", "their sum lies beyond R$ 10 trillion");
    }
    if !wrongs.0.is_empty() {
        wrongs.0.truncate(100);
        return Err(PlanError::Wrong(wrongs.0));
    }
    rows::replace(&mut *conn, (id, unit), proposed).await?;
    if usize::try_from(rows::count(&mut *conn, id).await?).unwrap_or(usize::MAX) > MOST_LINES {
        return Err(Refused::Conflict(format!("a budget holds at most {MOST_LINES} lines")).into());
    }
    store::set_proposal(&mut *conn, (id, unit), ("draft", ""), (by.now, &by.actor.name)).await?;
    let detail = json!({ "unit": unit, "lines": proposed.len() });
    Ok(done(conn, by, id, (Act::BudgetEdit, "propose", ""), detail).await?)
}

/// Sends what a unit proposes.
///
/// # Errors
/// `NotFound`; `Conflict` over the ceiling, with both sums.
pub async fn send(conn: &mut PgConnection, by: Acting<'_>, (id, unit): (Uuid, &str)) -> Result<(), Refused> {
    loa(&mut *conn, id, None).await?;
    let proposals = store::proposals(&mut *conn, id).await?;
    let found = proposals.into_iter().find(|one| one.unit == unit);
    let found = found.ok_or_else(|| Refused::NotFound(format!("proposal of {unit}")))?;
    check::ceiling(unit, found.asked, found.ceiling).map_err(|over| over.refusal())?;
    store::set_proposal(&mut *conn, (id, unit), ("sent", ""), (by.now, &by.actor.name)).await?;
    let detail = json!({ "unit": unit, "asked": found.asked });
    Ok(done(conn, by, id, (Act::BudgetStep, "send", ""), detail).await?)
}

/// Returns a proposal that was sent.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict`.
pub async fn send_back(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, unit): (Uuid, &str),
    reason: &str,
) -> Result<(), Refused> {
    let reason = reasoned("reason", reason)?;
    loa(&mut *conn, id, None).await?;
    let sent = store::proposals(&mut *conn, id).await?.into_iter().any(|one| one.unit == unit && one.state == "sent");
    if !sent {
        return Err(Refused::Conflict(format!("{unit} has sent no proposal")));
    }
    store::set_proposal(&mut *conn, (id, unit), ("returned", &reason), (by.now, &by.actor.name)).await?;
    Ok(done(conn, by, id, (Act::BudgetStep, "send_back", &reason), json!({ "unit": unit })).await?)
}

/// Writes the revenue, in the place of what there was.
///
/// # Errors
/// `Wrong` with every line that is wrong; `NotFound`; `Conflict`.
pub async fn set_revenue(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, revision): (Uuid, Option<i32>),
    given: &[RevenueLine],
) -> Result<(), PlanError> {
    let bill = loa(&mut *conn, id, revision).await?;
    let classes = store::classes(&mut *conn).await?;
    let day = super::dates::first_day(bill.year_from);
    let mut wrongs = Wrongs(Vec::new());
    let mut seen = BTreeSet::new();
    if given.len() > MOST_REVENUES {
        wrongs.say("lines".into(), given.len(), format!("expected at most {MOST_REVENUES}"));
    }
    for (at, line) in given.iter().enumerate().take(MOST_REVENUES) {
        let field = format!("lines[{at}]");
        if let Err(unknown) = classes.of(Which::Revenue).find(&line.nature, day) {
            wrongs.say(format!("{field}.nature"), &line.nature, unknown.to_string());
        }
        if let Err(unknown) = classes.of(Which::Source).find(&line.source, day) {
            wrongs.say(format!("{field}.source"), &line.source, unknown.to_string());
        }
        if !seen.insert(line.id()) {
            wrongs.say(field.clone(), &line.nature, "was given before with this source");
        }
        if line.amount.is_negative() || line.amount.0 > crate::secretariat::kernel::money::MOST {
            wrongs.say(
                format!("{field}.amount"),
                line.amount,
                "expected no negative amount and at most R$ 10 trillion",
            );
        }
        wrongs.text(format!("{field}.words"), &line.words, 0, 300);
    }
    if lines::taken_in(given).is_err() {
        wrongs.say("lines".into(), "", "their sum lies beyond R$ 10 trillion");
    }
    if !wrongs.0.is_empty() {
        wrongs.0.truncate(100);
        return Err(PlanError::Wrong(wrongs.0));
    }
    rows::replace_revenue(&mut *conn, id, given).await?;
    store::set(&mut *conn, id, (&bill.life, &bill.content), by.now).await?;
    Ok(done(conn, by, id, (Act::BudgetEdit, "revenue", ""), json!({ "lines": given.len() })).await?)
}

/// Adds codes of the town to a classification.
///
/// # Errors
/// `Wrong` with the code that does not fit; `Conflict` when the classification is the law's or full.
pub async fn add_codes(
    conn: &mut PgConnection,
    by: Acting<'_>,
    which: Which,
    new: &[Node],
) -> Result<usize, PlanError> {
    if !which.is_local() {
        return Err(Refused::Conflict(format!("the codes of {which} are those of the law: a town adds none")).into());
    }
    let scheme = which.scheme();
    let count = nodes::count(&mut *conn, &scheme).await?;
    if new.is_empty() || count + i64::try_from(new.len()).unwrap_or(i64::MAX) > nodes::MOST {
        return Err(
            Refused::wrong("codes", new.len(), format!("expected 1 to {} with those there are", nodes::MOST)).into()
        );
    }
    let mut classes = store::classes(&mut *conn).await?;
    let day_of = |node: &Node| node.valid_from;
    let mut fresh = Vec::new();
    for (at, node) in new.iter().enumerate() {
        // What is there already word for word is not added again: a file may be sent twice.
        let is_known = classes.of(which).find(&node.code, day_of(node)).is_ok_and(|old| old == node);
        if is_known {
            continue;
        }
        let wrong = |error: crate::secretariat::kernel::tree::scheme::Unfit| {
            Refused::wrong(format!("codes[{at}]"), &node.code, error.to_string())
        };
        classes.of_mut(which).add(node.clone()).map_err(wrong)?;
        fresh.push(node.clone());
    }
    let import = by.ids.uuid(by.now);
    nodes::insert(&mut *conn, (&scheme, import), &fresh, (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::BudgetCodes, "classification", which).to(json!({ "added": fresh.len() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(fresh.len())
}

/// Adds a day of the town's own law. Deadlines of bills that it holds for are counted from it.
///
/// # Errors
/// `Wrong`.
pub async fn add_date_rule(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (rule, reason): (&DateRule, &str),
) -> Result<(), PlanError> {
    if let Some((field, value, expected)) = rule.problem() {
        return Err(Refused::wrong(field, value, expected).into());
    }
    let mut wrongs = Wrongs(Vec::new());
    wrongs.text("law_ref".into(), &rule.law_ref, 1, 300);
    if !wrongs.0.is_empty() {
        return Err(PlanError::Wrong(wrongs.0));
    }
    let reason = reasoned("reason", reason)?;
    let id = by.ids.uuid(by.now);
    store::insert_date_rule(&mut *conn, (id, rule), &reason, (by.now, &by.actor.name)).await?;
    let after = serde_json::to_value(rule).map_err(anyhow::Error::from)?;
    let entry = Entry::new(Act::BudgetRule, "budget_date_rule", id).because(&reason).to(after);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    days::settle(conn, by, tz).await
}

/// The whole after an act, published when the public reads it.
pub(super) async fn publish(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    let whole = view::whole(&mut *conn, id).await?;
    if whole.bill.life.is_public() {
        store::publication::insert(conn, id, &whole.snapshot(), by.now).await?;
    }
    Ok(())
}
