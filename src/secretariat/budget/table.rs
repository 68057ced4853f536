//! Tables as text: `;` between cells, a head of named columns, UTF-8 or latin-1. Every error has its line and its column. Pure.

use serde::{Deserialize, Serialize};

/// Bytes, and lines, of one table at most.
pub const MOST_BYTES: usize = 1 << 20;
pub const MOST_ROWS: usize = 25_000;

/// What is wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BudgetBadCell)]
pub struct Bad {
    /// From 1, the head included.
    pub line: usize,
    /// The name of the column; empty for the whole line.
    pub column: String,
    pub value: String,
    pub message: String,
}

impl Bad {
    pub fn new(line: usize, column: &str, value: &str, message: impl Into<String>) -> Self {
        let value = value.chars().take(120).collect();
        Self { line, column: column.to_owned(), value, message: message.into() }
    }
}

/// Rows with their lines, cells in the order of the columns that were wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub rows: Vec<(usize, Vec<String>)>,
    /// Lines that are no rows: a wrong number of cells.
    pub bad: Vec<Bad>,
}

/// UTF-8 where it is, latin-1 where it is not. A mark of the byte order is left out.
pub fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Reads a table whose head names these columns, in any order; columns beyond them are left out.
///
/// # Errors
/// It cannot be read as a whole: too large, no such columns, a quote that never ends.
pub fn read(bytes: &[u8], columns: &[&str]) -> Result<Rows, Bad> {
    if bytes.len() > MOST_BYTES {
        return Err(Bad::new(1, "", "", format!("the table has {} bytes; expected at most {MOST_BYTES}", bytes.len())));
    }
    let text = decode(bytes);
    if text.contains('\0') {
        return Err(Bad::new(1, "", "", "a text cannot hold the character NUL"));
    }
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b';').flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records();
    let head = match records.next() {
        Some(Ok(head)) => head,
        _ => return Err(Bad::new(1, "", "", format!("expected a head with {}", columns.join(";")))),
    };
    let names: Vec<String> = head.iter().map(|name| name.trim().to_lowercase()).collect();
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        match names.iter().filter(|name| name == column).count() {
            1 => places.push(names.iter().position(|name| name == column).unwrap_or_default()),
            0 => {
                return Err(Bad::new(
                    1,
                    column,
                    &names.join(";"),
                    format!("the column is missing; expected {}", columns.join(";")),
                ));
            }
            _ => return Err(Bad::new(1, column, &names.join(";"), "the column stands there twice")),
        }
    }
    let mut found = Rows::default();
    for record in records {
        let record = record.map_err(|error| Bad::new(1, "", "", error.to_string()))?;
        let line = record.position().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or_default();
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if found.rows.len() + found.bad.len() >= MOST_ROWS {
            return Err(Bad::new(line, "", "", format!("expected at most {MOST_ROWS} rows")));
        }
        if record.len() != names.len() {
            let message = format!("{} cells; expected {}", record.len(), names.len());
            found.bad.push(Bad::new(line, "", record.get(0).unwrap_or_default(), message));
            continue;
        }
        let cell = |place: &usize| record.get(*place).unwrap_or_default().trim().to_owned();
        found.rows.push((line, places.iter().map(cell).collect()));
    }
    Ok(found)
}

/// Writes a table that [`read`] reads: `;`, CRLF, quotes where they are needed.
pub fn write<R: AsRef<[String]>>(columns: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // A vector takes every byte, and every row has the columns of the head.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(row.as_ref());
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_is_read_and_columns_come_in_any_order() {
        let rows = read(b"Valor;nome\r\n1;Educa\xe7\xe3o\r\n;\r\n", &["nome", "valor"]).unwrap();
        assert_eq!(rows.rows, [(2, vec!["Educação".to_owned(), "1".to_owned()])]);
    }

    #[test]
    fn wrong_columns_are_named_and_a_broken_row_loses_no_other() {
        assert_eq!(read(b"a;b\r\n", &["a", "c"]).unwrap_err().column, "c");
        assert_eq!(read(b"a;a\r\n", &["a"]).unwrap_err().message, "the column stands there twice");
        assert!(read(&vec![b'a'; MOST_BYTES + 1], &["a"]).is_err());
        assert!(read(b"a\r\n\0\r\n", &["a"]).is_err());
        let rows = read(b"a;b\r\n1;2\r\n3\r\n4;5\r\n", &["a", "b"]).unwrap();
        assert_eq!((rows.rows.len(), rows.bad.len(), rows.bad[0].line), (2, 1, 3));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let row = vec!["a;b".to_owned(), "\"x\"\nzwei".to_owned()];
        let text = write(&["c", "d"], [row.clone()]);
        assert_eq!(read(text.as_bytes(), &["c", "d"]).unwrap().rows[0].1, row);
    }
}
