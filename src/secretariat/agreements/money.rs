//! The money of an agreement: who may get it, when, and how much. Pure.

use chrono::NaiveDate;

use super::{Act, Agreement};
use crate::secretariat::kernel::instrument::release::{self, Laws};
use crate::secretariat::kernel::instrument::{Done, Movement, NewEntry, Refusal, Seen, said};
use crate::secretariat::kernel::money::Centavos;

const OF_PARTNERSHIPS: Laws = Laws {
    published: "Lei 13.019/2014, art. 38",
    term: "Lei 13.019/2014, arts. 42, VI, e 55",
    accounts: "Lei 13.019/2014, arts. 39, II, 48 e 49",
    amount: "Lei 13.019/2014, art. 48",
    schedule: "Lei 13.019/2014, art. 48",
    held: "Lei 13.019/2014, art. 48, I a III",
    codes: &["agreements.accounts", "agreements.interim"],
};

const OF_CONTRACTS: Laws = Laws {
    published: "Lei 14.133/2021, art. 94",
    term: "Lei 14.133/2021, arts. 105 a 107",
    accounts: "Lei 14.133/2021, arts. 141 e 143",
    amount: "Lei 14.133/2021, arts. 124 e 125",
    schedule: "Lei 14.133/2021, art. 92, V e VI",
    held: "Lei 14.133/2021, art. 139, IV",
    codes: &[],
};

pub const fn laws(one: &Agreement) -> &'static Laws {
    if one.kind.is_partnership() { &OF_PARTNERSHIPS } else { &OF_CONTRACTS }
}

fn entry(movement: Movement, (centavos, on): (Centavos, NaiveDate), what: &str) -> NewEntry {
    NewEntry { movement, centavos, on, what: what.to_owned(), reverses: None }
}

/// What the partner owes of its own, from the first day of the term.
pub fn with_counterpart(mut done: Done<Agreement>, counterpart: Centavos, on: NaiveDate) -> Done<Agreement> {
    let ledger = &done.next.core.ledger;
    let standing = |seq: i32| !ledger.entries().iter().any(|one| one.what.reverses == Some(seq));
    let before: Vec<i32> = ledger
        .entries()
        .iter()
        .filter(|one| one.what.movement == Movement::CounterpartDue && one.what.reverses.is_none() && standing(one.seq))
        .map(|one| one.seq)
        .collect();
    let back = |seq: i32| NewEntry {
        reverses: Some(seq),
        ..entry(Movement::CounterpartDue, (counterpart, on), "Plano refeito")
    };
    done.entries = before.into_iter().map(back).collect();
    if counterpart.0 > 0 {
        done.entries.push(entry(Movement::CounterpartDue, (counterpart, on), "Contrapartida do plano de trabalho"));
    }
    done
}

/// # Errors
/// Why not.
pub fn act(mut one: Agreement, act: Act, seen: &Seen) -> Result<Done<Agreement>, Refusal> {
    let dated = |on: NaiveDate| {
        if on > seen.today {
            Err(Refusal::wrong("on", on, format!("expected {} or earlier", seen.today)))
        } else {
            Ok(on)
        }
    };
    let new = match act {
        Act::Commit { centavos, on, what } => {
            let committed = one.core.ledger.totals().committed.plus(centavos);
            let committed = committed.map_err(|error| Refusal::wrong("centavos", centavos, error.to_string()))?;
            if committed > one.core.value() {
                let why = format!("R$ {committed} would be committed, above the R$ {} agreed", one.core.value());
                return Err(Refusal::law(why, laws(&one).amount));
            }
            entry(Movement::Committed, (centavos, dated(on)?), &what)
        }
        Act::Release { centavos, on, what } => {
            if !one.kind.takes_money() {
                let why = format!("{}: it moves no money", one.kind);
                return Err(Refusal::law(why, "Lei 13.019/2014, art. 2º, VIII-A"));
            }
            release::judge(&one.core, (centavos, on), seen, laws(&one))?;
            release::once(&one.core, (centavos, on), &what, "Lei 4.320/1964, art. 63")?;
            entry(Movement::Released, (centavos, on), &what)
        }
        Act::PayCounterpart { centavos, on, what } => entry(Movement::CounterpartPaid, (centavos, dated(on)?), &what),
        Act::Return { centavos, on, what } => entry(Movement::Returned, (centavos, dated(on)?), &what),
        Act::Reverse { seq, on, reason } => {
            let what = said("reason", &reason, 300)?;
            let new = NewEntry { reverses: Some(seq), ..entry(Movement::Spent, (Centavos::ZERO, dated(on)?), &what) };
            let mut done = Done::of(one).because(what);
            done.entries.push(new);
            return Ok(done);
        }
        Act::Hold { reason } => {
            one.core.held = Some(said("reason", &reason, 1000)?);
            return Ok(Done::of(one).because(reason));
        }
        Act::Mend { reason } => {
            let reason = said("reason", &reason, 1000)?;
            one.core.held = None;
            return Ok(Done::of(one).because(reason));
        }
        other => {
            let (act, law) = (super::forms::word(&other).to_owned(), one.kind.law());
            return Err(Refusal::Illegal { act, state: one.state.to_string(), possible: Vec::new(), law });
        }
    };
    let mut done = Done::of(one);
    done.entries.push(new);
    Ok(done)
}
