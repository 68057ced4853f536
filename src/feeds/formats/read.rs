//! What all formats share: text of an unsure encoding, JSON in its wrappers, numbers as people and programs write them,
//! local times.

use std::borrow::Cow;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use super::{Catalogue, CatalogueStation, Observed, Parsed, Problem, Quantity, join};

/// Minutes that Brasília is ahead of UTC. Brazil has had no summer time since 2019.
pub(super) const BRASILIA_MIN: i32 = -180;

/// UTF-8 with or without byte order mark. What is not UTF-8 is read as ISO-8859-1, in which every byte is a character:
/// a station's name may come out wrong, its readings do not.
pub(super) fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(body.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// JSON, bare or as the argument of a function call (JSONP: `estacoes([…]);`).
///
/// # Errors
/// Says where the JSON breaks, or that the body is a page of HTML: servers in trouble send one with status 200.
pub(crate) fn json(body: &[u8]) -> Result<Value, Problem> {
    let text = text(body);
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new("document", "", "is empty"));
    }
    if text.starts_with('<') {
        return Err(Problem::new("document", text, "is a page of HTML or XML, expected JSON"));
    }
    let bare = without_call(text);
    serde_json::from_str(bare).map_err(|error| malformed(bare, &error))
}

/// The argument of `name(…)`, or the text itself when it is no call.
fn without_call(text: &str) -> &str {
    let argument = || {
        let (name, rest) = text.split_once('(')?;
        let is_name = name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte));
        let inner = rest.trim_end().trim_end_matches(';').trim_end().strip_suffix(')')?;
        is_name.then_some(inner)
    };
    argument().unwrap_or(text)
}

fn malformed(text: &str, error: &serde_json::Error) -> Problem {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let bytes = line.as_bytes();
    let from = error.column().saturating_sub(20).min(bytes.len());
    let to = (from + 40).min(bytes.len());
    Problem::new("document", &String::from_utf8_lossy(&bytes[from..to]), format!("is not JSON: {error}"))
}

/// How a feed writes its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    /// What stands for "no value" besides null, "", "-" and NaN. Numbers are compared as numbers.
    pub missing: &'a [&'a str],
}

impl Numbers<'_> {
    /// `None` when the provider says that it has no value. Never 0 for what is missing.
    pub fn read(self, value: &Value) -> Result<Option<f64>, &'static str> {
        let number = match value {
            Value::Null => return Ok(None),
            Value::Number(number) => number.as_f64().ok_or("is out of range")?,
            Value::String(text) if self.is_missing_text(text) => return Ok(None),
            Value::String(text) => Self::parse(text.trim())?,
            _ => return Err("expected a number"),
        };
        let is_marker = self.missing.iter().filter_map(|marker| plain(marker)).any(|marker| same(marker, number));
        Ok((!is_marker).then_some(number))
    }

    fn is_missing_text(self, text: &str) -> bool {
        let text = text.trim();
        let says_so = |marker: &str| text.eq_ignore_ascii_case(marker);
        ["", "-", "null", "nan"].into_iter().any(says_so) || self.missing.iter().any(|marker| says_so(marker.trim()))
    }

    /// Decimal point or comma, never both: providers change from one to the other.
    fn parse(text: &str) -> Result<f64, &'static str> {
        let marks = text.matches([',', '.']).count();
        let number = if marks > 1 { None } else { plain(text) };
        number.ok_or("expected a number")
    }
}

/// A number in digits. The words that Rust also knows (inf, nan) are none.
fn plain(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    let in_digits = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if in_digits { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

fn same(marker: f64, number: f64) -> bool {
    (marker - number).abs() < 1e-6
}

/// The wall-clock time of `offset_min` minutes ahead of UTC, in any of these `strftime` formats.
pub(super) fn local(text: &str, formats: &[&str], offset_min: i32) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let wall = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    to_utc(wall, offset_min)
}

pub(super) fn to_utc(wall: NaiveDateTime, offset_min: i32) -> Option<DateTime<Utc>> {
    wall.checked_sub_signed(Duration::minutes(i64::from(offset_min))).map(|utc| utc.and_utc())
}

/// What the values of one record have in common.
pub(super) struct Row<'a> {
    pub path: &'a str,
    pub station: &'a str,
    pub at: DateTime<Utc>,
}

/// A field that holds one quantity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    pub key: &'a str,
    pub quantity: Quantity,
    pub unit: &'static str,
    pub interval_s: Option<i32>,
}

impl Parsed {
    pub(super) fn refuse(&mut self, field: impl Into<String>, value: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(field, value, message));
    }

    pub(super) fn add(&mut self, row: &Row<'_>, column: &Column<'_>, value: &Value, numbers: Numbers<'_>) {
        match numbers.read(value) {
            Ok(Some(number)) => self.observed.push(Observed {
                station: row.station.to_owned(),
                quantity: column.quantity,
                at: row.at,
                value: number,
                unit: column.unit,
                interval_s: column.interval_s,
            }),
            Ok(None) => self.missing += 1,
            Err(message) => self.refuse(join(row.path, column.key), &shown(value), message),
        }
    }

    /// Oldest first; equal instants stay in the order of the provider.
    pub(super) fn in_order(mut self) -> Self {
        self.observed.sort_by_key(|observed| observed.at);
        self
    }
}

impl Catalogue {
    /// Takes a station whose coordinate may be one, or says what is wrong with it.
    pub(super) fn add(&mut self, path: &str, station: CatalogueStation) {
        let on_earth = station.lat.abs() <= 90.0 && station.lon.abs() <= 180.0;
        // 0, 0 is what a database without a coordinate gives.
        if on_earth && (station.lat != 0.0 || station.lon != 0.0) {
            self.stations.push(station);
        } else {
            let value = format!("{}, {}", station.lat, station.lon);
            self.problems.push(Problem::new(path, &value, "is no coordinate of a station"));
        }
    }
}

/// A value as it stands in a problem: text without its quotation marks.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A code in text or as a whole number, without surrounding space.
pub(crate) fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// The code in `key`.
pub(super) fn code_of(path: &str, record: &Map<String, Value>, key: &str) -> Result<String, Problem> {
    let value = field(path, record, key)?;
    code(value).ok_or_else(|| Problem::new(join(path, key), &shown(value), "expected a code in text or digits"))
}

/// The text in `key`, without surrounding space.
pub(crate) fn text_of<'a>(path: &str, record: &'a Map<String, Value>, key: &str) -> Result<&'a str, Problem> {
    let value = field(path, record, key)?;
    let text = value.as_str().map(str::trim);
    text.ok_or_else(|| Problem::new(join(path, key), &shown(value), "expected text"))
}

/// The number in `key`, which must have one.
pub(super) fn number_of(
    path: &str,
    record: &Map<String, Value>,
    key: &str,
    numbers: Numbers<'_>,
) -> Result<f64, Problem> {
    let value = field(path, record, key)?;
    let wrong = |message: &str| Problem::new(join(path, key), &shown(value), message);
    numbers.read(value).map_err(wrong)?.ok_or_else(|| wrong("has no value"))
}

pub(super) fn field<'a>(path: &str, record: &'a Map<String, Value>, key: &str) -> Result<&'a Value, Problem> {
    record.get(key).ok_or_else(|| Problem::new(join(path, key), "", "is missing"))
}

pub(crate) fn object<'a>(path: &str, item: &'a Value) -> Result<&'a Map<String, Value>, Problem> {
    item.as_object().ok_or_else(|| Problem::new(path, &item.to_string(), "expected an object"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NUMBERS: Numbers<'_> = Numbers { missing: &["9999", "n/d"] };

    #[test]
    fn what_is_missing_is_never_zero() {
        for value in [json!(null), json!(""), json!(" - "), json!("NaN"), json!("null"), json!(" N/D "), json!(9999)] {
            assert_eq!(NUMBERS.read(&value), Ok(None), "{value}");
        }
        assert_eq!(NUMBERS.read(&json!("9999.00")), Ok(None));
        assert_eq!(NUMBERS.read(&json!("0")), Ok(Some(0.0)));
    }

    #[test]
    fn decimal_commas_and_points_are_read_and_never_both() {
        assert_eq!(NUMBERS.read(&json!(",9")), Ok(Some(0.9)));
        assert_eq!(NUMBERS.read(&json!("0,2")), Ok(Some(0.2)));
        assert_eq!(NUMBERS.read(&json!("0.2")), Ok(Some(0.2)));
        for wrong in ["1.234,5", "1.23,4", "1,2,3", "x"] {
            assert!(NUMBERS.read(&json!(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_objects_and_infinities_are_no_numbers() {
        for value in
            [json!("inf"), json!("-Infinity"), json!("1e999"), json!([1]), json!({}), json!(true), json!("12 mm")]
        {
            assert!(NUMBERS.read(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_call_around_json_is_taken_off() {
        for body in ["[1]", "f([1])", " a.b_c$1 ( [1] ) ; \n", "\u{feff}[1]"] {
            assert_eq!(super::json(body.as_bytes()).unwrap(), json!([1]), "{body}");
        }
    }

    #[test]
    fn a_page_of_html_is_told_from_broken_json() {
        let problem = super::json(b"\n<!DOCTYPE html><html>502 Bad Gateway").unwrap_err();
        assert!(problem.message.contains("HTML"), "{problem}");
        let problem = super::json(b"[{\"a\":1,,}]").unwrap_err();
        assert!(problem.message.contains("column 9") && problem.value.contains(",,"), "{problem}");
        assert_eq!(super::json(b" ").unwrap_err().message, "is empty");
    }

    #[test]
    fn latin_1_does_not_cost_the_document() {
        assert_eq!(text(b"Itaja\xed"), "Itaja\u{ed}");
        assert_eq!(super::json(b"[\"Itaja\xed\"]").unwrap(), json!(["Itaja\u{ed}"]));
    }

    #[test]
    fn local_time_is_moved_to_utc() {
        let at = local(" 2024-05-25 23:45:00 ", &["%d/%m/%Y", "%Y-%m-%d %H:%M:%S"], BRASILIA_MIN).unwrap();
        assert_eq!(at.to_rfc3339(), "2024-05-26T02:45:00+00:00");
        assert_eq!(local("2024-05-32 00:00:00", &["%Y-%m-%d %H:%M:%S"], 0), None);
    }
}
