//! CSV into records: comma or semicolon, quoted fields, the line of every record kept.

use serde_json::{Map, Value};

use super::problems::{ImportError, Problems};
use super::record::Record;

/// Other spellings of a column, and ours.
const SPELLINGS: [(&str, &str); 6] = [
    ("latitude", "lat"),
    ("longitude", "lon"),
    ("lng", "lon"),
    ("long", "lon"),
    ("station_code", "station"),
    ("station_id", "station"),
];

/// Reads the header and every row.
///
/// # Errors
/// No header, a column named twice, or rows that do not fit the header.
pub fn read(text: &str) -> Result<Vec<Record>, Problems> {
    let first = text.lines().next().unwrap_or_default();
    let semicolons = first.matches(';').count() > first.matches(',').count();
    let delimiter = if semicolons { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = header(&mut reader)?;
    let mut problems = Problems::default();
    let mut records = Vec::new();
    for row in reader.records() {
        match row {
            Ok(row) => {
                let line = row.position().map_or(0, |position| line_of(text, position));
                let cells = row.iter().map(|cell| Value::String(cell.to_owned()));
                let fields: Map<String, Value> = header.iter().cloned().zip(cells).collect();
                records.push(Record { line, fields, decimal_comma: semicolons, ..Record::default() });
            }
            Err(error) => problems.push(unreadable(&error)),
        }
    }
    if records.is_empty() && problems.kept().is_empty() {
        let message = "there is no row under the header";
        problems.push(ImportError::new(2, None, "file", "", message));
    }
    problems.or(records)
}

/// The reader counts empty lines before a row as part of it; people do not.
fn line_of(text: &str, position: &csv::Position) -> usize {
    let rest = text.as_bytes().get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    position.line() as usize + empty
}

fn header(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, Problems> {
    let row = reader.headers().map_err(|error| Problems::one(unreadable(&error)))?;
    let names: Vec<String> = row.iter().map(spelling).collect();
    if names.iter().all(String::is_empty) {
        return Err(Problems::one(ImportError::new(
            1,
            None,
            "header",
            "",
            "the file is empty; expected a header line",
        )));
    }
    let mut problems = Problems::default();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|earlier| earlier == name) {
            problems.push(ImportError::new(1, None, "header", name, "the column is named twice"));
        }
    }
    problems.or(names)
}

fn spelling(column: &str) -> String {
    let column = column.trim().to_ascii_lowercase();
    SPELLINGS.iter().find(|(other, _)| *other == column).map_or(column, |(_, ours)| (*ours).to_owned())
}

fn unreadable(error: &csv::Error) -> ImportError {
    let line = error.position().map_or(1, |position| position.line() as usize);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ImportError::new(line, None, "row", "", format!("has {len} columns; the header has {expected_len}"))
        }
        _ => ImportError::new(line, None, "row", "", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_know_their_line_also_after_a_quoted_line_break() {
        let records = read("code,name\na,\"two\nlines\"\n\nb,x\n").unwrap();
        let lines: Vec<usize> = records.iter().map(|record| record.line).collect();
        assert_eq!(lines, [2, 5]);
        assert_eq!(records[0].fields["name"], "two\nlines");
    }

    #[test]
    fn semicolons_bring_the_decimal_comma() {
        let records = read("code;Latitude;Longitude\na;-21,5;-43,2\n").unwrap();
        assert!(records[0].decimal_comma);
        assert_eq!(
            (records[0].fields["lat"].as_str(), records[0].fields["lon"].as_str()),
            (Some("-21,5"), Some("-43,2"))
        );
    }

    #[test]
    fn a_row_that_is_too_short_is_named_by_its_line() {
        let problems = read("a,b\n1,2\n3\n4,5,6\n").unwrap_err();
        let lines: Vec<usize> = problems.kept().iter().map(|error| error.line).collect();
        assert_eq!(lines, [3, 4]);
        assert!(problems.to_string().contains("has 1 columns; the header has 2"), "{problems}");
    }

    #[test]
    fn an_empty_file_and_a_doubled_column_are_refused() {
        assert!(read("").unwrap_err().to_string().contains("empty"));
        assert!(read("lat,latitude\n1,2\n").unwrap_err().to_string().contains("twice"));
    }
}
