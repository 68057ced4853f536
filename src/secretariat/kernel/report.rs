//! How the cases of a type fare in a year: for whoever may read them with every figure, for others without small cells.

use serde::Serialize;
use sqlx::PgConnection;

use super::Access;
use super::decide::Who;
use super::define::CaseType;
use super::exchange;
use super::store::figures::{self, Count, InTime, Month, Score};
use crate::clock::Instant;
use crate::secretariat::small_cells::hide;

/// A count by a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseCell)]
pub struct Cell {
    pub key: String,
    /// None: too small to be shown, or hidden so that those cannot be reckoned.
    pub count: Option<i64>,
}

/// How the deadlines of one rule fared; none: hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseFared)]
pub struct Fared {
    /// Of the deadline.
    pub code: String,
    pub met_in_time: Option<i64>,
    pub met_late: Option<i64>,
    pub open_in_time: Option<i64>,
    pub open_late: Option<i64>,
}

/// Figures of one type in one year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SecretariatReport)]
pub struct Report {
    #[serde(rename = "type")]
    pub type_key: String,
    pub year: i32,
    pub by_state: Vec<Cell>,
    /// Days at which the ages begin, and how many open cases are of each age, the youngest first.
    pub ages: Vec<i64>,
    pub by_age: Vec<Option<i64>>,
    /// By the field of choice that the type names.
    pub by_choice: Vec<Cell>,
    pub in_time: Vec<Fared>,
    /// Empty where small cells are hidden.
    pub departments: Vec<Score>,
    /// Of which the months are; none: of all.
    pub department: Option<String>,
    /// All twelve, by when each case came, and how it fares now. Empty where small cells are hidden.
    pub months: Vec<Month>,
    /// Small cells are hidden: the cases are restricted, and whoever asks does not work in their module.
    pub suppressed: bool,
}

/// True when this person reads every figure of a type: its cases are open to them, or they work in its module.
pub fn reads_figures(of: &CaseType, who: &Who) -> bool {
    of.access != Access::Restricted || who.is_service || who.works_in(of)
}

impl From<Count> for Cell {
    fn from(one: Count) -> Self {
        Self { key: one.key, count: Some(one.count) }
    }
}

impl From<InTime> for Fared {
    fn from(one: InTime) -> Self {
        Self {
            code: one.code,
            met_in_time: Some(one.met_in_time),
            met_late: Some(one.met_late),
            open_in_time: Some(one.open_in_time),
            open_late: Some(one.open_late),
        }
    }
}

impl Fared {
    /// The four are the parts of one sum.
    fn without_small_cells(self) -> Self {
        let parts = hide(vec![self.met_in_time, self.met_late, self.open_in_time, self.open_late]);
        let part = |at: usize| parts.get(at).copied().flatten();
        Self { code: self.code, met_in_time: part(0), met_late: part(1), open_in_time: part(2), open_late: part(3) }
    }
}

/// In the order of their keys: that of their size would tell what is hidden.
fn without_small_cells(mut cells: Vec<Cell>) -> Vec<Cell> {
    let counts = hide(cells.iter().map(|cell| cell.count).collect());
    for (cell, count) in cells.iter_mut().zip(counts) {
        cell.count = count;
    }
    cells.sort_by(|a, b| a.key.cmp(&b.key));
    cells
}

impl Report {
    /// The report as this person may read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(
        conn: &mut PgConnection,
        (def, who): (&CaseType, &Who),
        (year, department): (i32, Option<&str>),
        (now, tz): (Instant, chrono_tz::Tz),
    ) -> sqlx::Result<Self> {
        let of = (def.key(), who.name.as_str());
        let by_choice = match &def.report.by {
            Some(field) => figures::by_choice(&mut *conn, of, year, field.get_ref()).await?,
            None => Vec::new(),
        };
        let fared = figures::fared(&mut *conn, of, (year, department), (now, tz)).await?;
        let whole = Self {
            type_key: def.key().to_owned(),
            year,
            by_state: figures::by_state(&mut *conn, of, year).await?.into_iter().map(Cell::from).collect(),
            by_age: figures::by_age(conn, of, now, &def.report.ages).await?.into_iter().map(Some).collect(),
            ages: def.report.ages.clone(),
            by_choice: by_choice.into_iter().map(Cell::from).collect(),
            in_time: fared.rules.into_iter().map(Fared::from).collect(),
            departments: fared.departments,
            department: department.map(str::to_owned),
            months: fared.months,
            suppressed: false,
        };
        Ok(if reads_figures(def, who) { whole } else { whole.for_others() })
    }

    /// Without small cells, and without departments and months, of which each has few cases. Pure.
    #[must_use]
    pub fn for_others(self) -> Self {
        Self {
            by_state: without_small_cells(self.by_state),
            by_age: hide(self.by_age),
            by_choice: without_small_cells(self.by_choice),
            in_time: self.in_time.into_iter().map(Fared::without_small_cells).collect(),
            departments: Vec::new(),
            department: None,
            months: Vec::new(),
            suppressed: true,
            ..self
        }
    }

    /// The months as a table.
    ///
    /// # Errors
    /// None that comes up.
    pub fn to_csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["type", "year", "department", "month", "received", "concluded", "in_time", "late"])?;
        let year = self.year.to_string();
        let department = exchange::plain(self.department.as_deref().unwrap_or_default());
        for one in &self.months {
            let month = format!("{:02}", one.month);
            let counts = [one.received, one.concluded, one.in_time, one.late].map(|count| count.to_string());
            let row = [&self.type_key, &year, &department, &month].into_iter().chain(&counts);
            out.write_record(row)?;
        }
        out.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(all: &[(&str, i64)]) -> Vec<Cell> {
        all.iter().map(|(key, count)| Cell { key: (*key).to_owned(), count: Some(*count) }).collect()
    }

    fn whole() -> Report {
        let in_time = InTime { code: "a".into(), met_in_time: 12, met_late: 7, open_in_time: 2, open_late: 0 };
        let department = Score { department: "Obras".into(), open: 1, late: 1, finished: 0, finished_in_time: 0 };
        Report {
            type_key: "ethics.procedure".into(),
            year: 2026,
            by_state: cells(&[("filed", 12), ("received", 9), ("charged", 1)]),
            ages: vec![7, 15],
            by_age: vec![Some(1), Some(1), Some(1)],
            by_choice: cells(&[("gifts", 9), ("conflict", 6), ("", 5)]),
            in_time: vec![in_time.into()],
            departments: vec![department],
            department: Some("Obras".into()),
            months: vec![Month { month: 3, received: 12, concluded: 11, in_time: 11, late: 0 }],
            suppressed: false,
        }
    }

    #[test]
    fn whoever_does_not_read_the_cases_sees_no_small_cell_no_department_and_no_month() {
        let told = whole().for_others();
        let states: Vec<_> = told.by_state.iter().map(|one| (one.key.as_str(), one.count)).collect();
        assert_eq!(states, [("charged", None), ("filed", Some(12)), ("received", None)]);
        assert_eq!(told.by_age, [None, None, None]);
        let choices: Vec<_> = told.by_choice.iter().map(|one| (one.key.as_str(), one.count)).collect();
        assert_eq!(choices, [("", Some(5)), ("conflict", Some(6)), ("gifts", Some(9))], "nothing is small");
        let fared = &told.in_time[0];
        let parts = [fared.met_in_time, fared.met_late, fared.open_in_time, fared.open_late];
        assert_eq!(parts, [Some(12), None, None, Some(0)], "two alone takes the next smallest with it");
        assert!(told.departments.is_empty() && told.suppressed);
        assert_eq!((told.department, told.months), (None, Vec::new()), "neither months nor whose they are");
    }
}
