//! The life of a convênio or contrato de repasse: acts that take one state and give the next, or say why not. Pure.

use chrono::{NaiveDate, TimeDelta};

use super::norm::{self, Norm};
use super::{Act, Clause, Funding, Measurement, Opening, State, forms, regime};
use crate::secretariat::kernel::instrument::amend::Change;
use crate::secretariat::kernel::instrument::norm::governed_on;
use crate::secretariat::kernel::instrument::release;
use crate::secretariat::kernel::instrument::{
    Accounts, Core, Done, Extract, Movement, NewEntry, Plan, Refusal, Seen, Term, Tick, maybe, room, said,
};
use crate::secretariat::kernel::money::Centavos;

pub const CLAUSE: &str = "funding.clause";
pub const REFUND: &str = "funding.refund";
pub const ACCOUNTS: &str = "funding.accounts";
pub const STALLED: &str = "funding.stalled";

/// The norm that governs it: that of its signing, before it today's.
pub fn law(one: &Funding, today: NaiveDate) -> &'static str {
    norm_of(one, today).name
}

fn norm_of(one: &Funding, today: NaiveDate) -> &'static Norm {
    norm::of(governed_on(one.core.signed_on, today))
}

type Outcomes = Result<Done<Funding>, Refusal>;

/// # Errors
/// Names the field.
pub fn open(opening: Opening, _seen: &Seen) -> Outcomes {
    let object = said("object", &opening.object, 1000)?;
    let grantor = opening.grantor.checked("grantor")?;
    if grantor.document.is_person() {
        return Err(Refusal::wrong("grantor.document", grantor.document.masked(), "expected a CNPJ"));
    }
    let outside_key = opening.outside_key.map(|key| said("outside_key", &key, 60)).transpose()?;
    Ok(Done::of(Funding {
        kind: opening.kind,
        state: State::Opportunity,
        core: Core { object, parties: vec![grantor], ..Core::default() },
        outside_key,
        proposals_until: opening.proposals_until,
        source: maybe("source", &opening.source, 300)?,
        proposed_on: None,
        counterpart: Centavos::ZERO,
        clause: None,
        tender: String::new(),
        measurements: Vec::new(),
        regime: None,
        outcome_reason: String::new(),
        closed_on: None,
    }))
}

fn not_future(field: &str, on: NaiveDate, seen: &Seen) -> Result<NaiveDate, Refusal> {
    if on > seen.today { Err(Refusal::wrong(field, on, format!("expected {} or earlier", seen.today))) } else { Ok(on) }
}

/// Once its clause was missed nothing is left but to end it and give back.
fn not_missed(one: &Funding, word: &str, seen: &Seen) -> Result<(), Refusal> {
    let missed = one.clause.as_ref().filter(|clause| clause.is_missed(seen.today));
    let is_over = matches!(one.state, State::Extinct | State::Closed | State::SpecialAccounts);
    match missed {
        Some(clause) if !is_over && !matches!(word, "extinguish" | "return" | "sync") => {
            let why = format!(
                "the suspensive clause was due on {} and was not met: the instrument is to be extinguished",
                clause.due_on
            );
            Err(Refusal::law(why, format!("{} (cláusula suspensiva)", law(one, seen.today))))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// Why not, with the law where one forbids it.
pub fn act(one: Funding, act: Act, seen: &Seen) -> Outcomes {
    let word = forms::word(&act);
    if word != "sync" && !forms::allowed(one.state).contains(&word) {
        let (state, possible) = (one.state.to_string(), forms::allowed(one.state));
        return Err(Refusal::Illegal { act: word.to_owned(), state, possible, law: law(&one, seen.today) });
    }
    not_missed(&one, word, seen)?;
    match act {
        Act::Propose { on, text } => propose(one, on, &text, seen),
        Act::WritePlan { agreed, counterpart, starts_on, ends_on, plan } => {
            write_plan(one, Term { starts_on, ends_on }, (agreed, counterpart), plan)
        }
        Act::Sign { on, clause, clause_on } => sign(one, on, (&clause, clause_on), seen),
        Act::Publish { on, place } => publish(one, on, &place, seen),
        Act::MeetClause { on, evidence } => meet(one, on, &evidence, seen),
        Act::PutOffClause { due_on, reason } => put_off(one, due_on, &reason, seen),
        Act::Tender { text } => {
            let tender = said("text", &text, 1000)?;
            Ok(Done::of(Funding { state: State::Tender, tender, ..one }))
        }
        Act::Begin { text } => {
            let text = said("text", &text, 1000)?;
            let next = Funding { state: State::Execution, tender: format!("{}\n{text}", one.tender), ..one };
            Ok(Done::of(next).with(Tick::Set(STALLED, seen.today)))
        }
        Act::Measure { on, centavos, text } => measure(one, on, centavos, &text, seen),
        Act::Amend { on, reason, agreed, ends_on } => {
            amend(one, &Change { on, reason: &reason, agreed, ends_on }, seen)
        }
        Act::Mark { stage, on, evidence } => {
            let mut next = one;
            let plan = next.core.plan.take().unwrap_or_default();
            next.core.plan = Some(plan.mark(stage, not_future("on", on, seen)?, &evidence)?);
            Ok(Done::of(next))
        }
        Act::End {} => end(one, seen),
        Act::Account { text } => account(one, &text, seen),
        Act::Approve { reason } => finish(one, State::Approved, &reason),
        Act::OpenSpecialAccounts { reason } => finish(one, State::SpecialAccounts, &reason),
        Act::Extinguish { reason } => extinguish(one, &reason, seen),
        Act::Close { reason } => close(one, &reason, seen),
        Act::Withdraw { reason } => {
            let outcome_reason = said("reason", &reason, 1000)?;
            let next = Funding { state: State::Withdrawn, closed_on: Some(seen.today), outcome_reason, ..one };
            Ok(Done::of(next).because(reason))
        }
        Act::Sync { .. } => super::federal::sync(one, act, seen),
        other => money(one, other, seen),
    }
}

fn propose(one: Funding, on: NaiveDate, text: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    if let Some(last) = one.proposals_until.filter(|last| on > *last) {
        return Err(Refusal::law(format!("proposals were taken until {last}"), "Edital do programa"));
    }
    let text = said("text", text, 1000)?;
    Ok(Done::of(Funding { state: State::Proposal, proposed_on: Some(on), ..one }).because(text))
}

fn entry(movement: Movement, (centavos, on): (Centavos, NaiveDate), what: &str) -> NewEntry {
    NewEntry { movement, centavos, on, what: what.to_owned(), reverses: None }
}

fn write_plan(mut one: Funding, term: Term, (agreed, counterpart): (Centavos, Centavos), plan: Plan) -> Outcomes {
    if agreed.0 <= 0 || counterpart.is_negative() {
        return Err(Refusal::wrong("agreed", agreed, "expected a value above nought and no counterpart below it"));
    }
    one.core.plan = Some(plan.checked(term, agreed)?);
    (one.core.term, one.core.agreed, one.counterpart) = (Some(term), agreed, counterpart);
    Ok(Done::of(Funding { state: State::WorkPlan, ..one }))
}

fn sign(mut one: Funding, on: NaiveDate, (clause, clause_on): (&str, Option<NaiveDate>), seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    let term = one.core.term.ok_or_else(|| Refusal::wrong("on", on, "expected a plan of work first"))?;
    one.core.signed_on = Some(on);
    let whole = one.core.agreed.plus(one.counterpart);
    let whole = whole.map_err(|error| Refusal::wrong("agreed", one.core.agreed, error.to_string()))?;
    let rules = regime::shipped().map_err(|error| Refusal::wrong("regime", "", error.to_string()))?;
    one.regime = Some(rules.judge(on, whole, term));
    let mut done = Done::of(one);
    match clause_on {
        Some(due_on) => {
            if due_on <= on {
                return Err(Refusal::wrong("clause_on", due_on, format!("expected a day after {on}")));
            }
            let what = said("clause", clause, 1000)?;
            let clause = Clause { what, due_on, met_on: None, evidence: String::new(), put_off: Vec::new() };
            (done.next.clause, done.next.state) = (Some(clause), State::Suspended);
            done.ticks.push(Tick::Set(CLAUSE, on));
        }
        None if clause.trim().is_empty() => done.next.state = State::Signed,
        None => return Err(Refusal::wrong("clause_on", "", "a suspensive clause has its day")),
    }
    if done.next.counterpart.0 > 0 {
        let amount = (done.next.counterpart, on);
        done.entries.push(entry(Movement::CounterpartDue, amount, "Contrapartida pactuada"));
    }
    done.ticks.push(Tick::Set(ACCOUNTS, done.next.core.ends_on().unwrap_or(term.ends_on)));
    done.numbers = Some(format!("funding.{}", done.next.kind));
    Ok(done)
}

fn publish(mut one: Funding, on: NaiveDate, place: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    if one.core.signed_on.is_some_and(|signed| on < signed) {
        return Err(Refusal::wrong("on", on, "expected the day of signing or later"));
    }
    one.core.published = Some(Extract { on, place: said("place", place, 300)? });
    Ok(Done::of(one))
}

fn meet(mut one: Funding, on: NaiveDate, evidence: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    let evidence = said("evidence", evidence, 1000)?;
    if let Some(clause) = &mut one.clause {
        (clause.met_on, clause.evidence) = (Some(on), evidence.clone());
    }
    Ok(Done::of(Funding { state: State::Signed, ..one }).with(Tick::Met(CLAUSE)).because(evidence))
}

/// The last day of the rule bounds every new day of the clause.
fn put_off(mut one: Funding, due_on: NaiveDate, reason: &str, seen: &Seen) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let Some(clause) = &mut one.clause else { return Err(Refusal::wrong("due_on", due_on, "there is no clause")) };
    let last = seen.due.iter().find(|(code, _)| code == CLAUSE).and_then(|(_, due)| *due);
    if due_on <= clause.due_on {
        return Err(Refusal::wrong("due_on", due_on, format!("expected a day after {}", clause.due_on)));
    }
    let is_beyond = last.is_some_and(|last| due_on > last);
    clause.put_off.push((clause.due_on, reason.clone()));
    clause.due_on = due_on;
    let done = Done::of(one).because(reason.clone());
    // Beyond the rule's own last day it takes the one extension that the rule allows.
    Ok(if is_beyond { done.with(Tick::Extend(CLAUSE, reason)) } else { done })
}

fn measure(mut one: Funding, on: NaiveDate, centavos: Centavos, text: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    room("measurements", one.measurements.len())?;
    if centavos.0 <= 0 {
        return Err(Refusal::wrong("centavos", centavos, "expected an amount above nought"));
    }
    let measured = Centavos::sum(one.measurements.iter().map(|one| one.centavos).chain([centavos]));
    let whole = one.core.value().plus(one.counterpart);
    if let (Ok(measured), Ok(whole)) = (measured, whole)
        && measured > whole
    {
        let why = format!("R$ {measured} would be measured, above the whole of R$ {whole}");
        return Err(Refusal::law(why, format!("{} (medição)", law(&one, seen.today))));
    }
    let number = u32::try_from(one.measurements.len() + 1).unwrap_or(u32::MAX);
    one.measurements.push(Measurement { number, on, centavos, text: said("text", text, 1000)? });
    Ok(Done::of(one).with(Tick::Set(STALLED, on)))
}

fn amend(one: Funding, change: &Change<'_>, seen: &Seen) -> Outcomes {
    not_future("on", change.on, seen)?;
    let core = one.core.clone().amend(change, &format!("{} (termo aditivo)", law(&one, seen.today)))?;
    let done = Done::of(Funding { core, ..one }).because(change.reason);
    let last = done.next.core.ends_on();
    Ok(match last {
        Some(last) => done.with(Tick::Set(ACCOUNTS, last)),
        None => done,
    })
}

fn end(one: Funding, seen: &Seen) -> Outcomes {
    if let Some(last) = one.core.ends_on().filter(|last| seen.today <= *last) {
        let plan = one.core.plan.as_ref();
        let is_done = plan.is_some_and(|plan| plan.stages.iter().all(|stage| stage.done_on.is_some()));
        if !is_done {
            let why = format!("the term runs until {last} and the plan is not done");
            return Err(Refusal::law(why, format!("{} (prestação de contas final)", law(&one, seen.today))));
        }
        return Ok(Done::of(Funding { state: State::AccountsDue, ..one })
            .with(Tick::Set(ACCOUNTS, seen.today))
            .with(Tick::Void(STALLED)));
    }
    Ok(Done::of(Funding { state: State::AccountsDue, ..one }).with(Tick::Void(STALLED)))
}

fn account(mut one: Funding, text: &str, seen: &Seen) -> Outcomes {
    room("accounts", one.core.accounts.len())?;
    let totals = one.core.ledger.totals();
    if totals.balance.0 > 0 {
        let why = format!("R$ {} were neither spent nor returned", totals.balance);
        return Err(Refusal::law(why, format!("{} (saldo remanescente)", law(&one, seen.today))));
    }
    let accounts = Accounts { interim: false, on: seen.today, spent: totals.spent, text: said("text", text, 4000)? };
    one.core.accounts.push(accounts);
    Ok(Done::of(Funding { state: State::AccountsIn, ..one }).with(Tick::Met(ACCOUNTS)))
}

fn finish(one: Funding, state: State, reason: &str) -> Outcomes {
    let outcome_reason = said("reason", reason, 1000)?;
    Ok(Done::of(Funding { state, outcome_reason: outcome_reason.clone(), ..one }).because(outcome_reason))
}

/// Ends it before its time. What was received is given back within the days of the rule, counted from the day that ended it.
fn extinguish(mut one: Funding, reason: &str, seen: &Seen) -> Outcomes {
    let outcome_reason = said("reason", reason, 1000)?;
    let missed = one.clause.as_ref().filter(|clause| clause.is_missed(seen.today));
    let ended_on = missed.map_or(seen.today, |clause| clause.due_on + TimeDelta::days(1));
    one.outcome_reason.clone_from(&outcome_reason);
    let owes = one.core.ledger.totals().balance.0 > 0;
    let mut done = Done::of(Funding { state: State::Extinct, ..one }).because(outcome_reason);
    done.ticks = vec![Tick::Void(CLAUSE), Tick::Void(ACCOUNTS), Tick::Void(STALLED)];
    if owes {
        done.ticks.push(Tick::Set(REFUND, ended_on));
    }
    Ok(done)
}

fn close(one: Funding, reason: &str, seen: &Seen) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let balance = one.core.ledger.totals().balance;
    if balance.0 > 0 {
        let why = format!("R$ {balance} have to be returned first");
        return Err(Refusal::law(why, format!("{} (devolução em 30 dias)", law(&one, seen.today))));
    }
    let next = Funding { state: State::Closed, closed_on: Some(seen.today), ..one };
    Ok(Done::of(next).with(Tick::Met(REFUND)).because(reason))
}

fn money(one: Funding, act: Act, seen: &Seen) -> Outcomes {
    let new = match act {
        Act::Commit { centavos, on, what } => {
            let committed = one.core.ledger.totals().committed.plus(centavos);
            if committed.is_ok_and(|committed| committed > one.core.value()) {
                let why = format!("more than the R$ {} agreed would be committed", one.core.value());
                return Err(Refusal::law(why, norm_of(&one, seen.today).laws.amount));
            }
            entry(Movement::Committed, (centavos, not_future("on", on, seen)?), &what)
        }
        Act::Release { centavos, on, what } => {
            if one.state == State::Suspended {
                let why = "no release while the suspensive clause is not met";
                return Err(Refusal::law(why, format!("{} (cláusula suspensiva)", law(&one, seen.today))));
            }
            release::judge(&one.core, (centavos, on), seen, &norm_of(&one, seen.today).laws)?;
            release::once(&one.core, (centavos, on), &what, "Lei 4.320/1964, art. 63")?;
            entry(Movement::Released, (centavos, on), &what)
        }
        Act::PayCounterpart { centavos, on, what } => {
            entry(Movement::CounterpartPaid, (centavos, not_future("on", on, seen)?), &what)
        }
        Act::Spend { centavos, on, what } => entry(Movement::Spent, (centavos, not_future("on", on, seen)?), &what),
        Act::Return { centavos, on, what } => entry(Movement::Returned, (centavos, not_future("on", on, seen)?), &what),
        Act::Reverse { seq, on, reason } => {
            let what = said("reason", &reason, 300)?;
            let blank = entry(Movement::Spent, (Centavos::ZERO, not_future("on", on, seen)?), &what);
            NewEntry { reverses: Some(seq), ..blank }
        }
        other => {
            let (act, state) = (forms::word(&other).to_owned(), one.state.to_string());
            return Err(Refusal::Illegal {
                act,
                state,
                possible: forms::allowed(one.state),
                law: law(&one, seen.today),
            });
        }
    };
    let mut done = Done::of(one);
    done.entries.push(new);
    let after = done.entries.iter().cloned().try_fold(done.next.core.ledger.clone(), |ledger, new| ledger.push(new))?;
    if done.next.state == State::Extinct && after.totals().balance.0 == 0 {
        done.ticks.push(Tick::Met(REFUND));
    }
    Ok(done)
}
