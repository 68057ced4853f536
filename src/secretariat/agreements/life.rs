//! The life of an agreement: acts that take one state and give the next, or say why not. Pure.

use chrono::{Months, NaiveDate, TimeDelta};

use super::money;
use super::{Act, Agreement, Kind, Opening, Outcome, State, Way, forms};
use crate::secretariat::kernel::instrument::amend::Change;
use crate::secretariat::kernel::instrument::party::Bank;
use crate::secretariat::kernel::instrument::{
    Accounts, Core, Done, Extract, Movement, NewEntry, Note, Opinion, OpinionKind, Party, Plan, Refusal, Seen, Term,
    Tick, maybe, room, said,
};
use crate::secretariat::kernel::money::Centavos;

pub const ACCOUNTS: &str = "agreements.accounts";
pub const INTERIM: &str = "agreements.interim";
pub const REVIEW: &str = "agreements.review";
pub const CURE: &str = "agreements.cure";
pub const CALL: &str = "agreements.call";
pub const PNCP: [&str; 2] = ["agreements.pncp.tender", "agreements.pncp.direct"];

type Outcomes = Result<Done<Agreement>, Refusal>;

/// # Errors
/// Names the field.
pub fn open(opening: Opening, seen: &Seen) -> Outcomes {
    let object = said("object", &opening.object, 1000)?;
    let is_interest = opening.kind == Kind::Interesse;
    let state = if is_interest { State::Received } else { State::Planning };
    let reason =
        if is_interest { said("reason", &opening.reason, 4000)? } else { maybe("reason", &opening.reason, 4000)? };
    let partner = opening.partner.map(|party| party.checked("partner")).transpose()?;
    if is_interest && partner.is_none() {
        return Err(Refusal::law("an expression of interest names who brings it", "Lei 13.019/2014, art. 19, I"));
    }
    let core = Core { object, parties: partner.into_iter().collect(), ..Core::default() };
    let next = Agreement {
        kind: opening.kind,
        state,
        core,
        way: None,
        selection: reason,
        cure: String::new(),
        outcome: None,
        outcome_reason: String::new(),
        closed_on: None,
    };
    let mut done = Done::of(next);
    done.numbers = is_interest.then(|| "agreements.interesse".to_owned());
    let _ = seen;
    Ok(done)
}

fn not_future(field: &str, on: NaiveDate, seen: &Seen) -> Result<NaiveDate, Refusal> {
    if on > seen.today { Err(Refusal::wrong(field, on, format!("expected {} or earlier", seen.today))) } else { Ok(on) }
}

/// # Errors
/// Why not, with the law where one forbids it.
pub fn act(one: Agreement, act: Act, seen: &Seen) -> Outcomes {
    let word = forms::word(&act);
    if !forms::allowed(one.kind, one.state).contains(&word) {
        let (state, law) = (one.state.to_string(), one.kind.law());
        let possible = forms::allowed(one.kind, one.state);
        return Err(Refusal::Illegal { act: word.to_owned(), state, possible, law });
    }
    match act {
        Act::OpenCall { on, closes_on, place } => call(one, (on, closes_on, &place), seen),
        Act::Waive { ground, law_ref } => waive(one, &ground, &law_ref),
        Act::Select { partner, reason } => select(one, partner, &reason, seen),
        Act::WritePlan { agreed, starts_on, ends_on, plan, counterpart } => {
            write_plan(one, Term { starts_on, ends_on }, (agreed, counterpart), plan)
        }
        Act::Appoint { manager, commission } => appoint(one, &manager, commission),
        Act::Opine { kind, favourable, text } => opine(one, (kind, favourable, &text), seen),
        Act::Sign { on } => sign(one, on, seen),
        Act::Publish { on, place } => publish(one, on, &place, seen),
        Act::Begin {} => begin(one),
        Act::Rescind { on, reason } => rescind(one, on, &reason, seen),
        Act::End {} => end(one, seen),
        Act::Account { centavos, text } => account(one, centavos, &text, seen),
        Act::AccountInterim { centavos, text } => account_interim(one, centavos, &text, seen),
        Act::Review {} => Ok(Done::of(Agreement { state: State::Review, ..one })),
        Act::AskCure { reason } => {
            let cure = said("reason", &reason, 1000)?;
            Ok(Done::of(Agreement { state: State::Cure, cure: cure.clone(), ..one })
                .with(Tick::Set(CURE, seen.today))
                .because(cure))
        }
        Act::Cure { text } => {
            let text = said("text", &text, 1000)?;
            Ok(Done::of(Agreement { state: State::Review, ..one }).with(Tick::Met(CURE)).because(text))
        }
        Act::Decide { outcome, reason } => decide(one, outcome, &reason),
        Act::Extend { deadline, reason } => extend(one, &deadline, &reason),
        Act::Close { reason } => close(one, &reason, seen),
        Act::Cancel { reason } => cancel(one, &reason),
        Act::Answer { opens, reason } => answer(one, opens, &reason, seen),
        other => amid(one, other, seen),
    }
}

/// What happens within a state and leaves it as it is.
fn amid(mut one: Agreement, act: Act, seen: &Seen) -> Outcomes {
    match act {
        Act::Amend { on, reason, agreed, ends_on } => {
            amend(one, &Change { on, reason: &reason, agreed, ends_on }, seen)
        }
        Act::Mark { stage, on, evidence } => {
            not_future("on", on, seen)?;
            let plan = one.core.plan.take().unwrap_or_default();
            one.core.plan = Some(plan.mark(stage, on, &evidence)?);
            Ok(Done::of(one))
        }
        Act::Monitor { text } => {
            room("monitoring", one.core.monitoring.len())?;
            let text = said("text", &text, 4000)?;
            one.core.monitoring.push(Note { on: seen.today, text, author: seen.by.clone() });
            Ok(Done::of(one))
        }
        Act::SetBank { bank, branch, account } => {
            let partner = one.core.parties.first_mut();
            let partner = partner.ok_or_else(|| Refusal::wrong("partner", "", "expected a partner first"))?;
            partner.bank = Some(Bank { bank, branch, account });
            *partner = partner.clone().checked("partner")?;
            Ok(Done::of(one))
        }
        other => money::act(one, other, seen),
    }
}

fn call(mut one: Agreement, (on, closes_on, place): (NaiveDate, NaiveDate, &str), seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    let place = said("place", place, 300)?;
    if closes_on < on {
        return Err(Refusal::wrong("closes_on", closes_on, format!("expected {on} or later")));
    }
    one.way = Some(Way {
        opened_on: Some(on),
        closes_on: Some(closes_on),
        place,
        ground: String::new(),
        law_ref: String::new(),
    });
    let is_partnership = one.kind.is_partnership();
    let done = Done::of(Agreement { state: State::Call, ..one });
    Ok(if is_partnership { done.with(Tick::Set(CALL, on)) } else { done })
}

fn waive(mut one: Agreement, ground: &str, law_ref: &str) -> Outcomes {
    let (ground, law_ref) = (said("ground", ground, 2000)?, said("law_ref", law_ref, 300)?);
    let reason = format!("{law_ref}: {ground}");
    one.way = Some(Way { opened_on: None, closes_on: None, place: String::new(), ground, law_ref });
    Ok(Done::of(Agreement { state: State::Waived, ..one }).because(reason))
}

/// The partner of a call is chosen when it is over: after its own last day, and after the least time that the law wants.
fn select(mut one: Agreement, partner: Party, reason: &str, seen: &Seen) -> Outcomes {
    let closes_on = one.way.as_ref().and_then(|way| way.closes_on);
    if one.state == State::Call {
        let least = seen.due.iter().find(|(code, _)| code == CALL).and_then(|(_, due)| *due);
        if let Some(least) = least.filter(|least| seen.today <= *least || closes_on.is_some_and(|last| last < *least)) {
            let why = format!("the call has to be open until {least} at least: 30 days (agreements.call)");
            return Err(Refusal::law(why, "Lei 13.019/2014, art. 26"));
        }
        if let Some(last) = closes_on.filter(|last| seen.today <= *last) {
            return Err(Refusal::law(format!("the call is open until {last}"), "Lei 13.019/2014, arts. 24 e 26"));
        }
    }
    one.core.parties = vec![partner.checked("partner")?];
    one.selection = said("reason", reason, 4000)?;
    let reason = one.selection.clone();
    Ok(Done::of(Agreement { state: State::Selection, ..one }).with(Tick::Met(CALL)).because(reason))
}

fn write_plan(mut one: Agreement, term: Term, (agreed, counterpart): (Centavos, Centavos), plan: Plan) -> Outcomes {
    if agreed.is_negative() || counterpart.is_negative() {
        return Err(Refusal::wrong("agreed", agreed, "expected nought or more"));
    }
    if one.kind.takes_money() != (agreed.0 > 0) {
        let law = if one.kind.is_partnership() {
            "Lei 13.019/2014, art. 2º, VII a VIII-A"
        } else {
            "Lei 14.133/2021, art. 92, V"
        };
        let why =
            if one.kind.takes_money() { "it needs a value" } else { "it moves no money; the value has to be nought" };
        return Err(Refusal::law(format!("{}: {why}", one.kind), law));
    }
    one.core.plan = Some(plan.checked(term, agreed)?);
    (one.core.term, one.core.agreed) = (Some(term), agreed);
    one.core.opinions.clear();
    // One that is written anew takes the place of the counterpart of the one before.
    let done = Done::of(Agreement { state: State::WorkPlan, ..one });
    Ok(money::with_counterpart(done, counterpart, term.starts_on))
}

fn appoint(mut one: Agreement, manager: &str, commission: Vec<String>) -> Outcomes {
    one.core.manager = said("manager", manager, 160)?;
    if commission.len() > 30 {
        return Err(Refusal::wrong("commission", commission.len(), "expected at most 30"));
    }
    one.core.commission = commission.iter().map(|name| said("commission", name, 160)).collect::<Result<_, _>>()?;
    Ok(Done::of(one))
}

fn opine(mut one: Agreement, (kind, favourable, text): (OpinionKind, bool, &str), seen: &Seen) -> Outcomes {
    room("opinions", one.core.opinions.len())?;
    let text = said("text", text, 4000)?;
    one.core.opinions.push(Opinion { kind, favourable, text, on: seen.today, author: seen.by.clone() });
    let last =
        |kind| one.core.opinions.iter().rev().find(|opinion| opinion.kind == kind).is_some_and(|last| last.favourable);
    let is_whole = last(OpinionKind::Legal) && last(OpinionKind::Technical);
    let state = if is_whole { State::Opinions } else { State::WorkPlan };
    Ok(Done::of(Agreement { state, ..one }))
}

fn sign(mut one: Agreement, on: NaiveDate, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    let core = &one.core;
    if one.kind.is_partnership() && (core.manager.is_empty() || core.commission.is_empty()) {
        let why = "a partnership is signed with a manager and a commission of monitoring appointed";
        return Err(Refusal::law(why, "Lei 13.019/2014, art. 35, V, g e h"));
    }
    if one.kind.is_contract() && core.manager.is_empty() {
        return Err(Refusal::law(
            "a contract is signed with whoever watches over it appointed",
            "Lei 14.133/2021, art. 117",
        ));
    }
    if let Some(opinion) = core.opinions.iter().find(|opinion| opinion.on > on) {
        return Err(Refusal::wrong(
            "on",
            on,
            format!("expected {}, the day of the last opinion, or later", opinion.on),
        ));
    }
    one.core.signed_on = Some(on);
    let is_direct = one.way.as_ref().is_some_and(|way| !way.law_ref.is_empty());
    let (kind, series) = (one.kind, format!("agreements.{}", one.kind));
    let mut done = Done::of(Agreement { state: State::Signed, ..one });
    done.numbers = Some(series);
    Ok(if kind.is_contract() { done.with(Tick::Set(PNCP[usize::from(is_direct)], on)) } else { done })
}

/// When the accounts of the next year within the term are due from; none: it ends before.
fn year_after(core: &Core) -> Option<NaiveDate> {
    let starts_on = core.term?.starts_on;
    let years = u32::try_from(core.accounts.iter().filter(|one| one.interim).count()).ok()? + 1;
    let turn = starts_on.checked_add_months(Months::new(12 * years))? - TimeDelta::days(1);
    (turn < core.ends_on()?).then_some(turn)
}

fn timed(one: &Agreement) -> Vec<Tick> {
    let mut ticks = Vec::new();
    if one.kind.is_partnership() {
        ticks.extend(one.core.ends_on().map(|last| Tick::Set(ACCOUNTS, last)));
        ticks.push(year_after(&one.core).map_or(Tick::Void(INTERIM), |turn| Tick::Set(INTERIM, turn)));
    }
    ticks
}

fn publish(mut one: Agreement, on: NaiveDate, place: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    if one.core.signed_on.is_some_and(|signed| on < signed) {
        return Err(Refusal::wrong("on", on, "expected the day of signing or later"));
    }
    one.core.published = Some(Extract { on, place: said("place", place, 300)? });
    let mut done = Done::of(Agreement { state: State::Published, ..one });
    done.ticks = timed(&done.next);
    done.ticks.extend(PNCP.map(Tick::Met));
    Ok(done)
}

fn begin(one: Agreement) -> Outcomes {
    Ok(Done::of(Agreement { state: State::Execution, ..one }))
}

fn amend(one: Agreement, change: &Change<'_>, seen: &Seen) -> Outcomes {
    not_future("on", change.on, seen)?;
    let law =
        if one.kind.is_partnership() { "Lei 13.019/2014, arts. 55 e 57" } else { "Lei 14.133/2021, arts. 107 e 124" };
    if let Some(agreed) = change.agreed.filter(|agreed| !one.kind.takes_money() && agreed.0 != 0) {
        return Err(Refusal::law(format!("{}: it moves no money, and R$ {agreed} were to be agreed", one.kind), law));
    }
    let core = one.core.clone().amend(change, law)?;
    let mut done = Done::of(Agreement { core, ..one }).because(change.reason);
    done.ticks = timed(&done.next);
    Ok(done)
}

fn rescind(mut one: Agreement, on: NaiveDate, reason: &str, seen: &Seen) -> Outcomes {
    not_future("on", on, seen)?;
    let reason = said("reason", reason, 1000)?;
    let law =
        if one.kind.is_partnership() { "Lei 13.019/2014, art. 42, XVI" } else { "Lei 14.133/2021, arts. 137 e 138" };
    if one.core.ends_on() != Some(on) {
        one.core = one.core.amend(&Change { on, reason: &reason, agreed: None, ends_on: Some(on) }, law)?;
    }
    let state = after_term(one.kind);
    let mut done = Done::of(Agreement { state, ..one }).because(reason);
    done.ticks = timed(&done.next);
    Ok(done)
}

const fn after_term(kind: Kind) -> State {
    if kind.is_partnership() { State::AccountsDue } else { State::Review }
}

fn end(one: Agreement, seen: &Seen) -> Outcomes {
    if let Some(last) = one.core.ends_on().filter(|last| seen.today <= *last) {
        let why = format!("the term runs until {last}; before, it ends by rescission with its reason");
        return Err(Refusal::law(why, "Lei 13.019/2014, art. 69"));
    }
    let state = after_term(one.kind);
    Ok(Done::of(Agreement { state, ..one }).with(Tick::Void(INTERIM)))
}

fn spent(centavos: Centavos, on: NaiveDate, what: &str) -> Vec<NewEntry> {
    let what = what.to_owned();
    let entry = NewEntry { movement: Movement::Spent, centavos, on, what, reverses: None };
    if centavos.0 == 0 { Vec::new() } else { vec![entry] }
}

fn account(mut one: Agreement, centavos: Centavos, text: &str, seen: &Seen) -> Outcomes {
    room("accounts", one.core.accounts.len())?;
    let text = said("text", text, 4000)?;
    one.core.accounts.push(Accounts { interim: false, on: seen.today, spent: centavos, text });
    let mut done = Done::of(Agreement { state: State::AccountsIn, ..one }).with(Tick::Met(ACCOUNTS));
    done.ticks.push(Tick::Void(INTERIM));
    done.ticks.push(Tick::Set(REVIEW, seen.today));
    done.entries = spent(centavos, seen.today, "Prestação de contas final");
    Ok(done)
}

fn account_interim(mut one: Agreement, centavos: Centavos, text: &str, seen: &Seen) -> Outcomes {
    room("accounts", one.core.accounts.len())?;
    if year_after(&one.core).is_none_or(|turn| seen.today <= turn) {
        let why = "accounts of a year are given after it, and only of partnerships that last longer";
        return Err(Refusal::law(why, "Lei 13.019/2014, art. 49"));
    }
    let text = said("text", text, 4000)?;
    one.core.accounts.push(Accounts { interim: true, on: seen.today, spent: centavos, text });
    let next = year_after(&one.core);
    let mut done = Done::of(one).with(Tick::Met(INTERIM));
    done.ticks.extend(next.map(|turn| Tick::Set(INTERIM, turn)));
    done.entries = spent(centavos, seen.today, "Prestação de contas anual");
    Ok(done)
}

fn decide(one: Agreement, outcome: Outcome, reason: &str) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let state = match outcome {
        Outcome::Regular => State::Regular,
        Outcome::WithReservations => State::WithReservations,
        Outcome::Irregular => State::Irregular,
    };
    let next = Agreement { state, outcome: Some(outcome), outcome_reason: reason.clone(), ..one };
    Ok(Done::of(next).with(Tick::Met(REVIEW)).with(Tick::Void(CURE)).because(reason))
}

fn extend(one: Agreement, deadline: &str, reason: &str) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let code = match deadline {
        "accounts" => ACCOUNTS,
        "interim" => INTERIM,
        "review" => REVIEW,
        "cure" => CURE,
        other => return Err(Refusal::wrong("deadline", other, "expected accounts, interim, review or cure")),
    };
    Ok(Done::of(one).with(Tick::Extend(code, reason.clone())).because(reason))
}

/// Nothing is closed while money is out that was neither accounted for nor returned.
fn close(one: Agreement, reason: &str, seen: &Seen) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let balance = one.core.ledger.totals().balance;
    if one.kind.is_partnership() && balance.0 > 0 {
        let why = format!("R$ {balance} were neither accounted for nor returned");
        return Err(Refusal::law(why, "Lei 13.019/2014, art. 52"));
    }
    Ok(Done::of(Agreement { state: State::Closed, closed_on: Some(seen.today), ..one }).because(reason))
}

fn cancel(one: Agreement, reason: &str) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let mut done = Done::of(Agreement { state: State::Cancelled, ..one }).with(Tick::Void(CALL)).because(reason);
    done.ticks.extend(PNCP.map(Tick::Void));
    Ok(done)
}

fn answer(one: Agreement, opens: bool, reason: &str, seen: &Seen) -> Outcomes {
    let reason = said("reason", reason, 1000)?;
    let told = if opens { "Segue para chamamento" } else { "Não segue para chamamento" };
    let next = Agreement {
        state: State::Answered,
        outcome_reason: format!("{told}: {reason}"),
        closed_on: Some(seen.today),
        ..one
    };
    Ok(Done::of(next).because(reason))
}
