//! Occurrences as lines of CSV, for spreadsheets of the staff. Pure. How to ask a reporter back is not in it.

use chrono::SecondsFormat;
use chrono_tz::Tz;

use super::store::list::Line;
use crate::cells::cell;
use crate::clock::Instant;

/// Lines of one file.
pub const MOST: i64 = 20_000;

pub const HEAD: &str = "number,kind,cobrade,state,priority,priority_by,lat,lon,accuracy_m,neighbourhood,place,words,reports,people_at_risk,\
    needs,assignee,unit,opened_at,last_at,incident\r\n";

/// One line an occurrence; times in the town's zone.
pub fn line(row: &Line, tz: Tz) -> String {
    let at = |at: Instant| at.with_timezone(&tz).to_rfc3339_opts(SecondsFormat::Secs, false);
    let number = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    let whole = |value: Option<i32>| value.map(|value| value.to_string()).unwrap_or_default();
    let cells = [
        row.number.clone(),
        row.kind.clone(),
        row.cobrade.clone().unwrap_or_default(),
        row.state.clone(),
        row.priority.to_string(),
        cell(row.priority_by.as_deref().unwrap_or_default()),
        number(row.lat),
        number(row.lon),
        whole(row.accuracy_m),
        cell(&row.neighbourhood),
        cell(&row.place),
        cell(&row.words),
        row.reports.to_string(),
        whole(row.people_at_risk),
        cell(&row.needs.join(" ")),
        cell(row.assignee.as_deref().unwrap_or_default()),
        cell(&row.unit),
        at(row.opened_at),
        at(row.last_at),
        row.incident_number.clone().unwrap_or_default(),
    ];
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_as_many_cells_as_the_head() {
        let row = Line {
            id: uuid::Uuid::nil(),
            number: "2026/001".into(),
            kind: "landslide".into(),
            cobrade: None,
            state: "new".into(),
            priority: 1,
            priority_by: None,
            lat: Some(-21.75),
            lon: None,
            accuracy_m: Some(20),
            neighbourhood: String::new(),
            words: String::new(),
            place: "Rua A".into(),
            reports: 1,
            people_at_risk: None,
            needs: vec!["oxygen".into()],
            assignee: None,
            unit: String::new(),
            opened_at: Instant::default(),
            last_at: Instant::default(),
            incident_id: None,
            incident_number: None,
        };
        let line = line(&row, chrono_tz::America::Sao_Paulo);
        assert_eq!(line.matches(',').count(), HEAD.matches(',').count());
        assert!(line.contains("1969-12-31T21:00:00-03:00"), "{line}");
    }
}
