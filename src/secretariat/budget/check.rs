//! Whether a bill is consistent, with reasons and the law that asks for it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::classify::{Classes, Which};
use super::dates::first_day;
use super::key::{ExpenseKey, RESERVE_NATURE};
use super::lines::{self, ExpenseLine, RevenueLine};
use super::minima::Minimum;
use super::plans::{Ldo, Ppa};
use super::{MOST_LINES, MOST_REVENUES, Sphere};
use crate::refused::{Reason, Refused, Said};
use crate::secretariat::kernel::money::{Centavos, MOST};

/// Something that is not as the law wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetProblem)]
pub struct Problem {
    /// balance, action, code, contingency, negative, twice, size, unit, sphere, priority, minimum, empty.
    pub rule: String,
    /// False: it is only told.
    pub blocks: bool,
    /// The line or the code that it is about.
    pub at: String,
    pub text: String,
    /// The same in Portuguese.
    pub texto: String,
    pub law_ref: String,
}

impl Problem {
    /// As a refusal, told in the reader's language.
    pub fn refusal(&self) -> Refused {
        let detail = self.cited();
        let args = vec![("why", self.said())];
        let law = self.law_ref.clone();
        Refused::Because(Box::new(Reason { code: "budget-rule", detail, args, law, is_forbidden: false }))
    }

    /// What it says, in both languages.
    pub fn said(&self) -> Said {
        Said::Label(self.texto.clone(), self.text.clone())
    }

    /// The same with the law that asks for it: where several are told, each has its own.
    pub fn said_with_law(&self) -> Said {
        Said::Label(format!("{} ({})", self.texto, self.law_ref), self.cited())
    }

    /// What it says to programs, with the law.
    pub fn cited(&self) -> String {
        format!("{} ({})", self.text, self.law_ref)
    }
}

fn problem(rule: &str, at: impl ToString, (text, texto): (String, String), law_ref: &str) -> Problem {
    Problem { rule: rule.into(), blocks: true, at: at.to_string(), text, texto, law_ref: law_ref.into() }
}

const UNIVERSAL: &str = "Lei 4.320/1964, art. 2; CF art. 165 §5";

/// What an LOA is held against.
#[derive(Debug)]
pub struct Around<'a> {
    pub classes: &'a Classes,
    /// The PPA in force in its year.
    pub ppa: Option<&'a Ppa>,
    /// The LDO of its year.
    pub ldo: Option<&'a Ldo>,
    pub minima: &'a [Minimum],
    pub year: i32,
}

/// Everything that is wrong with an LOA; first what blocks.
pub fn loa(revenue: &[RevenueLine], expense: &[ExpenseLine], around: &Around<'_>) -> Vec<Problem> {
    let mut all = Vec::new();
    if revenue.len() > MOST_REVENUES || expense.len() > MOST_LINES {
        let text = format!("at most {MOST_REVENUES} lines of revenue and {MOST_LINES} of expense");
        let pt = format!("no máximo {MOST_REVENUES} linhas de receita e {MOST_LINES} de despesa");
        all.push(problem("size", "", (text, pt), "bound of the service"));
        return all;
    }
    all.extend(balance(revenue, expense));
    let mut seen = BTreeSet::new();
    for line in expense {
        if !seen.insert(&line.key) {
            all.push(problem(
                "twice",
                &line.key,
                (format!("{} stands there twice", line.key), format!("{} está repetida", line.key)),
                UNIVERSAL,
            ));
        }
        all.extend(expense_line(line, around));
    }
    let mut seen = BTreeSet::new();
    for line in revenue {
        if !seen.insert(line.id()) {
            let text = format!("{} with the source {} stands there twice", line.nature, line.source);
            let pt = format!("{} com a fonte {} está repetida", line.nature, line.source);
            all.push(problem("twice", &line.nature, (text, pt), UNIVERSAL));
        }
        all.extend(revenue_line(line, around));
    }
    all.extend(contingency(expense));
    all.extend(unplanned_priorities(expense, around));
    all.extend(below_minimum(revenue, expense, around));
    all.sort_by_key(|one| !one.blocks);
    all
}

/// Revenue is expense, to the centavo.
pub fn balance(revenue: &[RevenueLine], expense: &[ExpenseLine]) -> Option<Problem> {
    let (Ok(taken), Ok(spent)) = (lines::taken_in(revenue), lines::spent(expense)) else {
        let text = format!("a sum lies beyond R$ {}", Centavos(MOST));
        let pt = format!("uma soma passa de R$ {}", Centavos(MOST));
        return Some(problem("balance", "", (text, pt), UNIVERSAL));
    };
    if taken.0 == 0 && spent.0 == 0 {
        return Some(problem(
            "empty",
            "",
            ("there is neither revenue nor expense".into(), "não há receita nem despesa".into()),
            UNIVERSAL,
        ));
    }
    let difference = Centavos(taken.0 - spent.0);
    (difference.0 != 0).then(|| {
        let text = format!("revenue R$ {taken}, expense R$ {spent}: the difference is R$ {difference}");
        let pt = format!("receita R$ {taken}, despesa R$ {spent}: a diferença é R$ {difference}");
        problem("balance", "", (text, pt), "Lei 4.320/1964, art. 2, e CF art. 165 §5 e art. 167 II")
    })
}

fn amount(at: impl ToString, amount: Centavos) -> Option<Problem> {
    let at = at.to_string();
    let text = || {
        (
            format!("{at}: R$ {amount}; expected R$ 0,00 to {}", Centavos(MOST)),
            format!("{at}: R$ {amount}; o valor vai de R$ 0,00 a {}", Centavos(MOST)),
        )
    };
    (!(0..=MOST).contains(&amount.0)).then(|| problem("negative", &at, text(), "Lei 4.320/1964, art. 6"))
}

fn expense_line(line: &ExpenseLine, around: &Around<'_>) -> Vec<Problem> {
    let key = &line.key;
    let mut all: Vec<Problem> = amount(key, line.amount).into_iter().collect();
    for (field, unknown) in around.classes.wrong(key, first_day(around.year)) {
        let rule = if field == "unidade" { "unit" } else { "code" };
        all.push(problem(
            rule,
            key,
            (format!("{key}: {unknown}"), format!("{key}: {}", unknown.pt())),
            "Portaria MOG 42/1999; Portaria STN/SOF 163/2001",
        ));
    }
    all.extend(action(key, around));
    let is_half = key.is_reserve() && (key.function != "99" || key.nature != RESERVE_NATURE);
    if is_half {
        let text =
            format!("{key}: a reserve has the function 99 and the nature {RESERVE_NATURE}, and nothing else has");
        let pt = format!("{key}: a reserva tem a função 99 e a natureza {RESERVE_NATURE}, e nada mais tem");
        all.push(problem("contingency", key, (text, pt), "Portaria Interministerial STN/SOF 163/2001, art. 8"));
    }
    // Health, social security and assistance are the social security budget (CF 194).
    let is_social = matches!(key.function.as_str(), "08" | "09" | "10");
    if is_social != (line.sphere == Sphere::SocialSecurity) && !key.is_reserve() {
        let text = format!("{key}: function {} in the sphere {}", key.function, line.sphere);
        let pt = format!("{key}: função {} na esfera {}", key.function, line.sphere);
        all.push(Problem { blocks: false, ..problem("sphere", key, (text, pt), "CF arts. 165 §5 III e 194") });
    }
    all
}

fn action(key: &ExpenseKey, around: &Around<'_>) -> Option<Problem> {
    if key.is_reserve() {
        return None;
    }
    let law = "CF art. 165 §7 e art. 167 §1; LRF art. 5";
    let Some(ppa) = around.ppa else {
        return Some(problem(
            "action",
            key,
            (
                format!("{key}: no PPA is in force in {}", around.year),
                format!("{key}: não há PPA em vigor em {}", around.year),
            ),
            law,
        ));
    };
    (!ppa.has(&key.programme, &key.action)).then(|| {
        let text = format!("{key}: the PPA in force has no action {} in a programme {}", key.action, key.programme);
        let pt = format!("{key}: o PPA em vigor não tem a ação {} no programa {}", key.action, key.programme);
        problem("action", key, (text, pt), law)
    })
}

fn revenue_line(line: &RevenueLine, around: &Around<'_>) -> Vec<Problem> {
    let mut all: Vec<Problem> = amount(&line.nature, line.amount).into_iter().collect();
    let day = first_day(around.year);
    if let Err(unknown) = around.classes.of(Which::Revenue).find(&line.nature, day) {
        all.push(problem(
            "code",
            &line.nature,
            (unknown.to_string(), unknown.pt()),
            "Portaria STN/SOF 163/2001, anexo I",
        ));
    } else if !line.nature.contains('.') {
        let text = format!("{}: expected at least category and origin", line.nature);
        let pt = format!("{}: falta ao menos a origem", line.nature);
        all.push(problem("code", &line.nature, (text, pt), "Portaria STN/SOF 163/2001, anexo I"));
    }
    if let Err(unknown) = around.classes.of(Which::Source).find(&line.source, day) {
        all.push(problem(
            "code",
            &line.nature,
            (format!("{}: {unknown}", line.nature), format!("{}: {}", line.nature, unknown.pt())),
            "LRF art. 8, parágrafo único",
        ));
    }
    all
}

fn contingency(expense: &[ExpenseLine]) -> Option<Problem> {
    let law = "LRF art. 5 III";
    let has =
        expense.iter().any(|line| line.key.is_contingency() && line.key.nature == RESERVE_NATURE && line.amount.0 > 0);
    (!has && !expense.is_empty()).then(|| {
        let text = format!("there is no contingency reserve (99.999.9999, nature {RESERVE_NATURE})");
        let pt = format!("falta a reserva de contingência (99.999.9999, natureza {RESERVE_NATURE})");
        problem("contingency", "99.999.9999", (text, pt), law)
    })
}

/// Priorities of the LDO that got nothing.
fn unplanned_priorities(expense: &[ExpenseLine], around: &Around<'_>) -> Vec<Problem> {
    let law = "CF art. 165 §2; LRF art. 5";
    let Some(ldo) = around.ldo else {
        let text = format!("there is no LDO of {} in the register", around.year);
        let pt = format!("não há LDO de {} enviada", around.year);
        return vec![Problem { blocks: false, ..problem("priority", "", (text, pt), law) }];
    };
    let mut funded: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in expense {
        let sum = funded.entry((line.key.programme.as_str(), line.key.action.as_str())).or_default();
        *sum = sum.saturating_add(line.amount.0);
    }
    let lacks = ldo
        .priorities
        .iter()
        .filter(|one| funded.get(&(one.programme.as_str(), one.action.as_str())).copied().unwrap_or_default() <= 0);
    lacks
        .map(|one| {
            let at = format!("{}.{}", one.programme, one.action);
            let text = format!("{at} is a priority of the LDO and has no expense");
            let pt = format!("{at} é prioridade da LDO e não tem despesa");
            Problem { blocks: false, ..problem("priority", at, (text, pt), law) }
        })
        .collect()
}

fn below_minimum(revenue: &[RevenueLine], expense: &[ExpenseLine], around: &Around<'_>) -> Vec<Problem> {
    let mut all = Vec::new();
    for minimum in around.minima.iter().filter(|one| one.holds_on(first_day(around.year))) {
        let Ok(share) = minimum.share(revenue, expense) else { continue };
        if share.planned < share.least {
            let text = format!(
                "{}: R$ {} planned; the least is R$ {} of R$ {}",
                minimum.name, share.planned, share.least, share.base
            );
            let pt = format!(
                "{}: R$ {} planejados; o mínimo é R$ {} de R$ {}",
                minimum.name, share.planned, share.least, share.base
            );
            all.push(Problem { blocks: false, ..problem("minimum", &minimum.code, (text, pt), &minimum.law_ref) });
        }
    }
    all
}

/// An LDO chooses actions of the PPA.
pub fn ldo(ldo: &Ldo, ppa: Option<&Ppa>, year: i32) -> Vec<Problem> {
    let law = "CF art. 165 §2";
    let Some(ppa) = ppa else {
        return vec![problem(
            "action",
            "",
            (format!("no PPA is in force in {year}"), format!("não há PPA em vigor em {year}")),
            law,
        )];
    };
    if ldo.priorities.is_empty() {
        return vec![problem("empty", "", ("there is no priority".into(), "não há prioridade".into()), law)];
    }
    let lacks = ldo.priorities.iter().filter(|one| !ppa.has(&one.programme, &one.action));
    lacks
        .map(|one| {
            let at = format!("{}.{}", one.programme, one.action);
            let text = format!("the PPA in force has no action {} in a programme {}", one.action, one.programme);
            let pt = format!("o PPA em vigor não tem a ação {} no programa {}", one.action, one.programme);
            problem("action", at, (text, pt), law)
        })
        .collect()
}

/// A PPA has programmes, and each of them actions and a measure.
pub fn ppa(ppa: &Ppa) -> Vec<Problem> {
    let law = "CF art. 165 §1";
    if ppa.programmes.is_empty() {
        return vec![problem("empty", "", ("there is no programme".into(), "não há programa".into()), law)];
    }
    let mut all = Vec::new();
    for one in &ppa.programmes {
        if one.actions.is_empty() {
            all.push(problem(
                "empty",
                &one.code,
                (format!("programme {} has no action", one.code), format!("o programa {} não tem ação", one.code)),
                law,
            ));
        }
        if one.indicators.is_empty() {
            let text = format!("programme {} has no indicator", one.code);
            let pt = format!("o programa {} não tem indicador", one.code);
            all.push(Problem { blocks: false, ..problem("indicator", &one.code, (text, pt), law) });
        }
    }
    all
}

/// A proposal against its ceiling.
///
/// # Errors
/// The problem, with both sums.
pub fn ceiling(unit: &str, asked: Centavos, most: Option<Centavos>) -> Result<(), Box<Problem>> {
    let law = "LRF art. 12 §3; teto fixado pelo órgão central";
    match most {
        None => {
            let words = (format!("{unit} has no ceiling yet"), format!("{unit} ainda não tem teto"));
            Err(Box::new(problem("ceiling", unit, words, law)))
        }
        Some(most) if asked > most => {
            let over = Centavos(asked.0 - most.0);
            let text = format!("{unit}: R$ {asked} proposed, the ceiling is R$ {most}: R$ {over} too much");
            let pt = format!("{unit}: R$ {asked} proposto, o teto é R$ {most}: R$ {over} a mais");
            Err(Box::new(problem("ceiling", unit, (text, pt), law)))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
