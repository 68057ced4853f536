//! The tables that go in and out: lines of expense and revenue, codes, programmes, priorities. What is read and written again has the same
//! bytes. Pure.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::change::{Delta, RevenueDelta};
use super::lines::{ExpenseLine, RevenueLine};
use super::plans::{Action, FiscalTarget, Indicator, Ldo, Ppa, Priority, Programme, YearTarget};
use super::table::{self, Bad, Rows};
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::tree::Node;
use crate::secretariat::kernel::tree::scheme::is_plain;

pub const EXPENSE: [&str; 4] = ["chave", "esfera", "valor", "descricao"];
pub const REVENUE: [&str; 5] = ["natureza", "fonte", "esfera", "valor", "descricao"];
pub const NODES: [&str; 4] = ["codigo", "nome", "inicio", "fim"];
pub const CEILINGS: [&str; 2] = ["unidade", "teto"];
pub const DELTAS: [&str; 2] = ["chave", "valor"];
pub const REVENUE_DELTAS: [&str; 3] = ["natureza", "fonte", "valor"];
pub const PROGRAMMES: [&str; 3] = ["programa", "nome", "objetivo"];
pub const INDICATORS: [&str; 5] = ["programa", "indicador", "unidade", "referencia", "meta"];
pub const ACTIONS: [&str; 5] = ["programa", "acao", "nome", "produto", "unidade"];
pub const TARGETS: [&str; 5] = ["programa", "acao", "ano", "quantidade", "valor"];
pub const PRIORITIES: [&str; 3] = ["programa", "acao", "motivo"];
pub const FISCAL: [&str; 3] = ["meta", "ano", "valor"];

/// Everything wrong in a table, or what it says.
type Read<T> = Result<T, Vec<Bad>>;

/// Cells of one row, with what is wrong in them.
struct Cells<'a> {
    columns: &'a [&'a str],
    line: usize,
    cells: &'a [String],
    bad: &'a mut Vec<Bad>,
}

impl Cells<'_> {
    fn text(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }

    fn wrong(&mut self, at: usize, message: impl Into<String>) {
        let bad = Bad::new(self.line, self.columns.get(at).copied().unwrap_or_default(), self.text(at), message);
        self.bad.push(bad);
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, at: usize) -> Option<T> {
        match self.text(at).parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let message = error.to_string();
                self.wrong(at, message);
                None
            }
        }
    }

    fn amount(&mut self, at: usize) -> Option<Centavos> {
        let amount: Centavos = self.parsed(at)?;
        if amount.is_negative() {
            self.wrong(at, "expected no negative amount (Lei 4.320/1964, art. 6)");
            return None;
        }
        Some(amount)
    }

    fn plain(&mut self, at: usize, most: usize) -> Option<String> {
        let text = self.text(at).to_owned();
        if is_plain(&text, most) {
            return Some(text);
        }
        self.wrong(at, format!("expected at most {most} characters on one line that begins with none of = + - @"));
        None
    }
}

/// Reads each row with `one`; nothing counts when anything is wrong.
fn every<T>(bytes: &[u8], columns: &[&str], mut one: impl FnMut(&mut Cells<'_>) -> Option<T>) -> Read<Vec<T>> {
    let Rows { rows, mut bad } = table::read(bytes, columns).map_err(|bad| vec![bad])?;
    let mut all = Vec::with_capacity(rows.len());
    for (line, cells) in &rows {
        let mut cells = Cells { columns, line: *line, cells, bad: &mut bad };
        all.extend(one(&mut cells));
    }
    if bad.is_empty() { Ok(all) } else { Err(bad) }
}

/// # Errors
/// Every cell that is wrong.
pub fn expense(bytes: &[u8]) -> Read<Vec<ExpenseLine>> {
    let mut seen = BTreeSet::new();
    every(bytes, &EXPENSE, |row| {
        let (key, sphere, amount, words) = (row.parsed(0), row.parsed(1), row.amount(2), row.plain(3, 300));
        let line = ExpenseLine { key: key?, sphere: sphere?, amount: amount?, words: words? };
        if !seen.insert(line.key.clone()) {
            row.wrong(0, "was given before");
        }
        Some(line)
    })
}

pub fn write_expense(lines: &[ExpenseLine]) -> String {
    let row = |line: &ExpenseLine| {
        vec![line.key.to_string(), line.sphere.to_string(), line.amount.to_string(), line.words.clone()]
    };
    table::write(&EXPENSE, lines.iter().map(row))
}

/// # Errors
/// Every cell that is wrong.
pub fn revenue(bytes: &[u8]) -> Read<Vec<RevenueLine>> {
    let mut seen = BTreeSet::new();
    every(bytes, &REVENUE, |row| {
        let (nature, source) = (row.text(0).to_owned(), row.text(1).to_owned());
        let (sphere, amount, words) = (row.parsed(2), row.amount(3), row.plain(4, 300));
        let line = RevenueLine { nature, source, sphere: sphere?, amount: amount?, words: words? };
        if !seen.insert(line.id()) {
            row.wrong(0, "this nature was given before with this source");
        }
        Some(line)
    })
}

pub fn write_revenue(lines: &[RevenueLine]) -> String {
    let row = |line: &RevenueLine| {
        let (nature, source) = line.id();
        vec![nature, source, line.sphere.to_string(), line.amount.to_string(), line.words.clone()]
    };
    table::write(&REVENUE, lines.iter().map(row))
}

/// # Errors
/// Every cell that is wrong.
pub fn nodes(bytes: &[u8]) -> Read<Vec<Node>> {
    every(bytes, &NODES, |row| {
        let (code, name) = (row.text(0).to_owned(), row.plain(1, 300));
        let valid_from: Option<NaiveDate> = row.parsed(2);
        let valid_to: Option<NaiveDate> = if row.text(3).is_empty() { None } else { Some(row.parsed(3)?) };
        Some(Node { code, name: name?, valid_from: valid_from?, valid_to })
    })
}

pub fn write_nodes<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> String {
    let row = |node: &Node| {
        let last = node.valid_to.map(|day| day.to_string()).unwrap_or_default();
        vec![node.code.clone(), node.name.clone(), node.valid_from.to_string(), last]
    };
    table::write(&NODES, nodes.into_iter().map(row))
}

/// # Errors
/// Every cell that is wrong.
pub fn ceilings(bytes: &[u8]) -> Read<Vec<(String, Centavos)>> {
    every(bytes, &CEILINGS, |row| Some((row.text(0).to_owned(), row.amount(1)?)))
}

pub fn write_ceilings(all: &[(String, Centavos)]) -> String {
    table::write(&CEILINGS, all.iter().map(|(unit, most)| vec![unit.clone(), most.to_string()]))
}

/// Lines that an amendment or a credit changes; negative where something is taken.
///
/// # Errors
/// Every cell that is wrong.
pub fn deltas(bytes: &[u8]) -> Read<Vec<Delta>> {
    every(bytes, &DELTAS, |row| {
        let (key, amount) = (row.parsed(0), row.parsed(1));
        Some(Delta { key: key?, amount: amount? })
    })
}

/// Revenue that an amendment or a credit changes.
///
/// # Errors
/// Every cell that is wrong.
pub fn revenue_deltas(bytes: &[u8]) -> Read<Vec<RevenueDelta>> {
    every(bytes, &REVENUE_DELTAS, |row| {
        let (nature, source) = (row.text(0).to_owned(), row.text(1).to_owned());
        Some(RevenueDelta { nature, source, amount: row.parsed(2)? })
    })
}

/// The four tables of a PPA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PpaTables {
    pub programmes: String,
    pub indicators: String,
    pub actions: String,
    pub targets: String,
}

/// # Errors
/// Every cell that is wrong, also one that names no programme or action.
pub fn ppa(tables: &PpaTables) -> Read<Ppa> {
    let programmes = every(tables.programmes.as_bytes(), &PROGRAMMES, |row| {
        let (code, name, objective) = (row.text(0).to_owned(), row.text(1).to_owned(), row.text(2).to_owned());
        Some(Programme { code, name, objective, ..Programme::default() })
    })?;
    let mut ppa = Ppa { programmes };
    let no_programme = "no such programme in the table of programmes";
    let indicators = every(tables.indicators.as_bytes(), &INDICATORS, |row| {
        let text = |at| row.text(at).to_owned();
        let one = Indicator { name: text(1), unit: text(2), reference: text(3), target: text(4) };
        let place = ppa.programmes.iter().position(|of| of.code == row.text(0));
        if place.is_none() {
            row.wrong(0, no_programme);
        }
        Some((place?, one))
    })?;
    for (place, one) in indicators {
        ppa.programmes[place].indicators.push(one);
    }
    let actions = every(tables.actions.as_bytes(), &ACTIONS, |row| {
        let text = |at| row.text(at).to_owned();
        let one = Action { code: text(1), name: text(2), product: text(3), unit: text(4), targets: Vec::new() };
        let place = ppa.programmes.iter().position(|of| of.code == row.text(0));
        if place.is_none() {
            row.wrong(0, no_programme);
        }
        Some((place?, one))
    })?;
    for (place, one) in actions {
        ppa.programmes[place].actions.push(one);
    }
    let targets = every(tables.targets.as_bytes(), &TARGETS, |row| {
        let (year, quantity, amount) = (row.parsed(2), row.parsed(3), row.amount(4));
        let programme = ppa.programmes.iter().position(|of| of.code == row.text(0));
        let place = programme
            .and_then(|at| Some((at, ppa.programmes[at].actions.iter().position(|of| of.code == row.text(1))?)));
        if place.is_none() {
            row.wrong(1, "no such action of this programme in the table of actions");
        }
        Some((place?, YearTarget { year: year?, quantity: quantity?, amount: amount? }))
    })?;
    for ((programme, action), one) in targets {
        ppa.programmes[programme].actions[action].targets.push(one);
    }
    Ok(ppa)
}

pub fn write_ppa(ppa: &Ppa) -> PpaTables {
    let programme = |one: &Programme| vec![one.code.clone(), one.name.clone(), one.objective.clone()];
    let mut indicators = Vec::new();
    for one in &ppa.programmes {
        indicators.extend(one.indicators.iter().map(|of| {
            vec![one.code.clone(), of.name.clone(), of.unit.clone(), of.reference.clone(), of.target.clone()]
        }));
    }
    let action = |(one, of): (&Programme, &Action)| {
        vec![one.code.clone(), of.code.clone(), of.name.clone(), of.product.clone(), of.unit.clone()]
    };
    let mut targets = Vec::new();
    for (one, of) in ppa.actions() {
        targets.extend(of.targets.iter().map(|target| {
            let (year, quantity) = (target.year.to_string(), target.quantity.to_string());
            vec![one.code.clone(), of.code.clone(), year, quantity, target.amount.to_string()]
        }));
    }
    PpaTables {
        programmes: table::write(&PROGRAMMES, ppa.programmes.iter().map(programme)),
        indicators: table::write(&INDICATORS, indicators),
        actions: table::write(&ACTIONS, ppa.actions().map(action)),
        targets: table::write(&TARGETS, targets),
    }
}

/// # Errors
/// Every cell that is wrong.
pub fn ldo(priorities: &[u8], targets: &[u8]) -> Read<Ldo> {
    let priorities = every(priorities, &PRIORITIES, |row| {
        let text = |at| row.text(at).to_owned();
        Some(Priority { programme: text(0), action: text(1), reason: text(2) })
    })?;
    let targets = every(targets, &FISCAL, |row| {
        let (kind, year, amount) = (row.parsed(0), row.parsed(1), row.parsed(2));
        Some(FiscalTarget { kind: kind?, year: year?, amount: amount? })
    })?;
    Ok(Ldo { priorities, targets })
}

/// Priorities and targets.
pub fn write_ldo(ldo: &Ldo) -> (String, String) {
    let priority = |one: &Priority| vec![one.programme.clone(), one.action.clone(), one.reason.clone()];
    let target = |one: &FiscalTarget| vec![one.kind.to_string(), one.year.to_string(), one.amount.to_string()];
    (
        table::write(&PRIORITIES, ldo.priorities.iter().map(priority)),
        table::write(&FISCAL, ldo.targets.iter().map(target)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "chave;esfera;valor;descricao\r\n\
        02.01.06.182.0012.2041.3.3.90.30.1500;fiscal;1.234.567,89;Lonas e \"kits\"\r\n\
        02.01.10.301.0013.2050.3.1.90.11.1500;social_security;0,01;\r\n";

    #[test]
    fn lines_are_read_and_written_with_the_same_bytes() {
        let lines = expense(LINES.as_bytes()).unwrap();
        let written = write_expense(&lines);
        assert_eq!(expense(written.as_bytes()).unwrap(), lines);
        assert_eq!(write_expense(&expense(written.as_bytes()).unwrap()), written);
        let text = "natureza;fonte;esfera;valor;descricao\r\n1.1.1.2.50;1500;fiscal;10,00;IPTU\r\n";
        assert_eq!(write_revenue(&revenue(text.as_bytes()).unwrap()), text);
    }

    #[test]
    fn each_wrong_cell_is_named_with_its_line() {
        let attack = "chave;esfera;valor;descricao\r\nx;fiscal;1,00;\r\n02.01.06.182.0012.2041.3.3.90.30.1500;mars;-1,00;=1+1\r\n\
            02.01.06.182.0012.2041.3.3.90.30.1500;fiscal;99999999999999999999,00;\r\n";
        let bad = expense(attack.as_bytes()).unwrap_err();
        let found: Vec<(usize, &str)> = bad.iter().map(|one| (one.line, one.column.as_str())).collect();
        assert_eq!(found, [(2, "chave"), (3, "esfera"), (3, "valor"), (3, "descricao"), (4, "valor")]);
        let twice = format!("{LINES}02.01.06.182.0012.2041.3.3.90.30.1500;fiscal;1,00;\r\n");
        assert_eq!(expense(twice.as_bytes()).unwrap_err()[0].message, "was given before");
    }

    #[test]
    fn a_plan_is_written_as_four_tables_and_read_again() {
        let target = YearTarget { year: 2026, quantity: 12, amount: Centavos(100_000) };
        let action =
            Action { code: "2041".into(), name: "Vistorias".into(), targets: vec![target], ..Action::default() };
        let indicator = Indicator { name: "Mortes".into(), target: "0".into(), ..Indicator::default() };
        let (code, name, objective) = ("0012".into(), "Cidade segura".into(), "Ninguém morre".into());
        let programme = Programme { code, name, objective, indicators: vec![indicator], actions: vec![action] };
        let plan = Ppa { programmes: vec![programme] };
        let tables = write_ppa(&plan);
        assert_eq!(ppa(&tables).unwrap(), plan);
        let orphan = PpaTables { targets: tables.targets.replace("2041", "2042"), ..tables };
        assert_eq!(ppa(&orphan).unwrap_err()[0].column, "acao");
    }
}
