//! Whether money may go out. Each reason against it cites its law. Pure.

use chrono::NaiveDate;

use super::{Core, Entry, Movement, Refusal, Seen};
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

/// The same money is not paid twice: a release of the same amount, day and words that stands is that release sent again.
///
/// # Errors
/// Names the entry that is there.
pub fn once(core: &Core, (centavos, on): (Centavos, NaiveDate), what: &str, law: &str) -> Result<(), Refusal> {
    let entries = core.ledger.entries();
    let stands = |seq: i32| !entries.iter().any(|one| one.what.reverses == Some(seq));
    let is_same = |one: &&Entry| {
        one.what.movement == Movement::Released
            && (one.what.centavos, one.what.on, one.what.what.as_str()) == (centavos, on, what.trim())
    };
    match entries.iter().filter(is_same).find(|one| stands(one.seq)) {
        Some(one) => {
            let seq = one.seq;
            let why =
                format!("the same release is entry {seq} already; if it is another, its words say what sets it apart");
            Err(Refusal::law(why, law))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ledger, NewEntry};
    use super::*;

    #[test]
    fn the_same_release_is_paid_once_unless_it_was_taken_back() {
        let on: NaiveDate = "2026-03-02".parse().unwrap();
        let entry = |movement, centavos, reverses| NewEntry {
            movement,
            centavos: Centavos(centavos),
            on,
            what: "Parcela 1".into(),
            reverses,
        };
        let ledger = Ledger::default().push(entry(Movement::Committed, 100, None)).unwrap();
        let ledger = ledger.push(entry(Movement::Released, 50, None)).unwrap();
        let core = Core { ledger: ledger.clone(), ..Core::default() };
        let again = once(&core, (Centavos(50), on), " Parcela 1", "Lei").unwrap_err();
        assert!(again.to_string().contains("entry 2"), "{again}");
        assert!(once(&core, (Centavos(50), on), "Parcela 2", "Lei").is_ok());
        assert!(once(&core, (Centavos(49), on), "Parcela 1", "Lei").is_ok());
        let taken_back =
            Core { ledger: ledger.push(entry(Movement::Released, 0, Some(2))).unwrap(), ..Core::default() };
        assert!(once(&taken_back, (Centavos(50), on), "Parcela 1", "Lei").is_ok());
    }
}
