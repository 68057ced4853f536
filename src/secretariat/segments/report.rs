//! Subscribers by segment and month, of those who are there. Pure.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::{Datelike as _, Months, NaiveDate};
use serde::Serialize;

use super::Segments;
use crate::i18n::Lang;
use crate::secretariat::evaluation::suppress;

/// Months that are told one by one.
const MONTHS: u32 = 12;

/// A segment and who confirmed it when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentReportRow)]
pub struct Row {
    pub tag: String,
    pub title_pt: String,
    pub title_en: String,
    /// None: fewer than five.
    pub people: Option<i64>,
    /// Of them, who confirmed before the first month. None: a small number, or one from which a small one could be reckoned.
    pub before: Option<i64>,
    /// One for each month of the report, with the same sense.
    pub confirmed: Vec<Option<i64>>,
}

/// Subscribers by segment and month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentReport)]
pub struct Report {
    /// "2026-02", the last one that of today.
    pub months: Vec<String>,
    pub rows: Vec<Row>,
}

/// `counts`: tag, month and how many. Tags that are offered no more follow those that are.
pub fn of(segments: &Segments, counts: &[(String, String, i64)], today: NaiveDate) -> Report {
    let first = today.with_day(1).unwrap_or(today);
    let months: Vec<String> = (0..MONTHS)
        .rev()
        .filter_map(|back| first.checked_sub_months(Months::new(back)))
        .map(|month| month.format("%Y-%m").to_string())
        .collect();
    let mut of_tag: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (tag, month, people) in counts {
        let cells = of_tag.entry(tag).or_insert_with(|| vec![0; months.len() + 1]);
        // What is earlier than all of them stands before the first.
        let at = months.iter().position(|one| one == month).map_or(0, |at| at + 1);
        cells[at] += people;
    }
    let offered = segments.iter().map(|segment| segment.key.as_str());
    let gone = of_tag.keys().copied().filter(|tag| segments.get(tag).is_none());
    let tags: Vec<&str> = offered.chain(gone).collect();
    let none = vec![0; months.len() + 1];
    let rows = tags.into_iter().map(|tag| row(segments, tag, of_tag.get(tag).unwrap_or(&none)));
    let rows = rows.collect();
    Report { months, rows }
}

fn row(segments: &Segments, tag: &str, cells: &[i64]) -> Row {
    let mut shown = suppress::hide(cells);
    let before = shown.remove(0);
    Row {
        tag: tag.to_owned(),
        title_pt: segments.title(tag, Lang::Pt).to_owned(),
        title_en: segments.title(tag, Lang::En).to_owned(),
        people: suppress::alone(cells.iter().sum()),
        before,
        confirmed: shown,
    }
}

impl Row {
    pub fn title(&self, lang: impl Borrow<Lang>) -> &str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => &self.title_pt,
            Lang::En => &self.title_en,
        }
    }
}

impl Report {
    /// For spreadsheets: what is hidden is empty.
    ///
    /// # Errors
    /// What the writer says.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let head = ["segment", "title", "people", "before"];
        writer.write_record(head.into_iter().chain(self.months.iter().map(String::as_str)))?;
        for row in &self.rows {
            let number = |cell: &Option<i64>| cell.map(|cell| cell.to_string()).unwrap_or_default();
            let mut cells = vec![row.tag.clone(), row.title_pt.clone(), number(&row.people), number(&row.before)];
            cells.extend(row.confirmed.iter().map(number));
            writer.write_record(&cells)?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_hidden_and_none_can_be_reckoned_from_the_others() {
        let segments = Segments::load("").unwrap();
        let count = |tag: &str, month: &str, people: i64| (tag.to_owned(), month.to_owned(), people);
        let counts = [
            count("chuva", "2024-01", 20),
            count("chuva", "2026-01", 9),
            count("chuva", "2026-02", 2),
            count("obras", "2026-02", 4),
            count("futebol", "2026-02", 6),
        ];
        let report = of(&segments, &counts, "2026-02-24".parse().unwrap());
        assert_eq!((report.months.len(), report.months[11].as_str()), (12, "2026-02"));
        let row = |tag: &str| report.rows.iter().find(|row| row.tag == tag).unwrap();
        let rain = row("chuva");
        assert_eq!((rain.people, rain.before), (Some(31), Some(20)));
        assert_eq!(rain.confirmed[11], None, "two people");
        assert_eq!(rain.confirmed[10], None, "31 - 20 - 9 would tell of the two");
        assert_eq!((row("obras").people, row("obras").confirmed[11]), (None, None));
        assert_eq!(row("futebol").title(Lang::En), "futebol", "it is offered no more");
        let text = String::from_utf8(report.csv().unwrap()).unwrap();
        assert!(text.starts_with("segment,title,people,before,2025-03,"), "{text}");
        assert!(text.contains("\nchuva,Chuvas e encostas,31,20,"), "{text}");
    }
}
