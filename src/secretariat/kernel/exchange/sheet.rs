//! Cases as CSV: what is a list or an object stands in its cell as JSON, and no cell is a formula.

use super::carried::{DOCUMENTS, PUBLICATIONS};
use super::{DELIBERATION, Line, MOST, MOST_FAULTS, bounded, judge, wrong};
use crate::secretariat::kernel::ledger;
use crate::web::error::FieldError;

/// The columns of the CSV; what is a list or an object stands there as JSON.
const COLUMNS: [&str; 20] = [
    "id",
    "type",
    "version",
    "series",
    "year",
    "number",
    "title",
    "state",
    "fields",
    "department",
    "assigned",
    "access",
    "author",
    "source",
    "opened_at",
    "changed_at",
    "revision",
    "annulled",
    "deadlines",
    "acts",
];
/// The last columns, each only where a case of the file has it.
const OPTIONAL: [&str; 3] = [DELIBERATION, PUBLICATIONS, DOCUMENTS];
const AS_JSON: [&str; 7] = ["fields", "annulled", "deadlines", "acts", DELIBERATION, PUBLICATIONS, DOCUMENTS];
const AS_NUMBER: [&str; 4] = ["version", "year", "number", "revision"];

/// # Errors
/// What cannot be written.
pub fn to_csv(lines: &[Line]) -> anyhow::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let is_had = |column: &&str| match *column {
        DELIBERATION => lines.iter().any(|line| line.deliberation.is_some()),
        PUBLICATIONS => lines.iter().any(|line| !line.publications.is_empty()),
        _ => lines.iter().any(|line| !line.documents.is_empty()),
    };
    let columns: Vec<&str> = COLUMNS.into_iter().chain(OPTIONAL.into_iter().filter(is_had)).collect();
    out.write_record(&columns)?;
    for line in lines {
        let value = serde_json::to_value(line)?;
        let cell = |column: &&str| match &value[*column] {
            serde_json::Value::Null => String::new(),
            other if AS_JSON.contains(column) => ledger::canonical(other),
            serde_json::Value::String(text) => judge::plain(text),
            other => other.to_string(),
        };
        out.write_record(columns.iter().map(cell))?;
    }
    out.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
}

/// # Errors
/// Every row that cannot be read.
pub fn from_csv(bytes: &[u8]) -> Result<Vec<Line>, Vec<FieldError>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>());
    let headers = match headers {
        Ok(headers) if are_ours(&headers) => headers,
        Ok(headers) => {
            return Err(vec![wrong(1, "columns", &headers.join(","), format!("expected {}", COLUMNS.join(",")))]);
        }
        Err(error) => return Err(vec![wrong(1, "columns", "", error.to_string())]),
    };
    let (mut errors, mut lines) = (Vec::new(), Vec::new());
    for (row, number) in reader.records().zip(2..) {
        let read = row.map_err(|error| error.to_string()).and_then(|row| of_row(&headers, &row));
        match read {
            Ok(line) => lines.push(line),
            Err(message) => errors.push(wrong(number, "case", "", message)),
        }
        if errors.len() >= MOST_FAULTS || lines.len() > MOST {
            break;
        }
    }
    bounded(lines, errors)
}

/// Every column of old, and behind them those that some have, in their order.
fn are_ours(headers: &[String]) -> bool {
    let Some((own, more)) = headers.split_at_checked(COLUMNS.len()) else { return false };
    let mut known = OPTIONAL.iter();
    own == COLUMNS && more.iter().all(|one| known.any(|other| one == other))
}

fn of_row(headers: &[String], row: &csv::StringRecord) -> Result<Line, String> {
    let mut object = serde_json::Map::new();
    for (column, cell) in headers.iter().map(String::as_str).zip(row.iter()) {
        let value = match cell {
            // What a case does not have is left out.
            "" if OPTIONAL.contains(&column) => continue,
            "" if ["series", "year", "number", "annulled"].contains(&column) => serde_json::Value::Null,
            cell if AS_JSON.contains(&column) || AS_NUMBER.contains(&column) => {
                serde_json::from_str(cell).map_err(|error| format!("{column}: {error}"))?
            }
            cell => judge::unplain(cell).into(),
        };
        object.insert(column.to_owned(), value);
    }
    serde_json::from_value(object.into()).map_err(|error| error.to_string())
}
