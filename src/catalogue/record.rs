//! One record of a file, be it a CSV row or a GeoJSON feature, and typed access to its fields.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::problems::{ImportError, Problems};

/// A row or a feature. Values of CSV are strings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub line: usize,
    pub feature: Option<usize>,
    pub fields: Map<String, Value>,
    /// A GeoJSON geometry object.
    pub geometry: Option<Value>,
    /// Numbers are written "46,2", as spreadsheets in Portuguese do beside `;`.
    pub decimal_comma: bool,
}

/// Reads fields of one record and notes what is wrong.
pub struct Fields<'a> {
    record: &'a Record,
    problems: &'a mut Problems,
    /// Errors noted so far for this record.
    wrong: usize,
}

impl<'a> Fields<'a> {
    pub const fn of(record: &'a Record, problems: &'a mut Problems) -> Self {
        Self { record, problems, wrong: 0 }
    }

    pub const fn record(&self) -> &'a Record {
        self.record
    }

    pub const fn is_good(&self) -> bool {
        self.wrong == 0
    }

    pub fn wrong(&mut self, field: &str, value: &str, message: impl Into<String>) {
        self.wrong += 1;
        self.problems.push(ImportError::new(self.record.line, self.record.feature, field, value, message));
    }

    /// The field as text; none when it is missing, null or blank.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.record.fields.get(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            other => {
                self.wrong(field, &other.to_string(), "expected text");
                None
            }
        }
    }

    pub fn required(&mut self, field: &str) -> Option<String> {
        let before = self.wrong;
        let text = self.text(field);
        if text.is_none() && self.wrong == before {
            self.wrong(field, "", "is missing");
        }
        text
    }

    /// A required field that satisfies `is_good`; `expected` says what that is.
    pub fn shaped(&mut self, field: &str, is_good: fn(&str) -> bool, expected: &str) -> Option<String> {
        let text = self.required(field)?;
        if is_good(&text) {
            return Some(text);
        }
        self.wrong(field, &text, format!("expected {expected}"));
        None
    }

    pub fn code(&mut self, field: &str) -> Option<String> {
        self.shaped(
            field,
            crate::stations::is_code,
            "a code of 1 to 64 letters, digits, `_`, `.`, `:` or `-`, without accents or spaces",
        )
    }

    /// A name of 1 to 200 characters.
    pub fn name(&mut self, field: &str) -> Option<String> {
        self.shaped(field, |text| text.chars().count() <= 200, "at most 200 characters")
    }

    pub fn number(&mut self, field: &str) -> Option<f64> {
        let text = self.text(field)?;
        let plain = if self.record.decimal_comma { text.replace(',', ".") } else { text.clone() };
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => {
                self.wrong(field, &text, "expected a finite number such as -21.76");
                None
            }
        }
    }

    pub fn required_number(&mut self, field: &str) -> Option<f64> {
        self.required(field)?;
        self.number(field)
    }

    /// A whole number within `least..=most`.
    pub fn whole(&mut self, field: &str, least: i32, most: i32) -> Option<i32> {
        let text = self.text(field)?;
        match text.parse::<i32>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.wrong(field, &text, format!("expected a whole number from {least} to {most}"));
                None
            }
        }
    }

    /// Anything with its own parser, such as a vocabulary.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.required(field)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(field, &text, error.to_string());
                None
            }
        }
    }
}

/// What the records of a list gave in a field that stands once in it, with the line on which it came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<String, usize>);

impl Given {
    /// Wrong where a record before gave the same.
    pub fn once(&mut self, fields: &mut Fields<'_>, field: &str, value: &str) {
        if let Some(line) = self.0.get(value) {
            fields.wrong(field, value, format!("was given before, on line {line}"));
        }
        self.0.entry(value.to_owned()).or_insert(fields.record().line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        Record { line: 7, fields: serde_json::from_str(json).unwrap(), ..Record::default() }
    }

    #[test]
    fn numbers_are_read_from_text_and_from_json() {
        let record = record(r#"{"a": 1.5, "b": " -2 ", "c": "1,5", "d": "NaN", "e": ""}"#);
        let mut problems = Problems::default();
        let mut fields = Fields::of(&record, &mut problems);
        assert_eq!((fields.number("a"), fields.number("b"), fields.number("e")), (Some(1.5), Some(-2.0), None));
        assert!(fields.is_good());
        assert_eq!((fields.number("c"), fields.number("d")), (None, None));
        assert_eq!(problems.total(), 2);
        assert_eq!(problems.kept()[0].to_string(), "line 7: c = \"1,5\": expected a finite number such as -21.76");
    }

    #[test]
    fn what_stands_once_in_a_list_is_wrong_the_second_time_also_on_the_same_line() {
        let record = record(r#"{"code": "a"}"#);
        let (mut problems, mut given) = (Problems::default(), Given::default());
        for value in ["a", "b", "a"] {
            given.once(&mut Fields::of(&record, &mut problems), "code", value);
        }
        assert_eq!(problems.total(), 1);
        assert_eq!(problems.kept()[0].to_string(), "line 7: code = \"a\": was given before, on line 7");
    }

    #[test]
    fn a_decimal_comma_is_taken_where_the_file_uses_semicolons() {
        let mut record = record(r#"{"a": "-21,76"}"#);
        record.decimal_comma = true;
        assert_eq!(Fields::of(&record, &mut Problems::default()).number("a"), Some(-21.76));
    }
}
