//! The yearly report of access to information (Lei 12.527/2011, art. 30) and of the ombudsman (Lei 13.460/2017, art. 14): figures for the
//! people inside, and the same with small cells suppressed for everybody.

mod store;

use serde::Serialize;
use sqlx::PgConnection;

use self::store::{by_act, by_month};
use super::citizen;
use super::kernel::define::CaseType;
use super::kernel::store::figures::{self, Count};
use super::small_cells::{self, LEAST};
use crate::clock::Instant;
use crate::deadlines::town::Year;

/// Key of the table of deadlines.
const IN_TIME: &str = "in_time";

/// Fields that are counted, where a type has them.
const FIELDS: [&str; 6] = ["kind", "outcome", "ground", "theme", "appeal_outcome", "rating"];

/// Acts that are counted.
const ACTS: [&str; 8] =
    ["forward", "extend", "ask_complement", "appeal", "appeal_silence", "decide_appeal", "lapse", "desist"];

/// The act that answers: how often it was done and how long that took is told apart from the others.
const ANSWER: &str = "answer";

/// A count, or that it is too small to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = YearlyRow)]
pub struct Row {
    pub key: String,
    pub label: String,
    /// None: fewer than five, or hidden so that those cannot be reckoned.
    pub count: Option<i64>,
}

/// Counts of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = YearlyTable)]
pub struct Table {
    /// month, state, acts, in_time, or the key of a field.
    pub key: String,
    pub rows: Vec<Row>,
}

/// The figures of a year.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatYearly)]
pub struct Yearly {
    pub module: String,
    pub year: i32,
    pub law_ref: String,
    pub received: Option<i64>,
    pub answered: Option<i64>,
    /// Days from the opening to the answer; none when too few were answered.
    pub average_days: Option<f64>,
    pub tables: Vec<Table>,
    /// Small cells are hidden.
    pub suppressed: bool,
}

/// Hides what is small, and what would tell it. Pure.
pub fn suppress(rows: &mut [Row]) {
    let counts = small_cells::hide(rows.iter().map(|row| row.count).collect());
    for (row, count) in rows.iter_mut().zip(counts) {
        row.count = count;
    }
}

/// Deadlines in time and late are two parts of one sum for each rule, and of no other.
fn suppress_table(table: &mut Table) {
    if table.key != IN_TIME {
        return suppress(&mut table.rows);
    }
    let rule = |row: &Row| row.key.rsplit_once('.').map(|(rule, _)| rule.to_owned());
    table.rows.chunk_by_mut(|a, b| rule(a) == rule(b)).for_each(suppress);
}

impl Yearly {
    /// The same for everybody, and for whoever inside may not read the cases that are counted.
    #[must_use]
    pub fn for_everybody(mut self) -> Self {
        let keep = |count: Option<i64>| count.filter(|count| *count == 0 || *count >= LEAST);
        self.tables.iter_mut().for_each(suppress_table);
        if keep(self.answered).is_none_or(|count| count == 0) {
            self.average_days = None;
        }
        (self.received, self.answered, self.suppressed) = (keep(self.received), keep(self.answered), true);
        self
    }

    /// Table, key, label and count of each row; empty where it is hidden.
    ///
    /// # Errors
    /// What the writer says.
    pub fn to_csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let number = |count: Option<i64>| count.map(|count| count.to_string()).unwrap_or_default();
        out.write_record(["year", "table", "key", "label", "count"])?;
        let year = self.year.to_string();
        let year = year.as_str();
        out.write_record([year, "total", "received", "", number(self.received).as_str()])?;
        out.write_record([year, "total", "answered", "", number(self.answered).as_str()])?;
        let days = self.average_days.map(|days| format!("{days:.1}")).unwrap_or_default();
        out.write_record([year, "total", "average_days", "", days.as_str()])?;
        for table in &self.tables {
            for row in &table.rows {
                let count = number(row.count);
                out.write_record([year, table.key.as_str(), row.key.as_str(), row.label.as_str(), count.as_str()])?;
            }
        }
        out.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
    }
}

fn row(key: &str, label: String, count: i64) -> Row {
    Row { key: key.to_owned(), label, count: Some(count) }
}

/// The figures of a module that has a door. None: it has none.
pub async fn load(
    conn: &mut PgConnection,
    def: &CaseType,
    (year, now): (i32, Instant),
    tz: chrono_tz::Tz,
) -> sqlx::Result<Option<Yearly>> {
    if citizen::type_of(def.module()) != Some(def.key()) {
        return Ok(None);
    }
    let key = def.key();
    if Year::of(year, tz).is_none() {
        return Ok(None);
    }
    let months = by_month(&mut *conn, key, year, tz.name()).await?;
    let received: i64 = months.iter().map(|month| month.count).sum();
    let mut tables = Vec::new();
    let month = |one: Count| row(&one.key, String::new(), one.count);
    tables.push(Table { key: "month".into(), rows: months.into_iter().map(month).collect() });
    let states = figures::by_state(&mut *conn, (key, ""), year).await?;
    let state = |one: Count| row(&one.key, def.state_label(&one.key, crate::i18n::Lang::Pt), one.count);
    tables.push(Table { key: "state".into(), rows: states.into_iter().map(state).collect() });
    let fields: Vec<String> =
        FIELDS.iter().filter(|key| def.field(key).is_some()).map(|key| (*key).to_owned()).collect();
    let counts = figures::by_choices(&mut *conn, key, year, &fields).await?;
    for field in fields.iter().filter_map(|key| def.field(key)) {
        let told = counts.iter().filter(|(of, _)| of == field.key()).map(|(_, one)| one);
        let rows = told.map(|one| row(&one.key, field.option_label(&one.key, crate::i18n::Lang::Pt), one.count));
        tables.push(Table { key: field.key().to_owned(), rows: rows.collect() });
    }
    let wanted: Vec<String> = ACTS.iter().chain([&ANSWER]).map(|act| (*act).to_owned()).collect();
    let done = by_act(&mut *conn, key, year, &wanted).await?;
    let (answers, acts): (Vec<_>, Vec<_>) = done.into_iter().partition(|one| one.act == ANSWER);
    let answer = answers.first();
    let label = |act: &str| def.act_label(act, crate::i18n::Lang::Pt).unwrap_or_else(|| act.to_owned());
    tables.push(Table {
        key: "acts".into(),
        rows: acts.iter().map(|one| row(&one.act, label(&one.act), one.cases)).collect(),
    });
    let mut in_time = Vec::new();
    for one in figures::in_time(conn, (key, ""), year, now).await? {
        if citizen::concerns(&one.code) {
            let late = one.met_late + one.open_late;
            in_time.push(row(&format!("{}.in_time", one.code), String::new(), one.met_in_time));
            in_time.push(row(&format!("{}.late", one.code), String::new(), late));
        }
    }
    tables.push(Table { key: IN_TIME.into(), rows: in_time });
    Ok(Some(Yearly {
        module: def.module().to_owned(),
        year,
        law_ref: def.law_ref.clone(),
        received: Some(received),
        answered: Some(answer.map_or(0, |answer| answer.times)),
        average_days: answer.and_then(|answer| answer.days),
        tables,
        suppressed: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[i64]) -> Vec<Row> {
        all.iter().map(|count| row("", String::new(), *count)).collect()
    }

    fn hidden(all: &[i64]) -> Vec<Option<i64>> {
        let mut rows = counts(all);
        suppress(&mut rows);
        rows.into_iter().map(|row| row.count).collect()
    }

    #[test]
    fn a_small_cell_is_hidden_and_cannot_be_reckoned_from_the_total() {
        assert_eq!(hidden(&[20, 9, 5]), [Some(20), Some(9), Some(5)]);
        assert_eq!(hidden(&[20, 9, 4]), [Some(20), None, None], "the next smallest goes with it");
        assert_eq!(hidden(&[20, 3, 4]), [Some(20), None, None]);
        assert_eq!(hidden(&[20, 0, 0]), [Some(20), Some(0), Some(0)], "none is no small cell");
        assert_eq!(hidden(&[1]), [None]);
        assert_eq!(hidden(&[20, 9, 1, 1]), [Some(20), None, None, None], "two in all are one and one");
        assert_eq!(hidden(&[20, 9, 4, 4]), [Some(20), None, None, None], "eight in two small cells are four and four");
        assert_eq!(hidden(&[20, 9, 2, 4]), [Some(20), Some(9), None, None]);
    }

    #[test]
    fn what_was_late_cannot_be_reckoned_from_what_was_in_time_under_the_same_rule() {
        let rows =
            [("sic.answer.in_time", 50), ("sic.answer.late", 3), ("sic.appeal.in_time", 9), ("sic.appeal.late", 0)];
        let rows = rows.map(|(key, count)| row(key, String::new(), count)).to_vec();
        let mut table = Table { key: IN_TIME.into(), rows };
        suppress_table(&mut table);
        let shown: Vec<Option<i64>> = table.rows.iter().map(|row| row.count).collect();
        assert_eq!(shown, [None, None, Some(9), Some(0)]);
    }
}
