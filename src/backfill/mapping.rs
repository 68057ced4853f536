//! How a table is written, as a file in TOML says it. `docs/backfill.md` explains each key to whoever writes one.

use serde::Deserialize;

use super::time::BadTime;
use crate::units::{Quantity, UnknownWord};

/// Year, month, day, hour, minute and second.
const MAX_TIME_COLUMNS: usize = 6;

/// How a table is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What kind of file this is for, in words.
    pub title: String,
    /// Where such files come from.
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub encoding: Encoding,
    /// `auto`, or the one character between cells.
    #[serde(default = "auto")]
    pub delimiter: String,
    #[serde(default)]
    pub decimal: Decimal,
    /// Lines at the beginning that are passed over unread. Where columns are named, the line that names them is found by itself.
    #[serde(default)]
    pub skip_lines: usize,
    pub station: Station,
    pub time: Time,
    /// Cells that say "no value", as text or as a number. An empty cell always does.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Rows to pass over.
    #[serde(default)]
    pub skip: Vec<Skip>,
    pub wide: Option<Wide>,
    pub values: Vec<Value>,
}

fn auto() -> String {
    "auto".into()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8 where a cell is that, Latin-1 otherwise.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "latin-1")]
    Latin1,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Decimal {
    /// Whichever of the two a cell has.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

/// A column by its place, counted from 1, or by its name; `*` in a name stands for anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Column {
    Place(usize),
    Name(String),
    /// The first of these that is there.
    Names(Vec<String>),
}

impl Column {
    pub fn names(&self) -> &[String] {
        match self {
            Self::Place(_) => &[],
            Self::Name(name) => std::slice::from_ref(name),
            Self::Names(names) => names,
        }
    }

    /// As people would say it.
    pub fn words(&self) -> String {
        match self {
            Self::Place(place) => format!("column {place}"),
            Self::Name(name) => format!("{name:?}"),
            Self::Names(names) => names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// Whose measurements they are: exactly one of the three, or `--station`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    pub column: Option<Column>,
    /// The same station for the whole file.
    pub code: Option<String>,
    /// A line above the table, such as `CODIGO (WMO):;A618`: what its first cell looks like; the code is in the second.
    pub line: Option<String>,
    /// Their code = ours. Codes that are not here stay as they are.
    #[serde(default)]
    pub codes: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// One to six columns, joined by blanks: date and time, or year, month, day, hour and minute each in its own.
    pub columns: Vec<Column>,
    /// As in strftime; the first that fits counts. `rfc3339` for `2026-02-24T00:50:00Z`.
    pub formats: Vec<String>,
    /// `UTC`, an offset (`-03:00`), a name (`America/Sao_Paulo`), or `text` when the text itself has an offset.
    pub zone: String,
    /// Whether the stamp of an interval is its end or its start. The journal keeps the end.
    #[serde(default)]
    pub stamps: Stamps,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stamps {
    #[default]
    End,
    Start,
}

/// A row to pass over: totals, notes, stations of another kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    pub column: Column,
    /// What the cell looks like; empty for an empty cell.
    pub like: String,
}

/// Days or hours side by side: one row is many readings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wide {
    /// The columns' name with `{n}` (1, 2, …) or `{nn}` (01, 02, …).
    pub columns: String,
    pub from: u32,
    pub to: u32,
    pub step: Step,
    /// The hour of the day, on the file's clock, that the value of a day is stamped with.
    #[serde(default)]
    pub at_hour: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The row is a month, `n` the day in it.
    Day,
    /// The row is a day, `n` the hour from its beginning.
    Hour,
}

/// One column of measurements, or, with `wide`, all of its columns.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    pub column: Option<Column>,
    /// The stream by its name at the station …
    pub stream: Option<String>,
    /// … or by what it measures …
    #[serde(default, deserialize_with = "quantity")]
    pub quantity: Option<Quantity>,
    /// … or by a column that says what is measured, in the words of `words` or the service's own.
    pub quantity_column: Option<Column>,
    #[serde(default)]
    pub words: std::collections::BTreeMap<String, String>,
    /// The unit of the numbers; the stream's own when neither this nor `unit_column` is given.
    pub unit: Option<String>,
    pub unit_column: Option<Column>,
    /// By which the number is multiplied before its unit counts.
    pub factor: Option<f64>,
    /// Text after the number, such as the `m` of "2,32 m".
    pub suffix: Option<String>,
    /// Further cells that say "no value" in this column.
    #[serde(default)]
    pub missing: Vec<String>,
    /// The span that each value is the sum of.
    pub interval_s: Option<i32>,
    /// Whether a file may lack this column.
    #[serde(default)]
    pub optional: bool,
}

fn quantity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
    let word = String::deserialize(deserializer)?;
    word.parse().map(Some).map_err(|error: UnknownWord| serde::de::Error::custom(error))
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct BadMapping {
    pub file: String,
    pub message: String,
}

impl Mapping {
    /// Reads a mapping and looks whether its parts fit together.
    ///
    /// # Errors
    /// Names the file, the key, the value and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadMapping> {
        let bad = |message: String| BadMapping { file: file.to_owned(), message };
        let mapping: Self =
            serde_path_to_error::deserialize(toml::Deserializer::parse(text).map_err(|error| bad(error.to_string()))?)
                .map_err(|error| bad(format!("{}: {}", error.path(), error.inner().to_string().trim())))?;
        mapping.check().map_err(bad)?;
        Ok(mapping)
    }

    fn check(&self) -> Result<(), String> {
        if self.delimiter != "auto" && self.delimiter.len() != 1 {
            return Err(format!("delimiter = {:?}: expected \"auto\" or one character", self.delimiter));
        }
        let ways = [self.station.column.is_some(), self.station.code.is_some(), self.station.line.is_some()];
        if ways.iter().filter(|way| **way).count() > 1 {
            return Err("station: expected one of column, code and line".into());
        }
        if self.values.is_empty() {
            return Err("values: expected at least one [[values]]".into());
        }
        self.check_time()?;
        self.check_places()?;
        self.values.iter().enumerate().try_for_each(|(index, value)| {
            self.check_value(value).map_err(|message| format!("values[{index}]{message}"))
        })?;
        self.wide.as_ref().map_or(Ok(()), |wide| check_wide(wide, &self.values))
    }

    fn check_time(&self) -> Result<(), String> {
        let time = &self.time;
        if time.columns.is_empty() || time.columns.len() > MAX_TIME_COLUMNS {
            return Err(format!("time.columns: expected one to {MAX_TIME_COLUMNS} columns"));
        }
        super::time::Stamp::build(time).map_err(|BadTime { key, message }| format!("time.{key}: {message}"))?;
        Ok(())
    }

    fn check_places(&self) -> Result<(), String> {
        let all = self.columns();
        match all.iter().find(|column| matches!(column, Column::Place(0))) {
            Some(_) => Err("a column has place 0; places are counted from 1".into()),
            None => Ok(()),
        }
    }

    fn check_value(&self, value: &Value) -> Result<(), String> {
        let says = [value.stream.is_some(), value.quantity.is_some(), value.quantity_column.is_some()]
            .iter()
            .filter(|is| **is)
            .count();
        if says != 1 {
            return Err(": expected one of stream, quantity and quantity_column".into());
        }
        if value.column.is_some() == self.wide.is_some() {
            return Err(".column: expected with a column for each value, and not with [wide]".into());
        }
        if let (Some(quantity), Some(unit)) = (value.quantity, &value.unit) {
            let measure = crate::units::Measure { interval_s: value.interval_s, ..crate::units::Measure::of(quantity) };
            measure.conversion(unit).map_err(|refused| format!(".unit = {unit:?}: {refused}"))?;
        }
        if value.factor.is_some_and(|factor| !factor.is_finite() || factor == 0.0) {
            return Err(".factor: expected a number that is not 0".into());
        }
        if value.interval_s.is_some_and(|seconds| seconds <= 0) {
            return Err(".interval_s: expected seconds above 0".into());
        }
        if self.time.stamps == Stamps::Start && value.interval_s.is_none() {
            return Err(".interval_s: expected with stamps = \"start\", to know where the interval ends".into());
        }
        if let Some(word) = value.words.values().find(|word| word.parse::<Quantity>().is_err()) {
            return Err(format!(
                ".words: {}",
                word.parse::<Quantity>().err().map_or_else(String::new, |e| e.to_string())
            ));
        }
        Ok(())
    }

    /// Every column that must be there.
    pub fn columns(&self) -> Vec<&Column> {
        let values = self.values.iter().filter(|value| !value.optional);
        let values = values.flat_map(|v| [v.column.as_ref(), v.quantity_column.as_ref(), v.unit_column.as_ref()]);
        let fixed =
            self.station.column.iter().chain(&self.time.columns).chain(self.skip.iter().map(|skip| &skip.column));
        fixed.chain(values.flatten()).collect()
    }
}

fn check_wide(wide: &Wide, values: &[Value]) -> Result<(), String> {
    if values.len() != 1 {
        return Err("values: expected one beside [wide]".into());
    }
    if !wide.columns.contains("{n}") && !wide.columns.contains("{nn}") {
        return Err(format!("wide.columns = {:?}: expected {{n}} or {{nn}} in it", wide.columns));
    }
    let (least, most) = match wide.step {
        Step::Day => (1, 31),
        Step::Hour => (0, 24),
    };
    if wide.at_hour > 23 {
        return Err(format!("wide.at_hour = {}: expected an hour from 0 to 23", wide.at_hour));
    }
    if wide.from < least || wide.to > most || wide.from > wide.to {
        return Err(format!("wide: from = {}, to = {}: expected within {least} to {most}", wide.from, wide.to));
    }
    Ok(())
}
