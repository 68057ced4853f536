//! The days of bills as deadlines, with rule, trace and reminder as every other. The day of its submission runs from the opening of a bill;
//! from the submission on the council's day runs, until the law.
//!
//! A day of the year is no number of days after something, so that `dates` finds it; the deadline is counted from that day itself. A day that
//! the town added is a rule of deadlines too, so that law and confirmation are the town's, and a town whose days roll adds a rule that does.

use chrono_tz::Tz;
use sqlx::PgConnection;

use super::dates::{self, DateRule};
use super::life::Life;
use super::store::{self, Bill, decode};
use super::{BillKind, KIND};
use crate::accounts::tokens::desk::Acting;
use crate::deadlines::rule::Extensions;
use crate::deadlines::store::New;
use crate::deadlines::town::start_of;
use crate::deadlines::{DeadlineRule, Pause, Unit, desk as deadlines};
use crate::plancon::PlanError;
use crate::refused::Refused;

/// How many days before staff are told.
const WARN_DAYS: u32 = 30;
const NOTE: &str = "O dia é o da lei; não passa ao seguinte.";

/// "budget.loa.submit"
fn code(kind: BillKind, what: &str) -> String {
    format!("budget.{kind}.{what}")
}

/// What is due of a bill now; none: it is law.
const fn running(life: &Life) -> Option<&'static str> {
    match life {
        Life::Collecting | Life::Consolidated | Life::Heard { .. } => Some("submit"),
        Life::Submitted { .. } => Some("return"),
        Life::Enacted { .. } => None,
    }
}

/// "LOA 2027", "PPA 2026–2029"
pub fn title(kind: BillKind, (from, to): (i32, i32)) -> String {
    let name = kind.as_str().to_uppercase();
    if from == to { format!("{name} {from}") } else { format!("{name} {from}–{to}") }
}

/// Path of the page of a bill.
pub fn link(id: uuid::Uuid) -> String {
    format!("/secretaria/painel/orcamento/{id}")
}

/// Brings the deadlines of a bill to where it stands: what it met ends, and what runs now begins or is counted from the day that holds now.
///
/// # Errors
/// The database's; `Conflict` when there is a day and no rule of deadlines for it.
pub async fn keep(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (bill, life): (&Bill, &Life),
) -> Result<(), Refused> {
    let runs = running(life);
    for (what, reason) in [("submit", "enviado à Câmara"), ("return", "virou lei")] {
        if runs != Some(what) {
            deadlines::end(&mut *conn, by, ((KIND, bill.id), &code(bill.kind, what)), true, reason).await?;
        }
    }
    let Some(what) = runs else { return Ok(()) };
    let (shipped, local) = (dates::shipped().map_err(decode)?, store::date_rules(&mut *conn).await?);
    let Some(due) = dates::due(&shipped, &local, &format!("{}.{what}", bill.kind), bill.year_from) else {
        return Ok(());
    };
    let (title, link) = (title(bill.kind, (bill.year_from, bill.year_to)), link(bill.id));
    let (subject, code, anchor_at) = ((KIND, bill.id), code(bill.kind, what), start_of(due.on, tz));
    let new = New { subject, title: &title, link: &link, code: &code, anchor_at, governed_on: None };
    deadlines::set(conn, by, tz, &new).await?;
    Ok(())
}

/// A day of the law as a rule of deadlines: its first day is its last.
fn as_deadline(rule: &DateRule) -> DeadlineRule {
    DeadlineRule {
        code: format!("budget.{}", rule.code),
        law_ref: rule.law_ref.clone(),
        note: NOTE.into(),
        confirmed: rule.confirmed,
        valid_from: rule.valid_from,
        valid_to: None,
        anchor_event: "day_of_law".into(),
        quantity: 1,
        unit: Unit::Calendar,
        first_day_excluded: false,
        roll_to_business: false,
        extensions: Extensions::default(),
        pause: Pause::Never,
        warn_days: WARN_DAYS,
        lapses: false,
    }
}

/// Brings every bill to its deadlines, and every day of the town to its rule. At the start it opens those of bills that are older than
/// their deadlines; what stands already is left as it is.
///
/// # Errors
/// As [`keep`].
pub async fn settle(conn: &mut PgConnection, by: Acting<'_>, tz: Tz) -> Result<(), PlanError> {
    for rule in store::date_rules(&mut *conn).await? {
        let wanted = as_deadline(&rule);
        // One that a person ended stays ended.
        if wanted.problems().is_empty() && !store::has_deadline_rule(&mut *conn, &wanted).await? {
            let reason = "dia do orçamento acrescentado pelo Município";
            deadlines::add_rule(&mut *conn, by, tz, (&wanted, reason)).await?;
        }
    }
    for bill in store::list(&mut *conn).await? {
        if bill.life.law().is_some() {
            continue;
        }
        match keep(&mut *conn, by, tz, (&bill, &bill.life)).await {
            // Somebody ended the rule of its day: that holds up nothing else.
            Err(Refused::Conflict(why)) => {
                tracing::warn!(bill = %bill.id, %why, "a bill of the budget has no deadline")
            }
            other => other?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::calendar;
    use crate::deadlines::reckon::{Anchor, Course, reckon};
    use crate::deadlines::rule::{self, Rules};

    #[test]
    fn each_shipped_day_is_a_rule_of_deadlines_of_the_same_law_and_ends_on_its_day() {
        let rules = Rules { shipped: rule::shipped().unwrap(), local: Vec::new() };
        let days = dates::shipped().unwrap();
        let calendar = calendar::shipped().unwrap();
        let tz = chrono_tz::America::Sao_Paulo;
        for day in &days {
            assert_eq!(as_deadline(day).problems(), [], "{}", day.code);
            let due = dates::due(&days, &[], &day.code, 2027).unwrap();
            let rule = rules.choose(&format!("budget.{}", day.code), due.on).unwrap();
            assert_eq!(*rule, as_deadline(day), "{}", day.code);
            let told = reckon(rule, Anchor { at: start_of(due.on, tz), tz }, &calendar, &Course::default()).unwrap();
            assert_eq!(told.due_on, Some(due.on), "{}", day.code);
        }
        assert_eq!(rules.shipped.iter().filter(|rule| rule.code.starts_with("budget.")).count(), days.len());
    }

    #[test]
    fn bills_are_called_as_people_call_them() {
        assert_eq!(title(BillKind::Loa, (2027, 2027)), "LOA 2027");
        assert_eq!(title(BillKind::Ppa, (2026, 2029)), "PPA 2026–2029");
    }
}
