//! Lines into cells, bytes into text, text into numbers. Pure.

use std::borrow::Cow;

use super::mapping::{Decimal, Encoding};

/// Splits one row into cells. Quotes may hold the delimiter and ends of lines, and `""` a quote.
///
/// # Errors
/// A quote that does not close.
pub fn split(line: &[u8], delimiter: u8, cells: &mut Vec<Vec<u8>>) -> Result<(), &'static str> {
    let mut used = 0;
    let mut rest = line;
    loop {
        if cells.len() == used {
            cells.push(Vec::new());
        }
        let Some(cell) = cells.get_mut(used) else { return Ok(()) };
        cell.clear();
        used += 1;
        match take_cell(rest, delimiter, cell)? {
            Some(after) => rest = after,
            None => break,
        }
    }
    cells.truncate(used);
    Ok(())
}

/// Whether a quoted cell does not close on what there is of its row.
pub fn is_open(row: &[u8], delimiter: u8) -> bool {
    let mut cell = Vec::new();
    let mut rest = Some(row).filter(|row| row.contains(&b'"'));
    while let Some(row) = rest {
        cell.clear();
        match take_cell(row, delimiter, &mut cell) {
            Ok(after) => rest = after,
            Err(_) => return true,
        }
    }
    false
}

/// Reads one cell; what follows its delimiter, or nothing at the end of the line.
fn take_cell<'a>(line: &'a [u8], delimiter: u8, cell: &mut Vec<u8>) -> Result<Option<&'a [u8]>, &'static str> {
    let Some(mut rest) = line.strip_prefix(b"\"") else {
        let end = line.iter().position(|byte| *byte == delimiter).unwrap_or(line.len());
        let (text, after) = line.split_at(end);
        cell.extend_from_slice(text);
        return Ok(after.get(1..));
    };
    loop {
        let end = rest.iter().position(|byte| *byte == b'"').ok_or("a quote does not close")?;
        let (text, after) = rest.split_at(end);
        cell.extend_from_slice(text);
        rest = after.get(1..).unwrap_or_default();
        match rest.first() {
            Some(b'"') => {
                cell.push(b'"');
                rest = rest.get(1..).unwrap_or_default();
            }
            // What stands between the closing quote and the delimiter is blank in every file seen.
            _ => return Ok(rest.iter().position(|byte| *byte == delimiter).and_then(|at| rest.get(at + 1..))),
        }
    }
}

/// The text of a cell, trimmed; none when it is not of the encoding.
pub fn text(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    let latin = |bytes: &[u8]| Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect::<String>());
    let text = match (encoding, std::str::from_utf8(bytes)) {
        (Encoding::Auto | Encoding::Utf8, Ok(text)) => return Some(Cow::Borrowed(trim(text))),
        (Encoding::Utf8, Err(_)) => return None,
        (Encoding::Latin1, Ok(text)) if text.is_ascii() => return Some(Cow::Borrowed(trim(text))),
        _ => latin(bytes),
    };
    Some(Cow::Owned(trim(&text).to_owned()))
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0')
}

/// A number as the file writes it: `0.2`, `0,2`, `,9`. None for anything else, also for `inf`, and for a cell with both signs,
/// where one would have to guess which is the decimal.
pub fn number(text: &str, decimal: Decimal) -> Option<f64> {
    let (comma, point) = (text.contains(','), text.contains('.'));
    let wrong = match decimal {
        Decimal::Auto => comma && point,
        Decimal::Comma => point,
        Decimal::Point => comma,
    };
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-,.eE".contains(&byte));
    if wrong || !digits || !shaped {
        return None;
    }
    let plain = if comma { Cow::Owned(text.replace(',', ".")) } else { Cow::Borrowed(text) };
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a text fits a pattern: `*` stands for any characters, case does not matter, everything else for itself.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.trim().to_lowercase(), pattern.trim().to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells_of(line: &str, delimiter: u8) -> Vec<String> {
        let mut cells = Vec::new();
        split(line.as_bytes(), delimiter, &mut cells).unwrap();
        cells.into_iter().map(|cell| String::from_utf8(cell).unwrap()).collect()
    }

    #[test]
    fn quotes_hold_delimiters_and_quotes() {
        assert_eq!(cells_of(r#"a,"b,c","d ""e""",,"#, b','), ["a", "b,c", "d \"e\"", "", ""]);
        assert_eq!(cells_of("", b';'), [""]);
        assert!(split(b"a,\"b", b',', &mut Vec::new()).is_err());
    }

    #[test]
    fn numbers_are_read_as_brazil_writes_them() {
        let read = |text| number(text, Decimal::Auto);
        assert_eq!(
            [read(",9"), read("0,2"), read("1014.5"), read("-9999")].map(Option::unwrap),
            [0.9, 0.2, 1014.5, -9999.0]
        );
        for bad in ["1.014,5", "inf", "NaN", "-", "", "0,2 mm", "1,2,3", "e"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!((number("0.2", Decimal::Comma), number("0,2", Decimal::Point)), (None, None));
    }

    #[test]
    fn a_pattern_bridges_what_an_encoding_broke() {
        for header in ["PRECIPITAÇÃO TOTAL, HORÁRIO (mm)", "PRECIPITA\u{fffd}\u{fffd}O TOTAL, HOR\u{fffd}RIO (mm)"] {
            assert!(is_like(header, "precipita*total*(mm)"), "{header}");
        }
        assert!(is_like("", "") && !is_like("x", "") && is_like("anything", "*") && !is_like("ab", "abc*"));
        assert!(!is_like("aba", "ab*ba"));
    }

    #[test]
    fn latin_and_utf8_are_told_apart_cell_by_cell() {
        assert_eq!(text(b"S\xe3o ", Encoding::Auto).unwrap(), "São");
        assert_eq!(text("São".as_bytes(), Encoding::Auto).unwrap(), "São");
        assert_eq!(text(b"S\xe3o", Encoding::Utf8), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut cells = Vec::new();
            let _ = split(&line, b';', &mut cells);
            for cell in &cells {
                if let Some(text) = text(cell, Encoding::Auto) {
                    let _ = (number(&text, Decimal::Auto), is_like(&text, "a*b"), is_like("a*b", &text));
                }
            }
        }
    }
}
