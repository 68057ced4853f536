//! Tables as text, with any one-byte delimiter and either line end.

/// A line of a table. `number` counts lines of text from 1, so that it can be found in an editor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub number: usize,
    pub cells: Vec<String>,
}

/// All lines that are not empty, of whatever length.
pub(super) fn lines(text: &str, delimiter: u8) -> Vec<Line> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let records = reader.records().filter_map(Result::ok);
    let lines = records.map(|record| Line {
        number: record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or_default()),
        cells: record.iter().map(str::to_owned).collect(),
    });
    lines.filter(|line| line.cells.iter().any(|cell| !cell.trim().is_empty())).collect()
}
