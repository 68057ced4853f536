//! The hours of one station as a matrix: `datas` names the rows, `horarios` the columns, `acumulados` holds millimetres.
//!
//! "13h" is taken as the hour that ends at 13:00 UTC. The payload does not say so, but the sample was quoted while the
//! station's last reading was of 00:50 UTC, and its last column with a value is "1h" of that same date: the hour from
//! 00:00 to 01:00. "0h" stands under the date that it begins.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value};

use super::NUMBERS;
use crate::feeds::formats::read::{self, Column, Row};
use crate::feeds::formats::{Parsed, Problem, Quantity};

const RAIN: Column<'_> = Column { key: "", quantity: Quantity::Rain, unit: "mm", interval_s: Some(3600) };

/// Reads the matrix. The station's code is `estacao.idEstacao`, as in the current readings. The place of an hour that
/// lies outside the shown window is null and counts as missing.
///
/// # Errors
/// When the body is no such matrix, or belongs to a station that does not measure rain.
pub fn parse(body: &[u8]) -> Result<Parsed, Problem> {
    let document = read::json(body)?;
    let record = read::object("document", &document)?;
    let station = read::object("estacao", read::field("", record, "estacao")?)?;
    refuse_other_kinds(station)?;
    let code = read::code_of("estacao", station, "idEstacao")?;
    let hours = list(record, "horarios")?;
    let dates = list(record, "datas")?;
    let rows = list(record, "acumulados")?;
    let mut parsed = Parsed::default();
    if rows.len() != dates.len() {
        let message = format!("has {} rows for {} dates", rows.len(), dates.len());
        return Err(Problem::new("acumulados", "", message));
    }
    for (index, (date, row)) in dates.iter().zip(rows).enumerate() {
        match (read_date(date), row.as_array()) {
            (None, _) => {
                parsed.refuse(format!("datas[{index}]"), &read::shown(date), "expected a date as in \"19/08/2026\"")
            }
            (_, None) => parsed.refuse(format!("acumulados[{index}]"), &row.to_string(), "expected an array"),
            (Some(date), Some(cells)) => read_row(&mut parsed, &code, index, date, (hours, cells)),
        }
    }
    Ok(parsed.in_order())
}

/// Stations of water levels have the same matrix with other things in it.
fn refuse_other_kinds(station: &Map<String, Value>) -> Result<(), Problem> {
    let kind = station.get("idTipoestacao").and_then(|kind| kind.get("descricao")).and_then(Value::as_str);
    match kind {
        Some(kind) if kind.to_lowercase().starts_with("hidro") => Err(Problem::new(
            "estacao.idTipoestacao.descricao",
            kind,
            "the matrix of such a station is not known to be rain",
        )),
        _ => Ok(()),
    }
}

fn list<'a>(record: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], Problem> {
    let value = read::field("", record, key)?;
    let items = value.as_array().map(Vec::as_slice);
    items.ok_or_else(|| Problem::new(key, &value.to_string(), "expected an array"))
}

fn read_row(parsed: &mut Parsed, station: &str, row: usize, date: NaiveDate, (hours, cells): (&[Value], &[Value])) {
    if hours.len() != cells.len() {
        let message = format!("has {} values for {} hours", cells.len(), hours.len());
        return parsed.refuse(format!("acumulados[{row}]"), "", message);
    }
    for (column, (hour, cell)) in hours.iter().zip(cells).enumerate() {
        let path = format!("acumulados[{row}][{column}]");
        match end_of_hour(date, hour) {
            Some(at) => parsed.add(&Row { path: &path, station, at }, &RAIN, cell, NUMBERS),
            None => parsed.refuse(format!("horarios[{column}]"), &read::shown(hour), "expected an hour as in \"13h\""),
        }
    }
}

fn read_date(value: &Value) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(value.as_str()?.trim(), "%d/%m/%Y").ok()
}

fn end_of_hour(date: NaiveDate, hour: &Value) -> Option<DateTime<Utc>> {
    let hour = hour.as_str()?.trim().strip_suffix('h')?.parse().ok()?;
    Some(date.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../tests/data/feeds/cemaden_horario_6846.json");

    #[test]
    fn the_hours_of_a_station_are_read_and_null_is_missing() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!((parsed.observed.len(), parsed.missing, parsed.problems.len()), (21, 27, 0));
        let first = &parsed.observed[0];
        assert_eq!((first.station.as_str(), first.value, first.interval_s), ("6846", 1.0, Some(3600)));
        assert_eq!(first.at.to_rfc3339(), "2026-08-19T02:00:00+00:00");
        // The sum is the acc24hr that the current readings of the same moment give.
        let sum: f64 = parsed.observed.iter().map(|observed| observed.value).sum();
        assert!((sum - 5.6).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn midnight_belongs_to_the_date_of_its_row() {
        let parsed = parse(SAMPLE.as_bytes()).unwrap();
        let last: Vec<_> = parsed.observed.iter().rev().take(2).map(|o| o.at.to_rfc3339()).collect();
        assert_eq!(last, ["2026-08-20T01:00:00+00:00", "2026-08-20T00:00:00+00:00"]);
    }

    #[test]
    fn a_row_of_the_wrong_length_is_refused_alone() {
        let parsed = parse(SAMPLE.replace("[1.0, 0.0,", "[1.0,").as_bytes()).unwrap();
        assert_eq!((parsed.problems.len(), parsed.observed.len()), (1, 2));
        assert_eq!(parsed.problems[0].field, "acumulados[0]");
    }

    #[test]
    fn wrong_hours_dates_and_values_are_named() {
        let text = SAMPLE.replace("\"2h\"", "\"25h\"").replace("\"20/08/2026\"", "\"2026\"").replace("1.2,", "\"x\",");
        let fields: Vec<_> = parse(text.as_bytes()).unwrap().problems.into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["horarios[0]", "acumulados[0][9]", "datas[1]"]);
    }

    #[test]
    fn the_matrix_of_a_level_station_is_not_taken_for_rain() {
        let problem = parse(SAMPLE.replace("Pluviométrica", "Hidrológica").as_bytes()).unwrap_err();
        assert_eq!(
            (problem.field.as_str(), problem.value.as_str()),
            ("estacao.idTipoestacao.descricao", "Hidrológica")
        );
    }

    #[test]
    fn what_is_no_matrix_is_an_error_that_says_where() {
        assert_eq!(parse(b"[]").unwrap_err().field, "document");
        assert_eq!(parse(SAMPLE.replace("datas", "dias").as_bytes()).unwrap_err().field, "datas");
        assert_eq!(parse(SAMPLE.replace("\"19/08/2026\", ", "").as_bytes()).unwrap_err().field, "acumulados");
    }
}
