//! Whether money may go out. Each reason against it cites its law. Pure.

use chrono::NaiveDate;

use super::{Core, Refusal, Seen};
use crate::secretariat::kernel::money::Centavos;

/// What is cited, by the family of instruments.
#[derive(Clone, Copy, Debug)]
pub struct Laws {
    pub published: &'static str,
    pub term: &'static str,
    pub accounts: &'static str,
    pub amount: &'static str,
    pub schedule: &'static str,
    pub held: &'static str,
    /// Codes of the deadlines of accounts.
    pub codes: &'static [&'static str],
}

/// # Errors
/// The first reason against it.
pub fn judge(core: &Core, (centavos, on): (Centavos, NaiveDate), seen: &Seen, laws: &Laws) -> Result<(), Refusal> {
    if on > seen.today {
        return Err(Refusal::wrong("on", on, format!("expected {} or earlier", seen.today)));
    }
    let Some(extract) = core.published.as_ref().filter(|extract| extract.on <= on) else {
        return Err(Refusal::law(
            "no release before the extract is published: it is the condition of effect",
            laws.published,
        ));
    };
    let starts_on = core.term.map_or(extract.on, |term| term.starts_on);
    let ends_on = core.ends_on().unwrap_or(starts_on);
    if on < starts_on || on > ends_on {
        return Err(Refusal::law(format!("no release outside the term of {starts_on} to {ends_on}"), laws.term));
    }
    if let Some(late) = seen.late.iter().find(|late| laws.codes.contains(&late.code.as_str())) {
        let why =
            format!("no release while accounts are overdue: they were due on {}, by {}", late.due_on, late.law_ref);
        return Err(Refusal::law(why, laws.accounts));
    }
    if let Some(number) = &seen.elsewhere {
        let why = format!("no release while accounts of the same partner are overdue, in {number}");
        return Err(Refusal::law(why, laws.accounts));
    }
    if let Some(why) = &core.held {
        return Err(Refusal::law(format!("releases are held until it is mended: {why}"), laws.held));
    }
    let totals = core.ledger.totals();
    let after = totals.released.plus(centavos);
    let after = after.map_err(|error| Refusal::wrong("centavos", centavos, error.to_string()))?;
    let value = core.value();
    if after > value {
        return Err(Refusal::law(
            format!("R$ {after} would be released, above the R$ {value} that were agreed"),
            laws.amount,
        ));
    }
    if let Some(plan) = core.plan.as_ref().filter(|plan| !plan.schedule.is_empty()) {
        let allowed = plan.until(on, value);
        if after > allowed {
            let why = format!("R$ {after} would be released by {on}, when the schedule allows R$ {allowed}");
            return Err(Refusal::law(why, laws.schedule));
        }
    }
    Ok(())
}
