//! What was done with the lines: committed, annulled, settled and paid, from a table. Good rows count, bad ones are named. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::dates::is_in;
use super::key::ExpenseKey;
use super::table::{self, Bad};
use crate::secretariat::kernel::money::{Centavos, Overflow};
use crate::units::vocabulary;

vocabulary! {
    /// A column of the table.
    Column, "column of the execution" {
        Day = "dia",
        Key = "chave",
        Document = "documento",
        Committed = "empenhado",
        Annulled = "anulado",
        Settled = "liquidado",
        Paid = "pago",
    }
}

/// What one line shows at a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetExecuted)]
pub struct Executed {
    pub committed: Centavos,
    pub annulled: Centavos,
    pub settled: Centavos,
    pub paid: Centavos,
}

impl Executed {
    /// # Errors
    /// A sum beyond the bounds.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        Ok(Self {
            committed: self.committed.plus(other.committed)?,
            annulled: self.annulled.plus(other.annulled)?,
            settled: self.settled.plus(other.settled)?,
            paid: self.paid.plus(other.paid)?,
        })
    }

    /// Committed and not annulled.
    pub fn standing(self) -> Centavos {
        Centavos(self.committed.0.saturating_sub(self.annulled.0))
    }

    fn wrong(self, allowed: Centavos) -> Option<(Column, String)> {
        let standing = self.standing();
        if standing.is_negative() {
            return Some((
                Column::Annulled,
                format!("R$ {} annulled of R$ {} committed", self.annulled, self.committed),
            ));
        }
        if standing > allowed {
            let text = format!("R$ {standing} committed in all; the line has R$ {allowed} (Lei 4.320/1964, art. 59)");
            return Some((Column::Committed, text));
        }
        if self.settled > standing {
            let text =
                format!("R$ {} settled of R$ {standing} committed (Lei 4.320/1964, arts. 60 e 63)", self.settled);
            return Some((Column::Settled, text));
        }
        (self.paid > self.settled).then(|| {
            let text = format!("R$ {} paid of R$ {} settled (Lei 4.320/1964, art. 62)", self.paid, self.settled);
            (Column::Paid, text)
        })
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetExecutionRow)]
pub struct Entry {
    pub day: NaiveDate,
    #[schema(value_type = String)]
    pub key: ExpenseKey,
    /// Number of the empenho, of its annulment, of the order to pay.
    pub document: String,
    #[serde(flatten)]
    pub executed: Executed,
}

/// What a row is known by: day, key and document.
pub type Id = (NaiveDate, String, String);

impl Entry {
    pub fn id(&self) -> Id {
        (self.day, self.key.to_string(), self.document.clone())
    }
}

/// Which column of the file is which of ours; what is not named has our own name.
pub type Mapping = BTreeMap<String, String>;

/// What came of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    pub good: Vec<Entry>,
    /// Rows that were there already, with the same amounts.
    pub known: usize,
    pub bad: Vec<Bad>,
}

/// What stands when a table comes.
#[derive(Debug)]
pub struct Before<'a> {
    pub year: i32,
    pub today: NaiveDate,
    /// What each line may spend.
    pub allowed: &'a BTreeMap<String, Centavos>,
    pub executed: &'a BTreeMap<String, Executed>,
    /// Rows that are there already.
    pub rows: &'a BTreeMap<Id, Executed>,
}

/// The name of one of our columns in the file.
fn named(mapping: &Mapping, column: Column) -> String {
    mapping.get(column.as_str()).map_or(column.as_str(), String::as_str).trim().to_lowercase()
}

/// Reads a table: each row, with its line.
///
/// # Errors
/// The table as a whole cannot be read.
pub fn read(bytes: &[u8], mapping: &Mapping) -> Result<(Vec<(usize, Entry)>, Vec<Bad>), Bad> {
    if let Some(other) = mapping.keys().find(|name| name.parse::<Column>().is_err()) {
        let known: Vec<&str> = Column::ALL.iter().map(|one| one.as_str()).collect();
        return Err(Bad::new(1, other, other, format!("no column of ours; expected {}", known.join(", "))));
    }
    let names: Vec<String> = Column::ALL.iter().map(|column| named(mapping, *column)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = table::read(bytes, &names)?;
    let mut bad = table.bad;
    let mut good = Vec::with_capacity(table.rows.len());
    for (line, cells) in table.rows {
        match entry(line, &names, &cells) {
            Ok(one) => good.push((line, one)),
            Err(mut wrong) => bad.append(&mut wrong),
        }
    }
    Ok((good, bad))
}

fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| NaiveDate::parse_from_str(text, "%d/%m/%Y").ok())
}

fn entry(line: usize, names: &[&str], cells: &[String]) -> Result<Entry, Vec<Bad>> {
    let mut bad = Vec::new();
    let cell = |column: Column| cells.get(column as usize).map_or("", String::as_str);
    let mut wrong = |column: Column, message: String| {
        bad.push(Bad::new(line, names[column as usize], cell(column), message));
    };
    let on = day(cell(Column::Day));
    if on.is_none() {
        wrong(Column::Day, "expected a day as 31/12/2026 or 2026-12-31".into());
    }
    let key = cell(Column::Key).parse::<ExpenseKey>().map_err(|error| wrong(Column::Key, error.to_string())).ok();
    let document = cell(Column::Document);
    if document.is_empty() || document.chars().count() > 60 || document.chars().any(char::is_control) {
        wrong(Column::Document, "expected 1 to 60 characters".into());
    }
    let mut amount = |column: Column| {
        let text = if cell(column).is_empty() { "0" } else { cell(column) };
        match text.parse::<Centavos>() {
            Ok(amount) if !amount.is_negative() => amount,
            Ok(_) => {
                wrong(column, "expected no negative amount: what is taken back is anulado".into());
                Centavos::ZERO
            }
            Err(error) => {
                wrong(column, error.to_string());
                Centavos::ZERO
            }
        }
    };
    let (committed, annulled) = (amount(Column::Committed), amount(Column::Annulled));
    let (settled, paid) = (amount(Column::Settled), amount(Column::Paid));
    let executed = Executed { committed, annulled, settled, paid };
    match (on, key) {
        (Some(day), Some(key)) if bad.is_empty() => Ok(Entry { day, key, document: document.to_owned(), executed }),
        _ => Err(bad),
    }
}

/// Holds rows against what stands, in the order of their days: within a day what commits comes before what settles and pays.
pub fn sort(mut rows: Vec<(usize, Entry)>, bad: Vec<Bad>, mapping: &Mapping, before: &Before<'_>) -> Sorted {
    rows.sort_by_key(|(line, one)| (one.day, one.executed.committed.0 == 0, *line));
    let mut sorted = Sorted { bad, ..Sorted::default() };
    let mut executed = before.executed.clone();
    let mut seen: BTreeMap<Id, Executed> = BTreeMap::new();
    for (line, one) in rows {
        let id = one.id();
        if let Some(old) = before.rows.get(&id).or_else(|| seen.get(&id)) {
            if *old == one.executed {
                sorted.known += 1;
            } else {
                let message = "this day, line and document came before with other amounts; send the difference as a document of its own";
                sorted.bad.push(Bad::new(line, &named(mapping, Column::Document), &one.document, message));
            }
            continue;
        }
        match fits(&one, before, executed.get(&id.1).copied().unwrap_or_default()) {
            Ok(after) => {
                executed.insert(id.1.clone(), after);
                seen.insert(id, one.executed);
                sorted.good.push(one);
            }
            Err((column, value, message)) => sorted.bad.push(Bad::new(line, &named(mapping, column), &value, message)),
        }
    }
    sorted.bad.sort_by_key(|one| one.line);
    sorted
}

fn fits(one: &Entry, before: &Before<'_>, now: Executed) -> Result<Executed, (Column, String, String)> {
    if !is_in(one.day, before.year, before.year) || one.day > before.today {
        let message = format!("expected a day of {} that is not after {}", before.year, before.today);
        return Err((Column::Day, one.day.to_string(), message));
    }
    let key = one.key.to_string();
    let Some(allowed) = before.allowed.get(&key) else {
        return Err((Column::Key, key, "no line of this budget (CF art. 167 II)".into()));
    };
    let after = now.plus(one.executed).map_err(|error| (Column::Committed, String::new(), error.to_string()))?;
    match after.wrong(*allowed) {
        Some((column, message)) => Err((column, key, message)),
        None => Ok(after),
    }
}

#[cfg(test)]
#[path = "execution_tests.rs"]
mod tests;
