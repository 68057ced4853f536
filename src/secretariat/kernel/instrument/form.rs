//! Acts as forms: which fields a page asks for, and how what was typed becomes the act's own JSON. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::secretariat::kernel::money::Centavos;

/// Most lines of a list.
const MOST_LINES: usize = 400;

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Line,
    Text,
    Day,
    /// Reais as "1.234,56"; the act has centavos.
    Money,
    Whole,
    Yes,
    Choice(&'static [&'static str]),
    /// One text a line.
    Lines,
    /// One row a line, its cells between `;`.
    Rows(&'static [(&'static str, Cell)]),
}

/// How a cell of a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Line,
    Day,
    Money,
    Whole,
}

#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// With points where it lies deeper: "partner.name".
    pub name: &'static str,
    pub input: Input,
    pub required: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub act: &'static str,
    pub fields: &'static [Field],
    /// It cannot be undone, so whoever does it ticks that they mean it.
    pub confirm: bool,
}

pub const fn need(name: &'static str, input: Input) -> Field {
    Field { name, input, required: true }
}

pub const fn may(name: &'static str, input: Input) -> Field {
    Field { name, input, required: false }
}

pub const fn form(act: &'static str, fields: &'static [Field]) -> Form {
    Form { act, fields, confirm: false }
}

pub const fn grave(act: &'static str, fields: &'static [Field]) -> Form {
    Form { act, fields, confirm: true }
}

fn cell(field: &str, how: Cell, text: &str) -> Result<Value, Refusal> {
    match how {
        Cell::Line => Ok(json!(text)),
        Cell::Day => day(field, text).map(|day| json!(day)),
        Cell::Money => money(field, text).map(|amount| json!(amount.0)),
        Cell::Whole => whole(field, text),
    }
}

fn day(field: &str, text: &str) -> Result<NaiveDate, Refusal> {
    let read = |form: &str| NaiveDate::parse_from_str(text, form).ok();
    read("%Y-%m-%d")
        .or_else(|| read("%d/%m/%Y"))
        .ok_or_else(|| Refusal::wrong(field, text, "expected a day as 31/12/2026"))
}

fn money(field: &str, text: &str) -> Result<Centavos, Refusal> {
    text.parse().map_err(|_| Refusal::wrong(field, text, "expected reais as 1.234.567,89"))
}

fn whole(field: &str, text: &str) -> Result<Value, Refusal> {
    let number: i64 = text.parse().map_err(|_| Refusal::wrong(field, text, "expected a whole number"))?;
    Ok(json!(number))
}

fn rows(field: &str, columns: &[(&str, Cell)], text: &str) -> Result<Value, Refusal> {
    let mut all = Vec::new();
    for (at, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let place = format!("{field}, line {}", at + 1);
        let cells: Vec<&str> = line.split(';').map(str::trim).collect();
        if cells.len() > columns.len() || all.len() >= MOST_LINES {
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            return Err(Refusal::wrong(place, line, format!("expected {} between `;`", names.join("; "))));
        }
        let mut row = Map::new();
        for ((name, how), text) in columns.iter().zip(cells).filter(|(_, text)| !text.is_empty()) {
            row.insert((*name).to_owned(), cell(&format!("{place}, {name}"), *how, text)?);
        }
        all.push(Value::Object(row));
    }
    Ok(Value::Array(all))
}

fn value(field: &Field, text: &str) -> Result<Option<Value>, Refusal> {
    let text = text.trim();
    Ok(match field.input {
        Input::Yes => Some(json!(matches!(text, "yes" | "true" | "on"))),
        Input::Lines => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MOST_LINES);
            Some(json!(lines.collect::<Vec<_>>()))
        }
        Input::Rows(columns) => Some(rows(field.name, columns, text)?),
        _ if text.is_empty() && field.required => {
            return Err(Refusal::wrong(field.name, "", "expected something here"));
        }
        _ if text.is_empty() => None,
        Input::Line | Input::Text | Input::Choice(_) => Some(json!(text)),
        Input::Day => Some(json!(day(field.name, text)?)),
        Input::Money => Some(json!(money(field.name, text)?.0)),
        Input::Whole => Some(whole(field.name, text)?),
    })
}

fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = into.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// What was typed as the JSON of an act.
///
/// # Errors
/// Names the field.
pub fn read(form: &Form, typed: &BTreeMap<String, String>) -> Result<Map<String, Value>, Refusal> {
    let mut all = Map::new();
    for field in form.fields {
        let text = typed.get(field.name).map(String::as_str).unwrap_or_default();
        if let Some(value) = value(field, text)? {
            put(&mut all, field.name, value);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = form(
        "write",
        &[
            need("partner.name", Input::Line),
            may("agreed", Input::Money),
            need("plan.schedule", Input::Rows(&[("on", Cell::Day), ("centavos", Cell::Money)])),
            may("commission", Input::Lines),
        ],
    );

    fn typed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_is_typed_becomes_the_act_and_a_bad_line_is_told_by_its_number() {
        let given = [
            ("partner.name", "Casa"),
            ("agreed", "1.000,50"),
            ("plan.schedule", "05/03/2026; 1.000,50\n"),
            ("commission", "Ana\nRui"),
        ];
        let read_back = read(&FORM, &typed(&given)).unwrap();
        let expected = json!({ "partner": { "name": "Casa" }, "agreed": 100_050, "commission": ["Ana", "Rui"],
            "plan": { "schedule": [{ "on": "2026-03-05", "centavos": 100_050 }] } });
        assert_eq!(Value::Object(read_back), expected);
        let wrong =
            read(&FORM, &typed(&[("partner.name", "Casa"), ("plan.schedule", "\n05/03/2026; mil")])).unwrap_err();
        assert!(wrong.to_string().contains("plan.schedule, line 2, centavos"), "{wrong}");
        assert!(read(&FORM, &typed(&[])).is_err());
    }
}
